package statedb

import (
	"cmp"
	"maps"
	"slices"
	"sync"

	"sundog/internal/embedded/store"
	"sundog/internal/statedb"
	"sundog/payload"
)

// counts are the numbers of records by partition and state, as they are on disk, and their sums by workflow and state. They are also
// the list of what there is to be queried: its size is that of workflows times collections, not that of records.
type counts struct {
	mu        sync.RWMutex
	records   map[string]map[statedb.State]int64 // by partition
	workflows map[string]map[statedb.State]int64 // by workflow
}

type countKey struct {
	partition string
	state     statedb.State
}

func (k countKey) key() store.Key {
	return store.NewKey(store.PrefixCount).String(k.partition).String(string(k.state))
}

// load reads the counts.
func (c *counts) load(st *store.Store) error {
	c.records, c.workflows = map[string]map[statedb.State]int64{}, map[string]map[statedb.State]int64{}
	for entry, err := range st.Scan(store.NewKey(store.PrefixCount).Range()) {
		if err != nil {
			return err
		}
		f := store.Split(entry.Key)
		k := countKey{partition: f.String(), state: statedb.State(f.String())}
		if err := f.Err(); err != nil {
			return err
		}
		c.add(k, store.DecodeCounter(entry.Value))
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
	tx.OnCommit(func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		if before != nil {
			c.add(from, -1)
		}
		if after != nil {
			c.add(to, 1)
		}
	})
}

func (c *counts) add(k countKey, delta int64) {
	bump(c.records, k.partition, k.state, delta)
	bump(c.workflows, idOf(k.partition, "").Workflow, k.state, delta)
}

func bump(all map[string]map[statedb.State]int64, name string, state statedb.State, delta int64) {
	states := all[name]
	if states == nil {
		states = map[statedb.State]int64{}
		all[name] = states
	}
	if states[state] += delta; states[state] == 0 {
		delete(states, state)
	}
	if len(states) == 0 {
		delete(all, name)
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
			all = append(all, statedb.Count{Partition: name, State: state, Records: states[state]})
		}
	}
	return all
}

// workflowList returns the counts that are not zero, by workflow and state. Workflow empty: all.
func (c *counts) workflowList(workflow string) []statedb.WorkflowCount {
	c.mu.RLock()
	defer c.mu.RUnlock()
	var all []statedb.WorkflowCount
	for name, states := range c.workflows {
		if workflow != "" && name != workflow {
			continue
		}
		for state, n := range states {
			all = append(all, statedb.WorkflowCount{Workflow: name, State: state, Records: n})
		}
	}
	slices.SortFunc(all, func(a, b statedb.WorkflowCount) int {
		return cmp.Or(cmp.Compare(a.Workflow, b.Workflow), cmp.Compare(a.State, b.State))
	})
	return all
}

// partitions returns the partitions of a workflow that hold records, or all, in no order.
func (c *counts) partitions(workflow string) []string {
	c.mu.RLock()
	defer c.mu.RUnlock()
	var names []string
	for name := range c.records {
		if _, of, err := payload.CutPartitionKey(name); workflow == "" || err == nil && of == workflow {
			names = append(names, name)
		}
	}
	return names
}
