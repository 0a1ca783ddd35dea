package trigger

import (
	"context"
	"sync"
	"time"

	"sundog/internal/embedded/store"
	domain "sundog/internal/trigger"
)

// calls are the calls of a follower's target that are under way. A key has one at a time, so that its events are handled in order. The events of a
// call that failed are written to disk, each with those of its key, and so are all that come for that key until none is left: see parked.go.
type calls struct {
	landed  chan struct{} // something has come back
	flights sync.WaitGroup

	mu      sync.Mutex
	landing []*flight // ended, and not looked at yet: as many as calls at a time, at most

	// Of whoever has the turn.
	generation int                // counts how often what was read was forgotten
	busy       map[string]*flight // by key, the call that is under way
	flying     int                // calls under way
	retrying   int                // those of them with events that waited
}

func newCalls() *calls { return &calls{landed: make(chan struct{}, 1), busy: map[string]*flight{}} }

// A flight is one call.
type flight struct {
	generation int
	name       string
	attempt    int
	input      []byte
	events     []*waiting // of those that were just read
	parked     *parked    // of a key whose events wait
	err        error
}

func (x *flight) keys() []string {
	if x.parked != nil {
		return []string{x.parked.key}
	}
	keys := make([]string, len(x.events))
	for i, w := range x.events {
		keys[i] = w.Key
	}
	return keys
}

// start begins a call, which ends with ctx.
func (f *follower) start(ctx context.Context, x *flight) {
	c := f.calls
	x.generation = c.generation
	for _, key := range x.keys() {
		c.busy[key] = x
	}
	c.flying++
	if x.parked != nil {
		c.retrying++
	}
	c.flights.Go(func() {
		x.err = f.called.call(ctx, x.name, x.attempt, x.input)
		c.mu.Lock()
		c.landing = append(c.landing, x)
		c.mu.Unlock()
		select {
		case c.landed <- struct{}{}:
		default:
		}
	})
}

// callStep is a step of a follower whose target is called.
func (f *follower) callStep(ctx context.Context) (pause, error) {
	if err := f.land(ctx); err != nil || f.state.Paused {
		return pause{}, err
	}
	more, err := f.fill(ctx)
	if err != nil {
		return pause{}, err
	}
	due, err := f.retry(ctx)
	if err != nil {
		return pause{}, err
	}
	tx := f.opts.Store.Begin()
	full, err := f.launch(ctx, tx)
	if err != nil {
		return pause{}, err
	}
	must := !tx.Empty()
	if err := f.advance(ctx, tx, must); err != nil {
		return pause{}, err
	}
	if more {
		return pause{until: f.opts.Now()}, nil
	}
	if !full.IsZero() && (due.IsZero() || full.Before(due)) {
		due = full
	}
	if len(f.pending) >= maxWaiting {
		return pause{until: due}, nil
	}
	return f.forMore(due), nil
}

// land writes down what has become of the calls that have ended.
func (f *follower) land(ctx context.Context) error {
	c := f.calls
	c.mu.Lock()
	landing := c.landing
	c.landing = nil
	c.mu.Unlock()
	if len(landing) == 0 {
		return nil
	}
	tx := f.opts.Store.Begin()
	var failed error
	for _, x := range landing {
		c.flying--
		if x.parked != nil {
			c.retrying--
		}
		for _, key := range x.keys() {
			delete(c.busy, key)
		}
		forgotten := x.parked == nil && x.generation != c.generation
		if forgotten || ctx.Err() != nil || failed != nil {
			continue // what it was about is read again
		}
		failed = f.landTx(tx, x)
	}
	if failed != nil {
		return failed
	}
	return f.advance(ctx, tx, true)
}

func (f *follower) landTx(tx *store.Tx, x *flight) error {
	if x.parked != nil {
		return f.retriedTx(tx, x)
	}
	keys := map[string]*parked{}
	for _, w := range x.events {
		w.flying, w.done = false, true
		switch {
		case x.err == nil:
		case f.Retries == 0:
			if err := f.buryTx(tx, w.Event, f.state.Replay, 1, x.err); err != nil {
				return err
			}
		default:
			if keys[w.Key] == nil {
				keys[w.Key] = &parked{key: w.Key, Calls: 1, Due: f.opts.Now().Add(pauseAfter(1))}
			}
			if err := f.parkTx(tx, w.Event); err != nil {
				return err
			}
		}
	}
	if x.err != nil {
		f.logger.Warn("a call failed", "event", x.name, "attempt", x.attempt, "of", f.Retries+1, "error", x.err)
	}
	for _, p := range keys {
		if err := f.scheduleTx(tx, nil, p); err != nil {
			return err
		}
	}
	return nil
}

// launch begins calls with what was read, as many as there may be. What belongs to a key whose events wait is added to them. It returns when the
// next batch is to be called with though it is not full.
func (f *follower) launch(ctx context.Context, tx *store.Tx) (due time.Time, err error) {
	for f.calls.flying < f.Parallelism {
		batch, until, err := f.next(tx)
		if err != nil || len(batch) == 0 {
			return until, err
		}
		good, inputs, err := f.fitTx(tx, batch)
		if err != nil {
			return time.Time{}, err
		}
		if len(good) == 0 {
			continue
		}
		for _, w := range good {
			w.flying = true
		}
		f.start(ctx, &flight{name: domain.ExecutionName(f.Name, good[0].ID, f.state.Replay), attempt: 1, input: f.Join(inputs), events: good})
	}
	return time.Time{}, nil
}

// next returns the next batch, of keys without a call under way. It is empty when there is none yet.
func (f *follower) next(tx *store.Tx) (batch []*waiting, due time.Time, err error) {
	bytes, full := 0, false
	for _, w := range f.pending {
		if w.done || w.flying {
			continue
		}
		var waits bool
		if x := f.calls.busy[w.Key]; x == nil {
			if waits, err = f.waits(w.Key); err != nil {
				return nil, due, err
			}
		} else if waits = x.parked != nil; !waits {
			continue
		}
		if waits {
			if err := f.parkTx(tx, w.Event); err != nil {
				return nil, due, err
			}
			w.done = true
			continue
		}
		if full = !f.Fits(len(batch), bytes, len(w.input)); full {
			break
		}
		batch = append(batch, w)
		bytes += len(w.input)
	}
	if len(batch) == 0 || full || len(batch) >= f.BatchSize {
		return batch, time.Time{}, nil
	}
	if due = batch[0].since.Add(f.BatchWindow); f.opts.Now().Before(due) {
		return nil, due, nil
	}
	return batch, time.Time{}, nil
}
