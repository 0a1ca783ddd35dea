// Package connection lets requests of workflows show who they come from: it keeps the connections of a project, as EventBridge does for
// Step Functions. What they hold shows in no history and no log.
package connection

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"
)

// Connection says how a request is authorized: at most one of Username, Header and OAuth is set.
type Connection struct {
	Name               string
	Username, Password string
	Header, Value      string // a key in a header
	OAuth              *OAuth
	Headers            map[string]string // that every request gets
}

// OAuth gets tokens for client credentials (RFC 6749, section 4.4).
type OAuth struct {
	TokenURL, ClientID, ClientSecret, Scope string
}

// Connections are the connections of a project. They are safe for concurrent use.
type Connections struct {
	byName map[string]Connection
	names  []string
	http   *http.Client
	now    func() time.Time

	mu     sync.Mutex
	tokens map[string]token
}

type token struct {
	text    string
	expires time.Time
}

// early is how long before its end a token is no longer used; maxAnswer bounds what is read of a token server's answer.
const (
	early     = 30 * time.Second
	maxAnswer = 64 << 10
)

// New returns connections that ask for tokens with a client. Now is the clock, time.Now when nil.
func New(all []Connection, client *http.Client, now func() time.Time) *Connections {
	if now == nil {
		now = time.Now
	}
	c := &Connections{byName: map[string]Connection{}, http: client, now: now, tokens: map[string]token{}}
	for _, connection := range all {
		c.byName[connection.Name] = connection
		c.names = append(c.names, connection.Name)
	}
	slices.Sort(c.names)
	return c
}

// Authorize adds what a connection holds to a request. Without a name nothing is added.
func (c *Connections) Authorize(ctx context.Context, name string, req *http.Request) error {
	if name == "" {
		return nil
	}
	connection, ok := c.byName[name]
	if !ok {
		return fmt.Errorf("there is no connection %q; there are %v", name, c.names)
	}
	for header, value := range connection.Headers {
		req.Header.Set(header, value)
	}
	switch {
	case connection.OAuth != nil:
		text, err := c.token(ctx, connection)
		if err != nil {
			return fmt.Errorf("connection %s: %w", name, err)
		}
		req.Header.Set("Authorization", "Bearer "+text)
	case connection.Header != "":
		req.Header.Set(connection.Header, connection.Value)
	case connection.Username != "":
		req.SetBasicAuth(connection.Username, connection.Password)
	}
	return nil
}

// token returns a token that has not expired. One caller at a time asks for a new one.
func (c *Connections) token(ctx context.Context, connection Connection) (string, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if t, ok := c.tokens[connection.Name]; ok && c.now().Before(t.expires) {
		return t.text, nil
	}
	form := url.Values{"grant_type": {"client_credentials"}}
	if connection.OAuth.Scope != "" {
		form.Set("scope", connection.OAuth.Scope)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, connection.OAuth.TokenURL, strings.NewReader(form.Encode()))
	if err != nil {
		return "", fmt.Errorf("asking for a token: %w", err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Accept", "application/json")
	req.SetBasicAuth(url.QueryEscape(connection.OAuth.ClientID), url.QueryEscape(connection.OAuth.ClientSecret))
	resp, err := c.http.Do(req)
	if err != nil {
		return "", fmt.Errorf("asking for a token: %w", err)
	}
	defer resp.Body.Close()
	var answer struct {
		AccessToken string      `json:"access_token"`
		ExpiresIn   json.Number `json:"expires_in"`
	}
	if err := json.NewDecoder(io.LimitReader(resp.Body, maxAnswer)).Decode(&answer); err != nil || resp.StatusCode != http.StatusOK || answer.AccessToken == "" {
		return "", fmt.Errorf("%s gave no token but %s", connection.OAuth.TokenURL, resp.Status)
	}
	lifetime := time.Minute
	if seconds, err := answer.ExpiresIn.Int64(); err == nil {
		lifetime = time.Duration(seconds) * time.Second
	}
	c.tokens[connection.Name] = token{answer.AccessToken, c.now().Add(lifetime - early)}
	return answer.AccessToken, nil
}
