package server_test

import (
	"testing"

	"sundog/internal/api"
	"sundog/internal/problem"
)

// TestRedriveOverHTTP: an execution of a payload goes on, and its record says how it ended again.
func TestRedriveOverHTTP(t *testing.T) {
	r := start(t, "")
	id := r.submit(payloadOf("one", "broken"))[0].PayloadID
	failed := r.waitState(id, "FAILED")
	arn := failed.Executions[0]
	e, err := r.RedriveExecution(t.Context(), arn, api.RedriveExecution{ClientToken: "first"})
	if err != nil || e.RedriveCount != 1 || e.RedriveDate == nil {
		t.Fatalf("%+v %v", e, err)
	}
	if again, err := r.RedriveExecution(t.Context(), arn, api.RedriveExecution{ClientToken: "first"}); err != nil || again.RedriveCount != 1 {
		t.Errorf("the same request again: %+v %v", again, err)
	}
	record := r.waitState(id, "FAILED")
	if record.Updated <= failed.Updated || len(record.Executions) != 1 {
		t.Errorf("the record before and after: %+v %+v", failed, record)
	}
	if e, err = r.Execution(t.Context(), arn); err != nil || e.RedriveStatus != "REDRIVABLE" || e.Status != "FAILED" {
		t.Errorf("%+v %v", e, err)
	}
	for arn, want := range map[string]problem.Kind{
		arn + "x":                               problem.NotFound,
		r.succeeded(payloadOf("two", "second")): problem.Conflict,
	} {
		if _, err := r.RedriveExecution(t.Context(), arn, api.RedriveExecution{}); !problem.Is(err, want) {
			t.Errorf("redriving %s: %v, want %s", arn, err, want)
		}
	}
	if _, err := r.RedriveExecution(t.Context(), arn, api.RedriveExecution{ClientToken: "a b"}); !problem.Is(err, problem.Invalid) {
		t.Errorf("a token with a space: %v", err)
	}
}

// succeeded processes a payload and returns its execution.
func (r *running) succeeded(line string) string {
	r.t.Helper()
	return r.waitState(r.submit(line)[0].PayloadID, "SUCCEEDED").Executions[0]
}
