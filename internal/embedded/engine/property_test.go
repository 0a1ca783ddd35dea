package engine_test

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"pgregory.net/rapid"

	"sundog/asl"
	"sundog/asl/asltest"
	"sundog/asl/asltest/explain"
	"sundog/asl/asltest/generator"
	"sundog/asl/asltest/recording"
)

// TestInvariant carries out random definitions with random answers of their services, which come after random times, and lets the machine crash at
// random commits. Whatever happens: the history is one that the interpreter writes when the same tasks are answered in the same way, the
// end is the interpreter's, and the tasks that were run are those that the interpreter scheduled, each of them with the same parameters every time.
func TestInvariant(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		definition := generator.Definition(rt, generator.Options{Depth: 2})
		crashes := rapid.SliceOfN(rapid.Int64Range(2, 12), 0, 3).Draw(rt, "commits before each crash")
		s := &chance{seed: rapid.Uint64().Draw(rt, "answers"), ran: map[asl.TaskID]string{}}
		var err error
		synctest.Test(t, func(t *testing.T) { err = tryOut(t, definition, crashes, s) })
		if err != nil {
			rt.Fatalf("%v\ndefinition %s", err, definition)
		}
	})
}

// tryOut carries out the definition and judges what came of it.
func tryOut(t *testing.T, definition []byte, crashes []int64, s *chance) error {
	r := &attempt{t: t, kind: "STANDARD", definition: definition, input: []byte(generator.Input), answer: s.answer}
	fs := vfs.NewCrashableMem()
	for _, k := range crashes {
		_, left, err := r.playUntilCrash(fs, k)
		if left == nil { // it ended before
			r.close()
			if err != nil {
				return err
			}
			break
		}
		fs = left
	}
	r.open(fs, nil)
	defer r.close()
	got, err := r.play(context.Background())
	if err != nil {
		return err
	}
	machine, err := asl.Parse(definition)
	if err != nil {
		return err
	}
	x := explain.Trial{
		Machine: machine, Input: asl.Raw(r.input), Identity: r.identity(),
		Answer: func(task asl.Task) asltest.Answer { return s.of(task) },
	}
	found, err := x.Explain(got.History)
	if err != nil {
		return err
	}
	return errors.Join(sameEnd(found.End, got), s.check(found.Tasks))
}

func sameEnd(want *asl.End, got recording.Outcome) error {
	output := func(d *asl.Document) string {
		if d == nil {
			return "none"
		}
		return string(d.Bytes())
	}
	if want.Status != got.Status || want.Error != got.Error || want.Cause != got.Cause || output(want.Output) != output(got.Output) {
		return fmt.Errorf("it ended %s %s %s with the output %s, but its history with %+v and the output %s",
			got.Status, got.Error, got.Cause, output(got.Output), want, output(want.Output))
	}
	return nil
}

// chance are services that answer at random, but always the same when they are asked again.
type chance struct {
	seed uint64

	mu      sync.Mutex
	ran     map[asl.TaskID]string
	changed error
}

// of is the answer to a task.
func (s *chance) of(task asl.Task) asltest.Answer {
	h := fnv.New64a()
	_, _ = fmt.Fprint(h, s.seed, task.State, task.RetryCount, string(task.Parameters.Bytes()))
	n := h.Sum64()
	a := asltest.Answer{After: time.Duration(n>>8%15) * time.Second}
	switch task.Mode {
	case asl.Callback:
		a.Submitted = asl.Raw([]byte(`{"sent":true}`))
	case asl.Activity:
		a.Started, a.Worker = true, "worker"
	case asl.RequestResponse, asl.Job:
	}
	switch n % 6 {
	case 0:
		a.Failed, a.Error, a.Cause = true, "Oops", "it broke"
	case 1:
		a.Failed, a.Error = true, "States.TaskFailed"
	case 2:
		if task.Timeout > 0 {
			break // never
		}
		fallthrough
	default:
		a.Output = asl.Raw(fmt.Appendf(nil, `{"answer":%d}`, n%100))
	}
	return a
}

// answer implements the services of an attempt.
func (s *chance) answer(task asl.Task) (asltest.Answer, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := described(task)
	if before, again := s.ran[task.ID]; again && before != now && s.changed == nil {
		s.changed = fmt.Errorf("task %d was run as %s, and then as %s", task.ID, before, now)
	}
	s.ran[task.ID] = now
	return s.of(task), nil
}

func described(task asl.Task) string {
	return fmt.Sprintf("%s %s %d %s", task.State, task.Resource, task.RetryCount, task.Parameters.Bytes())
}

// check compares the tasks that were run with those that the interpreter scheduled.
func (s *chance) check(scheduled map[asl.TaskID]asl.Task) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := []error{s.changed}
	for id, ran := range s.ran {
		if want := described(scheduled[id]); scheduled[id].ID != id || want != ran {
			all = append(all, fmt.Errorf("task %d was run as %s, but scheduled as %s", id, ran, want))
		}
	}
	return errors.Join(all...)
}
