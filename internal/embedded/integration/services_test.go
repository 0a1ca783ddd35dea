package integration_test

import (
	"errors"
	"maps"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/tidwall/gjson"

	"sundog/asl"
	"sundog/internal/egress"
	"sundog/internal/embedded/connection"
	"sundog/internal/embedded/engine"
	"sundog/internal/embedded/integration"
	embedded "sundog/internal/embedded/queue"
	"sundog/internal/embedded/store"
	"sundog/internal/embedded/topic"
	"sundog/internal/queue"
)

// services are real queues and topics, with functions and jobs, and a runner that uses them without an engine.
type services struct {
	*integration.Runner
	t      *testing.T
	queues *embedded.Queues
	topics *topic.Topics
}

func newServices(t *testing.T, connections ...connection.Spec) *services {
	t.Helper()
	st, err := store.Open("data", store.Options{FS: vfs.NewMem()})
	if err != nil {
		t.Fatal(err)
	}
	queues, err := embedded.Open(t.Context(), st, embedded.Options{})
	if err != nil {
		t.Fatal(err)
	}
	s := &services{Runner: newRunner(t), t: t, queues: queues, topics: topic.Open(st, queues, topic.Options{Declared: []string{integration.DefaultBus}})}
	t.Cleanup(func() {
		s.topics.Close()
		queues.Close()
		if err := st.Close(); err != nil {
			t.Error(err)
		}
	})
	transport := egress.NewTransport(1)
	t.Cleanup(transport.CloseIdleConnections)
	client := egress.NewClient(transport)
	if s.Connections, err = connection.New(connections, client, nil); err != nil {
		t.Fatal(err)
	}
	s.Store, s.Queues, s.Topics, s.Region, s.Account = st, queues, s.topics, "eu-central-1", "123456789012"
	s.HTTP = client
	return s
}

// declare declares a queue.
func (s *services) declare(name string) *embedded.Queue {
	s.t.Helper()
	q, err := s.queues.Declare(s.t.Context(), name, embedded.Config{MaxBytes: 1000})
	if err != nil {
		s.t.Fatal(err)
	}
	return q
}

// subscribe takes a topic to a queue of its name.
func (s *services) subscribe(name string) *embedded.Queue {
	s.t.Helper()
	q := s.declare(name)
	if err := s.topics.Subscribe(s.t.Context(), topic.Subscription{Name: name, Topic: name, Queue: name}); err != nil {
		s.t.Fatal(err)
	}
	return q
}

// queue finds a queue.
func (s *services) queue(name string) *embedded.Queue {
	s.t.Helper()
	q, err := s.queues.Queue(s.t.Context(), name)
	if err != nil {
		s.t.Fatal(err)
	}
	return q
}

// receive takes one message from a queue, or none when it is empty for a moment.
func receive(t *testing.T, q *embedded.Queue, wait time.Duration) (queue.Message, bool) {
	t.Helper()
	got, err := q.Receive(t.Context(), queue.Request{Wait: wait})
	if err != nil {
		t.Fatal(err)
	}
	if len(got) == 0 {
		return queue.Message{}, false
	}
	if err := q.Delete(t.Context(), got[0].Receipt); err != nil {
		t.Fatal(err)
	}
	return got[0], true
}

var begun = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

const arn = "arn:aws:states:::"

// carry runs one task and returns its result or its error.
func (s *services) carry(resource, parameters string) (string, *engine.TaskError) {
	s.t.Helper()
	doc, err := asl.ParseDocument([]byte(parameters))
	if err != nil {
		s.t.Fatalf("%s: %v", parameters, err)
	}
	task := engine.Task{Task: asl.Task{ID: 7, State: "S", Resource: arn + resource, Parameters: doc}, Begun: begun}
	task.Execution.ARN, task.Execution.Machine = account+"execution:m:x", "m"
	out, err := s.Run(s.t.Context(), task)
	if err != nil {
		failed, ok := errors.AsType[*engine.TaskError](err)
		if !ok {
			s.t.Fatalf("%s: %v is no task error", resource, err)
		}
		return "", failed
	}
	return string(out.Bytes()), nil
}

