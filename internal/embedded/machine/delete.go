package machine

import (
	"context"
	"errors"
	"fmt"

	"sundog/internal/embedded/store"
)

// Delete marks a machine as being deleted: it starts nothing any more. Who runs its executions ends them and then calls Remove. The machine need
// not exist, and may be marked already. Errors: ErrOwned.
func (r *Registry) Delete(ctx context.Context, name string) error {
	_, err := r.change(ctx, name, func(_ *store.Tx, m *Machine) error {
		if m.Owner == Project {
			return fmt.Errorf("%w: %s", ErrOwned, m.ARN)
		}
		m.Status = Deleting
		return nil
	})
	if errors.Is(err, ErrNotFound) || errors.Is(err, ErrDeleting) {
		return nil
	}
	return err
}

// Remove takes a machine that is being deleted out of the registry, with its versions, aliases and tags. Another one that has the name by now
// stays.
func (r *Registry) Remove(ctx context.Context, name string) error {
	unlock, err := r.locks.Lock(ctx, name)
	if err != nil {
		return err
	}
	defer unlock()
	if m, err := r.get(name); err != nil || m.Status != Deleting {
		return nil
	}
	tx := r.store.Begin()
	tx.Delete(machineKey(name))
	tx.DeleteRange(versionPrefix(name), versionPrefix(name).End())
	tx.DeleteRange(aliasPrefix(name), aliasPrefix(name).End())
	if err := tx.Commit(context.WithoutCancel(ctx)); err != nil {
		return fmt.Errorf("deleting state machine %s: %w", name, err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.byName, name)
	delete(r.declared, name)
	return nil
}
