package integration

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/tidwall/gjson"

	"sundog/asl"
	"sundog/internal/embedded/connection"
	"sundog/internal/embedded/engine"
)

// Bounds of HTTP Tasks (Step Functions Developer Guide, "Quotas related to HTTP Task").
const (
	httpTime      = 60 * time.Second // of a task, its token and its second attempt included
	maxHTTPAnswer = 256 << 10
	maxCause      = 32 << 10 // of the answer that a failed request has
)

// httpParameters are those of an HTTP Task (Step Functions Developer Guide, "HTTP Task fields").
type httpParameters struct {
	APIEndpoint      string `json:"ApiEndpoint"`
	Method           string
	Authentication   connectionParameter
	InvocationConfig connectionParameter
	Headers          map[string]json.RawMessage
	QueryParameters  map[string]json.RawMessage
	RequestBody      json.RawMessage
	Transform        struct {
		RequestBodyEncoding    string // NONE or URL_ENCODED
		RequestEncodingOptions struct{ ArrayFormat string }
	}
}

type connectionParameter struct{ ConnectionArn string }

// httpCall is a call that can be made more than once.
type httpCall struct {
	method, url string
	header      http.Header
	body        []byte
	connection  *connection.Connection // nil without one
}

// httpAnswer is what an endpoint has answered.
type httpAnswer struct {
	status int
	text   string // of the status
	header http.Header
	body   []byte // of more than maxHTTPAnswer bytes only so many that this can be seen
}

// errHTTPTime is why a call ends that takes too long.
var errHTTPTime = fmt.Errorf("the endpoint did not answer within %v", httpTime)

// invokeHTTP is http:invoke: the answer of an endpoint of 2xx is the result, any other an error. A redirect is not followed.
func (r *Runner) invokeHTTP(ctx context.Context, task engine.Task) (*asl.Document, error) {
	call, err := r.httpCall(task)
	if err != nil {
		return nil, err
	}
	inner, cancel := context.WithTimeoutCause(ctx, httpTime, errHTTPTime)
	defer cancel()
	got, err := r.call(inner, call)
	switch {
	case err != nil && ctx.Err() != nil:
		return nil, context.Cause(ctx)
	case err != nil && inner.Err() != nil:
		return nil, invalid("States.Http.Socket", "%v", context.Cause(inner))
	case err != nil:
		return nil, invalid("States.Http.Socket", "%v", err)
	case len(got.body) > maxHTTPAnswer:
		return nil, invalid("States.DataLimitExceeded", "The state/task '%s' returned a result with a size exceeding the maximum number of bytes service limit.", task.Resource)
	}
	if reason := got.unreadable(); reason != "" {
		return nil, invalid("States.Runtime", "The response of the HTTP Task '%s' cannot be used: %s", task.State, reason)
	}
	if got.status < 200 || got.status >= 300 {
		return nil, &engine.TaskError{Name: fmt.Sprintf("States.Http.StatusCode.%d", got.status), Cause: got.cause()}
	}
	return got.result()
}

// call makes a call, and makes it again when another authorization may help.
func (r *Runner) call(ctx context.Context, call *httpCall) (*httpAnswer, error) {
	for again := true; ; again = false {
		req, err := call.request(ctx)
		if err != nil {
			return nil, err
		}
		got, err := send(r.HTTP, req)
		if err != nil {
			return nil, err
		}
		refused := got.status == http.StatusUnauthorized || got.status == http.StatusProxyAuthRequired
		if !again || !refused || call.connection == nil || !call.connection.Refused(req.Header) {
			return got, nil
		}
	}
}

func send(client *http.Client, req *http.Request) (*httpAnswer, error) {
	resp, err := client.Do(req)
	if err != nil {
		if failed, ok := errors.AsType[*url.Error](err); ok {
			err = failed.Err // without the URL, which may hold a secret of the connection
		}
		return nil, err
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxHTTPAnswer+1))
	_, text, _ := strings.Cut(resp.Status, " ")
	if text == "" {
		text = http.StatusText(resp.StatusCode)
	}
	return &httpAnswer{status: resp.StatusCode, text: text, header: resp.Header, body: body}, errors.Join(err, resp.Body.Close())
}

// request makes a request of a call, with the authorization of its connection.
func (c *httpCall) request(ctx context.Context) (*http.Request, error) {
	var body io.Reader
	if c.body != nil {
		body = strings.NewReader(string(c.body))
	}
	req, err := http.NewRequestWithContext(ctx, c.method, c.url, body)
	if err != nil {
		return nil, fmt.Errorf("making a request of the parameters: %w", err)
	}
	req.Header = c.header.Clone()
	if c.connection != nil {
		if err := c.connection.Authorize(ctx, req.Header); err != nil {
			return nil, err
		}
	}
	return req, nil
}

