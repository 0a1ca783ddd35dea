package stepfunctions

import (
	"context"
	"errors"
	"regexp"

	"github.com/google/uuid"

	"sundog/asl"
	"sundog/internal/awsjson"
	"sundog/internal/embedded/engine"
	"sundog/internal/embedded/machine"
)

type startExecutionInput struct {
	ARN   *string `json:"stateMachineArn"`
	Name  *string `json:"name"`
	Input *string `json:"input"`
	Trace *string `json:"traceHeader"`
}

type startExecutionOutput struct {
	ARN   string       `json:"executionArn"`
	Start awsjson.Time `json:"startDate"`
}

func (a *service) startExecution(ctx context.Context, req *startExecutionInput) (*startExecutionOutput, error) {
	start, err := a.startRequest(req)
	if err != nil {
		return nil, err
	}
	d, err := a.engine.Start(ctx, start)
	if errors.Is(err, engine.ErrExists) {
		return nil, executionFault(err, d.ARN)
	}
	if err != nil {
		return nil, startFault(err, start)
	}
	return &startExecutionOutput{ARN: d.ARN, Start: awsjson.Time(d.Start)}, nil
}

// startRequest checks what StartExecution and StartSyncExecution are asked.
func (a *service) startRequest(req *startExecutionInput) (start engine.StartRequest, err error) {
	var c awsjson.Checks
	c.Required("stateMachineArn", req.ARN, 1, maxARN)
	c.Length("name", req.Name, 1, maxName)
	c.Length("input", req.Input, 0, maxData)
	c.Length("traceHeader", req.Trace, 0, 256)
	if err := c.Err(); err != nil {
		return start, err
	}
	ref, err := a.parse(*req.ARN)
	if err != nil {
		return start, machineFault(err, *req.ARN)
	}
	if ref.Label != "" {
		return start, labelled(*req.ARN)
	}
	start = engine.StartRequest{Machine: *req.ARN, Name: text(req.Name), Input: []byte(text(req.Input))}
	if req.Name == nil {
		start.Name = uuid.NewString()
	}
	if req.Input == nil {
		start.Input = []byte("{}")
	}
	return start, nil
}

// startFault names an error of a start.
func startFault(err error, start engine.StartRequest) error {
	switch {
	case errors.Is(err, engine.ErrInvalidName):
		return invalidName(start.Name)
	case errors.Is(err, engine.ErrInvalidInput):
		return awsjson.Errorf("InvalidExecutionInput", "Invalid State Machine Execution Input: '%v'", err)
	}
	return machineFault(err, start.Machine)
}

type executionInput struct {
	ARN          *string `json:"executionArn"`
	IncludedData *string `json:"includedData"`
	Error        *string `json:"error"`
	Cause        *string `json:"cause"`
}

var executionARN = regexp.MustCompile(`^arn:[a-z0-9-]+:states:[a-z0-9-]*:[0-9]*:(execution|express):[^:]+:[^:]+(:[^:]+)?$`)

func (req *executionInput) check() error {
	var c awsjson.Checks
	c.Required("executionArn", req.ARN, 1, maxARN)
	c.OneOf("includedData", req.IncludedData, "ALL_DATA", "METADATA_ONLY")
	c.Length("error", req.Error, 0, maxError)
	c.Length("cause", req.Cause, 0, maxCause)
	if err := c.Err(); err != nil {
		return err
	}
	return validExecution(*req.ARN)
}

func validExecution(arn string) error {
	if !executionARN.MatchString(arn) {
		return invalidARN(arn)
	}
	return nil
}

type stopExecutionOutput struct {
	Stop awsjson.Time `json:"stopDate"`
}

func (a *service) stopExecution(ctx context.Context, req *executionInput) (*stopExecutionOutput, error) {
	if err := req.check(); err != nil {
		return nil, err
	}
	if err := a.engine.Stop(ctx, *req.ARN, text(req.Error), text(req.Cause)); err != nil {
		return nil, executionFault(err, *req.ARN)
	}
	d, _, _, err := a.engine.Describe(ctx, *req.ARN)
	return &stopExecutionOutput{Stop: awsjson.Time(d.Stop)}, err
}

// executionItem is what the descriptions of one execution and of a list have in common.
type executionItem struct {
	ARN        string       `json:"executionArn"`
	MachineARN string       `json:"stateMachineArn"`
	Name       string       `json:"name"`
	Status     asl.Status   `json:"status"`
	Start      awsjson.Time `json:"startDate"`
	Stop       awsjson.Time `json:"stopDate,omitzero"`
	VersionARN string       `json:"stateMachineVersionArn,omitempty"`
	AliasARN   string       `json:"stateMachineAliasArn,omitempty"`
	MapRunARN  string       `json:"mapRunArn,omitempty"`
	Redrives   int64        `json:"redriveCount"`
	Redriven   awsjson.Time `json:"redriveDate,omitzero"`
}

func (a *service) item(d engine.Description) executionItem {
	item := executionItem{
		ARN: d.ARN, MachineARN: a.machines.Names.Machine(d.Machine), Name: d.Name, Status: d.Status, Start: awsjson.Time(d.Start), Stop: awsjson.Time(d.Stop),
		MapRunARN: d.MapRun, Redrives: d.RedriveCount, Redriven: awsjson.Time(d.RedriveDate),
	}
	if d.Version != 0 {
		item.VersionARN = a.machines.Names.Version(d.Machine, d.Version)
	}
	if d.Alias != "" {
		item.AliasARN = a.machines.Names.Alias(d.Machine, d.Alias)
	}
	return item
}

