package statedb

import (
	"bytes"
	"cmp"
	"iter"
	"slices"
	"strings"

	"sundog/internal/embedded/store"
	"sundog/internal/statedb"
)

// span is a range of an index: the keys that begin with base, and whose next field begins with lead. Behind that they are in the
// order of the plan.
type span struct {
	base  func() store.Key // a new key at each call
	lead  string
	timed bool // the time follows on lead
	// parse reads the fields behind base, place writes them.
	parse func(f *store.Fields, value []byte) entry
	place func(k store.Key, at *statedb.Position) store.Key
}

// group are spans that are merged. Groups follow each other in the order of their names, which a position knows.
type group struct {
	name  string
	spans []span
}

// entries yields the entries of a plan's ranges, in its order, from its position on.
func (db *DB) entries(view *store.View, plan *statedb.Plan) iter.Seq2[entry, error] {
	groups := db.groups(plan)
	direction := -1
	if plan.Ascending {
		direction = 1
	}
	slices.SortFunc(groups, func(a, b group) int { return direction * cmp.Compare(a.name, b.name) })
	return func(yield func(entry, error) bool) {
		for _, g := range groups {
			after := plan.After
			if after != nil {
				switch c := direction * cmp.Compare(g.name, plan.Leads(*after)); {
				case c < 0:
					continue
				case c > 0:
					after = nil
				}
			}
			for e, err := range g.scan(view, plan, after) {
				if !yield(e, err) || err != nil {
					return
				}
			}
		}
	}
}

func (db *DB) groups(plan *statedb.Plan) []group {
	switch {
	case plan.Partition != "":
		return []group{{spans: partitionSpans(plan)}}
	case plan.Index == statedb.ByItemIDs:
		var groups []group
		for _, partition := range db.counts.partitions(plan.Workflow) {
			groups = append(groups, group{partition, []span{itemSpan(partition, plan.ItemPrefix, true)}})
		}
		return groups
	}
	byName := map[string][]span{}
	for _, c := range db.counts.seen(plan.Workflow) {
		if plan.States != nil && !slices.Contains(plan.States, c.State) {
			continue
		}
		name := statedb.State("")
		if plan.Index == statedb.ByStateUpdated && plan.States == nil {
			name = c.State
		}
		byName[string(name)] = append(byName[string(name)], flowSpan(c.Workflow, c.State, name))
	}
	var groups []group
	for name, spans := range byName {
		groups = append(groups, group{name, spans})
	}
	return groups
}

// partitionSpans are the ranges of a query of one partition.
func partitionSpans(plan *statedb.Plan) []span {
	switch {
	case plan.Index == statedb.ByItemIDs:
		return []span{itemSpan(plan.Partition, plan.ItemPrefix, false)}
	case plan.Index == statedb.ByUpdated:
		return []span{timeSpan(store.PrefixRecordByTime, plan.Partition, "")}
	case plan.States == nil:
		return []span{timeSpan(store.PrefixRecordState, plan.Partition, "")}
	}
	var spans []span
	for _, state := range plan.States {
		spans = append(spans, timeSpan(store.PrefixRecordState, plan.Partition, string(state)+"_"))
	}
	return spans
}

// itemSpan is a range of the table itself.
func itemSpan(partition, prefix string, named bool) span {
	return span{
		base: func() store.Key { return store.NewKey(store.PrefixRecord).String(partition) },
		lead: prefix,
		parse: func(f *store.Fields, value []byte) entry {
			e := entry{Position: statedb.Position{ItemIDs: f.String()}, value: bytes.Clone(value)}
			if named {
				e.Partition = partition
			}
			e.id = idOf(partition, e.ItemIDs)
			return e
		},
		place: func(k store.Key, at *statedb.Position) store.Key { return k.String(at.ItemIDs) },
	}
}

// timeSpan is a range of an index of one partition, whose range keys begin with lead.
func timeSpan(prefix byte, partition, lead string) span {
	return span{
		base:  func() store.Key { return store.NewKey(prefix).String(partition) },
		timed: prefix == store.PrefixRecordByTime || lead != "",
		lead:  lead,
		parse: func(f *store.Fields, _ []byte) entry {
			e := entry{Position: statedb.Position{Sort: strings.TrimPrefix(f.String(), lead), ItemIDs: f.String()}}
			e.id = idOf(partition, e.ItemIDs)
			return e
		},
		place: func(k store.Key, at *statedb.Position) store.Key {
			if at.State != "" { // outside of the answer
				return k.String(string(at.State) + "_" + at.Sort).String(at.ItemIDs)
			}
			return k.String(lead + at.Sort).String(at.ItemIDs)
		},
	}
}

// flowSpan is the range of a workflow's records in a state.
func flowSpan(workflow string, state, name statedb.State) span {
	return span{
		base:  func() store.Key { return store.NewKey(store.PrefixRecordFlow).String(workflow).String(string(state)) },
		timed: true,
		parse: func(f *store.Fields, _ []byte) entry {
			e := entry{Position: statedb.Position{State: name, Sort: f.String(), Partition: f.String(), ItemIDs: f.String()}}
			e.id = idOf(e.Partition, e.ItemIDs)
			return e
		},
		place: func(k store.Key, at *statedb.Position) store.Key {
			return k.String(at.Sort).String(at.Partition).String(at.ItemIDs)
		},
	}
}
