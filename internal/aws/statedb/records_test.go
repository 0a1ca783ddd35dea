package statedb_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"sundog/internal/aws/awstest"
	"sundog/internal/aws/statedb"
	domain "sundog/internal/statedb"
	"sundog/payload"
)

// TestImportMigrateExport brings items of version 1 in, migrates them, counts their errors, and takes them out.
func TestImportMigrateExport(t *testing.T) {
	w := newWorld(t, awstest.Dynalite)
	const old = `{"collections_workflow":{"S":"c%d_wf"},"itemids":{"S":"i"},"state_updated":{"S":"%s_2020"},"created":{"S":"2020"},"updated":{"S":"2020"},` +
		`"last_error":{"S":"E: item %d"},"ttl":{"N":"1700000000"}}` + "\n"
	var in strings.Builder
	for n := range 30 {
		fmt.Fprintf(&in, old, n, []string{"COMPLETED", "FAILED", "PROCESSING"}[n%3], n)
	}
	for round, want := range []domain.Imported{{Stored: 30, Malformed: 1}, {Existing: 20, Held: 10, Malformed: 1}} {
		got, err := domain.Import(t.Context(), w, strings.NewReader(in.String()+`{"itemids":{"S":"i"}}`), domain.KeepExisting)
		if err != nil || got.Stored != want.Stored || got.Existing != want.Existing || got.Held != want.Held || got.Malformed != want.Malformed {
			t.Errorf("round %d: %+v, %v", round, got, err)
		}
	}
	for round, changed := range []int64{30, 0} {
		if done, err := domain.MigrateAll(t.Context(), w, domain.Query{}, false); err != nil || done.Seen != 30 || done.Changed != changed {
			t.Errorf("round %d: %+v, %v", round, done, err)
		}
	}
	r, err := w.Get(t.Context(), payload.ID{Collections: "c0", Workflow: "wf", ItemIDs: "i"})
	if err != nil || r.StateUpdated != "SUCCEEDED_2020" || r.ClaimedAt != "2020" || r.LastError != nil || string(r.Extra["ttl"]) != "1700000000" {
		t.Errorf("%+v, %v", r, err)
	}
	if errs, err := domain.CountErrors(t.Context(), w, domain.ErrorQuery{}); err != nil || len(errs.Groups) != 1 || errs.Groups[0].Records != 10 {
		t.Errorf("%+v, %v", errs, err)
	}
	var out bytes.Buffer
	if n, err := domain.Export(t.Context(), w, domain.Query{Workflow: "wf"}, &out); err != nil || n != 30 || strings.Count(out.String(), "\n") != 30 {
		t.Errorf("%d, %v: %s", n, err, out.String())
	}
}

// TestTooManyPartitions asks for everything where there are more partitions than are gone through: the error says what to name, and what
// names one is answered.
func TestTooManyPartitions(t *testing.T) {
	w := newWorld(t, awstest.Dynalite)
	records := make([]domain.Record, statedb.MaxPartitions+1)
	for n := range records {
		records[n] = domain.Record{ID: payload.ID{Collections: fmt.Sprintf("c%d", n), Workflow: "wf", ItemIDs: "i"}, StateUpdated: "FAILED_x", Updated: "x"}
	}
	if _, err := w.PutMany(t.Context(), records[1:], domain.KeepExisting); err != nil {
		t.Fatal(err)
	}
	if all, err := w.Partitions(t.Context()); err != nil || len(all) != statedb.MaxPartitions {
		t.Fatalf("%d partitions, %v", len(all), err)
	}
	if err := w.Put(t.Context(), records[0]); err != nil {
		t.Fatal(err)
	}
	for name, ask := range map[string]func() error{
		"query":  func() error { _, err := w.Query(t.Context(), domain.Query{State: domain.Failed}); return err },
		"counts": func() error { _, err := w.Counts(t.Context(), ""); return err },
	} {
		if err := ask(); err == nil || !strings.Contains(err.Error(), "name one of them") {
			t.Errorf("%s: %v", name, err)
		}
	}
	page, err := w.Query(t.Context(), domain.Query{Partition: "c0_wf", State: domain.Failed})
	if err != nil || len(page.Records) != 1 {
		t.Errorf("%+v, %v", page, err)
	}
}
