package lambda

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strconv"

	"github.com/aws/aws-lambda-go/events"

	"sundog/internal/aws/taskstream"
	"sundog/internal/pipeline"
	"sundog/internal/problem"
	"sundog/internal/queue"
	"sundog/internal/schedule"
)

// Enqueuer moves schedules that are due soon into the queue in which they wait: aws/schedule.Schedules.
type Enqueuer interface {
	Enqueue(ctx context.Context) (moved int, err error)
}

// Enqueue is the handler schedule-enqueue. It is answered with the number of schedules that were moved. What the event says does not matter; one
// with records was sent here by mistake.
func Enqueue(s Enqueuer) Func {
	return func(ctx context.Context, event []byte) ([]byte, error) {
		var e struct{ Records []json.RawMessage }
		if err := json.Unmarshal(event, &e); err != nil || e.Records != nil {
			return nil, unexpected("schedule-enqueue takes the event of a timer, not records of a queue, topic or stream")
		}
		n, err := s.Enqueue(ctx)
		if err != nil {
			return nil, err
		}
		return []byte(strconv.Itoa(n)), nil
	}
}

// Dispatcher publishes schedules that are due: aws/schedule.Schedules.
type Dispatcher interface {
	// Dispatch returns an error for each message, nil for one that is done.
	Dispatch(ctx context.Context, messages []queue.Message) []error
}

// Dispatch is the handler schedule-dispatch.
func Dispatch(s Dispatcher, b Batches) Func {
	return func(ctx context.Context, event []byte) ([]byte, error) {
		e := queueEvent(event)
		if e == nil {
			return nil, unexpected("schedule-dispatch takes an event of SQS")
		}
		messages := messagesOf(e)
		return b.settle(ctx, e, messages, DispatchOutcomes(s)(ctx, messages))
	}
}

// DispatchOutcomes makes of a Dispatcher what a pipeline.Consumer calls. A message that is no schedule can never be published.
func DispatchOutcomes(s Dispatcher) func(ctx context.Context, messages []queue.Message) []pipeline.Outcome {
	return func(ctx context.Context, messages []queue.Message) []pipeline.Outcome {
		outcomes := make([]pipeline.Outcome, len(messages))
		for i, err := range s.Dispatch(ctx, messages) {
			switch {
			case errors.Is(err, schedule.ErrInvalid):
				outcomes[i] = pipeline.Outcome{Verdict: pipeline.DeadLetter, Err: err}
			case err != nil:
				outcomes[i] = pipeline.Outcome{Verdict: pipeline.Retry, Err: err, After: pipeline.Backoff(messages[i].ReceiveCount)}
			}
		}
		return outcomes
	}
}

// Actor carries actions of schedules out: aws/schedule.Actions.
type Actor interface {
	Carry(ctx context.Context, t schedule.ActionType, message []byte) error
}

// sourceTopic is what the records of an SNS event name as their source.
const sourceTopic = "aws:sns"

// Act is the handler of an action. It takes an event of SNS ("Invoking Lambda functions with Amazon SNS notifications", AWS Lambda Developer
// Guide). When an action fails, so does the event, and Lambda tries it again.
func Act(a Actor, t schedule.ActionType) Func {
	return func(ctx context.Context, event []byte) ([]byte, error) {
		var e events.SNSEvent
		if err := json.Unmarshal(event, &e); err != nil || len(e.Records) == 0 {
			return nil, unexpected("the action %s takes an event of SNS", t)
		}
		var failed []error
		for _, r := range e.Records {
			if r.EventSource != sourceTopic {
				return nil, unexpected("the action %s takes an event of SNS; the source of this one is %q", t, r.EventSource)
			}
			failed = append(failed, a.Carry(ctx, t, []byte(r.SNS.Message)))
		}
		return nil, errors.Join(failed...)
	}
}

// Streamer starts workflows by the records of a stream: aws/taskstream.Stream.
type Streamer interface {
	// Handle returns the records that failed; an error of kind problem.Invalid when the event is not one of a stream.
	Handle(ctx context.Context, event []byte) ([]taskstream.Failure, error)
}

// TaskStream is the handler task-stream. Partial says that the event source mapping has ReportBatchItemFailures; else an event of which a record
// failed fails as a whole and comes again, and executions that were started are not started twice.
func TaskStream(s Streamer, partial bool, logger *slog.Logger) Func {
	return func(ctx context.Context, event []byte) ([]byte, error) {
		failures, err := s.Handle(ctx, event)
		if problem.Is(err, problem.Invalid) {
			return nil, &eventError{err.Error(), err}
		}
		if err != nil {
			return nil, err
		}
		response := events.DynamoDBEventResponse{BatchItemFailures: []events.DynamoDBBatchItemFailure{}}
		var reasons []error
		for _, f := range failures {
			logger.Warn("record of the stream not handled, it comes again", "sequence", f.Sequence, "error", f.Err)
			response.BatchItemFailures = append(response.BatchItemFailures, events.DynamoDBBatchItemFailure{ItemIdentifier: f.Sequence})
			reasons = append(reasons, f.Err)
		}
		if len(reasons) > 0 && !partial {
			return nil, fmt.Errorf("%d records of the stream were not handled: %w", len(reasons), errors.Join(reasons...))
		}
		return json.Marshal(response)
	}
}