// want compares a task error; the request id in its cause is left out.
func want(t *testing.T, what string, got *engine.TaskError, name, cause string) {
	t.Helper()
	if got == nil {
		t.Errorf("%s: no error, want %s", what, name)
		return
	}
	text := got.Cause
	if before, rest, ok := strings.Cut(text, "Request ID: "); ok {
		text = before + "Request ID: ID" + rest[strings.IndexAny(rest, ";,)"):]
	}
	if got.Name != name || text != cause {
		t.Errorf("%s:\n got %s: %s\nwant %s: %s", what, got.Name, text, name, cause)
	}
}

func TestSendMessage(t *testing.T) {
	s := newServices(t)
	q := s.declare("orders")
	for _, c := range []struct{ name, url, body, want string }{
		{"a URL of AWS", "https://sqs.us-east-1.amazonaws.com/000000000000/orders", `"hello"`, "hello"},
		{"a URL of this server", "http://127.0.0.1:8080/000000000000/orders", `"1"`, "1"},
		{"an ARN", "arn:aws:sqs:us-east-1:000000000000:orders", `{"b": 1.0, "a": [ "x" ]}`, `{"b":1.0,"a":["x"]}`},
		{"a name", "orders", `[1]`, `[1]`},
		{"a number", "orders", `1.50`, `1.50`},
	} {
		for _, resource := range []string{"sqs:sendMessage", "aws-sdk:sqs:sendMessage", "sqs:sendMessage.waitForTaskToken"} {
			out, failed := s.carry(resource, `{"QueueUrl": "`+c.url+`", "MessageBody": `+c.body+`}`)
			if failed != nil {
				t.Errorf("%s, %s: %v", resource, c.name, failed)
				continue
			}
			m, ok := receive(t, q, time.Second)
			if !ok || string(m.Body) != c.want || gjson.Get(out, "MessageId").String() != m.ID {
				t.Errorf("%s, %s: %s, received %+v", resource, c.name, out, m)
			}
		}
	}
	out, failed := s.carry("sqs:sendMessage", `{"QueueUrl": "orders", "MessageBody": "hello", "MessageGroupId": "g", "MessageAttributes": {
		"n": {"DataType": "Number", "StringValue": "1"}, "b": {"DataType": "Binary", "BinaryValue": "AAE="}}}`)
	if failed != nil {
		t.Fatal(failed)
	}
	// The digests were computed with md5sum; that of the attributes over the bytes that the developer guide describes.
	if got := gjson.Get(out, "MD5OfMessageBody").String(); got != "5d41402abc4b2a76b9719d911017c592" {
		t.Errorf("the digest of the body is %s", got)
	}
	if got := gjson.Get(out, "MD5OfMessageAttributes").String(); got != "6d3e0b67e05bf94ede72102c4dc09565" {
		t.Errorf("the digest of the attributes is %s", got)
	}
	if got := gjson.Get(out, "SdkHttpMetadata.HttpHeaders.Date").String(); got != "Sat, 21 Nov 2026 12:00:00 GMT" {
		t.Errorf("the date is %s", got)
	}
	m, _ := receive(t, q, time.Second)
	if a := m.Attributes; len(a) != 2 || a["n"] != (queue.Attribute{Type: "Number", Value: "1"}) || a["b"] != (queue.Attribute{Type: "Binary", Value: "AAE="}) {
		t.Errorf("received %+v", m)
	}
	if _, failed := s.carry("sqs:sendMessage", `{"QueueUrl": "orders", "MessageBody": "late", "DelaySeconds": 900}`); failed != nil {
		t.Fatal(failed)
	}
	if d := q.Depth(); d.Lanes[0].Delayed != 1 {
		t.Errorf("%+v", d)
	}
}

