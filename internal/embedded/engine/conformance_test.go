package engine_test

import (
	"context"
	"errors"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/cockroachdb/pebble/v2/vfs"

	"sundog/asl/asltest/recording"
)

// notBuilt are the features of the States Language that the engine does not have.
var notBuilt = map[string]string{"distributed_map": "distributed Map is not built"}

// different are the cases in which an execution differs from AWS's on purpose, and why.
var different = map[string]string{
	"express/TestExpressSync::test_query_runtime_memory#sync": "an Express execution has the ARN of a Standard one",
}

// TestConformance carries out the executions in the folder SUNDOG_ASL_CASES and compares them with what AWS did: status, output, error, cause,
// and the history as it is read back.
func TestConformance(t *testing.T) {
	everyRecording(t, func(t *testing.T, c *recording.Case) []string {
		var differences []string
		synctest.Test(t, func(t *testing.T) {
			m := c.Matcher(c.Identity().RoleARN)
			w := newRecordedWorld(t, c, c.Services(m))
			w.open(vfs.NewMem(), nil)
			defer w.close()
			differences = w.judge(m)
		})
		return differences
	})
}

// TestConformanceWithACrashAtEveryCommit carries out each execution as often as it takes commits. At the k-th of them the machine crashes and loses
// what was not synced; another engine goes on with what is left. It is compared as if nothing had happened.
func TestConformanceWithACrashAtEveryCommit(t *testing.T) {
	crashes := 0
	everyRecording(t, func(t *testing.T, c *recording.Case) (differences []string) {
		for k := int64(1); len(differences) == 0 && !t.Failed(); k++ {
			crashed := false
			synctest.Test(t, func(t *testing.T) { differences, crashed = crashAtCommit(t, c, k) })
			if !crashed {
				break
			}
			crashes++
		}
		return differences
	})
	t.Logf("%d crashes", crashes)
}

// errCrash is what the store answers from the moment of a crash on.
var errCrash = errors.New("crashed")

func crashAtCommit(t *testing.T, c *recording.Case, k int64) (differences []string, crashed bool) {
	fs := vfs.NewCrashableMem()
	var left atomic.Pointer[vfs.MemFS]
	life, die := context.WithCancelCause(context.Background())
	defer die(nil)
	m := c.Matcher(c.Identity().RoleARN)
	w := newRecordedWorld(t, c, c.Services(m))
	w.open(fs, func(n int64) error {
		switch {
		case n == k:
			left.Store(fs.CrashClone(vfs.CrashCloneCfg{}))
			die(errCrash)
			return errCrash
		case n > k:
			return errCrash // the process is dead
		}
		return nil
	})
	_, err := w.play(life)
	if err != nil && left.Load() == nil {
		t.Fatal(err)
	}
	if left.Load() != nil {
		w.close()
		w.open(left.Load(), nil)
	}
	defer w.close()
	return w.judge(m), left.Load() != nil
}

// judge plays the execution to its end, and says in what it differs from the recording.
func (w *recordedWorld) judge(m *recording.Matcher) []string {
	w.t.Helper()
	got, err := w.play(context.Background())
	if err != nil {
		w.t.Fatal(err)
	}
	return append(w.c.Differences(m, got), w.services.Unanswered()...)
}

// everyRecording plays the cases in the folder SUNDOG_ASL_CASES; play says in what the executions of ours differ.
func everyRecording(t *testing.T, play func(*testing.T, *recording.Case) []string) {
	t.Helper()
	folder := os.Getenv("SUNDOG_ASL_CASES")
	if folder == "" {
		t.Skip("SUNDOG_ASL_CASES names no folder with conformance cases")
	}
	cases, err := recording.Executions(folder)
	if err != nil {
		t.Fatal(err)
	}
	var tally recording.Tally
	for _, c := range cases {
		if reason := missing(c); reason != "" {
			tally.SetAside(c, reason)
			continue
		}
		reason, known := different[c.Title()]
		ok := t.Run(c.Title(), func(t *testing.T) {
			differences := play(t, c)
			switch {
			case known && len(differences) == 0:
				t.Error("it is listed as different, but agrees")
			case !known && len(differences) > 0:
				t.Error(strings.Join(differences, "\n"))
			}
		})
		if known && ok {
			tally.SetAside(c, reason)
		} else {
			tally.Passed(c, ok)
		}
	}
	t.Log(tally.String())
}

func missing(c *recording.Case) string {
	for feature, reason := range notBuilt {
		if c.Uses(feature) {
			return reason
		}
	}
	return ""
}
