package golden_test

import (
	"encoding/json"
	"testing"
	"time"

	"sundog/internal/golden"
	"sundog/internal/statedb"
	"sundog/payload"
)

// TestGoldenTable runs the files about what is written to the table: requests, migrations, times.
func TestGoldenTable(t *testing.T) {
	for file, check := range map[string]func(*testing.T, golden.Case) golden.Outcome{
		"m3_statedb_update_requests.json": checkRequest,
		"p2_check_timestamp.json":         checkTime,
		"q_migration_plans.json":          checkMigration,
	} {
		t.Run(file, func(t *testing.T) { golden.Run(t, file, check) })
	}
}

// checkTime reads a time. The original refuses times that are not in UTC where they are to be written; ours are made, not given.
func checkTime(t *testing.T, c golden.Case) golden.Outcome {
	var in struct{ TS string }
	golden.Into(t, c.Input, &in)
	at, err := statedb.ParseTime(in.TS)
	if err == nil && isOffset(in.TS) && c.Error != nil {
		return golden.Passed()
	}
	if (err == nil) != (c.Error == nil) {
		return golden.Failed("%v, %v", at, err)
	}
	return golden.Passed()
}

// isOffset reports whether a time is not given in UTC.
func isOffset(text string) bool {
	t, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		return false
	}
	_, offset := t.Zone()
	return offset != 0
}

// checkMigration migrates a record and compares with what the original's plan does to it.
func checkMigration(t *testing.T, c golden.Case) golden.Outcome {
	var in struct{ Item map[string]json.RawMessage }
	golden.Into(t, c.Input, &in)
	var out struct {
		Expression  string
		Values      map[string]json.RawMessage
		NoOp        bool    `json:"noop"`
		PayloadID   string  `json:"payload_id"`
		ExecutionID *string `json:"execution_id"`
		Updated     *string
	}
	golden.Into(t, c.Output, &out)
	if text := in.Item["updated"]; len(text) > 0 && text[0] != '"' {
		delete(in.Item, "updated") // the key of an index: a table does not take another type
	}
	text, err := json.Marshal(in.Item)
	if err != nil {
		t.Fatal(err)
	}
	var before statedb.Record
	golden.Into(t, text, &before)
	after, changed := statedb.Migrate(before)
	if changed == out.NoOp {
		return golden.Failed("changed %v", changed)
	}
	ours, err := json.Marshal(after)
	if err != nil {
		t.Fatal(err)
	}
	planned := update(t, in.Item, out.Expression, out.Values)
	want, err := json.Marshal(planned)
	if err != nil {
		t.Fatal(err)
	}
	if before.StateUpdated == "" { // to us an empty one is a missing one
		delete(planned, "state_updated")
		if want, err = json.Marshal(planned); err != nil {
			t.Fatal(err)
		}
	}
	_, name := payload.CutExecutionARN(before.LastExecution())
	switch {
	case !golden.SameJSON(ours, want):
		return golden.Failed("%s, want %s", ours, want)
	case before.ID.String() != out.PayloadID:
		return golden.Failed("id %s, want %s", before.ID, out.PayloadID)
	case name != orEmpty(out.ExecutionID):
		return golden.Failed("execution %s, want %s", name, orEmpty(out.ExecutionID))
	}
	if at, err := statedb.ParseTime(before.Updated); (err == nil) != (out.Updated != nil) || err == nil && pythonTime(at) != *out.Updated {
		return golden.Failed("updated %v, %v, want %q", at, err, orEmpty(out.Updated))
	}
	return golden.Passed()
}

// pythonTime is isoformat of a time in UTC.
func pythonTime(t time.Time) string {
	form := "2006-01-02T15:04:05+00:00"
	if t.Nanosecond() != 0 {
		form = "2006-01-02T15:04:05.000000+00:00"
	}
	return t.Format(form)
}
