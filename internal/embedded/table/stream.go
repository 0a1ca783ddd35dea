package table

import (
	"context"
	"fmt"
	"time"

	"sundog/internal/embedded/store"
	"sundog/internal/table"
)

// KeepChanges is how long the records of a stream can be read.
const KeepChanges = 24 * time.Hour

// Events of a stream.
const (
	eventInsert = iota + 1
	eventModify
	eventRemove
	eventExpire // removed by the table itself
)

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
	end, _ := t.store.LogEnd()
	if after >= end {
		return nil, nil
	}
	r := store.Range{Low: s.changeKey(after).End(), High: s.changeKey(end).End()}
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

// Newest is a number that every record so far is within, and no later one.
func (t *Tables) Newest(_ context.Context, name string) (uint64, error) {
	_, release, err := t.useStream(name)
	if err != nil {
		return 0, err
	}
	defer release()
	end, _ := t.store.LogEnd()
	return end, nil
}

// Wait returns when a table's stream has a record after a number, or ctx has ended.
func (t *Tables) Wait(ctx context.Context, name string, after uint64) error {
	for {
		_, grown := t.store.LogEnd() // before looking, or a record could come between
		records, err := t.Changes(ctx, name, after, 1)
		if err != nil || len(records) > 0 {
			return err
		}
		select {
		case <-grown:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
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
