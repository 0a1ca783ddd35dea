package table

import (
	"slices"
	"time"

	"sundog/internal/embedded/store"
	"sundog/internal/table"
)

// Items lie in the order of the hash of their partition key, then of the key itself; those of a partition in the order of their sort key.
// Entries of an index lie the same way by the keys of the index, and those with equal ones by the key of their item.

// appendKeys appends the fields of a key.
func appendKeys(k store.Key, keys table.Keys, item table.Item) store.Key {
	k = appendPartition(k, item[keys.Partition.Name])
	if keys.Sort.Name != "" {
		k = k.String(item[keys.Sort.Name].OrderedBytes())
	}
	return k
}

func appendPartition(k store.Key, v table.Value) store.Key {
	hash := table.Hash(v, table.Value{})
	return k.Raw(hash[:]).String(v.OrderedBytes())
}

func (s *state) items() store.Key { return store.NewKey(store.PrefixItem).Uint(s.Number) }

func (s *state) itemKey(item table.Item) store.Key { return appendKeys(s.items(), s.Schema.Keys, item) }

func (s *state) entries(index string) store.Key {
	return store.NewKey(store.PrefixIndexItem).Uint(s.Number).Uint(s.Indexes[index])
}

func (s *state) entryKey(x *table.Index, item table.Item) store.Key {
	keys := s.Schema.Keys
	hash := table.Hash(item[keys.Partition.Name], item[keys.Sort.Name])
	return appendKeys(appendKeys(s.entries(x.Name), x.Keys, item).Raw(hash[:]), keys, item)
}

func (s *state) expiries() store.Key { return store.NewKey(store.PrefixExpiry).Uint(s.Number) }

// expiryKey is the key of an item's time of expiry; the item's own key is the rest of it.
func (s *state) expiryKey(at time.Time, itemKey store.Key) store.Key {
	return s.expiries().Uint(uint64(at.Unix())).Raw(itemKey)
}

// changes are the records of the table's stream.
func (s *state) changes() store.Key { return store.NewKey(store.PrefixStream).Uint(s.Number) }

func (s *state) changeKey(sequence uint64) store.Key { return s.changes().Uint(sequence) }

// What is counted of a table.
const (
	countItems = "items"
	countBytes = "bytes"
)

func (s *state) countKey(what string) store.Key {
	return store.NewKey(store.PrefixTableCount).Uint(s.Number).String(what)
}

func tableKey(name string) store.Key { return store.NewKey(store.PrefixTable).String(name) }

// all are the prefixes of everything that is stored of a table but its description.
func (s *state) all() []store.Key {
	return []store.Key{
		s.items(), store.NewKey(store.PrefixIndexItem).Uint(s.Number), s.expiries(), s.changes(),
		store.NewKey(store.PrefixTableCount).Uint(s.Number),
	}
}

// within is the range that a query goes through: of a partition what meets the term on the sort key, of a segment all.
func (s *state) within(q *table.Query, keys table.Keys, x *table.Index) store.Range {
	base := s.items()
	if x != nil {
		base = s.entries(x.Name)
	}
	base = slices.Clip(base)
	var r store.Range
	if q.Scan {
		r = segment(base, q)
	} else {
		partition, _ := q.Term(keys.Partition.Name)
		r = Sorted(slices.Clip(appendPartition(base, partition.Values[0])), q, keys)
	}
	if q.Start != nil {
		start := s.itemKey(q.Start)
		if x != nil {
			start = s.entryKey(x, q.Start)
		}
		if q.Backward {
			r.High = start
		} else {
			r.Low = start.End()
		}
	}
	r.Reverse = q.Backward
	return r
}

func segment(base store.Key, q *table.Query) store.Range {
	r := base.Range()
	if q.TotalSegments > 1 {
		first, end := q.FirstBucket(), q.EndBucket()
		r.Low = base.Raw(bucket(first))
		if end <= lastBucket {
			r.High = base.Raw(bucket(end))
		}
	}
	return r
}

const lastBucket = 1<<12 - 1

// bucket are the first twelve bits of the hashes that lie in it.
func bucket(n int) []byte { return []byte{byte(n >> 4), byte(n << 4)} }

// Sorted is the part of a partition, whose keys begin with base and go on with the sort key, that meets the query's term on it. The base is
// not changed.
func Sorted(base store.Key, q *table.Query, keys table.Keys) store.Range {
	r := base.Range()
	term, ok := q.Term(keys.Sort.Name)
	if !ok {
		return r
	}
	first := base.String(term.Values[0].OrderedBytes())
	switch term.Op {
	case "EQ":
		return first.Range()
	case "LT":
		r.High = first
	case "LE":
		r.High = first.End()
	case "GT":
		r.Low = first.End()
	case "GE":
		r.Low = first
	case "BEGINS_WITH":
		return base.Partial(term.Values[0].OrderedBytes()).Range()
	case "BETWEEN":
		r.Low, r.High = first, base.String(term.Values[1].OrderedBytes()).End()
	}
	return r
}
