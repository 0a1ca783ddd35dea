// Package schedule is the vocabulary of schedules: what is to be done when, by which rule it comes again, and what is told about it. It
// stores nothing, does nothing and has no clock: whoever asks says what time it is.
//
// # Promises of every implementation
//
//   - What was acknowledged fires, or its end is told: in an event, and, when it could not be delivered, as a dead letter.
//   - Nothing fires before its time. What fires is delivered at least once; every delivery of a firing bears the same schedule id and
//     point in time, so that a receiver can tell a repetition, and the number of its attempt where attempts are counted.
//   - The same key twice is one schedule: the second request is answered with the first schedule as it is, and changes nothing. A platform
//     without keys refuses them.
//   - A schedule with one point in time is NEW until it comes into the delay window, then PROCESSED; from then on its record is not
//     written again, and an hour after its time it is gone. What became of it is told by its events.
//   - Events are recorded in the same write as what they tell. A platform whose writes cannot hold both says in which order it does the two.
package schedule

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// Errors of schedules. Implementations wrap them with what was being done.
var (
	// ErrInvalid: a schedule, a change or a query that is wrong in itself. A FieldError says which field.
	ErrInvalid = errors.New("invalid schedule")
	// ErrNotFound: no schedule has this id. One that was cancelled, or whose hour has passed, is gone; its history may still be there.
	ErrNotFound = errors.New("no such schedule")
	// ErrNoDeadLetter: no delivery that was given up has this id. It was sent again, or deleted.
	ErrNoDeadLetter = errors.New("no such dead letter of a schedule")
	// ErrProcessed: what was to be changed is under way already.
	ErrProcessed = errors.New("the schedule is under way")
	// ErrClosed is returned by schedules that were closed.
	ErrClosed = errors.New("schedules are closed")
)

// FieldError says what is wrong with a field. It is an ErrInvalid.
type FieldError struct {
	Field string // as the JSON has it, with dots: action.http.method
	Value string // what it is, cut to a length that fits a line; empty when it is missing
	Want  string // what is allowed
}

// Error names the field, the value and the allowed form.
func (e *FieldError) Error() string {
	if e.Value == "" {
		return fmt.Sprintf("%s is missing: %s", e.Field, e.Want)
	}
	return fmt.Sprintf("%s cannot be %q: %s", e.Field, e.Value, e.Want)
}

// Unwrap returns ErrInvalid.
func (*FieldError) Unwrap() error { return ErrInvalid }

const maxShown = 120 // bytes of a value in an error

// Wrong makes a FieldError; want is in the manner of fmt.Sprintf.
func Wrong(field, value, want string, args ...any) error {
	if len(value) > maxShown {
		value = value[:maxShown] + "…"
	}
	return &FieldError{Field: field, Value: value, Want: fmt.Sprintf(want, args...)}
}

// State is where a schedule is on its way, as its record has it.
type State string

// The states.
const (
	// New: its next point in time is not within the delay window.
	New State = "NEW"
	// Processed: it has one point in time, or had its last one, and was handed on. Nothing about it changes any more.
	Processed State = "PROCESSED"
)

// Paused is what a listing gives in place of the state of a schedule that is paused.
const Paused State = "PAUSED"

// CatchUp says what becomes of points in time of a recurring schedule that passed while nobody could fire them. A schedule with one
// point in time always fires, however late.
type CatchUp string

// The ways to catch up.
const (
	CatchUpAll  CatchUp = "all"  // each fires, one after the other
	CatchUpLast CatchUp = "last" // the latest fires; the default
	CatchUpNone CatchUp = "none" // none fires
)

// Grace is how late a point in time may fire without counting as one that passed.
const Grace = 10 * time.Second

// Bounds.
const (
	MaxID         = 64 // bytes of an id
	MaxKey        = 256
	MaxName       = 128
	MaxExpression = 256
	MaxFlexible   = 24 * 60 * 60 // seconds: that of EventBridge Scheduler (User Guide, "Configuring flexible time windows")
	DefaultLimit  = 100          // of a page
	MaxLimit      = 1000
	MaxBatch      = 10_000 // schedules that are made in one write
)

// Kept is how long a schedule with one point in time is kept after it.
const Kept = time.Hour

// ProjectKey is the key of a schedule that the project file names. No client may use such a key.
func ProjectKey(name string) string { return "project/" + name }

