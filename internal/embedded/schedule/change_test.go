package schedule_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"sundog/internal/schedule"
)

// TestKeys makes schedules with keys of the client.
func TestKeys(t *testing.T) {
	virtual(t, func(t *testing.T, w *world) {
		at := time.Now().Add(time.Hour)
		d := send(at, "first")
		d.Key = "k"
		first, made, err := w.schedules.Create(t.Context(), d)
		if err != nil || !made {
			t.Fatal(made, err)
		}
		other := send(at.Add(time.Hour), "second")
		other.Key = "k"
		w.reopen()
		again, made, err := w.schedules.Create(t.Context(), other)
		if err != nil || made || again.ID != first.ID || again.Action.Queue.Body != "first" {
			t.Errorf("the same key gave %+v, %v, %v", again, made, err)
		}
		bad := send(time.Now().Add(-time.Second), "past")
		twice := send(at, "twice")
		twice.Key = "twice"
		all, err := w.schedules.CreateMany(t.Context(), []schedule.Draft{other, twice, bad, twice, send(at, "none"), send(at, "none")})
		if err != nil {
			t.Fatal(err)
		}
		if all[0].Schedule.ID != first.ID || all[1].Schedule.ID != all[3].Schedule.ID || all[4].Schedule.ID == all[5].Schedule.ID {
			t.Errorf("a batch gave %+v", all)
		}
		for i, m := range all {
			if wrong := errors.Is(m.Err, schedule.ErrInvalid); wrong != (i == 2) {
				t.Errorf("draft %d: %v", i, m.Err)
			}
		}
		if got := w.schedules.Pending(); got != 4 {
			t.Errorf("%d schedules are pending", got)
		}
		if err := w.schedules.Cancel(t.Context(), first.ID); err != nil {
			t.Fatal(err)
		}
		if again, made, err = w.schedules.Create(t.Context(), other); err != nil || !made || again.ID == first.ID {
			t.Errorf("after the first was cancelled, its key gave %+v, %v, %v", again, made, err)
		}
	})
}

// TestTargets makes schedules whose action names something that is not there.
func TestTargets(t *testing.T) {
	virtual(t, func(t *testing.T, w *world) {
		at := time.Now().Add(time.Hour)
		many := make([]schedule.Header, 63)
		for i := range many {
			many[i].Name = fmt.Sprint("a", i)
		}
		for field, a := range map[string]schedule.Action{
			"action.queue.queue":      {Type: schedule.QueueAction, Queue: &schedule.QueueSend{Queue: "nobody"}},
			"action.queue.attributes": {Type: schedule.QueueAction, Queue: &schedule.QueueSend{Queue: "work", Attributes: many}},
			"action.lambda.function":  {Type: schedule.LambdaAction, Lambda: &schedule.LambdaCall{Function: "nobody"}},
			"action.custom.topic":     {Type: schedule.CustomAction, Custom: &schedule.Custom{Topic: "nobody"}},
			"action.payload.lane":     {Type: schedule.PayloadAction, Payload: &schedule.Payload{Payload: []byte("{}"), Lane: "nobody"}},
		} {
			_, _, err := w.schedules.Create(t.Context(), schedule.Draft{At: at, Action: a})
			if wrong, ok := errors.AsType[*schedule.FieldError](err); !ok || wrong.Field != field {
				t.Errorf("%s: %v", field, err)
			}
		}
		refused := send(at, "x")
		refused.Action.Queue.Queue = "custom"
		if _, _, err := w.schedules.Create(t.Context(), refused); !errors.Is(err, schedule.ErrInvalid) {
			t.Errorf("a queue that no schedule may send to: %v", err)
		}
		if got := w.schedules.Pending(); got != 0 {
			t.Errorf("%d schedules are pending", got)
		}
	})
}

