package lambda

import (
	"context"
	"encoding/json"

	"github.com/aws/aws-lambda-go/events"

	"sundog/internal/pipeline"
	"sundog/internal/queue"
)

// Updater applies the ends of executions: pipeline.Updater.
type Updater interface {
	HandleMessages(ctx context.Context, messages []queue.Message) []pipeline.Outcome
}

// UpdateState is the handler update-state. It takes the event "Step Functions Execution Status Change" of EventBridge, or a batch of messages
// of SQS that carry it. One that came from EventBridge itself and can never be applied goes to the dead letters where there are some; else it
// fails, and Lambda's on-failure destination has it once its retries are used up.
func UpdateState(u Updater, b Batches) Func {
	return func(ctx context.Context, event []byte) ([]byte, error) {
		if e := queueEvent(event); e != nil {
			messages := messagesOf(e)
			return b.settle(ctx, e, messages, u.HandleMessages(ctx, messages))
		}
		var e events.EventBridgeEvent
		if err := json.Unmarshal(event, &e); err != nil || e.Source != "aws.states" {
			return nil, unexpected(`update-state takes the event "Step Functions Execution Status Change" of EventBridge, or an event of SQS whose messages carry it; the source of this one is %q`, e.Source)
		}
		m := queue.Message{ID: e.ID, Body: event, ReceiveCount: 1}
		o := u.HandleMessages(ctx, []queue.Message{m})[0]
		if o.Verdict == pipeline.Done || o.Verdict == pipeline.DeadLetter && b.bury(context.WithoutCancel(ctx), &m, o.Err) {
			return nil, nil
		}
		return nil, o.Err
	}
}
