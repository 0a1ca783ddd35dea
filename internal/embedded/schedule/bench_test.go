package schedule_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	embedded "sundog/internal/embedded/queue"
	platform "sundog/internal/embedded/schedule"
	"sundog/internal/embedded/store"
	"sundog/internal/embedded/topic"
	"sundog/internal/schedule"
)

// bench is schedules on a real disk, with every commit waiting for it, and a receiver that notes how late requests come.
type bench struct {
	b         *testing.B
	dir       string
	store     *store.Store
	queues    *embedded.Queues
	topics    *topic.Topics
	schedules *platform.Schedules
	url       string

	mu    sync.Mutex
	fired []time.Duration // lateness of firings, on disk
	came  []time.Duration // lateness of requests, at the receiver
	reach chan struct{}
	goal  int
}

func newBench(b *testing.B) *bench {
	w := &bench{b: b, dir: b.TempDir(), reach: make(chan struct{}, 1)}
	receiver := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		at, err := time.Parse(time.RFC3339Nano, r.Header.Get(schedule.HeaderFor))
		if err != nil {
			b.Error(err)
		}
		w.note(&w.came, time.Since(at))
	}))
	b.Cleanup(receiver.Close)
	w.url = receiver.URL
	return w
}

func (w *bench) note(to *[]time.Duration, late time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	*to = append(*to, late)
	if len(w.fired) == w.goal && len(w.came) == w.goal {
		select {
		case w.reach <- struct{}{}:
		default:
		}
	}
}

// open opens the schedules and runs them, and returns what ends them.
func (w *bench) open() (stop func()) {
	ctx := context.Background()
	must := func(err error) {
		if err != nil {
			w.b.Fatal(err)
		}
	}
	var err error
	w.store, err = store.Open(w.dir, store.Options{})
	must(err)
	w.queues, err = embedded.Open(ctx, w.store, embedded.Options{})
	must(err)
	w.topics = topic.Open(w.store, w.queues, topic.Options{Declared: []string{schedule.Topic}})
	w.schedules, err = platform.Open(platform.Options{
		Store: w.store, Queues: w.queues, Topics: w.topics, ProcessQueue: "process", Allowed: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")},
		Observe: platform.Observer{Fired: func(late time.Duration) { w.note(&w.fired, late) }},
	})
	must(err)
	running, cancel := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() { ended <- w.schedules.Run(running) }()
	return func() {
		cancel()
		must(<-ended)
		w.topics.Close()
		w.queues.Close()
		must(w.store.Close())
	}
}

func (w *bench) draft(at time.Time) schedule.Draft {
	return schedule.Draft{
		At:      at,
		Action:  schedule.Action{Type: schedule.HTTPAction, HTTP: &schedule.HTTPRequest{Method: http.MethodPost, URL: w.url + "/hook"}},
		Context: schedule.Context{Headers: []schedule.Header{{Name: "X-Tenant", Value: "bench"}}, Payload: `{"hello": "world"}`},
	}
}

// fill makes n schedules in the far future, in batches.
func (w *bench) fill(n int) {
	const batch = 1000
	far := time.Now().Add(24 * time.Hour)
	for made := 0; made < n; made += batch {
		drafts := make([]schedule.Draft, min(batch, n-made))
		for i := range drafts {
			drafts[i] = w.draft(far.Add(time.Duration(made+i) * time.Millisecond))
		}
		if _, err := w.schedules.CreateMany(context.Background(), drafts); err != nil {
			w.b.Fatal(err)
		}
	}
}

// due makes n schedules that fire one gap after the other, and waits until all have arrived. It returns how long after the last point in time that
// was.
func (w *bench) due(n int, gap time.Duration) time.Duration {
	w.mu.Lock()
	w.fired, w.came, w.goal = nil, nil, n
	w.mu.Unlock()
	first := time.Now().Add(5*time.Second + time.Duration(n/10_000)*time.Second)
	const batch = 1000
	for made := 0; made < n; made += batch {
		drafts := make([]schedule.Draft, min(batch, n-made))
		for i := range drafts {
			drafts[i] = w.draft(first.Add(time.Duration(made+i) * gap))
		}
		if _, err := w.schedules.CreateMany(context.Background(), drafts); err != nil {
			w.b.Fatal(err)
		}
	}
	if time.Now().After(first) {
		w.b.Fatal("they were not made in time")
	}
	last := first.Add(time.Duration(n-1) * gap)
	select {
	case <-w.reach:
	case <-time.After(time.Until(last) + time.Minute):
		w.b.Fatalf("a minute after the last point in time, %d of %d have fired and %d arrived", len(w.fired), n, len(w.came))
	}
	return time.Since(last)
}

// print shows how late they were as a histogram.
func (w *bench) print(what string, late []time.Duration) {
	slices.Sort(late)
	at := func(part float64) time.Duration {
		return late[int(part*float64(len(late)-1))].Round(10 * time.Microsecond)
	}
	w.b.Logf("%s: p50 %v, p99 %v, max %v; first %v", what, at(.5), at(.99), at(1), late[0])
	from := 0
	for _, limit := range []time.Duration{1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 1 << 40} {
		to, _ := slices.BinarySearch(late, limit*time.Millisecond)
		if limit == 1<<40 {
			to = len(late)
		}
		if n := to - from; n > 0 {
			w.b.Logf("  < %5d ms %7d %s", limit, n, strings.Repeat("#", 1+n*60/len(late)))
		}
		from = to
	}
}

// resident is the memory of the process, 0 where it is not known.
func resident() int {
	text, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0
	}
	_, rest, _ := strings.Cut(string(text), "VmRSS:")
	kb, _ := strconv.Atoi(strings.Fields(rest + " 0")[0])
	return kb >> 10
}

// BenchmarkMillion fills the store with schedules, starts anew, and fires 1,000 a second for half a minute and then 10,000 at one instant.
func BenchmarkMillion(b *testing.B) {
	pending := 1_000_000
	if testing.Short() {
		pending = 100_000
	}
	for range b.N {
		w := newBench(b)
		stop := w.open()
		began := time.Now()
		w.fill(pending)
		b.ReportMetric(float64(pending)/time.Since(began).Seconds(), "batched/s")
		stop()
		began = time.Now()
		stop = w.open()
		b.ReportMetric(time.Since(began).Seconds(), "start-s")
		if got := w.schedules.Pending(); got != int64(pending) {
			b.Fatalf("%d are pending", got)
		}
		runtime.GC()
		b.Logf("resident memory with %d pending, after a start: %d MB", pending, resident())
		w.due(30_000, time.Millisecond)
		w.print("1,000/s: fired, on disk", w.fired)
		w.print("1,000/s: at the receiver", w.came)
		b.ReportMetric(w.due(10_000, 0).Seconds(), "instant-s")
		w.print("10,000 at one instant: fired, on disk", w.fired)
		w.print("10,000 at one instant: at the receiver", w.came)
		b.Logf("resident memory at the end, receiver included: %d MB", resident())
		stop()
	}
}

// BenchmarkCreate makes schedules one by one with 64 writers.
func BenchmarkCreate(b *testing.B) {
	w := newBench(b)
	stop := w.open()
	defer stop()
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
