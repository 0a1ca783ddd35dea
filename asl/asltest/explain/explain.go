// Package explain finds out whether the interpreter allows what an engine did: whether there is an order of answers and timers in which the
// interpreter writes the same history and comes to the same end.
//
// # How
//
// The history itself is the guide. From the beginning on, each answer and timer that the execution waits for is tried, and the one is taken whose
// events come next in the history. An answer may come at any time, since an engine takes as long as it takes; a timer not before its own.
package explain

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"sundog/asl"
	"sundog/asl/asltest"
)

// A Trial is what is known about an execution.
type Trial struct {
	Machine  *asl.Machine
	Identity asl.Identity
	Input    *asl.Document
	// Answer is what the service of a task answers; the same for the same task.
	Answer func(asl.Task) asltest.Answer
	// Stopped allows that somebody stopped the execution.
	Stopped bool
}

// An Explanation is an execution of the interpreter that has the history.
type Explanation struct {
	End   *asl.End
	Tasks map[asl.TaskID]asl.Task // all that were scheduled
}

// ErrImpossible is returned for a history that the interpreter does not write, whatever happens when.
var ErrImpossible = errors.New("the interpreter does not allow it")

// Explain looks for what happened in an execution with the given history, which must be complete. The error is ErrImpossible, with the event
// up to which it can be explained.
func (tr *Trial) Explain(history []asl.HistoryEvent) (*Explanation, error) {
	s := &search{Trial: tr, memory: asltest.NewMemory(), rest: history, found: &Explanation{Tasks: map[asl.TaskID]asl.Task{}}}
	x, effects := asl.Start(tr.Machine, tr.Identity, tr.Input, s.moment())
	if !s.follows(effects) {
		return nil, s.impossible(x)
	}
	s.take(x, effects)
	for s.found.End == nil {
		taken, err := s.step()
		if err != nil {
			return nil, err
		}
		if !taken {
			x, err := s.memory.Load(tr.Machine)
			if err != nil {
				return nil, err
			}
			return nil, s.impossible(x)
		}
	}
	if len(s.rest) > 0 {
		return nil, fmt.Errorf("%w: it goes on after its end with %s", ErrImpossible, text(&s.rest[0]))
	}
	return s.found, nil
}

// A search is on its way through a history.
type search struct {
	*Trial
	memory *asltest.Memory // the execution as far as it is explained
	rest   []asl.HistoryEvent
	done   int // events that are explained
	found  *Explanation
}

// text is an event without its time.
func text(e *asl.HistoryEvent) string {
	_, timeless, _ := strings.Cut(string(e.AppendAWS(nil, true)), ",") // the timestamp comes first
	return timeless
}

// moment is when the next step was taken: at the time of its events. Only the start of a task may have been before.
func (s *search) moment() asl.Moment {
	at := asl.Moment{Seed: 1}
	for i := range s.rest {
		at.Now = s.rest[i].At
		if !slices.Contains([]string{"TaskStarted", "LambdaFunctionStarted", "ActivityStarted"}, s.rest[i].Type) {
			break
		}
	}
	return at
}

// follows says whether the events of a step come next in the history.
func (s *search) follows(e *asl.Effects) bool {
	if len(e.History) > len(s.rest) {
		return false
	}
	for i := range e.History {
		if text(&e.History[i]) != text(&s.rest[i]) {
			return false
		}
	}
	return true
}

func (s *search) take(x *asl.Execution, e *asl.Effects) {
	for _, task := range e.Tasks {
		s.found.Tasks[task.ID] = task
	}
	s.rest, s.done, s.found.End = s.rest[len(e.History):], s.done+len(e.History), e.End
	s.memory.Save(x)
}

// step takes one of the events that can happen next; false when none of them explains what does.
func (s *search) step() (bool, error) {
	x, err := s.memory.Load(s.Machine)
	if err != nil {
		return false, err
	}
	for _, event := range s.possible(x) {
		if x, err = s.memory.Load(s.Machine); err != nil {
			return false, err
		}
		effects, err := x.Advance(event, s.moment())
		if err != nil {
			return false, err
		}
		if len(effects.History) > 0 && s.follows(effects) {
			s.take(x, effects)
			return true, nil
		}
	}
	return false, nil
}

// possible are the events that can happen next.
func (s *search) possible(x *asl.Execution) []asl.Event {
	var all []asl.Event
	tasks, timers := x.Outstanding()
	for _, task := range tasks {
		all = append(all, s.answers(task)...)
	}
	for _, timer := range timers {
		if !timer.At.After(s.moment().Now) {
			all = append(all, asl.TimerFired{Timer: timer.ID})
		}
	}
	if s.Stopped {
		all = append(all, asl.StopRequested{})
	}
	return all
}

// answers are the events that a task can still bring.
func (s *search) answers(task asl.Task) []asl.Event {
	a := s.Answer(task)
	var all []asl.Event
	if !task.Started && a.Started {
		all = append(all, asl.TaskStarted{Task: task.ID, Worker: a.Worker})
	}
	if !task.Submitted && a.Submitted != nil {
		all = append(all, asl.TaskSubmitted{Task: task.ID, Output: a.Submitted})
	}
	switch {
	case a.Failed:
		all = append(all, asl.TaskFailed{Task: task.ID, Error: a.Error, Cause: a.Cause})
	case a.Output != nil:
		all = append(all, asl.TaskSucceeded{Task: task.ID, Output: a.Output})
	}
	return all
}

func (s *search) impossible(x *asl.Execution) error {
	next := "its end"
	if len(s.rest) > 0 {
		next = text(&s.rest[0])
	}
	tasks, timers := x.Outstanding()
	return fmt.Errorf("%w: after event %d comes %s, while it waits for the tasks %v and the timers %v", ErrImpossible, s.done, next, tasks, timers)
}
