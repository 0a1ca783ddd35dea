// Package deploy_test holds the templates of this folder to what the handlers need, and to what they promise.
package deploy_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"sundog/eventpattern"
	"sundog/internal/aws"
	"sundog/internal/aws/lambda"
	"sundog/internal/aws/taskstream"
	"sundog/internal/aws/template/templatetest"
	"sundog/internal/trigger"
)

// templates reads all templates by their file names.
func templates(t *testing.T) map[string]*templatetest.Template {
	t.Helper()
	files, err := filepath.Glob("cloudformation/*.yaml")
	if err != nil || len(files) < 10 {
		t.Fatalf("only %d templates were found: %v", len(files), err)
	}
	all := map[string]*templatetest.Template{}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		all[filepath.Base(file)] = templatetest.Read(t, text)
	}
	return all
}

func TestTemplates(t *testing.T) {
	for file, template := range templates(t) {
		t.Run(file, func(t *testing.T) {
			templatetest.CheckReferences(t, template)
			templatetest.CheckRoles(t, template)
			for name, p := range template.Parameters {
				if p["Description"] == nil {
					t.Errorf("the parameter %s is not described", name)
				}
			}
			for name, r := range template.Resources {
				stateful := r.Type == "AWS::DynamoDB::Table" || r.Type == "AWS::S3::Bucket"
				if stateful && !r.Retained() {
					t.Errorf("%s would be deleted with its stack", name)
				}
			}
		})
	}
}

// TestNesting follows what the root passes on: every parameter of a template without a default, none that it has not, and only outputs
// that are there.
func TestNesting(t *testing.T) {
	all := templates(t)
	root := all["sundog.yaml"]
	nested := map[string]*templatetest.Template{}
	for name, r := range root.Resources {
		file, _ := r.Properties["TemplateURL"].(string)
		if nested[name] = all[file]; nested[name] == nil {
			t.Fatalf("%s: there is no template %q", name, file)
		}
	}
	for name, child := range nested {
		given, _ := root.Resources[name].Properties["Parameters"].(map[string]any)
		for parameter := range given {
			if child.Parameters[parameter] == nil {
				t.Errorf("%s is given %s, which it does not take", name, parameter)
			}
		}
		for parameter, p := range child.Parameters {
			if _, ok := given[parameter]; !ok && p["Default"] == nil {
				t.Errorf("%s is not given %s", name, parameter)
			}
		}
	}
	if len(nested) != len(all)-1 {
		t.Errorf("%d of %d templates are nested", len(nested), len(all)-1)
	}
	for place, path := range root.Attributes() {
		id, output, _ := strings.Cut(path, ".Outputs.")
		if child := nested[id]; child == nil || child.Outputs[output] == nil {
			t.Errorf("%s asks for %s, which is no output", place, path)
		}
	}
}

// unset are the variables that a deployment of these templates leaves at their defaults.
var unset = []string{
	aws.APIBasePath, // there is no custom domain
}

// TestHandlers compares the functions with the handlers that there are, and their variables with those that the handlers read.
func TestHandlers(t *testing.T) {
	functions := map[string]templatetest.Resource{}
	for _, template := range templates(t) {
		for _, r := range template.Resources {
			if r.Type == "AWS::Lambda::Function" {
				functions[r.Properties["Handler"].(string)] = r
			}
		}
	}
	for _, h := range lambda.Handlers() {
		f, ok := functions[h.Name]
		if !ok {
			t.Errorf("no template has a function for the handler %s", h.Name)
			continue
		}
		delete(functions, h.Name)
		t.Run(h.Name, func(t *testing.T) {
			variables := f.Properties["Environment"].(map[string]any)["Variables"].(map[string]any)
			for _, name := range h.Required {
				if _, ok := variables[name]; !ok {
					t.Errorf("%s is not set", name)
				}
			}
			for _, name := range h.Optional {
				if _, ok := variables[name]; !ok && !slices.Contains(unset, name) {
					t.Errorf("%s is not set", name)
				}
			}
			for name := range variables {
				if !slices.Contains(h.Required, name) && !slices.Contains(h.Optional, name) {
					t.Errorf("%s is set, which the handler does not read", name)
				}
			}
			if slices.Contains(h.Optional, aws.PartialResponses) && variables[aws.PartialResponses] != "true" {
				t.Errorf("%s is not true, though the mapping takes partial responses", aws.PartialResponses)
			}
			if got, want := fmt.Sprint(f.Properties["Timeout"]), fmt.Sprint(int(h.Timeout.Seconds())); got != want {
				t.Errorf("the timeout is %s s, but the handler asks for %s", got, want)
			}
			if want := map[string]any{"Fn::Sub": "${Prefix}-" + h.Name}; !maps.Equal(f.Properties["FunctionName"].(map[string]any), want) {
				t.Errorf("the name is %v", f.Properties["FunctionName"])
			}
		})
	}
	for name := range functions {
		t.Errorf("there is no handler %s", name)
	}
}

