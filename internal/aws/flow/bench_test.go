package flow

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"sundog/internal/pipeline"
	"sundog/internal/queue"
	"sundog/payload"
)

// perBatch is how many messages a function gets at once.
const perBatch = 10

// BenchmarkProcess has batches of new payloads processed, one batch after the other as an instance of a function does it.
func BenchmarkProcess(b *testing.B) {
	d := deploy(b)
	h := d.open(b, false)
	bench(b, d, h.processor.Handle, func(n int) []byte { return []byte(body(fmt.Sprintf("p%d", n), "wf")) })
}

// BenchmarkUpdate has batches of ends applied, of executions that succeeded with one Item and are followed by nothing, or by another payload.
func BenchmarkUpdate(b *testing.B) {
	for name, workflows := range map[string][]string{"last": {"wf"}, "chained": {"wf", "next"}} {
		b.Run(name, func(b *testing.B) {
			d := deploy(b)
			h := d.open(b, false)
			started := 0
			for started < b.N*perBatch {
				var messages []queue.Message
				for range perBatch {
					messages = append(messages, queue.Message{Body: []byte(body(fmt.Sprintf("u%d", started), workflows...)), ReceiveCount: 1})
					started++
				}
				for _, o := range h.processor.Handle(b.Context(), messages) {
					if o.Err != nil {
						b.Fatal(o.Err)
					}
				}
			}
			bench(b, d, h.updater.HandleMessages, func(n int) []byte { return ended(b, d, fmt.Sprintf("u%d", n), workflows) })
		})
	}
}

// ended is the event of a successful execution.
func ended(b *testing.B, d *deployment, item string, workflows []string) []byte {
	b.Helper()
	id := "c1/workflow-wf/" + item
	document := strings.Replace(body(item, workflows...), "{", fmt.Sprintf(`{"id":%q,`, id), 1)
	event, err := json.Marshal(map[string]any{"detail": map[string]any{
		"executionArn": payload.ExecutionARN(d.machineBase, "wf", payload.ExecutionName(id, nil)), "status": "SUCCEEDED",
		"input": document, "output": document, "inputDetails": map[string]bool{"included": true}, "outputDetails": map[string]bool{"included": true},
	}})
	if err != nil {
		b.Fatal(err)
	}
	return event
}

// bench measures a handler, and how many requests of each operation it makes for a payload.
func bench(b *testing.B, d *deployment, handle func(context.Context, []queue.Message) []pipeline.Outcome, message func(n int) []byte) {
	d.calls.Fail(nil)
	d.logged.Store(0)
	n := 0
	b.ResetTimer()
	for range b.N {
		messages := make([]queue.Message, perBatch)
		for i := range messages {
			messages[i] = queue.Message{Body: message(n), ReceiveCount: 1}
			n++
		}
		for _, o := range handle(b.Context(), messages) {
			if o.Err != nil {
				b.Fatal(o.Err)
			}
		}
	}
	b.StopTimer()
	b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "payloads/s")
	b.ReportMetric(float64(d.logged.Load())/float64(n), "PutLogEvents/payload")
	for operation, calls := range d.calls.Counted() {
		b.ReportMetric(float64(calls)/float64(n), operation+"/payload")
	}
}
