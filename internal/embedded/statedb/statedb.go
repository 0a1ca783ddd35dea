// Package statedb keeps the state database of the embedded platform in the store.
//
// # How
//
// A record is one key. Its two indexes within its partition, by the time of the last transition and by state and that time, and the
// one by workflow, state and time are keys of their own that are written in the same transaction, as are the counts. Queries that go
// over several partitions merge ranges of the last one: a range for each state of each workflow. Conditional writes of one record exclude each other by a lock on its
// key, held from reading to the end of the commit; those of different records share the store's group commit. The counts are
// also in memory, changed as transactions commit, so asking for them reads nothing.
package statedb

import (
	"context"
	"errors"
	"fmt"

	"sundog/internal/embedded/store"
	"sundog/internal/statedb"
	"sundog/payload"
)

// A Sink adds the effects of a transition to its transaction. An error keeps the transition from happening.
type Sink interface {
	EffectsTx(ctx context.Context, tx *store.Tx, e *statedb.Effects) error
}

// DB is the state database. It is safe for concurrent use. There is one on a store.
type DB struct {
	store  *store.Store
	sink   Sink
	locks  store.Locks
	counts counts
	recent recent
}

// Open reads the counts of the database in a store. Sink may be nil when no transition has effects.
func Open(st *store.Store, sink Sink) (*DB, error) {
	db := &DB{store: st, sink: sink}
	if err := upgrade(st); err != nil {
		return nil, fmt.Errorf("bringing the state database up to date: %w", err)
	}
	if err := db.counts.load(st); err != nil {
		return nil, fmt.Errorf("opening the state database: %w", err)
	}
	return db, nil
}

func recordKey(id payload.ID) store.Key {
	return store.NewKey(store.PrefixRecord).String(id.PartitionKey()).String(id.ItemIDs)
}

func updatedKey(r *statedb.Record) store.Key {
	return store.NewKey(store.PrefixRecordByTime).String(r.ID.PartitionKey()).String(r.Updated).String(r.ID.ItemIDs)
}

func flowKey(r *statedb.Record) store.Key {
	return store.NewKey(store.PrefixRecordFlow).String(r.ID.Workflow).String(string(r.State())).String(r.Stamp()).
		String(r.ID.PartitionKey()).String(r.ID.ItemIDs)
}

func stateKey(r *statedb.Record) store.Key {
	return store.NewKey(store.PrefixRecordState).String(r.ID.PartitionKey()).String(r.StateUpdated).String(r.ID.ItemIDs)
}

// Get returns the record of a payload. It returns statedb.ErrNotFound when there is none.
func (db *DB) Get(_ context.Context, id payload.ID) (statedb.Record, error) {
	key := recordKey(id)
	if value, ok := db.recent.get(string(key)); ok {
		return decode(id, value)
	}
	value, err := db.store.Get(key)
	if errors.Is(err, store.ErrNotFound) {
		return statedb.Record{}, fmt.Errorf("%w: %s", statedb.ErrNotFound, id)
	}
	if err != nil {
		return statedb.Record{}, fmt.Errorf("reading record %s: %w", id, err)
	}
	return decode(id, value)
}

// GetMany returns the records of payloads, in the order of the ids: each with its own error, statedb.ErrNotFound or
// statedb.ErrMalformed.
func (db *DB) GetMany(ctx context.Context, ids []payload.ID) ([]statedb.Found, error) {
	found := make([]statedb.Found, len(ids))
	for i, id := range ids {
		r, err := db.Get(ctx, id)
		if err != nil && !errors.Is(err, statedb.ErrNotFound) && !errors.Is(err, statedb.ErrMalformed) {
			return nil, err
		}
		found[i] = statedb.Found{Record: r, Err: err}
	}
	return found, nil
}

// Apply makes a transition, with its effects, and returns the record as it then is. It returns a *statedb.ConflictError when the
// transition does not fit. An error of another kind leaves the outcome open: the transition may have been made.
func (db *DB) Apply(ctx context.Context, t statedb.Transition, effects statedb.Effects) (statedb.Record, error) {
	var after statedb.Record
	err := db.change(ctx, t.ID, func(tx *store.Tx, before *statedb.Record) (*statedb.Record, error) {
		var err error
		if after, err = t.Apply(before); err != nil {
			return nil, err
		}
		return &after, db.effects(ctx, tx, &effects)
	})
	return after, err
}

// ApplyTx adds a transition, with its effects, to a transaction. The record is locked until settle is called with the outcome of the commit,
// which has to be done. Errors are those of Apply; settle is nil then.
func (db *DB) ApplyTx(ctx context.Context, tx *store.Tx, t statedb.Transition, effects statedb.Effects) (settle func(error), err error) {
	return db.changeTx(ctx, tx, t.ID, func(tx *store.Tx, before *statedb.Record) (*statedb.Record, error) {
		after, err := t.Apply(before)
		if err != nil {
			return nil, err
		}
		return &after, db.effects(ctx, tx, &effects)
	})
}

// Emit records effects that no transition causes.
func (db *DB) Emit(ctx context.Context, effects statedb.Effects) error {
	if effects.Empty() {
		return nil
	}
	tx := db.store.Begin()
	if err := db.effects(ctx, tx, &effects); err != nil {
		return err
	}
	return tx.Commit(ctx)
}

// Counts returns how many records there are by workflow, collections and state; without those that are zero. Partition, the
// `collections_workflow`, may be empty for all.
func (db *DB) Counts(_ context.Context, partition string) ([]statedb.Count, error) {
	return db.counts.list(partition), nil
}

// WorkflowCounts returns how many records there are by workflow and state; without those that are zero. Workflow may be empty for
// all.
func (db *DB) WorkflowCounts(_ context.Context, workflow string) ([]statedb.WorkflowCount, error) {
	return db.counts.workflowList(workflow), nil
}

func (db *DB) effects(ctx context.Context, tx *store.Tx, e *statedb.Effects) error {
	if e.Empty() {
		return nil
	}
	if db.sink == nil {
		return errors.New("state database: it was opened without a sink, so transitions cannot have effects")
	}
	if err := db.sink.EffectsTx(ctx, tx, e); err != nil {
		return fmt.Errorf("recording effects: %w", err)
	}
	return nil
}