func TestSendMessageErrors(t *testing.T) {
	s := newServices(t)
	q := s.declare("orders")
	const v1, v2 = " (Service: AmazonSQS; Status Code: 400; Error Code: ", " (Service: Sqs, Status Code: 400, Request ID: ID) (SDK Attempt Count: 1)"
	for _, c := range []struct{ resource, parameters, name, cause string }{
		{"sqs:sendMessage", `{"QueueUrl": "nobody", "MessageBody": "a"}`, "SQS.SdkClientException", "Unable to execute HTTP request: nobody: Name or service not known"},
		{"sqs:sendMessage", `{"QueueUrl": "https://sqs.us-east-1.amazonaws.com/1/nobody", "MessageBody": "a"}`, "SQS.QueueDoesNotExistException", "The specified queue does not exist." + v1 + "AWS.SimpleQueueService.NonExistentQueue; Request ID: ID; Proxy: null)"},
		{"aws-sdk:sqs:sendMessage", `{"QueueUrl": "nobody", "MessageBody": "a"}`, "Sqs.QueueDoesNotExistException", "The specified queue does not exist." + v2},
		{"sqs:sendMessage", `{"QueueUrl": "orders", "MessageBody": null}`, "SQS.AmazonSQSException", "The request must contain the parameter MessageBody." + v1 + "MissingParameter; Request ID: ID; Proxy: null)"},
		{"aws-sdk:sqs:sendMessage", `{"QueueUrl": "orders"}`, "Sqs.SqsException", "The request must contain the parameter MessageBody." + v2},
		{"aws-sdk:sqs:sendMessage", `{"MessageBody": "a"}`, "Sqs.SqsException", "The request must contain the parameter QueueUrl." + v2},
		{"aws-sdk:sqs:sendMessage", `{"QueueUrl": "orders", "MessageBody": "a", "DelaySeconds": 901}`, "Sqs.SqsException", "Value 901 for parameter DelaySeconds is invalid. Reason: DelaySeconds must be >= 0 and <= 900." + v2},
		{"aws-sdk:sqs:sendMessage", `{"QueueUrl": "orders", "MessageBody": "a", "MessageDeduplicationId": "d"}`, "Sqs.SqsException", "Value d for parameter MessageDeduplicationId is invalid. Reason: The request include parameter that is not valid for this queue type." + v2},
		{"aws-sdk:sqs:sendMessage", `{"QueueUrl": "orders", "MessageBody": "` + strings.Repeat("a", 1001) + `"}`, "Sqs.SqsException", "One or more parameters are invalid. Reason: Message must be shorter than 1000 bytes." + v2},
		{"sqs:sendMessage", `{"QueueUrl": 1}`, "States.Runtime", "The parameter 'QueueUrl' of the Task state 'S' cannot be a number"},
	} {
		_, failed := s.carry(c.resource, c.parameters)
		want(t, c.resource+" "+c.parameters[:min(len(c.parameters), 100)], failed, c.name, c.cause)
	}
	if n := q.Depth().Total(); n != 0 {
		t.Errorf("%d messages were sent", n)
	}
}

