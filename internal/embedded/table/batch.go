package table

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"sundog/internal/embedded/store"
	"sundog/internal/table"
)

// GetAll returns items, one answer for each request, in their order. It stops before what it returns gets larger than table.MaxBatchGetBytes:
// then there are fewer answers than requests.
func (t *Tables) GetAll(ctx context.Context, gets []table.Get) ([]table.Got, error) {
	used, release, err := t.useAll(tablesOf(gets, func(g table.Get) string { return g.Table }))
	if err != nil {
		return nil, err
	}
	defer release()
	for i := range gets {
		s := used[gets[i].Table].Schema
		if err := s.CheckKey(gets[i].Key); err != nil {
			return nil, err
		}
		if err := s.CheckPaths(gets[i].Projection, nil); err != nil {
			return nil, err
		}
	}
	out := make([]table.Got, 0, len(gets))
	size := 0
	for i := range gets {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		item, err := t.read(used[gets[i].Table].itemKey(gets[i].Key))
		if err != nil {
			return nil, fmt.Errorf("reading an item of table %s: %w", gets[i].Table, err)
		}
		if size += item.Size(); size > table.MaxBatchGetBytes && len(out) > 0 {
			break
		}
		got := table.Got{Units: table.ReadUnits(item.Size(), gets[i].Consistent)}
		if item != nil {
			got.Item = gets[i].Projection.Apply(item)
		}
		out = append(out, got)
	}
	return out, nil
}

func tablesOf[T any](requests []T, name func(T) string) []string {
	names := make([]string, 0, len(requests))
	for _, r := range requests {
		names = append(names, name(r))
	}
	return names
}

// WriteAll puts and deletes items, all of them or none. Conditions have no place here.
func (t *Tables) WriteAll(ctx context.Context, writes []table.Write) ([]table.Written, error) {
	used, release, err := t.useAll(tablesOf(writes, func(w table.Write) string { return w.Table }))
	if err != nil {
		return nil, err
	}
	defer release()
	keys := make([]store.Key, 0, len(writes))
	seen := make(map[string]bool, len(writes))
	for i := range writes {
		s := used[writes[i].Table]
		if err := s.Schema.CheckWrite(&writes[i]); err != nil {
			return nil, batchText(err)
		}
		key := s.itemKey(writes[i].KeyOf(s.Schema))
		if seen[string(key)] {
			return nil, table.Invalid("Provided list of item keys contains duplicates")
		}
		seen[string(key)] = true
		keys = append(keys, key)
	}
	unlock, err := t.lockAll(ctx, keys)
	if err != nil {
		return nil, err
	}
	defer unlock()
	out, _, err := t.apply(ctx, used, writes, keys, nil)
	return out, err
}

// batchText gives a complaint about a key the words that it has in a batch.
func batchText(err error) error {
	if refused, ok := errors.AsType[*table.Error](err); ok {
		if strings.Contains(refused.Message, "Missing the key") || strings.Contains(refused.Message, "Type mismatch for key") {
			return table.Invalid("The provided key element does not match the schema")
		}
	}
	return err
}

func repeated(keys []store.Key) bool {
	seen := map[string]bool{}
	for _, k := range keys {
		if seen[string(k)] {
			return true
		}
		seen[string(k)] = true
	}
	return false
}

// lockAll locks items in the order of their keys, so that two that lock the same ones never wait for each other.
func (t *Tables) lockAll(ctx context.Context, keys []store.Key) (unlock func(), err error) {
	ordered := make([]string, 0, len(keys))
	for _, k := range keys {
		ordered = append(ordered, string(k))
	}
	slices.Sort(ordered)
	var unlocks []func()
	unlock = func() {
		for _, u := range unlocks {
			u()
		}
	}
	for _, k := range slices.Compact(ordered) {
		u, err := t.locks.Lock(ctx, k)
		if err != nil {
			unlock()
			return nil, err
		}
		unlocks = append(unlocks, u)
	}
	return unlock, nil
}

// apply makes writes, whose items are locked, one transaction. When one is refused none is made, and reasons has one for each write. extra,
// when not nil, adds to the transaction.
func (t *Tables) apply(
	ctx context.Context, used map[string]*state, writes []table.Write, keys []store.Key, extra func(*store.Tx),
) (out []table.Written, reasons []table.Reason, err error) {
	changes := make([]recorded, 0, len(writes))
	reasons = make([]table.Reason, len(writes))
	refused := false
	for i := range writes {
		w, s := &writes[i], used[writes[i].Table]
		old, err := t.read(keys[i])
		if err != nil {
			return nil, nil, fmt.Errorf("reading an item of table %s: %w", w.Table, err)
		}
		item, err := s.Schema.Decide(w, old)
		if failure, ok := errors.AsType[*table.Error](err); ok {
			reasons[i] = reasonOf(failure)
			refused = true
			continue
		}
		if err != nil {
			return nil, nil, err
		}
		reasons[i].Code = "None"
		out = append(out, w.Answer(old, item))
		if w.Kind != table.Check {
			changes = append(changes, recorded{s, change{key: keys[i], old: old, item: item}})
		}
	}
	if refused {
		return nil, reasons, nil
	}
	tx := t.store.Begin()
	for _, r := range changes {
		t.changeTx(tx, r.table, r.change)
	}
	if extra != nil {
		extra(tx)
	}
	if err := t.commit(context.WithoutCancel(ctx), tx, changes); err != nil {
		return nil, nil, fmt.Errorf("writing %d items: %w", len(writes), err)
	}
	return out, nil, nil
}

func reasonOf(e *table.Error) table.Reason {
	r := table.Reason{Code: "ValidationError", Message: e.Message, Item: e.Item}
	if e.Code == table.ConditionFailed {
		r.Code = "ConditionalCheckFailed"
	}
	return r
}
