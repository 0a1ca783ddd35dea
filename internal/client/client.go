// Package client talks to a Sundog server over its HTTP API. Every method returns what the server answers, or an error of package
// problem: the server's own, or Unavailable when it cannot be reached.
package client

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"sundog/internal/api"
	"sundog/internal/problem"
)

// DefaultServer is where a server listens that was not told otherwise.
const DefaultServer = "http://127.0.0.1:8123"

// maxProblem bounds how much is read of an answer that is an error.
const maxProblem = 64 << 10

// Client is safe for concurrent use.
type Client struct {
	base  string
	token string
	http  *http.Client
	// accept is the media type that is asked for; empty: whatever the server gives.
	accept string
	// patient waits for an answer as long as the context lets it.
	patient *http.Client
}

// New returns a client of the server at a base URL, DefaultServer when empty. The token may be empty.
func New(server, token string) (*Client, error) {
	if server == "" {
		server = DefaultServer
	}
	u, err := url.Parse(server)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil, problem.New(problem.Invalid, "%q is no URL of a server", server).WithHint("write it like %s", DefaultServer)
	}
	patient := &http.Transport{Proxy: http.ProxyFromEnvironment, MaxIdleConnsPerHost: 64, IdleConnTimeout: time.Minute}
	usual := patient.Clone()
	usual.ResponseHeaderTimeout = 2 * time.Minute
	return &Client{
		base: strings.TrimRight(server, "/"), token: token,
		http: &http.Client{Transport: usual}, patient: &http.Client{Transport: patient},
	}, nil
}

// Server returns the base URL.
func (c *Client) Server() string { return c.base }

// do sends a request and returns the answer if it is a success. The caller closes its body.
func (c *Client) do(ctx context.Context, method, path string, query url.Values, contentType string, body io.Reader) (*http.Response, error) {
	target := c.base + path
	if len(query) > 0 {
		target += "?" + query.Encode()
	}
	req, err := http.NewRequestWithContext(ctx, method, target, body)
	if err != nil {
		return nil, problem.Wrap(problem.Invalid, err, "%s %s", method, target)
	}
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	if c.accept != "" {
		req.Header.Set("Accept", c.accept)
	}
	if c.token != "" {
		req.Header.Set("Authorization", "Bearer "+c.token)
	}
	resp, err := c.http.Do(req)
	if err != nil {
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		return nil, problem.Wrap(problem.Unavailable, plain(err), "the server at %s cannot be reached", c.base).
			WithHint("start one with: sundog serve --project DIR --data DIR; or name another with --server URL")
	}
	if resp.StatusCode >= 300 {
		defer resp.Body.Close()
		text, err := io.ReadAll(io.LimitReader(resp.Body, maxProblem))
		if err != nil {
			return nil, problem.Wrap(problem.KindOfStatus(resp.StatusCode), err, "reading the answer to %s %s", method, path)
		}
		return nil, problem.ParseDocument(resp.StatusCode, text)
	}
	return resp, nil
}

// plain leaves out method and URL, which the message around it names.
func plain(err error) error {
	if failed, ok := errors.AsType[*url.Error](err); ok {
		return failed.Err
	}
	return err
}

// call sends a JSON document, or nothing when in is nil, and reads one, or nothing when out is nil.
func (c *Client) call(ctx context.Context, method, path string, query url.Values, in, out any) error {
	var body io.Reader
	contentType := ""
	if in != nil {
		text, err := json.Marshal(in)
		if err != nil {
			return problem.Wrap(problem.Invalid, err, "%s %s", method, path)
		}
		body, contentType = bytes.NewReader(text), "application/json"
	}
	resp, err := c.do(ctx, method, path, query, contentType, body)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if out == nil {
		return nil
	}
	if err := json.NewDecoder(resp.Body).Decode(out); err != nil {
		return problem.Wrap(problem.Unavailable, err, "reading the answer to %s %s", method, path)
	}
	return nil
}

func get[T any](ctx context.Context, c *Client, path string, query url.Values) (T, error) {
	var out T
	err := c.call(ctx, http.MethodGet, path, query, nil, &out)
	return out, err
}

// Health asks how the server is.
func (c *Client) Health(ctx context.Context) (api.Health, error) {
	return get[api.Health](ctx, c, api.PathHealth, nil)
}

// Submit sends payloads to the process queue, through a lane ("" is live): NDJSON as it comes from r, whatever its length. For each line, in order, each
// is called with the server's answer, which for a payload that was not accepted holds the reason. Lines that were answered are on
// disk, also when Submit then fails.
func (c *Client) Submit(ctx context.Context, r io.Reader, lane string, each func(api.Accepted) error) error {
	query := url.Values{}
	if lane != "" {
		query.Set("lane", lane)
	}
	return sendLines(ctx, c, api.PathPayloads, query, "payloads", r, each)
}

