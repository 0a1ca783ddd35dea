package carrier_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"sundog/internal/audit"
	"sundog/internal/aws/bulk"
	"sundog/internal/aws/carrier"
	"sundog/internal/bucket"
	"sundog/internal/convoy"
	"sundog/internal/queue"
	"sundog/internal/statedb"
	"sundog/internal/topic"
	"sundog/payload"
)

// services are a bucket, topics, queues and a watcher in memory. They remember what they were asked, in order.
type services struct {
	mu    sync.Mutex
	calls []string           // "put k", "publish t a b", "send q a b", "watch a"
	fail  func(string) error // of a call; nil for none
	gate  chan struct{}      // when not nil, calls that send wait here
}

func (s *services) call(ctx context.Context, sends bool, words ...string) error {
	line := strings.Join(words, " ")
	s.mu.Lock()
	s.calls = append(s.calls, line)
	fail, gate := s.fail, s.gate
	s.mu.Unlock()
	if sends && gate != nil {
		select {
		case <-gate:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	if fail != nil {
		return fail(line)
	}
	return nil
}

func (s *services) all() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.calls)
}

func (s *services) Put(ctx context.Context, key string, body []byte, opts bucket.PutOptions) (string, error) {
	return "", s.call(ctx, false, "put", key, string(body), opts.ContentType)
}

func (s *services) Delete(ctx context.Context, key string) error {
	return s.call(ctx, false, "delete", key)
}

func (s *services) Watch(ctx context.Context, events [][]byte) error {
	words := []string{"watch"}
	for _, e := range events {
		words = append(words, string(e))
	}
	return s.call(ctx, false, words...)
}

// sendable refuses what has the text "never".
func sendable(body []byte) error {
	if string(body) == "never" {
		return fmt.Errorf("%w: it is too long", queue.ErrTooLarge)
	}
	return nil
}

type topics struct {
	*services
	arn string
}

func (t topics) Check(drafts ...topic.Draft) error { return sendable(drafts[0].Body) }

func (t topics) Publish(ctx context.Context, drafts ...topic.Draft) ([]string, error) {
	words := []string{"publish", t.arn}
	for _, d := range drafts {
		words = append(words, string(d.Body)+d.Attributes["a"].Value)
	}
	return nil, t.call(ctx, true, words...)
}

type queues struct {
	*services
	url string
}

func (q queues) Check(drafts ...queue.Draft) error { return sendable(drafts[0].Body) }

func (q queues) Send(ctx context.Context, drafts ...queue.Draft) ([]string, error) {
	words := []string{"send", q.url}
	for _, d := range drafts {
		words = append(words, string(d.Body))
	}
	return nil, q.call(ctx, true, words...)
}

func (s *services) open(tb testing.TB) *carrier.Carrier {
	c := carrier.New(carrier.Options{
		Payloads: s, Watcher: s, EventTopic: "events",
		Queues: func(url string) carrier.Queue { return queues{s, url} },
		Topics: func(arn string) carrier.Topic { return topics{s, arn} },
		Audit: func(ctx context.Context, entries []audit.Entry) error {
			return s.call(ctx, false, "audit", entries[0].Subject)
		},
	})
	tb.Cleanup(c.Close)
	return c
}

func publication(topic, body string) statedb.Publication {
	return statedb.Publication{Topic: topic, Body: []byte(body), Attributes: []payload.Attribute{{Name: "a", Type: payload.AttributeString, Value: "+v"}}}
}

func submission(url, body string) statedb.Submission {
	return statedb.Submission{Queue: url, Draft: queue.Draft{Body: []byte(body)}}
}

func everything() *statedb.Effects {
	return &statedb.Effects{
		Publish: []statedb.Publication{publication("events", "e1"), publication("items", "i1"), publication("items", "i2")},
		Enqueue: []statedb.Submission{submission("process", "p1"), submission("process", "p2")},
		Store:   []statedb.Object{{Key: "k", Body: []byte("{}")}},
		Remove:  []string{"old"},
		Audit:   []audit.Entry{{Subject: "who"}},
	}
}

// TestCarry carries one of each kind.
func TestCarry(t *testing.T) {
	s := &services{}
	if err := s.open(t).Carry(t.Context(), everything()); err != nil {
		t.Fatal(err)
	}
	calls := s.all()
	objects, messages, events := calls[:3], calls[3:5], calls[5:]
	for _, part := range [][]string{objects, messages, events} {
		slices.Sort(part)
	}
	if want := []string{"audit who", "delete old", "put k {} application/json"}; !slices.Equal(objects, want) {
		t.Errorf("first %q, want %q", objects, want)
	}
	if want := []string{"publish items i1+v i2+v", "send process p1 p2"}; !slices.Equal(messages, want) {
		t.Errorf("then %q, want %q", messages, want)
	}
	if want := []string{"publish events e1+v", "watch e1"}; !slices.Equal(events, want) {
		t.Errorf("last %q, want %q", events, want)
	}
}

