package statedb

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"time"

	"sundog/internal/embedded/store"
	tables "sundog/internal/embedded/table"
	"sundog/internal/statedb"
	"sundog/internal/table"
	"sundog/payload"
)

// Attributes of the table that records are in for Cirrus, and its indexes, which are named after their sort keys.
const (
	attrPartition = "collections_workflow"
	attrItemIDs   = "itemids"
	attrState     = "state_updated"
	attrUpdated   = "updated"
)

// Table is the database as a table of DynamoDB, as Cirrus's is one. It can only be read.
type Table struct {
	db     *DB
	schema *table.Schema
}

// Table returns the database as a table of a name; made is when it is said to have been created.
func (db *DB) Table(name string, made time.Time) *Table {
	text := func(name string) table.Key { return table.Key{Name: name, Type: table.S} }
	schema := &table.Schema{
		Name: name, Keys: table.Keys{Partition: text(attrPartition), Sort: text(attrItemIDs)},
		OnDemand: true, Created: made, ID: "00000000-0000-0000-0000-000000000000", Declared: true,
	}
	for _, sort := range []string{attrState, attrUpdated} {
		schema.Indexes = append(schema.Indexes, table.Index{
			Name: sort, Keys: table.Keys{Partition: text(attrPartition), Sort: text(sort)}, Project: table.ProjectAll,
		})
	}
	return &Table{db, schema}
}

// Describe returns the schema and how many records there are. How many bytes they have is not counted.
func (t *Table) Describe() table.Info {
	info := table.Info{Schema: t.schema}
	for _, c := range t.db.counts.list("") {
		info.Items += c.Records
	}
	return info
}

// Get returns a record as an item. Errors that a caller is to see are *table.Error.
func (t *Table) Get(ctx context.Context, g *table.Get) (table.Got, error) {
	if err := t.schema.CheckKey(g.Key); err != nil {
		return table.Got{}, err
	}
	if err := t.schema.CheckPaths(g.Projection, nil); err != nil {
		return table.Got{}, err
	}
	item, err := t.find(ctx, g.Key)
	if err != nil {
		return table.Got{}, err
	}
	got := table.Got{Units: table.ReadUnits(item.Size(), g.Consistent)}
	if item != nil {
		got.Item = g.Projection.Apply(item)
	}
	return got, nil
}

func (t *Table) find(ctx context.Context, key table.Item) (table.Item, error) {
	id, err := payload.IDFromKey(key[attrPartition].Text, key[attrItemIDs].Text)
	if err != nil {
		return nil, nil //nolint:nilerr // no record has such a key
	}
	r, err := t.db.Get(ctx, id)
	if errors.Is(err, statedb.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return itemOf(&r)
}

// itemOf is a record as an item. What others have added to it and DynamoDB would not hold is left out: a number of 50 digits.
func itemOf(r *statedb.Record) (table.Item, error) {
	item, err := table.ParseItem(r.MarshalItem())
	if err != nil && r.Extra != nil {
		plain := *r
		plain.Extra = nil
		item, err = table.ParseItem(plain.MarshalItem())
	}
	if err != nil {
		return nil, fmt.Errorf("showing record %s as an item: %w", r.ID, err)
	}
	return item, nil
}

// Query reads a page, as it is at one moment. A scan goes through the partitions in the order of their names.
func (t *Table) Query(ctx context.Context, q *table.Query) (_ table.Page, err error) {
	if err := t.schema.CheckQuery(q); err != nil {
		return table.Page{}, err
	}
	view := t.db.store.View()
	defer func() {
		if closing := view.Close(); err == nil {
			err = closing
		}
	}()
	pager := t.schema.Pager(q)
	for item, err := range t.items(view, q) {
		if err == nil {
			err = context.Cause(ctx)
		}
		if err != nil {
			return table.Page{}, fmt.Errorf("reading items of table %s: %w", t.schema.Name, err)
		}
		if pager.Add(item, item) {
			break
		}
	}
	return pager.Page(), nil
}

// items yields what a query goes through.
func (t *Table) items(view *store.View, q *table.Query) iter.Seq2[table.Item, error] {
	return func(yield func(table.Item, error) bool) {
		for _, partition := range t.partitions(q) {
			for entry, err := range view.Scan(t.within(q, partition)) {
				var item table.Item
				if err == nil {
					item, err = t.read(view, q, partition, entry)
				}
				if !yield(item, err) || err != nil {
					return
				}
			}
		}
	}
}

// partitions are those that a query goes through, in its order.
func (t *Table) partitions(q *table.Query) []string {
	if !q.Scan {
		term, _ := q.Term(attrPartition)
		return []string{term.Values[0].Text}
	}
	all := t.db.counts.partitions("")
	slices.Sort(all)
	return slices.DeleteFunc(all, func(partition string) bool {
		at := table.Bucket(table.Text(partition))
		outside := q.TotalSegments > 1 && (at < q.FirstBucket() || at >= q.EndBucket())
		return outside || q.Start != nil && partition < q.Start[attrPartition].Text
	})
}

// within is the range of a partition that a query goes through.
func (t *Table) within(q *table.Query, partition string) store.Range {
	prefix := map[string]byte{"": store.PrefixRecord, attrState: store.PrefixRecordState, attrUpdated: store.PrefixRecordByTime}[q.Index]
	base := slices.Clip(store.NewKey(prefix).String(partition))
	keys, x := t.schema.KeysOf(q)
	r := tables.Sorted(base, q, keys)
	if q.Start != nil && q.Start[attrPartition].Text == partition {
		start := base
		if x != nil {
			start = start.String(q.Start[q.Index].Text)
		}
		start = start.String(q.Start[attrItemIDs].Text)
		if low := start.End(); q.Backward && bytes.Compare(start, r.High) < 0 {
			r.High = start
		} else if !q.Backward && bytes.Compare(low, r.Low) > 0 {
			r.Low = low
		}
	}
	r.Reverse = q.Backward
	return r
}

// read returns the record that a key of the table or of an index leads to.
func (t *Table) read(view *store.View, q *table.Query, partition string, found store.Entry) (table.Item, error) {
	f := store.Split(found.Key)
	_ = f.String() // the partition
	if q.Index != "" {
		_ = f.String()
	}
	id := idOf(partition, f.String())
	if err := f.Err(); err != nil {
		return nil, err
	}
	value := found.Value
	if q.Index != "" {
		var err error
		if value, err = view.Get(recordKey(id)); err != nil {
			return nil, fmt.Errorf("record %s: %w", id, err)
		}
	}
	r, err := decode(id, value)
	if err != nil {
		return nil, err
	}
	return itemOf(&r)
}
