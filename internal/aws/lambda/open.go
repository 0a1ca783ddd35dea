package lambda

import (
	"context"
	"fmt"
	"log/slog"

	"sundog/internal/aws"
	"sundog/internal/aws/config"
	"sundog/internal/schedule"
)

// Open makes the function of a handler out of the parts of a deployment. Errors of AWS's services are told in plain words.
func Open(h Handler, p *aws.Platform, logger *slog.Logger) (Func, error) {
	f, err := functionOf(h.Name, p, logger)
	if err != nil {
		return nil, fmt.Errorf("making the handler %s: %w", h.Name, err)
	}
	return func(ctx context.Context, event []byte) ([]byte, error) {
		answer, err := f(ctx, event)
		return answer, config.Explain(err)
	}, nil
}

func functionOf(name string, p *aws.Platform, logger *slog.Logger) (Func, error) {
	e := p.Environment()
	batches := Batches{Partial: e.PartialResponses, Logger: logger, Queue: func(ctx context.Context, arn string) (Deleter, error) { return p.QueueOf(ctx, arn) }}
	if dead := p.DeadLetters(); dead != nil {
		batches.DeadLetters = dead
	}
	switch name {
	case "process":
		processor, err := p.Processor()
		return Process(processor, batches), err
	case "update-state":
		updater, err := p.Updater()
		return UpdateState(updater, batches), err
	case "api":
		return API(p.API(), e.APIBasePath, logger), nil
	case "pre-batch":
		return p.Exchange().Pre, nil
	case "post-batch":
		return p.Exchange().Post, nil
	case "publish":
		return p.Publish(), nil
	case "schedule-post":
		return Web(p.Schedules().Handler(), ""), nil
	case "schedule-enqueue":
		return Enqueue(p.Schedules()), nil
	case "schedule-dispatch":
		return Dispatch(p.Schedules(), batches), nil
	case "schedule-http-request":
		return Act(p.Actions(), schedule.HTTPAction), nil
	case "schedule-sqs-send":
		return Act(p.Actions(), schedule.QueueAction), nil
	case "schedule-lambda-call":
		return Act(p.Actions(), schedule.LambdaAction), nil
	case "task-stream":
		s, err := p.Stream()
		return TaskStream(s, e.PartialResponses, logger), err
	case "task-api":
		return Web(p.Tasks().Handler(), ""), nil
	}
	return nil, fmt.Errorf("it is not part of this program")
}
