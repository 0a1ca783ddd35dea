// Package connection owns the credentials with which workflows call HTTP endpoints, and what a connection adds to each request: the
// connections of EventBridge on one machine (EventBridge User Guide, "Connections for HTTP endpoint targets").
//
// # Promises
//
//   - Credentials leave only in the requests that are made with them. No error and no log holds one.
//   - A token of OAuth is fetched once for all who wait for it, kept in memory until shortly before it expires, and fetched anew after an
//     endpoint has refused it.
package connection

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"
)

// ErrUnknown is returned for a connection that is not there.
var ErrUnknown = errors.New("no such connection")

// Spec describes a connection. At most one of Basic, APIKey and OAuth is set.
type Spec struct {
	Name   string
	Basic  *Basic
	APIKey *APIKey
	OAuth  *OAuth
	// Parameters are added to each request, and go before those that the request has of the same names.
	Parameters
}

// Parameters are what is added to a request: headers, parameters of the query, and members of a body that is a JSON object.
type Parameters struct {
	Headers, Query, Body map[string]string
}

// Basic is basic authentication (RFC 7617).
type Basic struct{ Username, Password string }

// APIKey is a header with a key.
type APIKey struct{ Header, Value string }

// OAuth is the client credentials grant (RFC 6749, 4.4).
type OAuth struct {
	URL                    string // of the token endpoint
	ClientID, ClientSecret string
	Body                   map[string]string // added to the form that asks for a token: a scope, an audience
}

// Connections are the connections of a platform, by name. They are safe for concurrent use.
type Connections struct{ byName map[string]*Connection }

// New returns connections that ask for tokens with a client. Now is the clock, time.Now when nil. An error says what is wrong with a spec.
func New(specs []Spec, client *http.Client, now func() time.Time) (*Connections, error) {
	if now == nil {
		now = time.Now
	}
	cs := &Connections{byName: make(map[string]*Connection, len(specs))}
	for _, spec := range specs {
		if spec.Name == "" || cs.byName[spec.Name] != nil {
			return nil, fmt.Errorf("connection %q: a name is needed, and each comes once", spec.Name)
		}
		c := &Connection{spec: spec}
		if spec.OAuth != nil {
			c.tokens = newTokens(*spec.OAuth, client, now)
		}
		cs.byName[spec.Name] = c
	}
	return cs, nil
}

// Get returns a connection by its name or its ARN, arn:aws:events:<region>:<account>:connection/<name>/<id>; ErrUnknown when there is none.
func (cs *Connections) Get(nameOrARN string) (*Connection, error) {
	name := nameOrARN
	if _, path, ok := strings.Cut(nameOrARN, ":connection/"); ok {
		name, _, _ = strings.Cut(path, "/")
	}
	if c := cs.byName[name]; c != nil {
		return c, nil
	}
	return nil, fmt.Errorf("%w: %q; there are %v", ErrUnknown, name, slices.Sorted(maps.Keys(cs.byName)))
}

// Connection is one connection.
type Connection struct {
	spec   Spec
	tokens *tokens // nil without OAuth
}

// Parameters returns what is added to each request beside the authorization.
func (c *Connection) Parameters() Parameters { return c.spec.Parameters }

// Authorize adds the authorization to a request. The error of an endpoint that gives no token says why.
func (c *Connection) Authorize(ctx context.Context, header http.Header) error {
	switch {
	case c.spec.Basic != nil:
		pair := c.spec.Basic.Username + ":" + c.spec.Basic.Password
		header.Set("Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(pair)))
	case c.spec.APIKey != nil:
		header.Set(c.spec.APIKey.Header, c.spec.APIKey.Value)
	case c.tokens != nil:
		token, err := c.tokens.get(ctx)
		if err != nil {
			return fmt.Errorf("connection %s: %w", c.spec.Name, err)
		}
		header.Set("Authorization", token)
	}
	return nil
}

// Refused says that an endpoint has refused (401 or 407) a request with these headers. It reports whether another attempt may do better:
// with a new token.
func (c *Connection) Refused(header http.Header) bool {
	if c.tokens == nil {
		return false
	}
	c.tokens.forget(header.Get("Authorization"))
	return true
}
