package lambda

import (
	"context"
	"encoding/json"
	"log/slog"
	"maps"
	"net/http"
	"net/url"
	"strings"

	"github.com/aws/aws-lambda-go/events"

	"sundog/internal/cirrusapi"
)

// Answerer answers questions about records: cirrusapi.API.
type Answerer interface {
	Answer(ctx context.Context, r cirrusapi.Request) (cirrusapi.Response, error)
}

// API is the handler api: the HTTP API of Cirrus behind API Gateway, a REST API or an HTTP API with events of version 1.0 or 2.0, or behind a
// function URL. The stage and basePath, that of a custom domain, are no part of what is asked for.
func API(a Answerer, basePath string, logger *slog.Logger) Func {
	return func(ctx context.Context, event []byte) ([]byte, error) {
		r, err := readHTTP(event)
		if err != nil {
			return nil, err
		}
		switch r.method {
		case http.MethodGet, http.MethodHead:
		case http.MethodOptions:
			return respond(http.StatusNoContent, nil, map[string]string{"Access-Control-Allow-Methods": "GET, HEAD, OPTIONS"})
		default:
			return respond(http.StatusMethodNotAllowed, []byte(`{"error":["this API is read with GET"]}`), map[string]string{"Allow": "GET, HEAD, OPTIONS"})
		}
		answer, err := a.Answer(ctx, r.question(basePath))
		if err != nil {
			logger.Error("request not answered", "path", r.path, "error", err)
			return respond(http.StatusInternalServerError, []byte(`{"error":["the request could not be answered; the log of the function says why"]}`), nil)
		}
		if r.method == http.MethodHead {
			answer.Body = nil
		}
		return respond(answer.Status, answer.Body, nil)
	}
}

// httpRequest is a request as API Gateway and function URLs pass it on.
type httpRequest struct {
	method string
	path   string // as the event has it
	whole  string // the same with what comes before it in the URL, where the event says so
	stage  string
	domain string
	query  url.Values
	body   string
	base64 bool
}

// readHTTP reads the event of a request: "Create Lambda proxy integrations for HTTP APIs" in the API Gateway Developer Guide, payload format
// versions 1.0, which REST APIs have too, and 2.0, which function URLs have too.
func readHTTP(event []byte) (httpRequest, error) {
	var version struct{ Version string }
	if err := json.Unmarshal(event, &version); err != nil {
		return httpRequest{}, unexpected("this function takes requests of API Gateway or of a function URL: %v", err)
	}
	if version.Version == "2.0" {
		var e events.APIGatewayV2HTTPRequest
		if err := json.Unmarshal(event, &e); err != nil {
			return httpRequest{}, unexpected("reading a request of version 2.0: %v", err)
		}
		query, err := url.ParseQuery(e.RawQueryString)
		if err != nil {
			return httpRequest{}, unexpected("reading the query %.200q: %v", e.RawQueryString, err)
		}
		return httpRequest{
			method: e.RequestContext.HTTP.Method, path: e.RawPath, whole: e.RawPath, stage: e.RequestContext.Stage,
			domain: e.RequestContext.DomainName, query: query, body: e.Body, base64: e.IsBase64Encoded,
		}, nil
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
		query: url.Values{}, body: e.Body, base64: e.IsBase64Encoded,
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

// question is what the request asks of the API: the path below the API's root, and where that root is.
func (r *httpRequest) question(basePath string) cirrusapi.Request {
	path := r.path
	if basePath != "" {
		path = below(path, basePath)
	}
	path = below(path, r.stage)
	q := cirrusapi.Request{Path: path, Query: r.query}
	if decoded, err := url.PathUnescape(path); err == nil {
		q.Path = decoded
	}
	if r.domain != "" {
		q.Root = "https://" + r.domain + strings.TrimSuffix(strings.TrimSuffix(r.whole, path), "/") + "/"
	}
	return q
}

// below takes the first segments of a path away where they are there.
func below(path, first string) string {
	if rest, ok := strings.CutPrefix(path, "/"+first); ok && first != "" && (rest == "" || rest[0] == '/') {
		return "/" + strings.TrimPrefix(rest, "/")
	}
	return path
}

// respond writes the answer to a request, which is the same for all versions.
func respond(status int, body []byte, headers map[string]string) ([]byte, error) {
	all := cirrusapi.Headers()
	all["Content-Type"] = "application/json"
	maps.Copy(all, headers)
	return json.Marshal(events.APIGatewayProxyResponse{StatusCode: status, Headers: all, Body: string(body)})
}
