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
	Waiting int    // events that wait to be tried again, after a call that failed; MaxLag stands for that many and more
	Queue   string // where its dead letters are
	Dead    int64  // how many there are
}

// Lag is how far a trigger is behind. Events that wait by themselves do not count.
type Lag struct {
	Events int           // that were not handled, whether the filter wants them or not; MaxLag stands for that many and more
	Age    time.Duration // of the oldest
}

// MaxLag is up to what events are counted.
const MaxLag = 10_000

// List returns all triggers in the order of their declaration. The count of a lag reads the source, up to MaxLag events for each trigger.
func (t *Triggers) List(ctx context.Context) ([]Status, error) {
	all := make([]Status, 0, len(t.all))
	for _, r := range t.all {
		s, err := r.status(ctx)
		if err != nil {
			return nil, err
		}
		all = append(all, s)
	}
	return all, nil
}

// Show returns one trigger, or ErrNotFound.
func (t *Triggers) Show(ctx context.Context, name string) (Status, error) {
	r, err := t.find(name)
	if err != nil {
		return Status{}, err
	}
	return r.status(ctx)
}

func (r *running) status(ctx context.Context) (out Status, err error) {
	s, _ := r.look()
	depth := r.queue.Depth()
	out = Status{Spec: r.Spec, Paused: s.Paused, Replays: s.Replay, Queue: r.queue.Name(), Dead: depth.Dead}
	out.Lag.Events = int(min(depth.Total(), MaxLag))
	if !depth.Oldest.IsZero() {
		out.Lag.Age = max(0, r.opts.Now().Sub(depth.Oldest))
	}
	if r.follower == nil {
		return out, nil
	}
	out.After = s.After
	if out.Waiting, err = r.follower.waiting(); err != nil {
		return out, err
	}
	return out, r.follower.lag(ctx, s.After, &out.Lag)
}

// waiting counts the events that wait by themselves, up to MaxLag.
func (f *follower) waiting() (n int, err error) {
	for _, err := range f.opts.Store.Scan(keyOf(kindEvent, f.Name).Range()) {
		if err != nil {
			return n, fmt.Errorf("counting the events of trigger %s that wait: %w", f.Name, err)
		}
		if n++; n == MaxLag {
			break
		}
	}
	return n, nil
}

// lag adds what is in the log after a number.
func (f *follower) lag(ctx context.Context, after uint64, lag *Lag) error {
	for first := true; lag.Events < MaxLag; {
		entries, err := f.log.read(ctx, after, maxRead)
		if err != nil {
			return fmt.Errorf("counting what trigger %s has before it: %w", f.Name, err)
		}
		if len(entries) == 0 {
			break
		}
		for _, e := range entries {
			if after = e.number; e.Body == nil {
				continue
			}
			if lag.Events++; first {
				lag.Age, first = max(lag.Age, f.opts.Now().Sub(e.At)), false
			}
		}
	}
	lag.Events = min(lag.Events, MaxLag)
	return nil
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
	if r, err := t.find(name); err == nil && r.follower == nil {
		return Status{}, fmt.Errorf("replaying trigger %s: %w: a %s keeps nothing that was handled", name, ErrNoReplay, r.Source.Kind)
	}
	return t.change(ctx, name, func(s *state) {
		s.After = max(from, 1) - 1
		s.Replay++
	})
}

// change changes the state of a trigger.
func (t *Triggers) change(ctx context.Context, name string, how func(*state)) (Status, error) {
	r, err := t.find(name)
	if err != nil {
		return Status{}, err
	}
	if err := r.change(ctx, how); err != nil {
		return Status{}, err
	}
	return r.status(ctx)
}
