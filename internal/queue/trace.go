package queue

import (
	"maps"

	"sundog/internal/trace"
)

// Traced returns the attributes of a message with its place in a trace among them, in the attribute trace.Header. The attributes themselves are
// not changed. Where there is no place for one more, and for the zero value, it returns them as they are.
func Traced(attributes map[string]Attribute, place trace.Context) map[string]Attribute {
	if place.IsZero() || len(attributes) >= MaxAttributes {
		return attributes
	}
	traced := make(map[string]Attribute, len(attributes)+1)
	maps.Copy(traced, attributes)
	traced[trace.Header] = Attribute{Type: "String", Value: place.String()}
	return traced
}

// Trace is the place of whoever sent the message in a trace, the zero value when it does not say, or not in a form that can be read: a
// message is no worse for that.
func (m *Message) Trace() trace.Context {
	place, _ := trace.Parse(m.Attributes[trace.Header].Value)
	return place
}
