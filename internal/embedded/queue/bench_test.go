package queue_test

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	embedded "sundog/internal/embedded/queue"
	"sundog/internal/embedded/store"
	"sundog/internal/queue"
)

// onDisk opens a queue on the real disk.
func onDisk(b *testing.B) *embedded.Queue {
	b.Helper()
	st, err := store.Open(b.TempDir(), store.Options{})
	if err != nil {
		b.Fatal(err)
	}
	qs, err := embedded.Open(context.Background(), st, embedded.Options{})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		qs.Close()
		if err := st.Close(); err != nil {
			b.Error(err)
		}
	})
	q, err := qs.Declare(context.Background(), "q", embedded.Config{Visibility: time.Hour})
	if err != nil {
		b.Fatal(err)
	}
	return q
}

// share runs f n times on some goroutines.
func share(n, goroutines int, f func()) {
	var left atomic.Int64
	left.Store(int64(n))
	var wg sync.WaitGroup
	for range goroutines {
		wg.Go(func() {
			for left.Add(-1) >= 0 {
				f()
			}
		})
	}
	wg.Wait()
}

func BenchmarkSend(b *testing.B) {
	for _, goroutines := range []int{1, 64} {
		b.Run(fmt.Sprintf("goroutines=%d", goroutines), func(b *testing.B) {
			q, body := onDisk(b), make([]byte, 1000)
			b.ResetTimer()
			share(b.N, goroutines, func() {
				if _, err := q.Send(context.Background(), queue.Draft{Body: body}); err != nil {
					b.Error(err)
				}
			})
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "messages/s")
		})
	}
}

// BenchmarkReceiveDelete takes from a backlog, message by message.
func BenchmarkReceiveDelete(b *testing.B) {
	q, body := onDisk(b), make([]byte, 1000)
	for left := b.N; left > 0; left -= 1000 {
		drafts := make([]queue.Draft, min(left, 1000))
		for i := range drafts {
			drafts[i].Body = body
		}
		if _, err := q.Send(context.Background(), drafts...); err != nil {
			b.Fatal(err)
		}
	}
	b.ResetTimer()
	share(b.N, 64, func() {
		got, err := q.Receive(context.Background(), queue.Request{Wait: time.Minute})
		if err != nil || len(got) != 1 {
			b.Errorf("received %d messages: %v", len(got), err)
			return
		}
		if err := q.Delete(context.Background(), got[0].Receipt); err != nil {
			b.Error(err)
		}
	})
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "messages/s")
}

// BenchmarkThrough sends and receives at the same time, from and to 64 goroutines each.
func BenchmarkThrough(b *testing.B) {
	q, body := onDisk(b), make([]byte, 1000)
	b.ResetTimer()
	var wg sync.WaitGroup
	wg.Go(func() {
		share(b.N, 64, func() {
			if _, err := q.Send(context.Background(), queue.Draft{Body: body}); err != nil {
				b.Error(err)
			}
		})
	})
	share(b.N, 64, func() {
		got, err := q.Receive(context.Background(), queue.Request{Wait: time.Minute})
		if err != nil || len(got) != 1 {
			b.Errorf("received %d messages: %v", len(got), err)
			return
		}
		if err := q.Delete(context.Background(), got[0].Receipt); err != nil {
			b.Error(err)
		}
	})
	wg.Wait()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "messages/s")
}
