// Package queuetest holds the conformance suite of queues.
package queuetest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"sundog/internal/queue"
)

// Queue is everything that the suite asks of an implementation. Consumers declare the part that they use.
type Queue interface {
	Core
	DeadLetter(ctx context.Context, receipt, reason string) error
	DeadLetters(ctx context.Context, after string, limit int) ([]queue.DeadLetter, error)
	SendAgain(ctx context.Context, id string) (string, error)
	SendAllAgain(ctx context.Context, progress func(sent int64)) (int64, error)
	DeleteDeadLetter(ctx context.Context, id string) error
}

// What the queues of the suite are opened with.
const (
	Visibility  = 4 * time.Second
	MaxReceives = 3
	MaxBytes    = 64 << 10
)

// Lanes of the queues of the suite.
func Lanes() []string { return []string{"live", "bulk"} }

// Run runs the suite. Open returns an empty queue each time. Bubble runs one test; synctest.Test spares the waiting where the
// implementation's time can be virtual.
func Run(t *testing.T, open func(t *testing.T) Queue, bubble func(t *testing.T, f func(*testing.T))) {
	t.Helper()
	RunCore(t, func(t *testing.T) Core { return open(t) }, bubble)
	for _, tt := range []struct {
		name string
		run  func(t *testing.T, q Queue)
	}{
		{"sent and received", testSentAndReceived},
		{"late delete", testLateDelete},
		{"retried too often", testRetriedTooOften},
		{"received too often", testReceivedTooOften},
		{"dead letter", testDeadLetter},
		{"dead letters", testDeadLetters},
		{"lanes", testLanes},
		{"refused", testRefused},
	} {
		t.Run(tt.name, func(t *testing.T) {
			bubble(t, func(t *testing.T) { tt.run(t, open(t)) })
		})
	}
}

