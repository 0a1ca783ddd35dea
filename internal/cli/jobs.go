package cli

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"

	"sundog/internal/api"
	"sundog/internal/client"
)

func (a *app) jobsCommand() *cobra.Command {
	return group("jobs", "Look at jobs that run payloads again, and steer them",
		a.jobsListCommand(), a.jobsShowCommand(), a.jobsFailuresCommand(), a.jobsWaitCommand(),
		a.jobsSteerCommand("pause", "Let a job wait until it is resumed"), a.jobsSteerCommand("resume", "Let a paused job go on"),
		a.jobsSteerCommand("cancel", "End a job; what it has sent runs"))
}

func (a *app) jobsListCommand() *cobra.Command {
	var limit int
	c := &cobra.Command{
		Use:     "list",
		Short:   "List jobs, the latest first",
		Example: "  sundog jobs list",
		Args:    cobra.NoArgs,
		RunE: a.online(func(ctx context.Context, c *client.Client, _ []string) error {
			fetch := func(next string, size int) ([]api.Job, string, error) {
				page, err := c.Jobs(ctx, next, size)
				return page.Jobs, page.Next, err
			}
			return pages(limit, fetch, func(jobs []api.Job) error {
				return printList(a, jobs, []column[api.Job]{
					{title: "ID", cell: func(j api.Job) string { return j.ID }},
					{title: "STATE", cell: func(j api.Job) string { return j.State }},
					{title: "CREATED", cell: func(j api.Job) string { return localTime(j.Created) }},
					{title: "RECORDS", right: true, cell: expected},
					{title: "SENT", right: true, cell: func(j api.Job) string { return count(j.Sent) }},
					{title: "SKIPPED", right: true, cell: func(j api.Job) string { return count(j.Skipped) }},
					{title: "FAILED", right: true, cell: func(j api.Job) string { return count(j.Failed) }},
					{title: "RECORDS OF", cell: selected},
				})
			})
		}),
	}
	c.Flags().IntVar(&limit, "limit", defaultLimit, "at most so `many`; 0 is all")
	return c
}

// expected is how many records a job has to look at.
func expected(j api.Job) string {
	if !j.Exact {
		return count(j.Expected) + "+"
	}
	return count(j.Expected)
}

// selected says which records a job is about.
func selected(j api.Job) string {
	f := j.Filter
	var parts []string
	for _, p := range []field{
		{"", f.CollectionsWorkflow}, {"workflow ", f.Workflow}, {"", f.State}, {"since ", f.Since}, {"until ", f.Until}, {"error ", f.ErrorPrefix}, {"items ", f.ItemPrefix},
	} {
		if p.value != "" {
			parts = append(parts, p.name+p.value)
		}
	}
	return strings.Join(parts, ", ")
}

func (a *app) jobsShowCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "show JOB",
		Short:   "Show a job and how far it is",
		Example: "  sundog jobs show dkq3b2x8w1",
		Args:    cobra.ExactArgs(1),
		RunE: a.online(func(ctx context.Context, c *client.Client, args []string) error {
			job, err := c.Job(ctx, args[0])
			return firstOf(err, func() error { return a.printJob(job) })
		}),
	}
}

func (a *app) printJob(j api.Job) error {
	rate := ""
	if j.Rate > 0 {
		rate = fmt.Sprintf("%g a second", j.Rate)
	}
	return a.printOne(j, []field{
		{"Job", j.ID},
		{"State", j.State},
		{"Records of", selected(j)},
		{"From", j.Mode},
		{"Patch", string(j.Patch)},
		{"Lane", j.Lane},
		{"Rate", rate},
		{"Made by", j.Actor},
		{"Reason", j.Reason},
		{"Created", localTime(j.Created)},
		{"Updated", localTime(j.Updated)},
		{"Records", expected(j)},
		{"Looked at", count(j.Seen)},
		{"Sent again", count(j.Sent)},
		{"Skipped", count(j.Skipped)},
		{"Failed", count(j.Failed)},
	})
}

