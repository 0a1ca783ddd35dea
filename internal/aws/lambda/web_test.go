package lambda_test

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	"sundog/internal/access"
	"sundog/internal/aws/lambda"
)

func TestWeb(t *testing.T) {
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		w.Header().Set("Content-Type", "text/plain")
		w.WriteHeader(http.StatusCreated)
		_, _ = io.WriteString(w, strings.Join([]string{
			r.Method, r.URL.Path, r.URL.Query().Get("limit"), r.Header.Get("X-Kind"), r.Host, access.Actor(r.Context()), string(body),
		}, "|"))
	})
	const http2 = `{"version":"2.0","rawPath":"/v1/task/a%2Fb","rawQueryString":"limit=2","headers":{"x-kind":"k"},"body":"dGV4dA==","isBase64Encoded":true,` +
		`"requestContext":{"domainName":"d","stage":"$default","http":{"method":"POST"},"authorizer":AUTHORIZER}}`
	for _, c := range []struct{ name, event, basePath, want string }{
		{
			name: "IAM", basePath: "v1", want: "POST|/task/a/b|2|k|d|arn:aws:iam::123456789012:user/ann|text",
			event: strings.Replace(http2, "AUTHORIZER", `{"iam":{"userArn":"arn:aws:iam::123456789012:user/ann"}}`, 1),
		},
		{
			name: "JWT", want: "POST|/v1/task/a/b|2|k|d|ann|text",
			event: strings.Replace(http2, "AUTHORIZER", `{"jwt":{"claims":{"sub":"ann"},"scopes":null}}`, 1),
		},
		{
			name: "REST", want: "GET|/task/1|2||70ixmpl4fl.execute-api.us-east-1.amazonaws.com||",
			event: string(eventOf(t, "rest-api", "PATH=/task/1")),
		},
	} {
		raw, err := lambda.Web(h, c.basePath)(t.Context(), []byte(c.event))
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		var a httpAnswer
		if err := json.Unmarshal(raw, &a); err != nil || a.StatusCode != http.StatusCreated || a.Body != c.want || a.Headers["Content-Type"] != "text/plain" {
			t.Errorf("%s: %+v, %v", c.name, a, err)
		}
	}
	for _, event := range []string{`{}`, `"x"`, `{"path":"/a","body":"%","isBase64Encoded":true}`, `{"path":"%zz"}`, `{"path":"/a","httpMethod":"A B"}`} {
		if raw, err := lambda.Web(h, "")(t.Context(), []byte(event)); err == nil {
			t.Errorf("%s is answered with %s", event, raw)
		}
	}
}
