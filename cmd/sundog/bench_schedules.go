package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"sundog/internal/api"
	"sundog/internal/cli"
	"sundog/internal/problem"
	"sundog/internal/schedule"
)

// What is measured, beside what the flags say.
const (
	oneByOne     = 50_000 // schedules of a request each
	steadyRate   = 1000   // firings a second
	steadyFor    = 30 * time.Second
	atOneInstant = 10_000
	batchStreams = 4 // of NDJSON
	farAhead     = 7 * 24 * time.Hour
	makingTime   = 10 * time.Second // after which what was made a moment ago is due
	giveUpAfter  = 2 * time.Minute  // when it should have been there
)

const scheduleProject = `name: bench
queues: [fired]
egress: { allow: [127.0.0.1] }
limits: { requests_per_second: 1000000 }
`

// scheduleBench measures schedules in a server of its own process.
type scheduleBench struct {
	opts     cli.BenchSchedulesOptions
	server   *benchServer
	receiver *receiver
	made     int // so many are pending
	results  measurements
}

// benchSchedules measures how fast schedules are made with so many pending, how late they fire, and what a crash and a start cost.
func benchSchedules(ctx context.Context, opts cli.BenchSchedulesOptions) (err error) {
	dir := opts.Data
	if dir == "" {
		if dir, err = os.MkdirTemp("", "sundog-bench-"); err != nil {
			return err
		}
		defer func() { _ = os.RemoveAll(dir) }()
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	b := &scheduleBench{opts: opts}
	if b.server, err = newBenchServer(ctx, dir, scheduleProject, opts.Err); err != nil {
		return err
	}
	defer b.server.kill()
	if b.receiver, err = newReceiver(ctx); err != nil {
		return err
	}
	defer b.receiver.close()
	if _, err := b.server.start(ctx); err != nil {
		return err
	}
	for _, step := range []struct {
		what string
		run  func(context.Context) error
	}{
		{"making in batches", b.inBatches},
		{"making one by one", b.oneByOne},
		{"a start after a crash", b.startAfterCrash},
		{fmt.Sprintf("%d firings a second", steadyRate), b.steady},
		{"messages at one instant", b.instantQueue},
		{"requests at one instant", b.instantRequests},
	} {
		if !opts.Quiet {
			fmt.Fprintf(opts.Err, "Measuring %s …\n", step.what)
		}
		if err := step.run(ctx); err != nil {
			return fmt.Errorf("measuring %s: %w", step.what, err)
		}
	}
	return b.results.print(opts.Out, opts.JSON, "every commit waits for fsync; the server is a process of its own, clients and receivers are another")
}

// cost runs something, and returns how long it took and how much of the server's processor time each of n took.
func (b *scheduleBench) cost(n int, run func() error) (took, each time.Duration, err error) {
	before, err := b.server.processorTime()
	if err != nil {
		return 0, 0, err
	}
	began := time.Now()
	if err := run(); err != nil {
		return 0, 0, err
	}
	took = time.Since(began)
	after, err := b.server.processorTime()
	return took, (after - before) / time.Duration(n), err
}

func (b *scheduleBench) request(at time.Time) api.CreateSchedule {
	return api.CreateSchedule{
		At:      at.UTC().Format(time.RFC3339Nano),
		Action:  schedule.Action{Type: schedule.HTTPAction, HTTP: &schedule.HTTPRequest{URL: b.receiver.url}},
		Context: schedule.Context{Headers: []schedule.Header{{Name: "Content-Type", Value: "application/json"}}, Payload: `{"customer": 4711, "what": "reminder"}`},
	}
}

func (b *scheduleBench) message(at time.Time) api.CreateSchedule {
	return api.CreateSchedule{
		At: at.UTC().Format(time.RFC3339Nano), Context: schedule.Context{Payload: `{"customer": 4711, "what": "reminder"}`},
		Action: schedule.Action{Type: schedule.QueueAction, Queue: &schedule.QueueSend{Queue: "fired"}},
	}
}

// make makes n schedules in streams of NDJSON.
func (b *scheduleBench) make(ctx context.Context, n, streams int, each func(i int) api.CreateSchedule) error {
	errs := make([]error, streams)
	var wg sync.WaitGroup
	for stream := range streams {
		from, to := n*stream/streams, n*(stream+1)/streams
		wg.Go(func() {
			r, w := io.Pipe()
			wg.Go(func() {
				enc := json.NewEncoder(w)
				var err error
				for i := from; i < to && err == nil; i++ {
					err = enc.Encode(each(i))
				}
				w.CloseWithError(err)
			})
			errs[stream] = b.server.client.CreateSchedules(ctx, r, func(a api.ScheduleAccepted) error {
				if a.Error != "" {
					return problem.New(problem.Internal, "schedule refused: %s", a.Error)
				}
				return nil
			})
			r.CloseWithError(io.ErrClosedPipe)
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}

// far is a point in time that does not come while this runs.
func (b *scheduleBench) far(i int) time.Time {
	return time.Now().Add(farAhead + time.Duration(i)*time.Millisecond)
}

func (b *scheduleBench) inBatches(ctx context.Context) error {
	n := b.opts.Pending
	took, each, err := b.cost(n, func() error {
		return b.make(ctx, n, batchStreams, func(i int) api.CreateSchedule { return b.request(b.far(i)) })
	})
	if err != nil {
		return err
	}
	b.made += n
	b.results.add("made in batches", float64(n)/took.Seconds(), "/s", "20,000",
		"%d schedules in %d streams of NDJSON; %v of the server's processor time each", n, batchStreams, each)
	return b.memory(fmt.Sprintf("with %d pending, right after they were made", n))
}

func (b *scheduleBench) oneByOne(ctx context.Context) error {
	took, each, err := b.cost(oneByOne, func() error {
		var next atomic.Int64
		errs := make([]error, b.opts.Clients)
		var wg sync.WaitGroup
		for c := range b.opts.Clients {
			wg.Go(func() {
				for errs[c] == nil {
					i := int(next.Add(1)) - 1
					if i >= oneByOne {
						return
					}
					_, errs[c] = b.server.client.CreateSchedule(ctx, b.request(b.far(i)))
				}
			})
		}
		wg.Wait()
		return errors.Join(errs...)
	})
	if err != nil {
		return err
	}
	b.made += oneByOne
	b.results.add("made one by one", oneByOne/took.Seconds(), "/s", "5,000",
		"%d schedules, each a request, by %d clients; %v of the server's processor time each", oneByOne, b.opts.Clients, each)
	return nil
}

// startAfterCrash kills the server, starts it anew and looks whether all schedules are there.
func (b *scheduleBench) startAfterCrash(ctx context.Context) error {
	b.server.kill()
	took, err := b.server.start(ctx)
	if err != nil {
		return err
	}
	const pending = "sundog_schedules_pending"
	found, err := b.server.metrics(ctx, pending)
	if err != nil {
		return err
	}
	if int(found[pending]) != b.made {
		return fmt.Errorf("%v schedules are pending after a crash, and %d were made", found[pending], b.made)
	}
	b.results.add("start after a crash", took.Seconds(), "s", "3", "from the start of the process to its first answer; all %d schedules are there", b.made)
	return b.memory(fmt.Sprintf("with %d pending, after a start", b.made))
}

func (b *scheduleBench) memory(when string) error {
	peak, now, err := b.server.resident()
	if err != nil {
		return err
	}
	b.results.add("memory "+when, float64(now)/(1<<20), "MB", "300", "resident set of the server; peak so far %d MB", peak>>20)
	return nil
}

// steady has requests fire one after the other.
func (b *scheduleBench) steady(ctx context.Context) error {
	n := int(steadyRate * steadyFor / time.Second)
	return b.fire(ctx, n, time.Second/steadyRate, func(late []time.Duration, each time.Duration) {
		for _, p := range []struct {
			percent int
			aim     string
		}{{50, "5"}, {99, "50"}} {
			b.results.add(fmt.Sprintf("lateness p%d", p.percent), float64(percentile(late, p.percent).Microseconds())/1000, "ms", p.aim,
				"%d requests at %d/s, from the point in time to the receiver; %v of the server's processor time each", n, steadyRate, each)
		}
		b.results[len(b.results)-1].Histogram = histogram(late)
	})
}

func (b *scheduleBench) instantRequests(ctx context.Context) error {
	if err := b.fire(ctx, atOneInstant, 0, func(late []time.Duration, each time.Duration) {
		b.results.add("all requests of one instant", late[len(late)-1].Seconds(), "s", "",
			"%d of them, until the last is at the receiver; %v of the server's processor time each", len(late), each)
		b.results[len(b.results)-1].Histogram = histogram(late)
	}); err != nil {
		return err
	}
	return b.memory("at the end")
}

// fire has n requests fire, a gap between two of them, and reports how late they came.
func (b *scheduleBench) fire(ctx context.Context, n int, gap time.Duration, report func(late []time.Duration, each time.Duration)) error {
	b.receiver.expect(n)
	first := time.Now().Add(makingTime)
	if err := b.make(ctx, n, batchStreams, func(i int) api.CreateSchedule { return b.request(first.Add(time.Duration(i) * gap)) }); err != nil {
		return err
	}
	_, each, err := b.cost(n, func() error {
		end := time.NewTimer(time.Until(first.Add(time.Duration(n)*gap)) + giveUpAfter)
		defer end.Stop()
		select {
		case <-b.receiver.whole:
		case <-end.C:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
		return nil
	})
	if err != nil {
		return err
	}
	late, bad := b.receiver.came()
	if len(late) != n || bad > 0 {
		return fmt.Errorf("%d of %d requests came, %d of them early", len(late), n, bad)
	}
	report(late, each)
	return nil
}

// instantQueue has messages fire at one instant, and looks when all of them are in their queue.
func (b *scheduleBench) instantQueue(ctx context.Context) error {
	at := time.Now().Add(makingTime)
	if err := b.make(ctx, atOneInstant, batchStreams, func(int) api.CreateSchedule { return b.message(at) }); err != nil {
		return err
	}
	for {
		q, err := b.server.client.Queue(ctx, "fired")
		if err != nil {
			return err
		}
		waiting := int64(0)
		for _, lane := range q.Lanes {
			waiting += lane.Ready
		}
		late := time.Since(at)
		if waiting == atOneInstant {
			b.results.add("all of one instant", late.Seconds(), "s", "2", "%d messages, until the last is in its queue, on disk", atOneInstant)
			return nil
		}
		if late > giveUpAfter {
			return fmt.Errorf("%d of %d messages are there", waiting, atOneInstant)
		}
		select {
		case <-time.After(5 * time.Millisecond):
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}
