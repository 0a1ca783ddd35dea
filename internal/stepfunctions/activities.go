package stepfunctions

import (
	"context"
	"errors"
	"strings"

	"sundog/internal/awsjson"
	"sundog/internal/embedded/activity"
	"sundog/internal/embedded/machine"
)

// activityFault names an error about the activity with the ARN.
func activityFault(err error, arn string) error {
	switch {
	case errors.Is(err, activity.ErrNotFound):
		return awsjson.Errorf("ActivityDoesNotExist", "Activity Does Not Exist: '%s'", arn)
	case errors.Is(err, activity.ErrInvalidName):
		return invalidName(arn)
	}
	return err
}

func isActivity(arn string) bool {
	return strings.HasPrefix(arn, "arn:") && strings.Contains(arn, ":states:") && strings.Contains(arn, ":activity:")
}

type createActivityInput struct {
	Name       *string     `json:"name"`
	Tags       []tag       `json:"tags"`
	Encryption *encryption `json:"encryptionConfiguration"`
}

type activityItem struct {
	ARN     string       `json:"activityArn"`
	Name    string       `json:"name,omitempty"`
	Created awsjson.Time `json:"creationDate"`
}

func (a *service) createActivity(ctx context.Context, req *createActivityInput) (*activityItem, error) {
	var c awsjson.Checks
	c.Required("name", req.Name, 1, maxName)
	checkTags(&c, req.Tags)
	if err := c.Err(); err != nil {
		return nil, err
	}
	if len(req.Tags) > machine.MaxTags {
		return nil, tooManyTags(len(req.Tags), *req.Name)
	}
	made, err := a.activities.Create(ctx, *req.Name, tagMap(nil, req.Tags))
	if err != nil {
		return nil, activityFault(err, *req.Name)
	}
	return &activityItem{ARN: made.ARN, Created: awsjson.Time(made.Created)}, nil
}

type activityInput struct {
	ARN        *string `json:"activityArn"`
	WorkerName *string `json:"workerName"`
}

func (req *activityInput) check() error {
	var c awsjson.Checks
	c.Required("activityArn", req.ARN, 1, maxARN)
	c.Length("workerName", req.WorkerName, 1, maxName)
	if err := c.Err(); err != nil {
		return err
	}
	if !isActivity(*req.ARN) {
		return invalidARN(*req.ARN)
	}
	return nil
}

func (a *service) describeActivity(ctx context.Context, req *activityInput) (*activityItem, error) {
	if err := req.check(); err != nil {
		return nil, err
	}
	found, err := a.activities.Describe(ctx, *req.ARN)
	if err != nil {
		return nil, activityFault(err, *req.ARN)
	}
	return &activityItem{ARN: found.ARN, Name: found.Name, Created: awsjson.Time(found.Created)}, nil
}

func (a *service) deleteActivity(ctx context.Context, req *activityInput) (*empty, error) {
	if err := req.check(); err != nil {
		return nil, err
	}
	return &empty{}, activityFault(a.activities.Delete(ctx, *req.ARN), *req.ARN)
}

type listActivitiesOutput struct {
	Activities []activityItem `json:"activities"`
	NextToken  *string        `json:"nextToken,omitempty"`
}

func (a *service) listActivities(ctx context.Context, req *paging) (*listActivitiesOutput, error) {
	var c awsjson.Checks
	req.check(&c)
	if err := c.Err(); err != nil {
		return nil, err
	}
	position, err := openToken(req.NextToken, "activities")
	if err != nil {
		return nil, err
	}
	page, next, err := a.activities.List(ctx, position, req.limit())
	if err != nil {
		return nil, err
	}
	out := &listActivitiesOutput{Activities: []activityItem{}}
	for _, one := range page {
		out.Activities = append(out.Activities, activityItem{ARN: one.ARN, Name: one.Name, Created: awsjson.Time(one.Created)})
	}
	if next != "" {
		out.NextToken = sealToken(next, "activities")
	}
	return out, nil
}

type activityTask struct {
	Token *string `json:"taskToken"`
	Input *string `json:"input,omitempty"`
}

// getActivityTask waits for a task, a minute at most; then the token is null.
func (a *service) getActivityTask(ctx context.Context, req *activityInput) (*activityTask, error) {
	if err := req.check(); err != nil {
		return nil, err
	}
	task, err := a.activities.Poll(ctx, *req.ARN, text(req.WorkerName))
	if err != nil {
		return nil, activityFault(err, *req.ARN)
	}
	if task.Token == "" {
		return &activityTask{}, nil
	}
	return &activityTask{Token: &task.Token, Input: document(task.Input)}, nil
}