// Draft is what somebody asks to be scheduled. Exactly one of At and Expression is set.
type Draft struct {
	// Key is the client's own name for the request: the same key twice is one schedule. Up to MaxKey bytes, or empty.
	Key string `json:"key,omitempty"`
	// Name is for people: up to MaxName bytes, or empty.
	Name string `json:"name,omitempty"`

	At         time.Time `json:"at,omitzero"`          // the one point in time
	Expression string    `json:"expression,omitempty"` // at(…), rate(…), cron(…), or five fields of cron
	// Zone is the IANA name of the zone that the expression's times are in; UTC when empty.
	Zone string `json:"zone,omitempty"`
	// Start and End bound the points in time, both included. A rate counts from Start, or else from when the schedule was made.
	Start time.Time `json:"start,omitzero"`
	End   time.Time `json:"end,omitzero"`
	// FlexibleSeconds spreads firings: each is up to as many seconds after its point in time, at a moment that depends on the schedule's
	// id and the point in time alone. 0 to MaxFlexible.
	FlexibleSeconds int     `json:"flexible_seconds,omitempty"`
	CatchUp         CatchUp `json:"catch_up,omitempty"` // CatchUpLast when empty

	Action  Action  `json:"action"`
	Context Context `json:"context,omitzero"`
	Retry   Retry   `json:"retry,omitzero"`
}

// Context goes with the action when it is carried out.
type Context struct {
	Headers []Header `json:"headers,omitempty"`
	Payload string   `json:"payload,omitempty"` // up to MaxPayload bytes
}

// Header is a name and a value: a header of HTTP, an attribute of a message.
type Header struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// Retry says how often a delivery is attempted and how long the pauses are: the first BackoffSeconds, each later one twice the one before,
// none over MaxBackoffSeconds. Zero values are the defaults.
type Retry struct {
	MaxAttempts       int `json:"max_attempts,omitempty"`        // 1 to 1,000; 5 when zero
	BackoffSeconds    int `json:"backoff_seconds,omitempty"`     // 1 to 3,600; 1 when zero
	MaxBackoffSeconds int `json:"max_backoff_seconds,omitempty"` // 1 to 86,400; 300 when zero
}

// Schedule is a schedule as its record has it.
type Schedule struct {
	ID string `json:"id"`
	Draft
	State   State     `json:"state"`
	Paused  bool      `json:"paused,omitempty"`
	Owner   string    `json:"owner,omitempty"` // who made it: the name of a token, or of the part of Sundog that did
	Created time.Time `json:"created"`
	Changed time.Time `json:"changed,omitzero"`
	// Next is the next point in time; zero when there is none, or it is paused.
	Next time.Time `json:"next,omitzero"`
	// Due is when Next fires: Next and what FlexibleSeconds adds to it.
	Due time.Time `json:"due,omitzero"`
}

// Status is the state that people see: that of the record, or Paused.
func (s Schedule) Status() State {
	if s.Paused {
		return Paused
	}
	return s.State
}

// Recurring says whether the schedule can have more than one point in time.
func (s Schedule) Recurring() bool {
	return s.Expression != "" && !strings.HasPrefix(strings.TrimSpace(s.Expression), "at(")
}

// Made is what came of one draft of several: a schedule, or why there is none, which wraps ErrInvalid.
type Made struct {
	Schedule Schedule
	Err      error
}

// Query asks for schedules in the order of their next points in time. Zero values ask for nothing in particular.
type Query struct {
	// From and Until bound the next point in time, both included. A schedule without one is found only when both are zero.
	From, Until time.Time
	Status      State
	Action      ActionType
	KeyPrefix   string
	Limit       int    // of a page: 1 to MaxLimit, DefaultLimit when zero
	After       string // the token of the page before, or empty
}

// Page is a part of the answer to a query. It may be empty though there is a next one: a listing passes over a bounded number of schedules.
type Page struct {
	Schedules []Schedule
	Next      string // token of the next page, or empty
}

// Check returns an error that wraps ErrInvalid and names what is wrong.
func (q Query) Check() error {
	switch q.Status {
	case "", New, Processed, Paused:
	default:
		return Wrong("status", string(q.Status), "NEW, PROCESSED or PAUSED")
	}
	switch {
	case q.Action != "" && !q.Action.known():
		return Wrong("action", string(q.Action), "%s", actionNames())
	case len(q.KeyPrefix) > MaxKey:
		return Wrong("key_prefix", q.KeyPrefix, "at most %d bytes", MaxKey)
	case q.Limit < 0 || q.Limit > MaxLimit:
		return Wrong("limit", fmt.Sprint(q.Limit), "1 to %d", MaxLimit)
	case !q.From.IsZero() && !q.Until.IsZero() && q.Until.Before(q.From):
		return Wrong("until", q.Until.Format(time.RFC3339), "not before from")
	}
	return nil
}
