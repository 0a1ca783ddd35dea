package embedded_test

import (
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/google/go-cmp/cmp"

	"sundog/internal/embedded/store"
)

var errInjected = errors.New("injected: the write failed")

func never() bool { return false }

// TestEveryWriteFails plays a scenario once for every commit of it, which then fails, and compares where it ends with a run without
// faults.
func TestEveryWriteFails(t *testing.T) {
	everyCommit(t, checkScenario, func(t *testing.T, k int64) (outcome, bool) {
		var commits atomic.Int64
		w := newWorld(t, store.Options{FS: vfs.NewMem(), BeforeCommit: func(int64) error {
			if commits.Add(1) == k {
				return errInjected
			}
			return nil
		}})
		w.play(never)
		defer w.close()
		n := commits.Load()
		return w.outcome(), n >= k
	})
}

// TestEveryCrash plays the scenario once for every commit of it, which then is the moment of a crash that loses what was not synced.
// What is left is opened and goes on. The payloads are acknowledged before, so that all of them have to be there.
func TestEveryCrash(t *testing.T) {
	everyCommit(t, checkScenario, func(t *testing.T, k int64) (outcome, bool) {
		fs := vfs.NewCrashableMem()
		w := newWorld(t, store.Options{FS: fs})
		if !w.open() || !w.feed(t.Context()) {
			t.Fatal("the payloads were not acknowledged")
		}
		w.close()
		crashed := playThroughCrash(t, w, &w.options, fs, k)
		defer w.close()
		return w.outcome(), crashed
	})
}

// leastCommits is what the scenario takes at least. Fewer mean that faults were injected where nothing happens.
const leastCommits = 50

// everyCommit plays a scenario without a fault, and then with one at the k-th commit for every k, until it takes fewer.
func everyCommit[T any](t *testing.T, check func(*testing.T, T), play func(t *testing.T, k int64) (end T, reached bool)) {
	t.Helper()
	var want T
	synctest.Test(t, func(t *testing.T) { want, _ = play(t, 1<<40) })
	check(t, want)
	k := int64(1)
	for reached := true; reached && !t.Failed(); k++ {
		synctest.Test(t, func(t *testing.T) {
			var got T
			got, reached = play(t, k)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("it ends differently (-without a fault +with one):\n%s", diff)
			}
			if t.Failed() {
				t.Logf("the fault was at commit %d", k)
			}
		})
	}
	t.Logf("a fault at each of %d commits", k-2)
	if k-2 < leastCommits && !t.Failed() {
		t.Errorf("the scenario took only %d commits", k-2)
	}
}

// checkScenario looks whether the run without faults is the one that was meant.
func checkScenario(t *testing.T, got outcome) {
	t.Helper()
	want := outcome{
		Records: map[string]string{
			"scenes/workflow-ingest/good":   "SUCCEEDED after 1 executions",
			"scenes/workflow-ingest/fresh":  "SUCCEEDED after 1 executions",
			"scenes/workflow-derive/good":   "SUCCEEDED after 1 executions",
			"scenes/workflow-fails/bad":     "FAILED after 1 executions: Broken: it cannot work",
			"scenes/workflow-refuses/wrong": "INVALID after 1 executions: stactask.exceptions.InvalidInput: not such a scene",
		},
		Counts: map[string]int64{
			"scenes_ingest SUCCEEDED": 2, "scenes_derive SUCCEEDED": 1, "scenes_fails FAILED": 1, "scenes_refuses INVALID": 1,
		},
		Objects:    got.Objects,
		Executions: map[string]int{"ingest": 2, "derive": 1, "fails": 1, "refuses": 1},
		Items:      map[string]int{"good of ingest": 1, "fresh of ingest": 1, "good of derive": 1},
		Ends: map[string]int{
			"scenes/workflow-ingest/good SUCCEEDED": 1, "scenes/workflow-derive/good SUCCEEDED": 1,
			"scenes/workflow-ingest/fresh SUCCEEDED": 1,
			"scenes/workflow-fails/bad FAILED":       1, "scenes/workflow-refuses/wrong INVALID": 1,
			"unknown NOT_A_PROCESS_PAYLOAD": 1,
		},
		DeadLetters: got.DeadLetters,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatalf("the scenario without faults (-want +got):\n%s", diff)
	}
	const objects = 5 + 3 + 1 // inputs, outputs, what is no payload
	if len(got.DeadLetters) != 1 || len(got.Objects) != objects {
		t.Fatalf("dead letters %v, objects %v", got.DeadLetters, got.Objects)
	}
}
