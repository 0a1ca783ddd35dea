package client

import (
	"context"
	"net/http"
	"net/url"

	"sundog/internal/api"
)

// CreateToken makes a token. Its text is in the answer, and nowhere else.
func (c *Client) CreateToken(ctx context.Context, req api.CreateToken) (api.Token, error) {
	var out api.Token
	err := c.call(ctx, http.MethodPost, api.PathTokens, nil, req, &out)
	return out, err
}

// Tokens lists the tokens, without their texts.
func (c *Client) Tokens(ctx context.Context) (api.Tokens, error) {
	return get[api.Tokens](ctx, c, api.PathTokens, nil)
}

// RevokeToken revokes a token: from then on the server does not know it.
func (c *Client) RevokeToken(ctx context.Context, name string) (api.Moved, error) {
	var out api.Moved
	err := c.call(ctx, http.MethodDelete, api.PathTokens+"/"+url.PathEscape(name), nil, nil, &out)
	return out, err
}
