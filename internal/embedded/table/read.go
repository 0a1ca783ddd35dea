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
	page := table.Page{Local: x != nil && x.Local}
	if q.Select != table.SelectCount {
		page.Items = []table.Item{}
	}
	size, tableBytes, indexBytes := 0, 0, 0
	for entry, err := range t.store.Scan(s.within(q, keys, x)) {
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return page, err
		}
		item, err := decode(entry.Value)
		if err != nil {
			return page, err
		}
		if x != nil {
			indexBytes += item.Size()
		} else {
			tableBytes += item.Size()
		}
		last := item
		if q.Fetches(x) {
			if item, err = t.read(s.itemKey(item)); err != nil {
				return page, err
			}
			if item == nil { // deleted since the reading began
				continue
			}
			tableBytes += item.Size()
		}
		page.Scanned++
		size += item.PageSize(s.Schema.Keys.Sort.Name)
		if q.Filter.Match(item) {
			page.Count++
			if page.Items != nil {
				page.Items = append(page.Items, q.Projection.Apply(item))
			}
		}
		if q.Limit > 0 && page.Scanned >= q.Limit || size >= table.MaxPageBytes {
			page.Last = table.Item{}
			for _, name := range s.Schema.StartNames(keys) {
				page.Last[name] = last[name]
			}
			break
		}
	}
	if x == nil || q.Fetches(x) {
		page.Table = table.ReadUnits(tableBytes, q.Consistent)
	}
	if x != nil {
		page.IndexOf = table.ReadUnits(indexBytes, q.Consistent)
	}
	return page, nil
}
