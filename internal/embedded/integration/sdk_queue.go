package integration

import (
	"context"
	"crypto/md5"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"sundog/asl"
	"sundog/internal/embedded/engine"
	embedded "sundog/internal/embedded/queue"
	"sundog/internal/embedded/store"
	"sundog/internal/queue"
)

// Bounds of SQS (API Reference, ReceiveMessage, ChangeMessageVisibility and SendMessageBatch).
const (
	maxReceived          = 10
	maxReceiveWait       = 20 // seconds
	maxVisibilitySeconds = 12 * 60 * 60
	maxBatchEntries      = 10
)

// queueRequest are the parameters of the actions aws-sdk:sqs: on a queue and what was received from it.
type queueRequest struct {
	QueueURL            string `json:"QueueUrl"`
	QueueName           string
	QueueNamePrefix     string
	MaxNumberOfMessages *int
	WaitTimeSeconds     int
	VisibilityTimeout   *int
	ReceiptHandle       string
	Entries             []batchEntry
}

// batchEntry is one message of a batch.
type batchEntry struct {
	ID                string `json:"Id"`
	ReceiptHandle     string
	MessageBody       json.RawMessage
	DelaySeconds      int
	MessageAttributes map[string]messageAttribute
}

// queueRequest reads the parameters of a task and finds their queue.
func (r *Runner) queueRequest(ctx context.Context, task engine.Task) (p queueRequest, q *embedded.Queue, err error) {
	if err = parameters(task, &p); err != nil {
		return p, nil, err
	}
	if p.QueueURL == "" {
		return p, nil, missingParameter(task, "QueueUrl")
	}
	q, err = r.queue(ctx, task, p.QueueURL)
	return p, q, err
}

// received is queueRequest for actions on messages of a queue, which must not be one whose messages are for the platform.
func (r *Runner) received(ctx context.Context, task engine.Task) (queueRequest, *embedded.Queue, error) {
	p, q, err := r.queueRequest(ctx, task)
	if err == nil && r.Receivable != nil && !r.Receivable(q.Name()) {
		err = sqs.fail(task, fault{code: "AccessDenied", status: http.StatusForbidden, message: "The messages of the queue " + q.Name() + " are for the platform itself."})
	}
	return p, q, err
}

// receiveMessage is aws-sdk:sqs:receiveMessage. When the machine crashes before the answer is on disk, the messages come again after their
// visibility timeout.
func (r *Runner) receiveMessage(ctx context.Context, task engine.Task) (*asl.Document, error) {
	p, q, err := r.received(ctx, task)
	if err != nil {
		return nil, err
	}
	req := queue.Request{Max: 1, Wait: time.Duration(p.WaitTimeSeconds) * time.Second}
	if p.MaxNumberOfMessages != nil {
		req.Max = *p.MaxNumberOfMessages
	}
	if p.VisibilityTimeout != nil {
		req.Visibility = max(time.Duration(*p.VisibilityTimeout)*time.Second, time.Nanosecond) // none is the queue's own
	}
	switch {
	case req.Max < 1 || req.Max > maxReceived:
		return nil, invalidMessage(task, fmt.Sprintf("Value %d for parameter MaxNumberOfMessages is invalid. Reason: Must be between 1 and %d, if provided.", req.Max, maxReceived))
	case p.WaitTimeSeconds < 0 || p.WaitTimeSeconds > maxReceiveWait:
		return nil, invalidMessage(task, fmt.Sprintf("Value %d for parameter WaitTimeSeconds is invalid. Reason: Must be >= 0 and <= %d, if provided.", p.WaitTimeSeconds, maxReceiveWait))
	case p.VisibilityTimeout != nil && (*p.VisibilityTimeout < 0 || *p.VisibilityTimeout > maxVisibilitySeconds):
		return nil, invalidVisibility(task, *p.VisibilityTimeout)
	}
	got, err := q.Receive(ctx, req)
	if errors.Is(err, queue.ErrClosed) {
		return nil, noQueue(task)
	}
	if err != nil {
		return nil, err
	}
	members := map[string]any{}
	if len(got) > 0 { // an empty list is left out, as AWS does
		messages := make([]any, len(got))
		for i := range got {
			messages[i] = receivedMessage(&got[i])
		}
		members["Messages"] = messages
	}
	return document(members)
}

func receivedMessage(m *queue.Message) map[string]any {
	digest := md5.Sum(m.Body)
	members := map[string]any{
		"Body": string(m.Body), "MD5OfBody": hex.EncodeToString(digest[:]), "MessageId": m.ID, "ReceiptHandle": m.Receipt,
		"Attributes": map[string]string{"ApproximateReceiveCount": strconv.Itoa(m.ReceiveCount), "SentTimestamp": strconv.FormatInt(m.SentAt.UnixMilli(), 10)},
	}
	if len(m.Attributes) == 0 {
		return members
	}
	attributes := make(map[string]messageAttribute, len(m.Attributes))
	shown := make(map[string]map[string]string, len(m.Attributes))
	for name, a := range m.Attributes {
		if binary, err := base64.StdEncoding.DecodeString(a.Value); err == nil && isBinary(a.Type) {
			attributes[name], shown[name] = messageAttribute{DataType: a.Type, BinaryValue: binary}, map[string]string{"DataType": a.Type, "BinaryValue": a.Value}
			continue
		}
		attributes[name], shown[name] = messageAttribute{DataType: a.Type, StringValue: a.Value}, map[string]string{"DataType": a.Type, "StringValue": a.Value}
	}
	members["MessageAttributes"], members["MD5OfMessageAttributes"] = shown, digestOfAttributes(attributes)
	return members
}

