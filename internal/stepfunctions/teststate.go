package stepfunctions

import (
	"context"
	"errors"
	"time"

	"sundog/asl"
	"sundog/internal/awsjson"
	"sundog/internal/embedded/machine"
)

// testTime bounds a test of a state (Developer Guide, "Using TestState API to test a state").
const testTime = 5 * time.Minute

type testStateInput struct {
	asl.TestStateRequest
	Definition *string `json:"definition"`
	RoleARN    *string `json:"roleArn"`
}

// testState plays one state. A task without a mock is carried out, as it would be in an execution.
func (a *service) testState(ctx context.Context, req *testStateInput) (*asl.TestStateResult, error) {
	var c awsjson.Checks
	c.Required("definition", req.Definition, 1, machine.MaxDefinition)
	c.Length("roleArn", req.RoleARN, 1, maxARN)
	c.Length("input", &req.Input, 0, maxData)
	c.Length("variables", &req.Variables, 0, maxData)
	c.Length("context", &req.Context, 0, maxData)
	if err := c.Err(); err != nil {
		return nil, err
	}
	test := req.TestStateRequest
	test.Definition = *req.Definition
	if req.RoleARN != nil {
		if err := validRole(*req.RoleARN); err != nil {
			return nil, err
		}
	}
	ctx, cancel := context.WithTimeout(ctx, testTime)
	defer cancel()
	result, err := a.engine.TestState(ctx, test, text(req.RoleARN))
	if refused, ok := errors.AsType[*asl.TestStateError](err); ok {
		if refused.Code == "ValidationException" {
			return nil, awsjson.Validation("%s", refused.Message)
		}
		return nil, awsjson.Errorf(refused.Code, "%s", refused.Message)
	}
	if err != nil {
		return nil, err
	}
	return &result, nil
}
