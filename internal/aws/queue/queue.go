// Package queue is a queue on SQS (package sundog/internal/queue says what a queue promises). It has what SQS has, and where that is less, this is
// the difference:
//
//   - There are no lanes: an SQS queue knows no order of importance, and a message attribute does not change when a message is received. Who wants
//     some messages before others uses two queues. A draft with a lane is refused.
//   - Messages come in about the order in which they were sent, with no promise.
//   - A message and its attributes are text (XML's characters); a delay is 15 minutes at most; an attribute has a value; there are 10 at most.
//   - Send is not all or nothing: the error names the drafts that were not sent (bulk.UnsentError). Drafts that cannot be sent are
//     found before the first one is.
//   - A message becomes a dead letter when it is received once more than the redrive policy of the queue allows, and then has no reason; or at once
//     by DeadLetter. Dead letters lie in a queue of their own: whoever looks at them receives them for a moment.
//   - A receipt that is no longer good is not always refused by Delete.
package queue

import (
	"context"
	"errors"
	"fmt"
	"path"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/aws/smithy-go"

	"sundog/internal/aws/bulk"
	"sundog/internal/queue"
)

// Quotas of SQS (Amazon SQS Developer Guide, Amazon SQS message quotas).
const (
	maxEntries    = 10
	maxWait       = 20 * time.Second
	maxDelay      = 15 * time.Minute
	maxVisibility = 12 * time.Hour
)

// DefaultMaxBytes is what every queue takes of one message whose MaximumMessageSize was not set lower: queues that were made before
// SQS raised its limit to 1 MiB kept it.
const DefaultMaxBytes = 256 << 10

// Options of a queue.
type Options struct {
	// MaxBytes bounds a message with its attributes, and a batch; DefaultMaxBytes when zero. It is not more than the queue's MaximumMessageSize.
	MaxBytes int
	// DeadLetters is the URL of the queue for dead letters. When it is empty, that of the queue's redrive policy is looked up when it is needed.
	DeadLetters string
}

// Queue is a queue on SQS. It is safe for concurrent use.
type Queue struct {
	client *sqs.Client
	url    string
	opts   Options

	mu   sync.Mutex
	dead string // URL of the queue for dead letters, once it is known
	held held
}

// New makes a queue of the one with this URL, which exists.
func New(client *sqs.Client, url string, opts Options) *Queue {
	if opts.MaxBytes == 0 {
		opts.MaxBytes = DefaultMaxBytes
	}
	return &Queue{client: client, url: url, opts: opts, dead: opts.DeadLetters}
}

// URL is the queue's URL.
func (q *Queue) URL() string { return q.url }

// Name is the queue's name, the last part of its URL.
func (q *Queue) Name() string { return path.Base(q.url) }

// Send sends messages and returns their ids once SQS has them. The id of a message that was not sent is empty, and the error then has a
// *bulk.UnsentError in its chain that names it.
func (q *Queue) Send(ctx context.Context, drafts ...queue.Draft) ([]string, error) {
	return q.send(ctx, q.url, drafts)
}

// Check returns why one of some drafts can never be sent; nil when all can. It makes no request.
func (q *Queue) Check(drafts ...queue.Draft) error {
	for _, d := range drafts {
		if _, err := q.check(d); err != nil {
			return q.fail("sending to", err)
		}
	}
	return nil
}

func (q *Queue) send(ctx context.Context, url string, drafts []queue.Draft) ([]string, error) {
	sizes := make([]int, len(drafts))
	for i, d := range drafts {
		size, err := q.check(d)
		if err != nil {
			return nil, q.fail("sending to", err)
		}
		sizes[i] = size
	}
	ids := make([]string, len(drafts))
	err := bulk.Send(ctx, sizes, bulk.Limits{Entries: maxEntries, Bytes: q.opts.MaxBytes}, func(ctx context.Context, entries []int) ([]bulk.Failure, error) {
		batch := make([]types.SendMessageBatchRequestEntry, len(entries))
		for n, i := range entries {
			batch[n] = entryOf(n, drafts[i])
		}
		out, err := q.client.SendMessageBatch(ctx, &sqs.SendMessageBatchInput{QueueUrl: &url, Entries: batch})
		if err != nil {
			return nil, err
		}
		for _, sent := range out.Successful {
			ids[bulk.Entry(entries, sent.Id)] = aws.ToString(sent.MessageId)
		}
		return failures(entries, out.Failed), nil
	})
	if err != nil {
		return ids, q.fail("sending to", err)
	}
	return ids, nil
}

