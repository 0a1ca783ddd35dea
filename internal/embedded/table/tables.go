// Package table keeps tables in the store. Package internal/table says what a table promises and checks every request; here it is carried
// out and made durable.
//
// # Promises
//
//   - A write that was answered is on disk, with its entries in every index and its record in the stream: all of it is one transaction.
//   - Writes of one item come one after the other. Transactions of many items, too, are as if nothing else happened meanwhile.
//   - Every read sees what was written before it began, from indexes as well: ConsistentRead makes no difference but in price.
//   - The stream of a table has each change once, in the order of the writes of each item.
//   - What an operation holds in memory is bounded by the bounds of requests and pages; nothing grows with a table but the disk.
//
// # Concurrency
//
// A write holds the lock of its item from reading it to the commit; a transaction holds those of all its items, in the order of their keys, so
// that two never wait for each other. Operations share the lock of their table, and whoever changes a schema has it alone. Scans and queries
// read a state of the database and hold no lock of an item.
//
// A stream is a log of the store, so its numbers grow in the order of commits and a reader never misses one behind it.
package table

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/google/uuid"

	"sundog/internal/embedded/store"
	"sundog/internal/table"
)

// MaxTables is how many tables there can be, as in an account of AWS.
const MaxTables = 2500

// Options of the tables.
type Options struct {
	// Now is the clock, time.Now when nil.
	Now func() time.Time
}

// Tables are the tables of a store. They are safe for concurrent use.
type Tables struct {
	store *store.Store
	now   func() time.Time
	locks store.Locks // of items

	mu     sync.RWMutex // guards the map
	tables map[string]*state
	making sync.Mutex // held while a table is made, changed or deleted
}

// description is what is stored of a table.
type description struct {
	Number  uint64
	Schema  *table.Schema
	Indexes map[string]uint64 // numbers of the indexes
	Next    uint64            // number of the next index
}

// state is a table in memory. Whoever uses the description holds the lock for reading; who changes it, for writing.
type state struct {
	mu sync.RWMutex
	description
	gone bool
}

// Open reads which tables there are.
func Open(s *store.Store, opts Options) (*Tables, error) {
	if opts.Now == nil {
		opts.Now = time.Now
	}
	t := &Tables{store: s, now: opts.Now, tables: map[string]*state{}}
	for entry, err := range s.Scan(store.NewKey(store.PrefixTable).Range()) {
		if err != nil {
			return nil, fmt.Errorf("opening the tables: %w", err)
		}
		found := &state{}
		if err := json.Unmarshal(entry.Value, &found.description); err != nil {
			return nil, fmt.Errorf("opening the table %q: %w", entry.Key, err)
		}
		t.tables[found.Schema.Name] = found
	}
	return t, nil
}

// errUnknown is the refusal of operations on items of a table that is not there.
func errUnknown() error {
	return &table.Error{Code: table.NotFound, Message: "Requested resource not found"}
}

// use returns a table and what lets go of it. While somebody has it, its schema does not change.
func (t *Tables) use(name string) (*state, func(), error) {
	t.mu.RLock()
	s, ok := t.tables[name]
	t.mu.RUnlock()
	if !ok {
		return nil, nil, errUnknown()
	}
	s.mu.RLock()
	if s.gone {
		s.mu.RUnlock()
		return nil, nil, errUnknown()
	}
	return s, s.mu.RUnlock, nil
}

// useAll returns several tables by name. They are taken in the order of their names, so that nobody waits in a circle.
func (t *Tables) useAll(names []string) (map[string]*state, func(), error) {
	used := map[string]*state{}
	var releases []func()
	release := func() {
		for _, r := range releases {
			r()
		}
	}
	for _, name := range slices.Compact(slices.Sorted(slices.Values(names))) {
		s, r, err := t.use(name)
		if err != nil {
			release()
			return nil, nil, err
		}
		used[name] = s
		releases = append(releases, r)
	}
	return used, release, nil
}

// Names returns the names of up to limit tables after a name, in order.
func (t *Tables) Names(after string, limit int) []string {
	t.mu.RLock()
	defer t.mu.RUnlock()
	names := slices.DeleteFunc(slices.Sorted(maps.Keys(t.tables)), func(name string) bool { return name <= after })
	return names[:min(limit, len(names))]
}

