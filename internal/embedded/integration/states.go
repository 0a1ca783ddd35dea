package integration

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"sundog/asl"
	"sundog/internal/embedded/engine"
)

// Executions start and look after executions, and answer tasks by their tokens.
type Executions interface {
	Start(ctx context.Context, req engine.StartRequest) (engine.Description, error)
	Stop(ctx context.Context, arn, errorName, cause string) error
	Describe(ctx context.Context, arn string) (d engine.Description, input, output []byte, err error)
	MachineARN(name string) string
	SendTaskSuccess(ctx context.Context, token string, output []byte) error
	SendTaskFailure(ctx context.Context, token, name, cause string) error
	SendTaskHeartbeat(ctx context.Context, token string) error
}

// startParameters are those of StartExecution.
type startParameters struct {
	StateMachineArn string
	Name            string
	Input           json.RawMessage
}

// input is the input as text: a document as it is, {} when there is none, and of a text what it holds.
func (p *startParameters) input() []byte {
	if len(p.Input) == 0 || string(p.Input) == "null" {
		return []byte("{}")
	}
	var text string
	if json.Unmarshal(p.Input, &text) == nil && json.Valid([]byte(text)) {
		return []byte(text)
	}
	return p.Input
}

// start starts the execution that a task asks for. One that is run again gets the execution that it started before.
func (r *Runner) start(ctx context.Context, task engine.Task) (engine.Description, error) {
	var p startParameters
	if err := parameters(task, &p); err != nil {
		return engine.Description{}, err
	}
	if p.Name == "" {
		p.Name = derivedID(task, "execution")
	}
	return r.Executions.Start(ctx, engine.StartRequest{
		Machine: p.StateMachineArn, Name: p.Name, Input: p.input(), StartedBy: fmt.Sprintf("%s#%d", task.Execution.ARN, task.ID),
	})
}

// exception is AWS's name for what went wrong with an execution or a token, and its text. Of other errors the name is empty.
func exception(err error) (name, text string) {
	switch {
	case errors.Is(err, engine.ErrNoMachine):
		return "StateMachineDoesNotExistException", "State Machine Does Not Exist: '" + err.Error() + "'"
	case errors.Is(err, engine.ErrExists):
		return "ExecutionAlreadyExistsException", "Execution Already Exists: '" + err.Error() + "'"
	case errors.Is(err, engine.ErrNotFound):
		return "ExecutionDoesNotExistException", "Execution Does Not Exist: '" + err.Error() + "'"
	case errors.Is(err, engine.ErrInvalidName):
		return "InvalidNameException", "Invalid Name: '" + err.Error() + "'"
	case errors.Is(err, engine.ErrInvalidInput):
		return "InvalidExecutionInputException", "Invalid State Machine Execution Input: '" + err.Error() + "'"
	case errors.Is(err, engine.ErrInvalidTaskToken):
		return "InvalidTokenException", "Invalid Token: 'Invalid token'"
	case errors.Is(err, engine.ErrTaskOver):
		return "TaskTimedOutException", "Task Timed Out: 'Provided task does not exist anymore'"
	case errors.Is(err, engine.ErrInvalidOutput):
		return "InvalidOutputException", "Invalid Output: '" + err.Error() + "'"
	}
	return "", ""
}

// startFailure is the error of the integration states:startExecution.
func startFailure(task engine.Task, err error) error {
	if name, text := exception(err); name != "" {
		return &engine.TaskError{
			Name:  "StepFunctions." + name,
			Cause: fmt.Sprintf("%s (Service: AWSStepFunctions; Status Code: 400; Error Code: %s; Request ID: %s; Proxy: null)", text, name[:len(name)-len("Exception")], derivedID(task, "request")),
		}
	}
	return err
}

func milliseconds(t time.Time) int64 { return t.UnixMilli() }

// startExecution is states:startExecution: the result is the answer of StartExecution.
func (r *Runner) startExecution(ctx context.Context, task engine.Task) (*asl.Document, error) {
	d, err := r.start(ctx, task)
	if err != nil {
		return nil, startFailure(task, err)
	}
	return answer(task, map[string]any{"ExecutionArn": d.ARN, "StartDate": milliseconds(d.Start)})
}

// awaitExecution is states:startExecution.sync:2: the result is the execution when it has ended, with its input and output as JSON.
func (r *Runner) awaitExecution(ctx context.Context, task engine.Task) (*asl.Document, error) {
	return r.startAndAwait(ctx, task, func(text []byte) any { return json.RawMessage(text) })
}

// awaitExecutionAsText is states:startExecution.sync: input and output are text.
func (r *Runner) awaitExecutionAsText(ctx context.Context, task engine.Task) (*asl.Document, error) {
	return r.startAndAwait(ctx, task, func(text []byte) any { return string(text) })
}

func (r *Runner) startAndAwait(ctx context.Context, task engine.Task, show func([]byte) any) (*asl.Document, error) {
	d, err := r.start(ctx, task)
	if err != nil {
		return nil, startFailure(task, err)
	}
	submitted, err := answer(task, map[string]any{"ExecutionArn": d.ARN, "StartDate": milliseconds(d.Start)})
	if err == nil {
		err = task.Submit(ctx, submitted)
	}
	if err != nil {
		return nil, err
	}
	return nil, task.Await(ctx, d.ARN, func(ended engine.Ended) (*asl.Document, error) { return r.endedExecution(ended, show) })
}

// redriveMembers adds what DescribeExecution tells of redrives.
func redriveMembers(members map[string]any, d engine.Description) {
	members["RedriveCount"], members["RedriveStatus"] = d.RedriveCount, d.RedriveStatus
	if d.RedriveStatusReason != "" {
		members["RedriveStatusReason"] = d.RedriveStatusReason
	}
}

// endedExecution is the result of a task that has waited for an execution.
func (r *Runner) endedExecution(e engine.Ended, show func([]byte) any) (*asl.Document, error) {
	included := map[string]bool{"Included": true}
	members := map[string]any{
		"ExecutionArn": e.ARN, "Input": show(e.InputText), "InputDetails": included, "Name": e.Name, "StartDate": milliseconds(e.Start),
		"StateMachineArn": r.Executions.MachineARN(e.Machine), "Status": e.Status, "StopDate": milliseconds(e.Stop),
	}
	redriveMembers(members, e.Description)
	if e.Status == asl.Succeeded {
		members["Output"], members["OutputDetails"] = show(e.OutputText), included
		return document(members)
	}
	members["Input"] = string(e.InputText)
	if e.Error != "" {
		members["Error"] = e.Error
	}
	if e.Cause != "" {
		members["Cause"] = e.Cause
	}
	cause, err := json.Marshal(members)
	if err != nil {
		return nil, fmt.Errorf("describing %s: %w", e.ARN, err)
	}
	return nil, &engine.TaskError{Name: "States.TaskFailed", Cause: string(cause)}
}
