package schedule_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/google/go-cmp/cmp"

	"sundog/internal/embedded/store"
	"sundog/internal/schedule"
)

// outcome is where the scenario ends.
type outcome struct {
	Messages map[string]int  // in the queue, by their text and point in time: they come exactly once
	Requests map[string]bool // by key, point in time and attempt: they come at least once
	Dead     map[string]int  // by key, the attempts
	Pending  int64
}

// scenario are schedules of each kind, with the client's keys.
func scenario(start time.Time) map[string]schedule.Draft {
	end := start.Add(12 * time.Minute)
	ticks := send(time.Time{}, "tick")
	ticks.Expression, ticks.End, ticks.CatchUp = "cron(0/2 * * * ? *)", end, schedule.CatchUpAll
	pings := get(time.Time{}, "http://example.org/ping")
	pings.Expression, pings.End, pings.CatchUp = "cron(1/4 * * * ? *)", end, schedule.CatchUpAll
	refused := get(start.Add(6*time.Minute), "http://example.org/refused")
	refused.Retry.MaxAttempts = 2
	all := map[string]schedule.Draft{
		"soon": send(start.Add(5*time.Second), "soon"), "late": send(start.Add(8*time.Minute), "late"),
		"ticks": ticks, "pings": pings, "refused": refused, "busy": get(start.Add(4*time.Minute), "http://example.org/busy"),
	}
	for key, d := range all {
		d.Key = key
		all[key] = d
	}
	return all
}

// answers are those of the receivers of the scenario, which tell only by the attempt.
func answers(c call) (*http.Response, error) {
	switch {
	case c.url == "http://example.org/refused":
		return status(http.StatusInternalServerError), nil
	case c.url == "http://example.org/busy" && c.header.Get(schedule.HeaderAttempt) == "1":
		return status(http.StatusServiceUnavailable), nil
	}
	return status(http.StatusOK), nil
}

// play makes the schedules, as a client does that repeats what was not acknowledged, and lets them fire. It ends early when stop says so.
func (w *world) play(start time.Time, stop func() bool) {
	w.internet.answer = answers
	for !w.open() {
		if stop() {
			w.stop = nil
			return
		}
	}
	for _, d := range scenario(start) {
		for {
			_, _, err := w.schedules.Create(context.Background(), d)
			if err == nil || stop() {
				break
			}
			if !errors.Is(err, errInjected) {
				w.t.Errorf("making %s: %v", d.Key, err)
				return
			}
		}
	}
	for time.Since(start) < 15*time.Minute && !stop() {
		pass(20 * time.Second)
	}
}

func (w *world) outcome() outcome {
	w.t.Helper()
	o := outcome{Messages: map[string]int{}, Requests: map[string]bool{}, Dead: map[string]int{}, Pending: w.schedules.Pending()}
	for _, m := range w.messages("work") {
		o.Messages[string(m.Body)+" "+m.Attributes[schedule.HeaderFor].Value+" "+m.Attributes[schedule.HeaderAttempt].Value]++
	}
	for _, c := range w.internet.made() {
		at, err := time.Parse(time.RFC3339Nano, c.header.Get(schedule.HeaderFor))
		if err != nil || c.at.Before(at) {
			w.t.Errorf("%s came at %v, before its time (%v)", c.url, c.at, err)
		}
		o.Requests[fmt.Sprint(c.url, " ", at, " ", c.header.Get(schedule.HeaderAttempt))] = true
	}
	dead, err := w.schedules.DeadLetters(w.t.Context(), "", "", 0)
	if err != nil {
		w.t.Error(err)
	}
	for _, d := range dead {
		o.Dead[d.Schedule.Key] = d.Attempts
	}
	return o
}

func never() bool { return false }

// TestEveryWriteFails plays the scenario once for every commit of it, which then fails.
func TestEveryWriteFails(t *testing.T) {
	everyCommit(t, func(t *testing.T, k int64) (outcome, bool) {
		var commits atomic.Int64
		w := newWorld(t)
		w.options.BeforeCommit = func(int64) error {
			if commits.Add(1) == k {
				return errInjected
			}
			return nil
		}
		w.play(time.Now(), never)
		defer w.close()
		n := commits.Swap(1 << 41) // what looks at the outcome is not to fail
		return w.outcome(), n >= k
	})
}

// TestEveryCrash plays the scenario once for every commit of it, which then is the moment of a crash that loses what was not synced. The
// schedules go on with what is left; their client repeats its requests, with the same keys.
func TestEveryCrash(t *testing.T) {
	everyCommit(t, func(t *testing.T, k int64) (outcome, bool) {
		fs := vfs.NewCrashableMem()
		var commits atomic.Int64
		var left atomic.Pointer[vfs.MemFS]
		start := time.Now()
		w := newWorld(t)
		w.options = store.Options{FS: fs, BeforeCommit: func(int64) error {
			n := commits.Add(1)
			if n == k {
				left.Store(fs.CrashClone(vfs.CrashCloneCfg{}))
			}
			if left.Load() != nil {
				return errInjected // the process is dead
			}
			return nil
		}}
		crashed := func() bool { return left.Load() != nil }
		w.play(start, crashed)
		commits.Store(1 << 41) // what looks at the outcome is not to fail
		if crashed() {
			if w.stop != nil {
				w.close()
			}
			w.options = store.Options{FS: left.Load()}
			w.play(start, never)
		}
		defer w.close()
		return w.outcome(), crashed()
	})
}

// everyCommit plays a scenario without a fault, and then with one at the k-th commit for every k, until it takes fewer.
func everyCommit(t *testing.T, play func(t *testing.T, k int64) (end outcome, reached bool)) {
	t.Helper()
	var want outcome
	synctest.Test(t, func(t *testing.T) { want, _ = play(t, 1<<40) })
	if len(want.Messages) != 2+6 || len(want.Requests) != 3+2+2 || want.Dead["refused"] != 2 || len(want.Dead) != 1 || want.Pending != 0 {
		t.Fatalf("the scenario without faults is not the one that was meant: %+v", want)
	}
	k := int64(1)
	for reached := true; reached && !t.Failed(); k++ {
		synctest.Test(t, func(t *testing.T) {
			var got outcome
			got, reached = play(t, k)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("with a fault at commit %d it ends differently (-without +with):\n%s", k, diff)
			}
		})
	}
	t.Logf("a fault at each of %d commits", k-2)
	const least = 30
	if k-2 < least && !t.Failed() {
		t.Errorf("the scenario took only %d commits", k-2)
	}
}
