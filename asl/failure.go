package asl

import (
	"encoding/json"
	"fmt"
)

// Error names that the interpreter itself raises (Developer Guide, "Handling errors in Step Functions workflows").
const (
	errAll                = "States.ALL"
	errTaskFailed         = "States.TaskFailed"
	errTimeout            = "States.Timeout"
	errHeartbeatTimeout   = "States.HeartbeatTimeout"
	errRuntime            = "States.Runtime"
	errDataLimitExceeded  = "States.DataLimitExceeded"
	errNoChoiceMatched    = "States.NoChoiceMatched"
	errIntrinsicFailure   = "States.IntrinsicFailure"
	errResultPathMismatch = "States.ResultPathMatchFailure"
	errQueryEvaluation    = "States.QueryEvaluationError"
	errExceedTolerated    = "States.ExceedToleratedFailureThreshold"
)

// A failure is an error of the language: what Retry and Catch see, and what an execution ends with.
type failure struct {
	name     string
	cause    string
	hasName  bool // whether there is an error name at all: a Fail state or a worker may give none
	hasCause bool

	terminal  bool // no Retry or Catch applies
	heartbeat bool // a time-out that is also named States.HeartbeatTimeout

	ofTask     bool   // it came from the service of a Task state
	evaluation bool   // an EvaluationFailed event tells of it
	field      string // where, for EvaluationFailed; may be empty
	entered    bool   // EvaluationFailed follows the event that entered the state, not the one before it
}

func (e *failure) Error() string { return e.name + ": " + e.cause }

// describe puts the place of an error before its cause, as AWS does.
func (f *frame) describe(format string, args ...any) string {
	return fmt.Sprintf("An error occurred while executing the state '%s' (entered at the event id #%d). ", f.state.name, f.entered) +
		fmt.Sprintf(format, args...)
}

// runtimeFailure is a States.Runtime error, which nothing catches.
func (f *frame) runtimeFailure(format string, args ...any) *failure {
	return &failure{name: errRuntime, cause: f.describe(format, args...), hasName: true, hasCause: true, terminal: true}
}

// namedFailure is an error of the interpreter that can be caught.
func (f *frame) namedFailure(name, format string, args ...any) *failure {
	return &failure{name: name, cause: f.describe(format, args...), hasName: true, hasCause: true}
}

// queryFailure is an error in the evaluation of a JSONata field.
func (f *frame) queryFailure(field, format string, args ...any) *failure {
	e := f.namedFailure(errQueryEvaluation, format, args...)
	e.evaluation, e.field = true, field
	return e
}

// sizeFailure says that a document is over the limit.
func sizeFailure(subject string) *failure {
	return &failure{
		name: errDataLimitExceeded, hasName: true, hasCause: true,
		cause: fmt.Sprintf("The state/task '%s' returned a result with a size exceeding the maximum number of bytes service limit.", subject),
	}
}

// matches says whether a Retry or Catch with these error names applies. States.ALL and States.TaskFailed stand for others; neither
// reaches the errors that always end an execution.
func (e *failure) matches(names []string) bool {
	if e.terminal {
		return false
	}
	for _, name := range names {
		switch name {
		case errAll:
			return true
		case errTaskFailed:
			if e.name != errTimeout {
				return true
			}
		case errHeartbeatTimeout:
			if e.heartbeat {
				return true
			}
		}
		if e.hasName && name == e.name {
			return true
		}
	}
	return false
}

// document is the error output of a Catch.
func (e *failure) document() *Document {
	text := []byte(`{"Error":`)
	text = appendOptional(text, e.name, e.hasName)
	text = append(text, `,"Cause":`...)
	text = appendOptional(text, e.cause, e.hasCause)
	return Raw(append(text, '}'))
}

func appendOptional(dst []byte, s string, ok bool) []byte {
	if !ok {
		return append(dst, "null"...)
	}
	return appendString(dst, s)
}

// number reads a document as a whole number.
func wholeNumber(d *Document) (int64, bool) {
	n, ok := d.Get().(json.Number)
	if !ok {
		return 0, false
	}
	i, err := n.Int64()
	return i, err == nil
}
