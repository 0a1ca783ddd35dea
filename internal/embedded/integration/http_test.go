package integration_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tidwall/gjson"

	"sundog/internal/embedded/connection"
	"sundog/internal/embedded/integration"
)

// endpoint is a server that answers what the path says, and shows what it was asked.
func endpoint(t *testing.T) *httptest.Server {
	t.Helper()
	mux := http.NewServeMux()
	mux.HandleFunc("/show", func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		w.Header().Set("Content-Type", "text/plain")
		fmt.Fprintf(w, "%s %s\n", r.Method, r.URL.RequestURI())
		for _, name := range []string{"Content-Type", "X-Site", "Authorization", "X-Api-Key"} {
			if v := r.Header.Get(name); v != "" {
				fmt.Fprintf(w, "%s: %s\n", name, v)
			}
		}
		fmt.Fprintf(w, "%s", body)
	})
	mux.HandleFunc("/json", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/problem+json; charset=utf-8")
		w.Header()["X-Twice"] = []string{"a", "b"}
		fmt.Fprint(w, `{"n": 1.0}`)
	})
	mux.HandleFunc("/broken", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprint(w, `{"n":`)
	})
	mux.HandleFunc("/gone", func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "it is gone", http.StatusGone) })
	mux.HandleFunc("/empty", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) })
	mux.HandleFunc("/elsewhere", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/json", http.StatusFound) })
	mux.HandleFunc("/image", func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Content-Type", "image/png") })
	mux.HandleFunc("/bytes", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain")
		fmt.Fprint(w, "\xff\xfe")
	})
	mux.HandleFunc("/large", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, strings.Repeat("a", 256<<10+1)) })
	mux.HandleFunc("/cut", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "100")
		fmt.Fprint(w, "a")
	})
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	return server
}

func TestHTTPRequests(t *testing.T) {
	server := endpoint(t)
	s := newServices(
		t,
		connection.Spec{
			Name: "basic", Basic: &connection.Basic{Username: "anna", Password: "pass"},
			Parameters: connection.Parameters{
				Headers: map[string]string{"X-Site": "north"}, Query: map[string]string{"version": "2"}, Body: map[string]string{"tenant": "harbour"},
			},
		},
		connection.Spec{Name: "key", APIKey: &connection.APIKey{Header: "X-Api-Key", Value: "k"}},
	)
	const form = `"Transform": {"RequestBodyEncoding": "URL_ENCODED", "RequestEncodingOptions": {"ArrayFormat": "`
	for _, c := range []struct{ name, parameters, want string }{
		{"plain", `"Method": "GET"`, "GET /show\n"},
		{"query and headers", `"Method": "DELETE", "QueryParameters": {"a": [1, "b c"], "d": true}, "Headers": {"X-Site": ["x", "y"]}`, "DELETE /show?a=1&a=b+c&d=true\nX-Site: x,y\n"},
		{"body", `"Method": "POST", "RequestBody": {"a": 1.0}`, "POST /show\nContent-Type: application/json\n" + `{"a":1.0}`},
		{"text", `"Method": "PUT", "RequestBody": "a b", "Headers": {"Content-Type": "text/plain"}`, "PUT /show\nContent-Type: text/plain\na b"},
		{
			"connection", `"Method": "PATCH", "RequestBody": {"a": 1, "tenant": "other"}, "Headers": {"X-Site": "south"}, "QueryParameters": {"version": 1, "v": 1},
			"Authentication": {"ConnectionArn": "arn:aws:events:us-east-1:000000000000:connection/basic/0a1b"}`,
			"PATCH /show?v=1&version=2\nContent-Type: application/json\nX-Site: north\nAuthorization: Basic YW5uYTpwYXNz\n" + `{"a":1,"tenant":"harbour"}`,
		},
		{"key by name", `"Method": "OPTIONS", "InvocationConfig": {"ConnectionArn": "key"}`, "OPTIONS /show\nX-Api-Key: k\n"},
		{
			"form", `"Method": "POST", "RequestBody": {"a": ["x", "y z"], "b": {"c": 1, "d": [{"e": null}]}}, "Transform": {"RequestBodyEncoding": "URL_ENCODED"}`,
			"POST /show\nContent-Type: application/x-www-form-urlencoded\na%5B0%5D=x&a%5B1%5D=y+z&b%5Bc%5D=1&b%5Bd%5D%5B0%5D%5Be%5D=",
		},
		{"form that repeats", `"Method": "POST", "RequestBody": {"a": ["x", "y z"]}, ` + form + `REPEAT"}}`, "POST /show\nContent-Type: application/x-www-form-urlencoded\na=x&a=y+z"},
		{"form with commas", `"Method": "POST", "RequestBody": {"a": ["x", "y,z"]}, ` + form + `COMMAS"}}`, "POST /show\nContent-Type: application/x-www-form-urlencoded\na=x,y%2Cz"},
		{"form with brackets", `"Method": "POST", "RequestBody": {"a": ["x", "y"]}, ` + form + `BRACKETS"}}`, "POST /show\nContent-Type: application/x-www-form-urlencoded\na%5B%5D=x&a%5B%5D=y"},
		{"no transform", `"Method": "POST", "RequestBody": {"a": [1]}, "Transform": {"RequestBodyEncoding": "NONE"}`, "POST /show\nContent-Type: application/json\n" + `{"a":[1]}`},
	} {
		out, failed := s.carry("http:invoke", `{"ApiEndpoint": "`+server.URL+`/show", `+c.parameters+`}`)
		if got := gjson.Get(out, "ResponseBody").String(); failed != nil || got != c.want {
			t.Errorf("%s: %v\n got %s\nwant %s", c.name, failed, got, c.want)
		}
	}
}

