package topic

import (
	"context"
	"errors"
	"time"

	"sundog/internal/queue"
	"sundog/internal/topic"
	"sundog/internal/trace"
)

// attempts is a target that takes messages one by one, several at a time, and puts back what failed.
type attempts struct {
	s    *subscription
	kind trace.Kind // of the spans of its deliveries
	send func(ctx context.Context, m topic.Message, attempt int) error
}

// retryAfter is a failure whose receiver has said how long to wait.
type retryAfter struct {
	error
	pause time.Duration
}

func (a *attempts) workers() int     { return a.s.Concurrency }
func (*attempts) batch() int         { return 1 }
func (a *attempts) maxReceives() int { return a.s.Attempts }

func (a *attempts) deliver(ctx context.Context, batch []queue.Message) error {
	for _, m := range batch {
		if err := a.attempt(ctx, m); err != nil && !errors.Is(err, queue.ErrStaleReceipt) { // stale: somebody has purged the queue
			return err
		}
	}
	return nil
}

func (a *attempts) attempt(ctx context.Context, q queue.Message) error {
	limited, cancel := context.WithTimeout(ctx, a.s.Timeout)
	defer cancel()
	m := unpack(q)
	limited, span := trace.Begin(trace.With(limited, m.Trace), a.s.tracer(m), a.kind, "publish "+a.s.Name, a.s.topics.opts.Now())
	span.Set(trace.Queue, m.Topic)
	span.Set(trace.MessageID, m.ID)
	err := a.send(limited, m, q.ReceiveCount)
	span.End(a.s.topics.opts.Now(), err)
	if err == nil {
		return a.s.queue.Delete(context.WithoutCancel(ctx), q.Receipt) // it was delivered, even if this ends now
	}
	if ctx.Err() != nil {
		return err // no fault of the receiver
	}
	pause := a.s.pause(q.ReceiveCount)
	if asked, ok := errors.AsType[*retryAfter](err); ok {
		pause = max(pause, min(asked.pause, longestAsked))
	}
	a.s.logger.Warn("delivery failed", "message", m.ID, "attempt", q.ReceiveCount, "of", a.s.Attempts, "error", err)
	return a.s.queue.Retry(ctx, q.Receipt, pause, err.Error()) // the last one becomes a dead letter
}