// TestQueues checks that whatever is read from a queue ends in another one when it cannot be handled, and that somebody is told.
func TestQueues(t *testing.T) {
	all := templates(t)
	watched := map[string]map[string]bool{"ApproximateNumberOfMessagesVisible": {}, "ApproximateAgeOfOldestMessage": {}}
	for _, template := range all {
		for _, r := range template.Resources {
			if metric, ok := r.Properties["MetricName"].(string); ok && watched[metric] != nil {
				dimension := r.Properties["Dimensions"].([]any)[0].(map[string]any)["Value"]
				watched[metric][queueOf(dimension)] = true
			}
		}
	}
	queues := 0
	for file, template := range all {
		for name, r := range template.Resources {
			if r.Type != "AWS::SQS::Queue" {
				continue
			}
			queues++
			metric := "ApproximateAgeOfOldestMessage"
			if strings.HasSuffix(name, "DeadLetters") {
				metric = "ApproximateNumberOfMessagesVisible"
			} else if r.Properties["RedrivePolicy"] == nil {
				t.Errorf("%s: the queue %s has no dead letters", file, name)
			}
			if !watched[metric][name] {
				t.Errorf("%s: no alarm watches the %s of %s; watched are %v", file, metric, name, slices.Sorted(maps.Keys(watched[metric])))
			}
		}
	}
	if queues < 6 {
		t.Errorf("only %d queues were found", queues)
	}
}

// queueOf is the logical name of a queue that an alarm's dimension names: by an attribute, or by a parameter with its name.
func queueOf(dimension any) string {
	switch v := dimension.(map[string]any); {
	case v["Ref"] != nil:
		return strings.TrimSuffix(v["Ref"].(string), "Name")
	case v["Fn::GetAtt"] != nil:
		return v["Fn::GetAtt"].([]any)[0].(string)
	}
	return ""
}

// TestStateTable compares the table with that of Cirrus.
func TestStateTable(t *testing.T) {
	table := templates(t)["state.yaml"].Resources["Table"].Properties
	key := func(properties map[string]any) string {
		var names []string
		for _, k := range properties["KeySchema"].([]any) {
			k := k.(map[string]any)
			names = append(names, fmt.Sprintf("%v %v", k["KeyType"], k["AttributeName"]))
		}
		return strings.Join(names, ", ")
	}
	got := map[string]string{"": key(table)}
	for _, x := range table["GlobalSecondaryIndexes"].([]any) {
		index := x.(map[string]any)
		got[index["IndexName"].(string)] = fmt.Sprintf("%s, %v", key(index), index["Projection"])
	}
	want := map[string]string{
		"":              "HASH collections_workflow, RANGE itemids",
		"state_updated": "HASH collections_workflow, RANGE state_updated, map[ProjectionType:ALL]",
		"updated":       "HASH collections_workflow, RANGE updated, map[ProjectionType:ALL]",
	}
	if !maps.Equal(got, want) {
		t.Errorf("the keys are %v, want %v", got, want)
	}
	for _, a := range table["AttributeDefinitions"].([]any) {
		if a := a.(map[string]any); a["AttributeType"] != "S" {
			t.Errorf("the attribute %v is of type %v, want S", a["AttributeName"], a["AttributeType"])
		}
	}
}

// TestTaskTriggers reads the triggers and the filters of tasks.yaml as the handler and Lambda do, and compares what they want.
func TestTaskTriggers(t *testing.T) {
	resources := templates(t)["tasks.yaml"].Resources
	variables := resources["TaskStream"].Properties["Environment"].(map[string]any)["Variables"].(map[string]any)
	text := variables[aws.Triggers].(map[string]any)["Fn::Sub"].(string)
	triggers, err := taskstream.Parse([]byte(strings.ReplaceAll(text, "${Workflow}", "task")))
	if err != nil {
		t.Fatal(err)
	}
	var patterns []*eventpattern.Pattern
	for _, f := range resources["TaskStreamSource"].Properties["FilterCriteria"].(map[string]any)["Filters"].([]any) {
		pattern, err := eventpattern.Parse([]byte(f.(map[string]any)["Pattern"].(string)))
		if err != nil {
			t.Fatal(err)
		}
		patterns = append(patterns, pattern)
	}
	for event, want := range map[string]string{
		`{"eventName": "INSERT", "dynamodb": {"Keys": {"PK": {"S": "TASK#1"}}, "NewImage": {"PK": {"S": "TASK#1"}}}}`:                                     "new-task",
		`{"eventName": "INSERT", "dynamodb": {"Keys": {"PK": {"S": "TASK#1"}}, "NewImage": {"PK": {"S": "TASK#1"}, "workflow_status": {"S": "FAILED"}}}}`: "",
		`{"eventName": "MODIFY", "dynamodb": {"Keys": {"PK": {"S": "TASK#1"}}, "NewImage": {"PK": {"S": "TASK#1"}, "workflow_status": {"S": "FAILED"}}}}`: "failed-task",
		`{"eventName": "MODIFY", "dynamodb": {"Keys": {"PK": {"S": "TASK#1"}}, "NewImage": {"PK": {"S": "TASK#1"}, "workflow_status": {"S": "ACTIVE"}}}}`: "",
		`{"eventName": "REMOVE", "dynamodb": {"Keys": {"PK": {"S": "TASK#1"}}}}`:                                                                          "",
	} {
		got := ""
		for _, tr := range triggers {
			if _, wanted, err := tr.Input(trigger.Event{Body: []byte(event)}); err != nil {
				t.Fatal(err)
			} else if wanted {
				got = tr.Name
			}
		}
		var document any
		if err := json.Unmarshal([]byte(event), &document); err != nil {
			t.Fatal(err)
		}
		let := slices.ContainsFunc(patterns, func(p *eventpattern.Pattern) bool { return p.Match(document) })
		if got != want || let != (want != "") {
			t.Errorf("%s goes to %q and passes the filters: %t; want %q", event, got, let, want)
		}
	}
}
