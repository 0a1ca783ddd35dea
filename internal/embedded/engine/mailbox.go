package engine

import (
	"context"
	"time"

	"sundog/asl"
	"sundog/internal/embedded/store"
)

// A delivery is an event for an execution, or a look at it; and who wants to know when its outcome is on disk.
type delivery struct {
	event asl.Event
	look  func(*instance)                  // instead of an event
	check func(*instance) error            // whether the event may have its effect; nil: it may
	with  func(*store.Tx, *instance) error // adds to the transaction in which the event has its effect; may be nil
	done  func(error)                      // may be nil; called once
	err   error                            // of check
	// redrive is what an execution that has ended is asked, instead of an event. It has a step of its own.
	redrive func(*instance) error
}

// maxStep bounds the events that are worked through in one transaction.
const maxStep = 256

// post delivers events to an execution and, when nobody else does so, works through its mailbox. It returns when the events are
// delivered, or worked through if it fell to this caller. Events that are delivered together are taken in their order.
func (e *Engine) post(id uint64, d ...delivery) {
	in := e.cache.acquire(id)
	defer e.cache.release(in)
	in.mu.Lock()
	in.mailbox = append(in.mailbox, d...)
	if in.busy {
		in.mu.Unlock()
		return
	}
	in.busy = true
	in.mu.Unlock()
	e.work(in)
}

// call delivers an event and waits until its outcome is on disk.
func (e *Engine) call(ctx context.Context, id uint64, event asl.Event) error {
	return e.send(ctx, id, delivery{event: event})
}

// send delivers what call does with an event of its own.
func (e *Engine) send(ctx context.Context, id uint64, d delivery) error {
	done := make(chan error, 1)
	d.done = func(err error) { done <- err }
	e.post(id, d)
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// work empties the mailbox of an instance that the caller made busy.
func (e *Engine) work(in *instance) {
	for {
		in.mu.Lock()
		n := stepOf(in.mailbox)
		if n == 0 {
			in.mailbox, in.busy = nil, false
			in.mu.Unlock()
			return
		}
		batch := in.mailbox[:n]
		in.mailbox = in.mailbox[n:]
		in.mu.Unlock()
		e.step(in, batch)
	}
}

// stepOf is how many deliveries one step takes.
func stepOf(mailbox []delivery) int {
	n := min(len(mailbox), maxStep)
	for i := range mailbox[:n] {
		if mailbox[i].redrive != nil {
			return max(i, 1)
		}
	}
	return n
}

// retryDelay is how long an event waits that could not be written.
const retryDelay = 100 * time.Millisecond

// retry delivers an event again that could not be written, unless the disk is gone for good.
func (e *Engine) retry(id uint64, d delivery) {
	if e.store.Failed() != nil || e.ctx.Err() != nil {
		return // the next process takes it up: the task or timer is still in the store
	}
	e.wg.Go(func() {
		select {
		case <-time.After(retryDelay):
			e.post(id, d)
		case <-e.ctx.Done():
		}
	})
}
