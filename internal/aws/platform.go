// Package aws puts a deployment on AWS together: what its environment variables say, and out of that the parts that its handlers, its
// workers and its operators need.
//
// The variables are those of Cirrus, so that a deployment of Cirrus can be taken over as it is, and a few that begin with SUNDOG_. Whoever
// needs variables says which; every one that is missing or malformed is named at once.
//
// # Promises
//
//   - A part is made when it is first asked for, once. Making it calls nobody.
//   - Clients of one service share connections.
//   - Close waits for the messages that are under way. Afterwards nothing that a transition causes is carried out any more.
package aws

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"sundog/internal/aws/bucket"
	"sundog/internal/aws/carrier"
	"sundog/internal/aws/executor"
	"sundog/internal/aws/queue"
	"sundog/internal/aws/statedb"
)

// Options are what a Platform is made of.
type Options struct {
	// Config is how AWS is reached; package aws/config loads it.
	Config      aws.Config
	Environment Environment
	// Now is the clock; time.Now when nil.
	Now func() time.Time
	// Logger is told of what fails; discarded when nil.
	Logger *slog.Logger
}

// Platform is a deployment on AWS. It is safe for concurrent use.
type Platform struct {
	opts Options

	clients clients
	carrier func() *carrier.Carrier
	records func() *statedb.DB

	mu      sync.Mutex
	opened  *carrier.Carrier // for Close; nil when nobody asked for it
	buckets map[string]*bucket.Bucket
	queues  map[string]*queue.Queue
}

// clients are those of AWS's services.
type clients struct {
	dynamodb func() *dynamodb.Client
	s3       func() *s3.Client
	sqs      func() *sqs.Client
	sns      func() *sns.Client
	sfn      func() *sfn.Client
	logs     func() *cloudwatchlogs.Client
	metrics  func() *cloudwatch.Client
}

// Open makes a Platform. Nothing is called, so a resource that is not there shows when it is used.
func Open(opts Options) *Platform {
	if opts.Now == nil {
		opts.Now = time.Now
	}
	if opts.Logger == nil {
		opts.Logger = slog.New(slog.DiscardHandler)
	}
	c := opts.Config
	p := &Platform{opts: opts, buckets: map[string]*bucket.Bucket{}, queues: map[string]*queue.Queue{}}
	p.clients = clients{
		dynamodb: sync.OnceValue(func() *dynamodb.Client { return dynamodb.NewFromConfig(c) }),
		s3: sync.OnceValue(func() *s3.Client {
			return s3.NewFromConfig(c, func(o *s3.Options) {
				o.UsePathStyle = o.BaseEndpoint != nil             // who plays S3 seldom has a domain for each bucket
				o.DisableLogOutputChecksumValidationSkipped = true // objects that others stored have none, and nobody reads that line
			})
		}),
		sqs:     sync.OnceValue(func() *sqs.Client { return sqs.NewFromConfig(c) }),
		sns:     sync.OnceValue(func() *sns.Client { return sns.NewFromConfig(c) }),
		sfn:     sync.OnceValue(func() *sfn.Client { return sfn.NewFromConfig(c) }),
		logs:    sync.OnceValue(func() *cloudwatchlogs.Client { return cloudwatchlogs.NewFromConfig(c) }),
		metrics: sync.OnceValue(func() *cloudwatch.Client { return cloudwatch.NewFromConfig(c) }),
	}
	p.carrier = sync.OnceValue(p.newCarrier)
	p.records = sync.OnceValue(func() *statedb.DB {
		return statedb.New(statedb.Options{Client: p.clients.dynamodb(), Table: opts.Environment.StateDB, Carrier: p.carrier()})
	})
	return p
}

// Environment is what the platform was opened with.
func (p *Platform) Environment() Environment { return p.opts.Environment }

// Config is how AWS is reached.
func (p *Platform) Config() aws.Config { return p.opts.Config }

// Records is the state database.
func (p *Platform) Records() *statedb.DB { return p.records() }

// Executor starts and describes executions.
func (p *Platform) Executor() *executor.Executor {
	return executor.New(p.clients.sfn()).Within(p.opts.Environment.BaseWorkflowARN)
}

// Bucket gives the bucket of a name.
func (p *Platform) Bucket(name string) *bucket.Bucket {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.buckets[name] == nil {
		if len(p.buckets) >= maxBuckets {
			return bucket.New(p.clients.s3(), name)
		}
		p.buckets[name] = bucket.New(p.clients.s3(), name)
	}
	return p.buckets[name]
}

// maxBuckets bounds those that are kept: payloads may be fetched from any.
const maxBuckets = 64

// Queue gives the queue with a URL, of which a deployment has a few.
func (p *Platform) Queue(url string) *queue.Queue {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.queues[url] == nil {
		p.queues[url] = queue.New(p.clients.sqs(), url, queue.Options{})
	}
	return p.queues[url]
}

// DeadLetters gives what buries messages in the queue that DeadLetterQueueURL names; nil when it names none.
func (p *Platform) DeadLetters() *queue.Queue {
	url := p.opts.Environment.DeadLetterQueueURL
	if url == "" {
		return nil
	}
	return queue.New(p.clients.sqs(), url, queue.Options{DeadLetters: url})
}

// Close waits for what is under way.
func (p *Platform) Close() {
	p.mu.Lock()
	c := p.opened
	p.mu.Unlock()
	if c != nil {
		c.Close()
	}
}

// newCarrier makes what carries effects out.
func (p *Platform) newCarrier() *carrier.Carrier {
	c := carrier.New(carrier.Options{
		Payloads: p.Bucket(p.opts.Environment.PayloadBucket),
		Queues:   func(url string) carrier.Queue { return p.Queue(url) },
		Topics:   p.topic, EventTopic: p.eventTopic(), Watcher: p.watcher(), Logger: p.opts.Logger,
	})
	p.mu.Lock()
	defer p.mu.Unlock()
	p.opened = c
	return c
}

// QueueOf finds the queue of an ARN, as events name it.
func (p *Platform) QueueOf(ctx context.Context, arn string) (*queue.Queue, error) {
	url, err := p.queueURL(ctx, arn)
	if err != nil {
		return nil, err
	}
	return p.Queue(url), nil
}
