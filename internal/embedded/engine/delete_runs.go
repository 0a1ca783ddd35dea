package engine

import (
	"context"
	"errors"

	"sundog/asl"
	"sundog/internal/embedded/store"
)

// deleteRuns removes the children of an ended execution's map runs, a bounded number in each transaction of its own, and then adds the removal
// of the runs themselves to tx. Cut off, it goes on when it is called again. It returns ErrRunning when a run has not ended yet.
func (e *Engine) deleteRuns(ctx context.Context, tx *store.Tx, execution uint64) error {
	for entry, err := range e.store.Scan(store.NewKey(store.PrefixMapRun).Uint(runSettings).Uint(execution).Range()) {
		if err != nil {
			return err
		}
		f := store.Split(entry.Key)
		_, _ = f.Uint(), f.Uint()
		ref := runRef{Execution: execution, Run: asl.MapRunID(f.Uint())}
		if err := f.Err(); err != nil {
			return err
		}
		open, err := e.store.Has(ref.key(runOpen))
		if err != nil {
			return err
		}
		if open {
			return ErrRunning
		}
		if err := e.deleteChildren(ctx, ref); err != nil {
			return err
		}
		var record runRecord
		if _, err := e.getJSON(ref.key(runSettings), &record); err != nil {
			return err
		}
		for _, kind := range []uint64{runSettings, runProgress, runStop} {
			tx.Delete(ref.key(kind))
		}
		tx.Delete(runARNKey(record.ARN))
	}
	return nil
}

// deleteChildren removes the children of a run that has ended.
func (e *Engine) deleteChildren(ctx context.Context, ref runRef) error {
	tx, n := e.store.Begin(), 0
	for _, kind := range []uint64{runRunning, runChild} {
		for entry, err := range e.store.Scan(ref.key(kind).Range()) {
			if err != nil {
				return err
			}
			row, err := decodeChild(entry.Value)
			if err != nil {
				return err
			}
			if err := e.deleteChild(ctx, tx, row.execution); err != nil {
				return err
			}
			tx.Delete(entry.Key)
			if n++; n%expireStep == 0 {
				if err := tx.Commit(ctx); err != nil {
					return err
				}
				tx = e.store.Begin()
			}
		}
	}
	if tx.Empty() {
		return nil
	}
	return tx.Commit(ctx)
}

// deleteChild adds the removal of a child, which may have map runs of its own. One that an earlier attempt has removed is not there.
func (e *Engine) deleteChild(ctx context.Context, tx *store.Tx, id uint64) error {
	d, err := e.describe(id)
	if errors.Is(err, ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	if d.Stop.IsZero() {
		return ErrRunning
	}
	if err := e.deleteRuns(ctx, tx, id); err != nil {
		return err
	}
	return e.deleteParts(tx, &d)
}

// deleteParts adds the removal of what is stored of an ended execution, under its number and its name. It goes key by key: a range tombstone for each
// execution would slow down every reader.
func (e *Engine) deleteParts(tx *store.Tx, d *Description) error {
	for _, prefix := range []byte{store.PrefixExecutionPart, store.PrefixDocument, store.PrefixHistory, store.PrefixTask} {
		for entry, err := range e.store.Scan(store.NewKey(prefix).Uint(d.id).Range()) {
			if err != nil {
				return err
			}
			tx.Delete(entry.Key)
		}
	}
	tx.Delete(nameKey(d.Machine, d.unique()))
	tx.Delete(d.key())
	return nil
}
