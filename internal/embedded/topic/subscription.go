package topic

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"regexp"
	"sync"
	"time"

	"sundog/eventpattern"
	embedded "sundog/internal/embedded/queue"
	"sundog/internal/queue"
)

// Defaults and bounds of a Subscription.
const (
	DefaultAttempts    = 10 // over about 17 minutes
	DefaultConcurrency = 8
	DefaultTimeout     = 30 * time.Second

	maxConcurrency  = 256
	visibilitySlack = 30 * time.Second // beyond the time-out of a delivery, until it is taken for lost
	firstBackoff    = time.Second
	maxBackoff      = 10 * time.Minute
	maxRetryAfter   = time.Hour
	forever         = 24 * time.Hour // one Receive; the loop goes on
)

// Subscription says which messages of a topic go where. Exactly one of Webhook, Queue, Function and File is set.
type Subscription struct {
	Name  string // 1 to 64 letters, digits, hyphens and underscores; one per name
	Topic string
	// Filter is an SNS filter policy, nil or empty for every message; Scope is what it looks at.
	Filter []byte
	Scope  eventpattern.Scope

	Webhook  *Webhook
	Queue    string // the name of a queue that was declared
	Function string // the name of a function
	File     string // an absolute path; the file belongs to the subscription and what others append to it is lost

	Attempts    int           // deliveries of one message until it is a dead letter; DefaultAttempts when zero
	Concurrency int           // deliveries at a time, 1 to 256; DefaultConcurrency when zero. Queue and file have one
	Timeout     time.Duration // of one delivery; DefaultTimeout when zero
}

// QueueName is the name of the queue in which a subscription's messages wait.
func QueueName(subscription string) string { return "subscription/" + subscription }

var validSubscription = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)

