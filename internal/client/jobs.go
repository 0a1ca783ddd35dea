package client

import (
	"context"
	"net/http"
	"net/url"

	"sundog/internal/api"
)

// CreateJob asks for a job that runs payloads again. A second call makes a second job.
func (c *Client) CreateJob(ctx context.Context, req api.CreateJob) (api.Job, error) {
	var out api.Job
	err := c.slow().call(ctx, http.MethodPost, api.PathJobs, nil, req, &out)
	return out, err
}

// PreviewJob says what a job would do.
func (c *Client) PreviewJob(ctx context.Context, req api.CreateJob) (api.JobPreview, error) {
	var out api.JobPreview
	err := c.slow().call(ctx, http.MethodPost, api.PathJobs+"/preview", nil, req, &out)
	return out, err
}

// Job returns a job.
func (c *Client) Job(ctx context.Context, id string) (api.Job, error) {
	return get[api.Job](ctx, c, api.PathJobs+"/"+url.PathEscape(id), nil)
}

// WorkJob works on a job for a while and returns how far it is: on AWS nobody else does.
func (c *Client) WorkJob(ctx context.Context, id string) (api.Job, error) {
	return c.SteerJob(ctx, id, "work")
}

// Jobs returns a page of jobs, the latest first.
func (c *Client) Jobs(ctx context.Context, next string, limit int) (api.Jobs, error) {
	return get[api.Jobs](ctx, c, api.PathJobs, page(next, limit))
}

// JobFailures returns a page of what a job could not run again.
func (c *Client) JobFailures(ctx context.Context, id, next string, limit int) (api.JobFailures, error) {
	return get[api.JobFailures](ctx, c, api.PathJobs+"/"+url.PathEscape(id)+"/failures", page(next, limit))
}

func page(next string, limit int) url.Values {
	v := url.Values{}
	if next != "" {
		v.Set("next", next)
	}
	setLimit(v, limit)
	return v
}

// SteerJob pauses, resumes or cancels a job: the verb is one of these three.
func (c *Client) SteerJob(ctx context.Context, id, verb string) (api.Job, error) {
	var out api.Job
	err := c.call(ctx, http.MethodPost, api.PathJobs+"/"+url.PathEscape(id)+"/"+verb, nil, nil, &out)
	return out, err
}
