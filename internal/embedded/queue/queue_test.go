package queue_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"go.uber.org/goleak"

	embedded "sundog/internal/embedded/queue"
	"sundog/internal/embedded/store"
	"sundog/internal/queue"
	"sundog/internal/queue/queuetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// world is a store with its queues, which can be shut and opened again.
type world struct {
	t      testing.TB
	fs     vfs.FS
	opts   store.Options
	store  *store.Store
	queues *embedded.Queues
}

func newWorld(t testing.TB, opts store.Options) *world {
	w := &world{t: t, fs: vfs.NewMem(), opts: opts}
	w.open()
	t.Cleanup(w.shut)
	return w
}

func (w *world) open() {
	w.t.Helper()
	w.opts.FS = w.fs
	st, err := store.Open("data", w.opts)
	if err != nil {
		w.t.Fatal(err)
	}
	qs, err := embedded.Open(context.Background(), st, embedded.Options{})
	if err != nil {
		w.t.Fatal(err)
	}
	w.store, w.queues = st, qs
}

func (w *world) shut() {
	w.queues.Close()
	if err := w.store.Close(); err != nil {
		w.t.Error(err)
	}
}

func (w *world) reopen() {
	w.t.Helper()
	w.shut()
	w.open()
}

func (w *world) declare(cfg embedded.Config) *embedded.Queue {
	w.t.Helper()
	q, err := w.queues.Declare(context.Background(), "q", cfg)
	if err != nil {
		w.t.Fatal(err)
	}
	return q
}

func receive(t testing.TB, q *embedded.Queue, limit int, wait time.Duration) []queue.Message {
	t.Helper()
	got, err := q.Receive(context.Background(), queue.Request{Max: limit, Wait: wait})
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func send(t testing.TB, q *embedded.Queue, drafts ...queue.Draft) []string {
	t.Helper()
	ids, err := q.Send(context.Background(), drafts...)
	if err != nil {
		t.Fatal(err)
	}
	return ids
}

func text(s string) queue.Draft { return queue.Draft{Body: []byte(s)} }

func bodies(messages []queue.Message) []string {
	var out []string
	for _, m := range messages {
		out = append(out, string(m.Body))
	}
	return out
}

func TestConformance(t *testing.T) {
	queuetest.Run(t, func(t *testing.T) queuetest.Queue {
		return newWorld(t, store.Options{}).declare(embedded.Config{
			Lanes: queuetest.Lanes(), Visibility: queuetest.Visibility, MaxReceives: queuetest.MaxReceives, MaxBytes: queuetest.MaxBytes,
		})
	}, synctest.Test)
}

// After a restart what was in flight is visible at once, and receive counts, reasons, delays, dead letters and depth are as they were.
func TestRestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg := embedded.Config{Lanes: []string{"live", "bulk"}, MaxReceives: 3, Visibility: time.Hour}
		w := newWorld(t, store.Options{})
		q := w.declare(cfg)
		send(t, q, text("kept"), text("deleted"), text("dead"), queue.Draft{Body: []byte("delayed"), Delay: time.Minute, Lane: "bulk"}, text("retried"))
		got := receive(t, q, 10, 0)
		if err := errors.Join(
			q.Delete(t.Context(), got[1].Receipt),
			q.DeadLetter(t.Context(), got[2].Receipt, "bad"),
			q.Retry(t.Context(), got[3].Receipt, 2*time.Minute, "first failure"),
		); err != nil {
			t.Fatal(err)
		}
		w.reopen()
		q = w.declare(cfg)
		d := q.Depth()
		want := []queue.LaneDepth{{Name: "live", Ready: 1, Delayed: 1, Oldest: d.Oldest}, {Name: "bulk", Delayed: 1}}
		if !slices.Equal(d.Lanes, want) || d.Dead != 1 {
			t.Errorf("depth after the restart: %+v", d)
		}
		// A receipt of the process before still deletes, and does nothing else.
		if err := q.ChangeVisibility(t.Context(), got[0].Receipt, time.Minute); !errors.Is(err, queue.ErrStaleReceipt) {
			t.Errorf("a receipt from before the restart: %v", err)
		}
		kept := receive(t, q, 10, time.Second)
		if len(kept) != 1 || string(kept[0].Body) != "kept" || kept[0].ReceiveCount != 2 {
			t.Fatalf("after the restart: %+v", kept)
		}
		if err := q.Delete(t.Context(), got[0].Receipt); err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		if m := receive(t, q, 1, 10*time.Minute); len(m) != 1 || string(m[0].Body) != "delayed" || time.Since(began) > time.Minute {
			t.Fatalf("delayed: %+v after %v", m, time.Since(began))
		}
		m := receive(t, q, 1, 10*time.Minute)
		if len(m) != 1 || string(m[0].Body) != "retried" || m[0].ReceiveCount != 2 {
			t.Fatalf("retried: %+v", m)
		}
		w.reopen() // the third reception is the last
		q = w.declare(cfg)
		for _, m := range receive(t, q, 10, time.Second) {
			if err := q.Retry(t.Context(), m.Receipt, 0, "last failure"); err != nil {
				t.Fatal(err)
			}
		}
		dead, err := q.DeadLetters(t.Context(), "", 0)
		if err != nil || len(dead) != 2 {
			t.Fatalf("dead letters: %+v, %v", dead, err)
		}
		if want := "received 3 times and never finished; the last failure: last failure"; dead[1].Reason != want {
			t.Errorf("reason %q, want %q", dead[1].Reason, want)
		}
	})
}

