package server_test

import (
	"fmt"
	"testing"
	"time"

	"sundog/internal/api"
	"sundog/internal/client"
	"sundog/internal/dynamodb"
	"sundog/internal/problem"
)

const withTriggers = `
tables:
  tasks: { partition_key: PK, stream: true }
triggers:
  new-task:
    source: { table: tasks }
    filter: { eventName: [INSERT] }
    input: { id: <$.dynamodb.Keys.PK.S> }
    target: { workflow: second }
  tidy:
    source: { queue: reviews }
    target: { workflow: second }
`

// TestTriggers looks at triggers over HTTP: their lag there and in the metrics, pausing, going on, and replaying.
func TestTriggers(t *testing.T) {
	r := startWith(t, "", withTriggers)
	put := func(id string) {
		t.Helper()
		items := dynamodb.New(r.platform.Tables, dynamodb.Options{Now: time.Now}).Operations()["PutItem"]
		if _, err := items(t.Context(), fmt.Appendf(nil, `{"TableName":"tasks","Item":{"PK":{"S":%q}}}`, id)); err != nil {
			t.Fatal(err)
		}
	}
	executions := func(n int) func() bool {
		return func() bool {
			all, err := r.Executions(t.Context(), "second", "", "", 0)
			if err != nil {
				t.Fatal(err)
			}
			return len(all.Executions) == n
		}
	}
	put("a")
	r.waitFor(executions(1), "a change starts a workflow")

	paused, err := r.PauseTrigger(t.Context(), "new-task")
	if err != nil || !paused.Paused || paused.Source != "table tasks" || paused.Target != "workflow second" || paused.Queue != "trigger/new-task" {
		t.Fatalf("%+v, %v", paused, err)
	}
	put("b")
	all, err := r.Triggers(t.Context())
	if err != nil || len(all.Triggers) != 2 || all.Triggers[0].Lag.Events != 1 || all.Triggers[1].Name != "tidy" || all.Triggers[1].Position != "" {
		t.Errorf("%+v, %v", all, err)
	}
	r.waitFor(func() bool { return r.scrape()[`sundog_trigger_lag_seconds{trigger="new-task"}`] > 0 }, "the metrics have the lag")
	if _, err := r.ResumeTrigger(t.Context(), "new-task"); err != nil {
		t.Fatal(err)
	}
	r.waitFor(executions(2), "it goes on")

	again, err := r.ReplayTrigger(t.Context(), "new-task", api.Replay{From: "1h"})
	if err != nil || again.Replays != 1 {
		t.Fatalf("%+v, %v", again, err)
	}
	r.waitFor(executions(4), "it is replayed")
	r.waitFor(func() bool {
		s, err := r.Trigger(t.Context(), "new-task")
		return err == nil && s.Lag == api.Lag{}
	}, "nothing is left")

	for _, c := range []struct {
		name, from string
		want       problem.Kind
	}{{"tidy", "", problem.Conflict}, {"nothing", "", problem.NotFound}, {"new-task", "long ago", problem.Invalid}} {
		if _, err := r.ReplayTrigger(t.Context(), c.name, api.Replay{From: c.from}); !problem.Is(err, c.want) {
			t.Errorf("replaying %s from %q: %v", c.name, c.from, err)
		}
	}
	entries, err := r.Audit(t.Context(), client.AuditQuery{Kind: "trigger"})
	if err != nil || len(entries.Entries) != 3 {
		t.Errorf("the audit log has %+v, %v", entries, err)
	}
}
