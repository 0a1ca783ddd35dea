package rerun_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/tidwall/gjson"

	"sundog/internal/audit"
	embeddedaudit "sundog/internal/embedded/audit"
	embeddedqueue "sundog/internal/embedded/queue"
	jobs "sundog/internal/embedded/rerun"
	records "sundog/internal/embedded/statedb"
	"sundog/internal/embedded/store"
	"sundog/internal/queue"
	"sundog/internal/rerun"
	"sundog/internal/statedb"
	"sundog/payload"
)

// A world is a state database and a process queue with jobs.
type world struct {
	t       testing.TB
	store   *store.Store
	db      *records.DB
	queues  *embeddedqueue.Queues
	process *embeddedqueue.Queue
	jobs    *jobs.Jobs
	audit   *embeddedaudit.Log

	redriven []string
	stop     func()
}

// Input implements jobs.Inputs: those of the workflow "lost" are gone.
func (w *world) Input(_ context.Context, id payload.ID, execution string) ([]byte, error) {
	if id.Workflow == "lost" {
		return nil, fmt.Errorf("%w: it has expired", rerun.ErrNoInput)
	}
	return fmt.Appendf(nil, `{"id":%q,"execution":%q,"process":[{"workflow":%q}]}`, id, execution, id.Workflow), nil
}

var errOver = errors.New("it is over")

func (w *world) Redrive(_ context.Context, execution string) error {
	if strings.HasSuffix(execution, "3") {
		return errOver
	}
	w.redriven = append(w.redriven, execution)
	return nil
}

func (w *world) NotRedrivable(err error) bool { return errors.Is(err, errOver) }

func open(t testing.TB, fs vfs.FS, backlog int64, before func(int64) error) *world {
	t.Helper()
	w := &world{t: t}
	dir := "data"
	if fs == vfs.Default {
		dir = t.TempDir()
	}
	var err error
	if w.store, err = store.Open(dir, store.Options{FS: fs, BeforeCommit: before}); err != nil {
		t.Fatal(err)
	}
	if w.db, err = records.Open(w.store, nil); err != nil {
		t.Fatal(err)
	}
	if w.queues, err = embeddedqueue.Open(context.Background(), w.store, embeddedqueue.Options{}); err != nil {
		t.Fatal(err)
	}
	if w.process, err = w.queues.Declare(context.Background(), "process", embeddedqueue.Config{Lanes: []string{"live", "bulk"}}); err != nil {
		t.Fatal(err)
	}
	if w.audit, err = embeddedaudit.Open(w.store); err != nil {
		t.Fatal(err)
	}
	w.jobs, err = jobs.Open(jobs.Options{
		Store: w.store, Records: w.db, Counts: w.db.Counts, Queue: w.process, Inputs: w, Redriver: w, Audit: w.audit, Backlog: backlog,
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- w.jobs.Run(ctx) }()
	w.stop = func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
		w.queues.Close()
		_ = w.store.Close() // fails after a crash
	}
	return w
}

// seed puts records of a workflow into a state, the n-th updated in the n-th second.
func (w *world) seed(workflow string, state statedb.State, n int) {
	w.t.Helper()
	var all []statedb.Record
	for i := range n {
		at := statedb.FormatTime(time.Date(1999, 12, 31, 0, 0, i, 0, time.UTC))
		r := statedb.Record{
			ID: payload.ID{Collections: "c", Workflow: workflow, ItemIDs: fmt.Sprintf("%s%05d", state, i)}, StateUpdated: string(state) + "_" + at, Created: at, Updated: at,
			Executions: []string{fmt.Sprintf("arn:%s:%d", workflow, i)},
		}
		if state == statedb.Failed {
			text := fmt.Sprintf("Broken: item %d", i)
			r.LastError = &text
		}
		all = append(all, r)
	}
	if _, err := w.db.PutMany(context.Background(), all, true); err != nil {
		w.t.Fatal(err)
	}
}

// waitFor waits until a job is in a state.
func (w *world) waitFor(id string, state rerun.State) rerun.Job {
	w.t.Helper()
	for range 100_000 {
		job, err := w.jobs.Get(context.Background(), id)
		if err != nil {
			w.t.Fatal(err)
		}
		if job.State == state {
			return job // what was committed with it may not be visible in the queue yet; see synctest.Wait
		}
		<-time.After(10 * time.Millisecond)
	}
	w.t.Fatalf("job %s is not %s", id, state)
	return rerun.Job{}
}

// sent takes all messages that wait in a lane of the process queue.
func (w *world) sent(lane string) (ids []string) {
	w.t.Helper()
	var receipts []string
	for {
		got, err := w.process.Receive(context.Background(), queue.Request{Max: 500, Lanes: []string{lane}})
		if err != nil {
			w.t.Fatal(err)
		}
		if len(got) == 0 {
			break
		}
		for _, m := range got {
			if !gjson.GetBytes(m.Body, "process.0.replace").Bool() {
				w.t.Errorf("%s would be skipped", m.Body)
			}
			ids = append(ids, gjson.GetBytes(m.Body, "id").Str)
			receipts = append(receipts, m.Receipt)
		}
	}
	if err := w.process.Delete(context.Background(), receipts...); err != nil {
		w.t.Fatal(err)
	}
	return ids
}

func TestFromStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := open(t, vfs.NewMem(), 0, nil)
		defer w.stop()
		w.seed("w", statedb.Failed, 250)
		w.seed("w", statedb.Processing, 5)
		w.seed("lost", statedb.Failed, 3)
		preview, err := w.jobs.Preview(t.Context(), rerun.Request{Filter: rerun.Filter{State: statedb.Failed}})
		if err != nil || preview.Records != 253 || !preview.Exact || len(preview.Sample) != 10 || len(preview.Errors) != 1 || preview.Errors[0].Records != 253 ||
			!strings.HasPrefix(preview.Oldest, "1999-12-31T00:00:00") || !strings.HasPrefix(preview.Newest, "1999-12-31T00:04:09") {
			t.Fatalf("%+v, %v", preview, err)
		}
		job, err := w.jobs.Create(t.Context(), rerun.Request{Lane: "bulk", Actor: "me", Reason: "fixed"})
		if err != nil {
			t.Fatal(err)
		}
		job = w.waitFor(job.ID, rerun.Done)
		synctest.Wait()
		if job.Seen != 258 || job.Sent != 250 || job.Skipped != 5 || job.Failed != 3 {
			t.Errorf("%+v", job)
		}
		ids := w.sent("bulk")
		slices.Sort(ids)
		if len(slices.Compact(ids)) != 250 {
			t.Errorf("%d were sent", len(ids))
		}
		failures, next, err := w.jobs.Failures(t.Context(), job.ID, "", 2)
		if err != nil || len(failures) != 2 || next == "" || failures[0].Reason != "there is no stored input: it has expired" {
			t.Errorf("%+v %q, %v", failures, next, err)
		}
		if failures, next, err = w.jobs.Failures(t.Context(), job.ID, next, 2); err != nil || len(failures) != 1 || next != "" {
			t.Errorf("%+v %q, %v", failures, next, err)
		}
		entries, err := w.audit.Query(t.Context(), audit.Query{Kind: audit.Rerun, Limit: 1000})
		if err != nil || len(entries.Entries) != 250 || entries.Entries[0].Actor != "me" {
			t.Errorf("%d entries in the audit log, %v", len(entries.Entries), err)
		}
	})
}

func TestFromFailedWithLimitAndPatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := open(t, vfs.NewMem(), 0, nil)
		defer w.stop()
		w.seed("w", statedb.Failed, 20)
		job, err := w.jobs.Create(t.Context(), rerun.Request{Mode: rerun.FromFailed, Filter: rerun.Filter{CollectionsWorkflow: "c_w", State: statedb.Failed}})
		if err != nil {
			t.Fatal(err)
		}
		job = w.waitFor(job.ID, rerun.Done)
		if job.Sent != 18 || job.Failed != 2 || len(w.redriven) != 18 { // 3 and 13
			t.Errorf("%+v, %d redriven", job, len(w.redriven))
		}
		job, err = w.jobs.Create(t.Context(), rerun.Request{Filter: rerun.Filter{State: statedb.Failed}, Limit: 7, Patch: []byte(`{"id":"patched"}`)})
		if err != nil {
			t.Fatal(err)
		}
		if job = w.waitFor(job.ID, rerun.Done); job.Sent != 7 {
			t.Errorf("%+v", job)
		}
		synctest.Wait()
		if ids := w.sent("live"); len(ids) != 7 || ids[0] != "patched" {
			t.Errorf("%v", ids)
		}
	})
}

func TestRate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := open(t, vfs.NewMem(), 0, nil)
		defer w.stop()
		w.seed("w", statedb.Failed, 100)
		begin := time.Now()
		job, err := w.jobs.Create(t.Context(), rerun.Request{Rate: 10})
		if err != nil {
			t.Fatal(err)
		}
		w.waitFor(job.ID, rerun.Done)
		if took := time.Since(begin); took < 9*time.Second || took > 12*time.Second {
			t.Errorf("100 records at 10 a second took %s", took)
		}
	})
}

