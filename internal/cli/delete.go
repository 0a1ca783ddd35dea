package cli

import (
	"context"

	"github.com/spf13/cobra"

	"sundog/internal/client"
	"sundog/internal/problem"
)

func (a *app) deleteCommand() *cobra.Command {
	var reason string
	var held bool
	c := &cobra.Command{
		Use:   "delete PAYLOAD_ID... --reason TEXT",
		Short: "Delete records with their stored payloads and executions",
		Long: `Delete the records of payloads with their stored payloads and ended executions, for good. The reason goes into the audit log. What was
published stays. Of several, those that cannot be deleted are named, and the others are deleted.`,
		Example: "  sundog delete sentinel-2-l2a/workflow-ingest/S2A_T07HFE_20190212 --reason 'a test scene'",
		Args:    cobra.MinimumNArgs(1),
		RunE: a.online(func(ctx context.Context, c *client.Client, args []string) error {
			if reason == "" {
				return problem.New(problem.Invalid, "--reason is missing").WithHint("say why: it goes into the audit log")
			}
			var first error
			failed := 0
			for _, id := range args {
				deleted, err := c.DeleteRecord(ctx, id, reason, held)
				if ctx.Err() != nil {
					return context.Cause(ctx)
				}
				if err == nil {
					err = a.printOne(deleted, []field{{"Deleted", deleted.PayloadID}})
					if err != nil {
						return err
					}
					continue
				}
				if len(args) == 1 {
					return err
				}
				a.complain("%s: %s", id, err.Error())
				if failed++; first == nil {
					first = err
				}
			}
			if failed > 0 {
				return problem.New(problem.KindOf(first), "%d of %d records were not deleted", failed, len(args))
			}
			return nil
		}),
	}
	c.Flags().StringVar(&reason, "reason", "", "why, in your `words` (required)")
	c.Flags().BoolVar(&held, "held", false, "also records that an execution holds; when that ends, there will be a record again")
	return c
}
