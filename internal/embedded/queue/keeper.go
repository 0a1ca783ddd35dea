package queue

import (
	"context"
	"errors"
	"slices"
	"time"

	"sundog/internal/embedded/store"
	"sundog/internal/queue"
)

// retryHousekeeping is how long the keeper rests after the store refused it.
const retryHousekeeping = time.Second

// poke makes the keeper look around.
func (q *Queue) poke() {
	select {
	case q.pokes <- struct{}{}:
	default:
	}
}

// keep does what has its time, until ctx ends or the store does.
func (q *Queue) keep(ctx context.Context) {
	defer close(q.ended)
	for {
		err := q.tend(ctx)
		if ctx.Err() != nil || errors.Is(err, store.ErrClosed) || errors.Is(err, store.ErrFailed) {
			return
		}
		q.mu.Lock()
		q.nextWake = q.due()
		wait := q.nextWake.Sub(q.now())
		q.mu.Unlock()
		if err != nil {
			q.set.opts.Logger.Error("queue housekeeping failed; it will be tried again", "queue", q.name, "error", err)
			wait = retryHousekeeping
		}
		timer := time.NewTimer(wait)
		if err != nil {
			select { // a poke does not shorten the rest
			case <-timer.C:
			case <-ctx.Done():
			}
		} else {
			select {
			case <-timer.C:
			case <-q.pokes:
			case <-ctx.Done():
			}
		}
		timer.Stop()
	}
}

// due returns when the keeper has to look around without being poked.
func (q *Queue) due() time.Time {
	next := never
	if q.flying.Len() > 0 {
		next = q.flying.items[0].deadline
	}
	for _, l := range q.lanes {
		if l.ready.Len() < readyWindow/2 && l.nextDue.Before(next) {
			next = l.nextDue
		}
	}
	return next
}

// tend does everything that is due now.
func (q *Queue) tend(ctx context.Context) error {
	q.expire()
	err := q.bury(ctx)
	for _, l := range q.lanes {
		err = errors.Join(err, q.promote(ctx, l), q.fill(ctx, l), q.correct(ctx, l))
	}
	return err
}

// expire ends visibility timeouts.
func (q *Queue) expire() {
	q.mu.Lock()
	defer q.mu.Unlock()
	now := q.now()
	for q.flying.Len() > 0 && !q.flying.items[0].deadline.After(now) {
		e := q.flying.items[0]
		q.detach(e)
		q.present(e)
	}
}

// bury makes dead letters of what was condemned.
func (q *Queue) bury(ctx context.Context) error {
	for {
		q.mu.Lock()
		batch := slices.Clone(q.condemned[:min(len(q.condemned), moveBatch)])
		reasons := make([]string, len(batch))
		for i, e := range batch {
			e.deleting = false // the last who wanted to delete it did not
			reasons[i] = e.reason
		}
		q.mu.Unlock()
		if len(batch) == 0 {
			return nil
		}
		tx := q.store.Begin()
		for i, e := range batch {
			err := q.buryTx(tx, e.lane, e.seq, e.count, reasons[i])
			if errors.Is(err, queue.ErrStaleReceipt) {
				tx.OnCommit(func() { q.vanish(taken{entry: e}) })
			} else if err != nil {
				return q.fail("burying messages of", err)
			}
		}
		if err := tx.Commit(ctx); err != nil {
			return q.fail("burying messages of", err)
		}
	}
}

// promote moves delayed messages that are due to their lane, as many as its window has room for.
func (q *Queue) promote(ctx context.Context, l *lane) error {
	for {
		q.mu.Lock()
		now, from := q.now(), l.nextDue
		room := readyWindow - l.ready.Len()
		if from.After(now) || room < readyWindow/2 {
			q.mu.Unlock()
			return nil
		}
		l.nextDue = never // or what is added from now on
		q.mu.Unlock()
		next, err := q.promoteBatch(ctx, l, from, now, min(room, moveBatch))
		q.mu.Lock()
		if next.Before(l.nextDue) {
			l.nextDue = next
		}
		q.mu.Unlock()
		if err != nil {
			return q.fail("moving due messages of", err)
		}
	}
}

