package cli

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"sundog/internal/api"
	"sundog/internal/client"
	"sundog/internal/schedule"
)

func (a *app) scheduleCommand() *cobra.Command {
	return group("schedule", "Do things later: make, list, change and cancel schedules",
		a.scheduleCreateCommand(), a.scheduleListCommand(), a.scheduleShowCommand(), a.scheduleChangeCommand(), a.schedulePauseCommand(),
		a.scheduleResumeCommand(), a.scheduleCancelCommand(), a.scheduleFireCommand(), a.scheduleHistoryCommand(), a.scheduleDeadLettersCommand())
}

func (a *app) scheduleListCommand() *cobra.Command {
	var q client.ScheduleQuery
	var limit int
	c := &cobra.Command{
		Use:     "list",
		Short:   "List schedules, in the order in which they fire",
		Example: "  sundog schedule list --until 'in 24h' --action http-request",
		Args:    cobra.NoArgs,
		RunE: a.online(func(ctx context.Context, c *client.Client, _ []string) error {
			q.Status = strings.ToUpper(q.Status)
			fetch := func(next string, size int) ([]api.Schedule, string, error) {
				q.Next, q.Limit = next, size
				page, err := c.Schedules(ctx, q)
				return page.Schedules, page.Next, err
			}
			return pages(limit, fetch, a.printSchedules)
		}),
	}
	f := c.Flags()
	f.StringVar(&q.From, "from", "", "those whose next point in time is not `before`: \"in 1h\", RFC 3339 or Unix seconds")
	f.StringVar(&q.Until, "until", "", "those whose next point in time is not `after`")
	f.StringVar(&q.Status, "status", "", "new, processed or paused")
	f.StringVar(&q.Action, "action", "", "http-request, sqs-send, lambda-call, custom or payload")
	f.StringVar(&q.KeyPrefix, "key-prefix", "", "how their keys `begin`")
	f.IntVar(&limit, "limit", defaultLimit, "at most so `many`; 0 is all")
	return c
}

func (a *app) printSchedules(all []api.Schedule) error {
	return printList(a, all, []column[api.Schedule]{
		{title: "SCHEDULE", cell: func(s api.Schedule) string { return s.ID }},
		{title: "NAME", cell: func(s api.Schedule) string { return s.Name }},
		{title: "STATUS", cell: func(s api.Schedule) string { return s.Status }},
		{title: "NEXT", cell: func(s api.Schedule) string { return localPointer(s.Next) }},
		{title: "WHEN", cell: whenOf},
		{title: "ACTION", cell: func(s api.Schedule) string { return actionOf(s.Action) }},
		{title: "KEY", cell: func(s api.Schedule) string { return s.Key }},
	})
}

func localPointer(t *time.Time) string {
	if t == nil {
		return ""
	}
	return localTime(*t)
}

func whenOf(s api.Schedule) string {
	switch {
	case s.At != nil:
		return localTime(*s.At)
	case s.Zone == "" || strings.HasPrefix(s.Expression, "rate"):
		return s.Expression
	}
	return s.Expression + " " + s.Zone
}

// actionOf says in a line what is done.
func actionOf(a schedule.Action) string {
	switch {
	case a.HTTP != nil:
		method := a.HTTP.Method
		if method == "" {
			method = "POST"
		}
		return method + " " + a.HTTP.URL
	case a.Queue != nil:
		return "queue " + a.Queue.Queue
	case a.Lambda != nil:
		return "function " + a.Lambda.Function
	case a.Custom != nil:
		return "topic " + a.Custom.Topic
	}
	return string(a.Type)
}

func (a *app) printSchedule(s api.Schedule) error {
	flexible := ""
	if s.FlexibleSeconds > 0 {
		flexible = age(float64(s.FlexibleSeconds))
	}
	return a.printOne(s, []field{
		{"Schedule", s.ID},
		{"Key", s.Key},
		{"Name", s.Name},
		{"Status", s.Status},
		{"Next", localPointer(s.Next)},
		{"When", whenOf(s)},
		{"Start", localPointer(s.Start)},
		{"End", localPointer(s.End)},
		{"Flexible", flexible},
		{"Catch up", s.CatchUp},
		{"Action", actionOf(s.Action)},
		{"Payload", s.Context.Payload},
		{"Owner", s.Owner},
		{"Created", localTime(s.Created)},
		{"Changed", localPointer(s.Changed)},
	})
}

