package cli

import (
	"context"

	"github.com/spf13/cobra"

	"sundog/internal/api"
	"sundog/internal/client"
	"sundog/internal/problem"
)

func (a *app) exportCommand() *cobra.Command {
	var q client.RecordQuery
	c := &cobra.Command{
		Use:   "export",
		Short: "Print records as DynamoDB items, one per line, as import reads them",
		Example: `  sundog export > records.ndjson
  sundog export --workflow ingest --state SUCCEEDED > ingested.ndjson`,
		Args: cobra.NoArgs,
		RunE: a.online(func(ctx context.Context, c *client.Client, _ []string) error {
			bar := a.progress(ctx, 0, a.ErrTerminal && !a.OutTerminal && !a.quiet, false)
			defer bar.end()
			return c.Export(ctx, q, bar.writer(a.Out))
		}),
	}
	addFilters(c, &q)
	return c
}

func (a *app) importCommand() *cobra.Command {
	var overwrite bool
	c := &cobra.Command{
		Use:   "import [FILE]",
		Short: "Bring in records: DynamoDB items, or a scan of a table",
		Long: `Bring in records from a file, or from standard input: DynamoDB items, one on each line, or the documents that a scan of a table prints. Records
that are there already stay, and so do those that an execution holds here. Records of version 1 are kept as they are; see migrate.

When it is cut off it can be done again.`,
		Example: `  sundog import records.ndjson
  aws dynamodb scan --table-name cirrus-dev-state | sundog import - --overwrite`,
		Args: cobra.MaximumNArgs(1),
		RunE: a.online(func(ctx context.Context, c *client.Client, args []string) error {
			in, err := a.open(ctx, args)
			if err != nil {
				return err
			}
			defer func() { _ = in.close() }()
			bar := a.progress(ctx, in.size, a.ErrTerminal && !a.quiet, false)
			done, err := c.Import(ctx, bar.reader(in), overwrite)
			bar.end()
			if err != nil {
				return err
			}
			return a.imported(in.name, done)
		}),
	}
	c.Flags().BoolVar(&overwrite, "overwrite", false, "replace the records that are there already")
	return c
}

// imported prints what an import has done. That records are malformed is an error.
func (a *app) imported(name string, done api.Imported) error {
	err := a.printOne(done, []field{
		{"Stored", count(done.Stored)},
		{"There already", count(done.Existing)},
		{"Held by executions", count(done.Held)},
		{"Malformed", count(done.Malformed)},
	})
	if err != nil || done.Malformed == 0 {
		return err
	}
	for _, c := range done.Complaints {
		a.complain("%s: record %d: %s", name, c.Record, c.Error)
	}
	return problem.New(problem.Invalid, "%d records of %s are malformed", done.Malformed, name)
}
