// Package carrier carries out what transitions cause (statedb.Effects) on S3, SNS and SQS.
//
// # Promises
//
//   - When Carry returns nil, the services have accepted all of it. After an error some of it may have been: to carry it again repeats that.
//   - Objects are stored before anything is told, so whoever hears of an object finds it.
//   - Messages of many callers share requests: while one is under way to a topic or queue, what comes for it gathers, and goes with the next.
//     Nobody waits for company. A message that cannot be sent fails the caller that it came from, and no other.
//   - What is held in memory is what callers wait for. Close waits for all requests.
//
// Workflow events also go to a Watcher, for the metrics that are made of them. That they arrive there is not promised: it is no reason to
// hold up a payload, and the record and the topic tell the same.
package carrier

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"sundog/eventpattern"
	"sundog/internal/audit"
	"sundog/internal/bucket"
	"sundog/internal/queue"
	"sundog/internal/statedb"
	"sundog/internal/topic"
	"sundog/payload"
)

// Bucket is the payload bucket.
type Bucket interface {
	Put(ctx context.Context, key string, body []byte, opts bucket.PutOptions) (etag string, err error)
	Delete(ctx context.Context, key string) error
}

// Queue takes messages, any number at once. A *bulk.UnsentError names the drafts that were not taken; any other error says that none was sent,
// because one of them cannot be.
type Queue interface {
	Send(ctx context.Context, drafts ...queue.Draft) (ids []string, err error)
}

// Topic takes messages as a Queue does.
type Topic interface {
	Publish(ctx context.Context, drafts ...topic.Draft) (ids []string, err error)
}

// Watcher takes workflow events, each the text of a message (event.Event.Message).
type Watcher interface {
	Watch(ctx context.Context, events [][]byte) error
}

// Options are what a Carrier is made of.
type Options struct {
	// Payloads is where objects go.
	Payloads Bucket
	// Queues and Topics make the queue with a URL and the topic with an ARN. Each is made once, when it is first needed.
	Queues func(url string) Queue
	Topics func(arn string) Topic
	// Watcher is given what is published on EventTopic; nil for nobody.
	Watcher    Watcher
	EventTopic string
	// Audit keeps entries of the audit log. When it is nil they are lines of the Logger.
	Audit func(ctx context.Context, entries []audit.Entry) error
	// Logger is told what the Watcher did not take; discarded when nil.
	Logger *slog.Logger
}

// Bounds of what is under way.
const (
	objects  = 16               // requests for objects that one call of Carry makes at one time
	perCall  = 10               // messages of a request (SNS and SQS API Reference, PublishBatch and SendMessageBatch)
	parallel = 8                // requests to one queue or topic at one time
	callTime = 30 * time.Second // of a request, with all that is tried again in it
)

// ErrClosed is returned by Carry after Close.
var ErrClosed = errors.New("the carrier is closed")

// Carrier carries effects out. It is safe for concurrent use.
type Carrier struct {
	opts    Options
	calls   sync.WaitGroup
	watcher *gatherer[[]byte]

	mu     sync.Mutex
	closed bool
	queues map[string]*gatherer[queue.Draft] // as many as a deployment has
	topics map[string]*gatherer[topic.Draft]
}

// New makes a Carrier. Whoever makes it closes it.
func New(opts Options) *Carrier {
	if opts.Logger == nil {
		opts.Logger = slog.New(slog.DiscardHandler)
	}
	c := &Carrier{opts: opts, queues: map[string]*gatherer[queue.Draft]{}, topics: map[string]*gatherer[topic.Draft]{}}
	if opts.Watcher != nil {
		c.watcher = &gatherer[[]byte]{send: func(ctx context.Context, events ...[]byte) ([]string, error) {
			return nil, opts.Watcher.Watch(ctx, events)
		}}
	}
	return c
}

