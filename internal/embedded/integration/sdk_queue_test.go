package integration_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/tidwall/gjson"

	"sundog/internal/queue"
)

// TestQueueActions sends messages to a queue in one batch, receives, keeps, gives back and deletes them, all by tasks.
func TestQueueActions(t *testing.T) {
	s := newServices(t)
	q := s.declare("orders")
	const url = "https://sqs.eu-central-1.amazonaws.com/123456789012/orders"
	do := func(action, parameters string) gjson.Result {
		t.Helper()
		out, failed := s.carry("aws-sdk:sqs:"+action, parameters)
		if failed != nil {
			t.Fatalf("%s: %v", action, failed)
		}
		return gjson.Parse(out)
	}
	if got := do("getQueueUrl", `{"QueueName": "orders"}`).Get("QueueUrl").String(); got != url {
		t.Errorf("URL %s", got)
	}
	if got := do("listQueues", `{"QueueNamePrefix": "ord"}`).Get("QueueUrls").String(); got != `["`+url+`"]` {
		t.Errorf("queues %s", got)
	}
	if got := do("listQueues", `{"QueueNamePrefix": "x"}`).Raw; got != `{}` {
		t.Errorf("queues %s", got)
	}
	sent := do("sendMessageBatch", `{"QueueUrl": "`+url+`", "Entries": [{"Id": "a", "MessageBody": {"n": 1}, "MessageAttributes": {"k": {"DataType": "String", "StringValue": "v"}}},
		{"Id": "b", "MessageBody": "two"}, {"Id": "c", "MessageBody": "later", "DelaySeconds": 900}, {"Id": "d", "MessageBody": ""}, {"Id": "e", "MessageBody": "`+strings.Repeat("x", 2000)+`"}]}`)
	if sent.Get("Successful.#").Int() != 3 || sent.Get("Failed.#.Id").String() != `["d","e"]` || sent.Get("Successful.1.MD5OfMessageBody").String() != "b8a9f715dbb64fd5c56e7783c6820a61" {
		t.Errorf("sent %s", sent)
	}
	attributes := do("getQueueAttributes", `{"QueueUrl": "`+url+`", "AttributeNames": ["All"]}`).Get("Attributes")
	if attributes.Get("ApproximateNumberOfMessages").String() != "2" || attributes.Get("ApproximateNumberOfMessagesDelayed").String() != "1" ||
		attributes.Get("QueueArn").String() != "arn:aws:sqs:eu-central-1:123456789012:orders" {
		t.Errorf("attributes %s", attributes)
	}
	got := do("receiveMessage", `{"QueueUrl": "arn:aws:sqs:eu-central-1:123456789012:orders", "MaxNumberOfMessages": 10}`).Get("Messages")
	if got.Get("#").Int() != 2 || got.Get("0.Body").String() != `{"n":1}` || got.Get("0.MessageAttributes.k.StringValue").String() != "v" ||
		got.Get("0.MD5OfMessageAttributes").String() != sent.Get("Successful.0.MD5OfMessageAttributes").String() || got.Get("1.Attributes.ApproximateReceiveCount").String() != "1" {
		t.Errorf("received %s", got)
	}
	if again := do("receiveMessage", `{"QueueUrl": "orders"}`).Raw; again != `{}` {
		t.Errorf("received again %s", again)
	}
	first, second := got.Get("0.ReceiptHandle").String(), got.Get("1.ReceiptHandle").String()
	do("changeMessageVisibility", fmt.Sprintf(`{"QueueUrl": "orders", "ReceiptHandle": %q, "VisibilityTimeout": 0}`, first))
	back := do("receiveMessage", `{"QueueUrl": "orders"}`).Get("Messages.0")
	if back.Get("MessageId").String() != got.Get("0.MessageId").String() || back.Get("Attributes.ApproximateReceiveCount").String() != "2" {
		t.Errorf("given back, then %s", back)
	}
	do("deleteMessage", fmt.Sprintf(`{"QueueUrl": "orders", "ReceiptHandle": %q}`, second))
	deleted := do("deleteMessageBatch", fmt.Sprintf(`{"QueueUrl": "orders", "Entries": [{"Id": "1", "ReceiptHandle": %q}, {"Id": "2", "ReceiptHandle": "junk"}]}`, back.Get("ReceiptHandle").String()))
	if deleted.Get("Successful.0.Id").String() != "1" || deleted.Get("Failed.0.Code").String() != "ReceiptHandleIsInvalid" {
		t.Errorf("deleted %s", deleted)
	}
	if n := q.Depth().Total(); n != 1 {
		t.Errorf("%d messages are left, want the late one", n)
	}
	do("purgeQueue", `{"QueueUrl": "orders"}`)
	if n := q.Depth().Total(); n != 0 {
		t.Errorf("%d messages are left after all", n)
	}
}

