package schedule

import (
	"context"
	"encoding/base64"
	"fmt"
	"strings"
	"time"

	"sundog/internal/access"
	"sundog/internal/aws/bulk"
	"sundog/internal/delayerapi"
	"sundog/internal/schedule"
)

const (
	maxMessage = 256 << 10 // bytes of a message with its attributes, which is what every queue and topic takes
	maxClient  = 3583      // bytes of a client context in base64 (Lambda API Reference, Invoke)
)

// Create makes a schedule and returns it once it is in the table. One whose time is near goes into the queue at once. Errors wrap
// schedule.ErrInvalid, or are AWS's.
func (s *Schedules) Create(ctx context.Context, req delayerapi.Request) (schedule.Schedule, error) {
	fail := func(err error) (schedule.Schedule, error) {
		return schedule.Schedule{}, fmt.Errorf("making a schedule: %w", err)
	}
	now := s.opts.Now().UTC()
	made, err := schedule.Make(newID(), access.Actor(ctx), req.Draft, now)
	if err != nil {
		return fail(err)
	}
	r, err := s.admit(made)
	if err != nil {
		return fail(err)
	}
	if err := s.store.put(ctx, &r); err != nil {
		return fail(err)
	}
	told := r.event(schedule.EventCreated)
	told.Actor = made.Owner
	s.mention(ctx, told)
	return s.settle(ctx, made, r)
}

// settle puts a schedule whose time is near into the queue. When that fails the next minute does it.
func (s *Schedules) settle(ctx context.Context, made schedule.Schedule, r record) (schedule.Schedule, error) {
	if !r.near(s.opts.Now()) {
		return made, nil
	}
	moved, err := s.move(ctx, []record{r})
	if err != nil {
		s.opts.Log.WarnContext(ctx, "a schedule waits for the next minute to come into the queue", "schedule", made.ID, "error", err)
	}
	if moved == 1 {
		made.State, made.Next, made.Due = schedule.Processed, time.Time{}, time.Time{}
	}
	return made, nil
}

// near reports whether the schedule's time has come into the delay window.
func (r *record) near(now time.Time) bool { return !r.point().After(now.Add(Window)) }

// admit makes the record of a schedule, unless AWS would not carry it out. The error wraps schedule.ErrInvalid.
func (s *Schedules) admit(made schedule.Schedule) (record, error) {
	if made.Expression != "" || made.FlexibleSeconds != 0 || made.Key != "" {
		return record{}, fmt.Errorf("%w: schedules on AWS have one point in time and no key; what comes again belongs into the project file", schedule.ErrInvalid)
	}
	topic, err := s.topicOf(made.Action)
	if err != nil {
		return record{}, err
	}
	attempt := schedule.Delivery{ID: made.ID, Point: made.At, Action: made.Action, Context: made.Context}
	if a := made.Action.Queue; a != nil {
		if most := bulk.MaxAttributes - len(attempt.Marks()); len(a.Attributes) > most {
			return record{}, schedule.Wrong("action.queue.attributes", fmt.Sprintf("%d entries", len(a.Attributes)), "at most %d: Sundog adds its own", most)
		}
		size, err := bulk.Measure([]byte(attempt.Body()), attempt.Attributes(a.Attributes))
		if err != nil {
			return record{}, fmt.Errorf("%w: SQS would not take the message of the action, which is action.sqsSendConfig.payload or context.payload: %w", schedule.ErrInvalid, err)
		}
		if size > maxMessage {
			return record{}, fmt.Errorf("%w: the message of the action has %d bytes with its attributes; at most %d", schedule.ErrInvalid, size, maxMessage)
		}
	}
	if made.Action.Lambda != nil {
		about, err := attempt.ClientContext()
		if err != nil {
			return record{}, err
		}
		if n := base64.StdEncoding.EncodedLen(len(about)); n > maxClient {
			return record{}, schedule.Wrong("context.headers", fmt.Sprintf("%d bytes", n), "at most %d bytes in base64 go with the call of a function", maxClient)
		}
	}
	r, err := recordOf(made, topic)
	if err != nil {
		return record{}, err
	}
	draft, err := r.draft(newTicket(), s.opts.Now())
	if err != nil {
		return record{}, err
	}
	size, err := bulk.Measure(draft.Body, draft.Attributes)
	if err == nil && size > maxMessage {
		err = schedule.Wrong("context.payload", fmt.Sprintf("%d bytes with the action", size), "at most %d: a schedule is one message", maxMessage)
	}
	return r, err
}

// topicOf is the ARN of the topic on which an action is published when it is due. A custom one that is named without its region and account is in
// those of the others.
func (s *Schedules) topicOf(a schedule.Action) (string, error) {
	if a.Custom == nil {
		arn := s.opts.Actions[a.Type]
		if arn == "" {
			return "", schedule.Wrong("action.type", string(a.Type), "an action that this deployment has a topic for")
		}
		return arn, nil
	}
	if strings.HasPrefix(a.Custom.Topic, "arn:") {
		return a.Custom.Topic, nil
	}
	for _, other := range s.opts.Actions {
		return other[:strings.LastIndexByte(other, ':')+1] + a.Custom.Topic, nil
	}
	return "", schedule.Wrong("action.custom.topic", a.Custom.Topic, "the ARN of a topic")
}
