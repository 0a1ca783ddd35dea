// Package generator makes random definitions of the States Language, for property tests of whatever carries them out.
package generator

import (
	"encoding/json"
	"fmt"

	"pgregory.net/rapid"
)

// Input is an input that the definitions can work on.
const Input = `{"items":[1,{"a":"b"},null,[2]]}`

// Options say what definitions are like.
type Options struct {
	// Depth is how deep Map and Parallel states are nested.
	Depth int
	// Chance lets definitions use random numbers, ids and delays, which make every execution another.
	Chance bool
	// Distributed lets Map states have the mode DISTRIBUTED.
	Distributed bool
}

// Definition draws a valid definition in which every kind of state can be, in both query languages, with retries, catchers and time-outs. Every
// execution of it comes to an end once its tasks are answered.
func Definition(t *rapid.T, opts Options) []byte {
	g := &generator{t: t, opts: opts}
	text, err := json.Marshal(g.flow(opts.Depth))
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// A generator makes definitions with every kind of state.
type generator struct {
	t     *rapid.T
	opts  Options
	names int
}

func (g *generator) name() string {
	g.names++
	return fmt.Sprintf("S%d", g.names)
}

// flow makes StartAt and States: a chain, so that every execution comes to an end.
func (g *generator) flow(depth int) map[string]any {
	n := rapid.IntRange(1, 4).Draw(g.t, "states")
	names := make([]string, n)
	for i := range names {
		names[i] = g.name()
	}
	states := map[string]any{}
	for i, name := range names {
		next := ""
		if i+1 < n {
			next = names[i+1]
		}
		states[name] = g.state(depth, next)
	}
	return map[string]any{"StartAt": names[0], "States": states}
}

func (g *generator) state(depth int, next string) map[string]any {
	kinds := []string{"Pass", "Task", "Wait", "Choice", "Assign", "JSONata"}
	if next == "" {
		kinds = append(kinds, "Succeed", "Fail")
	}
	if depth > 0 {
		kinds = append(kinds, "Parallel", "Map")
	}
	kind := rapid.SampledFrom(kinds).Draw(g.t, "kind")
	s := map[string]any{"Type": kind}
	switch kind {
	case "Pass":
		s["Parameters"] = map[string]any{"in.$": "$", "retries.$": "$$.Execution.Name"}
	case "Assign":
		s["Type"] = "Pass"
		s["Assign"] = map[string]any{"x.$": "$"}
		if g.opts.Chance {
			s["Assign"] = map[string]any{"x.$": "$", "id.$": "States.UUID()"}
		}
	case "JSONata":
		s["Type"], s["QueryLanguage"] = "Pass", "JSONata"
		s["Output"] = map[string]any{"was": "{% $states.input %}", "name": "{% $states.context.State.Name %}"}
		if g.opts.Chance {
			s["Assign"] = map[string]any{"y": "{% $random() %}"}
			s["Output"] = map[string]any{"was": "{% $states.input %}", "id": "{% $uuid() %}"}
		}
	case "Wait":
		s["Seconds"] = rapid.IntRange(0, 20).Draw(g.t, "seconds")
	case "Task":
		s["Resource"] = rapid.SampledFrom([]string{
			"arn:aws:lambda:us-east-1:000000000000:function:f", "arn:aws:states:::sqs:sendMessage.waitForTaskToken",
			"arn:aws:states:us-east-1:000000000000:activity:a",
		}).Draw(g.t, "resource")
		if rapid.Bool().Draw(g.t, "timeout") {
			s["TimeoutSeconds"], s["HeartbeatSeconds"] = 30, 10
		}
		s["ResultPath"] = rapid.SampledFrom([]any{nil, "$.result", "$"}).Draw(g.t, "resultPath")
	case "Choice":
		if next == "" {
			s["Type"], s["End"] = "Pass", true
			return s
		}
		s["Choices"] = []any{map[string]any{"Variable": "$", "IsPresent": true, "Next": next}}
		return s
	case "Parallel":
		branches := []any{}
		for range rapid.IntRange(1, 3).Draw(g.t, "branches") {
			branches = append(branches, g.flow(depth-1))
		}
		s["Branches"] = branches
	case "Map":
		s["ItemsPath"] = "$$.Execution.Input.items"
		s["MaxConcurrency"] = rapid.IntRange(0, 3).Draw(g.t, "concurrency")
		processor := g.flow(depth - 1)
		if g.opts.Distributed && rapid.Bool().Draw(g.t, "distributed") {
			processor["ProcessorConfig"] = map[string]any{"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}
		}
		s["ItemProcessor"] = processor
		if rapid.Bool().Draw(g.t, "selector") {
			s["ItemSelector"] = map[string]any{"value.$": "$$.Map.Item.Value", "index.$": "$$.Map.Item.Index"}
		}
	case "Fail":
		s["Error"] = "Broken"
		return s
	case "Succeed":
		return s
	}
	if kind == "Task" || kind == "Parallel" || kind == "Map" {
		if rapid.Bool().Draw(g.t, "retry") {
			retry := map[string]any{"ErrorEquals": []string{"States.ALL"}, "MaxAttempts": 1}
			if g.opts.Chance {
				retry["JitterStrategy"] = "FULL"
			}
			s["Retry"] = []any{retry}
		}
		if next != "" && rapid.Bool().Draw(g.t, "catch") {
			s["Catch"] = []any{map[string]any{"ErrorEquals": []string{"States.TaskFailed"}, "Next": next, "ResultPath": nil}}
		}
	}
	if next == "" {
		s["End"] = true
	} else {
		s["Next"] = next
	}
	return s
}
