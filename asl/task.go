package asl

import (
	"encoding/base64"
	"encoding/binary"
	"time"
)

func secondsOf(n int64) time.Duration { return time.Duration(n) * time.Second }

// schedule asks for the work of a Task state.
func (x *Execution) schedule(f *frame, s *scope) *failure {
	spec := f.state.task
	t := &taskWait{parameters: s.data}
	if spec.integration.token || spec.integration.sync {
		t.token = x.newToken()
	}
	f.task = t // the context object has the token
	if err := x.prepareTask(f, s); err != nil {
		f.task = nil
		return err
	}
	t.id = x.nextTask
	x.nextTask++
	x.tasks[t.id] = f
	f.phase = working
	if t.timeoutS > 0 {
		t.timeout = x.setTimer(f, x.at.Now.Add(secondsOf(t.timeoutS)))
	}
	if t.heartbeatS > 0 {
		t.heartbeat = x.setTimer(f, x.at.Now.Add(secondsOf(t.heartbeatS)))
	}
	d := Details{Task: t.id, TimeoutSeconds: t.timeoutS, HeartbeatSeconds: t.heartbeatS, Credentials: t.credentials}
	if in := spec.integration; in.caller == serviceCaller {
		d.Parameters, d.Resource, d.ResourceType, d.Region = t.parameters, in.resource, in.resourceType, x.id.Region
	} else {
		d.Input, d.Resource = t.parameters, spec.resource
	}
	f.prev = x.event(string(spec.integration.caller)+"Scheduled", f.prev, d)
	x.effects.Tasks = append(x.effects.Tasks, f.taskEffect())
	return nil
}

// prepareTask evaluates the fields of a Task state.
func (x *Execution) prepareTask(f *frame, s *scope) (err *failure) {
	spec, t := f.state.task, f.task
	if spec.timeout != nil {
		if t.timeoutS, err = spec.timeout.value(s, 1); err != nil {
			return err
		}
	}
	if spec.heartbeat != nil {
		if t.heartbeatS, err = spec.heartbeat.value(s, 1); err != nil {
			return err
		}
	}
	if spec.credentials != nil {
		if t.credentials, err = spec.credentials.eval(s); err != nil {
			return err
		}
	}
	if f.state.parameters != nil {
		if t.parameters, err = f.state.parameters.eval(s); err != nil {
			return err
		}
	}
	x.probe.note(afterParameters, t.parameters)
	if name := spec.integration.invalidParameter(t.parameters); name != "" {
		return f.runtimeFailure("The Parameters '%s' could not be used to start the Task: [The value of the field '%s' has an invalid format]",
			t.parameters.display(), name)
	}
	return nil
}

// newToken makes a task token.
func (x *Execution) newToken() string {
	b := binary.BigEndian.AppendUint64(nil, x.id.Number)
	b = binary.BigEndian.AppendUint64(b, uint64(x.nextTask))
	b = binary.BigEndian.AppendUint64(b, x.random().Uint64())
	b = binary.BigEndian.AppendUint64(b, x.random().Uint64())
	return base64.RawURLEncoding.EncodeToString(b)
}

// tokenBytes are the bytes of a token: Identity.Number, the task, and what nobody can guess.
const tokenBytes = 32

// ParseToken returns the execution, by its Identity.Number, and the task that a task token belongs to. It returns false for a text that no
// interpreter made. Whether the token is the right one, only comparing it with that of the task tells.
func ParseToken(token string) (execution uint64, task TaskID, ok bool) {
	b, err := base64.RawURLEncoding.Strict().DecodeString(token)
	if err != nil || len(b) != tokenBytes {
		return 0, 0, false
	}
	return binary.BigEndian.Uint64(b), TaskID(binary.BigEndian.Uint64(b[8:])), true
}

// taskEffect describes the task of a frame.
func (f *frame) taskEffect() Task {
	t := f.task
	return Task{
		ID: t.id, State: f.state.name, Resource: f.state.task.resource, Parameters: t.parameters, Token: t.token, RetryCount: f.retries,
		Timeout: secondsOf(t.timeoutS), Heartbeat: secondsOf(t.heartbeatS), Credentials: t.credentials,
		Mode: f.state.task.integration.mode(), Started: t.started, Submitted: t.submitted,
	}
}

