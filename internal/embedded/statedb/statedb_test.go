package statedb_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/google/go-cmp/cmp"
	"golang.org/x/sync/errgroup"

	embedded "sundog/internal/embedded/statedb"
	"sundog/internal/embedded/store"
	"sundog/internal/statedb"
	"sundog/internal/statedb/statedbtest"
	"sundog/payload"
)

// recorder is a sink that remembers effects once they are committed.
type recorder struct {
	mu  sync.Mutex
	all []statedb.Effects
}

func (r *recorder) EffectsTx(_ context.Context, tx *store.Tx, e *statedb.Effects) error {
	copied := *e
	tx.OnCommit(func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.all = append(r.all, copied)
	})
	return nil
}

func (r *recorder) effects() []statedb.Effects {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]statedb.Effects(nil), r.all...)
}

func openStore(tb testing.TB, dir string, opts store.Options) *store.Store {
	tb.Helper()
	st, err := store.Open(dir, opts)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := st.Close(); err != nil && !errors.Is(err, store.ErrClosed) {
			tb.Error(err)
		}
	})
	return st
}

func openDB(tb testing.TB, st *store.Store, sink embedded.Sink) *embedded.DB {
	tb.Helper()
	db, err := embedded.Open(st, sink)
	if err != nil {
		tb.Fatal(err)
	}
	return db
}

func TestSuite(t *testing.T) {
	statedbtest.Run(t, func(t *testing.T) statedbtest.Subject {
		r := &recorder{}
		db := openDB(t, openStore(t, "data", store.Options{FS: vfs.NewMem()}), r)
		return statedbtest.Subject{DB: db, Effects: r.effects}
	})
}

func id(n int) payload.ID {
	return payload.ID{Collections: "sentinel-2-l2a", Workflow: "ingest", ItemIDs: fmt.Sprintf("S2A_T07HFE_%08d", n)}
}

func execution(n int) string {
	return fmt.Sprintf("arn:aws:states:us-east-1:000000000000:execution:ingest:5a2f8f0e-0000-5000-8000-%012d", n)
}