func testSentAndReceived(t *testing.T, q Queue) {
	attributes := map[string]queue.Attribute{
		"collection": {Type: "String", Value: "sentinel-2-l2a"}, "cloud_cover": {Type: "Number", Value: "12.5"},
	}
	ids := send(t, q, queue.Draft{Body: []byte("first\x00ü"), Attributes: attributes}, queue.Draft{Body: []byte("second"), Lane: "bulk"})
	if len(ids) != 2 || ids[0] == ids[1] || ids[0] == "" {
		t.Fatalf("ids %q", ids)
	}
	got := receive(t, q, queue.Request{Max: 10, Wait: time.Second})
	for len(got) < 2 { // a reception may return fewer than there are
		got = append(got, receive(t, q, queue.Request{Max: 10, Wait: time.Second})...)
	}
	for i, m := range got {
		if m.Receipt == "" || m.SentAt.IsZero() {
			t.Errorf("message without receipt or time: %+v", m)
		}
		got[i].Receipt, got[i].SentAt = "", time.Time{}
	}
	want := []queue.Message{
		{ID: ids[0], Body: []byte("first\x00ü"), Attributes: attributes, Lane: "live", ReceiveCount: 1},
		{ID: ids[1], Body: []byte("second"), Lane: "bulk", ReceiveCount: 1},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func testLateDelete(t *testing.T, q Queue) {
	send(t, q, queue.Draft{Body: []byte("a")})
	first := one(t, q, time.Second)
	one(t, q, Visibility+3*time.Second)
	for range 2 {
		if err := q.Delete(t.Context(), first.Receipt); err != nil {
			t.Fatal(err)
		}
	}
	if got := receive(t, q, queue.Request{Wait: Visibility + 3*time.Second}); len(got) != 0 {
		t.Errorf("a deleted message was handed out: %+v", got)
	}
}

func testRetriedTooOften(t *testing.T, q Queue) {
	send(t, q, queue.Draft{Body: []byte("a"), Lane: "bulk"})
	first := one(t, q, time.Second)
	if err := q.Retry(t.Context(), first.Receipt, 0, "it rains"); err != nil {
		t.Fatal(err)
	}
	second := one(t, q, 2*time.Second)
	if second.Lane != "bulk" {
		t.Errorf("first %+v, then %+v", first, second)
	}
	if err := q.Retry(t.Context(), second.Receipt, 0, "it still rains"); err != nil {
		t.Fatal(err)
	}
	third := one(t, q, 2*time.Second)
	if err := q.Retry(t.Context(), third.Receipt, time.Hour, "it never stops"); err != nil {
		t.Fatal(err)
	}
	dead := deadLetters(t, q, 1)
	if !strings.Contains(dead[0].Reason, "it never stops") || dead[0].ReceiveCount != 3 {
		t.Errorf("dead letter %+v", dead[0])
	}
}

func testReceivedTooOften(t *testing.T, q Queue) {
	send(t, q, queue.Draft{Body: []byte("poison")})
	for i := range MaxReceives {
		if m := one(t, q, Visibility+3*time.Second); m.ReceiveCount != i+1 {
			t.Errorf("reception %d has count %d", i+1, m.ReceiveCount)
		}
	}
	if got := receive(t, q, queue.Request{Wait: Visibility + 3*time.Second}); len(got) != 0 {
		t.Errorf("handed out once more: %+v", got)
	}
	dead := deadLetters(t, q, 1)
	if string(dead[0].Body) != "poison" || dead[0].ReceiveCount != MaxReceives || dead[0].Reason == "" || dead[0].DiedAt.IsZero() {
		t.Errorf("dead letter %+v", dead[0])
	}
	if _, err := q.SendAgain(t.Context(), dead[0].ID); err != nil {
		t.Fatal(err)
	}
	if m := one(t, q, 2*time.Second); m.ReceiveCount != 1 || m.SentAt.Before(dead[0].DiedAt) {
		t.Errorf("sent again, after it had died at %v: %+v", dead[0].DiedAt, m)
	}
}

func testDeadLetter(t *testing.T, q Queue) {
	send(t, q, queue.Draft{Body: []byte("bad"), Lane: "bulk", Attributes: map[string]queue.Attribute{"a": {Type: "String", Value: "b"}}})
	m := one(t, q, time.Second)
	if err := q.DeadLetter(t.Context(), m.Receipt, "not a payload"); err != nil {
		t.Fatal(err)
	}
	if err := q.DeadLetter(t.Context(), m.Receipt, "again"); !errors.Is(err, queue.ErrStaleReceipt) {
		t.Errorf("the second time: %v", err)
	}
	dead := deadLetters(t, q, 1)
	if dead[0].Reason != "not a payload" || dead[0].Lane != "bulk" || dead[0].Attributes["a"].Value != "b" {
		t.Errorf("dead letter %+v", dead[0])
	}
	if _, err := q.SendAgain(t.Context(), dead[0].ID); err != nil {
		t.Fatal(err)
	}
	if _, err := q.SendAgain(t.Context(), dead[0].ID); !errors.Is(err, queue.ErrNoDeadLetter) {
		t.Errorf("sent again twice: %v", err)
	}
	again := one(t, q, 2*time.Second)
	if string(again.Body) != "bad" || again.ReceiveCount != 1 || again.Lane != "bulk" || again.Attributes["a"].Value != "b" {
		t.Errorf("sent again: %+v", again)
	}
	deadLetters(t, q, 0)
}

func testDeadLetters(t *testing.T, q Queue) {
	const n = 7
	for i := range n {
		send(t, q, queue.Draft{Body: []byte(fmt.Sprint(i))})
		m := one(t, q, time.Second)
		if err := q.DeadLetter(t.Context(), m.Receipt, "no"); err != nil {
			t.Fatal(err)
		}
	}
	all := deadLetters(t, q, n)
	var paged []queue.DeadLetter
	for after := ""; ; {
		page, err := q.DeadLetters(t.Context(), after, 3)
		if err != nil {
			t.Fatal(err)
		}
		if len(page) == 0 {
			break
		}
		paged = append(paged, page...)
		after = page[len(page)-1].ID
	}
	if diff := cmp.Diff(all, paged); diff != "" {
		t.Error("pages differ from the whole:", diff)
	}
	if err := q.DeleteDeadLetter(t.Context(), all[2].ID); err != nil {
		t.Fatal(err)
	}
	if err := q.DeleteDeadLetter(t.Context(), all[2].ID); !errors.Is(err, queue.ErrNoDeadLetter) {
		t.Errorf("deleted twice: %v", err)
	}
	var progress int64
	if sent, err := q.SendAllAgain(t.Context(), func(n int64) { progress = n }); err != nil || sent != n-1 || progress != n-1 {
		t.Errorf("sent %d again (%d by progress), %v", sent, progress, err)
	}
	deadLetters(t, q, 0)
	bodies := make([]string, 0, n-1)
	for range n - 1 {
		bodies = append(bodies, string(one(t, q, 2*time.Second).Body))
	}
	slices.Sort(bodies)
	if want := []string{"0", "1", "3", "4", "5", "6"}; !slices.Equal(bodies, want) {
		t.Errorf("received %q, want %q", bodies, want)
	}
}

func testLanes(t *testing.T, q Queue) {
	for range 3 {
		send(t, q, queue.Draft{Body: []byte("bulk"), Lane: "bulk"})
	}
	send(t, q, queue.Draft{Body: []byte("live"), Lane: "live"})
	if m := one(t, q, time.Second); m.Lane != "live" {
		t.Errorf("first came %+v", m)
	}
	if got := receive(t, q, queue.Request{Lanes: []string{"live"}, Wait: time.Second}); len(got) != 0 {
		t.Errorf("from the live lane came %+v", got)
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		got, err := q.Receive(t.Context(), queue.Request{Lanes: []string{"live"}, Wait: 20 * time.Second})
		if err != nil || len(got) != 1 || got[0].Lane != "live" {
			t.Errorf("waiting for the live lane: %+v, %v", got, err)
		}
	})
	for range 3 {
		if got := receive(t, q, queue.Request{Lanes: []string{"bulk"}, Wait: 2 * time.Second}); len(got) != 1 || got[0].Lane != "bulk" {
			t.Errorf("from the bulk lane came %+v", got)
		}
	}
	send(t, q, queue.Draft{Body: []byte("live")})
	wg.Wait()
}

func testRefused(t *testing.T, q Queue) {
	ctx := t.Context()
	for _, tt := range []struct {
		name  string
		draft queue.Draft
		want  error
	}{
		{"lane", queue.Draft{Body: []byte("a"), Lane: "express"}, queue.ErrUnknownLane},
		{"size", queue.Draft{Body: make([]byte, MaxBytes+1)}, queue.ErrTooLarge},
		{"size with attributes", queue.Draft{
			Body: make([]byte, MaxBytes-2), Attributes: map[string]queue.Attribute{"a": {Type: "String", Value: "b"}},
		}, queue.ErrTooLarge},
		{"delay", queue.Draft{Body: []byte("a"), Delay: -time.Second}, queue.ErrInvalidMessage},
		{"attribute", queue.Draft{Body: []byte("a"), Attributes: map[string]queue.Attribute{"": {Type: "String"}}}, queue.ErrInvalidMessage},
	} {
		if _, err := q.Send(ctx, queue.Draft{Body: []byte("good")}, tt.draft); !errors.Is(err, tt.want) {
			t.Errorf("%s: %v, want %v", tt.name, err, tt.want)
		}
	}
	if _, err := q.Receive(ctx, queue.Request{Lanes: []string{"express"}}); !errors.Is(err, queue.ErrUnknownLane) {
		t.Errorf("receiving from an unknown lane: %v", err)
	}
	if got := receive(t, q, queue.Request{Max: 10}); len(got) != 0 {
		t.Errorf("a refused batch left %+v", got)
	}
	for _, receipt := range []string{"", "nonsense", "1-2", "zz-1-live"} {
		if err := q.Delete(ctx, receipt); !errors.Is(err, queue.ErrInvalidReceipt) {
			t.Errorf("deleting %q: %v", receipt, err)
		}
		if err := q.Retry(ctx, receipt, 0, ""); !errors.Is(err, queue.ErrInvalidReceipt) {
			t.Errorf("retrying %q: %v", receipt, err)
		}
	}
	if _, err := q.SendAgain(ctx, "nonsense"); !errors.Is(err, queue.ErrNoDeadLetter) {
		t.Errorf("sending nonsense again: %v", err)
	}
}

func deadLetters(t *testing.T, q Queue, want int) []queue.DeadLetter {
	t.Helper()
	dead, err := q.DeadLetters(t.Context(), "", 0)
	if err != nil {
		t.Fatalf("listing dead letters: %v", err)
	}
	if len(dead) != want {
		t.Fatalf("%d dead letters, want %d: %+v", len(dead), want, dead)
	}
	return dead
}
