package statedb

import (
	"cmp"
	"maps"
	"slices"
	"sync"
	"time"

	"sundog/internal/embedded/store"
	"sundog/internal/statedb"
	"sundog/payload"
)

// counts are the numbers of records by partition and state, as they are on disk, and their sums by workflow and state. They are also
// the list of what there is to be queried: its size is that of workflows times collections, not that of records.
//
// A query looks at a view of the store, which may be ahead of these numbers or behind them. So it is told of every place that a recent view may
// hold something in: one is listed before a transaction that puts a record there is committed, and for some time after the last has left.
type counts struct {
	mu        sync.RWMutex
	records   map[string]map[statedb.State]*tally // by partition
	workflows map[string]map[statedb.State]*tally // by workflow
}

// tally is how many records are in a place.
type tally struct {
	records int64
	coming  int       // transactions under way that bring some; one that was given up stays, which costs a look at an empty place
	left    time.Time // when records became zero
}

// recently is longer than a page of a query takes.
const recently = time.Minute

// seen says whether a view that was taken a moment ago may hold records here.
func (t *tally) seen() bool { return t.records != 0 || t.coming > 0 || time.Since(t.left) < recently }

type countKey struct {
	partition string
	state     statedb.State
}

func (k countKey) key() store.Key {
	return store.NewKey(store.PrefixCount).String(k.partition).String(string(k.state))
}

// load reads the counts.
func (c *counts) load(st *store.Store) error {
	c.records, c.workflows = map[string]map[statedb.State]*tally{}, map[string]map[statedb.State]*tally{}
	for entry, err := range st.Scan(store.NewKey(store.PrefixCount).Range()) {
		if err != nil {
			return err
		}
		f := store.Split(entry.Key)
		k := countKey{partition: f.String(), state: statedb.State(f.String())}
		if err := f.Err(); err != nil {
			return err
		}
		c.add(k, store.DecodeCounter(entry.Value), 0)
	}
	return nil
}

// move adds to a transaction that a record went from one state to another; either may be missing.
func (c *counts) move(tx *store.Tx, before, after *statedb.Record) {
	var from, to countKey
	if before != nil {
		from = countKey{before.ID.PartitionKey(), before.State()}
	}
	if after != nil {
		to = countKey{after.ID.PartitionKey(), after.State()}
	}
	if from == to {
		return
	}
	if before != nil {
		tx.Add(from.key(), -1)
	}
	if after != nil {
		tx.Add(to.key(), 1)
	}
	if after != nil {
		c.mu.Lock()
		c.add(to, 0, 1)
		c.mu.Unlock()
	}
	tx.OnCommit(func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		if before != nil {
			c.add(from, -1, 0)
		}
		if after != nil {
			c.add(to, 1, -1)
		}
	})
}

func (c *counts) add(k countKey, records int64, coming int) {
	bump(c.records, k.partition, k.state, records, coming)
	bump(c.workflows, idOf(k.partition, "").Workflow, k.state, records, coming)
}

func bump(all map[string]map[statedb.State]*tally, name string, state statedb.State, records int64, coming int) {
	states := all[name]
	if states == nil {
		states = map[statedb.State]*tally{}
		all[name] = states
	}
	t := states[state]
	if t == nil {
		t = &tally{}
		states[state] = t
	}
	t.records += records
	t.coming += coming
	if t.records == 0 && records < 0 {
		t.left = time.Now()
	}
}

// list returns the counts that are not zero, by partition and state. Partition empty: all.
func (c *counts) list(partition string) []statedb.Count {
	c.mu.RLock()
	defer c.mu.RUnlock()
	names := []string{partition}
	if partition == "" {
		names = slices.Collect(maps.Keys(c.records))
	}
	slices.Sort(names)
	var all []statedb.Count
	for _, name := range names {
		states := c.records[name]
		for _, state := range slices.Sorted(maps.Keys(states)) {
			if n := states[state].records; n != 0 {
				all = append(all, statedb.Count{Partition: name, State: state, Records: n})
			}
		}
	}
	return all
}

// workflowList returns the counts that are not zero, by workflow and state. Workflow empty: all.
func (c *counts) workflowList(workflow string) []statedb.WorkflowCount {
	all := c.seen(workflow)
	return slices.DeleteFunc(all, func(c statedb.WorkflowCount) bool { return c.Records == 0 })
}

// seen returns the workflows and states of which a view that was taken a moment ago may hold records, in their order. Workflow empty: all.
func (c *counts) seen(workflow string) []statedb.WorkflowCount {
	c.mu.RLock()
	defer c.mu.RUnlock()
	var all []statedb.WorkflowCount
	for name, states := range c.workflows {
		if workflow != "" && name != workflow {
			continue
		}
		for state, t := range states {
			if t.seen() {
				all = append(all, statedb.WorkflowCount{Workflow: name, State: state, Records: t.records})
			}
		}
	}
	slices.SortFunc(all, func(a, b statedb.WorkflowCount) int {
		return cmp.Or(cmp.Compare(a.Workflow, b.Workflow), cmp.Compare(a.State, b.State))
	})
	return all
}

// partitions returns the partitions of a workflow, or all, of which a view that was taken a moment ago may hold records, in no order.
func (c *counts) partitions(workflow string) []string {
	c.mu.RLock()
	defer c.mu.RUnlock()
	var names []string
	for name, states := range c.records {
		if _, of, err := payload.CutPartitionKey(name); workflow != "" && (err != nil || of != workflow) {
			continue
		}
		for _, t := range states {
			if t.seen() {
				names = append(names, name)
				break
			}
		}
	}
	return names
}
