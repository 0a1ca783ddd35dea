package machine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/google/uuid"

	"sundog/asl"
	"sundog/internal/embedded/store"
)

// Options of a registry.
type Options struct {
	Store *store.Store
	Names Names
	// Now is the clock, time.Now when nil.
	Now func() time.Time
}

// Registry holds the machines of a platform. It is safe for concurrent use.
type Registry struct {
	Names

	store       *store.Store
	now         func() time.Time
	definitions *definitions
	locks       store.Locks // of a machine, by name, for whatever changes it

	mu       sync.RWMutex
	byName   map[string]Machine
	declared map[string]bool // workflows that the project has now; those that it had once do not show
}

// Open reads the registry from its store.
func Open(opts Options) (*Registry, error) {
	if opts.Now == nil {
		opts.Now = time.Now
	}
	r := &Registry{
		Names: opts.Names, store: opts.Store, now: opts.Now, definitions: newDefinitions(opts.Store),
		byName: map[string]Machine{}, declared: map[string]bool{},
	}
	for entry, err := range r.store.Scan(store.NewKey(store.PrefixMachine).Range()) {
		if err != nil {
			return nil, fmt.Errorf("reading the state machines: %w", err)
		}
		var m Machine
		if err := json.Unmarshal(entry.Value, &m); err != nil {
			return nil, fmt.Errorf("reading a state machine: %w", err)
		}
		m.ARN = r.Names.Machine(m.Name)
		r.byName[m.Name] = m
	}
	return r, nil
}

func machineKey(name string) store.Key { return store.NewKey(store.PrefixMachine).String(name) }

// marshal makes the stored form of a record of plain fields, which always marshals.
func marshal(v any) []byte {
	text, err := json.Marshal(v)
	if err != nil {
		panic(fmt.Sprintf("machine: storing %+v: %v", v, err))
	}
	return text
}

// get returns a machine that shows, or ErrNotFound.
func (r *Registry) get(name string) (Machine, error) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	m, ok := r.byName[name]
	if !ok || m.Owner == Project && !r.declared[name] {
		return Machine{}, fmt.Errorf("%w: %s", ErrNotFound, r.Names.Machine(name))
	}
	return m, nil
}

// put makes a committed machine known.
func (r *Registry) put(m Machine) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.byName[m.Name] = m
	r.declared[m.Name] = m.Owner == Project
}

// Machine returns a machine by name or ARN, which may be that of a version or an alias. Errors: ErrNotFound, ErrInvalidARN.
func (r *Registry) Machine(nameOrARN string) (Machine, error) {
	ref, err := r.Parse(nameOrARN)
	if err != nil {
		return Machine{}, err
	}
	return r.get(ref.Name)
}

// Machines returns at most limit machines in the order of their names, from the first one after a name on.
func (r *Registry) Machines(after string, limit int) []Machine {
	r.mu.RLock()
	defer r.mu.RUnlock()
	var all []Machine
	for _, name := range slices.Sorted(maps.Keys(r.byName)) {
		if m := r.byName[name]; name > after && len(all) < limit && (m.Owner == API || r.declared[name]) {
			all = append(all, m)
		}
	}
	return all
}

// Deleting returns the names of the machines that are being deleted.
func (r *Registry) Deleting() []string {
	r.mu.RLock()
	defer r.mu.RUnlock()
	var names []string
	for name, m := range r.byName {
		if m.Status == Deleting {
			names = append(names, name)
		}
	}
	return names
}

// Definition returns the text of a definition by its digest.
func (r *Registry) Definition(digest string) ([]byte, error) { return r.definitions.text(digest) }

// Parsed returns a definition by its digest.
func (r *Registry) Parsed(digest string) (*asl.Machine, error) { return r.definitions.machine(digest) }

// Declare makes a workflow of the project a machine, in place of whatever has its name. When it is not what it was, it is a new revision.
// The error of a wrong definition is asl.Diagnostics.
func (r *Registry) Declare(ctx context.Context, name, kind string, definition []byte) error {
	if kind == "" {
		kind = Standard
	}
	if _, err := parse(kind, definition); err != nil {
		return fmt.Errorf("workflow %s: %w", name, err)
	}
	unlock, err := r.locks.Lock(ctx, name)
	if err != nil {
		return err
	}
	defer unlock()
	m, err := r.stored(name)
	if err != nil && !errors.Is(err, ErrNotFound) {
		return err
	}
	digest := digestOf(definition)
	revision := Revision{ID: m.Revision.ID, Definition: digest, Since: m.Revision.Since, Config: Config{RoleARN: r.Role(name)}}
	if m.Owner == Project && m.Type == kind && m.Status == Active && m.Revision.Definition == digest && m.Revision.RoleARN == revision.RoleARN {
		r.put(m)
		return nil
	}
	revision.Since = r.now().UTC()
	if m.Revision.Definition != "" {
		revision.ID = uuid.NewString()
	}
	if m.Created.IsZero() {
		m.Created = revision.Since
	}
	m.Name, m.ARN, m.Type, m.Owner, m.Status, m.Revision = name, r.Names.Machine(name), kind, Project, Active, revision
	tx := r.store.Begin()
	if err := r.definitions.addTx(tx, digest, definition); err != nil {
		return err
	}
	return r.commit(ctx, tx, m)
}

// stored returns what is stored under a name, whether it shows or not: a workflow that comes back to the project is the one it was.
func (r *Registry) stored(name string) (Machine, error) {
	var m Machine
	text, err := r.store.Get(machineKey(name))
	if errors.Is(err, store.ErrNotFound) {
		return m, ErrNotFound
	}
	if err == nil {
		err = json.Unmarshal(text, &m)
	}
	m.ARN = r.Names.Machine(name)
	return m, err
}

// commit writes a machine with what else is in the transaction.
func (r *Registry) commit(ctx context.Context, tx *store.Tx, m Machine) error {
	tx.Set(machineKey(m.Name), marshal(m))
	if err := tx.Commit(context.WithoutCancel(ctx)); err != nil { // half a change in memory would be none on disk
		return fmt.Errorf("storing state machine %s: %w", m.ARN, err)
	}
	r.put(m)
	return nil
}

// change locks a machine, lets f change a copy and add to the transaction, and commits both.
func (r *Registry) change(ctx context.Context, name string, f func(tx *store.Tx, m *Machine) error) (Machine, error) {
	unlock, err := r.locks.Lock(ctx, name)
	if err != nil {
		return Machine{}, err
	}
	defer unlock()
	m, err := r.get(name)
	if err != nil {
		return m, err
	}
	if m.Status == Deleting {
		return m, fmt.Errorf("%w: %s", ErrDeleting, m.ARN)
	}
	tx := r.store.Begin()
	changed := m
	if err := f(tx, &changed); err != nil {
		return m, err
	}
	return changed, r.commit(ctx, tx, changed)
}
