package pipeline_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"sundog/internal/pipeline"
	"sundog/internal/queue"
)

// fakeQueue is a queue in memory that remembers what was done.
type fakeQueue struct {
	mu       sync.Mutex
	lanes    map[string][]queue.Message
	arrived  chan struct{} // closed and replaced when a message comes
	failures int           // of Receive, still to come
	taken    []string      // ids in the order in which they were received
	log      []string      // "deleted 1", "retry 2 after 1s: …", "dead 3: …"
}

func newFakeQueue() *fakeQueue {
	return &fakeQueue{lanes: map[string][]queue.Message{}, arrived: make(chan struct{})}
}

func (q *fakeQueue) send(lane string, ids ...string) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, id := range ids {
		q.lanes[lane] = append(q.lanes[lane], queue.Message{ID: id, Lane: lane, Receipt: id, Body: []byte(id)})
	}
	close(q.arrived)
	q.arrived = make(chan struct{})
}

func (q *fakeQueue) take(req queue.Request) ([]queue.Message, <-chan struct{}, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.failures > 0 {
		q.failures--
		return nil, nil, errors.New("disk is full")
	}
	var taken []queue.Message
	for _, lane := range []string{"", "live", "bulk"} {
		if len(req.Lanes) > 0 && !slices.Contains(req.Lanes, lane) {
			continue
		}
		n := min(len(q.lanes[lane]), req.Max-len(taken))
		taken = append(taken, q.lanes[lane][:n]...)
		q.lanes[lane] = q.lanes[lane][n:]
	}
	for _, m := range taken {
		q.taken = append(q.taken, m.ID)
	}
	return taken, q.arrived, nil
}

func (q *fakeQueue) Receive(ctx context.Context, req queue.Request) ([]queue.Message, error) {
	timeout := time.NewTimer(req.Wait)
	defer timeout.Stop()
	for {
		taken, arrived, err := q.take(req)
		if err != nil || len(taken) > 0 || req.Wait == 0 {
			return taken, err
		}
		select {
		case <-arrived:
		case <-timeout.C:
			return nil, nil
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
}

func (q *fakeQueue) note(format string, args ...any) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.log = append(q.log, fmt.Sprintf(format, args...))
}

func (q *fakeQueue) Delete(_ context.Context, receipts ...string) error {
	for _, r := range receipts {
		q.note("deleted %s", r)
	}
	return nil
}

func (q *fakeQueue) Retry(_ context.Context, receipt string, after time.Duration, reason string) error {
	q.note("retry %s after %s: %s", receipt, after, reason)
	return nil
}

func (q *fakeQueue) DeadLetter(_ context.Context, receipt, reason string) error {
	q.note("dead %s: %s", receipt, reason)
	return nil
}

// engine counts open executions.
type engine struct {
	mu      sync.Mutex
	open    map[string]int
	most    map[string]int
	order   []string
	changed chan struct{}
}

func newEngine() *engine {
	return &engine{open: map[string]int{}, most: map[string]int{}, changed: make(chan struct{})}
}

func (e *engine) Open(lane string) (int, <-chan struct{}) {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.open[lane], e.changed
}

// handle starts an execution for each message.
func (e *engine) handle(_ context.Context, messages []queue.Message) []pipeline.Outcome {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, m := range messages {
		e.open[m.Lane]++
		e.most[m.Lane] = max(e.most[m.Lane], e.open[m.Lane])
		e.order = append(e.order, m.ID)
	}
	return make([]pipeline.Outcome, len(messages))
}

func (e *engine) end(lane string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.open[lane]--
	close(e.changed)
	e.changed = make(chan struct{})
}

func (e *engine) started() []string {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.Clone(e.order)
}

// run runs a consumer in the bubble and returns what stops it and waits for it.
func run(t *testing.T, opts pipeline.ConsumerOptions) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- pipeline.NewConsumer(opts).Run(ctx) }()
	return func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}
}

func ids(prefix string, n int) []string {
	all := make([]string, n)
	for i := range all {
		all[i] = fmt.Sprintf("%s%02d", prefix, i)
	}
	return all
}

func TestLanesAreLimited(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q, e := newFakeQueue(), newEngine()
		q.send("bulk", ids("b", 10)...)
		q.send("live", ids("l", 10)...)
		stop := run(t, pipeline.ConsumerOptions{
			Queue: q, Handle: e.handle, Open: e.Open, Batch: 3,
			Lanes: []pipeline.Lane{{Name: "live", Concurrency: 4}, {Name: "bulk", Concurrency: 2}},
		})
		synctest.Wait()
		if got := len(e.started()); got != 6 {
			t.Errorf("%d started at first: %v", got, e.started())
		}
		if want := []string{"l00", "l01", "l02", "l03", "b00", "b01"}; !slices.Equal(q.taken, want) {
			t.Errorf("received %v", q.taken)
		}
		for range 10 { // a place that is free is taken at once, whatever the other lane does
			before := len(e.started())
			e.end("live")
			synctest.Wait()
			if after := e.started(); before < 12 && len(after) != before+1 {
				t.Errorf("after an end %v", after)
			}
		}
		for range 10 {
			e.end("bulk")
			synctest.Wait()
		}
		if e.most["live"] != 4 || e.most["bulk"] != 2 {
			t.Errorf("at most %v were open", e.most)
		}
		if got := e.started(); len(got) != 20 {
			t.Errorf("%d started", len(got))
		}
		start := time.Now()
		q.send("bulk", "late")
		synctest.Wait()
		if got := e.started(); got[len(got)-1] != "late" || time.Since(start) != 0 {
			t.Errorf("started %v", got)
		}
		stop()
		if len(q.log) != 21 {
			t.Errorf("settled %v", q.log)
		}
	})
}

