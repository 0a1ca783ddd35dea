package lambda

import (
	"context"
	"slices"
	"strings"
	"time"

	"sundog/internal/aws"
	"sundog/internal/aws/config"
	"sundog/internal/aws/worker"
	"sundog/internal/pipeline"
	"sundog/internal/problem"
	"sundog/internal/queue"
)

// enqueueEvery is the interval of schedule-enqueue: schedules go into their queue up to 14 minutes ahead.
const enqueueEvery = time.Minute

// patience is how many times longer a worker may take than a function: less than the six of a queue's visibility timeout, after which somebody else
// has the messages.
const patience = 5

// Workable returns the handlers with these names, each of which a worker can be. The error is of kind problem.Invalid.
func Workable(names []string) ([]Handler, error) {
	var workable []Handler
	var known []string
	for _, h := range Handlers() {
		if h.Polled != "" || slices.Contains(h.Sources, Timer) {
			workable, known = append(workable, h), append(known, h.Name)
		}
	}
	var found []Handler
	for _, name := range names {
		i := slices.Index(known, name)
		if i < 0 || slices.ContainsFunc(found, func(h Handler) bool { return h.Name == name }) {
			return nil, problem.New(problem.Invalid, "a worker cannot have the role %q", name).
				WithHint("each of these once: %s; other functions answer callers, so they need Lambda", strings.Join(known, ", "))
		}
		found = append(found, workable[i])
	}
	return found, nil
}

// AddWork adds what a handler does to what a worker does.
func AddWork(to *worker.Options, h Handler, p *aws.Platform) error {
	e := p.Environment()
	role := worker.Role{Name: h.Name, Timeout: patience * h.Timeout}
	switch h.Name {
	case "process":
		processor, err := p.Processor()
		if err != nil {
			return err
		}
		role.Queue, role.Handle = p.Queue(e.ProcessQueueURL), processor.Handle
	case "update-state":
		updater, err := p.Updater()
		if err != nil {
			return err
		}
		role.Queue, role.Handle = p.Queue(e.UpdateQueueURL), updater.HandleMessages
	case "schedule-dispatch":
		role.Queue, role.Handle = p.Queue(e.ScheduleQueueURL), DispatchOutcomes(p.Schedules())
	case "schedule-enqueue":
		s := p.Schedules()
		to.Timed = append(to.Timed, worker.Timed{Name: h.Name, Every: enqueueEvery, Do: func(ctx context.Context) error {
			_, err := s.Enqueue(ctx)
			return config.Explain(err)
		}})
		return nil
	}
	role.Queue, role.Handle = plainQueue{role.Queue}, explained(role.Handle)
	to.Roles = append(to.Roles, role)
	return nil
}

// explained tells errors of AWS's services in plain words.
func explained(handle func(context.Context, []queue.Message) []pipeline.Outcome) func(context.Context, []queue.Message) []pipeline.Outcome {
	return func(ctx context.Context, messages []queue.Message) []pipeline.Outcome {
		outcomes := handle(ctx, messages)
		for i := range outcomes {
			outcomes[i].Err = config.Explain(outcomes[i].Err)
		}
		return outcomes
	}
}

// plainQueue tells in plain words why nothing can be received.
type plainQueue struct{ pipeline.Queue }

// Receive is that of the queue.
func (q plainQueue) Receive(ctx context.Context, req queue.Request) ([]queue.Message, error) {
	messages, err := q.Queue.Receive(ctx, req)
	return messages, config.Explain(err)
}
