package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"sundog/internal/api"
	"sundog/internal/client"
	"sundog/internal/problem"
)

func (a *app) listFunctionsCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "list-lambdas",
		Aliases: []string{"functions", "list-functions"},
		Short:   "List the functions and what they are doing",
		Example: "  sundog list-lambdas\n  sundog manage prod list-lambdas",
		Args:    cobra.NoArgs,
		RunE: a.online(func(ctx context.Context, c *client.Client, _ []string) error {
			all, err := c.Functions(ctx)
			if err != nil {
				return err
			}
			return printList(a, all.Functions, []column[api.Function]{
				{title: "FUNCTION", cell: func(f api.Function) string { return f.Name }},
				{title: "KIND", cell: func(f api.Function) string { return f.Kind }},
				{title: "RUNNING", right: true, cell: func(f api.Function) string { return count(int64(f.Running)) }},
				{title: "WAITING", right: true, cell: func(f api.Function) string { return count(int64(f.Waiting)) }},
				{title: "PROCESSES", right: true, cell: func(f api.Function) string { return count(int64(f.Processes)) }},
			})
		}),
	}
}

func (a *app) invokeFunctionCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "invoke-lambda FUNCTION [FILE|-]",
		Aliases: []string{"invoke", "invoke-function"},
		Short:   "Call a function with a JSON document and print its response",
		Long: `Call a function with a JSON document from a file or standard input as its event, and print the response. A failure of the function is the
error of this command, which then ends with code 10; its log stream is named on standard error.`,
		Example: "  sundog invoke-lambda echo event.json\n  sundog manage prod invoke-lambda process payload.json",
		Args:    cobra.RangeArgs(1, 2),
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx := cmd.Context()
			event, err := a.readDocument(ctx, args[1:], maxDocument)
			if err != nil {
				return err
			}
			if !json.Valid(event) {
				return problem.New(problem.Invalid, "the event is no JSON document")
			}
			c, err := a.client(ctx)
			if err != nil {
				return err
			}
			out, err := c.Invoke(ctx, args[0], event)
			if err != nil {
				return err
			}
			if out.Error != "" {
				failed := problem.New(problem.Internal, "%s failed: %s: %s", args[0], out.Error, out.Cause)
				return &ended{code: problem.ExitFailed, err: failed.WithHint("sundog logs %s", out.LogStream)}
			}
			return a.printDocument(out.Payload)
		},
	}
}

// recentLogsCommand is get-lambda-logs or get-batch-logs.
func (a *app) recentLogsCommand(name, kind, what, example string) *cobra.Command {
	var limit int
	c := &cobra.Command{
		Use:   name + " NAME [ID]",
		Short: "Print what a " + what + " wrote",
		Long: fmt.Sprintf(`Without ID, list the log streams of the %[1]s with this name. With the id of a call or job, print its lines. The names of streams that
get-execution-events --with-log-metadata shows can be given too. On AWS ID is a stream of the function's log group, or the rest of the name of a
job's stream, such as default/JOB_ID.`, what),
		Example: "  sundog " + name + " " + example + "\n  sundog manage prod " + name + " " + example,
		Args:    cobra.RangeArgs(1, 2),
		RunE: a.online(func(ctx context.Context, c *client.Client, args []string) error {
			args[0] = strings.TrimPrefix(args[0], "/aws/lambda/") // a log group, as Cirrus has it
			stream := kind + "/" + strings.Join(args, "/")
			if strings.HasPrefix(args[0], kind+"/") {
				stream = strings.Join(args, "/")
			}
			if strings.Count(stream, "/") < 2 {
				return a.listLogs(ctx, c, stream+"/", limit)
			}
			found, err := c.LogStreams(ctx, stream, "", 1000)
			if err != nil {
				return err
			}
			printed := false
			for _, s := range found.Streams {
				if s.Name == stream || strings.HasPrefix(s.Name, stream+"/") { // the attempts of a job
					if err := a.printLog(ctx, c, s.Name, limit); err != nil {
						return err
					}
					printed = true
				}
			}
			if !printed {
				return problem.New(problem.NotFound, "there is no log %s", stream).WithHint("sundog %s %s lists them", name, args[0])
			}
			return nil
		}),
	}
	c.Flags().IntVar(&limit, "limit", 0, "at most so `many` streams or lines; 0 is all")
	return c
}

// overview is what there is on a server.
type overview struct {
	Deployment string `json:"deployment,omitempty"`
	Server     string `json:"server,omitempty"`
	// Environment is that of a deployment on AWS.
	Environment map[string]string `json:"environment,omitempty"`
	Health      api.Health        `json:"health"`
	Workflows   []api.Workflow    `json:"workflows"`
	Functions   []api.Function    `json:"functions"`
	Queues      []api.Queue       `json:"queues"`
}

func (a *app) showCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "show",
		Short:   "Show what there is on the server: its project, workflows, functions and queues; on AWS, its variables too",
		Example: "  sundog show\n  sundog manage prod show",
		Args:    cobra.NoArgs,
		RunE: a.online(func(ctx context.Context, c *client.Client, _ []string) error {
			o := overview{}
			if a.deployment != nil {
				o.Deployment = a.deployment.Name
			}
			var err error
			if o.Environment, err = a.shown(ctx); err != nil {
				return err
			}
			if o.Environment == nil {
				o.Server = c.Server()
			}
			if o.Health, err = c.Health(ctx); a.matters(err) {
				return err
			}
			workflows, err := c.Workflows(ctx)
			if a.matters(err) {
				return err
			}
			functions, err := c.Functions(ctx)
			if a.matters(err) {
				return err
			}
			queues, err := c.Queues(ctx)
			if a.matters(err) {
				return err
			}
			o.Workflows, o.Functions, o.Queues = workflows.Workflows, functions.Functions, queues.Queues
			return a.printOne(o, []field{
				{"Deployment", o.Deployment},
				{"Server", o.Server},
				{"Project", o.Health.Project},
				{"Version", o.Health.Version},
				{"Status", o.Health.Status},
				{"Workflows", names(o.Workflows, func(w api.Workflow) string { return w.Name })},
				{"Functions", names(o.Functions, func(f api.Function) string { return f.Name })},
				{"Queues", names(o.Queues, func(q api.Queue) string { return q.Name })},
				{"Environment", names(slices.Sorted(maps.Keys(o.Environment)), func(name string) string { return name + "=" + o.Environment[name] })},
			})
		}),
	}
}

// matters says whether what is shown stops at an error. Of a deployment on AWS it is shown what may be seen: the policies of an operator need not
// allow all of it.
func (a *app) matters(err error) bool {
	if a.aws() == nil || !problem.Is(err, problem.Forbidden) {
		return err != nil
	}
	a.report(err)
	return false
}

// names lists names, one per line.
func names[T any](all []T, name func(T) string) string {
	list := make([]string, len(all))
	for i, v := range all {
		list[i] = name(v)
	}
	return strings.Join(list, "\n")
}
