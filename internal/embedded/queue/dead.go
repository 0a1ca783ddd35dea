package queue

import (
	"context"
	"errors"
	"fmt"

	"sundog/internal/embedded/store"
	"sundog/internal/queue"
)

// DeadLetters returns up to limit dead letters (queue.MaxPage when limit is not positive or larger) that come after the one with the
// id after, in the order in which they were sent. The id of the last is where the next page begins.
func (q *Queue) DeadLetters(_ context.Context, after string, limit int) ([]queue.DeadLetter, error) {
	if limit <= 0 || limit > queue.MaxPage {
		limit = queue.MaxPage
	}
	r := store.NewKey(store.PrefixDeadLetter).String(q.name).Range()
	if after != "" {
		seq, ok := parseID(after)
		if !ok {
			return nil, q.fail("listing dead letters of", fmt.Errorf("%w: %.80q is no id", queue.ErrNoDeadLetter, after))
		}
		r.Low = deadKey(q.name, seq+1)
	}
	var page []queue.DeadLetter
	for row, err := range q.store.Scan(r) {
		if err != nil {
			return nil, q.fail("listing dead letters of", err)
		}
		d, err := deadLetter(lastUint(row.Key), append([]byte(nil), row.Value...))
		if err != nil {
			return nil, q.fail("listing dead letters of", err)
		}
		if page = append(page, d); len(page) == limit {
			break
		}
	}
	return page, nil
}

// deadLetter decodes a dead letter. One whose message cannot be read, and which died of that, has the bytes as its body.
func deadLetter(seq uint64, value []byte) (d queue.DeadLetter, err error) {
	o, message, err := decodeDead(value)
	if err != nil {
		return d, err
	}
	if d.Message, err = decodeMessage(message); err != nil {
		d.Message = queue.Message{Body: message}
	}
	d.ID, d.Lane, d.ReceiveCount, d.DiedAt, d.Reason = formatID(seq), o.lane, o.count, o.diedAt, o.reason
	return d, nil
}

// FindDeadLetter returns one dead letter, or queue.ErrNoDeadLetter.
func (q *Queue) FindDeadLetter(_ context.Context, id string) (queue.DeadLetter, error) {
	_, value, err := q.readDead(id)
	if err != nil {
		return queue.DeadLetter{}, q.fail("reading a dead letter of", err)
	}
	seq, _ := parseID(id)
	d, err := deadLetter(seq, value)
	if err != nil {
		return d, q.fail("reading a dead letter of", err)
	}
	return d, nil
}

func (q *Queue) readDead(id string) (key store.Key, value []byte, err error) {
	seq, ok := parseID(id)
	if !ok {
		return nil, nil, fmt.Errorf("%w: %.80q", queue.ErrNoDeadLetter, id)
	}
	key = deadKey(q.name, seq)
	value, err = q.store.Get(key)
	if errors.Is(err, store.ErrNotFound) {
		err = fmt.Errorf("%w: %s", queue.ErrNoDeadLetter, id)
	}
	return key, value, err
}

// SendAgain sends a dead letter again, as a new message at the end of its lane, and returns the id of that. ErrNoDeadLetter when
// there is none.
func (q *Queue) SendAgain(ctx context.Context, id string) (string, error) {
	return q.SendAgainWith(ctx, id, nil)
}

// With adds to a transaction in which something becomes of dead letters, of so many, such as an entry in a log. It must not commit it; an error
// gives the change up. It may be nil.
type With func(tx *store.Tx, letters int) error

func (w With) add(tx *store.Tx, letters int) error {
	if w == nil {
		return nil
	}
	return w(tx, letters)
}

// SendAgainWith is SendAgain with something else in its transaction.
func (q *Queue) SendAgainWith(ctx context.Context, id string, with With) (string, error) {
	q.admin.Lock()
	defer q.admin.Unlock()
	key, value, err := q.readDead(id)
	if err != nil {
		return "", q.fail("sending again in", err)
	}
	tx := q.store.Begin()
	seq, err := q.sendAgainTx(tx, key, value)
	if err == nil {
		err = with.add(tx, 1)
	}
	if err == nil {
		err = tx.Commit(ctx)
	}
	if err != nil {
		return "", q.fail("sending again in", err)
	}
	return formatID(seq), nil
}

