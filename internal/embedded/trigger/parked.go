package trigger

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"sundog/internal/embedded/store"
	domain "sundog/internal/trigger"
)

// A parked is a key whose events wait on disk, because a call with one of them failed. They are tried in their order, up to a batch of them at a time;
// those that fail too often become dead letters, and the next have their turn.
type parked struct {
	key    string
	events []stored // of the call

	Due   time.Time `json:"due"`             // when its first events are tried again
	Calls int       `json:"calls"`           // that were made with them
	Most  int       `json:"most,omitempty"`  // how many are tried at once; 0: a batch
	Error string    `json:"error,omitempty"` // of the last call
}

// stored is an event that waits.
type stored struct {
	ID     string          `json:"id"`
	At     time.Time       `json:"at"`
	Replay int             `json:"replay,omitempty"`
	Body   json.RawMessage `json:"body"`
}

func (s *stored) event(key string) domain.Event {
	return domain.Event{ID: s.ID, Key: key, At: s.At, Body: s.Body}
}

func (f *follower) parkedKey(key string) store.Key { return keyOf(kindKey, f.Name).String(key) }

func (f *follower) dueKey(p *parked) store.Key {
	return keyOf(kindDue, f.Name).Time(p.Due).String(p.key)
}

// storedKey is where an event waits. The ids of a log are in the order of its entries.
func (f *follower) storedKey(key, id string, replay int) store.Key {
	return f.storedKeys(key).Uint(uint64(replay)).String(id)
}

func (f *follower) storedKeys(key string) store.Key { return keyOf(kindEvent, f.Name).String(key) }

// waits reports whether events of a key wait.
func (f *follower) waits(key string) (bool, error) { return f.opts.Store.Has(f.parkedKey(key)) }

// parkTx lets an event wait behind the others of its key.
func (f *follower) parkTx(tx *store.Tx, e domain.Event) error {
	text, err := json.Marshal(stored{ID: e.ID, At: e.At, Replay: f.state.Replay, Body: e.Body})
	if err != nil {
		return fmt.Errorf("storing event %s: %w", e.ID, err)
	}
	tx.Set(f.storedKey(e.Key, e.ID, f.state.Replay), text)
	return nil
}

// scheduleTx says when a key is tried next, instead of what was said before; next is nil when none of its events is left.
func (f *follower) scheduleTx(tx *store.Tx, before, next *parked) error {
	if before != nil {
		tx.Delete(f.dueKey(before))
	}
	if next == nil {
		tx.Delete(f.parkedKey(before.key))
		return nil
	}
	text, err := json.Marshal(next)
	if err != nil {
		return fmt.Errorf("storing when %s is tried again: %w", next.key, err)
	}
	tx.Set(f.parkedKey(next.key), text)
	tx.Set(f.dueKey(next), nil)
	return nil
}

// mayRetry reports whether one more call, after n that are about to begin, may be made with events that wait. They have half of the calls at most, so
// that keys whose calls hang for long leave room for others.
func (f *follower) mayRetry(n int) bool {
	return f.calls.flying+n < f.Parallelism && f.calls.retrying+n < (f.Parallelism+1)/2
}

// retry begins calls with events that wait and are due, as many as there may be, and returns when the next are due.
func (f *follower) retry(ctx context.Context) (due time.Time, err error) {
	if !f.mayRetry(0) {
		return due, nil // one that ends has this looked at again
	}
	now := f.opts.Now()
	var ready []string
	for entry, err := range f.opts.Store.Scan(keyOf(kindDue, f.Name).Range()) {
		if err != nil {
			return due, err
		}
		fields := store.Split(entry.Key)
		fields.Raw(1)
		_ = fields.String() // the trigger
		at, key := fields.Time(), fields.String()
		if err := fields.Err(); err != nil {
			return due, fmt.Errorf("reading which keys of trigger %s are due: %w", f.Name, err)
		}
		if f.calls.busy[key] != nil {
			continue
		}
		if at.After(now) {
			due = at
			break
		}
		if ready = append(ready, key); !f.mayRetry(len(ready)) {
			break
		}
	}
	for _, key := range ready {
		if err := f.retryKey(ctx, key); err != nil {
			return due, err
		}
	}
	return due, nil
}

// retryKey calls with the first events of a key that wait. Those that are too old become dead letters.
func (f *follower) retryKey(ctx context.Context, key string) error {
	p := &parked{key: key}
	text, err := f.opts.Store.Get(f.parkedKey(key))
	if err == nil {
		err = json.Unmarshal(text, p)
	}
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return fmt.Errorf("reading what waits of key %s: %w", key, err)
	}
	var inputs [][]byte
	bytes := 0
	tx := f.opts.Store.Begin()
	for entry, err := range f.opts.Store.Scan(f.storedKeys(key).Range()) {
		if err != nil {
			return err
		}
		var s stored
		if err := json.Unmarshal(entry.Value, &s); err != nil {
			return fmt.Errorf("reading an event that waits: %w", err)
		}
		e := s.event(key)
		input, _, wrong := f.Input(e)
		if wrong = f.unfit(e, wrong); wrong != nil {
			if err := f.buryTx(tx, e, s.Replay, p.Calls, wrong); err != nil {
				return err
			}
			tx.Delete(f.storedKey(key, s.ID, s.Replay))
			continue
		}
		if !f.Fits(len(p.events), bytes, len(input)) || p.Most > 0 && len(p.events) >= p.Most {
			break
		}
		p.events, inputs = append(p.events, s), append(inputs, input)
		bytes += len(input)
	}
	if len(p.events) == 0 {
		if err := f.scheduleTx(tx, p, nil); err != nil {
			return err
		}
	}
	if !tx.Empty() {
		if err := tx.Commit(context.WithoutCancel(ctx)); err != nil {
			return fmt.Errorf("looking at what waits of key %s: %w", key, err)
		}
	}
	if len(p.events) > 0 {
		first := p.events[0]
		f.start(ctx, &flight{name: domain.ExecutionName(f.Name, first.ID, first.Replay), attempt: p.Calls + 1, input: f.Join(inputs), parked: p})
	}
	return nil
}

// retriedTx writes down what has become of a call with events that waited.
func (f *follower) retriedTx(tx *store.Tx, x *flight) error {
	p := x.parked
	next := &parked{key: p.key, Due: f.opts.Now()}
	switch {
	case x.err == nil:
	case f.Bisect && len(p.events) > 1: // the first half, at once
		next.Calls, next.Most, next.Error = p.Calls, len(p.events)/2, x.err.Error()
		return f.scheduleTx(tx, p, next)
	case p.Calls < f.Retries:
		next.Calls, next.Most, next.Error = p.Calls+1, p.Most, x.err.Error()
		next.Due = next.Due.Add(pauseAfter(next.Calls))
		f.logger.Warn("a call failed", "event", x.name, "attempt", x.attempt, "of", f.Retries+1, "error", x.err)
		return f.scheduleTx(tx, p, next)
	default:
		for _, s := range p.events {
			if err := f.buryTx(tx, s.event(p.key), s.Replay, x.attempt, x.err); err != nil {
				return err
			}
		}
	}
	last := p.events[len(p.events)-1]
	for _, s := range p.events {
		tx.Delete(f.storedKey(p.key, s.ID, s.Replay))
	}
	rest := f.storedKeys(p.key).Range()
	rest.Low = f.storedKey(p.key, last.ID, last.Replay).End()
	for _, err := range f.opts.Store.Scan(rest) {
		if err != nil {
			return err
		}
		return f.scheduleTx(tx, p, next)
	}
	return f.scheduleTx(tx, p, nil)
}
