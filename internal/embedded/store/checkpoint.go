package store

import (
	"fmt"
	"path/filepath"

	"github.com/cockroachdb/pebble/v2"
)

// Checkpoint writes the database, as it is at one moment of the call, into dir/db, from where Open opens it. Everything that was
// acknowledged before the call is in it; writes go on meanwhile. Files that no longer change are linked where the file system
// can, so it costs little when dir is on the same one. The folder dir must exist, dir/db must not.
func (s *Store) Checkpoint(dir string) error {
	s.mu.RLock() // keeps Close away
	defer s.mu.RUnlock()
	if s.closed {
		return ErrClosed
	}
	if err := s.Failed(); err != nil {
		return err
	}
	path := filepath.Join(dir, "db")
	if err := s.db.Checkpoint(path, pebble.WithFlushedWAL()); err != nil {
		return fmt.Errorf("store: copying the database to %s: %w", path, err)
	}
	return nil
}
