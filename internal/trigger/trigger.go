// Package trigger is the vocabulary of triggers: what one watches, which events it lets through, what it makes of them, and what it is to cause.
//
// It owns the form of each kind of event, the template of the input, the names of executions, and how a batch that failed is divided. All of it is
// pure: no clock, no storage. A platform reads the sources and carries out what comes of them.
//
// # Promises
//
//   - An event has an id that is the same whenever it is read, and the name of an execution follows from it. So an event that is handled again
//     never starts a second execution.
//   - Filters are the event patterns of EventBridge ([sundog/eventpattern]); they look at the event as its source gives it.
package trigger

import (
	"fmt"
	"strings"
	"time"

	"sundog/eventpattern"
)

// SourceKind is what a trigger watches.
type SourceKind string

// The kinds of sources.
const (
	Table  SourceKind = "table"  // the stream of a table, each change once, in the order of the writes of each item
	Topic  SourceKind = "topic"  // the messages of a topic
	Queue  SourceKind = "queue"  // the messages of a queue, which the trigger takes out of it
	Events SourceKind = "events" // workflow events, in the order of the transitions

	Schedule SourceKind = "schedule" // points in time
)

// Kept reports whether what was handled can be read again from such a source.
func (k SourceKind) Kept() bool { return k == Table || k == Events || k == Schedule }

// Source is where the events come from.
type Source struct {
	Kind SourceKind
	Name string // of the table, topic or queue; of a workflow, or empty for all, when the kind is Events; the expression of a schedule
	Zone string // of a schedule: whose clocks it goes by, an IANA name; UTC when empty
}

func (s Source) String() string {
	if s.Name == "" {
		return string(s.Kind)
	}
	return strings.TrimSpace(string(s.Kind) + " " + s.Name + " " + s.Zone)
}

// TargetKind is what a trigger causes.
type TargetKind string

// The kinds of targets. Workflow, payload, queue and topic are part of the platform: what an event causes there is written in the transaction that
// takes the event off its source. Function and webhook are called, at least once for each event.
const (
	ToWorkflow TargetKind = "workflow" // start an execution
	ToPayload  TargetKind = "payload"  // put a payload into the process queue
	ToQueue    TargetKind = "queue"
	ToTopic    TargetKind = "topic"
	ToFunction TargetKind = "function"
	ToWebhook  TargetKind = "webhook"
)

// Called reports whether the target is called and may fail for a while.
func (k TargetKind) Called() bool { return k == ToFunction || k == ToWebhook }

// Target is what the events cause.
type Target struct {
	Kind TargetKind
	Name string // of the workflow, queue, topic or function; the lane, or empty, of a payload; the URL of a webhook
}

// Start is where a trigger begins that was not there before.
type Start string

// The starts. Only logs (a table's stream, workflow events) have a past.
const (
	Latest      Start = "latest"       // with what comes after it was first opened
	TrimHorizon Start = "trim_horizon" // with the oldest that is kept
)

// Bounds and defaults of a Spec.
const (
	MaxName  = 40     // characters, so that the name of an execution has room for what follows
	MaxBatch = 10_000 // events, as for Lambda (API reference, CreateEventSourceMapping)

	MaxWindow = 5 * time.Minute

	DefaultCalls      = 10   // calls of a function or webhook at a time
	DefaultExecutions = 1000 // open executions
	MaxParallelism    = 100_000

	DefaultRetries = 5
	MaxRetries     = 10_000
)

// Spec says what a trigger does. The zero value of a field is its default.
type Spec struct {
	Name   string // 1 to MaxName letters, digits, '-' and '_'; comes once
	Source Source
	Filter []byte // an event pattern; nil: every event
	Input  []byte // a template of the input (see Template); nil: the event as it is
	Target Target

	// BatchSize is how many events go into one input, {"Records": [...]}, 1 to MaxBatch. 0: each is an input by itself.
	BatchSize int
	// BatchWindow is how long to wait for a batch to fill, up to MaxWindow; 0: not at all.
	BatchWindow time.Duration
	// Parallelism bounds the executions that are open at a time, or the calls; 0: DefaultExecutions, DefaultCalls.
	Parallelism int
	// Retries is how often a call that failed is made again until its events become dead letters, up to MaxRetries.
	Retries int
	// Bisect divides a batch that failed and tries its halves.
	Bisect bool
	// MaxAge is how old an event may become until it is a dead letter; 0: as old as its source keeps it.
	MaxAge time.Duration
	Start  Start // Latest when empty
}

// Event is something that happened at a source.
type Event struct {
	ID   string    // the same whenever it is read, unique in its source; letters, digits and '-'
	Key  string    // events of one key are handled in their order; empty: it has no order
	At   time.Time // when it happened
	Body []byte    // a JSON value
}

// Trigger is a Spec whose filter and template have been read. It is immutable and safe for concurrent use.
type Trigger struct {
	Spec
	filter *eventpattern.Pattern // nil: every event
	input  *Template             // nil: the event as it is
}

// New reads the filter and the template of a Spec. An error is that of eventpattern.Parse or ParseTemplate.
func New(spec Spec) (*Trigger, error) {
	t := &Trigger{Spec: spec}
	var err error
	if spec.Filter != nil {
		if t.filter, err = eventpattern.Parse(spec.Filter); err != nil {
			return nil, fmt.Errorf("trigger %s: filter: %w", spec.Name, err)
		}
	}
	if spec.Input != nil {
		if t.input, err = ParseTemplate(spec.Input); err != nil {
			return nil, fmt.Errorf("trigger %s: input: %w", spec.Name, err)
		}
	}
	if t.Parallelism == 0 {
		t.Parallelism = DefaultExecutions
		if t.Target.Kind.Called() {
			t.Parallelism = DefaultCalls
		}
	}
	if t.Start == "" {
		t.Start = Latest
	}
	return t, nil
}

// Input returns what an event is to become, or false when the filter does not want it. The error says why there can be no input of it.
func (t *Trigger) Input(e Event) (input []byte, wanted bool, err error) {
	if t.filter == nil && t.input == nil {
		return e.Body, true, nil
	}
	doc, err := decode(e.Body)
	if err != nil {
		return nil, t.filter == nil, fmt.Errorf("reading event %s: %w", e.ID, err)
	}
	if t.filter != nil && !t.filter.Match(doc) {
		return nil, false, nil
	}
	if t.input == nil {
		return e.Body, true, nil
	}
	input, err = t.input.Apply(doc)
	return input, true, err
}

// Old reports whether an event is too old to be handled.
func (t *Trigger) Old(e Event, now time.Time) bool { return t.MaxAge > 0 && now.Sub(e.At) > t.MaxAge }
