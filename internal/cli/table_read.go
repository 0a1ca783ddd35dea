package cli

import (
	"context"
	"encoding/json"
	"strconv"

	"github.com/spf13/cobra"

	"sundog/internal/api"
	"sundog/internal/client"
	"sundog/internal/problem"
)

// tablesReadCommand is query or scan.
func (a *app) tablesReadCommand(query bool) *cobra.Command {
	var q client.ItemQuery
	var limit int
	var plain bool
	c := &cobra.Command{
		Use:   "scan TABLE",
		Short: "Print the items of a table or of an index",
		Example: `  sundog tables scan tasks --filter 'workflow_status = :s' --values '{":s": "FAILED"}' --plain
  sundog tables scan sundog-state --limit 0`,
		Args: cobra.ExactArgs(1),
	}
	if query {
		c.Use, c.Short = "query TABLE WHERE", "Print the items of a partition"
		c.Long = `Print the items of a partition, in the order of their sort key. WHERE is a JSON object of conditions on key attributes: a value that the
attribute equals or, on a sort key, an object of one operator: begins_with, between, <, <=, > or >=.`
		c.Example = `  sundog tables query sundog-state '{"collections_workflow": "c_ingest", "state_updated": {"begins_with": "FAILED"}}' --index state_updated
  sundog tables query events '{"device": "d1", "at": {"between": [100, 200]}}' --descending --limit 10`
		c.Args = cobra.ExactArgs(2)
		c.Flags().BoolVar(&q.Descending, "descending", false, "the last first")
	}
	c.RunE = a.online(func(ctx context.Context, c *client.Client, args []string) error {
		if query {
			q.Where = args[1]
		}
		fetch := func(next string, size int) ([]json.RawMessage, string, error) {
			q.Next, q.Limit = next, size
			page, err := c.Items(ctx, args[0], q)
			return page.Items, page.Next, err
		}
		return pages(limit, fetch, func(items []json.RawMessage) error { return a.printItems(items, plain) })
	})
	f := c.Flags()
	f.StringVar(&q.Index, "index", "", "go by the secondary index of this `name`")
	f.StringVar(&q.Filter, "filter", "", "only items that meet this filter `expression` of DynamoDB")
	f.StringVar(&q.Projection, "projection", "", "only these attributes: a projection `expression` of DynamoDB")
	f.IntVar(&limit, "limit", defaultLimit, "at most so `many`; 0 is all")
	addPlaceholders(c, &q.Values, &q.Names)
	addPlain(c, &plain)
	return c
}

// printItems prints items, one on each line; for people without types.
func (a *app) printItems(items []json.RawMessage, plain bool) error {
	texts := make([]json.RawMessage, 0, len(items))
	for _, item := range items {
		text, err := itemText(item, plain || a.asTable())
		if err != nil {
			return err
		}
		texts = append(texts, text)
	}
	return printList(a, texts, []column[json.RawMessage]{{title: "ITEM", cell: func(text json.RawMessage) string { return string(text) }}})
}

func (a *app) tablesStreamCommand() *cobra.Command {
	var after string
	var follow, plain bool
	c := &cobra.Command{
		Use:   "stream TABLE",
		Short: "Print the changes of a table's items, the oldest first",
		Long: `Print the changes of a table's items, the oldest first: those of the last 24 hours or, with --after, those behind one. With --follow it goes
on as changes are made, and begins now.`,
		Example: `  sundog tables stream tasks --follow
  sundog tables stream tasks --after 1722470400000000 --output json | jq -c .new`,
		Args: cobra.ExactArgs(1),
		RunE: a.online(func(ctx context.Context, c *client.Client, args []string) error {
			if follow {
				if after == "" {
					after = "latest"
				}
				return c.Follow(ctx, args[0], after, func(change api.Change) error { return a.printChanges([]api.Change{change}, plain) })
			}
			return a.printStream(ctx, c, args[0], after, plain)
		}),
	}
	f := c.Flags()
	f.StringVar(&after, "after", "", "begin behind the change with this `number`; 0 is the oldest")
	f.BoolVar(&follow, "follow", false, "go on as changes are made")
	addPlain(c, &plain)
	return c
}

// printStream prints what is in a stream behind a position.
func (a *app) printStream(ctx context.Context, c *client.Client, name, after string, plain bool) error {
	position := uint64(0)
	if after != "" {
		var err error
		if position, err = strconv.ParseUint(after, 10, 64); err != nil {
			return problem.New(problem.Invalid, "--after cannot be %q", after).WithHint("the number of a change, or 0")
		}
	}
	for {
		part, err := c.Changes(ctx, name, position, pageSize)
		if err != nil || len(part.Changes) == 0 {
			return err
		}
		if err := a.printChanges(part.Changes, plain); err != nil {
			return err
		}
		position = part.Next
	}
}

func (a *app) printChanges(changes []api.Change, plain bool) error {
	for i := range changes {
		for _, image := range []*json.RawMessage{&changes[i].Keys, &changes[i].Old, &changes[i].New} {
			var err error
			if *image, err = itemText(*image, plain || a.asTable()); err != nil {
				return err
			}
		}
	}
	return printList(a, changes, []column[api.Change]{
		{title: "CHANGE", right: true, cell: func(c api.Change) string { return strconv.FormatUint(c.Sequence, 10) }},
		{title: "AT", cell: func(c api.Change) string { return localTime(c.At) }},
		{title: "EVENT", cell: func(c api.Change) string { return c.Event }},
		{title: "ITEM", cell: func(c api.Change) string {
			if c.New != nil {
				return string(c.New)
			}
			return string(c.Keys)
		}},
	})
}
