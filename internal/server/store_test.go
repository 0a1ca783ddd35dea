package server_test

import (
	"encoding/json"
	"strings"
	"testing"

	"sundog/internal/problem"
)

// TestPayloadsAreBroughtIn gives records that ran elsewhere their inputs and outputs.
func TestPayloadsAreBroughtIn(t *testing.T) {
	r := start(t, "")
	const elsewhere = "arn:aws:states:us-west-2:123456789012:execution:cirrus-first:"
	ran := func(name string) string { return `"executions":{"L":[{"S":"` + elsewhere + name + `"}]}` }
	lines := item("a", "first", "a1", "FAILED", day(1), ran("one")) + item("a", "first", "a2", "SUCCEEDED", day(2), ran("two")) +
		item("a", "first", "a3", "PROCESSING", day(3), ran("three")) + item("a", "first", "a4", "FAILED", day(4))
	if done, err := r.Import(t.Context(), strings.NewReader(lines), false); err != nil || done.Stored != 4 {
		t.Fatalf("%+v, %v", done, err)
	}
	for _, c := range []struct {
		id, which, execution, doc string
		kind                      problem.Kind // of the error; Internal: none
		existing                  bool
		said                      string
	}{
		{"a/workflow-first/a1", "input", "one", `{"id":"a1"}`, problem.Internal, false, ""},
		{"a/workflow-first/a1", "input", "one", `{"id":"other"}`, problem.Internal, true, ""},
		{"a/workflow-first/a2", "output", "two", `{"id":"a2"}`, problem.Internal, false, ""},
		{"a/workflow-first/a2", "output", "newer", `{"id":"a2"}`, problem.Conflict, false, "the output stays"},
		{"a/workflow-first/a3", "input", "three", `{}`, problem.Conflict, false, "an execution holds the record"},
		{"a/workflow-first/a4", "input", "four", `{}`, problem.Conflict, false, `the last execution of a/workflow-first/a4 is ""`},
		{"a/workflow-first/a5", "input", "five", `{}`, problem.NotFound, false, "no such record"},
		{"a/workflow-first/a1", "event", "one", `{}`, problem.Invalid, false, "neither input nor output"},
		{"a/workflow-first/a1", "input", "one", `[]`, problem.Invalid, false, "is no JSON object"},
		{"a1", "input", "one", `{}`, problem.Invalid, false, "a1"},
	} {
		stored, err := r.StorePayload(t.Context(), c.id, c.which, elsewhere+c.execution, json.RawMessage(c.doc))
		switch {
		case c.said == "" && (err != nil || stored.Existing != c.existing || stored.PayloadID != c.id || !strings.HasSuffix(stored.URL, "/"+c.execution+"/"+c.which+".json")):
			t.Errorf("%s %s: %+v, %v", c.which, c.id, stored, err)
		case c.said != "" && (problem.KindOf(err) != c.kind || !strings.Contains(err.Error(), c.said)):
			t.Errorf("%s %s: %v, want %v: %s", c.which, c.id, err, c.kind, c.said)
		}
	}
	if got, err := r.Payload(t.Context(), "a/workflow-first/a1", "input"); err != nil || string(got) != `{"id":"a1"}` {
		t.Errorf("%s, %v", got, err)
	}
	if _, err := r.Payload(t.Context(), "a/workflow-first/a1", "output"); !problem.Is(err, problem.NotFound) ||
		!strings.Contains(err.Error(), "a/workflow-first/a1 is FAILED, and there is no output payload at s3://payloads/") {
		t.Error(err)
	}
	if got, err := r.Payload(t.Context(), "a/workflow-first/a2", "output"); err != nil || string(got) != `{"id":"a2"}` {
		t.Errorf("%s, %v", got, err)
	}
}
