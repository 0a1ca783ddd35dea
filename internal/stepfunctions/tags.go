package stepfunctions

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"sundog/internal/awsjson"
	"sundog/internal/embedded/activity"
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
	all := make([]machine.Tag, 0, len(tags))
	for _, t := range tags {
		all = append(all, machine.Tag{Key: text(t.Key), Value: text(t.Value)})
	}
	return all
}

// tagMap is a copy of tags with others put over them.
func tagMap(before map[string]string, tags []tag) map[string]string {
	all := maps.Clone(before)
	if all == nil {
		all = map[string]string{}
	}
	for _, t := range tags {
		all[text(t.Key)] = text(t.Value)
	}
	return all
}

func tooManyTags(n int, name string) error {
	e := awsjson.Errorf("TooManyTags", "%s would have %d tags, %d are allowed", name, n, machine.MaxTags)
	e.Fields = map[string]any{"resourceName": name}
	return e
}

type tagInput struct {
	ARN  *string   `json:"resourceArn"`
	Tags []tag     `json:"tags"`
	Keys []*string `json:"tagKeys"`
}

// A tagged resource is a state machine or an activity.
type tagged interface {
	tag(ctx context.Context, tags []tag) error
	untag(ctx context.Context, keys []string) error
	list(ctx context.Context) ([]machine.Tag, error)
}

// resource checks a request and returns whose tags it is about.
func (a *service) resource(req *tagInput, check func(c *awsjson.Checks)) (tagged, error) {
	var c awsjson.Checks
	c.Required("resourceArn", req.ARN, 1, maxARN)
	check(&c)
	if err := c.Err(); err != nil {
		return nil, err
	}
	if isActivity(*req.ARN) {
		return taggedActivity{a.activities, *req.ARN}, nil
	}
	ref, err := a.parse(*req.ARN)
	if err == nil && ref.Qualified() {
		err = machine.ErrInvalidARN
	}
	return taggedMachine{a.machines, ref.Name}, resourceFault(err, *req.ARN)
}

func (a *service) tagResource(ctx context.Context, req *tagInput) (*empty, error) {
	r, err := a.resource(req, func(c *awsjson.Checks) {
		c.Present("tags", req.Tags != nil)
		checkTags(c, req.Tags)
	})
	if err != nil {
		return nil, err
	}
	return &empty{}, resourceFault(r.tag(ctx, req.Tags), *req.ARN)
}

func (a *service) untagResource(ctx context.Context, req *tagInput) (*empty, error) {
	r, err := a.resource(req, func(c *awsjson.Checks) {
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
	return &empty{}, resourceFault(r.untag(ctx, keys), *req.ARN)
}

type listTagsOutput struct {
	Tags []machine.Tag `json:"tags"`
}

func (a *service) listTagsForResource(ctx context.Context, req *tagInput) (*listTagsOutput, error) {
	r, err := a.resource(req, func(*awsjson.Checks) {})
	if err != nil {
		return nil, err
	}
	tags, err := r.list(ctx)
	return &listTagsOutput{Tags: append([]machine.Tag{}, tags...)}, resourceFault(err, *req.ARN)
}

type taggedMachine struct {
	machines *machine.Registry
	name     string
}

func (m taggedMachine) tag(ctx context.Context, tags []tag) error {
	return m.machines.Tag(ctx, m.name, tagsOf(tags))
}

func (m taggedMachine) untag(ctx context.Context, keys []string) error {
	return m.machines.Untag(ctx, m.name, keys)
}

func (m taggedMachine) list(context.Context) ([]machine.Tag, error) {
	found, err := m.machines.Machine(m.name)
	return found.Tags, err
}

type taggedActivity struct {
	activities *activity.Activities
	arn        string
}

func (act taggedActivity) tag(ctx context.Context, tags []tag) error {
	found, err := act.activities.Describe(ctx, act.arn)
	if err != nil {
		return err
	}
	all := tagMap(found.Tags, tags)
	if len(all) > machine.MaxTags {
		return tooManyTags(len(all), act.arn)
	}
	return act.activities.SetTags(ctx, act.arn, all)
}

func (act taggedActivity) untag(ctx context.Context, keys []string) error {
	found, err := act.activities.Describe(ctx, act.arn)
	if err != nil {
		return err
	}
	all := tagMap(found.Tags, nil)
	for _, key := range keys {
		delete(all, key)
	}
	return act.activities.SetTags(ctx, act.arn, all)
}

func (act taggedActivity) list(ctx context.Context) ([]machine.Tag, error) {
	found, err := act.activities.Describe(ctx, act.arn)
	tags := make([]machine.Tag, 0, len(found.Tags))
	for _, key := range slices.Sorted(maps.Keys(found.Tags)) {
		tags = append(tags, machine.Tag{Key: key, Value: found.Tags[key]})
	}
	return tags, err
}
