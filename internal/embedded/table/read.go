package table

import (
	"context"
	"fmt"

	"sundog/internal/table"
)

// Get returns an item, or what of it was asked for.
func (t *Tables) Get(_ context.Context, g *table.Get) (table.Got, error) {
	s, release, err := t.use(g.Table)
	if err != nil {
		return table.Got{}, err
	}
	defer release()
	if err := s.Schema.CheckKey(g.Key); err != nil {
		return table.Got{}, err
	}
	if err := s.Schema.CheckPaths(g.Projection, nil); err != nil {
		return table.Got{}, err
	}
	item, err := t.read(s.itemKey(g.Key))
	if err != nil {
		return table.Got{}, fmt.Errorf("reading an item of table %s: %w", g.Table, err)
	}
	got := table.Got{Units: table.ReadUnits(item.Size(), g.Consistent)}
	if item != nil {
		got.Item = g.Projection.Apply(item)
	}
	return got, nil
}

// Query reads a page of a partition or, when it is a Scan, of a table or index.
func (t *Tables) Query(ctx context.Context, q *table.Query) (table.Page, error) {
	s, release, err := t.use(q.Table)
	if err != nil {
		return table.Page{}, err
	}
	defer release()
	if err := s.Schema.CheckQuery(q); err != nil {
		return table.Page{}, err
	}
	page, err := t.page(ctx, s, q)
	if err != nil {
		return table.Page{}, fmt.Errorf("reading items of table %s: %w", q.Table, err)
	}
	return page, nil
}

func (t *Tables) page(ctx context.Context, s *state, q *table.Query) (table.Page, error) {
	keys, x := s.Schema.KeysOf(q)
	pager := s.Schema.Pager(q)
	for entry, err := range t.store.Scan(s.within(q, keys, x)) {
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return table.Page{}, err
		}
		found, err := decode(entry.Value)
		if err != nil {
			return table.Page{}, err
		}
		item := found
		if q.Fetches(x) {
			if item, err = t.read(s.itemKey(found)); err != nil {
				return table.Page{}, err
			}
			if item == nil { // deleted since the reading began
				continue
			}
		}
		if pager.Add(found, item) {
			break
		}
	}
	return pager.Page(), nil
}
