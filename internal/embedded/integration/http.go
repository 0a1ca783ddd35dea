package integration

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"sundog/asl"
	"sundog/internal/embedded/engine"
)

// Bounds of http:invoke (Developer Guide, "Call HTTPS APIs in Step Functions workflows").
const (
	httpTime = 60 * time.Second
	maxHTTP  = 256 << 10 // of the body of an answer, in bytes
)

// httpParameters are those of http:invoke.
type httpParameters struct {
	APIEndpoint     string `json:"ApiEndpoint"`
	Method          string
	Headers         map[string]json.RawMessage
	QueryParameters map[string]json.RawMessage
	RequestBody     json.RawMessage
	Authentication  struct {
		ConnectionARN string `json:"ConnectionArn"`
	}
	InvocationConfig struct {
		ConnectionARN string `json:"ConnectionArn"`
	}
	Transform struct {
		RequestBodyEncoding    string // NONE or URL_ENCODED
		RequestEncodingOptions struct{ ArrayFormat string }
	}
}

// invokeHTTP is http:invoke.
func (r *Runner) invokeHTTP(ctx context.Context, task engine.Task) (*asl.Document, error) {
	var p httpParameters
	if err := parameters(task, &p); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, httpTime)
	defer cancel()
	req, err := p.request(ctx)
	if err != nil {
		return nil, invalid("States.Runtime", "The parameters of the Task state '%s' cannot be used: %v", task.State, err)
	}
	connection := p.Authentication.ConnectionARN
	if connection == "" {
		connection = p.InvocationConfig.ConnectionARN
	}
	if err := r.Connections.Authorize(ctx, connectionName(connection), req); err != nil {
		return nil, invalid("Events.ConnectionResource.AuthenticationFailed", "%v", err)
	}
	resp, err := r.HTTP.Do(req)
	switch {
	case ctx.Err() != nil:
		return nil, invalid("States.Http.Socket", "%s %s did not answer within %s", p.Method, p.APIEndpoint, httpTime)
	case err != nil:
		return nil, invalid("States.Http.Socket", "%v", err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxHTTP+1))
	switch {
	case err != nil:
		return nil, invalid("States.Http.Socket", "reading the answer of %s %s: %v", p.Method, p.APIEndpoint, err)
	case len(body) > maxHTTP:
		return nil, invalid("States.DataLimitExceeded", "The answer of %s %s is larger than %d bytes", p.Method, p.APIEndpoint, maxHTTP)
	case resp.StatusCode >= 300:
		return nil, &engine.TaskError{Name: "States.Http.StatusCode." + strconv.Itoa(resp.StatusCode), Cause: string(body)}
	}
	return document(map[string]any{
		"Headers": map[string][]string(resp.Header), "ResponseBody": bodyOf(resp.Header, body), "StatusCode": resp.StatusCode,
		"StatusText": http.StatusText(resp.StatusCode),
	})
}

// connectionName is the name in the ARN of a connection (arn:aws:events:<region>:<account>:connection/<name>/<id>), or the text itself.
func connectionName(text string) string {
	if _, path, found := strings.Cut(text, ":connection/"); found {
		name, _, _ := strings.Cut(path, "/")
		return name
	}
	return text
}

// bodyOf is a body as JSON if it is JSON, and as text otherwise.
func bodyOf(header http.Header, body []byte) any {
	if strings.Contains(header.Get("Content-Type"), "json") && json.Valid(body) {
		return json.RawMessage(body)
	}
	return string(body)
}

// request makes the request of the parameters.
func (p *httpParameters) request(ctx context.Context) (*http.Request, error) {
	target, err := url.Parse(p.APIEndpoint)
	if err != nil || target.Host == "" || target.Scheme != "https" && target.Scheme != "http" {
		return nil, fmt.Errorf("ApiEndpoint %q is no URL", p.APIEndpoint)
	}
	if p.Method == "" {
		return nil, errors.New("Method is missing") //nolint:staticcheck // the parameter's name
	}
	query := target.Query()
	for name, value := range p.QueryParameters {
		for _, v := range texts(value) {
			query.Add(name, v)
		}
	}
	target.RawQuery = query.Encode()
	body, kind, err := p.body()
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, p.Method, target.String(), bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	if kind != "" {
		req.Header.Set("Content-Type", kind)
	}
	for name, value := range p.Headers {
		if slices.Contains(ownHeaders, strings.ToLower(name)) {
			return nil, fmt.Errorf("the header %s cannot be set", name)
		}
		req.Header.Del(name)
		for _, v := range texts(value) {
			req.Header.Add(name, v)
		}
	}
	return req, nil
}

// ownHeaders belong to the connection, not to whoever writes a workflow.
var ownHeaders = []string{"host", "connection", "content-length", "transfer-encoding", "te", "trailer", "upgrade", "expect", "keep-alive", "proxy-authorization"}

// texts is a value as one text, or several if it is a list.
func texts(value json.RawMessage) []string {
	var list []json.RawMessage
	if json.Unmarshal(value, &list) != nil {
		list = []json.RawMessage{value}
	}
	all := make([]string, len(list))
	for i, v := range list {
		all[i] = string(text(v))
	}
	return all
}

func (p *httpParameters) body() (body []byte, kind string, err error) {
	if len(p.RequestBody) == 0 || string(p.RequestBody) == "null" {
		return nil, "", nil
	}
	if p.Transform.RequestBodyEncoding != "URL_ENCODED" {
		return text(p.RequestBody), "application/json", nil
	}
	var members map[string]any
	dec := json.NewDecoder(bytes.NewReader(p.RequestBody))
	dec.UseNumber()
	if err := dec.Decode(&members); err != nil {
		return nil, "", fmt.Errorf("a RequestBody that is to be URL_ENCODED must be an object: %w", err)
	}
	var pairs []string
	for _, name := range slices.Sorted(maps.Keys(members)) {
		pairs = encodeForm(pairs, name, members[name], p.Transform.RequestEncodingOptions.ArrayFormat)
	}
	return []byte(strings.Join(pairs, "&")), "application/x-www-form-urlencoded", nil
}

// encodeForm adds a member of a form: those of an object as name[member], those of a list as the format says.
func encodeForm(pairs []string, name string, value any, arrays string) []string {
	switch v := value.(type) {
	case map[string]any:
		for _, member := range slices.Sorted(maps.Keys(v)) {
			pairs = encodeForm(pairs, name+"["+member+"]", v[member], arrays)
		}
	case []any:
		if arrays == "COMMAS" {
			all := make([]string, len(v))
			for i, element := range v {
				all[i] = fmt.Sprint(element)
			}
			return append(pairs, url.QueryEscape(name)+"="+url.QueryEscape(strings.Join(all, ",")))
		}
		for i, element := range v {
			at := name
			switch arrays {
			case "REPEAT", "NONE":
			case "BRACKETS":
				at += "[]"
			default: // INDICES
				at += "[" + strconv.Itoa(i) + "]"
			}
			pairs = encodeForm(pairs, at, element, arrays)
		}
	case nil:
		pairs = append(pairs, url.QueryEscape(name)+"=")
	default:
		pairs = append(pairs, url.QueryEscape(name)+"="+url.QueryEscape(fmt.Sprint(v)))
	}
	return pairs
}
