package asl

import (
	"errors"
	"fmt"
	"slices"
)

// ErrNotRedrivable is wrapped by the error of Redrive for an execution that cannot go on, with the reason.
var ErrNotRedrivable = errors.New("execution is not redrivable")

// NotRedrivable is why the execution cannot be redriven, in AWS's words (API reference, DescribeExecution, redriveStatusReason); "" when it can.
// How long ago it ended is for an engine to look at.
func (x *Execution) NotRedrivable() string {
	switch {
	case x.end == nil:
		return "Execution is RUNNING and cannot be redriven"
	case x.end.Status == Succeeded:
		return "Execution is SUCCEEDED and cannot be redriven"
	case x.id.Express:
		return "Execution is of an EXPRESS state machine and cannot be redriven"
	case x.id.Child:
		return "Execution is a child of a Map Run and cannot be redriven by itself"
	case x.nextEvent >= x.machine.limits.HistoryEvents: // there has to be room for ExecutionRedriven and one event more
		return "Execution history event limit exceeded"
	}
	return ""
}

// Redrives is how often the execution was redriven.
func (x *Execution) Redrives() int64 { return x.redrives }

// Redrive lets an execution that did not succeed go on from the states that did not (Developer Guide, "Restarting state machine executions with
// redrive in Step Functions"). What has succeeded is kept. A branch of a Parallel state and an iteration of an inline Map state goes on in
// the state in which it failed or was aborted, with its variables. A Map state in the Mode
// DISTRIBUTED asks for another map run, from the beginning. Attempts are counted anew, and TimeoutSeconds begin anew.
//
// States that are done again are not entered again, and their events follow the one that entered them; a Fail state alone is
// entered again, as the Developer Guide has it.
func (x *Execution) Redrive(at Moment) (*Effects, error) {
	if reason := x.NotRedrivable(); reason != "" {
		return nil, fmt.Errorf("redriving %s: %w: %s", x.id.ARN, ErrNotRedrivable, reason)
	}
	if x.root == nil {
		return nil, fmt.Errorf("redriving %s: %w: its states were not kept", x.id.ARN, ErrNotRedrivable)
	}
	x.begin(at)
	x.end = nil
	x.redrives++
	x.redriven = x.at.Now
	x.event("ExecutionRedriven", x.nextEvent-1, Details{RedriveCount: x.redrives})
	x.setDeadline()
	for _, id := range sortedKeys(x.frames) {
		x.takeUp(x.frames[id])
	}
	x.run()
	return x.finishStep(), nil
}

// takeUp prepares a frame for its next attempt.
func (x *Execution) takeUp(f *frame) {
	f.attempts, f.retries = nil, 0
	x.touch(f)
	if f.phase == joining {
		f.fan.failed, f.fan.failedTask = nil, false
		if f.fan.running == f.fan.limit || f.fan.next == f.fan.count {
			return // its children have turns of their own
		}
		f.phase = redoing
	}
	x.push(f)
}

// redo does the state of a frame again.
func (x *Execution) redo(f *frame) {
	f.prev = f.entered
	var err *failure
	switch {
	case f.state.typ == failState:
		f.prev = f.enteredPrev
		x.enter(f)
	case f.fan == nil:
		x.work(f)
	case f.fan.done(): // the children succeeded, and then their state failed
		err = x.joined(f)
	default: // an ItemSelector failed
		f.phase = joining
		err = x.fill(f)
	}
	if err != nil {
		x.fail(f, err)
	}
}

// setAside stops a frame in whatever it does, and keeps it for a redrive.
func (x *Execution) setAside(f *frame) {
	x.release(f)
	x.touch(f)
	if f.phase != joining && f.phase != entering {
		f.phase = redoing
	}
	delete(x.frames, f.id)
	if i := slices.Index(x.ready, f); i >= 0 {
		x.ready = slices.Delete(x.ready, i, i+1)
	}
	x.stopped[f.id] = f
}

// setAllAside stops all frames at the end of an execution. From then on they are in frames again.
func (x *Execution) setAllAside() {
	for _, id := range sortedKeys(x.frames) {
		f := x.frames[id]
		f.timer, f.task, f.run = Timer{}, nil, nil // dropped with all others
		x.setAside(f)
	}
	x.frames, x.stopped = x.stopped, x.frames
}

// forget lets go of all frames at the end of an execution that cannot be redriven.
func (x *Execution) forget() {
	clear(x.frames)
	clear(x.stopped)
	clear(x.changes.touched)
	clear(x.changes.outputs)
}
