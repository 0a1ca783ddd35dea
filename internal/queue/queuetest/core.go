package queuetest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"sundog/internal/queue"
)

// Core is what queues have that know neither lanes nor reasons.
type Core interface {
	Send(ctx context.Context, drafts ...queue.Draft) (ids []string, err error)
	Receive(ctx context.Context, req queue.Request) ([]queue.Message, error)
	Delete(ctx context.Context, receipts ...string) error
	ChangeVisibility(ctx context.Context, receipt string, d time.Duration) error
	Retry(ctx context.Context, receipt string, after time.Duration, reason string) error
}

// RunCore runs the part of the suite that a Core passes; its arguments are those of Run.
func RunCore(t *testing.T, open func(t *testing.T) Core, bubble func(t *testing.T, f func(*testing.T))) {
	t.Helper()
	for _, tt := range []struct {
		name string
		run  func(t *testing.T, q Core)
	}{
		{"there and back", testThereAndBack},
		{"empty", testEmpty},
		{"waiting receive is woken", testWoken},
		{"visibility timeout", testVisibilityTimeout},
		{"change visibility", testChangeVisibility},
		{"delay", testDelay},
		{"retry", testRetry},
		{"many consumers", testManyConsumers},
	} {
		t.Run(tt.name, func(t *testing.T) {
			bubble(t, func(t *testing.T) { tt.run(t, open(t)) })
		})
	}
}

func testThereAndBack(t *testing.T, q Core) {
	attributes := map[string]queue.Attribute{
		"collection": {Type: "String", Value: "sentinel-2-l2a"}, "cloud_cover": {Type: "Number.float", Value: "12.5"}, "digest": {Type: "Binary", Value: "AAH/"},
	}
	before := time.Now().Add(-time.Second)
	id := send(t, q, queue.Draft{Body: []byte("{\"ü\":\n\t1}"), Attributes: attributes})[0]
	m := one(t, q, time.Second)
	if m.Receipt == "" || m.SentAt.Before(before) || m.SentAt.After(time.Now().Add(time.Second)) {
		t.Errorf("message without receipt, or of another time: %+v", m)
	}
	m.Receipt, m.SentAt, m.Lane = "", time.Time{}, ""
	if diff := cmp.Diff(queue.Message{ID: id, Body: []byte("{\"ü\":\n\t1}"), Attributes: attributes, ReceiveCount: 1}, m); diff != "" {
		t.Error(diff)
	}
}

