// Package carrier carries out what transitions cause (statedb.Effects) on S3, SNS and SQS.
//
// # Promises
//
//   - When Carry returns nil, the services have accepted all of it. After an error some of it may have been: to carry it again repeats that.
//   - When one of its messages can never be sent, nothing is carried out, so that nothing follows from what is then told to have failed.
//   - Objects are stored before anything is told, so whoever hears of an object finds it. Workflow events go last: they tell of the rest.
//   - Messages of many callers share requests: while one is under way to a topic or queue, what comes for it gathers, and goes with the next.
//     Callers who work on one batch (package convoy) also wait until all of them have come as far or have finished, for patience at most.
//     A message that cannot be sent fails the caller that it came from, and no other.
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
	"sundog/internal/convoy"
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
	// Check returns why one of some drafts can never be sent; nil when all can. It makes no request.
	Check(drafts ...queue.Draft) error
	Send(ctx context.Context, drafts ...queue.Draft) (ids []string, err error)
}

// Topic takes messages as a Queue does.
type Topic interface {
	Check(drafts ...topic.Draft) error
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
	// EventTopic is the ARN of the topic of workflow events, and Watcher is given what is published on it; nil for nobody.
	EventTopic string
	Watcher    Watcher
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
	// patience bounds the wait for others of the batch. It is longer than what usually lies between the first and the last of them.
	patience = 100 * time.Millisecond
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
	if err := c.check(e); err != nil {
		return err
	}
	if err := c.keep(ctx, e); err != nil {
		return err
	}
	if err := c.audit(ctx, e.Audit); err != nil {
		return err
	}
	if err := together(ctx, e, c.tell); err != nil {
		return err
	}
	return together(ctx, e, c.report)
}

// check looks whether all messages can be sent.
func (c *Carrier) check(e *statedb.Effects) error {
	for i := range e.Publish {
		if err := c.topic(e.Publish[i].Topic).check(draftOf(&e.Publish[i])); err != nil {
			return err
		}
	}
	for i := range e.Enqueue {
		if err := c.queue(e.Enqueue[i].Queue).check(e.Enqueue[i].Draft); err != nil {
			return err
		}
	}
	return nil
}

// together hands messages over and waits for all of them, as a member of a batch that rests.
func together(ctx context.Context, e *statedb.Effects, hand func(context.Context, *convoy.Rest, *statedb.Effects) []func() error) (failed error) {
	rest := convoy.From(ctx).Rest()
	waits := hand(ctx, rest, e)
	if len(waits) == 0 {
		return nil
	}
	rest.Stand()
	defer rest.End()
	for _, wait := range waits {
		failed = errors.Join(failed, wait())
	}
	return failed
}

// tell hands messages over, but for workflow events, and returns what waits until they have been sent.
func (c *Carrier) tell(ctx context.Context, rest *convoy.Rest, e *statedb.Effects) (waits []func() error) {
	published := map[string][]topic.Draft{}
	for _, p := range e.Publish {
		if p.Topic != c.opts.EventTopic {
			published[p.Topic] = append(published[p.Topic], draftOf(&p))
		}
	}
	for arn, drafts := range published {
		waits = append(waits, c.topic(arn).add(ctx, &c.calls, rest, drafts))
	}
	sent := map[string][]queue.Draft{}
	for _, s := range e.Enqueue {
		sent[s.Queue] = append(sent[s.Queue], s.Draft)
	}
	for url, drafts := range sent {
		waits = append(waits, c.queue(url).add(ctx, &c.calls, rest, drafts))
	}
	return waits
}

// report hands workflow events over, to their topic and to the watcher.
func (c *Carrier) report(ctx context.Context, rest *convoy.Rest, e *statedb.Effects) (waits []func() error) {
	var drafts []topic.Draft
	var told [][]byte
	for _, p := range e.Publish {
		if p.Topic == c.opts.EventTopic {
			drafts, told = append(drafts, draftOf(&p)), append(told, p.Body)
		}
	}
	if len(drafts) > 0 {
		waits = append(waits, c.topic(c.opts.EventTopic).add(ctx, &c.calls, rest, drafts))
	}
	if c.watcher != nil && len(told) > 0 {
		wait := c.watcher.add(ctx, &c.calls, rest, told)
		waits = append(waits, func() error {
			if err := wait(); err != nil {
				c.opts.Logger.Warn("workflow events are missing in the metrics", "events", len(told), "error", err)
			}
			return nil
		})
	}
	return waits
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
	if len(entries) == 0 {
		return nil
	}
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
		t := c.opts.Topics(arn)
		c.topics[arn] = &gatherer[topic.Draft]{check: t.Check, send: t.Publish}
	}
	return c.topics[arn]
}

func (c *Carrier) queue(url string) *gatherer[queue.Draft] {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.queues[url] == nil {
		q := c.opts.Queues(url)
		c.queues[url] = &gatherer[queue.Draft]{check: q.Check, send: q.Send}
	}
	return c.queues[url]
}

func draftOf(p *statedb.Publication) topic.Draft {
	return topic.Draft{Body: p.Body, Attributes: attributesOf(p.Attributes)}
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
