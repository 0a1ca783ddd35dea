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
	return group("queue", "Look at queues, or send a message to one", a.queueListCommand(), a.queueShowCommand(), a.queueSendCommand(), a.queueReceiveCommand(), a.queueDeleteCommand())
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

func (a *app) queueReceiveCommand() *cobra.Command {
	var req api.Receive
	var remove bool
	c := &cobra.Command{
		Use:   "receive NAME",
		Short: "Receive messages of a queue of the project's own",
		Long: `Receive messages of a queue of the project's own. What is not deleted within the visibility time-out is handed out again: delete it with
its receipt, or receive it with --delete.`,
		Example: "  sundog queue receive reviews --max 10 --wait 20 --delete",
		Args:    cobra.ExactArgs(1),
		RunE: a.online(func(ctx context.Context, c *client.Client, args []string) error {
			got, err := c.Receive(ctx, args[0], req)
			if err != nil {
				return err
			}
			err = printList(a, got.Messages, []column[api.Message]{
				{title: "MESSAGE", cell: func(m api.Message) string { return m.ID }},
				{title: "SENT", cell: func(m api.Message) string { return localTime(m.Sent) }},
				{title: "RECEIVED", right: true, cell: func(m api.Message) string { return count(int64(m.ReceiveCount)) }},
				{title: "BODY", cell: func(m api.Message) string { return m.Body }},
				{title: "RECEIPT", cell: func(m api.Message) string { return m.Receipt }},
			})
			if err != nil || !remove || len(got.Messages) == 0 {
				return err
			}
			receipts := make([]string, len(got.Messages))
			for i, m := range got.Messages {
				receipts[i] = m.Receipt
			}
			_, err = c.DeleteMessages(ctx, args[0], receipts...)
			return err
		}),
	}
	f := c.Flags()
	f.IntVar(&req.Max, "max", 1, "at most so `many` messages")
	f.Float64Var(&req.WaitSeconds, "wait", 0, "how many `seconds` to wait for the first one, 20 at most")
	f.Float64Var(&req.VisibilitySeconds, "visibility", 0, "how many `seconds` until it is handed out again (default: as the queue has it)")
	f.BoolVar(&remove, "delete", false, "delete the messages once they are printed")
	return c
}

func (a *app) queueDeleteCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "delete NAME RECEIPT...",
		Short:   "Delete messages that were worked on, by their receipts",
		Example: "  sundog queue delete reviews 1-17-1",
		Args:    cobra.MinimumNArgs(2),
		RunE: a.online(func(ctx context.Context, c *client.Client, args []string) error {
			_, err := c.DeleteMessages(ctx, args[0], args[1:]...)
			return err
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