func TestPublish(t *testing.T) {
	s := newServices(t)
	q := s.subscribe("alarms")
	for _, c := range []struct{ resource, parameters, want string }{
		{"sns:publish", `{"TopicArn": "arn:aws:sns:us-east-1:000000000000:alarms", "Message": "fire"}`, "fire"},
		{"sns:publish.waitForTaskToken", `{"TargetArn": "arn:aws:sns:us-east-1:000000000000:alarms", "Message": {"a": 1}}`, `{"a":1}`},
		{"aws-sdk:sns:publish", `{"TopicArn": "alarms", "Message": "{\"default\": \"all\", \"sqs\": \"queue\"}", "MessageStructure": "json"}`, "all"},
	} {
		out, failed := s.carry(c.resource, c.parameters)
		if failed != nil {
			t.Errorf("%s %s: %v", c.resource, c.parameters, failed)
			continue
		}
		m, ok := receive(t, q, time.Second)
		if !ok || string(m.Body) != c.want || len(gjson.Get(out, "MessageId").String()) != 36 {
			t.Errorf("%s %s: %s, received %+v", c.resource, c.parameters, out, m)
		}
	}
	out, failed := s.carry("sns:publish", `{"TopicArn": "alarms", "Message": "fire", "Subject": "Attention", "MessageAttributes": {"level": {"DataType": "Number", "StringValue": "3"}}}`)
	if failed != nil {
		t.Fatal(failed)
	}
	if got := gjson.Get(out, "SdkHttpMetadata.HttpHeaders.Content-Length").String(); got != "294" {
		t.Errorf("the length of the answer is %s", got)
	}
	if m, _ := receive(t, q, time.Second); m.Attributes["level"].Value != "3" {
		t.Errorf("received %+v", m)
	}
	const v1 = "; Request ID: ID; Proxy: null)"
	invalid := func(reason string) string {
		return "Invalid parameter: " + reason + " (Service: AmazonSNS; Status Code: 400; Error Code: InvalidParameter" + v1
	}
	for _, c := range []struct{ parameters, name, cause string }{
		{`{"TopicArn": "arn:aws:sns:us-east-1:000000000000:nobody", "Message": "a"}`, "SNS.NotFoundException", "Topic does not exist (Service: AmazonSNS; Status Code: 404; Error Code: NotFound" + v1},
		{`{"TopicArn": "arn:aws:sns:us-east-1:000000000000:a.fifo", "Message": "a"}`, "SNS.InvalidParameterException", invalid("The MessageGroupId parameter is required for FIFO topics")},
		{`{"TopicArn": "alarms", "Message": ""}`, "SNS.InvalidParameterException", invalid("Empty message")},
		{`{"Message": "a"}`, "SNS.InvalidParameterException", invalid("TopicArn or TargetArn Reason: exactly one of them is needed")},
		{`{"TopicArn": "alarms", "Message": "a", "Subject": "a\nb"}`, "SNS.InvalidParameterException", invalid("Subject")},
		{`{"TopicArn": "alarms", "Message": "{\"sqs\": \"a\"}", "MessageStructure": "json"}`, "SNS.InvalidParameterException", invalid("Message Structure - No default entry in JSON message body")},
		{`{"TopicArn": "alarms", "Message": "a", "MessageStructure": "json"}`, "SNS.InvalidParameterException", invalid("Message Structure - JSON message body failed to parse")},
		{`{"PhoneNumber": "+431", "Message": "a"}`, "SNS.InvalidParameterException", invalid("PhoneNumber: this server sends no text messages; publish to a topic")},
		{`{"TopicArn": "alarms", "Message": "` + strings.Repeat("a", 1<<20) + `b"}`, "SNS.InvalidParameterException", invalid("Message too long")},
	} {
		_, failed := s.carry("sns:publish", c.parameters)
		want(t, c.parameters[:min(len(c.parameters), 100)], failed, c.name, c.cause)
	}
	if _, failed := s.carry("aws-sdk:sns:publish", `{"TopicArn": "nobody", "Message": "a"}`); failed == nil || failed.Name != "Sns.NotFoundException" {
		t.Error(failed)
	}
}