func (a *app) jobsFailuresCommand() *cobra.Command {
	var limit int
	c := &cobra.Command{
		Use:     "failures JOB",
		Short:   "List what a job could not run again, and why",
		Example: "  sundog jobs failures dkq3b2x8w1",
		Args:    cobra.ExactArgs(1),
		RunE: a.online(func(ctx context.Context, c *client.Client, args []string) error {
			fetch := func(next string, size int) ([]api.JobFailure, string, error) {
				page, err := c.JobFailures(ctx, args[0], next, size)
				return page.Failures, page.Next, err
			}
			return pages(limit, fetch, func(failures []api.JobFailure) error {
				return printList(a, failures, []column[api.JobFailure]{
					{title: "PAYLOAD", cell: func(f api.JobFailure) string { return f.PayloadID }},
					{title: "REASON", cell: func(f api.JobFailure) string { return f.Reason }},
				})
			})
		}),
	}
	c.Flags().IntVar(&limit, "limit", defaultLimit, "at most so `many`; 0 is all")
	return c
}

func (a *app) jobsWaitCommand() *cobra.Command {
	w := waiting{}
	c := &cobra.Command{
		Use:     "wait JOB",
		Short:   "Show how far a job is until it has ended; on AWS, carry it out",
		Example: "  sundog jobs wait dkq3b2x8w1 --timeout 1h",
		Args:    cobra.ExactArgs(1),
		RunE: a.online(func(ctx context.Context, c *client.Client, args []string) error {
			if err := w.check(); err != nil {
				return err
			}
			return a.follow(ctx, c, args[0], &w)
		}),
	}
	w.addFlags(c, 0)
	return c
}

func (a *app) jobsSteerCommand(verb, short string) *cobra.Command {
	return &cobra.Command{
		Use:     verb + " JOB",
		Short:   short,
		Example: "  sundog jobs " + verb + " dkq3b2x8w1",
		Args:    cobra.ExactArgs(1),
		RunE: a.online(func(ctx context.Context, c *client.Client, args []string) error {
			job, err := c.SteerJob(ctx, args[0], verb)
			if err == nil && verb == "resume" && a.aws() != nil {
				a.say("on AWS nobody works on it yet: %s manage %s jobs wait %s does", a.deps.Name, a.deployment.Name, args[0])
			}
			return firstOf(err, func() error { return a.printJob(job) })
		}),
	}
}

// follow shows how far a job is until it has ended, and then the job.
func (a *app) follow(ctx context.Context, c *client.Client, id string, w *waiting) error {
	bounded, cancel := w.within(ctx)
	defer cancel()
	look := c.Job
	if a.aws() != nil {
		look = c.WorkJob
		a.say("this command carries the job out; should it end early, %s manage %s jobs wait %s goes on", a.deps.Name, a.deployment.Name, id)
	}
	var bar *mpb.Bar
	if a.ErrTerminal && !a.quiet {
		shown := mpb.NewWithContext(bounded, mpb.WithOutput(a.Err), mpb.WithAutoRefresh(), mpb.WithWidth(40))
		bar = shown.New(0, mpb.BarStyle(), mpb.PrependDecorators(decor.CountersNoUnit("%d / %d ")), mpb.AppendDecorators(decor.AverageETA(decor.ET_STYLE_GO)))
		defer func() {
			bar.Abort(true)
			shown.Wait()
		}()
	}
	var job api.Job
	err := w.poll(bounded, func() (bool, error) {
		var err error
		job, err = look(bounded, id)
		if err == nil && bar != nil {
			bar.SetTotal(max(job.Expected, job.Seen), false)
			bar.SetCurrent(job.Seen)
		}
		return job.State == "DONE" || job.State == "CANCELLED", err
	})
	if err != nil {
		return err
	}
	if bar != nil {
		bar.Abort(true)
	}
	return a.printJob(job)
}
