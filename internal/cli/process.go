package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"sundog/internal/api"
	"sundog/internal/client"
	"sundog/internal/problem"
)

func (a *app) processCommand() *cobra.Command {
	var lane string
	var wait bool
	var w waiting
	c := &cobra.Command{
		Use:   "process [FILE|-]",
		Short: "Send payloads to the process queue",
		Long: `Send payloads to the process queue: one JSON document, an array of them, or NDJSON (one per line), of any length, from a file or from
standard input. What was answered is on the server's disk. As JSON each accepted payload is printed with its place in the input,
its id and its message; those that are rejected are reported on standard error with place and reason, the others go through,
and the exit code is 2.

With --wait the records are printed as they become final, in the order of the input, and the exit code is 10 when a workflow did
not succeed. At most 1000 payloads are then under way at one time.`,
		Example: `  sundog process payload.json
  sundog process --lane bulk archive.ndjson
  sundog process --wait --timeout 10m - < payloads.json`,
		Args:    cobra.MaximumNArgs(1),
		PreRunE: func(*cobra.Command, []string) error { return w.check() },
		RunE: a.online(func(ctx context.Context, c *client.Client, args []string) error {
			in, err := a.open(ctx, args)
			if err != nil {
				return err
			}
			defer func() { _ = in.close() }()
			ctx, cancel := w.within(ctx)
			defer cancel()
			s := &submission{app: a, client: c, in: in}
			if wait {
				s.wait = &w
			}
			return s.run(ctx, lane)
		}),
	}
	c.Flags().StringVar(&lane, "lane", "", "live (the default) or bulk")
	c.Flags().BoolVar(&wait, "wait", false, "wait until the records are final, and print them")
	w.addFlags(c, 0)
	return c
}

// submission is one run of process.
type submission struct {
	app    *app
	client *client.Client
	in     *input
	wait   *waiting // nil: no waiting
	feed   *feed
	bar    *progress

	accepted, failed, timedOut int
	lastID                     string
	last                       place // of what was answered
	silent                     bool  // standard output was closed: what is left is sent all the same
}

func (s *submission) run(ctx context.Context, lane string) error {
	amid := s.app.OutTerminal && (s.wait != nil || !s.app.asTable()) // results come on the same terminal
	s.bar = s.app.progress(ctx, s.in.size, s.app.ErrTerminal && !s.app.quiet && !amid, true)
	s.feed = newFeed(ctx, split(s.bar.reader(s.in)), s.bar.report)
	if s.wait != nil {
		s.feed.expect(s.client)
	}
	err := s.client.Submit(ctx, s.feed, lane, func(answer api.Accepted) error { return s.answered(ctx, answer) })
	rejected, broken := s.feed.stop()
	s.bar.end()
	if err = because(ctx, err); err == nil {
		err = broken
	}
	s.summarize(rejected, err)
	switch {
	case err != nil:
		return err
	case rejected > 0:
		return problem.New(problem.Invalid, "%d of %d payloads were rejected", rejected, rejected+s.accepted)
	case s.failed > 0:
		return &ended{problem.ExitFailed, problem.New(problem.Internal, "%d of %d workflows did not succeed", s.failed+s.timedOut, s.accepted)}
	case s.timedOut > 0:
		return &ended{problem.ExitTimedOut, problem.New(problem.Internal, "%d of %d workflows timed out", s.timedOut, s.accepted)}
	}
	return nil
}

// summarize says how many were accepted, and after a failure how to go on.
func (s *submission) summarize(rejected int, err error) {
	switch {
	case err != nil && s.accepted > 0:
		s.app.say("%s accepted up to %s of %s; what comes after it can be sent again", plural(s.accepted, "payload"), s.last, s.in.name)
	case s.accepted == 1 && rejected == 0:
		s.app.say("accepted %s", s.lastID)
	case err == nil:
		s.app.say("%s accepted, %d rejected", plural(s.accepted, "payload"), rejected)
	}
}

// answered takes the server's answer for a payload.
func (s *submission) answered(ctx context.Context, answer api.Accepted) error {
	at, expected, err := s.feed.answered(answer)
	if err != nil || answer.Error != "" {
		return err
	}
	s.accepted++
	s.last, s.lastID = at, answer.PayloadID
	s.bar.count(s.accepted)
	answer.Line = at.number
	if expected == nil {
		return s.print(answer)
	}
	if expected.id == "" {
		s.feed.tell(at, "accepted, but not waited for: it is no payload by itself")
		return nil
	}
	record, err := s.wait.record(ctx, s.client, *expected)
	if err != nil {
		return err
	}
	if bad, ok := errors.AsType[*ended](judge(record)); ok && bad.code == problem.ExitTimedOut {
		s.timedOut++
	} else if ok {
		s.failed++
	}
	return s.print(record)
}

// print prints an answer or a record. A table would have to be complete before its first line, so there is a plain line for each record,
// and none for what was merely accepted.
func (s *submission) print(v any) error {
	if s.silent {
		return nil
	}
	var err error
	if !s.app.asTable() {
		err = s.app.printJSON(v)
	} else if r, ok := v.(api.Record); ok {
		line := printable(fmt.Sprintf("%-10s  %s  %s", r.State, r.PayloadID, r.LastError))
		_, err = io.WriteString(s.app.Out, strings.TrimRight(line, " ")+"\n")
	}
	if errors.Is(err, syscall.EPIPE) {
		s.silent = true
		return nil
	}
	return err
}
