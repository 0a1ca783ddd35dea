package server

import (
	"context"
	"errors"
	"net/http"
	"time"

	"sundog/internal/access"
	"sundog/internal/api"
	"sundog/internal/audit"
	"sundog/internal/request"
)

// actor is who makes a request, for the audit log: the name of the token.
func actor(r *http.Request) string { return access.Actor(r.Context()) }

// note puts into the audit log what a request has done, and returns err, the error that the deed may have ended with, joined by that of
// the log. It is written though the client has gone away meanwhile, and before the answer: whoever has the answer finds the entry.
func (s *Server) note(r *http.Request, err error, kind audit.Kind, subject, reason string) error {
	entry := audit.Entry{At: time.Now(), Kind: kind, Actor: actor(r), Subject: subject, Reason: reason}
	return errors.Join(err, s.platform.Audit.Append(context.WithoutCancel(r.Context()), entry))
}

// audit lists who did what.
func (s *Server) audit(r *http.Request) (api.Audit, error) {
	v := r.URL.Query()
	limit, err := request.Number(r, "limit", audit.DefaultLimit, 1, audit.MaxLimit)
	if err != nil {
		return api.Audit{}, err
	}
	q := audit.Query{Kind: audit.Kind(v.Get("kind")), Actor: v.Get("actor"), Subject: v.Get("subject"), Limit: limit, After: v.Get("next")}
	if q.Since, err = request.Instant("since", v.Get("since")); err != nil {
		return api.Audit{}, err
	}
	if q.Until, err = request.Instant("until", v.Get("until")); err != nil {
		return api.Audit{}, err
	}
	page, err := s.platform.Audit.Query(r.Context(), q)
	if err != nil {
		return api.Audit{}, err
	}
	out := api.Audit{Entries: []api.AuditEntry{}, Next: page.Next}
	for _, e := range page.Entries {
		out.Entries = append(out.Entries, api.AuditEntry{At: e.At, Kind: string(e.Kind), Actor: e.Actor, Subject: e.Subject, Reason: e.Reason})
	}
	return out, nil
}
