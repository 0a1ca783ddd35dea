package e2e

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"

	platform "sundog/internal/aws"
	"sundog/internal/aws/awstest"
	"sundog/internal/aws/bucket"
	"sundog/internal/aws/statedb"
	"sundog/internal/embedded/function"
	"sundog/payload"
)

// bootstrap builds the program once as it goes into the zip of functions: without C libraries, and without what debuggers need.
var bootstrap = sync.OnceValues(func() (string, error) {
	program, err := binary() // its folder is removed at the end
	if err != nil {
		return "", err
	}
	path := filepath.Join(filepath.Dir(program), "bootstrap")
	cmd := exec.Command("go", "build", "-trimpath", "-ldflags=-s -w", "-o", path, "sundog/cmd/sundog")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("building: %w\n%s", err, out)
	}
	return path, nil
})

// functions are the functions of a deployment: the program as it runs on AWS Lambda, under our own Runtime API, with stand-ins for the services
// that it calls.
type functions struct {
	*awstest.AWS
	t    *testing.T
	host *function.Host

	table, payloads, data string
	process, dead         string // URLs
	events, items         string // URLs of queues that are subscribed to the topics
	machineBase           string
	environ               []string // of the functions
	records               *statedb.DB
	queues                *sqs.Client
	machines              *sfn.Client
}

// deploy makes the resources of a deployment, and its functions. The handlers' names are those of Cirrus.
func deployFunctions(t *testing.T) *functions {
	t.Helper()
	a := awstest.Start(t, awstest.Options{})
	program, err := bootstrap()
	if err != nil {
		t.Fatal(err)
	}
	d := &functions{
		AWS: a, t: t, table: awstest.Name("state"), payloads: a.Bucket(t), data: a.Bucket(t),
		queues: sqs.NewFromConfig(a.Config()), machines: sfn.NewFromConfig(a.Config()),
	}
	client := dynamodb.NewFromConfig(a.Config())
	if err := statedb.Create(t.Context(), client, d.table); err != nil {
		t.Fatal(err)
	}
	d.records = statedb.New(statedb.Options{Client: client, Table: d.table})
	d.process, d.dead = a.QueueWithDeadLetters(t, time.Second, 1000)
	eventTopic, itemTopic := a.Topic(t), a.Topic(t)
	d.events, d.items = a.Subscribe(t, eventTopic, true), a.Subscribe(t, itemTopic, true)
	for _, name := range []string{"first", "second"} {
		arn := a.StateMachine(t, "cirrus-"+name, `{"StartAt":"A","States":{"A":{"Type":"Pass","End":true}}}`)
		d.machineBase = strings.TrimSuffix(arn, name)
	}
	d.environ = append(a.Environ(),
		platform.StateDB+"="+d.table, platform.PayloadBucket+"="+d.payloads, platform.DataBucket+"="+d.data,
		platform.BaseWorkflowARN+"="+d.machineBase, platform.ProcessQueueURL+"="+d.process, platform.PublishTopicARN+"="+itemTopic,
		platform.EventTopicARN+"="+eventTopic, platform.DeadLetterQueueURL+"="+d.dead, platform.PartialResponses+"=true", platform.LogLevel+"=DEBUG",
	)
	spec := func(name, handler string, env ...string) function.Spec {
		return function.Spec{Name: name, Kind: function.Lambda, Command: []string{program}, Handler: handler, Concurrency: 1, MemoryMB: 256, Env: append(slices.Clone(d.environ), env...)}
	}
	d.host, err = function.NewHost([]function.Spec{
		spec("process", "process.lambda_handler"), spec("update-state", "update_state.lambda_handler"), spec("cirrus-dev-api", "lambda_function.lambda_handler"),
		spec("pre-batch", "pre_batch.lambda_handler"), spec("post-batch", "post-batch"), spec("publish", "publish"),
		spec("whole", "process", platform.PartialResponses+"=false", platform.DeadLetterQueueURL+"="), spec("bare", "process", platform.StateDB+"=", platform.LogLevel+"=LOUD"), spec("typo", "procession"),
	}, function.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), 30*time.Second)
		defer cancel()
		if err := d.host.Close(ctx); err != nil {
			t.Error(err)
		}
	})
	return d
}

// invoke calls a function.
func (d *functions) invoke(name string, event []byte) (string, error) {
	d.t.Helper()
	resp, err := d.host.Invoke(d.t.Context(), function.Request{Function: name, Payload: event})
	if err != nil {
		err = fmt.Errorf("%s: %w\n%s", name, err, resp.LogTail)
	}
	return string(resp.Payload), err
}

// must calls a function that succeeds.
func (d *functions) must(name string, event []byte) string {
	d.t.Helper()
	answer, err := d.invoke(name, event)
	if err != nil {
		d.t.Fatal(err)
	}
	return answer
}

// document is an event document of package lambda with texts in it: BODY=text.
func document(t *testing.T, name string, texts ...string) []byte {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("..", "aws", "lambda", "testdata", "events", name+".json"))
	if err != nil {
		t.Fatal(err)
	}
	text := string(raw)
	for _, assignment := range texts {
		place, value, _ := strings.Cut(assignment, "=")
		text = strings.ReplaceAll(text, "{"+place+"}", value)
	}
	if !json.Valid([]byte(text)) {
		t.Fatalf("%s is no JSON: %s", name, text)
	}
	return []byte(text)
}