func (q *Queue) sendAgainTx(tx *store.Tx, key, value []byte) (uint64, error) {
	o, message, err := decodeDead(value)
	if err != nil {
		return 0, err
	}
	l := q.lane(o.lane)
	if l == nil {
		l = q.lanes[len(q.lanes)-1]
	}
	message = sentAgain(message, q.now())
	seq := q.seqs.next()
	tx.Delete(key)
	q.countDeadTx(tx, -1)
	tx.Set(messageKey(q.name, l.name, seq), message)
	tx.Add(depthKey(q.name, countMessages, l.name), 1)
	q.arriveTx(tx, &entry{lane: l, seq: seq, sentAt: sentAt(message), value: message})
	return seq, nil
}

// SendAllAgain sends all dead letters again that there are at the time of the call, in transactions of bounded size. After each it calls
// progress, when that is not nil, with the number sent so far. With an error, what was sent so far stays sent.
func (q *Queue) SendAllAgain(ctx context.Context, progress func(sent int64)) (int64, error) {
	return q.SendAllAgainWith(ctx, progress, nil)
}

// SendAllAgainWith is SendAllAgain with something else in each of its transactions.
func (q *Queue) SendAllAgainWith(ctx context.Context, progress func(sent int64), with With) (int64, error) {
	return q.eachDead(ctx, "sending again in", progress, with, func(tx *store.Tx, key, value []byte) error {
		_, err := q.sendAgainTx(tx, key, value)
		return err
	})
}

// DeleteDeadLetter deletes a dead letter. ErrNoDeadLetter when there is none.
func (q *Queue) DeleteDeadLetter(ctx context.Context, id string) error {
	return q.DeleteDeadLetterWith(ctx, id, nil)
}

// DeleteDeadLetterWith is DeleteDeadLetter with something else in its transaction.
func (q *Queue) DeleteDeadLetterWith(ctx context.Context, id string, with With) error {
	q.admin.Lock()
	defer q.admin.Unlock()
	key, _, err := q.readDead(id)
	if err != nil {
		return q.fail("deleting a dead letter of", err)
	}
	tx := q.store.Begin()
	tx.Delete(key)
	q.countDeadTx(tx, -1)
	if err = with.add(tx, 1); err == nil {
		err = tx.Commit(ctx)
	}
	if err != nil {
		return q.fail("deleting a dead letter of", err)
	}
	return nil
}

// PurgeDeadLetters deletes all dead letters that there are at the time of the call and returns how many. With an error, what was
// deleted so far stays deleted.
func (q *Queue) PurgeDeadLetters(ctx context.Context) (int64, error) {
	return q.PurgeDeadLettersWith(ctx, nil)
}

// PurgeDeadLettersWith is PurgeDeadLetters with something else in each of its transactions, which are of bounded size.
func (q *Queue) PurgeDeadLettersWith(ctx context.Context, with With) (int64, error) {
	return q.eachDead(ctx, "deleting dead letters of", nil, with, func(tx *store.Tx, key, _ []byte) error {
		tx.Delete(key)
		q.countDeadTx(tx, -1)
		return nil
	})
}

// eachDead does something with every dead letter there is, in transactions of moveBatch.
func (q *Queue) eachDead(ctx context.Context, doing string, progress func(int64), with With, do func(tx *store.Tx, key, value []byte) error) (int64, error) {
	q.admin.Lock()
	defer q.admin.Unlock()
	r := store.NewKey(store.PrefixDeadLetter).String(q.name).Range()
	r.High = deadKey(q.name, q.seqs.last.Load()+1) // what dies from now on stays, or a poisonous message would go round for ever
	for total := int64(0); ; {
		tx := q.store.Begin()
		n := 0
		for row, err := range q.store.Scan(r) {
			if err == nil {
				err = do(tx, row.Key, append([]byte(nil), row.Value...))
			}
			if err != nil {
				return total, q.fail(doing, err)
			}
			if n++; n == moveBatch {
				r.Low = append(append([]byte(nil), row.Key...), 0)
				break
			}
		}
		if n == 0 {
			return total, nil
		}
		err := with.add(tx, n)
		if err == nil {
			err = tx.Commit(ctx)
		}
		if err != nil {
			return total, q.fail(doing, err)
		}
		total += int64(n)
		if progress != nil {
			progress(total)
		}
		if n < moveBatch {
			return total, nil
		}
	}
}
