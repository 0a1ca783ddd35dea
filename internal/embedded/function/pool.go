package function

import (
	"container/list"
	"context"
	"fmt"
	"slices"
	"sync"
	"time"
)

// Pauses before the next start of a worker when the last one did not come up: doubled each time, up to a bound.
const (
	firstPause = 100 * time.Millisecond
	lastPause  = 10 * time.Second
)

// returnTime is how long calls wait for a worker that has given its last response, before one is started in its place.
const returnTime = 100 * time.Millisecond

// pool keeps the workers of a Lambda function. Workers are started when calls wait, up to the function's concurrency, used last
// in first out, and stopped when they have been idle for a while.
//
// The pool's lock is taken before a worker's. Calls wait in one queue; whoever changes what they wait for looks at its head.
type pool struct {
	host *Host
	spec *Spec

	mu       sync.Mutex
	idle     []*worker // waiting for an event, the last used last
	live     map[*worker]struct{}
	starting int // of them those that have not asked for an event yet
	waiting  list.List
	pause    time.Duration // the next one; 0 when the last worker came up
	resume   *time.Timer   // set while starts pause
	closed   bool
	owned    sync.WaitGroup // goroutines of workers
}

// ticket is a call in the pool.
type ticket struct {
	*call
	deadline time.Time
	started  chan *worker // receives the worker that took the call
	done     chan result  // receives the result, once
	element  *list.Element
}

// result of a ticket. When lost is set the worker ended without one, and the outcome tells how.
type result struct {
	outcome outcome
	lost    bool
}

func newPool(h *Host, s *Spec) *pool {
	return &pool{host: h, spec: s, live: make(map[*worker]struct{})}
}

func (p *pool) run(ctx context.Context, c *call) (outcome, error) {
	t := &ticket{call: c, started: make(chan *worker, 1), done: make(chan result, 1)}
	if err := p.enqueue(t); err != nil {
		return outcome{}, err
	}
	var w *worker
	select {
	case w = <-t.started:
	case r := <-t.done:
		return r.outcome, nil
	case <-ctx.Done():
		if p.leave(t) {
			return outcome{}, fmt.Errorf("function: waiting for a place: %w", context.Cause(ctx))
		}
		select { // it was taken out of the queue in the meantime: given to a worker, or failed
		case w = <-t.started:
		case r := <-t.done:
			return r.outcome, nil
		}
	}
	timer := time.NewTimer(time.Until(t.deadline))
	defer timer.Stop()
	select {
	case r := <-t.done:
		return r.outcome, nil
	case <-timer.C:
		w.condemn(t)
		if r := <-t.done; !r.lost {
			return r.outcome, nil
		}
		return timedOut(c.id, p.spec.Timeout), nil
	case <-ctx.Done():
		w.condemn(t)
		if r := <-t.done; !r.lost {
			return r.outcome, nil
		}
		return outcome{}, fmt.Errorf("function: %s was given up: %w", p.spec.Name, context.Cause(ctx))
	}
}

// enqueue hands t to an idle worker or puts it into the queue.
func (p *pool) enqueue(t *ticket) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return ErrClosed
	}
	for len(p.idle) > 0 {
		w := p.idle[len(p.idle)-1]
		p.idle = p.idle[:len(p.idle)-1]
		if !w.dead() {
			w.assign(t)
			return nil
		}
	}
	if p.waiting.Len() >= p.host.opts.MaxWaiting+p.starting { // those that a worker is being started for have a place
		return throttled(t.id)
	}
	t.element = p.waiting.PushBack(t)
	p.grow()
	return nil
}

// leave takes t out of the queue; false when it is no longer there.
func (p *pool) leave(t *ticket) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if t.element == nil {
		return false
	}
	p.waiting.Remove(t.element)
	t.element = nil
	return true
}

// next takes the head of the queue; nil when there is none. p.mu is held.
func (p *pool) next() *ticket {
	front := p.waiting.Front()
	if front == nil {
		return nil
	}
	t := p.waiting.Remove(front).(*ticket)
	t.element = nil
	return t
}

// grow starts as many workers as calls wait that none of the present ones will take soon, within the bound. p.mu is held.
func (p *pool) grow() {
	missing := min(p.waiting.Len()-p.starting, p.spec.Concurrency-len(p.live))
	if p.closed || p.resume != nil || missing <= 0 {
		return
	}
	for w := range p.live {
		if w.returning() {
			missing--
		}
	}
	for range missing {
		w := newWorker(p)
		p.live[w] = struct{}{}
		p.starting++
		p.owned.Go(w.run)
	}
}

