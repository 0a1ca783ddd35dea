package schedule

import (
	"encoding/json"
	"time"
)

// Topic is the topic that events of schedules are published on.
const Topic = "schedule-event"

// Headers of the requests that a schedule causes, and attributes of its messages.
const (
	HeaderID      = "Sundog-Schedule-Id"
	HeaderAttempt = "Sundog-Attempt"       // from 1
	HeaderFor     = "Sundog-Scheduled-For" // the point in time, RFC 3339
)

// EventKind is what happened to a schedule.
type EventKind string

// The kinds of events.
const (
	EventCreated   EventKind = "created"
	EventEnqueued  EventKind = "enqueued"  // it came into the delay window
	EventFired     EventKind = "fired"     // its time has come, and its delivery is under way
	EventDelivered EventKind = "delivered" // the action was carried out
	EventFailed    EventKind = "failed"    // an attempt failed; with Final, the last one: there is a dead letter
	EventCancelled EventKind = "cancelled"
	EventChanged   EventKind = "changed"
	EventPaused    EventKind = "paused"
	EventResumed   EventKind = "resumed"
)

// EventKinds returns all kinds.
func EventKinds() []EventKind {
	return []EventKind{
		EventCreated, EventEnqueued, EventFired, EventDelivered, EventFailed, EventCancelled, EventChanged, EventPaused, EventResumed,
	}
}

// Event tells what happened to a schedule. It is the body of a message on Topic, and an entry of the schedule's history.
type Event struct {
	Kind        EventKind  `json:"event"`
	Time        time.Time  `json:"time"`
	ScheduleID  string     `json:"schedule_id"`
	Key         string     `json:"key,omitempty"`
	Name        string     `json:"name,omitempty"`
	Action      ActionType `json:"action"`
	PointInTime time.Time  `json:"point_in_time,omitzero"` // the one that it is about
	Attempt     int        `json:"attempt,omitempty"`      // delivered, failed: from 1
	Actor       string     `json:"actor,omitempty"`        // who did it, when somebody did
	Status      int        `json:"status,omitempty"`       // the HTTP status of the attempt
	Error       string     `json:"error,omitempty"`
	Final       bool       `json:"final,omitempty"` // failed: there is no further attempt
}

// EventPage is a part of a schedule's history, in the order in which it happened.
type EventPage struct {
	Events []Event
	Next   string // token of the next page, or empty
}

// Firing is a fired schedule in the form in which it travels: to the action, and as the body of a message on the topic of a custom one.
type Firing struct {
	ScheduleID   string          `json:"scheduleId"`
	PointInTime  int64           `json:"pointInTime"`        // Unix seconds
	APIKey       string          `json:"apiKey,omitempty"`   // the owner
	TopicARN     string          `json:"topicArn,omitempty"` // of a custom action
	ActionConfig json.RawMessage `json:"actionConfig,omitempty"`
	Context      FiringContext   `json:"context,omitzero"`
}

// FiringContext is the context of a schedule in the form of delayer-aws: each header is an object of its name and value.
type FiringContext struct {
	Headers []map[string]string `json:"headers,omitempty"`
	Payload string              `json:"payload,omitempty"`
}

// Firing is the context in the form in which it travels.
func (c Context) Firing() FiringContext {
	f := FiringContext{Payload: c.Payload}
	for _, h := range c.Headers {
		f.Headers = append(f.Headers, map[string]string{h.Name: h.Value})
	}
	return f
}
