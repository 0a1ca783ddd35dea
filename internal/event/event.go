// Package event holds the workflow event: what happened to a payload, told on the workflow event topic once for each
// decision and each transition. It owns the event's forms, which are those of Cirrus byte for byte: the JSON text of the
// message, its attributes and the line for the log from which metrics are counted.
package event

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"sundog/payload"
	"sundog/payload/pytext"
)

// Type says what happened.
type Type string

// The types. Those that begin with ALREADY tell of a payload that is skipped because of its record's state.
const (
	ClaimedProcessing Type = "CLAIMED_PROCESSING"       // the record is claimed, the execution named
	StartedProcessing Type = "STARTED_PROCESSING"       // the execution runs
	AlreadyInvalid    Type = "ALREADY_INVALID"          // skipped
	AlreadyProcessing Type = "ALREADY_PROCESSING"       // skipped
	AlreadyClaimed    Type = "ALREADY_CLAIMED"          // skipped
	AlreadySucceeded  Type = "ALREADY_SUCCEEDED"        // skipped
	AlreadyFailed     Type = "ALREADY_FAILED"           // skipped: it failed while it was being started
	AlreadyAborted    Type = "ALREADY_ABORTED"          // skipped: it was stopped while it was being started
	Duplicate         Type = "DUPLICATE_ID_ENCOUNTERED" // the same id again in one batch
	Failed            Type = "FAILED"
	TimedOut          Type = "TIMED_OUT"
	Succeeded         Type = "SUCCEEDED"
	Invalid           Type = "INVALID"
	Aborted           Type = "ABORTED"
	ExtractFailed     Type = "RECORD_EXTRACT_FAILED" // a message that could not be read
	NotAPayload       Type = "NOT_A_PROCESS_PAYLOAD" // a document that is no payload
	ChainedNothing    Type = "CHAIN_FILTER_EMPTY"    // a chain filter kept no Item, so nothing follows
)

// TimeLayout is how Cirrus writes times: ISO 8601 in UTC with microseconds.
const TimeLayout = "2006-01-02T15:04:05.000000-07:00"

// FormatTime writes a time as Cirrus does. Fractions of a microsecond are cut off.
func FormatTime(t time.Time) string {
	return t.UTC().Format(TimeLayout)
}

// Event is one workflow event. Empty fields are left out of the message. Error and ExecutionARN know the difference
// between none and an empty one, because attributes and log line do.
type Event struct {
	Type Type
	// PayloadID is the payload's id; for what has none, whatever tells it apart, or "missing".
	PayloadID string
	// Time is when it happened, as FormatTime writes it: the same text that stands in the record.
	Time string
	// InputURL and OutputURL are where the payload and its result lie.
	InputURL, OutputURL string
	// Error says why, for failures.
	Error *string
	// ExecutionARN is the execution that it happened in.
	ExecutionARN *string
}

// New makes an event.
func New(typ Type, payloadID string, at time.Time) Event {
	return Event{Type: typ, PayloadID: payloadID, Time: FormatTime(at)}
}

// WithError gives the event with a reason.
func (e Event) WithError(reason string) Event {
	e.Error = &reason
	return e
}

// WithExecution gives the event with the ARN of an execution.
func (e Event) WithExecution(arn string) Event {
	e.ExecutionARN = &arn
	return e
}

// WithURLs gives the event with the places of the payload and its result; each may be empty.
func (e Event) WithURLs(input, output string) Event {
	e.InputURL, e.OutputURL = input, output
	return e
}

// Message is the text of the message: a JSON object in the order and the form of Cirrus. The execution is shown as the
// URL of its page in the AWS console.
func (e Event) Message() string {
	o := newObject()
	o.text("event_type", string(e.Type))
	o.text("payload_id", e.PayloadID)
	o.text("isotimestamp", e.Time)
	o.text("input_payload_url", e.InputURL)
	o.text("output_payload_url", e.OutputURL)
	o.text("error", value(e.Error))
	if arn := value(e.ExecutionARN); arn != "" {
		o.text("execution", payload.ConsoleURL(arn))
	}
	return o.end()
}

// Attributes are the message's attributes: event_type, workflow, collections and error. The two in the middle are left
// out when the payload's id does not tell them. The error may be empty, which SNS does not take: leave it out there.
func (e Event) Attributes() []payload.Attribute {
	all := []payload.Attribute{{Name: "event_type", Type: payload.AttributeString, Value: string(e.Type)}}
	if id, ok := payload.CutID(e.PayloadID); ok {
		all = append(all,
			payload.Attribute{Name: "workflow", Type: payload.AttributeString, Value: id.Workflow},
			payload.Attribute{Name: "collections", Type: payload.AttributeString, Value: id.Collections})
	}
	if e.Error != nil {
		all = append(all, payload.Attribute{Name: "error", Type: payload.AttributeString, Value: *e.Error})
	}
	return all
}

// LogMetric is the line for the log group from which metrics are counted: event, workflow, source (the collections) and
// execution_arn.
func (e Event) LogMetric() string {
	workflow, source := "could not parse", e.PayloadID
	if id, ok := payload.CutID(e.PayloadID); ok {
		workflow, source = id.Workflow, id.Collections
	}
	o := newObject()
	o.always("event", string(e.Type))
	o.always("workflow", workflow)
	o.always("source", source)
	if e.ExecutionARN == nil {
		o.name("execution_arn")
		o.out = append(o.out, "null"...)
	} else {
		o.always("execution_arn", *e.ExecutionARN)
	}
	return o.end()
}

// Parse reads the text of a message. It fails when it is not a JSON object, or lacks the type, the payload's id or the time.
func Parse(message string) (Event, error) {
	var m struct {
		Type      Type    `json:"event_type"`
		PayloadID *string `json:"payload_id"`
		Time      *string `json:"isotimestamp"`
		InputURL  string  `json:"input_payload_url"`
		OutputURL string  `json:"output_payload_url"`
		Error     *string `json:"error"`
		Execution *string `json:"execution"`
	}
	if err := json.Unmarshal([]byte(message), &m); err != nil {
		return Event{}, fmt.Errorf("reading a workflow event: %w", err)
	}
	if m.Type == "" || m.PayloadID == nil || m.Time == nil {
		return Event{}, errors.New("reading a workflow event: it needs event_type, payload_id and isotimestamp")
	}
	e := Event{Type: m.Type, PayloadID: *m.PayloadID, Time: *m.Time, InputURL: m.InputURL, OutputURL: m.OutputURL, Error: m.Error}
	if m.Execution != nil {
		e = e.WithExecution(payload.ARNFromConsoleURL(*m.Execution))
	}
	return e, nil
}

func value(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

// object writes a JSON object as Python's json.dumps does.
type object struct{ out []byte }

func newObject() *object { return &object{out: []byte{'{'}} }

func (o *object) name(name string) {
	if len(o.out) > 1 {
		o.out = append(o.out, ", "...)
	}
	o.out = pytext.AppendJSONString(o.out, name)
	o.out = append(o.out, ": "...)
}

func (o *object) always(name, text string) {
	o.name(name)
	o.out = pytext.AppendJSONString(o.out, text)
}

// text writes a member unless it is empty.
func (o *object) text(name, text string) {
	if text != "" {
		o.always(name, text)
	}
}

func (o *object) end() string { return string(append(o.out, '}')) }
