package flow

import (
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sfn"

	"sundog/internal/aws/executor"
	"sundog/internal/bucket"
	"sundog/internal/pipeline"
	"sundog/internal/statedb"
	"sundog/payload"
)

// TestReconcile settles records on which nobody works: a claim whose execution never started, and an execution whose end nobody told.
func TestReconcile(t *testing.T) {
	t.Parallel()
	d := deploy(t)
	h := d.open(t, false)
	id := func(item string) payload.ID { return payload.ID{Collections: "c1", Workflow: "wf", ItemIDs: item} }
	claimed := payload.ExecutionARN(d.machineBase, "wf", payload.ExecutionName(id("claimed").String(), nil))
	_, name := payload.CutExecutionARN(claimed)
	if _, err := h.payloads.Put(t.Context(), h.config.Layout.Input(id("claimed").String(), name).Key, []byte(body("claimed", "wf")), bucket.PutOptions{}); err != nil {
		t.Fatal(err)
	}
	if _, err := h.records.Apply(t.Context(), statedb.Claim(id("claimed"), claimed, time.Now()), statedb.Effects{}); err != nil {
		t.Fatal(err)
	}
	d.send(t, body("untold", "wf"))
	for turn(t.Context(), h.process, h.processor.Handle); d.bridge(t); { // until it has ended
	}
	d.drain(t, d.update) // what was told is lost
	reconciler := pipeline.NewReconciler(pipeline.ReconcilerOptions{
		Config: h.config, StateDB: h.records, Executions: executor.New(sfn.NewFromConfig(d.cfg)), Updater: h.updater, Fetcher: fetcher{h.payloads},
		Now: func() time.Time { return time.Now().Add(time.Hour) },
	})
	report, err := reconciler.Reconcile(t.Context(), pipeline.ReconcileRequest{})
	if err != nil || report.Counts[pipeline.NeverStarted][pipeline.Settled] != 1 || report.Counts[pipeline.Ended][pipeline.Settled] != 1 {
		t.Fatalf("%+v, %v", report, err)
	}
	d.play(t, func() bool { return false })
	for _, item := range []string{"claimed", "untold"} {
		if r, err := h.records.Get(t.Context(), id(item)); err != nil || r.State() != statedb.Succeeded || len(r.Executions) != 1 {
			t.Errorf("%s: %+v, %v", item, r, err)
		}
	}
}
