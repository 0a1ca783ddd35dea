// Package integration carries out the work of Task states: it knows which service a Resource means, what that service wants to
// know, and how AWS shapes its answers and errors.
//
// The engine hands it tasks; it calls the functions and jobs of the platform. It keeps nothing: a task that was under way when
// the process died is run again by the engine.
package integration

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"sundog/asl"
	"sundog/internal/embedded/engine"
	"sundog/internal/embedded/function"
)

// Functions call functions by name or ARN. The error is a *function.Error when the call failed.
type Functions interface {
	Invoke(ctx context.Context, req function.Request) (function.Response, error)
}

// Runner implements engine.TaskRunner.
type Runner struct {
	Functions Functions
	Jobs      Jobs
}

// Run implements engine.TaskRunner.
func (r *Runner) Run(ctx context.Context, task engine.Task) (*asl.Document, error) {
	resource := task.Resource
	switch {
	case isFunctionARN(resource):
		return r.invokeByARN(ctx, task)
	case resource == "arn:aws:states:::lambda:invoke":
		return r.invoke(ctx, task)
	case resource == "arn:aws:states:::batch:submitJob.sync":
		return r.runJob(ctx, task)
	case resource == "arn:aws:states:::batch:submitJob":
		return r.submitJob(ctx, task)
	}
	return nil, &engine.TaskError{
		Name:  "States.TaskFailed",
		Cause: fmt.Sprintf("The resource '%s' is not available on this server; there are functions (arn:aws:states:::lambda:invoke, function ARNs) and jobs (arn:aws:states:::batch:submitJob, .sync)", resource),
	}
}

// isFunctionARN recognises arn:aws:lambda:<region>:<account>:function:<name>.
func isFunctionARN(resource string) bool {
	return strings.HasPrefix(resource, "arn:") && strings.Contains(resource, ":lambda:") && strings.Contains(resource, ":function:")
}

// invalid is the error of a service that does not like its parameters.
func invalid(name, format string, args ...any) error {
	return &engine.TaskError{Name: name, Cause: fmt.Sprintf(format, args...)}
}

// taskError gives a failed call the name that AWS gives it.
func taskError(err error) error {
	if failed, ok := errors.AsType[*function.Error](err); ok {
		return &engine.TaskError{Name: failed.Type, Cause: failed.Cause}
	}
	return err
}
