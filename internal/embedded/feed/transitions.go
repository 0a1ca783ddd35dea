package feed

import (
	"context"
	"fmt"
	"time"

	"sundog/internal/embedded/store"
	"sundog/internal/event"
	"sundog/internal/statedb"
)

// The periods by which transitions are counted. Days are those of UTC.
const (
	minute = time.Minute
	day    = 24 * time.Hour
)

func periodKey(step time.Duration) store.Key {
	return store.NewKey(store.PrefixTransition).Uint(uint64(step / time.Second))
}

// count adds to the counters of the state that an event tells of.
func (f *Feed) count(tx *store.Tx, typ event.Type) {
	state := statedb.StateOf(typ)
	if state == "" {
		return
	}
	now := f.now().UTC()
	for _, step := range []time.Duration{minute, day} {
		tx.Add(periodKey(step).Time(now.Truncate(step)).String(string(state)), 1)
	}
}

// Transitions returns how often payloads came into each state in n periods of a length, the first of which begins at a time. The length is a
// number of minutes, or of whole days; the time is cut to the minute or day.
func (f *Feed) Transitions(ctx context.Context, from time.Time, step time.Duration, n int) ([]map[statedb.State]int64, error) {
	unit := minute
	if step%day == 0 {
		unit = day
	}
	if step < unit || step%unit != 0 || n < 1 {
		return nil, fmt.Errorf("transitions are counted by minutes and days, not by %d times %s", n, step)
	}
	from = from.UTC().Truncate(unit)
	periods := make([]map[statedb.State]int64, n)
	for i := range periods {
		periods[i] = map[statedb.State]int64{}
	}
	r := store.Range{Low: periodKey(unit).Time(from), High: periodKey(unit).Time(from.Add(step * time.Duration(n)))}
	for entry, err := range f.store.Scan(r) {
		if err == nil {
			err = context.Cause(ctx)
		}
		if err != nil {
			return nil, fmt.Errorf("reading the counts of transitions: %w", err)
		}
		key := store.Split(entry.Key)
		key.Uint()
		at, state := key.Time(), statedb.State(key.String())
		if err := key.Err(); err != nil {
			return nil, fmt.Errorf("reading the counts of transitions: %w", err)
		}
		periods[at.Sub(from)/step][state] += store.DecodeCounter(entry.Value)
	}
	return periods, nil
}
