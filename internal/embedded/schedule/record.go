package schedule

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"sundog/internal/embedded/store"
	"sundog/internal/schedule"
)

// progress is the value of a key in an order: what can be said of a schedule without its record.
type progress struct {
	entered bool // the event that it came into the window has been told for this point in time
	action  schedule.ActionType
}

func (p progress) encode() []byte {
	flag := byte(0)
	if p.entered {
		flag = 1
	}
	return append([]byte{flag}, p.action...)
}

func decodeProgress(value []byte) progress {
	if len(value) == 0 {
		return progress{}
	}
	return progress{entered: value[0] == 1, action: schedule.ActionType(value[1:])}
}

// lockAll holds the locks of some names, in their order so that nobody waits in a circle.
func (s *Schedules) lockAll(ctx context.Context, names []string) (unlock func(), err error) {
	slices.Sort(names)
	names = slices.Compact(names)
	held := make([]func(), 0, len(names))
	unlock = func() {
		for _, u := range held {
			u()
		}
	}
	for _, name := range names {
		u, err := s.locks.Lock(ctx, name)
		if err != nil {
			unlock()
			return nil, err
		}
		held = append(held, u)
	}
	return unlock, nil
}

// read returns the record of a schedule, or schedule.ErrNotFound.
func (s *Schedules) read(id string) (schedule.Schedule, error) {
	var rec schedule.Schedule
	value, err := s.store.Get(scheduleKey(id))
	if errors.Is(err, store.ErrNotFound) {
		return rec, fmt.Errorf("%w: %s", schedule.ErrNotFound, id)
	}
	if err == nil {
		err = json.Unmarshal(value, &rec)
	}
	if err != nil {
		return rec, fmt.Errorf("reading schedule %s: %w", id, err)
	}
	return rec, nil
}

// writeTx stores a record.
func (s *Schedules) writeTx(tx *store.Tx, rec schedule.Schedule) error {
	value, err := json.Marshal(rec)
	if err != nil {
		return fmt.Errorf("storing schedule %s: %w", rec.ID, err)
	}
	tx.Set(scheduleKey(rec.ID), value)
	return nil
}

// placeKey is the key of a schedule that is going to fire, or is paused, in its order.
func placeKey(rec schedule.Schedule) store.Key {
	if rec.Paused {
		return orderTime(orderKey(orderPaused), rec.Created).String(rec.ID)
	}
	return orderTime(orderKey(orderWaiting), rec.Due).String(rec.ID)
}

// placeTx puts a schedule that is going to fire, or is paused, into its order.
func (s *Schedules) placeTx(tx *store.Tx, rec schedule.Schedule, p progress) {
	key := placeKey(rec)
	tx.Set(key, p.encode())
	if !rec.Paused {
		s.countTx(tx, countPending, 1)
		tx.OnCommit(func() { s.waiting.add(key) })
	}
}

// displaceTx takes a schedule out of its order.
func (s *Schedules) displaceTx(tx *store.Tx, rec schedule.Schedule) {
	tx.Delete(placeKey(rec))
	if !rec.Paused {
		s.countTx(tx, countPending, -1)
	}
}

// enterTx notes that a schedule has come into the window, as far as that was not noted, and returns its record and progress as they are then. The
// record of one that fires once is PROCESSED from then on.
func (s *Schedules) enterTx(tx *store.Tx, rec schedule.Schedule, p progress) (schedule.Schedule, progress, error) {
	if p.entered {
		return rec, p, nil
	}
	p.entered = true
	if !rec.Recurring() {
		rec.State = schedule.Processed
	}
	return rec, p, s.tellTx(tx, event(rec, schedule.EventEnqueued, rec.Next))
}

// enter notes that schedules have come into the window.
func (s *Schedules) enter(ctx context.Context, keys []string) error {
	unlock, err := s.lockKeys(ctx, keys)
	if err != nil {
		return err
	}
	defer unlock()
	tx := s.store.Begin()
	for _, key := range keys {
		rec, p, there, err := s.placed(key)
		if err != nil {
			return err
		}
		if !there || p.entered {
			continue
		}
		before := rec.State
		if rec, p, err = s.enterTx(tx, rec, p); err != nil {
			return err
		}
		tx.Set([]byte(key), p.encode())
		if rec.State != before {
			if err := s.writeTx(tx, rec); err != nil {
				return err
			}
		}
	}
	if tx.Empty() {
		return nil
	}
	return tx.Commit(ctx)
}

// lockKeys holds the locks of the schedules of keys of an order.
func (s *Schedules) lockKeys(ctx context.Context, keys []string) (unlock func(), err error) {
	ids := make([]string, len(keys))
	for i, key := range keys {
		if ids[i], err = keyID(key); err != nil {
			return nil, err
		}
	}
	return s.lockAll(ctx, ids)
}

// placed returns the schedule of a key in an order, if it is there still.
func (s *Schedules) placed(key string) (rec schedule.Schedule, p progress, there bool, err error) {
	value, err := s.store.Get([]byte(key))
	if errors.Is(err, store.ErrNotFound) {
		return rec, p, false, nil
	}
	if err != nil {
		return rec, p, false, err
	}
	id, err := keyID(key)
	if err == nil {
		rec, err = s.read(id)
	}
	return rec, decodeProgress(value), err == nil, err
}
