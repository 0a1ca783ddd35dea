package engine

import (
	"context"
	"sync"

	"sundog/asl"
)

// waiters are those who wait for an execution to end.
type waiters struct {
	mu   sync.Mutex
	byID map[uint64]*waiting
}

type waiting struct {
	done  chan struct{}
	count int
}

// wait returns a channel that is closed when the execution ends, and what lets go of it.
func (w *waiters) wait(id uint64) (done <-chan struct{}, leave func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.byID == nil {
		w.byID = map[uint64]*waiting{}
	}
	entry := w.byID[id]
	if entry == nil {
		entry = &waiting{done: make(chan struct{})}
		w.byID[id] = entry
	}
	entry.count++
	return entry.done, func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		if entry.count--; entry.count == 0 && w.byID[id] == entry {
			delete(w.byID, id)
		}
	}
}

func (w *waiters) wake(id uint64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if entry := w.byID[id]; entry != nil {
		close(entry.done)
		delete(w.byID, id)
	}
}

// Wait waits until an execution has ended, and describes it.
func (e *Engine) Wait(ctx context.Context, arn string) (d Description, input, output []byte, err error) {
	id, err := e.find(arn)
	if err != nil {
		return Description{}, nil, nil, err
	}
	done, leave := e.waiters.wait(id)
	defer leave()
	d, input, output, err = e.Describe(ctx, arn)
	if err != nil || d.Status != asl.Running {
		return d, input, output, err
	}
	select {
	case <-done:
		return e.Describe(ctx, arn)
	case <-ctx.Done():
		return d, input, output, context.Cause(ctx)
	}
}
