package cli

import (
	"context"

	"github.com/spf13/cobra"

	"sundog/internal/api"
	"sundog/internal/client"
)

func (a *app) errorsCommand() *cobra.Command {
	var q client.RecordQuery
	var records int
	c := &cobra.Command{
		Use:   "errors",
		Short: "Count the most frequent errors of records",
		Long: `Count the errors of the records that the flags select, the most frequent first. Errors are the same when they have the same type
and the same shape: their text without what changes from one record to the next, such as numbers and ids.`,
		Example: `  sundog errors --since 7d
  sundog errors --workflow ingest --state FAILED --records 1000000`,
		Args: cobra.NoArgs,
		RunE: a.online(func(ctx context.Context, c *client.Client, _ []string) error {
			found, err := c.Errors(ctx, q, records)
			if err != nil {
				return err
			}
			err = printList(a, found.Groups, errorColumns())
			if found.Other > 0 {
				a.say("%d more errors are of too many kinds to list", found.Other)
			}
			if !found.Complete {
				a.say("only the latest records were looked at; --records looks at more")
			}
			return err
		}),
	}
	addFilters(c, &q)
	c.Flags().IntVar(&records, "records", 0, "look at so `many` records, the latest first (default 20000)")
	return c
}

func errorColumns() []column[api.ErrorGroup] {
	return []column[api.ErrorGroup]{
		{title: "COUNT", right: true, cell: func(g api.ErrorGroup) string { return count(g.Count) }},
		{title: "TYPE", cell: func(g api.ErrorGroup) string { return g.Type }},
		{title: "SHAPE", cell: func(g api.ErrorGroup) string { return g.Shape }},
		{title: "FIRST", cell: func(g api.ErrorGroup) string { return localText(g.First) }},
		{title: "LAST", cell: func(g api.ErrorGroup) string { return localText(g.Last) }},
		{title: "EXAMPLE", cell: func(g api.ErrorGroup) string { return g.Example.PayloadID }},
	}
}
