package cli_test

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"

	"sundog/internal/api"
	"sundog/internal/problem"
)

// find answers with a page of records, or streams as many as there are.
func (f *fake) find(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("Accept") != api.ContentTypeNDJSON {
		answer(f.query)(w, r)
		return
	}
	q := r.URL.Query()
	q.Set("limit", "5000")
	r.URL.RawQuery = q.Encode()
	found, _ := f.query(r)
	w.Header().Set("Content-Type", api.ContentTypeNDJSON)
	enc := json.NewEncoder(w)
	for _, record := range found.(api.Records).Records {
		_ = enc.Encode(record)
	}
}

// upkeep is the part of the API that looks after records.
func (f *fake) upkeep(mux *http.ServeMux) {
	const id = "sentinel-2-l2a/workflow-ingest/S2A_2"
	mux.HandleFunc("GET "+api.PathErrors, answer(func(r *http.Request) (any, error) {
		if r.URL.Query().Get("workflow") == "none" {
			return api.Errors{Groups: []api.ErrorGroup{}, Complete: true}, nil
		}
		return api.Errors{Groups: []api.ErrorGroup{{
			Type: "ValueError", Shape: "no band …", Count: 1234, First: "2026-02-01T12:00:00.000001+00:00", Last: "2026-03-01T12:00:05.000001+00:00",
			Example: *f.records[id],
		}}, Counted: 1236, Other: 2, Complete: r.URL.Query().Has("records")}, nil
	}))
	mux.HandleFunc("POST "+api.PathReconcile, answer(func(r *http.Request) (any, error) {
		var req api.Reconcile
		err := json.NewDecoder(r.Body).Decode(&req)
		settlement := "settled"
		if req.DryRun {
			settlement = "found"
		}
		return api.Reconciliation{
			Records: 3, Running: 2, Counts: []api.FindingCount{{Problem: "vanished", Settlement: settlement, Count: 1}},
			Findings: []api.Finding{{PayloadID: id, State: "PROCESSING", Updated: "2026-03-01T12:00:05.000001+00:00", Problem: "vanished", Settlement: settlement}},
		}, err
	}))
	mux.HandleFunc("POST "+api.PathMigrate, answer(func(*http.Request) (any, error) { return api.Migration{Records: 5, Changed: 4, Skipped: 1}, nil }))
	mux.HandleFunc("DELETE "+api.PathPayloads, answer(func(r *http.Request) (any, error) {
		v := r.URL.Query()
		switch record := f.records[v.Get("id")]; {
		case record == nil:
			return nil, problem.New(problem.NotFound, "there is no record of %s", v.Get("id"))
		case record.State == "PROCESSING" && v.Get("held") != "true":
			return nil, problem.New(problem.Conflict, "an execution holds the record of %s", v.Get("id"))
		}
		return api.Deleted{PayloadID: v.Get("id")}, nil
	}))
	mux.HandleFunc("GET "+api.PathAudit, answer(func(r *http.Request) (any, error) {
		page := api.Audit{Entries: []api.AuditEntry{}}
		if kind := r.URL.Query().Get("kind"); kind == "" || kind == "delete" {
			page.Entries = append(page.Entries, api.AuditEntry{At: start, Kind: "delete", Actor: "ann", Subject: id, Reason: "a test scene"})
		}
		return page, nil
	}))
	mux.HandleFunc("POST "+api.PathBackup, answer(func(r *http.Request) (any, error) {
		var req api.Backup
		err := json.NewDecoder(r.Body).Decode(&req)
		return req, err
	}))
	mux.HandleFunc("GET "+api.PathExport, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", api.ContentTypeNDJSON)
		_, _ = io.WriteString(w, `{"itemids":{"S":"S2A_1"}}`+"\n"+`{"itemids":{"S":"S2A_2"}}`+"\n")
		if r.URL.Query().Get("state") == "FAILED" {
			_ = http.NewResponseController(w).Flush()
			panic(http.ErrAbortHandler) // in the middle
		}
	})
	mux.HandleFunc("POST "+api.PathImport, answer(func(r *http.Request) (any, error) {
		text, err := io.ReadAll(r.Body)
		lines := int64(strings.Count(string(text), "\n"))
		done := api.Imported{Existing: lines}
		if r.URL.Query().Get("overwrite") == "true" {
			done = api.Imported{Stored: lines}
		}
		if strings.Contains(string(text), "bad") {
			done.Malformed, done.Complaints = 1, []api.Complaint{{Record: 2, Error: "malformed record: no itemids"}}
		}
		return done, err
	}))
}
