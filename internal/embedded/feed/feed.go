// Package feed keeps workflow events in the order in which they happened, for those who watch, and counts how often payloads
// came into each state.
//
// # Promises
//
//   - An event is in the feed when the transition that it tells of is on disk, and only then.
//   - Whoever reads on from the last event that he has seen misses none, restarts of either side included, as long as it is kept.
//   - Counting and reading cost the same however much has happened.
package feed

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"sundog/internal/embedded/store"
	"sundog/internal/event"
)

// How long things are kept.
const (
	KeepEvents  = 24 * time.Hour
	keepMinutes = 38 * time.Hour      // of counts by minute: the dashboard shows 36 hours
	keepDays    = 62 * 24 * time.Hour // of counts by day: it shows 60 days
)

// Feed is the feed of one platform. It is safe for concurrent use.
type Feed struct {
	store *store.Store
	now   func() time.Time
}

// New returns the feed on a store.
func New(st *store.Store, now func() time.Time) *Feed { return &Feed{store: st, now: now} }

// An Entry is an event in the feed.
type Entry struct {
	// ID grows from event to event. It is also about the time in nanoseconds.
	ID       uint64
	Type     event.Type
	Workflow string
	// Message is the event as it is published: a JSON object.
	Message []byte
}

// RecordTx adds an event to a transaction.
func (f *Feed) RecordTx(tx *store.Tx, typ event.Type, workflow string, message []byte) {
	value := make([]byte, 0, len(typ)+len(workflow)+len(message)+4)
	value = binary.AppendUvarint(value, uint64(len(typ)))
	value = append(value, typ...)
	value = binary.AppendUvarint(value, uint64(len(workflow)))
	value = append(value, workflow...)
	tx.Append(store.NewKey(store.PrefixEvent), append(value, message...))
	f.count(tx, typ)
}

// ErrGone is returned to who wants to read on from an event that is no longer kept.
var ErrGone = errors.New("the event is no longer kept")

// Read returns the events after the one with an ID, at most limit, in their order. With 0 it begins at the oldest that is kept.
func (f *Feed) Read(ctx context.Context, after uint64, limit int) ([]Entry, error) {
	if after != 0 && time.Unix(0, int64(after)).Before(f.now().Add(-KeepEvents)) {
		return nil, fmt.Errorf("%w: events are kept for %s", ErrGone, KeepEvents)
	}
	end, _ := f.store.LogEnd()
	var entries []Entry
	r := store.Range{Low: store.NewKey(store.PrefixEvent).Uint(after + 1), High: store.NewKey(store.PrefixEvent).Uint(end + 1)}
	for entry, err := range f.store.Scan(r) {
		if err == nil {
			err = context.Cause(ctx)
		}
		if err != nil {
			return nil, fmt.Errorf("reading events: %w", err)
		}
		if len(entries) == limit {
			break
		}
		key, value := store.Split(entry.Key), store.Decode(entry.Value)
		e := Entry{ID: key.Uint(), Type: event.Type(value.Text()), Workflow: value.Text()}
		e.Message = append([]byte(nil), value.Rest()...)
		if err := errors.Join(key.Err(), value.Err()); err != nil {
			return nil, fmt.Errorf("reading event %d: %w", e.ID, err)
		}
		entries = append(entries, e)
	}
	return entries, nil
}

// Last returns the ID after which only events follow that have not happened yet.
func (f *Feed) Last() uint64 {
	end, _ := f.store.LogEnd()
	return end
}

// Wait returns when there may be events after the one with an ID, or when ctx ends.
func (f *Feed) Wait(ctx context.Context, after uint64) error {
	for {
		end, grown := f.store.LogEnd()
		if end > after {
			return nil
		}
		select {
		case <-grown:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// Expire removes what has been kept long enough.
func (f *Feed) Expire(ctx context.Context) error {
	now := f.now()
	tx := f.store.Begin()
	tx.DeleteRange(store.NewKey(store.PrefixEvent), store.NewKey(store.PrefixEvent).Uint(uint64(now.Add(-KeepEvents).UnixNano())))
	for step, keep := range map[time.Duration]time.Duration{minute: keepMinutes, day: keepDays} {
		tx.DeleteRange(periodKey(step), periodKey(step).Time(now.Add(-keep)))
	}
	if err := tx.Commit(ctx); err != nil {
		return fmt.Errorf("removing old events: %w", err)
	}
	return nil
}
