package integration

import (
	"bytes"
	"context"
	"crypto/md5"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"sundog/asl"
	"sundog/eventpattern"
	"sundog/internal/embedded/engine"
	embedded "sundog/internal/embedded/queue"
	"sundog/internal/embedded/store"
	"sundog/internal/queue"
)

// maxDelaySeconds is the longest delay of a message (SQS API Reference, SendMessage).
const maxDelaySeconds = 900

var sqs = service{prefix: "SQS", name: "AmazonSQS", sdk: "Sqs"}

// messageParameters are those of SendMessage (SQS API Reference).
type messageParameters struct {
	QueueURL               string `json:"QueueUrl"`
	MessageBody            json.RawMessage
	DelaySeconds           int
	MessageAttributes      map[string]messageAttribute
	MessageDeduplicationID string `json:"MessageDeduplicationId"`
	// MessageGroupId is taken and means nothing: what is sent in one order is received in about that order, whatever its group.
}

// messageAttribute is an attribute of a message of SQS or SNS.
type messageAttribute struct {
	DataType    string
	StringValue string
	BinaryValue []byte // base64 in JSON
}

// attributes are the attributes of a message as queues and topics carry them.
func attributes(of map[string]messageAttribute) map[string]eventpattern.Attribute {
	if len(of) == 0 {
		return nil
	}
	all := make(map[string]eventpattern.Attribute, len(of))
	for name, a := range of {
		value := a.StringValue
		if isBinary(a.DataType) {
			value = base64.StdEncoding.EncodeToString(a.BinaryValue)
		}
		all[name] = eventpattern.Attribute{Type: a.DataType, Value: value}
	}
	return all
}

func isBinary(dataType string) bool {
	return dataType == "Binary" || strings.HasPrefix(dataType, "Binary.")
}

// sendMessage is sqs:sendMessage, to a queue of the platform.
func (r *Runner) sendMessage(ctx context.Context, task engine.Task) (*asl.Document, error) {
	var p messageParameters
	if err := parameters(task, &p); err != nil {
		return nil, err
	}
	if p.QueueURL == "" {
		return nil, missingParameter(task, "QueueUrl")
	}
	body := messageText(p.MessageBody)
	switch {
	case body == "":
		return nil, missingParameter(task, "MessageBody")
	case p.DelaySeconds < 0 || p.DelaySeconds > maxDelaySeconds:
		return nil, invalidMessage(task, fmt.Sprintf("Value %d for parameter DelaySeconds is invalid. Reason: DelaySeconds must be >= 0 and <= %d.", p.DelaySeconds, maxDelaySeconds))
	case p.MessageDeduplicationID != "":
		return nil, invalidMessage(task, fmt.Sprintf("Value %s for parameter MessageDeduplicationId is invalid. Reason: The request include parameter that is not valid for this queue type.", p.MessageDeduplicationID))
	}
	to, err := r.queue(ctx, task, p.QueueURL)
	if err != nil {
		return nil, err
	}
	draft := queue.Draft{Body: []byte(body), Attributes: attributes(p.MessageAttributes), Delay: time.Duration(p.DelaySeconds) * time.Second}
	return r.once(ctx, task, func(tx *store.Tx) (*asl.Document, error) {
		ids, err := to.SendTx(tx, draft)
		if err != nil {
			return nil, sendFailure(task, to, err)
		}
		return sentMessage(task, ids[0], body, p.MessageAttributes)
	})
}

// queue finds a queue by its URL, its ARN or its name.
func (r *Runner) queue(ctx context.Context, task engine.Task, url string) (*embedded.Queue, error) {
	name := lastPart(url)
	if strings.HasPrefix(url, "arn:") {
		arn, err := queue.ParseARN(url)
		if err != nil {
			return nil, noQueue(task)
		}
		name = arn.Name
	}
	q, err := r.Queues.Queue(ctx, name)
	if !errors.Is(err, queue.ErrNoQueue) {
		return q, err
	}
	if name == url && !isSDK(task) { // AWS takes what is no URL for the name of a host
		return nil, &engine.TaskError{Name: "SQS.SdkClientException", Cause: "Unable to execute HTTP request: " + name + ": Name or service not known"}
	}
	return nil, noQueue(task)
}

func noQueue(task engine.Task) error {
	return sqs.fail(task, fault{
		exception: "QueueDoesNotExistException", code: "AWS.SimpleQueueService.NonExistentQueue", status: 400, message: "The specified queue does not exist.",
	})
}

func missingParameter(task engine.Task, name string) error {
	return sqs.fail(task, fault{code: "MissingParameter", status: 400, message: "The request must contain the parameter " + name + "."})
}

func invalidMessage(task engine.Task, message string) error {
	return sqs.fail(task, fault{code: "InvalidParameterValue", status: 400, message: message})
}

// sendFailure is AWS's error for a message that a queue does not take.
func sendFailure(task engine.Task, to *embedded.Queue, err error) error {
	switch {
	case errors.Is(err, queue.ErrTooLarge):
		return invalidMessage(task, fmt.Sprintf("One or more parameters are invalid. Reason: Message must be shorter than %d bytes.", to.Config().MaxBytes))
	case errors.Is(err, queue.ErrInvalidMessage):
		return invalidMessage(task, "One or more parameters are invalid. Reason: "+err.Error()+".")
	case errors.Is(err, queue.ErrClosed): // it was removed meanwhile
		return noQueue(task)
	}
	return err
}

// sentMessage is the answer of SendMessage.
func sentMessage(task engine.Task, id, body string, attributes map[string]messageAttribute) (*asl.Document, error) {
	digest := md5.Sum([]byte(body))
	members := map[string]any{"MD5OfMessageBody": hex.EncodeToString(digest[:]), "MessageId": id}
	if len(attributes) > 0 {
		members["MD5OfMessageAttributes"] = digestOfAttributes(attributes)
	}
	return shape(task, answer, members)
}

// Kinds of values of attributes in their digest.
const (
	stringValue byte = 1
	binaryValue byte = 2
)

// digestOfAttributes is the MD5 of attributes (SQS Developer Guide, "Calculating the MD5 message digest for message attributes").
func digestOfAttributes(attributes map[string]messageAttribute) string {
	var b []byte
	add := func(part []byte) {
		b = binary.BigEndian.AppendUint32(b, uint32(len(part)))
		b = append(b, part...)
	}
	for _, name := range slices.Sorted(maps.Keys(attributes)) {
		a := attributes[name]
		add([]byte(name))
		add([]byte(a.DataType))
		if isBinary(a.DataType) {
			b = append(b, binaryValue)
			add(a.BinaryValue)
			continue
		}
		b = append(b, stringValue)
		add([]byte(a.StringValue))
	}
	digest := md5.Sum(b)
	return hex.EncodeToString(digest[:])
}

// messageText is a parameter that is text for the service: a text as it is, any other JSON as its text, null and nothing as "".
func messageText(v json.RawMessage) string {
	var text string
	switch {
	case len(v) == 0 || string(v) == "null":
		return ""
	case json.Unmarshal(v, &text) == nil:
		return text
	}
	var b bytes.Buffer
	if err := json.Compact(&b, v); err != nil { // it comes out of a document
		return string(v)
	}
	return b.String()
}
