package rerun_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/tidwall/gjson"

	"sundog/internal/aws/awstest"
	"sundog/internal/aws/bucket"
	jobs "sundog/internal/aws/rerun"
	domain "sundog/internal/bucket"
	records "sundog/internal/embedded/statedb"
	"sundog/internal/embedded/store"
	"sundog/internal/queue"
	"sundog/internal/rerun"
	"sundog/internal/statedb"
	"sundog/payload"
)

// world is a deployment's payload bucket on a stand-in, with a state database of another platform and a queue that is a list.
type world struct {
	jobs   *jobs.Jobs
	bucket *bucket.Bucket
	layout payload.Layout
	db     *records.DB

	mu       sync.Mutex
	sent     []string // ids of payloads
	bodies   []string
	redriven []string
	refuse   func() error // asked before each call of Send
	faults   func(r *http.Request) error
}

// RoundTrip fails requests to S3 as faults says.
func (w *world) RoundTrip(r *http.Request) (*http.Response, error) {
	if w.faults != nil {
		if err := w.faults(r); err != nil {
			return nil, err
		}
	}
	return http.DefaultTransport.RoundTrip(r)
}

var errOver = errors.New("it is over")

func (w *world) Redrive(_ context.Context, execution string) error {
	if strings.HasSuffix(execution, ":3") {
		return errOver
	}
	w.redriven = append(w.redriven, execution)
	if len(w.redriven) == 2 {
		w.redriven = append(w.redriven, "busy")
		return rerun.ErrBusy
	}
	return nil
}

func (w *world) NotRedrivable(err error) bool { return errors.Is(err, errOver) }

func (w *world) send(_ context.Context, drafts []queue.Draft) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.refuse != nil {
		if err := w.refuse(); err != nil {
			return err
		}
	}
	for _, d := range drafts {
		w.sent = append(w.sent, gjson.GetBytes(d.Body, "id").Str)
		w.bodies = append(w.bodies, string(d.Body))
	}
	return nil
}

func open(t *testing.T) *world {
	t.Helper()
	w := &world{}
	standins := awstest.Start(t, awstest.Options{Standins: []awstest.Standin{awstest.Gofakes3}})
	w.layout = payload.Layout{Bucket: standins.Bucket(t), Root: "some/root"}
	client := s3.NewFromConfig(standins.Config(), func(o *s3.Options) {
		o.HTTPClient = &http.Client{Transport: w}
		o.RetryMaxAttempts = 1
	})
	w.bucket = bucket.New(client, w.layout.Bucket)
	disk, err := store.Open("data", store.Options{FS: vfs.NewMem()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = disk.Close() })
	if w.db, err = records.Open(disk, nil); err != nil {
		t.Fatal(err)
	}
	w.reopen()
	return w
}

// reopen is what another process would have.
func (w *world) reopen() {
	w.jobs = jobs.New(jobs.Options{
		Bucket: w.bucket, Layout: w.layout, Records: w.db, Counts: w.db.Counts, Send: w.send, Redriver: w,
		Fit: func(_ context.Context, body []byte) ([]byte, error) { return body, nil },
		CheckLane: func(lane string) error {
			if lane != "" {
				return queue.ErrUnknownLane
			}
			return nil
		},
	})
}

