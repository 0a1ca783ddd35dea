package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"sundog/internal/api"
	"sundog/internal/client"
	"sundog/internal/problem"
)

const executionArgument = `An execution is named by its ARN, or by the id of a payload, which stands for the payload's last execution.`

// resolveExecution returns the ARN that an argument stands for.
func resolveExecution(ctx context.Context, c *client.Client, argument string) (string, error) {
	if strings.HasPrefix(argument, "arn:") {
		return argument, nil
	}
	r, err := c.Record(ctx, argument)
	if err != nil {
		return "", err
	}
	if len(r.Executions) == 0 {
		return "", problem.New(problem.NotFound, "%s has no execution: it is %s", argument, r.State)
	}
	return r.Executions[len(r.Executions)-1], nil
}

// onExecution completes a command about one execution, which its argument names or, the way Cirrus has it, one of two flags.
func (a *app) onExecution(c *cobra.Command, f func(ctx context.Context, c *client.Client, arn string) error) *cobra.Command {
	var arn, id string
	c.Flags().StringVar(&arn, "arn", "", "the `ARN` of the execution, instead of the argument")
	c.Flags().StringVar(&id, "payload-id", "", "the `id` of a payload, whose last execution is meant, instead of the argument")
	given := func(args []string) []string {
		for _, name := range []string{arn, id} {
			if name != "" {
				args = append(args, name)
			}
		}
		return args
	}
	c.Args = func(_ *cobra.Command, args []string) error {
		if n := len(given(args)); n != 1 {
			return problem.New(problem.Invalid, "%d executions were named: name one, by its ARN or by the id of a payload", n)
		}
		return nil
	}
	c.RunE = a.online(func(ctx context.Context, cl *client.Client, args []string) error {
		arn, err := resolveExecution(ctx, cl, given(args)[0])
		if err != nil {
			return err
		}
		return f(ctx, cl, arn)
	})
	return c
}

func (a *app) getExecutionCommand() *cobra.Command {
	return a.onExecution(&cobra.Command{
		Use:   "get-execution ARN|PAYLOAD_ID",
		Short: "Describe an execution",
		Long:  "Describe an execution.\n\n" + executionArgument,
		Example: `  sundog get-execution sentinel-2-l2a/workflow-ingest/S2A_T07HFE_20190212
  sundog get-execution arn:aws:states:us-east-1:000000000000:execution:ingest:3b1c`,
	}, func(ctx context.Context, c *client.Client, arn string) error {
		e, err := c.Execution(ctx, arn)
		if err != nil {
			return err
		}
		return a.printExecution(e)
	})
}

// printExecution prints an execution, as a table without its documents, which have commands of their own.
func (a *app) printExecution(e api.Execution) error {
	stop, took := "", ""
	if e.Stop != nil {
		stop, took = localTime(*e.Stop), e.Stop.Sub(e.Start).Round(time.Millisecond).String()
	}
	return a.printOne(e, []field{
		{"Execution", e.ARN},
		{"Workflow", e.Workflow},
		{"Payload", e.PayloadID},
		{"Lane", e.Lane},
		{"Status", e.Status},
		{"Start", localTime(e.Start)},
		{"Stop", stop},
		{"Took", took},
		{"Error", e.Error},
		{"Cause", e.Cause},
		{"Redriven", redriven(e)},
		{"Redrivable", redrivable(e)},
	})
}

// getExecutionDocumentCommand is get-execution-input or get-execution-output.
func (a *app) getExecutionDocumentCommand(which string, document func(api.Execution) json.RawMessage) *cobra.Command {
	return a.onExecution(&cobra.Command{
		Use:     "get-execution-" + which + " ARN|PAYLOAD_ID",
		Short:   "Print the " + which + " of an execution",
		Long:    "Print the " + which + " of an execution.\n\n" + executionArgument,
		Example: "  sundog get-execution-" + which + " sentinel-2-l2a/workflow-ingest/S2A_T07HFE_20190212",
	}, func(ctx context.Context, c *client.Client, arn string) error {
		e, err := c.Execution(ctx, arn)
		if err != nil {
			return err
		}
		doc := document(e)
		if len(doc) == 0 {
			return problem.New(problem.NotFound, "%s has no %s: it is %s", arn, which, e.Status)
		}
		return a.printDocument(doc)
	})
}

// historyEvent is what a table shows of an event of AWS's GetExecutionHistory.
type historyEvent struct {
	ID       int64           `json:"id"`
	Previous int64           `json:"previousEventId"`
	Time     json.RawMessage `json:"timestamp"`
	Type     string          `json:"type"`
	Entered  struct {
		Name string `json:"name"`
	} `json:"stateEnteredEventDetails"`
	Exited struct {
		Name string `json:"name"`
	} `json:"stateExitedEventDetails"`
	Redriven struct {
		Count int64 `json:"redriveCount"`
	} `json:"executionRedrivenEventDetails"`
	failure string // error and cause, of an event that has them
	log     string // name of the log of its task, when it was asked for
}

// maxCause is how much of a cause a table shows, in bytes.
const maxCause = 120

// UnmarshalJSON also looks for the error and the cause, which lie in a structure named after the type of the event.
func (e *historyEvent) UnmarshalJSON(text []byte) error {
	type plain historyEvent
	if err := json.Unmarshal(text, (*plain)(e)); err != nil {
		return err
	}
	var details map[string]json.RawMessage
	if err := json.Unmarshal(text, &details); err != nil {
		return err
	}
	for name, value := range details {
		var failed struct {
			Error, Cause string
			LogMetadata  struct{ Stream string }
		}
		if !strings.HasSuffix(name, "EventDetails") || json.Unmarshal(value, &failed) != nil {
			continue
		}
		e.log = failed.LogMetadata.Stream
		if failed.Error+failed.Cause == "" {
			continue
		}
		if len(failed.Cause) > maxCause {
			failed.Cause = strings.ToValidUTF8(failed.Cause[:maxCause], "") + "…"
		}
		e.failure = strings.TrimSuffix(failed.Error+": "+failed.Cause, ": ")
	}
	return nil
}

