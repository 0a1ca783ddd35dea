package cli

import (
	"context"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"sundog/internal/api"
	"sundog/internal/client"
	"sundog/internal/problem"
)

// waiting is how a command waits for what it caused.
type waiting struct {
	interval time.Duration
	timeout  time.Duration // 0: for ever
}

func (w *waiting) addFlags(c *cobra.Command, timeout time.Duration) {
	c.Flags().DurationVar(&w.interval, "poll-interval", 500*time.Millisecond, "the `time` from one look to the next")
	c.Flags().DurationVar(&w.timeout, "timeout", timeout, "the `time` to wait, such as 10m; the exit code is 11 when it was too short; 0 is for ever")
}

func (w *waiting) check() error {
	if w.interval <= 0 || w.timeout < 0 {
		return problem.New(problem.Invalid, "--poll-interval must be above 0 and --timeout not below").WithHint("such as --poll-interval 2s --timeout 10m")
	}
	return nil
}

// within bounds ctx by the timeout. When it expires the cause is an error with the exit code for that.
func (w *waiting) within(ctx context.Context) (context.Context, context.CancelFunc) {
	if w.timeout == 0 {
		return context.WithCancel(ctx)
	}
	return context.WithTimeoutCause(ctx, w.timeout, &ended{
		code: problem.ExitTimedOut,
		err:  problem.New(problem.Timeout, "not done within %s; it goes on all the same", w.timeout).WithHint("--timeout waits longer"),
	})
}

// because returns why ctx ended if it has, whatever that made of an error, and else the error.
func because(ctx context.Context, err error) error {
	if ctx.Err() != nil && err != nil {
		return context.Cause(ctx)
	}
	return err
}

// poll asks until what it asked for is there.
func (w *waiting) poll(ctx context.Context, done func() (bool, error)) error {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-timer.C:
		}
		if ok, err := done(); ok || err != nil {
			return because(ctx, err)
		}
		timer.Reset(w.interval)
	}
}

// An expectation is what is known of a payload's record before the payload is sent: the same state means something else afterwards when
// it was there before.
type expectation struct {
	id     string
	before api.Record
	found  bool
	runs   bool // the payload starts an execution: it is not skipped because of its record
}

// expect looks at the record of a payload that is about to be sent.
func expect(ctx context.Context, c *client.Client, id string, replace bool) (expectation, error) {
	r, err := c.Record(ctx, id)
	if problem.Is(err, problem.NotFound) {
		return expectation{id: id, runs: true}, nil
	}
	if err != nil {
		return expectation{}, err
	}
	runs := false
	switch r.State {
	case "FAILED", "ABORTED":
		runs = true
	case "SUCCEEDED", "COMPLETED", "INVALID":
		runs = replace
	}
	return expectation{id: id, before: r, found: true, runs: runs}, nil
}

// met reports whether a record shows what became of the payload.
func (e *expectation) met(now *api.Record) bool {
	switch now.State {
	case "SUCCEEDED", "COMPLETED", "FAILED", "ABORTED", "INVALID":
	default:
		return false
	}
	return !e.found || !e.runs || now.Updated != e.before.Updated || len(now.Executions) != len(e.before.Executions)
}

// record waits until the expectation is met, and returns the record.
func (w *waiting) record(ctx context.Context, c *client.Client, e expectation) (api.Record, error) {
	var r api.Record
	err := w.poll(ctx, func() (bool, error) {
		var err error
		if r, err = c.Record(ctx, e.id); problem.Is(err, problem.NotFound) && !e.found {
			return false, nil // it still waits in the queue
		}
		return err == nil && e.met(&r), err
	})
	return r, err
}

// judge makes an error of a record whose workflow did not succeed.
func judge(r api.Record) error {
	switch r.State {
	case "SUCCEEDED", "COMPLETED":
		return nil
	}
	e := &ended{code: problem.ExitFailed, err: problem.New(problem.Internal, "%s is %s", r.PayloadID, r.State)}
	if r.LastError != "" {
		e.err = problem.New(problem.Internal, "%s is %s: %s", r.PayloadID, r.State, r.LastError).
			WithHint("sundog get-execution-events %s", r.PayloadID)
	}
	if strings.HasPrefix(r.LastError, "TimedOutError:") {
		e.code = problem.ExitTimedOut
	}
	return e
}
