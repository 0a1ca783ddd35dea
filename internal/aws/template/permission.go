package template

import (
	"slices"
	"strings"

	"sundog/internal/project"
	"sundog/internal/table"
)

// allowed returns the statements for what the states of a workflow call (Step Functions Developer Guide, "IAM policies for integrated
// services"), each once and in the order of the actions.
func (b *builder) allowed(w project.Workflow) []any {
	var all []any
	seen := map[string]bool{}
	for _, c := range sortedCalls(w.Calls) {
		for _, s := range b.permissions(w, c) {
			text, err := encode(s)
			if err != nil {
				panic("template: a statement does not marshal: " + err.Error()) // cannot be: it is made of texts
			}
			if !seen[string(text)] {
				all = append(all, s)
			}
			seen[string(text)] = true
		}
	}
	return all
}

func sortedCalls(calls []project.Call) []project.Call {
	key := func(c project.Call) string {
		text := c.Action + " " + c.Pattern
		for _, r := range c.References {
			text += " " + r.Kind + " " + r.Name
		}
		return text
	}
	calls = slices.Clone(calls)
	slices.SortFunc(calls, func(x, y project.Call) int { return strings.Compare(key(x), key(y)) })
	return calls
}

// permissions are those that one call needs.
func (b *builder) permissions(w project.Workflow, c project.Call) []any {
	service, action, _ := strings.Cut(strings.TrimPrefix(c.Action, "aws-sdk:"), ":")
	switch service {
	case "lambda":
		return b.toCall(c, w)
	case "batch":
		return b.toSubmit(c)
	case "states", "sfn":
		return b.toStart(c, action)
	case project.MapRun:
		own, runs := "${Prefix}-"+w.Name, arn("states", "execution:${Prefix}-"+w.Name+"*")
		return []any{
			statement(arn("states", "stateMachine:"+own), "states:StartExecution"),
			statement(runs, "states:DescribeExecution", "states:StopExecution", "states:RedriveExecution"),
		}
	case "sqs":
		return []any{statement(b.each(c, "queue", b.project.Queues, b.queueARN), "sqs:"+single(action))}
	case "sns":
		return []any{statement(b.each(c, "topic", append(slices.Clone(b.project.Topics), "publish", "workflow-event"), b.topicARN), "sns:Publish")}
	case "events", "eventbridge":
		return b.toPut(c, w)
	case "dynamodb":
		tables := b.each(c, "table", b.tableNames(), b.tableARN)
		if action == "query" || action == "scan" {
			tables = append(tables, b.each(c, "table", b.tableNames(), func(t string) any { return sub("${" + b.id("Table", t) + ".Arn}/index/*") })...)
		}
		return []any{statement(tables, "dynamodb:"+upperFirst(action))}
	case "http":
		return b.toRequest(c, w)
	case "s3":
		return b.toRead(action)
	}
	b.warn([]string{"workflows", w.Name}, "add them to the role in the template", "workflow %s calls %s, whose permissions are not known here", w.Name, c.Action)
	return nil
}

// each returns the resources that a call names, or all that the project declares when it names none.
func (b *builder) each(c project.Call, kind string, declared []string, resource func(string) any) []any {
	var names []string
	for _, r := range c.References {
		if r.Kind == kind {
			names = append(names, r.Name)
		}
	}
	if names == nil {
		names = declared
	}
	names = unique(names)
	list := make([]any, len(names), len(names)+1)
	for i, n := range names {
		list[i] = resource(n)
	}
	return list
}

func (b *builder) tableNames() []string {
	return namesOf(b.project.Tables, func(t table.Schema) string { return t.Name })
}

func (b *builder) toCall(c project.Call, w project.Workflow) []any {
	declared := namesOf(b.project.Functions, func(f project.Function) string { return f.Name })
	functions := b.each(c, "function", declared, b.functionARN)
	if len(functions) == 0 {
		b.refuse([]string{"workflows", w.Name}, "declare them under functions", "workflow %s calls functions, and there are none", w.Name)
	}
	return []any{statement(functions, "lambda:InvokeFunction")}
}

