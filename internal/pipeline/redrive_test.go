package pipeline_test

import (
	"testing"
	"time"

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
