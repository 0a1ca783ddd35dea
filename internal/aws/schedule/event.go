package schedule

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"sundog/internal/schedule"
	"sundog/internal/topic"
)

// teller publishes events.
type teller struct {
	events Publisher // nil: nobody wants them
	now    func() time.Time
	log    *slog.Logger
}

// event makes an event about a record.
func (r *record) event(kind schedule.EventKind) schedule.Event {
	return schedule.Event{Kind: kind, ScheduleID: r.Firing.ScheduleID, Action: r.Action, PointInTime: r.point()}
}

// tell publishes events.
func (t teller) tell(ctx context.Context, events ...schedule.Event) error {
	if t.events == nil || len(events) == 0 {
		return nil
	}
	drafts := make([]topic.Draft, len(events))
	for i, e := range events {
		e.Time = t.now().UTC()
		body, err := json.Marshal(e)
		if err != nil {
			return fmt.Errorf("telling that schedule %s was %s: %w", e.ScheduleID, e.Kind, err)
		}
		text := func(value string) topic.Attribute { return topic.Attribute{Type: "String", Value: value} }
		drafts[i] = topic.Draft{Body: body, Attributes: map[string]topic.Attribute{
			"event": text(string(e.Kind)), "action": text(string(e.Action)), "schedule_id": text(e.ScheduleID),
		}}
	}
	if _, err := t.events.Publish(ctx, drafts...); err != nil {
		return fmt.Errorf("telling of %d schedules that they were %s: %w", len(events), events[0].Kind, err)
	}
	return nil
}

// mention tells of what is done and cannot be done again for the sake of being told.
func (t teller) mention(ctx context.Context, e schedule.Event) {
	if err := t.tell(context.WithoutCancel(ctx), e); err != nil {
		t.log.ErrorContext(ctx, "an event of a schedule is not told", "schedule", e.ScheduleID, "event", e.Kind, "error", err)
	}
}

const maxReason = 1024 // bytes of an error in an event

func reason(err error) string {
	text := err.Error()
	if len(text) > maxReason {
		text = strings.ToValidUTF8(text[:maxReason], "")
	}
	return text
}
