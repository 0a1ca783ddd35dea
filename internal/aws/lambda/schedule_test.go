package lambda_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"sundog/internal/aws/lambda"
	"sundog/internal/aws/taskstream"
	"sundog/internal/pipeline"
	"sundog/internal/problem"
	"sundog/internal/queue"
	"sundog/internal/schedule"
)

// schedules play what the handlers of schedules and streams call. A message with the text "fail" fails.
type schedules struct{ carried []string }

func (s *schedules) Enqueue(context.Context) (int, error) { return 3, nil }

func (s *schedules) Dispatch(_ context.Context, messages []queue.Message) []error {
	errs := make([]error, len(messages))
	for i, m := range messages {
		if string(m.Body) == "fail" {
			errs[i] = errors.New("the topic is not there")
		}
		if string(m.Body) == "junk" {
			errs[i] = fmt.Errorf("%w: no schedule", schedule.ErrInvalid)
		}
	}
	return errs
}

func (s *schedules) Carry(_ context.Context, t schedule.ActionType, message []byte) error {
	s.carried = append(s.carried, string(t)+" "+string(message))
	if string(message) == "fail" {
		return errors.New("status 500")
	}
	return nil
}

func (s *schedules) Handle(_ context.Context, event []byte) ([]taskstream.Failure, error) {
	switch {
	case !strings.Contains(string(event), "dynamodb"):
		return nil, problem.New(problem.Invalid, "no event of a stream").WithHint("map one")
	case strings.Contains(string(event), "TASK#fail"):
		return []taskstream.Failure{{Sequence: "4421584500000000017450439091", Err: errors.New("throttled")}}, nil
	}
	return nil, nil
}

// TestDispatchOutcomes: what cannot be published now waits longer each time, so that an outage does not use its receptions up; what never can is a
// dead letter.
func TestDispatchOutcomes(t *testing.T) {
	outcomes := lambda.DispatchOutcomes(&schedules{})(t.Context(), []queue.Message{
		{Body: []byte("ok"), ReceiveCount: 1}, {Body: []byte("fail"), ReceiveCount: 1}, {Body: []byte("fail"), ReceiveCount: 4}, {Body: []byte("junk"), ReceiveCount: 1},
	})
	for i, want := range []pipeline.Outcome{
		{}, {Verdict: pipeline.Retry, After: time.Second}, {Verdict: pipeline.Retry, After: 8 * time.Second}, {Verdict: pipeline.DeadLetter},
	} {
		if got := outcomes[i]; got.Verdict != want.Verdict || got.After != want.After || (got.Err != nil) != (want.Verdict != pipeline.Done) {
			t.Errorf("message %d: %+v, want %+v", i, got, want)
		}
	}
}

func TestHandlersOfSchedulesAndStreams(t *testing.T) {
	s := &schedules{}
	enqueue, act := lambda.Enqueue(s), lambda.Act(s, schedule.HTTPAction)
	dispatch, whole := lambda.Dispatch(s, lambda.Batches{Partial: true}), lambda.TaskStream(s, false, slog.New(slog.DiscardHandler))
	stream := lambda.TaskStream(s, true, slog.New(slog.DiscardHandler))
	timer, topic, sqs, change := eventOf(t, "timer"), eventOf(t, "sns", `BODY="{}"`), eventOf(t, "sqs", `BODY="a"`), eventOf(t, "stream")
	failing := []byte(strings.ReplaceAll(string(change), "TASK#100", "TASK#fail"))
	const failure = `{"batchItemFailures":[{"itemIdentifier":"4421584500000000017450439091"}]}`
	for _, c := range []struct {
		name  string
		f     lambda.Func
		event []byte
		want  string
		err   string
	}{
		{"enqueue by a timer", enqueue, timer, "3", ""},
		{"enqueue by hand", enqueue, []byte(`{}`), "3", ""},
		{"enqueue by a queue", enqueue, sqs, "", "not records of a queue"},
		{"act", act, topic, "", ""},
		{"act and fail", act, eventOf(t, "sns", `BODY="fail"`), "", "status 500"},
		{"act by a queue", act, sqs, "", `the source of this one is "aws:sqs"`},
		{"act by a timer", act, timer, "", "takes an event of SNS"},
		{"dispatch", dispatch, sqs, `{"batchItemFailures":[]}`, ""},
		{"dispatch and fail", dispatch, batchOf(t, "fail", "a"), `{"batchItemFailures":[{"itemIdentifier":"m0"}]}`, ""},
		{"dispatch by a topic", dispatch, topic, "", "takes an event of SQS"},
		{"stream", stream, change, `{"batchItemFailures":[]}`, ""},
		{"stream and fail", stream, failing, failure, ""},
		{"stream and fail, whole batches", whole, failing, "", "1 records of the stream were not handled: throttled"},
		{"stream of a queue", stream, sqs, "", "no event of a stream"},
	} {
		answer, err := c.f(t.Context(), c.event)
		if string(answer) != c.want || (err == nil) != (c.err == "") || err != nil && !strings.Contains(err.Error(), c.err) {
			t.Errorf("%s: %s, %v", c.name, answer, err)
		}
	}
	_, err := stream(t.Context(), sqs)
	typed, ok := errors.AsType[interface {
		error
		ErrorType() string
	}](err)
	if !ok || typed.ErrorType() != "InvalidEvent" || problem.HintOf(err) != "map one" {
		t.Errorf("an event of another shape: %v, hint %q", err, problem.HintOf(err))
	}
	if len(s.carried) != 2 || s.carried[0] != "http-request {}" {
		t.Errorf("carried out: %v", s.carried)
	}
}