type describeExecutionOutput struct {
	executionItem
	Input         *string       `json:"input,omitempty"`
	InputDetails  *dataIncluded `json:"inputDetails,omitempty"`
	Output        *string       `json:"output,omitempty"`
	OutputDetails *dataIncluded `json:"outputDetails,omitempty"`
	Error         string        `json:"error,omitempty"`
	Cause         string        `json:"cause,omitempty"`

	RedriveStatus       engine.RedriveStatus `json:"redriveStatus,omitempty"`
	RedriveStatusReason string               `json:"redriveStatusReason,omitempty"`
}

type dataIncluded struct {
	Included bool `json:"included"`
}

func (a *service) describeExecution(ctx context.Context, req *executionInput) (*describeExecutionOutput, error) {
	if err := req.check(); err != nil {
		return nil, err
	}
	d, input, output, err := a.engine.Describe(ctx, *req.ARN)
	if err != nil {
		return nil, executionFault(err, *req.ARN)
	}
	out := &describeExecutionOutput{executionItem: a.item(d), InputDetails: &dataIncluded{}, OutputDetails: &dataIncluded{}}
	out.RedriveStatus, out.RedriveStatusReason = d.RedriveStatus, d.RedriveStatusReason
	if output == nil {
		out.OutputDetails = nil
	}
	if text(req.IncludedData) == "METADATA_ONLY" {
		return out, nil
	}
	out.Error, out.Cause = d.Error, d.Cause
	out.Input, out.InputDetails.Included = document(input), true
	if output != nil {
		out.Output, out.OutputDetails.Included = document(output), true
	}
	return out, nil
}

// document is a JSON document as the API has it: as a text.
func document(text []byte) *string {
	s := string(text)
	return &s
}

// describeStateMachineForExecution describes what the execution runs, whatever has become of its machine.
func (a *service) describeStateMachineForExecution(ctx context.Context, req *executionInput) (*describeStateMachineOutput, error) {
	if err := req.check(); err != nil {
		return nil, err
	}
	d, _, _, err := a.engine.Describe(ctx, *req.ARN)
	if err != nil {
		return nil, executionFault(err, *req.ARN)
	}
	revision := machine.Revision{ID: d.Revision, Definition: d.Definition, Since: d.Revised, Config: machine.Config{RoleARN: d.Role}}
	if m, err := a.machines.Machine(d.Machine); err == nil && m.Revision.ID == d.Revision {
		revision.Config = m.Revision.Config
	}
	if revision.RoleARN == "" {
		revision.RoleARN = a.machines.Role(d.Machine)
	}
	out := &describeStateMachineOutput{
		ARN: a.machines.Names.Machine(d.Machine), Name: a.machines.Prefix + d.Machine, Updated: awsjson.Time(revision.Since),
	}
	return out, a.fill(out, revision)
}

type listExecutionsInput struct {
	MachineARN *string `json:"stateMachineArn"`
	MapRunARN  *string `json:"mapRunArn"`
	Status     *string `json:"statusFilter"`
	Redrive    *string `json:"redriveFilter"`
	paging
}

type listExecutionsOutput struct {
	Executions []executionItem `json:"executions"`
	NextToken  *string         `json:"nextToken,omitempty"`
}

func (a *service) listExecutions(ctx context.Context, req *listExecutionsInput) (*listExecutionsOutput, error) {
	var c awsjson.Checks
	c.Length("stateMachineArn", req.MachineARN, 1, maxARN)
	c.Length("mapRunArn", req.MapRunARN, 1, maxLongARN)
	c.OneOf("statusFilter", req.Status, "RUNNING", "SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED", "PENDING_REDRIVE")
	c.OneOf("redriveFilter", req.Redrive, "REDRIVEN", "NOT_REDRIVEN")
	req.check(&c)
	if err := c.Err(); err != nil {
		return nil, err
	}
	if (req.MachineARN == nil) == (req.MapRunARN == nil) {
		return nil, awsjson.Validation("Exactly one of stateMachineArn and mapRunArn must be specified")
	}
	filter, about, err := a.filter(req)
	if err != nil {
		return nil, err
	}
	if filter.Token, err = openToken(req.NextToken, about...); err != nil {
		return nil, err
	}
	out := &listExecutionsOutput{Executions: []executionItem{}}
	found, next, err := a.engine.List(ctx, filter)
	if err != nil {
		return nil, mapRunFault(machineFault(err, text(req.MachineARN)), text(req.MapRunARN))
	}
	for _, d := range found {
		if req.Redrive == nil || (*req.Redrive == "REDRIVEN") == (d.RedriveCount > 0) { // so a page may be shorter than asked for
			out.Executions = append(out.Executions, a.item(d))
		}
	}
	if next != "" {
		out.NextToken = sealToken(next, about...)
	}
	return out, nil
}

// filter says which executions a request wants, and what its page tokens are about.
func (a *service) filter(req *listExecutionsInput) (f engine.Filter, about []string, err error) {
	f = engine.Filter{Machine: text(req.MachineARN), MapRun: text(req.MapRunARN), Status: asl.Status(text(req.Status)), Limit: req.limit()}
	about = []string{"executions", f.Machine, f.MapRun, text(req.Status), text(req.Redrive)}
	if f.MapRun != "" {
		return f, about, nil
	}
	if _, err := a.parse(f.Machine); err != nil {
		return f, nil, machineFault(err, f.Machine)
	}
	m, err := a.machines.Machine(f.Machine)
	if err != nil {
		return f, nil, machineFault(err, f.Machine)
	}
	if m.Type == machine.Express {
		return f, nil, awsjson.Errorf("StateMachineTypeNotSupported", "This operation is not supported by this type of state machine: '%s'", f.Machine)
	}
	return f, about, nil
}
