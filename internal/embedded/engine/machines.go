package engine

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"

	"sundog/asl"
	"sundog/internal/embedded/store"
)

// Machine is a registered workflow.
type Machine struct {
	Name       string
	ARN        string
	Type       string // STANDARD or EXPRESS
	Definition []byte
	digest     string
	parsed     *asl.Machine
}

// machines are the registered workflows by name, and definitions by digest: an execution goes on with the definition it
// began with, whatever the project says now.
type machines struct {
	opts   Options
	mu     sync.RWMutex
	byName map[string]*Machine
	parsed map[string]*asl.Machine
}

func newMachines(opts Options) *machines {
	return &machines{opts: opts, byName: map[string]*Machine{}, parsed: map[string]*asl.Machine{}}
}

func definitionKey(digest string) store.Key {
	return store.NewKey(store.PrefixDefinition).String(digest)
}

// Register makes a workflow startable under its name, in place of an earlier one of that name. The definition is stored.
func (e *Engine) Register(ctx context.Context, name, kind string, definition []byte) error {
	parsed, err := asl.Parse(definition)
	if err != nil {
		return fmt.Errorf("workflow %s: %w", name, err)
	}
	sum := sha256.Sum256(definition)
	m := &Machine{Name: name, ARN: e.MachineARN(name), Type: kind, Definition: definition, digest: hex.EncodeToString(sum[:16]), parsed: parsed}
	if m.Type == "" {
		m.Type = "STANDARD"
	}
	known, err := e.store.Has(definitionKey(m.digest))
	if err != nil {
		return err
	}
	if !known {
		tx := e.store.Begin()
		tx.Set(definitionKey(m.digest), definition)
		if err := tx.Commit(ctx); err != nil {
			return fmt.Errorf("storing workflow %s: %w", name, err)
		}
	}
	e.machines.mu.Lock()
	defer e.machines.mu.Unlock()
	e.machines.byName[name] = m
	e.machines.parsed[m.digest] = parsed
	return nil
}

// Machine returns a registered workflow by name or ARN.
func (e *Engine) Machine(nameOrARN string) (*Machine, error) {
	name, err := e.MachineOf(nameOrARN)
	if err != nil {
		return nil, err
	}
	e.machines.mu.RLock()
	defer e.machines.mu.RUnlock()
	if m := e.machines.byName[name]; m != nil {
		return m, nil
	}
	return nil, fmt.Errorf("%w: %s; registered are %v", ErrNoMachine, name, slices.Sorted(maps.Keys(e.machines.byName)))
}

// Machines returns the registered workflows in the order of their names.
func (e *Engine) Machines() []*Machine {
	e.machines.mu.RLock()
	defer e.machines.mu.RUnlock()
	all := make([]*Machine, 0, len(e.machines.byName))
	for _, name := range slices.Sorted(maps.Keys(e.machines.byName)) {
		all = append(all, e.machines.byName[name])
	}
	return all
}

// definition returns the definition with which an execution began.
func (e *Engine) definition(digest string) (*asl.Machine, error) {
	e.machines.mu.RLock()
	m := e.machines.parsed[digest]
	e.machines.mu.RUnlock()
	if m != nil {
		return m, nil
	}
	text, err := e.store.Get(definitionKey(digest))
	if errors.Is(err, store.ErrNotFound) {
		return nil, fmt.Errorf("definition %s is not in the store", digest)
	}
	if err != nil {
		return nil, err
	}
	m, err = asl.Parse(text)
	if err != nil {
		return nil, fmt.Errorf("definition %s: %w", digest, err)
	}
	e.machines.mu.Lock()
	defer e.machines.mu.Unlock()
	e.machines.parsed[digest] = m
	return m, nil
}
