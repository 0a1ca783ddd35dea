package topic

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"regexp"
	"sync"
	"time"

	"sundog/eventpattern"
	embedded "sundog/internal/embedded/queue"
	"sundog/internal/queue"
	"sundog/internal/topic"
	"sundog/internal/trace"
)

// Defaults and bounds of a Subscription.
const (
	DefaultAttempts    = 12 // with the pauses below: over about an hour
	DefaultConcurrency = 8
	DefaultTimeout     = 30 * time.Second

	maxConcurrency  = 256
	visibilitySlack = time.Minute // beyond the time-out of a delivery, until it is taken for lost

	firstPause    = time.Second // after the first failure; each further one is twice as long
	longestPause  = 15 * time.Minute
	longestAsked  = 6 * time.Hour    // that a receiver can ask for
	longestHoldUp = 30 * time.Second // until a file or queue is tried again
	receiveWait   = time.Hour        // of one Receive; another follows
	untilItWorks  = -1               // attempts
)

// Subscription says which messages of a topic go where. Exactly one of Webhook, Queue, Function, File and Into is set.
type Subscription struct {
	Name  string // 1 to 64 letters, digits, hyphens and underscores; comes once
	Topic string
	// Filter is an SNS filter policy, nil or empty for every message; Scope is what it looks at.
	Filter []byte
	Scope  eventpattern.Scope

	Webhook  *Webhook
	Queue    string // the name of a queue that was declared
	Function string // the name of a function
	File     string // an absolute path; each message becomes a line of JSON. It belongs to the subscription: what others append is lost

	// Into is a queue in which the messages stay for somebody who receives them himself, and reads them with Received.
	Into *embedded.Queue

	Attempts    int           // to webhook or function, until a delivery becomes a dead letter; DefaultAttempts when zero
	Concurrency int           // deliveries to webhook or function at a time, 1 to 256; DefaultConcurrency when zero
	Timeout     time.Duration // of one delivery to webhook or function; DefaultTimeout when zero
}

// QueueName is the name of the queue in which the messages of a subscription wait.
func QueueName(subscription string) string { return "subscription/" + subscription }

var validSubscription = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)

func (s *Subscription) complete() error {
	targets := 0
	for _, set := range []bool{s.Webhook != nil, s.Queue != "", s.Function != "", s.File != "", s.Into != nil} {
		if set {
			targets++
		}
	}
	switch {
	case s.Into == nil && !validSubscription.MatchString(s.Name):
		return errors.New("a name is 1 to 64 letters, digits, hyphens and underscores")
	case !validTopic.MatchString(s.Topic):
		return fmt.Errorf("topic %q: a name is 1 to 256 letters, digits, hyphens and underscores", s.Topic)
	case targets != 1:
		return errors.New("exactly one of webhook, queue, function and file is needed")
	case s.File != "" && !filepath.IsAbs(s.File):
		return fmt.Errorf("file %q: an absolute path is needed", s.File)
	case s.Attempts < 0 || s.Timeout < 0 || s.Concurrency < 0 || s.Concurrency > maxConcurrency:
		return fmt.Errorf("attempts and time-out cannot be negative, and concurrency is 1 to %d", maxConcurrency)
	}
	if s.Attempts == 0 {
		s.Attempts = DefaultAttempts
	}
	if s.Concurrency == 0 {
		s.Concurrency = DefaultConcurrency
	}
	if s.Timeout == 0 {
		s.Timeout = DefaultTimeout
	}
	return nil
}

// subscription is a Subscription with its queue and what delivers, unless somebody else does.
type subscription struct {
	Subscription
	topics *Topics
	filter *eventpattern.FilterPolicy // nil passes everything
	queue  *embedded.Queue
	target target
	logger *slog.Logger

	stop context.CancelFunc
	wg   sync.WaitGroup
}

