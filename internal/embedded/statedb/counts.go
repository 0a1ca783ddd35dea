package statedb

import (
	"cmp"
	"slices"
	"sync"

	"sundog/internal/embedded/store"
	"sundog/internal/statedb"
)

// counts are the numbers of records by partition and state, as they are on disk.
type counts struct {
	mu      sync.RWMutex
	records map[countKey]int64
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
	c.records = map[countKey]int64{}
	for entry, err := range st.Scan(store.NewKey(store.PrefixCount).Range()) {
		if err != nil {
			return err
		}
		f := store.Split(entry.Key)
		k := countKey{partition: f.String(), state: statedb.State(f.String())}
		if err := f.Err(); err != nil {
			return err
		}
		if n := store.DecodeCounter(entry.Value); n != 0 {
			c.records[k] = n
		}
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
	if c.records[k] += delta; c.records[k] == 0 {
		delete(c.records, k)
	}
}

// list returns the counts that are not zero, by partition and state. Partition empty: all.
func (c *counts) list(partition string) []statedb.Count {
	c.mu.RLock()
	all := make([]statedb.Count, 0, len(c.records))
	for k, n := range c.records {
		if partition == "" || k.partition == partition {
			all = append(all, statedb.Count{Partition: k.partition, State: k.state, Records: n})
		}
	}
	c.mu.RUnlock()
	slices.SortFunc(all, func(a, b statedb.Count) int {
		return cmp.Or(cmp.Compare(a.Partition, b.Partition), cmp.Compare(a.State, b.State))
	})
	return all
}
