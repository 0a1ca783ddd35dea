package aws

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/arn"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/smithy-go"

	"sundog/internal/aws/carrier"
	"sundog/internal/aws/metrics"
	"sundog/internal/aws/queue"
	"sundog/internal/aws/topic"
	"sundog/internal/bucket"
	"sundog/internal/pipeline"
	domaintopic "sundog/internal/topic"
	"sundog/payload"
)

// maxMessage bounds a chained payload in the process queue, in bytes: what every queue takes, less room for attributes. Larger ones go by reference.
const maxMessage = queue.DefaultMaxBytes - 16<<10

// nowhere stands for the topic of workflow events where there is none, but a log group that counts them.
const nowhere = "nowhere"

// eventTopic is where workflow events go.
func (p *Platform) eventTopic() string {
	e := &p.opts.Environment
	if e.EventTopicARN == "" && e.WorkflowLogGroup != "" {
		return nowhere
	}
	return e.EventTopicARN
}

// PipelineConfig names the parts of the deployment.
func (p *Platform) PipelineConfig() pipeline.Config {
	e := &p.opts.Environment
	return pipeline.Config{
		MachineBase: e.BaseWorkflowARN, Layout: e.Layout(), ProcessQueue: e.ProcessQueueURL, EventTopic: p.eventTopic(), PublishTopic: e.PublishTopicARN,
		MaxMessage: maxMessage, Beside: true, OneLane: true,
	}
}

// Processor makes process.
func (p *Platform) Processor() (*pipeline.Processor, error) {
	return pipeline.NewProcessor(pipeline.ProcessorOptions{
		Config: p.PipelineConfig(), StateDB: p.Records(), Executor: p.Executor(), Fetcher: p, Now: p.opts.Now, Logger: p.opts.Logger,
	})
}

// Updater makes update-state.
func (p *Platform) Updater() (*pipeline.Updater, error) {
	return pipeline.NewUpdater(pipeline.UpdaterOptions{
		Config: p.PipelineConfig(), StateDB: p.Records(), Executor: p.Executor(), Fetcher: p, Now: p.opts.Now, Logger: p.opts.Logger,
	})
}

// Fetch implements payload.Fetcher: it reads s3:// URLs of any bucket that the deployment may read.
func (p *Platform) Fetch(ctx context.Context, url string) ([]byte, error) {
	at, err := payload.ParseLocation(url)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", payload.ErrUnresolvable, err)
	}
	text, _, err := p.Bucket(at.Bucket).Get(ctx, at.Key)
	if errors.Is(err, bucket.ErrNotFound) || errors.Is(err, bucket.ErrInvalidKey) || noBucket(err) {
		return nil, fmt.Errorf("%w: %w", payload.ErrUnresolvable, err)
	}
	return text, err
}

// noBucket reports whether an error says that there is no bucket of this name (Amazon S3 API Reference, Error responses).
func noBucket(err error) bool {
	said, ok := errors.AsType[smithy.APIError](err)
	return ok && (said.ErrorCode() == "NoSuchBucket" || said.ErrorCode() == "InvalidBucketName")
}

// topic gives what the carrier publishes to.
func (p *Platform) topic(arn string) carrier.Topic {
	if arn == nowhere {
		return silence{}
	}
	return topic.New(p.clients.sns(), arn)
}

// silence is a topic without subscribers.
type silence struct{}

func (silence) Check(...domaintopic.Draft) error { return nil }

func (silence) Publish(_ context.Context, drafts ...domaintopic.Draft) ([]string, error) {
	return make([]string, len(drafts)), nil
}

// watcher is who counts workflow events; nobody without a log group.
func (p *Platform) watcher() carrier.Watcher {
	group := p.opts.Environment.WorkflowLogGroup
	if group == "" {
		return nil
	}
	return metrics.NewWatcher(p.clients.logs(), group, p.opts.Now)
}

// queueURL asks for the URL of the queue with an ARN.
func (p *Platform) queueURL(ctx context.Context, name string) (string, error) {
	q, err := arn.Parse(name)
	if err != nil {
		return "", fmt.Errorf("looking for the queue %q: %w", name, err)
	}
	out, err := p.clients.sqs().GetQueueUrl(ctx, &sqs.GetQueueUrlInput{QueueName: &q.Resource, QueueOwnerAWSAccountId: &q.AccountID})
	if err != nil {
		return "", fmt.Errorf("looking for the queue %s: %w", name, err)
	}
	return aws.ToString(out.QueueUrl), nil
}