func (b *builder) toSubmit(c project.Call) []any {
	declared := namesOf(b.project.Jobs, func(j project.Job) string { return j.Name })
	resources := b.each(c, "job", declared, func(j string) any { return arn("batch", "job-definition/${Prefix}-"+j+":*") })
	submit := statement(append(resources, b.jobQueue()), "batch:SubmitJob")
	if c.Pattern != "sync" {
		return []any{submit}
	}
	return []any{
		submit,
		statement("*", "batch:DescribeJobs"),
		statement(arn("batch", "job/*"), "batch:TerminateJob"),
		notified("StepFunctionsGetEventsForBatchJobsRule"),
	}
}

// notified lets Step Functions keep the rule by which it learns that what it waits for has ended.
func notified(rule string) object {
	return statement(arn("events", "rule/"+rule), "events:PutTargets", "events:PutRule", "events:DescribeRule")
}

func (b *builder) toStart(c project.Call, action string) []any {
	declared := namesOf(b.project.Workflows, func(w project.Workflow) string { return w.Name })
	machine := func(w string) any { return arn("states", "stateMachine:${Prefix}-"+w) }
	execution := func(w string) any { return arn("states", "execution:${Prefix}-"+w+":*") }
	if action != "startExecution" && action != "startSyncExecution" {
		return []any{statement(append(b.each(c, "workflow", declared, machine), b.each(c, "workflow", declared, execution)...), "states:"+upperFirst(action))}
	}
	all := []any{statement(b.each(c, "workflow", declared, machine), "states:"+upperFirst(action))}
	if strings.HasPrefix(c.Pattern, "sync") {
		all = append(all, statement(b.each(c, "workflow", declared, execution), "states:DescribeExecution", "states:StopExecution"),
			notified("StepFunctionsGetEventsForStepFunctionsExecutionRule"))
	}
	return all
}

func (b *builder) toPut(c project.Call, w project.Workflow) []any {
	buses := b.each(c, "topic", []string{defaultBus}, func(bus string) any { return arn("events", "event-bus/"+bus) })
	for _, r := range c.References {
		if r.Name != defaultBus {
			b.warn([]string{"workflows", w.Name}, "make it, with rules in place of subscriptions", "workflow %s puts events on the bus %s, which is a topic here and an event bus there", w.Name, r.Name)
		}
	}
	return []any{statement(buses, "events:PutEvents")}
}

func (b *builder) toRequest(c project.Call, w project.Workflow) []any {
	declared := namesOf(b.project.Connections, func(c project.Connection) string { return c.Name })
	all := []any{statement(arn("states", "stateMachine:${Prefix}-"+w.Name), "states:InvokeHTTPEndpoint")}
	if connections := b.each(c, "connection", declared, b.connectionARN); connections != nil {
		all = append(all, statement(connections, "events:RetrieveConnectionCredentials"),
			statement(arn("secretsmanager", "secret:events!connection/*"), "secretsmanager:GetSecretValue", "secretsmanager:DescribeSecret"))
	}
	if len(c.References) == 0 {
		b.warn([]string{"workflows", w.Name}, "name a connection in the state", "workflow %s makes requests without a connection, which AWS does not", w.Name)
	}
	return all
}

// toRead allows what datasets and results of distributed Map states need; where they lie is a parameter.
func (b *builder) toRead(action string) []any {
	b.parameter("DatasetBucket", "The bucket that datasets of distributed Map states lie in.", nil)
	objects, bucket := sub("arn:${AWS::Partition}:s3:::${DatasetBucket}/*"), sub("arn:${AWS::Partition}:s3:::${DatasetBucket}")
	switch action {
	case "listObjectsV2":
		return []any{statement(bucket, "s3:ListBucket")}
	case "putObject":
		return []any{statement(objects, "s3:PutObject", "s3:GetObject", "s3:ListMultipartUploadParts", "s3:AbortMultipartUpload")}
	}
	return []any{statement(objects, "s3:GetObject")}
}

// single is the action of IAM for an action of SQS: that of a batch is that of one.
func single(action string) string { return upperFirst(strings.TrimSuffix(action, "Batch")) }

func upperFirst(text string) string { return strings.ToUpper(text[:1]) + text[1:] }
