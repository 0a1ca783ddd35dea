package server

import (
	"sundog/internal/access"
	"sundog/internal/api"
)

// jobRoutes are the routes of jobs that run payloads again.
func (s *Server) jobRoutes() []route {
	return []route{
		answers(s, "POST", api.PathJobs, access.Operate, s.jobs.Create, "Run the payloads of records again", takes[api.CreateJob]),
		answers(s, "POST", api.PathJobs+"/preview", access.Read, s.jobs.Preview, "What a job would do", takes[api.CreateJob]),
		answers(s, "GET", api.PathJobs, access.Read, s.jobs.List, "Jobs that run payloads again, the latest first", limit, next),
		answers(s, "GET", api.PathJobs+"/{id}", access.Read, s.jobs.Job, "A job and how far it is"),
		answers(s, "GET", api.PathJobs+"/{id}/failures", access.Read, s.jobs.Failures, "What a job could not run again, and why", limit, next),
		answers(s, "POST", api.PathJobs+"/{id}/pause", access.Operate, s.jobs.Pause, "Let a job wait until it is resumed"),
		answers(s, "POST", api.PathJobs+"/{id}/resume", access.Operate, s.jobs.Resume, "Let a paused job go on"),
		answers(s, "POST", api.PathJobs+"/{id}/cancel", access.Operate, s.jobs.Cancel, "End a job; what it has sent runs"),
	}
}
