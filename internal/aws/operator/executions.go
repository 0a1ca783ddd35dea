package operator

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/aws/smithy-go"
	"github.com/tidwall/gjson"

	"sundog/internal/api"
	"sundog/internal/aws/executor"
	"sundog/internal/pipeline"
	"sundog/internal/problem"
	"sundog/internal/request"
	"sundog/internal/statedb"
	"sundog/payload"
)

// workflowOf is the name of the workflow of an execution.
func (o *Operator) workflowOf(arn string) string {
	machine, _ := payload.CutExecutionARN(arn)
	_, prefix, _ := strings.Cut(o.env.BaseWorkflowARN, ":stateMachine:")
	return strings.TrimPrefix(machine[strings.LastIndexByte(machine, ':')+1:], prefix)
}

// describe describes an execution with its input and output.
func (o *Operator) describe(ctx context.Context, arn string) (api.Execution, error) {
	x, err := o.machines.DescribeExecution(ctx, &sfn.DescribeExecutionInput{ExecutionArn: &arn})
	if code := codeOf(err); code == "ExecutionDoesNotExist" || code == "InvalidArn" {
		err = fmt.Errorf("%w: %w", pipeline.ErrNoExecution, err)
	}
	if err != nil {
		return api.Execution{}, fmt.Errorf("looking at %s: %w", arn, err)
	}
	input := aws.ToString(x.Input)
	e := api.Execution{
		ARN: arn, Workflow: o.workflowOf(arn), Name: aws.ToString(x.Name), Status: string(x.Status), Start: aws.ToTime(x.StartDate), Stop: x.StopDate,
		PayloadID: gjson.Get(input, "id").Str, Error: aws.ToString(x.Error), Cause: aws.ToString(x.Cause), Input: document(x.Input), Output: document(x.Output),
		RedriveCount: int64(aws.ToInt32(x.RedriveCount)), RedriveDate: x.RedriveDate, RedriveStatus: string(x.RedriveStatus), RedriveStatusReason: aws.ToString(x.RedriveStatusReason),
	}
	return e, nil
}

// codeOf is what AWS calls an error; empty when it is none of AWS's.
func codeOf(err error) string {
	if said, ok := errors.AsType[smithy.APIError](err); ok {
		return said.ErrorCode()
	}
	return ""
}

func document(text *string) json.RawMessage {
	if text == nil {
		return nil
	}
	return json.RawMessage(*text)
}

func (o *Operator) execution(r *http.Request) (api.Execution, error) {
	return o.describe(r.Context(), r.PathValue("arn"))
}

func (o *Operator) startExecution(r *http.Request) (api.Execution, error) {
	req, err := request.StartOf(r)
	if err != nil {
		return api.Execution{}, err
	}
	start := pipeline.StartRequest{MachineARN: o.env.BaseWorkflowARN + req.Workflow, Name: req.Name, Input: req.Input}
	err = o.executor.Start(r.Context(), start)
	if errors.Is(err, pipeline.ErrAlreadyExists) {
		return api.Execution{}, problem.Wrap(problem.Conflict, err, "")
	}
	if refused, ok := errors.AsType[*pipeline.RefusedError](err); ok && refused != nil {
		return api.Execution{}, problem.Wrap(problem.Invalid, err, "")
	}
	if err != nil {
		return api.Execution{}, err
	}
	e, err := o.describe(r.Context(), payload.ExecutionARN(o.env.BaseWorkflowARN, req.Workflow, req.Name))
	e.Input, e.Output = nil, nil
	return e, err
}

// executions lists those of a workflow, the newest first.
func (o *Operator) executions(r *http.Request) (api.Executions, error) {
	asked, err := request.ExecutionsOf(r)
	if err != nil {
		return api.Executions{}, err
	}
	found, next, err := o.executor.List(r.Context(), o.env.BaseWorkflowARN+asked.Workflow, string(asked.Status), executor.Page{Token: asked.After, Limit: asked.Limit})
	if err != nil {
		return api.Executions{}, err
	}
	page := api.Executions{Executions: []api.Execution{}, Next: next}
	for _, x := range found {
		e := api.Execution{ARN: x.ARN, Workflow: asked.Workflow, Name: x.Name, Status: x.Status, Start: x.Start, RedriveCount: x.Redrives}
		if !x.Stop.IsZero() {
			e.Stop = &x.Stop
		}
		page.Executions = append(page.Executions, e)
	}
	return page, nil
}

