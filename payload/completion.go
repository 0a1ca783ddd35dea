package payload

import (
	"github.com/tidwall/gjson"
)

// Outcome is what the end of an execution means for its payload.
type Outcome int

// The outcomes. Only a payload that succeeded is published and chained.
const (
	// Succeeded: the workflow did its work.
	Succeeded Outcome = iota + 1
	// Failed: the workflow failed; it may be tried again.
	Failed
	// TimedOut: the workflow took too long; its record is FAILED.
	TimedOut
	// Invalid: a task refused the payload as such; trying again cannot help.
	Invalid
	// Aborted: somebody stopped the execution.
	Aborted
)

// The statuses of an execution that ended, as Step Functions names them.
const (
	StatusSucceeded = "SUCCEEDED"
	StatusFailed    = "FAILED"
	StatusTimedOut  = "TIMED_OUT"
	StatusAborted   = "ABORTED"
)

// The error names that have a meaning of their own.
const (
	errorInvalidInput     = "cirrus.lib.errors.InvalidInput"
	errorTaskInvalidInput = "stactask.exceptions.InvalidInput"
	errorTimedOut         = "TimedOutError"
	errorUnknown          = "Unknown"
)

// The texts for executions that say nothing about why.
const (
	noCause     = "the execution gave no cause: let the workflow's Fail state set ErrorPath and CausePath"
	tookTooLong = "the execution took longer than its workflow allows"
)

// Judge gives the outcome of an execution that ended with this status, error name and cause, and the text for the
// record's last_error, which is empty unless it failed, timed out or is invalid. A status that is none of an ended
// execution gives the zero Outcome.
//
// The text is `<error>: <message>`. The message is the `errorMessage` of a cause that is a JSON object, as Python writes it;
// else the cause as it is.
func Judge(status, errorName, cause string) (Outcome, string) {
	switch status {
	case StatusSucceeded:
		return Succeeded, ""
	case StatusAborted:
		return Aborted, ""
	case StatusTimedOut:
		return TimedOut, errorTimedOut + ": " + tookTooLong
	case StatusFailed:
	default:
		return 0, ""
	}
	outcome := Failed
	switch errorName {
	case errorInvalidInput, errorTaskInvalidInput:
		outcome = Invalid
	case errorTimedOut:
		outcome = TimedOut
	case "":
		errorName = errorUnknown
	}
	return outcome, errorName + ": " + causeMessage(cause)
}

func causeMessage(cause string) string {
	if cause == "" {
		return noCause
	}
	if checkJSON([]byte(cause)) != nil {
		return cause
	}
	if message := lookup(gjson.Parse(cause), "errorMessage"); message.Exists() {
		return text(message)
	}
	return cause
}