// ready is called by a worker that asks for an event.
func (p *pool) ready(w *worker) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if _, alive := p.live[w]; !alive {
		return
	}
	if !w.initialised {
		w.initialised = true
		p.starting--
		p.pause = 0
	}
	w.lost = false
	if w.assigned() { // its last connection broke before it could fetch the event
		return
	}
	if t := p.next(); t != nil {
		w.assign(t)
		return
	}
	if slices.Contains(p.idle, w) { // it asked again before it was noticed that it had hung up
		return
	}
	p.idle = append(p.idle, w)
	w.idleSince = time.Now()
	w.timer.Reset(p.host.opts.IdleTimeout)
}

// unready is called when a worker that waited for an event has hung up.
func (p *pool) unready(w *worker) {
	p.mu.Lock()
	defer p.mu.Unlock()
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.polling == nil && p.takeIdle(w) {
		w.expect(p.host.opts.InitTimeout)
	}
}

// takeIdle takes w out of the idle workers; false when it is not among them. p.mu is held.
func (p *pool) takeIdle(w *worker) bool {
	i := slices.Index(p.idle, w)
	if i < 0 {
		return false
	}
	p.idle = slices.Delete(p.idle, i, i+1)
	return true
}

// expired is called when a worker's timer has fired: it was idle for long enough, or did not ask for an event in time.
func (p *pool) expired(w *worker) {
	p.mu.Lock()
	if _, alive := p.live[w]; !alive || p.closed {
		p.mu.Unlock()
		return
	}
	wasIdle := false
	switch {
	case slices.Contains(p.idle, w):
		if time.Since(w.idleSince) < p.host.opts.IdleTimeout {
			p.mu.Unlock() // the timer fired just before it was set again
			return
		}
		wasIdle = p.takeIdle(w)
	case w.assigned():
		p.mu.Unlock() // has got a call in the same moment
		return
	case w.initialised && !w.lost:
		w.lost = true
		w.timer.Reset(w.patience())
		p.grow()
		p.mu.Unlock()
		return
	}
	p.owned.Add(1)
	p.mu.Unlock()
	defer p.owned.Done()
	if wasIdle {
		w.stop()
		return
	}
	w.giveUp()
}

// ended is called when a worker has ended. verdict makes the outcome for a call that it takes along.
func (p *pool) ended(w *worker, verdict func(requestID string) outcome) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.live, w)
	p.takeIdle(w)
	if t := w.abandon(); t != nil {
		t.done <- result{outcome: verdict(t.id), lost: true}
	}
	if !w.initialised {
		p.starting--
		if p.closed {
			return
		}
		p.fail(w, verdict)
		p.backOff()
	}
	p.grow()
}

// fail ends the call that a worker was started for, and all that wait when no other worker is there to serve them. p.mu is held.
func (p *pool) fail(w *worker, verdict func(requestID string) outcome) {
	t := p.next()
	if t == nil {
		p.host.opts.Logger.Warn("a worker did not come up", "function", p.spec.Name, "report", string(verdict("").payload))
		return
	}
	_, _ = t.log.Write(w.tap.takePending())
	for t != nil {
		t.done <- result{outcome: verdict(t.id), lost: true}
		if len(p.live) > 0 {
			return
		}
		t = p.next()
	}
}

// backOff delays the next start. p.mu is held.
func (p *pool) backOff() {
	p.pause = min(max(2*p.pause, firstPause), lastPause)
	if p.resume != nil {
		return
	}
	p.resume = time.AfterFunc(p.pause, func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.resume = nil
		p.grow()
	})
}

func (p *pool) load() (running, waiting, processes int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for w := range p.live {
		if w.assigned() {
			running++
		}
	}
	return running, p.waiting.Len(), len(p.live)
}

// close stops the workers. No call is under way any more.
func (p *pool) close() {
	p.mu.Lock()
	p.closed = true
	if p.resume != nil {
		p.resume.Stop()
	}
	for w := range p.live {
		p.owned.Go(w.stop)
	}
	p.mu.Unlock()
	p.owned.Wait()
}
