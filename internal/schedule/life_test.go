package schedule_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"sundog/internal/schedule"
)

func draft(expression string, catchUp schedule.CatchUp) schedule.Draft {
	return schedule.Draft{
		Expression: expression, CatchUp: catchUp,
		Action: schedule.Action{Type: schedule.QueueAction, Queue: &schedule.QueueSend{Queue: "q"}},
	}
}

func makeSchedule(t *testing.T, d schedule.Draft, now time.Time) schedule.Schedule {
	t.Helper()
	s, err := schedule.Make("id", "me", d, now)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// advance advances a schedule as long as it is due, and returns what fires.
func advance(t *testing.T, s schedule.Schedule, now time.Time) (fired []time.Time, after schedule.Schedule) {
	t.Helper()
	for !s.Due.IsZero() && !s.Due.After(now) {
		fire, next, err := s.Advance(now)
		if err != nil {
			t.Fatal(err)
		}
		if !fire.IsZero() {
			fired = append(fired, fire)
		}
		s = next
	}
	return fired, s
}

func TestCatchUp(t *testing.T) {
	made := parseTime(t, "2026-03-01T11:59:30Z")
	for _, c := range []struct {
		catchUp    schedule.CatchUp
		now        string
		want, next string
	}{
		{schedule.CatchUpAll, "2026-03-01T12:03:00Z", "12:00 12:01 12:02 12:03", "12:04"},
		{schedule.CatchUpLast, "2026-03-01T12:03:30Z", "12:03", "12:04"},
		{"", "2026-03-01T12:03:30Z", "12:03", "12:04"},
		{schedule.CatchUpNone, "2026-03-01T12:03:30Z", "", "12:04"},
		{schedule.CatchUpNone, "2026-03-01T12:03:05Z", "12:03", "12:04"}, // late by less than the grace
		{schedule.CatchUpNone, "2026-03-01T12:00:09Z", "12:00", "12:01"},
		{schedule.CatchUpLast, "2026-03-01T12:00:00Z", "12:00", "12:01"},
		{schedule.CatchUpLast, "2027-03-01T12:00:30Z", "12:00", "12:01"}, // a year later, in an instant
		{schedule.CatchUpNone, "2027-03-01T12:00:30Z", "", "12:01"},
	} {
		now := parseTime(t, c.now)
		fired, after := advance(t, makeSchedule(t, draft("* * * * *", c.catchUp), made), now)
		var got []string
		for _, at := range fired {
			got = append(got, at.Format("15:04"))
		}
		if strings.Join(got, " ") != c.want || after.Next.Format("15:04") != c.next || !after.Next.After(now) || after.State != schedule.New {
			t.Errorf("%s at %s: %s, then %s; want %s, then %s", c.catchUp, c.now, got, after.Next, c.want, c.next)
		}
	}
}

func TestOnePointInTimeAlwaysFires(t *testing.T) {
	now := parseTime(t, "2026-03-01T12:00:00Z")
	for _, catchUp := range []schedule.CatchUp{schedule.CatchUpAll, schedule.CatchUpLast, schedule.CatchUpNone} {
		once, at := draft("", catchUp), draft("at(2026-03-01T13:00:00)", catchUp)
		once.At = now.Add(time.Hour)
		for _, d := range []schedule.Draft{once, at} {
			s := makeSchedule(t, d, now)
			fired, after := advance(t, s, now.Add(30*24*time.Hour))
			if len(fired) != 1 || !fired[0].Equal(now.Add(time.Hour)) || after.State != schedule.Processed || !after.Next.IsZero() || s.Recurring() {
				t.Errorf("%+v: %s, then %+v", d, fired, after)
			}
			for doing, err := range map[string]error{
				"pausing":  second(after.Pause()),
				"changing": second(after.Change(d, now)),
			} {
				if !errors.Is(err, schedule.ErrProcessed) {
					t.Errorf("%s what has fired: %v", doing, err)
				}
			}
		}
	}
}

func second[T any](_ T, err error) error { return err }

func TestPauseAndResume(t *testing.T) {
	now := parseTime(t, "2026-03-01T12:00:30Z")
	d := draft("rate(1 hour)", schedule.CatchUpAll)
	d.End = now.Add(10 * time.Hour)
	paused, err := makeSchedule(t, d, now).Pause()
	if err != nil || !paused.Next.IsZero() || paused.Status() != schedule.Paused {
		t.Fatalf("%+v %v", paused, err)
	}
	if s, err := paused.Resume(now.Add(150 * time.Minute)); err != nil || !s.Next.Equal(now.Add(3*time.Hour)) || s.Paused {
		t.Errorf("resumed: %+v %v", s, err)
	}
	if s, err := paused.Resume(now.Add(11 * time.Hour)); err != nil || s.State != schedule.Processed {
		t.Errorf("resumed after its end: %+v %v", s, err)
	}
	changed, err := paused.Change(draft("0 9 * * *", ""), now)
	if err != nil || !changed.Paused || !changed.Next.IsZero() || !changed.Changed.Equal(now) || changed.Created != paused.Created {
		t.Errorf("changed: %+v %v", changed, err)
	}
	once := draft("", "")
	once.At = now.Add(time.Minute)
	paused, err = makeSchedule(t, once, now).Pause()
	if err != nil {
		t.Fatal(err)
	}
	if s, err := paused.Resume(now.Add(time.Hour)); err != nil || !s.Next.Equal(once.At) {
		t.Errorf("one point in time that passed meanwhile: %+v %v", s, err)
	}
}

func TestFlexibleWindow(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := draft("", "")
		d.At = time.Unix(rapid.Int64Range(2e9, 4e9).Draw(t, "at"), 0)
		d.FlexibleSeconds = rapid.IntRange(0, schedule.MaxFlexible).Draw(t, "window")
		id := rapid.String().Draw(t, "id")
		a, err := schedule.Make(id, "me", d, time.Unix(1e9, 0))
		b, err2 := schedule.Make(id, "you", d, time.Unix(1e9+5, 0))
		if err != nil || err2 != nil || !a.Due.Equal(b.Due) {
			t.Fatalf("%s and %s, %v %v", a.Due, b.Due, err, err2)
		}
		if window := time.Duration(d.FlexibleSeconds) * time.Second; a.Due.Before(a.Next) || a.Due.Sub(a.Next) > window || window == 0 && !a.Due.Equal(a.Next) {
			t.Fatalf("%s is not within %s of %s", a.Due, window, a.Next)
		}
	})
	d := draft("", "") // many schedules for the same moment are spread evenly
	d.At, d.FlexibleSeconds = time.Unix(2e9, 0), 100
	var tenths [10]int
	for i := range 10_000 {
		s, err := schedule.Make(fmt.Sprint(i), "me", d, time.Unix(1e9, 0))
		if err != nil {
			t.Fatal(err)
		}
		tenths[int(s.Due.Sub(s.Next).Seconds()/10)]++
	}
	for _, n := range tenths {
		if n < 850 || n > 1150 {
			t.Errorf("firings by tenths of the window: %v", tenths)
			break
		}
	}
}