// TestReopen makes sure that counts are read back as they were.
func TestReopen(t *testing.T) {
	fs := vfs.NewMem()
	st := openStore(t, "data", store.Options{FS: fs})
	db := openDB(t, st, nil)
	for n := range 20 {
		if _, err := db.Apply(t.Context(), statedb.Claim(id(n), execution(n), time.Now()), statedb.Effects{}); err != nil {
			t.Fatal(err)
		}
		if n%4 == 0 {
			if _, err := db.Apply(t.Context(), statedb.Abort(id(n), execution(n), time.Now()), statedb.Effects{}); err != nil {
				t.Fatal(err)
			}
		}
	}
	want, err := db.Counts(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	if err := st.Close(); err != nil {
		t.Fatal(err)
	}
	got, err := openDB(t, openStore(t, "data", store.Options{FS: fs}), nil).Counts(t.Context(), "")
	if diff := cmp.Diff(want, got); err != nil || diff != "" || len(got) != 2 {
		t.Errorf("%v (-before +after)\n%s", err, diff)
	}
}

// TestDamagedRecord makes sure that a stored form which is cut off anywhere is told, not trusted.
func TestDamagedRecord(t *testing.T) {
	st := openStore(t, "data", store.Options{FS: vfs.NewMem()})
	db := openDB(t, st, nil)
	text := "why"
	r := statedb.Record{
		ID: id(1), StateUpdated: "FAILED_t", Created: "t", Updated: "t", ClaimedAt: "t", Executions: []string{execution(1), execution(2)},
		LastError: &text, Outputs: []string{"s3://x"}, Extra: map[string]json.RawMessage{"ttl": json.RawMessage("1")},
	}
	if err := db.Put(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	withoutExtra := r // where the form ends if there is none
	withoutExtra.Extra = nil
	key := store.NewKey(store.PrefixRecord).String(r.ID.PartitionKey()).String(r.ID.ItemIDs)
	whole, err := st.Get(key)
	if err != nil {
		t.Fatal(err)
	}
	for length := range whole {
		tx := st.Begin()
		tx.Set(key, whole[:length])
		if err := tx.Commit(t.Context()); err != nil {
			t.Fatal(err)
		}
		got, err := openDB(t, st, nil).Get(t.Context(), r.ID) // the first one remembers what it wrote
		if complete := err == nil && cmp.Equal(withoutExtra, got); !complete && !errors.Is(err, statedb.ErrMalformed) {
			t.Errorf("%d of %d bytes were read as %+v, %v", length, len(whole), got, err)
		}
	}
}

// TestCommitFails makes sure that a failed commit leaves nothing: no record, no index, no count, no lock.
func TestCommitFails(t *testing.T) {
	broken := errors.New("broken")
	var fail atomic.Bool
	st := openStore(t, "data", store.Options{FS: vfs.NewMem(), BeforeCommit: func(int64) error {
		if fail.Load() {
			return broken
		}
		return nil
	}})
	r := &recorder{}
	db := openDB(t, st, r)
	claim := statedb.Claim(id(1), execution(1), time.Now())
	effects := statedb.Effects{Store: []statedb.Object{{Key: "k"}}}
	fail.Store(true)
	if _, err := db.Apply(t.Context(), claim, effects); !errors.Is(err, broken) {
		t.Fatalf("got %v", err)
	}
	fail.Store(false)
	if _, err := db.Get(t.Context(), claim.ID); !errors.Is(err, statedb.ErrNotFound) {
		t.Errorf("a record is there: %v", err)
	}
	if counts, err := db.Counts(t.Context(), ""); err != nil || len(counts) != 0 || len(r.effects()) != 0 {
		t.Errorf("counts %v, effects %v, %v", counts, r.effects(), err)
	}
	if _, err := db.Apply(t.Context(), claim, effects); err != nil {
		t.Errorf("the next one: %v", err)
	}
}

// TestGiveUpWaiting makes sure that a caller who waits for another's write can give up, and that the record is free afterwards.
func TestGiveUpWaiting(t *testing.T) {
	entered, leave := make(chan struct{}), make(chan struct{})
	st := openStore(t, "data", store.Options{FS: vfs.NewMem()})
	var once sync.Once
	db := openDB(t, st, sinkFunc(func() error {
		once.Do(func() { close(entered); <-leave })
		return nil
	}))
	effects := statedb.Effects{Store: []statedb.Object{{Key: "k"}}}
	first := make(chan error, 1)
	go func() {
		_, err := db.Apply(context.Background(), statedb.Claim(id(1), execution(1), time.Now()), effects)
		first <- err
	}()
	<-entered
	gone := errors.New("gone")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(gone)
	if _, err := db.Apply(ctx, statedb.Claim(id(1), execution(2), time.Now()), effects); !errors.Is(err, gone) {
		t.Errorf("waiting ended with %v", err)
	}
	close(leave)
	if err := <-first; err != nil {
		t.Error(err)
	}
	if _, err := db.Apply(t.Context(), statedb.Start(id(1), execution(1), time.Now()), effects); err != nil {
		t.Errorf("afterwards: %v", err)
	}
}

type sinkFunc func() error

func (f sinkFunc) EffectsTx(context.Context, *store.Tx, *statedb.Effects) error { return f() }

// TestSinkFails makes sure that a transition whose effects cannot be recorded does not happen.
func TestSinkFails(t *testing.T) {
	full := errors.New("full")
	db := openDB(t, openStore(t, "data", store.Options{FS: vfs.NewMem()}), sinkFunc(func() error { return full }))
	_, err := db.Apply(t.Context(), statedb.Claim(id(1), execution(1), time.Now()), statedb.Effects{Store: []statedb.Object{{Key: "k"}}})
	if !errors.Is(err, full) {
		t.Errorf("got %v", err)
	}
	if _, err := db.Get(t.Context(), id(1)); !errors.Is(err, statedb.ErrNotFound) {
		t.Errorf("a record is there: %v", err)
	}
}

func benchmark(b *testing.B, run func(db *embedded.DB, n int) error) {
	db := openDB(b, openStore(b, b.TempDir(), store.Options{}), nil)
	var next atomic.Int64
	b.SetParallelism(32) // goroutines per processor: 64 on two
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if err := run(db, int(next.Add(1))); err != nil {
				b.Error(err)
				return
			}
		}
	})
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "ops/s")
}

