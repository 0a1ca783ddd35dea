package schedule

import (
	"context"
	"errors"
	"fmt"

	"sundog/internal/access"
	"sundog/internal/delayerapi"
	"sundog/internal/schedule"
)

// tries is how often a change is decided again because the record has changed meanwhile.
const tries = 3

// Find returns a schedule. The error wraps schedule.ErrNotFound when there is none: it was cancelled, or its time is an hour ago.
func (s *Schedules) Find(ctx context.Context, id string) (schedule.Schedule, error) {
	r, err := s.store.find(ctx, id, s.opts.Now())
	if err == nil {
		var found schedule.Schedule
		if found, err = r.schedule(); err == nil {
			return found, nil
		}
	}
	return schedule.Schedule{}, fmt.Errorf("looking up a schedule: %w", err)
}

// Change gives a schedule another time, action and context, and returns it once that is in the table. Errors wrap schedule.ErrNotFound,
// schedule.ErrInvalid, or schedule.ErrProcessed when it is in the queue or has fired.
func (s *Schedules) Change(ctx context.Context, id string, req delayerapi.Request) (schedule.Schedule, error) {
	var changed schedule.Schedule
	var r record
	err := s.decided(ctx, "changing a schedule", id, func(old *record) error {
		before, err := old.schedule()
		if err != nil {
			return err
		}
		if changed, err = before.Change(req.Draft, s.opts.Now().UTC()); err != nil {
			return err
		}
		if r, err = s.admit(changed); err != nil {
			return err
		}
		return s.store.replace(ctx, old, &r)
	})
	if err != nil {
		return schedule.Schedule{}, err
	}
	told := r.event(schedule.EventChanged)
	told.Actor = access.Actor(ctx)
	s.mention(ctx, told)
	return s.settle(ctx, changed, r)
}

// Cancel ends a schedule: it is gone. One in the queue does not fire any more. Errors wrap schedule.ErrNotFound, or schedule.ErrProcessed when its
// time has come.
func (s *Schedules) Cancel(ctx context.Context, id string) error {
	var r record
	err := s.decided(ctx, "cancelling a schedule", id, func(old *record) error {
		r = *old
		now := s.opts.Now()
		if old.Status != schedule.New && !old.point().After(now) {
			return fmt.Errorf("%w: %s", schedule.ErrProcessed, id)
		}
		return s.store.cancel(ctx, old, now)
	})
	if err != nil {
		return err
	}
	told := r.event(schedule.EventCancelled)
	told.Actor = access.Actor(ctx)
	s.mention(ctx, told)
	return nil
}

// decided reads a record and does what depends on it, again when it has changed meanwhile.
func (s *Schedules) decided(ctx context.Context, doing, id string, do func(*record) error) error {
	for try := 1; ; try++ {
		r, err := s.store.find(ctx, id, s.opts.Now())
		if err == nil {
			err = do(&r)
		}
		if err == nil {
			return nil
		}
		if !errors.Is(err, errChanged) || try == tries {
			return fmt.Errorf("%s: %w", doing, err)
		}
	}
}
