package statedb

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"

	"sundog/internal/embedded/store"
	"sundog/internal/statedb"
	"sundog/payload"
)

// Put writes a record as it is, over the one that may be there, whatever others have made of it: it need only have a key and a
// state_updated.
func (db *DB) Put(ctx context.Context, r statedb.Record) error {
	if r.ID.ItemIDs == "" || r.StateUpdated == "" {
		return fmt.Errorf("%w %s: it lacks an item id or state_updated", statedb.ErrMalformed, r.ID)
	}
	return db.change(ctx, r.ID, func(*store.Tx, *statedb.Record) (*statedb.Record, error) { return &r, nil })
}

// Replace writes a record over the one that was read, with effects; after nil deletes it. It returns statedb.ErrChanged when the record
// is no longer as it was read, statedb.ErrNotFound when it is gone.
func (db *DB) Replace(ctx context.Context, before statedb.Record, after *statedb.Record, effects statedb.Effects) error {
	if after != nil {
		if after.ID != before.ID {
			return fmt.Errorf("replacing record %s by %s: %w: they have different ids", before.ID, after.ID, statedb.ErrMalformed)
		}
		if err := after.CheckStored(); err != nil {
			return err
		}
	}
	return db.change(ctx, before.ID, func(tx *store.Tx, found *statedb.Record) (*statedb.Record, error) {
		if found == nil {
			return nil, fmt.Errorf("%w: %s", statedb.ErrNotFound, before.ID)
		}
		if !bytes.Equal(encode(found), encode(&before)) {
			return nil, fmt.Errorf("%w: %s", statedb.ErrChanged, before.ID)
		}
		return after, db.effects(ctx, tx, &effects)
	})
}

// Delete removes the record of a payload, with effects. It returns statedb.ErrNotFound when there is none. The payload's objects and
// executions stay.
func (db *DB) Delete(ctx context.Context, id payload.ID, effects statedb.Effects) error {
	return db.change(ctx, id, func(tx *store.Tx, before *statedb.Record) (*statedb.Record, error) {
		if before == nil {
			return nil, fmt.Errorf("%w: %s", statedb.ErrNotFound, id)
		}
		return nil, db.effects(ctx, tx, &effects)
	})
}

// PutMany brings records in, all in one write, and says what became of each. Of records with the same id the last one counts. There
// may be statedb.MaxPut of them. The error wraps statedb.ErrMalformed when one of them cannot be stored; then none is.
func (db *DB) PutMany(ctx context.Context, records []statedb.Record, over statedb.Overwrite) ([]statedb.Brought, error) {
	if len(records) > statedb.MaxPut {
		return nil, fmt.Errorf("storing %d records at once: %d are allowed", len(records), statedb.MaxPut)
	}
	last := make(map[string]int, len(records)) // by key
	keys := make([]string, 0, len(records))
	for i := range records {
		if err := records[i].CheckStored(); err != nil {
			return nil, err
		}
		key := string(recordKey(records[i].ID))
		if _, again := last[key]; !again {
			keys = append(keys, key)
		}
		last[key] = i
	}
	slices.Sort(keys) // so that two who write the same records cannot wait for each other
	for _, key := range keys {
		unlock, err := db.locks.Lock(ctx, key)
		if err != nil {
			return nil, fmt.Errorf("storing records: %w", err)
		}
		defer unlock()
	}
	before, err := db.findMany(keys, func(key string) payload.ID { return records[last[key]].ID })
	if err != nil {
		return nil, err
	}
	tx := db.store.Begin()
	brought := make([]statedb.Brought, len(records))
	written := make(map[string][]byte, len(keys))
	for _, key := range keys {
		after, before := &records[last[key]], before[key]
		if brought[last[key]] = over.Decide(before); brought[last[key]] == statedb.Stored {
			written[key] = encode(after)
			db.replaceTx(tx, store.Key(key), before, after, written[key])
		}
	}
	for i := range records { // earlier ones of the same id
		brought[i] = brought[last[string(recordKey(records[i].ID))]]
	}
	if len(written) == 0 {
		return brought, nil
	}
	if err := tx.Commit(context.WithoutCancel(ctx)); err != nil {
		for key := range written {
			db.recent.drop(key) // not known
		}
		return nil, fmt.Errorf("storing %d records: %w", len(written), err)
	}
	for key := range written {
		db.recent.drop(key) // they are not about to be worked on
	}
	return brought, nil
}

