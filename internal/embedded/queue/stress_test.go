package queue_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	embedded "sundog/internal/embedded/queue"
	"sundog/internal/embedded/store"
	"sundog/internal/queue"
)

// Transactions that commit in any order, some never, while windows are being filled and emptied: every message that was committed comes once,
// none that was given up does.
func TestEveryCommittedMessageComesOnce(t *testing.T) {
	const senders, consumers, each = 8, 4, 1500
	w := newWorld(t, store.Options{})
	q := w.declare(embedded.Config{Lanes: []string{"live", "bulk"}, Visibility: time.Hour})
	send(t, q, make([]queue.Draft, 3000)...) // a backlog, so that the cursor is behind
	ctx := t.Context()
	var sending, receiving sync.WaitGroup
	for s := range senders {
		sending.Go(func() {
			var held []*store.Tx // committed later than others, last first
			for i := range each {
				tx := w.store.Begin()
				d := queue.Draft{Body: fmt.Appendf(nil, "%d/%d", s, i), Lane: []string{"live", "bulk"}[i%2]}
				if i%10 == 9 {
					d.Body = []byte("given up")
				}
				if _, err := q.SendTx(tx, d); err != nil {
					t.Error(err)
				}
				if i%10 == 9 {
					continue
				}
				if held = append(held, tx); len(held) < s+1 {
					continue
				}
				for ; len(held) > 0; held = held[:len(held)-1] {
					if err := held[len(held)-1].Commit(ctx); err != nil {
						t.Error(err)
					}
				}
			}
			for _, tx := range held {
				if err := tx.Commit(ctx); err != nil {
					t.Error(err)
				}
			}
		})
	}
	var mu sync.Mutex
	seen := map[string]int{}
	total := 0
	done, finish := context.WithCancel(ctx)
	for range consumers {
		receiving.Go(func() {
			for {
				got, err := q.Receive(done, queue.Request{Max: 7, Wait: time.Minute})
				if err != nil {
					if !errors.Is(err, context.Canceled) {
						t.Error(err)
					}
					return
				}
				receipts := make([]string, len(got))
				mu.Lock()
				for i, m := range got {
					receipts[i] = m.Receipt
					seen[string(m.Body)]++
				}
				if total += len(got); total >= 3000+senders*each*9/10 {
					finish()
				}
				mu.Unlock()
				if err := q.Delete(ctx, receipts...); err != nil {
					t.Error(err)
				}
			}
		})
	}
	sending.Wait()
	give := time.AfterFunc(time.Minute, finish) // so that a lost message fails the test instead of hanging it
	receiving.Wait()
	give.Stop()
	if seen[""] != 3000 || seen["given up"] != 0 {
		t.Errorf("%d of the backlog and %d that were given up", seen[""], seen["given up"])
	}
	for s := range senders {
		for i := range each {
			if body := fmt.Sprintf("%d/%d", s, i); i%10 != 9 && seen[body] != 1 {
				t.Errorf("%s came %d times", body, seen[body])
			}
		}
	}
	if d := q.Depth(); d.Total() != 0 {
		t.Errorf("left: %+v", d)
	}
	w.reopen()
	if d := w.declare(q.Config()).Depth(); d.Total() != 0 {
		t.Errorf("left on disk: %+v", d)
	}
}

// FuzzReceipt: whatever somebody takes for a receipt is refused, or does nothing.
func FuzzReceipt(f *testing.F) {
	w := newWorld(f, store.Options{})
	q := w.declare(embedded.Config{Visibility: time.Hour})
	send(f, q, text("a"))
	own := receive(f, q, 1, 0)[0].Receipt
	for _, seed := range []string{"", "-", "--", own + "x", own[1:], "0000100000000001-1-default", "0000100000000001-zz-default", "ffffffffffffffff-0-default"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, receipt string) {
		if receipt == own || len(receipt) > 16 && receipt[:16] == own[:16] {
			return // names the message: a stale receipt deletes
		}
		if err := q.Delete(t.Context(), receipt); err != nil && !errors.Is(err, queue.ErrInvalidReceipt) {
			t.Errorf("deleting with %q: %v", receipt, err)
		}
		if err := q.ChangeVisibility(t.Context(), receipt, 0); !errors.Is(err, queue.ErrInvalidReceipt) && !errors.Is(err, queue.ErrStaleReceipt) {
			t.Errorf("changing visibility with %q: %v", receipt, err)
		}
		if n := q.Depth().Total(); n != 1 {
			t.Errorf("with %q there are %d messages", receipt, n)
		}
	})
}
