package trigger

import (
	"context"
	"fmt"
	"time"

	"sundog/internal/embedded/store"
	domain "sundog/internal/trigger"
)

// Bounds of what a follower has in memory and does at once.
const (
	maxRead    = 256  // entries of one read
	maxHandled = 256  // inputs of one transaction
	maxWaiting = 1000 // events that were read and not handled, unless one batch has more
)

// A waiting is an event that was read and is not handled yet.
type waiting struct {
	entry
	input []byte
	since time.Time // when it was read
	wrong error     // why there is no input

	flying, done bool // a call with it is under way; it is handled
}

// A follower handles the events of a log.
type follower struct {
	*base
	log   log
	calls *calls // nil when the target is joined

	// Of whoever has the turn.
	read    uint64 // the log was read up to here
	reading state  // what was read from; when the state is another one, somebody has changed it
	pending []*waiting
}

func newFollower(b *base, l log) *follower {
	f := &follower{base: b, log: l, reading: b.state, read: b.state.After}
	if b.called != nil {
		f.calls = newCalls()
	}
	return f
}

// A pause is what a follower waits for: the first of what is set.
type pause struct {
	log   bool            // more in the log
	until time.Time       // a moment
	room  <-chan struct{} // the target
}

// run handles events until ctx ends.
func (f *follower) run(ctx context.Context) error {
	if f.calls != nil {
		defer f.calls.flights.Wait()
	}
	for failures := 0; ; {
		_, grown := f.opts.Store.LogEnd() // before looking, or an entry could come between
		_, changed := f.look()
		p, err := f.step(ctx)
		if ctx.Err() != nil {
			return nil
		}
		if failed := f.opts.Store.Failed(); failed != nil {
			return failed
		}
		if err != nil {
			failures++
			f.heldUp(ctx, failures, err)
			continue
		}
		failures = 0
		if !p.log {
			grown = nil
		}
		f.wait(ctx, p, grown, changed)
	}
}

func (f *follower) wait(ctx context.Context, p pause, grown, changed <-chan struct{}) {
	var due <-chan time.Time
	if !p.until.IsZero() {
		timer := time.NewTimer(p.until.Sub(f.opts.Now()))
		defer timer.Stop()
		due = timer.C
	}
	var landed <-chan struct{}
	if f.calls != nil {
		landed = f.calls.landed
	}
	select {
	case <-grown:
	case <-due:
	case <-p.room:
	case <-landed:
	case <-changed:
	case <-ctx.Done():
	}
}

// step handles what there is, and returns what to wait for.
func (f *follower) step(ctx context.Context) (p pause, err error) {
	f.turn.Lock()
	defer f.turn.Unlock()
	if f.reading.Replay != f.state.Replay {
		f.reset()
	}
	defer func() {
		if err != nil {
			f.reset()
		}
	}()
	if f.calls != nil {
		return f.callStep(ctx)
	}
	if f.state.Paused {
		return pause{}, nil
	}
	more, err := f.fill(ctx)
	if err != nil {
		return pause{}, err
	}
	room, freed := f.joined.room()
	batches, due := f.batches(room)
	if err := f.handle(ctx, batches); err != nil {
		return pause{}, err
	}
	switch {
	case room <= 0:
		return pause{room: freed}, nil
	case more || len(batches) > 0:
		return pause{until: f.opts.Now()}, nil // at once
	}
	return f.forMore(due), nil
}

// forMore is what to wait for when all that there is was read: more, or a moment.
func (f *follower) forMore(until time.Time) pause {
	at := f.log.due(f.read)
	if at.IsZero() {
		return pause{log: true, until: until}
	}
	if until.IsZero() || at.Before(until) {
		until = at
	}
	return pause{until: until}
}

// reset forgets what was read and not handled.
func (f *follower) reset() {
	f.reading, f.read, f.pending = f.state, f.state.After, nil
	if f.calls != nil {
		f.calls.generation++
	}
}