// sendLines posts NDJSON of what as it comes from r, and calls each with the server's answer to each line.
func sendLines[T any](ctx context.Context, c *Client, path string, query url.Values, what string, r io.Reader, each func(T) error) error {
	resp, err := c.do(ctx, http.MethodPost, path, query, api.ContentTypeNDJSON, r)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	for dec := json.NewDecoder(resp.Body); ; {
		var answer T
		if err := dec.Decode(&answer); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return interrupted(err, "the server stopped answering; the %s after the last answer may not be on its disk", what)
		}
		if err := each(answer); err != nil {
			return err
		}
	}
}

// interrupted is the error of an answer that was cut off. One in this process is cut off for a reason, whose kind it has.
func interrupted(err error, format string, args ...any) error {
	kind := problem.Unavailable
	if known, ok := errors.AsType[*problem.Error](err); ok {
		kind = known.Kind
	}
	return problem.Wrap(kind, err, format, args...)
}

// Payload returns a document of a payload's last execution: which is "input" or "output".
func (c *Client) Payload(ctx context.Context, payloadID, which string) (json.RawMessage, error) {
	return get[json.RawMessage](ctx, c, api.PathPayloads, url.Values{"id": {payloadID}, "doc": {which}})
}

// Stats returns the counts of all records.
func (c *Client) Stats(ctx context.Context) (api.Stats, error) {
	return get[api.Stats](ctx, c, api.PathStats, nil)
}

// StartExecution starts an execution of a workflow outside the state database.
func (c *Client) StartExecution(ctx context.Context, req api.StartExecution) (api.Execution, error) {
	var out api.Execution
	err := c.call(ctx, http.MethodPost, api.PathExecutions, nil, req, &out)
	return out, err
}

func executionPath(arn string) string { return api.PathExecutions + "/" + url.PathEscape(arn) }

// Execution describes an execution with its input and output.
func (c *Client) Execution(ctx context.Context, arn string) (api.Execution, error) {
	return get[api.Execution](ctx, c, executionPath(arn), nil)
}

// Executions returns a page of the executions of a workflow, those that run first, each newest first; status "" means all.
func (c *Client) Executions(ctx context.Context, workflow, status, next string, limit int) (api.Executions, error) {
	v := url.Values{"workflow": {workflow}}
	if status != "" {
		v.Set("status", status)
	}
	if next != "" {
		v.Set("next", next)
	}
	setLimit(v, limit)
	return get[api.Executions](ctx, c, api.PathExecutions, v)
}

// HistoryOrder is how a history is given.
type HistoryOrder struct {
	Reverse bool // the last event first
	Logs    bool // events of tasks say where their logs are
}

// History returns a page of the events of an execution, after the event with the number next (0: from the start, or from the end when reverse).
func (c *Client) History(ctx context.Context, arn string, next int64, limit int, order HistoryOrder) (api.History, error) {
	v := url.Values{}
	if next > 0 {
		v.Set("next", strconv.FormatInt(next, 10))
	}
	if order.Reverse {
		v.Set("reverse", "true")
	}
	if order.Logs {
		v.Set("log_metadata", "true")
	}
	setLimit(v, limit)
	return get[api.History](ctx, c, executionPath(arn)+"/history", v)
}

// StopExecution aborts an execution and describes it.
func (c *Client) StopExecution(ctx context.Context, arn string, req api.StopExecution) (api.Execution, error) {
	var out api.Execution
	err := c.call(ctx, http.MethodPost, executionPath(arn)+"/stop", nil, req, &out)
	return out, err
}

// RedriveExecution lets an execution that did not succeed go on where it did not, and describes it.
func (c *Client) RedriveExecution(ctx context.Context, arn string, req api.RedriveExecution) (api.Execution, error) {
	var out api.Execution
	err := c.call(ctx, http.MethodPost, executionPath(arn)+"/redrive", nil, req, &out)
	return out, err
}

// Workflows lists the workflows.
func (c *Client) Workflows(ctx context.Context) (api.Workflows, error) {
	return get[api.Workflows](ctx, c, api.PathWorkflows, nil)
}

// Workflow returns a workflow with its definition.
func (c *Client) Workflow(ctx context.Context, name string) (api.Workflow, error) {
	return get[api.Workflow](ctx, c, api.PathWorkflows+"/"+url.PathEscape(name), nil)
}

