package schedule_test

import (
	"bytes"
	"errors"
	"slices"
	"testing"
	"time"

	"sundog/internal/embedded/store"
	"sundog/internal/schedule"
)

// TestOneTime follows a schedule with one point in time from its making until it is gone.
func TestOneTime(t *testing.T) {
	virtual(t, func(t *testing.T, w *world) {
		at := time.Now().Add(2*time.Hour + 123*time.Millisecond)
		d := get(at, "http://example.org/hook")
		d.Context = schedule.Context{Headers: []schedule.Header{{Name: "X-Key", Value: "v"}}, Payload: "hello"}
		made := w.create(d)
		if made.State != schedule.New || !made.Next.Equal(at) {
			t.Fatalf("it was made as %+v", made)
		}
		state := func() schedule.State {
			rec, err := w.schedules.Get(t.Context(), made.ID)
			if errors.Is(err, schedule.ErrNotFound) {
				return "gone"
			}
			if err != nil {
				t.Fatal(err)
			}
			return rec.State
		}
		pass(2*time.Hour - time.Minute)
		if got := state(); got != schedule.New {
			t.Errorf("a minute before its time it is %s", got)
		}
		pass(time.Minute - time.Second)
		if got := state(); got != schedule.Processed {
			t.Errorf("a second before its time it is %s", got)
		}
		if calls := w.internet.made(); len(calls) > 0 {
			t.Errorf("it has fired before its time: %v", calls)
		}
		pass(2 * time.Second)
		calls := w.internet.made()
		if len(calls) != 1 {
			t.Fatalf("there were %d requests", len(calls))
		}
		c := calls[0]
		if late := c.at.Sub(at); late < 0 || late > 10*time.Millisecond {
			t.Errorf("the request came %v after the point in time", late)
		}
		if c.method != "GET" || c.url != "http://example.org/hook" || c.body != "hello" || c.header.Get("X-Key") != "v" ||
			c.header.Get(schedule.HeaderID) != made.ID || c.header.Get(schedule.HeaderAttempt) != "1" ||
			c.header.Get(schedule.HeaderFor) != at.UTC().Format(time.RFC3339Nano) {
			t.Errorf("the request is %+v", c)
		}
		pass(59 * time.Minute)
		if got := state(); got != schedule.Processed {
			t.Errorf("59 minutes after its time it is %s", got)
		}
		pass(3 * time.Minute)
		if got := state(); got != "gone" {
			t.Errorf("an hour after its time it is %s", got)
		}
		if got, want := w.story(made.ID), "created, enqueued, fired, delivered 1:200"; got != want {
			t.Errorf("its history is %s, not %s", got, want)
		}
	})
}

