package server

import (
	"encoding/json"
	"net/http"
	"time"

	"sundog/internal/api"
	"sundog/internal/problem"
	"sundog/internal/statedb"
	"sundog/payload"
)

// record makes the API's form of a record.
func (s *Server) recordOf(r *statedb.Record) api.Record {
	out := api.Record{
		PayloadID: r.ID.String(), Collections: r.ID.Collections, Workflow: r.ID.Workflow, ItemIDs: r.ID.ItemIDs,
		State: string(r.State()), Created: r.Created, Updated: r.Updated, ClaimedAt: r.ClaimedAt,
		Executions: r.Executions, Outputs: r.Outputs,
	}
	if out.Executions == nil {
		out.Executions = []string{}
	}
	if r.LastError != nil {
		out.LastError = *r.LastError
	}
	if len(r.Extra) > 0 {
		if text, err := json.Marshal(r.Extra); err == nil { // raw JSON always marshals
			out.Attributes = text
		}
	}
	if last := r.LastExecution(); last != "" {
		_, name := payload.CutExecutionARN(last)
		layout := s.platform.Layout
		out.InputPayloadURL = layout.Input(out.PayloadID, name).String()
		if state := r.State(); state == statedb.Succeeded || state == statedb.Completed {
			out.OutputPayloadURL = layout.Output(out.PayloadID, name).String()
		}
	}
	return out
}

// payload answers with the record of a payload, or with the input or output of its last execution.
func (s *Server) payload(w http.ResponseWriter, r *http.Request) {
	id, err := payloadID(r)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	record, err := s.platform.Records.Get(r.Context(), id)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	switch which := r.URL.Query().Get("doc"); which {
	case "":
		handle(s, func(*http.Request) (api.Record, error) { return s.recordOf(&record), nil })(w, r)
	case "input", "output":
		s.document(w, r, &record, which)
	default:
		s.fail(w, r, problem.New(problem.Invalid, "the parameter doc=%q is neither input nor output", which))
	}
}

// document answers with a stored document as it is.
func (s *Server) document(w http.ResponseWriter, r *http.Request, record *statedb.Record, which string) {
	id, last := record.ID.String(), record.LastExecution()
	if last == "" {
		s.fail(w, r, problem.New(problem.NotFound, "%s has no execution, hence no %s payload", id, which))
		return
	}
	_, name := payload.CutExecutionARN(last)
	at := s.platform.Layout.Input(id, name)
	if which == "output" {
		at = s.platform.Layout.Output(id, name)
	}
	text, etag, err := s.platform.Payloads.Get(r.Context(), at.Key)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("ETag", `"`+etag+`"`)
	_, _ = w.Write(text)
}

// records answers with a page of records or, as NDJSON, with all that a query finds.
func (s *Server) records(w http.ResponseWriter, r *http.Request) {
	if wantsLines(r) {
		s.stream(w, r, func(record *statedb.Record) ([]byte, error) { return json.Marshal(s.recordOf(record)) })
		return
	}
	handle(s, s.recordPage)(w, r)
}

func (s *Server) recordPage(r *http.Request) (api.Records, error) {
	q, err := s.filters(r)
	if err != nil {
		return api.Records{}, err
	}
	if q.Limit, err = number(r, "limit", statedb.DefaultLimit, 1, statedb.MaxLimit); err != nil {
		return api.Records{}, err
	}
	q.After = r.URL.Query().Get("next")
	page, err := s.platform.Records.Query(r.Context(), q)
	if err != nil {
		return api.Records{}, err
	}
	out := api.Records{Records: []api.Record{}, Next: page.Next}
	for i := range page.Records {
		out.Records = append(out.Records, s.recordOf(&page.Records[i]))
	}
	return out, nil
}

// instant reads a time that is so long ago ("7d"), or RFC 3339; none when empty.
func (s *Server) instant(name, text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	if at, err := time.Parse(time.RFC3339, text); err == nil {
		return at, nil
	}
	since, err := payload.ParseSince(text)
	if err != nil {
		return time.Time{}, problem.Wrap(problem.Invalid, err, "%s=%q is no time", name, text).WithHint("write how long ago (7d, 24h, 30m) or a time such as 2026-01-31T12:00:00Z")
	}
	return since.Before(time.Now()), nil
}

func (s *Server) stats(r *http.Request) (api.Stats, error) {
	counts, err := s.platform.Records.Counts(r.Context(), "")
	if err != nil {
		return api.Stats{}, err
	}
	out := api.Stats{Counts: []api.Count{}}
	for _, c := range counts {
		collections, workflow, err := payload.CutPartitionKey(c.Partition)
		if err != nil {
			collections = c.Partition
		}
		out.Counts = append(out.Counts, api.Count{Collections: collections, Workflow: workflow, State: string(c.State), Count: c.Records})
	}
	return out, nil
}
