package engine

import (
	"context"
	"crypto/subtle"
	"errors"
	"fmt"

	"sundog/asl"
)

// Errors of whoever answers a task by its token (API reference: SendTaskSuccess, SendTaskFailure, SendTaskHeartbeat).
var (
	// ErrInvalidTaskToken: no task of this server has, or had, this token (AWS: InvalidToken).
	ErrInvalidTaskToken = errors.New("invalid task token")
	// ErrTaskOver: the task has ended: it was answered before, timed out, or its execution has ended (AWS: TaskTimedOut).
	ErrTaskOver = errors.New("the task has ended")
	// ErrInvalidOutput: the output is no JSON, or larger than a state may hold (AWS: InvalidOutput).
	ErrInvalidOutput = errors.New("invalid output")
)

// SendTaskSuccess ends the task of a token with an output, a JSON document. It is on disk when SendTaskSuccess returns.
func (e *Engine) SendTaskSuccess(ctx context.Context, token string, output []byte) error {
	doc, err := asl.ParseDocument(output)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrInvalidOutput, err)
	}
	return e.answer(ctx, token, nil, func(id asl.TaskID) asl.Event { return asl.TaskSucceeded{Task: id, Output: doc} })
}

// SendTaskFailure ends the task of a token with an error; name and cause may be empty. It is on disk when SendTaskFailure returns.
func (e *Engine) SendTaskFailure(ctx context.Context, token, name, cause string) error {
	return e.answer(ctx, token, nil, func(id asl.TaskID) asl.Event { return asl.TaskFailed{Task: id, Error: name, Cause: cause} })
}

// SendTaskHeartbeat says that whoever works on the task of a token is alive: its heartbeat time-out begins anew.
func (e *Engine) SendTaskHeartbeat(ctx context.Context, token string) error {
	return e.answer(ctx, token, nil, func(id asl.TaskID) asl.Event { return asl.TaskHeartbeat{Task: id} })
}

// TakeTask hands the task of an activity to a worker, whose name may be empty: the history says so when TakeTask returns. It returns ErrTaskOver
// when the task was handed out before.
func (e *Engine) TakeTask(ctx context.Context, token, worker string) (Task, error) {
	var taken Task
	look := func(in *instance, t asl.Task) error {
		if t.Started {
			return ErrTaskOver
		}
		taken = Task{Task: t, Execution: in.desc}
		return nil
	}
	err := e.answer(ctx, token, look, func(id asl.TaskID) asl.Event { return asl.TaskStarted{Task: id, Worker: worker} })
	if err != nil {
		return Task{}, err // when ctx ended first, taken may be being written
	}
	return taken, nil
}

// answer delivers an event for the task of a token once the token is found to be the task's. Look, which may be nil, sees the task before.
func (e *Engine) answer(ctx context.Context, token string, look func(*instance, asl.Task) error, event func(asl.TaskID) asl.Event) error {
	id, task, ok := asl.ParseToken(token)
	if !ok {
		return ErrInvalidTaskToken
	}
	switch d, err := e.describe(id); {
	case errors.Is(err, ErrNotFound):
		return ErrInvalidTaskToken
	case err != nil:
		return err
	case d.Status != asl.Running:
		return fmt.Errorf("%w: %s is %s", ErrTaskOver, d.ARN, d.Status)
	}
	check := func(in *instance) error {
		t, ok := in.tasks[task]
		switch {
		case !ok:
			return ErrTaskOver
		case subtle.ConstantTimeCompare([]byte(t.Token), []byte(token)) != 1:
			return ErrInvalidTaskToken
		case look != nil:
			return look(in, t)
		}
		return nil
	}
	done := make(chan error, 1)
	e.post(id, delivery{event: event(task), check: check, done: func(err error) { done <- err }})
	select {
	case err := <-done:
		if errors.Is(err, ErrEnded) {
			return fmt.Errorf("%w: %w", ErrTaskOver, err)
		}
		return err
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
