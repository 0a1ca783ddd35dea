package integration

import (
	"context"
	"crypto/md5" //nolint:gosec // SQS answers with it
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"sundog/asl"
	"sundog/internal/embedded/engine"
	"sundog/internal/queue"
)

// messageAttribute is an attribute of a message as SQS and SNS take it.
type messageAttribute struct {
	DataType    string
	StringValue string
	BinaryValue string // base64
}

func attributes(of map[string]messageAttribute) map[string]queue.Attribute {
	if len(of) == 0 {
		return nil
	}
	all := make(map[string]queue.Attribute, len(of))
	for name, a := range of {
		all[name] = queue.Attribute{Type: a.DataType, Value: a.StringValue + a.BinaryValue}
	}
	return all
}

// messageParameters are those of SendMessage. Groups and ids for deduplication belong to FIFO queues; queues here keep the order of their
// lane anyway, and the id of a task is its deduplication.
type messageParameters struct {
	QueueURL               string `json:"QueueUrl"`
	MessageBody            json.RawMessage
	MessageAttributes      map[string]messageAttribute
	DelaySeconds           int
	MessageGroupID         string `json:"MessageGroupId"`
	MessageDeduplicationID string `json:"MessageDeduplicationId"`
}

// text is a body: of a JSON string what it holds, of anything else its JSON text.
func text(body json.RawMessage) []byte {
	var s string
	if json.Unmarshal(body, &s) == nil {
		return []byte(s)
	}
	return body
}

// lastPart is the name at the end of a URL or ARN, or the text itself.
func lastPart(text string) string { return text[strings.LastIndexAny(text, "/:")+1:] }

// sendMessage is sqs:sendMessage, to a queue of the platform.
func (r *Runner) sendMessage(ctx context.Context, task engine.Task) (*asl.Document, error) {
	return r.send(ctx, task, answer, func(exception, code, message string) error {
		return invalid("SQS."+exception, "%s (Service: AmazonSQS; Status Code: 400; Error Code: %s; Request ID: %s; Proxy: null)", message, code, derivedID(task, "request"))
	})
}

// sdkSendMessage is aws-sdk:sqs:sendMessage.
func (r *Runner) sdkSendMessage(ctx context.Context, task engine.Task) (*asl.Document, error) {
	return r.send(ctx, task, plain, func(exception, _, message string) error {
		if exception == "AmazonSQSException" {
			exception = "SqsException"
		}
		return sdkFailure(task, "Sqs", exception, message)
	})
}

// plain is the result of an aws-sdk integration: the service's answer alone.
func plain(_ engine.Task, members map[string]any) (*asl.Document, error) { return document(members) }

// shaper makes a result of the members of a service's answer.
type shaper func(task engine.Task, members map[string]any) (*asl.Document, error)

func (r *Runner) send(ctx context.Context, task engine.Task, shape shaper, fail func(exception, code, message string) error) (*asl.Document, error) {
	var p messageParameters
	if err := parameters(task, &p); err != nil {
		return nil, err
	}
	if len(p.MessageBody) == 0 {
		return nil, fail("AmazonSQSException", "MissingParameter", "The request must contain the parameter MessageBody.")
	}
	body := text(p.MessageBody)
	q, err := r.Queues.Queue(ctx, lastPart(p.QueueURL))
	if errors.Is(err, queue.ErrNoQueue) {
		return nil, fail("QueueDoesNotExistException", "AWS.SimpleQueueService.NonExistentQueue", "The specified queue does not exist.")
	}
	if err != nil {
		return nil, err
	}
	sum := md5.Sum(body) //nolint:gosec // see above
	tx := r.Store.Begin()
	ids, err := q.SendTx(tx, queue.Draft{Body: body, Attributes: attributes(p.MessageAttributes), Delay: time.Duration(p.DelaySeconds) * time.Second})
	if errors.Is(err, queue.ErrTooLarge) || errors.Is(err, queue.ErrInvalidMessage) {
		return nil, fail("AmazonSQSException", "InvalidParameterValue", err.Error())
	}
	if err != nil {
		return nil, err
	}
	result, err := shape(task, map[string]any{"MD5OfMessageBody": hex.EncodeToString(sum[:]), "MessageId": derivedID(task, "message/"+ids[0])})
	if err != nil {
		return nil, err
	}
	task.AnswerTx(tx, result)
	if err := tx.Commit(ctx); err != nil {
		return nil, fmt.Errorf("sending to queue %s: %w", q.Name(), err)
	}
	return result, nil
}
