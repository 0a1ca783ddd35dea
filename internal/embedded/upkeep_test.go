package embedded_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"sundog/internal/audit"
	"sundog/internal/bucket"
	"sundog/internal/embedded"
	"sundog/internal/embedded/engine"
	"sundog/internal/embedded/store"
	"sundog/internal/pipeline"
	"sundog/internal/statedb"
	"sundog/payload"
)

// over plays the scenario to its end in virtual time, and leaves the platform open.
func over(t *testing.T, then func(t *testing.T, w *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, store.Options{FS: vfs.NewMem()})
		w.play(never)
		defer w.close()
		then(t, w)
	})
}

// states are those of all records, by their ids.
func (w *world) states() map[string]statedb.State {
	w.t.Helper()
	all := map[string]statedb.State{}
	for r, err := range statedb.All(context.Background(), w.platform.Records, statedb.Query{Index: statedb.ByItemIDs}) {
		if err != nil {
			w.t.Fatal(err)
		}
		all[r.ID.String()] = r.State()
	}
	return all
}

// checkCounts compares the counts with what counting gives.
func (w *world) checkCounts() {
	w.t.Helper()
	counted := map[string]int64{}
	for id, state := range w.states() {
		parsed, err := payload.ParseID(id)
		if err != nil {
			w.t.Fatal(err)
		}
		counted[parsed.PartitionKey()+" "+string(state)]++
	}
	counts, err := w.platform.Records.Counts(context.Background(), "")
	if err != nil {
		w.t.Fatal(err)
	}
	kept := map[string]int64{}
	for _, c := range counts {
		kept[c.Partition+" "+string(c.State)] = c.Records
	}
	if !maps.Equal(counted, kept) {
		w.t.Errorf("counts are %v, counted %v", kept, counted)
	}
}

func (w *world) objects(prefix string) int {
	w.t.Helper()
	list, err := w.platform.Payloads.List(context.Background(), prefix, "", 0)
	if err != nil {
		w.t.Fatal(err)
	}
	return len(list)
}

func (w *world) get(text string) statedb.Record {
	w.t.Helper()
	id, err := payload.ParseID(text)
	if err != nil {
		w.t.Fatal(err)
	}
	r, err := w.platform.Records.Get(context.Background(), id)
	if err != nil {
		w.t.Fatal(err)
	}
	return r
}

const (
	good  = "scenes/workflow-ingest/good"
	bad   = "scenes/workflow-fails/bad"
	wrong = "scenes/workflow-refuses/wrong"
)

func TestSweep(t *testing.T) {
	over(t, func(t *testing.T, w *world) {
		p := w.platform
		p.Project.Retention.Records = map[string]time.Duration{"SUCCEEDED": 2 * time.Hour, "FAILED": 2 * time.Hour}
		p.Project.Retention.Executions = 4 * time.Hour
		p.Project.Retention.Workflows = map[string]map[string]time.Duration{"fails": {"FAILED": 0}}
		before := w.states()
		goodOne, badOne := w.get(good), w.get(bad)
		if n, err := p.Sweep(t.Context()); err != nil || n != (embedded.Swept{}) {
			t.Errorf("at once: %+v, %v", n, err)
		}
		time.Sleep(3 * time.Hour) //nolint:forbidigo // virtual time
		swept, err := p.Sweep(t.Context())
		if err != nil || swept.Records != 3 { // good, what was derived from it, fresh
			t.Errorf("after three hours: %+v, %v", swept, err)
		}
		left := w.states()
		if want := []string{bad, wrong}; !slices.Equal(slices.Sorted(maps.Keys(left)), want) || len(before) != 5 {
			t.Errorf("left %v of %v", left, before)
		}
		w.checkCounts()
		if n := w.objects("cirrus/executions/" + good); n != 0 {
			t.Errorf("%d payloads of a record are left", n)
		}
		if _, err := p.Engine.Look(t.Context(), goodOne.LastExecution()); !errors.Is(err, engine.ErrNotFound) {
			t.Errorf("its execution: %v", err)
		}
		if _, err := p.Engine.Look(t.Context(), badOne.LastExecution()); err != nil || w.objects("cirrus/executions/"+bad) == 0 {
			t.Errorf("what is kept for good: %v", err)
		}
		time.Sleep(2 * time.Hour) //nolint:forbidigo // virtual time
		if swept, err = p.Sweep(t.Context()); err != nil || swept.Executions != 2 || swept.Records != 0 {
			t.Errorf("after five hours: %+v, %v", swept, err)
		}
		if _, err := p.Engine.Look(t.Context(), badOne.LastExecution()); !errors.Is(err, engine.ErrNotFound) || w.objects("cirrus/executions/"+bad) == 0 {
			t.Errorf("an execution goes after its time, the stored input stays with the record: %v", err)
		}
	})
}

