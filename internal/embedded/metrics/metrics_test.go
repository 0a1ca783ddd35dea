package metrics_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"sundog/asl"
	"sundog/internal/embedded/engine"
	"sundog/internal/embedded/metrics"
	"sundog/internal/embedded/queue"
	"sundog/internal/embedded/schedule"
	"sundog/internal/embedded/statedb"
	"sundog/internal/embedded/store"
	"sundog/internal/embedded/topic"
	domainschedule "sundog/internal/schedule"
	domain "sundog/internal/statedb"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// nothing takes the effects of transitions, of which there are none.
type nothing struct{}

func (nothing) EffectsTx(context.Context, *store.Tx, *domain.Effects) error { return nil }

// world is the parts of a platform that metrics look at, and a clock.
type world struct {
	t     *testing.T
	fs    *vfs.MemFS
	now   time.Time
	store *store.Store

	schedules *schedule.Schedules
	*metrics.Metrics
}

func open(t *testing.T, fs *vfs.MemFS, now time.Time, workflows ...string) *world {
	t.Helper()
	w := &world{t: t, fs: fs, now: now}
	w.Metrics = metrics.New(metrics.Names{Workflows: workflows, Functions: []string{"echo"}, Jobs: []string{"tile"}})
	clock := func() time.Time { return w.now }
	var err error
	if w.store, err = store.Open("data", store.Options{FS: fs, Observe: w.Committed}); err != nil {
		t.Fatal(err)
	}
	queues, err := queue.Open(t.Context(), w.store, queue.Options{Now: clock})
	if err != nil {
		t.Fatal(err)
	}
	records, err := statedb.Open(w.store, nothing{})
	if err != nil {
		t.Fatal(err)
	}
	executions, err := engine.New(engine.Options{Store: w.store, Now: clock})
	if err != nil {
		t.Fatal(err)
	}
	topics := topic.Open(w.store, queues, topic.Options{Now: clock})
	w.schedules, err = schedule.Open(schedule.Options{
		Store: w.store, Queues: queues, Topics: topics, ProcessQueue: "process", Now: clock,
		Observe: schedule.Observer{Fired: w.Fired, Attempted: w.Attempted},
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := queues.Declare(t.Context(), "process", queue.Config{}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		topics.Close()
		queues.Close()
		if err := w.store.Close(); err != nil {
			t.Error(err)
		}
	})
	err = w.Watch(metrics.Sources{
		Store: w.store, Queues: queues, Schedules: w.schedules, Engine: executions, Records: records, Lanes: []string{"live"}, Now: clock,
	})
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// end ends an execution that began a second ago.
func (w *world) end(workflow string, status asl.Status) {
	w.t.Helper()
	tx := w.store.Begin()
	w.EndedTx(tx, engine.Description{Machine: workflow, Status: status, Start: w.now.Add(-time.Second), Stop: w.now})
	if err := tx.Commit(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
}

// values returns the metrics by name and labels; of histograms how much they have counted.
func (w *world) values() map[string]float64 {
	w.t.Helper()
	families, err := w.Registry.Gather()
	if err != nil {
		w.t.Fatal(err)
	}
	all := map[string]float64{}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			var labels []string
			for _, l := range m.GetLabel() {
				labels = append(labels, l.GetValue())
			}
			all[f.GetName()+" "+strings.Join(labels, " ")] = m.GetGauge().GetValue() + m.GetCounter().GetValue() + float64(m.GetHistogram().GetSampleCount())
		}
	}
	return all
}

const sinceSuccess = "sundog_workflow_since_success_seconds "

// TestLastSuccessOutlivesACrash ends executions, loses the power, and asks how long ago the last success was.
func TestLastSuccessOutlivesACrash(t *testing.T) {
	w := open(t, vfs.NewCrashableMem(), noon, "ingest", "derive", "gone")
	if _, ok := w.values()[sinceSuccess+"ingest"]; ok {
		t.Error("it has succeeded before it ran")
	}
	w.end("ingest", asl.Succeeded)
	w.end("gone", asl.Succeeded)
	w.end("derive", asl.Failed)
	w.now = noon.Add(5 * time.Second) // too soon to be stored again
	w.end("ingest", asl.Succeeded)
	w.now = noon.Add(time.Minute)
	if got := w.values()[sinceSuccess+"ingest"]; got != 55 {
		t.Errorf("the last success was %v seconds ago, want 55", got)
	}
	after := open(t, w.fs.CrashClone(vfs.CrashCloneCfg{}), w.now, "ingest", "derive").values()
	if got := after[sinceSuccess+"ingest"]; got < 55 || got > 65 {
		t.Errorf("after a crash the last success was %v seconds ago, want 55 to 65", got)
	}
	for _, workflow := range []string{"derive", "gone"} {
		if got, ok := after[sinceSuccess+workflow]; ok {
			t.Errorf("%s succeeded %v seconds ago", workflow, got)
		}
	}
}

// TestLabelsAreBounded counts under names that nobody declared.
func TestLabelsAreBounded(t *testing.T) {
	w := open(t, vfs.NewMem(), noon, "ingest")
	before := len(w.values())
	const names = 50
	for i := range names {
		name := fmt.Sprintf("made-up-%d", i)
		w.Event(name, "FAILED")
		w.Function(name, time.Second, false)
		w.Job(name, time.Second, true)
		w.end(name, asl.Succeeded)
	}
	w.Function("echo", time.Second, true)
	all := w.values()
	for name, want := range map[string]float64{
		"sundog_workflow_events_total FAILED other":   names,
		"sundog_task_seconds function other failed":   names,
		"sundog_task_seconds job other succeeded":     names,
		"sundog_task_seconds function echo succeeded": 1,
		"sundog_executions_total SUCCEEDED other":     names,
		"sundog_execution_seconds other":              names,
	} {
		if all[name] != want {
			t.Errorf("%s is %v, want %v", name, all[name], want)
		}
	}
	if grown := len(all) - before; grown > 6 {
		t.Errorf("%d series have come", grown)
	}
	if all["sundog_commit_seconds "] < names {
		t.Errorf("%v commits", all["sundog_commit_seconds "])
	}
}

// TestSchedules makes schedules, and fires one.
func TestSchedules(t *testing.T) {
	w := open(t, vfs.NewMem(), noon)
	var last string
	for _, payload := range []string{`{"a": 1}`, `{"b": 2}`} {
		rec, _, err := w.schedules.Create(t.Context(), domainschedule.Draft{
			At: noon.Add(time.Hour), Action: domainschedule.Action{Type: domainschedule.PayloadAction, Payload: &domainschedule.Payload{Payload: []byte(payload)}},
		})
		if err != nil {
			t.Fatal(err)
		}
		last = rec.ID
	}
	if _, err := w.schedules.Fire(t.Context(), last); err != nil {
		t.Fatal(err)
	}
	if err := w.schedules.Cancel(t.Context(), last); err != nil {
		t.Fatal(err)
	}
	w.Fired(time.Second)
	all := w.values()
	for name, want := range map[string]float64{
		"sundog_schedules_pending ":                          1,
		"sundog_schedule_dead_letters ":                      0,
		"sundog_schedule_lateness_seconds ":                  1,
		"sundog_schedule_delivery_seconds payload succeeded": 1,
	} {
		if got, there := all[name]; got != want || !there {
			t.Errorf("%s is %v, want %v", name, got, want)
		}
	}
}
