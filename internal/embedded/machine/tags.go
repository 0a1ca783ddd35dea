package machine

import (
	"context"
	"fmt"
	"slices"

	"sundog/internal/embedded/store"
)

// Tag sets tags of a machine; those with other keys stay. Errors: ErrNotFound, ErrDeleting, ErrTooManyTags.
func (r *Registry) Tag(ctx context.Context, name string, tags []Tag) error {
	_, err := r.change(ctx, name, func(_ *store.Tx, m *Machine) error {
		all := slices.Clone(m.Tags)
		for _, t := range tags {
			if i := slices.IndexFunc(all, func(other Tag) bool { return other.Key == t.Key }); i >= 0 {
				all[i] = t
			} else {
				all = append(all, t)
			}
		}
		if len(all) > MaxTags {
			return fmt.Errorf("%w: %s would have %d, %d are allowed", ErrTooManyTags, m.ARN, len(all), MaxTags)
		}
		m.Tags = all
		return nil
	})
	return err
}

// Untag removes the tags with the keys, as far as they are there. Errors: ErrNotFound, ErrDeleting.
func (r *Registry) Untag(ctx context.Context, name string, keys []string) error {
	_, err := r.change(ctx, name, func(_ *store.Tx, m *Machine) error {
		m.Tags = slices.DeleteFunc(slices.Clone(m.Tags), func(t Tag) bool { return slices.Contains(keys, t.Key) })
		return nil
	})
	return err
}
