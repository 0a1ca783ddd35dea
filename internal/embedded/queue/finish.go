package queue

import (
	"context"
	"errors"
	"fmt"
	"time"

	"sundog/internal/embedded/store"
	"sundog/internal/queue"
)

// Delete deletes messages that were received, and returns when that is on disk. A receipt whose visibility timeout has passed
// still deletes its message, unless that was put back with a delay in the meantime; one of a message that is gone does nothing. The
// only errors are queue.ErrInvalidReceipt and the store's.
func (q *Queue) Delete(ctx context.Context, receipts ...string) error {
	tx := q.store.Begin()
	if err := q.DeleteTx(tx, receipts...); err != nil {
		return err
	}
	if tx.Empty() {
		return nil
	}
	if err := tx.Commit(ctx); err != nil {
		return q.fail("deleting from", err)
	}
	return nil
}

// DeleteTx deletes messages with somebody's transaction. With an error nothing was added to it. A message whose transaction
// is given up is handed out again after its visibility timeout.
func (q *Queue) DeleteTx(tx *store.Tx, receipts ...string) error {
	parsed := make([]receipt, len(receipts))
	for i, text := range receipts {
		r, err := q.parse(text)
		if err != nil {
			return q.fail("deleting from", err)
		}
		parsed[i] = r
	}
	for _, r := range parsed {
		if err := q.deleteTx(tx, r); err != nil {
			return q.fail("deleting from", err)
		}
	}
	return nil
}

func (q *Queue) deleteTx(tx *store.Tx, r receipt) error {
	l := q.lane(r.lane)
	known, counted := q.claim(r.seq)
	if !known {
		found, err := q.store.Has(messageKey(q.name, l.name, r.seq))
		if err != nil || !found {
			return err
		}
	}
	q.removeTx(tx, l, removal{seq: r.seq, counted: counted || !known, unseen: !known})
	return nil
}

// claim reports whether a message is in memory, and whether the transaction that is going to take it out of its lane has to
// take it off the counter: no other does.
func (q *Queue) claim(seq uint64) (known, counted bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	e := q.entries[seq]
	if e == nil || e.deleting {
		return e != nil, false
	}
	e.deleting = true
	return true, true
}

// removeTx takes a message out of its lane.
func (q *Queue) removeTx(tx *store.Tx, l *lane, r removal) {
	tx.Delete(messageKey(q.name, l.name, r.seq))
	tx.Delete(attemptsKey(q.name, l.name, r.seq))
	if r.counted {
		tx.Add(depthKey(q.name, countMessages, l.name), -1)
	}
	tx.OnCommit(func() {
		q.mu.Lock()
		defer q.mu.Unlock()
		q.gone(l, r)
	})
}

// moveTx takes a message that is in memory out of its lane and returns what was stored of it.
func (q *Queue) moveTx(tx *store.Tx, l *lane, seq uint64) ([]byte, error) {
	value, err := q.store.Get(messageKey(q.name, l.name, seq))
	if errors.Is(err, store.ErrNotFound) {
		return nil, fmt.Errorf("%w: it was deleted", queue.ErrStaleReceipt)
	}
	if err != nil {
		return nil, err
	}
	_, counted := q.claim(seq)
	q.removeTx(tx, l, removal{seq: seq, counted: counted})
	return value, nil
}

