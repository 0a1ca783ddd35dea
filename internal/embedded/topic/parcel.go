package topic

import (
	"maps"
	"strings"
	"time"

	"sundog/internal/queue"
	"sundog/internal/topic"
	"sundog/internal/trace"
)

// The attributes that a message bears in the queue of a subscription, beside its own.
const (
	reservedPrefix = "sundog."
	attributeID    = reservedPrefix + "id"
	attributeTopic = reservedPrefix + "topic"
	attributeTime  = reservedPrefix + "time"

	attributeSubject = reservedPrefix + "subject"    // of messages that have one
	attributeTrace   = reservedPrefix + trace.Header // of messages that are part of a trace

	maxReserved = 1 << 10 // bytes of them
)

func reserved(name string) bool { return strings.HasPrefix(name, reservedPrefix) }

// pack makes a queue message of a published one.
func pack(m topic.Message) queue.Draft {
	attributes := make(map[string]queue.Attribute, len(m.Attributes)+3)
	maps.Copy(attributes, m.Attributes)
	attributes[attributeID] = queue.Attribute{Type: "String", Value: m.ID}
	attributes[attributeTopic] = queue.Attribute{Type: "String", Value: m.Topic}
	attributes[attributeTime] = queue.Attribute{Type: "String", Value: m.Time.Format(time.RFC3339Nano)}
	if m.Subject != "" {
		attributes[attributeSubject] = queue.Attribute{Type: "String", Value: m.Subject}
	}
	if !m.Trace.IsZero() {
		attributes[attributeTrace] = queue.Attribute{Type: "String", Value: m.Trace.String()}
	}
	return queue.Draft{Body: m.Body, Attributes: attributes}
}

// Received makes a published message of what was received from the queue of a subscription that has one. ok is false when it came there in
// another way.
func Received(q queue.Message) (m topic.Message, ok bool) {
	if _, ok = q.Attributes[attributeTopic]; !ok {
		return m, false
	}
	return unpack(q), true
}

// unpack makes a published message of what was received from the queue of a subscription.
func unpack(q queue.Message) topic.Message {
	m := topic.Message{
		ID: q.Attributes[attributeID].Value, Topic: q.Attributes[attributeTopic].Value, Time: q.SentAt,
		Subject: q.Attributes[attributeSubject].Value, Body: q.Body, Attributes: maps.Clone(q.Attributes),
	}
	if at, err := time.Parse(time.RFC3339Nano, q.Attributes[attributeTime].Value); err == nil {
		m.Time = at
	}
	if text := q.Attributes[attributeTrace].Value; text != "" {
		m.Trace, _ = trace.Parse(text) // pack wrote it
	}
	maps.DeleteFunc(m.Attributes, func(name string, _ topic.Attribute) bool { return reserved(name) })
	return m
}