// Describe returns a table, or an error of code table.NotFound.
func (t *Tables) Describe(_ context.Context, name string) (table.Info, error) {
	s, release, err := t.use(name)
	if err != nil {
		return table.Info{}, errNoTable(name)
	}
	defer release()
	return t.info(s)
}

// Schema returns a table without its counts, which costs no reading. It is not to be changed. Errors are those of Describe.
func (t *Tables) Schema(name string) (*table.Schema, error) {
	s, release, err := t.use(name)
	if err != nil {
		return nil, errNoTable(name)
	}
	defer release()
	return s.Schema, nil
}

func errNoTable(name string) error {
	return &table.Error{Code: table.NotFound, Message: "Requested resource not found: Table: " + name + " not found"}
}

func (t *Tables) info(s *state) (table.Info, error) {
	items, err := t.store.Counter(s.countKey(countItems))
	if err != nil {
		return table.Info{}, err
	}
	bytes, err := t.store.Counter(s.countKey(countBytes))
	return table.Info{Schema: s.Schema, Items: items, Bytes: bytes}, err
}

// Create makes a table; the schema was checked. The error has the code table.InUse when there is one of that name.
func (t *Tables) Create(ctx context.Context, schema table.Schema) (table.Info, error) {
	t.making.Lock()
	defer t.making.Unlock()
	t.mu.RLock()
	_, taken := t.tables[schema.Name]
	count, number := len(t.tables), uint64(0)
	for _, s := range t.tables {
		number = max(number, s.Number)
	}
	t.mu.RUnlock()
	if taken {
		return table.Info{}, &table.Error{Code: table.InUse, Message: "Table already exists: " + schema.Name}
	}
	if count >= MaxTables {
		return table.Info{}, &table.Error{Code: table.LimitExceeded, Message: fmt.Sprintf("Subscriber limit exceeded: the number of tables exceeds the limit of %d", MaxTables)}
	}
	schema.Created, schema.ID = t.now().UTC(), uuid.NewString()
	if schema.Stream != "" {
		schema.Streaming = schema.Created
	}
	s := &state{description: description{Number: number + 1, Schema: &schema, Indexes: map[string]uint64{}}}
	for _, x := range schema.Indexes {
		s.Next++
		s.Indexes[x.Name] = s.Next
	}
	tx := t.store.Begin()
	for _, k := range s.all() { // a number is given again when the newest table was deleted
		tx.DeleteRange(k, k.End())
	}
	if err := t.describeTx(tx, s.description); err != nil {
		return table.Info{}, err
	}
	if err := tx.Commit(context.WithoutCancel(ctx)); err != nil {
		return table.Info{}, fmt.Errorf("creating table %s: %w", schema.Name, err)
	}
	t.mu.Lock()
	t.tables[schema.Name] = s
	t.mu.Unlock()
	return table.Info{Schema: s.Schema}, nil
}

func (t *Tables) describeTx(tx *store.Tx, d description) error {
	text, err := json.Marshal(d)
	if err != nil {
		return fmt.Errorf("describing table %s: %w", d.Schema.Name, err)
	}
	tx.Set(tableKey(d.Schema.Name), text)
	return nil
}

// Delete removes a table with all that is in it, and returns what it was.
func (t *Tables) Delete(ctx context.Context, name string) (table.Info, error) {
	t.making.Lock()
	defer t.making.Unlock()
	t.mu.RLock()
	s, ok := t.tables[name]
	t.mu.RUnlock()
	if !ok {
		return table.Info{}, errNoTable(name)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.Schema.Declared {
		return table.Info{}, table.Invalid("Table %s is declared by the project; take it out of sundog.yaml to delete it", name)
	}
	info, err := t.info(s)
	if err != nil {
		return table.Info{}, err
	}
	tx := t.store.Begin()
	tx.Delete(tableKey(name))
	for _, k := range s.all() {
		tx.DeleteRange(k, k.End())
	}
	if err := tx.Commit(context.WithoutCancel(ctx)); err != nil {
		return table.Info{}, fmt.Errorf("deleting table %s: %w", name, err)
	}
	s.gone = true
	t.mu.Lock()
	delete(t.tables, name)
	t.mu.Unlock()
	return info, nil
}

// read returns an item by its store key; nil when there is none.
func (t *Tables) read(key store.Key) (table.Item, error) {
	value, err := t.store.Get(key)
	if errors.Is(err, store.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return decode(value)
}