// TestRecurring looks at what a rate fires, and at its restart.
func TestRecurring(t *testing.T) {
	virtual(t, func(t *testing.T, w *world) {
		d := send(time.Time{}, "tick")
		d.Expression = "rate(5 minutes)"
		made := w.create(d)
		var want []string
		for i := 1; i <= 4; i++ {
			want = append(want, made.Created.Add(time.Duration(i)*5*time.Minute).UTC().Format(time.RFC3339Nano))
		}
		pass(11 * time.Minute)
		w.reopen()
		pass(10 * time.Minute)
		var got []string
		for _, m := range w.messages("work") {
			got = append(got, m.Attributes[schedule.HeaderFor].Value)
			if m.Attributes[schedule.HeaderID].Value != made.ID || m.Attributes[schedule.HeaderAttempt].Value != "1" || string(m.Body) != "tick" {
				t.Errorf("a message is %+v", m)
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("it fired at %v, not at %v", got, want)
		}
		if rec, err := w.schedules.Get(t.Context(), made.ID); err != nil || rec.State != schedule.New {
			t.Errorf("it is %+v, %v", rec, err)
		}
	})
}

// TestCatchUp stops the platform over several points in time.
func TestCatchUp(t *testing.T) {
	for policy, want := range map[schedule.CatchUp][]int{
		schedule.CatchUpAll: {1, 2, 3, 4, 5}, schedule.CatchUpLast: {1, 4, 5}, schedule.CatchUpNone: {1, 5}, "": {1, 4, 5},
	} {
		virtual(t, func(t *testing.T, w *world) {
			d := send(time.Time{}, "tick")
			d.Expression, d.CatchUp = "rate(10 minutes)", policy
			made := w.create(d)
			once := w.create(send(time.Now().Add(20*time.Minute), "once"))
			pass(15 * time.Minute)
			w.close()
			pass(30 * time.Minute)
			if !w.open() {
				t.Fatal("it does not open")
			}
			pass(10 * time.Minute)
			var got []int
			fired := 0
			for _, m := range w.messages("work") {
				at, err := time.Parse(time.RFC3339Nano, m.Attributes[schedule.HeaderFor].Value)
				if err != nil {
					t.Fatal(err)
				}
				if m.Attributes[schedule.HeaderID].Value == once.ID {
					fired++
					continue
				}
				got = append(got, int(at.Sub(made.Created)/(10*time.Minute)))
			}
			if !slices.Equal(got, want) {
				t.Errorf("with catch-up %q it fired %v, not %v", policy, got, want)
			}
			if fired != 1 {
				t.Errorf("what is to fire once has fired %d times", fired)
			}
		})
	}
}

// TestClockJumps sets the wall clock forward and back.
func TestClockJumps(t *testing.T) {
	virtual(t, func(t *testing.T, w *world) {
		start := w.now()
		for _, minutes := range []int{5, 10, 15, 20} {
			w.create(send(start.Add(time.Duration(minutes)*time.Minute), "m"))
		}
		fired := 0
		step := func(what string, want int) {
			t.Helper()
			for _, m := range w.messages("work") {
				fired++
				at, err := time.Parse(time.RFC3339Nano, m.Attributes[schedule.HeaderFor].Value)
				if err != nil || at.After(w.now()) {
					t.Errorf("%s: the one of %v fired early, at %v (%v)", what, at, w.now(), err)
				}
			}
			if fired != want {
				t.Errorf("%s: %d have fired, not %d", what, fired, want)
			}
		}
		pass(6 * time.Minute)
		step("at the beginning", 1)
		w.shift.Store(int64(5 * time.Minute)) // 11
		pass(2 * time.Second)
		step("after a jump over a point in time", 2)
		w.shift.Store(int64(-4 * time.Minute)) // 2
		pass(10 * time.Minute)                 // 12, for the second time
		step("after a jump back", 2)
		pass(4 * time.Minute) // 16
		step("when the time has come again", 3)
		w.shift.Add(int64(time.Minute))
		pass(10 * time.Minute)
		step("at the end", 4)
	})
}

// TestUnknownZone takes away the zone of a schedule, as an update of the zones could. The others go on, and it can be mended.
func TestUnknownZone(t *testing.T) {
	virtual(t, func(t *testing.T, w *world) {
		d := send(time.Time{}, "halted")
		d.Expression, d.Zone = "*/5 * * * *", "Europe/Berlin"
		halted := w.create(d)
		key := store.NewKey(store.PrefixSchedule).String(halted.ID)
		value, err := w.store.Get(key)
		if err != nil {
			t.Fatal(err)
		}
		tx := w.store.Begin()
		tx.Set(key, bytes.ReplaceAll(value, []byte("Europe/Berlin"), []byte("Europe/Gone")))
		if err := tx.Commit(t.Context()); err != nil {
			t.Fatal(err)
		}
		other := w.create(send(time.Now().Add(10*time.Minute), "other"))
		pass(11 * time.Minute)
		if got, want := w.story(other.ID), "created, enqueued, fired, delivered 1"; got != want {
			t.Errorf("the history of the other is %s, not %s", got, want)
		}
		if got, want := w.story(halted.ID), "created, enqueued, failed!, paused"; got != want {
			t.Errorf("its history is %s, not %s", got, want)
		}
		if _, err := w.schedules.Resume(t.Context(), halted.ID); !errors.Is(err, schedule.ErrInvalid) {
			t.Errorf("resuming it: %v", err)
		}
		if _, err := w.schedules.Change(t.Context(), halted.ID, d); err != nil {
			t.Fatal(err)
		}
		if rec, err := w.schedules.Resume(t.Context(), halted.ID); err != nil || rec.Next.IsZero() {
			t.Errorf("once it was mended: %+v, %v", rec, err)
		}
		if got := w.schedules.Pending(); got != 1 {
			t.Errorf("%d are pending", got)
		}
	})
}
