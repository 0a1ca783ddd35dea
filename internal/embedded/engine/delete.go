package engine

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"sundog/asl"
	"sundog/internal/embedded/store"
)

// ErrRunning is the error of what can only be done to an execution that has ended, and all map runs of it.
var ErrRunning = errors.New("execution is still running")

// ErrChild is the error of deleting a child of a map run by itself.
var ErrChild = errors.New("the execution goes with its parent: it is a child of")

// Look returns an execution without reading its documents, or ErrNotFound.
func (e *Engine) Look(_ context.Context, arn string) (Description, error) {
	id, err := e.find(arn)
	if err != nil {
		return Description{}, err
	}
	d, err := e.describe(id)
	if err != nil {
		return d, fmt.Errorf("%w: %s", err, arn)
	}
	return d, nil
}

// Owns reports whether an ARN has the form of those that this engine gives to executions.
func (e *Engine) Owns(arn string) bool {
	_, _, err := e.split(arn)
	return err == nil
}

// Delete removes an execution that has ended, with its history and documents, and with the children of its map runs; its name may be used
// again. It returns ErrNotFound, ErrRunning, or ErrChild. Whoever takes an ended execution up again
// holds the lock of its name, as Redrive does.
func (e *Engine) Delete(ctx context.Context, arn string) error {
	machine, name, err := e.split(arn)
	if err != nil {
		return err
	}
	tx := e.store.Begin()
	unlock, err := e.deleteTx(ctx, tx, machine, name)
	if err != nil {
		return fmt.Errorf("deleting %s: %w", arn, err)
	}
	defer unlock()
	if err := tx.Commit(context.WithoutCancel(ctx)); err != nil {
		return fmt.Errorf("deleting %s: %w", arn, err)
	}
	return nil
}

// deleteTx adds the removal of an ended execution to a transaction. Its name stays locked until unlock is called.
func (e *Engine) deleteTx(ctx context.Context, tx *store.Tx, machine, name string) (unlock func(), err error) {
	locked, err := e.starting.Lock(ctx, machine+":"+name)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			locked()
		}
	}()
	id, err := e.lookup(machine, name)
	if err != nil {
		return nil, err
	}
	d, err := e.describe(id)
	if err != nil {
		return nil, err
	}
	if d.isChild() {
		return nil, fmt.Errorf("%w %s", ErrChild, d.MapRun)
	}
	if d.Status == asl.Running {
		return nil, ErrRunning
	}
	if err := e.deleteRuns(ctx, tx, id); err != nil {
		return nil, err
	}
	if err := e.deleteParts(tx, &d); err != nil {
		return nil, err
	}
	tx.Delete(endedKey(&d))
	return locked, nil
}

// expireStep bounds the executions that one transaction removes.
const expireStep = 100

// Expire removes the executions that ended before a time, which is given for each workflow; the zero time keeps all of it. It returns
// how many, and can be stopped between two transactions.
func (e *Engine) Expire(ctx context.Context, before func(machine string) time.Time) (int, error) {
	removed := 0
	next := store.NewKey(store.PrefixEnded)
	end := next.End()
	for next != nil {
		n, at, err := e.expireSome(ctx, store.Range{Low: next, High: end}, before)
		removed += n
		if err != nil {
			return removed, fmt.Errorf("expiring executions: %w", err)
		}
		next = at
	}
	return removed, nil
}

// expireSome removes up to expireStep executions, and returns where to go on; nil at the end.
func (e *Engine) expireSome(ctx context.Context, r store.Range, before func(machine string) time.Time) (removed int, next store.Key, err error) {
	tx := e.store.Begin()
	var unlocks []func()
	defer func() {
		for _, unlock := range unlocks {
			unlock()
		}
	}()
	for entry, err := range e.store.Scan(r) {
		if err != nil {
			return 0, nil, err
		}
		f := store.Split(entry.Key)
		machine, stop, id := f.String(), f.Time(), f.Uint()
		if err := f.Err(); err != nil {
			return 0, nil, err
		}
		if !stop.Before(before(machine)) { // and so are the others of this workflow
			next = store.NewKey(store.PrefixEnded).String(machine).End()
			break
		}
		if removed == expireStep {
			next = bytes.Clone(entry.Key)
			break
		}
		d, err := e.describe(id)
		var unlock func()
		if err == nil {
			unlock, err = e.deleteTx(ctx, tx, machine, d.unique())
		}
		switch {
		case err == nil:
			unlocks = append(unlocks, unlock)
			removed++
		case !errors.Is(err, ErrNotFound) && !errors.Is(err, ErrRunning): // somebody else was faster
			return 0, nil, err
		}
	}
	if removed == 0 {
		return 0, next, context.Cause(ctx)
	}
	return removed, next, tx.Commit(context.WithoutCancel(ctx))
}
