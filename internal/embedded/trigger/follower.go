package trigger

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	embedded "sundog/internal/embedded/queue"
	"sundog/internal/embedded/store"
	domain "sundog/internal/trigger"
)

// Bounds of what a follower has in memory and does at once.
const (
	maxRead    = 256  // entries of one read
	maxHandled = 256  // inputs of one transaction
	maxWaiting = 1000 // events that were read and not handled, unless one batch has more

	firstPause   = 100 * time.Millisecond // after a failure of the platform itself; each further one is twice as long
	longestPause = 30 * time.Second
)

// A waiting is an event that was read and is not handled yet.
type waiting struct {
	entry
	input []byte
	since time.Time // when it was read
	wrong error     // why there is no input
}

// A follower handles the events of a log.
type follower struct {
	*domain.Trigger
	opts   *Options
	logger *slog.Logger
	log    log
	target joined
	dead   *embedded.Queue
	poked  chan struct{} // somebody has changed the state

	turn sync.Mutex // held while a step is made, or the state changed

	mu    sync.Mutex // guards the state against those who look at it
	state state

	// Of whoever has the turn.
	read    uint64 // the log was read up to here
	pending []waiting
}

// A pause is what a follower waits for: the first of what is set.
type pause struct {
	log   bool            // more in the log
	until time.Time       // a moment
	room  <-chan struct{} // the target
}

// run handles events until ctx ends.
func (f *follower) run(ctx context.Context) error {
	for failures := 0; ; {
		_, grown := f.opts.Store.LogEnd() // before looking, or an entry could come between
		p, err := f.step(ctx)
		if ctx.Err() != nil {
			return nil
		}
		if failed := f.opts.Store.Failed(); failed != nil {
			return failed
		}
		if err == nil {
			failures = 0
		} else {
			again := min(firstPause<<min(failures, 10), longestPause)
			failures++
			f.logger.Error("a trigger is held up; it goes on once this is mended", "error", err, "again_in", again)
			p = pause{until: f.opts.Now().Add(again)}
		}
		if !p.log {
			grown = nil
		}
		f.wait(ctx, p, grown)
	}
}

func (f *follower) wait(ctx context.Context, p pause, grown <-chan struct{}) {
	var due <-chan time.Time
	if !p.until.IsZero() {
		timer := time.NewTimer(p.until.Sub(f.opts.Now()))
		defer timer.Stop()
		due = timer.C
	}
	select {
	case <-grown:
	case <-due:
	case <-p.room:
	case <-f.poked:
	case <-ctx.Done():
	}
}

// step handles what there is, and returns what to wait for.
func (f *follower) step(ctx context.Context) (pause, error) {
	f.turn.Lock()
	defer f.turn.Unlock()
	if f.state.Paused {
		return pause{}, nil
	}
	more, err := f.fill(ctx)
	if err != nil {
		return pause{}, err
	}
	room, freed := f.target.room()
	batches, due := f.batches(room)
	if err := f.handle(ctx, batches); err != nil {
		f.reset()
		return pause{}, err
	}
	switch {
	case room <= 0:
		return pause{room: freed}, nil
	case more || len(batches) > 0:
		return pause{until: f.opts.Now()}, nil // at once
	}
	return pause{log: true, until: due}, nil
}

// reset forgets what was read and not handled.
func (f *follower) reset() { f.read, f.pending = f.state.After, nil }

// fill reads on, and reports whether there was something.
func (f *follower) fill(ctx context.Context) (more bool, err error) {
	room := max(maxWaiting, f.BatchSize) - len(f.pending)
	if room <= 0 {
		return false, nil
	}
	end, _ := f.opts.Store.LogEnd()
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
		input, wanted, err := f.Input(e.Event)
		if wanted {
			f.pending = append(f.pending, waiting{e, input, now, err})
		}
	}
	return true, nil
}

// batches takes the batches off what is pending that are to be handled now, and returns when the next one is.
func (f *follower) batches(room int) (batches [][]waiting, due time.Time) {
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
func (f *follower) handle(ctx context.Context, batches [][]waiting) (err error) {
	tx := f.opts.Store.Begin()
	var settles []func(error)
	defer func() {
		for _, settle := range settles {
			settle(err)
		}
	}()
	handled := 0
	for _, batch := range batches {
		handled += len(batch)
		settle, err := f.addTx(ctx, tx, batch)
		if err != nil {
			return err
		}
		if settle != nil {
			settles = append(settles, settle)
		}
	}
	next := f.state
	if next.After = f.read; handled < len(f.pending) {
		next.After = f.pending[handled].number - 1
	}
	if next == f.state {
		return nil
	}
	if err := next.writeTx(tx, f.Name); err != nil {
		return err
	}
	if handled == 0 { // nothing is lost when this is
		err = tx.CommitLazily(ctx)
	} else {
		err = tx.Commit(context.WithoutCancel(ctx))
	}
	if err != nil {
		return fmt.Errorf("handling the events of %s: %w", f.Source, err)
	}
	f.become(next)
	f.pending = f.pending[handled:]
	return nil
}

// become takes a state over that is on disk.
func (f *follower) become(s state) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.state = s
}

// addTx adds what a batch causes. What the target refuses, or has no input, becomes dead letters.
func (f *follower) addTx(ctx context.Context, tx *store.Tx, batch []waiting) (settle func(error), err error) {
	good := make([]waiting, 0, len(batch))
	inputs := make([][]byte, 0, len(batch))
	for _, w := range batch {
		if wrong := f.unfit(w); wrong != nil {
			if err := f.buryTx(tx, w.Event, 0, wrong); err != nil {
				return nil, err
			}
			continue
		}
		good, inputs = append(good, w), append(inputs, w.input)
	}
	if len(good) == 0 {
		return nil, nil
	}
	settle, err = f.target.addTx(ctx, tx, domain.ExecutionName(f.Name, good[0].ID, f.state.Replay), f.Join(inputs))
	if !refused(err) {
		return settle, err
	}
	for _, w := range good {
		if err := f.buryTx(tx, w.Event, 0, err); err != nil {
			return nil, err
		}
	}
	return nil, nil
}

// unfit says why an event cannot be handled; nil if it can.
func (f *follower) unfit(w waiting) error {
	if w.wrong == nil && f.Old(w.Event, f.opts.Now()) {
		return fmt.Errorf("it is older than %s", f.MaxAge)
	}
	return w.wrong
}
