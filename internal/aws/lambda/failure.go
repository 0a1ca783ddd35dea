package lambda

import (
	"errors"
	"fmt"
	"runtime/debug"
	"strings"

	"github.com/aws/aws-lambda-go/lambda/messages"

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

// report is how Lambda is told of an error, with what the user can do about it.
func report(err error) error {
	r := messages.InvokeResponse_Error{Message: err.Error(), Type: typeError}
	if hint := problem.HintOf(err); hint != "" {
		r.Message += " (" + hint + ")"
	}
	r.Message = cut(r.Message, maxMessage)
	if named, ok := errors.AsType[interface {
		error
		ErrorType() string
	}](err); ok {
		r.Type = named.ErrorType()
	}
	_, r.ShouldExit = errors.AsType[*panicError](err)
	return r
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
	stack string
}

func newPanicError(value any) *panicError { return &panicError{value, string(debug.Stack())} }

// Error has where it happened, which is for the log.
func (e *panicError) Error() string {
	return fmt.Sprintf("the function panicked: %v\n%s", e.value, e.stack)
}

// ErrorType is the type under which Lambda is told.
func (e *panicError) ErrorType() string { return typePanic }

// eventError says that an event is not of the shape that its handler takes.
type eventError struct {
	text  string
	cause error // which may have a hint; often nil
}

func (e *eventError) Error() string { return e.text }
func (e *eventError) Unwrap() error { return e.cause }

// ErrorType is the type under which Lambda is told.
func (e *eventError) ErrorType() string { return typeInput }

func unexpected(format string, args ...any) error {
	return &eventError{text: fmt.Sprintf(format, args...)}
}