func BenchmarkClaim(b *testing.B) {
	benchmark(b, func(db *embedded.DB, n int) error {
		_, err := db.Apply(context.Background(), statedb.Claim(id(n), execution(n), time.Now()), statedb.Effects{})
		return err
	})
}

// BenchmarkLife claims, starts and completes: three commits.
func BenchmarkLife(b *testing.B) {
	benchmark(b, func(db *embedded.DB, n int) error {
		for _, t := range []statedb.Transition{
			statedb.Claim(id(n), execution(n), time.Now()), statedb.Start(id(n), execution(n), time.Now()), statedb.Succeed(id(n), execution(n), time.Now(), nil),
		} {
			if _, err := db.Apply(context.Background(), t, statedb.Effects{}); err != nil {
				return err
			}
		}
		return nil
	})
}

func BenchmarkQueryPage(b *testing.B) {
	db := openDB(b, openStore(b, b.TempDir(), store.Options{NoSync: true}), nil)
	for n := range 20_000 {
		if _, err := db.Apply(context.Background(), statedb.Claim(id(n), execution(n), time.Unix(int64(n), 0)), statedb.Effects{}); err != nil {
			b.Fatal(err)
		}
	}
	b.ResetTimer()
	for b.Loop() {
		page, err := db.Query(context.Background(), statedb.Query{Partition: id(0).PartitionKey(), State: statedb.Claimed})
		if err != nil || len(page.Records) != statedb.DefaultLimit {
			b.Fatalf("%d records, %v", len(page.Records), err)
		}
	}
}

// TestNothingIsMissedOnTheWay asks for everything while all records go from one state to another and back: each page holds all of them.
func TestNothingIsMissedOnTheWay(t *testing.T) {
	db := openDB(t, openStore(t, "data", store.Options{FS: vfs.NewMem()}), nil)
	const records, rounds = 3, 300
	put := func(i, round int) error {
		at := statedb.FormatTime(time.Unix(int64(round), 0))
		state := []statedb.State{statedb.Failed, statedb.Processing, statedb.Succeeded}[round%3]
		r := statedb.Record{ID: payload.ID{Collections: fmt.Sprintf("c%d", i), Workflow: "w", ItemIDs: "i"}, StateUpdated: string(state) + "_" + at, Created: at, Updated: at}
		return db.Put(t.Context(), r)
	}
	for i := range records {
		if err := put(i, 0); err != nil {
			t.Fatal(err)
		}
	}
	var g errgroup.Group
	var moving atomic.Int32
	moving.Store(records)
	for i := range records {
		g.Go(func() error {
			defer moving.Add(-1)
			for round := range rounds {
				if err := put(i, round+1); err != nil {
					return err
				}
			}
			return nil
		})
	}
	for moving.Load() > 0 {
		for _, q := range []statedb.Query{{}, {Workflow: "w"}, {Index: statedb.ByItemIDs}} {
			if page, err := db.Query(t.Context(), q); err != nil || len(page.Records) != records {
				t.Errorf("%+v finds %d records, %v", q, len(page.Records), err)
			}
		}
	}
	if err := g.Wait(); err != nil {
		t.Error(err)
	}
}