// check measures a draft, and refuses one that SQS does not take.
func (q *Queue) check(d queue.Draft) (size int, err error) {
	if d.Lane != "" {
		return 0, fmt.Errorf("%w: %q; it has none", queue.ErrUnknownLane, d.Lane)
	}
	if d.Delay < 0 || d.Delay > maxDelay {
		return 0, fmt.Errorf("%w: a delay of %v; it is 0 to %v", queue.ErrInvalidMessage, d.Delay, maxDelay)
	}
	if len(d.Attributes) > bulk.MaxAttributes {
		return 0, fmt.Errorf("%w: %d attributes; %d at most", queue.ErrInvalidMessage, len(d.Attributes), bulk.MaxAttributes)
	}
	size, err = bulk.Measure(d.Body, d.Attributes)
	if err != nil {
		return 0, fmt.Errorf("%w: %w", queue.ErrInvalidMessage, err)
	}
	if size > q.opts.MaxBytes {
		return 0, fmt.Errorf("%w: %d bytes with its attributes; the limit is %d", queue.ErrTooLarge, size, q.opts.MaxBytes)
	}
	return size, nil
}

// Receive returns up to 10 messages, whatever more req.Max says. It waits in whole seconds; more than 20 are several calls.
func (q *Queue) Receive(ctx context.Context, req queue.Request) ([]queue.Message, error) {
	for _, lane := range req.Lanes {
		if lane != "" {
			return nil, q.fail("receiving from", fmt.Errorf("%w: %q; it has none", queue.ErrUnknownLane, lane))
		}
	}
	in := &sqs.ReceiveMessageInput{
		QueueUrl: &q.url, MaxNumberOfMessages: int32(min(max(req.Max, 1), maxEntries)), MessageAttributeNames: []string{"All"},
		MessageSystemAttributeNames: []types.MessageSystemAttributeName{types.MessageSystemAttributeNameSentTimestamp, types.MessageSystemAttributeNameApproximateReceiveCount},
	}
	if req.Visibility > 0 {
		in.VisibilityTimeout = seconds(min(req.Visibility, maxVisibility))
	}
	for deadline := time.Now().Add(req.Wait); ; {
		in.WaitTimeSeconds = seconds(min(max(time.Until(deadline), 0), maxWait))
		out, err := q.client.ReceiveMessage(ctx, in)
		if err != nil {
			return nil, q.fail("receiving from", err)
		}
		if len(out.Messages) == 0 && time.Until(deadline) >= time.Second {
			continue // a wait is 20 seconds at most, and ends early when somebody else gets what came
		}
		messages := make([]queue.Message, len(out.Messages))
		for i, m := range out.Messages {
			messages[i] = messageOf(m)
			q.held.take(messages[i])
		}
		return messages, nil
	}
}

// Delete deletes messages. With an error some of them may be deleted.
func (q *Queue) Delete(ctx context.Context, receipts ...string) error {
	return q.delete(ctx, q.url, receipts)
}

