package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"sundog/internal/schedule"
)

// receiver takes the requests of schedules, and notes how long after its point in time each one came.
type receiver struct {
	server *http.Server
	url    string

	mu    sync.Mutex
	late  []time.Duration
	bad   int // without a point in time, or before it
	goal  int
	whole chan struct{} // so many have come as were waited for
}

func newReceiver(ctx context.Context) (*receiver, error) {
	var listen net.ListenConfig
	listener, err := listen.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	r := &receiver{url: "http://" + listener.Addr().String() + "/hook", whole: make(chan struct{}, 1)}
	r.server = &http.Server{Handler: r, ReadHeaderTimeout: time.Minute}
	go func() { _ = r.server.Serve(listener) }() // until close
	return r, nil
}

func (r *receiver) close() { _ = r.server.Close() }

// ServeHTTP implements http.Handler.
func (r *receiver) ServeHTTP(_ http.ResponseWriter, req *http.Request) {
	now := time.Now()
	at, err := time.Parse(time.RFC3339Nano, req.Header.Get(schedule.HeaderFor))
	r.mu.Lock()
	defer r.mu.Unlock()
	if err != nil || now.Before(at) {
		r.bad++
	}
	if r.late = append(r.late, now.Sub(at)); len(r.late) == r.goal {
		r.whole <- struct{}{}
	}
}

// expect begins to note requests anew, until so many have come.
func (r *receiver) expect(n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.late, r.bad, r.goal = nil, 0, n
}

// came is how late the requests were, in order, and how many were early or told no time.
func (r *receiver) came() (late []time.Duration, bad int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Sorted(slices.Values(r.late)), r.bad
}

// percentile of durations that are in order.
func percentile(sorted []time.Duration, percent int) time.Duration {
	if len(sorted) == 0 {
		return 0
	}
	return sorted[(len(sorted)-1)*percent/100]
}

// class is a class of a histogram: how many durations are below its limit, and not below that of the class before it.
type class struct {
	BelowMS int64 `json:"below_ms,omitempty"` // 0: no limit
	Count   int   `json:"count"`
}

// histogram sorts durations, which are in order, into classes. Those that are empty are left out.
func histogram(sorted []time.Duration) []class {
	var classes []class
	from := 0
	for _, limit := range []int64{1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 0} {
		to := len(sorted)
		if limit > 0 {
			to, _ = slices.BinarySearch(sorted, time.Duration(limit)*time.Millisecond)
		}
		if to > from {
			classes = append(classes, class{limit, to - from})
		}
		from = to
	}
	return classes
}

// printHistogram prints a bar for each class.
func printHistogram(w io.Writer, classes []class) error {
	const widest = 50
	all := 0
	for _, c := range classes {
		all += c.Count
	}
	for _, c := range classes {
		label := "longer   "
		if c.BelowMS > 0 {
			label = fmt.Sprintf("< %4d ms", c.BelowMS)
		}
		if _, err := fmt.Fprintf(w, "  %s %7d %s\n", label, c.Count, strings.Repeat("#", max(1, c.Count*widest/all))); err != nil {
			return err
		}
	}
	return nil
}
