package integration

import (
	"context"
	"encoding/json"
	"errors"
	"strings"

	"sundog/asl"
	"sundog/internal/embedded/engine"
	"sundog/internal/embedded/store"
	"sundog/internal/topic"
)

// publishAnswer is the length in bytes of an answer of Publish without its two ids.
const publishAnswer = 222

var sns = service{prefix: "SNS", name: "AmazonSNS", sdk: "Sns"}

// publishParameters are those of Publish (SNS API Reference).
type publishParameters struct {
	TopicArn, TargetArn, PhoneNumber string
	Message                          json.RawMessage
	Subject                          string
	MessageStructure                 string
	MessageAttributes                map[string]messageAttribute
	MessageGroupID                   string `json:"MessageGroupId"`
}

// publish is sns:publish, to a topic of the platform.
func (r *Runner) publish(ctx context.Context, task engine.Task) (*asl.Document, error) {
	var p publishParameters
	if err := parameters(task, &p); err != nil {
		return nil, err
	}
	draft, reason := p.draft()
	if reason != "" {
		return nil, invalidPublication(task, reason)
	}
	name := lastPart(p.TopicArn + p.TargetArn)
	if strings.HasSuffix(name, ".fifo") && p.MessageGroupID == "" {
		return nil, invalidPublication(task, "The MessageGroupId parameter is required for FIFO topics")
	}
	if !r.Topics.Known(name) {
		return nil, sns.fail(task, fault{exception: "NotFoundException", code: "NotFound", status: 404, message: "Topic does not exist"})
	}
	return r.once(ctx, task, func(tx *store.Tx) (*asl.Document, error) {
		ids, err := r.Topics.PublishTx(tx, name, draft)
		switch {
		case errors.Is(err, topic.ErrTooLarge):
			return nil, invalidPublication(task, "Message too long")
		case errors.Is(err, topic.ErrInvalidMessage):
			return nil, invalidPublication(task, err.Error())
		case err != nil:
			return nil, err
		}
		inXML := func(task engine.Task, members map[string]any) (*asl.Document, error) {
			return answerAs(task, textXML, publishAnswer+len(ids[0])+len(derivedID(task, "request")), members)
		}
		return shape(task, inXML, map[string]any{"MessageId": ids[0]})
	})
}

// draft is the message that the parameters ask for, or the reason for which they are refused.
func (p *publishParameters) draft() (d topic.Draft, reason string) {
	text := messageText(p.Message)
	switch {
	case p.PhoneNumber != "":
		return d, "PhoneNumber: this server sends no text messages; publish to a topic"
	case (p.TopicArn == "") == (p.TargetArn == ""):
		return d, "TopicArn or TargetArn Reason: exactly one of them is needed"
	case text == "":
		return d, "Empty message"
	case !topic.ValidSubject(p.Subject):
		return d, "Subject"
	case p.MessageStructure != "" && p.MessageStructure != "json":
		return d, "MessageStructure"
	}
	if p.MessageStructure == "json" {
		var texts map[string]json.RawMessage
		if json.Unmarshal([]byte(text), &texts) != nil {
			return d, "Message Structure - JSON message body failed to parse"
		}
		if json.Unmarshal(texts["default"], &text) != nil {
			return d, "Message Structure - No default entry in JSON message body"
		}
	}
	return topic.Draft{Subject: p.Subject, Body: []byte(text), Attributes: attributes(p.MessageAttributes)}, ""
}

func invalidPublication(task engine.Task, reason string) error {
	return sns.fail(task, fault{exception: "InvalidParameterException", code: "InvalidParameter", status: 400, message: "Invalid parameter: " + reason})
}
