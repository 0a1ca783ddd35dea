package sigv4_test

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"sundog/internal/sigv4"
)

var now = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// signed is a request that AWS's own signer has signed.
func signed(t *testing.T, key, secret, body string, at time.Time) *http.Request {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "http://127.0.0.1:8123/a%20b/c?x=1&a=%2F&x=0", strings.NewReader(body))
	r.Header.Set("X-Amz-Target", "AWSStepFunctions.ListStateMachines")
	r.Header.Set("Content-Type", "application/x-amz-json-1.0")
	r.Header.Set("X-Spaces", "  a   b ")
	sum := sha256.Sum256([]byte(body))
	err := v4.NewSigner().SignHTTP(t.Context(), aws.Credentials{AccessKeyID: key, SecretAccessKey: secret}, r, hex.EncodeToString(sum[:]), "states", "eu-central-1", at)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func check(r *http.Request, body string) error {
	v := sigv4.Verifier{AccessKey: "sundog", Secret: "s3cret", Now: func() time.Time { return now }}
	s, err := v.Read(r, "x-amz-target")
	if err != nil {
		return err
	}
	return s.Check([]byte(body))
}

func TestSignatures(t *testing.T) {
	for _, tt := range []struct {
		name        string
		key, secret string
		at          time.Time
		change      func(r *http.Request)
		body        string
		want        error
	}{
		{name: "as signed"},
		{name: "a clock that is slow", at: now.Add(-14 * time.Minute)},
		{name: "too old", at: now.Add(-16 * time.Minute), want: sigv4.ErrExpired},
		{name: "of the future", at: now.Add(16 * time.Minute), want: sigv4.ErrExpired},
		{name: "another key", key: "AKIDEXAMPLE", want: sigv4.ErrUnknown},
		{name: "another secret", secret: "guessed", want: sigv4.ErrMismatch},
		{name: "another body", body: `{"a":2}`, want: sigv4.ErrMismatch},
		{name: "another target", change: func(r *http.Request) { r.Header.Set("X-Amz-Target", "AWSStepFunctions.DeleteStateMachine") }, want: sigv4.ErrMismatch},
		{name: "another method", change: func(r *http.Request) { r.Method = http.MethodPut }, want: sigv4.ErrMismatch},
		{name: "another query", change: func(r *http.Request) { r.URL.RawQuery += "&y=1" }, want: sigv4.ErrMismatch},
		{name: "another path", change: func(r *http.Request) { r.URL.Path, r.URL.RawPath = "/d", "" }, want: sigv4.ErrMismatch},
		{name: "another host", change: func(r *http.Request) { r.Host = "example.com" }, want: sigv4.ErrMismatch},
		{name: "not signed", change: func(r *http.Request) { r.Header.Del("Authorization") }, want: sigv4.ErrMissing},
		{name: "a bearer token", change: func(r *http.Request) { r.Header.Set("Authorization", "Bearer s3cret") }, want: sigv4.ErrMissing},
		{name: "no date", change: func(r *http.Request) { r.Header.Del("X-Amz-Date") }, want: sigv4.ErrIncomplete},
		{name: "no signature", change: func(r *http.Request) {
			text, _, _ := strings.Cut(r.Header.Get("Authorization"), ", Signature=")
			r.Header.Set("Authorization", text)
		}, want: sigv4.ErrIncomplete},
		{name: "the target is not signed", change: func(r *http.Request) {
			r.Header.Set("Authorization", strings.Replace(r.Header.Get("Authorization"), ";x-amz-target", "", 1))
		}, want: sigv4.ErrIncomplete},
	} {
		t.Run(tt.name, func(t *testing.T) {
			key, secret, at, body := "sundog", "s3cret", now, `{"a":1}`
			if tt.key != "" {
				key = tt.key
			}
			if tt.secret != "" {
				secret = tt.secret
			}
			if !tt.at.IsZero() {
				at = tt.at
			}
			r := signed(t, key, secret, body, at)
			if tt.change != nil {
				tt.change(r)
			}
			if tt.body != "" {
				body = tt.body
			}
			if err := check(r, body); !errors.Is(err, tt.want) {
				t.Errorf("got %v, want %v", err, tt.want)
			}
		})
	}
}

// TestPublishedSignature takes the request get-vanilla of AWS's Signature Version 4 test suite, whose signature was published.
func TestPublishedSignature(t *testing.T) {
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "http://example.amazonaws.com/", http.NoBody)
	r.Header.Set("X-Amz-Date", "20150830T123600Z")
	r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, "+
		"SignedHeaders=host;x-amz-date, Signature=5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31")
	v := sigv4.Verifier{
		AccessKey: "AKIDEXAMPLE", Secret: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
		Now: func() time.Time { return time.Date(2015, 8, 30, 12, 36, 0, 0, time.UTC) },
	}
	s, err := v.Read(r)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Check(nil); err != nil {
		t.Error(err)
	}
}
