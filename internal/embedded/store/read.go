package store

import (
	"encoding/binary"
	"errors"
	"fmt"
	"iter"

	"github.com/cockroachdb/pebble/v2"
)

// Get returns a copy of the value of key, or ErrNotFound.
func (s *Store) Get(key []byte) ([]byte, error) { return get(s.db, key) }

// Has reports whether key has a value.
func (s *Store) Has(key []byte) (bool, error) {
	_, closer, err := s.db.Get(key)
	if errors.Is(err, pebble.ErrNotFound) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("store: looking for %q: %w", key, err)
	}
	return true, closer.Close()
}

// Counter returns the value of a counter, 0 when it was never changed.
func (s *Store) Counter(key []byte) (int64, error) {
	value, err := get(s.db, key)
	if errors.Is(err, ErrNotFound) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	return DecodeCounter(value), nil
}

// DecodeCounter reads the value of a counter key met in a scan.
func DecodeCounter(value []byte) int64 {
	n, _ := binary.Varint(value)
	return n
}

// Range is a range of keys: Low is included, High is not. Reverse goes from high to low.
type Range struct {
	Low, High []byte
	Reverse   bool
}

// Entry is a key with its value. Both are valid only until the iteration goes on; copy what is kept.
type Entry struct{ Key, Value []byte }

// Scan iterates over a range, reading as it goes, on the state at the time of the call. A read error ends the iteration as
// its last element.
func (s *Store) Scan(r Range) iter.Seq2[Entry, error] { return scan(s.db, r) }

// GetMany calls found for each of some keys that has a value, in their order, which has to be sorted. It costs less than as many calls of
// Get when the keys lie near each other. The value is valid only during the call; an error of it ends GetMany.
func (s *Store) GetMany(keys []string, found func(key string, value []byte) error) error {
	return getMany(s.db, keys, found)
}

func getMany(r pebble.Reader, keys []string, found func(key string, value []byte) error) error {
	if len(keys) == 0 {
		return nil
	}
	it, err := r.NewIter(&pebble.IterOptions{LowerBound: []byte(keys[0])})
	if err != nil {
		return fmt.Errorf("store: reading %d keys: %w", len(keys), err)
	}
	for _, key := range keys {
		if !it.SeekGE([]byte(key)) {
			break // an error is reported by Close
		}
		if string(it.Key()) != key {
			continue
		}
		value, err := it.ValueAndErr()
		if err == nil {
			err = found(key, value)
		}
		if err != nil {
			return errors.Join(err, it.Close())
		}
	}
	if err := it.Close(); err != nil {
		return fmt.Errorf("store: reading %d keys: %w", len(keys), err)
	}
	return nil
}

func get(r pebble.Reader, key []byte) ([]byte, error) {
	value, closer, err := r.Get(key)
	if errors.Is(err, pebble.ErrNotFound) {
		return nil, ErrNotFound
	}
	if err != nil {
		return nil, fmt.Errorf("store: reading %q: %w", key, err)
	}
	out := append(make([]byte, 0, len(value)), value...)
	if err := closer.Close(); err != nil {
		return nil, fmt.Errorf("store: reading %q: %w", key, err)
	}
	return out, nil
}

func scan(r pebble.Reader, rng Range) iter.Seq2[Entry, error] {
	return func(yield func(Entry, error) bool) {
		it, err := r.NewIter(&pebble.IterOptions{LowerBound: rng.Low, UpperBound: rng.High})
		if err != nil {
			yield(Entry{}, fmt.Errorf("store: scanning from %q: %w", rng.Low, err))
			return
		}
		first, next := it.First, it.Next
		if rng.Reverse {
			first, next = it.Last, it.Prev
		}
		for ok := first(); ok; ok = next() {
			value, err := it.ValueAndErr()
			if err != nil {
				break // reported by Close
			}
			if !yield(Entry{Key: it.Key(), Value: value}, nil) {
				_ = it.Close()
				return
			}
		}
		if err := it.Close(); err != nil {
			yield(Entry{}, fmt.Errorf("store: scanning from %q: %w", rng.Low, err))
		}
	}
}
