package template

import (
	"bytes"
	"cmp"
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"sundog/internal/project"
)

// longestMachine is the length of the longest name of a state machine (Step Functions API reference, CreateStateMachine).
const longestMachine = 80

// workflows adds a state machine for each workflow. Names of the project in its definition become those of resources.
func (b *builder) workflows() {
	for _, w := range b.project.Workflows {
		full := "${Prefix}-" + w.Name
		if n := len(b.prefix) + 1 + len(w.Name); n > longestMachine {
			b.refuse([]string{"workflows", w.Name}, "take a shorter name or prefix", "the state machine of workflow %s would have a name of %d characters, and %d are allowed", w.Name, n, longestMachine)
		}
		substitutions := map[string]any{}
		definition := b.definition(w, substitutions)
		var list object
		for _, id := range slices.Sorted(maps.Keys(substitutions)) {
			list.add(id, substitutions[id])
		}
		role := b.id("WorkflowRole", w.Name)
		b.role(role, "states.amazonaws.com", b.allowed(w))
		properties := object{
			{"StateMachineName", sub(full)},
			{"StateMachineType", w.Type},
			{"RoleArn", getAtt(role, "Arn")},
			{"DefinitionString", definition},
		}
		if list != nil {
			properties.add("DefinitionSubstitutions", list)
		}
		b.resource(b.id("Workflow", w.Name), "AWS::StepFunctions::StateMachine", properties)
	}
	for _, c := range b.project.Connections {
		b.connection(c)
	}
}

// definition returns the definition of a workflow with ${…} in place of the names that are known, and adds what stands for each.
func (b *builder) definition(w project.Workflow, substitutions map[string]any) string {
	var named []project.Reference
	for _, c := range w.Calls {
		if c.Action == "events:putEvents" || c.Action == "aws-sdk:eventbridge:putEvents" {
			continue // a bus goes by its name
		}
		named = append(named, c.References...)
	}
	slices.SortFunc(named, func(x, y project.Reference) int { return cmp.Compare(x.At, y.At) })
	var text bytes.Buffer
	at := 0
	for _, r := range named {
		id, value := b.substitution(w.Definition[r.At:r.End], r)
		if id == "" || r.At < at {
			continue
		}
		text.Write(w.Definition[at:r.At])
		text.WriteString(`"${` + id + `}"`)
		at = r.End
		substitutions[id] = value
	}
	text.Write(w.Definition[at:])
	var pretty bytes.Buffer
	if err := json.Indent(&pretty, text.Bytes(), "", "  "); err != nil {
		panic("template: the definition of " + w.Name + " is no JSON: " + err.Error()) // cannot be: Load has parsed it
	}
	return strings.TrimSpace(pretty.String()) + "\n"
}

// substitution is what stands for a name: the name of a substitution, and its value. Without a name the text stays as it is.
func (b *builder) substitution(text []byte, r project.Reference) (id string, value any) {
	switch r.Kind {
	case "function":
		return b.id("Function", r.Name), b.functionARN(r.Name)
	case "job":
		return b.id("Job", r.Name), ref(b.id("Job", r.Name))
	case project.JobQueue:
		if bytes.HasPrefix(text, []byte(`"arn:`)) {
			return "", nil
		}
		return "JobQueueArn", b.jobQueue()
	case "queue":
		return b.id("Queue", r.Name), b.queueURL(r.Name)
	case "topic":
		return b.id("Topic", r.Name), b.topicARN(r.Name)
	case "workflow":
		return b.id("Workflow", r.Name), arn("states", "stateMachine:${Prefix}-"+r.Name) // by name, so that two can name each other
	case "connection":
		return b.id("Connection", r.Name), b.connectionARN(r.Name)
	case "table":
		if _, ok := b.ids["Table/"+r.Name]; ok {
			return b.id("Table", r.Name), ref(b.id("Table", r.Name))
		}
	}
	return "", nil
}

// jobQueue is the parameter for the queue of batch jobs.
func (b *builder) jobQueue() any {
	b.parameter("JobQueueArn", "The ARN of the queue of AWS Batch that jobs go to; its compute environment is Fargate.", nil)
	return ref("JobQueueArn")
}
