package stepfunctions

import (
	"context"
	"errors"
	"regexp"

	"sundog/asl"
	"sundog/asl/maprun"
	"sundog/internal/awsjson"
	"sundog/internal/embedded/engine"
)

// mapRunFault names an error about the map run with the ARN.
func mapRunFault(err error, arn string) error {
	switch {
	case errors.Is(err, engine.ErrNoMapRun):
		return notFound(arn)
	case errors.Is(err, engine.ErrInvalidUpdate):
		return awsjson.Validation("%v", err)
	case errors.Is(err, engine.ErrInvalidToken):
		return awsjson.Errorf("InvalidToken", "Invalid Token: 'Invalid token'")
	case errors.Is(err, engine.ErrEnded):
		e := awsjson.Validation("%s has ended: it cannot be updated", arn)
		e.Fields = map[string]any{"reason": "CANNOT_UPDATE_COMPLETED_MAP_RUN"}
		return e
	}
	return err
}

type mapRunInput struct {
	ARN                 *string  `json:"mapRunArn"`
	MaxConcurrency      *int64   `json:"maxConcurrency"`
	ToleratedCount      *int64   `json:"toleratedFailureCount"`
	ToleratedPercentage *float64 `json:"toleratedFailurePercentage"`
}

func (req *mapRunInput) check() error {
	var c awsjson.Checks
	c.Required("mapRunArn", req.ARN, 1, maxLongARN)
	if err := c.Err(); err != nil {
		return err
	}
	if !mapRunARN.MatchString(*req.ARN) {
		return invalidARN(*req.ARN)
	}
	return nil
}

var mapRunARN = regexp.MustCompile(`^arn:[a-z0-9-]+:states:[a-z0-9-]*:[0-9]*:mapRun:[^:]+:[^:]+$`)

type describeMapRunOutput struct {
	mapRunItem
	Status              asl.Status `json:"status"`
	MaxConcurrency      int64      `json:"maxConcurrency"`
	ToleratedCount      int64      `json:"toleratedFailureCount"`
	ToleratedPercentage float64    `json:"toleratedFailurePercentage"`
	Items               counts     `json:"itemCounts"`
	Executions          counts     `json:"executionCounts"`
	Redrives            int64      `json:"redriveCount"`
}

// counts are items or executions by what has become of them. What is read and not started is pending.
type counts struct {
	Pending        int64 `json:"pending"`
	Running        int64 `json:"running"`
	Succeeded      int64 `json:"succeeded"`
	Failed         int64 `json:"failed"`
	TimedOut       int64 `json:"timedOut"`
	Aborted        int64 `json:"aborted"`
	Total          int64 `json:"total"`
	ResultsWritten int64 `json:"resultsWritten"`
	NotRedrivable  int64 `json:"failuresNotRedrivable"`
	PendingRedrive int64 `json:"pendingRedrive"`
}

func countsOf(c maprun.Counts, written int64) counts {
	begun := c.Running + c.Succeeded + c.Failed + c.TimedOut + c.Aborted
	return counts{
		Pending: max(0, c.Total-begun), Running: c.Running, Succeeded: c.Succeeded, Failed: c.Failed, TimedOut: c.TimedOut, Aborted: c.Aborted,
		Total: c.Total, ResultsWritten: written,
	}
}

func (a *service) describeMapRun(ctx context.Context, req *mapRunInput) (*describeMapRunOutput, error) {
	if err := req.check(); err != nil {
		return nil, err
	}
	run, err := a.engine.DescribeMapRun(ctx, *req.ARN)
	if err != nil {
		return nil, mapRunFault(err, *req.ARN)
	}
	out := &describeMapRunOutput{
		mapRunItem: itemOfRun(run), Status: run.Status, MaxConcurrency: run.MaxConcurrency,
		Items: countsOf(run.Items, run.Written), Executions: countsOf(run.Children, run.Written),
	}
	if run.ToleratedCount != nil {
		out.ToleratedCount = *run.ToleratedCount
	}
	if run.ToleratedPercentage != nil {
		out.ToleratedPercentage = *run.ToleratedPercentage
	}
	return out, nil
}

func (a *service) updateMapRun(ctx context.Context, req *mapRunInput) (*empty, error) {
	if err := req.check(); err != nil {
		return nil, err
	}
	err := a.engine.UpdateMapRun(ctx, *req.ARN, engine.MapRunUpdate{
		MaxConcurrency: req.MaxConcurrency, ToleratedCount: req.ToleratedCount, ToleratedPercentage: req.ToleratedPercentage,
	})
	return &empty{}, mapRunFault(err, *req.ARN)
}

type listMapRunsInput struct {
	ARN *string `json:"executionArn"`
	paging
}

type mapRunItem struct {
	ARN        string       `json:"mapRunArn"`
	Execution  string       `json:"executionArn"`
	MachineARN string       `json:"stateMachineArn,omitempty"`
	Start      awsjson.Time `json:"startDate"`
	Stop       awsjson.Time `json:"stopDate,omitzero"`
}

func itemOfRun(run engine.MapRun) mapRunItem {
	return mapRunItem{ARN: run.ARN, Execution: run.Execution, MachineARN: run.Machine, Start: awsjson.Time(run.Start), Stop: awsjson.Time(run.Stop)}
}

type listMapRunsOutput struct {
	MapRuns   []mapRunItem `json:"mapRuns"`
	NextToken *string      `json:"nextToken,omitempty"`
}

func (a *service) listMapRuns(ctx context.Context, req *listMapRunsInput) (*listMapRunsOutput, error) {
	var c awsjson.Checks
	c.Required("executionArn", req.ARN, 1, maxARN)
	req.check(&c)
	if err := c.Err(); err != nil {
		return nil, err
	}
	if err := validExecution(*req.ARN); err != nil {
		return nil, err
	}
	position, err := openToken(req.NextToken, "map runs", *req.ARN)
	if err != nil {
		return nil, err
	}
	page, next, err := a.engine.ListMapRuns(ctx, *req.ARN, position, req.limit())
	if err != nil {
		return nil, executionFault(err, *req.ARN)
	}
	out := &listMapRunsOutput{MapRuns: []mapRunItem{}}
	for _, run := range page {
		out.MapRuns = append(out.MapRuns, itemOfRun(run))
	}
	if next != "" {
		out.NextToken = sealToken(next, "map runs", *req.ARN)
	}
	return out, nil
}
