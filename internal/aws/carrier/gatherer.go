package carrier

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"sundog/internal/aws/bulk"
	"sundog/internal/convoy"
)

// gatherer joins messages of many callers into requests of one destination. A request carries perCall messages, or those of one caller when they
// are more. Another one is made beside it when as many are waiting as fill it.
type gatherer[T any] struct {
	check func(drafts ...T) error
	send  func(ctx context.Context, drafts ...T) (ids []string, err error)

	mu      sync.Mutex
	waiting []*parcel[T]
	drafts  int // of those that wait
	senders int
	changed chan struct{} // closed and replaced when somebody comes
}

// parcel are the messages of one caller.
type parcel[T any] struct {
	drafts []T
	rest   *convoy.Rest    // of the caller
	still  <-chan struct{} // closed when nobody of the caller's batch can come any more
	done   chan struct{}   // closed when err is known
	err    error
}

// add takes the messages of a caller, and returns what waits until they have been sent. When ctx ends first they may be sent all the same.
func (g *gatherer[T]) add(ctx context.Context, calls *sync.WaitGroup, rest *convoy.Rest, drafts []T) (wait func() error) {
	rest.Expect()
	p := &parcel[T]{drafts: drafts, rest: rest, still: rest.Still(), done: make(chan struct{})}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.waiting = append(g.waiting, p)
	g.drafts += len(drafts)
	if g.changed != nil {
		close(g.changed)
	}
	g.changed = make(chan struct{})
	if g.senders == 0 || g.drafts >= perCall && g.senders < parallel {
		g.senders++
		calls.Go(func() { g.run(context.WithoutCancel(ctx)) })
	}
	return func() error {
		select {
		case <-p.done:
			return p.err
		case <-ctx.Done():
			g.forget(p)
			return context.Cause(ctx)
		}
	}
}

// forget drops what still waits for its turn.
func (g *gatherer[T]) forget(p *parcel[T]) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if i := slices.Index(g.waiting, p); i >= 0 {
		g.waiting = slices.Delete(g.waiting, i, i+1)
		g.drafts -= len(p.drafts)
	}
}

// run makes requests until nobody waits.
func (g *gatherer[T]) run(ctx context.Context) {
	for {
		g.await()
		parcels := g.take()
		if len(parcels) == 0 {
			return
		}
		g.deliver(ctx, parcels)
	}
}

// await waits for a request to be filled, or for everybody of the batch whose messages are the first.
func (g *gatherer[T]) await() {
	patient := time.NewTimer(patience)
	defer patient.Stop()
	for {
		g.mu.Lock()
		if len(g.waiting) == 0 || g.drafts >= perCall {
			g.mu.Unlock()
			return
		}
		still, changed := g.waiting[0].still, g.changed
		g.mu.Unlock()
		select {
		case <-still:
			return
		case <-changed:
		case <-patient.C:
			return
		}
	}
}

// take takes what goes into one request. When there is nothing, the sender has ended.
func (g *gatherer[T]) take() []*parcel[T] {
	g.mu.Lock()
	defer g.mu.Unlock()
	n, drafts := 0, 0
	for n < len(g.waiting) && (n == 0 || drafts+len(g.waiting[n].drafts) <= perCall) {
		drafts += len(g.waiting[n].drafts)
		n++
	}
	if n == 0 {
		g.senders--
		return nil
	}
	parcels := slices.Clone(g.waiting[:n])
	g.waiting = slices.Delete(g.waiting, 0, n)
	g.drafts -= drafts
	return parcels
}

// deliver makes a request and tells each caller what became of its messages. When one of them cannot be sent, and so none was, those of each
// caller are sent by themselves.
func (g *gatherer[T]) deliver(ctx context.Context, parcels []*parcel[T]) {
	var drafts []T
	for _, p := range parcels {
		drafts = append(drafts, p.drafts...)
	}
	err := g.request(ctx, drafts)
	unsent, named := errors.AsType[*bulk.UnsentError](err)
	first := 0
	for _, p := range parcels {
		end := first + len(p.drafts)
		switch {
		case err == nil:
		case named:
			if slices.ContainsFunc(unsent.Entries, func(i int) bool { return i >= first && i < end }) {
				p.err = err
			}
		case len(parcels) == 1:
			p.err = err
		default:
			p.err = g.request(ctx, p.drafts)
		}
		first = end
	}
	for _, p := range parcels { // all of them move before the first wakes up
		p.rest.Answer()
	}
	for _, p := range parcels {
		close(p.done)
	}
}

func (g *gatherer[T]) request(ctx context.Context, drafts []T) error {
	ctx, cancel := context.WithTimeoutCause(ctx, callTime, fmt.Errorf("no answer within %v", callTime))
	defer cancel()
	_, err := g.send(ctx, drafts...)
	return err
}
