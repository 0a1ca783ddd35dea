package store

import (
	"context"
	"encoding/binary"
	"fmt"
	"time"

	"github.com/cockroachdb/pebble/v2"
)

// Tx gathers writes that are committed together. It is used by one goroutine, once.
//
// A component that takes part in somebody else's transaction offers methods ending in Tx, which add their writes and, with
// OnCommit, what has to happen in memory afterwards.
type Tx struct {
	store    *Store
	batch    *pebble.Batch
	counters map[string]int64
	appends  []entryToAppend
	hooks    []func()
	done     chan struct{}
	err      error
	began    time.Time // when it was submitted
}

// Begin starts a transaction. One that is not committed costs nothing but its memory.
func (s *Store) Begin() *Tx {
	return &Tx{store: s, batch: s.db.NewBatch()}
}

// Set writes a value. Key and value are copied.
func (tx *Tx) Set(key, value []byte) { tx.must(tx.batch.Set(key, value, nil)) }

// Delete removes a key, which need not exist.
func (tx *Tx) Delete(key []byte) { tx.must(tx.batch.Delete(key, nil)) }

// DeleteRange removes the keys from low (included) to high (excluded).
func (tx *Tx) DeleteRange(low, high []byte) { tx.must(tx.batch.DeleteRange(low, high, nil)) }

// Add changes a counter by delta. Counters are read with Store.Counter; deltas of one group are added up before they are
// written, so a counter that everybody changes costs one write a group.
func (tx *Tx) Add(key []byte, delta int64) {
	if tx.counters == nil {
		tx.counters = make(map[string]int64)
	}
	tx.counters[string(key)] += delta
}

// OnCommit registers what happens in memory once the transaction is on disk. Callbacks run one after the other on the committer's
// goroutine, in the order of commits: they must be short and must not commit.
func (tx *Tx) OnCommit(f func()) { tx.hooks = append(tx.hooks, f) }

// Empty reports whether nothing was written.
func (tx *Tx) Empty() bool { return tx.batch.Empty() && len(tx.counters) == 0 && len(tx.appends) == 0 }

// Commit writes the transaction and waits until it is on disk. When ctx ends first the outcome is not known: the
// transaction may still be committed.
func (tx *Tx) Commit(ctx context.Context) error {
	tx.done = make(chan struct{})
	if err := tx.submit(ctx); err != nil {
		return err
	}
	select {
	case <-tx.done:
		return tx.err
	case <-ctx.Done():
		return fmt.Errorf("store: waiting for a commit: %w", context.Cause(ctx))
	}
}

// CommitLazily submits the transaction and does not wait. It is on disk no later than any transaction committed after it. For
// what may be lost in a crash without harm.
func (tx *Tx) CommitLazily(ctx context.Context) error { return tx.submit(ctx) }

func (tx *Tx) submit(ctx context.Context) error {
	s := tx.store
	if err := s.Failed(); err != nil {
		return err
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.closed {
		return ErrClosed
	}
	if s.opts.Observe != nil {
		tx.began = time.Now()
	}
	select {
	case s.queue <- tx:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("store: submitting a commit: %w", context.Cause(ctx))
	}
}

func (tx *Tx) must(err error) {
	if err != nil { // a batch in memory fails only when it is misused
		panic(fmt.Sprintf("store: building a transaction: %v", err))
	}
}

// A group is what is committed at once.
type group struct {
	batch     *pebble.Batch
	txs       []*Tx
	lastEntry uint64 // number of its last log entry, 0 when it has none
	err       error
}

// commitLoop gathers transactions into groups and applies them.
func (s *Store) commitLoop() {
	defer close(s.synced)
	for tx := range s.queue {
		g := s.gather(tx)
		if !g.batch.Empty() {
			g.err = s.apply(g.batch)
		}
		s.synced <- g
	}
}

func (s *Store) apply(b *pebble.Batch) (err error) {
	if err := s.Failed(); err != nil {
		return err
	}
	defer func() {
		if r := recover(); r != nil {
			err = s.fail(fmt.Errorf("applying a group: %v", r))
		}
	}()
	if s.opts.NoSync {
		return s.db.Apply(b, pebble.NoSync)
	}
	if err := s.db.ApplyNoSyncWait(b, pebble.Sync); err != nil {
		return s.fail(err)
	}
	return nil
}

// gather makes a group of a transaction and those that wait behind it.
func (s *Store) gather(first *Tx) *group {
	g := &group{txs: []*Tx{first}}
	for size := first.batch.Len(); len(g.txs) < maxGroupTx && size < maxGroupBytes; {
		select {
		case tx, ok := <-s.queue:
			if ok {
				g.txs = append(g.txs, tx)
				size += tx.batch.Len()
				continue
			}
		default:
		}
		break
	}
	s.join(g)
	s.groups.Add(1)
	return g
}

// join puts the transactions of a group into one batch, but for those that fail alone.
func (s *Store) join(g *group) {
	counters, size, good := map[string]int64{}, 0, 0
	for _, tx := range g.txs {
		n := s.commits.Add(1)
		if s.opts.BeforeCommit != nil {
			if tx.err = s.opts.BeforeCommit(n); tx.err != nil {
				continue
			}
		}
		good++
		size += tx.batch.Len()
		for _, e := range tx.appends {
			size += len(e.log) + len(e.value) + 16
		}
		for key, delta := range tx.counters {
			counters[key] += delta
		}
	}
	if good == 1 && len(g.txs) == 1 {
		g.batch = g.txs[0].batch // alone: it need not be copied
	} else {
		g.batch = s.db.NewBatchWithSize(size + len(counters)*maxCounterBytes)
		for _, tx := range g.txs {
			if tx.err == nil && !tx.batch.Empty() {
				if err := g.batch.Apply(tx.batch, nil); err != nil {
					tx.err = fmt.Errorf("store: joining a group: %w", err)
				}
			}
		}
	}
	for key, delta := range counters {
		if delta != 0 {
			g.txs[0].must(g.batch.Merge([]byte(key), binary.AppendVarint(nil, delta), nil))
		}
	}
	s.number(g)
}

// maxCounterBytes is about what a counter adds to a batch.
const maxCounterBytes = 128

// syncLoop waits for the disk and wakes those who wait for their transaction.
func (s *Store) syncLoop() {
	defer close(s.done)
	for g := range s.synced {
		if g.err == nil && !s.opts.NoSync && !g.batch.Empty() {
			if err := g.batch.SyncWait(); err != nil {
				g.err = s.fail(err)
			}
		}
		s.logged(g)
		for _, tx := range g.txs {
			if tx.err == nil {
				tx.err = g.err
			}
			if tx.err == nil {
				for _, hook := range tx.hooks {
					hook()
				}
			}
			if tx.batch != g.batch {
				_ = tx.batch.Close()
			}
			if tx.done != nil {
				close(tx.done)
			}
		}
		_ = g.batch.Close()
		if s.opts.Observe != nil && g.err == nil {
			s.opts.Observe(len(g.txs), time.Since(g.txs[0].began))
		}
	}
}
