package cli

import (
	"context"
	"encoding/json"

	"github.com/spf13/cobra"

	"sundog/internal/api"
	"sundog/internal/client"
	"sundog/internal/problem"
	"sundog/internal/table"
)

// maxItemText bounds the text of an item that is sent, above what any table takes.
const maxItemText = 4 << 20

func (a *app) tablesCommand() *cobra.Command {
	return group("tables", "Look at tables, their items and streams, or change items",
		a.tablesListCommand(), a.tablesShowCommand(), a.tablesGetCommand(), a.tablesPutCommand(), a.tablesDeleteCommand(),
		a.tablesReadCommand(true), a.tablesReadCommand(false), a.tablesStreamCommand())
}

func (a *app) tablesListCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "list",
		Short:   "List the tables with how much is in them",
		Example: "  sundog tables list",
		Args:    cobra.NoArgs,
		RunE: a.online(func(ctx context.Context, c *client.Client, _ []string) error {
			fetch := func(next string, size int) ([]api.Table, string, error) {
				page, err := c.Tables(ctx, next, size)
				return page.Tables, page.Next, err
			}
			return pages(0, fetch, func(tables []api.Table) error {
				return printList(a, tables, []column[api.Table]{
					{title: "TABLE", cell: func(t api.Table) string { return t.Name }},
					{title: "KEY", cell: func(t api.Table) string { return keyText(t.PartitionKey, t.SortKey) }},
					{title: "ITEMS", right: true, cell: func(t api.Table) string { return count(t.Items) }},
					{title: "BYTES", right: true, cell: func(t api.Table) string { return count(t.Bytes) }},
					{title: "STREAM", cell: func(t api.Table) string { return t.Stream }},
				})
			})
		}),
	}
}

func keyText(partition api.TableKey, sort *api.TableKey) string {
	text := partition.Name + " (" + partition.Type + ")"
	if sort != nil {
		text += ", " + sort.Name + " (" + sort.Type + ")"
	}
	return text
}

func (a *app) tablesShowCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "show TABLE",
		Short:   "Show one table with its indexes",
		Example: "  sundog tables show tasks",
		Args:    cobra.ExactArgs(1),
		RunE: a.online(func(ctx context.Context, c *client.Client, args []string) error {
			t, err := c.Table(ctx, args[0])
			if err != nil {
				return err
			}
			fields := []field{
				{"Table", t.Name},
				{"Key", keyText(t.PartitionKey, t.SortKey)},
				{"Items", count(t.Items)},
				{"Bytes", count(t.Bytes)},
				{"Stream", t.Stream},
				{"TTL", t.TTL},
				{"Created", localTime(t.Created)},
			}
			for _, x := range t.Indexes {
				fields = append(fields, field{"Index " + x.Name, keyText(x.PartitionKey, x.SortKey) + ", " + x.Projection})
			}
			switch {
			case t.ReadOnly:
				fields = append(fields, field{"Changed by", "workflows alone: the state database"})
			case t.Declared:
				fields = append(fields, field{"Declared by", "sundog.yaml"})
			}
			return a.printOne(t, fields)
		}),
	}
}

func (a *app) tablesGetCommand() *cobra.Command {
	var plain bool
	c := &cobra.Command{
		Use:     "get TABLE KEY",
		Short:   "Print an item",
		Long:    `Print an item. KEY is its key in plain JSON. The item is printed in the form of DynamoDB, with --plain as JSON without types.`,
		Example: `  sundog tables get tasks '{"PK": "TASK#100"}'`,
		Args:    cobra.ExactArgs(2),
		RunE: a.online(func(ctx context.Context, c *client.Client, args []string) error {
			found, err := c.Item(ctx, args[0], args[1])
			if err != nil {
				return err
			}
			text, err := itemText(found.Item, plain)
			if err != nil {
				return err
			}
			return a.printDocument(text)
		}),
	}
	addPlain(c, &plain)
	return c
}

func addPlain(c *cobra.Command, plain *bool) {
	c.Flags().BoolVar(plain, "plain", false, "print items as JSON without types")
}

// itemText is an item as it is printed.
func itemText(item json.RawMessage, plain bool) (json.RawMessage, error) {
	if !plain || item == nil {
		return item, nil
	}
	parsed, err := table.ParseItem(item)
	if err != nil {
		return nil, problem.Wrap(problem.Unavailable, err, "reading an item of the server")
	}
	return parsed.Plain(), nil
}

// addCondition adds the flags that say what an item has to meet to be changed.
func addCondition(c *cobra.Command, when *client.Condition) {
	f := c.Flags()
	f.StringVar(&when.Expression, "condition", "", "only when the item meets this condition `expression` of DynamoDB")
	addPlaceholders(c, &when.Values, &when.Names)
}

func addPlaceholders(c *cobra.Command, values, names *string) {
	f := c.Flags()
	f.StringVar(values, "values", "", "what :placeholders of expressions stand for, as `JSON`: {\":limit\": 5}")
	f.StringVar(names, "names", "", "what #placeholders of expressions stand for, as `JSON`: {\"#s\": \"status\"}")
}

func (a *app) tablesPutCommand() *cobra.Command {
	var when client.Condition
	var plain bool
	c := &cobra.Command{
		Use:   "put TABLE [FILE|-]",
		Short: "Put an item, from a file or standard input",
		Long: `Put an item, from a file or standard input, in the form of DynamoDB or, with --plain, as JSON without types. An item that was there with the
same key is replaced, and printed.`,
		Example: `  echo '{"PK": {"S": "TASK#100"}, "task_id": {"S": "100"}}' | sundog tables put tasks --create
  echo '{"PK": "TASK#100", "task_id": "100"}' | sundog tables put tasks --plain`,
		Args: cobra.RangeArgs(1, 2),
		RunE: a.online(func(ctx context.Context, c *client.Client, args []string) error {
			item, err := a.readDocument(ctx, args[1:], maxItemText)
			if err != nil {
				return err
			}
			if plain {
				parsed, err := table.ParsePlain(item)
				if err != nil {
					return problem.Wrap(problem.Invalid, err, "reading the item")
				}
				if item, err = parsed.MarshalJSON(); err != nil {
					return err
				}
			}
			old, err := c.PutItem(ctx, args[0], item, when)
			return a.printOld(old, err, plain)
		}),
	}
	c.Flags().BoolVar(&when.Create, "create", false, "only when there is no item with that key")
	addCondition(c, &when)
	c.Flags().BoolVar(&plain, "plain", false, "the item is JSON without types")
	return c
}

// printOld prints the item that was there before, if there was one.
func (a *app) printOld(old api.Item, err error, plain bool) error {
	if err != nil || old.Item == nil {
		return err
	}
	text, err := itemText(old.Item, plain)
	if err != nil {
		return err
	}
	return a.printDocument(text)
}

func (a *app) tablesDeleteCommand() *cobra.Command {
	var when client.Condition
	var plain bool
	c := &cobra.Command{
		Use:     "delete TABLE KEY",
		Short:   "Delete an item, and print it",
		Example: `  sundog tables delete tasks '{"PK": "TASK#100"}' --condition 'workflow_status = :s' --values '{":s": "SUCCESS"}'`,
		Args:    cobra.ExactArgs(2),
		RunE: a.online(func(ctx context.Context, c *client.Client, args []string) error {
			old, err := c.DeleteItem(ctx, args[0], args[1], when)
			return a.printOld(old, err, plain)
		}),
	}
	addCondition(c, &when)
	addPlain(c, &plain)
	return c
}
