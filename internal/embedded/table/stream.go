package table

import (
	"context"
	"fmt"
	"sync"
	"time"

	"sundog/internal/embedded/store"
	"sundog/internal/table"
)

// KeepChanges is how long the records of a stream can be read.
const KeepChanges = 24 * time.Hour

// stream gives out the numbers of records, one row for all tables.
type stream struct {
	mu   sync.Mutex // held while a transaction with records is submitted, which can take as long as the disk
	last uint64

	watching sync.Mutex // guards state.changed; callbacks of transactions take it
}

// Events of a stream.
const (
	eventInsert = iota + 1
	eventModify
	eventRemove
	eventExpire // removed by the table itself
)

// commitRecords commits a transaction together with records of changes.
func (t *Tables) commitRecords(ctx context.Context, tx *store.Tx, changes []recorded) error {
	at := t.now()
	for _, r := range changes {
		tx.OnCommit(func() { t.stream.wake(r.table) })
	}
	if err := t.submitRecords(ctx, tx, changes, at); err != nil {
		return err
	}
	return tx.Wait(ctx)
}

func (t *Tables) submitRecords(ctx context.Context, tx *store.Tx, changes []recorded, at time.Time) error {
	values := make([][]byte, 0, len(changes))
	for _, r := range changes {
		values = append(values, encodeChange(r.table.Schema.Stream, r, at))
	}
	t.stream.mu.Lock()
	defer t.stream.mu.Unlock()
	for i, r := range changes {
		t.stream.last++
		tx.Set(r.table.changeKey(t.stream.last), values[i])
	}
	return tx.Submit(ctx)
}

// wake tells those who wait for a change of a table.
func (s *stream) wake(of *state) {
	s.watching.Lock()
	defer s.watching.Unlock()
	close(of.changed)
	of.changed = make(chan struct{})
}

// lastSequence is the number of the newest record of a table. Trimming leaves that record, so that its number is never given again.
func (t *Tables) lastSequence(s *state) (uint64, error) {
	r := s.changes().Range()
	r.Reverse = true
	for entry, err := range t.store.Scan(r) {
		if err != nil {
			return 0, err
		}
		sequence, err := sequenceOf(entry.Key)
		return sequence, err
	}
	return 0, nil
}

func sequenceOf(key []byte) (uint64, error) {
	f := store.Split(key)
	f.Uint() // the table
	sequence := f.Uint()
	return sequence, f.Err()
}

// maxChangeBytes bounds the records that are read at once, but for the first.
const maxChangeBytes = 1 << 20

// Changes returns up to limit records, and about 1 MB, of a table's stream that come after a number, oldest first; 0 is the beginning. The error has the
// code table.NotFound when there is no such table or it has no stream.
func (t *Tables) Changes(_ context.Context, name string, after uint64, limit int) ([]table.Record, error) {
	s, release, err := t.useStream(name)
	if err != nil {
		return nil, err
	}
	defer release()
	horizon := t.now().Add(-KeepChanges)
	r := s.changes().Range()
	r.Low = s.changeKey(after).End()
	var records []table.Record
	size := 0
	for entry, err := range t.store.Scan(r) {
		if err != nil {
			return nil, fmt.Errorf("reading the stream of table %s: %w", name, err)
		}
		record, err := decodeChange(entry)
		if err != nil {
			return nil, fmt.Errorf("reading the stream of table %s: %w", name, err)
		}
		if record.At.Before(horizon) {
			continue
		}
		size += len(entry.Value)
		if records = append(records, record); len(records) >= limit || size >= maxChangeBytes {
			break
		}
	}
	return records, nil
}

// Newest is the number of the newest record of a table's stream; 0 when there has been none.
func (t *Tables) Newest(_ context.Context, name string) (uint64, error) {
	s, release, err := t.useStream(name)
	if err != nil {
		return 0, err
	}
	defer release()
	return t.lastSequence(s)
}

// Wait returns when a table's stream has a record after a number, or the table is gone, or ctx has ended.
func (t *Tables) Wait(ctx context.Context, name string, after uint64) error {
	for {
		changed, newest, err := t.watch(name)
		if err != nil || newest > after {
			return err
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// watch returns the number of the newest record, and what is closed when there is a newer one.
func (t *Tables) watch(name string) (<-chan struct{}, uint64, error) {
	s, release, err := t.useStream(name)
	if err != nil {
		return nil, 0, err
	}
	defer release()
	t.stream.watching.Lock()
	changed := s.changed // before looking, or a record could come between
	t.stream.watching.Unlock()
	newest, err := t.lastSequence(s)
	return changed, newest, err
}

func (t *Tables) useStream(name string) (*state, func(), error) {
	s, release, err := t.use(name)
	if err != nil {
		return nil, nil, err
	}
	if s.Schema.Stream == "" {
		release()
		return nil, nil, &table.Error{Code: table.NotFound, Message: "Requested resource not found: Stream: of table " + name + " not found"}
	}
	return s, release, nil
}

func decodeChange(entry store.Entry) (r table.Record, err error) {
	if r.Sequence, err = sequenceOf(entry.Key); err != nil {
		return r, err
	}
	d := store.Decode(entry.Value)
	if d.Byte() != codecVersion {
		return r, errCorrupt
	}
	switch d.Byte() {
	case eventInsert:
		r.Event = "INSERT"
	case eventModify:
		r.Event = "MODIFY"
	case eventRemove:
		r.Event = "REMOVE"
	case eventExpire:
		r.Event, r.Expired = "REMOVE", true
	}
	r.At = time.UnixMilli(d.Varint()).UTC()
	for _, image := range []*table.Item{&r.Keys, &r.Old, &r.New} {
		if d.Byte() == 1 {
			*image = readItem(d)
		}
	}
	return r, d.Err()
}
