package stepfunctions

import (
	"context"
	"errors"
	"strconv"
	"strings"

	"sundog/internal/awsjson"
	"sundog/internal/embedded/machine"
)

type publishInput struct {
	ARN         *string `json:"stateMachineArn"`
	RevisionID  *string `json:"revisionId"`
	Description *string `json:"description"`
}

type versionItem struct {
	ARN     string       `json:"stateMachineVersionArn"`
	Created awsjson.Time `json:"creationDate"`
}

func (a *service) publishStateMachineVersion(ctx context.Context, req *publishInput) (*versionItem, error) {
	var c awsjson.Checks
	c.Required("stateMachineArn", req.ARN, 1, maxARN)
	c.Length("description", req.Description, 0, maxDescription)
	if err := c.Err(); err != nil {
		return nil, err
	}
	name, err := a.unqualified(*req.ARN)
	if err != nil {
		return nil, err
	}
	v, err := a.machines.Publish(ctx, name, text(req.RevisionID), text(req.Description))
	if err != nil {
		return nil, machineFault(err, *req.ARN)
	}
	return &versionItem{ARN: v.ARN, Created: awsjson.Time(v.Created)}, nil
}

type listOfMachineInput struct {
	ARN *string `json:"stateMachineArn"`
	paging
}

func (req *listOfMachineInput) check() error {
	var c awsjson.Checks
	c.Required("stateMachineArn", req.ARN, 1, maxARN)
	req.paging.check(&c)
	return c.Err()
}

type listVersionsOutput struct {
	Versions  []versionItem `json:"stateMachineVersions"`
	NextToken *string       `json:"nextToken,omitempty"`
}

// listStateMachineVersions lists the latest version first. A machine that is not there has none: the operation has no error for that.
func (a *service) listStateMachineVersions(_ context.Context, req *listOfMachineInput) (*listVersionsOutput, error) {
	if err := req.check(); err != nil {
		return nil, err
	}
	name, err := a.unqualified(*req.ARN)
	if err != nil {
		return nil, err
	}
	position, err := openToken(req.NextToken, "versions", name)
	if err != nil {
		return nil, err
	}
	all, err := a.machines.Versions(name)
	if err != nil && !errors.Is(err, machine.ErrNotFound) {
		return nil, err
	}
	before, _ := strconv.ParseInt(position, 10, 64) // made here; none is 0
	page, more := cut(all, &req.paging, func(v machine.Version) bool { return position == "" || v.Number < before })
	out := &listVersionsOutput{Versions: []versionItem{}}
	for _, v := range page {
		out.Versions = append(out.Versions, versionItem{ARN: v.ARN, Created: awsjson.Time(v.Created)})
	}
	if more {
		out.NextToken = sealToken(strconv.FormatInt(page[len(page)-1].Number, 10), "versions", name)
	}
	return out, nil
}

type versionInput struct {
	ARN *string `json:"stateMachineVersionArn"`
}

func (a *service) deleteStateMachineVersion(ctx context.Context, req *versionInput) (*empty, error) {
	var c awsjson.Checks
	c.Required("stateMachineVersionArn", req.ARN, 1, maxLongARN)
	if err := c.Err(); err != nil {
		return nil, err
	}
	ref, err := a.version(*req.ARN)
	if err != nil {
		return nil, err
	}
	err = a.machines.DeleteVersion(ctx, ref.Name, ref.Version)
	if referenced, ok := errors.AsType[*machine.ReferencedError](err); ok {
		return nil, awsjson.Errorf("ConflictException",
			"Version to be deleted must not be referenced by an alias. Current list of aliases referencing this version: [%s]", strings.Join(referenced.Aliases, ", "))
	}
	return &empty{}, resourceFault(err, *req.ARN)
}
