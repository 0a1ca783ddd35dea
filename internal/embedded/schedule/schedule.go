// Package schedule keeps schedules in the store, fires them when it is time, and delivers what they cause. Package internal/schedule says
// what is promised of schedules; this one also says how.
//
// # Where a schedule is
//
// A schedule is one record, and one key in the order of what is going to fire. The keys of the next seconds are also in memory (see window),
// everything later is on disk only: a million schedules cost no memory, and a start reads only what comes next. A schedule that has fired for
// the last time, or is paused, has its key in another order, so that one that is over costs those to come nothing.
//
// # Firing
//
// One goroutine takes what is due and deals with up to 500 schedules in one transaction: it takes each key off the order, and puts in what
// the firing causes and the key of the next point in time. So a crash, a failing write or a jump of the clock neither loses nor repeats a
// firing: what is due is a key on disk, compared with the wall clock. Whoever changes a schedule holds the lock of its id until that is on
// disk.
//
// # Deliveries
//
// A message to a queue, to a topic or with a payload is part of the transaction that fires: it is sent exactly once. A request to a URL or a
// call of a function is a delivery: a key in the lane of its host or function, with all that it needs, so that it goes on when its schedule
// is gone. A lane makes a bounded number of attempts at a time and has a goroutine only while it has something to do; a receiver that hangs
// holds up its own lane. A failed attempt moves the delivery to the order of what is tried again, the last one to the dead letters. The
// number of an attempt is written before the attempt, so a repetition after a crash bears the same.
//
// Rejected: a queue for deliveries. Behind a host that hangs the deliveries to all others would wait, and its count of receptions grows with
// each crash, so that a repetition would bear another number.
package schedule

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
	"golang.org/x/sync/errgroup"

	"sundog/internal/egress"
	"sundog/internal/embedded/queue"
	"sundog/internal/embedded/store"
	"sundog/internal/embedded/topic"
	"sundog/internal/errand"
	"sundog/internal/schedule"
)

// KeepHistory is how long events of schedules are kept, by days of UTC.
const KeepHistory = 30 * 24 * time.Hour

// Functions calls functions.
type Functions interface {
	// Known says whether there is a function of a name.
	Known(function string) bool
	// Call calls a function by name and waits until it has succeeded or failed. The client context is JSON.
	Call(ctx context.Context, function string, event, clientContext []byte) error
}

// Options of Schedules. Store, Queues, Topics and ProcessQueue are needed.
type Options struct {
	Store        *store.Store
	Queues       *queue.Queues
	Topics       *topic.Topics
	ProcessQueue string           // where payloads go
	Refused      []string         // queues that no schedule may send to
	Functions    Functions        // nil when there are none
	Now          func() time.Time // the clock; time.Now when nil
	Logger       *slog.Logger     // told what goes wrong; discarded when nil
	NewID        func() string    // ids of schedules; UUIDs in the order of their making when nil
	Region       string           // in ARNs; us-east-1 when empty
	Account      string           // in ARNs; 000000000000 when empty
	// Transport makes the requests; when nil it is one that refuses addresses of this machine, link-local and metadata addresses, but for those in
	// Allowed.
	Transport http.RoundTripper
	Allowed   []netip.Prefix
	// Observe is told what happens, for metrics. Its functions must be short; each may be nil.
	Observe Observer
}

// Observer is told what happens.
type Observer struct {
	Fired     func(late time.Duration)                                             // on disk, so long after it was due
	Attempted func(action schedule.ActionType, took time.Duration, succeeded bool) // a delivery
}

func (o *Options) complete() (own *http.Transport) {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.NewID == nil {
		o.NewID = newID
	}
	if o.Region == "" {
		o.Region = "us-east-1"
	}
	if o.Account == "" {
		o.Account = "000000000000"
	}
	if o.Observe.Fired == nil {
		o.Observe.Fired = func(time.Duration) {}
	}
	if o.Observe.Attempted == nil {
		o.Observe.Attempted = func(schedule.ActionType, time.Duration, bool) {}
	}
	if o.Transport == nil {
		own = egress.NewGuardedTransport(laneAttempts, o.Allowed)
		o.Transport = own
	}
	return own
}

// newID makes ids that begin with the time, so that schedules made together lie together.
func newID() string {
	if id, err := uuid.NewV7(); err == nil {
		return id.String()
	}
	return uuid.NewString() // which panics rather than fail
}

// Schedules are the schedules of a platform. They are safe for concurrent use.
type Schedules struct {
	opts     Options
	store    *store.Store
	locks    store.Locks // of ids and of clients' keys
	client   *http.Client
	own      *http.Transport // nil when it is the caller's
	waiting  *clock
	again    *clock
	lanes    *lanes
	counters map[string]*atomic.Int64
}

// Open opens the schedules of a store. Nothing fires before Run.
func Open(opts Options) (*Schedules, error) {
	own := opts.complete()
	s := &Schedules{
		opts: opts, store: opts.Store, own: own, counters: map[string]*atomic.Int64{},
		client: errand.NewClient(opts.Transport),
	}
	s.waiting = &clock{window: newWindow(s.store, orderKey(orderWaiting)), now: opts.Now, logger: opts.Logger, enter: s.enter, due: s.fireDue}
	s.again = &clock{window: newWindow(s.store, orderKey(orderAgain)), now: opts.Now, logger: opts.Logger, due: s.tryAgain}
	s.lanes = newLanes(s)
	for _, what := range []string{countPending, countDead} {
		n, err := s.store.Counter(countKey(what))
		if err != nil {
			return nil, fmt.Errorf("opening schedules: %w", err)
		}
		s.counters[what] = new(atomic.Int64)
		s.counters[what].Store(n)
	}
	return s, nil
}

// Run fires and delivers until ctx ends, and returns when every goroutine has ended. Attempts that are under way are given up then, and made
// again by the next Run.
func (s *Schedules) Run(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return s.lanes.run(ctx) })
	g.Go(func() error { return s.waiting.run(ctx) })
	g.Go(func() error { return s.again.run(ctx) })
	g.Go(func() error { s.sweep(ctx); return nil })
	err := g.Wait()
	if s.own != nil {
		s.own.CloseIdleConnections()
	}
	return err
}

// The names of counters.
const (
	countPending = "pending" // schedules that are going to fire
	countDead    = "dead"    // dead letters
)

// countTx changes a counter.
func (s *Schedules) countTx(tx *store.Tx, what string, delta int64) {
	tx.Add(countKey(what), delta)
	counter := s.counters[what]
	tx.OnCommit(func() { counter.Add(delta) })
}

// Pending is how many schedules are going to fire, paused ones left out. It costs nothing.
func (s *Schedules) Pending() int64 { return s.counters[countPending].Load() }

// Dead is how many dead letters there are. It costs nothing.
func (s *Schedules) Dead() int64 { return s.counters[countDead].Load() }
