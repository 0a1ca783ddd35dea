package worker_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"sundog/internal/aws/worker"
	"sundog/internal/pipeline"
	"sundog/internal/queue"
)

// line is a queue in memory: one message at a time, and what became of each.
type line struct {
	mu      sync.Mutex
	waiting []queue.Message
	fate    map[string]string
}

func (l *line) Receive(ctx context.Context, req queue.Request) ([]queue.Message, error) {
	l.mu.Lock()
	n := min(req.Max, len(l.waiting))
	got := l.waiting[:n]
	l.waiting = l.waiting[n:]
	l.mu.Unlock()
	if n == 0 && req.Wait > 0 {
		<-ctx.Done() // nobody sends anything more
	}
	return got, nil
}

func (l *line) settle(receipt, fate string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.fate[receipt] = fate
	return nil
}

func (l *line) Delete(_ context.Context, receipts ...string) error {
	for _, r := range receipts {
		_ = l.settle(r, "deleted")
	}
	return nil
}

func (l *line) Retry(_ context.Context, receipt string, _ time.Duration, _ string) error {
	return l.settle(receipt, "retried")
}

func (l *line) DeadLetter(_ context.Context, receipt, _ string) error {
	return l.settle(receipt, "dead")
}

func handle(_ context.Context, messages []queue.Message) []pipeline.Outcome {
	outcomes := make([]pipeline.Outcome, len(messages))
	for i, m := range messages {
		switch m.Receipt {
		case "b":
			outcomes[i] = pipeline.Outcome{Verdict: pipeline.Retry, Err: errors.New("later")}
		case "c":
			outcomes[i] = pipeline.Outcome{Verdict: pipeline.DeadLetter, Err: errors.New("never")}
		default:
			outcomes[i].Started = 1
		}
	}
	return outcomes
}

func TestRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		first := &line{waiting: []queue.Message{{Receipt: "a"}, {Receipt: "b"}, {Receipt: "c"}}, fate: map[string]string{}}
		second := &line{waiting: []queue.Message{{Receipt: "d"}}, fate: map[string]string{}}
		var log bytes.Buffer
		times := 0
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() {
			ended <- worker.Run(ctx, worker.Options{
				Roles: []worker.Role{{Name: "process", Queue: first, Handle: handle}, {Name: "update-state", Queue: second, Handle: handle}},
				Timed: []worker.Timed{{Name: "schedule-enqueue", Every: time.Minute, Do: func(context.Context) error {
					times++
					return errors.New("the table is not there")
				}}},
				Logger: slog.New(slog.NewTextHandler(&log, nil)),
			})
		}()
		<-time.After(2*time.Minute + time.Second)
		cancel()
		if err := <-ended; err != nil {
			t.Fatal(err)
		}
		if first.fate["a"] != "deleted" || first.fate["b"] != "retried" || first.fate["c"] != "dead" || second.fate["d"] != "deleted" {
			t.Errorf("%v %v", first.fate, second.fate)
		}
		if times != 3 {
			t.Errorf("done %d times", times)
		}
		for _, want := range []string{
			`msg="worker at work" role=process done=1 retried=1 dead_letters=1 executions=1 in_flight=0`,
			`msg="worker ended" role=update-state done=1 retried=0 dead_letters=0`,
			`role=schedule-enqueue error="the table is not there"`,
		} {
			if !strings.Contains(log.String(), want) {
				t.Errorf("the log does not say %s:\n%s", want, log.String())
			}
		}
	})
	if err := worker.Run(t.Context(), worker.Options{}); err == nil {
		t.Error("it worked at nothing")
	}
}

// TestTimeout: a service never answers. The messages come again, and the role goes on.
func TestTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &line{waiting: []queue.Message{{Receipt: "a"}}, fate: map[string]string{}}
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() {
			ended <- worker.Run(ctx, worker.Options{Roles: []worker.Role{{Name: "process", Queue: l, Timeout: time.Minute, Handle: func(ctx context.Context, messages []queue.Message) []pipeline.Outcome {
				<-ctx.Done()
				return []pipeline.Outcome{{Verdict: pipeline.Retry, Err: context.Cause(ctx)}}
			}}}})
		}()
		<-time.After(time.Minute + time.Second)
		if l.mu.Lock(); l.fate["a"] != "retried" {
			t.Errorf("after a minute: %v", l.fate)
		}
		l.mu.Unlock()
		cancel()
		if err := <-ended; err != nil {
			t.Fatal(err)
		}
	})
}
