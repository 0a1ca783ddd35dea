package stepfunctions

import (
	"context"
	"errors"

	"sundog/internal/awsjson"
	"sundog/internal/embedded/engine"
)

// maxTaskToken is the length of a task token in characters, at most.
const maxTaskToken = 2048

type taskInput struct {
	Token  *string `json:"taskToken"`
	Output *string `json:"output"`
	Error  *string `json:"error"`
	Cause  *string `json:"cause"`
}

func (req *taskInput) check(c *awsjson.Checks) error {
	c.Required("taskToken", req.Token, 1, maxTaskToken)
	c.Length("error", req.Error, 0, maxError)
	c.Length("cause", req.Cause, 0, maxCause)
	return c.Err()
}

// taskFault names an error about the task of a token.
func taskFault(err error) error {
	switch {
	case errors.Is(err, engine.ErrInvalidTaskToken):
		return awsjson.Errorf("InvalidToken", "Invalid Token: 'Invalid token'")
	case errors.Is(err, engine.ErrTaskOver):
		return awsjson.Errorf("TaskTimedOut", "Task Timed Out: 'Provided task does not exist anymore'")
	case errors.Is(err, engine.ErrInvalidOutput):
		return awsjson.Errorf("InvalidOutput", "Invalid Output: '%v'", err)
	}
	return err
}

func (a *service) sendTaskSuccess(ctx context.Context, req *taskInput) (*empty, error) {
	var c awsjson.Checks
	c.Required("output", req.Output, 0, maxData)
	if err := req.check(&c); err != nil {
		return nil, err
	}
	return &empty{}, taskFault(a.engine.SendTaskSuccess(ctx, *req.Token, []byte(*req.Output)))
}

func (a *service) sendTaskFailure(ctx context.Context, req *taskInput) (*empty, error) {
	if err := req.check(&awsjson.Checks{}); err != nil {
		return nil, err
	}
	return &empty{}, taskFault(a.engine.SendTaskFailure(ctx, *req.Token, text(req.Error), text(req.Cause)))
}

func (a *service) sendTaskHeartbeat(ctx context.Context, req *taskInput) (*empty, error) {
	if err := req.check(&awsjson.Checks{}); err != nil {
		return nil, err
	}
	return &empty{}, taskFault(a.engine.SendTaskHeartbeat(ctx, *req.Token))
}
