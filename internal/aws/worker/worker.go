// Package worker does in a process of its own what functions on AWS Lambda do: it takes the messages of queues, and has the same code handle them.
// It is for deployments without Lambda, and for load that keeps functions busy all day.
//
// # Promises
//
//   - A message is deleted when it was handled, and comes again when it was not: after a pause that grows, or, when it can never succeed, from the
//     dead letters alone.
//   - Run returns after what is under way has been finished, or given up when that takes longer than the grace: such messages come again.
//   - How it goes is a line in the log, once in a while and at the end.
package worker

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"sundog/internal/pipeline"
	"sundog/internal/queue"
)

// Role is one thing that a worker does.
type Role struct {
	// Name is that of the handler.
	Name string
	// Queue is where its messages come from, and Handle what is done with them: pipeline.Processor.Handle, say.
	Queue  pipeline.Queue
	Handle func(ctx context.Context, messages []queue.Message) []pipeline.Outcome
	// Timeout is how long the messages of one call of Handle may take. Then its context ends, so that a service that never answers holds no place
	// for ever. No bound when zero.
	Timeout time.Duration
}

// Timed is something that a worker does at intervals.
type Timed struct {
	Name string
	// Every is the interval. What takes longer begins again at once.
	Every time.Duration
	Do    func(ctx context.Context) error
}

// Options are what a worker works with.
type Options struct {
	Roles []Role
	Timed []Timed
	// MaxInFlight bounds the messages that each role works on at one time, pipeline.DefaultInFlight when zero.
	MaxInFlight int
	// Grace is how long what is under way may go on after Run was told to stop; pipeline.DefaultGrace when zero.
	Grace time.Duration
	// Report is how often a line says how it goes; once a minute when zero.
	Report time.Duration
	Logger *slog.Logger
}

// batch is how many messages SQS hands out at once ("ReceiveMessage", Amazon SQS API Reference).
const batch = 10

// Run works until ctx ends.
func Run(ctx context.Context, opts Options) error {
	if opts.Logger == nil {
		opts.Logger = slog.New(slog.DiscardHandler)
	}
	if opts.Report == 0 {
		opts.Report = time.Minute
	}
	if len(opts.Roles)+len(opts.Timed) == 0 {
		return fmt.Errorf("worker: it has nothing to do")
	}
	tallies := make([]*tally, len(opts.Roles))
	var all sync.WaitGroup
	for i, r := range opts.Roles {
		t := &tally{name: r.Name}
		tallies[i] = t
		c := pipeline.NewConsumer(pipeline.ConsumerOptions{
			Queue: r.Queue, Handle: t.counting(r.bounded()), MaxInFlight: opts.MaxInFlight, Batch: batch, Grace: opts.Grace,
			Logger: opts.Logger.With("role", r.Name),
		})
		all.Go(func() { _ = c.Run(ctx) }) // it returns nil
	}
	for _, t := range opts.Timed {
		all.Go(func() { t.run(ctx, opts.Logger) })
	}
	all.Go(func() { report(ctx, tallies, opts.Report, opts.Logger) })
	all.Wait()
	for _, t := range tallies {
		t.tell(opts.Logger, "ended")
	}
	return nil
}

// bounded is Handle with its time-out.
func (r *Role) bounded() func(context.Context, []queue.Message) []pipeline.Outcome {
	if r.Timeout == 0 {
		return r.Handle
	}
	return func(ctx context.Context, messages []queue.Message) []pipeline.Outcome {
		ctx, cancel := context.WithTimeoutCause(ctx, r.Timeout, fmt.Errorf("it took longer than %v", r.Timeout))
		defer cancel()
		return r.Handle(ctx, messages)
	}
}

// run does it until ctx ends.
func (t *Timed) run(ctx context.Context, logger *slog.Logger) {
	ticker := time.NewTicker(t.Every)
	defer ticker.Stop()
	for {
		if err := t.Do(ctx); err != nil && ctx.Err() == nil {
			logger.Error("not done, it is tried again at the next time", "role", t.Name, "error", err)
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return
		}
	}
}

// tally counts what became of the messages of a role.
type tally struct {
	name                string
	done, retried, dead atomic.Int64
	started, inFlight   atomic.Int64
	longest             atomic.Int64 // nanoseconds of a batch, since the last line
}

// counting counts what a function makes of messages.
func (t *tally) counting(handle func(context.Context, []queue.Message) []pipeline.Outcome) func(context.Context, []queue.Message) []pipeline.Outcome {
	return func(ctx context.Context, messages []queue.Message) []pipeline.Outcome {
		began := time.Now()
		t.inFlight.Add(int64(len(messages)))
		outcomes := handle(ctx, messages)
		t.inFlight.Add(-int64(len(messages)))
		for _, o := range outcomes {
			t.started.Add(int64(o.Started))
			switch o.Verdict {
			case pipeline.Done:
				t.done.Add(1)
			case pipeline.DeadLetter:
				t.dead.Add(1)
			case pipeline.Retry:
				t.retried.Add(1)
			}
		}
		for took := int64(time.Since(began)); ; {
			if before := t.longest.Load(); before >= took || t.longest.CompareAndSwap(before, took) {
				return outcomes
			}
		}
	}
}

// tell writes the line about a role.
func (t *tally) tell(logger *slog.Logger, how string) {
	logger.Info("worker "+how, "role", t.name, "done", t.done.Load(), "retried", t.retried.Load(), "dead_letters", t.dead.Load(),
		"executions", t.started.Load(), "in_flight", t.inFlight.Load(), "longest_batch", time.Duration(t.longest.Swap(0)).Round(time.Millisecond).String())
}

// report tells how it goes until ctx ends.
func report(ctx context.Context, tallies []*tally, every time.Duration, logger *slog.Logger) {
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			for _, t := range tallies {
				t.tell(logger, "at work")
			}
		case <-ctx.Done():
			return
		}
	}
}
