package trigger

import (
	"context"
	"errors"
	"strconv"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"sundog/internal/embedded/store"
	"sundog/internal/embedded/topic"
	"sundog/internal/queue"
	domain "sundog/internal/trigger"
)

// A receiver handles the messages of a queue: those of a topic or queue that a trigger watches, and dead letters that are sent again. What the filter
// does not want is deleted. A message that fails stays in its queue for the time of a pause, and holds up no other.
type receiver struct{ *base }

// Bounds of a receiver.
const (
	maxReceived = 100              // messages of one transaction, unless one batch has more
	receiveWait = time.Hour        // of one Receive; another follows
	callTime    = 16 * time.Minute // that a message is hidden while it is called with: longer than any function may take
)

// A letter is a message that was received, and what it is to become.
type letter struct {
	queue.Message
	domain.Event
	replay int
	input  []byte
	wrong  error
}

// run handles messages until ctx ends.
func (r *receiver) run(ctx context.Context) error {
	workers := 1
	if r.called != nil {
		workers = r.Parallelism
	}
	g, ctx := errgroup.WithContext(ctx)
	for range workers {
		g.Go(func() error { return r.work(ctx) })
	}
	return g.Wait()
}

func (r *receiver) work(ctx context.Context) error {
	for failures := 0; ctx.Err() == nil; {
		messages, err := r.receive(ctx)
		if errors.Is(err, queue.ErrClosed) {
			return nil
		}
		if err == nil {
			err = r.handle(ctx, messages)
		}
		if err == nil {
			failures = 0
			continue
		}
		r.giveBack(ctx, messages)
		if failed := r.opts.Store.Failed(); failed != nil {
			return failed
		}
		if ctx.Err() == nil {
			failures++
			r.heldUp(ctx, failures, err)
		}
	}
	return nil
}

// giveBack makes messages visible at once that are still held.
func (r *receiver) giveBack(ctx context.Context, messages []queue.Message) {
	for _, m := range messages {
		_ = r.queue.ChangeVisibility(context.WithoutCancel(ctx), m.Receipt, 0)
	}
}

// receive returns the next messages, or none when something has changed meanwhile.
func (r *receiver) receive(ctx context.Context) ([]queue.Message, error) {
	s, changed := r.look()
	most := min(max(r.BatchSize, 1), queue.MaxBatch)
	req := queue.Request{Max: most, Wait: receiveWait, Visibility: callTime + r.BatchWindow}
	room := plenty
	var freed <-chan struct{}
	if r.joined != nil {
		room, freed = r.joined.room()
		if r.BatchSize <= 1 {
			req.Max = min(maxReceived, max(room, 1))
		}
	}
	if s.Paused || room <= 0 {
		select {
		case <-changed:
		case <-freed:
		case <-ctx.Done():
		}
		return nil, nil
	}
	return r.gather(ctx, changed, req)
}

// gather receives messages, and more of them in the time that a batch has to fill.
func (r *receiver) gather(ctx context.Context, changed <-chan struct{}, req queue.Request) ([]queue.Message, error) {
	limited, cancel := context.WithCancel(ctx)
	var watching sync.WaitGroup
	watching.Go(func() {
		select {
		case <-changed:
			cancel()
		case <-limited.Done():
		}
	})
	defer watching.Wait()
	defer cancel()
	messages, err := r.queue.Receive(limited, req)
	for until := r.opts.Now().Add(r.BatchWindow); err == nil && len(messages) > 0 && len(messages) < r.BatchSize; {
		req.Max, req.Wait = min(r.BatchSize-len(messages), queue.MaxBatch), until.Sub(r.opts.Now())
		if req.Wait <= 0 {
			break
		}
		var more []queue.Message
		if more, err = r.queue.Receive(limited, req); len(more) == 0 {
			break
		}
		messages = append(messages, more...)
	}
	if limited.Err() != nil && ctx.Err() == nil {
		err = nil // only told to look again
	}
	return messages, err
}

// read makes a letter of each message, and deletes with a transaction what nobody wants.
func (r *receiver) read(tx *store.Tx, messages []queue.Message) (letters []*letter, err error) {
	for _, m := range messages {
		l := &letter{Message: m}
		l.Event, l.replay, err = r.eventOf(m)
		if err != nil {
			return nil, err
		}
		var wanted bool
		if l.input, wanted, l.wrong = r.Input(l.Event); wanted {
			l.wrong = r.unfit(l.Event, l.wrong)
			letters = append(letters, l)
			continue
		}
		if err := r.queue.DeleteTx(tx, m.Receipt); err != nil {
			return nil, err
		}
	}
	return letters, nil
}

// handle ends every message: it is handled, put back or a dead letter. With an error those that were not ended are still held.
func (r *receiver) handle(ctx context.Context, messages []queue.Message) (err error) {
	if len(messages) == 0 {
		return nil
	}
	tx := r.opts.Store.Begin()
	letters, err := r.read(tx, messages)
	if err != nil {
		return err
	}
	if letters, err = r.discardTx(tx, letters); err != nil {
		return err
	}
	var settles []func(error)
	defer func() {
		for _, settle := range settles {
			settle(err)
		}
	}()
	if r.joined != nil {
		for batch := range r.batches(letters) {
			settle, err := r.addTx(ctx, tx, batch)
			if err != nil {
				return err
			}
			if settle != nil {
				settles = append(settles, settle)
			}
		}
	}
	if !tx.Empty() {
		if err := tx.Commit(context.WithoutCancel(ctx)); err != nil {
			return err
		}
	}
	if r.called != nil {
		for batch := range r.batches(letters) {
			if err := r.callWith(ctx, batch); err != nil {
				return err
			}
		}
	}
	return nil
}

