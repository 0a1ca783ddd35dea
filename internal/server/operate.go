package server

import (
	"context"
	"net/http"

	"sundog/internal/embedded"
	"sundog/internal/operations"
	"sundog/internal/request"
)

// operate makes the parts that answer for the domain, over the platform.
func (s *Server) operate() {
	p := s.platform
	s.Surface = &operations.Surface{Classify: classify, Logger: s.opts.Logger}
	s.records = &operations.Records{
		Surface: s.Surface, DB: p.Records, Payloads: p.Payloads, Layout: p.Layout, Delete: p.DeleteRecord, Reconcile: p.Reconcile, Note: s.note,
	}
	s.jobs = &operations.Jobs{Reruns: p.Reruns, Records: s.records}
	s.payloads = &operations.Payloads{Surface: s.Surface, Intake: intake{p}, MaxLine: p.Project.Limits.PayloadBytes}
}

// intake is the platform as operations.Payloads wants it.
type intake struct{ *embedded.Platform }

// Submit implements operations.Intake.
func (i intake) Submit(ctx context.Context, lane string, docs [][]byte) ([]string, error) {
	submissions := make([]embedded.Submission, len(docs))
	for n, doc := range docs {
		submissions[n] = embedded.Submission{Body: doc, Lane: lane}
	}
	return i.Platform.Submit(ctx, submissions)
}

// wantsEvents says whether a request asks for Server-Sent Events.
func wantsEvents(r *http.Request) bool { return request.Accepts(r, contentTypeEvents) }
