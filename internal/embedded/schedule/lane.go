package schedule

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"sundog/internal/embedded/store"
)

// lane makes the deliveries to one host or function, in about the order in which they came.
type lane struct {
	s     *Schedules
	name  string
	slots chan struct{} // held by attempts of this lane
	moved chan struct{} // something has arrived, or an attempt has ended

	mu     sync.Mutex
	cursor string              // deliveries before it are under way, or gone
	more   bool                // there may be deliveries from the cursor on
	busy   map[string]struct{} // under way
}

// newLane makes a lane that knows nothing of deliveries before a key.
func newLane(s *Schedules, name, from string) *lane {
	return &lane{
		s: s, name: name, slots: make(chan struct{}, laneAttempts), moved: make(chan struct{}, 1), cursor: from,
		busy: map[string]struct{}{},
	}
}

// arrived takes note of a delivery that is on disk.
func (l *lane) arrived(key string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.cursor = min(l.cursor, key)
	l.more = true
	poke(l.moved)
}

func (l *lane) idle() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return !l.more && len(l.busy) == 0
}

// run makes attempts until there are none to make, or ctx ends.
func (l *lane) run(ctx context.Context) {
	var wg sync.WaitGroup
	defer wg.Wait()
	for ctx.Err() == nil {
		keys, more, err := l.next()
		if err != nil {
			l.s.opts.Logger.Error("deliveries of schedules are held up; they go on once this is mended", "lane", l.name, "error", err, "again_in", holdUp)
			wait(ctx, holdUp, nil)
			continue
		}
		for _, key := range keys {
			if !hold(ctx, l.slots) {
				return
			}
			if !hold(ctx, l.s.lanes.slots) {
				return
			}
			wg.Go(func() {
				defer func() { <-l.slots; <-l.s.lanes.slots; l.done(key) }()
				l.deliver(ctx, key)
			})
		}
		if more || len(keys) > 0 {
			continue
		}
		if l.s.lanes.retire(l) {
			return
		}
		select {
		case <-l.moved:
		case <-ctx.Done():
		}
	}
}

func hold(ctx context.Context, slots chan struct{}) bool {
	select {
	case slots <- struct{}{}:
		return true
	case <-ctx.Done():
		return false
	}
}

// next are the deliveries that come next, which are then under way, and whether there may be others behind them.
func (l *lane) next() (keys []string, more bool, err error) {
	l.mu.Lock()
	from, end := l.cursor, string(laneKey(l.name).End())
	if !l.more {
		l.mu.Unlock()
		return nil, false, nil
	}
	l.cursor, l.more = end, false // what arrives while this reads takes the cursor back to it
	l.mu.Unlock()
	var found []string
	for entry, err := range l.s.store.Scan(store.Range{Low: []byte(from), High: []byte(end)}) {
		if err != nil {
			l.arrived(from)
			return nil, false, fmt.Errorf("reading deliveries: %w", err)
		}
		if found = append(found, string(entry.Key)); len(found) == laneAttempts {
			break
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(found) > 0 {
		from = found[len(found)-1] + "\x00"
	}
	l.cursor = min(l.cursor, from)
	l.more = l.more || len(found) == laneAttempts
	for _, key := range found {
		if _, busy := l.busy[key]; !busy {
			l.busy[key] = struct{}{}
			keys = append(keys, key)
		}
	}
	return keys, l.more, nil
}

func (l *lane) done(key string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.busy, key)
	poke(l.moved)
}

// deliver makes the next attempt of a delivery and writes down how it ended. An attempt that ends with ctx is made again after the next start.
func (l *lane) deliver(ctx context.Context, key string) {
	for ctx.Err() == nil && l.s.store.Failed() == nil {
		err := l.attempt(ctx, key)
		if err == nil || ctx.Err() != nil {
			return
		}
		l.s.opts.Logger.Error("a delivery of a schedule is held up; it goes on once this is mended", "lane", l.name, "error", err, "again_in", holdUp)
		wait(ctx, holdUp, nil)
	}
}

func (l *lane) attempt(ctx context.Context, key string) error {
	value, err := l.s.store.Get([]byte(key))
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	d, err := decodeDelivery(value)
	if err != nil { // it stays where it is, for the next start to look at
		l.s.opts.Logger.Error("a delivery of a schedule cannot be made", "lane", l.name, "error", err)
		return nil
	}
	began := l.s.opts.Now()
	var o outcome
	if d.Schedule.Action.HTTP != nil {
		o = l.s.request(ctx, d)
	} else {
		o = l.s.call(ctx, d)
	}
	if o.failure != nil && ctx.Err() != nil {
		return ctx.Err() // no fault of the receiver
	}
	now := l.s.opts.Now().UTC()
	o.took = now.Sub(began)
	for { // what was delivered is not delivered again because a write fails
		err := l.settle(context.WithoutCancel(ctx), key, d, o, now)
		if err == nil || ctx.Err() != nil || l.s.store.Failed() != nil {
			return err
		}
		wait(ctx, holdUp, nil)
	}
}

// settle writes down how an attempt ended.
func (l *lane) settle(ctx context.Context, key string, d delivery, o outcome, now time.Time) error {
	tx := l.s.store.Begin()
	tx.Delete([]byte(key))
	if err := l.s.endTx(tx, d, o, now); err != nil {
		return err
	}
	return tx.Commit(ctx)
}
