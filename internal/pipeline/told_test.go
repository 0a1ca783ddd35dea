package pipeline_test

import (
	"slices"
	"strings"
	"testing"

	"sundog/internal/statedb"
	"sundog/payload"
)

// TestWhatNoTopicTakes ends an execution with an error that no message can have as it is: its record fails all the same, with the whole error.
func TestWhatNoTopicTakes(t *testing.T) {
	for name, tt := range map[string]struct{ cause, told string }{
		"colours":     {"\x1b[31mno such band\x1b[0m\x00\uffff", "E: \ufffd[31mno such band\ufffd[0m\ufffd\ufffd"},
		"three lines": {"a\r\n\tb\nc", "E: a\r\n\tb\nc"},
		"long":        {strings.Repeat("\u96ea", 32<<10), "E: " + strings.Repeat("\u96ea", (192<<10/16-3)/3) + "…"},
	} {
		t.Run(name, func(t *testing.T) {
			p, execution := started(t, body("i1", "wf"))
			failed := p.executor.completion(execution, "FAILED")
			failed.Error, failed.Cause = "E", tt.cause
			var caused statedb.Effects
			p.stateDB.caused = func(e statedb.Effects) { caused = e }
			if applied, err := p.updater.Handle(t.Context(), failed); !applied || err != nil {
				t.Fatal(applied, err)
			}
			if r := p.record(first); r.State() != statedb.Failed || r.LastError == nil || *r.LastError != "E: "+tt.cause {
				t.Errorf("record %+v", r)
			}
			if len(caused.Publish) != 1 {
				t.Fatalf("published %+v", caused.Publish)
			}
			told := caused.Publish[0]
			if i := slices.IndexFunc(told.Attributes, func(a payload.Attribute) bool { return a.Name == "error" }); i < 0 || told.Attributes[i].Value != tt.told {
				t.Errorf("told %.300q, want %.100q", told.Attributes, tt.told)
			}
			if size := len(told.Body) + len(tt.told); size > 256<<10 {
				t.Errorf("%d bytes", size)
			}
		})
	}
}