// promoteBatch moves up to n messages due between from and now and returns when the next is due. With an error that is from.
func (q *Queue) promoteBatch(ctx context.Context, l *lane, from, now time.Time, n int) (next time.Time, err error) {
	all := store.NewKey(store.PrefixDelayed).String(q.name).String(l.name)
	tx := q.store.Begin()
	next = never
	for row, err := range q.store.Scan(store.Range{Low: append(slices.Clone(all), store.Key{}.Time(from)...), High: all.End()}) {
		if err != nil {
			return from, err
		}
		f := store.Split(row.Key)
		_, _ = f.String(), f.String() // queue and lane
		due, seq := f.Time(), f.Uint()
		if due.After(now) || n == 0 {
			next = due
			break
		}
		n--
		a, value, err := decodeDelayed(slices.Clone(row.Value))
		if err != nil {
			return from, err
		}
		tx.Delete(row.Key)
		tx.Add(depthKey(q.name, countDelayed, l.name), -1)
		tx.Set(messageKey(q.name, l.name, seq), value)
		tx.Add(depthKey(q.name, countMessages, l.name), 1)
		if a.count > 0 {
			tx.Set(attemptsKey(q.name, l.name, seq), a.append(nil))
		}
		e := &entry{lane: l, seq: seq, sentAt: sentAt(value), value: value, attempts: a}
		tx.OnCommit(func() {
			q.mu.Lock()
			defer q.mu.Unlock()
			l.delayed--
			q.arrive(e)
		})
	}
	if tx.Empty() {
		return next, nil
	}
	if err := tx.Commit(ctx); err != nil {
		return from, err
	}
	return next, nil
}

// fill reads the next part of a lane into its window. See the package comment for why it commits an empty transaction.
func (q *Queue) fill(ctx context.Context, l *lane) error {
	for {
		q.mu.Lock()
		if l.filling || l.cursor > l.high || l.ready.Len() >= readyWindow/2 {
			q.mu.Unlock()
			return nil
		}
		l.filling, l.bound = true, l.high+1
		cursor, room, generation := l.cursor, readyWindow-l.ready.Len(), q.generation
		q.mu.Unlock()

		found, next, err := q.readLane(l, cursor, l.bound, room)
		if err == nil {
			tx := q.store.Begin()
			tx.OnCommit(func() { q.filled(l, found, next, generation) })
			err = tx.Commit(ctx)
		}
		if err != nil {
			q.mu.Lock()
			if l.filling { // whatever is late is on disk and will be read
				l.filling, l.late = false, nil
			}
			q.mu.Unlock()
			return q.fail("reading messages of", err)
		}
	}
}

// readLane reads up to n messages between cursor and bound, and says where the next reading goes on.
func (q *Queue) readLane(l *lane, cursor, bound uint64, n int) (found []*entry, next uint64, err error) {
	r := store.Range{Low: messageKey(q.name, l.name, cursor), High: messageKey(q.name, l.name, bound)}
	size := 0
	for row, err := range q.store.Scan(r) {
		if err != nil {
			return nil, 0, err
		}
		if len(found) == n || size >= cachedBytes {
			return found, found[len(found)-1].seq + 1, nil
		}
		e := &entry{lane: l, seq: lastUint(row.Key), value: slices.Clone(row.Value), sentAt: sentAt(row.Value)}
		size += len(e.value)
		if e.seq <= q.seqs.first { // an earlier process may have handed it out
			if e.attempts, err = q.readAttempts(l, e.seq); err != nil {
				return nil, 0, err
			}
		}
		found = append(found, e)
	}
	return found, bound, nil
}

func (q *Queue) readAttempts(l *lane, seq uint64) (attempts, error) {
	value, err := q.store.Get(attemptsKey(q.name, l.name, seq))
	if errors.Is(err, store.ErrNotFound) {
		return attempts{}, nil
	}
	if err != nil {
		return attempts{}, err
	}
	r := store.Decode(value)
	a := readAttempts(r)
	return a, r.Err()
}

// filled takes over what was read up to next. It runs after the callbacks of everything that was seen.
func (q *Queue) filled(l *lane, found []*entry, next, generation uint64) {
	q.mu.Lock()
	defer q.mu.Unlock()
	late := l.late
	l.filling, l.late = false, nil
	if generation != q.generation { // something of it was deleted: read again
		q.poke()
		return
	}
	l.cursor = next
	for _, e := range found {
		q.admit(e)
	}
	for _, e := range late {
		if e.seq < next {
			q.admit(e)
		}
	}
	if l.read() {
		q.audit(l)
	}
}

// audit compares the counter of a lane with what there is, once everything is in memory: a correction can be lost in a crash.
func (q *Queue) audit(l *lane) {
	l.correction += l.inMemory - l.messages
	l.messages = l.inMemory
	if l.correction != 0 {
		q.poke()
	}
}

// correct writes down what the stored counter is off by.
func (q *Queue) correct(ctx context.Context, l *lane) error {
	q.mu.Lock()
	delta := l.correction
	l.correction = 0
	q.mu.Unlock()
	if delta == 0 {
		return nil
	}
	tx := q.store.Begin()
	tx.Add(depthKey(q.name, countMessages, l.name), delta)
	return tx.CommitLazily(ctx)
}

// sentAt reads when a stored message was sent, 0 when it cannot be read.
func sentAt(value []byte) int64 {
	r := store.Decode(value)
	r.Byte()
	return int64(r.Uvarint())
}
