package asl

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"time"
)

// frameID names a frame within its execution.
type frameID int64

// A frame is one thread of an execution: the machine itself, a branch of a Parallel state, or an iteration of a Map state. Each is in one
// state at a time.
type frame struct {
	id     frameID
	parent *frame // nil: the machine
	index  int    // of the branch or item in the parent
	state  *state
	phase  phase
	input  *Document // of the state
	vars   map[string]*Document

	prev        int64 // the event that the next one follows
	entered     int64 // the event that entered the state
	enteredPrev int64 // the one before it
	enteredAt   time.Time

	attempts []int // by retrier; nil: none was used
	retries  int   // of the state, all retriers together

	timer Timer     // of a Wait state or a retry
	task  *taskWait // of a Task state
	fan   *fan      // of a Parallel or Map state
	run   *runWait  // of a distributed Map state
}

// phase is what a frame does.
type phase byte

const (
	entering phase = iota // its turn is to come, and then it enters its state
	retrying              // waits for the timer, then does its state again
	waiting               // Wait state: waits for the timer
	working               // Task state: waits for the task
	joining               // Parallel or Map state: waits for its children
	mapping               // distributed Map state: waits for its run
	redoing               // its state did not succeed; after a redrive its turn is to come, and then it does its state again
)

// A taskWait is a task that has no result yet.
type taskWait struct {
	id          TaskID
	token       string
	parameters  *Document
	credentials *Document
	timeout     Timer // its ID is 0 when there is none
	heartbeat   Timer
	timeoutS    int64 // seconds; 0: none
	heartbeatS  int64
	started     bool
	submitted   bool
}

// A fan is the children of a Parallel or Map state at work. Child i has the frame id first+i.
type fan struct {
	first   frameID
	count   int
	next    int         // index of the first child that has not begun
	running int         // children that have begun and not ended
	limit   int         // children that may run at one time
	list    *Document   // Map: the array of items
	items   []*Document // its elements
	data    *Document   // Map: what ItemSelector sees as "$"; Parallel: the input of the branches
	outputs []*Document // of the children that have ended

	failed     *frame // the child whose error made the state fail
	failedTask bool   // whether that was the error of a task
}

func (x *Execution) newFrame(parent *frame, index int, fl *flow, input *Document) *frame {
	f := &frame{parent: parent, index: index, state: fl.start, input: input}
	if parent == nil {
		f.id = x.nextFrame
		x.nextFrame++
	} else {
		f.id = parent.fan.first + frameID(index)
	}
	x.frames[f.id] = f
	x.touch(f)
	return f
}

// push gives a frame a turn to enter its state, or to do it again.
func (x *Execution) push(f *frame) {
	x.ready = append(x.ready, f)
}

// run lets the frames that have a turn go on, one after the other, each until it waits for something.
func (x *Execution) run() {
	for len(x.ready) > 0 && !x.over() {
		f := x.ready[0]
		if x.budget == 0 {
			if x.resume.ID == 0 {
				x.resume = x.setTimer(nil, x.at.Now)
			}
			return
		}
		x.ready = x.ready[1:]
		x.goOn(f)
	}
}

// goOn lets one frame enter states until it waits for something, or the transitions of the step are used up.
func (x *Execution) goOn(f *frame) {
	x.current = f
	defer func() { x.current = nil }()
	for f.hasTurn() && x.frames[f.id] == f && !x.over() {
		if x.budget == 0 {
			x.ready = slices.Insert(x.ready, 0, f)
			return
		}
		x.budget--
		if f.phase == redoing {
			x.redo(f)
		} else {
			x.enter(f)
		}
	}
}

func (f *frame) hasTurn() bool { return f.phase == entering || f.phase == redoing }

// over says whether nothing more can happen in this step.
func (x *Execution) over() bool { return x.end != nil || x.full }

// setTimer sets a timer for a frame, or for the execution when f is nil.
func (x *Execution) setTimer(f *frame, at time.Time) Timer {
	t := Timer{ID: x.nextTimer, At: at}
	x.nextTimer++
	x.timers[t.ID] = f
	x.effects.Timers = append(x.effects.Timers, t)
	return t
}

// dropTimer forgets a timer, if it is set.
func (x *Execution) dropTimer(t *Timer) {
	if t.ID == 0 {
		return
	}
	delete(x.timers, t.ID)
	x.effects.DroppedTimers = append(x.effects.DroppedTimers, t.ID)
	*t = Timer{}
}

// timer returns an outstanding timer.
func (x *Execution) timer(id TimerID) Timer {
	own := []Timer{x.deadline, x.resume}
	if f := x.timers[id]; f != nil {
		own = f.timersOf()
	}
	for _, t := range own {
		if t.ID == id {
			return t
		}
	}
	panic(fmt.Sprintf("asl: timer %d belongs to nothing", id)) // a programming error: setTimer's caller keeps the timer
}

// timerFired goes on with what waited for a timer; false when the timer is not set.
func (x *Execution) timerFired(id TimerID) bool {
	f, ok := x.timers[id]
	if !ok {
		return false
	}
	switch id {
	case x.deadline.ID:
		x.dropTimer(&x.deadline)
		x.finish(&End{Status: TimedOut}, 0, false, false)
		return true
	case x.resume.ID:
		x.dropTimer(&x.resume)
		return true
	}
	x.touch(f)
	if id != f.timer.ID {
		x.taskTimedOut(f, id == f.task.heartbeat.ID)
		return true
	}
	x.dropTimer(&f.timer)
	if f.phase == retrying {
		x.work(f)
	} else {
		x.complete(f, f.input)
	}
	return true
}

// timersOf returns the timers of a frame; those whose ID is 0 are not set.
func (f *frame) timersOf() []Timer {
	if f.task == nil {
		return []Timer{f.timer}
	}
	return []Timer{f.timer, f.task.timeout, f.task.heartbeat}
}

// release drops what a frame waits for.
func (x *Execution) release(f *frame) {
	x.dropTimer(&f.timer)
	if f.task != nil {
		x.endTask(f)
	}
	if f.run != nil {
		x.endRun(f)
	}
}

func sortedKeys[K cmp.Ordered, V any](m map[K]V) []K {
	return slices.Sorted(maps.Keys(m))
}
