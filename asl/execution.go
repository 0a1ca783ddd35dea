package asl

import (
	"fmt"
	"math/rand/v2"
	"time"
)

// Status is the status of an execution, in AWS's words.
type Status string

// The statuses of an execution.
const (
	Running   Status = "RUNNING"
	Succeeded Status = "SUCCEEDED"
	Failed    Status = "FAILED"
	TimedOut  Status = "TIMED_OUT"
	Aborted   Status = "ABORTED"
)

// event is the type of the history event that ends an execution with the status.
func (s Status) event() string {
	switch s {
	case Succeeded:
		return "ExecutionSucceeded"
	case TimedOut:
		return "ExecutionTimedOut"
	case Aborted:
		return "ExecutionAborted"
	}
	return "ExecutionFailed"
}

// Moment is what an interpreter step takes from outside: the time of the step and a seed for whatever it draws at random
// (jitter, task tokens, States.UUID, States.MathRandom). The same step with the same Moment has the same outcome, byte for byte. Task
// tokens can be guessed by whoever knows the seed, so an engine draws it from a source that nobody can foresee.
type Moment struct {
	Now  time.Time
	Seed uint64
}

// Identity is who an execution is; it shows in the context object.
type Identity struct {
	ARN         string // of the execution
	Name        string
	RoleARN     string
	MachineARN  string
	MachineName string
	Express     bool
	Number      uint64 // goes into task tokens, so that an engine finds the execution by one
	Child       bool   // of a map run: it is not redriven by itself
	Region      string // used where a history event names one
	Account     string
}

// An Execution is a machine at work. It is not safe for concurrent use. A caller that cannot store what a step made of it throws it away
// and loads it again.
type Execution struct {
	machine *Machine
	id      Identity
	input   *Document
	started time.Time
	end     *End // nil while it runs

	nextEvent int64
	nextTask  TaskID
	nextTimer TimerID
	nextFrame frameID
	deadline  Timer // of the whole execution; its ID is 0 when there is none
	resume    Timer // set when a step ended before its work, for the transitions were too many

	root   *frame
	frames map[frameID]*frame
	tasks  map[TaskID]*frame
	timers map[TimerID]*frame
	runs   map[MapRunID]*frame
	ready  []*frame // in turn; what is left over when a step has used up its transitions

	// stopped are the children of states that have failed, while their error takes its way, and once it has ended the execution.
	stopped  map[frameID]*frame
	redrives int64
	redriven time.Time // the last time

	// The step in progress.
	at      Moment
	rng     *rand.Rand
	effects *Effects
	budget  int    // transitions that are left
	full    bool   // the history has no more room
	current *frame // that has its turn

	changes changes

	probe *probe // of TestState; nil otherwise
}

// Start begins an execution. That the input is within the limits is for the caller to see to, who can still refuse it.
func Start(m *Machine, id Identity, input *Document, at Moment) (*Execution, *Effects) {
	x := newExecution(m, m.top, id, input, at)
	x.setDeadline()
	x.push(x.root)
	x.run()
	return x, x.finishStep()
}

// maxExpress is how long an execution of an Express workflow may take (Developer Guide, "Quotas related to state machine executions").
const maxExpress = 5 * time.Minute

// setDeadline sets the timer of the execution as a whole, if there is one.
func (x *Execution) setDeadline() {
	timeout := x.machine.timeout
	if x.id.Express && (timeout == 0 || timeout > maxExpress) {
		timeout = maxExpress
	}
	if timeout > 0 {
		x.deadline = x.setTimer(nil, x.at.Now.Add(timeout))
	}
}

// newExecution makes an execution that is about to enter the first state of a flow.
func newExecution(m *Machine, fl *flow, id Identity, input *Document, at Moment) *Execution {
	x := &Execution{
		machine: m, id: id, input: input, started: at.Now.UTC().Round(0),
		nextEvent: 1, nextTask: 1, nextTimer: 1, nextFrame: 1,
		frames: map[frameID]*frame{}, tasks: map[TaskID]*frame{}, timers: map[TimerID]*frame{}, runs: map[MapRunID]*frame{},
		stopped: map[frameID]*frame{},
	}
	x.changes.identity = true
	x.begin(at)
	x.event("ExecutionStarted", 0, Details{Input: input, RoleARN: id.RoleARN})
	x.root = x.newFrame(nil, 0, fl, input)
	return x
}

// Advance takes an event into the execution. Events for tasks and timers that are no longer outstanding, and any event once the
// execution has ended, change nothing: the effects are empty. The error is for events that make no sense.
func (x *Execution) Advance(ev Event, at Moment) (*Effects, error) {
	if x.end != nil {
		return &Effects{}, nil
	}
	x.begin(at)
	known, err := x.take(ev)
	if err != nil || !known {
		return &Effects{}, err
	}
	x.run()
	return x.finishStep(), nil
}

