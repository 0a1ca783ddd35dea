package engine

import (
	"context"
	"sync"

	"sundog/asl"
)

// waiters are those who wait for an execution to end.
type waiters struct {
	mu   sync.Mutex
	byID map[uint64]chan struct{}
}

func (w *waiters) wait(id uint64) <-chan struct{} {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.byID == nil {
		w.byID = map[uint64]chan struct{}{}
	}
	if w.byID[id] == nil {
		w.byID[id] = make(chan struct{})
	}
	return w.byID[id]
}

func (w *waiters) wake(id uint64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if done := w.byID[id]; done != nil {
		close(done)
		delete(w.byID, id)
	}
}

// Wait waits until an execution has ended, and describes it.
func (e *Engine) Wait(ctx context.Context, arn string) (d Description, input, output []byte, err error) {
	id, err := e.find(arn)
	if err != nil {
		return Description{}, nil, nil, err
	}
	done := e.waiters.wait(id)
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