// TestChanges changes, pauses, resumes, fires and cancels a schedule.
func TestChanges(t *testing.T) {
	virtual(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		start := time.Now()
		bodies := func() (all []string) {
			for _, m := range w.messages("work") {
				all = append(all, string(m.Body))
			}
			return all
		}
		expect := func(what string, want ...string) {
			t.Helper()
			if got := bodies(); !slices.Equal(got, want) {
				t.Errorf("%s: the messages are %v, not %v", what, got, want)
			}
		}
		must := func(rec schedule.Schedule, err error) schedule.Schedule {
			t.Helper()
			if err != nil {
				t.Fatal(err)
			}
			return rec
		}
		d := send(start.Add(time.Hour), "old")
		d.Key = "k"
		rec := w.create(d)
		if at, err := w.schedules.Fire(ctx, rec.ID); err != nil || time.Until(at) > 0 {
			t.Errorf("firing now: %v, %v", at, err)
		}
		expect("fired now", "old")
		must(w.schedules.Change(ctx, rec.ID, send(start.Add(2*time.Hour), "new")))
		pass(90 * time.Minute)
		expect("at the time it had first")
		if got := must(w.schedules.Pause(ctx, rec.ID)); got.Status() != schedule.Paused || w.schedules.Pending() != 0 {
			t.Errorf("paused: %+v", got)
		}
		must(w.schedules.Pause(ctx, rec.ID))
		w.reopen()
		pass(time.Hour)
		expect("while it is paused")
		must(w.schedules.Resume(ctx, rec.ID))
		pass(time.Second)
		expect("resumed after its time", "new")
		must(w.schedules.Resume(ctx, rec.ID))
		if _, err := w.schedules.Pause(ctx, rec.ID); !errors.Is(err, schedule.ErrProcessed) {
			t.Errorf("pausing what has fired: %v", err)
		}
		if _, err := w.schedules.Change(ctx, rec.ID, d); !errors.Is(err, schedule.ErrProcessed) {
			t.Errorf("changing what has fired: %v", err)
		}
		if err := w.schedules.Cancel(ctx, rec.ID); !errors.Is(err, schedule.ErrProcessed) {
			t.Errorf("cancelling what has fired: %v", err)
		}
		if got, want := w.story(rec.ID), "created, fired, delivered 1, changed, paused, resumed, enqueued, fired, delivered 1"; got != want {
			t.Errorf("its history is %s, not %s", got, want)
		}
		soon := w.create(send(time.Now().Add(5*time.Second), "soon"))
		if soon.State != schedule.Processed {
			t.Errorf("what fires in the delay window is made %s", soon.State)
		}
		if err := w.schedules.Cancel(ctx, soon.ID); err != nil {
			t.Error(err)
		}
		pass(time.Minute)
		expect("cancelled in the window")
		if got, want := w.story(soon.ID), "created, enqueued, cancelled"; got != want {
			t.Errorf("its history is %s, not %s", got, want)
		}
		for doing, err := range map[string]error{
			"get": second(w.schedules.Get(ctx, soon.ID)), "pause": second(w.schedules.Pause(ctx, soon.ID)),
			"change": second(w.schedules.Change(ctx, soon.ID, d)), "cancel": w.schedules.Cancel(ctx, soon.ID),
			"fire": second(w.schedules.Fire(ctx, soon.ID)), "history": second(w.schedules.History(ctx, "unknown", "", 0)),
		} {
			if !errors.Is(err, schedule.ErrNotFound) {
				t.Errorf("%s what is gone: %v", doing, err)
			}
		}
	})
}

func second[T any](_ T, err error) error { return err }

