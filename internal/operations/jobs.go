package operations

import (
	"context"
	"net/http"
	"time"

	"sundog/internal/access"
	"sundog/internal/api"
	"sundog/internal/request"
	"sundog/internal/rerun"
)

// Reruns are the jobs of a platform that run payloads again.
type Reruns interface {
	Create(ctx context.Context, req rerun.Request) (rerun.Job, error)
	Preview(ctx context.Context, req rerun.Request) (rerun.Preview, error)
	Get(ctx context.Context, id string) (rerun.Job, error)
	// List returns a page, the latest first, and the token of the next one, empty after the last.
	List(ctx context.Context, after string, limit int) ([]rerun.Job, string, error)
	Failures(ctx context.Context, id, after string, limit int) ([]rerun.Failure, string, error)
	Pause(ctx context.Context, id, actor string) (rerun.Job, error)
	Resume(ctx context.Context, id, actor string) (rerun.Job, error)
	Cancel(ctx context.Context, id, actor string) (rerun.Job, error)
}

// Jobs answers what is asked of the jobs that run payloads again.
type Jobs struct {
	Reruns  Reruns
	Records *Records // in whose form examples are shown
}

// Create makes a job.
func (o *Jobs) Create(r *http.Request) (api.Job, error) {
	req, err := request.Rerun(r)
	if err != nil {
		return api.Job{}, err
	}
	return JobOf(o.Reruns.Create(r.Context(), req))
}

// Preview says what a job would do.
func (o *Jobs) Preview(r *http.Request) (api.JobPreview, error) {
	req, err := request.Rerun(r)
	if err != nil {
		return api.JobPreview{}, err
	}
	p, err := o.Reruns.Preview(r.Context(), req)
	if err != nil {
		return api.JobPreview{}, err
	}
	out := api.JobPreview{Records: p.Records, Exact: p.Exact, Oldest: p.Oldest, Newest: p.Newest, Sample: []string{}, Errors: []api.ErrorGroup{}}
	for _, id := range p.Sample {
		out.Sample = append(out.Sample, id.String())
	}
	for i := range p.Errors {
		out.Errors = append(out.Errors, o.Records.errorGroup(&p.Errors[i]))
	}
	return out, nil
}

// Job answers with a job and how far it is.
func (o *Jobs) Job(r *http.Request) (api.Job, error) {
	return JobOf(o.Reruns.Get(r.Context(), r.PathValue("id")))
}

// Pause lets a job wait until it is resumed.
func (o *Jobs) Pause(r *http.Request) (api.Job, error) {
	return JobOf(o.Reruns.Pause(r.Context(), r.PathValue("id"), access.Actor(r.Context())))
}

// Resume lets a paused job go on.
func (o *Jobs) Resume(r *http.Request) (api.Job, error) {
	return JobOf(o.Reruns.Resume(r.Context(), r.PathValue("id"), access.Actor(r.Context())))
}

// Cancel ends a job. What it has sent runs.
func (o *Jobs) Cancel(r *http.Request) (api.Job, error) {
	return JobOf(o.Reruns.Cancel(r.Context(), r.PathValue("id"), access.Actor(r.Context())))
}

// List answers with a page of jobs, the latest first.
func (o *Jobs) List(r *http.Request) (api.Jobs, error) {
	page, err := request.PageOf(r)
	if err != nil {
		return api.Jobs{}, err
	}
	found, next, err := o.Reruns.List(r.Context(), page.After, page.Limit)
	if err != nil {
		return api.Jobs{}, err
	}
	out := api.Jobs{Jobs: []api.Job{}, Next: next}
	for i := range found {
		job, _ := JobOf(found[i], nil)
		out.Jobs = append(out.Jobs, job)
	}
	return out, nil
}

// Failures answers with a page of what a job could not run again.
func (o *Jobs) Failures(r *http.Request) (api.JobFailures, error) {
	page, err := request.PageOf(r)
	if err != nil {
		return api.JobFailures{}, err
	}
	found, next, err := o.Reruns.Failures(r.Context(), r.PathValue("id"), page.After, page.Limit)
	if err != nil {
		return api.JobFailures{}, err
	}
	out := api.JobFailures{Failures: []api.JobFailure{}, Next: next}
	for _, f := range found {
		out.Failures = append(out.Failures, api.JobFailure{PayloadID: f.PayloadID, Reason: f.Reason})
	}
	return out, nil
}

// JobOf is a job as the API shows it.
func JobOf(j rerun.Job, err error) (api.Job, error) {
	if err != nil {
		return api.Job{}, err
	}
	f := j.Request.Filter
	return api.Job{
		ID: j.ID, State: string(j.State), Mode: string(j.Request.Mode), Patch: j.Request.Patch, Lane: j.Request.Lane, Rate: j.Request.Rate, Limit: j.Request.Limit,
		Actor: j.Request.Actor, Reason: j.Request.Reason, Created: j.Created, Updated: j.Updated, Expected: j.Expected, Exact: j.Exact,
		Seen: j.Seen, Sent: j.Sent, Skipped: j.Skipped, Failed: j.Failed,
		Filter: api.JobFilter{
			CollectionsWorkflow: f.CollectionsWorkflow, Workflow: f.Workflow, State: string(f.State), Since: instantText(f.Since), Until: instantText(f.Until),
			ErrorPrefix: f.ErrorPrefix, ItemPrefix: f.ItemPrefix,
		},
	}, nil
}

func instantText(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Format(time.RFC3339Nano)
}