// httpCall makes a call of the parameters and of what the connection adds, which goes first (EventBridge API Reference, HttpParameters).
func (r *Runner) httpCall(task engine.Task) (*httpCall, error) {
	var p httpParameters
	if err := parameters(task, &p); err != nil {
		return nil, err
	}
	bad := func(format string, args ...any) error {
		return invalid("States.Runtime", "The HTTP Task '%s' cannot be run: %s", task.State, fmt.Sprintf(format, args...))
	}
	call := &httpCall{method: p.Method, header: http.Header{"User-Agent": {"sundog"}}}
	var added connection.Parameters
	if name := p.Authentication.ConnectionArn + p.InvocationConfig.ConnectionArn; name != "" {
		var err error
		if call.connection, err = r.Connections.Get(name); err != nil {
			return nil, bad("%v", err)
		}
		added = call.connection.Parameters()
	}
	if !slices.Contains(httpMethods(), p.Method) {
		return nil, bad("Method %q is none of %s", p.Method, strings.Join(httpMethods(), ", "))
	}
	for name, value := range p.Headers {
		values, ok := texts(value)
		switch {
		case !ok:
			return nil, bad("the header %s has a value that is no text", name)
		case reservedHeader(name):
			return nil, bad("the header %s cannot be set by an HTTP Task; credentials belong to a connection", name)
		}
		call.header.Set(name, strings.Join(values, ","))
	}
	for name, value := range added.Headers {
		call.header.Set(name, value)
	}
	var err error
	if call.url, err = endpoint(p.APIEndpoint, p.QueryParameters, added.Query); err != nil {
		return nil, bad("%v", err)
	}
	if call.body, err = httpBody(&p, added.Body); err != nil {
		return nil, bad("%v", err)
	}
	if call.body != nil && call.header.Get("Content-Type") == "" {
		call.header.Set("Content-Type", "application/json")
		if p.Transform.RequestBodyEncoding == urlEncoded {
			call.header.Set("Content-Type", "application/x-www-form-urlencoded")
		}
	}
	return call, nil
}

func httpMethods() []string {
	return []string{"GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "HEAD"}
}

// reservedHeader reports whether AWS refuses a header in a definition (Step Functions Developer Guide, "HTTP Task fields"). Authorization is not in
// its list, but refused all the same.
func reservedHeader(name string) bool {
	name = strings.ToLower(name)
	switch name {
	case "a-im", "accept-charset", "accept-datetime", "accept-encoding", "authorization", "cache-control", "connection", "content-encoding", "content-length",
		"content-md5", "date", "expect", "forwarded", "from", "host", "http2-settings", "if-match", "if-modified-since", "if-none-match", "if-range",
		"if-unmodified-since", "max-forwards", "origin", "pragma", "proxy-authorization", "referer", "server", "te", "trailer", "transfer-encoding", "upgrade",
		"via", "warning":
		return true
	}
	return strings.HasPrefix(name, "x-forwarded-") || strings.HasPrefix(name, "x-amz-") || strings.HasPrefix(name, "x-amzn-")
}

// endpoint adds parameters to the query of a URL, those of the connection in place of others of their names.
func endpoint(text string, parameters map[string]json.RawMessage, added map[string]string) (string, error) {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || u.User != nil || u.Scheme != "https" && u.Scheme != "http" {
		return "", fmt.Errorf("ApiEndpoint %q is no URL that begins with https:// or http://", text)
	}
	query := u.Query()
	for name, value := range parameters {
		values, ok := texts(value)
		if !ok {
			return "", fmt.Errorf("the query parameter %s has a value that is no text", name)
		}
		query[name] = values
	}
	for name, value := range added {
		query.Set(name, value)
	}
	if len(parameters) > 0 || len(added) > 0 {
		u.RawQuery = query.Encode()
	}
	return u.String(), nil
}

// unreadable says why the body cannot be part of a result (Step Functions Developer Guide, "Unsupported HTTP Task responses").
func (a *httpAnswer) unreadable() string {
	kind, _, _ := strings.Cut(strings.ToLower(a.header.Get("Content-Type")), ";")
	kind = strings.TrimSpace(kind)
	family, _, _ := strings.Cut(kind, "/")
	switch {
	case kind == "application/octet-stream", family == "image", family == "video", family == "audio":
		return "its content type is " + kind
	case !utf8.Valid(a.body):
		return "it is no text in UTF-8"
	}
	return ""
}

// result is the result of the task.
func (a *httpAnswer) result() (*asl.Document, error) {
	headers := make(map[string][]string, len(a.header))
	for name, values := range a.header {
		headers[strings.ToLower(name)] = values
	}
	var body any = string(a.body)
	if isJSON(a.header.Get("Content-Type")) && json.Valid(a.body) {
		body = json.RawMessage(a.body)
	}
	return document(map[string]any{"Headers": headers, "ResponseBody": body, "StatusCode": a.status, "StatusText": a.text})
}

func isJSON(contentType string) bool {
	kind, _, err := mime.ParseMediaType(contentType)
	return err == nil && (kind == "application/json" || strings.HasSuffix(kind, "+json"))
}

// cause is the cause of the error of an answer that is no success: the body, or the status when there is none.
func (a *httpAnswer) cause() string {
	if len(a.body) == 0 {
		return a.text
	}
	return strings.ToValidUTF8(string(a.body[:min(len(a.body), maxCause)]), "")
}

// texts are the values of a header or a query parameter: a text, number or boolean, or a list of them.
func texts(v json.RawMessage) (values []string, ok bool) {
	parsed := gjson.ParseBytes(v)
	if !parsed.IsArray() {
		return []string{parsed.String()}, !parsed.IsObject()
	}
	for _, element := range parsed.Array() {
		if element.IsObject() || element.IsArray() {
			return nil, false
		}
		values = append(values, element.String())
	}
	return values, true
}
