package queue

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"sundog/internal/embedded/store"
	"sundog/internal/queue"
)

// waiter is a Receive that waits for a message.
type waiter struct {
	lanes []string
	woken chan struct{} // closed when there may be one
}

// wake wakes the first Receive that can take from l.
func (q *Queue) wake(l *lane) {
	for i, w := range q.waiters {
		if len(w.lanes) == 0 || slices.Contains(w.lanes, l.name) {
			q.waiters = slices.Delete(q.waiters, i, i+1)
			close(w.woken)
			return
		}
	}
}

// wakeNext passes on what the last Receive left over.
func (q *Queue) wakeNext() {
	if len(q.waiters) == 0 || q.flying.Len() >= q.cfg.MaxInFlight {
		return
	}
	for _, l := range q.lanes {
		if l.ready.Len() > 0 {
			q.wake(l)
		}
	}
}

// leave ends waiting. Who was woken and does not take it passes it on.
func (q *Queue) leave(w *waiter) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if i := slices.Index(q.waiters, w); i >= 0 {
		q.waiters = slices.Delete(q.waiters, i, i+1)
		return
	}
	q.wakeNext()
}

// Receive hands out messages and hides them for the visibility timeout. It returns none, and no error, when there was none for
// the time that the request says.
func (q *Queue) Receive(ctx context.Context, req queue.Request) ([]queue.Message, error) {
	if req.Max == 0 {
		req.Max = 1
	}
	if req.Max < 0 || req.Max > queue.MaxBatch {
		return nil, q.fail("receiving from", fmt.Errorf("%d messages at a time; ask for 1 to %d", req.Max, queue.MaxBatch))
	}
	for _, lane := range req.Lanes {
		if q.lane(lane) == nil {
			return nil, q.fail("receiving from", fmt.Errorf("%w: %q; it has %v", queue.ErrUnknownLane, lane, q.laneNames()))
		}
	}
	timeout := time.NewTimer(req.Wait)
	defer timeout.Stop()
	for {
		if err := ctx.Err(); err != nil {
			return nil, q.fail("receiving from", context.Cause(ctx))
		}
		select {
		case <-q.closed:
			return nil, q.fail("receiving from", queue.ErrClosed)
		default:
		}
		got, w := q.takeOrWait(req)
		if w == nil {
			messages, err := q.handOut(ctx, got)
			if err != nil {
				return nil, q.fail("receiving from", err)
			}
			if len(messages) > 0 || req.Wait <= 0 {
				return messages, nil
			}
			continue // what was in memory is no longer on disk
		}
		select {
		case <-w.woken:
		case <-timeout.C:
			q.leave(w)
			return nil, nil
		case <-ctx.Done():
			q.leave(w)
		case <-q.closed:
			q.leave(w)
		}
	}
}

// takeOrWait takes messages, or registers a waiter when there are none and the request wants to wait.
func (q *Queue) takeOrWait(req queue.Request) ([]taken, *waiter) {
	q.mu.Lock()
	defer q.mu.Unlock()
	visibility := q.cfg.Visibility
	if req.Visibility > 0 {
		visibility = req.Visibility
	}
	got := q.take(req.Max, req.Lanes, visibility)
	if len(got) > 0 || req.Wait <= 0 {
		return got, nil
	}
	w := &waiter{lanes: req.Lanes, woken: make(chan struct{})}
	q.waiters = append(q.waiters, w)
	return nil, w
}

// handOut reads the bodies that are not in memory and writes down that the messages were received.
func (q *Queue) handOut(ctx context.Context, got []taken) ([]queue.Message, error) {
	messages := make([]queue.Message, 0, len(got))
	tx := q.store.Begin()
	for _, t := range got {
		if t.value == nil {
			value, err := q.store.Get(messageKey(q.name, t.lane.name, t.seq))
			if errors.Is(err, store.ErrNotFound) {
				q.vanish(t)
				continue
			}
			if err != nil {
				q.giveBack(got)
				return nil, err
			}
			t.value = value
		}
		m, err := decodeMessage(t.value)
		if err != nil {
			q.spoiled(t, err)
			continue
		}
		m.ID, m.Lane, m.ReceiveCount, m.Receipt = formatID(t.seq), t.lane.name, t.seen.count, formatReceipt(t)
		messages = append(messages, m)
		tx.Set(attemptsKey(q.name, t.lane.name, t.seq), t.seen.append(nil))
	}
	if err := tx.CommitLazily(ctx); err != nil {
		q.giveBack(got)
		return nil, err
	}
	return messages, nil
}

// vanish forgets a message that is in memory and was deleted with a receipt of an earlier process.
func (q *Queue) vanish(t taken) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if e := q.entries[t.seq]; e != nil {
		q.forget(e)
	}
}

// spoiled buries a message that cannot be decoded.
func (q *Queue) spoiled(t taken, err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if e := q.entries[t.seq]; e != nil && e.serial == t.serial && e.state == inFlight {
		q.detach(e)
		q.condemn(e, err.Error())
	}
}
