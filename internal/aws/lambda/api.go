package lambda

import (
	"context"
	"encoding/json"
	"log/slog"
	"maps"
	"net/http"
	"net/url"

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

// question is what the request asks of the API.
func (r *httpRequest) question(basePath string) cirrusapi.Request {
	path, root := r.below(basePath)
	q := cirrusapi.Request{Path: path, Query: r.query}
	if decoded, err := url.PathUnescape(path); err == nil {
		q.Path = decoded
	}
	if r.domain != "" {
		q.Root = "https://" + r.domain + root
	}
	return q
}

// respond writes the answer to a request, which is the same for all versions.
func respond(status int, body []byte, headers map[string]string) ([]byte, error) {
	all := cirrusapi.Headers()
	all["Content-Type"] = "application/json"
	maps.Copy(all, headers)
	return json.Marshal(events.APIGatewayProxyResponse{StatusCode: status, Headers: all, Body: string(body)})
}
