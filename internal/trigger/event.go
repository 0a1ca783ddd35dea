package trigger

import (
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"sundog/internal/queue"
	"sundog/internal/topic"
)

type topicEvent struct {
	MessageID  string                     `json:"messageId"`
	Topic      string                     `json:"topic"`
	Timestamp  string                     `json:"timestamp"`
	Subject    string                     `json:"subject,omitempty"`
	Attributes map[string]topic.Attribute `json:"messageAttributes"`
	Message    json.RawMessage            `json:"message"`
}

// TopicEvent is a message of a topic as an event: messageId, topic, timestamp, subject, messageAttributes ({"Type", "Value"} by name) and message,
// which is the value of a body that is JSON, and a text otherwise.
func TopicEvent(m topic.Message) (Event, error) {
	attributes := m.Attributes
	if attributes == nil {
		attributes = map[string]topic.Attribute{}
	}
	body, err := encode(topicEvent{
		MessageID: m.ID, Topic: m.Topic, Timestamp: m.Time.UTC().Format("2006-01-02T15:04:05.000Z"), Subject: m.Subject,
		Attributes: attributes, Message: valueOf(m.Body),
	})
	if err != nil {
		return Event{}, fmt.Errorf("making an event of message %s of topic %s: %w", m.ID, m.Topic, err)
	}
	return Event{ID: m.ID, At: m.Time, Body: body}, nil
}

type queueAttribute struct {
	StringValue string `json:"stringValue"`
	DataType    string `json:"dataType"`
}

type queueEvent struct {
	MessageID         string                    `json:"messageId"`
	Body              json.RawMessage           `json:"body"`
	Attributes        map[string]string         `json:"attributes"`
	MessageAttributes map[string]queueAttribute `json:"messageAttributes"`
	EventSource       string                    `json:"eventSource"`
	EventSourceARN    string                    `json:"eventSourceARN"`
	AWSRegion         string                    `json:"awsRegion"`
}

// QueueEvent is a message of a queue as an event: the record that a function gets from SQS (Lambda Developer Guide, "Using Lambda with Amazon SQS")
// without receipt and checksum. As with EventBridge Pipes, a body that is JSON is a value and no text.
func QueueEvent(region, account, name string, m queue.Message) (Event, error) {
	e := queueEvent{
		MessageID: m.ID, Body: valueOf(m.Body), EventSource: "aws:sqs", EventSourceARN: fmt.Sprintf("arn:aws:sqs:%s:%s:%s", region, account, name),
		AWSRegion: region, MessageAttributes: make(map[string]queueAttribute, len(m.Attributes)),
		Attributes: map[string]string{
			"SentTimestamp": strconv.FormatInt(m.SentAt.UnixMilli(), 10), "ApproximateReceiveCount": strconv.Itoa(m.ReceiveCount),
		},
	}
	for name, a := range m.Attributes {
		e.MessageAttributes[name] = queueAttribute{StringValue: a.Value, DataType: a.Type}
	}
	body, err := encode(e)
	if err != nil {
		return Event{}, fmt.Errorf("making an event of message %s of queue %s: %w", m.ID, name, err)
	}
	return Event{ID: m.ID, At: m.SentAt, Body: body}, nil
}

// ScheduleEvent is a point in time as an event: what a scheduled rule of EventBridge sends (EventBridge User Guide, "Scheduled events"). Its id is that
// of the event.
func ScheduleEvent(region, account, trigger, id string, at time.Time) (Event, error) {
	body, err := encode(map[string]any{
		"version": "0", "id": id, "detail-type": "Scheduled Event", "source": "aws.events", "account": account, "region": region,
		"time": at.UTC().Format(time.RFC3339), "resources": []string{fmt.Sprintf("arn:aws:events:%s:%s:rule/%s", region, account, trigger)},
		"detail": map[string]any{},
	})
	if err != nil {
		return Event{}, fmt.Errorf("making an event of %s: %w", at, err)
	}
	return Event{ID: id, At: at, Body: body}, nil
}

// valueOf is a body as a JSON value.
func valueOf(body []byte) json.RawMessage {
	if json.Valid(body) {
		return body
	}
	text, err := encode(string(body))
	if err != nil {
		return json.RawMessage("null") // no text is refused
	}
	return text
}
