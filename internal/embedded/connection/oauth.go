package connection

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
)

const (
	tokenTime      = 30 * time.Second // of a request for a token
	maxTokenAnswer = 64 << 10
	// A token is not used in its last seconds, nor longer than an hour when nobody says when it expires.
	tokenMargin  = 30 * time.Second
	defaultToken = time.Hour
	longestToken = 24 * time.Hour
)

// tokens keeps the token of one connection.
type tokens struct {
	spec   OAuth
	client *http.Client
	now    func() time.Time

	turn chan struct{} // holds one value; who has taken it out may use the fields below
	text string        // with its type: "Bearer abc"; "" when there is none
	till time.Time
}

func newTokens(spec OAuth, client *http.Client, now func() time.Time) *tokens {
	t := &tokens{spec: spec, client: client, now: now, turn: make(chan struct{}, 1)}
	t.turn <- struct{}{}
	return t
}

// get returns the token as the value of the header Authorization.
func (t *tokens) get(ctx context.Context) (string, error) {
	select {
	case <-t.turn:
	case <-ctx.Done():
		return "", fmt.Errorf("waiting for a token: %w", context.Cause(ctx))
	}
	defer func() { t.turn <- struct{}{} }()
	if t.text != "" && t.now().Before(t.till) {
		return t.text, nil
	}
	text, lifetime, err := t.fetch(ctx)
	if err != nil {
		return "", err
	}
	t.text, t.till = text, t.now().Add(lifetime-tokenMargin)
	return text, nil
}

// forget throws a token away, unless it has been replaced already.
func (t *tokens) forget(text string) {
	<-t.turn
	defer func() { t.turn <- struct{}{} }()
	if t.text == text {
		t.text = ""
	}
}

// fetch asks the token endpoint. Its errors do not hold what was sent, nor what came.
func (t *tokens) fetch(ctx context.Context) (text string, lifetime time.Duration, err error) {
	ctx, cancel := context.WithTimeout(ctx, tokenTime)
	defer cancel()
	req, err := t.request(ctx)
	if err != nil {
		return "", 0, err
	}
	resp, err := t.client.Do(req)
	if err != nil {
		if failed, ok := errors.AsType[*url.Error](err); ok {
			err = failed.Err // without the URL, which may hold a secret
		}
		return "", 0, fmt.Errorf("asking for a token: %w", err)
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxTokenAnswer))
	if err = errors.Join(err, resp.Body.Close()); err != nil {
		return "", 0, fmt.Errorf("asking for a token: %w", err)
	}
	if resp.StatusCode < 200 || resp.StatusCode >= 300 {
		return "", 0, fmt.Errorf("asking for a token: the token endpoint answered %d; check client_id, client_secret and url", resp.StatusCode)
	}
	var answer struct {
		AccessToken string  `json:"access_token"`
		TokenType   string  `json:"token_type"`
		ExpiresIn   float64 `json:"expires_in"` // seconds
	}
	if err := json.Unmarshal(body, &answer); err != nil || answer.AccessToken == "" {
		return "", 0, errors.New("asking for a token: the answer of the token endpoint holds no access_token")
	}
	if answer.TokenType == "" || strings.EqualFold(answer.TokenType, "bearer") {
		answer.TokenType = "Bearer"
	}
	lifetime = defaultToken
	if answer.ExpiresIn > 0 {
		lifetime = time.Duration(min(answer.ExpiresIn, longestToken.Seconds()) * float64(time.Second))
	}
	return answer.TokenType + " " + answer.AccessToken, lifetime, nil
}

// request is the request for a token (RFC 6749, 4.4.2): a form with the grant type, and the client's credentials beside it (2.3.1).
func (t *tokens) request(ctx context.Context) (*http.Request, error) {
	form := url.Values{"grant_type": {"client_credentials"}}
	for name, value := range t.spec.Body {
		form.Set(name, value)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, t.spec.URL, strings.NewReader(form.Encode()))
	if err != nil {
		return nil, errors.New("asking for a token: the URL of the token endpoint cannot be read") // which may hold a secret
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Accept", "application/json")
	req.Header.Set("User-Agent", "sundog")
	req.SetBasicAuth(url.QueryEscape(t.spec.ClientID), url.QueryEscape(t.spec.ClientSecret))
	return req, nil
}
