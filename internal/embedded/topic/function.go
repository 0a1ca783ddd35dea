package topic

import (
	"context"
	"encoding/json"
	"fmt"

	"sundog/internal/queue"
	"sundog/internal/topic"
)

// function calls a function with the event in which SNS calls a Lambda function ("Invoking Lambda functions with Amazon SNS
// notifications", AWS Lambda Developer Guide). Nothing is signed: the event does not cross a network.
type function struct{ s *subscription }

type snsEvent struct {
	Records []snsRecord `json:"Records"`
}

type snsRecord struct {
	EventVersion         string          `json:"EventVersion"`
	EventSubscriptionARN string          `json:"EventSubscriptionArn"`
	EventSource          string          `json:"EventSource"`
	SNS                  snsNotification `json:"Sns"`
}

type snsNotification struct {
	Type              string                     `json:"Type"`
	MessageID         string                     `json:"MessageId"`
	TopicARN          string                     `json:"TopicArn"`
	Subject           *string                    `json:"Subject"`
	Message           string                     `json:"Message"`
	Timestamp         string                     `json:"Timestamp"`
	SignatureVersion  string                     `json:"SignatureVersion"`
	Signature         string                     `json:"Signature"`
	SigningCertURL    string                     `json:"SigningCertUrl"`
	UnsubscribeURL    string                     `json:"UnsubscribeUrl"`
	MessageAttributes map[string]topic.Attribute `json:"MessageAttributes"`
}

func (f *function) send(ctx context.Context, q queue.Message) error {
	m := unpack(q)
	if m.Attributes == nil {
		m.Attributes = map[string]topic.Attribute{}
	}
	opts := f.s.topics.opts
	arn := fmt.Sprintf("arn:aws:sns:%s:%s:%s", opts.Region, opts.Account, m.Topic)
	event, err := json.Marshal(snsEvent{Records: []snsRecord{{
		EventVersion:         "1.0",
		EventSubscriptionARN: arn + ":" + f.s.Name,
		EventSource:          "aws:sns",
		SNS: snsNotification{
			Type:              "Notification",
			MessageID:         m.ID,
			TopicARN:          arn,
			Message:           string(m.Body),
			Timestamp:         m.Time.UTC().Format("2006-01-02T15:04:05.000Z"),
			SignatureVersion:  "1",
			MessageAttributes: m.Attributes,
		},
	}}})
	if err != nil {
		return fmt.Errorf("writing the event: %w", err)
	}
	if err := opts.Functions.Invoke(ctx, f.s.Function, event); err != nil {
		return fmt.Errorf("function %s: %w", f.s.Function, err)
	}
	return nil
}
