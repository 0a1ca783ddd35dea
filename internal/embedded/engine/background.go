package engine

import "sync"

// background is what goes on beside the callers, and is waited for. Callers from outside may still begin something while the engine stops; from
// then on nothing is begun. Nothing is lost by that: it is on disk, and taken up after the next start.
type background struct {
	mu     sync.RWMutex
	closed bool
	wg     sync.WaitGroup
}

// Go calls f on a goroutine of its own, unless Wait was called.
func (b *background) Go(f func()) {
	b.mu.RLock()
	defer b.mu.RUnlock()
	if !b.closed {
		b.wg.Go(f)
	}
}

// Wait lets nothing more begin, and returns when all that was begun has ended.
func (b *background) Wait() {
	b.mu.Lock()
	b.closed = true
	b.mu.Unlock()
	b.wg.Wait()
}
