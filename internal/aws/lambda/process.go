package lambda

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"

	"sundog/internal/pipeline"
	"sundog/internal/queue"
)

// Processor starts the executions of payloads: pipeline.Processor.
type Processor interface {
	Handle(ctx context.Context, messages []queue.Message) []pipeline.Outcome
	HandleEvent(ctx context.Context, event []byte, lane string) []pipeline.Outcome
}

// Process is the handler process. An event of SQS is a batch of messages; any other is one or more payloads or references in one of the
// envelopes of payload.Extract, an event of SNS among them. That one is answered with the number of executions that were started, and fails
// when one of its payloads did: whoever sent it may send it again.
func Process(p Processor, b Batches) Func {
	return func(ctx context.Context, event []byte) ([]byte, error) {
		if e := queueEvent(event); e != nil {
			messages := messagesOf(e)
			return b.settle(ctx, e, messages, p.Handle(ctx, messages))
		}
		if !json.Valid(event) {
			return nil, unexpected("process takes JSON: a payload, a reference to one, or an event of SQS or SNS")
		}
		outcomes := p.HandleEvent(ctx, event, "")
		started := 0
		var reasons []error
		for _, o := range outcomes {
			started += o.Started
			if o.Verdict != pipeline.Done {
				reasons = append(reasons, o.Err)
			}
		}
		if len(reasons) > 0 {
			return nil, fmt.Errorf("%d of %d payloads were not processed: %w", len(reasons), len(outcomes), errors.Join(reasons...))
		}
		return []byte(strconv.Itoa(started)), nil
	}
}
