package server_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"sundog/internal/access"
	"sundog/internal/api"
	"sundog/internal/client"
	"sundog/internal/embedded"
	"sundog/internal/problem"
)

// item is a record as a scan of a table gives it.
func item(collections, workflow, itemIDs, state, updated string, more ...string) string {
	attributes := append([]string{
		fmt.Sprintf(`"collections_workflow":{"S":"%s_%s"}`, collections, workflow), fmt.Sprintf(`"itemids":{"S":%q}`, itemIDs),
		fmt.Sprintf(`"state_updated":{"S":"%s_%s"}`, state, updated), fmt.Sprintf(`"updated":{"S":%q}`, updated), fmt.Sprintf(`"created":{"S":%q}`, updated),
	}, more...)
	return "{" + strings.Join(attributes, ",") + "}\n"
}

func day(n int) string { return fmt.Sprintf("2025-01-%02dT00:00:00.000000+00:00", n) }

// inhabited is a server with records of several workflows.
func inhabited(t *testing.T) *running {
	r := start(t, "")
	lines := item("a", "first", "a1", "SUCCEEDED", day(1)) + item("a", "first", "a2", "FAILED", day(2), `"last_error":{"S":"ValueError: no band 4"}`) +
		item("b", "first", "a3", "COMPLETED", day(3)) + item("b", "second", "b4", "FAILED", day(4), `"last_error":{"S":"ValueError: no band 11"}`) +
		item("b", "second", "b5", "INVALID", day(5), `"last_error":{"S":"InvalidInput: empty"}`)
	done, err := r.Import(t.Context(), strings.NewReader(lines), false)
	if err != nil || done.Stored != 5 {
		t.Fatalf("%+v, %v", done, err)
	}
	return r
}

func TestRecordsAreFound(t *testing.T) {
	r := inhabited(t)
	for _, c := range []struct {
		name string
		q    client.RecordQuery
		want string
	}{
		{"everything", client.RecordQuery{}, "b5 b4 a3 a2 a1"},
		{"the oldest first", client.RecordQuery{Ascending: true}, "a1 a2 a3 b4 b5"},
		{"a workflow", client.RecordQuery{Workflow: "first"}, "a3 a2 a1"},
		{"a workflow over some collections", client.RecordQuery{CollectionsWorkflow: "b_second"}, "b5 b4"},
		{"a state", client.RecordQuery{State: "FAILED"}, "b4 a2"},
		{"success", client.RecordQuery{State: "SUCCEEDED"}, "a3 a1"},
		{"success by its old name", client.RecordQuery{State: "COMPLETED"}, "a3 a1"},
		{"item ids", client.RecordQuery{ItemPrefix: "a", Ascending: true}, "a1 a2 a3"},
		{"an order", client.RecordQuery{CollectionsWorkflow: "a_first", Index: "state_updated"}, "a1 a2"},
		{"an error", client.RecordQuery{ErrorPrefix: "Value"}, "b4 a2"},
		{"times", client.RecordQuery{Since: "2025-01-02T00:00:00Z", Until: "2025-01-04T00:00:00Z"}, "b4 a3 a2"},
		{"nothing", client.RecordQuery{Workflow: "none"}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			var paged, streamed []string
			c.q.Limit = 2
			for {
				page, err := r.Records(t.Context(), c.q)
				if err != nil {
					t.Fatal(err)
				}
				for _, record := range page.Records {
					paged = append(paged, record.ItemIDs)
				}
				if c.q.Next = page.Next; page.Next == "" {
					break
				}
			}
			each := func(record api.Record) error {
				streamed = append(streamed, record.ItemIDs)
				return nil
			}
			c.q.Limit = 0
			if err := r.EachRecord(t.Context(), c.q, each); err != nil {
				t.Fatal(err)
			}
			if got := strings.Join(paged, " "); got != c.want {
				t.Errorf("pages of %s, want %s", got, c.want)
			}
			if got := strings.Join(streamed, " "); got != c.want {
				t.Errorf("a stream of %s, want %s", got, c.want)
			}
		})
	}
}

// TestStreams reads more records than a page holds, and as many as were asked for.
func TestStreams(t *testing.T) {
	r := start(t, "")
	var lines strings.Builder
	const n = 2500
	for i := range n {
		lines.WriteString(item("c", "first", fmt.Sprintf("i%04d", i), "SUCCEEDED", day(1+i%28)))
	}
	if done, err := r.Import(t.Context(), strings.NewReader(lines.String()), false); err != nil || done.Stored != n {
		t.Fatalf("%+v, %v", done, err)
	}
	for _, limit := range []int{0, 1, 1000, 1500, n, n + 1} {
		got := map[string]bool{}
		each := func(record api.Record) error {
			got[record.ItemIDs] = true
			return nil
		}
		want := n
		if limit > 0 {
			want = min(n, limit)
		}
		if err := r.EachRecord(t.Context(), client.RecordQuery{Limit: limit}, each); err != nil || len(got) != want {
			t.Errorf("limit %d: %d records, %v", limit, len(got), err)
		}
	}
}