// TestFailures lets each kind fail: the caller hears of it, but for the watcher's, and of an object's failure before anything is told.
func TestFailures(t *testing.T) {
	broken := errors.New("broken")
	for prefix, want := range map[string]struct {
		err   error
		calls int // at most
	}{
		"put": {broken, 2}, "delete": {broken, 2}, "audit": {broken, 3}, "publish items": {broken, 5},
		"send": {broken, 5}, "publish events": {broken, 7}, "watch": {nil, 7},
	} {
		s := &services{fail: func(call string) error {
			if strings.HasPrefix(call, prefix) {
				return broken
			}
			return nil
		}}
		if err := s.open(t).Carry(t.Context(), everything()); !errors.Is(err, want.err) || (err == nil) != (want.err == nil) {
			t.Errorf("%s fails: %v", prefix, err)
		}
		if n := len(s.all()); n > want.calls {
			t.Errorf("%s fails: %d calls, %q", prefix, n, s.all())
		}
	}
	s := &services{fail: func(call string) error {
		if strings.HasPrefix(call, "delete") {
			return fmt.Errorf("%w: gone", bucket.ErrNotFound)
		}
		return nil
	}}
	if err := s.open(t).Carry(t.Context(), everything()); err != nil {
		t.Errorf("removing what is not there: %v", err)
	}
}

// TestNothingOfWhatCannotBeSent: a message that can never be sent, wherever it goes, keeps all else from being carried out.
func TestNothingOfWhatCannotBeSent(t *testing.T) {
	for name, add := range map[string]func(*statedb.Effects){
		"an Item":   func(e *statedb.Effects) { e.Publish = append(e.Publish, publication("items", "never")) },
		"an event":  func(e *statedb.Effects) { e.Publish = append(e.Publish, publication("events", "never")) },
		"a payload": func(e *statedb.Effects) { e.Enqueue = append(e.Enqueue, submission("process", "never")) },
	} {
		s, e := &services{}, everything()
		add(e)
		if err := s.open(t).Carry(t.Context(), e); !errors.Is(err, queue.ErrTooLarge) || len(s.all()) != 0 {
			t.Errorf("%s: %v, after %q", name, err, s.all())
		}
	}
}

// TestMessagesGather sends from many callers while a request is under way: they share the next ones.
func TestMessagesGather(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &services{gate: make(chan struct{})}
		c := s.open(t)
		const callers = 64
		var wg sync.WaitGroup
		for i := range callers {
			wg.Go(func() {
				e := &statedb.Effects{Enqueue: []statedb.Submission{submission("q", fmt.Sprint(i))}}
				if err := c.Carry(t.Context(), e); err != nil {
					t.Error(err)
				}
			})
		}
		synctest.Wait()
		if n := len(s.all()); n > 8 {
			t.Errorf("%d requests at one time", n)
		}
		close(s.gate)
		wg.Wait()
		seen := map[string]bool{}
		for _, call := range s.all() {
			bodies := strings.Fields(call)[2:]
			if len(bodies) > 10 {
				t.Errorf("%d messages in a request", len(bodies))
			}
			for _, b := range bodies {
				seen[b] = true
			}
		}
		// Up to 8 requests go while callers still come, and may be as small as one message; whatever waits then goes in full ones.
		if n := len(s.all()); len(seen) != callers || n > 8+(callers-8+9)/10 {
			t.Errorf("%d messages in %d requests", len(seen), n)
		}
	})
}