// TestFullLaneIsNotWaitedFor makes sure that a place that becomes free is noticed while the consumer waits for another lane.
func TestFullLaneIsNotWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q, e := newFakeQueue(), newEngine()
		q.send("live", "l1", "l2")
		stop := run(t, pipeline.ConsumerOptions{
			Queue: q, Handle: e.handle, Open: e.Open, Lanes: []pipeline.Lane{{Name: "live", Concurrency: 1}, {Name: "bulk", Concurrency: 1}},
		})
		synctest.Wait()
		start := time.Now()
		e.end("live")
		synctest.Wait()
		if got := e.started(); !slices.Equal(got, []string{"l1", "l2"}) || time.Since(start) != 0 {
			t.Errorf("started %v after %s", got, time.Since(start))
		}
		stop()
	})
}

func TestVerdictsAreCarriedOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newFakeQueue()
		q.failures = 2 // a queue that fails is asked again
		q.send("", "1", "2", "3", "4")
		stop := run(t, pipeline.ConsumerOptions{Queue: q, Handle: func(_ context.Context, messages []queue.Message) []pipeline.Outcome {
			outcomes := make([]pipeline.Outcome, len(messages))
			for i, m := range messages {
				switch m.ID {
				case "2":
					outcomes[i] = pipeline.Outcome{Verdict: pipeline.Retry, After: 2 * time.Second, Err: errors.New("later")}
				case "3":
					outcomes[i] = pipeline.Outcome{Verdict: pipeline.DeadLetter, Err: errors.New("never")}
				}
			}
			return outcomes
		}})
		<-time.After(3 * time.Second)
		synctest.Wait()
		stop()
		slices.Sort(q.log)
		if want := []string{"dead 3: never", "deleted 1", "deleted 4", "retry 2 after 2s: later"}; !slices.Equal(q.log, want) {
			t.Errorf("settled %v", q.log)
		}
	})
}

func TestInFlightIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q, gate := newFakeQueue(), make(chan struct{})
		var mu sync.Mutex
		busy, most := 0, 0
		q.send("", ids("m", 50)...)
		stop := run(t, pipeline.ConsumerOptions{Queue: q, MaxInFlight: 7, Batch: 3, Handle: func(_ context.Context, messages []queue.Message) []pipeline.Outcome {
			mu.Lock()
			busy += len(messages)
			most = max(most, busy)
			mu.Unlock()
			<-gate
			mu.Lock()
			busy -= len(messages)
			mu.Unlock()
			return make([]pipeline.Outcome, len(messages))
		}})
		synctest.Wait()
		if most != 7 {
			t.Errorf("%d at a time", most)
		}
		close(gate)
		synctest.Wait()
		stop()
		if most != 7 || len(q.log) != 50 {
			t.Errorf("%d at a time, %d settled", most, len(q.log))
		}
	})
}

// TestStop makes sure that what was begun may finish, and is cut off after the grace.
func TestStop(t *testing.T) {
	for _, tt := range []struct {
		name  string
		takes time.Duration
		want  time.Duration
	}{
		{"finishes", 3 * time.Second, 3 * time.Second},
		{"is cut off", time.Hour, 10 * time.Second},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				q := newFakeQueue()
				q.send("", "1")
				stop := run(t, pipeline.ConsumerOptions{Queue: q, Grace: 10 * time.Second, Handle: func(ctx context.Context, _ []queue.Message) []pipeline.Outcome {
					select {
					case <-time.After(tt.takes):
						return []pipeline.Outcome{{}}
					case <-ctx.Done():
						return []pipeline.Outcome{{Verdict: pipeline.Retry, Err: context.Cause(ctx)}}
					}
				}})
				synctest.Wait()
				start := time.Now()
				stop()
				if took := time.Since(start); took != tt.want {
					t.Errorf("stopped after %s, want %s", took, tt.want)
				}
			})
		})
	}
}

// TestReserve makes sure that places that are asked for count against the limit of their lane, and that whoever waits for one gets it
// while messages wait as well.
func TestReserve(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q, e := newFakeQueue(), newEngine()
		c := pipeline.NewConsumer(pipeline.ConsumerOptions{
			Queue: q, Handle: e.handle, Open: e.Open, Lanes: []pipeline.Lane{{Name: "live", Concurrency: 2}, {Name: "bulk", Concurrency: 1}},
		})
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- c.Run(ctx) }()
		defer func() {
			cancel()
			<-done
		}()
		synctest.Wait() // an idle consumer that waits for messages gives places too
		release, err := c.Reserve(ctx, "live")
		if err != nil {
			t.Fatal(err)
		}
		q.send("live", "l1", "l2", "l3")
		synctest.Wait()
		if got := e.started(); !slices.Equal(got, []string{"l1"}) {
			t.Errorf("beside a place that was taken started %v", got)
		}
		short, stop := context.WithTimeout(ctx, time.Second)
		defer stop()
		if _, err := c.Reserve(short, "live"); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("a full lane gives %v", err)
		}
		got := make(chan func())
		go func() {
			release, err := c.Reserve(ctx, "live")
			if err != nil {
				t.Error(err)
			}
			got <- release
		}()
		synctest.Wait()
		release()
		second := <-got
		synctest.Wait()
		if got := e.started(); !slices.Equal(got, []string{"l1"}) {
			t.Errorf("before the one who waited started %v", got)
		}
		second()
		synctest.Wait()
		if got := e.started(); !slices.Equal(got, []string{"l1", "l2"}) {
			t.Errorf("after a place was given back started %v", got)
		}
		if other, err := c.Reserve(ctx, "another"); err != nil {
			t.Error(err)
		} else {
			other()
		}
	})
}
