package activity

import (
	"context"
	"errors"
	"fmt"

	"sundog/internal/embedded/engine"
)

// Assignment is a task in the hands of a worker. Without a task the token is empty.
type Assignment struct {
	Token string
	Input []byte // JSON
}

// Schedule lets a task wait for a worker of the activity that its Resource names. It returns engine.ErrSuspended, or a *engine.TaskError when
// there is no such activity.
func (a *Activities) Schedule(_ context.Context, task engine.Task) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	act, err := a.describe(task.Resource)
	if errors.Is(err, ErrNotFound) {
		return &engine.TaskError{
			Name: "States.Runtime", Cause: fmt.Sprintf("The activity %s does not exist: CreateActivity makes one", task.Resource), NotScheduled: true,
		}
	}
	if err != nil {
		return err
	}
	q := a.queue(act.Name)
	q.tokens = append(q.tokens, task.Token)
	close(q.grown)
	q.grown = make(chan struct{})
	return engine.ErrSuspended
}

// queue is called with mu held.
func (a *Activities) queue(name string) *queue {
	q := a.queues[name]
	if q == nil {
		q = &queue{grown: make(chan struct{})}
		a.queues[name] = q
	}
	return q
}

// Poll waits for a task of an activity, PollTime at most, and hands it to a worker, whose name may be empty. Without one the assignment has no
// token.
func (a *Activities) Poll(ctx context.Context, arn, worker string) (Assignment, error) {
	wait, cancel := context.WithTimeout(ctx, PollTime)
	defer cancel()
	for {
		token, grown, err := a.next(arn)
		if err != nil {
			return Assignment{}, err
		}
		if token == "" {
			select {
			case <-grown:
				continue
			case <-wait.Done():
				return Assignment{}, context.Cause(ctx)
			}
		}
		task, err := a.opts.Takers.TakeTask(ctx, token, worker)
		switch {
		case errors.Is(err, engine.ErrTaskOver), errors.Is(err, engine.ErrInvalidTaskToken): // it ended while it waited
			continue
		case err != nil:
			a.putBack(arn, token)
			return Assignment{}, fmt.Errorf("handing out a task of %s: %w", arn, err)
		}
		return Assignment{Token: token, Input: task.Parameters.Bytes()}, nil
	}
}

// next takes the token of the oldest task, or returns what tells of a new one.
func (a *Activities) next(arn string) (token string, grown <-chan struct{}, err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	act, err := a.describe(arn)
	if err != nil {
		return "", nil, err
	}
	q := a.queue(act.Name)
	if len(q.tokens) == 0 {
		return "", q.grown, nil
	}
	token = q.tokens[0]
	q.tokens[0] = ""
	q.tokens = q.tokens[1:]
	return token, nil, nil
}

// putBack returns a task that could not be handed out.
func (a *Activities) putBack(arn, token string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if name, err := a.Name(arn); err == nil {
		q := a.queue(name)
		q.tokens = append([]string{token}, q.tokens...)
	}
}