func testEmpty(t *testing.T, q Core) {
	began := time.Now()
	if got := receive(t, q, queue.Request{Wait: 2 * time.Second}); len(got) != 0 {
		t.Errorf("an empty queue gave %+v", got)
	}
	if waited := time.Since(began); waited < 1900*time.Millisecond {
		t.Errorf("waited %v, want 2s", waited)
	}
	if got := receive(t, q, queue.Request{}); len(got) != 0 {
		t.Errorf("an empty queue gave %+v", got)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := q.Receive(ctx, queue.Request{Wait: time.Hour}); !errors.Is(err, context.Canceled) {
		t.Errorf("with a cancelled context: %v", err)
	}
}

func testWoken(t *testing.T, q Core) {
	const consumers = 3
	got := make(chan string, consumers)
	var wg sync.WaitGroup
	for range consumers {
		wg.Go(func() {
			m, err := q.Receive(t.Context(), queue.Request{Wait: 20 * time.Second})
			if err != nil || len(m) != 1 {
				t.Errorf("got %+v, %v", m, err)
				return
			}
			got <- string(m[0].Body)
		})
	}
	for i := range consumers {
		send(t, q, queue.Draft{Body: []byte(fmt.Sprint(i))})
	}
	wg.Wait()
	close(got)
	var bodies []string
	for b := range got {
		bodies = append(bodies, b)
	}
	slices.Sort(bodies)
	if want := []string{"0", "1", "2"}; !slices.Equal(bodies, want) {
		t.Errorf("got %q", bodies)
	}
}

func testVisibilityTimeout(t *testing.T, q Core) {
	send(t, q, queue.Draft{Body: []byte("a")})
	first := one(t, q, time.Second)
	if got := receive(t, q, queue.Request{}); len(got) != 0 {
		t.Fatalf("a hidden message was handed out: %+v", got)
	}
	second := one(t, q, Visibility+3*time.Second)
	if second.ID != first.ID || second.ReceiveCount != 2 || second.Receipt == first.Receipt {
		t.Errorf("first %+v, then %+v", first, second)
	}
}

func testChangeVisibility(t *testing.T, q Core) {
	send(t, q, queue.Draft{Body: []byte("a")})
	first := one(t, q, time.Second)
	if err := q.ChangeVisibility(t.Context(), first.Receipt, 3*Visibility); err != nil {
		t.Fatal(err)
	}
	if got := receive(t, q, queue.Request{Wait: 2 * Visibility}); len(got) != 0 {
		t.Fatalf("the longer time-out was not kept: %+v", got)
	}
	if err := q.ChangeVisibility(t.Context(), first.Receipt, 0); err != nil {
		t.Fatal(err)
	}
	second := one(t, q, 2*time.Second)
	if err := q.ChangeVisibility(t.Context(), first.Receipt, time.Minute); !errors.Is(err, queue.ErrStaleReceipt) {
		t.Errorf("with a stale receipt: %v", err)
	}
	if err := q.Delete(t.Context(), second.Receipt); err != nil {
		t.Fatal(err)
	}
	if err := q.ChangeVisibility(t.Context(), second.Receipt, time.Minute); !errors.Is(err, queue.ErrStaleReceipt) {
		t.Errorf("of a deleted message: %v", err)
	}
}

func testDelay(t *testing.T, q Core) {
	began := time.Now()
	send(t, q, queue.Draft{Body: []byte("late"), Delay: 4 * time.Second}, queue.Draft{Body: []byte("later"), Delay: 6 * time.Second})
	send(t, q, queue.Draft{Body: []byte("now")})
	for i, want := range []string{"now", "late", "later"} {
		m := one(t, q, 10*time.Second)
		if string(m.Body) != want {
			t.Errorf("got %q, want %q", m.Body, want)
		}
		if waited := time.Since(began); i > 0 && waited < time.Duration(2*i+2)*time.Second-100*time.Millisecond {
			t.Errorf("%q came after %v", want, waited)
		}
		if err := q.Delete(t.Context(), m.Receipt); err != nil {
			t.Fatal(err)
		}
	}
}

func testRetry(t *testing.T, q Core) {
	send(t, q, queue.Draft{Body: []byte("a")})
	first := one(t, q, time.Second)
	if err := q.Retry(t.Context(), first.Receipt, 2*Visibility, "it rains"); err != nil {
		t.Fatal(err)
	}
	if got := receive(t, q, queue.Request{Wait: 2*Visibility - time.Second}); len(got) != 0 {
		t.Fatalf("handed out before its time: %+v", got)
	}
	second := one(t, q, 4*time.Second)
	if second.ID != first.ID || second.ReceiveCount != 2 || string(second.Body) != "a" {
		t.Errorf("first %+v, then %+v", first, second)
	}
	if err := q.Retry(t.Context(), first.Receipt, 0, ""); !errors.Is(err, queue.ErrStaleReceipt) {
		t.Errorf("with a stale receipt: %v", err)
	}
}

func testManyConsumers(t *testing.T, q Core) {
	const senders, consumers, each = 4, 4, 50
	var wg sync.WaitGroup
	for s := range senders {
		wg.Go(func() {
			for i := range each {
				if _, err := q.Send(t.Context(), queue.Draft{Body: []byte(fmt.Sprintf("%d/%d", s, i))}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	var mu sync.Mutex
	seen := map[string]int{}
	for range consumers {
		wg.Go(func() {
			for {
				got, err := q.Receive(t.Context(), queue.Request{Max: 10, Wait: 2 * time.Second})
				if err != nil {
					t.Error(err)
					return
				}
				if len(got) == 0 {
					return
				}
				for _, m := range got {
					mu.Lock()
					seen[string(m.Body)]++
					mu.Unlock()
					if err := q.Delete(t.Context(), m.Receipt); err != nil {
						t.Error(err)
					}
				}
			}
		})
	}
	wg.Wait()
	for body, n := range seen {
		if n != 1 {
			t.Errorf("%s was received %d times", body, n)
		}
	}
	if len(seen) != senders*each {
		t.Errorf("received %d messages, want %d", len(seen), senders*each)
	}
}

func send(t *testing.T, q Core, drafts ...queue.Draft) []string {
	t.Helper()
	ids, err := q.Send(t.Context(), drafts...)
	if err != nil {
		t.Fatalf("sending: %v", err)
	}
	return ids
}

func receive(t *testing.T, q Core, req queue.Request) []queue.Message {
	t.Helper()
	got, err := q.Receive(t.Context(), req)
	if err != nil {
		t.Fatalf("receiving: %v", err)
	}
	return got
}

func one(t *testing.T, q Core, wait time.Duration) queue.Message {
	t.Helper()
	got := receive(t, q, queue.Request{Wait: wait})
	if len(got) != 1 {
		t.Fatalf("received %d messages within %v, want one", len(got), wait)
	}
	return got[0]
}
