package client

import (
	"context"
	"encoding/json"
	"net/http"
)

// Create creates an item at a path that the project binds to a table, such as /task, and returns it without its key.
func (c *Client) Create(ctx context.Context, path string, item any) (json.RawMessage, error) {
	var out json.RawMessage
	err := c.call(ctx, http.MethodPost, path, nil, item, &out)
	return out, err
}