// seed makes n records in a state, with inputs but for those of the workflow lost.
func (w *world) seed(t *testing.T, workflow string, state statedb.State, n int) {
	t.Helper()
	var all []statedb.Record
	for i := range n {
		at := statedb.FormatTime(time.Date(1999, 12, 31, 0, 0, i, 0, time.UTC))
		r := statedb.Record{
			ID: payload.ID{Collections: "c", Workflow: workflow, ItemIDs: fmt.Sprintf("i%04d", i)}, StateUpdated: string(state) + "_" + at, Created: at, Updated: at,
			Executions: []string{fmt.Sprintf("arn:aws:states:us-west-2:123456789012:execution:%s:%d", workflow, i)},
		}
		all = append(all, r)
		if workflow == "lost" {
			continue
		}
		_, name := payload.CutExecutionARN(r.LastExecution())
		input := fmt.Appendf(nil, `{"id":%q,"process":[{"workflow":%q}]}`, r.ID, workflow)
		if _, err := w.bucket.Put(t.Context(), w.layout.Input(r.ID.String(), name).Key, input, domain.PutOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := w.db.PutMany(t.Context(), all, true); err != nil {
		t.Fatal(err)
	}
}

// TestWork runs a job of several steps, by several workers of which each is given little time.
func TestWork(t *testing.T) {
	w := open(t)
	w.seed(t, "a", statedb.Failed, 250)
	w.seed(t, "b", statedb.Processing, 3)
	w.seed(t, "lost", statedb.Failed, 120)
	job, err := w.jobs.Create(t.Context(), rerun.Request{Patch: []byte(`{"x":1}`), Actor: "ann"})
	if err != nil || job.State != rerun.Pending || job.Expected != 373 || !job.Exact {
		t.Fatalf("%+v, %v", job, err)
	}
	for rounds := 0; !job.State.Ended(); rounds++ {
		if rounds > 10 {
			t.Fatalf("%+v", job)
		}
		w.reopen()
		if job, err = w.jobs.Work(t.Context(), job.ID, time.Nanosecond); err != nil {
			t.Fatal(err)
		}
		if job, err = w.jobs.Work(t.Context(), job.ID, 50*time.Millisecond); err != nil {
			t.Fatal(err)
		}
	}
	if job.Sent != 250 || job.Skipped != 3 || job.Failed != 120 || job.Seen != 373 {
		t.Errorf("%+v", job)
	}
	slices.Sort(w.sent)
	if len(slices.Compact(w.sent)) != 250 || !gjson.Get(w.bodies[7], "process.0.replace").Bool() || gjson.Get(w.bodies[7], "x").Int() != 1 {
		t.Errorf("%d were sent, like %s", len(w.sent), w.bodies[7])
	}
	w.failures(t, job.ID, 120)
	if again, err := w.jobs.Work(t.Context(), job.ID, time.Second); err != nil || again.State != rerun.Done || again.Sent != 250 {
		t.Errorf("%+v, %v", again, err)
	}
}

// failures lists what a job could not run again, in pages of all sizes.
func (w *world) failures(t *testing.T, id string, want int) {
	t.Helper()
	for _, limit := range []int{7, 100, 1000} {
		seen := map[string]bool{}
		for after := ""; ; {
			page, next, err := w.jobs.Failures(t.Context(), id, after, limit)
			if err != nil || len(page) > limit {
				t.Fatalf("%d, %v", len(page), err)
			}
			for _, f := range page {
				if seen[f.PayloadID] || !strings.Contains(f.Reason, rerun.ErrNoInput.Error()) {
					t.Errorf("%+v", f)
				}
				seen[f.PayloadID] = true
			}
			if after = next; after == "" {
				break
			}
		}
		if len(seen) != want {
			t.Errorf("%d failures in pages of %d", len(seen), limit)
		}
	}
	if _, _, err := w.jobs.Failures(t.Context(), id, "x", 1); !errors.Is(err, rerun.ErrInvalidToken) {
		t.Errorf("%v", err)
	}
}

// TestRedrives has executions go on; one that is over fails, a lane that is full is waited for.
func TestRedrives(t *testing.T) {
	w := open(t)
	w.seed(t, "a", statedb.Failed, 5)
	job, err := w.jobs.Create(t.Context(), rerun.Request{Mode: rerun.FromFailed, Filter: rerun.Filter{State: statedb.Failed}, Limit: 4})
	if err != nil {
		t.Fatal(err)
	}
	if job, err = w.jobs.Work(t.Context(), job.ID, time.Minute); err != nil || job.State != rerun.Done || job.Seen != 4 || job.Sent != 3 || job.Failed != 1 {
		t.Errorf("%+v, %v", job, err)
	}
	if len(w.redriven) != 5 || len(w.sent) != 0 { // one was busy at first
		t.Errorf("%v, %v", w.redriven, w.sent)
	}
}

// TestRate holds a job to its rate, however short it is worked on at a time.
func TestRate(t *testing.T) {
	w := open(t)
	w.seed(t, "a", statedb.Failed, 8)
	job, err := w.jobs.Create(t.Context(), rerun.Request{Rate: 20})
	if err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	for job.State != rerun.Done {
		if job, err = w.jobs.Work(t.Context(), job.ID, 10*time.Millisecond); err != nil {
			t.Fatal(err)
		}
	}
	if took := time.Since(began); job.Sent != 8 || took < 300*time.Millisecond {
		t.Errorf("%+v in %v", job, took)
	}
}

// TestSteer pauses, resumes and cancels.
func TestSteer(t *testing.T) {
	w := open(t)
	w.seed(t, "a", statedb.Failed, 3)
	job, err := w.jobs.Create(t.Context(), rerun.Request{})
	if err != nil {
		t.Fatal(err)
	}
	second, err := w.jobs.Create(t.Context(), rerun.Request{Limit: 1})
	if err != nil {
		t.Fatal(err)
	}
	if job, err = w.jobs.Pause(t.Context(), job.ID, ""); err != nil || job.State != rerun.Paused {
		t.Fatalf("%+v, %v", job, err)
	}
	if job, err = w.jobs.Work(t.Context(), job.ID, time.Minute); err != nil || job.State != rerun.Paused || len(w.sent) != 0 {
		t.Errorf("%+v, %v", job, err)
	}
	if job, err = w.jobs.Resume(t.Context(), job.ID, ""); err != nil || job.State != rerun.Pending {
		t.Errorf("%+v, %v", job, err)
	}
	if job, err = w.jobs.Cancel(t.Context(), job.ID, ""); err != nil || job.State != rerun.Cancelled {
		t.Errorf("%+v, %v", job, err)
	}
	if _, err = w.jobs.Resume(t.Context(), job.ID, ""); !errors.Is(err, rerun.ErrConflict) {
		t.Errorf("%v", err)
	}
	first, next, err := w.jobs.List(t.Context(), "", 1)
	if err != nil || len(first) != 1 || first[0].ID != second.ID {
		t.Fatalf("%+v, %v", first, err)
	}
	if rest, _, err := w.jobs.List(t.Context(), next, 10); err != nil || len(rest) != 1 || rest[0].ID != job.ID {
		t.Errorf("%+v, %v", rest, err)
	}
	for _, id := range []string{"", "nope", "../jobs", "A"} {
		if _, err := w.jobs.Get(t.Context(), id); !errors.Is(err, rerun.ErrNotFound) {
			t.Errorf("%q: %v", id, err)
		}
	}
	if _, err := w.jobs.Create(t.Context(), rerun.Request{Lane: "bulk"}); !errors.Is(err, rerun.ErrInvalid) {
		t.Errorf("%v", err)
	}
}

// TestFaults fails each request of a job to S3 once, and each sending: whoever goes on loses nothing.
func TestFaults(t *testing.T) {
	fault := errors.New("the network is down")
	for k := 0; ; k++ {
		w := open(t)
		w.seed(t, "a", statedb.Failed, 103)
		w.seed(t, "lost", statedb.Failed, 3)
		job, err := w.jobs.Create(t.Context(), rerun.Request{})
		if err != nil {
			t.Fatal(err)
		}
		calls, hit := 0, false
		fail := func() error {
			calls++
			if calls-1 == k {
				hit = true
				return fault
			}
			return nil
		}
		w.refuse = fail
		w.faults = func(r *http.Request) error {
			if r.Method == http.MethodPut || strings.Contains(r.URL.Path, "/jobs/") { // those of inputs are all alike
				return fail()
			}
			return nil
		}
		if _, err = w.jobs.Work(t.Context(), job.ID, time.Minute); hit != (err != nil) {
			t.Errorf("call %d: %v", k, err)
		}
		w.refuse, w.faults = nil, nil
		w.reopen()
		done, err := w.jobs.Work(t.Context(), job.ID, time.Minute)
		if err != nil || done.State != rerun.Done || done.Sent != 103 || done.Failed != 3 {
			t.Fatalf("call %d: %+v, %v", k, done, err)
		}
		slices.Sort(w.sent)
		if n := len(slices.Compact(w.sent)); n != 103 {
			t.Errorf("call %d: %d were sent", k, n)
		}
		w.failures(t, job.ID, 3)
		if !hit {
			if k < 8 {
				t.Errorf("only %d calls failed", k)
			}
			return
		}
	}
}

// TestTwoWorkers: two work on one job at a time. What is sent may be sent twice, and is counted once.
func TestTwoWorkers(t *testing.T) {
	w := open(t)
	w.seed(t, "a", statedb.Failed, 450)
	job, err := w.jobs.Create(t.Context(), rerun.Request{})
	if err != nil {
		t.Fatal(err)
	}
	var both sync.WaitGroup
	for range 2 {
		both.Go(func() {
			if done, err := w.jobs.Work(t.Context(), job.ID, time.Minute); err != nil || done.Sent != 450 || done.State != rerun.Done {
				t.Errorf("%+v, %v", done, err)
			}
		})
	}
	both.Wait()
	slices.Sort(w.sent)
	if n := len(slices.Compact(w.sent)); n != 450 {
		t.Errorf("%d were sent", n)
	}
}
