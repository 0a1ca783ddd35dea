package deploy_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"path"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sfn"

	"sundog/internal/aws"
	"sundog/internal/aws/awstest"
	"sundog/internal/aws/lambda"
	"sundog/internal/aws/statedb"
	"sundog/internal/aws/template/templatetest"
)

// world is a deployment on stand-ins, whose handlers' requests are counted.
type world struct {
	*awstest.AWS
	variables map[string]string
	needed    map[string]map[string]bool // actions of IAM by handler
	behind    time.Duration              // how late the handlers take it to be
	payloads  string
	machine   string
}

func newWorld(t *testing.T) *world {
	t.Helper()
	a := awstest.Start(t, awstest.Options{})
	w := &world{AWS: a, needed: map[string]map[string]bool{}, payloads: a.Bucket(t)}
	table := awstest.Name("state")
	if err := statedb.Create(t.Context(), dynamodb.NewFromConfig(a.Config()), table); err != nil {
		t.Fatal(err)
	}
	w.machine = a.StateMachine(t, "deploy-pass", `{"StartAt":"A","States":{"A":{"Type":"Pass","End":true}}}`)
	process, dead := a.QueueWithDeadLetters(t, 0, 5)
	w.variables = map[string]string{
		aws.StateDB: table, aws.PayloadBucket: w.payloads, aws.DataBucket: a.Bucket(t),
		aws.BaseWorkflowARN: strings.TrimSuffix(w.machine, "pass"), aws.ProcessQueueURL: process, aws.DeadLetterQueueURL: dead,
		aws.EventTopicARN: a.Topic(t), aws.PublishTopicARN: a.Topic(t), aws.PartialResponses: "true",
	}
	return w
}

// put stores an object in the payload bucket.
func (w *world) put(t *testing.T, key, text string) {
	t.Helper()
	client := s3.NewFromConfig(w.Config(), func(o *s3.Options) { o.UsePathStyle = true })
	if _, err := client.PutObject(t.Context(), &s3.PutObjectInput{Bucket: &w.payloads, Key: &key, Body: strings.NewReader(text)}); err != nil {
		t.Fatal(err)
	}
}

// invoke opens a handler and invokes it, and returns its answer. What it asked of AWS is noted.
func (w *world) invoke(t *testing.T, handler, event string) string {
	t.Helper()
	h, err := lambda.Select(lambda.Names{Handler: handler})
	if err != nil {
		t.Fatal(err)
	}
	environment, err := h.Environment(func(name string) string { return w.variables[name] })
	if err != nil {
		t.Fatal(err)
	}
	calls := &awstest.Calls{}
	logger := slog.New(slog.DiscardHandler)
	p := aws.Open(aws.Options{Config: calls.Watch(w.Config()), Environment: environment, Logger: logger, Now: func() time.Time { return time.Now().Add(-w.behind) }})
	defer p.Close()
	f, err := lambda.Open(h, p, logger)
	if err != nil {
		t.Fatal(err)
	}
	out, err := f(context.WithoutCancel(t.Context()), []byte(event))
	if err != nil {
		t.Fatalf("%s: %v", handler, err)
	}
	if w.needed[handler] == nil {
		w.needed[handler] = map[string]bool{}
	}
	for operation := range calls.Counted() {
		for _, a := range actions(operation) {
			w.needed[handler][a] = true
		}
	}
	return string(out)
}

// messages is an event of SQS.
func messages(queue string, bodies ...string) string {
	attribute := func(value string) any { return map[string]string{"dataType": "String", "stringValue": value} }
	ticket := map[string]any{"Sundog-Ticket": attribute("t"), "Sundog-Action": attribute("sqs-send")} // of schedules
	var records []any
	for i, body := range bodies {
		records = append(records, map[string]any{
			"messageId": fmt.Sprint("m", i), "receiptHandle": fmt.Sprint("r", i), "body": body, "messageAttributes": ticket,
			"attributes":  map[string]string{"ApproximateReceiveCount": "1", "SentTimestamp": "1772355600000", "ApproximateFirstReceiveTimestamp": "1772355600000"},
			"eventSource": "aws:sqs", "eventSourceARN": awstest.QueueARN(queue), "awsRegion": awstest.Region,
		})
	}
	text, err := json.Marshal(map[string]any{"Records": records})
	if err != nil {
		panic(err) // cannot be: texts
	}
	return string(text)
}

