package machine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"sundog/internal/embedded/store"
)

func aliasPrefix(name string) store.Key {
	return store.NewKey(store.PrefixMachineAlias).String(name)
}

func aliasKey(name, alias string) store.Key { return aliasPrefix(name).String(alias) }

// leadsTo says whether the alias starts executions of a version.
func (a Alias) leadsTo(version int64) bool {
	return slices.ContainsFunc(a.Routes, func(r Route) bool { return r.Version == version })
}

// CreateAlias makes an alias for versions of a machine. The same again gives what it gave before. Errors: ErrNotFound, ErrNoVersion, ErrExists,
// ErrDeleting, ErrTooMany. That weights add up to 100 is for the caller to see to.
func (r *Registry) CreateAlias(ctx context.Context, name string, a Alias) (Alias, error) {
	_, err := r.change(ctx, name, func(tx *store.Tx, m *Machine) error {
		all, err := r.aliases(m.Name)
		if err != nil {
			return err
		}
		if i := slices.IndexFunc(all, func(other Alias) bool { return other.Name == a.Name }); i >= 0 {
			if all[i].Description != a.Description || !slices.Equal(all[i].Routes, a.Routes) {
				return fmt.Errorf("%s: %w", all[i].ARN, ErrExists)
			}
			a = all[i]
			return nil
		}
		if len(all) >= MaxAliases {
			return fmt.Errorf("%w: %s has %d aliases", ErrTooMany, m.ARN, MaxAliases)
		}
		a.ARN, a.Created = r.Names.Alias(m.Name, a.Name), r.now().UTC()
		a.Updated = a.Created
		return r.setAliasTx(tx, m, a)
	})
	return a, err
}

// UpdateAlias changes the description of an alias, unless it is nil, and its routes, unless they are empty. Errors: ErrNotFound, ErrNoAlias,
// ErrNoVersion, ErrDeleting.
func (r *Registry) UpdateAlias(ctx context.Context, name, alias string, description *string, routes []Route) (Alias, error) {
	var a Alias
	_, err := r.change(ctx, name, func(tx *store.Tx, m *Machine) error {
		var err error
		if a, err = r.alias(m.Name, alias); err != nil {
			return err
		}
		before := a
		if description != nil {
			a.Description = *description
		}
		if len(routes) > 0 {
			a.Routes = routes
		}
		if a.Description == before.Description && slices.Equal(a.Routes, before.Routes) {
			return nil
		}
		a.Updated = r.now().UTC()
		return r.setAliasTx(tx, m, a)
	})
	return a, err
}

// setAliasTx stores an alias, whose versions have to be there.
func (r *Registry) setAliasTx(tx *store.Tx, m *Machine, a Alias) error {
	for _, route := range a.Routes {
		if _, err := r.Version(m.Name, route.Version); err != nil {
			return err
		}
	}
	tx.Set(aliasKey(m.Name, a.Name), marshal(a))
	return nil
}

// DeleteAlias deletes an alias. Errors: ErrNotFound, ErrNoAlias, ErrDeleting.
func (r *Registry) DeleteAlias(ctx context.Context, name, alias string) error {
	_, err := r.change(ctx, name, func(tx *store.Tx, m *Machine) error {
		if _, err := r.alias(m.Name, alias); err != nil {
			return err
		}
		tx.Delete(aliasKey(m.Name, alias))
		return nil
	})
	return err
}

// Alias returns an alias of a machine. Errors: ErrNotFound, ErrNoAlias.
func (r *Registry) Alias(name, alias string) (Alias, error) {
	if _, err := r.get(name); err != nil {
		return Alias{}, err
	}
	return r.alias(name, alias)
}

func (r *Registry) alias(name, alias string) (Alias, error) {
	a := Alias{ARN: r.Names.Alias(name, alias)}
	text, err := r.store.Get(aliasKey(name, alias))
	if errors.Is(err, store.ErrNotFound) {
		return a, fmt.Errorf("%w: %s", ErrNoAlias, a.ARN)
	}
	if err == nil {
		err = json.Unmarshal(text, &a)
	}
	return a, err
}

// Aliases returns the aliases of a machine, or of one of its versions when it is not 0, those created last first. Errors: ErrNotFound.
func (r *Registry) Aliases(name string, version int64) ([]Alias, error) {
	if _, err := r.get(name); err != nil {
		return nil, err
	}
	all, err := r.aliases(name)
	if err != nil {
		return nil, err
	}
	if version != 0 {
		all = slices.DeleteFunc(all, func(a Alias) bool { return !a.leadsTo(version) })
	}
	slices.SortFunc(all, func(a, b Alias) int {
		if c := b.Created.Compare(a.Created); c != 0 {
			return c
		}
		return strings.Compare(a.Name, b.Name)
	})
	return all, nil
}

// aliases returns the aliases of a machine in the order of their names.
func (r *Registry) aliases(name string) ([]Alias, error) {
	var all []Alias
	for entry, err := range r.store.Scan(aliasPrefix(name).Range()) {
		if err != nil {
			return nil, fmt.Errorf("reading the aliases of %s: %w", name, err)
		}
		var a Alias
		if err := json.Unmarshal(entry.Value, &a); err != nil {
			return nil, fmt.Errorf("reading an alias of %s: %w", name, err)
		}
		a.ARN = r.Names.Alias(name, a.Name)
		all = append(all, a)
	}
	return all, nil
}
