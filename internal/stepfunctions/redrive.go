package stepfunctions

import (
	"context"
	"errors"

	"sundog/internal/awsjson"
	"sundog/internal/embedded/engine"
)

type redriveInput struct {
	ARN         *string `json:"executionArn"`
	ClientToken *string `json:"clientToken"`
}

type redriveOutput struct {
	Redriven awsjson.Time `json:"redriveDate"`
}

func (a *service) redriveExecution(ctx context.Context, req *redriveInput) (*redriveOutput, error) {
	var c awsjson.Checks
	c.Required("executionArn", req.ARN, 1, maxARN)
	c.Length("clientToken", req.ClientToken, 1, 64)
	if err := c.Err(); err != nil {
		return nil, err
	}
	if err := validExecution(*req.ARN); err != nil {
		return nil, err
	}
	d, err := a.engine.Redrive(ctx, *req.ARN, text(req.ClientToken))
	switch {
	case errors.Is(err, engine.ErrNotRedrivable):
		return nil, awsjson.Errorf("ExecutionNotRedrivable", "%v", err)
	case errors.Is(err, engine.ErrInvalidClientToken):
		return nil, awsjson.Validation("%v", err)
	case err != nil:
		return nil, executionFault(err, *req.ARN)
	}
	return &redriveOutput{Redriven: awsjson.Time(d.RedriveDate)}, nil
}
