package taskstream

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"

	"sundog/internal/problem"
	"sundog/internal/trigger"
)

// declared is a trigger as a deployment says it: like one of sundog.yaml, of whose fields it has those that do not configure the event source
// mapping.
type declared struct {
	Name   string `json:"name"`
	Source struct {
		Table string `json:"table"` // as sundog.yaml has it, or whole; empty: every table whose stream comes here
	} `json:"source"`
	Filter json.RawMessage `json:"filter"`
	Input  json.RawMessage `json:"input"`
	Target struct {
		Workflow string `json:"workflow"`
	} `json:"target"`
}

var (
	triggerName  = regexp.MustCompile(`^[A-Za-z0-9_-]{1,40}$`) // trigger.MaxName
	workflowName = regexp.MustCompile(`^[A-Za-z0-9._-]{1,80}$`)
)

// byDefault are the triggers of a table of tasks: what has no status is new, what is FAILED is tried again.
const byDefault = `[
	{"name": "new-task", "target": {"workflow": "task"}, "input": {"Keys": "<$.dynamodb.Keys>", "workflow_step": "NEW"},
	 "filter": {"eventName": ["INSERT"], "dynamodb": {"NewImage": {"workflow_status": {"S": [{"exists": false}]}}}}},
	{"name": "failed-task", "target": {"workflow": "task"}, "input": {"Keys": "<$.dynamodb.Keys>", "workflow_step": "FAILED"},
	 "filter": {"eventName": ["MODIFY"], "dynamodb": {"NewImage": {"workflow_status": {"S": ["FAILED"]}}}}}
]`

// Parse reads triggers: a JSON array of objects with name, source.table, filter (an event pattern), input (a template) and target.workflow, each as in
// sundog.yaml; source, filter and input may be missing. Of an empty text they are those of a table of tasks, which start the workflow "task".
// The error is of kind problem.Invalid and says which trigger is wrong, and where.
func Parse(text []byte) ([]*trigger.Trigger, error) {
	if len(bytes.TrimSpace(text)) == 0 {
		text = []byte(byDefault)
	}
	fail := func(err error) ([]*trigger.Trigger, error) {
		return nil, problem.Wrap(problem.Invalid, err, "reading the triggers of a stream").
			WithHint(`they are [{"name": "NAME", "filter": {…}, "input": {…}, "target": {"workflow": "NAME"}}, …], as sundog deploy plan writes them`)
	}
	var all []declared
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	err := d.Decode(&all)
	if err == nil {
		if _, rest := d.Token(); !errors.Is(rest, io.EOF) {
			err = errors.New("there is more than one JSON value")
		}
	}
	if err == nil && len(all) == 0 {
		err = errors.New("there are none")
	}
	if err != nil {
		return fail(err)
	}
	triggers := make([]*trigger.Trigger, len(all))
	for i, t := range all {
		switch {
		case !triggerName.MatchString(t.Name):
			return fail(fmt.Errorf("trigger %d cannot be named %q: letters, digits, '-' and '_', at most %d", i+1, t.Name, trigger.MaxName))
		case slices.ContainsFunc(triggers[:i], func(other *trigger.Trigger) bool { return other.Name == t.Name }):
			return fail(fmt.Errorf("there are two triggers %q", t.Name))
		case !workflowName.MatchString(t.Target.Workflow):
			return fail(fmt.Errorf("trigger %s has the target %q: target.workflow is the name of a workflow", t.Name, t.Target.Workflow))
		}
		if triggers[i], err = trigger.New(trigger.Spec{
			Name: t.Name, Source: trigger.Source{Kind: trigger.Table, Name: t.Source.Table}, Filter: t.Filter, Input: t.Input,
			Target: trigger.Target{Kind: trigger.ToWorkflow, Name: t.Target.Workflow},
		}); err != nil {
			return fail(err)
		}
	}
	return triggers, nil
}
