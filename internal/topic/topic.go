// Package topic is the vocabulary of topics: what a published message is and what publishing promises. It implements nothing.
//
// A message that was published is delivered at least once to every subscription of its topic whose filter policy it passes, and
// to nobody when there is none. All deliveries of a message bear its id. A subscription that fails or is slow delays no other.
package topic

import (
	"errors"
	"strings"
	"time"
	"unicode"

	"sundog/eventpattern"
	"sundog/internal/trace"
)

// Errors of topics. Implementations wrap them with what was being done.
var (
	// ErrInvalidMessage is returned by Publish for a message that no topic takes.
	ErrInvalidMessage = errors.New("message is not valid")
	// ErrTooLarge is returned by Publish for a message over the limit.
	ErrTooLarge = errors.New("message is too large")
	// ErrNoSubscription is returned for a subscription that is not there.
	ErrNoSubscription = errors.New("no such subscription")
	// ErrClosed is returned by topics that were closed.
	ErrClosed = errors.New("topics are closed")
	// ErrSlow is why a listener was dropped that did not keep up.
	ErrSlow = errors.New("listener did not keep up with its topic")
)

// Bounds of a message.
const (
	MaxAttributes = 32
	MaxSubject    = 100 // characters
)

// ValidSubject reports whether a text can be the subject of a message: up to MaxSubject characters of ASCII on one line (SNS API Reference,
// Publish), or none.
func ValidSubject(subject string) bool {
	return len(subject) <= MaxSubject && !strings.ContainsFunc(subject, func(c rune) bool { return c > unicode.MaxASCII || unicode.IsControl(c) })
}

// Attribute is a typed value that travels beside the body, and that filter policies look at.
type Attribute = eventpattern.Attribute

// Draft is a message to be published.
type Draft struct {
	// Subject is a line for people to read, as in SNS, or empty; see ValidSubject.
	Subject    string
	Body       []byte
	Attributes map[string]Attribute
	Trace      trace.Context // what it comes from; it travels with every delivery
}

// Message is a message that was published.
type Message struct {
	ID         string // the same in every delivery
	Topic      string
	Time       time.Time // of publication
	Subject    string    // often empty
	Body       []byte
	Attributes map[string]Attribute
	Trace      trace.Context // often zero
}