// exampleSchedule is an id in examples.
const exampleSchedule = "01981a52-0c4e-7f2a-9d3b-5f1c2a7e4b60"

// onSchedule makes a command that does one thing to what has an id: to a schedule, or with "dead-letters" in front of the verb to one of these.
func (a *app) onSchedule(use, short string, do func(context.Context, *client.Client, string) error) *cobra.Command {
	id := exampleSchedule
	verb, dead := strings.CutPrefix(use, "dead-letters ")
	if dead {
		id += ".1772352000000000"
	}
	return &cobra.Command{
		Use: verb + " ID", Short: short, Args: cobra.ExactArgs(1),
		Example: fmt.Sprintf("  sundog schedule %s %s", use, id),
		RunE: a.online(func(ctx context.Context, c *client.Client, args []string) error {
			return do(ctx, c, args[0])
		}),
	}
}

func (a *app) scheduleShowCommand() *cobra.Command {
	return a.onSchedule("show", "Show a schedule", a.shows((*client.Client).Schedule))
}

func (a *app) schedulePauseCommand() *cobra.Command {
	return a.onSchedule("pause", "Keep a schedule from firing until it is resumed", a.shows((*client.Client).PauseSchedule))
}

func (a *app) scheduleResumeCommand() *cobra.Command {
	return a.onSchedule("resume", "Let a paused schedule fire again, from now on", a.shows((*client.Client).ResumeSchedule))
}

// shows prints the schedule that a request answers with.
func (a *app) shows(ask func(*client.Client, context.Context, string) (api.Schedule, error)) func(context.Context, *client.Client, string) error {
	return func(ctx context.Context, c *client.Client, id string) error {
		s, err := ask(c, ctx, id)
		if err != nil {
			return err
		}
		return a.printSchedule(s)
	}
}

func (a *app) scheduleCancelCommand() *cobra.Command {
	return a.onSchedule("cancel", "Cancel a schedule; what has fired already is delivered", func(ctx context.Context, c *client.Client, id string) error {
		if _, err := c.CancelSchedule(ctx, id); err != nil {
			return err
		}
		a.say("schedule %s is cancelled", id)
		return nil
	})
}

func (a *app) scheduleFireCommand() *cobra.Command {
	return a.onSchedule("fire", "Fire a schedule now, beside its own times", func(ctx context.Context, c *client.Client, id string) error {
		fired, err := c.FireSchedule(ctx, id)
		if err != nil {
			return err
		}
		return a.printOne(fired, []field{{"Schedule", fired.ID}, {"Fired for", localTime(fired.PointInTime)}})
	})
}

func (a *app) scheduleHistoryCommand() *cobra.Command {
	var limit int
	c := a.onSchedule("history", "What happened to a schedule, in its order, also when it is gone", func(ctx context.Context, c *client.Client, id string) error {
		fetch := func(next string, size int) ([]schedule.Event, string, error) {
			page, err := c.ScheduleHistory(ctx, id, next, size)
			return page.Events, page.Next, err
		}
		return pages(limit, fetch, func(events []schedule.Event) error {
			return printList(a, events, []column[schedule.Event]{
				{title: "TIME", cell: func(e schedule.Event) string { return localTime(e.Time) }},
				{title: "EVENT", cell: func(e schedule.Event) string { return string(e.Kind) }},
				{title: "FOR", cell: func(e schedule.Event) string { return localTime(e.PointInTime) }},
				{title: "ATTEMPT", right: true, cell: attemptOf},
				{title: "BY", cell: func(e schedule.Event) string { return e.Actor }},
				{title: "ERROR", cell: func(e schedule.Event) string { return e.Error }},
			})
		})
	})
	c.Flags().IntVar(&limit, "limit", pageSize, "at most so `many` events; 0 is all")
	return c
}

func attemptOf(e schedule.Event) string {
	if e.Attempt == 0 {
		return ""
	}
	return count(int64(e.Attempt))
}
