package cli

import (
	"context"
	"encoding/json"
	"strings"
	"time"

	"sundog/internal/api"
	"sundog/internal/client"
	"sundog/internal/embedded/logs"
	"sundog/internal/problem"
)

// An executionLine is a line of one of the logs of an execution.
type executionLine struct {
	Stream string `json:"stream"`
	api.LogLine
}

// A taskLog is the log of a task of an execution, while its lines are being printed.
type taskLog struct {
	scheduled time.Time // no line of it is older
	stream    string
	lines     []api.LogLine // that were read and not yet printed
	next      int64         // where to read on; 0 at the end
	opened    bool
}

// maxPart is how many lines of one log are held at a time.
const maxPart = 1000

// fill reads on when everything that was read is printed. A log that is not there has no lines: its task wrote nothing, or it has expired.
func (l *taskLog) fill(ctx context.Context, c *client.Client) error {
	for len(l.lines) == 0 && (!l.opened || l.next != 0) {
		part, err := c.Log(ctx, l.stream, l.next, maxPart)
		if err != nil && problem.KindOf(err) != problem.NotFound {
			return err
		}
		l.lines, l.next, l.opened = part.Lines, part.Next, true
	}
	return nil
}

// printExecutionLogs prints the lines that the functions and jobs of an execution wrote, the oldest first. It holds a part of the logs of those tasks
// alone that were under way at one time.
func (a *app) printExecutionLogs(ctx context.Context, c *client.Client, arn string, limit int) error {
	later, err := a.taskLogs(ctx, c, arn)
	if err != nil {
		return err
	}
	var open []*taskLog
	for printed := 0; limit == 0 || printed < limit; printed++ {
		first, err := oldest(ctx, c, &open, &later)
		if err != nil || first == nil {
			return err
		}
		line := executionLine{first.stream, first.lines[0]}
		first.lines = first.lines[1:]
		if err := a.printExecutionLine(line); err != nil {
			return err
		}
	}
	return nil
}

// oldest returns the log with the oldest line that was not printed, nil when there is none. It opens those that may have it.
func oldest(ctx context.Context, c *client.Client, open *[]*taskLog, later *[]*taskLog) (*taskLog, error) {
	for {
		var first *taskLog
		kept := (*open)[:0]
		for _, l := range *open {
			if err := l.fill(ctx, c); err != nil {
				return nil, err
			}
			if len(l.lines) == 0 {
				continue
			}
			kept = append(kept, l)
			if first == nil || l.lines[0].Time.Before(first.lines[0].Time) {
				first = l
			}
		}
		*open = kept
		if len(*later) == 0 || first != nil && first.lines[0].Time.Before((*later)[0].scheduled) {
			return first, nil
		}
		*open, *later = append(*open, (*later)[0]), (*later)[1:]
	}
}

func (a *app) printExecutionLine(line executionLine) error {
	if !a.asTable() {
		return a.printJSON(line)
	}
	source := line.Stream
	if parts := strings.SplitN(source, "/", 3); len(parts) == 3 { // of the call or job itself nobody wants to see the id in each line
		source = parts[0] + "/" + parts[1]
	}
	_, err := a.Out.Write([]byte(printable(logs.Line{Time: line.Time, Text: source + "  " + line.Text}.String()) + "\n"))
	return err
}

// taskLogs finds the logs of an execution, in the order in which its tasks were scheduled. On AWS only the ends of tasks tell of logs, and those of
// jobs alone: when they began is not known, so they come first.
func (a *app) taskLogs(ctx context.Context, c *client.Client, arn string) ([]*taskLog, error) {
	var found []*taskLog
	onAWS := a.aws() != nil
	if onAWS {
		a.say("these are the logs of jobs; of functions only get-lambda-logs knows")
	}
	for after := int64(0); ; {
		page, err := c.History(ctx, arn, after, 1000, client.HistoryOrder{Logs: true})
		if err != nil {
			return nil, err
		}
		for _, text := range page.Events {
			var ev historyEvent
			if err := json.Unmarshal(text, &ev); err != nil {
				return nil, problem.Wrap(problem.Unavailable, err, "reading the history of %s", arn)
			}
			if ev.log != "" && onAWS {
				found = append(found, &taskLog{stream: ev.log})
				continue
			}
			if ev.log == "" || !strings.HasSuffix(ev.Type, "Scheduled") {
				continue
			}
			streams, err := attempts(ctx, c, ev.log)
			if err != nil {
				return nil, err
			}
			for _, stream := range streams {
				found = append(found, &taskLog{scheduled: ev.moment(), stream: stream})
			}
		}
		if after = page.Next; after == 0 {
			return found, nil
		}
	}
}

// attempts are the logs of a task: of a job it has one for each attempt.
func attempts(ctx context.Context, c *client.Client, stream string) ([]string, error) {
	if !strings.HasPrefix(stream, "job/") {
		return []string{stream}, nil
	}
	page, err := c.LogStreams(ctx, stream[:strings.LastIndexByte(stream, '/')+1], "", 1000)
	names := make([]string, len(page.Streams))
	for i, s := range page.Streams {
		names[i] = s.Name
	}
	return names, err
}
