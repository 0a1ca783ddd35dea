// Package topic is a topic on SNS (package sundog/internal/topic says what a topic promises).
//
// Publish is not all or nothing: the error names the drafts that were not published (bulk.UnsentError). Drafts that cannot be published are found
// before the first one is. A message whose answer was lost may have been published, and is published once more by whoever tries again.
package topic

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sns/types"
	"github.com/aws/smithy-go"

	"sundog/internal/aws/bulk"
	"sundog/internal/topic"
	"sundog/internal/trace"
)

// Quotas of SNS (Amazon SNS API Reference, PublishBatch).
const (
	maxEntries = 10
	maxBytes   = 256 << 10 // of a message with its attributes, and of a batch
)

// ErrNoTopic is returned for a topic that is not there.
var ErrNoTopic = errors.New("no such topic")

// Topic is a topic on SNS. It is safe for concurrent use.
type Topic struct {
	client *sns.Client
	arn    string
}

// New makes a topic of the one with this ARN, which exists.
func New(client *sns.Client, arn string) *Topic { return &Topic{client, arn} }

// ARN is the topic's ARN.
func (t *Topic) ARN() string { return t.arn }

// Check returns why one of some drafts can never be published; nil when all can. It makes no request.
func (t *Topic) Check(drafts ...topic.Draft) error {
	for _, d := range drafts {
		if _, err := check(d); err != nil {
			return t.fail(err)
		}
	}
	return nil
}

// Publish publishes messages and returns their ids once SNS has them. The id of a message that was not published is empty, and the error then has a
// *bulk.UnsentError in its chain that names it.
func (t *Topic) Publish(ctx context.Context, drafts ...topic.Draft) ([]string, error) {
	sizes := make([]int, len(drafts))
	for i, d := range drafts {
		size, err := check(d)
		if err != nil {
			return nil, t.fail(err)
		}
		sizes[i] = size
	}
	ids := make([]string, len(drafts))
	err := bulk.Send(ctx, sizes, bulk.Limits{Entries: maxEntries, Bytes: maxBytes}, func(ctx context.Context, entries []int) ([]bulk.Failure, error) {
		batch := make([]types.PublishBatchRequestEntry, len(entries))
		for n, i := range entries {
			batch[n] = entryOf(n, drafts[i])
		}
		out, err := t.client.PublishBatch(ctx, &sns.PublishBatchInput{TopicArn: &t.arn, PublishBatchRequestEntries: batch})
		if err != nil {
			return nil, err
		}
		for _, sent := range out.Successful {
			ids[bulk.Entry(entries, sent.Id)] = aws.ToString(sent.MessageId)
		}
		failed := make([]bulk.Failure, len(out.Failed))
		for i, f := range out.Failed {
			failed[i] = bulk.Failure{Entry: bulk.Entry(entries, f.Id), SenderFault: f.SenderFault, Code: aws.ToString(f.Code), Message: aws.ToString(f.Message)}
		}
		return failed, nil
	})
	if err != nil {
		return ids, t.fail(err)
	}
	return ids, nil
}

// check measures a draft, and refuses one that SNS does not take.
func check(d topic.Draft) (size int, err error) {
	if len(d.Attributes) > topic.MaxAttributes {
		return 0, fmt.Errorf("%w: %d attributes; %d at most", topic.ErrInvalidMessage, len(d.Attributes), topic.MaxAttributes)
	}
	if !topic.ValidSubject(d.Subject) {
		return 0, fmt.Errorf("%w: the subject %.200q; it is one line of up to %d characters of ASCII", topic.ErrInvalidMessage, d.Subject, topic.MaxSubject)
	}
	size, err = bulk.Measure(d.Body, traced(d))
	if err != nil {
		return 0, fmt.Errorf("%w: %w", topic.ErrInvalidMessage, err)
	}
	if size += len(d.Subject); size > maxBytes {
		return 0, fmt.Errorf("%w: %d bytes with its attributes; the limit is %d", topic.ErrTooLarge, size, maxBytes)
	}
	return size, nil
}

// traced is the attributes with the place in a trace. Where it would be one too many for queues that get messages raw, it is left out.
func traced(d topic.Draft) map[string]topic.Attribute {
	if d.Trace.IsZero() || len(d.Attributes) >= bulk.MaxAttributes {
		return d.Attributes
	}
	attributes := map[string]topic.Attribute{trace.Header: {Type: "String", Value: d.Trace.String()}}
	maps.Copy(attributes, d.Attributes)
	return attributes
}

func entryOf(n int, d topic.Draft) types.PublishBatchRequestEntry {
	e := types.PublishBatchRequestEntry{Id: bulk.ID(n), Message: aws.String(string(d.Body)), MessageAttributes: map[string]types.MessageAttributeValue{}}
	if d.Subject != "" {
		e.Subject = &d.Subject
	}
	for name, a := range traced(d) {
		text, binary := bulk.Value(a)
		e.MessageAttributes[name] = types.MessageAttributeValue{DataType: aws.String(a.Type), StringValue: text, BinaryValue: binary}
	}
	return e
}

// fail says what was being done, with the domain's error for what SNS says.
func (t *Topic) fail(err error) error {
	var api smithy.APIError
	if errors.As(err, &api) {
		switch api.ErrorCode() {
		case "NotFound", "NotFoundException":
			err = fmt.Errorf("%w: %w", ErrNoTopic, err)
		case "BatchRequestTooLong":
			err = fmt.Errorf("%w: %w", topic.ErrTooLarge, err)
		}
	}
	return fmt.Errorf("publishing on %s: %w", t.arn[strings.LastIndexByte(t.arn, ':')+1:], err)
}