// TestQueueRefusals makes mistakes.
func TestQueueRefusals(t *testing.T) {
	s := newServices(t)
	s.declare("orders")
	s.declare("process")
	s.Receivable = func(name string) bool { return name != "process" }
	const sdk = " (Service: Sqs, Status Code: 400, Request ID: ID) (SDK Attempt Count: 1)"
	for _, tt := range []struct{ action, parameters, name, cause string }{
		{"receiveMessage", `{}`, "Sqs.SqsException", "The request must contain the parameter QueueUrl." + sdk},
		{"receiveMessage", `{"QueueUrl": "none"}`, "Sqs.QueueDoesNotExistException", "The specified queue does not exist." + sdk},
		{"receiveMessage", `{"QueueUrl": "arn:aws:sns:us-east-1:1:orders"}`, "Sqs.QueueDoesNotExistException", "The specified queue does not exist." + sdk},
		{
			"receiveMessage", `{"QueueUrl": "orders", "MaxNumberOfMessages": 11}`, "Sqs.SqsException",
			"Value 11 for parameter MaxNumberOfMessages is invalid. Reason: Must be between 1 and 10, if provided." + sdk,
		},
		{
			"receiveMessage", `{"QueueUrl": "orders", "WaitTimeSeconds": 21}`, "Sqs.SqsException",
			"Value 21 for parameter WaitTimeSeconds is invalid. Reason: Must be >= 0 and <= 20, if provided." + sdk,
		},
		{"receiveMessage", `{"QueueUrl": "process"}`, "Sqs.SqsException", "The messages of the queue process are for the platform itself. (Service: Sqs, Status Code: 403, Request ID: ID) (SDK Attempt Count: 1)"},
		{"purgeQueue", `{"QueueUrl": "process"}`, "Sqs.SqsException", "The messages of the queue process are for the platform itself. (Service: Sqs, Status Code: 403, Request ID: ID) (SDK Attempt Count: 1)"},
		{
			"deleteMessage", `{"QueueUrl": "orders", "ReceiptHandle": "junk"}`, "Sqs.ReceiptHandleIsInvalidException",
			`The input receipt handle "junk" is not a valid receipt handle. (Service: Sqs, Status Code: 404, Request ID: ID) (SDK Attempt Count: 1)`,
		},
		{"sendMessageBatch", `{"QueueUrl": "orders", "Entries": []}`, "Sqs.EmptyBatchRequestException", "There should be at least one entry in the request." + sdk},
		{"sendMessageBatch", `{"QueueUrl": "orders", "Entries": [{"Id": "a", "MessageBody": "x"}, {"Id": "a", "MessageBody": "y"}]}`, "Sqs.BatchEntryIdsNotDistinctException", "Id a repeated." + sdk},
		{"receiveMessage", `{"QueueUrl": "orders", "MaxNumberOfMessages": "many"}`, "States.Runtime", "The parameter 'MaxNumberOfMessages' of the Task state 'S' cannot be a string"},
	} {
		_, failed := s.carry("aws-sdk:sqs:"+tt.action, tt.parameters)
		want(t, tt.action+" "+tt.parameters, failed, tt.name, tt.cause)
	}
}

// TestPublishBatch publishes what it can of a batch.
func TestPublishBatch(t *testing.T) {
	s := newServices(t)
	q := s.subscribe("alarms")
	const topic = "arn:aws:sns:eu-central-1:123456789012:alarms"
	out, failed := s.carry("aws-sdk:sns:publishBatch", `{"TopicArn": "`+topic+`", "PublishBatchRequestEntries": [{"Id": "a", "Message": "one"}, {"Id": "b", "Message": ""}, {"Id": "c", "Message": {"n": 3}}]}`)
	got := gjson.Parse(out)
	if failed != nil || got.Get("Successful.#.Id").String() != `["a","c"]` || got.Get("Failed.#.Code").String() != `["InvalidParameter"]` {
		t.Errorf("%s, %v", out, failed)
	}
	for _, want := range []string{"one", `{"n":3}`} {
		arrived, err := q.Receive(t.Context(), queue.Request{Wait: 10 * time.Second})
		if err != nil || len(arrived) != 1 || string(arrived[0].Body) != want {
			t.Errorf("%v, %v; want %s", arrived, err, want)
		}
	}
	for parameters, name := range map[string]string{
		`{"TopicArn": "` + topic + `x", "PublishBatchRequestEntries": [{"Id": "a", "Message": "one"}]}`: "Sns.NotFoundException",
		`{"TopicArn": "` + topic + `"}`: "Sns.EmptyBatchRequestException",
		`{"TopicArn": "` + topic + `", "PublishBatchRequestEntries": [{"Message": "one"}]}`: "Sns.BatchEntryIdsNotDistinctException",
	} {
		if _, failed := s.carry("aws-sdk:sns:publishBatch", parameters); failed == nil || failed.Name != name {
			t.Errorf("%s: %v, want %s", parameters, failed, name)
		}
	}
}