// discardTx makes dead letters of what cannot be handled, and returns the rest.
func (r *receiver) discardTx(tx *store.Tx, letters []*letter) (good []*letter, err error) {
	for _, l := range letters {
		if l.wrong == nil {
			good = append(good, l)
			continue
		}
		if err := r.refuseTx(tx, l, l.wrong); err != nil {
			return nil, err
		}
	}
	return good, nil
}

// refuseTx makes a message a dead letter, unless it is no longer held.
func (r *receiver) refuseTx(tx *store.Tx, l *letter, reason error) error {
	err := r.queue.DeadLetterTx(tx, l.Receipt, reason.Error())
	if errors.Is(err, queue.ErrStaleReceipt) {
		return nil
	}
	r.buried(l.Event, reason)
	return err
}

// batches goes through letters, as many at a time as make one input.
func (r *receiver) batches(letters []*letter) func(yield func([]*letter) bool) {
	return func(yield func([]*letter) bool) {
		for len(letters) > 0 {
			n, bytes := 0, 0
			for n < len(letters) && r.Fits(n, bytes, len(letters[n].input)) {
				bytes += len(letters[n].input)
				n++
			}
			if !yield(letters[:n]) {
				return
			}
			letters = letters[n:]
		}
	}
}

func (r *receiver) name(batch []*letter) string {
	return domain.ExecutionName(r.Name, batch[0].Event.ID, batch[0].replay)
}

func (r *receiver) input(batch []*letter) []byte {
	inputs := make([][]byte, len(batch))
	for i, l := range batch {
		inputs[i] = l.input
	}
	return r.Join(inputs)
}

// addTx adds what a batch causes, and the end of its messages.
func (r *receiver) addTx(ctx context.Context, tx *store.Tx, batch []*letter) (settle func(error), err error) {
	settle, err = r.joined.addTx(ctx, tx, r.name(batch), r.input(batch))
	if err != nil && !refused(err) {
		return nil, err
	}
	for _, l := range batch {
		var ended error
		if err != nil {
			ended = r.refuseTx(tx, l, err)
		} else {
			ended = r.queue.DeleteTx(tx, l.Receipt)
		}
		if ended != nil {
			if settle != nil {
				settle(ended)
			}
			return nil, ended
		}
	}
	return settle, nil
}

// callWith calls the target with a batch, and ends its messages.
func (r *receiver) callWith(ctx context.Context, batch []*letter) error {
	attempt := batch[0].ReceiveCount
	err := r.called.call(ctx, r.name(batch), attempt, r.input(batch))
	if err == nil {
		receipts := make([]string, len(batch))
		for i, l := range batch {
			receipts[i] = l.Receipt
		}
		return r.queue.Delete(context.WithoutCancel(ctx), receipts...) // it was handled, even if this ends now
	}
	if ctx.Err() != nil {
		return err // no fault of the target
	}
	r.logger.Warn("a call failed", "event", batch[0].Event.ID, "attempt", attempt, "of", r.Retries+1, "error", err)
	if half := len(batch) / 2; r.Bisect && half > 0 {
		return errors.Join(r.callWith(ctx, batch[:half]), r.callWith(ctx, batch[half:]))
	}
	for _, l := range batch {
		var ended error
		if l.ReceiveCount > r.Retries {
			r.buried(l.Event, err)
			ended = r.queue.DeadLetter(ctx, l.Receipt, err.Error())
		} else {
			ended = r.queue.Retry(ctx, l.Receipt, pauseAfter(l.ReceiveCount), err.Error())
		}
		if ended != nil && !errors.Is(ended, queue.ErrStaleReceipt) { // stale: somebody has purged the queue
			return ended
		}
	}
	return nil
}

// eventOf is the event that a message stands for, and the replay in which it was a dead letter.
func (r *receiver) eventOf(m queue.Message) (e domain.Event, replay int, err error) {
	if r.Source.Kind == domain.Queue {
		e, err = domain.QueueEvent(r.opts.Region, r.opts.Account, r.queue.Name(), m)
		return e, 0, err
	}
	if published, ok := topic.Received(m); ok {
		e, err = domain.TopicEvent(published)
		return e, 0, err
	}
	e = domain.Event{ID: m.Attributes[attributeID].Value, Key: m.Attributes[attributeKey].Value, At: m.SentAt, Body: m.Body}
	if at, err := time.Parse(time.RFC3339Nano, m.Attributes[attributeTime].Value); err == nil {
		e.At = at
	}
	replay, _ = strconv.Atoi(m.Attributes[attributeReplay].Value) // a message that somebody else has sent has none
	if e.ID == "" {
		e.ID = m.ID
	}
	return e, replay, nil
}
