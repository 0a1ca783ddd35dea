package store_test

import (
	"context"
	"encoding/binary"
	"sync"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"sundog/internal/embedded/store"
)

// TestLogOrder reads a log while many write it: whoever has seen a number has seen all before it, and a restart gives out no number twice.
func TestLogOrder(t *testing.T) {
	const writers, each = 16, 200
	fs := vfs.NewMem()
	log := store.NewKey('v')
	s, err := store.Open("data", store.Options{FS: fs})
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			for i := range each {
				tx := s.Begin()
				tx.Append(log, binary.BigEndian.AppendUint64(nil, uint64(w*each+i)))
				if err := tx.Commit(context.Background()); err != nil {
					t.Error(err)
				}
			}
		})
	}
	seen := map[uint64]bool{}
	last := uint64(0)
	read := func() {
		end, _ := s.LogEnd()
		for entry, err := range s.Scan(store.Range{Low: log.Uint(last + 1), High: store.NewKey('v').Uint(end + 1)}) {
			if err != nil {
				t.Error(err)
				return
			}
			last = store.Split(entry.Key).Uint()
			seen[binary.BigEndian.Uint64(entry.Value)] = true
		}
	}
	for len(seen) < writers*each && !t.Failed() {
		end, grown := s.LogEnd()
		if end == last {
			<-grown
		}
		read()
	}
	wg.Wait()
	if read(); len(seen) != writers*each {
		t.Errorf("%d of %d entries were read", len(seen), writers*each)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}

	if s, err = store.Open("data", store.Options{FS: fs}); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	if end, _ := s.LogEnd(); end != last {
		t.Errorf("after a restart the log ends at %d, before at %d", end, last)
	}
	tx := s.Begin()
	tx.Append(log, []byte("next"))
	if err := tx.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	if end, _ := s.LogEnd(); end <= last {
		t.Errorf("number %d was given out after %d", end, last)
	}
}
