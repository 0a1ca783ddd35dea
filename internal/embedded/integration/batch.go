package integration

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/tidwall/gjson"

	"sundog/asl"
	"sundog/internal/embedded/engine"
	"sundog/internal/embedded/job"
)

// Jobs run batch jobs. The error is a *job.Error when the job failed or was refused.
type Jobs interface {
	// Run runs a job to its end.
	Run(ctx context.Context, req job.Request) (job.Result, error)
	// Submit accepts a job and does not wait for it.
	Submit(ctx context.Context, req job.Request) (job.Result, error)
}

// runJob is batch:submitJob.sync: the result is the job as DescribeJobs shows it.
func (r *Runner) runJob(ctx context.Context, task engine.Task) (*asl.Document, error) {
	req, err := jobRequest(task)
	if err != nil {
		return nil, err
	}
	req.Accepted = func(accepted job.Result) {
		// When the answer cannot be recorded the execution has ended, or its next step fails too.
		if submitted, err := answer(task, submission(accepted)); err == nil {
			_ = task.Submit(ctx, submitted)
		}
	}
	result, err := r.Jobs.Run(ctx, req)
	if err != nil {
		return nil, jobError(err)
	}
	return document(result)
}

// submission is the answer of SubmitJob.
func submission(accepted job.Result) map[string]any {
	return map[string]any{"JobArn": accepted.JobArn, "JobId": accepted.JobID, "JobName": accepted.JobName}
}

// submitJob is batch:submitJob: the result is the answer of SubmitJob.
func (r *Runner) submitJob(ctx context.Context, task engine.Task) (*asl.Document, error) {
	req, err := jobRequest(task)
	if err != nil {
		return nil, err
	}
	result, err := r.Jobs.Submit(ctx, req)
	if failed, ok := errors.AsType[*job.Error](err); ok && isSDK(task) {
		return nil, sdkFailure(task, "Batch", "ClientException", failed.Cause)
	}
	if err != nil {
		return nil, jobError(err)
	}
	return shape(task, answer, submission(result))
}

func document(v any) (*asl.Document, error) {
	text, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("writing the result: %w", err)
	}
	return asl.Raw(text), nil
}

func jobError(err error) error {
	if failed, ok := errors.AsType[*job.Error](err); ok {
		return &engine.TaskError{Name: failed.Type, Cause: failed.Cause}
	}
	return err
}

// jobRequest reads the parameters of SubmitJob. Both spellings of the States Language and of the API reference are read:
// ContainerOverrides and containerOverrides.
func jobRequest(task engine.Task) (job.Request, error) {
	params := gjson.ParseBytes(task.Parameters.Bytes())
	req := job.Request{
		ID:      derivedID(task, "job"),
		Job:     either(params, "JobDefinition", "jobDefinition").String(),
		JobName: either(params, "JobName", "jobName").String(),
		Queue:   either(params, "JobQueue", "jobQueue").String(),
	}
	if req.Job == "" {
		return req, invalid("States.Runtime", "The parameter JobDefinition of the Task state '%s' is missing", task.State)
	}
	either(params, "Parameters", "parameters").ForEach(func(key, value gjson.Result) bool {
		if req.Parameters == nil {
			req.Parameters = map[string]string{}
		}
		req.Parameters[key.String()] = value.String()
		return true
	})
	overrides := either(params, "ContainerOverrides", "containerOverrides")
	either(overrides, "Environment", "environment").ForEach(func(_, v gjson.Result) bool {
		req.Environment = append(req.Environment, job.Variable{Name: either(v, "Name", "name").String(), Value: either(v, "Value", "value").String()})
		return true
	})
	either(overrides, "Command", "command").ForEach(func(_, v gjson.Result) bool {
		req.Command = append(req.Command, v.String())
		return true
	})
	req.Attempts = int(either(either(params, "RetryStrategy", "retryStrategy"), "Attempts", "attempts").Int())
	req.Timeout = time.Duration(either(either(params, "Timeout", "timeout"), "AttemptDurationSeconds", "attemptDurationSeconds").Int()) * time.Second
	return req, nil
}

func either(v gjson.Result, name, other string) gjson.Result {
	if found := v.Get(name); found.Exists() {
		return found
	}
	return v.Get(other)
}
