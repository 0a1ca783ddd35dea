package cli

import (
	"context"
	"io"

	"github.com/spf13/cobra"

	"sundog/internal/api"
	"sundog/internal/client"
	"sundog/internal/problem"
)

// maxMessage bounds a message that is sent, above what any queue takes.
const maxMessage = 16 << 20

// group makes a command that only has subcommands.
func group(use, short string, commands ...*cobra.Command) *cobra.Command {
	c := &cobra.Command{
		Use: use, Short: short,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return problem.New(problem.Invalid, "%s needs one of its subcommands: %s", use, enumerate(cmd.Commands())).
				WithHint("%s --help shows them", cmd.CommandPath())
		},
	}
	for _, sub := range commands {
		c.AddCommand(sub)
		c.Example += "\n" + sub.Example
	}
	c.Example = c.Example[1:]
	return c
}

func (a *app) queueCommand() *cobra.Command {
	return group("queue", "Look at queues, or send a message to one", a.queueListCommand(), a.queueShowCommand(), a.queueSendCommand())
}

func (a *app) queueListCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "list",
		Short:   "List the queues with what waits in them",
		Example: "  sundog queue list",
		Args:    cobra.NoArgs,
		RunE: a.online(func(ctx context.Context, c *client.Client, _ []string) error {
			all, err := c.Queues(ctx)
			if err != nil {
				return err
			}
			sum := func(part func(api.Lane) int64) func(api.Queue) string {
				return func(q api.Queue) string {
					var n int64
					for _, lane := range q.Lanes {
						n += part(lane)
					}
					return count(n)
				}
			}
			return printList(a, all.Queues, []column[api.Queue]{
				{title: "QUEUE", cell: func(q api.Queue) string { return q.Name }},
				{title: "READY", right: true, cell: sum(func(l api.Lane) int64 { return l.Ready })},
				{title: "DELAYED", right: true, cell: sum(func(l api.Lane) int64 { return l.Delayed })},
				{title: "IN FLIGHT", right: true, cell: sum(func(l api.Lane) int64 { return l.InFlight })},
				{title: "DEAD", right: true, cell: func(q api.Queue) string { return count(q.DeadLetters) }},
				{title: "OLDEST", right: true, cell: func(q api.Queue) string { return age(q.OldestSeconds) }},
			})
		}),
	}
}

func (a *app) queueShowCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "show NAME",
		Short:   "Show one queue, lane by lane",
		Example: "  sundog queue show process",
		Args:    cobra.ExactArgs(1),
		RunE: a.online(func(ctx context.Context, c *client.Client, args []string) error {
			q, err := c.Queue(ctx, args[0])
			if err != nil {
				return err
			}
			if !a.asTable() {
				return a.printJSON(q)
			}
			err = a.printOne(q, []field{{"Queue", q.Name}, {"Dead letters", count(q.DeadLetters)}, {"Oldest", age(q.OldestSeconds)}})
			if err != nil || len(q.Lanes) == 0 {
				return err
			}
			if _, err := io.WriteString(a.Out, "\n"); err != nil {
				return err
			}
			return printList(a, q.Lanes, []column[api.Lane]{
				{title: "LANE", cell: func(l api.Lane) string { return l.Name }},
				{title: "READY", right: true, cell: func(l api.Lane) string { return count(l.Ready) }},
				{title: "DELAYED", right: true, cell: func(l api.Lane) string { return count(l.Delayed) }},
				{title: "IN FLIGHT", right: true, cell: func(l api.Lane) string { return count(l.InFlight) }},
				{title: "OPEN", right: true, cell: func(l api.Lane) string { return count(l.Open) }},
				{title: "AT MOST", right: true, cell: func(l api.Lane) string { return count(l.Concurrency) }},
			})
		}),
	}
}

func (a *app) queueSendCommand() *cobra.Command {
	var m api.SendMessage
	c := &cobra.Command{
		Use:     "send NAME [FILE|-]",
		Short:   "Send a message to a queue: the text of a file, or of standard input",
		Example: "  echo '{\"hello\": \"queue\"}' | sundog queue send orders --attribute source=shell",
		Args:    cobra.RangeArgs(1, 2),
		RunE: a.online(func(ctx context.Context, c *client.Client, args []string) error {
			text, err := a.readDocument(ctx, args[1:], maxMessage)
			if err != nil {
				return err
			}
			m.Body = string(text)
			sent, err := c.Send(ctx, args[0], m)
			if err != nil {
				return err
			}
			return a.printOne(sent, []field{{"Message", sent.ID}, {"Lane", sent.Lane}, {"Sent", localTime(sent.Sent)}})
		}),
	}
	f := c.Flags()
	f.StringToStringVar(&m.Attributes, "attribute", nil, "attributes of the message, as `NAME=VALUE`")
	f.StringVar(&m.Lane, "lane", "", "live or bulk, for a queue that has lanes")
	f.Float64Var(&m.DelaySeconds, "delay", 0, "how many `seconds` until it can be received")
	return c
}