// TestExportIsImport takes records out and into another server, and out again.
func TestExportIsImport(t *testing.T) {
	from, to := inhabited(t), start(t, "")
	var exported, again bytes.Buffer
	if err := from.Export(t.Context(), client.RecordQuery{Workflow: "second"}, &exported); err != nil || strings.Count(exported.String(), "\n") != 2 {
		t.Fatalf("%s, %v", &exported, err)
	}
	exported.Reset()
	if err := from.Export(t.Context(), client.RecordQuery{}, &exported); err != nil {
		t.Fatal(err)
	}
	text := exported.String()
	for _, want := range []api.Imported{{Stored: 5}, {Existing: 5}} {
		if got, err := to.Import(t.Context(), strings.NewReader(text), false); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%+v, %v; want %+v", got, err, want)
		}
	}
	if got, err := to.Import(t.Context(), strings.NewReader(text), true); err != nil || got.Stored != 5 {
		t.Errorf("overwriting: %+v, %v", got, err)
	}
	if err := to.Export(t.Context(), client.RecordQuery{}, &again); err != nil || again.String() != text {
		t.Errorf("%v: what came out again differs:\n%s\nfrom:\n%s", err, &again, text)
	}
}

func TestImportOfMalformedRecords(t *testing.T) {
	r := start(t, "")
	scan := `{"Items":[` + item("c", "first", "i", "COMPLETED", day(1)) + `,{"itemids":{"S":"x"}}],"Count":2}`
	got, err := r.Import(t.Context(), strings.NewReader(scan), false)
	if err != nil || got.Stored != 1 || got.Malformed != 1 || len(got.Complaints) != 1 || got.Complaints[0].Record != 2 || got.Complaints[0].Error == "" {
		t.Errorf("%+v, %v", got, err)
	}
	_, err = r.Import(t.Context(), strings.NewReader(scan+" and more"), true)
	if !problem.Is(err, problem.Invalid) || !strings.Contains(err.Error(), "at byte") {
		t.Errorf("%v", err)
	}
}

func TestErrorsAreCounted(t *testing.T) {
	r := inhabited(t)
	got, err := r.Errors(t.Context(), client.RecordQuery{}, 0)
	if err != nil || len(got.Groups) != 2 || got.Counted != 3 || !got.Complete {
		t.Fatalf("%+v, %v", got, err)
	}
	if g := got.Groups[0]; g.Type != "ValueError" || g.Count != 2 || g.First != day(2) || g.Last != day(4) || g.Example.ItemIDs != "b4" {
		t.Errorf("%+v", g)
	}
	if got, err := r.Errors(t.Context(), client.RecordQuery{Workflow: "first"}, 0); err != nil || got.Counted != 1 {
		t.Errorf("of one workflow: %+v, %v", got, err)
	}
	if got, err := r.Errors(t.Context(), client.RecordQuery{State: "FAILED"}, 1); err != nil || got.Counted != 1 || got.Complete {
		t.Errorf("of one record: %+v, %v", got, err)
	}
}

func TestMigrate(t *testing.T) {
	r := inhabited(t)
	for _, c := range []struct {
		dry     bool
		changed int64
	}{{true, 5}, {false, 5}, {false, 0}} { // none has claimed_at
		got, err := r.Migrate(t.Context(), api.Migrate{DryRun: c.dry})
		if err != nil || got.Records != 5 || got.Changed != c.changed {
			t.Errorf("%+v: %+v, %v", c, got, err)
		}
	}
	if record, err := r.Record(t.Context(), "b/workflow-first/a3"); err != nil || record.State != "SUCCEEDED" {
		t.Errorf("%+v, %v", record, err)
	}
}

// TestReconcile settles a record whose execution is not there.
func TestReconcile(t *testing.T) {
	r := start(t, "")
	const execution = `"executions":{"L":[{"S":"arn:aws:states:us-east-1:000000000000:execution:first:gone"}]}`
	if _, err := r.Import(t.Context(), strings.NewReader(item("c", "first", "i", "PROCESSING", day(1), execution)), false); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		dry               bool
		state, settlement string
	}{{true, "PROCESSING", "found"}, {false, "FAILED", "settled"}, {false, "FAILED", ""}} {
		got, err := r.Reconcile(t.Context(), api.Reconcile{DryRun: c.dry})
		if err != nil {
			t.Fatal(err)
		}
		settlement := ""
		for _, f := range got.Findings {
			settlement += f.Settlement
			if f.PayloadID != "c/workflow-first/i" || f.Problem != "vanished" {
				t.Errorf("%+v", f)
			}
		}
		if record, err := r.Record(t.Context(), "c/workflow-first/i"); err != nil || record.State != c.state || settlement != c.settlement {
			t.Errorf("%+v: %s, %+v, %v", c, settlement, record, err)
		}
	}
}