// fill reads on, and reports whether there was something.
func (f *follower) fill(ctx context.Context) (more bool, err error) {
	room := max(maxWaiting, f.BatchSize) - len(f.pending)
	if room <= 0 {
		return false, nil
	}
	end := f.log.end()
	entries, err := f.log.read(ctx, f.read, min(room, maxRead))
	if err != nil {
		return false, err
	}
	if len(entries) == 0 {
		f.read = max(f.read, end) // what comes later has higher numbers
		return false, nil
	}
	now := f.opts.Now()
	for _, e := range entries {
		f.read = e.number
		if e.Body == nil {
			continue
		}
		if e.Key == "" {
			e.Key = e.ID
		}
		input, wanted, err := f.Input(e.Event)
		if wanted {
			f.pending = append(f.pending, &waiting{entry: e, input: input, since: now, wrong: err})
		}
	}
	return true, nil
}

// batches are those at the beginning of what is pending that are to be handled now. It returns when the next one is.
func (f *follower) batches(room int) (batches [][]*waiting, due time.Time) {
	now := f.opts.Now()
	for start := 0; start < len(f.pending) && len(batches) < min(room, maxHandled); {
		end, bytes := start, 0
		for end < len(f.pending) && f.Fits(end-start, bytes, len(f.pending[end].input)) {
			bytes += len(f.pending[end].input)
			end++
		}
		if due = f.pending[start].since.Add(f.BatchWindow); end == len(f.pending) && end-start < f.BatchSize && now.Before(due) {
			return batches, due
		}
		batches = append(batches, f.pending[start:end])
		start = end
	}
	return batches, time.Time{}
}

// handle makes one transaction of batches at the beginning of what is pending, and of the position behind them.
func (f *follower) handle(ctx context.Context, batches [][]*waiting) (err error) {
	tx := f.opts.Store.Begin()
	var settles []func(error)
	defer func() {
		for _, settle := range settles {
			settle(err)
		}
	}()
	for _, batch := range batches {
		settle, err := f.addTx(ctx, tx, batch)
		if err != nil {
			return err
		}
		if settle != nil {
			settles = append(settles, settle)
		}
		for _, w := range batch {
			w.done = true
		}
	}
	return f.advance(ctx, tx, len(batches) > 0)
}

// advance commits a transaction with the position behind what is done. Unless it has to be waited for, it may be lost in a crash.
func (f *follower) advance(ctx context.Context, tx *store.Tx, must bool) (err error) {
	done := 0
	for done < len(f.pending) && f.pending[done].done {
		done++
	}
	next := f.state
	if next.After = f.read; done < len(f.pending) {
		next.After = f.pending[done].number - 1
	}
	if next == f.state && tx.Empty() {
		return nil
	}
	if err := next.writeTx(tx, f.Name); err != nil {
		return err
	}
	if must {
		err = tx.Commit(context.WithoutCancel(ctx))
	} else {
		err = tx.CommitLazily(ctx)
	}
	if err != nil {
		return fmt.Errorf("handling the events of %s: %w", f.Source, err)
	}
	f.become(next)
	clear(f.pending[:done])
	f.pending = f.pending[done:]
	return nil
}

// addTx adds what a batch causes. What the target refuses, or has no input, becomes dead letters.
func (f *follower) addTx(ctx context.Context, tx *store.Tx, batch []*waiting) (settle func(error), err error) {
	good, inputs, err := f.fitTx(tx, batch)
	if err != nil || len(good) == 0 {
		return nil, err
	}
	settle, err = f.joined.addTx(ctx, tx, domain.ExecutionName(f.Name, good[0].ID, f.state.Replay), f.Join(inputs))
	if !refused(err) {
		return settle, err
	}
	for _, w := range good {
		if err := f.buryTx(tx, w.Event, f.state.Replay, 0, err); err != nil {
			return nil, err
		}
	}
	return nil, nil
}

// fitTx returns the events of a batch that can be handled, with their inputs. The others become dead letters.
func (f *follower) fitTx(tx *store.Tx, batch []*waiting) (good []*waiting, inputs [][]byte, err error) {
	for _, w := range batch {
		if wrong := f.unfit(w.Event, w.wrong); wrong != nil {
			if err := f.buryTx(tx, w.Event, f.state.Replay, 0, wrong); err != nil {
				return nil, nil, err
			}
			w.done = true
			continue
		}
		good, inputs = append(good, w), append(inputs, w.input)
	}
	return good, inputs, nil
}