func TestAdvanceNeverFiresEarly(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := draft(rapid.SampledFrom([]string{"rate(7 seconds)", "*/3 * * * *", "cron(0 9 ? * MON-FRI *)"}).Draw(t, "expression"),
			rapid.SampledFrom([]schedule.CatchUp{schedule.CatchUpAll, schedule.CatchUpLast, schedule.CatchUpNone}).Draw(t, "catch up"))
		d.FlexibleSeconds = rapid.SampledFrom([]int{0, 5, 600}).Draw(t, "window")
		now := time.Unix(1_774_600_000, 0)
		s, err := schedule.Make("id", "me", d, now)
		if err != nil {
			t.Fatal(err)
		}
		plan, err := s.Plan()
		if err != nil {
			t.Fatal(err)
		}
		last := time.Time{}
		for range 20 {
			now = now.Add(time.Duration(rapid.IntRange(0, 200_000).Draw(t, "milliseconds")) * time.Millisecond)
			for !s.Due.After(now) {
				fire, next, err := s.Advance(now)
				if err != nil {
					t.Fatal(err)
				}
				if !fire.IsZero() && (plan.Due(s.ID, fire).After(now) || !fire.After(last)) {
					t.Fatalf("%s fires at %s, after %s", fire, now, last)
				}
				if !next.Next.After(s.Next) {
					t.Fatalf("%s is followed by %s", s.Next, next.Next)
				}
				if !fire.IsZero() {
					last = fire
				}
				s = next
			}
		}
	})
}

