package trigger

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"sundog/internal/embedded/store"
	domain "sundog/internal/trigger"
)

// What is stored of a trigger. Each kind is one byte behind the prefix.
const (
	kindState = 's' // trigger -> state
	kindKey   = 'k' // trigger, key -> what is known of a key whose events wait
	kindDue   = 'd' // trigger, time, key -> nothing: when the key is tried again
	kindEvent = 'e' // trigger, key, id -> an event that waits
)

func keyOf(kind byte, trigger string) store.Key {
	return store.NewKey(store.PrefixTrigger).Raw([]byte{kind}).String(trigger)
}

// state is the durable state of a trigger.
type state struct {
	Source string `json:"source"` // what After is a position in; of another source the trigger begins anew
	After  uint64 `json:"after"`  // everything up to this entry of the log is handled, or waits by itself
	Replay int    `json:"replay,omitempty"`
	Paused bool   `json:"paused,omitempty"`
}

func (s *state) writeTx(tx *store.Tx, trigger string) error {
	text, err := json.Marshal(s)
	if err != nil {
		return fmt.Errorf("writing the state of trigger %s: %w", trigger, err)
	}
	tx.Set(keyOf(kindState, trigger), text)
	return nil
}

// openState reads the state of a trigger whose source may be a log. One that was not there before, or had another source, begins where it says, and
// that is on disk when openState returns.
func openState(ctx context.Context, st *store.Store, spec domain.Spec, source log) (s state, err error) {
	text, err := st.Get(keyOf(kindState, spec.Name))
	if err == nil {
		err = json.Unmarshal(text, &s)
	}
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return s, fmt.Errorf("reading the state of trigger %s: %w", spec.Name, err)
	}
	if s.Source == spec.Source.String() {
		return s, nil
	}
	s.Source, s.After = spec.Source.String(), 0
	if source != nil && spec.Start != domain.TrimHorizon {
		s.After = source.end()
	}
	tx := st.Begin()
	if err := s.writeTx(tx, spec.Name); err != nil {
		return s, err
	}
	if err := tx.Commit(ctx); err != nil {
		return s, fmt.Errorf("beginning trigger %s: %w", spec.Name, err)
	}
	return s, nil
}

// momentOf is about when the log entry of a number was written.
func momentOf(number uint64) time.Time { return time.Unix(0, int64(number)).UTC() }