func TestPutEvents(t *testing.T) {
	s := newServices(t)
	byDefault, ships := s.subscribe("default"), s.subscribe("ships")
	out, failed := s.carry("events:putEvents", `{"Entries": [
		{"Source": "harbour", "DetailType": "arrival", "Detail": {"ship": "Anna", "length": 10.50}, "Resources": ["arn:r"], "Time": "2026-01-02T03:04:05Z"},
		{"Source": "harbour", "DetailType": "leaving", "Detail": "{\"ship\":\"Berta\"}", "EventBusName": "arn:aws:events:eu-central-1:123456789012:event-bus/ships"}]}`)
	if failed != nil {
		t.Fatal(failed)
	}
	m, _ := receive(t, byDefault, time.Second)
	id := gjson.Get(out, "Entries.0.EventId").String()
	const head = `{"version":"0","id":"`
	if want := head + id + `","detail-type":"arrival","source":"harbour","account":"123456789012","time":"2026-01-02T03:04:05Z","region":"eu-central-1","resources":["arn:r"],"detail":{"ship":"Anna","length":10.50}}`; string(m.Body) != want {
		t.Errorf("\n got %s\nwant %s", m.Body, want)
	}
	if !maps.Equal(m.Attributes, map[string]queue.Attribute{"source": {Type: "String", Value: "harbour"}, "detail-type": {Type: "String", Value: "arrival"}}) {
		t.Errorf("attributes %v", m.Attributes)
	}
	m, _ = receive(t, ships, time.Second)
	id = gjson.Get(out, "Entries.1.EventId").String()
	if want := head + id + `","detail-type":"leaving","source":"harbour","account":"123456789012","time":"2026-11-21T12:00:00Z","region":"eu-central-1","resources":[],"detail":{"ship":"Berta"}}`; string(m.Body) != want {
		t.Errorf("\n got %s\nwant %s", m.Body, want)
	}
	if got := gjson.Get(out, "FailedEntryCount").Raw; got != "0" || gjson.Get(out, "Entries.#").Int() != 2 {
		t.Error(out)
	}

	// One entry fails, the other is published all the same.
	const entries = `{"Entries": [{"Source": "a", "DetailType": "b", "Detail": "\"text\""}, {"Source": "a", "DetailType": "b", "Detail": {}}]}`
	_, failed = s.carry("events:putEvents", entries)
	if failed == nil || failed.Name != "EventBridge.FailedEntry" ||
		!strings.HasPrefix(failed.Cause, `{"Entries":[{"ErrorCode":"MalformedDetail","ErrorMessage":"Detail is malformed."},{"EventId":"`) ||
		!strings.HasSuffix(failed.Cause, `"}],"FailedEntryCount":1}`) {
		t.Error(failed)
	}
	if _, ok := receive(t, byDefault, time.Second); !ok {
		t.Error("the entry that did not fail was not published")
	}
	out, failed = s.carry("aws-sdk:eventbridge:putEvents", entries)
	if failed != nil || gjson.Get(out, "FailedEntryCount").Int() != 1 || gjson.Get(out, "SdkHttpMetadata").Exists() {
		t.Error(out, failed)
	}
	for entry, want := range map[string]string{
		`{"DetailType": "b", "Detail": {}}`:                                          "InvalidArgument Parameter Source is not valid. Reason: Source is a required argument.",
		`{"Source": "a", "Detail": {}}`:                                              "InvalidArgument Parameter DetailType is not valid. Reason: DetailType is a required argument.",
		`{"Source": "a", "DetailType": "b"}`:                                         "InvalidArgument Parameter Detail is not valid. Reason: Detail is a required argument.",
		`{"Source": "a", "DetailType": "b", "Detail": "{"}`:                          "MalformedDetail Detail is malformed.",
		`{"Source": "aws.s3", "DetailType": "b", "Detail": {}}`:                      "NotAuthorizedForSourceException Not authorized for the source.",
		`{"Source": "a", "DetailType": "b", "Detail": {}, "Time": "noon"}`:           "InvalidArgument Parameter Time is not valid. Reason: it is no time in ISO 8601 and no number of seconds.",
		`{"Source": "a", "DetailType": "b", "Detail": {}, "EventBusName": "nobody"}`: "InvalidArgument Parameter EventBusName is not valid. Reason: EventBus nobody does not exist: no subscription names a topic of its name.",
	} {
		out, failed := s.carry("aws-sdk:eventbridge:putEvents", `{"Entries": [`+entry+`]}`)
		if got := gjson.Get(out, "Entries.0.ErrorCode").String() + " " + gjson.Get(out, "Entries.0.ErrorMessage").String(); failed != nil || got != want {
			t.Errorf("%s:\n got %s, %v\nwant %s", entry, got, failed, want)
		}
	}
	eleven := strings.TrimSuffix(strings.Repeat(`{"Source": "a", "DetailType": "b", "Detail": {}},`, 11), ",")
	for parameters, want := range map[string]string{
		`{"Entries": []}`: "EventBridge.ValidationException", `{"Entries": [` + eleven + `]}`: "EventBridge.ValidationException",
		`{"Entries": [{"Source": "a", "DetailType": "b", "Detail": {"a": "` + strings.Repeat("a", 256<<10) + `"}}]}`: "EventBridge.ValidationException",
	} {
		if _, failed := s.carry("events:putEvents", parameters); failed == nil || failed.Name != want {
			t.Errorf("%.60s: %v", parameters, failed)
		}
	}
	if _, ok := receive(t, byDefault, time.Second); !ok { // of the entries for aws-sdk
		t.Error("the entry of aws-sdk was not published")
	}
	if waiting := s.queue(topic.QueueName("default")).Depth().Total() + byDefault.Depth().Total(); waiting != 0 {
		t.Errorf("%d events were published that failed", waiting)
	}
}

