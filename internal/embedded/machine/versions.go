package machine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"sundog/internal/embedded/store"
)

func versionPrefix(name string) store.Key {
	return store.NewKey(store.PrefixMachineVersion).String(name)
}

func versionKey(name string, number int64) store.Key {
	return versionPrefix(name).Uint(uint64(number))
}

// Initial is how the API names the revision that a machine was created with.
const Initial = "INITIAL"

// Publish gives the current revision of a machine a number, unless it has one: then that version is the answer. When revision is not empty,
// it must be the current one. Errors: ErrNotFound, ErrDeleting, ErrRevision, ErrTooMany.
func (r *Registry) Publish(ctx context.Context, name, revision, description string) (*Version, error) {
	var v *Version
	_, err := r.change(ctx, name, func(tx *store.Tx, m *Machine) error {
		current := m.Revision.ID
		if current == "" {
			current = Initial
		}
		if revision != "" && revision != current {
			return fmt.Errorf("%w: it is %s, not %s", ErrRevision, current, revision)
		}
		var err error
		v, err = r.publishOnceTx(tx, m, description)
		return err
	})
	return v, err
}

// publishOnceTx publishes the current revision, unless it has a version.
func (r *Registry) publishOnceTx(tx *store.Tx, m *Machine, description string) (*Version, error) {
	if v, err := r.versionOf(*m, m.Revision.ID); v != nil || err != nil {
		return v, err
	}
	all, err := r.versions(m.Name)
	if err != nil {
		return nil, err
	}
	if len(all) >= MaxVersions {
		return nil, fmt.Errorf("%w: %s has %d versions; delete those that are no longer used", ErrTooMany, m.ARN, MaxVersions)
	}
	return r.publishTx(tx, m, description), nil
}

func (r *Registry) publishTx(tx *store.Tx, m *Machine, description string) *Version {
	m.LastVersion++
	v := &Version{
		ARN: r.Names.Version(m.Name, m.LastVersion), Number: m.LastVersion, Description: description, Created: r.now().UTC(), Revision: m.Revision,
	}
	tx.Set(versionKey(m.Name, v.Number), marshal(v))
	return v
}

// versionOf returns the version of a revision, nil when it has none.
func (r *Registry) versionOf(m Machine, revision string) (*Version, error) {
	all, err := r.versions(m.Name)
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(all, func(v Version) bool { return v.Revision.ID == revision })
	if i < 0 {
		return nil, nil
	}
	return &all[i], nil
}

// Versions returns the versions of a machine, the latest first. Errors: ErrNotFound.
func (r *Registry) Versions(name string) ([]Version, error) {
	if _, err := r.get(name); err != nil {
		return nil, err
	}
	return r.versions(name)
}

func (r *Registry) versions(name string) ([]Version, error) {
	rng := versionPrefix(name).Range()
	rng.Reverse = true
	var all []Version
	for entry, err := range r.store.Scan(rng) {
		if err != nil {
			return nil, fmt.Errorf("reading the versions of %s: %w", name, err)
		}
		var v Version
		if err := json.Unmarshal(entry.Value, &v); err != nil {
			return nil, fmt.Errorf("reading a version of %s: %w", name, err)
		}
		v.ARN = r.Names.Version(name, v.Number)
		all = append(all, v)
	}
	return all, nil
}

// Version returns a version of a machine by its number. Errors: ErrNotFound, ErrNoVersion.
func (r *Registry) Version(name string, number int64) (Version, error) {
	v := Version{ARN: r.Names.Version(name, number)}
	if _, err := r.get(name); err != nil {
		return v, err
	}
	text, err := r.store.Get(versionKey(name, number))
	if errors.Is(err, store.ErrNotFound) {
		return v, fmt.Errorf("%w: %s", ErrNoVersion, v.ARN)
	}
	if err == nil {
		err = json.Unmarshal(text, &v)
	}
	return v, err
}

// DeleteVersion deletes a version, which need not exist. Its number is not given again. Errors: *ReferencedError, ErrDeleting.
func (r *Registry) DeleteVersion(ctx context.Context, name string, number int64) error {
	_, err := r.change(ctx, name, func(tx *store.Tx, m *Machine) error {
		aliases, err := r.aliases(m.Name)
		if err != nil {
			return err
		}
		var leading []string
		for _, a := range aliases {
			if a.leadsTo(number) {
				leading = append(leading, a.Name)
			}
		}
		if leading != nil {
			return &ReferencedError{Aliases: leading}
		}
		tx.Delete(versionKey(m.Name, number))
		return nil
	})
	if errors.Is(err, ErrNotFound) {
		return nil
	}
	return err
}
