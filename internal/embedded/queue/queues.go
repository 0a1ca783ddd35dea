// Package queue keeps durable queues in the store: one implementation for the process queue, the queue of completions, the
// queues of users, and the deliveries of every subscription. Package internal/queue says what a queue promises.
//
// # Where a message is
//
// A message is one key, in the order of its lane: (queue, lane, sequence). A delayed one is a key in the order of its due time
// instead and moves to its lane when it is due. A dead letter is a key of its own. What is in flight is known only in memory, so
// after a restart everything that was not deleted is visible at once. How often a message was received is a small second key
// that is written without waiting for the disk.
//
// # The cursor
//
// Memory holds a window of each lane: what is in flight, and up to readyWindow messages that come next. A cursor says which part
// of the lane has been read into the window: everything before it is in memory or gone, everything from it on is on disk only.
// It only moves forward, so the tombstones of deleted messages are never read again, and a queue of any length costs the same
// memory. While consumers keep up nothing is read at all: a message goes from the send that committed it to the window.
//
// Sequence numbers are given out when a message is added to a transaction, and transactions commit in any order. So a message can
// appear behind the cursor, and while the window is being filled one can appear in the part that is being read. Both are seen when
// the send's OnCommit callback runs: a message behind the cursor goes to the window at once, one in the part being read is
// remembered until the reading ends. What was read is used only after an empty transaction has committed: by then the
// callback of every send that the reading can have seen has run, and every such send is on disk. Hence no message is missed, none
// is in the window twice, and none is handed out that a crash could take back.
//
// # Concurrency
//
// Queue.mu guards everything in memory and is never held while waiting for the disk. Callbacks of transactions change the
// memory, in the order of the commits. One goroutine per queue, the keeper, does what has its time: visibility timeouts, delays,
// filling windows, burying the dead. A transaction that sends or deletes and is then given up leaves nothing behind.
//
// Rejected: a sequence number at commit (the store would have to know about queues); the body kept apart from the key order
// (two keys and a random read per message).
package queue

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"regexp"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"sundog/internal/embedded/store"
	"sundog/internal/queue"
)

// Defaults of Config, and bounds.
const (
	DefaultLane        = "default"
	DefaultVisibility  = 30 * time.Second
	DefaultMaxReceives = 5
	DefaultMaxBytes    = 1 << 20
	DefaultMaxInFlight = 120_000 // as SQS has it

	maxLanes = 16
	maxQueue = 10_000 // queues in one store
)

// Config of a queue. The zero value is a queue with one lane and the defaults.
type Config struct {
	// Lanes in order of priority, up to 16; names of up to 64 letters, digits, hyphens and underscores. One, DefaultLane, when
	// empty.
	Lanes []string `json:"lanes"`
	// Visibility is how long a message is hidden after it was received; DefaultVisibility when zero.
	Visibility time.Duration `json:"visibility"`
	// MaxReceives is how often a message is handed out before it becomes a dead letter; DefaultMaxReceives when zero, never when
	// negative.
	MaxReceives int `json:"max_receives"`
	// MaxBytes bounds body and attributes of one message together; DefaultMaxBytes when zero.
	MaxBytes int `json:"max_bytes"`
	// MaxInFlight bounds the messages that are in flight at a time, each of which costs some 200 bytes of memory; no more are
	// handed out until some are deleted or visible again. DefaultMaxInFlight when zero.
	MaxInFlight int `json:"max_in_flight"`
}