// receive takes up to ten messages out of the process queue, as an event source mapping does; nil when there are none.
func (d *functions) receive() []byte {
	d.t.Helper()
	out, err := d.queues.ReceiveMessage(d.t.Context(), &sqs.ReceiveMessageInput{
		QueueUrl: &d.process, MaxNumberOfMessages: 10, WaitTimeSeconds: 1, MessageAttributeNames: []string{"All"},
		MessageSystemAttributeNames: []sqstypes.MessageSystemAttributeName{sqstypes.MessageSystemAttributeNameAll},
	})
	if err != nil {
		d.t.Fatal(err)
	}
	if len(out.Messages) == 0 {
		return nil
	}
	var e events.SQSEvent
	for _, m := range out.Messages {
		r := events.SQSMessage{
			MessageId: *m.MessageId, ReceiptHandle: *m.ReceiptHandle, Body: *m.Body, Attributes: m.Attributes,
			EventSource: "aws:sqs", EventSourceARN: awstest.QueueARN(d.process), AWSRegion: awstest.Region,
		}
		e.Records = append(e.Records, r)
	}
	raw, err := json.Marshal(e)
	if err != nil {
		d.t.Fatal(err)
	}
	return raw
}

// deliver has the function process handle what is in its queue, and deletes what its answer does not name, as an event source mapping does. It
// returns the event, nil when there was none.
func (d *functions) deliver() []byte {
	d.t.Helper()
	event := d.receive()
	if event == nil {
		return nil
	}
	var e events.SQSEvent
	var answer events.SQSEventResponse
	if err := errors.Join(json.Unmarshal(event, &e), json.Unmarshal([]byte(d.must("process", event)), &answer)); err != nil {
		d.t.Fatal(err)
	}
	for _, r := range e.Records {
		if slices.ContainsFunc(answer.BatchItemFailures, func(f events.SQSBatchItemFailure) bool { return f.ItemIdentifier == r.MessageId }) {
			d.t.Errorf("message %s failed", r.Body)
			continue
		}
		if _, err := d.queues.DeleteMessage(d.t.Context(), &sqs.DeleteMessageInput{QueueUrl: &d.process, ReceiptHandle: &r.ReceiptHandle}); err != nil {
			d.t.Fatal(err)
		}
	}
	return event
}

// executions are the ARNs of a workflow's executions.
func (d *functions) executions(workflow string) []string {
	d.t.Helper()
	arn := d.machineBase + workflow
	out, err := d.machines.ListExecutions(d.t.Context(), &sfn.ListExecutionsInput{StateMachineArn: &arn})
	if err != nil {
		d.t.Fatal(err)
	}
	var all []string
	for _, x := range out.Executions {
		all = append(all, *x.ExecutionArn)
	}
	return all
}

// ended waits for the end of an execution and tells update-state of it, twice, as a rule of EventBridge may. Large ones come without their input
// and output.
func (d *functions) ended(execution, form string) {
	d.t.Helper()
	var x *sfn.DescribeExecutionOutput
	eventually(d.t, execution+" ends", func() bool {
		var err error
		if x, err = d.machines.DescribeExecution(d.t.Context(), &sfn.DescribeExecutionInput{ExecutionArn: &execution}); err != nil {
			d.t.Fatal(err)
		}
		return x.StopDate != nil
	})
	texts := []string{"EXECUTION=" + execution, "MACHINE=" + *x.StateMachineArn, "NAME=" + *x.Name, "STATUS=" + string(x.Status)}
	if form == "status-change" {
		texts = append(texts, "INPUT="+quoted(*x.Input), "OUTPUT="+quoted(*x.Output))
	}
	for range 2 {
		if answer := d.must("update-state", document(d.t, form, texts...)); answer != "null" {
			d.t.Errorf("update-state answers %s", answer)
		}
	}
}

// quoted is a text as JSON.
func quoted(text string) string {
	raw, err := json.Marshal(text)
	if err != nil {
		panic(err) // a string always marshals
	}
	return string(raw)
}

// eventually polls across the border of a process.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !ok(); {
		if time.Now().After(deadline) {
			t.Fatalf("never: %s", what)
		}
		timer := time.NewTimer(10 * time.Millisecond)
		<-timer.C
	}
}

// drain takes all messages out of a queue.
func (d *functions) drain(url string) []sqstypes.Message {
	d.t.Helper()
	var all []sqstypes.Message
	for {
		out, err := d.queues.ReceiveMessage(d.t.Context(), &sqs.ReceiveMessageInput{QueueUrl: &url, MaxNumberOfMessages: 10, MessageAttributeNames: []string{"All"}})
		if err != nil {
			d.t.Fatal(err)
		}
		if len(out.Messages) == 0 {
			return all
		}
		all = append(all, out.Messages...)
	}
}

// state is that of a payload's record.
func (d *functions) state(id string) string {
	d.t.Helper()
	parsed, err := payload.ParseID(id)
	if err != nil {
		d.t.Fatal(err)
	}
	r, err := d.records.Get(d.t.Context(), parsed)
	if err != nil {
		d.t.Fatal(err)
	}
	return string(r.State())
}

// object reads an object.
func (d *functions) object(bucketName, key string) string {
	d.t.Helper()
	client := s3.NewFromConfig(d.Config(), func(o *s3.Options) { o.UsePathStyle = true })
	text, _, err := bucket.New(client, bucketName).Get(d.t.Context(), key)
	if err != nil {
		d.t.Fatal(err)
	}
	return string(text)
}