// What is added to a transaction is there when it commits, in whichever order transactions commit, and not when it is given up.
func TestTransactions(t *testing.T) {
	w := newWorld(t, store.Options{})
	q := w.declare(embedded.Config{})
	sendTx := func(body string) *store.Tx {
		tx := w.store.Begin()
		if _, err := q.SendTx(tx, text(body)); err != nil {
			t.Fatal(err)
		}
		return tx
	}
	first, second, _ := sendTx("first"), sendTx("second"), sendTx("given up")
	third := sendTx("third")
	if got := receive(t, q, 10, 0); len(got) != 0 {
		t.Fatalf("received before the commit: %+v", got)
	}
	var got []queue.Message
	for _, tx := range []*store.Tx{third, first, second} {
		if err := tx.Commit(t.Context()); err != nil {
			t.Fatal(err)
		}
		got = append(got, receive(t, q, 10, 0)...)
	}
	if b := bodies(got); !slices.Equal(b, []string{"third", "first", "second"}) {
		t.Errorf("received %q", b)
	}
	// One transaction takes a message out of one queue and puts it into another.
	other, err := w.queues.Declare(t.Context(), "other", embedded.Config{})
	if err != nil {
		t.Fatal(err)
	}
	tx := w.store.Begin()
	if err := q.DeleteTx(tx, got[0].Receipt); err != nil {
		t.Fatal(err)
	}
	if _, err := other.SendTx(tx, queue.Draft{Body: got[0].Body}); err != nil {
		t.Fatal(err)
	}
	if n := q.Depth().Total(); n != 3 {
		t.Errorf("%d messages before the commit, want 3", n)
	}
	if err := tx.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n, m := q.Depth().Total(), other.Depth().Total(); n != 2 || m != 1 {
		t.Errorf("%d and %d messages after the commit, want 2 and 1", n, m)
	}
}

// A message whose deletion failed comes back, and the counters stay right.
func TestFailedCommits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		broken := errors.New("broken")
		fail := false
		w := newWorld(t, store.Options{BeforeCommit: func(int64) error {
			if fail {
				return broken
			}
			return nil
		}})
		cfg := embedded.Config{Visibility: time.Minute}
		q := w.declare(cfg)
		send(t, q, text("a"))
		m := receive(t, q, 1, 0)[0]
		synctest.Wait()
		fail = true
		if err := q.Delete(t.Context(), m.Receipt); !errors.Is(err, broken) {
			t.Errorf("deleting: %v", err)
		}
		if _, err := q.Send(t.Context(), text("b")); !errors.Is(err, broken) {
			t.Errorf("sending: %v", err)
		}
		synctest.Wait()
		fail = false
		m = receive(t, q, 1, 2*time.Minute)[0]
		if m.ReceiveCount != 2 {
			t.Errorf("came back as %+v", m)
		}
		if err := q.Delete(t.Context(), m.Receipt); err != nil {
			t.Fatal(err)
		}
		if n := q.Depth().Total(); n != 0 {
			t.Errorf("%d messages left in memory", n)
		}
		w.reopen()
		if n := w.declare(cfg).Depth().Total(); n != 0 {
			t.Errorf("%d messages left on disk", n)
		}
	})
}

// A backlog of many windows comes out in order, also when it was there before the queue was opened.
func TestBacklog(t *testing.T) {
	for _, restart := range []bool{false, true} {
		t.Run(fmt.Sprintf("restart=%v", restart), func(t *testing.T) {
			const n = 5000
			w := newWorld(t, store.Options{})
			q := w.declare(embedded.Config{})
			for i := range n / 100 {
				var batch []queue.Draft
				for j := range 100 {
					batch = append(batch, text(fmt.Sprint(i*100+j)))
				}
				send(t, q, batch...)
			}
			if restart {
				w.reopen()
				q = w.declare(embedded.Config{})
			}
			if d := q.Depth().Lanes[0]; d.Ready != n {
				t.Fatalf("depth %+v, want %d ready", d, n)
			}
			for i := 0; i < n; {
				got := receive(t, q, 70, 10*time.Second)
				if len(got) == 0 {
					t.Fatalf("nothing more after %d messages", i)
				}
				var receipts []string
				for _, m := range got {
					if string(m.Body) != fmt.Sprint(i) {
						t.Fatalf("message %s came where %d should", m.Body, i)
					}
					i++
					receipts = append(receipts, m.Receipt)
				}
				if err := q.Delete(t.Context(), receipts...); err != nil {
					t.Fatal(err)
				}
			}
			if got := receive(t, q, 1, 0); len(got) != 0 || q.Depth().Total() != 0 {
				t.Errorf("left: %+v, %+v", got, q.Depth())
			}
		})
	}
}

func TestMessagesInFlightAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newWorld(t, store.Options{}).declare(embedded.Config{MaxInFlight: 2, Visibility: time.Hour})
		send(t, q, text("a"), text("b"), text("c"))
		got := receive(t, q, 10, 0)
		if len(got) != 2 {
			t.Fatalf("%d messages in flight, want 2", len(got))
		}
		waiting := make(chan []queue.Message, 1)
		go func() { waiting <- receive(t, q, 10, time.Minute) }()
		synctest.Wait()
		if err := q.Delete(t.Context(), got[0].Receipt); err != nil {
			t.Fatal(err)
		}
		if b := bodies(<-waiting); !slices.Equal(b, []string{"c"}) {
			t.Errorf("after one was deleted came %q", b)
		}
	})
}

func TestPurge(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, store.Options{})
		q := w.declare(embedded.Config{})
		for range 30 {
			send(t, q, slices.Repeat([]queue.Draft{text("old")}, 100)...)
		}
		send(t, q, queue.Draft{Body: []byte("old"), Delay: time.Second})
		held := receive(t, q, 5, 0)
		if err := q.Purge(t.Context()); err != nil {
			t.Fatal(err)
		}
		if n := q.Depth().Total(); n != 0 {
			t.Errorf("%d messages left", n)
		}
		if err := q.Retry(t.Context(), held[0].Receipt, 0, ""); !errors.Is(err, queue.ErrStaleReceipt) {
			t.Errorf("retrying a purged message: %v", err)
		}
		if err := q.Delete(t.Context(), held[1].Receipt); err != nil {
			t.Error(err)
		}
		send(t, q, text("new"))
		if b := bodies(receive(t, q, 10, time.Minute)); !slices.Equal(b, []string{"new"}) {
			t.Errorf("received %q", b)
		}
		w.reopen()
		if n := w.declare(embedded.Config{}).Depth().Total(); n != 1 {
			t.Errorf("%d messages after a restart, want 1", n)
		}
	})
}

// Messages of a lane that was taken out of the configuration go to the last lane.
func TestLanesCanChange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, store.Options{})
		q := w.declare(embedded.Config{Lanes: []string{"fast", "slow"}})
		send(t, q, queue.Draft{Body: []byte("f"), Lane: "fast"}, queue.Draft{Body: []byte("s"), Lane: "slow"},
			queue.Draft{Body: []byte("fd"), Lane: "fast", Delay: time.Second})
		if _, err := w.queues.Declare(t.Context(), "q", embedded.Config{Lanes: []string{"live"}}); err == nil {
			t.Error("the lanes of a queue in use were changed")
		}
		w.reopen()
		q = w.declare(embedded.Config{Lanes: []string{"live", "slow"}})
		if d := q.Depth(); d.Lanes[1].Ready != 2 || d.Lanes[1].Delayed != 1 {
			t.Errorf("depth %+v", d)
		}
		got := bodies(append(receive(t, q, 10, time.Second), receive(t, q, 10, 2*time.Second)...))
		if !slices.Equal(got, []string{"f", "s", "fd"}) {
			t.Errorf("received %q", got)
		}
	})
}

func TestDeclaredQueuesAreKept(t *testing.T) {
	w := newWorld(t, store.Options{})
	for _, name := range []string{"b", "a", "subscription/x"} {
		if _, err := w.queues.Declare(t.Context(), name, embedded.Config{MaxReceives: 7}); err != nil {
			t.Fatal(err)
		}
	}
	q, err := w.queues.Queue(t.Context(), "a")
	if err != nil {
		t.Fatal(err)
	}
	send(t, q, text("x"))
	if err := w.queues.Remove(t.Context(), "a"); err != nil {
		t.Fatal(err)
	}
	if _, err := q.Send(t.Context(), text("y")); !errors.Is(err, queue.ErrClosed) {
		t.Errorf("sending to a removed queue: %v", err)
	}
	w.reopen()
	if got := w.queues.Names(); !slices.Equal(got, []string{"b", "subscription/x"}) {
		t.Errorf("queues %q", got)
	}
	if _, err := w.queues.Queue(t.Context(), "a"); !errors.Is(err, queue.ErrNoQueue) {
		t.Errorf("a removed queue: %v", err)
	}
	if q, err := w.queues.Queue(t.Context(), "b"); err != nil || q.Config().MaxReceives != 7 {
		t.Errorf("configuration %+v, %v", q.Config(), err)
	}
	if _, err := w.queues.Declare(t.Context(), "a", embedded.Config{}); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"", "a/b/c", "a b", "../x"} {
		if _, err := w.queues.Declare(t.Context(), name, embedded.Config{}); err == nil {
			t.Errorf("a queue could be called %q", name)
		}
	}
}