// TestHistoryIsKept looks at a history while it grows old.
func TestHistoryIsKept(t *testing.T) {
	virtual(t, func(t *testing.T, w *world) {
		later := func(d time.Duration) {
			w.shift.Add(int64(d)) // days are not waited for
			pass(2 * time.Minute)
		}
		rec := w.create(send(w.now().Add(24*time.Hour), "x"))
		later(26 * time.Hour)
		later(28 * 24 * time.Hour)
		w.reopen()
		if got, want := w.story(rec.ID), "created, enqueued, fired, delivered 1"; got != want {
			t.Errorf("after 29 days its history is %s, not %s", got, want)
		}
		later(2 * 24 * time.Hour)
		if got := w.story(rec.ID); strings.Contains(got, "created") || !strings.HasSuffix(got, "delivered 1") {
			t.Errorf("after 31 days its history is %s", got)
		}
		later(2 * 24 * time.Hour)
		if _, err := w.schedules.History(t.Context(), rec.ID, "", 0); !errors.Is(err, schedule.ErrNotFound) {
			t.Errorf("after 33 days: %v", err)
		}
	})
}

// TestList pages through schedules by each question.
func TestList(t *testing.T) {
	virtual(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		start := time.Now()
		hour := func(n int) time.Time { return start.Add(time.Duration(n) * time.Hour) }
		names := map[string]string{}
		add := func(name, key string, d schedule.Draft) string {
			d.Key, d.Name = key, name
			rec := w.create(d)
			names[rec.ID] = name
			return rec.ID
		}
		add("c", "team-a/3", send(hour(3), "c"))
		add("a", "team-a/1", send(start.Add(20*time.Minute), "a"))
		add("d", "team-b/1", get(hour(4), "http://example.org"))
		paused := add("p", "team-b/2", send(hour(2), "p"))
		add("b", "", send(hour(2), "b"))
		rate := send(time.Time{}, "r")
		rate.Expression = "rate(6 hours)"
		add("r", "", rate)
		if _, err := w.schedules.Pause(ctx, paused); err != nil {
			t.Fatal(err)
		}
		pass(30 * time.Minute) // a has fired
		for question, c := range map[string]struct {
			query schedule.Query
			want  string
		}{
			"all":          {schedule.Query{}, "a b c d r p"},
			"new":          {schedule.Query{Status: schedule.New}, "b c d r"},
			"processed":    {schedule.Query{Status: schedule.Processed}, "a"},
			"paused":       {schedule.Query{Status: schedule.Paused}, "p"},
			"requests":     {schedule.Query{Action: schedule.HTTPAction}, "d"},
			"messages":     {schedule.Query{Action: schedule.QueueAction}, "a b c r p"},
			"from":         {schedule.Query{From: hour(3)}, "c d r"},
			"until":        {schedule.Query{Until: hour(3)}, "a b c"},
			"between":      {schedule.Query{From: hour(2), Until: hour(3)}, "b c"},
			"prefix":       {schedule.Query{KeyPrefix: "team-b/"}, "d p"},
			"prefix, new":  {schedule.Query{KeyPrefix: "team", Status: schedule.New}, "c d"},
			"prefix, none": {schedule.Query{KeyPrefix: "x"}, ""},
		} {
			for _, limit := range []int{1, 2, 100} {
				var got []string
				q := c.query
				q.Limit = limit
				for range 20 {
					page, err := w.schedules.List(ctx, q)
					if err != nil {
						t.Fatal(err)
					}
					for _, rec := range page.Schedules {
						got = append(got, names[rec.ID])
					}
					if q.After = page.Next; q.After == "" {
						break
					}
					if len(page.Schedules) != limit {
						t.Errorf("%s: a page of %d has %d", question, limit, len(page.Schedules))
					}
					w.reopen()
				}
				if strings.Join(got, " ") != c.want {
					t.Errorf("%s, %d at a time: %v, not %s", question, limit, got, c.want)
				}
			}
		}
		for _, q := range []schedule.Query{{After: "!"}, {Limit: -1}, {Status: "OLD"}} {
			if _, err := w.schedules.List(ctx, q); !errors.Is(err, schedule.ErrInvalid) {
				t.Errorf("%+v: %v", q, err)
			}
		}
	})
}