// TestOneBadMessageFailsItsCaller gathers messages of three callers, of which one cannot be sent.
func TestOneBadMessageFailsItsCaller(t *testing.T) {
	for _, tt := range []struct {
		name     string
		fails    func(bad int) error
		requests int
	}{
		{"which is named", func(bad int) error {
			return fmt.Errorf("sending: %w", &bulk.UnsentError{Entries: []int{bad}, Of: 6, Err: errors.New("bad")})
		}, 2},
		{"so that none is sent", func(int) error { return queue.ErrTooLarge }, 5},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &services{gate: make(chan struct{}), fail: func(call string) error {
					if i := slices.Index(strings.Fields(call)[2:], "bad"); i >= 0 {
						return tt.fails(i)
					}
					return nil
				}}
				c := s.open(t)
				var wg sync.WaitGroup
				for _, bodies := range [][]string{{"first"}, {"a", "b"}, {"c", "bad", "d"}, {"e"}} {
					wg.Go(func() {
						e := &statedb.Effects{}
						for _, b := range bodies {
							e.Enqueue = append(e.Enqueue, submission("q", b))
						}
						if err := c.Carry(t.Context(), e); (err != nil) != slices.Contains(bodies, "bad") {
							t.Errorf("%q: %v", bodies, err)
						}
					})
					synctest.Wait()
				}
				close(s.gate)
				wg.Wait()
				if n := len(s.all()); n != tt.requests {
					t.Errorf("%d requests: %q", n, s.all())
				}
			})
		})
	}
}

// TestBatchSharesRequests lets members of a batch come one after the other. Their messages go together, when the last has come, or has
// finished, or has not come in time.
func TestBatchSharesRequests(t *testing.T) {
	for _, tt := range []struct {
		name string
		last func(comes, leaves chan<- struct{})
		want int // messages in the one request
		wait time.Duration
	}{
		{"all come", func(comes, _ chan<- struct{}) { close(comes) }, 5, 0},
		{"the last finishes without a message", func(_, leaves chan<- struct{}) { close(leaves) }, 4, 0},
		{"the last does not come in time", func(_, _ chan<- struct{}) {}, 4, 100 * time.Millisecond},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &services{}
				c, batch := s.open(t), convoy.New()
				ctx := convoy.With(t.Context(), batch)
				comes, leaves := make(chan struct{}), make(chan struct{})
				var early, late sync.WaitGroup
				member := func(body string) {
					if err := c.Carry(ctx, &statedb.Effects{Enqueue: []statedb.Submission{submission("q", body)}}); err != nil {
						t.Error(err)
					}
					batch.Leave()
				}
				for range 5 {
					batch.Join()
				}
				for i := range 4 {
					early.Go(func() { member(fmt.Sprint(i)) })
				}
				late.Go(func() {
					select {
					case <-comes:
						member("last")
					case <-leaves:
						batch.Leave()
					}
				})
				synctest.Wait()
				if calls := s.all(); len(calls) != 0 {
					t.Errorf("somebody did not wait: %q", calls)
				}
				began := time.Now()
				tt.last(comes, leaves)
				early.Wait()
				if waited := time.Since(began); waited != tt.wait {
					t.Errorf("they waited for %v", waited)
				}
				if calls := s.all(); len(calls) != 1 || len(strings.Fields(calls[0])) != 2+tt.want {
					t.Errorf("requests %q", calls)
				}
				if tt.wait > 0 {
					close(leaves)
				}
				late.Wait()
			})
		})
	}
}

// TestCallersGiveUp ends the contexts of callers, one of whom waits for its turn, and the other for an answer.
func TestCallersGiveUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &services{gate: make(chan struct{})}
		c := s.open(t)
		gone := errors.New("gone")
		ctx, cancel := context.WithCancelCause(t.Context())
		var wg sync.WaitGroup
		for _, body := range []string{"under-way", "waiting"} {
			wg.Go(func() {
				e := &statedb.Effects{Enqueue: []statedb.Submission{submission("q", body)}}
				if err := c.Carry(ctx, e); !errors.Is(err, gone) {
					t.Errorf("%s: %v", body, err)
				}
			})
			synctest.Wait()
		}
		cancel(gone)
		wg.Wait()
		closed := make(chan struct{})
		go func() { c.Close(); close(closed) }()
		synctest.Wait()
		select {
		case <-closed:
			t.Error("it was closed while a request was under way")
		default:
		}
		close(s.gate)
		<-closed
		if got := s.all(); !slices.Equal(got, []string{"send q under-way"}) {
			t.Errorf("calls %q", got)
		}
		if err := c.Carry(t.Context(), everything()); !errors.Is(err, carrier.ErrClosed) {
			t.Errorf("after it was closed: %v", err)
		}
	})
}

// TestNoAnswer waits for a service that never answers.
func TestNoAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &services{gate: make(chan struct{})}
		began := time.Now()
		err := s.open(t).Carry(t.Context(), &statedb.Effects{Enqueue: []statedb.Submission{submission("q", "x")}})
		if err == nil || time.Since(began) > time.Minute {
			t.Errorf("after %v: %v", time.Since(began), err)
		}
	})
}
