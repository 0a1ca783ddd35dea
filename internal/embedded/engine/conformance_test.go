package engine_test

import (
	"context"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"sundog/asl/asltest/recording"
)

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
			r := newRecorded(t, c)
			r.open(vfs.NewMem(), nil)
			defer r.close()
			differences = r.judge()
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

func crashAtCommit(t *testing.T, c *recording.Case, k int64) (differences []string, crashed bool) {
	r := newRecorded(t, c)
	_, left, err := r.playUntilCrash(vfs.NewCrashableMem(), k)
	if left != nil {
		r.open(left, nil)
	} else if err != nil {
		t.Fatal(err)
	}
	defer r.close()
	return r.judge(), left != nil
}

// A recorded attempt is compared with a case.
type recorded struct {
	*attempt
	c        *recording.Case
	m        *recording.Matcher
	services *recording.Services
}

func newRecorded(t testing.TB, c *recording.Case) *recorded {
	m := c.Matcher(c.Identity().RoleARN)
	services := c.Services(m)
	objects, err := c.Objects()
	if err != nil {
		t.Fatal(err)
	}
	return &recorded{
		attempt: &attempt{t: t, kind: c.Type, definition: c.Definition, input: c.Input, stopped: c.Stopped(), answer: services.Answer, objects: objects, offset: time.Until(recording.Begin())},
		c:       c, m: m, services: services,
	}
}

// judge plays the execution to its end, and says in what it differs from the recording.
func (r *recorded) judge() []string {
	r.t.Helper()
	got, err := r.play(context.Background())
	if err != nil {
		r.t.Fatal(err)
	}
	return append(r.c.Differences(r.m, got), r.services.Unanswered()...)
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
