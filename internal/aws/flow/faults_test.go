package flow

import (
	"fmt"
	"slices"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/tidwall/gjson"

	"sundog/internal/aws/awstest"
	"sundog/internal/event"
	"sundog/internal/statedb"
	"sundog/payload"
)

// body is a payload of one Item with workflows.
func body(item string, workflows ...string) string {
	definitions := ""
	for i, w := range workflows {
		if i > 0 {
			definitions += ","
		}
		definitions += fmt.Sprintf(`{"workflow":%q}`, w)
	}
	return fmt.Sprintf(`{"type":"FeatureCollection","features":[{"type":"Feature","id":%q,"collection":"c1","properties":{"datetime":"2026-03-01T00:00:00Z"}}],"process":[%s]}`,
		item, definitions)
}

// expectation is what a payload ends in.
type expectation struct {
	id    payload.ID
	state statedb.State
	ended event.Type
	items int // that it publishes
}

// scenario sends three payloads of this round, one with a chain and one that fails, and says what they and what follows end in.
func scenario(round int) (bodies []string, want []expectation) {
	id := func(workflow, item string) payload.ID {
		return payload.ID{Collections: "c1", Workflow: workflow, ItemIDs: item}
	}
	a, b, c := fmt.Sprintf("a%d", round), fmt.Sprintf("b%d", round), fmt.Sprintf("c%d", round)
	return []string{body(a, "wf", "next"), body(b, "wf"), body(c, "broken")}, []expectation{
		{id("wf", a), statedb.Succeeded, event.Succeeded, 1},
		{id("next", a), statedb.Succeeded, event.Succeeded, 1},
		{id("wf", b), statedb.Succeeded, event.Succeeded, 1},
		{id("broken", c), statedb.Failed, event.Failed, 0},
	}
}

// TestEveryRequest plays payloads once for each request that the handlers make, which is then lost, before it was carried out or after, or
// is the last before their process ends and another one takes over. In the end nothing is lost and nothing ran twice.
func TestEveryRequest(t *testing.T) {
	for _, tt := range []struct {
		name     string
		fault    func(n, k int) awstest.Loss
		crash    bool
		payloads int // of the scenario: a crash costs the time until messages come again
	}{
		{"request lost", func(n, k int) awstest.Loss { return lostIf(n == k, awstest.RequestLost) }, false, 3},
		{"answer lost", func(n, k int) awstest.Loss { return lostIf(n == k, awstest.AnswerLost) }, false, 3},
		{"crash", func(n, k int) awstest.Loss { return lostIf(n >= k, awstest.RequestLost) }, true, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			d := deploy(t)
			for k := 1; ; k++ {
				lost := "" // the operation
				d.calls.Fail(func(n int, operation string) awstest.Loss {
					if n == k {
						lost = operation
					}
					return tt.fault(n, k)
				})
				bodies, want := scenario(k)
				bodies, want = bodies[:tt.payloads], want[:tt.payloads+1]
				d.send(t, bodies...)
				d.play(t, func() bool { return tt.crash && d.calls.Total() >= k })
				d.check(t, want)
				if t.Failed() {
					t.Fatalf("with request %d, %s", k, lost)
				}
				if lost == "" { // it did not come to that
					t.Logf("a fault at each of %d requests", k-1)
					if k < 20 {
						t.Errorf("it took only %d requests", k-1)
					}
					return
				}
			}
		})
	}
}

func lostIf(lost bool, loss awstest.Loss) awstest.Loss {
	if lost {
		return loss
	}
	return awstest.Arrives
}

// check compares with what a play without faults ends in.
func (d *deployment) check(t *testing.T, want []expectation) {
	t.Helper()
	h := d.open(t, false)
	defer h.carrier.Close()
	d.calls.Fail(nil)
	told, items := d.toldOf(t), d.drain(t, d.items)
	var ran []string
	for _, machine := range d.machines {
		for arn := range d.executions(t, sfn.NewFromConfig(d.cfg), machine) {
			ran = append(ran, arn)
		}
	}
	for _, w := range want {
		id := w.id.String()
		r, err := h.records.Get(t.Context(), w.id)
		if err != nil || r.State() != w.state || len(r.Executions) != 1 {
			t.Errorf("%s: %+v, %v", id, r, err)
			continue
		}
		if !slices.Contains(ran, r.LastExecution()) {
			t.Errorf("%s: %s never ran", id, r.LastExecution())
		}
		_, name := payload.CutExecutionARN(r.LastExecution())
		layout := payload.Layout{Bucket: d.bucket, Root: "cirrus"}
		objects := []payload.Location{layout.Input(id, name)}
		if w.state == statedb.Succeeded {
			objects = append(objects, layout.Output(id, name))
		}
		for _, at := range objects {
			if _, err := (fetcher{h.payloads}).Fetch(t.Context(), at.String()); err != nil {
				t.Errorf("%s: %v", id, err)
			}
		}
		// A message that came again after the execution had ended tells so, instead of the start.
		started := told[id][event.StartedProcessing] + told[id][event.AlreadySucceeded] + told[id][event.AlreadyFailed]
		if told[id][event.ClaimedProcessing] == 0 || started == 0 || told[id][w.ended] == 0 {
			t.Errorf("%s: events %v of %v", id, told[id], told)
		}
		d.expected[r.LastExecution()] = true
		published := 0
		for _, m := range items {
			if gjson.GetBytes(m.Body, "id").String() == w.id.ItemIDs {
				published++
			}
		}
		if w.items > 0 && published == 0 {
			t.Errorf("%s: its Item was not published", id)
		}
	}
	for _, arn := range ran {
		if !d.expected[arn] {
			t.Errorf("%s ran, and belongs to no payload", arn)
		}
	}
	for _, url := range []string{d.deadProcess, d.deadUpdate} {
		for _, m := range d.drain(t, url) {
			t.Errorf("dead letter: %.300s", m.Body)
		}
	}
}

// toldOf counts the events that arrived, by payload.
func (d *deployment) toldOf(t *testing.T) map[string]map[event.Type]int {
	t.Helper()
	all := map[string]map[event.Type]int{}
	for _, m := range d.drain(t, d.events) {
		e, err := event.Parse(string(m.Body))
		if err != nil {
			t.Fatal(err)
		}
		if all[e.PayloadID] == nil {
			all[e.PayloadID] = map[event.Type]int{}
		}
		all[e.PayloadID][e.Type]++
	}
	return all
}
