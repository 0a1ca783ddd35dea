package asl

import "time"

// TaskID names one attempt of one Task state within one execution. It is never used again.
type TaskID int64

// TimerID names one timer within one execution. It is never used again.
type TimerID int64

// An Event is something that happened to an execution from outside: one of the types below.
type Event interface{ event() }

type (
	// TaskStarted says that a worker has begun a task. Optional: a result implies it.
	TaskStarted struct {
		Task   TaskID
		At     time.Time // zero: now
		Worker string    // of an activity
	}
	// TaskSubmitted is the answer to the first half of a `.sync` or `.waitForTaskToken` integration.
	TaskSubmitted struct {
		Task      TaskID
		StartedAt time.Time // zero: now, or a TaskStarted came before
		Output    *Document
	}
	// TaskSucceeded ends a task with the raw result of the service, before ResultSelector.
	TaskSucceeded struct {
		Task      TaskID
		StartedAt time.Time
		Output    *Document
	}
	// TaskFailed ends a task with an error. An empty Error or Cause is none.
	TaskFailed struct {
		Task      TaskID
		StartedAt time.Time
		Error     string
		Cause     string
		// NotScheduled says that no worker or function could be asked at all: there is no such activity.
		NotScheduled bool
	}
	// TaskHeartbeat restarts the heartbeat timer of a task.
	TaskHeartbeat struct{ Task TaskID }
	// TimerFired says that a timer set by an earlier step is due.
	TimerFired struct{ Timer TimerID }
	// MapRunSucceeded ends a map run with its result, before ResultSelector.
	MapRunSucceeded struct {
		Run    MapRunID
		Output *Document
	}
	// MapRunFailed ends a map run with an error. An empty Cause is none.
	MapRunFailed struct {
		Run   MapRunID
		Error string
		Cause string
	}
	// StopRequested aborts the execution (StopExecution).
	StopRequested struct{ Error, Cause string }
)

func (TaskStarted) event()     {}
func (TaskSubmitted) event()   {}
func (TaskSucceeded) event()   {}
func (TaskFailed) event()      {}
func (TaskHeartbeat) event()   {}
func (TimerFired) event()      {}
func (MapRunSucceeded) event() {}
func (MapRunFailed) event()    {}
func (StopRequested) event()   {}

// Effects are what a step wants done once its outcome is on disk. After a crash the engine carries them out again. A task or timer may
// be both wanted and dropped in one step; dropped counts.
type Effects struct {
	History       []HistoryEvent // in order; ids are assigned
	Tasks         []Task         // to run
	Timers        []Timer        // to set
	DroppedTasks  []TaskID       // whose results no longer matter: ended, timed out, or in an aborted branch
	DroppedTimers []TimerID      // to forget: fired, or no longer needed
	MapRuns       []MapRun       // to run
	DroppedRuns   []MapRunID     // which have ended, or whose state was aborted: what they still do is to be aborted
	End           *End           // set when the execution has ended
}

// Empty says whether nothing happened: the event came too late, or twice.
func (e *Effects) Empty() bool {
	return len(e.History) == 0 && len(e.Tasks) == 0 && len(e.Timers) == 0 && len(e.DroppedTasks) == 0 && len(e.DroppedTimers) == 0 &&
		len(e.MapRuns) == 0 && len(e.DroppedRuns) == 0 && e.End == nil
}

// A Task is a piece of work for a service.
type Task struct {
	ID         TaskID
	State      string        // name of the Task state
	Resource   string        // as in the definition, an ARN
	Parameters *Document     // after InputPath and Parameters or Arguments; the input itself when there are none
	Token      string        // task token, for integrations that wait for one
	Mode       TaskMode      // how its result comes
	Started    bool          // a worker has taken it up
	Submitted  bool          // the first half of a job or callback has been answered
	RetryCount int           // 0 at the first attempt
	Timeout    time.Duration // 0: none. The interpreter has its own timer; this is for the service to know
	Heartbeat  time.Duration // 0: none
	// Credentials is the evaluated Credentials field, nil when there is none.
	Credentials *Document
}

// TaskMode is how the result of a task comes.
type TaskMode byte

// The modes.
const (
	RequestResponse TaskMode = iota // the answer of the service is the result
	Job                             // .sync: the result is that of what the service has begun
	Callback                        // .waitForTaskToken: whoever has the token brings the result
	Activity                        // a worker asks for the task and brings the result
)

// A Timer fires a TimerFired event at a time. It is set for Wait states, retries, time-outs and heartbeats.
type Timer struct {
	ID TimerID
	At time.Time
}

// End is how an execution ended. Output is set when it succeeded, Error and Cause (either may be empty) otherwise.
type End struct {
	Status Status
	Output *Document
	Error  string
	Cause  string
}