func invalidVisibility(task engine.Task, seconds int) error {
	return invalidMessage(task, fmt.Sprintf("Value %d for parameter VisibilityTimeout is invalid. Reason: Must be between 0 and %d.", seconds, maxVisibilitySeconds))
}

func invalidReceipt(task engine.Task, handle string) error {
	return sqs.fail(task, fault{exception: "ReceiptHandleIsInvalidException", code: "ReceiptHandleIsInvalid", status: 404, message: "The input receipt handle \"" + handle + "\" is not a valid receipt handle."})
}

// deleteMessage is aws-sdk:sqs:deleteMessage.
func (r *Runner) deleteMessage(ctx context.Context, task engine.Task) (*asl.Document, error) {
	p, q, err := r.received(ctx, task)
	if err != nil {
		return nil, err
	}
	return r.once(ctx, task, func(tx *store.Tx) (*asl.Document, error) {
		err := q.DeleteTx(tx, p.ReceiptHandle)
		if errors.Is(err, queue.ErrInvalidReceipt) {
			return nil, invalidReceipt(task, p.ReceiptHandle)
		}
		if err != nil {
			return nil, err
		}
		return document(map[string]any{})
	})
}

// changeMessageVisibility is aws-sdk:sqs:changeMessageVisibility.
func (r *Runner) changeMessageVisibility(ctx context.Context, task engine.Task) (*asl.Document, error) {
	p, q, err := r.received(ctx, task)
	if err != nil {
		return nil, err
	}
	if p.VisibilityTimeout == nil {
		return nil, missingParameter(task, "VisibilityTimeout")
	}
	if *p.VisibilityTimeout < 0 || *p.VisibilityTimeout > maxVisibilitySeconds {
		return nil, invalidVisibility(task, *p.VisibilityTimeout)
	}
	switch err := q.ChangeVisibility(ctx, p.ReceiptHandle, time.Duration(*p.VisibilityTimeout)*time.Second); {
	case errors.Is(err, queue.ErrInvalidReceipt):
		return nil, invalidReceipt(task, p.ReceiptHandle)
	case errors.Is(err, queue.ErrStaleReceipt):
		return nil, sqs.fail(task, fault{
			exception: "MessageNotInflightException", code: "AWS.SimpleQueueService.MessageNotInflight", status: 400, message: "The specified message isn't in flight.",
		})
	case err != nil:
		return nil, err
	}
	return document(map[string]any{})
}

// A batch is what has become of the entries of a batch.
type batch struct {
	Successful []map[string]any
	Failed     []map[string]any
}

func (b *batch) fail(id string, code, message string) {
	b.Failed = append(b.Failed, map[string]any{"Id": id, "Code": code, "Message": message, "SenderFault": true})
}

func (b *batch) document() (*asl.Document, error) {
	members := map[string]any{}
	if b.Successful != nil {
		members["Successful"] = b.Successful
	}
	if b.Failed != nil {
		members["Failed"] = b.Failed
	}
	return document(members)
}

// checkBatch refuses a batch as a whole.
func checkBatch(task engine.Task, entries []batchEntry) error {
	seen := make(map[string]bool, len(entries))
	for _, e := range entries {
		if seen[e.ID] || e.ID == "" {
			return sqs.fail(task, fault{exception: "BatchEntryIdsNotDistinctException", code: "AWS.SimpleQueueService.BatchEntryIdsNotDistinct", status: 400, message: "Id " + e.ID + " repeated."})
		}
		seen[e.ID] = true
	}
	switch {
	case len(entries) == 0:
		return sqs.fail(task, fault{exception: "EmptyBatchRequestException", code: "AWS.SimpleQueueService.EmptyBatchRequest", status: 400, message: "There should be at least one entry in the request."})
	case len(entries) > maxBatchEntries:
		return sqs.fail(task, fault{
			exception: "TooManyEntriesInBatchRequestException", code: "AWS.SimpleQueueService.TooManyEntriesInBatchRequest", status: 400,
			message: fmt.Sprintf("Maximum number of entries per request are %d. You have sent %d.", maxBatchEntries, len(entries)),
		})
	}
	return nil
}

