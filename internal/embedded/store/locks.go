package store

import (
	"context"
	"sync"
)

// Locks are locks by key, each there only while somebody holds it or waits for it: for writes that depend on what was read. The
// zero value is ready. Hold a lock from the read until the commit has returned.
type Locks struct {
	mu   sync.Mutex
	held map[string]chan struct{}
}

// Lock waits for the lock of a key and returns what unlocks it. Waiters are not served in order.
func (l *Locks) Lock(ctx context.Context, key string) (unlock func(), err error) {
	for {
		l.mu.Lock()
		held, taken := l.held[key]
		if !taken {
			if l.held == nil {
				l.held = map[string]chan struct{}{}
			}
			mine := make(chan struct{})
			l.held[key] = mine
			l.mu.Unlock()
			return func() {
				l.mu.Lock()
				delete(l.held, key)
				l.mu.Unlock()
				close(mine)
			}, nil
		}
		l.mu.Unlock()
		select {
		case <-held:
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
}