// TestBacklogPauseCancel lets a job wait for the queue, pauses it, and cancels it; the job after it goes on.
func TestBacklogPauseCancel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		// A job that waits looks at the queue each tenth of a second. It is not to do that in the moment in which the test empties the queue.
		const quiet = time.Minute + 50*time.Millisecond
		w := open(t, vfs.NewMem(), 150, nil)
		defer w.stop()
		w.seed("w", statedb.Failed, 1000)
		first, err := w.jobs.Create(t.Context(), rerun.Request{})
		if err != nil {
			t.Fatal(err)
		}
		second, err := w.jobs.Create(t.Context(), rerun.Request{Filter: rerun.Filter{ItemPrefix: "FAILED0000"}})
		if err != nil {
			t.Fatal(err)
		}
		<-time.After(quiet)
		if n := len(w.sent("live")); n != 200 { // the step that went over the bound included
			t.Errorf("%d wait", n)
		}
		if _, err := w.jobs.Pause(t.Context(), first.ID, "me"); err != nil {
			t.Fatal(err)
		}
		_ = w.sent("live") // what the first sent until it was paused; the second waits for it
		w.waitFor(second.ID, rerun.Done)
		synctest.Wait()
		_ = w.sent("live")
		<-time.After(quiet)
		if n := len(w.sent("live")); n != 0 {
			t.Errorf("a paused job sent %d", n)
		}
		if _, err := w.jobs.Resume(t.Context(), first.ID, "me"); err != nil {
			t.Fatal(err)
		}
		<-time.After(quiet)
		if n := len(w.sent("live")); n == 0 {
			t.Error("a resumed job sends nothing")
		}
		job, err := w.jobs.Cancel(t.Context(), first.ID, "me")
		if err != nil || job.State != rerun.Cancelled {
			t.Fatalf("%+v, %v", job, err)
		}
		if _, err := w.jobs.Resume(t.Context(), first.ID, "me"); !errors.Is(err, rerun.ErrConflict) {
			t.Errorf("%v", err)
		}
		list, next, err := w.jobs.List(t.Context(), "", 1)
		if err != nil || len(list) != 1 || list[0].ID != second.ID || next == "" {
			t.Errorf("%+v %q, %v", list, next, err)
		}
		if list, next, err = w.jobs.List(t.Context(), next, 1); err != nil || len(list) != 1 || list[0].ID != first.ID || next != "" {
			t.Errorf("%+v %q, %v", list, next, err)
		}
		for _, id := range []string{"", "none", "!"} {
			if _, err := w.jobs.Get(t.Context(), id); !errors.Is(err, rerun.ErrNotFound) {
				t.Errorf("%q gives %v", id, err)
			}
		}
	})
}

// TestCrashes crashes at every commit of a job in turn: each record is sent once.
func TestCrashes(t *testing.T) {
	for crash := int64(1); ; crash++ {
		over := false
		synctest.Test(t, func(t *testing.T) {
			fs := vfs.NewCrashableMem()
			w := open(t, fs, 0, nil)
			w.seed("w", statedb.Failed, 450)
			job, err := w.jobs.Create(t.Context(), rerun.Request{Rate: 10_000})
			if err != nil {
				t.Fatal(err)
			}
			w.stop()
			var crashed *vfs.MemFS
			w = open(t, fs, 0, func(n int64) error {
				if n == crash {
					crashed = fs.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: 50, RNG: rand.New(rand.NewPCG(uint64(crash), 1))})
				}
				return nil
			})
			w.waitFor(job.ID, rerun.Done)
			w.stop()
			if crashed == nil {
				over = true
				return
			}
			w = open(t, crashed, 0, nil)
			defer w.stop()
			job = w.waitFor(job.ID, rerun.Done)
			synctest.Wait()
			ids := w.sent("live")
			slices.Sort(ids)
			if job.Sent != 450 || len(ids) != 450 || len(slices.Compact(ids)) != 450 {
				t.Errorf("crash at commit %d: %d sent, %d messages", crash, job.Sent, len(ids))
			}
		})
		if over || t.Failed() {
			return
		}
	}
}

// BenchmarkJob runs 100,000 records again, without processing them.
func BenchmarkJob(b *testing.B) {
	for b.Loop() {
		b.StopTimer()
		w := open(b, vfs.Default, 1<<40, nil)
		all := make([]statedb.Record, 0, 1000)
		for i := range 100_000 {
			at := statedb.FormatTime(time.Unix(int64(i), 0))
			all = append(all, statedb.Record{
				ID: payload.ID{Collections: "c", Workflow: "w", ItemIDs: fmt.Sprint(i)}, StateUpdated: "FAILED_" + at, Created: at, Updated: at, Executions: []string{"arn:w:1"},
			})
			if len(all) == cap(all) {
				if _, err := w.db.PutMany(context.Background(), all, true); err != nil {
					b.Fatal(err)
				}
				all = all[:0]
			}
		}
		b.StartTimer()
		job, err := w.jobs.Create(context.Background(), rerun.Request{Filter: rerun.Filter{State: statedb.Failed}})
		if err != nil {
			b.Fatal(err)
		}
		w.waitFor(job.ID, rerun.Done)
		b.StopTimer()
		w.stop()
		b.StartTimer()
	}
	b.ReportMetric(float64(b.N)*100_000/b.Elapsed().Seconds(), "records/s")
}
