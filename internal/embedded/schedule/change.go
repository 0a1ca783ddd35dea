package schedule

import (
	"context"
	"fmt"
	"time"

	"sundog/internal/access"
	"sundog/internal/embedded/store"
	"sundog/internal/schedule"
)

// Change gives a schedule another draft, all but its key, and returns it once that is on disk. Errors wrap schedule.ErrNotFound,
// schedule.ErrProcessed or schedule.ErrInvalid.
func (s *Schedules) Change(ctx context.Context, id string, d schedule.Draft) (schedule.Schedule, error) {
	return s.update(ctx, "changing", id, schedule.EventChanged, func(rec schedule.Schedule, now time.Time) (schedule.Schedule, error) {
		if err := d.Action.Check(); err != nil {
			return rec, err
		}
		if err := s.checkTarget(ctx, d.Action); err != nil {
			return rec, err
		}
		return rec.Change(d, now)
	})
}

// Pause keeps a schedule from firing until it is resumed. One that is paused stays so. Errors as those of Change.
func (s *Schedules) Pause(ctx context.Context, id string) (schedule.Schedule, error) {
	return s.update(ctx, "pausing", id, schedule.EventPaused, func(rec schedule.Schedule, _ time.Time) (schedule.Schedule, error) {
		if rec.Paused {
			return rec, errUnchanged
		}
		return rec.Pause()
	})
}

// Resume has a paused schedule fire again, from now on. One that is not paused stays as it is. Errors as those of Change.
func (s *Schedules) Resume(ctx context.Context, id string) (schedule.Schedule, error) {
	return s.update(ctx, "resuming", id, schedule.EventResumed, func(rec schedule.Schedule, now time.Time) (schedule.Schedule, error) {
		if !rec.Paused {
			return rec, errUnchanged
		}
		return rec.Resume(now)
	})
}

// errUnchanged says that there is nothing to do.
var errUnchanged = fmt.Errorf("unchanged")

// update changes a schedule and tells it.
func (s *Schedules) update(
	ctx context.Context, doing, id string, kind schedule.EventKind, change func(schedule.Schedule, time.Time) (schedule.Schedule, error),
) (schedule.Schedule, error) {
	fail := func(err error) (schedule.Schedule, error) {
		return schedule.Schedule{}, fmt.Errorf("%s a schedule: %w", doing, err)
	}
	unlock, err := s.locks.Lock(ctx, id)
	if err != nil {
		return fail(err)
	}
	defer unlock()
	before, err := s.read(id)
	if err != nil {
		return fail(err)
	}
	now := s.opts.Now().UTC()
	after, err := change(before, now)
	if err == errUnchanged { //nolint:errorlint // it is never wrapped
		return before, nil
	}
	if err != nil {
		return fail(err)
	}
	tx := s.store.Begin()
	s.displaceTx(tx, before)
	told := event(after, kind, after.Next)
	told.Actor = access.Actor(ctx)
	if err := s.tellTx(tx, told); err != nil {
		return fail(err)
	}
	if after, err = s.settleTx(tx, after, now); err != nil {
		return fail(err)
	}
	if err := s.writeTx(tx, after); err != nil {
		return fail(err)
	}
	if err := tx.Commit(ctx); err != nil {
		return fail(err)
	}
	return after, nil
}

// settleTx puts a schedule into the order where it belongs: one without a further point in time among those that are done.
func (s *Schedules) settleTx(tx *store.Tx, rec schedule.Schedule, now time.Time) (schedule.Schedule, error) {
	p := progress{action: rec.Action.Type}
	if !rec.Paused && rec.Next.IsZero() {
		tx.Set(orderTime(orderKey(orderDone), now).String(rec.ID), p.encode())
		return rec, nil
	}
	var err error
	if !rec.Paused && rec.Due.Before(now.Add(windowSpan)) {
		rec, p, err = s.enterTx(tx, rec, p)
	}
	s.placeTx(tx, rec, p)
	return rec, err
}

// Cancel ends a schedule: it is gone, and so is its key. Deliveries of what has fired go on. Errors wrap schedule.ErrNotFound, or
// schedule.ErrProcessed when it has fired for the last time.
func (s *Schedules) Cancel(ctx context.Context, id string) error {
	fail := func(err error) error { return fmt.Errorf("cancelling a schedule: %w", err) }
	unlock, err := s.locks.Lock(ctx, id)
	if err != nil {
		return fail(err)
	}
	defer unlock()
	rec, err := s.read(id)
	if err != nil {
		return fail(err)
	}
	switch there, err := s.store.Has(placeKey(rec)); {
	case err != nil:
		return fail(err)
	case !there:
		return fail(fmt.Errorf("%w: %s", schedule.ErrProcessed, id))
	}
	tx := s.store.Begin()
	s.displaceTx(tx, rec)
	s.removeTx(tx, rec)
	told := event(rec, schedule.EventCancelled, rec.Next)
	told.Actor = access.Actor(ctx)
	if err := s.tellTx(tx, told); err != nil {
		return fail(err)
	}
	if err := tx.Commit(ctx); err != nil {
		return fail(err)
	}
	return nil
}

// removeTx removes the record of a schedule.
func (s *Schedules) removeTx(tx *store.Tx, rec schedule.Schedule) {
	tx.Delete(scheduleKey(rec.ID))
	if rec.Key != "" {
		tx.Delete(clientKey(rec.Key))
	}
}

// Fire fires a schedule now, and returns the point in time that its deliveries bear once that is on disk. When it fires otherwise stays as it
// is. The error wraps schedule.ErrNotFound when there is none.
func (s *Schedules) Fire(ctx context.Context, id string) (time.Time, error) {
	fail := func(err error) (time.Time, error) { return time.Time{}, fmt.Errorf("firing a schedule: %w", err) }
	unlock, err := s.locks.Lock(ctx, id)
	if err != nil {
		return fail(err)
	}
	defer unlock()
	rec, err := s.read(id)
	if err != nil {
		return fail(err)
	}
	now := s.opts.Now().UTC().Truncate(time.Microsecond)
	tx := s.store.Begin()
	told := event(rec, schedule.EventFired, now)
	told.Actor = access.Actor(ctx)
	if err := s.tellTx(tx, told); err != nil {
		return fail(err)
	}
	if err := s.deliverTx(ctx, tx, firstDelivery(rec, now), now); err != nil {
		return fail(err)
	}
	if err := tx.Commit(ctx); err != nil {
		return fail(err)
	}
	return now, nil
}
