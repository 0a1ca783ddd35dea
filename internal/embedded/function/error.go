package function

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// ErrClosed is the cause of calls that come after Close, or that Close ends.
var ErrClosed = errors.New("function: the host is shutting down")

// Names of errors, as AWS gives them.
const (
	// Of the service; a workflow sees them with the prefix "Lambda.".
	ErrorNotFound        = "Lambda.ResourceNotFoundException"
	ErrorTooManyRequests = "Lambda.TooManyRequestsException"
	ErrorRequestTooLarge = "Lambda.RequestTooLargeException"

	// ErrorUnknown is what a workflow sees of a function error without a type.
	ErrorUnknown = "Lambda.Unknown"

	// Types of function errors that the platform finds.
	ErrorTimedOut          = "Sandbox.Timedout"
	ErrorExit              = "Runtime.ExitError"
	ErrorInvalidEntrypoint = "Runtime.InvalidEntrypoint"
	ErrorMarshal           = "Runtime.MarshalError"
	ErrorResponseTooLarge  = "Function.ResponseSizeTooLarge"

	// Of HTTP functions, by the names that AWS gives to HTTP Tasks; the first is followed by the status code.
	ErrorHTTPStatus = "States.Http.StatusCode."
	ErrorHTTPSocket = "States.Http.Socket"
)

// Error is the failure of a call as a workflow sees it: the error name that Retry and Catch match, and the cause. For a failure of the
// function itself the cause is the JSON object that the function or the platform reported: errorType, errorMessage and
// whatever else, in the bytes in which it came.
type Error struct {
	Type  string
	Cause string
}

// Error returns name and cause.
func (e *Error) Error() string { return e.Type + ": " + e.Cause }

// outcome is what came of a call that reached its function: a response, or the JSON report of a function error.
type outcome struct {
	payload []byte
	failed  bool
	note    string // what the platform adds to the log
}

// err returns the error of a failed outcome in the form in which Step Functions shows it.
func (o outcome) err() *Error {
	var report struct {
		Type string `json:"errorType"`
	}
	if err := json.Unmarshal(o.payload, &report); err != nil || report.Type == "" {
		return &Error{
			Type: ErrorUnknown,
			Cause: "The cause could not be determined because Lambda did not return an error type. Returned payload: " +
				string(o.payload),
		}
	}
	return &Error{Type: report.Type, Cause: string(o.payload)}
}

// failure is a function error found by the platform, worded as AWS words it.
func failure(errorType, requestID, format string, args ...any) outcome {
	return report(errorType, "RequestId: "+requestID+" Error: "+fmt.Sprintf(format, args...))
}

func report(errorType, message string) outcome {
	var payload bytes.Buffer
	enc := json.NewEncoder(&payload)
	enc.SetEscapeHTML(false) // people read causes
	if err := enc.Encode(struct {
		Type    string `json:"errorType"`
		Message string `json:"errorMessage"`
	}{errorType, message}); err != nil { // two strings
		panic(err)
	}
	return outcome{payload: bytes.TrimSuffix(payload.Bytes(), []byte("\n")), failed: true, note: message}
}

func timedOut(requestID string, limit time.Duration) outcome {
	return failure(ErrorTimedOut, requestID, "Task timed out after %.2f seconds", limit.Seconds())
}

func tooLarge(limit int) outcome {
	return report(ErrorResponseTooLarge,
		fmt.Sprintf("Response payload size exceeded maximum allowed payload size (%d bytes).", limit))
}

// refusal is an error of the service: the call never reached a function.
func refusal(errorType, exception string, status int, requestID, format string, args ...any) *Error {
	return &Error{Type: errorType, Cause: fmt.Sprintf(format, args...) +
		fmt.Sprintf(" (Service: AWSLambda; Status Code: %d; Error Code: %s; Request ID: %s; Proxy: null)", status, exception, requestID)}
}

// response checks what a function returned. AWS takes any bytes from a function and lets the workflow fail on what is not
// JSON; here it is the function that fails, with the reason.
func (s *Spec) response(requestID string, body []byte) outcome {
	if len(body) > s.MaxResponse {
		return tooLarge(s.MaxResponse)
	}
	if !json.Valid(body) {
		return failure(ErrorMarshal, requestID, "the response is not valid JSON: %s", excerpt(body))
	}
	return outcome{payload: body}
}

// excerpt quotes the beginning of what was expected to be JSON.
func excerpt(body []byte) string {
	const most = 200
	if len(body) == 0 {
		return "it is empty; a function with nothing to say returns null"
	}
	if len(body) > most {
		return fmt.Sprintf("%q and %d bytes more", body[:most], len(body)-most)
	}
	return fmt.Sprintf("%q", body)
}
