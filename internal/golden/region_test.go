package golden_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"sundog/internal/aws/awstest"
	"sundog/internal/aws/bucket"
	"sundog/internal/aws/queue"
	"sundog/internal/aws/topic"
	domainbucket "sundog/internal/bucket"
	"sundog/internal/pipeline"
	domainqueue "sundog/internal/queue"
	"sundog/internal/statedb"
	domaintopic "sundog/internal/topic"
	"sundog/payload"
)

// region are stand-ins of AWS's services that worlds share. What a world stores, sends and publishes goes through the adapters, and what comes
// out at the other end is what the world has.
type region struct {
	cfg    aws.Config
	bucket *bucket.Bucket
	queue  *queue.Queue
	events channel
	items  channel
	mu     sync.Mutex // held to write into a world: events and Items come at the same time
}

// channel is a topic with a queue that is subscribed to it.
type channel struct {
	*topic.Topic
	listener *queue.Queue
}

func newRegion(t *testing.T) *region {
	t.Helper()
	a := awstest.Start(t, awstest.Options{Standins: []awstest.Standin{awstest.Dynalite, awstest.Fauxqs}})
	cfg := a.Config()
	cfg.HTTPClient = awshttp.NewBuildableClient() // one pool of connections for all clients
	sqsClient, snsClient := sqs.NewFromConfig(cfg), sns.NewFromConfig(cfg)
	open := func() channel {
		arn := a.Topic(t)
		return channel{topic.New(snsClient, arn), queue.New(sqsClient, a.Subscribe(t, arn, true), queue.Options{})}
	}
	return &region{
		cfg:    cfg,
		bucket: bucket.New(s3.NewFromConfig(cfg, func(o *s3.Options) { o.UsePathStyle = true }), a.Bucket(t)),
		queue:  queue.New(sqsClient, a.Queue(t, nil), queue.Options{}),
		events: open(), items: open(),
	}
}

// objects is the payload bucket of a world, on S3.
type objects struct {
	*region
	*world
}

func (o objects) Put(ctx context.Context, key string, body []byte, opts domainbucket.PutOptions) (string, error) {
	if err := o.storable(); err != nil {
		return "", err
	}
	etag, err := o.bucket.Put(ctx, key, body, opts)
	if err != nil {
		return "", err
	}
	stored, _, err := o.bucket.Get(ctx, key)
	if err != nil {
		return "", err
	}
	_, err = o.world.Put(ctx, key, stored, opts)
	return etag, err
}

// Delete is not called by what the scenarios play.
func (o objects) Delete(_ context.Context, key string) error {
	return fmt.Errorf("deleting %s: no scenario deletes", key)
}

// sent is the process queue of a world, on SQS.
type sent struct {
	*region
	*world
}

func (s sent) Check(drafts ...domainqueue.Draft) error { return s.queue.Check(drafts...) }

func (s sent) Send(ctx context.Context, drafts ...domainqueue.Draft) ([]string, error) {
	ids, err := s.queue.Send(ctx, drafts...)
	if err != nil {
		return ids, err
	}
	messages, err := receive(ctx, s.queue, len(drafts))
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, m := range messages {
		s.queued = append(s.queued, string(m.Body))
	}
	return ids, err
}

// published is a topic of a world, on SNS.
type published struct {
	*region
	*world
	name string
}

func (p published) Check(drafts ...domaintopic.Draft) error { return p.items.Check(drafts...) }

func (p published) Publish(ctx context.Context, drafts ...domaintopic.Draft) ([]string, error) {
	c := p.items
	if p.name == eventTopic {
		c = p.events
	}
	ids, err := c.Publish(ctx, drafts...)
	if err != nil {
		return ids, err
	}
	messages, err := receive(ctx, c.listener, len(drafts))
	place := func(m domainqueue.Message) int {
		return slices.IndexFunc(drafts, func(d domaintopic.Draft) bool { return bytes.Equal(d.Body, m.Body) })
	}
	slices.SortStableFunc(messages, func(a, b domainqueue.Message) int { return place(a) - place(b) }) // SNS keeps no order
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, m := range messages {
		s := statedb.Publication{Topic: p.name, Body: m.Body}
		for name, a := range m.Attributes {
			s.Attributes = append(s.Attributes, payload.Attribute{Name: name, Type: a.Type, Value: a.Value})
		}
		p.published = append(p.published, s)
	}
	return ids, err
}

// receive takes as many messages out of a queue as were sent.
func receive(ctx context.Context, q *queue.Queue, n int) ([]domainqueue.Message, error) {
	var all []domainqueue.Message
	for len(all) < n {
		messages, err := q.Receive(ctx, domainqueue.Request{Max: 10, Wait: 10 * time.Second})
		if err == nil && len(messages) == 0 {
			err = fmt.Errorf("%d messages were sent, %d arrived", n, len(all))
		}
		for _, m := range messages {
			err = errors.Join(err, q.Delete(ctx, m.Receipt))
		}
		if err != nil {
			return all, err
		}
		all = append(all, messages...)
	}
	return all, nil
}

// machines is a client of a Step Functions whose executions are those of a world. It makes each request once.
func (r *region) machines(w *world) *sfn.Client {
	cfg := r.cfg.Copy()
	cfg.HTTPClient = machinesOf{w}
	return sfn.NewFromConfig(cfg, func(o *sfn.Options) { o.Retryer = aws.NopRetryer{} })
}

// machinesOf answers requests of Step Functions' API without a network.
type machinesOf struct{ *world }

func (m machinesOf) Do(r *http.Request) (*http.Response, error) {
	var in struct {
		Machine   string `json:"stateMachineArn"`
		Name      string `json:"name"`
		Input     string `json:"input"`
		Execution string `json:"executionArn"`
	}
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
		return nil, err
	}
	answer, status := map[string]any{}, http.StatusOK
	refuse := func(code, message string) {
		answer, status = map[string]any{"__type": code, "message": message}, http.StatusBadRequest
	}
	switch operation := r.Header.Get("X-Amz-Target"); operation {
	case "AWSStepFunctions.StartExecution":
		err := m.Start(r.Context(), pipeline.StartRequest{MachineARN: in.Machine, Name: in.Name, Input: []byte(in.Input)})
		refused := &pipeline.RefusedError{}
		switch {
		case errors.As(err, &refused):
			refuse("StateMachineDoesNotExist", fmt.Sprintf("State Machine Does Not Exist: '%s'", in.Machine))
		case errors.Is(err, pipeline.ErrAlreadyExists):
			refuse("ExecutionAlreadyExists", err.Error())
		case err != nil:
			code, message, _ := strings.Cut(err.Error(), ": ")
			refuse(code, message)
		default:
			answer = map[string]any{"executionArn": payload.ExecutionARN(machineBase, in.Machine[len(machineBase):], in.Name), "startDate": 0}
		}
	case "AWSStepFunctions.DescribeExecution":
		if x := m.executions[in.Execution]; x == nil {
			refuse("ExecutionDoesNotExist", "Execution Does Not Exist: '"+in.Execution+"'")
		} else {
			answer = map[string]any{"executionArn": x.ARN, "stateMachineArn": x.Machine, "name": x.Name, "status": x.Status, "input": x.Input, "startDate": 0}
		}
	default:
		return nil, fmt.Errorf("no scenario asks for %s", operation)
	}
	text, err := json.Marshal(answer)
	if err != nil {
		return nil, err
	}
	w := httptest.NewRecorder()
	w.Header().Set("Content-Type", "application/x-amz-json-1.0")
	w.WriteHeader(status)
	_, err = w.Write(bytes.TrimSpace(text))
	return w.Result(), err
}
