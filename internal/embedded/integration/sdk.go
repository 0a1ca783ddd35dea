package integration

import (
	"context"
	"encoding/json"
	"errors"

	"sundog/asl"
	"sundog/internal/embedded/engine"
	"sundog/internal/embedded/function"
	"sundog/internal/embedded/job"
)

// sdkInvoke is aws-sdk:lambda:invoke: the payload goes and comes as text, and a function that fails is an answer with FunctionError.
func (r *Runner) sdkInvoke(ctx context.Context, task engine.Task) (*asl.Document, error) {
	var p struct {
		FunctionName  string
		Payload       json.RawMessage
		ClientContext string
	}
	if err := parameters(task, &p); err != nil {
		return nil, err
	}
	resp, err := r.Functions.Invoke(ctx, function.Request{Function: p.FunctionName, Payload: text(p.Payload), ClientContext: p.ClientContext})
	members := map[string]any{"ExecutedVersion": "$LATEST", "StatusCode": 200}
	failed, ok := errors.AsType[*function.Error](err)
	switch {
	case ok && resp.FunctionError == "":
		name, found := lambdaException(failed.Type)
		if !found {
			return nil, taskError(err)
		}
		return nil, sdkFailure(task, "Lambda", name, failed.Cause)
	case ok:
		members["FunctionError"] = resp.FunctionError
	case err != nil:
		return nil, err
	}
	members["Payload"] = string(resp.Payload)
	return document(members)
}

// lambdaException is the name of an exception of the Lambda service, without the service.
func lambdaException(name string) (string, bool) {
	const service = "Lambda."
	if len(name) > len(service) && name[:len(service)] == service {
		return name[len(service):], true
	}
	return "", false
}

// sdkSubmitJob is aws-sdk:batch:submitJob.
func (r *Runner) sdkSubmitJob(ctx context.Context, task engine.Task) (*asl.Document, error) {
	req, err := jobRequest(task)
	if err != nil {
		return nil, err
	}
	result, err := r.Jobs.Submit(ctx, req)
	if failed, ok := errors.AsType[*job.Error](err); ok {
		return nil, sdkFailure(task, "Batch", "ClientException", failed.Cause)
	}
	if err != nil {
		return nil, err
	}
	return document(submission(result))
}
