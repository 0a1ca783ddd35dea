package engine_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"sundog/internal/embedded/engine"
	"sundog/internal/embedded/store"
)

// left counts the keys of the store by their prefix, without those that belong to no execution.
func (w *world) left() map[byte]int {
	w.t.Helper()
	counts := map[byte]int{}
	for e, err := range w.store.Scan(store.Range{}) {
		if err != nil {
			w.t.Fatal(err)
		}
		if e.Key[0] != store.PrefixDefinition && e.Key[0] != store.PrefixMachine && e.Key[0] != 'M' {
			counts[e.Key[0]]++
		}
	}
	return counts
}

func TestDelete(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, vfs.NewMem(), echo)
		defer w.close()
		if err := w.engine.Delete(t.Context(), w.engine.ExecutionARN("pass", "none")); !errors.Is(err, engine.ErrNotFound) {
			t.Errorf("one that is not there: %v", err)
		}
		running, err := w.engine.Start(t.Context(), engine.StartRequest{Machine: "wait", Name: "w", Input: []byte(`{"seconds":60}`)})
		if err != nil {
			t.Fatal(err)
		}
		if err := w.engine.Delete(t.Context(), running.ARN); !errors.Is(err, engine.ErrRunning) {
			t.Errorf("one that runs: %v", err)
		}
		if d, _ := w.wait(running.ARN); d.Status != "SUCCEEDED" {
			t.Errorf("it was disturbed: %+v", d)
		}
		if d, err := w.engine.Look(t.Context(), running.ARN); err != nil || d.Status != "SUCCEEDED" || d.Name != "w" {
			t.Errorf("looked at: %+v, %v", d, err)
		}
		for machine, input := range map[string]string{"three": `{"a":1}`, "map": `{"items":[1,2,3]}`} {
			w.run(machine, "one", input)
		}
		for _, arn := range []string{running.ARN, w.engine.ExecutionARN("three", "one"), w.engine.ExecutionARN("map", "one")} {
			if err := w.engine.Delete(t.Context(), arn); err != nil {
				t.Fatal(err)
			}
			if _, err := w.engine.Look(t.Context(), arn); !errors.Is(err, engine.ErrNotFound) {
				t.Errorf("%s is still there: %v", arn, err)
			}
			if _, _, err := w.engine.History(t.Context(), arn, engine.Page{}); !errors.Is(err, engine.ErrNotFound) {
				t.Errorf("the history of %s is still there: %v", arn, err)
			}
		}
		if left := w.left(); len(left) != 0 {
			t.Errorf("left behind: %v", left)
		}
		if d, _ := w.run("three", "one", `{"other":1}`); d.Status != "SUCCEEDED" {
			t.Errorf("under the same name: %+v", d)
		}
	})
}

func TestExpire(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, vfs.NewMem(), echo)
		defer w.close()
		const old, young = 250, 3 // more than one transaction removes
		for n := range old {
			w.run("pass", fmt.Sprint("old", n), `{}`)
		}
		w.run("three", "kept", `{}`)
		open, err := w.engine.Start(t.Context(), engine.StartRequest{Machine: "wait", Name: "open", Input: []byte(`{"seconds":86400}`)})
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Hour) //nolint:forbidigo // virtual time
		for n := range young {
			w.run("pass", fmt.Sprint("young", n), `{}`)
		}
		cut := time.Now().Add(-time.Minute)
		before := func(machine string) time.Time {
			if machine == "three" {
				return time.Time{}
			}
			return cut
		}
		for _, want := range []int{old, 0} {
			if n, err := w.engine.Expire(t.Context(), before); err != nil || n != want {
				t.Errorf("%d removed, want %d, %v", n, want, err)
			}
		}
		left, _, err := w.engine.List(t.Context(), engine.Filter{Machine: "pass"})
		if err != nil || len(left) != young {
			t.Errorf("%d left, %v", len(left), err)
		}
		for _, arn := range []string{w.engine.ExecutionARN("three", "kept"), open.ARN} {
			if _, err := w.engine.Look(t.Context(), arn); err != nil {
				t.Error(err)
			}
		}
	})
}

// TestDeleteMapRuns removes an execution whose children have children, and one whose run has more of them than one transaction removes.
func TestDeleteMapRuns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, _ := newMapWorld(t, echo)
		w.start()
		defer w.close()
		many := "[0" + strings.Repeat(",1", 250) + "]"
		for machine, input := range map[string]string{"d-nested": `[[1,2],[3]]`, "d-pass": many} {
			d, _ := w.run(machine, "one", input)
			if d.Status != "SUCCEEDED" {
				t.Fatalf("%s: %+v", machine, d)
			}
			synctest.Wait() // until the owners of the runs have let go of them
			if machine == "d-pass" {
				children, _, err := w.engine.List(t.Context(), engine.Filter{MapRun: w.mapRun(d.ARN).ARN, Limit: 1})
				if err != nil || len(children) != 1 {
					t.Fatalf("children %v, %v", children, err)
				}
				if err := w.engine.Delete(t.Context(), children[0].ARN); !errors.Is(err, engine.ErrChild) {
					t.Errorf("a child by itself: %v", err)
				}
			}
			if err := w.engine.Delete(t.Context(), d.ARN); err != nil {
				t.Fatal(err)
			}
			if left := w.left(); len(left) != 0 {
				t.Errorf("%s: left behind: %v", machine, left)
			}
		}
	})
}