func (o *Operator) stopExecution(r *http.Request) (api.Execution, error) {
	var req api.StopExecution
	if err := request.Body(r, &req); err != nil {
		return api.Execution{}, err
	}
	arn := r.PathValue("arn")
	now, err := o.executor.Look(r.Context(), arn)
	if err != nil {
		return api.Execution{}, err
	}
	if now.Status != "RUNNING" {
		return api.Execution{}, problem.New(problem.Conflict, "%s has ended: it is %s", arn, now.Status)
	}
	if err := o.executor.Stop(r.Context(), arn, req.Error, req.Cause); err != nil {
		return api.Execution{}, err
	}
	return o.execution(r)
}

func (o *Operator) redriveExecution(r *http.Request) (api.Execution, error) {
	var req api.RedriveExecution
	if err := request.Body(r, &req); err != nil {
		return api.Execution{}, err
	}
	arn := r.PathValue("arn")
	if err := o.redrive(r.Context(), arn, req.ClientToken); err != nil {
		return api.Execution{}, err
	}
	e, err := o.describe(r.Context(), arn)
	e.Input, e.Output = nil, nil
	return e, err
}

// redrive lets an execution go on, after its record was taken back to PROCESSING: an end that is heard of before that would be refused. A
// record that another execution has come to after this one does not let it go on. When Step Functions refuses after all, the record says
// PROCESSING of an execution that has ended, which is what reconcile settles; to redrive again takes up what was begun.
func (o *Operator) redrive(ctx context.Context, arn, token string) error {
	e, err := o.describe(ctx, arn)
	if err != nil {
		return err
	}
	if e.RedriveStatus == "NOT_REDRIVABLE" {
		return fmt.Errorf("redriving %s: %w: %s", arn, executor.ErrNotRedrivable, e.RedriveStatusReason)
	}
	id, err := o.payloadOf(ctx, &e)
	if err != nil {
		return err
	}
	if id != "" {
		config := o.opts.Platform.PipelineConfig()
		transition, effects, err := config.Redriven(id, arn, o.opts.Now(), e.RedriveCount+1)
		if err != nil {
			return err
		}
		_, err = o.db.Apply(ctx, transition, effects)
		if record, conflict := statedb.Conflict(err); conflict && record != nil && (!record.HeldBy(arn) || record.Redrives() != transition.Redrives) {
			return fmt.Errorf("redriving %s: %w: the record of %s is %s and its last execution is %s: process the payload again instead",
				arn, executor.ErrNotRedrivable, id, record.State(), record.LastExecution())
		} else if err != nil && !conflict {
			return err
		}
	}
	if token == "" {
		token = fmt.Sprintf("%s-%d", e.Name, e.RedriveCount+1)
	}
	if _, err := o.executor.Redrive(ctx, arn, token); err != nil {
		return problem.Wrap(problem.KindOf(classify(err)), err, "").WithHint("the record says PROCESSING now; sundog reconcile settles it")
	}
	return nil
}

// payloadOf is the id of the payload of an execution; empty when it has none. An input that went by reference is fetched.
func (o *Operator) payloadOf(ctx context.Context, e *api.Execution) (string, error) {
	input := []byte(e.Input)
	if url := gjson.GetBytes(input, "url"); e.PayloadID == "" && url.Type == gjson.String {
		var err error
		if input, err = o.opts.Platform.Fetch(ctx, url.Str); err != nil {
			return "", fmt.Errorf("reading the input of %s: %w", e.ARN, err)
		}
	}
	return gjson.GetBytes(input, "id").Str, nil
}

// redriver is the operator as jobs want it.
type redriver struct{ *Operator }

// Redrive implements rerun.Redriver.
func (r redriver) Redrive(ctx context.Context, execution string) error {
	return r.redrive(ctx, execution, "")
}

// NotRedrivable implements rerun.Redriver.
func (redriver) NotRedrivable(err error) bool {
	return errors.Is(err, executor.ErrNotRedrivable) || errors.Is(err, pipeline.ErrNoExecution)
}