// sendMessageBatch is aws-sdk:sqs:sendMessageBatch. What can be sent of it is sent in one transaction.
func (r *Runner) sendMessageBatch(ctx context.Context, task engine.Task) (*asl.Document, error) {
	p, q, err := r.queueRequest(ctx, task)
	if err == nil {
		err = checkBatch(task, p.Entries)
	}
	if err != nil {
		return nil, err
	}
	return r.once(ctx, task, func(tx *store.Tx) (*asl.Document, error) {
		var b batch
		for _, e := range p.Entries {
			body := messageText(e.MessageBody)
			if body == "" || e.DelaySeconds < 0 || e.DelaySeconds > maxDelaySeconds {
				b.fail(e.ID, "InvalidParameterValue", fmt.Sprintf("MessageBody must not be empty, and DelaySeconds must be >= 0 and <= %d.", maxDelaySeconds))
				continue
			}
			ids, err := q.SendTx(tx, queue.Draft{Body: []byte(body), Attributes: attributes(e.MessageAttributes), Delay: time.Duration(e.DelaySeconds) * time.Second})
			switch {
			case errors.Is(err, queue.ErrTooLarge), errors.Is(err, queue.ErrInvalidMessage):
				b.fail(e.ID, "InvalidParameterValue", err.Error())
				continue
			case err != nil:
				return nil, sendFailure(task, q, err)
			}
			digest := md5.Sum([]byte(body))
			sent := map[string]any{"Id": e.ID, "MessageId": ids[0], "MD5OfMessageBody": hex.EncodeToString(digest[:])}
			if len(e.MessageAttributes) > 0 {
				sent["MD5OfMessageAttributes"] = digestOfAttributes(e.MessageAttributes)
			}
			b.Successful = append(b.Successful, sent)
		}
		return b.document()
	})
}

// deleteMessageBatch is aws-sdk:sqs:deleteMessageBatch.
func (r *Runner) deleteMessageBatch(ctx context.Context, task engine.Task) (*asl.Document, error) {
	p, q, err := r.received(ctx, task)
	if err == nil {
		err = checkBatch(task, p.Entries)
	}
	if err != nil {
		return nil, err
	}
	return r.once(ctx, task, func(tx *store.Tx) (*asl.Document, error) {
		var b batch
		for _, e := range p.Entries {
			err := q.DeleteTx(tx, e.ReceiptHandle)
			switch {
			case errors.Is(err, queue.ErrInvalidReceipt):
				b.fail(e.ID, "ReceiptHandleIsInvalid", "The input receipt handle is invalid.")
			case err != nil:
				return nil, err
			default:
				b.Successful = append(b.Successful, map[string]any{"Id": e.ID})
			}
		}
		return b.document()
	})
}

// getQueueURL is aws-sdk:sqs:getQueueUrl.
func (r *Runner) getQueueURL(ctx context.Context, task engine.Task) (*asl.Document, error) {
	var p queueRequest
	if err := parameters(task, &p); err != nil {
		return nil, err
	}
	q, err := r.queue(ctx, task, p.QueueName)
	if err != nil {
		return nil, err
	}
	return document(map[string]any{"QueueUrl": r.queueURL(q.Name())})
}

func (r *Runner) queueURL(name string) string {
	return "https://sqs." + r.Region + ".amazonaws.com/" + r.Account + "/" + name
}

// listQueues is aws-sdk:sqs:listQueues, with all queues in one page.
func (r *Runner) listQueues(_ context.Context, task engine.Task) (*asl.Document, error) {
	var p queueRequest
	if err := parameters(task, &p); err != nil {
		return nil, err
	}
	members := map[string]any{}
	var urls []string
	for _, name := range r.Queues.Names() {
		if strings.HasPrefix(name, p.QueueNamePrefix) && !strings.Contains(name, "/") { // those of subscriptions have no URL
			urls = append(urls, r.queueURL(name))
		}
	}
	if urls != nil {
		members["QueueUrls"] = urls
	}
	return document(members)
}

// getQueueAttributes is aws-sdk:sqs:getQueueAttributes: all that there are here, whichever are asked for.
func (r *Runner) getQueueAttributes(ctx context.Context, task engine.Task) (*asl.Document, error) {
	_, q, err := r.queueRequest(ctx, task)
	if err != nil {
		return nil, err
	}
	var ready, delayed, inFlight int64
	for _, l := range q.Depth().Lanes {
		ready, delayed, inFlight = ready+l.Ready, delayed+l.Delayed, inFlight+l.InFlight
	}
	return document(map[string]any{"Attributes": map[string]string{
		"QueueArn": "arn:aws:sqs:" + r.Region + ":" + r.Account + ":" + q.Name(), "VisibilityTimeout": strconv.Itoa(int(q.Config().Visibility / time.Second)),
		"ApproximateNumberOfMessages": strconv.FormatInt(ready, 10), "ApproximateNumberOfMessagesDelayed": strconv.FormatInt(delayed, 10),
		"ApproximateNumberOfMessagesNotVisible": strconv.FormatInt(inFlight, 10), "MaximumMessageSize": strconv.Itoa(q.Config().MaxBytes),
	}})
}

// purgeQueue is aws-sdk:sqs:purgeQueue.
func (r *Runner) purgeQueue(ctx context.Context, task engine.Task) (*asl.Document, error) {
	_, q, err := r.received(ctx, task)
	if err != nil {
		return nil, err
	}
	if err := q.Purge(ctx); err != nil {
		return nil, fmt.Errorf("purging queue %s: %w", q.Name(), err)
	}
	return document(map[string]any{})
}
