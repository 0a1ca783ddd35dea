package asl

// A TestStateRequest asks for one state to be tested (API reference, TestState). Its JSON form is that of the API; documents are JSON texts.
type TestStateRequest struct {
	// Definition is that of the state, or with StateName that of the machine in which the state is, at any depth.
	Definition string `json:"definition"`
	StateName  string `json:"stateName,omitempty"`
	// Input of the state; empty is {}.
	Input string `json:"input,omitempty"`
	// Variables are what is assigned before the state: an object, or empty.
	Variables string `json:"variables,omitempty"`
	// Context takes the place of the context object: an object, or empty for the one that an express execution would have.
	Context string `json:"context,omitempty"`
	// InspectionLevel is INFO when empty.
	InspectionLevel InspectionLevel `json:"inspectionLevel,omitempty"`
	// Mock takes the place of the task, the branches or the iterations. Parallel and Map states, activities and tasks that wait for a job or
	// a callback cannot be tested without.
	Mock          *TestStateMock          `json:"mock,omitempty"`
	Configuration *TestStateConfiguration `json:"stateConfiguration,omitempty"`

	// Identity shows in the context object.
	Identity Identity `json:"-"`
	// At is the moment of the test. A Wait state does not take longer than others.
	At Moment `json:"-"`
	// Work does the task of a Task state when there is no mock. Nil refuses the test.
	Work func(Task) TaskOutcome `json:"-"`
}

// An InspectionLevel says how much a test shows.
type InspectionLevel string

// Inspection levels. TRACE differs from DEBUG for HTTP tasks only, whose requests and responses are not recorded.
const (
	InspectInfo  InspectionLevel = "INFO"
	InspectDebug InspectionLevel = "DEBUG"
	InspectTrace InspectionLevel = "TRACE"
)

// A TestStateMock says what the state's work comes to; either the result or the error is set (API reference, MockInput).
type TestStateMock struct {
	Result      *string          `json:"result,omitempty"` // JSON text
	ErrorOutput *MockErrorOutput `json:"errorOutput,omitempty"`
	// FieldValidationMode says how the result of a service is compared with its API: STRICT (also when empty), PRESENT, which does not mind
	// missing fields, or NONE. Actions that package shape does not know have results of any form.
	FieldValidationMode string `json:"fieldValidationMode,omitempty"`
}

// MockErrorOutput is the error of a mock; both fields may be empty.
type MockErrorOutput struct {
	Error string `json:"error,omitempty"`
	Cause string `json:"cause,omitempty"`
}

// TestStateConfiguration says in what situation the state is (API reference, TestStateConfiguration). All of it needs a mock.
type TestStateConfiguration struct {
	// RetrierRetryCount is how often the retrier that the mocked error matches has retried.
	RetrierRetryCount *int `json:"retrierRetryCount,omitempty"`
	// ErrorCausedByState names the inner state of a Map or Parallel state from which the mocked error comes.
	ErrorCausedByState string `json:"errorCausedByState,omitempty"`
	// MapIterationFailureCount is how many iterations of a Map state have failed: from 0 to the number of mocked results.
	MapIterationFailureCount *int64 `json:"mapIterationFailureCount,omitempty"`
	// MapItemReaderData is what the ItemReader of a distributed Map state reads. Only a JSON array is looked into.
	MapItemReaderData *string `json:"mapItemReaderData,omitempty"`
}

// A TaskOutcome is what a task came to: an output, or when that is nil an error.
type TaskOutcome struct {
	Output *Document
	Error  string // may be empty
	Cause  string // may be empty
}

// TestStatus is how the test of a state ended.
type TestStatus string

// Statuses of a test. After CAUGHT_ERROR a catcher would take over, after RETRIABLE the state would be tried again.
const (
	TestSucceeded   TestStatus = "SUCCEEDED"
	TestFailed      TestStatus = "FAILED"
	TestRetriable   TestStatus = "RETRIABLE"
	TestCaughtError TestStatus = "CAUGHT_ERROR"
)

// A TestStateResult is what came of a test, in the JSON form of the API.
type TestStateResult struct {
	Status     TestStatus  `json:"status"`
	Output     string      `json:"output,omitempty"` // JSON text
	Error      string      `json:"error,omitempty"`
	Cause      string      `json:"cause,omitempty"`
	NextState  string      `json:"nextState,omitempty"`
	Inspection *Inspection `json:"inspectionData,omitempty"` // nil at the level INFO
}

// Inspection shows the way of the data through a state (API reference, InspectionData). Documents are JSON texts; empty or nil is what the
// state does not have, or did not come to.
type Inspection struct {
	Input                      string        `json:"input,omitempty"`
	AfterInputPath             string        `json:"afterInputPath,omitempty"`
	AfterParameters            string        `json:"afterParameters,omitempty"`
	AfterArguments             string        `json:"afterArguments,omitempty"`
	Result                     string        `json:"result,omitempty"`
	AfterResultSelector        string        `json:"afterResultSelector,omitempty"`
	AfterResultPath            string        `json:"afterResultPath,omitempty"`
	Variables                  string        `json:"variables,omitempty"` // after the state
	AfterItemsPath             string        `json:"afterItemsPath,omitempty"`
	AfterItemSelector          string        `json:"afterItemSelector,omitempty"` // an array with the input of each iteration
	MaxConcurrency             *int64        `json:"maxConcurrency,omitempty"`
	ToleratedFailureCount      *int64        `json:"toleratedFailureCount,omitempty"`
	ToleratedFailurePercentage *float64      `json:"toleratedFailurePercentage,omitempty"`
	ErrorDetails               *ErrorDetails `json:"errorDetails,omitempty"`
}

