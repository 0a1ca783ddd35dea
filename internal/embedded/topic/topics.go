// Package topic is the topics of the embedded platform: a message that is published goes to every subscription whose filter policy
// it passes, and from there to a webhook, a queue, a function or a file.
//
// Publishing puts one message for each subscription that wants it into a queue of the subscription's own, "subscription/<name>",
// with the publisher's transaction; nothing when none wants it. From there the subscription's target takes it. So a delivery is as
// durable as its cause, a failing subscription fills nobody's queue but its own, and its dead letters are those of its queue.
//
// # Promises
//
//   - A delivery ends in success or as a dead letter with the last failure as its reason; it is never dropped. Those to a file
//     or a queue wait until it takes them: when it does not, the message is not at fault.
//   - Queue and file get every message exactly once: the move to the queue is one transaction, and how long the file should be is
//     stored in the one that ends the delivery, so that what a crash left beyond it is cut off. Webhook and function get it at
//     least once; the id tells repetitions.
//   - Queue and file get messages in the order of publication. The others get several at a time, in about that order.
//   - Every request has a time-out, every answer a bound, every subscription a number of deliveries at a time.
//
// Rejected: sending to the target queue from the publisher's transaction. A target that refuses a message would fail the publisher.
package topic

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"regexp"
	"slices"
	"sync"
	"time"

	"github.com/google/uuid"

	"sundog/internal/egress"
	embedded "sundog/internal/embedded/queue"
	"sundog/internal/embedded/store"
	"sundog/internal/queue"
	"sundog/internal/topic"
	"sundog/internal/trace"
)

// DefaultMaxBytes bounds body and attributes of one message together.
const DefaultMaxBytes = 1 << 20

// Functions calls functions.
type Functions interface {
	// Invoke calls a function by name and waits until it has succeeded or failed.
	Invoke(ctx context.Context, function string, event []byte) error
}

// Options of Topics. The zero value works, without functions.
type Options struct {
	// Declared are topics that exist though nobody may subscribe to them.
	Declared  []string
	Functions Functions // what Function subscriptions call
	// Transport makes webhook requests; when nil it is one that refuses link-local addresses, where clouds hand out credentials, and
	// uses no proxy.
	Transport http.RoundTripper
	Logger    *slog.Logger     // told of deliveries that fail; discarded when nil
	Now       func() time.Time // the clock; time.Now when nil
	Random    func() float64   // spreads attempts, from 0 to 1; math/rand when nil
	NewID     func() string    // ids of messages; random UUIDs when nil
	Region    string           // in ARNs; us-east-1 when empty
	Account   string           // in ARNs; 000000000000 when empty
	MaxBytes  int              // of a message; DefaultMaxBytes when zero
	Trace     trace.Recorder   // told of every attempt to deliver to a webhook or a function; nobody when nil
}

// complete fills in the defaults. It returns the transport if that is not the caller's.
func (o *Options) complete() (own *http.Transport) {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Random == nil {
		o.Random = rand.Float64
	}
	if o.NewID == nil {
		o.NewID = uuid.NewString
	}
	if o.Region == "" {
		o.Region = "us-east-1"
	}
	if o.Account == "" {
		o.Account = "000000000000"
	}
	if o.MaxBytes == 0 {
		o.MaxBytes = DefaultMaxBytes
	}
	if o.Transport == nil {
		own = egress.NewTransport(DefaultConcurrency)
		o.Transport = own
	}
	return own
}

// Topics are the topics of a platform. They are safe for concurrent use.
type Topics struct {
	store     *store.Store
	queues    *embedded.Queues
	opts      Options
	transport *http.Transport // nil when it is the caller's

	mu            sync.RWMutex
	closed        bool
	subscriptions map[string][]*subscription // by topic; the slices are never changed
	listeners     map[string][]*Listener     // by topic; the slices are never changed
}

// Open returns topics without subscriptions, which deliver through queues. Close them before the queues.
func Open(st *store.Store, queues *embedded.Queues, opts Options) *Topics {
	own := opts.complete()
	return &Topics{
		store: st, queues: queues, opts: opts, transport: own,
		subscriptions: map[string][]*subscription{}, listeners: map[string][]*Listener{},
	}
}

var validTopic = regexp.MustCompile(`^[A-Za-z0-9_-]{1,256}$`)

// Subscribe begins to deliver to a subscription, and first what it had not been given before a restart. An error says what is wrong
// with the subscription.
func (t *Topics) Subscribe(ctx context.Context, spec Subscription) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed {
		return fmt.Errorf("subscribing %q: %w", spec.Name, topic.ErrClosed)
	}
	for _, all := range t.subscriptions {
		if slices.ContainsFunc(all, func(s *subscription) bool { return s.Name == spec.Name }) {
			return fmt.Errorf("subscribing %q: there is a subscription of this name; choose another or unsubscribe it first", spec.Name)
		}
	}
	s, err := t.open(ctx, spec)
	if err != nil {
		return fmt.Errorf("subscribing %q: %w", spec.Name, err)
	}
	t.subscriptions[spec.Topic] = append(slices.Clone(t.subscriptions[spec.Topic]), s)
	s.start(ctx)
	return nil
}