// take lets an event have its immediate effect. It returns false when the event comes too late.
func (x *Execution) take(ev Event) (known bool, err error) {
	switch ev := ev.(type) {
	case TaskStarted:
		return x.onTask(ev.Task, func(f *frame) { x.taskStarted(f, ev.At, ev.Worker) }), nil
	case TaskSubmitted:
		if ev.Output == nil {
			return false, fmt.Errorf("TaskSubmitted of task %d has no output", ev.Task)
		}
		return x.onTask(ev.Task, func(f *frame) { x.taskSubmitted(f, ev) }), nil
	case TaskSucceeded:
		if ev.Output == nil {
			return false, fmt.Errorf("TaskSucceeded of task %d has no output", ev.Task)
		}
		return x.onTask(ev.Task, func(f *frame) { x.taskSucceeded(f, ev) }), nil
	case TaskFailed:
		return x.onTask(ev.Task, func(f *frame) { x.taskFailed(f, ev) }), nil
	case TaskHeartbeat:
		return x.onTask(ev.Task, x.taskHeartbeat), nil
	case TimerFired:
		return x.timerFired(ev.Timer), nil
	case MapRunSucceeded:
		if ev.Output == nil {
			return false, fmt.Errorf("MapRunSucceeded of map run %d has no output", ev.Run)
		}
		return x.onRun(ev.Run, func(f *frame) { x.runSucceeded(f, ev.Output) }), nil
	case MapRunFailed:
		return x.onRun(ev.Run, func(f *frame) { x.runFailed(f, ev) }), nil
	case StopRequested:
		x.finish(&End{Status: Aborted, Error: ev.Error, Cause: ev.Cause}, 0, ev.Error != "", ev.Cause != "")
		return true, nil
	}
	return false, fmt.Errorf("%T is not an event of the interpreter", ev)
}

// Status is the status of the execution after its last step.
func (x *Execution) Status() Status {
	if x.end != nil {
		return x.end.Status
	}
	return Running
}

// End is how the execution ended, or nil while it runs.
func (x *Execution) End() *End { return x.end }

// NextEventID is the id that the next history event will have: one more than the number of events so far.
func (x *Execution) NextEventID() int64 { return x.nextEvent }

// Identity is what Start was given.
func (x *Execution) Identity() Identity { return x.id }

// Started is when the execution began.
func (x *Execution) Started() time.Time { return x.started }

// Input is the input of the execution.
func (x *Execution) Input() *Document { return x.input }

// Outstanding returns the tasks that have no result and the timers that have not fired, in the order of their ids: what an engine takes
// up again after a crash.
func (x *Execution) Outstanding() ([]Task, []Timer) {
	if x.end != nil {
		return nil, nil
	}
	tasks := make([]Task, 0, len(x.tasks))
	for _, id := range sortedKeys(x.tasks) {
		tasks = append(tasks, x.tasks[id].taskEffect())
	}
	timers := make([]Timer, 0, len(x.timers))
	for _, id := range sortedKeys(x.timers) {
		timers = append(timers, x.timer(id))
	}
	return tasks, timers
}

// begin prepares for a step.
func (x *Execution) begin(at Moment) {
	at.Now = at.Now.UTC().Round(0) // as it is after it was stored
	x.at, x.rng, x.effects, x.budget = at, nil, &Effects{}, x.machine.limits.StepTransitions
}

// finishStep closes the step and returns its effects.
func (x *Execution) finishStep() *Effects {
	if x.full && x.end == nil {
		x.finish(&End{Status: Failed}, x.root.prev, true, true)
	}
	if len(x.ready) == 0 {
		x.dropTimer(&x.resume)
	}
	x.effects.End = x.end
	effects := x.effects
	x.effects, x.rng = nil, nil
	return effects
}

// event appends to the history and returns the id of the event.
func (x *Execution) event(typ string, previous int64, d Details) int64 {
	return x.eventAt(x.at.Now, typ, previous, d)
}

// eventAt is event for what happened at another time. The last place of a full history is for the event that ends it.
func (x *Execution) eventAt(at time.Time, typ string, previous int64, d Details) int64 {
	if x.nextEvent >= x.machine.limits.HistoryEvents {
		x.full = true
		return previous
	}
	return x.append(at, typ, previous, d)
}

func (x *Execution) append(at time.Time, typ string, previous int64, d Details) int64 {
	id := x.nextEvent
	x.nextEvent++
	x.effects.History = append(x.effects.History, HistoryEvent{ID: id, Previous: previous, Type: typ, At: at, Details: d})
	return id
}

// finish ends the execution and lets go of all it waits for.
func (x *Execution) finish(end *End, previous int64, hasError, hasCause bool) {
	if x.full {
		*end = End{
			Status: Failed, Error: errRuntime,
			Cause: fmt.Sprintf("The execution reached the maximum number of history events (%d).", x.machine.limits.HistoryEvents),
		}
		hasError, hasCause = true, true
	}
	x.append(x.at.Now, end.Status.event(), previous, Details{Output: end.Output, Error: end.Error, Cause: end.Cause, HasError: hasError, HasCause: hasCause})
	x.end = end
	x.effects.DroppedTasks = append(x.effects.DroppedTasks, sortedKeys(x.tasks)...)
	x.effects.DroppedTimers = append(x.effects.DroppedTimers, sortedKeys(x.timers)...)
	x.effects.DroppedRuns = append(x.effects.DroppedRuns, sortedKeys(x.runs)...)
	clear(x.tasks)
	clear(x.timers)
	clear(x.runs)
	x.ready = nil
	x.deadline, x.resume = Timer{}, Timer{}
	if x.NotRedrivable() == "" {
		x.setAllAside()
	} else {
		x.forget()
	}
}
