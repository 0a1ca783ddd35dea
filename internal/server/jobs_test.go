package server_test

import (
	"encoding/json"
	"testing"
	"time"

	"sundog/internal/api"
	"sundog/internal/audit"
	"sundog/internal/client"
	"sundog/internal/problem"
)

// waitJob waits until a job has ended.
func (r *running) waitJob(id string) api.Job {
	r.t.Helper()
	deadline := time.Now().Add(20 * time.Second)
	for {
		job, err := r.Job(r.t.Context(), id)
		if err == nil && job.State == "DONE" {
			return job
		}
		if err != nil || time.Now().After(deadline) {
			r.t.Fatalf("%+v, %v", job, err)
		}
		<-time.After(2 * time.Millisecond)
	}
}

// waitFor waits until something holds.
func (r *running) waitFor(holds func() bool, what string) {
	r.t.Helper()
	deadline := time.Now().Add(20 * time.Second)
	for !holds() {
		if time.Now().After(deadline) {
			r.t.Fatalf("in vain: %s", what)
		}
		<-time.After(2 * time.Millisecond)
	}
}

// TestJobs runs failed payloads again: from the start, with a patch that sends them to another workflow, and from their failed states.
func TestJobs(t *testing.T) {
	r := start(t, "")
	ids := map[string]bool{}
	for _, name := range []string{"one", "two", "three"} {
		id := r.submit(payloadOf(name, "broken"))[0].PayloadID
		r.waitState(id, "FAILED")
		ids[id] = true
	}
	failed := api.CreateJob{Filter: api.JobFilter{Workflow: "broken", State: "FAILED", Since: "1h"}, Reason: "it is mended"}
	preview, err := r.PreviewJob(t.Context(), failed)
	if err != nil || preview.Records != 3 || !preview.Exact || len(preview.Sample) != 3 || !ids[preview.Sample[0]] || len(preview.Errors) != 1 || preview.Errors[0].Type != "Broken" {
		t.Fatalf("%+v, %v", preview, err)
	}
	failed.Lane = "bulk"
	job, err := r.CreateJob(t.Context(), failed)
	if err != nil || job.Expected != 3 || job.Reason != "it is mended" || job.Filter.Workflow != "broken" {
		t.Fatalf("%+v, %v", job, err)
	}
	if job = r.waitJob(job.ID); job.Sent != 3 {
		t.Errorf("%+v", job)
	}
	for id := range ids {
		r.waitFor(func() bool {
			record, err := r.Record(t.Context(), id)
			return err == nil && len(record.Executions) == 2 && record.State == "FAILED"
		}, id+" runs again")
	}

	failed.Lane, failed.Mode, failed.Rate = "", "failed", 100
	if job, err = r.CreateJob(t.Context(), failed); err != nil {
		t.Fatal(err)
	}
	if job = r.waitJob(job.ID); job.Sent != 3 {
		t.Errorf("%+v", job)
	}
	for id := range ids {
		r.waitFor(func() bool {
			record, err := r.Record(t.Context(), id)
			if err != nil || len(record.Executions) != 2 || record.State != "FAILED" {
				return false
			}
			e, err := r.Execution(t.Context(), record.Executions[1])
			return err == nil && e.RedriveCount == 1 && e.Status == "FAILED"
		}, id+" is redriven")
	}

	patched := api.CreateJob{Filter: failed.Filter, Limit: 1, Patch: json.RawMessage(`[{"op":"replace","path":"/process/0/workflow","value":"second"},{"op":"remove","path":"/id"}]`)}
	if job, err = r.CreateJob(t.Context(), patched); err != nil {
		t.Fatal(err)
	}
	if job = r.waitJob(job.ID); job.Sent != 1 {
		t.Errorf("%+v", job)
	}
	r.waitFor(func() bool {
		page, err := r.Records(t.Context(), client.RecordQuery{Workflow: "second", State: "SUCCEEDED"})
		return err == nil && len(page.Records) == 1
	}, "the payload runs in the other workflow")
	list, err := r.Jobs(t.Context(), "", 2)
	if err != nil || len(list.Jobs) != 2 || list.Jobs[0].ID != job.ID || list.Next == "" {
		t.Errorf("%+v, %v", list, err)
	}
	entries, err := r.Audit(t.Context(), client.AuditQuery{Kind: string(audit.Rerun)})
	if err != nil || len(entries.Entries) != 7 {
		t.Errorf("%d entries, %v", len(entries.Entries), err)
	}
}

func TestJobsThatCannotBe(t *testing.T) {
	r := start(t, "")
	for name, req := range map[string]api.CreateJob{
		"a mode":      {Mode: "middle"},
		"a state":     {Filter: api.JobFilter{State: "LOST"}},
		"an open one": {Filter: api.JobFilter{State: "PROCESSING"}},
		"a time":      {Filter: api.JobFilter{Since: "yesterday"}},
		"a lane":      {Lane: "fast"},
		"a patch":     {Patch: json.RawMessage(`7`)},
		"a rate":      {Rate: 1e9},
	} {
		if _, err := r.CreateJob(t.Context(), req); !problem.Is(err, problem.Invalid) {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := r.PreviewJob(t.Context(), req); !problem.Is(err, problem.Invalid) {
			t.Errorf("%s, previewed: %v", name, err)
		}
	}
	if _, err := r.Job(t.Context(), "none"); !problem.Is(err, problem.NotFound) {
		t.Error(err)
	}
	job, err := r.CreateJob(t.Context(), api.CreateJob{})
	if err != nil {
		t.Fatal(err)
	}
	r.waitJob(job.ID)
	if _, err := r.SteerJob(t.Context(), job.ID, "resume"); !problem.Is(err, problem.Conflict) {
		t.Error(err)
	}
	if failures, err := r.JobFailures(t.Context(), job.ID, "", 10); err != nil || len(failures.Failures) != 0 {
		t.Errorf("%+v, %v", failures, err)
	}
	if _, err := r.Jobs(t.Context(), "!", 1); !problem.Is(err, problem.Invalid) {
		t.Error(err)
	}
}
