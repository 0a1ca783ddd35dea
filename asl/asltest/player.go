// Package asltest plays executions of the States Language in virtual time: tasks are answered by a function, timers fire as soon as
// nothing else is left to do, and hours pass in microseconds. Tests of the interpreter and of engines use it, and simulations.
package asltest

import (
	"container/heap"
	"errors"
	"fmt"
	"time"

	"sundog/asl"
)

// An Answer is what a service does with a task. The zero Answer never answers.
type Answer struct {
	Started   bool          // whether a worker takes the task up, at once
	Worker    string        // of an activity
	Submitted *asl.Document // the result of the first half of a .sync or .waitForTaskToken integration, at once; nil: none
	After     time.Duration // until the result
	Output    *asl.Document // the result; nil: none
	Failed    bool          // the result is an error
	Error     string        // may be empty
	Cause     string        // may be empty
}

// A Player plays one execution.
type Player struct {
	Machine  *asl.Machine
	Identity asl.Identity
	// Begin is the time at which the execution starts.
	Begin time.Time
	// Seed is the source of all chance.
	Seed uint64
	// Work answers a task. Nil never answers.
	Work func(asl.Task) Answer
	// Calls are events from outside at times after the beginning, such as asl.StopRequested.
	Calls []Call
	// Step, when set, is called after every step and may put another execution in the place of the one that made it, as an
	// engine does that stores an execution and reads it back.
	Step func(*asl.Execution, *asl.Effects) (*asl.Execution, error)
	// ChildStep makes the Step of a child of a map run. Nil: children have none.
	ChildStep func(machine *asl.Machine) func(*asl.Execution, *asl.Effects) (*asl.Execution, error)
	// Objects are what map runs read and write; nil: there is no bucket.
	Objects *Objects
	// Redrive, when set, is asked whenever the execution has ended without success; when it says so, the execution is redriven at once.
	Redrive func(*asl.Execution) bool
	// MaxSteps bounds the steps: 100,000 when zero.
	MaxSteps int
}

// A Call is an event from outside.
type Call struct {
	After time.Duration
	Event asl.Event
}

// A Played execution is over.
type Played struct {
	End     *asl.End
	History []asl.HistoryEvent
	Took    time.Duration // in virtual time
	Steps   int
}

// ErrStuck is returned for an execution that waits for something that will not come.
var ErrStuck = errors.New("the execution waits for a task that is never answered")

// Play starts the execution and plays it to its end.
func (p *Player) Play(input *asl.Document) (*Played, error) {
	g := &game{player: p, now: p.Begin, seed: p.Seed}
	for _, call := range p.Calls {
		g.later(call.After, call.Event)
	}
	x, effects := asl.Start(p.Machine, p.Identity, input, g.moment())
	limit := p.MaxSteps
	if limit == 0 {
		limit = 100_000
	}
	for g.steps = 1; ; g.steps++ {
		if err := g.take(x, effects); err != nil {
			return nil, err
		}
		if p.Step != nil {
			var err error
			if x, err = p.Step(x, effects); err != nil {
				return nil, fmt.Errorf("after step %d: %w", g.steps, err)
			}
		}
		if effects.End != nil && p.Redrive != nil && effects.End.Status != asl.Succeeded && p.Redrive(x) {
			var err error
			if effects, err = x.Redrive(g.moment()); err != nil {
				return nil, err
			}
			continue
		}
		if effects.End != nil {
			return &Played{End: effects.End, History: g.history, Took: g.now.Sub(p.Begin), Steps: g.steps}, nil
		}
		if len(g.queue) == 0 {
			return nil, ErrStuck
		}
		if g.steps == limit {
			return nil, fmt.Errorf("the execution did not end in %d steps", limit)
		}
		next := heap.Pop(&g.queue).(occurrence)
		if next.at.After(g.now) {
			g.now = next.at
		}
		var err error
		if effects, err = x.Advance(next.event, g.moment()); err != nil {
			return nil, fmt.Errorf("step %d: %w", g.steps+1, err)
		}
	}
}

// A game is the state of play.
type game struct {
	player  *Player
	now     time.Time
	seed    uint64
	steps   int
	queue   occurrences
	order   int
	history []asl.HistoryEvent
}

func (g *game) moment() asl.Moment {
	g.seed++
	return asl.Moment{Now: g.now, Seed: g.seed}
}

// take notes the effects of a step and arranges for what follows from them. What was dropped happens all the same, too late: an engine
// cannot always help that either, and the interpreter must not mind.
func (g *game) take(x *asl.Execution, e *asl.Effects) error {
	g.history = append(g.history, e.History...)
	for _, t := range e.Timers {
		g.later(t.At.Sub(g.now), asl.TimerFired{Timer: t.ID})
	}
	for _, run := range e.MapRuns {
		if err := g.mapRun(x, run); err != nil {
			return err
		}
	}
	if g.player.Work == nil {
		return nil
	}
	for _, t := range e.Tasks {
		a := g.player.Work(t)
		if a.Started {
			g.later(0, asl.TaskStarted{Task: t.ID, Worker: a.Worker})
		}
		if a.Submitted != nil {
			g.later(0, asl.TaskSubmitted{Task: t.ID, Output: a.Submitted})
		}
		switch {
		case a.Failed:
			g.later(a.After, asl.TaskFailed{Task: t.ID, Error: a.Error, Cause: a.Cause})
		case a.Output != nil:
			g.later(a.After, asl.TaskSucceeded{Task: t.ID, Output: a.Output})
		}
	}
	return nil
}

func (g *game) later(after time.Duration, event asl.Event) {
	g.order++
	heap.Push(&g.queue, occurrence{at: g.now.Add(after), order: g.order, event: event})
}

// An occurrence is an event that is to come. Of those at one time the first arranged comes first.
type occurrence struct {
	at    time.Time
	order int
	event asl.Event
}

type occurrences []occurrence

func (o occurrences) Len() int      { return len(o) }
func (o occurrences) Swap(i, j int) { o[i], o[j] = o[j], o[i] }
func (o *occurrences) Push(v any)   { *o = append(*o, v.(occurrence)) }

func (o occurrences) Less(i, j int) bool {
	if !o[i].at.Equal(o[j].at) {
		return o[i].at.Before(o[j].at)
	}
	return o[i].order < o[j].order
}

func (o *occurrences) Pop() any {
	old := *o
	last := old[len(old)-1]
	*o = old[:len(old)-1]
	return last
}
