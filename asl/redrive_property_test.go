package asl_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"sundog/asl"
	"sundog/asl/asltest"
)

// sound makes definitions whose output depends on nothing but the input and the results of tasks, and which catch no error that the test causes.
type sound struct {
	t     *rapid.T
	names int
}

func (g *sound) name() string {
	g.names++
	return fmt.Sprintf("S%d", g.names)
}

func (g *sound) flow(depth int) map[string]any {
	states := map[string]any{}
	names := make([]string, rapid.IntRange(1, 3).Draw(g.t, "states"))
	for i := range names {
		names[i] = g.name()
	}
	for i, name := range names {
		s := g.state(depth)
		if i+1 < len(names) {
			s["Next"] = names[i+1]
			if s["Type"] == "Task" || s["Type"] == "Parallel" || s["Type"] == "Map" {
				s["Catch"] = []any{map[string]any{"ErrorEquals": []string{"Other"}, "Next": names[i+1]}}
			}
		} else {
			s["End"] = true
		}
		states[name] = s
	}
	return map[string]any{"StartAt": names[0], "States": states}
}

func (g *sound) state(depth int) map[string]any {
	kinds := []string{"Pass", "Assign", "JSONata", "Wait", "Task", "Task", "Task"}
	if depth > 0 {
		kinds = append(kinds, "Parallel", "Map")
	}
	kind := rapid.SampledFrom(kinds).Draw(g.t, "kind")
	s := map[string]any{"Type": kind}
	switch kind {
	case "Pass":
		s["Parameters"] = map[string]any{"in.$": "$"}
	case "Assign":
		s["Type"], s["Assign"] = "Pass", map[string]any{"x": g.names}
	case "JSONata":
		s["Type"], s["QueryLanguage"] = "Pass", "JSONata"
		s["Output"] = map[string]any{"was": "{% $states.input %}", "x": "{% $exists($x) ? $x : 0 %}"}
	case "Wait":
		s["Seconds"] = rapid.IntRange(0, 3).Draw(g.t, "seconds")
	case "Task":
		s["Resource"], s["TimeoutSeconds"] = "arn:aws:lambda:us-east-1:000000000000:function:f", 20
		s["Parameters"] = map[string]any{"in.$": "$", "state.$": "$$.State.Name"}
		s["Retry"] = []any{map[string]any{"ErrorEquals": []string{"Oops"}, "MaxAttempts": rapid.IntRange(0, 1).Draw(g.t, "attempts")}}
	case "Parallel":
		var branches []any
		for range rapid.IntRange(1, 3).Draw(g.t, "branches") {
			branches = append(branches, g.flow(depth-1))
		}
		s["Branches"] = branches
	case "Map":
		s["ItemsPath"] = "$$.Execution.Input.items"
		s["MaxConcurrency"] = rapid.IntRange(0, 2).Draw(g.t, "concurrency")
		s["ItemProcessor"] = g.flow(depth - 1)
	}
	return s
}

// TestRedriveGoesOn: whatever goes wrong on the way, an execution that is redriven until nothing does ends with the output of one in which
// nothing went wrong; and no state was entered, and no task succeeded, twice.
func TestRedriveGoesOn(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		g := &sound{t: t}
		definition, err := json.Marshal(g.flow(2))
		if err != nil {
			t.Fatal(err)
		}
		m, err := asl.Parse(definition)
		if err != nil {
			t.Fatalf("%v\n%s", err, definition)
		}
		m = m.WithLimits(asl.Limits{StepTransitions: rapid.SampledFrom([]int{1, 3, 1000}).Draw(t, "transitions")})
		faults := rapid.SliceOfN(rapid.SampledFrom([]string{"", "", "Oops", "Fatal", "silence"}), 0, 8).Draw(t, "faults")
		var calls []asltest.Call
		for range rapid.IntRange(0, 2).Draw(t, "stops") {
			calls = append(calls, asltest.Call{
				After: time.Duration(rapid.IntRange(0, 8).Draw(t, "stop")) * time.Second, Event: asl.StopRequested{Error: "Stopped"},
			})
		}
		want := playSound(t, m, nil, nil)
		got := playSound(t, m, faults, calls)
		if want.End.Status != asl.Succeeded || got.End.Status != asl.Succeeded {
			t.Fatalf("ended %+v, and with faults %+v\n%s", want.End, got.End, definition)
		}
		if d := cmp.Diff(string(want.End.Output.Bytes()), string(got.End.Output.Bytes())); d != "" {
			t.Fatalf("output without and with faults:\n%s\n%s", d, definition)
		}
		for _, kind := range []string{"StateEntered", "StateExited", "LambdaFunctionSucceeded", "MapIterationStarted", "MapIterationSucceeded"} {
			if n, m := occurrences(want, kind), occurrences(got, kind); n != m {
				t.Fatalf("%s: %d events without faults and %d with\n%s", kind, n, m, definition)
			}
		}
		for i, ev := range got.History {
			if ev.ID != int64(i+1) || ev.Previous >= ev.ID {
				t.Fatalf("event %d has the id %d and follows %d", i+1, ev.ID, ev.Previous)
			}
		}
	})
}

func occurrences(p *asltest.Played, kind string) (n int) {
	for _, ev := range p.History {
		if strings.HasSuffix(ev.Type, kind) {
			n++
		}
	}
	return n
}

// playSound plays a machine whose n-th task has the n-th fault, storing the execution and reading it back after every step.
func playSound(t *rapid.T, m *asl.Machine, faults []string, calls []asltest.Call) *asltest.Played {
	memory, n := asltest.NewMemory(), 0
	p := asltest.Player{
		Machine: m, Begin: start(), Calls: calls, Identity: asl.Identity{Name: "n", ARN: "arn"},
		Work: func(task asl.Task) asltest.Answer {
			n++
			answer := asltest.Answer{After: time.Duration(n%3) * time.Second}
			if n <= len(faults) && faults[n-1] != "" {
				answer.Failed, answer.Error = faults[n-1] != "silence", faults[n-1]
				return answer
			}
			answer.Output = task.Parameters
			return answer
		},
		Step: func(x *asl.Execution, e *asl.Effects) (*asl.Execution, error) {
			memory.Save(x)
			if e.End != nil && e.End.Status == asl.Succeeded {
				if parts := memory.Parts(); len(parts) > 0 {
					return nil, fmt.Errorf("a success keeps %v", parts)
				}
				return x, nil
			}
			return memory.Load(m)
		},
		Redrive: func(*asl.Execution) bool { return true },
	}
	played, err := p.Play(asl.Raw([]byte(`{"items":[1,{"a":"b"},null]}`)))
	if err != nil {
		t.Fatal(err)
	}
	return played
}
