package logs

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"sundog/internal/embedded/store"
)

// List returns up to limit streams whose names begin with prefix and come after the name after, in the order of names. Live
// ones are among them.
func (s *Store) List(prefix, after string, limit int) ([]Stream, error) {
	if limit <= 0 {
		return nil, nil
	}
	rng := store.NewKey(store.PrefixLog).Uint(kindMeta).Partial(prefix).Range()
	if low := metaKey(after); after != "" && bytes.Compare(low, rng.Low) >= 0 {
		rng.Low = append(low, 0) //nolint:gocritic // the key was made here and is used nowhere else
	}
	live := s.liveAmong(func(name string) bool { return strings.HasPrefix(name, prefix) && name > after })
	known := names(live)
	var stored []Stream
	for e, err := range s.store.Scan(rng) {
		if err != nil {
			return nil, fmt.Errorf("logs: listing streams that begin with %q: %w", prefix, err)
		}
		f := store.Split(e.Key)
		f.Uint()
		name := f.String()
		if known[name] {
			continue // being written anew
		}
		d, err := decodeMeta(name, e.Value)
		if err != nil {
			return nil, err
		}
		if stored = append(stored, d); len(stored) == limit {
			break
		}
	}
	all := slices.Concat(stored, live)
	slices.SortFunc(all, func(a, b Stream) int { return strings.Compare(a.Name, b.Name) })
	return all[:min(limit, len(all))], nil
}

// Latest returns up to limit streams of a source, "function/<name>" or "job/<name>", the last written first. Live ones come
// before all others.
func (s *Store) Latest(of string, limit int) ([]Stream, error) {
	all := s.liveAmong(func(name string) bool { return source(name) == of })
	known := names(all)
	slices.SortFunc(all, func(a, b Stream) int { return b.Updated.Compare(a.Updated) })
	rng := store.NewKey(store.PrefixLogTime).String(of).Range()
	rng.Reverse = true
	for e, err := range s.store.Scan(rng) {
		if err != nil {
			return nil, fmt.Errorf("logs: listing the latest streams of %s: %w", of, err)
		}
		if len(all) >= limit {
			break
		}
		f := store.Split(e.Key)
		_, _, name := f.String(), f.Time(), f.String()
		if known[name] {
			continue
		}
		value, err := s.store.Get(metaKey(name))
		if err != nil {
			continue // expired in the meantime
		}
		d, err := decodeMeta(name, value)
		if err != nil {
			return nil, err
		}
		known[name] = true // a stream that was written twice has two entries
		all = append(all, d)
	}
	return all[:min(max(limit, 0), len(all))], nil
}

func (s *Store) liveAmong(match func(name string) bool) []Stream {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []Stream
	for name, st := range s.live {
		if match(name) {
			out = append(out, st.describe())
		}
	}
	return out
}

func names(streams []Stream) map[string]bool {
	out := make(map[string]bool, len(streams))
	for _, d := range streams {
		out[d.Name] = true
	}
	return out
}

// expireBatch bounds the streams that one transaction removes.
const expireBatch = 256

// Expire removes the streams whose last line is older than before and returns how many. It works through them in bounded
// transactions and can be stopped between two of them.
func (s *Store) Expire(ctx context.Context, before time.Time) (int, error) {
	removed := 0
	next := store.NewKey(store.PrefixLogTime)
	end := next.End()
	for {
		n, at, err := s.expireSome(ctx, store.Range{Low: next, High: end}, before)
		removed += n
		if err != nil {
			return removed, fmt.Errorf("logs: removing streams older than %s: %w", before.Format(time.RFC3339), err)
		}
		if at == nil {
			return removed, nil
		}
		next = at
	}
}

// expireSome removes up to expireBatch streams of rng and returns where to go on; nil at the end.
func (s *Store) expireSome(ctx context.Context, rng store.Range, before time.Time) (int, []byte, error) {
	tx := s.store.Begin()
	removed, entries := 0, 0
	var next []byte
	for e, err := range s.store.Scan(rng) {
		if err != nil {
			return 0, nil, err
		}
		f := store.Split(e.Key)
		of, updated, name := f.String(), f.Time(), f.String()
		if f.Err() != nil {
			return 0, nil, f.Err()
		}
		if !updated.Before(before) {
			next = store.NewKey(store.PrefixLogTime).String(of).End() // the rest of this source is younger
			break
		}
		if entries == expireBatch {
			next = bytes.Clone(e.Key)
			break
		}
		entries++
		tx.Delete(e.Key)
		current, err := s.newest(name, updated)
		if err != nil {
			return 0, nil, err
		}
		if current {
			tx.Delete(metaKey(name))
			tx.Delete(linesKey(name))
			removed++
		}
	}
	if entries == 0 {
		return 0, next, ctx.Err()
	}
	return removed, next, tx.Commit(ctx)
}

// newest reports whether updated is the time of the stream's description: a stream that was written twice has an older entry
// too, with which it must not be removed.
func (s *Store) newest(name string, updated time.Time) (bool, error) {
	value, err := s.store.Get(metaKey(name))
	if err != nil {
		return false, nil //nolint:nilerr // removed before, or unreadable: the entry goes, nothing else does
	}
	d, err := decodeMeta(name, value)
	if err != nil {
		return false, err
	}
	return d.Updated.Equal(updated.Truncate(time.Microsecond)), nil
}
