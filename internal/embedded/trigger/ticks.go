package trigger

import (
	"context"
	"fmt"
	"time"

	"sundog/internal/dynamodb"
	"sundog/internal/schedule"
	domain "sundog/internal/trigger"
)

// ticks are the points in time of a schedule, as a log: the number of an entry is its time in nanoseconds. So a trigger that was away finds what it
// has missed, and a replay what there was.
type ticks struct {
	trigger         string
	expression      schedule.Expression
	zone            *time.Location
	region, account string
	now             func() time.Time
}

// keepTicks is how far back points in time can be read: as long as changes of a table are kept.
const keepTicks = 24 * time.Hour

func newTicks(trigger string, s domain.Source, opts *Options) (ticks, error) {
	expression, err := schedule.Parse(s.Name)
	if err != nil {
		return ticks{}, err
	}
	zone, err := schedule.Zone(s.Zone)
	return ticks{trigger, expression, zone, opts.Region, opts.Account, opts.Now}, err
}

func (t ticks) read(_ context.Context, after uint64, limit int) (entries []entry, err error) {
	now := t.now()
	at := momentOf(after)
	if oldest := now.Add(-keepTicks); at.Before(oldest) {
		at = oldest
	}
	for len(entries) < limit {
		next, ok := t.next(at)
		if !ok || next.After(now) {
			break
		}
		number := uint64(next.UnixNano())
		e, err := domain.ScheduleEvent(t.region, t.account, t.trigger, dynamodb.SequenceText(number), next)
		if err != nil {
			return nil, fmt.Errorf("reading the schedule: %w", err)
		}
		entries = append(entries, entry{number, e})
		at = next
	}
	return entries, nil
}

// next is the first point in time after another one. A rate counts from the beginning of 1970, so that it has the same ones whoever asks.
func (t ticks) next(after time.Time) (time.Time, bool) {
	return t.expression.Next(after, time.Unix(0, 0), t.zone)
}

func (t ticks) end() uint64 { return uint64(t.now().UnixNano()) }

func (t ticks) due(after uint64) time.Time {
	next, _ := t.next(momentOf(after))
	return next
}
