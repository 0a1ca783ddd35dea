package pipeline_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"sundog/internal/queue"
	"sundog/internal/statedb"
	"sundog/internal/topic"
)

// TestWhatCannotBeSentFailsTheRecord ends an execution whose output makes a message that the platform does not take: to try again would never
// end, so the record says why, and what the workflow gave is kept.
func TestWhatCannotBeSentFailsTheRecord(t *testing.T) {
	for _, cause := range []error{topic.ErrTooLarge, topic.ErrInvalidMessage, queue.ErrTooLarge, queue.ErrInvalidMessage} {
		t.Run(cause.Error(), func(t *testing.T) {
			p, execution := started(t, body("i1", "wf", "next"))
			p.stateDB.before = func(tr *statedb.Transition) error {
				if tr.To == statedb.Succeeded {
					return fmt.Errorf("carrying effects out: %w", cause)
				}
				return nil
			}
			if applied, err := p.updater.Handle(t.Context(), p.executor.completion(execution, "SUCCEEDED")); !applied || err != nil {
				t.Fatalf("%v, %v", applied, err)
			}
			r := p.record(first)
			if r.State() != statedb.Failed || r.LastError == nil || !strings.Contains(*r.LastError, cause.Error()) {
				t.Errorf("record %+v", r)
			}
			if events := p.events(); !slices.Equal(events, []string{"FAILED " + first}) {
				t.Errorf("events %v", events)
			}
			if items, next := p.drain("items"), p.drain("process"); len(items)+len(next) != 0 {
				t.Errorf("Items %v, payloads %v", items, next)
			}
			if kept := p.objects("cirrus/executions/" + first); len(kept) != 2 {
				t.Errorf("objects %v", kept)
			}
		})
	}
}
