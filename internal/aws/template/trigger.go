package template

import (
	"encoding/json"
	"regexp"
	"strings"
	"time"

	"sundog/internal/project"
	"sundog/internal/trigger"
)

// target is what a pipe, a schedule or a rule calls.
type target struct {
	arn    any
	action string // of IAM, which calling it needs
	input  string // JSON, or empty
}

func (b *builder) toQueue(q string) target {
	return target{arn: b.queueARN(q), action: "sqs:SendMessage"}
}

func (b *builder) toTopic(t string) target {
	return target{arn: b.topicARN(t[strings.LastIndexByte(t, ':')+1:]), action: "sns:Publish"}
}

func (b *builder) toFunction(f string) target {
	return target{arn: b.functionARN(f), action: "lambda:InvokeFunction"}
}

func (b *builder) toWorkflow(w string) target {
	return target{arn: arn("states", "stateMachine:${Prefix}-"+w), action: "states:StartExecution"}
}

// target is that of a trigger; a webhook has none.
func (b *builder) target(t trigger.Target) (target, bool) {
	switch t.Kind {
	case trigger.ToWorkflow:
		return b.toWorkflow(t.Name), true
	case trigger.ToPayload:
		return b.toQueue("process"), true
	case trigger.ToQueue:
		return b.toQueue(t.Name), true
	case trigger.ToTopic:
		return b.toTopic(t.Name), true
	case trigger.ToFunction:
		return b.toFunction(t.Name), true
	}
	return target{}, false
}

// triggers adds what stands for triggers: the handler task-stream for a table that starts workflows, which names executions after the
// change, pipes of EventBridge for tables and queues, and schedules.
func (b *builder) triggers() {
	streams := map[string][]project.Trigger{}
	for _, t := range b.project.Triggers {
		at := []string{"triggers", t.Name}
		to, ok := b.target(t.Target)
		switch {
		case !ok:
			b.warn(append(at, "target", "webhook"), "call a function that posts", "trigger %s calls a webhook, which needs an API destination", t.Name)
		case t.Source.Kind == trigger.Topic || t.Source.Kind == trigger.Events:
			b.warn(append(at, "source"), "subscribe a queue to the topic, and let the trigger watch the queue", "trigger %s watches a topic, whose messages have another form on AWS", t.Name)
		case t.Source.Kind == trigger.Schedule:
			b.timed(t, to)
		case t.Source.Kind == trigger.Table && t.Target.Kind == trigger.ToWorkflow:
			streams[t.Source.Name] = append(streams[t.Source.Name], t)
		default:
			b.pipe(t, to)
		}
	}
	for _, table := range b.tableNames() {
		if streams[table] != nil {
			b.stream(table, streams[table])
		}
	}
}

// timed adds a schedule for a trigger.
func (b *builder) timed(t project.Trigger, to target) {
	at := []string{"triggers", t.Name}
	expression, ok := b.expression(append(at, "source", "schedule"), t.Source.Name)
	if !ok {
		return
	}
	if t.Filter != nil {
		b.warn(append(at, "filter"), "say it in the expression", "trigger %s: a schedule of EventBridge has no filter", t.Name)
	}
	to.input = strings.ReplaceAll(string(t.Input), "<$.time>", "<aws.scheduler.scheduled-time>")
	if strings.Contains(to.input, "<$") {
		b.warn(append(at, "input"), "<$.time> is there", "trigger %s: a schedule of EventBridge knows its time alone", t.Name)
	}
	timing := object{{"ScheduleExpression", expression}, {"ScheduleExpressionTimezone", zone(t.Source.Zone)}}
	b.scheduled(b.id("Trigger", t.Name), t.Name, timing, object{{"Mode", "OFF"}}, to, 4)
}

// placeholder is a text of an input's template that is a placeholder alone. Its value takes the place of the text, so a pipe wants it without
// quotes (EventBridge User Guide, "Amazon EventBridge Pipes input transformation").
var placeholder = regexp.MustCompile(`"(<\$[^">]*>)"`)

// pipe adds a pipe of EventBridge from a stream or queue.
func (b *builder) pipe(t project.Trigger, to target) {
	id := b.id("Trigger", t.Name)
	dead := b.deadLetters(t.Name)
	source, parameters, statements := b.queueARN(t.Source.Name), object{}, []any{
		statement(to.arn, to.action),
	}
	if t.Source.Kind == trigger.Table {
		stream := getAtt(b.id("Table", t.Source.Name), "StreamArn")
		source = stream
		parameters.add("DynamoDBStreamParameters", append(object{
			{"StartingPosition", startingPosition(t.Start)},
			{"MaximumRetryAttempts", retries(t)},
			{"OnPartialBatchItemFailure", "AUTOMATIC_BISECT"},
			{"DeadLetterConfig", object{{"Arn", getAtt(dead, "Arn")}}},
		}, batch(t)...))
		statements = append(statements, readStream(stream), statement(getAtt(dead, "Arn"), "sqs:SendMessage"))
	} else {
		parameters.add("SqsQueueParameters", batch(t))
		statements = append(statements, statement(source, "sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"))
	}
	if t.Filter != nil {
		parameters.add("FilterCriteria", object{{"Filters", []any{object{{"Pattern", compact(t.Filter)}}}}})
	}
	role := id + "Role"
	b.role(role, "pipes.amazonaws.com", statements)
	properties := object{{"Name", name(t.Name)}, {"RoleArn", getAtt(role, "Arn")}, {"Source", source}}
	if len(parameters) > 0 {
		properties.add("SourceParameters", parameters)
	}
	properties.add("Target", to.arn)
	var targetParameters object
	if t.Input != nil {
		targetParameters.add("InputTemplate", placeholder.ReplaceAllString(compact(t.Input), "$1"))
	}
	if t.Target.Kind == trigger.ToWorkflow {
		targetParameters.add("StepFunctionStateMachineParameters", object{{"InvocationType", "FIRE_AND_FORGET"}})
	}
	if targetParameters != nil {
		properties.add("TargetParameters", targetParameters)
	}
	b.resource(id, "AWS::Pipes::Pipe", properties)
}

