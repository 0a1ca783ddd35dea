package project

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"sundog/internal/embedded/integration"
)

// references reports the functions, jobs and workflows that a definition names and nobody declares, and returns what its states call. Names that
// are computed when the state runs (FunctionName.$, {% … %}) cannot be checked. Queues, topics, buses and connections are only warned of, as are
// services that are not there: the workflow may be meant for another platform.
func (l *loader) references(doc *document, machine *node) []Call {
	var calls []Call
	for _, state := range states(machine) {
		for _, part := range []string{"ItemReader", "ResultWriter"} {
			if m := serviceARN.FindStringSubmatch(state.get(part, "Resource").value()); m != nil {
				calls = append(calls, Call{Action: m[1]})
			}
		}
		if state.get("ItemProcessor", "ProcessorConfig", "Mode").value() == "DISTRIBUTED" {
			calls = append(calls, Call{Action: MapRun})
		}
		resource := state.get("Resource")
		if resource.value() == "" {
			continue
		}
		if functionARN.MatchString(resource.text) {
			calls = append(calls, Call{Action: "lambda:invoke", References: l.refer(doc, resource, "function", functionARN)})
			continue
		}
		m := serviceARN.FindStringSubmatch(resource.text)
		if m == nil {
			continue
		}
		l.available(doc, resource)
		calls = append(calls, Call{Action: m[1], Pattern: m[2], References: l.arguments(doc, m[1], state)})
	}
	return calls
}

// arguments returns what of the project the arguments of a call name.
func (l *loader) arguments(doc *document, action string, state *node) (named []Reference) {
	switch action {
	case "sqs:sendMessage", "aws-sdk:sqs:sendMessage":
		named = l.refer(doc, argument(state, "QueueUrl"), "queue", lastName)
	case "sns:publish", "aws-sdk:sns:publish":
		named = l.refer(doc, argument(state, "TopicArn"), "topic", lastName)
	case "events:putEvents", "aws-sdk:eventbridge:putEvents":
		for _, entry := range argument(state, "Entries").elements() {
			named = append(named, l.refer(doc, entry.get("EventBusName"), "topic", busARN)...)
		}
	case "http:invoke":
		named = append(l.refer(doc, argument(state, "Authentication", "ConnectionArn"), "connection", connectionARN),
			l.refer(doc, argument(state, "InvocationConfig", "ConnectionArn"), "connection", connectionARN)...)
	case "lambda:invoke", "aws-sdk:lambda:invoke":
		named = l.refer(doc, argument(state, "FunctionName"), "function", functionARN, plainName)
	case "batch:submitJob", "aws-sdk:batch:submitJob":
		named = append(l.refer(doc, argument(state, "JobDefinition"), "job", jobARN), mention(doc, argument(state, "JobQueue"), JobQueue, lastName)...)
	case "states:startExecution", "aws-sdk:sfn:startExecution", "aws-sdk:sfn:startSyncExecution":
		named = l.refer(doc, argument(state, "StateMachineArn"), "workflow", machineARN)
	default:
		if strings.HasPrefix(action, "dynamodb:") || strings.HasPrefix(action, "aws-sdk:dynamodb:") {
			named = mention(doc, argument(state, "TableName"), "table", lastName)
		}
	}
	return named
}

var (
	functionARN   = regexp.MustCompile(`^(?:arn:[a-z0-9-]+:lambda:[a-z0-9-]*:)?[0-9]{12}:function:([A-Za-z0-9_-]+)(?::[A-Za-z0-9_$-]+)?$`)
	serviceARN    = regexp.MustCompile(`^arn:[a-z0-9-]+:states:[a-z0-9-]*:[0-9]*:((?:aws-sdk:)?[A-Za-z0-9]+:[A-Za-z]+)(?:\.([A-Za-z0-9:]+))?$`)
	connectionARN = regexp.MustCompile(`:connection/([^/]+)`)
	jobARN        = regexp.MustCompile(`^(?:arn:[a-z0-9-]+:batch:[a-z0-9-]*:[0-9]*:job-definition/)?([A-Za-z0-9_-]+)(?::[0-9]+)?$`)
	machineARN    = regexp.MustCompile(`^arn:[a-z0-9-]+:states:[a-z0-9-]*:[0-9]*:stateMachine:([^:]+)(?::[^:]+)?$`)
	busARN        = regexp.MustCompile(`:event-bus/(.+)$`)
	lastName      = regexp.MustCompile(`([^:/]*)$`)
	plainName     = regexp.MustCompile(`^([A-Za-z0-9_-]+)(?::[A-Za-z0-9_$-]+)?$`)
)