// ErrorDetails say which retrier and catcher an error came to; indexes are from 0 (API reference, InspectionErrorDetails).
type ErrorDetails struct {
	CatchIndex                  *int   `json:"catchIndex,omitempty"`
	RetryIndex                  *int   `json:"retryIndex,omitempty"`
	RetryBackoffIntervalSeconds *int64 `json:"retryBackoffIntervalSeconds,omitempty"` // before the next retry; nil: no attempt is left
}

// A TestStateError is the refusal of a test, with AWS's name of the error.
type TestStateError struct {
	Code    string // InvalidDefinition, InvalidExecutionInput or ValidationException
	Message string
}

func (e *TestStateError) Error() string { return e.Code + ": " + e.Message }

// TestState plays one state of a definition, without the states around it, by the same interpreter as an execution. What the state waits for
// is there at once: time, and what the mock or Work say. The error of a request that cannot be played is a *TestStateError.
func TestState(req TestStateRequest) (TestStateResult, error) {
	t, err := newStateTest(&req)
	if err != nil {
		return TestStateResult{}, err
	}
	if err := t.play(); err != nil {
		return TestStateResult{}, err
	}
	return t.result(), nil
}

// A stateTest is one state on its own in an execution that goes no further.
type stateTest struct {
	req     *TestStateRequest
	machine *Machine
	state   *state
	input   *Document
	vars    map[string]*Document
	mocked  *Document // result of the mock; nil: it has an error, or there is no mock
	probe   *probe

	x     *Execution
	frame *frame
}

// play enters the state and answers what it waits for, until it is left, fails, or would be tried again.
func (t *stateTest) play() error {
	x := newExecution(t.machine, &flow{start: t.state}, t.req.Identity, t.input, t.req.At)
	f := x.root
	t.x, t.frame, x.probe, f.vars = x, f, t.probe, t.vars
	if n := t.req.Configuration.RetrierRetryCount; n != nil {
		f.retries = *n
		for range t.state.retry {
			f.attempts = append(f.attempts, *n)
		}
	}
	x.enter(f)
	for x.end == nil {
		switch f.phase {
		case waiting:
			x.begin(Moment{Now: f.timer.At, Seed: t.req.At.Seed})
			x.timerFired(f.timer.ID)
		case working:
			outcome, err := t.work()
			if err != nil {
				return err
			}
			t.answer(outcome)
		case joining:
			t.join()
		default: // it was left, or would be tried again
			return nil
		}
	}
	return nil
}

// work is what the task of the state comes to.
func (t *stateTest) work() (TaskOutcome, error) {
	switch mock := t.req.Mock; {
	case t.mocked != nil:
		return TaskOutcome{Output: t.mocked}, nil
	case mock != nil:
		return TaskOutcome{Error: mock.ErrorOutput.Error, Cause: mock.ErrorOutput.Cause}, nil
	case t.req.Work != nil:
		return t.req.Work(t.frame.taskEffect()), nil
	}
	return TaskOutcome{}, invalid("The task cannot be carried out here: specify a mock")
}

func (t *stateTest) answer(o TaskOutcome) {
	task := t.frame.task.id
	var ev Event = TaskFailed{Task: task, Error: o.Error, Cause: o.Cause}
	if o.Output != nil {
		t.probe.note(resultStage, o.Output)
		ev = TaskSucceeded{Task: task, Output: o.Output}
	}
	t.x.begin(t.req.At)
	// The task is outstanding and the event complete, so that it cannot be refused.
	_, _ = t.x.take(ev)
}

// join ends a Parallel or Map state as the mock says.
func (t *stateTest) join() {
	x, f := t.x, t.frame
	x.begin(t.req.At)
	failed := t.req.Configuration.MapIterationFailureCount
	switch {
	case t.mocked == nil:
		e := t.req.Mock.ErrorOutput
		x.fail(f, &failure{name: e.Error, cause: e.Cause, hasName: e.Error != "", hasCause: e.Cause != ""})
	case failed != nil && t.probe.exceeded(*failed):
		x.fail(f, &failure{
			name: errExceedTolerated, cause: "The specified tolerated failure threshold was exceeded", hasName: true, hasCause: true,
		})
	default:
		x.complete(f, t.mocked)
	}
}

// result says where the state has come to.
func (t *stateTest) result() TestStateResult {
	var r TestStateResult
	f, e := t.frame, t.probe.failure
	switch end := t.x.end; {
	case end != nil && end.Status == Succeeded:
		r = TestStateResult{Status: TestSucceeded, Output: textOf(end.Output)}
	case end != nil:
		r = TestStateResult{Status: TestFailed, Error: end.Error, Cause: end.Cause}
	case f.phase == retrying:
		r = TestStateResult{Status: TestRetriable, Error: e.name, Cause: e.cause}
	case e != nil:
		r = TestStateResult{Status: TestCaughtError, Error: e.name, Cause: e.cause, Output: textOf(f.input), NextState: f.state.name}
	default:
		r = TestStateResult{Status: TestSucceeded, Output: textOf(f.input), NextState: f.state.name}
	}
	if t.req.InspectionLevel != InspectInfo {
		r.Inspection = t.probe.inspection(f, t.state, t.input)
	}
	return r
}
