package engine

import (
	"fmt"
	"sync"

	"sundog/internal/embedded/store"
)

// lanes count the open executions of each lane of the process queue, so that its consumer can hold to the lanes' limits.
type lanes struct {
	mu      sync.Mutex
	open    map[string]int
	changed chan struct{} // closed and replaced whenever an execution ends
}

func newLanes() *lanes { return &lanes{open: map[string]int{}, changed: make(chan struct{})} }

func (l *lanes) start(lane string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.open[lane]++
}

func (l *lanes) end(lane string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.open[lane]--
	close(l.changed)
	l.changed = make(chan struct{})
}

// Open returns how many executions of a lane are open, and a channel that is closed when one of any lane ends.
func (e *Engine) Open(lane string) (int, <-chan struct{}) {
	e.lanes.mu.Lock()
	defer e.lanes.mu.Unlock()
	return e.lanes.open[lane], e.lanes.changed
}

// OpenTotal returns how many executions are open.
func (e *Engine) OpenTotal() int {
	e.lanes.mu.Lock()
	defer e.lanes.mu.Unlock()
	total := 0
	for _, n := range e.lanes.open {
		total += n
	}
	return total
}

// countOpen counts the open executions of each lane that the last process left.
func (e *Engine) countOpen() error {
	for entry, err := range e.store.Scan(store.NewKey(store.PrefixOpen).Range()) {
		if err != nil {
			return fmt.Errorf("counting open executions: %w", err)
		}
		e.lanes.start(string(entry.Value))
	}
	return nil
}
