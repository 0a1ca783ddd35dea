package cli

import (
	"context"
	"encoding/json"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"sundog/internal/api"
	"sundog/internal/client"
	"sundog/internal/problem"
)

// maxPatch bounds the file of a patch.
const maxPatch = 64 << 10

func (a *app) rerunCommand() *cobra.Command {
	var q client.RecordQuery
	var req api.CreateJob
	var patch string
	var all, yes, wait bool
	w := waiting{}
	c := &cobra.Command{
		Use:   "rerun",
		Short: "Run the payloads of many records again",
		Long: `Run the payloads of the records that the flags select again, as a job that the server carries out, which survives a restart: sundog jobs shows how
far it is, pauses, resumes and cancels it. Without --yes it is only shown what the job would do.

From the start (the default), a payload is put into the process queue with its stored input, to which a patch can be applied: an object is a JSON merge patch (RFC 7396), a list one of operations (JSON Patch, RFC 6902), which reach into lists.
With --from failed the last execution goes on from its unsuccessful states. Records that an execution holds are left alone, and so are those that have
run since the job was made.

On AWS the command itself carries the job out, so it waits for its end; after an interruption, jobs wait goes on.`,
		Example: `  sundog rerun --workflow ingest --state FAILED --since 7d
  sundog rerun --workflow ingest --state FAILED --since 7d --error-prefix TimeoutError --lane bulk --reason 'the archive is back' --yes --wait
  sundog rerun --collections-workflow sentinel-2-l2a_ingest --state FAILED --from failed --rate 50 --yes
  sundog rerun --state FAILED --patch '[{"op":"add","path":"/process/0/tasks/reproject/resampling","value":"cubic"}]' --yes`,
		Args: cobra.NoArgs,
		RunE: a.online(func(ctx context.Context, c *client.Client, _ []string) error {
			req.Filter = api.JobFilter{
				CollectionsWorkflow: q.CollectionsWorkflow, Workflow: q.Workflow, State: q.State, Since: q.Since, Until: q.Until,
				ErrorPrefix: q.ErrorPrefix, ItemPrefix: q.ItemPrefix,
			}
			if req.Filter == (api.JobFilter{}) && !all {
				return problem.New(problem.Invalid, "no flag says which records").WithHint("such as --workflow ingest --state FAILED; --all is really all of them")
			}
			var err error
			if req.Patch, err = a.patch(patch); err != nil {
				return err
			}
			if !yes {
				return a.previewRerun(ctx, c, req)
			}
			if err := w.check(); err != nil {
				return err
			}
			job, err := c.CreateJob(ctx, req)
			if err != nil || !wait && a.aws() == nil {
				return firstOf(err, func() error { return a.printJob(job) })
			}
			return a.follow(ctx, c, job.ID, &w)
		}),
	}
	addFilters(c, &q)
	f := c.Flags()
	f.BoolVar(&all, "all", false, "every record, where no other flag selects some")
	f.StringVar(&req.Mode, "from", "start", "`where` an execution begins again: start or failed")
	f.StringVar(&patch, "patch", "", "a change of the inputs, as JSON: the `text` itself, or @FILE")
	f.StringVar(&req.Lane, "lane", "", "the `lane` of the process queue: live (the first) or bulk")
	f.Float64Var(&req.Rate, "rate", 0, "at most so many `records` a second; 0 is as fast as the lane allows")
	f.Int64Var(&req.Limit, "limit", 0, "look at so `many` records at most, the latest first; 0 is all")
	f.StringVar(&req.Reason, "reason", "", "why, in your `words`, for the audit log")
	f.BoolVar(&yes, "yes", false, "make the job; without it, only show what it would do")
	f.BoolVar(&wait, "wait", false, "show how far the job is until it has ended")
	w.addFlags(c, 0)
	return c
}

// firstOf returns an error, or what comes of going on when there is none.
func firstOf(err error, then func() error) error {
	if err != nil {
		return err
	}
	return then()
}

// patch reads what --patch gives.
func (a *app) patch(text string) (json.RawMessage, error) {
	if file, ok := strings.CutPrefix(text, "@"); ok {
		f, err := os.Open(file)
		if err != nil {
			return nil, problem.Wrap(fileKind(err), err, "reading the patch")
		}
		defer func() { _ = f.Close() }()
		content, err := io.ReadAll(io.LimitReader(f, maxPatch+1))
		if err != nil {
			return nil, problem.Wrap(problem.Invalid, err, "reading the patch")
		}
		text = string(content)
	}
	if text == "" {
		return nil, nil
	}
	if len(text) > maxPatch || !json.Valid([]byte(text)) {
		return nil, problem.New(problem.Invalid, "the patch is no JSON document of up to %d bytes", maxPatch).
			WithHint(`such as --patch '[{"op":"add","path":"/process/0/tasks/reproject/resampling","value":"cubic"}]'`)
	}
	return json.RawMessage(text), nil
}

// previewRerun shows what a job would do.
func (a *app) previewRerun(ctx context.Context, c *client.Client, req api.CreateJob) error {
	p, err := c.PreviewJob(ctx, req)
	if err != nil {
		return err
	}
	if !a.asTable() {
		return a.printJSON(p)
	}
	records := count(p.Records)
	if !p.Exact {
		records = "at least " + records
	}
	fields := []field{{"Records", records}, {"Oldest", localText(p.Oldest)}, {"Newest", localText(p.Newest)}}
	for i, id := range p.Sample {
		name := ""
		if i == 0 {
			name = "The latest"
		}
		fields = append(fields, field{name, id})
	}
	if err := a.printOne(p, fields); err != nil {
		return err
	}
	if len(p.Errors) > 0 {
		if err := printList(a, p.Errors, errorColumns()); err != nil {
			return err
		}
	}
	a.say("nothing was started; --yes starts it")
	return nil
}
