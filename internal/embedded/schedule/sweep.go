package schedule

import (
	"context"
	"errors"
	"fmt"
	"time"

	"sundog/internal/embedded/store"
	"sundog/internal/schedule"
)

const sweepEvery = time.Minute

// sweep removes what has been kept long enough, until ctx ends.
func (s *Schedules) sweep(ctx context.Context) {
	for ctx.Err() == nil {
		err := s.removeDone(ctx)
		if err == nil {
			err = s.expireHistory(ctx)
		}
		if err != nil && ctx.Err() == nil {
			s.opts.Logger.Error("schedules that are over are kept until this is mended", "error", err, "again_in", sweepEvery)
		}
		wait(ctx, sweepEvery, nil)
	}
}

// removeDone removes schedules that fired for the last time schedule.Kept ago.
func (s *Schedules) removeDone(ctx context.Context) error {
	over := store.Range{Low: orderKey(orderDone), High: orderTime(orderKey(orderDone), s.opts.Now().Add(-schedule.Kept))}
	for n := windowPiece; n == windowPiece; {
		var keys []string
		for entry, err := range s.store.Scan(over) {
			if err != nil {
				return fmt.Errorf("reading schedules that are over: %w", err)
			}
			if keys = append(keys, string(entry.Key)); len(keys) == windowPiece {
				break
			}
		}
		if n = len(keys); n == 0 {
			return nil
		}
		if err := s.removeThese(ctx, keys); err != nil {
			return fmt.Errorf("removing schedules that are over: %w", err)
		}
		over.Low = append([]byte(keys[n-1]), 0) // what was removed is not read again
	}
	return nil
}

func (s *Schedules) removeThese(ctx context.Context, keys []string) error {
	unlock, err := s.lockKeys(ctx, keys)
	if err != nil {
		return err
	}
	defer unlock()
	tx := s.store.Begin()
	for _, key := range keys {
		id, err := keyID(key)
		if err != nil {
			return err
		}
		tx.Delete([]byte(key))
		rec, err := s.read(id)
		if errors.Is(err, schedule.ErrNotFound) {
			continue
		}
		if err != nil {
			return err
		}
		s.removeTx(tx, rec)
	}
	return tx.Commit(ctx)
}

// expireHistory removes the events of days that are no longer kept.
func (s *Schedules) expireHistory(ctx context.Context) error {
	oldest := viewOf(viewHistory).Uint(dayOf(s.opts.Now().Add(-KeepHistory)))
	all := viewOf(viewHistory).Range()
	for _, err := range s.store.Scan(store.Range{Low: all.Low, High: oldest}) {
		if err != nil {
			return fmt.Errorf("reading old events of schedules: %w", err)
		}
		tx := s.store.Begin()
		tx.DeleteRange(all.Low, oldest)
		return tx.Commit(ctx)
	}
	return nil
}
