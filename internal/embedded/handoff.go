package embedded

import (
	"sync"

	"sundog/internal/pipeline"
)

// handoff passes executions that have just ended from the engine to update-state in memory, so that it need not read back what
// was written a moment ago. It is a bounded cache: what it does not hold is read. When it is full, whatever comes first to hand goes; what
// nobody takes, because its completion became a dead letter, goes that way too.
type handoff struct {
	mu    sync.Mutex
	byARN map[string]pipeline.Execution
	bytes int
}

const maxHandoff = 16 << 20 // bytes of input and output

func (h *handoff) put(arn string, x pipeline.Execution) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.byARN == nil {
		h.byARN = map[string]pipeline.Execution{}
	}
	h.remove(arn)
	for other := range h.byARN {
		if h.bytes+weight(x) <= maxHandoff {
			break
		}
		h.remove(other)
	}
	h.byARN[arn] = x
	h.bytes += weight(x)
}

// weight is what an entry counts, with something for itself.
func weight(x pipeline.Execution) int { return len(x.Input) + len(x.Output) + 500 }

// remove is called with mu held.
func (h *handoff) remove(arn string) {
	if x, ok := h.byARN[arn]; ok {
		delete(h.byARN, arn)
		h.bytes -= weight(x)
	}
}

// take returns an execution and lets go of it.
func (h *handoff) take(arn string) (pipeline.Execution, bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	x, ok := h.byARN[arn]
	h.remove(arn)
	return x, ok
}
