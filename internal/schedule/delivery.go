package schedule

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"time"

	"sundog/eventpattern"
)

// Delivery is an attempt to carry out the action of a schedule that has fired.
type Delivery struct {
	ID      string    // of the schedule
	Point   time.Time // for which it fired
	Attempt int       // from 1; 0 when nobody counts them
	Action  Action
	Context Context
}

// Marks are the headers that tell deliveries apart.
func (d Delivery) Marks() []Header {
	marks := []Header{{Name: HeaderID, Value: d.ID}}
	if d.Attempt > 0 {
		marks = append(marks, Header{Name: HeaderAttempt, Value: strconv.Itoa(d.Attempt)})
	}
	return append(marks, Header{Name: HeaderFor, Value: d.Point.UTC().Format(time.RFC3339Nano)})
}

// Attributes are those of a message: the marks, and others, which cannot take their names. A message to a topic has only the marks: what goes with
// it is in its body.
func (d Delivery) Attributes(others []Header) map[string]eventpattern.Attribute {
	all := make(map[string]eventpattern.Attribute, len(others)+3)
	for _, h := range slices.Concat(others, d.Marks()) {
		all[h.Name] = eventpattern.Attribute{Type: "String", Value: h.Value}
	}
	return all
}

// Body is that of the message of a QueueAction.
func (d Delivery) Body() string {
	if body := d.Action.Queue.Body; body != "" {
		return body
	}
	return d.Context.Payload
}

// FunctionEvent is what the function of a LambdaAction is called with.
func (d Delivery) FunctionEvent() ([]byte, error) {
	if event := d.Action.Lambda.Event; len(event) > 0 {
		return event, nil
	}
	text := []byte(d.Context.Payload)
	if len(bytes.TrimSpace(text)) == 0 {
		return []byte("null"), nil
	}
	if json.Valid(text) {
		return text, nil
	}
	event, err := json.Marshal(d.Context.Payload)
	if err != nil {
		return nil, fmt.Errorf("writing the event of schedule %s: %w", d.ID, err)
	}
	return event, nil
}

// ClientContext tells a function which delivery it is, and has the headers of the schedule's context (Lambda API Reference, Invoke).
func (d Delivery) ClientContext() ([]byte, error) {
	custom := map[string]string{}
	for _, h := range slices.Concat(d.Context.Headers, d.Marks()) {
		custom[h.Name] = h.Value
	}
	doc, err := json.Marshal(map[string]any{"custom": custom})
	if err != nil {
		return nil, fmt.Errorf("writing the client context of schedule %s: %w", d.ID, err)
	}
	return doc, nil
}
