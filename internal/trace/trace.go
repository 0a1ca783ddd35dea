// Package trace is the vocabulary of traces: where a piece of work stands among others, over queues, crashes and processes. It exports
// nothing; a Recorder does.
//
// # Promises
//
//   - A span is told once it has ended, with the place that it was given when it began. So a place can be stored with an execution that
//     takes days, or travel with a message, and whoever ends the work tells of it, in this process or in the next.
//   - Without a Recorder nothing is made, stored or sent.
package trace

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"time"
)

// Header is the HTTP header, and the attribute of messages, in which a Context travels (W3C Trace Context, "Traceparent Header").
const Header = "traceparent"

// A Context is the place of a span: its trace, and its own id. The zero value is none.
type Context struct {
	Trace [16]byte
	Span  [8]byte
	Flags byte
}

// Sampled is the flag of a trace that is recorded.
const Sampled = 0x01

// IsZero reports whether it is no place.
func (c Context) IsZero() bool { return c == Context{} }

// ErrMalformed is returned for a text that is no traceparent.
var ErrMalformed = errors.New("no traceparent: want <version>-<32 hexadecimal digits>-<16>-<2>, in lower case")

const length = 55 // of version 00; later ones may go on after a hyphen

// Parse reads a traceparent. The error wraps ErrMalformed.
func Parse(text string) (Context, error) {
	var c Context
	var version, flags [1]byte
	malformed := fmt.Errorf("%q is %w", text[:min(len(text), 2*length)], ErrMalformed)
	if len(text) < length || text[2] != '-' || text[35] != '-' || text[52] != '-' {
		return c, malformed
	}
	for _, part := range []struct {
		into []byte
		text string
	}{{version[:], text[:2]}, {c.Trace[:], text[3:35]}, {c.Span[:], text[36:52]}, {flags[:], text[53:55]}} {
		if !lowerHex(part.text) {
			return Context{}, malformed
		}
		_, _ = hex.Decode(part.into, []byte(part.text)) // the digits were looked at, and there are as many as fit
	}
	later := len(text) > length
	switch {
	case version[0] == 0xff, version[0] == 0 && later, later && text[length] != '-':
		return Context{}, malformed
	case c.Trace == [16]byte{}, c.Span == [8]byte{}:
		return Context{}, malformed
	}
	c.Flags = flags[0] & Sampled // what else there is, or will be, is for others
	return c, nil
}

func lowerHex(text string) bool {
	for i := range len(text) {
		if (text[i] < '0' || text[i] > '9') && (text[i] < 'a' || text[i] > 'f') {
			return false
		}
	}
	return true
}

// String is the traceparent, empty for the zero value.
func (c Context) String() string {
	if c.IsZero() {
		return ""
	}
	return fmt.Sprintf("00-%x-%x-%02x", c.Trace, c.Span, c.Flags)
}

// MarshalText writes the traceparent.
func (c Context) MarshalText() ([]byte, error) { return []byte(c.String()), nil }

// UnmarshalText reads what MarshalText wrote.
func (c *Context) UnmarshalText(text []byte) (err error) {
	if *c = (Context{}); len(text) > 0 {
		*c, err = Parse(string(text))
	}
	return err
}

type key struct{}

// With says what the work under ctx belongs to.
func With(ctx context.Context, c Context) context.Context {
	if c.IsZero() {
		return ctx
	}
	return context.WithValue(ctx, key{}, c)
}

// From returns what the work under ctx belongs to, the zero value when that is nothing.
func From(ctx context.Context) Context {
	c, _ := ctx.Value(key{}).(Context)
	return c
}

// Kind is the part that a span has in an exchange (OpenTelemetry Specification, "SpanKind").
type Kind uint8

// The kinds.
const (
	Internal Kind = iota
	Server        // answers a request
	Client        // makes a request
	Producer      // sends a message
	Consumer      // takes a message
)

// A Span is a piece of work that has ended.
type Span struct {
	Self   Context
	Parent Context   // the zero value for the first of a trace
	Links  []Context // others that led to it
	Kind   Kind
	Name   string // one of few
	Start  time.Time
	End    time.Time
	Error  string // empty when it succeeded
	// Attributes say what it was about.
	Attributes []Attribute
}

// An Attribute is what a span was about.
type Attribute struct{ Key, Value string }

// The attributes of spans.
const (
	PayloadID = "sundog.payload_id"
	Execution = "sundog.execution" // an ARN
	Workflow  = "sundog.workflow"
	State     = "sundog.state"
	Resource  = "sundog.resource" // of a task
	Queue     = "messaging.destination.name"
	MessageID = "messaging.message.id"
)

// A Recorder tells an observer of spans. It is safe for concurrent use, and waits for nobody. A nil Recorder records nothing.
type Recorder interface {
	// Place returns a place for a new span: below parent, or at the beginning of a trace when parent is zero.
	Place(parent Context) Context
	// Record tells of a span. It is not called for a trace that is not sampled.
	Record(s Span)
}