// Functions lists the functions.
func (c *Client) Functions(ctx context.Context) (api.Functions, error) {
	return get[api.Functions](ctx, c, api.PathFunctions, nil)
}

// Invoke calls a function with an event, a JSON document, and waits for it, which may take a quarter of an hour. That the function failed is
// no error.
func (c *Client) Invoke(ctx context.Context, function string, event json.RawMessage) (api.Invocation, error) {
	var out api.Invocation
	err := c.slow().call(ctx, http.MethodPost, api.PathFunctions+"/"+url.PathEscape(function)+"/invoke", nil, event, &out)
	return out, err
}

// queuePath escapes the slash in names such as subscription/items.
func queuePath(queue string) string { return api.PathQueues + "/" + url.PathEscape(queue) }

// Queues lists the queues with their depths.
func (c *Client) Queues(ctx context.Context) (api.Queues, error) {
	return get[api.Queues](ctx, c, api.PathQueues, nil)
}

// Queue returns the depths of one queue.
func (c *Client) Queue(ctx context.Context, queue string) (api.Queue, error) {
	return get[api.Queue](ctx, c, queuePath(queue), nil)
}

// Send sends a message to a queue.
func (c *Client) Send(ctx context.Context, queue string, m api.SendMessage) (api.Message, error) {
	var out api.Message
	err := c.call(ctx, http.MethodPost, queuePath(queue)+"/messages", nil, m, &out)
	return out, err
}

// Receive asks for messages of a queue.
func (c *Client) Receive(ctx context.Context, queue string, req api.Receive) (api.Received, error) {
	var out api.Received
	err := c.call(ctx, http.MethodPost, queuePath(queue)+"/receive", nil, req, &out)
	return out, err
}

// DeleteMessages deletes messages that were worked on.
func (c *Client) DeleteMessages(ctx context.Context, queue string, receipts ...string) (api.Moved, error) {
	var out api.Moved
	err := c.call(ctx, http.MethodPost, queuePath(queue)+"/delete", nil, api.Receipts{Receipts: receipts}, &out)
	return out, err
}

// DeadLetters returns a page of the dead letters of a queue.
func (c *Client) DeadLetters(ctx context.Context, queue, next string, limit int) (api.DeadLetters, error) {
	return get[api.DeadLetters](ctx, c, queuePath(queue)+"/dead-letters", page(next, limit))
}

func deadLetterPath(queue, id string) string {
	return queuePath(queue) + "/dead-letters/" + url.PathEscape(id)
}

// DeadLetter returns one dead letter.
func (c *Client) DeadLetter(ctx context.Context, queue, id string) (api.Message, error) {
	return get[api.Message](ctx, c, deadLetterPath(queue, id), nil)
}

// Redrive sends a dead letter again, or all of a queue when id is empty.
func (c *Client) Redrive(ctx context.Context, queue, id string) (api.Moved, error) {
	var out api.Moved
	path := queuePath(queue) + "/redrive"
	if id != "" {
		path = deadLetterPath(queue, id) + "/redrive"
	}
	err := c.call(ctx, http.MethodPost, path, nil, nil, &out)
	return out, err
}

// DeleteDeadLetter deletes a dead letter, for a reason that may be empty.
func (c *Client) DeleteDeadLetter(ctx context.Context, queue, id, reason string) (api.Moved, error) {
	var out api.Moved
	v := url.Values{}
	if reason != "" {
		v.Set("reason", reason)
	}
	err := c.call(ctx, http.MethodDelete, deadLetterPath(queue, id), v, nil, &out)
	return out, err
}

// PurgeDeadLetters deletes all dead letters of a queue, for a reason.
func (c *Client) PurgeDeadLetters(ctx context.Context, queue, reason string) (api.Moved, error) {
	var out api.Moved
	err := c.call(ctx, http.MethodDelete, queuePath(queue)+"/dead-letters", url.Values{"reason": {reason}}, nil, &out)
	return out, err
}

// Log returns a part of a log stream from line next on.
func (c *Client) Log(ctx context.Context, stream string, next int64, limit int) (api.Log, error) {
	v := url.Values{"stream": {stream}}
	if next > 0 {
		v.Set("next", strconv.FormatInt(next, 10))
	}
	setLimit(v, limit)
	return get[api.Log](ctx, c, api.PathLogs, v)
}

// LogStreams returns a page of the log streams whose names begin with prefix.
func (c *Client) LogStreams(ctx context.Context, prefix, next string, limit int) (api.LogStreams, error) {
	v := url.Values{"prefix": {prefix}}
	if next != "" {
		v.Set("next", next)
	}
	setLimit(v, limit)
	return get[api.LogStreams](ctx, c, api.PathLogStreams, v)
}
