package pipeline_test

import (
	"slices"
	"testing"
	"time"

	"sundog/internal/event"
	"sundog/internal/pipeline"
	"sundog/internal/queue"
	"sundog/internal/statedb"
	"sundog/payload"
)

// TestClaimIsToldAgain takes up a claim whose maker may not have come as far as telling of it.
func TestClaimIsToldAgain(t *testing.T) {
	claimed := time.Date(2026, 3, 1, 12, 0, 0, 1000, time.UTC)
	for _, tt := range []struct {
		name     string
		beside   bool
		receives int
		told     bool
	}{
		{"effects go with the write", false, 2, false},
		{"the first time", true, 1, false},
		{"the second time", true, 2, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := openPlatform(t, memory(), newExecutor())
			p.beside = tt.beside
			p.configure()
			id := payload.ID{Collections: "c1", Workflow: "wf", ItemIDs: "i1"}
			if _, err := p.db.Apply(t.Context(), statedb.Claim(id, nameAfter(first), claimed), statedb.Effects{}); err != nil {
				t.Fatal(err)
			}
			m := queue.Message{Body: []byte(body("i1", "wf")), ReceiveCount: tt.receives, SentAt: claimed.Add(-time.Second)}
			if o := p.processor.Handle(t.Context(), []queue.Message{m})[0]; o.Verdict != pipeline.Done || o.Started != 1 {
				t.Fatalf("outcome %+v", o)
			}
			events := p.drainEvents()
			types := make([]event.Type, len(events))
			for i, e := range events {
				types[i] = e.Type
			}
			want := []event.Type{event.StartedProcessing}
			if tt.told {
				want = []event.Type{event.ClaimedProcessing, event.StartedProcessing}
			}
			if !slices.Equal(types, want) {
				t.Fatalf("events %v, want %v", types, want)
			}
			if at := event.FormatTime(claimed); tt.told && events[0].Time != at {
				t.Errorf("told as of %s, claimed at %s", events[0].Time, at)
			}
		})
	}
}