// onTask does something with the frame of a task that has no result yet; false when the task is no longer outstanding.
func (x *Execution) onTask(id TaskID, do func(f *frame)) bool {
	f := x.tasks[id]
	if f == nil {
		return false
	}
	x.touch(f)
	do(f)
	return true
}

// taskEvent appends an event of the task of a frame.
func (x *Execution) taskEvent(f *frame, what string, at time.Time, d Details) {
	in := f.state.task.integration
	if in.caller == serviceCaller {
		d.Resource, d.ResourceType = in.resource, in.resourceType
	}
	f.prev = x.eventAt(at, string(in.caller)+what, f.prev, d)
}

func (x *Execution) taskStarted(f *frame, at time.Time, worker string) {
	if f.task.started {
		return
	}
	f.task.started = true
	if at.IsZero() {
		at = x.at.Now
	}
	at = at.UTC().Round(0)
	x.taskEvent(f, "Started", at, Details{WorkerName: worker})
}

func (x *Execution) taskSubmitted(f *frame, ev TaskSubmitted) {
	if f.task.submitted {
		return
	}
	x.taskStarted(f, ev.StartedAt, "")
	f.task.submitted = true
	x.taskEvent(f, "Submitted", x.at.Now, Details{Output: ev.Output})
}

func (x *Execution) taskSucceeded(f *frame, ev TaskSucceeded) {
	x.taskStarted(f, ev.StartedAt, "")
	if len(ev.Output.Bytes()) > x.machine.limits.DataBytes {
		x.failTask(f, "Failed", sizeFailure(f.state.task.integration.subject()))
		return
	}
	x.taskEvent(f, "Succeeded", x.at.Now, Details{Output: ev.Output})
	x.endTask(f)
	x.complete(f, ev.Output)
}

func (x *Execution) taskFailed(f *frame, ev TaskFailed) {
	what := "Failed"
	if ev.NotScheduled && !f.task.started {
		what = "ScheduleFailed"
	} else {
		x.taskStarted(f, ev.StartedAt, "")
	}
	x.failTask(f, what, &failure{name: ev.Error, cause: ev.Cause, hasName: ev.Error != "", hasCause: ev.Cause != ""})
}

func (x *Execution) taskTimedOut(f *frame, heartbeat bool) {
	x.workBegan(f)
	x.failTask(f, "TimedOut", &failure{name: errTimeout, hasName: true, heartbeat: heartbeat})
}

// workBegan says that the work of a task began that ends without a result. That of a service begins when it is asked for; nobody says so before
// the result. Only the task of an activity may never have been taken up.
func (x *Execution) workBegan(f *frame) {
	if f.state.task.integration.mode() != Activity {
		x.taskStarted(f, time.Time{}, "")
	}
}

// timeOutDue ends the task of a frame that is about to be aborted, if its time is up too: the history tells of every task that timed out,
// though one of them is enough to fail the state around them.
func (x *Execution) timeOutDue(f *frame) {
	if f.task == nil {
		return
	}
	for _, t := range []Timer{f.task.timeout, f.task.heartbeat} {
		if t.ID != 0 && !t.At.After(x.at.Now) {
			x.workBegan(f)
			x.taskEvent(f, "TimedOut", x.at.Now, Details{Error: errTimeout, HasError: true})
			x.endTask(f)
			return
		}
	}
}

// failTask ends a task without a result.
func (x *Execution) failTask(f *frame, what string, e *failure) {
	x.taskEvent(f, what, x.at.Now, Details{Error: e.name, Cause: e.cause, HasError: e.hasName, HasCause: e.hasCause})
	x.endTask(f)
	e.ofTask = true
	x.fail(f, e)
}

func (x *Execution) taskHeartbeat(f *frame) {
	if f.task.heartbeat.ID == 0 {
		return
	}
	x.dropTimer(&f.task.heartbeat)
	f.task.heartbeat = x.setTimer(f, x.at.Now.Add(secondsOf(f.task.heartbeatS)))
}

// endTask forgets the task of a frame.
func (x *Execution) endTask(f *frame) {
	t := f.task
	delete(x.tasks, t.id)
	x.effects.DroppedTasks = append(x.effects.DroppedTasks, t.id)
	x.dropTimer(&t.timeout)
	x.dropTimer(&t.heartbeat)
	f.task = nil
}