// what is the type of the event, and of a redrive which one it is.
func (e historyEvent) what() string {
	if e.Redriven.Count > 0 {
		return fmt.Sprintf("%s (%d)", e.Type, e.Redriven.Count)
	}
	return e.Type
}

// at is the time of the event as people read it.
func (e historyEvent) at() string { return localTime(e.moment()) }

// moment is the time of the event, which is RFC 3339 or seconds since 1970, to the millisecond.
func (e historyEvent) moment() time.Time {
	var at time.Time
	if json.Unmarshal(e.Time, &at) == nil {
		return at
	}
	var seconds float64
	if json.Unmarshal(e.Time, &seconds) == nil {
		return time.UnixMilli(int64(math.Round(seconds * 1000)))
	}
	return time.Time{}
}

func (a *app) getExecutionEventsCommand() *cobra.Command {
	var limit int
	var order client.HistoryOrder
	c := a.onExecution(&cobra.Command{
		Use:     "get-execution-events ARN|PAYLOAD_ID",
		Aliases: []string{"history"},
		Short:   "Print the history of an execution, in the form of AWS's GetExecutionHistory",
		Long: `Print the history of an execution. As JSON the events have the form of AWS's GetExecutionHistory. With --with-log-metadata the details of events
that schedule or end a function or job have logMetadata, in the form of Cirrus with stream beside it: the name to give to sundog logs.

` + executionArgument,
		Example: `  sundog get-execution-events sentinel-2-l2a/workflow-ingest/S2A_T07HFE_20190212
  sundog history --reverse --limit 5 --with-log-metadata sentinel-2-l2a/workflow-ingest/S2A_T07HFE_20190212`,
	}, func(ctx context.Context, c *client.Client, arn string) error {
		return a.printHistory(ctx, c, arn, limit, order)
	})
	c.Flags().IntVar(&limit, "limit", 0, "at most so `many` events; 0 is all")
	c.Flags().BoolVar(&order.Reverse, "reverse", false, "the latest first")
	c.Flags().BoolVar(&order.Logs, "with-log-metadata", false, "tell of functions and jobs where their logs are")
	return c
}

func (a *app) printHistory(ctx context.Context, c *client.Client, arn string, limit int, order client.HistoryOrder) error {
	fetch := func(next string, size int) ([]json.RawMessage, string, error) {
		after, err := lineNumber(next)
		if err != nil {
			return nil, "", err
		}
		page, err := c.History(ctx, arn, after, size, order)
		return page.Events, lineToken(page.Next), err
	}
	return pages(limit, fetch, func(events []json.RawMessage) error {
		if !a.asTable() {
			return printList[json.RawMessage](a, events, nil)
		}
		rows := make([]historyEvent, len(events))
		for i, text := range events {
			if err := json.Unmarshal(text, &rows[i]); err != nil {
				return problem.Wrap(problem.Unavailable, err, "reading the history of %s", arn)
			}
		}
		columns := []column[historyEvent]{
			{title: "ID", right: true, cell: func(e historyEvent) string { return count(e.ID) }},
			{title: "AFTER", right: true, cell: func(e historyEvent) string { return count(e.Previous) }},
			{title: "TIME", cell: historyEvent.at},
			{title: "TYPE", cell: historyEvent.what},
			{title: "STATE", cell: func(e historyEvent) string { return e.Entered.Name + e.Exited.Name }},
			{title: "ERROR", cell: func(e historyEvent) string { return e.failure }},
		}
		if order.Logs {
			columns = append(columns, column[historyEvent]{title: "LOG", cell: func(e historyEvent) string { return e.log }})
		}
		return printList(a, rows, columns)
	})
}

func (a *app) executionsCommand() *cobra.Command {
	var status string
	var limit int
	c := &cobra.Command{
		Use:     "executions WORKFLOW",
		Short:   "List the executions of a workflow, those that run first",
		Example: "  sundog executions ingest --status RUNNING",
		Args:    cobra.ExactArgs(1),
		RunE: a.online(func(ctx context.Context, c *client.Client, args []string) error {
			fetch := func(next string, size int) ([]api.Execution, string, error) {
				page, err := c.Executions(ctx, args[0], status, next, size)
				return page.Executions, page.Next, err
			}
			return pages(limit, fetch, func(executions []api.Execution) error {
				return printList(a, executions, []column[api.Execution]{
					{title: "EXECUTION", cell: func(e api.Execution) string { return e.Name }},
					{title: "STATUS", cell: func(e api.Execution) string { return e.Status }},
					{title: "START", cell: func(e api.Execution) string { return localTime(e.Start) }},
					{title: "PAYLOAD", cell: func(e api.Execution) string { return e.PayloadID }},
					{title: "ERROR", cell: func(e api.Execution) string { return e.Error }},
				})
			})
		}),
	}
	c.Flags().StringVar(&status, "status", "", "only those with this `status`: RUNNING, SUCCEEDED, FAILED, TIMED_OUT, ABORTED")
	c.Flags().IntVar(&limit, "limit", defaultLimit, "at most so `many`; 0 is all")
	return c
}
