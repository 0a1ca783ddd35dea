package store

import (
	"errors"
	"fmt"
	"iter"
	"strconv"

	"github.com/cockroachdb/pebble/v2"
)

// View is the store as it was at one moment: for whoever reads several ranges that have to agree. It keeps compaction from dropping
// what was overwritten meanwhile, so it is held for a page, not for a listing.
type View struct{ snapshot *pebble.Snapshot }

// View returns the store as it is now. Close it.
func (s *Store) View() *View { return &View{s.db.NewSnapshot()} }

// Get returns a copy of the value of key, or ErrNotFound.
func (v *View) Get(key []byte) ([]byte, error) { return get(v.snapshot, key) }

// GetMany reads keys that are sorted; see Store.GetMany.
func (v *View) GetMany(keys []string, found func(key string, value []byte) error) error {
	return getMany(v.snapshot, keys, found)
}

// Scan iterates over a range; see Store.Scan.
func (v *View) Scan(r Range) iter.Seq2[Entry, error] { return scan(v.snapshot, r) }

// Close lets go of the view.
func (v *View) Close() error {
	if err := v.snapshot.Close(); err != nil {
		return fmt.Errorf("store: closing a view: %w", err)
	}
	return nil
}

// Version returns the version in which a component has stored its keys, 0 when it never said. A component whose layout grew brings
// what is there up to date when it is opened, and then says so with SetVersionTx.
func (s *Store) Version(component string) (int, error) {
	text, err := s.Get(versionKey(component))
	if errors.Is(err, ErrNotFound) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	n, err := strconv.Atoi(string(text))
	if err != nil {
		return 0, fmt.Errorf("store: version of %s: %w", component, err)
	}
	return n, nil
}

// SetVersionTx says in which version a component's keys are, from this transaction on.
func SetVersionTx(tx *Tx, component string, version int) {
	tx.Set(versionKey(component), []byte(strconv.Itoa(version)))
}

func versionKey(component string) Key { return NewKey(prefixVersion).String(component) }