const scene = `{"type":"FeatureCollection","id":"c/workflow-%[2]s/%[1]s","features":[{"type":"Feature","stac_version":"1.0.0","id":"%[1]s","collection":"c","geometry":{"type":"Point","coordinates":[1,2]},
	"bbox":[1,2,1,2],"properties":{"datetime":"2024-01-01T00:00:00Z"},"links":[],"assets":{}}],
	"process":[{"workflow":"%[2]s","upload_options":{"path_template":"${collection}"}},{"workflow":"next"}]}`

// TestRoles invokes handlers on stand-ins, and compares the requests that they make with what their roles allow: no less, and no more. Metrics
// and logs have no stand-in.
func TestRoles(t *testing.T) {
	w := newWorld(t)
	queue := w.variables[aws.ProcessQueueURL]

	// One that runs, one that comes twice, one of no workflow, one by reference, and one that is not there.
	first := fmt.Sprintf(scene, "a", "pass")
	w.put(t, "in/b.json", fmt.Sprintf(scene, "b", "pass"))
	if answer := w.invoke(t, "process", messages(queue, first, first, fmt.Sprintf(scene, "c", "nowhere"), `{"url":"s3://`+w.payloads+`/in/b.json"}`, `{"url":"s3://`+w.payloads+`/gone.json"}`)); answer != `{"batchItemFailures":[]}` {
		t.Errorf("process answers %s", answer)
	}

	states := sfn.NewFromConfig(w.Config())
	executions, err := states.ListExecutions(t.Context(), &sfn.ListExecutionsInput{StateMachineArn: &w.machine})
	if err != nil || len(executions.Executions) != 2 {
		t.Fatalf("%v were started (%v), want two", executions, err)
	}
	var ends []string
	for i, x := range executions.Executions {
		detail := map[string]any{ // of the first EventBridge leaves out what went in and out
			"executionArn": x.ExecutionArn, "stateMachineArn": w.machine, "name": path.Base(*x.ExecutionArn), "status": "SUCCEEDED",
			"input": nil, "inputDetails": map[string]bool{"included": i > 0}, "output": nil, "outputDetails": map[string]bool{"included": i > 0},
		}
		described := ended(t, states, x.ExecutionArn)
		if i > 0 {
			detail["input"], detail["output"] = described.Input, `{"url":"s3://`+w.payloads+`/in/b.json"}`
		}
		end, err := json.Marshal(map[string]any{"version": "0", "id": fmt.Sprint(i), "source": "aws.states", "detail-type": "Step Functions Execution Status Change", "detail": detail})
		if err != nil {
			t.Fatal(err)
		}
		ends = append(ends, string(end))
	}
	w.invoke(t, "update-state", messages(queue, append(ends, "no event")...))

	// One that was handled before and was not deleted.
	again := messages(queue, strings.Replace(first, `"workflow":"pass"`, `"workflow":"pass","replace":true`, 1))
	w.invoke(t, "process", strings.Replace(again, `"ApproximateReceiveCount":"1"`, `"ApproximateReceiveCount":"2"`, 1))

	for _, path := range []string{"/", "/c/workflow-pass", "/c/workflow-pass/items", "/c/workflow-pass/a"} {
		w.invoke(t, "api", `{"version":"2.0","rawPath":"`+path+`","rawQueryString":"","headers":{},"requestContext":{"http":{"method":"GET","path":"`+path+`"}}}`)
	}
	w.invoke(t, "pre-batch", `{"url":"s3://`+w.payloads+`/in/b.json"}`)
	w.put(t, "in/long.json", strings.Replace(first, `"bbox"`, `"long":"`+strings.Repeat("x", 200_000)+`","bbox"`, 1)) // goes by reference
	w.invoke(t, "post-batch", `{"Parameters":{"url_out":"s3://`+w.payloads+`/in/long.json"}}`)
	w.invoke(t, "publish", `{"url":"s3://`+w.payloads+`/in/long.json"}`)

	w.compare(t, templates(t)["functions.yaml"])
}