// refer checks an argument whose value is known before the state runs, and returns what it names. The patterns take a name out of an ARN; what
// matches none is the name itself.
func (l *loader) refer(doc *document, at *node, what string, patterns ...*regexp.Regexp) []Reference {
	named := mention(doc, at, what, patterns...)
	for _, r := range named {
		l.undeclared(doc.file, doc.at(placeOf(doc.text, r.At)), what, r.Name)
	}
	return named
}

func argument(state *node, path ...string) *node {
	if at := state.get(append([]string{"Parameters"}, path...)...); at != nil {
		return at
	}
	return state.get(append([]string{"Arguments"}, path...)...)
}

// available warns of a service that this platform has not. The workflow may be meant for another one.
func (l *loader) available(doc *document, resource *node) {
	if !strings.Contains(resource.text, ":states:::") || integration.Has(resource.text) { // the others are activities
		return
	}
	at := doc.at(placeOf(doc.text, resource.offset))
	d := Diagnostic{
		Severity: Warning, File: doc.file, Line: at.line, Column: at.column,
		Reason: fmt.Sprintf("the resource %q is not available on one machine: a task that comes to it fails", resource.text),
	}
	_, action, _ := strings.Cut(resource.text, ":::")
	d.Hint = alternatives(action)
	*l.diags = append(*l.diags, d)
}

// alternatives says what there is instead of an action: one that is spelt like it, those of its service, or the services.
func alternatives(action string) string {
	if near := nearest(action, integration.Actions()); near != "" {
		return fmt.Sprintf("did you mean arn:aws:states:::%s?", near)
	}
	wanted, _, _ := strings.Cut(action, ":")
	var same, services []string
	for _, known := range integration.Actions() {
		service, _, _ := strings.Cut(known, ":")
		if service == wanted && service != "aws-sdk" {
			same = append(same, known)
		}
		services = append(services, service)
	}
	if same != nil {
		return "there are " + strings.Join(same, ", ")
	}
	return "there are " + strings.Join(slices.Compact(services), ", ")
}

// undeclared reports a name that its section does not have.
func (l *loader) undeclared(file string, at place, what, name string) {
	if slices.Contains(l.declared[what], name) {
		return
	}
	d := Diagnostic{
		File: file, Line: at.line, Column: at.column, Reason: fmt.Sprintf("unknown %s %q", what, name), Hint: "declare it under " + what + "s in " + FileName,
	}
	if what == "queue" || what == "topic" || what == "connection" {
		d.Severity = Warning
	}
	if near := nearest(name, l.declared[what]); near != "" {
		d.Hint = fmt.Sprintf("did you mean %q?", near)
	}
	*l.diags = append(*l.diags, d)
}

// states returns all states of a machine, those of its branches and iterations included.
func states(machine *node) []*node {
	var all []*node
	for open := []*node{machine}; len(open) > 0; open = open[1:] {
		all = append(all, slices.Collect(maps.Values(open[0].get("States").fields()))...)
		for _, state := range open[0].get("States").fields() {
			for _, field := range []string{"Iterator", "ItemProcessor"} {
				if inner := state.get(field); inner != nil {
					open = append(open, inner)
				}
			}
			if branches := state.get("Branches"); branches != nil {
				open = append(open, branches.items...)
			}
		}
	}
	return all
}
