package trigger

import (
	"context"
	"fmt"
	"iter"
	"slices"
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

// Ages goes through the triggers with the age of the oldest event that each has not handled; 0 when there is none. It reads a few events of each source.
// What cannot be read at the moment is left out.
func (t *Triggers) Ages(ctx context.Context) iter.Seq2[string, time.Duration] {
	return func(yield func(string, time.Duration) bool) {
		for _, r := range t.all {
			age, err := r.age(ctx)
			if err == nil && !yield(r.Name, age) {
				return
			}
		}
	}
}

// age is that of the oldest event that was not handled, and 0 when there is none.
func (r *running) age(ctx context.Context) (age time.Duration, err error) {
	now := r.opts.Now()
	if oldest := r.queue.Depth().Oldest; !oldest.IsZero() {
		age = now.Sub(oldest)
	}
	if r.follower != nil {
		s, _ := r.look()
		most := 1
		if r.Source.Kind == domain.Events && r.Source.Name != "" {
			most = maxRead // the next may be those of other workflows
		}
		entries, err := r.follower.log.read(ctx, s.After, most)
		if err != nil {
			return 0, fmt.Errorf("looking at what trigger %s has before it: %w", r.Name, err)
		}
		if i := slices.IndexFunc(entries, func(e entry) bool { return e.Body != nil }); i >= 0 {
			age = max(age, now.Sub(entries[i].At))
		}
	}
	return max(0, age), nil
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
	age, err := r.age(ctx)
	if err != nil {
		return out, err
	}
	out = Status{Spec: r.Spec, Paused: s.Paused, Replays: s.Replay, Queue: r.queue.Name(), Dead: depth.Dead}
	out.Lag = Lag{int(min(depth.Total(), MaxLag)), age}
	if r.follower == nil {
		return out, nil
	}
	out.After = s.After
	if out.Waiting, err = r.follower.waiting(); err != nil {
		return out, err
	}
	more, err := r.follower.behind(ctx, s.After, MaxLag-out.Lag.Events)
	out.Lag.Events += more
	return out, err
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

// behind counts the events of the log after a number, up to a bound.
func (f *follower) behind(ctx context.Context, after uint64, most int) (n int, err error) {
	for n < most {
		entries, err := f.log.read(ctx, after, maxRead)
		if err != nil {
			return n, fmt.Errorf("counting what trigger %s has before it: %w", f.Name, err)
		}
		if len(entries) == 0 {
			break
		}
		for _, e := range entries {
			if after = e.number; e.Body != nil {
				n++
			}
		}
	}
	return min(n, most), nil
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
	if r, err := t.find(name); err == nil && !r.Source.Kind.Kept() {
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
