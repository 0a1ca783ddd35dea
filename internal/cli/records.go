package cli

import (
	"context"
	"strings"

	"github.com/spf13/cobra"

	"sundog/internal/api"
	"sundog/internal/client"
)

func (a *app) getStateCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "get-state PAYLOAD_ID",
		Short:   "Print the record of a payload",
		Example: "  sundog get-state sentinel-2-l2a/workflow-ingest/S2A_T07HFE_20190212",
		Args:    cobra.ExactArgs(1),
		RunE: a.online(func(ctx context.Context, c *client.Client, args []string) error {
			r, err := c.Record(ctx, args[0])
			if err != nil {
				return err
			}
			return a.printOne(r, []field{
				{"Payload", r.PayloadID},
				{"State", r.State},
				{"Created", localText(r.Created)},
				{"Claimed", localText(r.ClaimedAt)},
				{"Updated", localText(r.Updated)},
				{"Last error", r.LastError},
				{"Executions", strings.Join(r.Executions, "\n")},
				{"Outputs", strings.Join(r.Outputs, "\n")},
				{"Input payload", r.InputPayloadURL},
				{"Output payload", r.OutputPayloadURL},
				{"Attributes", string(r.Attributes)},
			})
		}),
	}
}

// getPayloadCommand is get-input-payload or get-output-payload.
func (a *app) getPayloadCommand(which string) *cobra.Command {
	return &cobra.Command{
		Use:     "get-" + which + "-payload PAYLOAD_ID",
		Short:   "Print the " + which + " payload of a payload's last execution",
		Example: "  sundog get-" + which + "-payload sentinel-2-l2a/workflow-ingest/S2A_T07HFE_20190212 > payload.json",
		Args:    cobra.ExactArgs(1),
		RunE: a.online(func(ctx context.Context, c *client.Client, args []string) error {
			doc, err := c.Payload(ctx, args[0], which)
			if err != nil {
				return err
			}
			return a.printDocument(doc)
		}),
	}
}

func (a *app) statsCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "stats",
		Short:   "Count the records by collections, workflow and state",
		Example: "  sundog stats",
		Args:    cobra.NoArgs,
		RunE: a.online(func(ctx context.Context, c *client.Client, _ []string) error {
			stats, err := c.Stats(ctx)
			if err != nil {
				return err
			}
			return printList(a, stats.Counts, []column[api.Count]{
				{title: "COLLECTIONS", cell: func(n api.Count) string { return n.Collections }},
				{title: "WORKFLOW", cell: func(n api.Count) string { return n.Workflow }},
				{title: "STATE", cell: func(n api.Count) string { return n.State }},
				{title: "RECORDS", right: true, cell: func(n api.Count) string { return count(n.Count) }},
			})
		}),
	}
}