// ChangeVisibility makes a message visible again after d from now, at once when d is not positive. Whoever does not hold it any more
// gets queue.ErrStaleReceipt.
func (q *Queue) ChangeVisibility(_ context.Context, text string, d time.Duration) error {
	r, err := q.parse(text)
	if err != nil {
		return q.fail("changing visibility in", err)
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	e, err := q.held(r)
	if err != nil {
		return q.fail("changing visibility in", err)
	}
	q.detach(e)
	if d <= 0 {
		q.present(e)
	} else {
		q.hide(e, q.now().Add(d))
	}
	return nil
}

// Retry puts a message back: it is visible again after a delay, which outlives a restart. The reason says why, and is found in the
// dead letter if the message becomes one; it does so at once when it was received as often as the queue allows. Whoever does
// not hold the message any more gets queue.ErrStaleReceipt.
func (q *Queue) Retry(ctx context.Context, text string, after time.Duration, reason string) error {
	r, err := q.parse(text)
	if err != nil {
		return q.fail("putting a message back into", err)
	}
	if err := q.retry(ctx, r, min(after, queue.MaxDelay), cutReason(reason)); err != nil {
		return q.fail("putting a message back into", err)
	}
	return nil
}

func (q *Queue) retry(ctx context.Context, r receipt, after time.Duration, reason string) error {
	q.mu.Lock()
	e, err := q.held(r)
	if err != nil {
		q.mu.Unlock()
		return err
	}
	e.reason = reason
	a := e.attempts
	spent := q.cfg.MaxReceives > 0 && e.count >= q.cfg.MaxReceives
	if after <= 0 && !spent {
		q.detach(e)
		q.present(e)
		q.mu.Unlock()
		tx := q.store.Begin()
		tx.Set(attemptsKey(q.name, r.lane, r.seq), a.append(nil))
		return tx.CommitLazily(ctx)
	}
	q.mu.Unlock()

	tx := q.store.Begin()
	if spent {
		err = q.buryTx(tx, q.lane(r.lane), r.seq, a.count, exhausted(a))
	} else {
		err = q.postponeTx(tx, q.lane(r.lane), r.seq, after, a)
	}
	if err != nil {
		return err
	}
	return tx.Commit(ctx)
}

// postponeTx moves a message from its lane to the delayed ones.
func (q *Queue) postponeTx(tx *store.Tx, l *lane, seq uint64, after time.Duration, a attempts) error {
	value, err := q.moveTx(tx, l, seq)
	if err != nil {
		return err
	}
	q.delayTx(tx, l, q.now().Add(after), seq, a, value)
	return nil
}

// DeadLetter makes a message that was received a dead letter, for good and with a reason. Whoever does not hold the message any
// more gets queue.ErrStaleReceipt.
func (q *Queue) DeadLetter(ctx context.Context, receipt, reason string) error {
	tx := q.store.Begin()
	if err := q.DeadLetterTx(tx, receipt, reason); err != nil {
		return err
	}
	if err := tx.Commit(ctx); err != nil {
		return q.fail("burying a message of", err)
	}
	return nil
}

// DeadLetterTx makes a message a dead letter with somebody's transaction. With an error nothing was added to it.
func (q *Queue) DeadLetterTx(tx *store.Tx, text, reason string) error {
	r, err := q.parse(text)
	if err != nil {
		return q.fail("burying a message of", err)
	}
	q.mu.Lock()
	e, err := q.held(r)
	count := 0
	if err == nil {
		count = e.count
	}
	q.mu.Unlock()
	if err == nil {
		err = q.buryTx(tx, q.lane(r.lane), r.seq, count, cutReason(reason))
	}
	if err != nil {
		return q.fail("burying a message of", err)
	}
	return nil
}

// buryTx moves a message from its lane to the dead letters.
func (q *Queue) buryTx(tx *store.Tx, l *lane, seq uint64, count int, reason string) error {
	value, err := q.moveTx(tx, l, seq)
	if err != nil {
		return err
	}
	tx.Set(deadKey(q.name, seq), encodeDead(obituary{lane: l.name, count: count, diedAt: q.now(), reason: reason}, value))
	q.countDeadTx(tx, 1)
	return nil
}

// BuryTx adds a dead letter with somebody's transaction: a message of a lane that was handed out count times in some other way, and could not be
// handled. With an error nothing was added. Sent again, it is an ordinary message.
func (q *Queue) BuryTx(tx *store.Tx, d queue.Draft, count int, reason string) error {
	if err := q.check(d, q.Config().MaxBytes); err != nil {
		return q.fail("burying a message of", err)
	}
	lane := q.lanes[0].name
	if d.Lane != "" {
		lane = d.Lane
	}
	now := q.now()
	tx.Set(deadKey(q.name, q.seqs.next()), encodeDead(obituary{lane: lane, count: count, diedAt: now, reason: cutReason(reason)}, encodeMessage(d, now)))
	q.countDeadTx(tx, 1)
	return nil
}

func (q *Queue) countDeadTx(tx *store.Tx, delta int64) {
	tx.Add(depthKey(q.name, countDead, ""), delta)
	tx.OnCommit(func() {
		q.mu.Lock()
		defer q.mu.Unlock()
		q.dead += delta
	})
}

// held returns the message that a receipt holds.
func (q *Queue) held(r receipt) (*entry, error) {
	e := q.entries[r.seq]
	if e == nil || e.state != inFlight || e.serial != r.serial {
		return nil, queue.ErrStaleReceipt
	}
	return e, nil
}

func (q *Queue) parse(text string) (receipt, error) {
	r, ok := parseReceipt(text)
	if !ok || q.lane(r.lane) == nil {
		return r, fmt.Errorf("%w: %.80q", queue.ErrInvalidReceipt, text)
	}
	return r, nil
}

// exhausted is the reason of a message that was received too often.
func exhausted(a attempts) string {
	text := fmt.Sprintf("received %d times and never finished", a.count)
	if a.reason != "" {
		text += "; the last failure: " + a.reason
	}
	return cutReason(text)
}
