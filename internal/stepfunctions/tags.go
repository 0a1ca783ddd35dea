package stepfunctions

import (
	"context"
	"fmt"

	"sundog/internal/awsjson"
	"sundog/internal/embedded/machine"
)

type tag struct {
	Key   *string `json:"key"`
	Value *string `json:"value"`
}

func checkTags(c *awsjson.Checks, tags []tag) {
	for i, t := range tags {
		at := fmt.Sprintf("tags.%d.member.", i+1)
		c.Required(at+"key", t.Key, 1, 128)
		c.Length(at+"value", t.Value, 0, 256)
	}
}

func tagsOf(tags []tag) []machine.Tag {
	var all []machine.Tag
	for _, t := range tags {
		all = append(all, machine.Tag{Key: text(t.Key), Value: text(t.Value)})
	}
	return all
}

type tagInput struct {
	ARN  *string   `json:"resourceArn"`
	Tags []tag     `json:"tags"`
	Keys []*string `json:"tagKeys"`
}

// tagged checks a request and returns the name of the machine whose tags it is about.
func (a *service) tagged(req *tagInput, check func(c *awsjson.Checks)) (string, error) {
	var c awsjson.Checks
	c.Required("resourceArn", req.ARN, 1, maxARN)
	check(&c)
	if err := c.Err(); err != nil {
		return "", err
	}
	ref, err := a.parse(*req.ARN)
	if err == nil && ref.Qualified() {
		err = machine.ErrInvalidARN
	}
	return ref.Name, resourceFault(err, *req.ARN)
}

func (a *service) tagResource(ctx context.Context, req *tagInput) (*empty, error) {
	name, err := a.tagged(req, func(c *awsjson.Checks) {
		c.Present("tags", req.Tags != nil)
		checkTags(c, req.Tags)
	})
	if err != nil {
		return nil, err
	}
	return &empty{}, resourceFault(a.machines.Tag(ctx, name, tagsOf(req.Tags)), *req.ARN)
}

func (a *service) untagResource(ctx context.Context, req *tagInput) (*empty, error) {
	name, err := a.tagged(req, func(c *awsjson.Checks) {
		c.Present("tagKeys", req.Keys != nil)
		for i, key := range req.Keys {
			c.Required(fmt.Sprintf("tagKeys.%d.member", i+1), key, 1, 128)
		}
	})
	if err != nil {
		return nil, err
	}
	keys := make([]string, len(req.Keys))
	for i, key := range req.Keys {
		keys[i] = *key
	}
	return &empty{}, resourceFault(a.machines.Untag(ctx, name, keys), *req.ARN)
}

type listTagsOutput struct {
	Tags []machine.Tag `json:"tags"`
}

func (a *service) listTagsForResource(_ context.Context, req *tagInput) (*listTagsOutput, error) {
	name, err := a.tagged(req, func(*awsjson.Checks) {})
	if err != nil {
		return nil, err
	}
	m, err := a.machines.Machine(name)
	if err != nil {
		return nil, resourceFault(err, *req.ARN)
	}
	return &listTagsOutput{Tags: append([]machine.Tag{}, m.Tags...)}, nil
}
