package project_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"sundog/internal/project"
)

const calling = `{
  "StartAt": "Fan",
  "States": {
    "Fan": { "Type": "Parallel", "Branches": [
      { "StartAt": "Call", "States": { "Call": { "Type": "Task", "Resource": "arn:aws:states:::lambda:invoke", "Parameters": { "FunctionName": "echo" }, "End": true } } },
      { "StartAt": "Any", "States": { "Any": { "Type": "Task", "Resource": "arn:aws:states:::lambda:invoke", "Parameters": { "FunctionName.$": "$.name" }, "End": true } } } ], "Next": "Store" },
    "Store": { "Type": "Task", "Resource": "arn:aws:states:::dynamodb:putItem", "Parameters": { "TableName": "scen\u0065s", "Item": {} }, "Next": "Run" },
    "Run": { "Type": "Task", "Resource": "arn:aws:states:::states:startExecution.sync:2", "Parameters": { "StateMachineArn": "arn:aws:states:us-east-1:000000000000:stateMachine:all" }, "Next": "Each" },
    "Each": { "Type": "Map", "ItemReader": { "Resource": "arn:aws:states:::s3:getObject", "ReaderConfig": { "InputType": "JSON" }, "Parameters": { "Bucket": "b", "Key": "k" } },
      "ItemProcessor": { "ProcessorConfig": { "Mode": "DISTRIBUTED", "ExecutionType": "STANDARD" }, "StartAt": "Pass", "States": { "Pass": { "Type": "Pass", "End": true } } }, "End": true }
  }
}
`

// TestCalls reads what states call, and finds each name in the definition again.
func TestCalls(t *testing.T) {
	dir := unpack(t, []txtar.File{
		{Name: project.FileName, Data: []byte("functions: { echo: { type: builtin, builtin: echo } }\nworkflows: { all: { definition: all.asl.json } }\n")},
		{Name: "all.asl.json", Data: []byte(calling)},
	})
	p, diags := project.Load(dir, options())
	if diags.Errors() > 0 {
		t.Fatal(diags)
	}
	w := p.Workflows[0]
	var got []string
	for _, c := range w.Calls {
		text := strings.TrimSuffix(c.Action+"."+c.Pattern, ".")
		for _, r := range c.References {
			var value string
			if err := json.Unmarshal(w.Definition[r.At:r.End], &value); err != nil || !strings.HasSuffix(value, r.Name) {
				t.Errorf("%s stands at %d: %s (%v)", r.Name, r.At, w.Definition[r.At:r.End], err)
			}
			text += fmt.Sprintf(" %s %s", r.Kind, r.Name)
		}
		got = append(got, text)
	}
	slices.Sort(got)
	want := []string{
		"dynamodb:putItem table scenes", "lambda:invoke", "lambda:invoke function echo", "map-run", "s3:getObject", "states:startExecution.sync:2 workflow all",
	}
	if !slices.Equal(got, want) {
		t.Errorf("calls are %q, want %q", got, want)
	}
}

func TestPlaces(t *testing.T) {
	dir := unpack(t, []txtar.File{{Name: project.FileName, Data: []byte("name: a\nfunctions:\n  echo: { type: builtin, builtin: echo }\nsubscriptions:\n  - { topic: b, name: c }\n")}})
	places := project.ReadPlaces(dir)
	for path, want := range map[string]string{
		"functions echo builtin": "3:26", "functions echo url": "3:3", "subscriptions c": "5:5", "subscriptions c topic": "5:7", "jobs": "0:0",
	} {
		if d := places.At(strings.Fields(path)...); fmt.Sprintf("%d:%d", d.Line, d.Column) != want || d.File != project.FileName {
			t.Errorf("%s is at %s:%d:%d, want %s", path, d.File, d.Line, d.Column, want)
		}
	}
	if d := project.ReadPlaces(t.TempDir()).At("name"); d.Line != 0 {
		t.Errorf("something is at line %d of nothing", d.Line)
	}
}
