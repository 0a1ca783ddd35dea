package cli

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"sundog/internal/api"
	"sundog/internal/client"
	"sundog/internal/problem"
)

// onExecutions makes the run function of a command that does something with each of its arguments, executions, and prints what became of them. One
// with which it does not work does not keep it from the others.
func (a *app) onExecutions(f func(ctx context.Context, c *client.Client, arn string) (api.Execution, error)) func(*cobra.Command, []string) error {
	return a.online(func(ctx context.Context, c *client.Client, args []string) error {
		var done []api.Execution
		var errs []error
		for _, argument := range args {
			if ctx.Err() != nil {
				break
			}
			arn, err := resolveExecution(ctx, c, argument)
			var e api.Execution
			if err == nil {
				e, err = f(ctx, c, arn)
			}
			if err != nil {
				errs = append(errs, err)
				continue
			}
			done = append(done, e)
		}
		switch {
		case len(args) == 1 && len(done) == 1:
			errs = append(errs, a.printExecution(done[0]))
		case len(done) > 0:
			errs = append(errs, printList(a, done, changedColumns))
		}
		return errors.Join(errs...)
	})
}

// changedColumns show executions whose status a command has changed.
var changedColumns = []column[api.Execution]{
	{title: "EXECUTION", cell: func(e api.Execution) string { return e.ARN }},
	{title: "STATUS", cell: func(e api.Execution) string { return e.Status }},
	{title: "PAYLOAD", cell: func(e api.Execution) string { return e.PayloadID }},
}

func (a *app) stopCommand() *cobra.Command {
	var req api.StopExecution
	c := &cobra.Command{
		Use:     "stop ARN|PAYLOAD_ID...",
		Short:   "Stop executions; their records become ABORTED",
		Long:    "Stop executions that run. A record becomes ABORTED, and runs again when the payload comes again.\n\n" + executionArgument,
		Example: "  sundog stop sentinel-2-l2a/workflow-ingest/S2A_T07HFE_20190212 --cause 'wrong parameters'",
		Args:    cobra.MinimumNArgs(1),
		RunE: a.onExecutions(func(ctx context.Context, c *client.Client, arn string) (api.Execution, error) {
			return c.StopExecution(ctx, arn, req)
		}),
	}
	c.Flags().StringVar(&req.Error, "error", "", "the `name` of an error, for the history")
	c.Flags().StringVar(&req.Cause, "cause", "", "the `reason`, for the history")
	return c
}

func (a *app) redriveCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "redrive ARN|PAYLOAD_ID...",
		Short: "Let executions that failed go on where they failed",
		Long: `Let executions that failed, timed out or were stopped go on where they did not succeed, as AWS's RedriveExecution does. What has succeeded
is not done again. The record of a payload is PROCESSING again. An execution can be redriven for 14 days after its end.

` + executionArgument,
		Example: `  sundog redrive sentinel-2-l2a/workflow-ingest/S2A_T07HFE_20190212
  sundog redrive arn:aws:states:us-east-1:000000000000:execution:ingest:3b1c`,
		Args: cobra.MinimumNArgs(1),
		RunE: a.onExecutions(func(ctx context.Context, c *client.Client, arn string) (api.Execution, error) {
			e, err := c.RedriveExecution(ctx, arn, api.RedriveExecution{})
			if problem.Is(err, problem.Conflict) && problem.HintOf(err) == "" {
				err = problem.Wrap(problem.Conflict, err, "").WithHint("sundog get-execution says whether an execution can be redriven")
			}
			return e, err
		}),
	}
}

// redriven says how often and when an execution was redriven, if it was.
func redriven(e api.Execution) string {
	if e.RedriveCount == 0 || e.RedriveDate == nil {
		return ""
	}
	return fmt.Sprintf("%d, the last at %s", e.RedriveCount, localTime(*e.RedriveDate))
}

// redrivable says whether an execution that has ended without success can be redriven.
func redrivable(e api.Execution) string {
	switch {
	case e.Status == "RUNNING" || e.Status == "SUCCEEDED":
		return ""
	case e.RedriveStatus == "REDRIVABLE":
		return "yes"
	}
	return e.RedriveStatusReason
}
