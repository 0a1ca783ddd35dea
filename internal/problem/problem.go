// Package problem owns the kinds of errors that Sundog tells apart, and the one mapping from a kind to an HTTP status and an
// exit code. An error of any package becomes one of these kinds where it leaves the domain; whatever nobody classified is
// Internal.
package problem

import (
	"context"
	"errors"
	"fmt"
)

// Kind says what somebody can do about an error.
type Kind uint8

// The kinds. Their order is of no meaning; facts in table.go says what they map to.
const (
	Internal     Kind = iota // a fault of Sundog itself, or of its disk
	Invalid                  // what was asked or sent is wrong, and stays wrong when sent again
	NotFound                 // what was asked for does not exist
	Conflict                 // it does not fit what is there: a name in use, an execution that has ended
	Unauthorized             // no token, or one that is not known
	Forbidden                // a token whose role does not allow this
	TooLarge                 // a body or document over its limit
	Unavailable              // the server cannot be reached or is stopping; later it may be there
	Timeout                  // it took longer than it was given
	Limit                    // too many at a time; later it may succeed
)

// Error is an error of a kind. Its text is "message: cause" and names no kind, so that it reads as a sentence.
type Error struct {
	Kind    Kind
	Message string // what was being done to what
	Hint    string // what the user can do, or empty
	Err     error  // the cause, or nil
}

// New makes an error of a kind with a message in the manner of fmt.Sprintf.
func New(kind Kind, format string, args ...any) *Error {
	return &Error{Kind: kind, Message: fmt.Sprintf(format, args...)}
}

// Wrap makes an error of a kind out of a cause and what was being done when it came up.
func Wrap(kind Kind, cause error, format string, args ...any) *Error {
	return &Error{Kind: kind, Message: fmt.Sprintf(format, args...), Err: cause}
}

// WithHint returns a copy of the error that tells the user what to do.
func (e *Error) WithHint(format string, args ...any) *Error {
	c := *e
	c.Hint = fmt.Sprintf(format, args...)
	return &c
}

// Error is the message and the cause.
func (e *Error) Error() string {
	if e.Err == nil {
		return e.Message
	}
	if e.Message == "" {
		return e.Err.Error()
	}
	return e.Message + ": " + e.Err.Error()
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// KindOf returns the kind of the outermost Error in err's chain. An expired deadline is a Timeout; everything else that is no
// Error is Internal.
func KindOf(err error) Kind {
	var p *Error
	if errors.As(err, &p) {
		return p.Kind
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return Timeout
	}
	return Internal
}

// HintOf returns the first hint in err's chain, or "".
func HintOf(err error) string {
	for err != nil {
		var p *Error
		if !errors.As(err, &p) {
			return ""
		}
		if p.Hint != "" {
			return p.Hint
		}
		err = p.Err
	}
	return ""
}

// Is reports whether err is of a kind.
func Is(err error, kind Kind) bool { return err != nil && KindOf(err) == kind }
