// Package flow plays the way of a payload on AWS: process and update-state on the adapters, and these on stand-ins (package awstest), with
// a fault at every request. It holds tests only.
package flow

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"sundog/internal/aws/awstest"
	"sundog/internal/aws/bucket"
	"sundog/internal/aws/carrier"
	"sundog/internal/aws/executor"
	"sundog/internal/aws/queue"
	"sundog/internal/aws/statedb"
	"sundog/internal/aws/topic"
	domainbucket "sundog/internal/bucket"
	"sundog/internal/pipeline"
	domainqueue "sundog/internal/queue"
	"sundog/payload"
)

// visibility is how long a message that was not settled stays hidden. SQS knows whole seconds.
const visibility = time.Second

// deployment is what is in a region: a table, a bucket, queues, topics, state machines.
type deployment struct {
	*awstest.AWS
	calls *awstest.Calls // of the handlers
	cfg   aws.Config     // of everybody else

	table, bucket           string
	process, update         string // URLs
	deadProcess, deadUpdate string
	eventTopic, itemTopic   string // ARNs
	events, items           string // URLs of queues that are subscribed
	machineBase             string
	machines                []string
	told                    map[string]bool // executions whose end was told
	expected                map[string]bool // executions of payloads
}

// The workflows. One passes its input on, another fails.
const (
	passes = `{"StartAt":"A","States":{"A":{"Type":"Pass","End":true}}}`
	fails  = `{"StartAt":"A","States":{"A":{"Type":"Fail","Error":"Broken","Cause":"it was to be"}}}`
)

func deploy(t testing.TB) *deployment {
	t.Helper()
	a := awstest.Start(t, awstest.Options{})
	d := &deployment{AWS: a, calls: &awstest.Calls{}, cfg: a.Config(), table: awstest.Name("state"), bucket: a.Bucket(t), told: map[string]bool{}, expected: map[string]bool{}}
	d.cfg.HTTPClient = awshttp.NewBuildableClient() // one pool of connections for all clients
	if err := statedb.Create(t.Context(), dynamodb.NewFromConfig(d.cfg), d.table); err != nil {
		t.Fatal(err)
	}
	d.process, d.deadProcess = a.QueueWithDeadLetters(t, visibility, 1000)
	d.update, d.deadUpdate = a.QueueWithDeadLetters(t, visibility, 1000)
	d.eventTopic, d.itemTopic = a.Topic(t), a.Topic(t)
	d.events, d.items = a.Subscribe(t, d.eventTopic, true), a.Subscribe(t, d.itemTopic, true)
	for name, definition := range map[string]string{"wf": passes, "next": passes, "broken": fails} {
		arn := a.StateMachine(t, "flow-"+name, definition)
		d.machineBase = arn[:len(arn)-len(name)]
		d.machines = append(d.machines, arn)
	}
	return d
}

// handlers are process and update-state in one process.
type handlers struct {
	records         *statedb.DB
	payloads        *bucket.Bucket
	carrier         *carrier.Carrier
	process, update *queue.Queue
	processor       *pipeline.Processor
	updater         *pipeline.Updater
}

// open starts handlers whose requests are counted. With oneTry a request that fails is not made again by the client, so that the fault comes
// through to the handlers.
func (d *deployment) open(t testing.TB, oneTry bool) *handlers {
	t.Helper()
	cfg := d.calls.Watch(d.cfg)
	if oneTry {
		cfg.Retryer = func() aws.Retryer { return aws.NopRetryer{} }
	}
	sqsClient, snsClient := sqs.NewFromConfig(cfg), sns.NewFromConfig(cfg)
	payloads := bucket.New(s3.NewFromConfig(cfg, func(o *s3.Options) { o.UsePathStyle = true }), d.bucket)
	h := &handlers{process: queue.New(sqsClient, d.process, queue.Options{}), update: queue.New(sqsClient, d.update, queue.Options{})}
	h.payloads = payloads
	h.carrier = carrier.New(carrier.Options{
		Payloads: payloads,
		Queues:   func(url string) carrier.Queue { return queue.New(sqsClient, url, queue.Options{}) },
		Topics:   func(arn string) carrier.Topic { return topic.New(snsClient, arn) },
	})
	t.Cleanup(h.carrier.Close)
	h.records = statedb.New(statedb.Options{Client: dynamodb.NewFromConfig(cfg), Table: d.table, Carrier: h.carrier})
	config := pipeline.Config{
		MachineBase: d.machineBase, Layout: payload.Layout{Bucket: d.bucket, Root: "cirrus"}, ProcessQueue: d.process,
		EventTopic: d.eventTopic, PublishTopic: d.itemTopic, Beside: true,
	}
	x := executor.New(sfn.NewFromConfig(cfg))
	var err error
	if h.processor, err = pipeline.NewProcessor(pipeline.ProcessorOptions{Config: config, StateDB: h.records, Executor: x, Fetcher: fetcher{payloads}}); err != nil {
		t.Fatal(err)
	}
	if h.updater, err = pipeline.NewUpdater(pipeline.UpdaterOptions{Config: config, StateDB: h.records, Executor: x, Fetcher: fetcher{payloads}}); err != nil {
		t.Fatal(err)
	}
	return h
}

// fetcher fetches from the payload bucket.
type fetcher struct{ *bucket.Bucket }

func (f fetcher) Fetch(ctx context.Context, url string) ([]byte, error) {
	at, err := payload.ParseLocation(url)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", payload.ErrUnresolvable, err)
	}
	body, _, err := f.Get(ctx, at.Key)
	if errors.Is(err, domainbucket.ErrNotFound) {
		return nil, fmt.Errorf("%w: %w", payload.ErrUnresolvable, err)
	}
	return body, err
}

