// Package trigger reads the sources of triggers and carries out what comes of their events. Package internal/trigger says what a trigger is.
//
// # Promises
//
//   - Every event that a filter wants is handled: it has caused what it is to cause, or it is a dead letter that says why not.
//   - A target that is part of the platform (workflow, payload, queue, topic) gets an event exactly once: what the event causes and the position
//     behind it are one transaction. A function or webhook gets it at least once, again only after a failure or a crash, under the same id.
//   - Events of one key are handled in their order. A call that fails holds up the events of its keys only; they wait on disk.
//   - What is in memory is bounded, however far a trigger is behind and however many events wait.
//
// # How
//
// A table's stream and the workflow events are logs of the store. A follower reads one from a durable position. Messages of a topic or queue wait in a
// queue, and so do dead letters that are sent again: a receiver takes them from there. A schedule is a log that nobody writes.
package trigger

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"golang.org/x/sync/errgroup"

	"sundog/internal/egress"
	"sundog/internal/embedded/engine"
	"sundog/internal/embedded/feed"
	embedded "sundog/internal/embedded/queue"
	"sundog/internal/embedded/store"
	"sundog/internal/embedded/table"
	"sundog/internal/embedded/topic"
	domain "sundog/internal/trigger"
)

// ErrNotFound is returned for a trigger that was not declared.
var ErrNotFound = errors.New("no such trigger")

// ErrNoReplay is returned when the source of a trigger keeps nothing that could be read again, or not from there.
var ErrNoReplay = errors.New("trigger cannot be replayed")

// Spec is a trigger with what only the platform may see.
type Spec struct {
	domain.Spec
	Secret string // signs the requests to a webhook; empty: they are not signed
}

// Options are the parts of the platform that triggers read and write.
type Options struct {
	Store     *store.Store
	Tables    *table.Tables
	Feed      *feed.Feed
	Queues    *embedded.Queues
	Topics    *topic.Topics
	Engine    *engine.Engine
	Functions Functions
	// Transport makes the requests of webhooks; when nil it is one that refuses link-local addresses, where clouds hand out credentials, and
	// uses no proxy.
	Transport http.RoundTripper

	ProcessQueue    string // the name of the queue that payloads go to
	Region, Account string // show in events
	Logger          *slog.Logger
	Now             func() time.Time
}

// Triggers are the triggers of a platform. They are safe for concurrent use.
type Triggers struct {
	opts  Options
	all   []*running // in the order of their declaration
	names map[string]*running
}

// A running is one trigger. What comes of a log has a follower; the receiver has the messages of a topic or queue, and dead letters that are sent again.
type running struct {
	*base
	follower *follower // or nil
	receiver *receiver
}

// Open puts triggers together. Nothing runs before Run, but what comes from now on is theirs. An error says which trigger is wrong.
func Open(ctx context.Context, specs []Spec, opts Options) (*Triggers, error) {
	if opts.Logger == nil {
		opts.Logger = slog.New(slog.DiscardHandler)
	}
	if opts.Now == nil {
		opts.Now = time.Now
	}
	if opts.Transport == nil {
		opts.Transport = egress.NewTransport(idleConnections)
	}
	t := &Triggers{opts: opts, names: map[string]*running{}}
	for _, spec := range specs {
		r, err := t.open(ctx, spec)
		if err != nil {
			return nil, fmt.Errorf("opening trigger %s: %w", spec.Name, err)
		}
		t.all = append(t.all, r)
		t.names[spec.Name] = r
	}
	return t, nil
}

// idleConnections are kept for each host that webhooks are at.
const idleConnections = domain.DefaultCalls

// Run handles events until ctx ends, and returns when nothing is under way any more.
func (t *Triggers) Run(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	for _, r := range t.all {
		if r.follower != nil {
			g.Go(func() error { return r.follower.run(ctx) })
		}
		g.Go(func() error { return r.receiver.run(ctx) })
	}
	return g.Wait()
}

func (t *Triggers) open(ctx context.Context, spec Spec) (*running, error) {
	compiled, err := domain.New(spec.Spec)
	if err != nil {
		return nil, err
	}
	b := &base{Trigger: compiled, opts: &t.opts, changed: make(chan struct{}), logger: t.opts.Logger.With("trigger", spec.Name)}
	if err := t.aim(ctx, b, spec.Secret); err != nil {
		return nil, err
	}
	source, err := t.logOf(b)
	if err != nil {
		return nil, err
	}
	if b.state, err = openState(ctx, t.opts.Store, spec.Spec, source); err != nil {
		return nil, err
	}
	r := &running{base: b, receiver: &receiver{b}}
	if source != nil {
		r.follower = newFollower(b, source)
	}
	if spec.Source.Kind == domain.Queue {
		b.queue, err = t.opts.Queues.Queue(ctx, spec.Source.Name)
		return r, err
	}
	b.queue, err = t.opts.Queues.Declare(ctx, domain.DeadLetterQueue(spec.Name), embedded.Config{MaxReceives: compiled.Retries + 1, MaxBytes: maxEvent})
	if err == nil && spec.Source.Kind == domain.Topic {
		err = t.opts.Topics.Subscribe(ctx, topic.Subscription{Name: domain.DeadLetterQueue(spec.Name), Topic: spec.Source.Name, Into: b.queue})
	}
	return r, err
}

// maxEvent bounds an event among the dead letters: two images of an item, written as JSON, and more.
const maxEvent = 4 << 20

// logOf returns the log that is the source of a trigger; nil when that is none.
func (t *Triggers) logOf(b *base) (log, error) {
	switch s := b.Source; s.Kind {
	case domain.Table:
		return changes{ofStore{t.opts.Store}, t.opts.Tables, s.Name, t.opts.Region, t.opts.Account}, nil
	case domain.Events:
		return events{ofStore{t.opts.Store}, t.opts.Feed, s.Name}, nil
	case domain.Schedule:
		return newTicks(b.Name, s, &t.opts)
	case domain.Topic, domain.Queue:
		return nil, nil
	}
	return nil, fmt.Errorf("a trigger cannot watch a %q", b.Source.Kind)
}

// aim finds the target.
func (t *Triggers) aim(ctx context.Context, b *base, secret string) (err error) {
	var q *embedded.Queue
	switch target := b.Target; target.Kind {
	case domain.ToWorkflow:
		b.joined = workflow{t.opts.Engine, b.Trigger}
	case domain.ToPayload:
		q, err = t.opts.Queues.Queue(ctx, t.opts.ProcessQueue)
		b.joined = sender{q, target.Name}
	case domain.ToQueue:
		q, err = t.opts.Queues.Queue(ctx, target.Name)
		b.joined = sender{q, ""}
	case domain.ToTopic:
		b.joined = publisher{t.opts.Topics, target.Name}
	case domain.ToFunction:
		b.called = function{t.opts.Functions, target.Name}
	case domain.ToWebhook:
		b.called = webhook{egress.NewClient(t.opts.Transport), b.Name, target.Name, secret, t.opts.Now}
	default:
		err = fmt.Errorf("a trigger cannot have a %q as its target", target.Kind)
	}
	return err
}

// find returns a trigger by name.
func (t *Triggers) find(name string) (*running, error) {
	if r, ok := t.names[name]; ok {
		return r, nil
	}
	return nil, fmt.Errorf("%w: %q", ErrNotFound, name)
}
