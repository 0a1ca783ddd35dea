package lambda_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"sundog/internal/aws/lambda"
	"sundog/internal/cirrusapi"
)

// echo answers with what it is asked.
type echo struct{}

func (echo) Answer(_ context.Context, r cirrusapi.Request) (cirrusapi.Response, error) {
	if strings.Contains(r.Path, "broken") {
		return cirrusapi.Response{}, errors.New("the table is not there")
	}
	body, err := json.Marshal(r)
	return cirrusapi.Response{Status: 200, Body: body}, err
}

type httpAnswer struct {
	StatusCode int
	Headers    map[string]string
	Body       string
}

func askAPI(t *testing.T, event []byte, basePath string) (httpAnswer, cirrusapi.Request) {
	t.Helper()
	raw, err := lambda.API(echo{}, basePath, slog.New(slog.DiscardHandler))(t.Context(), event)
	if err != nil {
		t.Fatal(err)
	}
	var a httpAnswer
	if err := json.Unmarshal(raw, &a); err != nil {
		t.Fatal(err)
	}
	var r cirrusapi.Request
	if a.StatusCode == http.StatusOK && a.Body != "" {
		if err := json.Unmarshal([]byte(a.Body), &r); err != nil {
			t.Fatal(err)
		}
	}
	return a, r
}

func TestAPIReadsRequests(t *testing.T) {
	const restURL, httpURL, functionURL = "https://70ixmpl4fl.execute-api.us-east-1.amazonaws.com/dev/", "https://r3pmxmplak.execute-api.us-east-1.amazonaws.com/dev/", "https://urlxmplid.lambda-url.us-east-1.on.aws/"
	for _, c := range []struct{ event, path, basePath, want, root string }{
		{event: "rest-api", path: "/c/workflow-w/items", want: "/c/workflow-w/items", root: restURL},
		{event: "rest-api", path: "/", want: "/", root: restURL},
		{event: "rest-api", path: "/base/stats", basePath: "base", want: "/stats", root: restURL + "base/"},
		{event: "http-api", path: "/c/workflow-w/items", want: "/c/workflow-w/items", root: httpURL},
		{event: "http-api", path: "", want: "/", root: httpURL},
		{event: "function-url", path: "/c/workflow-w/i%20j", want: "/c/workflow-w/i j", root: functionURL},
		{event: "function-url", path: "/devices/workflow-w/i", want: "/devices/workflow-w/i", root: functionURL},
	} {
		_, r := askAPI(t, eventOf(t, c.event, "PATH="+c.path), c.basePath)
		if r.Path != c.want || r.Root != c.root || r.Query.Get("limit") != "2" {
			t.Errorf("%s %s is %+v", c.event, c.path, r)
		}
	}
	_, r := askAPI(t, []byte(`{"path":"/stats"}`), "")
	if r.Path != "/stats" || r.Root != "" {
		t.Errorf("by hand: %+v", r)
	}
}

func TestAPIAnswers(t *testing.T) {
	get := eventOf(t, "http-api", "PATH=/stats")
	for method, want := range map[string]int{"GET": 200, "HEAD": 200, "OPTIONS": 204, "POST": 405} {
		a, _ := askAPI(t, bytes.ReplaceAll(get, []byte(`"GET"`), []byte(`"`+method+`"`)), "")
		if a.StatusCode != want || a.Headers["Access-Control-Allow-Origin"] != "*" || (method == "HEAD") != (a.Body == "" && want == 200) {
			t.Errorf("%s: %+v", method, a)
		}
	}
	a, _ := askAPI(t, eventOf(t, "rest-api", "PATH=/broken"), "")
	if a.StatusCode != http.StatusInternalServerError || strings.Contains(a.Body, "table") || !json.Valid([]byte(a.Body)) {
		t.Errorf("%+v", a)
	}
	for _, event := range []string{`{}`, `[]`, `{"version":"2.0","rawQueryString":"%zz"}`, string(eventOf(t, "sqs", `BODY=""`))} {
		if raw, err := lambda.API(echo{}, "", slog.New(slog.DiscardHandler))(t.Context(), []byte(event)); err == nil {
			t.Errorf("%s is answered with %s", event, raw)
		}
	}
}