// ended describes an execution once it has ended.
func ended(t *testing.T, client *sfn.Client, arn *string) *sfn.DescribeExecutionOutput {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for {
		x, err := client.DescribeExecution(ctx, &sfn.DescribeExecutionInput{ExecutionArn: arn})
		if err != nil {
			t.Fatal(err)
		}
		if x.StopDate != nil {
			return x
		}
	}
}

// compare reports what handlers needed and may not do, and what they may do and did not.
func (w *world) compare(t *testing.T, template *templatetest.Template) {
	t.Helper()
	for handler, operations := range w.needed {
		allowed := allowedTo(template, handler)
		for operation := range operations {
			if !slices.Contains(allowed, operation) {
				t.Errorf("%s may not %s", handler, operation)
			}
		}
		for _, a := range allowed {
			if !operations[a] && !slices.Contains(unseen, a) && !slices.Contains(unseen, handler+" "+a) {
				t.Errorf("%s may %s, and does not", handler, a)
			}
		}
	}
}

// TestRolesOfSchedules does the same for the handlers of schedules and tasks, as far as they can be invoked without waiting: what is due, and its
// actions, cannot.
func TestRolesOfSchedules(t *testing.T) {
	a := awstest.Start(t, awstest.Options{Standins: []awstest.Standin{awstest.Sundog, awstest.Fauxqs}})
	w := &world{AWS: a, needed: map[string]map[string]bool{}}
	all := templates(t)
	machine := a.StateMachine(t, "deploy-task", `{"StartAt":"A","States":{"A":{"Type":"Pass","End":true}}}`)
	w.variables = map[string]string{
		aws.ScheduleTable: w.table(t, all["schedules.yaml"]), aws.ScheduleQueueURL: a.Queue(t, nil), aws.ScheduleEventTopic: a.Topic(t),
		aws.ScheduleHTTPTopic: a.Topic(t), aws.ScheduleSQSTopic: a.Topic(t), aws.ScheduleCallTopic: a.Topic(t),
		aws.TaskTable: w.table(t, all["tasks.yaml"]), aws.BaseWorkflowARN: strings.TrimSuffix(machine, "task"), aws.PartialResponses: "true",
	}
	request := func(method, path, body string) string {
		event, err := json.Marshal(map[string]any{
			"version": "2.0", "rawPath": path, "rawQueryString": "", "headers": map[string]string{"content-type": "application/json"}, "body": body,
			"requestContext": map[string]any{"http": map[string]string{"method": method, "path": path}},
		})
		if err != nil {
			t.Fatal(err)
		}
		return string(event)
	}
	schedule := func(in time.Duration) string {
		return fmt.Sprintf(`{"schedule":{"pointInTime":%q},"context":{"payload":"x"},"action":{"type":"sqs-send","sqsSendConfig":{"queueName":"q","payload":"x"}}}`,
			time.Now().Add(in).UTC().Format(time.RFC3339))
	}
	var made struct {
		Body string
		ID   string `json:"scheduleId"`
	}
	w.invoke(t, "schedule-post", request("POST", "/schedule", schedule(5*time.Minute))) // within the window
	answer := w.invoke(t, "schedule-post", request("POST", "/schedule", schedule(time.Hour)))
	if err := errors.Join(json.Unmarshal([]byte(answer), &made), json.Unmarshal([]byte(made.Body), &made)); err != nil || made.ID == "" {
		t.Fatalf("POST /schedule is answered by %s (%v)", answer, err)
	}
	w.invoke(t, "schedule-post", request("GET", "/schedule/"+made.ID, ""))
	w.invoke(t, "schedule-post", request("PUT", "/schedule/"+made.ID, schedule(2*time.Hour)))
	w.invoke(t, "schedule-post", request("DELETE", "/schedule/"+made.ID, ""))
	w.behind = 3 * time.Hour // two that are in the table, of which one is due by now
	w.invoke(t, "schedule-post", request("POST", "/schedule", schedule(5*time.Minute)))
	past := time.Now().Add(-time.Minute)
	answer = w.invoke(t, "schedule-post", request("POST", "/schedule", schedule(-time.Minute)))
	if err := errors.Join(json.Unmarshal([]byte(answer), &made), json.Unmarshal([]byte(made.Body), &made)); err != nil {
		t.Fatalf("POST /schedule is answered by %s (%v)", answer, err)
	}
	w.behind = 0
	fired := `{"scheduleId":%q,"pointInTime":%d,"apiKey":"","topicArn":"` + w.variables[aws.ScheduleSQSTopic] + `","actionConfig":{},"context":{"headers":[],"payload":""}}`
	answer = w.invoke(t, "schedule-dispatch", messages(w.variables[aws.ScheduleQueueURL],
		fmt.Sprintf(fired, "early", time.Now().Add(time.Minute).Unix()), fmt.Sprintf(fired, made.ID, past.Unix())))
	if answer != `{"batchItemFailures":[]}` {
		t.Errorf("schedule-dispatch answers %s", answer)
	}
	w.invoke(t, "schedule-enqueue", `{"version":"0","source":"aws.events","detail-type":"Scheduled Event","detail":{}}`)
	w.compare(t, all["schedules.yaml"])

	w.needed = map[string]map[string]bool{}
	w.invoke(t, "task-api", request("POST", "/task", `{"task_id":"1"}`))
	w.invoke(t, "task-api", request("GET", "/task/1", ""))
	w.invoke(t, "task-stream", `{"Records":[{"eventID":"1","eventName":"INSERT","eventSource":"aws:dynamodb","eventSourceARN":"arn:aws:dynamodb:us-east-1:000000000000:table/tasks/stream/1",
		"dynamodb":{"Keys":{"PK":{"S":"TASK#1"}},"NewImage":{"PK":{"S":"TASK#1"}},"SequenceNumber":"100000000000000000001","StreamViewType":"NEW_AND_OLD_IMAGES"}}]}`)
	w.compare(t, all["tasks.yaml"])
}

