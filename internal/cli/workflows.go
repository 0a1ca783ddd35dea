package cli

import (
	"context"

	"github.com/spf13/cobra"

	"sundog/internal/api"
	"sundog/internal/client"
)

func (a *app) workflowsCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "workflows",
		Short:   "List the workflows of the server's project",
		Example: "  sundog workflows",
		Args:    cobra.NoArgs,
		RunE: a.online(func(ctx context.Context, c *client.Client, _ []string) error {
			all, err := c.Workflows(ctx)
			if err != nil {
				return err
			}
			return printList(a, all.Workflows, []column[api.Workflow]{
				{title: "WORKFLOW", cell: func(w api.Workflow) string { return w.Name }},
				{title: "TYPE", cell: func(w api.Workflow) string { return w.Type }},
				{title: "ARN", cell: func(w api.Workflow) string { return w.ARN }},
			})
		}),
	}
}

func (a *app) getWorkflowDefinitionCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "get-workflow-definition WORKFLOW",
		Short:   "Print the States Language definition of a workflow",
		Example: "  sundog get-workflow-definition ingest > ingest.asl.json",
		Args:    cobra.ExactArgs(1),
		RunE: a.online(func(ctx context.Context, c *client.Client, args []string) error {
			w, err := c.Workflow(ctx, args[0])
			if err != nil {
				return err
			}
			return a.printDocument(w.Definition)
		}),
	}
}
