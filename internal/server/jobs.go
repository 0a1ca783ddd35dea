package server

import (
	"net/http"
	"time"

	"sundog/internal/access"
	"sundog/internal/api"
	"sundog/internal/problem"
	"sundog/internal/rerun"
	"sundog/internal/statedb"
)

// jobRoutes are the routes of jobs that run payloads again.
func (s *Server) jobRoutes() []route {
	return []route{
		answers(s, "POST", api.PathJobs, access.Operate, s.createJob, "Run the payloads of records again", takes[api.CreateJob]),
		answers(s, "POST", api.PathJobs+"/preview", access.Read, s.previewJob, "What a job would do", takes[api.CreateJob]),
		answers(s, "GET", api.PathJobs, access.Read, s.jobs, "Jobs that run payloads again, the latest first", limit, next),
		answers(s, "GET", api.PathJobs+"/{id}", access.Read, s.job, "A job and how far it is"),
		answers(s, "GET", api.PathJobs+"/{id}/failures", access.Read, s.jobFailures, "What a job could not run again, and why", limit, next),
		answers(s, "POST", api.PathJobs+"/{id}/pause", access.Operate, s.pauseJob, "Let a job wait until it is resumed"),
		answers(s, "POST", api.PathJobs+"/{id}/resume", access.Operate, s.resumeJob, "Let a paused job go on"),
		answers(s, "POST", api.PathJobs+"/{id}/cancel", access.Operate, s.cancelJob, "End a job; what it has sent runs"),
	}
}

// rerunOf reads what a request asks for.
func (s *Server) rerunOf(r *http.Request) (rerun.Request, error) {
	var req api.CreateJob
	if err := body(r, &req); err != nil {
		return rerun.Request{}, err
	}
	f := req.Filter
	out := rerun.Request{
		Filter: rerun.Filter{CollectionsWorkflow: f.CollectionsWorkflow, Workflow: f.Workflow, ErrorPrefix: f.ErrorPrefix, ItemPrefix: f.ItemPrefix},
		Mode:   rerun.Mode(req.Mode), Patch: req.Patch, Lane: req.Lane, Rate: req.Rate, Limit: req.Limit, Actor: actor(r), Reason: req.Reason,
	}
	var err error
	if f.State != "" {
		if out.Filter.State, err = statedb.ParseState(f.State); err != nil {
			return out, problem.Wrap(problem.Invalid, err, "filter.state")
		}
	}
	if out.Filter.Since, err = s.instant("filter.since", f.Since); err != nil {
		return out, err
	}
	out.Filter.Until, err = s.instant("filter.until", f.Until)
	return out, err
}

func (s *Server) createJob(r *http.Request) (api.Job, error) {
	req, err := s.rerunOf(r)
	if err != nil {
		return api.Job{}, err
	}
	return jobOf(s.platform.Reruns.Create(r.Context(), req))
}

func (s *Server) previewJob(r *http.Request) (api.JobPreview, error) {
	req, err := s.rerunOf(r)
	if err != nil {
		return api.JobPreview{}, err
	}
	p, err := s.platform.Reruns.Preview(r.Context(), req)
	if err != nil {
		return api.JobPreview{}, err
	}
	out := api.JobPreview{Records: p.Records, Exact: p.Exact, Oldest: p.Oldest, Newest: p.Newest, Sample: []string{}, Errors: []api.ErrorGroup{}}
	for _, id := range p.Sample {
		out.Sample = append(out.Sample, id.String())
	}
	for i := range p.Errors {
		out.Errors = append(out.Errors, s.errorGroupOf(&p.Errors[i]))
	}
	return out, nil
}

func (s *Server) job(r *http.Request) (api.Job, error) {
	return jobOf(s.platform.Reruns.Get(r.Context(), r.PathValue("id")))
}

func (s *Server) pauseJob(r *http.Request) (api.Job, error) {
	return jobOf(s.platform.Reruns.Pause(r.Context(), r.PathValue("id"), actor(r)))
}

func (s *Server) resumeJob(r *http.Request) (api.Job, error) {
	return jobOf(s.platform.Reruns.Resume(r.Context(), r.PathValue("id"), actor(r)))
}

func (s *Server) cancelJob(r *http.Request) (api.Job, error) {
	return jobOf(s.platform.Reruns.Cancel(r.Context(), r.PathValue("id"), actor(r)))
}

func (s *Server) jobs(r *http.Request) (api.Jobs, error) {
	limit, err := number(r, "limit", 100, 1, 1000)
	if err != nil {
		return api.Jobs{}, err
	}
	found, next, err := s.platform.Reruns.List(r.Context(), r.URL.Query().Get("next"), limit)
	if err != nil {
		return api.Jobs{}, err
	}
	page := api.Jobs{Jobs: []api.Job{}, Next: next}
	for i := range found {
		job, _ := jobOf(found[i], nil)
		page.Jobs = append(page.Jobs, job)
	}
	return page, nil
}

func (s *Server) jobFailures(r *http.Request) (api.JobFailures, error) {
	limit, err := number(r, "limit", 100, 1, 1000)
	if err != nil {
		return api.JobFailures{}, err
	}
	found, next, err := s.platform.Reruns.Failures(r.Context(), r.PathValue("id"), r.URL.Query().Get("next"), limit)
	if err != nil {
		return api.JobFailures{}, err
	}
	page := api.JobFailures{Failures: []api.JobFailure{}, Next: next}
	for _, f := range found {
		page.Failures = append(page.Failures, api.JobFailure{PayloadID: f.PayloadID, Reason: f.Reason})
	}
	return page, nil
}

// jobOf is a job as the API shows it.
func jobOf(j rerun.Job, err error) (api.Job, error) {
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
