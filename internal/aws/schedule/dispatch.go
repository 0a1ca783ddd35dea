package schedule

import (
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"

	"sundog/internal/delayerapi"
	"sundog/internal/queue"
	"sundog/internal/schedule"
	"sundog/internal/topic"
)

const reads = 10 // records that are read at a time

// Dispatch publishes schedules whose messages have become visible in the queue. It returns an error for each message, in their order: nil when
// there is nothing left to do about it. Messages that come to nothing, since their schedule was cancelled, changed or is in another message,
// are done. Body and attributes of a message are looked at.
func (s *Schedules) Dispatch(ctx context.Context, messages []queue.Message) []error {
	failures := make([]error, len(messages))
	decided := make([]*firing, len(messages)) // nil: nothing is published
	var g errgroup.Group
	g.SetLimit(reads)
	for i, m := range messages {
		g.Go(func() error {
			decided[i], failures[i] = s.decide(ctx, m)
			return nil
		})
	}
	_ = g.Wait()
	byTopic := map[string][]int{}
	var events []schedule.Event
	for i, f := range decided {
		if f != nil {
			byTopic[f.Firing.TopicARN] = append(byTopic[f.Firing.TopicARN], i)
			events = append(events, f.event(schedule.EventFired))
		}
	}
	told := s.tell(ctx, events...)
	for arn, which := range byTopic {
		if told != nil {
			for _, i := range which {
				failures[i] = told
			}
			continue
		}
		s.publish(ctx, arn, which, decided, failures)
	}
	return failures
}

// publish publishes those of the records that go to one topic.
func (s *Schedules) publish(ctx context.Context, arn string, which []int, decided []*firing, failures []error) {
	drafts := make([]topic.Draft, len(which))
	for n, i := range which {
		attempt := schedule.Delivery{ID: decided[i].Firing.ScheduleID, Point: decided[i].point()}
		drafts[n] = topic.Draft{Body: decided[i].body, Attributes: attempt.Attributes(nil)}
	}
	ids, err := s.opts.Topics(arn).Publish(ctx, drafts...)
	for n, i := range which {
		if err != nil && (n >= len(ids) || ids[n] == "") {
			failures[i] = fmt.Errorf("publishing schedule %s on %s: %w", decided[i].Firing.ScheduleID, arn, err)
			told := decided[i].event(schedule.EventFailed)
			told.Error = reason(failures[i])
			s.mention(ctx, told)
		}
	}
}

// A firing is what is published.
type firing struct {
	record
	body []byte
}

// decide says what is to be published for a message, or nil.
func (s *Schedules) decide(ctx context.Context, m queue.Message) (*firing, error) {
	r, err := s.fired(ctx, m)
	if r == nil || err != nil {
		return nil, err
	}
	body, err := r.body()
	if err != nil {
		return nil, err
	}
	return &firing{*r, body}, nil
}

// fired is the record that a message makes fire, or nil.
func (s *Schedules) fired(ctx context.Context, m queue.Message) (*record, error) {
	read, err := delayerapi.ReadFiring(m.Body)
	if err == nil && read.TopicARN == "" {
		err = fmt.Errorf("%w: it has no topicArn", schedule.ErrInvalid)
	}
	if err != nil {
		return nil, fmt.Errorf("message %s in the queue of schedules: %w", m.ID, err)
	}
	fired := record{Firing: read, Action: schedule.ActionType(m.Attributes[attributeAction].Value)}
	if fired.Action == "" {
		fired.Action = schedule.CustomAction
	}
	ticket := m.Attributes[attributeTicket].Value
	now := s.opts.Now()
	if now.Before(fired.point()) { // SQS and we have two clocks
		return nil, s.again(ctx, &fired, ticket, now)
	}
	for {
		current, found, err := s.store.get(ctx, fired.Firing.ScheduleID, fired.Firing.PointInTime)
		switch {
		case err != nil:
			return nil, err
		case !found && (ticket == "" || now.Sub(fired.point()) >= schedule.Kept):
			// Of delayer-aws itself, or so late that the record has expired.
			return &fired, nil
		case !found, current.Status == cancelled:
			return nil, nil
		case current.Status == schedule.New: // whoever sent the message has not come to say so
			if err := s.store.process(ctx, &current, ticket); errors.Is(err, errChanged) {
				continue
			} else if err != nil {
				return nil, err
			}
			return &current, nil
		case current.Ticket == ticket:
			return &current, nil
		}
		return nil, nil // another message has it
	}
}

// again sends a message that came early once more.
func (s *Schedules) again(ctx context.Context, r *record, ticket string, now time.Time) error {
	draft, err := r.draft(ticket, now)
	if err == nil {
		_, err = s.opts.Queue.Send(ctx, draft)
	}
	if err != nil {
		return fmt.Errorf("sending schedule %s, which is not due, again: %w", r.Firing.ScheduleID, err)
	}
	return nil
}
