package embedded

import (
	"sync"

	"sundog/internal/pipeline"
)

// handoff passes executions that have just ended from the engine to update-state in memory, so that it need not read back what
// was written a moment ago. It is a bounded cache: what it does not hold is read.
type handoff struct {
	mu    sync.Mutex
	byARN map[string]pipeline.Execution
	bytes int
}

const maxHandoff = 16 << 20 // bytes of input and output

func (h *handoff) put(arn string, x pipeline.Execution) {
	h.mu.Lock()
	defer h.mu.Unlock()
	size := len(x.Input) + len(x.Output)
	if h.bytes+size > maxHandoff {
		return
	}
	if h.byARN == nil {
		h.byARN = map[string]pipeline.Execution{}
	}
	if before, ok := h.byARN[arn]; ok {
		h.bytes -= len(before.Input) + len(before.Output)
	}
	h.byARN[arn] = x
	h.bytes += size
}

// take returns an execution and lets go of it.
func (h *handoff) take(arn string) (pipeline.Execution, bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	x, ok := h.byARN[arn]
	if ok {
		delete(h.byARN, arn)
		h.bytes -= len(x.Input) + len(x.Output)
	}
	return x, ok
}
