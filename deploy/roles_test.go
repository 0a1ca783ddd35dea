package deploy_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"path"
	"slices"
	"strings"
	"testing"

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
	payloads  string
	machine   string
}

func newWorld(t *testing.T) *world {
	t.Helper()
	a := awstest.Start(t, awstest.Options{})
	w := &world{AWS: a, payloads: a.Bucket(t)}
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

// invoke opens a handler and invokes it, and returns its answer and the requests that it made.
func (w *world) invoke(t *testing.T, handler, event string) (answer string, operations []string) {
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
	p := aws.Open(aws.Options{Config: calls.Watch(w.Config()), Environment: environment, Logger: logger})
	defer p.Close()
	f, err := lambda.Open(h, p, logger)
	if err != nil {
		t.Fatal(err)
	}
	out, err := f(context.WithoutCancel(t.Context()), []byte(event))
	if err != nil {
		t.Fatalf("%s: %v", handler, err)
	}
	return string(out), slices.Collect(maps.Keys(calls.Counted()))
}

// messages is an event of SQS.
func messages(queue string, bodies ...string) string {
	var records []any
	for i, body := range bodies {
		records = append(records, map[string]any{
			"messageId": fmt.Sprint("m", i), "receiptHandle": fmt.Sprint("r", i), "body": body, "messageAttributes": map[string]any{},
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
	needed := map[string]map[string]bool{}
	invoke := func(handler, event string) string {
		answer, operations := w.invoke(t, handler, event)
		if needed[handler] == nil {
			needed[handler] = map[string]bool{}
		}
		for _, o := range operations {
			needed[handler][action(o)] = true
		}
		return answer
	}
	queue := w.variables[aws.ProcessQueueURL]

	// One that runs, one that comes twice, one of no workflow, one by reference, and one that is not there.
	first := fmt.Sprintf(scene, "a", "pass")
	w.put(t, "in/b.json", fmt.Sprintf(scene, "b", "pass"))
	if answer := invoke("process", messages(queue, first, first, fmt.Sprintf(scene, "c", "nowhere"), `{"url":"s3://`+w.payloads+`/in/b.json"}`, `{"url":"s3://`+w.payloads+`/gone.json"}`)); answer != `{"batchItemFailures":[]}` {
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
		if i > 0 {
			described, err := states.DescribeExecution(t.Context(), &sfn.DescribeExecutionInput{ExecutionArn: x.ExecutionArn})
			if err != nil {
				t.Fatal(err)
			}
			detail["input"], detail["output"] = described.Input, `{"url":"s3://`+w.payloads+`/in/b.json"}`
		}
		end, err := json.Marshal(map[string]any{"version": "0", "id": fmt.Sprint(i), "source": "aws.states", "detail-type": "Step Functions Execution Status Change", "detail": detail})
		if err != nil {
			t.Fatal(err)
		}
		ends = append(ends, string(end))
	}
	invoke("update-state", messages(queue, append(ends, "no event")...))

	// One that was handled before and was not deleted.
	again := messages(queue, strings.Replace(first, `"workflow":"pass"`, `"workflow":"pass","replace":true`, 1))
	invoke("process", strings.Replace(again, `"ApproximateReceiveCount":"1"`, `"ApproximateReceiveCount":"2"`, 1))

	for _, path := range []string{"/", "/c/workflow-pass", "/c/workflow-pass/items", "/c/workflow-pass/a"} {
		invoke("api", `{"version":"2.0","rawPath":"`+path+`","rawQueryString":"","headers":{},"requestContext":{"http":{"method":"GET","path":"`+path+`"}}}`)
	}
	invoke("pre-batch", `{"url":"s3://`+w.payloads+`/in/b.json"}`)
	w.put(t, "in/long.json", strings.Replace(first, `"bbox"`, `"long":"`+strings.Repeat("x", 200_000)+`","bbox"`, 1)) // goes by reference
	invoke("post-batch", `{"Parameters":{"url_out":"s3://`+w.payloads+`/in/long.json"}}`)
	invoke("publish", `{"url":"s3://`+w.payloads+`/in/long.json"}`)

	template := templates(t)["functions.yaml"]
	for handler, operations := range needed {
		allowed := allowedTo(template, handler)
		for operation := range operations {
			if !slices.Contains(allowed, operation) {
				t.Errorf("%s may not %s", handler, operation)
			}
		}
		for _, a := range allowed {
			if !operations[a] && !slices.Contains(unseen, a) {
				t.Errorf("%s may %s, and does not", handler, a)
			}
		}
	}
}

// unseen are the actions that Lambda itself takes on a function's behalf, and those of services without a stand-in.
var unseen = []string{
	"sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes", "logs:CreateLogStream", "logs:PutLogEvents", "logs:GetLogEvents", "cloudwatch:GetMetricData",
	"s3:ListBucket", // with it S3 says that an object is not there; without it, that it is forbidden
}

// action is the action of IAM that a request needs (Service Authorization Reference): that of a batch is that of one.
func action(operation string) string {
	service, name, _ := strings.Cut(operation, ".")
	prefix := map[string]string{"SFN": "states", "CloudWatch Logs": "logs"}[service]
	if prefix == "" {
		prefix = strings.ToLower(service)
	}
	switch name {
	case "HeadObject":
		name = "GetObject"
	case "SendMessageBatch", "DeleteMessageBatch", "PublishBatch":
		name = strings.TrimSuffix(name, "Batch")
	}
	return prefix + ":" + name
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