func TestDelete(t *testing.T) {
	r := inhabited(t)
	const id, held = "a/workflow-first/a1", "c/workflow-first/held"
	if _, err := r.Import(t.Context(), strings.NewReader(item("c", "first", "held", "PROCESSING", day(1))), false); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		id, reason string
		held       bool
		want       string // kind of problem
	}{
		{id, "", false, "invalid"},
		{"a", "a test", false, "invalid"},
		{id, strings.Repeat("x", 5000), false, "invalid"},
		{id, "a test", false, ""},
		{id, "a test", false, "not-found"},
		{held, "it hangs", false, "conflict"},
		{held, "it hangs", true, ""},
	} {
		_, err := r.DeleteRecord(t.Context(), c.id, c.reason, c.held)
		if err == nil != (c.want == "") || err != nil && problem.KindOf(err).String() != c.want {
			t.Errorf("%+v: %v", c, err)
		}
	}
	if _, err := r.Record(t.Context(), id); !problem.Is(err, problem.NotFound) {
		t.Errorf("after the deletion: %v", err)
	}
	page, err := r.Audit(t.Context(), client.AuditQuery{Subject: id})
	if err != nil || len(page.Entries) != 1 || page.Entries[0].Kind != "delete" || page.Entries[0].Reason != "a test" || page.Entries[0].Actor != access.ActorLocal {
		t.Errorf("%+v, %v", page, err)
	}
}

// TestAudit does what is to be written down, and reads it.
func TestAudit(t *testing.T) {
	r := start(t, "")
	r.submit(payloadOf("x", "unknown") + "\n")
	r.waitState("c/workflow-unknown/x", "FAILED")
	if _, err := r.DeleteDeadLetter(t.Context(), "process", r.deadLetter().ID, "a test"); err != nil {
		t.Fatal(err)
	}
	e, err := r.StartExecution(t.Context(), api.StartExecution{Workflow: "waits", Name: "n"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.StopExecution(t.Context(), e.ARN, api.StopExecution{Error: "Wrong", Cause: "on purpose"}); err != nil {
		t.Fatal(err)
	}
	if _, err := r.StopExecution(t.Context(), e.ARN, api.StopExecution{Error: "Again"}); err != nil { // which changes nothing
		t.Fatal(err)
	}
	if _, err := r.Import(t.Context(), strings.NewReader(item("c", "first", "i", "COMPLETED", day(1))), false); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Migrate(t.Context(), api.Migrate{}); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Backup(t.Context(), filepath.Join(t.TempDir(), "copy")); err != nil {
		t.Fatal(err)
	}
	if _, err := r.CreateToken(t.Context(), api.CreateToken{Name: "reader", Role: "read"}); err != nil {
		t.Fatal(err)
	}
	if moved, err := r.PurgeDeadLetters(t.Context(), "process", "none is left"); err != nil || moved.Count != 0 { // so there is no entry
		t.Fatalf("%+v, %v", moved, err)
	}
	if _, err := r.PurgeDeadLetters(t.Context(), "process", ""); !problem.Is(err, problem.Invalid) {
		t.Errorf("without a reason: %v", err)
	}
	var got []string
	for q := (client.AuditQuery{Since: "1h", Limit: 2}); ; {
		page, err := r.Audit(t.Context(), q)
		if err != nil {
			t.Fatal(err)
		}
		for _, entry := range page.Entries {
			got = append(got, entry.Kind)
		}
		if q.Next = page.Next; q.Next == "" {
			break
		}
	}
	if want := []string{"token", "backup", "migrate", "import", "stop", "purge"}; !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
	page, err := r.Audit(t.Context(), client.AuditQuery{Kind: "stop"})
	if err != nil || len(page.Entries) != 1 || page.Entries[0].Subject != e.ARN || page.Entries[0].Reason != "Wrong: on purpose" {
		t.Errorf("%+v, %v", page, err)
	}
}

// TestBackup opens the copy of a server that goes on.
func TestBackup(t *testing.T) {
	r := inhabited(t)
	dir := filepath.Join(t.TempDir(), "copy")
	if _, err := r.Backup(t.Context(), dir); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Backup(t.Context(), dir); !problem.Is(err, problem.Conflict) {
		t.Errorf("over another backup: %v", err)
	}
	if _, err := r.Backup(t.Context(), filepath.Join(r.dir, "data", "copy")); !problem.Is(err, problem.Invalid) {
		t.Errorf("into the data directory: %v", err)
	}
	if _, err := os.Stat(filepath.Join(dir, "db")); err != nil {
		t.Fatal(err)
	}
	restored, err := embedded.Open(t.Context(), r.platform.Project, embedded.Options{Data: dir})
	if err != nil {
		t.Fatal(err)
	}
	totals, err := restored.Totals(t.Context())
	if err != nil || totals.Records != 5 {
		t.Errorf("%+v, %v", totals, err)
	}
	if err := restored.Close(t.Context()); err != nil {
		t.Error(err)
	}
}
