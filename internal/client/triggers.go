package client

import (
	"context"
	"net/http"
	"net/url"

	"sundog/internal/api"
)

func triggerPath(name string) string { return api.PathTriggers + "/" + url.PathEscape(name) }

// Triggers returns all triggers.
func (c *Client) Triggers(ctx context.Context) (api.Triggers, error) {
	return get[api.Triggers](ctx, c, api.PathTriggers, nil)
}

// Trigger returns one trigger.
func (c *Client) Trigger(ctx context.Context, name string) (api.Trigger, error) {
	return get[api.Trigger](ctx, c, triggerPath(name), nil)
}

// PauseTrigger stops a trigger from taking events.
func (c *Client) PauseTrigger(ctx context.Context, name string) (api.Trigger, error) {
	var out api.Trigger
	err := c.call(ctx, http.MethodPost, triggerPath(name)+"/pause", nil, nil, &out)
	return out, err
}

// ResumeTrigger lets a paused trigger go on where it was.
func (c *Client) ResumeTrigger(ctx context.Context, name string) (api.Trigger, error) {
	var out api.Trigger
	err := c.call(ctx, http.MethodPost, triggerPath(name)+"/resume", nil, nil, &out)
	return out, err
}

// ReplayTrigger lets a trigger handle events again.
func (c *Client) ReplayTrigger(ctx context.Context, name string, req api.Replay) (api.Trigger, error) {
	var out api.Trigger
	err := c.call(ctx, http.MethodPost, triggerPath(name)+"/replay", nil, req, &out)
	return out, err
}