func TestHTTPAnswers(t *testing.T) {
	server := endpoint(t)
	s := newServices(t)
	out, failed := s.carry("http:invoke", `{"ApiEndpoint": "`+server.URL+`/json", "Method": "GET"}`)
	if failed != nil || gjson.Get(out, "ResponseBody").Raw != `{"n":1.0}` || gjson.Get(out, "StatusCode").Raw != "200" || gjson.Get(out, "StatusText").String() != "OK" ||
		gjson.Get(out, "Headers.x-twice").Raw != `["a","b"]` {
		t.Errorf("%s, %v", out, failed)
	}
	if out, failed := s.carry("http:invoke", `{"ApiEndpoint": "`+server.URL+`/json", "Method": "HEAD"}`); failed != nil || gjson.Get(out, "ResponseBody").Raw != `""` {
		t.Errorf("%s, %v", out, failed)
	}
	if out, failed := s.carry("http:invoke", `{"ApiEndpoint": "`+server.URL+`/broken", "Method": "GET"}`); failed != nil || gjson.Get(out, "ResponseBody").String() != `{"n":` {
		t.Errorf("%s, %v", out, failed)
	}
	for path, want := range map[string]string{
		"/gone":      "States.Http.StatusCode.410: it is gone\n",
		"/empty":     "States.Http.StatusCode.503: Service Unavailable",
		"/elsewhere": `States.Http.StatusCode.302: <a href="/json">Found</a>.` + "\n\n",
		"/image":     "States.Runtime: The response of the HTTP Task 'S' cannot be used: its content type is image/png",
		"/bytes":     "States.Runtime: The response of the HTTP Task 'S' cannot be used: it is no text in UTF-8",
		"/large":     "States.DataLimitExceeded: The state/task 'arn:aws:states:::http:invoke' returned a result with a size exceeding the maximum number of bytes service limit.",
		"/cut":       "States.Http.Socket: unexpected EOF",
	} {
		_, failed := s.carry("http:invoke", `{"ApiEndpoint": "`+server.URL+path+`", "Method": "GET"}`)
		if failed == nil || failed.Error() != want {
			t.Errorf("%s:\n got %v\nwant %s", path, failed, want)
		}
	}
	closed := httptest.NewServer(http.NotFoundHandler())
	closed.Close()
	for address, cause := range map[string]string{closed.URL: "connection refused", "http://169.254.169.254/latest/meta-data": "link-local or metadata address"} {
		_, failed := s.carry("http:invoke", `{"ApiEndpoint": "`+address+`", "Method": "GET"}`)
		if failed == nil || failed.Name != "States.Http.Socket" || !strings.Contains(failed.Cause, cause) {
			t.Errorf("%s: %v", address, failed)
		}
	}
}

