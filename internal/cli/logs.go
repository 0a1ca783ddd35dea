package cli

import (
	"bufio"
	"context"
	"strconv"

	"github.com/spf13/cobra"

	"sundog/internal/api"
	"sundog/internal/client"
	"sundog/internal/embedded/logs"
	"sundog/internal/problem"
)

// lineToken and lineNumber make the number at which the next part begins the token of a page, and back; 0 means there is none.
func lineToken(next int64) string {
	if next == 0 {
		return ""
	}
	return strconv.FormatInt(next, 10)
}

func lineNumber(token string) (int64, error) {
	if token == "" {
		return 0, nil
	}
	return strconv.ParseInt(token, 10, 64)
}

func (a *app) logsCommand() *cobra.Command {
	var prefix, function, job, execution string
	var limit int
	c := &cobra.Command{
		Use:   "logs [STREAM]",
		Short: "List the logs of functions and jobs, or print one",
		Long: `Without STREAM, list log streams: one for each call of a function (function/NAME/REQUEST_ID) and each attempt of a job
(job/NAME/JOB_ID/ATTEMPT). With it, print the lines of that stream. With --execution, print what the functions and jobs of an execution
wrote, the oldest line first; executions that it has started have logs of their own.`,
		Example: `  sundog logs --function publish
  sundog logs --execution sentinel-2-l2a/workflow-ingest/S2A_T07HFE_20190212
  sundog logs function/publish/6f9619ff-8b86-4d11-b42d-00c04fc964ff`,
		Args: cobra.MaximumNArgs(1),
		RunE: a.online(func(ctx context.Context, c *client.Client, args []string) error {
			if execution != "" {
				arn, err := resolveExecution(ctx, c, execution)
				if err != nil {
					return err
				}
				return a.printExecutionLogs(ctx, c, arn, limit)
			}
			if len(args) == 1 {
				return a.printLog(ctx, c, args[0], limit)
			}
			return a.listLogs(ctx, c, prefix, limit)
		}),
		PreRunE: func(_ *cobra.Command, args []string) error {
			chosen := 0
			for _, text := range []string{prefix, function, job, execution} {
				if text != "" {
					chosen++
				}
			}
			if chosen > 1 || chosen == 1 && len(args) == 1 {
				return problem.New(problem.Invalid, "of STREAM, --prefix, --function, --job and --execution only one can be given")
			}
			switch {
			case function != "":
				prefix = "function/" + function + "/"
			case job != "":
				prefix = "job/" + job + "/"
			}
			return nil
		},
	}
	f := c.Flags()
	f.StringVar(&prefix, "prefix", "", "list only streams whose names begin with this `text`")
	f.StringVar(&function, "function", "", "list only the calls of the function with this `name`")
	f.StringVar(&job, "job", "", "list only the attempts of the job with this `name`")
	f.StringVar(&execution, "execution", "", "print the lines of the functions and jobs of this execution: an `ARN`, or the id of a payload for its last one")
	f.IntVar(&limit, "limit", 0, "at most so `many` streams or lines; 0 is all")
	return c
}

func (a *app) listLogs(ctx context.Context, c *client.Client, prefix string, limit int) error {
	fetch := func(next string, size int) ([]api.LogStream, string, error) {
		page, err := c.LogStreams(ctx, prefix, next, size)
		return page.Streams, page.Next, err
	}
	return pages(limit, fetch, func(streams []api.LogStream) error {
		return printList(a, streams, []column[api.LogStream]{
			{title: "STREAM", cell: func(s api.LogStream) string { return s.Name }},
			{title: "START", cell: func(s api.LogStream) string { return localTime(s.Start) }},
			{title: "BYTES", right: true, cell: func(s api.LogStream) string { return count(s.Bytes) }},
		})
	})
}

// printLog prints the lines of a stream, for people as they were logged with the time in front.
func (a *app) printLog(ctx context.Context, c *client.Client, stream string, limit int) error {
	fetch := func(next string, size int) ([]api.LogLine, string, error) {
		from, err := lineNumber(next)
		if err != nil {
			return nil, "", err
		}
		part, err := c.Log(ctx, stream, from, size)
		return part.Lines, lineToken(part.Next), err
	}
	return pages(limit, fetch, func(lines []api.LogLine) error {
		if !a.asTable() {
			return printList(a, lines, nil)
		}
		w := bufio.NewWriter(a.Out)
		for _, line := range lines {
			_, _ = w.WriteString(printable(logs.Line{Time: line.Time, Text: line.Text}.String()) + "\n") // Flush tells
		}
		return w.Flush()
	})
}
