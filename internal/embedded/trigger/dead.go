package trigger

import (
	"fmt"
	"strconv"
	"time"

	"sundog/internal/embedded/store"
	"sundog/internal/queue"
	domain "sundog/internal/trigger"
)

// Attributes of an event among the dead letters, beside the event itself as the body.
const (
	attributeID     = "event_id"
	attributeKey    = "event_key"
	attributeTime   = "event_time"
	attributeReplay = "replay"
)

// buryTx makes an event a dead letter, after so many calls.
func (f *follower) buryTx(tx *store.Tx, e domain.Event, calls int, reason error) error {
	draft := queue.Draft{Body: e.Body, Attributes: map[string]queue.Attribute{
		attributeID:     {Type: "String", Value: e.ID},
		attributeTime:   {Type: "String", Value: e.At.Format(time.RFC3339Nano)},
		attributeReplay: {Type: "Number", Value: strconv.Itoa(f.state.Replay)},
	}}
	if e.Key != "" {
		draft.Attributes[attributeKey] = queue.Attribute{Type: "String", Value: e.Key}
	}
	if err := f.dead.BuryTx(tx, draft, calls, reason.Error()); err != nil {
		return fmt.Errorf("making a dead letter of event %s: %w", e.ID, err)
	}
	f.logger.Warn("an event cannot be handled; it is a dead letter", "event", e.ID, "queue", f.dead.Name(), "reason", reason)
	return nil
}

// unbury reads an event that was a dead letter.
func unbury(m queue.Message) (e domain.Event, replay int) {
	e = domain.Event{ID: m.Attributes[attributeID].Value, Key: m.Attributes[attributeKey].Value, At: m.SentAt, Body: m.Body}
	if at, err := time.Parse(time.RFC3339Nano, m.Attributes[attributeTime].Value); err == nil {
		e.At = at
	}
	replay, _ = strconv.Atoi(m.Attributes[attributeReplay].Value) // somebody else's message has none
	if e.ID == "" {
		e.ID = m.ID
	}
	return e, replay
}