func startingPosition(s trigger.Start) string { return strings.ToUpper(string(s)) }

// retries is how often events are handled again: those that are not called have no number of their own.
func retries(t project.Trigger) int {
	if t.Target.Kind.Called() {
		return t.Retries
	}
	return trigger.DefaultRetries
}

func batch(t project.Trigger) object {
	o := object{{"BatchSize", max(1, t.BatchSize)}}
	if t.BatchWindow > 0 {
		o.add("MaximumBatchingWindowInSeconds", int(t.BatchWindow/time.Second))
	}
	return o
}

func readStream(stream any) object {
	return statement(stream, "dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator")
}

// mostFilters is how many filters an event source mapping takes without asking AWS for more (Lambda Developer Guide, "Control which events Lambda
// sends to your function").
const mostFilters = 5

// stream adds the function that starts workflows by the changes of a table.
func (b *builder) stream(table string, triggers []project.Trigger) {
	id, of := b.id("TaskStream", table), table+"-task-stream"
	logs, role, dead := id+"Logs", id+"Role", b.deadLetters(of)
	stream := getAtt(b.id("Table", table), "StreamArn")
	var filters []any
	for _, t := range triggers {
		if t.Filter != nil {
			filters = append(filters, object{{"Pattern", compact(t.Filter)}})
		}
	}
	workflows := unique(namesOf(triggers, func(t project.Trigger) string { return t.Target.Name }))
	machines := make([]any, len(workflows))
	for i, w := range workflows {
		machines[i] = b.toWorkflow(w).arn
	}
	b.parameter("Architecture", "For which processor the packages of functions are built.", object{{"Default", "arm64"}, {"AllowedValues", []any{"arm64", "x86_64"}}})
	b.resource(logs, "AWS::Logs::LogGroup", object{{"LogGroupName", sub("/aws/lambda/${Prefix}-" + of)}, {"RetentionInDays", retentionDays(b.project.Retention.Logs)}})
	b.role(role, "lambda.amazonaws.com", []any{
		statement(getAtt(logs, "Arn"), "logs:CreateLogStream", "logs:PutLogEvents"),
		readStream(stream),
		statement("*", "dynamodb:ListStreams"),
		statement(machines, "states:StartExecution"),
		statement(getAtt(dead, "Arn"), "sqs:SendMessage"),
	})
	b.resource(id, "AWS::Lambda::Function", object{
		{"FunctionName", name(of)},
		{"Architectures", []any{ref("Architecture")}},
		{"Runtime", "provided.al2023"},
		{"Handler", "task-stream"},
		{"Code", "sundog.zip"},
		{"Role", getAtt(role, "Arn")},
		{"Timeout", 60},
		{"MemorySize", 256},
		{"LoggingConfig", object{{"LogGroup", ref(logs)}}},
		{"Environment", object{{"Variables", object{
			{"CIRRUS_BASE_WORKFLOW_ARN", arn("states", "stateMachine:${Prefix}-")},
			{"SUNDOG_TRIGGERS", triggersJSON(triggers)},
			{"SUNDOG_PARTIAL_BATCH_RESPONSES", "true"},
		}}}},
	})
	mapping := object{
		{"FunctionName", ref(id)},
		{"EventSourceArn", stream},
		{"StartingPosition", startingPosition(triggers[0].Start)},
		{"BatchSize", 100},
		{"BisectBatchOnFunctionError", true},
		{"MaximumRetryAttempts", 10},
		{"FunctionResponseTypes", []any{"ReportBatchItemFailures"}},
		{"DestinationConfig", object{{"OnFailure", object{{"Destination", getAtt(dead, "Arn")}}}}},
	}
	if len(filters) == len(triggers) && len(filters) <= mostFilters { // else the function looks at every change
		mapping.add("FilterCriteria", object{{"Filters", filters}})
	}
	b.resource(id+"Source", "AWS::Lambda::EventSourceMapping", mapping)
}

// triggersJSON writes triggers as the handler task-stream reads them: as sundog.yaml has them.
func triggersJSON(triggers []project.Trigger) string {
	list := make([]any, 0, len(triggers))
	for _, t := range triggers {
		o := object{{"name", t.Name}, {"source", object{{"table", t.Source.Name}}}}
		if t.Filter != nil {
			o.add("filter", json.RawMessage(t.Filter))
		}
		if t.Input != nil {
			o.add("input", json.RawMessage(t.Input))
		}
		o.add("target", object{{"workflow", t.Target.Name}})
		list = append(list, o)
	}
	text, err := encode(list)
	if err != nil {
		panic("template: triggers do not marshal: " + err.Error()) // cannot be: Load has parsed their JSON
	}
	return string(text)
}

// compact writes JSON in one line.
func compact(text []byte) string {
	line, err := encode(jsonValue(text))
	if err != nil {
		panic("template: JSON does not marshal: " + err.Error()) // cannot be: Load has parsed it
	}
	return string(line)
}