// target takes messages to where they go.
type target interface {
	// workers is how many deliveries there are at a time, batch how many messages one takes at most.
	workers() int
	batch() int
	// maxReceives is how often a message is handed out before it becomes a dead letter.
	maxReceives() int
	// deliver ends every message of the batch: it is deleted, put back or made a dead letter. With an error those that were not
	// ended come again at once, in order.
	deliver(ctx context.Context, batch []queue.Message) error
}

func (t *Topics) open(ctx context.Context, spec Subscription) (*subscription, error) {
	if err := spec.complete(); err != nil {
		return nil, err
	}
	s := &subscription{Subscription: spec, topics: t, logger: t.opts.Logger.With("subscription", spec.Name, "topic", spec.Topic)}
	var err error
	if len(spec.Filter) > 0 {
		if s.filter, err = eventpattern.ParseFilterPolicy(spec.Filter, spec.Scope); err != nil {
			return nil, fmt.Errorf("filter policy: %w", err)
		}
	}
	switch {
	case spec.Into != nil:
		s.queue = spec.Into
		return s, nil
	case spec.Webhook != nil:
		s.target, err = newWebhook(s)
	case spec.Function != "":
		s.target, err = newFunction(s)
	case spec.Queue != "":
		_, err = t.queues.Queue(ctx, spec.Queue)
		s.target = &mover{s}
	default:
		s.target, err = newFile(ctx, s)
	}
	if err != nil {
		return nil, err
	}
	s.queue, err = t.queues.Declare(ctx, QueueName(spec.Name), embedded.Config{
		Visibility: spec.Timeout + visibilitySlack, MaxReceives: s.target.maxReceives(), MaxBytes: t.opts.MaxBytes + maxReserved,
	})
	return s, err
}

// start begins to deliver, which outlives ctx.
func (s *subscription) start(ctx context.Context) {
	ctx, stop := context.WithCancel(context.WithoutCancel(ctx))
	s.stop = stop
	if s.Into != nil {
		return
	}
	for range s.target.workers() {
		s.wg.Go(func() { s.run(ctx) })
	}
}

// tracer is who is told of the delivery of a message: nobody, when it is part of no trace.
func (s *subscription) tracer(m topic.Message) trace.Recorder {
	if m.Trace.IsZero() {
		return nil
	}
	return s.topics.opts.Trace
}

func (s *subscription) close() {
	s.stop()
	s.wg.Wait()
}

// run takes messages to the target until ctx or the queue ends.
func (s *subscription) run(ctx context.Context) {
	for failures := 0; ; {
		batch, err := s.queue.Receive(ctx, queue.Request{Max: s.target.batch(), Wait: receiveWait})
		if errors.Is(err, queue.ErrClosed) {
			return
		}
		if err == nil && len(batch) > 0 {
			if err = s.target.deliver(ctx, batch); err != nil {
				s.giveBack(ctx, batch)
			}
		}
		switch {
		case ctx.Err() != nil:
			return
		case err == nil:
			failures = 0
			continue
		}
		failures++
		again := min(s.pause(failures), longestHoldUp)
		s.logger.Error("deliveries are held up; they go on once this is mended", "error", err, "again_in", again)
		timer := time.NewTimer(again)
		select {
		case <-timer.C:
		case <-ctx.Done():
		}
		timer.Stop()
	}
}

// giveBack makes messages visible at once, so that the next to be received is again the first. One that is no longer held is
// visible or gone already.
func (s *subscription) giveBack(ctx context.Context, batch []queue.Message) {
	for _, m := range batch {
		_ = s.queue.ChangeVisibility(context.WithoutCancel(ctx), m.Receipt, 0)
	}
}

// pause is how long to wait after the n-th failure, less a random part of up to a half so that many do not come at once.
func (s *subscription) pause(n int) time.Duration {
	d := longestPause
	if n <= 10 {
		d = min(firstPause<<(n-1), longestPause)
	}
	return d - time.Duration(s.topics.opts.Random()*float64(d)/2)
}
