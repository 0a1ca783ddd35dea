package connection_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"sundog/internal/egress"
	"sundog/internal/embedded/connection"
)

// issuer is a token endpoint.
type issuer struct {
	status int
	answer string // %d is the number of the request
	mu     sync.Mutex
	asked  []*http.Request // with their bodies as URL.Fragment
}

func (i *issuer) RoundTrip(req *http.Request) (*http.Response, error) {
	select {
	case <-time.After(time.Second):
	case <-req.Context().Done():
		return nil, context.Cause(req.Context())
	}
	var body []byte
	if req.Body != nil {
		body, _ = io.ReadAll(req.Body)
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	kept := req.Clone(context.Background())
	kept.URL.Fragment = string(body)
	i.asked = append(i.asked, kept)
	text := strings.ReplaceAll(i.answer, "%d", fmt.Sprint(len(i.asked)))
	return &http.Response{StatusCode: i.status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(text)), Request: req}, nil
}

func (i *issuer) requests() []*http.Request {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.asked
}

func open(t *testing.T, i *issuer, spec connection.OAuth) *connection.Connection {
	t.Helper()
	cs, err := connection.New([]connection.Spec{{Name: "c", OAuth: &spec}}, egress.NewClient(i), nil)
	if err != nil {
		t.Fatal(err)
	}
	c, err := cs.Get("arn:aws:events:us-east-1:000000000000:connection/c/0a1b")
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func authorize(t *testing.T, c *connection.Connection) string {
	t.Helper()
	h := http.Header{}
	if err := c.Authorize(t.Context(), h); err != nil {
		t.Error(err)
	}
	return h.Get("Authorization")
}

// TestTokens fetches one token for all who wait, keeps it for its time, and forgets it when it is refused.
func TestTokens(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		i := &issuer{status: http.StatusOK, answer: `{"access_token": "t%d", "expires_in": 100}`}
		c := open(t, i, connection.OAuth{URL: "https://example.com/token?a=b", ClientID: "id", ClientSecret: "s3cret"})
		var wg sync.WaitGroup
		for range 10 {
			wg.Go(func() {
				if got := authorize(t, c); got != "Bearer t1" {
					t.Errorf("the first token is %q", got)
				}
			})
		}
		wg.Wait()
		if n := len(i.requests()); n != 1 {
			t.Fatalf("%d tokens were fetched for ten at a time", n)
		}
		<-time.After(69 * time.Second)
		if got := authorize(t, c); got != "Bearer t1" {
			t.Errorf("shortly before its end: %q", got)
		}
		<-time.After(2 * time.Second)
		if got := authorize(t, c); got != "Bearer t2" {
			t.Errorf("in its last half minute: %q", got)
		}
		for _, refused := range []string{"Bearer t1", "Bearer t2"} { // the first of them was replaced already
			if !c.Refused(http.Header{"Authorization": {refused}}) {
				t.Error("another token cannot help")
			}
			if got, want := authorize(t, c), map[string]string{"Bearer t1": "Bearer t2", "Bearer t2": "Bearer t3"}[refused]; got != want {
				t.Errorf("after %s was refused: %s", refused, got)
			}
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		c.Refused(http.Header{"Authorization": {"Bearer t3"}})
		if err := c.Authorize(ctx, http.Header{}); !errors.Is(err, context.Canceled) {
			t.Errorf("who does not wait any more gets %v", err)
		}
	})
}

func TestTokenRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		i := &issuer{status: http.StatusOK, answer: `{"access_token": "t", "token_type": "MAC"}`}
		c := open(t, i, connection.OAuth{
			URL: "https://example.com/token?a=b", ClientID: "id", ClientSecret: "s3 cret", Body: map[string]string{"scope": "read", "audience": "all of you"},
		})
		if got := authorize(t, c); got != "MAC t" {
			t.Error(got)
		}
		req := i.requests()[0]
		id, secret, _ := req.BasicAuth()
		if req.Method != http.MethodPost || req.URL.Path != "/token" || req.URL.RawQuery != "a=b" || id != "id" || secret != "s3+cret" ||
			req.URL.Fragment != "audience=all+of+you&grant_type=client_credentials&scope=read" || req.Header.Get("Content-Type") != "application/x-www-form-urlencoded" {
			t.Errorf("%s %s %v", req.Method, req.URL, req.Header)
		}
	})
}

// TestErrorsHoldNoSecret lets token endpoints fail in every way.
func TestErrorsHoldNoSecret(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const secret = "s3cret"
		for want, i := range map[string]*issuer{
			"answered 401":    {status: http.StatusUnauthorized, answer: `{"echo": "` + secret + `"}`},
			"no access_token": {status: http.StatusOK, answer: secret},
			"answered 302":    {status: http.StatusFound},
			"unsupported":     nil,
		} {
			spec := connection.OAuth{URL: "https://example.com/token?key=" + secret, ClientID: "id", ClientSecret: secret}
			var transport http.RoundTripper = i
			if i == nil {
				transport = broken{}
			}
			cs, err := connection.New([]connection.Spec{{Name: "c", OAuth: &spec}}, egress.NewClient(transport), nil)
			if err != nil {
				t.Fatal(err)
			}
			c, err := cs.Get("c")
			if err != nil {
				t.Fatal(err)
			}
			err = c.Authorize(t.Context(), http.Header{})
			if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "connection c") || strings.Contains(err.Error(), secret) {
				t.Errorf("%s: %v", want, err)
			}
		}
	})
}

type broken struct{}

func (broken) RoundTrip(*http.Request) (*http.Response, error) { return nil, errors.New("unsupported") }

func TestBasicAndKey(t *testing.T) {
	cs, err := connection.New([]connection.Spec{
		{Name: "basic", Basic: &connection.Basic{Username: "Aladdin", Password: "open sesame"}}, // the example of RFC 7617
		{Name: "key", APIKey: &connection.APIKey{Header: "x-key", Value: "k"}},
		{Name: "none"},
	}, http.DefaultClient, nil)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]http.Header{
		"basic": {"Authorization": {"Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="}}, "key": {"X-Key": {"k"}}, "none": {},
	} {
		c, err := cs.Get(name)
		if err != nil {
			t.Fatal(err)
		}
		got := http.Header{}
		if err := c.Authorize(t.Context(), got); err != nil || url.Values(got).Encode() != url.Values(want).Encode() || c.Refused(got) {
			t.Errorf("%s: %v, %v", name, got, err)
		}
	}
	if _, err := cs.Get("nobody"); !errors.Is(err, connection.ErrUnknown) || !strings.Contains(err.Error(), "[basic key none]") {
		t.Error(err)
	}
	for _, specs := range [][]connection.Spec{{{}}, {{Name: "a"}, {Name: "a"}}} {
		if _, err := connection.New(specs, http.DefaultClient, nil); err == nil {
			t.Errorf("%+v was taken", specs)
		}
	}
}
