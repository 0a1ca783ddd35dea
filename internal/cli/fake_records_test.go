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
	f.jobs(mux)
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

// jobs are a job that is done at the third look at it.
func (f *fake) jobs(mux *http.ServeMux) {
	job := api.Job{
		ID: "j1", State: "PENDING", Mode: "start", Filter: api.JobFilter{Workflow: "ingest", State: "FAILED"}, Lane: "bulk", Rate: 2.5, Actor: "ann", Reason: "mended",
		Created: start, Updated: start, Expected: 4, Exact: true,
	}
	mux.HandleFunc("POST "+api.PathJobs+"/preview", answer(func(*http.Request) (any, error) {
		return api.JobPreview{
			Records: 20000, Oldest: "2026-02-01T12:00:00.000001+00:00", Newest: "2026-03-01T12:00:05.000001+00:00", Sample: []string{"a/workflow-b/1", "a/workflow-b/2"},
			Errors: []api.ErrorGroup{{Type: "ValueError", Shape: "no band …", Count: 1234, Example: api.Record{PayloadID: "a/workflow-b/1"}}},
		}, nil
	}))
	mux.HandleFunc("POST "+api.PathJobs, answer(func(r *http.Request) (any, error) {
		var req api.CreateJob
		err := json.NewDecoder(r.Body).Decode(&req)
		made := job
		made.Filter, made.Mode, made.Patch, made.Lane, made.Rate, made.Limit, made.Reason = req.Filter, req.Mode, req.Patch, req.Lane, req.Rate, req.Limit, req.Reason
		return made, err
	}))
	mux.HandleFunc("GET "+api.PathJobs, answer(func(*http.Request) (any, error) { return api.Jobs{Jobs: []api.Job{job}}, nil }))
	mux.HandleFunc("GET "+api.PathJobs+"/{id}", answer(func(r *http.Request) (any, error) {
		if r.PathValue("id") != "j1" {
			return nil, problem.New(problem.NotFound, "no such job: %q", r.PathValue("id"))
		}
		f.mu.Lock()
		defer f.mu.Unlock()
		if f.looks["job"]++; f.looks["job"] < 3 {
			return job, nil
		}
		done := job
		done.State, done.Seen, done.Sent, done.Skipped, done.Failed = "DONE", 4, 2, 1, 1
		return done, nil
	}))
	mux.HandleFunc("GET "+api.PathJobs+"/{id}/failures", answer(func(*http.Request) (any, error) {
		return api.JobFailures{Failures: []api.JobFailure{{PayloadID: "a/workflow-b/1", Reason: "there is no stored input"}}}, nil
	}))
	for verb, state := range map[string]string{"pause": "PAUSED", "resume": "PENDING", "cancel": "CANCELLED"} {
		mux.HandleFunc("POST "+api.PathJobs+"/{id}/"+verb, answer(func(*http.Request) (any, error) {
			steered := job
			steered.State = state
			return steered, nil
		}))
	}
}
