package engine

import (
	"context"
	"errors"
	"fmt"

	"sundog/asl"
	"sundog/internal/embedded/machine"
	"sundog/internal/embedded/store"
)

// Machines is the registry of the state machines that the engine can start.
func (e *Engine) Machines() *machine.Registry { return e.machines }

// Register makes a workflow of the project startable under its name, in place of an earlier one of that name.
func (e *Engine) Register(ctx context.Context, name, kind string, definition []byte) error {
	return e.machines.Declare(ctx, name, kind, definition)
}

// definition returns the definition with which an execution began.
func (e *Engine) definition(digest string) (*asl.Machine, error) { return e.machines.Parsed(digest) }

// DeleteMachine begins to delete a state machine, which need not exist: it starts nothing any more, what runs is aborted, and when nothing is
// open it is gone, after a restart if need be. An execution whose start was under way runs to its end. Its executions can still be described.
// Errors: machine.ErrOwned, machine.ErrInvalidARN.
func (e *Engine) DeleteMachine(ctx context.Context, nameOrARN string) error {
	ref, err := e.machines.Parse(nameOrARN)
	if errors.Is(err, machine.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	if err := e.machines.Delete(ctx, ref.Name); err != nil {
		return err
	}
	e.clear(ref.Name)
	return nil
}

// clear removes a machine that is being deleted, in the background.
func (e *Engine) clear(name string) {
	e.wg.Go(func() {
		err := e.abortAll(name)
		if err == nil {
			err = e.machines.Remove(e.ctx, name)
		}
		if err != nil && e.ctx.Err() == nil {
			e.logger.Error("a state machine is not deleted yet; the next start takes it up", "machine", name, "error", err)
		}
	})
}

// abortAll aborts the open executions of a machine.
func (e *Engine) abortAll(name string) error {
	for entry, err := range e.store.Scan(store.NewKey(store.PrefixOpen).String(name).Range()) {
		if err != nil {
			return err
		}
		f := store.Split(entry.Key)
		_, _, id := f.String(), f.Time(), f.Uint()
		if err := f.Err(); err != nil {
			return err
		}
		err := e.call(e.ctx, id, asl.StopRequested{Cause: "The state machine was deleted"})
		if err != nil && !errors.Is(err, ErrEnded) && !errors.Is(err, ErrNotFound) {
			return fmt.Errorf("aborting the executions of %s: %w", name, err)
		}
	}
	return nil
}