var (
	validLane = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)
	// A slash groups: "subscription/items".
	validName = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}(/[A-Za-z0-9_][A-Za-z0-9_.-]{0,127})?$`)
)

func (c Config) complete() (Config, error) {
	if len(c.Lanes) == 0 {
		c.Lanes = []string{DefaultLane}
	}
	c.Lanes = slices.Clone(c.Lanes)
	if len(c.Lanes) > maxLanes {
		return c, fmt.Errorf("%d lanes; a queue has %d at most", len(c.Lanes), maxLanes)
	}
	for i, lane := range c.Lanes {
		if !validLane.MatchString(lane) || slices.Contains(c.Lanes[:i], lane) {
			return c, fmt.Errorf("lane %q: a name is 1 to 64 letters, digits, hyphens and underscores, and comes once", lane)
		}
	}
	if c.Visibility < 0 || c.MaxBytes < 0 || c.MaxInFlight < 0 {
		return c, errors.New("visibility timeout, size and number of messages in flight cannot be negative")
	}
	if c.Visibility == 0 {
		c.Visibility = DefaultVisibility
	}
	if c.MaxReceives == 0 {
		c.MaxReceives = DefaultMaxReceives
	}
	if c.MaxBytes == 0 {
		c.MaxBytes = DefaultMaxBytes
	}
	if c.MaxInFlight == 0 {
		c.MaxInFlight = DefaultMaxInFlight
	}
	return c, nil
}

// Options of Queues. The zero value works.
type Options struct {
	Now    func() time.Time // the clock; time.Now when nil
	Logger *slog.Logger     // told what the keepers could not do; discarded when nil
}

// Queues are the queues of a store. They are safe for concurrent use.
type Queues struct {
	store *store.Store
	opts  Options
	seqs  sequence

	mu     sync.Mutex
	closed bool
	known  map[string]Config // every queue that was ever declared and not removed
	open   map[string]*Queue
}

// sequence gives out numbers that are larger than all before, across restarts and whatever the clock does: the upper 20 bits
// count the times that the store was opened, the lower 44 the messages since then.
type sequence struct {
	first uint64
	last  atomic.Uint64
}

const epochShift = 44

func (s *sequence) next() uint64 { return s.last.Add(1) }

// Open opens the queues of st. Close them before the store.
func Open(ctx context.Context, st *store.Store, opts Options) (*Queues, error) {
	if opts.Now == nil {
		opts.Now = time.Now
	}
	if opts.Logger == nil {
		opts.Logger = slog.New(slog.DiscardHandler)
	}
	qs := &Queues{store: st, opts: opts, known: map[string]Config{}, open: map[string]*Queue{}}
	if err := qs.beginEpoch(ctx); err != nil {
		return nil, fmt.Errorf("opening queues: %w", err)
	}
	for entry, err := range st.Scan(store.NewKey(store.PrefixQueue).Range()) {
		if err != nil {
			return nil, fmt.Errorf("opening queues: %w", err)
		}
		f := store.Split(entry.Key)
		name := f.String()
		var cfg Config
		if err := errors.Join(f.Err(), json.Unmarshal(entry.Value, &cfg)); err != nil {
			return nil, fmt.Errorf("reading the configuration of queue %q: %w", name, err)
		}
		qs.known[name] = cfg
	}
	return qs, nil
}

func (qs *Queues) beginEpoch(ctx context.Context) error {
	key := store.NewKey(store.PrefixQueueEpoch)
	epoch, err := qs.store.Counter(key)
	if err != nil {
		return err
	}
	epoch++
	tx := qs.store.Begin()
	tx.Add(key, 1)
	if err := tx.Commit(ctx); err != nil {
		return err
	}
	qs.seqs.first = uint64(epoch) << epochShift
	qs.seqs.last.Store(qs.seqs.first)
	return nil
}

// Declare opens a queue with a configuration, which it keeps from then on. Declaring it again changes the configuration; the
// lanes of a queue that is in use cannot be changed. Messages of lanes that are no longer there go to the last lane.
func (qs *Queues) Declare(ctx context.Context, name string, cfg Config) (*Queue, error) {
	cfg, err := cfg.complete()
	if err != nil {
		return nil, fmt.Errorf("declaring queue %q: %w", name, err)
	}
	if !validName.MatchString(name) {
		return nil, fmt.Errorf("declaring queue %q: a name is 1 to 128 letters, digits, underscores, hyphens and points, the first of them no hyphen or point", name)
	}
	text, err := json.Marshal(cfg)
	if err != nil {
		return nil, fmt.Errorf("declaring queue %q: %w", name, err)
	}
	qs.mu.Lock()
	defer qs.mu.Unlock()
	if qs.closed {
		return nil, fmt.Errorf("declaring queue %q: %w", name, queue.ErrClosed)
	}
	q := qs.open[name]
	if q != nil && !slices.Equal(q.Config().Lanes, cfg.Lanes) {
		return nil, fmt.Errorf("declaring queue %q: its lanes %v are in use and cannot become %v; restart for that", name, q.Config().Lanes, cfg.Lanes)
	}
	if _, ok := qs.known[name]; !ok && len(qs.known) >= maxQueue {
		return nil, fmt.Errorf("declaring queue %q: there are %d queues already; remove one", name, maxQueue)
	}
	tx := qs.store.Begin()
	tx.Set(store.NewKey(store.PrefixQueue).String(name), text)
	if err := tx.Commit(ctx); err != nil {
		return nil, fmt.Errorf("declaring queue %q: %w", name, err)
	}
	qs.known[name] = cfg
	if q != nil {
		q.configure(cfg)
		return q, nil
	}
	return qs.start(ctx, name, cfg)
}

// Queue returns a queue that was declared, in this process or before; queue.ErrNoQueue otherwise.
func (qs *Queues) Queue(ctx context.Context, name string) (*Queue, error) {
	qs.mu.Lock()
	defer qs.mu.Unlock()
	if q := qs.open[name]; q != nil {
		return q, nil
	}
	cfg, ok := qs.known[name]
	switch {
	case !ok:
		return nil, fmt.Errorf("%w: %q", queue.ErrNoQueue, name)
	case qs.closed:
		return nil, fmt.Errorf("queue %q: %w", name, queue.ErrClosed)
	}
	return qs.start(ctx, name, cfg)
}

func (qs *Queues) start(ctx context.Context, name string, cfg Config) (*Queue, error) {
	q, err := open(ctx, qs, name, cfg)
	if err != nil {
		return nil, fmt.Errorf("opening queue %q: %w", name, err)
	}
	qs.open[name] = q
	return q, nil
}

// Names returns the names of all queues, sorted.
func (qs *Queues) Names() []string {
	qs.mu.Lock()
	defer qs.mu.Unlock()
	names := make([]string, 0, len(qs.known))
	for name := range qs.known {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// Remove deletes a queue with its messages and dead letters. Whoever still uses it gets queue.ErrClosed.
func (qs *Queues) Remove(ctx context.Context, name string) error {
	q, err := qs.Queue(ctx, name)
	if err != nil {
		return fmt.Errorf("removing a queue: %w", err)
	}
	qs.mu.Lock()
	defer qs.mu.Unlock()
	q.close()
	tx := qs.store.Begin()
	tx.Delete(store.NewKey(store.PrefixQueue).String(name))
	for _, prefix := range []byte{store.PrefixMessage, store.PrefixAttempts, store.PrefixDelayed, store.PrefixDeadLetter, store.PrefixDepth} {
		all := store.NewKey(prefix).String(name).Range()
		tx.DeleteRange(all.Low, all.High)
	}
	if err := tx.Commit(ctx); err != nil {
		return fmt.Errorf("removing queue %q: %w", name, err)
	}
	delete(qs.known, name)
	delete(qs.open, name)
	return nil
}

// Close ends all waiting Receives with queue.ErrClosed and returns when every goroutine has ended.
func (qs *Queues) Close() {
	qs.mu.Lock()
	defer qs.mu.Unlock()
	qs.closed = true
	for _, q := range qs.open {
		q.close()
	}
}
