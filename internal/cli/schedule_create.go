package cli

import (
	"context"
	"time"

	"github.com/spf13/cobra"

	"sundog/internal/api"
	"sundog/internal/client"
	"sundog/internal/problem"
)

func (a *app) scheduleCreateCommand() *cobra.Command {
	x := &scheduleFlags{}
	c := &cobra.Command{
		Use:   "create [FILE|-]",
		Short: "Schedule something, once or again and again",
		Long: `Schedule something: a request (--url), a message (--queue, --topic), a call (--function) or a payload (--process); once (--at) or again
and again (--expression). With the same --key twice there is one schedule.

With a file, or - for standard input, there is a schedule in each line of it, as POST /v1/schedules takes them; each is answered with a line.`,
		Example: `  sundog schedule create --at 'in 10m' --url https://example.com/hook --payload '{"hello": "later"}'
  sundog schedule create --at 'friday 9am' --zone Europe/Berlin --queue reminders --payload 'weekly report'
  sundog schedule create --expression 'cron(30 2 ? * MON-FRI *)' --zone Europe/Berlin --process nightly.json --name nightly
  sundog schedule create schedules.ndjson`,
		Args: cobra.MaximumNArgs(1),
		RunE: a.online(func(ctx context.Context, c *client.Client, args []string) error {
			if len(args) > 0 {
				return a.createSchedules(ctx, c, args)
			}
			var req api.CreateSchedule
			if err := x.apply(ctx, a, &req); err != nil {
				return err
			}
			if req.Action.Type == "" {
				return problem.New(problem.Invalid, "it is not said what to do").WithHint("one of --url, --queue, --function, --topic and --process; or a file of schedules")
			}
			if req.At == "" && req.Expression == "" {
				return problem.New(problem.Invalid, "it is not said when to do it").WithHint("--at \"in 10m\", or --expression \"rate(5 minutes)\"")
			}
			made, err := c.CreateSchedule(ctx, req)
			if err != nil {
				return err
			}
			return a.printSchedule(made)
		}),
	}
	x.register(c)
	c.Flags().StringVar(&x.key, "key", "", "your own name for this request: the same key twice is one schedule")
	return c
}

// createSchedules makes the schedules of a file, and says for each line what came of it.
func (a *app) createSchedules(ctx context.Context, c *client.Client, args []string) error {
	in, err := a.open(ctx, args)
	if err != nil {
		return err
	}
	defer func() { _ = in.close() }()
	rejected := 0
	err = c.CreateSchedules(ctx, in, func(answer api.ScheduleAccepted) error {
		if answer.Error != "" {
			rejected++
			a.say("line %d: rejected: %s", answer.Line, answer.Error)
			return nil
		}
		return a.printJSON(answer)
	})
	if err == nil && rejected > 0 {
		err = problem.New(problem.Invalid, "%d schedules were rejected", rejected).WithHint("mend these lines and send them again; a key on each makes that safe")
	}
	return err
}

func (a *app) scheduleChangeCommand() *cobra.Command {
	x := &scheduleFlags{}
	c := &cobra.Command{
		Use:   "change ID",
		Short: "Change a schedule that has not fired yet, or that recurs",
		Long: `Change a schedule: what flags name is replaced, all else stays. A schedule with one point in time can be changed until it is PROCESSED.
What somebody else changes at the same moment may be undone.`,
		Example: "  sundog schedule change " + exampleSchedule + " --at 'tomorrow 09:00'",
		Args:    cobra.ExactArgs(1),
		RunE: a.online(func(ctx context.Context, c *client.Client, args []string) error {
			before, err := c.Schedule(ctx, args[0])
			if err != nil {
				return err
			}
			req := requestOf(before)
			if err := x.apply(ctx, a, &req); err != nil {
				return err
			}
			after, err := c.ChangeSchedule(ctx, args[0], req)
			if err != nil {
				return err
			}
			return a.printSchedule(after)
		}),
	}
	x.register(c)
	return c
}

// requestOf is the request that makes a schedule what it is.
func requestOf(s api.Schedule) api.CreateSchedule {
	moment := func(t *time.Time) string {
		if t == nil {
			return ""
		}
		return t.Format(time.RFC3339Nano)
	}
	return api.CreateSchedule{
		Name: s.Name, At: moment(s.At), Expression: s.Expression, Zone: s.Zone, Start: moment(s.Start), End: moment(s.End),
		FlexibleSeconds: s.FlexibleSeconds, CatchUp: s.CatchUp, Action: s.Action, Context: s.Context, Retry: s.Retry,
	}
}
