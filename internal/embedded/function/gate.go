package function

import (
	"context"
	"fmt"
	"sync/atomic"

	"golang.org/x/sync/semaphore"
)

// gate lets a bounded number of calls run and a bounded number wait, first come first served.
type gate struct {
	places     *semaphore.Weighted // nil: no bound
	maxWaiting int64
	running    atomic.Int64
	waiting    atomic.Int64
}

func newGate(s *Spec, maxWaiting int) *gate {
	g := &gate{maxWaiting: int64(maxWaiting)}
	if s.Concurrency > 0 {
		g.places = semaphore.NewWeighted(int64(s.Concurrency))
	}
	return g
}

// enter waits for a place, which the caller gives back with leave.
func (g *gate) enter(ctx context.Context, c *call) error {
	if g.places != nil && !g.places.TryAcquire(1) {
		if g.waiting.Add(1) > g.maxWaiting {
			g.waiting.Add(-1)
			return throttled(c.id)
		}
		err := g.places.Acquire(ctx, 1)
		g.waiting.Add(-1)
		if err != nil {
			return fmt.Errorf("function: waiting for a place: %w", context.Cause(ctx))
		}
	}
	g.running.Add(1)
	return nil
}

func (g *gate) leave() {
	g.running.Add(-1)
	if g.places != nil {
		g.places.Release(1)
	}
}

func (g *gate) load() (running, waiting int) { return int(g.running.Load()), int(g.waiting.Load()) }

func throttled(requestID string) *Error {
	return refusal(ErrorTooManyRequests, "TooManyRequestsException", 429, requestID, "Rate Exceeded.")
}
