package trigger_test

import (
	"slices"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/google/go-cmp/cmp"

	domain "sundog/internal/trigger"
)

// TestPauseResumeReplay goes through what an administrator can do, restarts included.
func TestPauseResumeReplay(t *testing.T) {
	virtual(t, func(t *testing.T) {
		fs := vfs.NewMem()
		spec := things("start", domain.Target{Kind: domain.ToWorkflow, Name: "pass"})
		w := open(t, fs, nil, spec)
		w.run()
		w.put("a", 1)
		settle(0)
		first := w.executions("pass")
		if len(first) != 1 {
			t.Fatalf("executions: %v", first)
		}
		if s, err := w.triggers.Pause(t.Context(), "start"); err != nil || !s.Paused {
			t.Fatal(s, err)
		}
		w.put("a", 2)
		w.put("b", 1)
		settle(time.Minute)
		if s, err := w.triggers.Show(t.Context(), "start"); err != nil || s.Lag.Events != 2 || s.Lag.Age != time.Minute {
			t.Errorf("%+v, %v", s, err)
		}
		w.close()

		w = open(t, fs, nil, spec)
		defer w.close()
		w.run()
		settle(time.Minute)
		if got := w.executions("pass"); len(got) != 1 {
			t.Errorf("while it is paused: %v", got)
		}
		if _, err := w.triggers.Resume(t.Context(), "start"); err != nil {
			t.Fatal(err)
		}
		settle(0)
		if got := w.executions("pass"); len(got) != 3 {
			t.Errorf("resumed: %v", got)
		}
		if _, err := w.triggers.Replay(t.Context(), "start", 0); err != nil {
			t.Fatal(err)
		}
		settle(0)
		got := w.executions("pass")
		if len(got) != 6 || !slices.Contains(got, first[0]+"-r1") {
			t.Errorf("replayed: %v", got)
		}
	})
}

// TestStart looks at what a trigger does with what was there before it.
func TestStart(t *testing.T) {
	for start, want := range map[domain.Start]int{domain.Latest: 1, domain.TrimHorizon: 2} {
		virtual(t, func(t *testing.T) {
			fs := vfs.NewMem()
			w := open(t, fs, nil)
			w.put("a", 1)
			w.close()
			spec := things("start", domain.Target{Kind: domain.ToQueue, Name: "out"})
			spec.Start = start
			w = open(t, fs, nil, spec)
			defer w.close()
			w.put("a", 2) // before it runs
			w.run()
			settle(0)
			if got := w.received("out"); len(got) != want {
				t.Errorf("%s: %v", start, got)
			}
		})
	}
}

// TestSchedule has points in time as its source: while it runs, those that it has missed, and those of a replay.
func TestSchedule(t *testing.T) {
	virtual(t, func(t *testing.T) {
		spec := domain.Spec{
			Name: "tick", Source: domain.Source{Kind: domain.Schedule, Name: "cron(0/10 * * * ? *)", Zone: "Europe/Berlin"},
			Input: []byte(`"<$.time>"`), Target: domain.Target{Kind: domain.ToQueue, Name: "out"},
		}
		begin := time.Now().UTC().Truncate(10 * time.Minute)
		ticks := func(from, to int) []string {
			var all []string
			for n := from; n <= to; n++ {
				all = append(all, begin.Add(time.Duration(n)*10*time.Minute).Format(`"`+time.RFC3339+`"`))
			}
			return all
		}
		expect := func(w *world, want []string) {
			t.Helper()
			if diff := cmp.Diff(want, w.received("out")); diff != "" {
				t.Errorf("points in time (-want +got):\n%s", diff)
			}
		}
		fs := vfs.NewMem()
		w := open(t, fs, nil, spec)
		w.run()
		settle(35 * time.Minute)
		expect(w, ticks(1, 3))
		if s, err := w.triggers.Show(t.Context(), "tick"); err != nil || s.Lag.Events != 0 {
			t.Errorf("%+v, %v", s, err)
		}
		w.close()
		settle(25 * time.Minute)

		w = open(t, fs, nil, spec)
		defer w.close()
		w.run()
		settle(time.Second)
		expect(w, ticks(4, 6))
		from := begin.Add(45 * time.Minute)
		if _, err := w.triggers.Replay(t.Context(), "tick", uint64(from.UnixNano())); err != nil {
			t.Fatal(err)
		}
		settle(10 * time.Minute)
		expect(w, ticks(5, 7))
	})
}
