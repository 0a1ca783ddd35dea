package cli

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"sundog/eventpattern"
	"sundog/internal/api"
	"sundog/internal/client"
	"sundog/internal/problem"
	"sundog/internal/trigger"
)

func (a *app) triggersCommand() *cobra.Command {
	c := group("triggers", "Look at triggers, pause and replay them, try patterns",
		a.triggersListCommand(), a.triggersShowCommand(),
		a.triggerChangeCommand("pause", "Stop a trigger from taking events", (*client.Client).PauseTrigger),
		a.triggerChangeCommand("resume", "Let a paused trigger go on where it was", (*client.Client).ResumeTrigger),
		a.triggersReplayCommand(), a.triggersTestCommand())
	c.Aliases = []string{"trigger"}
	return c
}

func (a *app) triggersListCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "list",
		Short:   "List the triggers with how far they are behind",
		Example: "  sundog triggers list",
		Args:    cobra.NoArgs,
		RunE: a.online(func(ctx context.Context, c *client.Client, _ []string) error {
			all, err := c.Triggers(ctx)
			if err != nil {
				return err
			}
			return printList(a, all.Triggers, []column[api.Trigger]{
				{title: "TRIGGER", cell: func(t api.Trigger) string { return t.Name }},
				{title: "SOURCE", cell: func(t api.Trigger) string { return t.Source }},
				{title: "TARGET", cell: func(t api.Trigger) string { return t.Target }},
				{title: "STATE", cell: triggerState},
				{title: "LAG", right: true, cell: func(t api.Trigger) string { return upTo(t.Lag.Events) }},
				{title: "AGE", right: true, cell: func(t api.Trigger) string { return age(t.Lag.Seconds) }},
				{title: "WAITING", right: true, cell: func(t api.Trigger) string { return upTo(t.Waiting) }},
				{title: "DEAD", right: true, cell: func(t api.Trigger) string { return count(t.DeadLetters) }},
			})
		}),
	}
}

func triggerState(t api.Trigger) string {
	if t.Paused {
		return "PAUSED"
	}
	return "RUNNING"
}

// upTo is a number of events of a trigger, which the server counts up to a bound.
func upTo(n int) string {
	const most = 10_000
	if n >= most {
		return count(most) + "+"
	}
	return count(int64(n))
}

func (a *app) printTrigger(t api.Trigger) error {
	return a.printOne(t, []field{
		{"Trigger", t.Name},
		{"Source", t.Source},
		{"Target", t.Target},
		{"State", triggerState(t)},
		{"Position", t.Position},
		{"Lag", upTo(t.Lag.Events)},
		{"Age", age(t.Lag.Seconds)},
		{"Waiting", upTo(t.Waiting)},
		{"Replays", count(int64(t.Replays))},
		{"Queue", t.Queue},
		{"Dead letters", count(t.DeadLetters)},
	})
}

func (a *app) triggersShowCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "show NAME",
		Short:   "Show one trigger: where it is, how far behind, its dead letters",
		Example: "  sundog triggers show new-task",
		Args:    cobra.ExactArgs(1),
		RunE: a.online(func(ctx context.Context, c *client.Client, args []string) error {
			t, err := c.Trigger(ctx, args[0])
			if err != nil {
				return err
			}
			return a.printTrigger(t)
		}),
	}
}

func (a *app) triggerChangeCommand(name, short string, change func(*client.Client, context.Context, string) (api.Trigger, error)) *cobra.Command {
	return &cobra.Command{
		Use:     name + " NAME",
		Short:   short,
		Example: "  sundog triggers " + name + " new-task",
		Args:    cobra.ExactArgs(1),
		RunE: a.online(func(ctx context.Context, c *client.Client, args []string) error {
			t, err := change(c, ctx, args[0])
			if err != nil {
				return err
			}
			return a.printTrigger(t)
		}),
	}
}

