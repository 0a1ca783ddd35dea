package lambda

import (
	"errors"
	"fmt"
	"runtime/debug"
	"strings"

	"sundog/internal/problem"
)

// Types of errors that have no name of their own.
const (
	typeError = "Error"
	typePanic = "Runtime.Panic"
	typeInput = "InvalidEvent"
)

// maxMessage bounds the text of an error, in bytes: Step Functions keeps 32 KiB of a cause.
const maxMessage = 16 << 10

// errorReport is how Lambda is told of an error: "Function error handling" in the AWS Lambda Developer Guide.
type errorReport struct {
	Message string   `json:"errorMessage"`
	Type    string   `json:"errorType"`
	Stack   []string `json:"stackTrace,omitempty"`
}

// errorDocument makes the report of an error, with what the user can do about it.
func errorDocument(err error) errorReport {
	doc := errorReport{Message: err.Error(), Type: typeError}
	if hint := problem.HintOf(err); hint != "" {
		doc.Message += " (" + hint + ")"
	}
	doc.Message = cut(doc.Message, maxMessage)
	if named, ok := errors.AsType[interface {
		error
		ErrorType() string
	}](err); ok {
		doc.Type = named.ErrorType()
	}
	if panicked, ok := errors.AsType[*panicError](err); ok {
		doc.Stack = panicked.stack
	}
	return doc
}

// cut shortens a text to so many bytes.
func cut(text string, most int) string {
	const ellipsis = "…"
	if len(text) <= most {
		return text
	}
	return strings.ToValidUTF8(text[:most-len(ellipsis)], "") + ellipsis
}

// panicError is a panic of the function.
type panicError struct {
	value any
	stack []string
}

func newPanicError(value any) *panicError {
	return &panicError{value, strings.Split(strings.TrimSpace(string(debug.Stack())), "\n")}
}

func (e *panicError) Error() string { return fmt.Sprintf("the function panicked: %v", e.value) }

// ErrorType is the type under which Lambda is told.
func (e *panicError) ErrorType() string { return typePanic }

// eventError says that an event is not of the shape that its handler takes.
type eventError struct{ text string }

func (e *eventError) Error() string { return e.text }

// ErrorType is the type under which Lambda is told.
func (e *eventError) ErrorType() string { return typeInput }

func unexpected(format string, args ...any) error { return &eventError{fmt.Sprintf(format, args...)} }
