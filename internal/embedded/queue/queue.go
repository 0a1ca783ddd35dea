package queue

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"sundog/internal/embedded/store"
	"sundog/internal/queue"
)

// Queue is one durable queue. It is safe for concurrent use.
type Queue struct {
	name   string
	store  *store.Store
	seqs   *sequence
	set    *Queues
	stop   context.CancelFunc
	ended  chan struct{} // the keeper has returned
	closed chan struct{}
	pokes  chan struct{} // the keeper has something to do

	admin sync.Mutex // held by one administrator of dead letters at a time

	mu         sync.Mutex
	cfg        Config
	lanes      []*lane // in order of priority
	entries    map[uint64]*entry
	flying     pile // in flight, by deadline
	condemned  []*entry
	waiters    []*waiter
	serial     uint64
	generation uint64 // counts what makes a reading of the disk invalid
	nextWake   time.Time
	dead       int64
}

// open starts a queue.
func open(ctx context.Context, qs *Queues, name string, cfg Config) (*Queue, error) {
	q := &Queue{
		name:    name,
		store:   qs.store,
		seqs:    &qs.seqs,
		set:     qs,
		ended:   make(chan struct{}),
		closed:  make(chan struct{}),
		pokes:   make(chan struct{}, 1),
		cfg:     cfg,
		entries: map[uint64]*entry{},
		flying:  pile{less: byDeadline},
		// Receipts of the process before are stale.
		serial: qs.seqs.first,
	}
	for _, lane := range cfg.Lanes {
		q.lanes = append(q.lanes, newLane(lane, qs.seqs.last.Load()))
	}
	if err := q.adopt(ctx); err != nil {
		return nil, err
	}
	if err := q.readCounters(); err != nil {
		return nil, err
	}
	if err := q.tend(ctx); err != nil { // so that a Receive that does not wait finds what is there
		return nil, err
	}
	background, stop := context.WithCancel(context.WithoutCancel(ctx))
	q.stop = stop
	go q.keep(background)
	return q, nil
}

func (q *Queue) readCounters() (err error) {
	read := func(kind, lane string) int64 {
		n, failed := q.store.Counter(depthKey(q.name, kind, lane))
		err = errors.Join(err, failed)
		return n
	}
	for _, l := range q.lanes {
		l.messages, l.delayed = read(countMessages, l.name), read(countDelayed, l.name)
	}
	q.dead = read(countDead, "")
	return err
}

// adopt moves the messages of lanes that are no longer declared to the last lane.
func (q *Queue) adopt(ctx context.Context) error {
	for _, prefix := range []byte{store.PrefixMessage, store.PrefixDelayed} {
		all := store.NewKey(prefix).String(q.name).Range()
		for {
			lane, err := q.firstLane(all)
			if err != nil {
				return err
			}
			if lane == "" {
				break
			}
			if q.lane(lane) == nil {
				if err := q.moveLane(ctx, prefix, lane); err != nil {
					return fmt.Errorf("moving the messages of lane %q: %w", lane, err)
				}
			}
			all.Low = store.NewKey(prefix).String(q.name).String(lane).End()
		}
	}
	return nil
}

func (q *Queue) firstLane(r store.Range) (string, error) {
	for entry, err := range q.store.Scan(r) {
		if err != nil {
			return "", err
		}
		f := store.Split(entry.Key)
		_ = f.String() // the queue
		return f.String(), f.Err()
	}
	return "", nil
}

const moveBatch = 256 // messages in one transaction of housekeeping

func (q *Queue) moveLane(ctx context.Context, prefix byte, from string) error {
	to := q.lanes[len(q.lanes)-1].name
	kind := countMessages
	if prefix == store.PrefixDelayed {
		kind = countDelayed
	}
	source := store.NewKey(prefix).String(q.name).String(from)
	target := store.NewKey(prefix).String(q.name).String(to)
	for n := moveBatch; n == moveBatch; {
		tx := q.store.Begin()
		n = 0
		for entry, err := range q.store.Scan(source.Range()) {
			if err != nil {
				return err
			}
			tx.Set(slices.Concat([]byte(target), entry.Key[len(source):]), entry.Value)
			tx.Delete(entry.Key)
			if prefix == store.PrefixMessage {
				seq := lastUint(entry.Key)
				if counted, err := q.store.Get(attemptsKey(q.name, from, seq)); err == nil {
					tx.Set(attemptsKey(q.name, to, seq), counted)
					tx.Delete(attemptsKey(q.name, from, seq))
				}
			}
			if n++; n == moveBatch {
				break
			}
		}
		tx.Add(depthKey(q.name, kind, from), -int64(n))
		tx.Add(depthKey(q.name, kind, to), int64(n))
		if err := tx.Commit(ctx); err != nil {
			return err
		}
	}
	return nil
}

// Name returns the queue's name.
func (q *Queue) Name() string { return q.name }

// Config returns the configuration, with its defaults filled in.
func (q *Queue) Config() Config {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.cfg
}

func (q *Queue) configure(cfg Config) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.cfg = cfg
}

func (q *Queue) close() {
	select {
	case <-q.closed:
	default:
		close(q.closed)
		q.stop()
	}
	<-q.ended
}

func (q *Queue) now() time.Time { return q.set.opts.Now() }

// lane returns a lane by name, nil when there is none. The set of lanes never changes.
func (q *Queue) lane(name string) *lane {
	for _, l := range q.lanes {
		if l.name == name {
			return l
		}
	}
	return nil
}

// fail says what was being done to this queue.
func (q *Queue) fail(doing string, err error) error {
	return fmt.Errorf("%s queue %q: %w", doing, q.name, err)
}

// Depth returns how many messages there are. It costs nothing, and may be off by what is being committed at the moment.
func (q *Queue) Depth() queue.Depth {
	q.mu.Lock()
	defer q.mu.Unlock()
	d := queue.Depth{Dead: q.dead}
	for _, l := range q.lanes {
		lane := queue.LaneDepth{Name: l.name, Ready: max(0, l.messages-l.inFlight), Delayed: max(0, l.delayed), InFlight: l.inFlight}
		if l.ready.Len() > 0 {
			lane.Oldest = time.Unix(0, l.ready.items[0].sentAt).UTC()
			if d.Oldest.IsZero() || lane.Oldest.Before(d.Oldest) {
				d.Oldest = lane.Oldest
			}
		}
		d.Lanes = append(d.Lanes, lane)
	}
	return d
}

// Purge deletes every message, delayed and in flight ones included, and no dead letter. What is sent at the same time may or may
// not be deleted.
func (q *Queue) Purge(ctx context.Context) error {
	tx := q.store.Begin()
	for _, prefix := range []byte{store.PrefixMessage, store.PrefixAttempts, store.PrefixDelayed} {
		all := store.NewKey(prefix).String(q.name).Range()
		tx.DeleteRange(all.Low, all.High)
	}
	for _, l := range q.lanes {
		tx.Delete(depthKey(q.name, countMessages, l.name))
		tx.Delete(depthKey(q.name, countDelayed, l.name))
	}
	tx.OnCommit(func() {
		q.mu.Lock()
		defer q.mu.Unlock()
		for _, e := range q.entries {
			q.forget(e)
		}
		q.generation++
		for _, l := range q.lanes {
			l.messages, l.delayed, l.nextDue = 0, 0, never
		}
	})
	if err := tx.Commit(ctx); err != nil {
		return q.fail("purging", err)
	}
	return nil
}