// TestLambdaPayload checks what functions are called with and what the two integrations make of their answers.
func TestLambdaPayload(t *testing.T) {
	s := newServices(t)
	for parameters, want := range map[string]string{
		`{"FunctionName": "echo", "Payload": "{\"a\": 1}"}`: `{"a": 1}`, `{"FunctionName": "echo", "Payload": "0.0"}`: `0.0`,
		`{"FunctionName": "echo", "Payload": "hello"}`: `"hello"`, `{"FunctionName": "echo", "Payload": null}`: `{}`,
		`{"FunctionName": "echo", "Payload": [1]}`: `[1]`,
	} {
		out, failed := s.carry("lambda:invoke", parameters)
		if got := gjson.Get(out, "Payload").Raw; failed != nil || got != want {
			t.Errorf("%s gives %s, %v", parameters, out, failed)
		}
		out, failed = s.carry("aws-sdk:lambda:invoke", parameters)
		if got := gjson.Get(out, "Payload").String(); failed != nil || got != want || gjson.Get(out, "StatusCode").Int() != http.StatusOK {
			t.Errorf("aws-sdk: %s gives %s, %v", parameters, out, failed)
		}
	}
	out, failed := s.carry("aws-sdk:lambda:invoke", `{"FunctionName": "fail"}`)
	if failed != nil || gjson.Get(out, "FunctionError").String() != "Unhandled" || gjson.Get(gjson.Get(out, "Payload").String(), "errorMessage").String() != "boom" {
		t.Errorf("%s, %v", out, failed)
	}
	_, failed = s.carry("aws-sdk:lambda:invoke", `{"FunctionName": "nobody"}`)
	want(t, "no function", failed, "Lambda.ResourceNotFoundException",
		"Function not found: arn:aws:lambda:us-east-1:000000000000:function:nobody:$LATEST (Service: Lambda, Status Code: 404, Request ID: ID) (SDK Attempt Count: 1)")
	_, failed = s.carry("aws-sdk:batch:submitJob", `{"JobDefinition": "none"}`)
	if failed == nil || failed.Name != "Batch.ClientException" || !strings.Contains(failed.Cause, "(Service: Batch, Status Code: 400,") {
		t.Error(failed)
	}
	if out, failed := s.carry("aws-sdk:batch:submitJob", `{"JobDefinition": "say", "Parameters": {"word": "x"}}`); failed != nil || len(gjson.Parse(out).Map()) != 3 {
		t.Error(out, failed)
	}
}

// TestUnknownResource names what there is.
func TestUnknownResource(t *testing.T) {
	s := newServices(t)
	_, failed := s.carry("athena:startQueryExecution", `{}`)
	if failed == nil || failed.Name != "States.TaskFailed" {
		t.Fatal(failed)
	}
	for _, action := range integration.Actions() {
		if named := strings.Contains(failed.Cause, action); !integration.Has(arn+action) || !named && !strings.HasPrefix(action, "aws-sdk:") {
			t.Errorf("%s is not named in %s", action, failed.Cause)
		}
	}
	_, failed = s.carry("aws-sdk:sfn:flyStateMachine", `{}`)
	if failed == nil || !strings.Contains(failed.Cause, "aws-sdk:sfn:listExecutions") || strings.Contains(failed.Cause, "dynamodb") {
		t.Errorf("another action of a service that there is: %v", failed)
	}
	_, failed = s.carry("aws-sdk:sfn:listExecutions", `{}`)
	want(t, "no API", failed, "States.TaskFailed", "The resource 'arn:aws:states:::aws-sdk:sfn:listExecutions' is not available: this server does not serve the API of Step Functions")
	if integration.Has(arn + "athena:startQueryExecution") {
		t.Error("athena is there")
	}
}
