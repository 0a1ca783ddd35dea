package topic

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"sundog/internal/topic"
	"sundog/internal/trace"
)

// newFunction calls a function with each message, in the form of an event of SNS (AWS Lambda Developer Guide, "Using Lambda with
// SNS"). It is not signed: it does not cross a network.
func newFunction(s *subscription) (target, error) {
	functions := s.topics.opts.Functions
	if functions == nil {
		return nil, errors.New("there are no functions here")
	}
	return &attempts{s, trace.Producer, func(ctx context.Context, m topic.Message, _ int) error {
		event, err := s.snsEvent(m)
		if err != nil {
			return err
		}
		if err := functions.Invoke(ctx, s.Function, event); err != nil {
			return fmt.Errorf("function %s: %w", s.Function, err)
		}
		return nil
	}}, nil
}

type snsEvent struct {
	Records []snsRecord `json:"Records"`
}

type snsRecord struct {
	EventVersion         string     `json:"EventVersion"`
	EventSubscriptionARN string     `json:"EventSubscriptionArn"`
	EventSource          string     `json:"EventSource"`
	SNS                  snsMessage `json:"Sns"`
}

type snsMessage struct {
	Type              string                     `json:"Type"`
	MessageID         string                     `json:"MessageId"`
	TopicARN          string                     `json:"TopicArn"`
	Subject           *string                    `json:"Subject"`
	Message           string                     `json:"Message"`
	Timestamp         string                     `json:"Timestamp"`
	MessageAttributes map[string]topic.Attribute `json:"MessageAttributes"`
}

func (s *subscription) snsEvent(m topic.Message) ([]byte, error) {
	arn := fmt.Sprintf("arn:aws:sns:%s:%s:%s", s.topics.opts.Region, s.topics.opts.Account, m.Topic)
	var subject *string
	if m.Subject != "" {
		subject = &m.Subject
	}
	event, err := json.Marshal(snsEvent{Records: []snsRecord{{
		EventVersion: "1.0", EventSubscriptionARN: arn + ":" + s.Name, EventSource: "aws:sns",
		SNS: snsMessage{
			Type: "Notification", MessageID: m.ID, TopicARN: arn, Subject: subject, Message: string(m.Body),
			Timestamp: m.Time.UTC().Format("2006-01-02T15:04:05.000Z"), MessageAttributes: m.Attributes,
		},
	}}})
	if err != nil {
		return nil, fmt.Errorf("making the event of message %s: %w", m.ID, err)
	}
	return event, nil
}
