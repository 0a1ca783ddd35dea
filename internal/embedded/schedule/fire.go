package schedule

import (
	"context"
	"errors"
	"time"

	"sundog/internal/embedded/store"
	"sundog/internal/schedule"
)

// fireDue fires schedules whose time has come, all in one transaction.
func (s *Schedules) fireDue(ctx context.Context, keys []string) error {
	unlock, err := s.lockKeys(ctx, keys)
	if err != nil {
		return err
	}
	defer unlock()
	now := s.opts.Now().UTC()
	tx := s.store.Begin()
	for _, key := range keys {
		rec, p, there, err := s.placed(key)
		if err != nil {
			return err
		}
		if !there {
			continue // it was changed, paused or cancelled
		}
		if err := s.fireTx(ctx, tx, []byte(key), rec, p, now); err != nil {
			return err
		}
	}
	if tx.Empty() {
		return nil
	}
	return tx.Commit(ctx)
}

// fireTx fires a schedule and puts it where it comes next.
func (s *Schedules) fireTx(ctx context.Context, tx *store.Tx, key []byte, rec schedule.Schedule, p progress, now time.Time) error {
	rec, p, err := s.enterTx(tx, rec, p)
	if err != nil {
		return err
	}
	tx.Delete(key)
	s.countTx(tx, countPending, -1)
	point, after, err := rec.Advance(now)
	if errors.Is(err, schedule.ErrInvalid) {
		return s.haltTx(tx, rec, p, err)
	}
	if err != nil {
		return err
	}
	if !point.IsZero() {
		if err := s.tellTx(tx, event(rec, schedule.EventFired, point)); err != nil {
			return err
		}
		if err := s.deliverTx(ctx, tx, firstDelivery(rec, point), now); err != nil {
			return err
		}
		due := rec.Due
		tx.OnCommit(func() { s.opts.Observe.Fired(max(0, s.opts.Now().Sub(due))) })
	}
	if !rec.Recurring() {
		tx.Set(orderTime(orderKey(orderDone), rec.Due).String(rec.ID), p.encode())
		return nil // its record stays as it is
	}
	if after, err = s.settleTx(tx, after, now); err != nil {
		return err
	}
	return s.writeTx(tx, after)
}

// haltTx pauses a schedule of which nobody can say any more when it fires: its zone has gone with an update, say. All others go on.
func (s *Schedules) haltTx(tx *store.Tx, rec schedule.Schedule, p progress, why error) error {
	s.opts.Logger.Error("a schedule is paused, since nobody can say when it fires; change it and resume it", "schedule", rec.ID, "error", why)
	told := event(rec, schedule.EventFailed, rec.Next)
	told.Error, told.Final = cut(why.Error()), true
	if err := s.tellTx(tx, told); err != nil {
		return err
	}
	rec, err := rec.Pause()
	if err != nil {
		return err
	}
	if err := s.tellTx(tx, event(rec, schedule.EventPaused, rec.Next)); err != nil {
		return err
	}
	s.placeTx(tx, rec, p)
	return s.writeTx(tx, rec)
}