func (s *Subscription) complete() error {
	targets := 0
	for _, set := range []bool{s.Webhook != nil, s.Queue != "", s.Function != "", s.File != ""} {
		if set {
			targets++
		}
	}
	switch {
	case !validSubscription.MatchString(s.Name):
		return errors.New("a name is 1 to 64 letters, digits, hyphens and underscores")
	case !validTopic.MatchString(s.Topic):
		return fmt.Errorf("topic %q: a name is 1 to 256 letters, digits, hyphens and underscores", s.Topic)
	case targets != 1:
		return errors.New("exactly one of webhook, queue, function and file is needed")
	case s.File != "" && !filepath.IsAbs(s.File):
		return fmt.Errorf("file %q: an absolute path is needed", s.File)
	case s.Attempts < 0 || s.Concurrency < 0 || s.Concurrency > maxConcurrency || s.Timeout < 0:
		return fmt.Errorf("attempts and time-out cannot be negative, and concurrency is 1 to %d", maxConcurrency)
	}
	if s.Webhook != nil {
		u, err := url.Parse(s.Webhook.URL)
		if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
			return errors.New("a webhook needs a URL that begins with http:// or https://") // the URL may hold a secret
		}
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

// subscription is a Subscription with its queue and deliverer.
type subscription struct {
	Subscription
	topics *Topics
	filter *eventpattern.FilterPolicy // nil passes everything
	queue  *embedded.Queue
	target target

	stop context.CancelFunc
	wg   sync.WaitGroup
}

// target takes batches of messages to where they go.
type target interface {
	// batch is the largest number of messages of one delivery, and workers of deliveries at a time.
	batch() int
	workers() int
	// deliver ends every message of the batch: it is deleted, put back or buried. It returns an error only when the batch cannot be
	// ended, or has to be tried again in order; all of it is then given back.
	deliver(ctx context.Context, batch []queue.Message) error
}

func (t *Topics) newSubscription(ctx context.Context, spec Subscription) (*subscription, error) {
	if err := spec.complete(); err != nil {
		return nil, err
	}
	s := &subscription{Subscription: spec, topics: t}
	var err error
	if len(spec.Filter) > 0 {
		if s.filter, err = eventpattern.ParseFilterPolicy(spec.Filter, spec.Scope); err != nil {
			return nil, fmt.Errorf("filter policy: %w", err)
		}
	}
	maxReceives := spec.Attempts
	switch {
	case spec.Webhook != nil:
		s.target = &each{s, newWebhook(s)}
	case spec.Function != "":
		if t.opts.Functions == nil {
			return nil, fmt.Errorf("function %s: there are no functions here", spec.Function)
		}
		s.target = &each{s, &function{s}}
	case spec.Queue != "":
		if _, err := t.queues.Queue(ctx, spec.Queue); err != nil {
			return nil, err
		}
		s.target = &mover{s}
	case spec.File != "":
		f, err := openFile(ctx, s)
		if err != nil {
			return nil, err
		}
		s.target = f
		maxReceives = -1 // a full disk is no fault of the message
	}
	s.queue, err = t.queues.Declare(ctx, QueueName(spec.Name), embedded.Config{
		Visibility:  spec.Timeout + visibilitySlack,
		MaxReceives: maxReceives,
		MaxBytes:    t.opts.MaxBytes + 4096, // and what pack adds
	})
	return s, err
}

func (s *subscription) start() {
	ctx, stop := context.WithCancel(context.Background())
	s.stop = stop
	for range s.target.workers() {
		s.wg.Go(func() { s.run(ctx) })
	}
}

func (s *subscription) close() {
	s.stop()
	s.wg.Wait()
}

// run takes messages to the target until the subscription or its queue ends.
func (s *subscription) run(ctx context.Context) {
	for failures := 0; ; {
		got, err := s.queue.Receive(ctx, queue.Request{Max: s.target.batch(), Wait: forever})
		if err == nil && len(got) > 0 {
			if err = s.target.deliver(ctx, got); err != nil {
				s.giveBack(ctx, got)
			}
		}
		switch {
		case ctx.Err() != nil || errors.Is(err, queue.ErrClosed):
			return
		case err == nil:
			failures = 0
			continue
		}
		failures++
		wait := min(s.backoff(failures), time.Minute)
		s.topics.opts.Logger.Error("deliveries are held up; they go on when this is mended",
			"subscription", s.Name, "error", err, "again_in", wait)
		timer := time.NewTimer(wait)
		select {
		case <-timer.C:
		case <-ctx.Done():
		}
		timer.Stop()
	}
}

// giveBack makes messages visible at once. Those that are no longer held are visible already.
func (s *subscription) giveBack(ctx context.Context, batch []queue.Message) {
	for _, m := range batch {
		_ = s.queue.ChangeVisibility(context.WithoutCancel(ctx), m.Receipt, 0)
	}
}

// backoff is how long to wait after the n-th failure: twice as long each time, less a random part of up to a half.
func (s *subscription) backoff(n int) time.Duration {
	d := maxBackoff
	if n < 11 {
		d = min(firstBackoff<<(n-1), maxBackoff)
	}
	return d - time.Duration(s.topics.opts.Random()*float64(d)/2)
}

// sender delivers one message.
type sender interface {
	send(ctx context.Context, m queue.Message) error
}

// retryAfter is a failure whose receiver has said when to come again.
type retryAfter struct {
	error
	after time.Duration
}

// each is a target that takes messages one by one, several at a time.
type each struct {
	s      *subscription
	sender sender
}

func (e *each) batch() int   { return 1 }
func (e *each) workers() int { return e.s.Concurrency }

func (e *each) deliver(ctx context.Context, batch []queue.Message) error {
	for _, m := range batch {
		if err := e.deliverOne(ctx, m); err != nil {
			return err
		}
	}
	return nil
}

func (e *each) deliverOne(ctx context.Context, m queue.Message) error {
	limited, cancel := context.WithTimeout(ctx, e.s.Timeout)
	defer cancel()
	err := e.sender.send(limited, m)
	if err == nil {
		return e.s.queue.Delete(context.WithoutCancel(ctx), m.Receipt) // it was delivered
	}
	if ctx.Err() != nil {
		return err // the subscription ends: no fault of the receiver
	}
	wait := e.s.backoff(m.ReceiveCount)
	if asked, ok := errors.AsType[retryAfter](err); ok {
		wait = max(wait, min(asked.after, maxRetryAfter))
	}
	e.s.topics.opts.Logger.Warn("delivery failed", "subscription", e.s.Name, "message", m.Attributes[attributeID].Value,
		"attempt", m.ReceiveCount, "error", err)
	err = e.s.queue.Retry(ctx, m.Receipt, wait, err.Error())
	if errors.Is(err, queue.ErrStaleReceipt) { // somebody purged the queue
		return nil
	}
	return err
}
