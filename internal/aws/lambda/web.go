package lambda

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"maps"
	"net/http"
	"net/url"
	"strings"

	"github.com/aws/aws-lambda-go/events"

	"sundog/internal/access"
)

// Web has an http.Handler answer the requests of API Gateway or a function URL, below the stage and basePath. Who asks, as far as API Gateway
// knows it, is the actor of the request's context.
func Web(h http.Handler, basePath string) Func {
	return func(ctx context.Context, event []byte) ([]byte, error) {
		r, err := readHTTP(event)
		if err != nil {
			return nil, err
		}
		req, err := r.request(access.WithActor(ctx, r.caller), basePath)
		if err != nil {
			return nil, err
		}
		answer := recorder{header: http.Header{}, status: http.StatusOK}
		h.ServeHTTP(&answer, req)
		response := events.APIGatewayProxyResponse{StatusCode: answer.status, Headers: map[string]string{}, Body: answer.body.String()}
		for name := range answer.header {
			response.Headers[name] = strings.Join(answer.header.Values(name), ", ")
		}
		return json.Marshal(response)
	}
}

// httpRequest is a request as API Gateway and function URLs pass it on.
type httpRequest struct {
	method  string
	path    string // as the event has it
	whole   string // the same with what comes before it in the URL, where the event says so
	stage   string
	domain  string
	caller  string // who asks, as API Gateway found out; often empty
	query   url.Values
	headers map[string]string
	body    string
	base64  bool
}

// readHTTP reads the event of a request: "Create Lambda proxy integrations for HTTP APIs" in the API Gateway Developer Guide, payload format
// versions 1.0, which REST APIs have too, and 2.0, which function URLs have too.
func readHTTP(event []byte) (httpRequest, error) {
	var version struct{ Version string }
	if err := json.Unmarshal(event, &version); err != nil {
		return httpRequest{}, unexpected("this function takes requests of API Gateway or of a function URL; this event is no object")
	}
	if version.Version == "2.0" {
		return readHTTP2(event)
	}
	var e events.APIGatewayProxyRequest
	if err := json.Unmarshal(event, &e); err != nil {
		return httpRequest{}, unexpected("reading a request of version 1.0: %v", err)
	}
	if e.Path == "" {
		return httpRequest{}, unexpected("this function takes requests of API Gateway or of a function URL; this event has no path")
	}
	r := httpRequest{
		method: e.HTTPMethod, path: e.Path, whole: e.RequestContext.Path, stage: e.RequestContext.Stage, domain: e.RequestContext.DomainName,
		caller: e.RequestContext.Identity.UserArn, query: url.Values{}, headers: e.Headers, body: e.Body, base64: e.IsBase64Encoded,
	}
	if r.method == "" {
		r.method = http.MethodGet // as whoever invokes the function by hand means it
	}
	for name, value := range e.QueryStringParameters {
		r.query.Set(name, value)
	}
	maps.Copy(r.query, e.MultiValueQueryStringParameters)
	return r, nil
}

func readHTTP2(event []byte) (httpRequest, error) {
	var e events.APIGatewayV2HTTPRequest
	if err := json.Unmarshal(event, &e); err != nil {
		return httpRequest{}, unexpected("reading a request of version 2.0: %v", err)
	}
	query, err := url.ParseQuery(e.RawQueryString)
	if err != nil {
		return httpRequest{}, unexpected("reading the query %.200q: %v", e.RawQueryString, err)
	}
	r := httpRequest{
		method: e.RequestContext.HTTP.Method, path: e.RawPath, whole: e.RawPath, stage: e.RequestContext.Stage,
		domain: e.RequestContext.DomainName, query: query, headers: e.Headers, body: e.Body, base64: e.IsBase64Encoded,
	}
	if a := e.RequestContext.Authorizer; a != nil {
		switch {
		case a.IAM != nil:
			r.caller = a.IAM.UserARN
		case a.JWT != nil:
			r.caller = a.JWT.Claims["sub"]
		}
	}
	return r, nil
}

// below is the path below the API's root, and what of the URL's path leads to that.
func (r *httpRequest) below(basePath string) (path, root string) {
	path = cutSegment(r.path, basePath)
	path = cutSegment(path, r.stage)
	root = strings.TrimSuffix(strings.TrimSuffix(r.whole, path), "/") + "/"
	return path, root
}

// cutSegment takes the first segments of a path away where they are there.
func cutSegment(path, first string) string {
	if rest, ok := strings.CutPrefix(path, "/"+first); ok && first != "" && (rest == "" || rest[0] == '/') {
		return "/" + strings.TrimPrefix(rest, "/")
	}
	return path
}

// request is the request as an http.Handler takes it.
func (r *httpRequest) request(ctx context.Context, basePath string) (*http.Request, error) {
	body := []byte(r.body)
	if r.base64 {
		var err error
		if body, err = base64.StdEncoding.DecodeString(r.body); err != nil {
			return nil, unexpected("reading the body of a request: %v", err)
		}
	}
	path, _ := r.below(basePath)
	u, err := url.Parse(path)
	if err != nil {
		return nil, unexpected("reading the path of a request: %v", err)
	}
	req, err := http.NewRequestWithContext(ctx, r.method, (&url.URL{Path: u.Path, RawPath: u.RawPath, RawQuery: r.query.Encode()}).String(), bytes.NewReader(body))
	if err != nil {
		return nil, unexpected("reading a request: %v", err)
	}
	req.Host = r.domain
	for name, value := range r.headers {
		req.Header.Set(name, value)
	}
	return req, nil
}

// recorder keeps the answer of a handler, which is as long as the event's response may be.
type recorder struct {
	header http.Header
	status int
	wrote  bool
	body   bytes.Buffer
}

func (r *recorder) Header() http.Header { return r.header }

func (r *recorder) WriteHeader(status int) {
	if !r.wrote {
		r.status, r.wrote = status, true
	}
}

func (r *recorder) Write(p []byte) (int, error) {
	r.wrote = true
	return r.body.Write(p)
}
