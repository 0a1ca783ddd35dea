package machine

import (
	"fmt"

	"sundog/asl"
)

// Target is what an ARN starts.
type Target struct {
	Machine  Machine
	Revision Revision
	Parsed   *asl.Machine
	Version  int64  // when it was named by its number, or an alias led there
	Alias    string // when it was named by one
}

// Target finds what the ARN of a machine, a version or an alias starts, or a machine's plain name. An alias with two routes draws from seed.
// Errors: ErrNotFound, ErrNoVersion, ErrNoAlias, ErrDeleting, ErrInvalidARN, also for a distributed Map state within a machine.
func (r *Registry) Target(nameOrARN string, seed func() uint64) (Target, error) {
	ref, err := r.Parse(nameOrARN)
	if err != nil {
		return Target{}, err
	}
	m, err := r.get(ref.Name)
	if err != nil {
		return Target{}, err
	}
	t := Target{Machine: m, Revision: m.Revision, Version: ref.Version, Alias: ref.Alias}
	switch {
	case m.Status == Deleting:
		return t, fmt.Errorf("%w: %s", ErrDeleting, m.ARN)
	case ref.Label != "":
		return t, fmt.Errorf("%w: %s is a Map state, which cannot be started by itself", ErrInvalidARN, nameOrARN)
	case ref.Alias != "":
		a, err := r.alias(m.Name, ref.Alias)
		if err != nil {
			return t, err
		}
		t.Version = a.pick(seed)
	}
	if t.Version != 0 {
		v, err := r.Version(m.Name, t.Version)
		if err != nil {
			return t, err
		}
		t.Revision = v.Revision
	}
	t.Parsed, err = r.definitions.machine(t.Revision.Definition)
	return t, err
}

// pick draws a version by the weights of the routes.
func (a Alias) pick(seed func() uint64) int64 {
	if len(a.Routes) == 1 {
		return a.Routes[0].Version
	}
	n := int(seed() % 100)
	for _, route := range a.Routes {
		if n < route.Weight {
			return route.Version
		}
		n -= route.Weight
	}
	return a.Routes[len(a.Routes)-1].Version // weights that add up to less cannot be stored through the API
}
