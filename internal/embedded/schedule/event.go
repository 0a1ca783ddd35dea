package schedule

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"sundog/internal/embedded/store"
	"sundog/internal/schedule"
	"sundog/internal/topic"
)

// event makes an event of a schedule that is about a point in time.
func event(rec schedule.Schedule, kind schedule.EventKind, point time.Time) schedule.Event {
	e := schedule.Event{Kind: kind, ScheduleID: rec.ID, Key: rec.Key, Name: rec.Name, Action: rec.Action.Type, PointInTime: point}
	if kind == schedule.EventCreated {
		e.Actor = rec.Owner
	}
	return e
}

// tellTx publishes an event and adds it to the history, with the transaction of what it tells.
func (s *Schedules) tellTx(tx *store.Tx, e schedule.Event) error {
	e.Time = s.opts.Now().UTC()
	body, err := json.Marshal(e)
	if err != nil {
		return fmt.Errorf("telling that schedule %s was %s: %w", e.ScheduleID, e.Kind, err)
	}
	text := func(value string) topic.Attribute { return topic.Attribute{Type: "String", Value: value} }
	if _, err := s.opts.Topics.PublishTx(tx, schedule.Topic, topic.Draft{Body: body, Attributes: map[string]topic.Attribute{
		"event": text(string(e.Kind)), "action": text(string(e.Action)), "schedule_id": text(e.ScheduleID),
	}}); err != nil {
		return fmt.Errorf("telling that schedule %s was %s: %w", e.ScheduleID, e.Kind, err)
	}
	tx.Append(historyKey(dayOf(e.Time), e.ScheduleID), body)
	return nil
}

// History returns what happened to a schedule, in its order, after the page with a token; the token is empty at first. It tells of the last
// KeepHistory, also when the schedule is gone. limit is 1 to schedule.MaxLimit, schedule.DefaultLimit when zero. The error wraps
// schedule.ErrNotFound when nothing is known of the schedule.
func (s *Schedules) History(ctx context.Context, id, after string, limit int) (schedule.EventPage, error) {
	var page schedule.EventPage
	fail := func(err error) error { return fmt.Errorf("reading the history of schedule %s: %w", id, err) }
	today := dayOf(s.opts.Now())
	day, number := today-uint64(KeepHistory/(24*time.Hour)), uint64(0)
	if after != "" {
		from, behind, ok := strings.Cut(after, "-")
		d, err := strconv.ParseUint(from, 10, 64)
		n, err2 := strconv.ParseUint(behind, 10, 64)
		if !ok || err != nil || err2 != nil {
			return schedule.EventPage{}, fail(schedule.Wrong("after", after, "the token of the page before"))
		}
		day, number = max(day, d), n+1
	}
	if limit == 0 {
		limit = schedule.DefaultLimit
	}
	limit = min(limit, schedule.MaxLimit)
	end, _ := s.store.LogEnd()
	for ; day <= today+1; day, number = day+1, 0 { // one more: a clock that was set back
		log := historyKey(day, id)
		for entry, err := range s.store.Scan(store.Range{Low: log.Uint(number), High: historyKey(day, id).Uint(end + 1)}) {
			if err == nil {
				err = context.Cause(ctx)
			}
			if err != nil {
				return schedule.EventPage{}, fail(err)
			}
			if len(page.Events) == limit {
				return page, nil
			}
			var e schedule.Event
			if err := json.Unmarshal(entry.Value, &e); err != nil {
				return schedule.EventPage{}, fail(err)
			}
			page.Events = append(page.Events, e)
			f := store.Split(entry.Key[len(entry.Key)-9:])
			page.Next = fmt.Sprintf("%d-%d", day, f.Uint())
		}
	}
	if len(page.Events) == 0 && after == "" {
		if _, err := s.read(id); err != nil {
			return schedule.EventPage{}, fail(err)
		}
	}
	page.Next = ""
	return page, nil
}
