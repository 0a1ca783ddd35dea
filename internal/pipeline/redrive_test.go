package pipeline_test

import (
	"context"
	"testing"
	"time"

	"sundog/internal/pipeline"
	"sundog/internal/statedb"
)

// TestRedriven: a redriven execution takes the record back, and an end from before the redrive changes nothing, whether it was heard of before
// or comes late.
func TestRedriven(t *testing.T) {
	for _, heard := range []bool{true, false} {
		p, execution := started(t, body("i1", "wf"))
		failed := p.executor.completion(execution, "FAILED")
		if heard {
			if applied, err := p.updater.Handle(t.Context(), failed); !applied || err != nil {
				t.Fatal(applied, err)
			}
			p.drain("events")
		}
		config := p.config()
		transition, effects, err := config.Redriven(first, execution, time.Now(), 1)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := p.db.Apply(t.Context(), transition, effects); err != nil {
			t.Fatal(err)
		}
		if events := p.events(); len(events) != 1 || events[0] != "STARTED_PROCESSING "+first {
			t.Errorf("events %v", events)
		}
		if applied, err := p.updater.Handle(t.Context(), failed); applied || err != nil {
			t.Errorf("an end from before: %v %v", applied, err)
		}
		if r := p.record(first); r.State() != statedb.Processing || r.LastError != nil {
			t.Errorf("the record is %+v", r)
		}
		succeeded := p.executor.completion(execution, "SUCCEEDED")
		succeeded.Redrives = 1
		if applied, err := p.updater.Handle(t.Context(), succeeded); !applied || err != nil {
			t.Errorf("the end: %v %v", applied, err)
		}
		if r := p.record(first); r.State() != statedb.Succeeded {
			t.Errorf("the record is %+v", r)
		}
	}
}

// TestRedrivenElsewhere: somebody redrives an execution where the record is not told of it, as at the console of AWS. Its end counts, once.
func TestRedrivenElsewhere(t *testing.T) {
	for _, heard := range []bool{true, false} {
		p, execution := started(t, body("i1", "wf"))
		failed := p.executor.completion(execution, "FAILED")
		if heard {
			if applied, err := p.updater.Handle(t.Context(), failed); !applied || err != nil {
				t.Fatal(applied, err)
			}
		}
		p.drain("events")
		succeeded := p.executor.completion(execution, "SUCCEEDED")
		succeeded.Redrives = 1
		for _, first := range []bool{true, false} {
			if applied, err := p.updater.Handle(t.Context(), succeeded); applied != first || err != nil {
				t.Errorf("the end of the redrive: %v %v", applied, err)
			}
			if applied, err := p.updater.Handle(t.Context(), failed); applied || err != nil {
				t.Errorf("an end from before: %v %v", applied, err)
			}
		}
		if r := p.record(first); r.State() != statedb.Succeeded || r.LastError != nil || r.Redrives() != 1 {
			t.Errorf("the record is %+v", r)
		}
		if events := p.events(); len(events) != 1 || events[0] != "SUCCEEDED "+first {
			t.Errorf("events %v", events)
		}
	}
}

// looks says of every execution the same.
type looks pipeline.Execution

func (l looks) Look(context.Context, string) (pipeline.Execution, error) {
	return pipeline.Execution(l), nil
}

// TestRedriveThatCameToNothing: the record was told of a redrive, and the execution was not redriven. Reconciling settles the record.
func TestRedriveThatCameToNothing(t *testing.T) {
	p, execution := started(t, body("i1", "wf"))
	config := p.config()
	transition, effects, err := config.Redriven(first, execution, time.Now(), 1)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.db.Apply(t.Context(), transition, effects); err != nil {
		t.Fatal(err)
	}
	reconciler := pipeline.NewReconciler(pipeline.ReconcilerOptions{
		Config: config, StateDB: p.db, Executions: looks{Status: "FAILED", Error: "E"}, Updater: p.updater, Fetcher: p,
		Now: func() time.Time { return time.Now().Add(2 * pipeline.ReconcileGrace) },
	})
	report, err := reconciler.Reconcile(t.Context(), pipeline.ReconcileRequest{})
	if err != nil || report.Counts[pipeline.Ended][pipeline.Settled] != 1 {
		t.Errorf("%+v, %v", report, err)
	}
	if r := p.record(first); r.State() != statedb.Failed {
		t.Errorf("the record is %+v", r)
	}
}