// find returns a record, or nil when there is none.
func (db *DB) find(ctx context.Context, id payload.ID) (*statedb.Record, error) {
	r, err := db.Get(ctx, id)
	if errors.Is(err, statedb.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return &r, nil
}

// findMany returns the records that there are of some keys, which are sorted.
func (db *DB) findMany(keys []string, id func(key string) payload.ID) (map[string]*statedb.Record, error) {
	found := map[string]*statedb.Record{}
	err := db.store.GetMany(keys, func(key string, value []byte) error {
		r, err := decode(id(key), value)
		found[key] = &r
		return err
	})
	return found, err
}

// change replaces a record by what f makes of it; nil stands for none, before and after.
func (db *DB) change(ctx context.Context, id payload.ID, f func(tx *store.Tx, before *statedb.Record) (*statedb.Record, error)) error {
	tx := db.store.Begin()
	settle, err := db.changeTx(ctx, tx, id, f)
	if err != nil {
		return err
	}
	// Once submitted the transaction may be applied. The lock is held until that is known, whatever becomes of the caller.
	err = tx.Commit(context.WithoutCancel(ctx))
	settle(err)
	if err != nil {
		return fmt.Errorf("writing record %s: %w", id, err)
	}
	return nil
}

// changeTx adds the replacement of a record to a transaction. The record is locked until settle is called with the outcome of the commit.
func (db *DB) changeTx(
	ctx context.Context, tx *store.Tx, id payload.ID, f func(tx *store.Tx, before *statedb.Record) (*statedb.Record, error),
) (settle func(error), err error) {
	key := recordKey(id)
	unlock, err := db.locks.Lock(ctx, string(key))
	if err != nil {
		return nil, fmt.Errorf("writing record %s: %w", id, err)
	}
	defer func() {
		if err != nil {
			unlock()
		}
	}()
	before, err := db.find(ctx, id)
	if err != nil {
		return nil, err
	}
	after, err := f(tx, before)
	if err != nil {
		return nil, err
	}
	var value []byte
	if after != nil {
		value = encode(after)
	}
	db.replaceTx(tx, key, before, after, value)
	return func(err error) {
		defer unlock()
		if err != nil || after == nil { // what is there is not known, or nothing
			db.recent.drop(string(key))
		} else {
			db.recent.put(string(key), value)
		}
	}, nil
}

// replaceTx adds to a transaction that a record takes the place of another, either of which may be missing, with indexes and counts.
func (db *DB) replaceTx(tx *store.Tx, key store.Key, before, after *statedb.Record, value []byte) {
	if before != nil {
		unindex(tx, before)
	}
	if after != nil {
		tx.Set(key, value)
		index(tx, after)
	} else {
		tx.Delete(key)
	}
	db.counts.move(tx, before, after)
}

// index writes the index rows of a record. A record without `updated` is not in the index on it, as in DynamoDB.
func index(tx *store.Tx, r *statedb.Record) {
	tx.Set(stateKey(r), nil)
	tx.Set(flowKey(r), nil)
	if r.Updated != "" {
		tx.Set(updatedKey(r), nil)
	}
}

func unindex(tx *store.Tx, r *statedb.Record) {
	tx.Delete(stateKey(r))
	tx.Delete(flowKey(r))
	if r.Updated != "" {
		tx.Delete(updatedKey(r))
	}
}