// Unsubscribe ends a subscription and the deliveries that are under way. What was not delivered stays in its queue until that is
// removed or a subscription of the name comes again. topic.ErrNoSubscription when there is none.
func (t *Topics) Unsubscribe(name string) error {
	named := func(s *subscription) bool { return s.Name == name }
	t.mu.Lock()
	var found *subscription
	for of, all := range t.subscriptions {
		if i := slices.IndexFunc(all, named); i >= 0 {
			found = all[i]
			t.subscriptions[of] = slices.DeleteFunc(slices.Clone(all), named)
		}
	}
	t.mu.Unlock()
	if found == nil {
		return fmt.Errorf("unsubscribing %q: %w", name, topic.ErrNoSubscription)
	}
	found.close()
	return nil
}

// Known reports whether a message to a topic would reach anybody, now or later: the topic was declared, or somebody subscribes or listens to it.
func (t *Topics) Known(name string) bool {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return slices.Contains(t.opts.Declared, name) || len(t.subscriptions[name]) > 0 || len(t.listeners[name]) > 0
}

// Publish publishes messages, all or none, and returns their ids once their deliveries are on disk.
func (t *Topics) Publish(ctx context.Context, name string, drafts ...topic.Draft) ([]string, error) {
	tx := t.store.Begin()
	ids, err := t.PublishTx(tx, name, drafts...)
	if err != nil {
		return nil, err
	}
	if err := tx.Commit(ctx); err != nil {
		return nil, fmt.Errorf("publishing to topic %s: %w", name, err)
	}
	return ids, nil
}

// PublishTx publishes messages with somebody's transaction. With topic.ErrTooLarge or topic.ErrInvalidMessage nothing was
// added to it; with any other error it has to be given up.
func (t *Topics) PublishTx(tx *store.Tx, name string, drafts ...topic.Draft) ([]string, error) {
	if err := t.check(name, drafts); err != nil {
		return nil, fmt.Errorf("publishing to topic %q: %w", name, err)
	}
	t.mu.RLock()
	subscriptions, listened := t.subscriptions[name], len(t.listeners[name]) > 0
	t.mu.RUnlock()
	now := t.opts.Now().UTC()
	ids := make([]string, len(drafts))
	for i, d := range drafts {
		m := topic.Message{ID: t.opts.NewID(), Topic: name, Time: now, Subject: d.Subject, Body: d.Body, Attributes: d.Attributes, Trace: d.Trace}
		ids[i] = m.ID
		var parcel queue.Draft // the same for all subscriptions
		for _, s := range subscriptions {
			if s.filter != nil && !s.filter.Match(m.Attributes, m.Body) {
				continue
			}
			if parcel.Attributes == nil {
				parcel = pack(m)
			}
			if _, err := s.queue.SendTx(tx, parcel); err != nil {
				return nil, fmt.Errorf("publishing to topic %s for subscription %s: %w", name, s.Name, err)
			}
		}
		if listened {
			tx.OnCommit(func() { t.tell(m) })
		}
	}
	return ids, nil
}

func (t *Topics) check(name string, drafts []topic.Draft) error {
	if !validTopic.MatchString(name) {
		return fmt.Errorf("%w: a topic's name is 1 to 256 letters, digits, hyphens and underscores", topic.ErrInvalidMessage)
	}
	for _, d := range drafts {
		if len(d.Attributes) > topic.MaxAttributes {
			return fmt.Errorf("%w: %d attributes; %d at most", topic.ErrInvalidMessage, len(d.Attributes), topic.MaxAttributes)
		}
		if !topic.ValidSubject(d.Subject) {
			return fmt.Errorf("%w: subject %q; it is one line of up to %d characters of ASCII", topic.ErrInvalidMessage, d.Subject, topic.MaxSubject)
		}
		size := len(d.Subject) + len(d.Body)
		for key, a := range d.Attributes {
			if key == "" || a.Type == "" || reserved(key) {
				return fmt.Errorf("%w: attribute %q of type %q; name and type are needed, and names that begin with %q are taken",
					topic.ErrInvalidMessage, key, a.Type, reservedPrefix)
			}
			size += len(key) + len(a.Type) + len(a.Value)
		}
		if size > t.opts.MaxBytes {
			return fmt.Errorf("%w: %d bytes with its attributes; the limit is %d", topic.ErrTooLarge, size, t.opts.MaxBytes)
		}
	}
	return nil
}

// Close ends all deliveries and listeners and returns when every goroutine has ended. A delivery that is under way is given up and
// made again after the next start.
func (t *Topics) Close() {
	t.mu.Lock()
	t.closed = true
	subscriptions, listeners := t.subscriptions, t.listeners
	t.subscriptions, t.listeners = nil, nil
	t.mu.Unlock()
	for _, all := range subscriptions {
		for _, s := range all {
			s.stop()
		}
	}
	for _, all := range subscriptions {
		for _, s := range all {
			s.close()
		}
	}
	for _, all := range listeners {
		for _, l := range all {
			l.end(topic.ErrClosed)
		}
	}
	if t.transport != nil {
		t.transport.CloseIdleConnections()
	}
}