func TestHTTPParametersThatAreRefused(t *testing.T) {
	s := newServices(t, connection.Spec{Name: "body", Parameters: connection.Parameters{Body: map[string]string{"a": "b"}}})
	for parameters, want := range map[string]string{
		`{"Method": "GET"}`:                                                                                                       `ApiEndpoint "" is no URL that begins with https:// or http://`,
		`{"Method": "GET", "ApiEndpoint": "ftp://a/"}`:                                                                            `ApiEndpoint "ftp://a/" is no URL that begins with https:// or http://`,
		`{"Method": "TRACE", "ApiEndpoint": "http://a/"}`:                                                                         `Method "TRACE" is none of GET, POST, PUT, DELETE, PATCH, OPTIONS, HEAD`,
		`{"Method": "GET", "ApiEndpoint": "http://a/", "Headers": {"Authorization": "x"}}`:                                        `the header Authorization cannot be set by an HTTP Task; credentials belong to a connection`,
		`{"Method": "GET", "ApiEndpoint": "http://a/", "Headers": {"X-Amz-Date": "x"}}`:                                           `the header X-Amz-Date cannot be set by an HTTP Task; credentials belong to a connection`,
		`{"Method": "GET", "ApiEndpoint": "http://a/", "Headers": {"A": {}}}`:                                                     `the header A has a value that is no text`,
		`{"Method": "GET", "ApiEndpoint": "http://a/", "QueryParameters": {"a": [[]]}}`:                                           `the query parameter a has a value that is no text`,
		`{"Method": "GET", "ApiEndpoint": "http://a/", "Authentication": {"ConnectionArn": "nobody"}}`:                            `no such connection: "nobody"; there are [body]`,
		`{"Method": "POST", "ApiEndpoint": "http://a/", "RequestBody": [1], "Authentication": {"ConnectionArn": "body"}}`:         `the connection adds to the body, and RequestBody is no object`,
		`{"Method": "POST", "ApiEndpoint": "http://a/", "RequestBody": [1], "Transform": {"RequestBodyEncoding": "URL_ENCODED"}}`: `a RequestBody that is to be URL_ENCODED has to be an object`,
		`{"Method": "POST", "ApiEndpoint": "http://a/", "Transform": {"RequestBodyEncoding": "XML"}}`:                             `RequestBodyEncoding "XML" is none of NONE, URL_ENCODED`,
		`{"Method": "POST", "ApiEndpoint": "http://a/", "RequestBody": {}, "Transform": {"RequestBodyEncoding": "URL_ENCODED", "RequestEncodingOptions": {"ArrayFormat": "TABS"}}}`: `ArrayFormat "TABS" is none of INDICES, REPEAT, COMMAS, BRACKETS`,
	} {
		_, failed := s.carry("http:invoke", parameters)
		if failed == nil || failed.Name != "States.Runtime" || failed.Cause != "The HTTP Task 'S' cannot be run: "+want {
			t.Errorf("%s:\n got %v\nwant %s", parameters, failed, want)
		}
	}
}

// TestHTTPToken calls an endpoint that refuses a token that it has accepted before: the call is made again with another.
func TestHTTPToken(t *testing.T) {
	var tokens, valid atomic.Int64
	valid.Store(1)
	mux := http.NewServeMux()
	mux.HandleFunc("/token", func(w http.ResponseWriter, r *http.Request) {
		if _, secret, _ := r.BasicAuth(); secret != "s3cret" || r.FormValue("grant_type") != "client_credentials" {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		fmt.Fprintf(w, `{"access_token": "t%d", "token_type": "bearer", "expires_in": 3600}`, tokens.Add(1))
	})
	mux.HandleFunc("/data", func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != fmt.Sprintf("Bearer t%d", valid.Load()) {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		fmt.Fprint(w, "data")
	})
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	s := newServices(
		t,
		connection.Spec{Name: "archive", OAuth: &connection.OAuth{URL: server.URL + "/token", ClientID: "c", ClientSecret: "s3cret"}},
		connection.Spec{Name: "wrong", OAuth: &connection.OAuth{URL: server.URL + "/token", ClientID: "c", ClientSecret: "wr0ng"}},
	)
	call := func(name string) string {
		out, failed := s.carry("http:invoke", `{"ApiEndpoint": "`+server.URL+`/data", "Method": "GET", "Authentication": {"ConnectionArn": "`+name+`"}}`)
		if failed != nil {
			return failed.Error()
		}
		return gjson.Get(out, "ResponseBody").String()
	}
	for i, want := range []string{"data", "data"} {
		if got := call("archive"); got != want || tokens.Load() != 1 {
			t.Errorf("call %d gives %s after %d tokens", i, got, tokens.Load())
		}
	}
	valid.Store(2)
	if got := call("archive"); got != "data" || tokens.Load() != 2 {
		t.Errorf("a call with a token that is refused gives %s after %d tokens", got, tokens.Load())
	}
	valid.Store(100)
	if got := call("archive"); got != "States.Http.StatusCode.401: Unauthorized" || tokens.Load() != 3 {
		t.Errorf("an endpoint that refuses all gives %s after %d tokens", got, tokens.Load())
	}
	if got := call("wrong"); got != "States.Http.Socket: connection wrong: asking for a token: the token endpoint answered 400; check client_id, client_secret and url" {
		t.Errorf("a wrong secret gives %s", got)
	}
}

// silent is an endpoint that never answers.
type silent struct{}

func (silent) RoundTrip(req *http.Request) (*http.Response, error) {
	<-req.Context().Done()
	return nil, context.Cause(req.Context())
}

func TestHTTPTimesOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		known, err := connection.New(nil, nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		r := &integration.Runner{HTTP: &http.Client{Transport: silent{}}, Connections: known}
		started := time.Now()
		_, failed := run(t, r, "arn:aws:states:::http:invoke", `{"ApiEndpoint": "http://a/", "Method": "GET"}`)
		if failed == nil || failed.Error() != "States.Http.Socket: the endpoint did not answer within 1m0s" || time.Since(started) != time.Minute {
			t.Errorf("%v after %v", failed, time.Since(started))
		}
	})
}
