package queue

import (
	"context"
	"fmt"
	"time"

	"sundog/internal/embedded/store"
	"sundog/internal/queue"
)

// Send sends messages, all or none, and returns their ids once they are on disk. When ctx ends first, they may have been sent.
// Errors are queue.ErrTooLarge, queue.ErrUnknownLane, queue.ErrInvalidMessage, or the store's.
func (q *Queue) Send(ctx context.Context, drafts ...queue.Draft) ([]string, error) {
	tx := q.store.Begin()
	ids, err := q.SendTx(tx, drafts...)
	if err != nil {
		return nil, err
	}
	if err := tx.Commit(ctx); err != nil {
		return nil, q.fail("sending to", err)
	}
	return ids, nil
}

// SendTx sends messages with somebody's transaction. With an error nothing was added to it.
func (q *Queue) SendTx(tx *store.Tx, drafts ...queue.Draft) ([]string, error) {
	select {
	case <-q.closed:
		return nil, q.fail("sending to", queue.ErrClosed)
	default:
	}
	limit := q.Config().MaxBytes
	for _, d := range drafts {
		if err := q.check(d, limit); err != nil {
			return nil, q.fail("sending to", err)
		}
	}
	now := q.now()
	ids := make([]string, len(drafts))
	for i, d := range drafts {
		seq := q.seqs.next()
		ids[i] = formatID(seq)
		l := q.lanes[0]
		if d.Lane != "" {
			l = q.lane(d.Lane)
		}
		value := encodeMessage(d, now)
		if d.Delay > 0 {
			q.delayTx(tx, l, now.Add(d.Delay), seq, attempts{}, value)
			continue
		}
		tx.Set(messageKey(q.name, l.name, seq), value)
		tx.Add(depthKey(q.name, countMessages, l.name), 1)
		q.arriveTx(tx, &entry{lane: l, seq: seq, sentAt: now.UnixNano(), value: value})
	}
	return ids, nil
}

// arriveTx brings a message into memory when tx has committed.
func (q *Queue) arriveTx(tx *store.Tx, e *entry) {
	tx.OnCommit(func() {
		q.mu.Lock()
		defer q.mu.Unlock()
		q.arrive(e)
	})
}

// delayTx writes a delayed message.
func (q *Queue) delayTx(tx *store.Tx, l *lane, due time.Time, seq uint64, a attempts, value []byte) {
	tx.Set(delayedKey(q.name, l.name, due, seq), encodeDelayed(a, value))
	tx.Add(depthKey(q.name, countDelayed, l.name), 1)
	tx.OnCommit(func() {
		q.mu.Lock()
		defer q.mu.Unlock()
		l.delayed++
		if due.Before(l.nextDue) {
			l.nextDue = due
			if due.Before(q.nextWake) {
				q.poke()
			}
		}
	})
}

func (q *Queue) check(d queue.Draft, limit int) error {
	if d.Lane != "" && q.lane(d.Lane) == nil {
		return fmt.Errorf("%w: %q; it has %v", queue.ErrUnknownLane, d.Lane, q.laneNames())
	}
	if d.Delay < 0 || d.Delay > queue.MaxDelay {
		return fmt.Errorf("%w: a delay of %v; it is 0 to %v", queue.ErrInvalidMessage, d.Delay, queue.MaxDelay)
	}
	if len(d.Attributes) > queue.MaxAttributes {
		return fmt.Errorf("%w: %d attributes; %d at most", queue.ErrInvalidMessage, len(d.Attributes), queue.MaxAttributes)
	}
	size := len(d.Body)
	for name, a := range d.Attributes {
		if name == "" || a.Type == "" {
			return fmt.Errorf("%w: attribute %q of type %q; both are needed", queue.ErrInvalidMessage, name, a.Type)
		}
		size += len(name) + len(a.Type) + len(a.Value)
	}
	if size > limit {
		return fmt.Errorf("%w: %d bytes with its attributes; the limit is %d", queue.ErrTooLarge, size, limit)
	}
	return nil
}

func (q *Queue) laneNames() []string {
	names := make([]string, len(q.lanes))
	for i, l := range q.lanes {
		names[i] = l.name
	}
	return names
}
