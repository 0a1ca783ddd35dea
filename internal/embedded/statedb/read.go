package statedb

import (
	"errors"
	"fmt"
	"slices"

	"sundog/internal/embedded/store"
	"sundog/internal/statedb"
)

// neighbours is how many records of a partition are wanted for it to pay to look for them one behind the other: they share
// blocks, but each look-up then goes through every level of the store, where a single one stops at the first that has the key.
const neighbours = 8

// readAll returns the records of entries, in their order.
func readAll(view *store.View, batch []entry) ([]statedb.Record, error) {
	records := make([]statedb.Record, len(batch))
	partitions := map[string][]int{}
	for i := range batch {
		e := &batch[i]
		if e.value == nil {
			name := e.id.PartitionKey()
			partitions[name] = append(partitions[name], i)
			continue
		}
		r, err := decode(e.id, e.value)
		if err != nil {
			return nil, err
		}
		records[i] = r
	}
	for _, places := range partitions {
		read := readEach
		if len(places) >= neighbours {
			read = readNeighbours
		}
		if err := read(view, batch, places, records); err != nil {
			return nil, err
		}
	}
	return records, nil
}

func readEach(view *store.View, batch []entry, places []int, records []statedb.Record) error {
	for _, i := range places {
		value, err := view.Get(recordKey(batch[i].id))
		if errors.Is(err, store.ErrNotFound) {
			return missing(&batch[i])
		}
		if err == nil {
			records[i], err = decode(batch[i].id, value)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// readNeighbours reads records of one partition in the order of the table.
func readNeighbours(view *store.View, batch []entry, places []int, records []statedb.Record) error {
	place := make(map[string]int, len(places))
	keys := make([]string, 0, len(places))
	for _, i := range places {
		key := string(recordKey(batch[i].id))
		place[key] = i
		keys = append(keys, key)
	}
	slices.Sort(keys)
	err := view.GetMany(keys, func(key string, value []byte) (err error) {
		i := place[key]
		delete(place, key)
		records[i], err = decode(batch[i].id, value)
		return err
	})
	if err != nil {
		return err
	}
	for _, i := range place {
		return missing(&batch[i])
	}
	return nil
}

func missing(e *entry) error {
	return fmt.Errorf("record %s is in an index and not in the table: the database is damaged, restore it from a backup", e.id)
}
