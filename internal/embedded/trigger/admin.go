package trigger

import (
	"context"
	"fmt"
	"time"

	domain "sundog/internal/trigger"
)

// Status is a trigger as it is now.
type Status struct {
	domain.Spec
	Paused  bool
	After   uint64 // the number of the log's entry up to which everything is handled, or waits by itself; of a log only
	Replays int
	Lag     Lag
	Dead    int64 // dead letters
}

// Lag is how far a trigger is behind.
type Lag struct {
	Events int           // that were not handled, whether the filter wants them or not; MaxLag stands for that many and more
	Age    time.Duration // of the oldest
}

// MaxLag is up to what events are counted.
const MaxLag = 10_000

// List returns all triggers in the order of their declaration. The count of a lag reads the source, up to MaxLag events for each trigger.
func (t *Triggers) List(ctx context.Context) ([]Status, error) {
	all := make([]Status, 0, len(t.all))
	for _, f := range t.all {
		s, err := f.status(ctx)
		if err != nil {
			return nil, err
		}
		all = append(all, s)
	}
	return all, nil
}

// Show returns one trigger, or ErrNotFound.
func (t *Triggers) Show(ctx context.Context, name string) (Status, error) {
	f, err := t.find(name)
	if err != nil {
		return Status{}, err
	}
	return f.status(ctx)
}

func (f *follower) status(ctx context.Context) (Status, error) {
	f.mu.Lock()
	s := f.state
	f.mu.Unlock()
	out := Status{Spec: f.Spec, Paused: s.Paused, After: s.After, Replays: s.Replay, Dead: f.dead.Depth().Dead}
	for after := s.After; out.Lag.Events < MaxLag; {
		entries, err := f.log.read(ctx, after, maxRead)
		if err != nil {
			return out, fmt.Errorf("counting what trigger %s has before it: %w", f.Name, err)
		}
		if len(entries) == 0 {
			break
		}
		for _, e := range entries {
			if after = e.number; e.Body == nil {
				continue
			}
			if out.Lag.Events++; out.Lag.Events == 1 {
				out.Lag.Age = max(0, f.opts.Now().Sub(e.At))
			}
		}
	}
	out.Lag.Events = min(out.Lag.Events, MaxLag)
	return out, nil
}

// Pause stops a trigger from taking events; when it returns, that is on disk. What is under way goes on. Pausing what is paused changes nothing.
func (t *Triggers) Pause(ctx context.Context, name string) (Status, error) {
	return t.change(ctx, name, func(s *state) { s.Paused = true })
}

// Resume lets a paused trigger go on where it was.
func (t *Triggers) Resume(ctx context.Context, name string) (Status, error) {
	return t.change(ctx, name, func(s *state) { s.Paused = false })
}

// Replay lets a trigger go back, or ahead, to the event of a number, or the first after it. What it reads again has new names: every event causes
// again what it caused before. ErrNoReplay when the source is no log.
func (t *Triggers) Replay(ctx context.Context, name string, from uint64) (Status, error) {
	return t.change(ctx, name, func(s *state) {
		s.After = max(from, 1) - 1
		s.Replay++
	})
}

// change changes the state of a trigger, on disk and then in memory.
func (t *Triggers) change(ctx context.Context, name string, how func(*state)) (Status, error) {
	f, err := t.find(name)
	if err != nil {
		return Status{}, err
	}
	if err := f.change(ctx, how); err != nil {
		return Status{}, err
	}
	return f.status(ctx)
}

func (f *follower) change(ctx context.Context, how func(*state)) error {
	f.turn.Lock()
	defer f.turn.Unlock()
	next := f.state
	if how(&next); next == f.state {
		return nil
	}
	tx := f.opts.Store.Begin()
	if err := next.writeTx(tx, f.Name); err != nil {
		return err
	}
	if err := tx.Commit(context.WithoutCancel(ctx)); err != nil {
		return fmt.Errorf("changing trigger %s: %w", f.Name, err)
	}
	f.become(next)
	f.reset()
	select {
	case f.poked <- struct{}{}:
	default:
	}
	return nil
}
