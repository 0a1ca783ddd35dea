package awsjson_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"sundog/internal/awsjson"
	"sundog/internal/sigv4"
)

type request struct {
	Name *string `json:"name"`
	Size *int    `json:"size"`
}

type answer struct {
	Greeting string       `json:"greeting"`
	At       awsjson.Time `json:"at"`
}

func handler(credentials *sigv4.Verifier) http.Handler {
	greet := func(_ context.Context, req *request) (*answer, error) {
		var c awsjson.Checks
		c.Required("name", req.Name, 1, 5)
		c.Range("size", req.Size, 1, 3)
		if err := c.Err(); err != nil {
			return nil, err
		}
		switch *req.Name {
		case "disk":
			return nil, errors.New("the disk says something private")
		case "busy":
			return nil, context.Canceled
		case "known":
			return nil, awsjson.Errorf("AlreadyGreeted", "%s was greeted", *req.Name)
		}
		return &answer{"Hello <" + *req.Name + ">", awsjson.Time(time.UnixMilli(1500))}, nil
	}
	classify := func(err error) *awsjson.Error {
		if errors.Is(err, context.Canceled) {
			return &awsjson.Error{Name: "ServiceUnavailable", Message: "later", Status: http.StatusServiceUnavailable}
		}
		return nil
	}
	return awsjson.NewHandler(awsjson.Options{Credentials: credentials, Classify: classify}, awsjson.Service{
		Target: "Greeter_20260301", Namespace: "com.example", Version: "1.1", MaxBody: 100,
		Operations: map[string]awsjson.Operation{
			"Greet":  awsjson.Of(greet),
			"Nobody": func(context.Context, []byte) (any, error) { return nil, nil },
		},
	})
}

func TestHandler(t *testing.T) {
	for name, tt := range map[string]struct {
		target, body string
		status       int
		want         string // in the answer
	}{
		"an answer":           {"Greeter_20260301.Greet", `{"name":"Bo","other":1}`, 200, `{"greeting":"Hello <Bo>","at":1.500}`},
		"no answer":           {"Greeter_20260301.Nobody", ``, 200, `{}`},
		"an error by name":    {"Greeter_20260301.Greet", `{"name":"known"}`, 400, `"__type":"com.example#AlreadyGreeted"`},
		"nothing at all":      {"Greeter_20260301.Greet", ``, 400, `Value null at 'name'`},
		"two constraints":     {"Greeter_20260301.Greet", `{"name":"Robert","size":4}`, 400, `2 validation errors detected`},
		"an error inside":     {"Greeter_20260301.Greet", `{"name":"disk"}`, 500, `com.amazon.coral.service#InternalFailure`},
		"an error that was":   {"Greeter_20260301.Greet", `{"name":"busy"}`, 503, `ServiceUnavailable`},
		"no such operation":   {"Greeter_20260301.Shout", `{}`, 400, `UnknownOperationException`},
		"no such service":     {"Shouter.Greet", `{}`, 400, `UnknownOperationException`},
		"no target":           {"", `{}`, 400, `UnknownOperationException`},
		"a body of 101 bytes": {"Greeter_20260301.Greet", strings.Repeat(" ", 101), 413, `100 bytes`},
		"a body that is none": {"Greeter_20260301.Greet", `{`, 400, `SerializationException`},
	} {
		t.Run(name, func(t *testing.T) {
			r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/", strings.NewReader(tt.body))
			r.Header.Set(awsjson.TargetHeader, tt.target)
			w := httptest.NewRecorder()
			handler(nil).ServeHTTP(w, r)
			if w.Code != tt.status || !strings.Contains(w.Body.String(), tt.want) || strings.Contains(w.Body.String(), "private") {
				t.Errorf("%d %s", w.Code, w.Body)
			}
			if w.Header().Get("x-amzn-RequestId") == "" || !strings.HasPrefix(w.Header().Get("Content-Type"), "application/x-amz-json-1.") {
				t.Errorf("headers %v", w.Header())
			}
		})
	}
}

// unread is a body that must not be read.
type unread struct{ t *testing.T }

func (u unread) Read([]byte) (int, error) {
	u.t.Error("the body of a stranger was read")
	return 0, io.EOF
}

func TestStrangersBodyIsNotRead(t *testing.T) {
	for name, authorization := range map[string]string{
		"not signed":  "",
		"another key": "AWS4-HMAC-SHA256 Credential=x/20260301/r/s/aws4_request, SignedHeaders=host;x-amz-date;x-amz-target, Signature=00",
	} {
		t.Run(name, func(t *testing.T) {
			r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/", unread{t})
			r.Header.Set(awsjson.TargetHeader, "Greeter_20260301.Greet")
			r.Header.Set("Authorization", authorization)
			r.Header.Set("X-Amz-Date", "20260301T120000Z")
			w := httptest.NewRecorder()
			handler(&sigv4.Verifier{AccessKey: "sundog", Secret: "s"}).ServeHTTP(w, r)
			if w.Code != http.StatusBadRequest {
				t.Errorf("%d %s", w.Code, w.Body)
			}
		})
	}
}