func (a *app) triggersReplayCommand() *cobra.Command {
	var from string
	c := &cobra.Command{
		Use:   "replay NAME",
		Short: "Let a trigger handle events again that its source still has",
		Long: `Let a trigger go back to an earlier event of a table's stream, or of the workflow events, and handle everything from there again.
Executions get names of their own: each event starts what it started before once more.`,
		Example: "  sundog triggers replay new-task --from 2h\n  sundog triggers replay new-task --from 2026-01-31T12:00:00Z",
		Args:    cobra.ExactArgs(1),
		RunE: a.online(func(ctx context.Context, c *client.Client, args []string) error {
			t, err := c.ReplayTrigger(ctx, args[0], api.Replay{From: from})
			if err != nil {
				return err
			}
			return a.printTrigger(t)
		}),
	}
	c.Flags().StringVar(&from, "from", "", "the first `event`: its sequence number, a time, or how long ago; the oldest that is kept when missing")
	return c
}

// maxEvent bounds the event that a pattern is tried with.
const maxEvent = 4 << 20

// trial is what a pattern and a template make of an event.
type trial struct {
	Matches bool            `json:"matches"`
	Input   json.RawMessage `json:"input,omitempty"`
}

func (a *app) triggersTestCommand() *cobra.Command {
	var template string
	c := &cobra.Command{
		Use:   "test PATTERN [EVENT]",
		Short: "Try an event pattern with an event, without a server",
		Long: `Try an event pattern with an event from a file or standard input, and show whether it matches. PATTERN is JSON, or @FILE.
With --input, which is JSON or @FILE as well, the input that a trigger would make of the event is shown too. Needs no server.`,
		Example: "  sundog trigger test '{\"detail\":{\"state\":[{\"prefix\":\"run\"}]}}' < event.json\n  sundog trigger test @pattern.json event.json --input '{\"id\": \"<$.detail.id>\"}'",
		Args:    cobra.RangeArgs(1, 2),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.tryPattern(cmd.Context(), args, template)
		},
	}
	c.Flags().StringVar(&template, "input", "", "a `template` of the input, to be shown")
	return c
}

func (a *app) tryPattern(ctx context.Context, args []string, template string) error {
	spec := trigger.Spec{Name: "test"}
	var err error
	if spec.Filter, err = argument(args[0], eventpattern.MaxLength); err != nil {
		return err
	}
	if template != "" {
		if spec.Input, err = argument(template, eventpattern.MaxLength); err != nil {
			return err
		}
	}
	t, err := trigger.New(spec)
	if wrong, ok := errors.AsType[*trigger.TemplateError](err); ok {
		return problem.Wrap(problem.Invalid, wrong, "reading --input").WithHint("placeholders are written <$.path>")
	}
	if err != nil {
		return problem.Wrap(problem.Invalid, errors.Unwrap(err), "reading the pattern").WithHint("the operators are those of EventBridge")
	}
	text, err := a.readDocument(ctx, args[1:], maxEvent)
	if err != nil {
		return err
	}
	if !json.Valid(text) {
		return problem.New(problem.Invalid, "the event is no JSON document")
	}
	var out trial
	var input []byte
	if input, out.Matches, err = t.Input(trigger.Event{ID: "test", Body: text}); err != nil {
		return problem.Wrap(problem.Invalid, err, "making the input")
	}
	answer := "no"
	if out.Matches {
		answer = "yes"
	}
	fields := []field{{"Matches", answer}}
	if template != "" && out.Matches {
		out.Input = input
		fields = append(fields, field{"Input", string(input)})
	}
	return a.printOne(out, fields)
}

// argument is a text, or that of the file whose name stands behind an @.
func argument(text string, limit int64) ([]byte, error) {
	name, isFile := strings.CutPrefix(text, "@")
	if !isFile {
		return []byte(text), nil
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, problem.Wrap(fileKind(err), err, "reading %s", name)
	}
	defer func() { _ = f.Close() }() // only read from
	content, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err != nil {
		return nil, problem.Wrap(problem.Invalid, err, "reading %s", name)
	}
	return content, nil
}
