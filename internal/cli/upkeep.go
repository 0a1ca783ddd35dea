package cli

import (
	"context"
	"path/filepath"

	"github.com/spf13/cobra"

	"sundog/internal/api"
	"sundog/internal/client"
	"sundog/internal/problem"
)

func (a *app) reconcileCommand() *cobra.Command {
	var req api.Reconcile
	c := &cobra.Command{
		Use:   "reconcile",
		Short: "Find records that nobody works on, and settle them",
		Long: `Find the records that have been CLAIMED or PROCESSING for long though their execution has ended or is not there, and settle them: they are
completed, sent again, or fail with the reason. The server does so every five minutes by itself.`,
		Example: "  sundog reconcile --dry-run\n  sundog reconcile --foreign",
		Args:    cobra.NoArgs,
		RunE: a.online(func(ctx context.Context, c *client.Client, _ []string) error {
			end := a.waiting(ctx, "looking at records and their executions")
			report, err := c.Reconcile(ctx, req)
			end()
			if err != nil {
				return err
			}
			if !a.asTable() {
				return a.printJSON(report)
			}
			if len(report.Findings) > 0 {
				err = printList(a, report.Findings, []column[api.Finding]{
					{title: "PAYLOAD", cell: func(f api.Finding) string { return f.PayloadID }},
					{title: "STATE", cell: func(f api.Finding) string { return f.State }},
					{title: "UPDATED", cell: func(f api.Finding) string { return localText(f.Updated) }},
					{title: "PROBLEM", cell: func(f api.Finding) string { return f.Problem }},
					{title: "SETTLEMENT", cell: func(f api.Finding) string { return f.Settlement }},
					{title: "ERROR", cell: func(f api.Finding) string { return f.Error }},
				})
			}
			for _, n := range report.Counts {
				a.say("%s, %s: %d", n.Problem, n.Settlement, n.Count)
			}
			a.say("%d records have been open for long; %d of them run", report.Records, report.Running)
			return err
		}),
	}
	c.Flags().BoolVar(&req.DryRun, "dry-run", false, "change nothing")
	c.Flags().BoolVar(&req.Foreign, "foreign", false, "abort the records whose executions belong to other deployments")
	return c
}

func (a *app) migrateCommand() *cobra.Command {
	var req api.Migrate
	c := &cobra.Command{
		Use:   "migrate",
		Short: "Rewrite records of version 1 as version 2 has them",
		Long: `Rewrite records of version 1, such as those that were imported: COMPLETED becomes SUCCEEDED, claimed_at is set where it is missing, errors stay
with what failed and outputs with what succeeded. To do it again does no harm.`,
		Example: "  sundog migrate --dry-run",
		Args:    cobra.NoArgs,
		RunE: a.online(func(ctx context.Context, c *client.Client, _ []string) error {
			end := a.waiting(ctx, "rewriting records")
			done, err := c.Migrate(ctx, req)
			end()
			if err != nil {
				return err
			}
			changed := "Changed"
			if req.DryRun {
				changed = "To be changed"
			}
			return a.printOne(done, []field{{"Records", count(done.Records)}, {changed, count(done.Changed)}, {"Skipped", count(done.Skipped)}})
		}),
	}
	c.Flags().BoolVar(&req.DryRun, "dry-run", false, "change nothing")
	return c
}

func (a *app) backupCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "backup DIR",
		Short: "Copy the data directory while the server runs",
		Long: `Have the server copy its data directory into a folder of its own machine, which must not exist yet, while everything goes on. The copy is a
data directory itself: to restore it, stop the server, put the copy in the place of the other and start again.`,
		Example: "  sundog backup /var/backups/sundog-monday",
		Args:    cobra.ExactArgs(1),
		RunE: a.online(func(ctx context.Context, c *client.Client, args []string) error {
			dir, err := filepath.Abs(args[0])
			if err != nil {
				return problem.Wrap(problem.Invalid, err, "the folder of the backup")
			}
			end := a.waiting(ctx, "copying the data directory")
			done, err := c.Backup(ctx, dir)
			end()
			if err != nil {
				return err
			}
			return a.printOne(done, []field{{"Backup", done.Dir}})
		}),
	}
}

func (a *app) auditCommand() *cobra.Command {
	var q client.AuditQuery
	var limit int
	c := &cobra.Command{
		Use:     "audit",
		Short:   "Show who did what to what, when, and why",
		Example: "  sundog audit --since 7d --kind delete\n  sundog audit --subject sentinel-2-l2a/workflow-ingest/S2A_T07HFE_20190212",
		Args:    cobra.NoArgs,
		RunE: a.online(func(ctx context.Context, c *client.Client, _ []string) error {
			fetch := func(next string, size int) ([]api.AuditEntry, string, error) {
				q.Next, q.Limit = next, size
				page, err := c.Audit(ctx, q)
				return page.Entries, page.Next, err
			}
			return pages(limit, fetch, func(entries []api.AuditEntry) error {
				return printList(a, entries, []column[api.AuditEntry]{
					{title: "TIME", cell: func(e api.AuditEntry) string { return localTime(e.At) }},
					{title: "KIND", cell: func(e api.AuditEntry) string { return e.Kind }},
					{title: "ACTOR", cell: func(e api.AuditEntry) string { return e.Actor }},
					{title: "SUBJECT", cell: func(e api.AuditEntry) string { return e.Subject }},
					{title: "REASON", cell: func(e api.AuditEntry) string { return e.Reason }},
				})
			})
		}),
	}
	f := c.Flags()
	f.StringVar(&q.Kind, "kind", "", "only this `kind`: rerun, delete, stop, redrive, job, reconcile, import, migrate, purge, trigger")
	f.StringVar(&q.Actor, "actor", "", "only what this `actor` did")
	f.StringVar(&q.Subject, "subject", "", "only what was done to this `subject`: a payload id, an execution's ARN, a queue")
	f.StringVar(&q.Since, "since", "", "only since: how long `ago` (7d, 24h, 30m), or a time in RFC 3339")
	f.StringVar(&q.Until, "until", "", "only before: how long `ago`, or a time in RFC 3339")
	f.IntVar(&limit, "limit", defaultLimit, "at most so `many`, the latest first; 0 is all")
	return c
}
