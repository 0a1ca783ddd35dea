package schedule

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"sundog/internal/embedded/store"
	"sundog/internal/schedule"
)

// DeadLetter is a delivery that was given up.
type DeadLetter struct {
	ID       string            // of the dead letter
	Schedule schedule.Schedule // as it was when it fired
	Point    time.Time         // the point in time for which it fired
	Attempts int               // how often it was attempted
	Died     time.Time
	Reason   string
}

// storedDead is a dead letter as it is stored.
type storedDead struct {
	Delivery delivery  `json:"delivery"`
	Died     time.Time `json:"died"`
	Reason   string    `json:"reason"`
}

func (d storedDead) letter() DeadLetter {
	return DeadLetter{
		ID:       fmt.Sprintf("%s.%d", d.Delivery.Schedule.ID, micros(d.Delivery.Point)),
		Schedule: d.Delivery.Schedule, Point: d.Delivery.Point, Attempts: d.Delivery.Attempt, Died: d.Died, Reason: d.Reason,
	}
}

// buryTx makes a dead letter of a delivery whose last attempt has failed.
func (s *Schedules) buryTx(tx *store.Tx, d delivery, reason string, now time.Time) error {
	value, err := json.Marshal(storedDead{Delivery: d, Died: now, Reason: reason})
	if err != nil {
		return fmt.Errorf("storing a dead letter of schedule %s: %w", d.Schedule.ID, err)
	}
	tx.Set(deadKey(d.Schedule.ID, d.Point), value)
	s.countTx(tx, countDead, 1)
	return nil
}

// deadKeyOf is the key of a dead letter with an id.
func deadKeyOf(id string) (store.Key, error) {
	dot := strings.LastIndexByte(id, '.')
	if dot < 0 {
		return nil, fmt.Errorf("%w: %.80q", schedule.ErrNoDeadLetter, id)
	}
	point, err := strconv.ParseInt(id[dot+1:], 10, 64)
	if err != nil || point < 0 {
		return nil, fmt.Errorf("%w: %.80q", schedule.ErrNoDeadLetter, id)
	}
	return deadKey(id[:dot], time.UnixMicro(point)), nil
}

// DeadLetters returns up to limit dead letters that come after the one with an id, which is empty at first, in the order of their schedules'
// making; schedule.MaxLimit when limit is not positive or larger. With a schedule's id it returns those of that schedule.
func (s *Schedules) DeadLetters(ctx context.Context, of, after string, limit int) ([]DeadLetter, error) {
	fail := func(err error) error { return fmt.Errorf("listing dead letters of schedules: %w", err) }
	if limit <= 0 || limit > schedule.MaxLimit {
		limit = schedule.MaxLimit
	}
	r := viewOf(viewDead).Range()
	if of != "" {
		r = viewOf(viewDead).String(of).Range()
	}
	if after != "" {
		key, err := deadKeyOf(after)
		if err != nil {
			return nil, fail(schedule.Wrong("next", after, "the token of the page before"))
		}
		r.Low = append(slices.Clone(key), 0)
	}
	var page []DeadLetter
	for entry, err := range s.store.Scan(r) {
		if err == nil {
			err = context.Cause(ctx)
		}
		if err != nil {
			return nil, fail(err)
		}
		var d storedDead
		if err := json.Unmarshal(entry.Value, &d); err != nil {
			return nil, fail(err)
		}
		if page = append(page, d.letter()); len(page) == limit {
			break
		}
	}
	return page, nil
}

// DeadLetter returns one dead letter. The error wraps schedule.ErrNoDeadLetter when there is none.
func (s *Schedules) DeadLetter(_ context.Context, id string) (DeadLetter, error) {
	_, d, err := s.readDead(id)
	if err != nil {
		return DeadLetter{}, fmt.Errorf("reading dead letter %.80s: %w", id, err)
	}
	return d.letter(), nil
}

// readDead returns a dead letter and its key.
func (s *Schedules) readDead(id string) (store.Key, storedDead, error) {
	var d storedDead
	key, err := deadKeyOf(id)
	if err != nil {
		return nil, d, err
	}
	value, err := s.store.Get(key)
	if errors.Is(err, store.ErrNotFound) {
		return nil, d, schedule.ErrNoDeadLetter
	}
	if err == nil {
		err = json.Unmarshal(value, &d)
	}
	return key, d, err
}

// SendAgain delivers a dead letter again, with as many attempts as its schedule allows; their numbers go on from those it had. The error wraps
// schedule.ErrNoDeadLetter when there is none.
func (s *Schedules) SendAgain(ctx context.Context, id string) error {
	return s.exhume(ctx, "sending again", id, func(tx *store.Tx, d delivery, now time.Time) error {
		d.Last = d.Attempt + d.Schedule.Retry.Attempts()
		d.Attempt++
		return s.deliverTx(ctx, tx, d, now)
	})
}

// SendAllAgain delivers again the dead letters that there are, or those of the schedule with an id, as SendAgain does, and returns how many
// were. It goes through them once: one that dies again meanwhile stays.
func (s *Schedules) SendAllAgain(ctx context.Context, of string) (n int64, err error) {
	for after := ""; ; {
		page, err := s.DeadLetters(ctx, of, after, 0)
		if err != nil {
			return n, err
		}
		if len(page) == 0 {
			return n, nil
		}
		for i := range page {
			after = page[i].ID
			switch err := s.SendAgain(ctx, after); {
			case err == nil:
				n++
			case !errors.Is(err, schedule.ErrNoDeadLetter): // somebody else was faster
				return n, err
			}
		}
	}
}

// DeleteDeadLetter deletes a dead letter. The error wraps schedule.ErrNoDeadLetter when there is none.
func (s *Schedules) DeleteDeadLetter(ctx context.Context, id string) error {
	return s.exhume(ctx, "deleting", id, func(*store.Tx, delivery, time.Time) error { return nil })
}

// exhume takes a dead letter away and does something with it in the same transaction.
func (s *Schedules) exhume(ctx context.Context, doing, id string, do func(*store.Tx, delivery, time.Time) error) error {
	fail := func(err error) error { return fmt.Errorf("%s dead letter %.80s: %w", doing, id, err) }
	unlock, err := s.locks.Lock(ctx, "dead/"+id)
	if err != nil {
		return fail(err)
	}
	defer unlock()
	key, d, err := s.readDead(id)
	if err != nil {
		return fail(err)
	}
	tx := s.store.Begin()
	tx.Delete(key)
	s.countTx(tx, countDead, -1)
	if err := do(tx, d.Delivery, s.opts.Now().UTC()); err != nil {
		return fail(err)
	}
	if err := tx.Commit(ctx); err != nil {
		return fail(err)
	}
	return nil
}
