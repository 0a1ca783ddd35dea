package metrics

import (
	"fmt"
	"sync"
	"time"

	"sundog/asl"
	"sundog/internal/embedded/engine"
	"sundog/internal/embedded/store"
)

// successEvery is how often the moment of a success is stored at most. After a crash the age of the last success may be too high by so much.
const successEvery = 10 * time.Second

// successes knows when each workflow last succeeded.
type successes struct {
	mu     sync.Mutex
	last   map[string]time.Time
	stored map[string]time.Time
}

func newSuccesses() *successes {
	return &successes{last: map[string]time.Time{}, stored: map[string]time.Time{}}
}

func successKey(workflow string) store.Key {
	return store.NewKey(store.PrefixLastSuccess).String(workflow)
}

// load reads what the last process stored about workflows that there still are.
func (m *Metrics) load(st *store.Store) error {
	for entry, err := range st.Scan(store.NewKey(store.PrefixLastSuccess).Range()) {
		if err != nil {
			return fmt.Errorf("reading when workflows succeeded: %w", err)
		}
		fields := store.Split(entry.Key)
		workflow := fields.String()
		if err := fields.Err(); err != nil {
			return fmt.Errorf("reading when workflows succeeded: %w", err)
		}
		value := store.Split(append([]byte{store.PrefixLastSuccess}, entry.Value...))
		at := value.Time()
		if err := value.Err(); err != nil {
			return fmt.Errorf("reading when %s succeeded: %w", workflow, err)
		}
		if m.workflows[workflow] {
			m.successes.last[workflow], m.successes.stored[workflow] = at, at
		}
	}
	return nil
}

// EndedTx takes the end of an execution into account, once the transaction with which it ends is on disk.
func (m *Metrics) EndedTx(tx *store.Tx, d engine.Description) {
	workflow := m.workflows.label(d.Machine)
	durable := d.Status == asl.Succeeded && workflow != Other && m.successes.due(workflow, d.Stop)
	if durable {
		tx.Set(successKey(workflow), momentOf(d.Stop))
	}
	tx.OnCommit(func() {
		m.executions.WithLabelValues(workflow, string(d.Status)).Inc()
		m.executionTime.WithLabelValues(workflow).Observe(d.Stop.Sub(d.Start).Seconds())
		if d.Status == asl.Succeeded && workflow != Other {
			m.successes.note(workflow, d.Stop, durable)
		}
	})
}

// momentOf is a time as it is stored: the field of a key.
func momentOf(at time.Time) []byte { return store.Key(nil).Time(at) }

// due reports whether a success is to be stored.
func (s *successes) due(workflow string, at time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	stored, ok := s.stored[workflow]
	return !ok || at.Sub(stored) >= successEvery
}

func (s *successes) note(workflow string, at time.Time, stored bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if at.After(s.last[workflow]) {
		s.last[workflow] = at
	}
	if stored && at.After(s.stored[workflow]) {
		s.stored[workflow] = at
	}
}

// ages calls f with the time since each workflow's last success. One that never succeeded has none.
func (s *successes) ages(now time.Time, f func(workflow string, age time.Duration)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for workflow, at := range s.last {
		f(workflow, max(0, now.Sub(at)))
	}
}
