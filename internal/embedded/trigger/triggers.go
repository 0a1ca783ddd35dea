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
// queue, and so do dead letters that are sent again: a receiver takes them from there.
package trigger

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"golang.org/x/sync/errgroup"

	"sundog/internal/embedded/engine"
	"sundog/internal/embedded/feed"
	embedded "sundog/internal/embedded/queue"
	"sundog/internal/embedded/store"
	"sundog/internal/embedded/table"
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
	Store  *store.Store
	Tables *table.Tables
	Feed   *feed.Feed
	Queues *embedded.Queues
	Topics Publisher
	Engine *engine.Engine

	ProcessQueue    string // the name of the queue that payloads go to
	Region, Account string // show in events
	Logger          *slog.Logger
	Now             func() time.Time
}

// Triggers are the triggers of a platform. They are safe for concurrent use.
type Triggers struct {
	opts  Options
	all   []*follower // in the order of their declaration
	names map[string]*follower
}

// Open puts triggers together. Nothing runs before Run, but what comes from now on is theirs. An error says which trigger is wrong.
func Open(ctx context.Context, specs []Spec, opts Options) (*Triggers, error) {
	if opts.Logger == nil {
		opts.Logger = slog.New(slog.DiscardHandler)
	}
	if opts.Now == nil {
		opts.Now = time.Now
	}
	t := &Triggers{opts: opts, names: map[string]*follower{}}
	for _, spec := range specs {
		f, err := t.open(ctx, spec)
		if err != nil {
			return nil, fmt.Errorf("opening trigger %s: %w", spec.Name, err)
		}
		t.all = append(t.all, f)
		t.names[spec.Name] = f
	}
	return t, nil
}

// Run handles events until ctx ends, and returns when nothing is under way any more.
func (t *Triggers) Run(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	for _, f := range t.all {
		g.Go(func() error { return f.run(ctx) })
	}
	return g.Wait()
}

func (t *Triggers) open(ctx context.Context, spec Spec) (*follower, error) {
	compiled, err := domain.New(spec.Spec)
	if err != nil {
		return nil, err
	}
	f := &follower{Trigger: compiled, opts: &t.opts, poked: make(chan struct{}, 1), logger: t.opts.Logger.With("trigger", spec.Name)}
	if f.log, err = t.log(spec.Source); err != nil {
		return nil, err
	}
	if f.target, err = t.target(ctx, compiled); err != nil {
		return nil, err
	}
	if f.dead, err = t.opts.Queues.Declare(ctx, domain.DeadLetterQueue(spec.Name), embedded.Config{MaxReceives: compiled.Retries + 1, MaxBytes: maxEvent}); err != nil {
		return nil, err
	}
	s, err := openState(ctx, t.opts.Store, spec.Spec)
	if err != nil {
		return nil, err
	}
	f.state, f.read = *s, s.After
	return f, nil
}

// maxEvent bounds an event among the dead letters: two images of an item, written as JSON, and more.
const maxEvent = 4 << 20

func (t *Triggers) log(s domain.Source) (log, error) {
	switch s.Kind {
	case domain.Table:
		return changes{t.opts.Tables, s.Name, t.opts.Region, t.opts.Account}, nil
	case domain.Events:
		return events{t.opts.Feed, s.Name}, nil
	}
	return nil, fmt.Errorf("a trigger cannot watch a %q", s.Kind)
}

func (t *Triggers) target(ctx context.Context, of *domain.Trigger) (joined, error) {
	switch target := of.Target; target.Kind {
	case domain.ToWorkflow:
		return workflow{t.opts.Engine, of}, nil
	case domain.ToPayload:
		q, err := t.opts.Queues.Queue(ctx, t.opts.ProcessQueue)
		return sender{q, target.Name}, err
	case domain.ToQueue:
		q, err := t.opts.Queues.Queue(ctx, target.Name)
		return sender{q, ""}, err
	case domain.ToTopic:
		return publisher{t.opts.Topics, target.Name}, nil
	}
	return nil, fmt.Errorf("a trigger cannot have a %q as its target", of.Target.Kind)
}

// find returns a trigger by name.
func (t *Triggers) find(name string) (*follower, error) {
	if f, ok := t.names[name]; ok {
		return f, nil
	}
	return nil, fmt.Errorf("%w: %q", ErrNotFound, name)
}