func TestRetry(t *testing.T) {
	var got []string
	r := schedule.Retry{BackoffSeconds: 3, MaxBackoffSeconds: 20}
	for attempt := 1; attempt <= 5; attempt++ {
		got = append(got, r.Pause(attempt).String())
	}
	if want := "3s 6s 12s 20s 20s"; strings.Join(got, " ") != want || r.Attempts() != 5 || (schedule.Retry{}).Pause(1000) != 5*time.Minute {
		t.Errorf("%s, want %s", got, want)
	}
}

func TestScheduleSurvivesJSON(t *testing.T) {
	d := draft("0 9 * * *", "")
	d.Zone, d.Start, d.Key = "Europe/Berlin", parseTime(t, "2026-03-01T12:00:30+01:00"), "k"
	d.Context = schedule.Context{Payload: "p", Headers: []schedule.Header{{Name: "a", Value: "b"}}}
	s := makeSchedule(t, d, parseTime(t, "2026-03-01T12:00:30Z"))
	text, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	var back schedule.Schedule
	if err := json.Unmarshal(text, &back); err != nil {
		t.Fatal(err)
	}
	again, err := json.Marshal(back)
	if err != nil || string(again) != string(text) || !back.Next.Equal(s.Next) || back.Action.Queue.Queue != "q" {
		t.Errorf("%s becomes %s, %v", text, again, err)
	}
}

func TestTarget(t *testing.T) {
	at := parseTime(t, "2026-03-01T12:00:30Z")
	for url, want := range map[string]string{
		"http://a/":          "http://a/withwait/id/1772366430",
		"http://a":           "http://a/withwait/id/1772366430",
		"http://a/b%2Fc?x=1": "http://a/b%2Fc/withwait/id/1772366430?x=1",
	} {
		h := schedule.HTTPRequest{URL: url, AppendPath: true}
		if got := h.Target("id", at); got != want {
			t.Errorf("%s: %s, want %s", url, got, want)
		}
		h.AppendPath = false
		if got := h.Target("id", at); got != url {
			t.Errorf("%s: %s", url, got)
		}
	}
}

// FuzzDraft makes schedules of requests as they come, and lets them fire.
func FuzzDraft(f *testing.F) {
	for _, text := range []string{
		`{"at":"2026-04-01T00:00:00Z","action":{"type":"sqs-send","queue":{"queue":"q"}}}`,
		`{"expression":"*/5 * * * *","zone":"Europe/Berlin","flexible_seconds":60,"catch_up":"all","action":{"type":"payload","payload":{"payload":{}}}}`,
		`{"expression":"rate(1 hour)","start":"2026-04-01T00:00:00Z","end":"2026-04-01T05:00:00+02:00","action":{"type":"custom","custom":{"topic":"t"}}}`,
		`{"expression":"at(2026-04-01T00:00:00)","action":{"type":"http-request","http":{"url":"http://a"}},"retry":{"max_attempts":3}}`,
		`{"expression":"cron(0 9 ? * 6L *)","key":"k","action":{"type":"lambda-call","lambda":{"function":"f","event":1}},"context":{"headers":[{"name":"a","value":"b"}]}}`,
	} {
		f.Add([]byte(text))
	}
	now := time.Unix(1_774_600_000, 0)
	f.Fuzz(func(t *testing.T, text []byte) {
		var d schedule.Draft
		if json.Unmarshal(text, &d) != nil {
			return
		}
		s, err := schedule.Make("id", "me", d, now)
		if err != nil {
			if !errors.Is(err, schedule.ErrInvalid) {
				t.Fatal(err)
			}
			return
		}
		if _, err := json.Marshal(s); err != nil {
			t.Fatalf("%s cannot be stored: %v", text, err)
		}
		for range 3 {
			if s.State != schedule.New {
				return
			}
			if !s.Next.After(now) || s.Due.Before(s.Next) {
				t.Fatalf("%s at %s: next %s, due %s", text, now, s.Next, s.Due)
			}
			now := s.Due
			fired, after, err := s.Advance(now)
			if err != nil || !fired.Equal(s.Next) || after.State == schedule.New && !after.Next.After(fired) {
				t.Fatalf("%s at %s: fires %s, then %+v, %v", text, now, fired, after, err)
			}
			s = after
		}
	})
}
