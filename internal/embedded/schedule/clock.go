package schedule

import (
	"context"
	"log/slog"
	"time"

	"golang.org/x/sync/errgroup"
)

const (
	lookAgain = time.Second // at least so often, because wall clocks jump and machines sleep
	holdUp    = time.Second // after a failure that is not of one schedule
)

// clock deals with what an order says when it is due, by the wall clock: a jump of it neither loses nor repeats anything, since what is due
// is a key on disk that is taken off in the transaction that deals with it.
type clock struct {
	*window
	now    func() time.Time
	logger *slog.Logger
	// enter is told of keys that are about to come into the window. May be nil.
	enter func(ctx context.Context, keys []string) error
	// due deals with keys whose time has come. With an error they come again.
	due func(ctx context.Context, keys []string) error
}

// run works until ctx ends.
func (c *clock) run(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { c.load(ctx); return nil })
	g.Go(func() error { c.fire(ctx); return nil })
	return g.Wait()
}

// load keeps the window filled.
func (c *clock) load(ctx context.Context) {
	for ctx.Err() == nil {
		p, err := c.read(c.now().Add(windowSpan))
		if err == nil && len(p.keys) > 0 && c.enter != nil {
			if err = c.enter(ctx, p.keys); err != nil {
				c.giveUp(p, []byte(p.keys[0]))
			}
		}
		if err == nil {
			c.accept(p)
			if p.more {
				continue
			}
		}
		c.report(ctx, err)
		wait(ctx, lookAgain, c.room)
	}
}

// fire deals with what is due.
func (c *clock) fire(ctx context.Context) {
	for ctx.Err() == nil {
		now := c.now()
		keys, next := c.take(now)
		if len(keys) == 0 {
			sleep := lookAgain
			if !next.IsZero() {
				sleep = min(sleep, next.Sub(now))
			}
			wait(ctx, sleep, c.nearer)
			continue
		}
		if err := c.due(ctx, keys); err != nil {
			c.putBack(keys)
			c.report(ctx, err)
			wait(ctx, holdUp, nil)
		}
	}
}

func (c *clock) report(ctx context.Context, err error) {
	if err != nil && ctx.Err() == nil {
		c.logger.Error("schedules are held up; they go on once this is mended", "error", err, "again_in", holdUp)
	}
}

// wait returns after a time, when woken, or when ctx ends.
func wait(ctx context.Context, d time.Duration, woken <-chan struct{}) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-woken:
	case <-ctx.Done():
	}
}
