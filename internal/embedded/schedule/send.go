package schedule

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

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
		return s.enqueueTx(ctx, tx, a.Queue.Queue, queue.Draft{Body: []byte(d.attempt().Body()), Attributes: d.attempt().Attributes(a.Queue.Attributes)})
	case a.Payload != nil:
		return s.enqueueTx(ctx, tx, s.opts.ProcessQueue, queue.Draft{Body: a.Payload.Payload, Lane: a.Payload.Lane, Attributes: d.attempt().Attributes(nil)})
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
	_, err = s.opts.Topics.PublishTx(tx, name, topic.Draft{Body: body, Attributes: d.attempt().Attributes(nil)})
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
