package queue_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"sundog/internal/aws/queue"
	domain "sundog/internal/queue"
)

// bury makes dead letters of messages with those bodies.
func bury(t *testing.T, q *queue.Queue, bodies ...string) {
	t.Helper()
	for _, body := range bodies {
		attributes := map[string]domain.Attribute{"of": {Type: "String", Value: body}}
		if _, err := q.Send(t.Context(), domain.Draft{Body: []byte(body), Attributes: attributes}); err != nil {
			t.Fatal(err)
		}
		got, err := q.Receive(t.Context(), domain.Request{Wait: 2 * time.Second})
		if err != nil || len(got) != 1 {
			t.Fatalf("%+v, %v", got, err)
		}
		if err := q.DeadLetter(t.Context(), got[0].Receipt, "no good: "+body+"\x00"); err != nil {
			t.Fatal(err)
		}
		if err := q.DeadLetter(t.Context(), got[0].Receipt, "again"); !errors.Is(err, domain.ErrStaleReceipt) {
			t.Errorf("buried twice: %v", err)
		}
	}
}

func letters(t *testing.T, q *queue.Queue, after string, limit int) (bodies, ids []string) {
	t.Helper()
	got, err := q.DeadLetters(t.Context(), after, limit)
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range got {
		if l.Receipt != "" || l.Reason != "no good: "+string(l.Body)+" " || l.DiedAt.IsZero() || len(l.Attributes) != 1 || l.Attributes["of"].Value != string(l.Body) {
			t.Errorf("dead letter %+v", l)
		}
		bodies, ids = append(bodies, string(l.Body)), append(ids, l.ID)
	}
	return bodies, ids
}

func TestDeadLetters(t *testing.T) {
	w := newWorld(t)
	q := w.queue(t, time.Minute, 3)
	bury(t, q, "a", "b", "c", "d", "e")
	all, ids := letters(t, q, "", 0)
	if diff := cmp.Diff([]string{"a", "b", "c", "d", "e"}, all); diff != "" {
		t.Fatal(diff)
	}
	page, _ := letters(t, q, ids[1], 2)
	if diff := cmp.Diff([]string{"c", "d"}, page); diff != "" {
		t.Error(diff)
	}
	if err := q.DeleteDeadLetter(t.Context(), ids[2]); err != nil {
		t.Fatal(err)
	}
	if err := q.DeleteDeadLetter(t.Context(), ids[2]); !errors.Is(err, domain.ErrNoDeadLetter) {
		t.Errorf("deleted twice: %v", err)
	}
	if id, err := q.SendAgain(t.Context(), ids[0]); err != nil || id == "" {
		t.Fatal(id, err)
	}
	if _, err := q.SendAgain(t.Context(), ids[0]); !errors.Is(err, domain.ErrNoDeadLetter) {
		t.Errorf("sent again twice: %v", err)
	}
	got, err := q.Receive(t.Context(), domain.Request{Wait: 2 * time.Second})
	if err != nil || len(got) != 1 || string(got[0].Body) != "a" || got[0].ReceiveCount != 1 || len(got[0].Attributes) != 1 {
		t.Fatalf("%+v, %v", got, err)
	}
	if err := q.Delete(t.Context(), got[0].Receipt); err != nil {
		t.Fatal(err)
	}
	progress := int64(0)
	if sent, err := q.SendAllAgain(t.Context(), func(n int64) { progress = n }); err != nil || sent != 3 || progress != 3 {
		t.Errorf("sent %d again (%d by progress), %v", sent, progress, err)
	}
	if diff := cmp.Diff([]string{"b", "d", "e"}, drain(t, q, 3)); diff != "" {
		t.Error(diff)
	}
	if left, _ := letters(t, q, "", 0); len(left) != 0 {
		t.Errorf("left: %q", left)
	}
	bury(t, q, "f")
	if err := q.Purge(t.Context()); err != nil {
		t.Fatal(err)
	}
	if left, _ := letters(t, q, "", 0); len(left) != 0 {
		t.Errorf("left: %q", left)
	}
}

// TestReceivedTooOften leaves it to the redrive policy, which knows no reason.
func TestReceivedTooOften(t *testing.T) {
	w := newWorld(t)
	q := w.queue(t, time.Minute, 2)
	if _, err := q.Send(t.Context(), domain.Draft{Body: []byte("poison")}); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		got, err := q.Receive(t.Context(), domain.Request{Wait: 2 * time.Second})
		if err != nil || len(got) != 1 {
			t.Fatalf("%+v, %v", got, err)
		}
		if err := q.Retry(t.Context(), got[0].Receipt, 0, "it rains"); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := q.Receive(t.Context(), domain.Request{}); err != nil || len(got) != 0 {
		t.Errorf("%+v, %v", got, err)
	}
	dead, err := q.DeadLetters(t.Context(), "", 0)
	if err != nil || len(dead) != 1 || string(dead[0].Body) != "poison" || dead[0].Reason != "" || !dead[0].DiedAt.IsZero() {
		t.Fatalf("%+v, %v", dead, err)
	}
	if depth, err := q.Depth(t.Context()); err != nil || depth.Dead != 1 || depth.Total() != 0 {
		t.Errorf("%+v, %v", depth, err)
	}
}

// TestLongReason makes a dead letter of a message that has no room for its reason.
func TestLongReason(t *testing.T) {
	w := newWorld(t)
	url, _ := w.QueueWithDeadLetters(t, time.Minute, 3)
	for _, bytes := range []int{900, 1010} {
		q := queue.New(w.client, url, queue.Options{MaxBytes: 2000})
		if bytes > 1000 {
			q = queue.New(w.client, url, queue.Options{MaxBytes: 1020})
		}
		if _, err := q.Send(t.Context(), domain.Draft{Body: []byte(strings.Repeat("x", bytes))}); err != nil {
			t.Fatal(err)
		}
		got, err := q.Receive(t.Context(), domain.Request{Wait: 2 * time.Second})
		if err != nil || len(got) != 1 {
			t.Fatalf("%+v, %v", got, err)
		}
		if err := q.DeadLetter(t.Context(), got[0].Receipt, strings.Repeat("long ", 1000)); err != nil {
			t.Error(err)
		}
	}
	dead, err := queue.New(w.client, url, queue.Options{}).DeadLetters(t.Context(), "", 0)
	if err != nil || len(dead) != 2 || len(dead[0].Reason) != domain.MaxReason || dead[1].Reason != "" {
		t.Errorf("%d, %v", len(dead), err)
	}
}

// TestDiesAgain makes dead letters of what was sent again, at once and for ever: sending them again comes to an end all the same.
func TestDiesAgain(t *testing.T) {
	w := newWorld(t)
	q := w.queue(t, time.Minute, 3)
	bury(t, q, "a", "b", "c")
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	died := int64(0)
	sent, err := q.SendAllAgain(ctx, func(sent int64) {
		for died < sent {
			got, err := q.Receive(ctx, domain.Request{Max: 10, Wait: time.Second})
			if err != nil || len(got) == 0 {
				t.Errorf("%d died of %d that were sent again, then %v", died, sent, err)
				cancel()
				return
			}
			for _, m := range got {
				if err := q.DeadLetter(ctx, m.Receipt, "still no good"); err != nil {
					t.Error(err)
				}
				died++
			}
		}
	})
	if err != nil || sent < 3 {
		t.Errorf("sent %d again, %v", sent, err)
	}
	if left, err := q.DeadLetters(t.Context(), "", 0); err != nil || len(left) != 3 {
		t.Errorf("%d dead letters, %v", len(left), err)
	}
}
