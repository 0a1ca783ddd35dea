package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"time"

	"github.com/spf13/cobra"

	"sundog/internal/api"
	"sundog/internal/client"
	"sundog/internal/problem"
	"sundog/payload"
)

// runTimeout is how long run-workflow waits by default: as long as Cirrus does.
const runTimeout = time.Hour

func (a *app) runWorkflowCommand() *cobra.Command {
	var w waiting
	c := &cobra.Command{
		Use:   "run-workflow [FILE|-]",
		Short: "Process one payload, wait, and print its output payload",
		Long: `Send one payload to the process queue, wait until its workflow has ended, and print the output payload. The payload names the workflow,
in process[0]. The exit code is 10 when the workflow failed, 11 when it timed out or was not done within --timeout.
A payload that has succeeded before is not run again, unless it says "replace": true; its output is printed at once.`,
		Example: "  sundog run-workflow payload.json > output.json\n  sundog run-workflow --timeout 10m - < payload.json",
		Args:    cobra.MaximumNArgs(1),
		PreRunE: func(*cobra.Command, []string) error { return w.check() },
		RunE: a.online(func(ctx context.Context, c *client.Client, args []string) error {
			text, err := a.readDocument(ctx, args, maxDocument)
			if err != nil {
				return err
			}
			p, err := payload.Parse(text)
			if err != nil {
				return invalidPayload(err)
			}
			ctx, cancel := w.within(ctx)
			defer cancel()
			return a.runWorkflow(ctx, c, p, &w)
		}),
	}
	w.addFlags(c, runTimeout)
	return c
}

func (a *app) runWorkflow(ctx context.Context, c *client.Client, p *payload.Payload, w *waiting) error {
	id := p.ID().String()
	expected, err := expect(ctx, c, id, p.Replace())
	if err != nil {
		return err
	}
	var line bytes.Buffer
	if err := json.Compact(&line, p.Bytes()); err != nil {
		return problem.Wrap(problem.Invalid, err, "reading the payload")
	}
	err = c.Submit(ctx, &line, "", func(answer api.Accepted) error {
		if answer.Error != "" {
			return problem.New(problem.Invalid, "the payload was rejected: %s", answer.Error)
		}
		return nil
	})
	if err != nil {
		return because(ctx, err)
	}
	if expected.runs {
		a.say("%s was sent", id)
	} else {
		a.say("%s is %s and is not run again", id, expected.before.State)
	}
	record, err := w.record(ctx, c, expected)
	if err != nil {
		return err
	}
	if err := judge(record); err != nil {
		return err
	}
	output, err := c.Payload(ctx, id, "output")
	if err != nil {
		return because(ctx, err)
	}
	return a.printDocument(output)
}

func (a *app) startExecutionCommand() *cobra.Command {
	var w waiting
	var req api.StartExecution
	var wait bool
	c := &cobra.Command{
		Use:   "start-execution WORKFLOW [FILE|-]",
		Short: "Start an execution with any input, outside of the state database",
		Long: `Start an execution of a workflow with the JSON document of a file or of standard input, without a payload's record. With --wait the
output is printed, and the exit code is 10 when it failed, 11 when it timed out or was not done within --timeout.`,
		Example: "  echo '{}' | sundog start-execution ingest\n  sundog start-execution ingest input.json --wait",
		Args:    cobra.RangeArgs(1, 2),
		PreRunE: func(*cobra.Command, []string) error { return w.check() },
		RunE: a.online(func(ctx context.Context, c *client.Client, args []string) error {
			text, err := a.readDocument(ctx, args[1:], maxDocument)
			if err != nil {
				return err
			}
			if !json.Valid(text) {
				return problem.New(problem.Invalid, "the input is no JSON document")
			}
			req.Workflow, req.Input = args[0], text
			ctx, cancel := w.within(ctx)
			defer cancel()
			e, err := c.StartExecution(ctx, req)
			if err != nil {
				return err
			}
			if !wait {
				return a.printExecution(e)
			}
			a.say("started %s", e.ARN)
			return a.awaitExecution(ctx, c, e.ARN, &w)
		}),
	}
	c.Flags().StringVar(&req.Name, "name", "", "the `name` of the execution (default: a random one)")
	c.Flags().BoolVar(&wait, "wait", false, "wait for the end and print the output")
	w.addFlags(c, 0)
	return c
}

// awaitExecution waits for the end of an execution and prints its output.
func (a *app) awaitExecution(ctx context.Context, c *client.Client, arn string, w *waiting) error {
	var e api.Execution
	err := w.poll(ctx, func() (bool, error) {
		var err error
		e, err = c.Execution(ctx, arn)
		return err == nil && e.Status != "RUNNING", err
	})
	if err != nil {
		return err
	}
	if e.Status == "SUCCEEDED" {
		return a.printDocument(e.Output)
	}
	failed := problem.New(problem.Internal, "%s is %s", arn, e.Status)
	if e.Error != "" || e.Cause != "" {
		failed = problem.New(problem.Internal, "%s is %s: %s: %s", arn, e.Status, e.Error, e.Cause)
	}
	code := problem.ExitFailed
	if e.Status == "TIMED_OUT" {
		code = problem.ExitTimedOut
	}
	return &ended{code: code, err: failed.WithHint("sundog get-execution-events %s", arn)}
}
