package cli

import (
	"context"

	"github.com/spf13/cobra"

	"sundog/internal/api"
	"sundog/internal/client"
	"sundog/internal/problem"
)

func (a *app) scheduleDeadLettersCommand() *cobra.Command {
	return group("dead-letters", "Look at deliveries that were given up, and make them again",
		a.scheduleDeadListCommand(), a.scheduleDeadShowCommand(), a.scheduleDeadRedriveCommand(), a.scheduleDeadDeleteCommand())
}

func (a *app) scheduleDeadListCommand() *cobra.Command {
	var of string
	var limit int
	c := &cobra.Command{
		Use:     "list",
		Short:   "List the deliveries that were given up",
		Example: "  sundog schedule dead-letters list",
		Args:    cobra.NoArgs,
		RunE: a.online(func(ctx context.Context, c *client.Client, _ []string) error {
			fetch := func(next string, size int) ([]api.ScheduleDeadLetter, string, error) {
				page, err := c.ScheduleDeadLetters(ctx, of, next, size)
				return page.DeadLetters, page.Next, err
			}
			return pages(limit, fetch, func(page []api.ScheduleDeadLetter) error {
				return printList(a, page, []column[api.ScheduleDeadLetter]{
					{title: "ID", cell: func(d api.ScheduleDeadLetter) string { return d.ID }},
					{title: "NAME", cell: func(d api.ScheduleDeadLetter) string { return d.Schedule.Name }},
					{title: "FOR", cell: func(d api.ScheduleDeadLetter) string { return localTime(d.PointInTime) }},
					{title: "DIED", cell: func(d api.ScheduleDeadLetter) string { return localTime(d.Died) }},
					{title: "ATTEMPTS", right: true, cell: func(d api.ScheduleDeadLetter) string { return count(int64(d.Attempts)) }},
					{title: "ACTION", cell: func(d api.ScheduleDeadLetter) string { return actionOf(d.Schedule.Action) }},
					{title: "REASON", cell: func(d api.ScheduleDeadLetter) string { return d.Reason }},
				})
			})
		}),
	}
	c.Flags().StringVar(&of, "schedule", "", "those of the schedule with this `ID`")
	c.Flags().IntVar(&limit, "limit", defaultLimit, "at most so `many`; 0 is all")
	return c
}

func (a *app) scheduleDeadShowCommand() *cobra.Command {
	return a.onSchedule("dead-letters show", "Show a delivery that was given up", func(ctx context.Context, c *client.Client, id string) error {
		d, err := c.ScheduleDeadLetter(ctx, id)
		if err != nil {
			return err
		}
		return a.printOne(d, []field{
			{"Dead letter", d.ID},
			{"Schedule", d.Schedule.ID},
			{"Key", d.Schedule.Key},
			{"Name", d.Schedule.Name},
			{"For", localTime(d.PointInTime)},
			{"Died", localTime(d.Died)},
			{"Attempts", count(int64(d.Attempts))},
			{"Reason", d.Reason},
			{"Action", actionOf(d.Schedule.Action)},
			{"Payload", d.Schedule.Context.Payload},
		})
	})
}

func (a *app) scheduleDeadRedriveCommand() *cobra.Command {
	var of string
	var all bool
	c := &cobra.Command{
		Use:     "redrive [ID]",
		Short:   "Make a delivery again that was given up, or all of them",
		Long:    "Make a delivery again that was given up, with as many attempts as its schedule allows; their numbers go on from those it had.",
		Example: "  sundog schedule dead-letters redrive " + exampleSchedule + ".1772352000000000\n  sundog schedule dead-letters redrive --all",
		Args:    cobra.MaximumNArgs(1),
		RunE: a.online(func(ctx context.Context, c *client.Client, args []string) error {
			if all == (len(args) == 1) {
				return problem.New(problem.Invalid, "which dead letters?").WithHint("give either an ID, as schedule dead-letters list shows it, or --all")
			}
			again := func() (api.Moved, error) { return c.DeliverAllAgain(ctx, of) }
			if !all {
				again = func() (api.Moved, error) { return c.DeliverAgain(ctx, args[0]) }
			}
			moved, err := again()
			if err != nil {
				return err
			}
			return a.printOne(moved, []field{{"Sent again", count(moved.Count)}})
		}),
	}
	c.Flags().BoolVar(&all, "all", false, "all of them")
	c.Flags().StringVar(&of, "schedule", "", "with --all, those of the schedule with this `ID`")
	return c
}

func (a *app) scheduleDeadDeleteCommand() *cobra.Command {
	return a.onSchedule("dead-letters delete", "Delete a delivery that was given up for good", func(ctx context.Context, c *client.Client, id string) error {
		moved, err := c.DeleteScheduleDeadLetter(ctx, id)
		if err != nil {
			return err
		}
		return a.printOne(moved, []field{{"Deleted", count(moved.Count)}})
	})
}
