package lambda

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"sundog/internal/pipeline"
	"sundog/internal/queue"
)

// Deleter removes messages from the queue that they came from.
type Deleter interface {
	Delete(ctx context.Context, receipts ...string) error
}

// Gravedigger sends messages that can never succeed to where dead letters lie.
type Gravedigger interface {
	Bury(ctx context.Context, m queue.Message, reason string) error
}

// Batches say how what became of the messages of an event is told.
type Batches struct {
	// Partial: the event source mapping has ReportBatchItemFailures, so the messages that failed are named in the answer. Otherwise those that
	// were done are deleted and the event fails, as Cirrus does it, because Lambda would take any answer for a success of all of them.
	Partial bool
	// Queue gives the queue that messages came from, by its ARN. It is not asked when Partial is set.
	Queue func(ctx context.Context, arn string) (Deleter, error)
	// DeadLetters takes messages that can never succeed, so that they are not received again and again. When it is nil they stay in their
	// queue, whose redrive policy moves them after as many receptions as it says.
	DeadLetters Gravedigger
	// Logger is told of messages that failed; discarded when nil.
	Logger *slog.Logger
}

// sourceQueue is what the records of an SQS event name as their source.
const sourceQueue = "aws:sqs"

// queueEvent reads an event of SQS ("Using Lambda with Amazon SQS", AWS Lambda Developer Guide). It is nil when the event is another one.
func queueEvent(event []byte) *events.SQSEvent {
	var e events.SQSEvent
	if json.Unmarshal(event, &e) != nil || len(e.Records) == 0 {
		return nil
	}
	for i := range e.Records {
		if e.Records[i].EventSource != sourceQueue {
			return nil
		}
	}
	return &e
}

// messagesOf gives the messages of an event.
func messagesOf(e *events.SQSEvent) []queue.Message {
	messages := make([]queue.Message, len(e.Records))
	for i, r := range e.Records {
		m := queue.Message{ID: r.MessageId, Body: []byte(r.Body), Receipt: r.ReceiptHandle, ReceiveCount: 1}
		if n, err := strconv.Atoi(r.Attributes["ApproximateReceiveCount"]); err == nil {
			m.ReceiveCount = n
		}
		if ms, err := strconv.ParseInt(r.Attributes["SentTimestamp"], 10, 64); err == nil {
			m.SentAt = time.UnixMilli(ms).UTC()
		}
		for name, a := range r.MessageAttributes {
			if m.Attributes == nil {
				m.Attributes = make(map[string]queue.Attribute, len(r.MessageAttributes))
			}
			attribute := queue.Attribute{Type: a.DataType}
			if a.StringValue != nil {
				attribute.Value = *a.StringValue
			} else {
				attribute.Value = base64.StdEncoding.EncodeToString(a.BinaryValue)
			}
			m.Attributes[name] = attribute
		}
		messages[i] = m
	}
	return messages
}

// settle tells what became of the messages of an event.
func (b *Batches) settle(ctx context.Context, e *events.SQSEvent, messages []queue.Message, outcomes []pipeline.Outcome) ([]byte, error) {
	// What was done is told even when the time of the invocation is up: there is a second left for it.
	ctx = context.WithoutCancel(ctx)
	failures := events.SQSEventResponse{BatchItemFailures: []events.SQSBatchItemFailure{}}
	var done []string
	var reasons []error
	for i, o := range outcomes {
		if o.Verdict == pipeline.DeadLetter && b.bury(ctx, &messages[i], o.Err) {
			o.Verdict = pipeline.Done
		}
		if o.Verdict == pipeline.Done {
			done = append(done, messages[i].Receipt)
			continue
		}
		failures.BatchItemFailures = append(failures.BatchItemFailures, events.SQSBatchItemFailure{ItemIdentifier: messages[i].ID})
		reasons = append(reasons, fmt.Errorf("message %s: %w", messages[i].ID, o.Err))
	}
	// An event of which nothing was done has failed in the eyes of whoever watches the function, too.
	if len(reasons) == 0 || b.Partial && len(done) > 0 {
		for _, reason := range reasons {
			b.logger().Warn("message not handled, it comes again", "error", reason)
		}
		return json.Marshal(failures)
	}
	err := fmt.Errorf("%d of %d messages were not handled: %w", len(reasons), len(messages), errors.Join(reasons...))
	if len(done) > 0 {
		if failed := b.delete(ctx, e.Records[0].EventSourceARN, done); failed != nil {
			err = errors.Join(err, failed)
		}
	}
	return nil, err
}

// delete removes what was done from the queue.
func (b *Batches) delete(ctx context.Context, arn string, receipts []string) error {
	from, err := b.Queue(ctx, arn)
	if err == nil {
		err = from.Delete(ctx, receipts...)
	}
	if err != nil {
		return fmt.Errorf("deleting the %d messages that were handled, which come again, to no effect: %w", len(receipts), err)
	}
	return nil
}

// bury sends a message to the dead letters, and reports whether it is there.
func (b *Batches) bury(ctx context.Context, m *queue.Message, reason error) bool {
	if b.DeadLetters == nil {
		return false
	}
	if err := b.DeadLetters.Bury(ctx, *m, reason.Error()); err != nil {
		b.logger().Error("message not sent to the dead letters, it comes again", "message_id", m.ID, "reason", reason, "error", err)
		return false
	}
	b.logger().Error("message sent to the dead letters", "message_id", m.ID, "reason", reason)
	return true
}

func (b *Batches) logger() *slog.Logger {
	if b.Logger == nil {
		return slog.New(slog.DiscardHandler)
	}
	return b.Logger
}