// TestSweepByDefault lets a year go by, with what a project has that says nothing, but for one workflow.
func TestSweepByDefault(t *testing.T) {
	over(t, func(t *testing.T, w *world) {
		p := w.platform
		p.Project.Retention.ByWorkflow = map[string]time.Duration{"fails": 48 * time.Hour}
		for _, at := range []payload.Location{p.Layout.Oversized("a"), p.Layout.Invalid("b"), p.Layout.Batch(good, "c")} {
			if _, err := p.Payloads.Put(t.Context(), at.Key, []byte("{}"), bucket.PutOptions{}); err != nil {
				t.Fatal(err)
			}
		}
		exchanged := filepath.Join(w.dir, "exchange", "d.json")
		if err := os.WriteFile(exchanged, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(exchanged, w.now(), w.now()); err != nil {
			t.Fatal(err)
		}
		if err := p.Logs.Append("function/echo/1", []byte("a line\n")); err != nil {
			t.Fatal(err)
		}
		parsed, err := payload.ParseID(wrong)
		if err != nil {
			t.Fatal(err)
		}
		if err := p.DeleteRecord(t.Context(), parsed, statedb.Deletion{Actor: "tester", Reason: "a test"}); err != nil {
			t.Fatal(err)
		}
		records := w.states()
		const day = 24 * time.Hour
		for _, step := range []struct {
			at   time.Duration
			want embedded.Swept
		}{
			{47 * time.Hour, embedded.Swept{}},
			{49 * time.Hour, embedded.Swept{Executions: 1}},
			{9 * day, embedded.Swept{}},
			{11 * day, embedded.Swept{Temporary: 5}}, // those, and the message that was no payload
			{29 * day, embedded.Swept{}},
			{31 * day, embedded.Swept{Logs: 1}},
			{89 * day, embedded.Swept{}},
			{91 * day, embedded.Swept{Executions: 3}},
			{364 * day, embedded.Swept{}},
			{366 * day, embedded.Swept{Audit: 1}},
		} {
			w.ahead.Store(int64(step.at))
			if swept, err := p.Sweep(t.Context()); err != nil || swept != step.want {
				t.Errorf("after %s: %+v, %v; want %+v", step.at, swept, err, step.want)
			}
		}
		if left := w.states(); !maps.Equal(left, records) {
			t.Errorf("records %v, of %v", left, records)
		}
		if n := w.objects("cirrus/executions/" + good); n == 0 {
			t.Error("the stored payloads of a record are gone")
		}
	})
}

func TestDeleteRecord(t *testing.T) {
	over(t, func(t *testing.T, w *world) {
		p, r := w.platform, w.get(good)
		if err := p.DeleteRecord(t.Context(), r.ID, statedb.Deletion{Actor: "ann"}); !errors.Is(err, audit.ErrNoReason) {
			t.Errorf("without a reason: %v", err)
		}
		held := r
		held.StateUpdated = "PROCESSING_" + r.Updated
		if err := p.Records.Put(t.Context(), held); err != nil {
			t.Fatal(err)
		}
		d := statedb.Deletion{Actor: "ann", Reason: "a test scene"}
		if err := p.DeleteRecord(t.Context(), r.ID, d); !errors.Is(err, statedb.ErrHeld) {
			t.Errorf("one that is held: %v", err)
		}
		d.Held = true
		if err := p.DeleteRecord(t.Context(), r.ID, d); err != nil {
			t.Fatal(err)
		}
		if err := p.DeleteRecord(t.Context(), r.ID, d); !errors.Is(err, statedb.ErrNotFound) {
			t.Errorf("again: %v", err)
		}
		if n := w.objects("cirrus/executions/" + good); n != 0 {
			t.Errorf("%d payloads are left", n)
		}
		page, err := p.Audit.Query(t.Context(), audit.Query{Subject: good})
		want := audit.Entry{Kind: audit.Delete, Actor: "ann", Subject: good, Reason: "a test scene", At: time.Now().UTC()}
		if err != nil || len(page.Entries) != 1 || page.Entries[0] != want {
			t.Errorf("audit log: %+v, %v", page.Entries, err)
		}
		w.checkCounts()
	})
}

// TestReconcileEnded takes a record back to before its completion, as if that had never come.
func TestReconcileEnded(t *testing.T) {
	over(t, func(t *testing.T, w *world) {
		p, r := w.platform, w.get(good)
		r.StateUpdated = "PROCESSING_" + r.Updated
		foreign := r
		foreign.ID.ItemIDs, foreign.Executions = "imported", []string{"arn:aws:states:eu-west-1:123456789012:execution:cirrus-ingest:x"}
		for _, put := range []statedb.Record{r, foreign} {
			if err := p.Records.Put(t.Context(), put); err != nil {
				t.Fatal(err)
			}
		}
		if report, err := p.Reconcile(t.Context(), pipeline.ReconcileRequest{}); err != nil || report.Records != 0 {
			t.Errorf("within the grace: %+v, %v", report, err)
		}
		time.Sleep(time.Hour) //nolint:forbidigo // virtual time
		report, err := p.Reconcile(t.Context(), pipeline.ReconcileRequest{})
		if err != nil || report.Counts[pipeline.Ended][pipeline.Settled] != 1 || report.Counts[pipeline.Foreign][pipeline.Left] != 1 {
			t.Errorf("%+v, %v", report, err)
		}
		if got := w.get(good).State(); got != statedb.Succeeded {
			t.Errorf("state %s", got)
		}
		w.checkCounts()
	})
}

// TestBackup copies the data directory while payloads come in, and goes on with the copy.
func TestBackup(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, store.Options{})
		if !w.open() {
			t.Fatal("not opened")
		}
		ctx, cancel := context.WithCancel(t.Context())
		ended, fed := make(chan error, 1), make(chan struct{})
		go func() { ended <- w.platform.Run(ctx) }()
		const before, atMost = 50, 500
		acknowledged, stop := make(chan struct{}), make(chan struct{})
		go func() {
			defer close(fed)
			for n := range atMost {
				if n == before {
					close(acknowledged)
				}
				body := scene(fmt.Sprintf("s%04d", n), `{"workflow":"ingest"}`)
				if _, err := w.platform.Submit(ctx, []embedded.Submission{{Body: []byte(body)}}); err != nil {
					t.Errorf("during the backup: %v", err)
					return
				}
				select {
				case <-stop:
					return
				default:
				}
			}
		}()
		<-acknowledged
		parent := t.TempDir()
		dir := filepath.Join(parent, "copy")
		if err := os.MkdirAll(dir+".partial/db", 0o755); err != nil { // of a backup that did not come to its end
			t.Fatal(err)
		}
		if err := w.platform.Backup(t.Context(), dir); err != nil {
			t.Fatal(err)
		}
		close(stop)
		<-fed
		for path, want := range map[string]error{
			dir: embedded.ErrBackupExists, w.dir: embedded.ErrBackupInside, filepath.Join(w.dir, "catalog", "x"): embedded.ErrBackupInside,
		} {
			if err := w.platform.Backup(t.Context(), path); !errors.Is(err, want) {
				t.Errorf("to %s: %v", path, err)
			}
		}
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		w.close()
		if entries, err := os.ReadDir(parent); err != nil || len(entries) != 1 {
			t.Errorf("left beside the backup: %v, %v", entries, err)
		}

		restored := newWorld(t, store.Options{})
		restored.dir, restored.submissions = dir, nil
		restored.play(never)
		defer restored.close()
		states := restored.states()
		for n := range before {
			id := fmt.Sprintf("scenes/workflow-ingest/s%04d", n)
			if states[id] != statedb.Succeeded {
				t.Errorf("%s was acknowledged before the backup and is %q", id, states[id])
			}
		}
		published := map[string]bool{}
		err := filepath.WalkDir(filepath.Join(dir, "catalog"), func(_ string, entry fs.DirEntry, err error) error {
			published[entry.Name()] = true
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		for id, state := range states {
			if state != statedb.Succeeded {
				t.Errorf("%s is %s", id, state)
			}
			parsed, err := payload.ParseID(id)
			if err != nil {
				t.Fatal(err)
			}
			if !published[parsed.ItemIDs+".json"] {
				t.Errorf("the Item of %s is not in the catalog", id)
			}
		}
		restored.checkCounts()
	})
}
