package machine

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/google/uuid"

	"sundog/internal/embedded/store"
)

// Draft is a machine that is to be made (API reference, CreateStateMachine).
type Draft struct {
	Name       string
	Type       string // Standard when empty
	Definition []byte
	Config     Config
	Tags       []Tag
	// Publish asks for a version with this description; nil does not.
	Publish *string
}

// Create makes a machine, and a version of it when the draft asks for one; the version is nil otherwise. The same draft again, role and tags
// aside, gives what it gave before. The error of a wrong definition is asl.Diagnostics; others: ErrExists, ErrDeleting, ErrTooMany,
// ErrTooManyTags.
func (r *Registry) Create(ctx context.Context, d Draft) (Machine, *Version, error) {
	if d.Type == "" {
		d.Type = Standard
	}
	if _, err := parse(d.Type, d.Definition); err != nil {
		return Machine{}, nil, err
	}
	unlock, err := r.locks.Lock(ctx, d.Name)
	if err != nil {
		return Machine{}, nil, err
	}
	defer unlock()
	m, err := r.get(d.Name)
	switch {
	case err == nil && m.Status == Deleting:
		return m, nil, fmt.Errorf("%w: %s", ErrDeleting, m.ARN)
	case err == nil:
		return r.again(m, d)
	case !errors.Is(err, ErrNotFound):
		return m, nil, err
	}
	return r.create(ctx, d)
}

// again answers a draft whose name is taken.
func (r *Registry) again(m Machine, d Draft) (Machine, *Version, error) {
	if m.Owner != API || m.Type != d.Type || m.Revision.Definition != digestOf(d.Definition) || !m.Revision.sameSettings(d.Config) ||
		(m.Publish == nil) != (d.Publish == nil) || m.Publish != nil && *m.Publish != *d.Publish {
		return m, nil, fmt.Errorf("%s: %w", m.ARN, ErrExists)
	}
	if d.Publish == nil {
		return m, nil, nil
	}
	v, err := r.versionOf(m, m.Revision.ID)
	if err == nil && v == nil {
		err = fmt.Errorf("%s: %w: the version that was made with it was deleted", m.ARN, ErrExists)
	}
	return m, v, err
}

// sameSettings compares everything but the role.
func (c Config) sameSettings(other Config) bool {
	return bytes.Equal(c.Logging, other.Logging) && bytes.Equal(c.Tracing, other.Tracing) && bytes.Equal(c.Encryption, other.Encryption)
}

func (r *Registry) create(ctx context.Context, d Draft) (Machine, *Version, error) {
	if len(r.Machines("", MaxMachines)) >= MaxMachines {
		return Machine{}, nil, fmt.Errorf("%w: there are %d state machines", ErrTooMany, MaxMachines)
	}
	if len(d.Tags) > MaxTags {
		return Machine{}, nil, fmt.Errorf("%w: %d, a state machine can have %d", ErrTooManyTags, len(d.Tags), MaxTags)
	}
	now := r.now().UTC()
	m := Machine{
		Name: d.Name, ARN: r.Names.Machine(d.Name), Type: d.Type, Owner: API, Status: Active, Created: now, Tags: slices.Clone(d.Tags),
		Revision: Revision{Definition: digestOf(d.Definition), Since: now, Config: d.Config}, Publish: d.Publish,
	}
	tx := r.store.Begin()
	// A workflow that the project no longer has may have left some.
	tx.DeleteRange(versionPrefix(d.Name), versionPrefix(d.Name).End())
	tx.DeleteRange(aliasPrefix(d.Name), aliasPrefix(d.Name).End())
	if err := r.definitions.addTx(tx, m.Revision.Definition, d.Definition); err != nil {
		return m, nil, err
	}
	var v *Version
	if d.Publish != nil {
		v = r.publishTx(tx, &m, *d.Publish)
	}
	return m, v, r.commit(ctx, tx, m)
}

// Update is a change of a machine; what is nil or empty stays (API reference, UpdateStateMachine).
type Update struct {
	Definition []byte
	Config     Config
	// Publish asks for a version of the outcome with this description; nil does not.
	Publish *string
}

// Update changes a machine. It is a new revision unless nothing changes. The error of a wrong definition is asl.Diagnostics; others:
// ErrNotFound, ErrDeleting, ErrOwned, ErrTooMany.
func (r *Registry) Update(ctx context.Context, name string, u Update) (Machine, *Version, error) {
	var v *Version
	m, err := r.change(ctx, name, func(tx *store.Tx, m *Machine) error {
		if m.Owner == Project {
			return fmt.Errorf("%w: %s", ErrOwned, m.ARN)
		}
		next := m.Revision
		if u.Definition != nil {
			if _, err := parse(m.Type, u.Definition); err != nil {
				return err
			}
			next.Definition = digestOf(u.Definition)
			if err := r.definitions.addTx(tx, next.Definition, u.Definition); err != nil {
				return err
			}
		}
		next.set(u.Config)
		if next.Definition != m.Revision.Definition || next.RoleARN != m.Revision.RoleARN || !next.sameSettings(m.Revision.Config) {
			next.ID, next.Since = uuid.NewString(), r.now().UTC()
			m.Revision = next
		}
		if u.Publish == nil {
			return nil
		}
		var err error
		v, err = r.publishOnceTx(tx, m, *u.Publish)
		return err
	})
	return m, v, err
}

// set takes over what is there.
func (c *Config) set(u Config) {
	if u.RoleARN != "" {
		c.RoleARN = u.RoleARN
	}
	if u.Logging != nil {
		c.Logging = u.Logging
	}
	if u.Tracing != nil {
		c.Tracing = u.Tracing
	}
	if u.Encryption != nil {
		c.Encryption = u.Encryption
	}
}
