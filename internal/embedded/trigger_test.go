package embedded_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/google/go-cmp/cmp"

	"sundog/internal/dynamodb"
	"sundog/internal/embedded"
	"sundog/internal/embedded/engine"
	"sundog/internal/embedded/store"
	"sundog/internal/project"
	"sundog/internal/queue"
	"sundog/internal/table"
	"sundog/internal/trigger"
)

// tables is a platform with a table whose changes start workflows, which write back; what becomes of each task is sent to a queue.
type tables struct {
	t        *testing.T
	dir      string
	options  store.Options
	writes   []string // not acknowledged yet
	platform *embedded.Platform
}

const finishWorkflow = `{"StartAt":"Finish","States":{
	"Finish":{"Type":"Task","Resource":"arn:aws:states:::dynamodb:updateItem","End":true,"Retry":[{"ErrorEquals":["States.TaskFailed"]}],"Parameters":{
		"TableName":"tasks","Key.$":"$.Keys","UpdateExpression":"SET workflow_status = :s ADD attempts :one",
		"ExpressionAttributeValues":{":s":{"S.$":"$.status"},":one":{"N":"1"}}}}}}`

func (w *tables) project() *project.Project {
	p := project.Default(w.dir, "triggers")
	p.Workflows = []project.Workflow{{Name: "finish", Definition: []byte(finishWorkflow)}}
	p.Queues = []string{"done"}
	p.Tables = []table.Schema{{
		Name: "tasks", OnDemand: true, Stream: table.ViewBoth, Keys: table.Keys{Partition: table.Key{Name: "PK", Type: table.TypeOf("S")}},
	}}
	source := trigger.Source{Kind: trigger.Table, Name: "tasks"}
	p.Triggers = []project.Trigger{
		{Spec: trigger.Spec{
			Name: "new", Source: source, Start: trigger.TrimHorizon,
			Filter: []byte(`{"eventName":["INSERT"],"dynamodb":{"NewImage":{"workflow_status":{"S":[{"exists":false}]}}}}`),
			Input:  []byte(`{"Keys":"<$.dynamodb.Keys>","status":"FAILED"}`),
			Target: trigger.Target{Kind: trigger.ToWorkflow, Name: "finish"},
		}},
		{Spec: trigger.Spec{
			Name: "again", Source: source, Start: trigger.TrimHorizon,
			Filter: []byte(`{"eventName":["MODIFY"],"dynamodb":{"NewImage":{"workflow_status":{"S":["FAILED"]}}}}`),
			Input:  []byte(`{"Keys":"<$.dynamodb.Keys>","status":"SUCCESS"}`),
			Target: trigger.Target{Kind: trigger.ToWorkflow, Name: "finish"},
		}},
		{Spec: trigger.Spec{
			Name: "done", Source: source, Start: trigger.TrimHorizon,
			Filter: []byte(`{"dynamodb":{"NewImage":{"workflow_status":{"S":["SUCCESS"]}}}}`),
			Input:  []byte(`"<$.dynamodb.Keys.PK.S> after <$.dynamodb.NewImage.attempts.N>"`),
			Target: trigger.Target{Kind: trigger.ToQueue, Name: "done"},
		}},
	}
	return p
}

func (w *tables) open() bool {
	w.t.Helper()
	var err error
	w.platform, err = embedded.Open(context.Background(), w.project(), embedded.Options{Data: w.dir, Store: w.options})
	if err != nil && !errors.Is(err, errInjected) {
		w.t.Fatal(err)
	}
	return err == nil
}

// write makes the writes that were not acknowledged, and reports whether all are.
func (w *tables) write(ctx context.Context) bool {
	service := dynamodb.New(w.platform.Tables, dynamodb.Options{Region: "us-east-1", Account: "000000000000", Now: time.Now})
	for len(w.writes) > 0 {
		request := fmt.Sprintf(`{"TableName":"tasks","Item":{"PK":{"S":"TASK#%s"}},"ConditionExpression":"attribute_not_exists(PK)"}`, w.writes[0])
		_, err := service.Operations()["PutItem"](ctx, []byte(request))
		if refused, ok := errors.AsType[*table.Error](err); err != nil && (!ok || refused.Code != "ConditionalCheckFailedException") {
			return false
		}
		w.writes = w.writes[1:]
	}
	return true
}

// outcome is what the tasks have come to.
func (w *tables) outcome() []string {
	w.t.Helper()
	var all []string
	executions, _, err := w.platform.Engine.List(context.Background(), engine.Filter{Machine: "finish"})
	if err != nil {
		w.t.Fatal(err)
	}
	all = append(all, fmt.Sprintf("%d executions", len(executions)))
	q, err := w.platform.Queues.Queue(context.Background(), "done")
	if err != nil {
		w.t.Fatal(err)
	}
	messages, err := q.Receive(context.Background(), queue.Request{Max: 100})
	if err != nil {
		w.t.Fatal(err)
	}
	for _, m := range messages {
		all = append(all, string(m.Body))
	}
	slices.Sort(all)
	return all
}

func (w *tables) running() *embedded.Platform { return w.platform }

func (w *tables) over(ctx context.Context) bool { return w.write(ctx) && w.idle(ctx) }

func (w *tables) leftOver() string {
	return fmt.Sprintf("%d open executions", w.platform.Engine.OpenTotal())
}

func (w *tables) idle(ctx context.Context) bool {
	all, err := w.platform.Triggers.List(ctx)
	if err != nil {
		return false
	}
	for _, s := range all {
		if s.Lag.Events > 0 {
			return false
		}
	}
	return w.platform.Engine.OpenTotal() == 0
}

// play plays the scenario; see play.
func (w *tables) play(stopped func() bool) {
	w.t.Helper()
	play(w.t, w, stopped)
}

func checkTasks(t *testing.T, got []string) {
	t.Helper()
	want := []string{`"TASK#1 after 2"`, `"TASK#2 after 2"`, `"TASK#3 after 2"`, `"TASK#4 after 2"`, `"TASK#5 after 2"`, "10 executions"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatalf("the tasks without faults (-want +got):\n%s", diff)
	}
}

// TestTriggersWhenWritesFail lets each commit fail once: every change is handled, and none twice.
func TestTriggersWhenWritesFail(t *testing.T) {
	everyCommit(t, checkTasks, func(t *testing.T, k int64) ([]string, bool) {
		var commits atomic.Int64
		w := &tables{t: t, dir: t.TempDir(), writes: []string{"1", "2", "3", "4", "5"}}
		w.options = store.Options{FS: vfs.NewMem(), BeforeCommit: func(int64) error {
			if commits.Add(1) == k {
				return errInjected
			}
			return nil
		}}
		w.play(never)
		defer w.close()
		n := commits.Load()
		return w.outcome(), n >= k
	})
}

// TestTriggersWhenItCrashes loses what was not synced at each commit. The writes are acknowledged before.
func TestTriggersWhenItCrashes(t *testing.T) {
	everyCommit(t, checkTasks, func(t *testing.T, k int64) ([]string, bool) {
		fs := vfs.NewCrashableMem()
		w := &tables{t: t, dir: t.TempDir(), writes: []string{"1", "2", "3", "4", "5"}, options: store.Options{FS: fs}}
		if !w.open() || !w.write(t.Context()) {
			t.Fatal("the writes were not acknowledged")
		}
		w.close()
		crashed := playThroughCrash(t, w, &w.options, fs, k)
		defer w.close()
		return w.outcome(), crashed
	})
}

func (w *tables) close() {
	w.t.Helper()
	if err := w.platform.Close(context.Background()); err != nil {
		w.t.Error(err)
	}
}
