package integration

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"sundog/asl"
	"sundog/internal/embedded/engine"
	"sundog/internal/queue"
	"sundog/internal/topic"
)

// publishParameters are those of Publish.
type publishParameters struct {
	TopicARN          string `json:"TopicArn"`
	TargetARN         string `json:"TargetArn"`
	PhoneNumber       string
	Message           json.RawMessage
	Subject           string
	MessageStructure  string // json: Message holds a text for each protocol
	MessageAttributes map[string]messageAttribute
}

// publish is sns:publish, to a topic of the platform.
func (r *Runner) publish(ctx context.Context, task engine.Task) (*asl.Document, error) {
	return r.publishTo(ctx, task, answer, func(status int, code, message string) error {
		return invalid("SNS."+code+"Exception", "%s (Service: AmazonSNS; Status Code: %d; Error Code: %s; Request ID: %s; Proxy: null)", message, status, code, derivedID(task, "request"))
	})
}

// sdkPublish is aws-sdk:sns:publish.
func (r *Runner) sdkPublish(ctx context.Context, task engine.Task) (*asl.Document, error) {
	return r.publishTo(ctx, task, plain, func(_ int, code, message string) error { return sdkFailure(task, "Sns", code+"Exception", message) })
}

func (r *Runner) publishTo(ctx context.Context, task engine.Task, shape shaper, fail func(status int, code, message string) error) (*asl.Document, error) {
	var p publishParameters
	if err := parameters(task, &p); err != nil {
		return nil, err
	}
	if p.TopicARN == "" {
		p.TopicARN = p.TargetARN
	}
	name := lastPart(p.TopicARN)
	switch {
	case p.PhoneNumber != "" || name == "":
		return nil, fail(400, "InvalidParameter", "Invalid parameter: TopicArn or TargetArn Reason: messages go to topics of this server; it has no telephone")
	case strings.HasSuffix(name, ".fifo"):
		return nil, fail(400, "InvalidParameter", "Invalid parameter: TopicArn Reason: this server has no FIFO topics")
	case len(p.Message) == 0:
		return nil, fail(400, "InvalidParameter", "Invalid parameter: Empty message")
	case !r.Topics.Known(name):
		return nil, fail(404, "NotFound", "Topic does not exist")
	}
	body := text(p.Message)
	if p.MessageStructure == "json" {
		var byProtocol map[string]string
		if err := json.Unmarshal(body, &byProtocol); err != nil || byProtocol["default"] == "" {
			return nil, fail(400, "InvalidParameter", "Invalid parameter: Message Structure - No default entry in JSON message body")
		}
		body = []byte(byProtocol["default"])
	}
	draft := topic.Draft{Body: body, Attributes: attributes(p.MessageAttributes)}
	if p.Subject != "" {
		if draft.Attributes == nil {
			draft.Attributes = map[string]queue.Attribute{}
		}
		draft.Attributes["Subject"] = queue.Attribute{Type: "String", Value: p.Subject}
	}
	tx := r.Store.Begin()
	ids, err := r.Topics.PublishTx(tx, name, draft)
	if errors.Is(err, topic.ErrTooLarge) || errors.Is(err, topic.ErrInvalidMessage) {
		return nil, fail(400, "InvalidParameter", "Invalid parameter: "+err.Error())
	}
	if err != nil {
		return nil, err
	}
	result, err := shape(task, map[string]any{"MessageId": ids[0]})
	if err != nil {
		return nil, err
	}
	task.AnswerTx(tx, result)
	if err := tx.Commit(ctx); err != nil {
		return nil, fmt.Errorf("publishing to topic %s: %w", name, err)
	}
	return result, nil
}
