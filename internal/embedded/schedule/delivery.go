package schedule

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"sundog/internal/embedded/store"
	"sundog/internal/schedule"
)

// delivery is what a firing causes, with all that it takes: it goes on when its schedule is gone.
type delivery struct {
	Schedule schedule.Schedule `json:"schedule"` // as it was when it fired
	Point    time.Time         `json:"point"`    // for which it fired
	Attempt  int               `json:"attempt"`  // the next one, from 1
	Last     int               `json:"last"`     // the attempt after which it is given up
}

func firstDelivery(rec schedule.Schedule, point time.Time) delivery {
	return delivery{Schedule: rec, Point: point, Attempt: 1, Last: rec.Retry.Attempts()}
}

// attempt is what is carried out.
func (d delivery) attempt() schedule.Delivery {
	return schedule.Delivery{ID: d.Schedule.ID, Point: d.Point, Attempt: d.Attempt, Action: d.Schedule.Action, Context: d.Schedule.Context}
}

// longestAsked is the longest pause that a receiver can ask for.
const longestAsked = 6 * time.Hour

// lane is whose deliveries this one waits behind; empty when it is made in a transaction.
func (d delivery) lane() string {
	switch a := d.Schedule.Action; {
	case a.HTTP != nil:
		u, err := url.Parse(a.HTTP.URL)
		if err != nil {
			return "http/"
		}
		return "http/" + strings.ToLower(u.Host)
	case a.Lambda != nil:
		return "function/" + a.Lambda.Function
	}
	return ""
}

// key is that of the delivery in its lane, if it comes there at a moment.
func (d delivery) key(at time.Time) store.Key {
	return laneKey(d.lane()).Uint(micros(at)).String(d.Schedule.ID).Uint(micros(d.Point))
}

func (d delivery) encode() ([]byte, error) {
	value, err := json.Marshal(d)
	if err != nil {
		return nil, fmt.Errorf("storing a delivery of schedule %s: %w", d.Schedule.ID, err)
	}
	return value, nil
}

func decodeDelivery(value []byte) (d delivery, err error) {
	if err := json.Unmarshal(value, &d); err != nil {
		return d, fmt.Errorf("reading a delivery: %w", err)
	}
	return d, nil
}

// deliverTx makes the next attempt of a delivery if it is a write, and puts it into its lane otherwise.
func (s *Schedules) deliverTx(ctx context.Context, tx *store.Tx, d delivery, now time.Time) error {
	lane := d.lane()
	if lane == "" {
		began := s.opts.Now()
		err := s.sendTx(ctx, tx, d)
		refused, isRefusal := errors.AsType[*refusal](err)
		if err != nil && !isRefusal {
			return err
		}
		o := outcome{took: s.opts.Now().Sub(began)}
		if isRefusal {
			o.failure = refused
		}
		return s.endTx(tx, d, o, now)
	}
	value, err := d.encode()
	if err != nil {
		return err
	}
	key := d.key(now)
	tx.Set(key, value)
	tx.OnCommit(func() { s.lanes.arrived(lane, string(key)) })
	return nil
}

// tryAgain takes deliveries that are attempted again now to their lanes, or makes the attempt.
func (s *Schedules) tryAgain(ctx context.Context, keys []string) error {
	now := s.opts.Now().UTC()
	tx := s.store.Begin()
	for _, key := range keys {
		value, err := s.store.Get([]byte(key))
		if errors.Is(err, store.ErrNotFound) {
			continue
		}
		if err != nil {
			return err
		}
		d, err := decodeDelivery(value)
		if err != nil {
			return err
		}
		tx.Delete([]byte(key))
		if err := s.deliverTx(ctx, tx, d, now); err != nil {
			return err
		}
	}
	if tx.Empty() {
		return nil
	}
	return tx.Commit(ctx)
}

// outcome is how an attempt ended.
type outcome struct {
	failure error         // nil: it was delivered
	status  int           // of HTTP, 0 without one
	final   bool          // another attempt cannot help
	asked   time.Duration // how long the receiver wants to be left alone
	took    time.Duration
}

// endTx writes down how an attempt ended: the delivery is done, is tried again, or is a dead letter.
func (s *Schedules) endTx(tx *store.Tx, d delivery, o outcome, now time.Time) error {
	action := d.Schedule.Action.Type
	tx.OnCommit(func() { s.opts.Observe.Attempted(action, o.took, o.failure == nil) })
	told := event(d.Schedule, schedule.EventDelivered, d.Point)
	told.Attempt, told.Status = d.Attempt, o.status
	if o.failure == nil {
		return s.tellTx(tx, told)
	}
	told.Kind, told.Error = schedule.EventFailed, cut(o.failure.Error())
	told.Final = o.final || d.Attempt >= d.Last
	s.opts.Logger.Warn("a delivery of a schedule failed",
		"schedule", d.Schedule.ID, "attempt", d.Attempt, "of", d.Last, "final", told.Final, "error", o.failure)
	if err := s.tellTx(tx, told); err != nil {
		return err
	}
	if told.Final {
		return s.buryTx(tx, d, told.Error, now)
	}
	pause := max(d.Schedule.Retry.Pause(d.Attempt), min(o.asked, longestAsked))
	d.Attempt++
	value, err := d.encode()
	if err != nil {
		return err
	}
	key := orderTime(orderKey(orderAgain), now.Add(pause)).String(d.Schedule.ID).Uint(micros(d.Point))
	tx.Set(key, value)
	tx.OnCommit(func() { s.again.add(key) })
	return nil
}

const maxReason = 1024 // bytes of a reason

func cut(reason string) string {
	if len(reason) > maxReason {
		reason = strings.ToValidUTF8(reason[:maxReason], "")
	}
	return reason
}