func (q *Queue) delete(ctx context.Context, url string, receipts []string) error {
	for _, receipt := range receipts {
		if receipt == "" {
			return q.fail("deleting from", queue.ErrInvalidReceipt)
		}
	}
	err := bulk.Send(ctx, make([]int, len(receipts)), bulk.Limits{Entries: maxEntries, Bytes: 1}, func(ctx context.Context, entries []int) ([]bulk.Failure, error) {
		batch := make([]types.DeleteMessageBatchRequestEntry, len(entries))
		for n, i := range entries {
			batch[n] = types.DeleteMessageBatchRequestEntry{Id: bulk.ID(n), ReceiptHandle: &receipts[i]}
		}
		out, err := q.client.DeleteMessageBatch(ctx, &sqs.DeleteMessageBatchInput{QueueUrl: &url, Entries: batch})
		if err != nil {
			return nil, err
		}
		for _, deleted := range out.Successful {
			q.held.drop(receipts[bulk.Entry(entries, deleted.Id)])
		}
		return failures(entries, out.Failed), nil
	})
	if err != nil {
		return q.fail("deleting from", err)
	}
	return nil
}

// ChangeVisibility hides a message for d from now on, 12 hours at most; at zero it can be received at once.
func (q *Queue) ChangeVisibility(ctx context.Context, receipt string, d time.Duration) error {
	if receipt == "" {
		return q.fail("hiding a message of", queue.ErrInvalidReceipt)
	}
	_, err := q.client.ChangeMessageVisibility(ctx, &sqs.ChangeMessageVisibilityInput{
		QueueUrl: &q.url, ReceiptHandle: &receipt, VisibilityTimeout: seconds(min(max(d, 0), maxVisibility)),
	})
	if err != nil {
		return q.fail("hiding a message of", err)
	}
	return nil
}

// Retry brings a message back after a time, 12 hours at most. The reason is kept nowhere: SQS has no place for it. When the message has been received as often
// as the redrive policy allows, it becomes a dead letter instead.
func (q *Queue) Retry(ctx context.Context, receipt string, after time.Duration, _ string) error {
	if err := q.ChangeVisibility(ctx, receipt, after); err != nil {
		return err
	}
	q.held.drop(receipt)
	return nil
}

// Depth is how many messages the queue and its queue for dead letters hold, as SQS has it: about. It does not know the age of the oldest one (a metric of
// CloudWatch has it). Without a queue for dead letters there are none.
func (q *Queue) Depth(ctx context.Context) (queue.Depth, error) {
	lane, err := q.count(ctx, q.url)
	if err != nil {
		return queue.Depth{}, err
	}
	depth := queue.Depth{Lanes: []queue.LaneDepth{lane}}
	dead, err := q.deadURL(ctx)
	if errors.Is(err, ErrNoDeadLetters) {
		return depth, nil
	}
	if err != nil {
		return queue.Depth{}, err
	}
	of, err := q.count(ctx, dead)
	depth.Dead = of.Ready + of.Delayed + of.InFlight
	return depth, err
}

// fail says what was being done, with the domain's error for what SQS says.
func (q *Queue) fail(doing string, err error) error {
	if known := kind(err); known != nil {
		err = fmt.Errorf("%w: %w", known, err)
	}
	return fmt.Errorf("%s the queue %s: %w", doing, q.Name(), err)
}

// kind is which of the domain's errors SQS's is; nil when none.
func kind(err error) error {
	var api smithy.APIError
	if !errors.As(err, &api) {
		if refused, ok := errors.AsType[*bulk.Failure](err); ok {
			return kindOf(refused.Code)
		}
		return nil
	}
	if strings.Contains(api.ErrorMessage(), "not available for visibility timeout change") { // which comes as InvalidParameterValue, too
		return queue.ErrStaleReceipt
	}
	return kindOf(api.ErrorCode())
}

func kindOf(code string) error {
	switch code {
	case "QueueDoesNotExist", "AWS.SimpleQueueService.NonExistentQueue":
		return queue.ErrNoQueue
	case "ReceiptHandleIsInvalid":
		return queue.ErrInvalidReceipt
	case "MessageNotInflight", "AWS.SimpleQueueService.MessageNotInflight":
		return queue.ErrStaleReceipt
	case "InvalidMessageContents":
		return queue.ErrInvalidMessage
	case "BatchRequestTooLong", "AWS.SimpleQueueService.BatchRequestTooLong":
		return queue.ErrTooLarge
	}
	return nil
}