// Close waits for the requests that are under way. Afterwards Carry refuses.
func (c *Carrier) Close() {
	c.mu.Lock()
	c.closed = true
	c.mu.Unlock()
	c.calls.Wait()
}

// Carry carries effects out: objects first, then messages.
func (c *Carrier) Carry(ctx context.Context, e *statedb.Effects) error {
	c.mu.Lock()
	if c.closed {
		c.mu.Unlock()
		return ErrClosed
	}
	c.calls.Add(1)
	c.mu.Unlock()
	defer c.calls.Done()
	if err := c.keep(ctx, e); err != nil {
		return err
	}
	var g errgroup.Group
	var told [][]byte
	published := map[string][]topic.Draft{}
	for _, p := range e.Publish {
		published[p.Topic] = append(published[p.Topic], topic.Draft{Body: p.Body, Attributes: attributesOf(p.Attributes)})
		if c.watcher != nil && p.Topic == c.opts.EventTopic {
			told = append(told, p.Body)
		}
	}
	for arn, drafts := range published {
		g.Go(func() error { return c.topic(arn).do(ctx, &c.calls, drafts) })
	}
	sent := map[string][]queue.Draft{}
	for _, s := range e.Enqueue {
		sent[s.Queue] = append(sent[s.Queue], s.Draft)
	}
	for url, drafts := range sent {
		g.Go(func() error { return c.queue(url).do(ctx, &c.calls, drafts) })
	}
	if len(told) > 0 {
		g.Go(func() error {
			if err := c.watcher.do(ctx, &c.calls, told); err != nil {
				c.opts.Logger.Warn("workflow events are missing in the metrics", "events", len(told), "error", err)
			}
			return nil
		})
	}
	if len(e.Audit) > 0 {
		g.Go(func() error { return c.audit(ctx, e.Audit) })
	}
	return g.Wait()
}

// keep stores and removes objects.
func (c *Carrier) keep(ctx context.Context, e *statedb.Effects) error {
	if len(e.Store)+len(e.Remove) == 0 {
		return nil
	}
	if c.opts.Payloads == nil {
		return errors.New("the carrier has no payload bucket")
	}
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(objects)
	for _, o := range e.Store {
		g.Go(func() error {
			_, err := c.opts.Payloads.Put(ctx, o.Key, o.Body, bucket.PutOptions{ContentType: "application/json"})
			return err
		})
	}
	for _, key := range e.Remove {
		g.Go(func() error {
			if err := c.opts.Payloads.Delete(ctx, key); !errors.Is(err, bucket.ErrNotFound) {
				return err
			}
			return nil
		})
	}
	return g.Wait()
}

func (c *Carrier) audit(ctx context.Context, entries []audit.Entry) error {
	if c.opts.Audit != nil {
		if err := c.opts.Audit(ctx, entries); err != nil {
			return fmt.Errorf("keeping the audit log: %w", err)
		}
		return nil
	}
	for _, e := range entries {
		c.opts.Logger.Info("audit", "at", e.At, "kind", e.Kind, "actor", e.Actor, "subject", e.Subject, "reason", e.Reason)
	}
	return nil
}

func (c *Carrier) topic(arn string) *gatherer[topic.Draft] {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.topics[arn] == nil {
		c.topics[arn] = &gatherer[topic.Draft]{send: c.opts.Topics(arn).Publish}
	}
	return c.topics[arn]
}

func (c *Carrier) queue(url string) *gatherer[queue.Draft] {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.queues[url] == nil {
		c.queues[url] = &gatherer[queue.Draft]{send: c.opts.Queues(url).Send}
	}
	return c.queues[url]
}

func attributesOf(list []payload.Attribute) map[string]eventpattern.Attribute {
	if len(list) == 0 {
		return nil
	}
	m := make(map[string]eventpattern.Attribute, len(list))
	for _, a := range list {
		m[a.Name] = eventpattern.Attribute{Type: a.Type, Value: a.Value}
	}
	return m
}
