package store

import (
	"encoding/binary"
	"errors"
	"fmt"
	"sync"
	"time"
)

// A log is the keys below a prefix whose last field is a number that the store assigns. The numbers of all logs of a store grow in the order
// of commits, without regard to who began first: whoever has read a log up to a number has missed nothing before it. A number is about the
// time of the commit in nanoseconds, so a log can be cut by time.

// Append adds an entry to the log below a prefix when the transaction is committed. Key and value are copied.
func (tx *Tx) Append(log Key, value []byte) {
	tx.appends = append(tx.appends, entryToAppend{append([]byte(nil), log...), append([]byte(nil), value...)})
}

type entryToAppend struct{ log, value []byte }

// logs assigns numbers, and tells who waits when there are new entries on disk.
type logs struct {
	last uint64 // given out; of the committer's goroutine only

	mu     sync.Mutex
	synced uint64        // on disk up to here
	grown  chan struct{} // closed when synced grows
}

var lastEntryKey = NewKey(prefixMeta).String("log")

// openLogs finds the number of the last entry, so that none is given out twice even when the clock was set back.
func (s *Store) openLogs() error {
	s.logs.grown = make(chan struct{})
	value, err := s.Get(lastEntryKey)
	if errors.Is(err, ErrNotFound) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("store: reading the number of the last log entry: %w", err)
	}
	if len(value) != 8 {
		return fmt.Errorf("store: the number of the last log entry has %d bytes", len(value))
	}
	s.logs.last = binary.BigEndian.Uint64(value)
	s.logs.synced = s.logs.last
	return nil
}

// number writes the entries of a group into its batch. Only the committer's goroutine calls it.
func (s *Store) number(g *group) {
	before := s.logs.last
	for _, tx := range g.txs {
		if tx.err != nil {
			continue
		}
		for _, e := range tx.appends {
			s.logs.last = max(s.logs.last+1, uint64(time.Now().UnixNano()))
			tx.must(g.batch.Set(Key(e.log).Uint(s.logs.last), e.value, nil))
		}
	}
	if s.logs.last != before {
		g.txs[0].must(g.batch.Set(lastEntryKey, binary.BigEndian.AppendUint64(nil, s.logs.last), nil))
		g.lastEntry = s.logs.last
	}
}

// logged notes that a group with log entries is on disk.
func (s *Store) logged(g *group) {
	if g.lastEntry == 0 || g.err != nil {
		return
	}
	s.logs.mu.Lock()
	defer s.logs.mu.Unlock()
	s.logs.synced = g.lastEntry
	close(s.logs.grown)
	s.logs.grown = make(chan struct{})
}

// LogEnd returns the number of the last log entry that is on disk, of any log, and a channel that is closed when there is a later one.
// What has a higher number may be lost in a crash and its number be given out again, so it is not to be shown to anybody.
func (s *Store) LogEnd() (uint64, <-chan struct{}) {
	s.logs.mu.Lock()
	defer s.logs.mu.Unlock()
	return s.logs.synced, s.logs.grown
}
