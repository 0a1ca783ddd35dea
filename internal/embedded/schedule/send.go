package schedule

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"sundog/internal/embedded/store"
	"sundog/internal/queue"
	"sundog/internal/schedule"
	"sundog/internal/topic"
)

// refusal is a failure of a send that is the message's or the target's, not the store's.
type refusal struct{ err error }

func (r *refusal) Error() string { return r.err.Error() }
func (r *refusal) Unwrap() error { return r.err }

// sendTx carries out an action that is a write.
func (s *Schedules) sendTx(ctx context.Context, tx *store.Tx, d delivery) error {
	switch a := d.Schedule.Action; {
	case a.Queue != nil:
		body := a.Queue.Body
		if body == "" {
			body = d.Schedule.Context.Payload
		}
		return s.enqueueTx(ctx, tx, a.Queue.Queue, queue.Draft{Body: []byte(body), Attributes: d.attributes(a.Queue.Attributes)})
	case a.Payload != nil:
		return s.enqueueTx(ctx, tx, s.opts.ProcessQueue, queue.Draft{Body: a.Payload.Payload, Lane: a.Payload.Lane, Attributes: d.attributes(nil)})
	case a.Custom != nil:
		return s.publishTx(tx, d)
	}
	return &refusal{fmt.Errorf("there is no action of type %q", d.Schedule.Action.Type)}
}

func (s *Schedules) enqueueTx(ctx context.Context, tx *store.Tx, name string, draft queue.Draft) error {
	q, err := s.opts.Queues.Queue(ctx, name)
	if errors.Is(err, queue.ErrNoQueue) {
		return &refusal{err}
	}
	if err != nil {
		return err
	}
	_, err = q.SendTx(tx, draft)
	if errors.Is(err, queue.ErrTooLarge) || errors.Is(err, queue.ErrInvalidMessage) || errors.Is(err, queue.ErrUnknownLane) {
		return &refusal{err}
	}
	return err
}

func (s *Schedules) publishTx(tx *store.Tx, d delivery) error {
	name := topicName(d.Schedule.Action.Custom.Topic)
	if !s.opts.Topics.Known(name) {
		return &refusal{fmt.Errorf("there is no topic %q", name)}
	}
	body, err := s.firing(d)
	if err != nil {
		return err
	}
	_, err = s.opts.Topics.PublishTx(tx, name, topic.Draft{Body: body, Attributes: d.attributes(nil)})
	if errors.Is(err, topic.ErrTooLarge) || errors.Is(err, topic.ErrInvalidMessage) {
		return &refusal{err}
	}
	return err
}

// firing is the message of a custom action.
func (s *Schedules) firing(d delivery) ([]byte, error) {
	custom := d.Schedule.Action.Custom
	name := custom.Topic
	if !strings.HasPrefix(name, "arn:") {
		name = fmt.Sprintf("arn:aws:sns:%s:%s:%s", s.opts.Region, s.opts.Account, name)
	}
	body, err := json.Marshal(schedule.Firing{
		ScheduleID: d.Schedule.ID, PointInTime: d.Point.Unix(), APIKey: d.Schedule.Owner, TopicARN: name,
		ActionConfig: custom.Config, Context: d.Schedule.Context.Firing(),
	})
	if err != nil {
		return nil, fmt.Errorf("writing the message of schedule %s: %w", d.Schedule.ID, err)
	}
	return body, nil
}

// topicName is the name of a topic that is given by name or ARN.
func topicName(nameOrARN string) string {
	return nameOrARN[strings.LastIndexByte(nameOrARN, ':')+1:]
}

// marks are the headers that tell deliveries apart.
func (d delivery) marks() []schedule.Header {
	return []schedule.Header{
		{Name: schedule.HeaderID, Value: d.Schedule.ID},
		{Name: schedule.HeaderAttempt, Value: strconv.Itoa(d.Attempt)},
		{Name: schedule.HeaderFor, Value: d.Point.UTC().Format(time.RFC3339Nano)},
	}
}

// attributes are those of a message: the marks, and others, which cannot take their names. A message to a topic has only the marks: what goes with
// it is in its body.
func (d delivery) attributes(others []schedule.Header) map[string]queue.Attribute {
	all := make(map[string]queue.Attribute, len(others)+3)
	for _, h := range append(others[:len(others):len(others)], d.marks()...) {
		all[h.Name] = queue.Attribute{Type: "String", Value: h.Value}
	}
	return all
}

// functionEvent is what a function is called with.
func (d delivery) functionEvent() ([]byte, error) {
	if event := d.Schedule.Action.Lambda.Event; len(event) > 0 {
		return event, nil
	}
	text := []byte(d.Schedule.Context.Payload)
	if len(bytes.TrimSpace(text)) == 0 {
		return []byte("null"), nil
	}
	if json.Valid(text) {
		return text, nil
	}
	return json.Marshal(d.Schedule.Context.Payload)
}

// clientContext tells a function which delivery it is, and has the headers of the schedule's context (Lambda API Reference, Invoke).
func (d delivery) clientContext() ([]byte, error) {
	custom := map[string]string{}
	for _, h := range append(d.Schedule.Context.Headers[:len(d.Schedule.Context.Headers):len(d.Schedule.Context.Headers)], d.marks()...) {
		custom[h.Name] = h.Value
	}
	return json.Marshal(map[string]any{"custom": custom})
}
