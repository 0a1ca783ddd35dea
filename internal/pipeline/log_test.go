package pipeline_test

import (
	"errors"
	"testing"

	"sundog/internal/queue"
	"sundog/internal/statedb"
)

// TestLinesNameThePayload has starting and completing fail, and looks at what the log says about them.
func TestLinesNameThePayload(t *testing.T) {
	p := openPlatform(t, memory(), newExecutor())
	broken := errors.New("throttled")
	p.executor.fail = broken
	p.processor.Handle(t.Context(), []queue.Message{{Body: []byte(body("i1", "wf")), ReceiveCount: 1}})
	p.executor.fail = nil
	p.handle(body("i1", "wf"))
	execution := p.executor.executions()[0]
	p.stateDB.before = func(t *statedb.Transition) error { return broken }
	c := p.executor.completion(execution, "FAILED")
	p.updater.HandleMessages(t.Context(), []queue.Message{{Body: c.Event(), ReceiveCount: 1}, {Body: []byte("rubbish"), ReceiveCount: 1}})

	seen := map[string]bool{}
	for _, line := range p.log.all(t) {
		message, _ := line["msg"].(string)
		seen[message] = true
		if message != "message is no completion" && (line["payload_id"] != first || line["execution"] != execution) {
			t.Errorf("%v", line)
		}
		if line["error"] == nil {
			t.Errorf("no reason: %v", line)
		}
	}
	for _, message := range []string{"payload not processed", "completion is tried again", "message is no completion"} {
		if !seen[message] {
			t.Errorf("no line says %q", message)
		}
	}
}
