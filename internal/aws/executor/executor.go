// Package executor starts and looks at executions of AWS Step Functions (AWS Step Functions API Reference, of each operation by name).
//
// A name starts once: Step Functions refuses it for 90 days. What it says of a state machine, a name or an input that it will never take is a
// *pipeline.RefusedError; all else may pass. Operators' operations are in operate.go.
package executor

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/aws/smithy-go"

	"sundog/internal/pipeline"
	"sundog/payload"
)

// Executor is executions on Step Functions. It is safe for concurrent use.
type Executor struct {
	client *sfn.Client
	base   string // beginning of the ARNs of our executions, when it is known
}

// New makes an Executor that takes all executions for those of its deployment.
func New(client *sfn.Client) *Executor { return &Executor{client: client} }

// Within returns an Executor for which executions are foreign whose state machines do not begin with base, as CIRRUS_BASE_WORKFLOW_ARN has it.
func (e *Executor) Within(base string) *Executor {
	return &Executor{e.client, strings.Replace(base, ":stateMachine:", ":execution:", 1)}
}

// Start starts an execution. A repetition of a start whose execution still runs with the same input is a success, as Step Functions has it.
func (e *Executor) Start(ctx context.Context, req pipeline.StartRequest) error {
	_, err := e.client.StartExecution(ctx, &sfn.StartExecutionInput{
		StateMachineArn: &req.MachineARN, Name: &req.Name, Input: aws.String(string(req.Input)),
	})
	if err == nil {
		return nil
	}
	err = fmt.Errorf("starting %s of %s: %w", req.Name, req.MachineARN, err)
	switch code(err) {
	case "ExecutionAlreadyExists":
		return fmt.Errorf("%w: %w", pipeline.ErrAlreadyExists, err)
	case "StateMachineDoesNotExist", "StateMachineDeleting", "InvalidArn", "InvalidName", "InvalidExecutionInput", "ValidationException":
		return &pipeline.RefusedError{Err: &refusal{err}}
	}
	return err
}

// Describe returns an execution with its input and output.
func (e *Executor) Describe(ctx context.Context, arn string) (pipeline.Execution, error) {
	out, err := e.client.DescribeExecution(ctx, &sfn.DescribeExecutionInput{ExecutionArn: &arn})
	if err != nil {
		return pipeline.Execution{}, failed("looking at", arn, err)
	}
	return pipeline.Execution{
		Status: string(out.Status), Input: document(out.Input), Output: document(out.Output), Error: aws.ToString(out.Error), Cause: aws.ToString(out.Cause),
		Redrives: int64(aws.ToInt32(out.RedriveCount)),
	}, nil
}

// Look returns an execution without its input and output.
func (e *Executor) Look(ctx context.Context, arn string) (pipeline.Execution, error) {
	if !strings.HasPrefix(arn, e.base) {
		return pipeline.Execution{}, fmt.Errorf("looking at %s: %w", arn, pipeline.ErrForeign)
	}
	x, err := e.Describe(ctx, arn) // Step Functions has no call that tells the error and not the data
	x.Input, x.Output = nil, nil
	return x, err
}

// Inline reports whether a payload can be the input of an execution as it is.
func (e *Executor) Inline(p *payload.Payload) bool { return p.Inline() }

// document is JSON, or nil when there is none.
func document(text *string) []byte {
	if text == nil {
		return nil
	}
	return []byte(*text)
}

// code is what Step Functions calls an error; empty when it is none of its own.
func code(err error) string {
	var api smithy.APIError
	if errors.As(err, &api) {
		return api.ErrorCode()
	}
	return ""
}

// failed says what was being done to which execution.
func failed(doing, arn string, err error) error {
	switch code(err) {
	case "ExecutionDoesNotExist", "InvalidArn":
		err = fmt.Errorf("%w: %w", pipeline.ErrNoExecution, err)
	case "ExecutionNotRedrivable":
		err = fmt.Errorf("%w: %w", ErrNotRedrivable, err)
	case "StateMachineDoesNotExist":
		err = fmt.Errorf("%w: %w", ErrNoMachine, err)
	}
	return fmt.Errorf("%s %s: %w", doing, arn, err)
}