// table makes the table of a template.
func (w *world) table(t *testing.T, template *templatetest.Template) string {
	t.Helper()
	properties := maps.Clone(template.Resources["Table"].Properties)
	delete(properties, "TableName")
	text, err := json.Marshal(properties)
	if err != nil {
		t.Fatal(err)
	}
	var input dynamodb.CreateTableInput
	if err := json.Unmarshal(text, &input); err != nil {
		t.Fatal(err)
	}
	name := awstest.Name("table")
	input.TableName = &name
	if input.StreamSpecification != nil {
		input.StreamSpecification.StreamEnabled = new(true) // what CloudFormation adds
	}
	client := dynamodb.NewFromConfig(w.Config())
	if _, err := client.CreateTable(t.Context(), &input); err != nil {
		t.Fatal(err)
	}
	return name
}

// unseen are the actions, or the actions of a handler, that Lambda itself takes on a function's behalf, and those of services without a
// stand-in.
var unseen = []string{
	"sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes", "logs:CreateLogStream", "logs:PutLogEvents", "logs:GetLogEvents", "cloudwatch:GetMetricData",
	"dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator", "dynamodb:ListStreams", "task-stream sqs:SendMessage",
	"s3:ListBucket", // with it S3 says that an object is not there; without it, that it is forbidden
}

// actions are those of IAM that a request needs (Service Authorization Reference): that of a batch is that of one.
func actions(operation string) []string {
	service, name, _ := strings.Cut(operation, ".")
	prefix := map[string]string{"SFN": "states", "CloudWatch Logs": "logs"}[service]
	if prefix == "" {
		prefix = strings.ToLower(service)
	}
	switch name {
	case "TransactWriteItems": // of schedules
		return []string{"dynamodb:PutItem", "dynamodb:UpdateItem"}
	case "HeadObject":
		name = "GetObject"
	case "SendMessageBatch", "DeleteMessageBatch", "PublishBatch":
		name = strings.TrimSuffix(name, "Batch")
	}
	return []string{prefix + ":" + name}
}

// allowedTo returns the actions that the role of a handler allows.
func allowedTo(template *templatetest.Template, handler string) []string {
	var actions []string
	for place, statement := range templatetest.Statements(template) {
		if !strings.HasSuffix(strings.Split(place, ", statement")[0], ", policy "+handler) {
			continue
		}
		for _, a := range statement["Action"].([]any) {
			actions = append(actions, a.(string))
		}
	}
	slices.Sort(actions)
	return slices.Compact(actions)
}
