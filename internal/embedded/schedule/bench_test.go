package schedule_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	embedded "sundog/internal/embedded/queue"
	platform "sundog/internal/embedded/schedule"
	"sundog/internal/embedded/store"
	"sundog/internal/embedded/topic"
	"sundog/internal/schedule"
)

// bench is schedules on a real disk, with every commit waiting for it, and a receiver that counts requests.
type bench struct {
	b         *testing.B
	schedules *platform.Schedules
	url       string
	came      atomic.Int64
	whole     chan struct{} // so many have come as there are to come
}

func newBench(b *testing.B) *bench {
	ctx := context.Background()
	w := &bench{b: b, whole: make(chan struct{}, 1)}
	must := func(err error) {
		if err != nil {
			b.Fatal(err)
		}
	}
	receiver := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		if w.came.Add(1) == int64(b.N) {
			w.whole <- struct{}{}
		}
	}))
	w.url = receiver.URL
	st, err := store.Open(b.TempDir(), store.Options{})
	must(err)
	queues, err := embedded.Open(ctx, st, embedded.Options{})
	must(err)
	_, err = queues.Declare(ctx, "work", embedded.Config{})
	must(err)
	topics := topic.Open(st, queues, topic.Options{Declared: []string{schedule.Topic}})
	w.schedules, err = platform.Open(platform.Options{
		Store: st, Queues: queues, Topics: topics, ProcessQueue: "process", Allowed: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")},
		Observe: platform.Observer{Fired: func(time.Duration) {}},
	})
	must(err)
	running, cancel := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() { ended <- w.schedules.Run(running) }()
	b.Cleanup(func() {
		cancel()
		must(<-ended)
		topics.Close()
		queues.Close()
		must(st.Close())
		receiver.Close()
	})
	return w
}

func (w *bench) draft(at time.Time) schedule.Draft {
	return schedule.Draft{
		At:      at,
		Action:  schedule.Action{Type: schedule.HTTPAction, HTTP: &schedule.HTTPRequest{Method: http.MethodPost, URL: w.url + "/hook"}},
		Context: schedule.Context{Headers: []schedule.Header{{Name: "X-Tenant", Value: "bench"}}, Payload: `{"hello": "world"}`},
	}
}

// fill makes b.N schedules in batches.
func (w *bench) fill(draft func(i int) schedule.Draft) {
	const batch = 1000
	for made := 0; made < w.b.N; made += batch {
		drafts := make([]schedule.Draft, min(batch, w.b.N-made))
		for i := range drafts {
			drafts[i] = draft(made + i)
		}
		if _, err := w.schedules.CreateMany(context.Background(), drafts); err != nil {
			w.b.Fatal(err)
		}
	}
}

// BenchmarkCreateMany makes schedules in batches.
func BenchmarkCreateMany(b *testing.B) {
	w := newBench(b)
	far := time.Now().Add(24 * time.Hour)
	b.ResetTimer()
	w.fill(func(i int) schedule.Draft { return w.draft(far.Add(time.Duration(i) * time.Millisecond)) })
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "schedules/s")
}

// BenchmarkCreate makes schedules one by one with 64 writers.
func BenchmarkCreate(b *testing.B) {
	w := newBench(b)
	far := time.Now().Add(24 * time.Hour)
	const writers = 64
	work := make(chan int)
	var wg sync.WaitGroup
	b.ResetTimer()
	for range writers {
		wg.Go(func() {
			for i := range work {
				d := w.draft(far.Add(time.Duration(i) * time.Millisecond))
				d.Key = fmt.Sprint("bench/", i)
				if _, _, err := w.schedules.Create(context.Background(), d); err != nil {
					b.Error(err)
				}
			}
		})
	}
	for i := range b.N {
		work <- i
	}
	close(work)
	wg.Wait()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "schedules/s")
}

// BenchmarkRequests fires schedules of one instant, and waits until all requests have come.
func BenchmarkRequests(b *testing.B) {
	w := newBench(b)
	at := time.Now().Add(time.Second + time.Duration(b.N)*time.Millisecond/4)
	w.fill(func(int) schedule.Draft { return w.draft(at) })
	<-time.After(time.Until(at))
	b.ResetTimer()
	<-w.whole
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "requests/s")
}
