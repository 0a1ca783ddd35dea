package table

import (
	"context"
	"fmt"
	"maps"

	"sundog/internal/embedded/store"
	"sundog/internal/table"
)

// buildStep bounds the items whose entries one transaction writes while an index is built.
const buildStep = 500

// Alter changes a table: its indexes, its TTL attribute, its stream. edit gets a copy of the schema, which it may change but for name and keys,
// or refuses. What a new index or TTL attribute needs is built before Alter returns; meanwhile the table is used by nobody. After a crash the
// table is as it was.
func (t *Tables) Alter(ctx context.Context, name string, edit func(*table.Schema) error) (table.Info, error) {
	t.making.Lock()
	defer t.making.Unlock()
	t.mu.RLock()
	s, ok := t.tables[name]
	t.mu.RUnlock()
	if !ok {
		return table.Info{}, errNoTable(name)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	before := s.description
	schema := *before.Schema
	schema.Indexes = append([]table.Index(nil), schema.Indexes...)
	if err := edit(&schema); err != nil {
		return table.Info{}, err
	}
	next := description{Number: before.Number, Schema: &schema, Indexes: map[string]uint64{}, Next: before.Next}
	if schema.Stream != "" && before.Schema.Stream == "" {
		schema.Streaming = t.now().UTC()
	}
	tx := t.store.Begin()
	built := next.numberIndexes(before, tx)
	if built || schema.TTL != before.Schema.TTL {
		if err := t.build(ctx, before, next); err != nil {
			return table.Info{}, fmt.Errorf("building the indexes of table %s: %w", name, err)
		}
	}
	changed := &state{description: next}
	if schema.Stream == "" && before.Schema.Stream != "" {
		tx.DeleteRange(changed.changes(), changed.changes().End())
	}
	if schema.TTL == "" && before.Schema.TTL != "" {
		tx.DeleteRange(changed.expiries(), changed.expiries().End())
	}
	if err := t.describeTx(tx, next); err != nil {
		return table.Info{}, err
	}
	if err := tx.Commit(context.WithoutCancel(ctx)); err != nil {
		return table.Info{}, fmt.Errorf("changing table %s: %w", name, err)
	}
	s.description = next
	return t.info(s)
}

// numberIndexes gives indexes their numbers: those that stay as they are keep theirs. The others are removed with tx. It reports whether there
// are new ones.
func (d *description) numberIndexes(before description, tx *store.Tx) bool {
	built := false
	for _, x := range d.Schema.Indexes {
		if old, ok := before.Schema.Index(x.Name); ok && sameIndex(*old, x) {
			d.Indexes[x.Name] = before.Indexes[x.Name]
			continue
		}
		d.Next++
		d.Indexes[x.Name] = d.Next
		built = true
	}
	was := &state{description: before}
	for name, number := range before.Indexes {
		if d.Indexes[name] != number {
			tx.DeleteRange(was.entries(name), was.entries(name).End())
		}
	}
	return built
}

func sameIndex(a, b table.Index) bool {
	return a.Keys == b.Keys && a.Local == b.Local && a.Project == b.Project && maps.Equal(set(a.Include), set(b.Include))
}

func set(names []string) map[string]bool {
	out := map[string]bool{}
	for _, name := range names {
		out[name] = true
	}
	return out
}

// build writes what new indexes and a new TTL attribute need of the items that there are. It begins anew after a crash.
func (t *Tables) build(ctx context.Context, before, next description) error {
	s := &state{description: next}
	was := &state{description: before}
	tx := t.store.Begin()
	for _, x := range next.Schema.Indexes {
		if before.Indexes[x.Name] != next.Indexes[x.Name] {
			tx.DeleteRange(s.entries(x.Name), s.entries(x.Name).End())
		}
	}
	if next.Schema.TTL != before.Schema.TTL {
		tx.DeleteRange(s.expiries(), s.expiries().End())
	}
	n := 0
	for entry, err := range t.store.Scan(was.items().Range()) {
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return err
		}
		item, err := decode(entry.Value)
		if err != nil {
			return err
		}
		for i := range next.Schema.Indexes {
			if x := &next.Schema.Indexes[i]; before.Indexes[x.Name] != next.Indexes[x.Name] {
				s.indexTx(tx, x, nil, item)
			}
		}
		if next.Schema.TTL != before.Schema.TTL {
			s.expiryTx(tx, change{key: append(store.Key(nil), entry.Key...), item: item})
		}
		if n++; n%buildStep == 0 {
			if err := tx.CommitLazily(ctx); err != nil {
				return err
			}
			tx = t.store.Begin()
		}
	}
	return tx.Commit(ctx)
}

// Declare makes the tables of a project: what is not there is created, what is there is brought to what the project says. Tables that were
// declared before and are not any more stay, as tables like any other.
func (t *Tables) Declare(ctx context.Context, schemas []table.Schema) error {
	declared := map[string]bool{}
	for _, want := range schemas {
		declared[want.Name] = true
		want.Declared = true
		if _, err := t.Describe(ctx, want.Name); err != nil {
			if _, err := t.Create(ctx, want); err != nil {
				return fmt.Errorf("declaring table %s: %w", want.Name, err)
			}
			continue
		}
		_, err := t.Alter(ctx, want.Name, func(have *table.Schema) error {
			if have.Keys != want.Keys {
				return fmt.Errorf("its keys cannot be changed from %s to %s; give the table another name, or delete it first", keyText(have.Keys), keyText(want.Keys))
			}
			have.Indexes, have.TTL, have.Stream, have.Declared, have.OnDemand = want.Indexes, want.TTL, want.Stream, true, want.OnDemand
			return nil
		})
		if err != nil {
			return fmt.Errorf("declaring table %s: %w", want.Name, err)
		}
	}
	for _, name := range t.Names("", MaxTables) {
		info, err := t.Describe(ctx, name)
		if err != nil || !info.Schema.Declared || declared[name] {
			continue
		}
		if _, err := t.Alter(ctx, name, func(have *table.Schema) error { have.Declared = false; return nil }); err != nil {
			return fmt.Errorf("letting go of table %s: %w", name, err)
		}
	}
	return nil
}

func keyText(keys table.Keys) string {
	text := ""
	for i, k := range keys.All() {
		if i > 0 {
			text += ", "
		}
		text += k.Name + " (" + k.Type.String() + ")"
	}
	return text
}
