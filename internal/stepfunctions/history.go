package stepfunctions

import (
	"context"
	"encoding/json"
	"strconv"

	"sundog/internal/awsjson"
	"sundog/internal/embedded/engine"
)

type historyInput struct {
	ARN         *string `json:"executionArn"`
	Reverse     bool    `json:"reverseOrder"`
	IncludeData *bool   `json:"includeExecutionData"`
	paging
}

type historyOutput struct {
	Events    []json.RawMessage `json:"events"`
	NextToken *string           `json:"nextToken,omitempty"`
}

func (a *service) getExecutionHistory(ctx context.Context, req *historyInput) (*historyOutput, error) {
	var c awsjson.Checks
	c.Required("executionArn", req.ARN, 1, maxARN)
	req.check(&c)
	if err := c.Err(); err != nil {
		return nil, err
	}
	if err := validExecution(*req.ARN); err != nil {
		return nil, err
	}
	about := []string{"history", *req.ARN, strconv.FormatBool(req.Reverse)}
	position, err := openToken(req.NextToken, about...)
	if err != nil {
		return nil, err
	}
	after, _ := strconv.ParseInt(position, 10, 64) // made here; none is 0
	events, next, err := a.engine.History(ctx, *req.ARN, engine.Page{After: after, Limit: req.limit(), Reverse: req.Reverse})
	if err != nil {
		return nil, executionFault(err, *req.ARN)
	}
	out := &historyOutput{Events: []json.RawMessage{}}
	for i := range events {
		out.Events = append(out.Events, events[i].AppendAWS(nil, req.IncludeData == nil || *req.IncludeData))
	}
	if next != 0 {
		out.NextToken = sealToken(strconv.FormatInt(next, 10), about...)
	}
	return out, nil
}