// turn handles a batch of a queue as a function would with partial answers, and reports whether there was one. What fails here leaves
// messages to the visibility timeout.
func turn(ctx context.Context, q *queue.Queue, handle func(context.Context, []domainqueue.Message) []pipeline.Outcome) bool {
	messages, err := q.Receive(ctx, domainqueue.Request{Max: 10})
	if err != nil || len(messages) == 0 {
		return err != nil
	}
	var finished []string
	for i, o := range handle(ctx, messages) {
		switch o.Verdict {
		case pipeline.Done:
			finished = append(finished, messages[i].Receipt)
		case pipeline.DeadLetter:
			_ = q.DeadLetter(ctx, messages[i].Receipt, o.Err.Error())
		case pipeline.Retry:
			_ = q.Retry(ctx, messages[i].Receipt, 0, o.Err.Error())
		}
	}
	if len(finished) > 0 {
		_ = q.Delete(ctx, finished...)
	}
	return true
}

// bridge is the rule of EventBridge: it tells update-state of every execution that has ended, twice, for it may. It reports whether some run.
func (d *deployment) bridge(t testing.TB) (running bool) {
	t.Helper()
	client, q := sfn.NewFromConfig(d.cfg), queue.New(sqs.NewFromConfig(d.cfg), d.update, queue.Options{})
	for _, machine := range d.machines {
		for arn := range d.executions(t, client, machine) {
			if d.told[arn] {
				continue
			}
			x, err := client.DescribeExecution(t.Context(), &sfn.DescribeExecutionInput{ExecutionArn: &arn})
			if err != nil {
				t.Fatal(err)
			}
			if x.StopDate == nil {
				running = true
				continue
			}
			included := map[string]bool{"included": true}
			event, err := json.Marshal(map[string]any{
				"version": "0", "source": "aws.states", "detail-type": "Step Functions Execution Status Change", "region": awstest.Region,
				"detail": map[string]any{
					"executionArn": arn, "stateMachineArn": machine, "name": x.Name, "status": x.Status, "input": x.Input, "output": x.Output,
					"error": x.Error, "cause": x.Cause, "inputDetails": included, "outputDetails": included,
				},
			})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := q.Send(t.Context(), domainqueue.Draft{Body: event}, domainqueue.Draft{Body: event}); err != nil {
				t.Fatal(err)
			}
			d.told[arn] = true
		}
	}
	return running
}

// executions are the ARNs of a state machine's executions.
func (d *deployment) executions(t testing.TB, client *sfn.Client, machine string) map[string]bool {
	t.Helper()
	all := map[string]bool{}
	pages := sfn.NewListExecutionsPaginator(client, &sfn.ListExecutionsInput{StateMachineArn: &machine, MaxResults: 1000})
	for pages.HasMorePages() {
		page, err := pages.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, x := range page.Executions {
			all[*x.ExecutionArn] = true
		}
	}
	return all
}

// settled reports whether nothing is left to be done: no message is in a queue, and none is being handled.
func (d *deployment) settled(t testing.TB) bool {
	t.Helper()
	return d.empty(t, d.process) && d.empty(t, d.update)
}

// empty reports whether a queue has no messages, hidden ones included.
func (d *deployment) empty(t testing.TB, url string) bool {
	t.Helper()
	depth, err := queue.New(sqs.NewFromConfig(d.cfg), url, queue.Options{}).Depth(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return depth.Total() == 0
}

// drain takes all messages out of a queue, also those that are hidden because the answer that had them was lost.
func (d *deployment) drain(t testing.TB, url string) []domainqueue.Message {
	t.Helper()
	q := queue.New(sqs.NewFromConfig(d.cfg), url, queue.Options{})
	var all []domainqueue.Message
	for {
		messages, err := q.Receive(t.Context(), domainqueue.Request{Max: 10, Visibility: visibility})
		if err != nil {
			t.Fatal(err)
		}
		if len(messages) == 0 && d.empty(t, url) {
			return all
		}
		for _, m := range messages {
			if err := q.Delete(t.Context(), m.Receipt); err != nil {
				t.Fatal(err)
			}
		}
		all = append(all, messages...)
	}
}

// send puts payloads into the process queue.
func (d *deployment) send(t testing.TB, bodies ...string) {
	t.Helper()
	drafts := make([]domainqueue.Draft, len(bodies))
	for i, b := range bodies {
		drafts[i].Body = []byte(b)
	}
	if _, err := queue.New(sqs.NewFromConfig(d.cfg), d.process, queue.Options{}).Send(t.Context(), drafts...); err != nil {
		t.Fatal(err)
	}
}

// deadline bounds one play.
const deadline = time.Minute

// play goes on until nothing is left to be done. When the handlers have crashed, others take over.
func (d *deployment) play(t testing.TB, crashed func() bool) {
	t.Helper()
	h := d.open(t, true)
	defer func() { h.carrier.Close() }()
	for began := time.Now(); ; {
		if time.Since(began) > deadline {
			t.Fatalf("it is not done after %v", deadline)
		}
		busy := turn(t.Context(), h.process, h.processor.Handle)
		busy = d.bridge(t) || busy
		busy = turn(t.Context(), h.update, h.updater.HandleMessages) || busy
		if crashed() {
			h.carrier.Close()
			h, crashed = d.open(t, true), func() bool { return false }
			d.calls.Fail(nil)
		} else if !busy && d.settled(t) {
			return
		}
	}
}
