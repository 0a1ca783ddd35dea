package cli

import (
	"context"
	"encoding/json"
	"io"
	"maps"
	"slices"

	"github.com/spf13/cobra"

	"sundog/internal/api"
	"sundog/internal/client"
	"sundog/internal/problem"
)

func (a *app) deadLettersCommand() *cobra.Command {
	return group("dead-letters", "Look at messages that could not be handled, send them again or delete them",
		a.deadLettersListCommand(), a.deadLettersShowCommand(), a.deadLettersRedriveCommand(), a.deadLettersDeleteCommand(),
		a.deadLettersPurgeCommand())
}

func (a *app) deadLettersListCommand() *cobra.Command {
	var limit int
	c := &cobra.Command{
		Use:     "list QUEUE",
		Short:   "List the dead letters of a queue",
		Example: "  sundog dead-letters list process",
		Args:    cobra.ExactArgs(1),
		RunE: a.online(func(ctx context.Context, c *client.Client, args []string) error {
			fetch := func(next string, size int) ([]api.Message, string, error) {
				page, err := c.DeadLetters(ctx, args[0], next, size)
				return page.Messages, page.Next, err
			}
			return pages(limit, fetch, func(messages []api.Message) error {
				return printList(a, messages, []column[api.Message]{
					{title: "ID", cell: func(m api.Message) string { return m.ID }},
					{title: "DIED", cell: died},
					{title: "RECEIVED", right: true, cell: func(m api.Message) string { return count(int64(m.ReceiveCount)) }},
					{title: "BYTES", right: true, cell: func(m api.Message) string { return count(int64(len(m.Body))) }},
					{title: "REASON", cell: func(m api.Message) string { return m.Reason }},
				})
			})
		}),
	}
	c.Flags().IntVar(&limit, "limit", defaultLimit, "at most so `many`; 0 is all")
	return c
}

func died(m api.Message) string {
	if m.Died == nil {
		return ""
	}
	return localTime(*m.Died)
}

func (a *app) deadLettersShowCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "show QUEUE ID",
		Short:   "Show one dead letter with its body",
		Example: "  sundog dead-letters show process 01J9ZQ6W3V",
		Args:    cobra.ExactArgs(2),
		RunE: a.online(func(ctx context.Context, c *client.Client, args []string) error {
			m, err := c.DeadLetter(ctx, args[0], args[1])
			if err != nil {
				return err
			}
			fields := []field{
				{"Message", m.ID},
				{"Lane", m.Lane},
				{"Sent", localTime(m.Sent)},
				{"Died", died(m)},
				{"Received", count(int64(m.ReceiveCount))},
				{"Reason", m.Reason},
			}
			for _, name := range slices.Sorted(maps.Keys(m.Attributes)) {
				fields = append(fields, field{"Attribute " + name, m.Attributes[name]})
			}
			if err := a.printOne(m, fields); err != nil || !a.asTable() {
				return err
			}
			if _, err := io.WriteString(a.Out, "\n"); err != nil {
				return err
			}
			if body := json.RawMessage(m.Body); json.Valid(body) {
				return a.printDocument(body)
			}
			_, err = io.WriteString(a.Out, printable(m.Body)+"\n")
			return err
		}),
	}
}

// oneOrAll checks that either an ID was given, or --all.
func oneOrAll(args []string, all bool) error {
	if all == (len(args) == 2) {
		return problem.New(problem.Invalid, "which dead letters?").WithHint("give either an ID, as dead-letters list shows it, or --all")
	}
	return nil
}

func (a *app) deadLettersRedriveCommand() *cobra.Command {
	var all bool
	c := &cobra.Command{
		Use:     "redrive QUEUE [ID]",
		Short:   "Send a dead letter to its queue again, or all of them",
		Example: "  sundog dead-letters redrive process 01J9ZQ6W3V\n  sundog dead-letters redrive process --all",
		Args:    cobra.RangeArgs(1, 2),
		RunE: a.online(func(ctx context.Context, c *client.Client, args []string) error {
			if err := oneOrAll(args, all); err != nil {
				return err
			}
			id := ""
			if !all {
				id = args[1]
			}
			moved, err := c.Redrive(ctx, args[0], id)
			if err != nil {
				return err
			}
			return a.printOne(moved, []field{{"Sent again", count(moved.Count)}})
		}),
	}
	c.Flags().BoolVar(&all, "all", false, "all dead letters of the queue")
	return c
}

func (a *app) deadLettersDeleteCommand() *cobra.Command {
	var reason string
	c := &cobra.Command{
		Use:     "delete QUEUE ID",
		Short:   "Delete a dead letter for good",
		Example: "  sundog dead-letters delete process 01J9ZQ6W3V --reason 'sent by mistake'",
		Args:    cobra.ExactArgs(2),
		RunE: a.online(func(ctx context.Context, c *client.Client, args []string) error {
			moved, err := c.DeleteDeadLetter(ctx, args[0], args[1], reason)
			if err != nil {
				return err
			}
			return a.printOne(moved, []field{{"Deleted", count(moved.Count)}})
		}),
	}
	c.Flags().StringVar(&reason, "reason", "", "why, in your `words`, for the audit log")
	return c
}

func (a *app) deadLettersPurgeCommand() *cobra.Command {
	var reason string
	var yes bool
	c := &cobra.Command{
		Use:     "purge QUEUE --reason TEXT",
		Short:   "Delete all dead letters of a queue for good",
		Long:    "Delete all dead letters that a queue has now, for good. The reason goes into the audit log.",
		Example: "  sundog dead-letters purge process --reason 'all are of the wrong bucket'",
		Args:    cobra.ExactArgs(1),
		RunE: a.online(func(ctx context.Context, c *client.Client, args []string) error {
			if reason == "" {
				return problem.New(problem.Invalid, "--reason is missing").WithHint("say why: it goes into the audit log")
			}
			q, err := c.Queue(ctx, args[0])
			if err != nil {
				return err
			}
			if err := a.confirm(yes, "Delete %s dead letters of the queue %s for good?", count(q.DeadLetters), q.Name); err != nil {
				return err
			}
			moved, err := c.PurgeDeadLetters(ctx, q.Name, reason)
			if err != nil {
				return err
			}
			return a.printOne(moved, []field{{"Deleted", count(moved.Count)}})
		}),
	}
	c.Flags().StringVar(&reason, "reason", "", "why, in your `words` (required)")
	c.Flags().BoolVar(&yes, "yes", false, "do not ask")
	return c
}
