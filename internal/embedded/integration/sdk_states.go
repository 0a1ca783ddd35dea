package integration

import (
	"context"
	"encoding/json"
	"time"

	"sundog/asl"
	"sundog/internal/embedded/engine"
)

// The actions aws-sdk:sfn: parameters and results have the names of the API reference, with a capital letter first; times are ISO 8601.

func sfnFailure(task engine.Task, err error) error {
	if name, text := exception(err); name != "" {
		return sdkFailure(task, "Sfn", name, text)
	}
	return err
}

func isoTime(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }

func (r *Runner) sdkStartExecution(ctx context.Context, task engine.Task) (*asl.Document, error) {
	d, err := r.start(ctx, task)
	if err != nil {
		return nil, sfnFailure(task, err)
	}
	return document(map[string]any{"ExecutionArn": d.ARN, "StartDate": isoTime(d.Start)})
}

// executionParameters are those of DescribeExecution and StopExecution.
type executionParameters struct {
	ExecutionArn string
	Error, Cause string
}

func (r *Runner) sdkDescribeExecution(ctx context.Context, task engine.Task) (*asl.Document, error) {
	var p executionParameters
	if err := parameters(task, &p); err != nil {
		return nil, err
	}
	d, input, output, err := r.Executions.Describe(ctx, p.ExecutionArn)
	if err != nil {
		return nil, sfnFailure(task, err)
	}
	included := map[string]bool{"Included": true}
	members := map[string]any{
		"ExecutionArn": d.ARN, "StateMachineArn": r.Executions.MachineARN(d.Machine), "Name": d.Name, "Status": d.Status, "StartDate": isoTime(d.Start),
		"Input": string(input), "InputDetails": included,
	}
	redriveMembers(members, d)
	if d.RedriveCount > 0 {
		members["RedriveDate"] = isoTime(d.RedriveDate)
	}
	if !d.Stop.IsZero() {
		members["StopDate"] = isoTime(d.Stop)
	}
	if output != nil {
		members["Output"], members["OutputDetails"] = string(output), included
	}
	if d.Error != "" {
		members["Error"] = d.Error
	}
	if d.Cause != "" {
		members["Cause"] = d.Cause
	}
	return document(members)
}

func (r *Runner) sdkStopExecution(ctx context.Context, task engine.Task) (*asl.Document, error) {
	var p executionParameters
	if err := parameters(task, &p); err != nil {
		return nil, err
	}
	if err := r.Executions.Stop(ctx, p.ExecutionArn, p.Error, p.Cause); err != nil {
		return nil, sfnFailure(task, err)
	}
	d, _, _, err := r.Executions.Describe(ctx, p.ExecutionArn)
	if err != nil {
		return nil, sfnFailure(task, err)
	}
	return document(map[string]any{"StopDate": isoTime(d.Stop)})
}

// tokenParameters are those of SendTaskSuccess, SendTaskFailure and SendTaskHeartbeat.
type tokenParameters struct {
	TaskToken    string
	Output       json.RawMessage
	Error, Cause string
}

func (r *Runner) sdkSendTaskSuccess(ctx context.Context, task engine.Task) (*asl.Document, error) {
	return r.sendTask(task, func(p *tokenParameters) error {
		output := p.Output // an object is written as text for the service, a text is the document itself
		var text string
		if json.Unmarshal(output, &text) == nil {
			output = json.RawMessage(text)
		}
		return r.Executions.SendTaskSuccess(ctx, p.TaskToken, output)
	})
}

func (r *Runner) sdkSendTaskFailure(ctx context.Context, task engine.Task) (*asl.Document, error) {
	return r.sendTask(task, func(p *tokenParameters) error {
		return r.Executions.SendTaskFailure(ctx, p.TaskToken, p.Error, p.Cause)
	})
}

func (r *Runner) sdkSendTaskHeartbeat(ctx context.Context, task engine.Task) (*asl.Document, error) {
	return r.sendTask(task, func(p *tokenParameters) error { return r.Executions.SendTaskHeartbeat(ctx, p.TaskToken) })
}

func (r *Runner) sendTask(task engine.Task, send func(*tokenParameters) error) (*asl.Document, error) {
	var p tokenParameters
	if err := parameters(task, &p); err != nil {
		return nil, err
	}
	if err := send(&p); err != nil {
		return nil, sfnFailure(task, err)
	}
	return asl.Raw([]byte("{}")), nil
}
