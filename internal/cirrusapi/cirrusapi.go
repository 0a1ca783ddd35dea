// Package cirrusapi is the HTTP API of Cirrus, for dashboards that were made for it: what is in the state database, by collections and
// workflow, and what changed its state when. It reads and never writes.
//
// Paths, parameters and answers are those of cirrus-geo 2. What was broken there is mended: a page says where the next one begins
// and a page token holds its place while records change, what is not there is 404, and a parameter that cannot be read is 400 with the
// reason.
//
// The package knows no server. A request is a path and its parameters, whether it came through HTTP or as an event of API Gateway.
package cirrusapi

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"sundog/internal/statedb"
	"sundog/payload"
)

// Records are what the API shows.
type Records interface {
	// Get returns a record, or an error that wraps statedb.ErrNotFound.
	Get(ctx context.Context, id payload.ID) (statedb.Record, error)
	// Query returns a page of records.
	Query(ctx context.Context, q statedb.Query) (statedb.Page, error)
	// Counts returns how many records there are of a `collections_workflow`, or of all when it is empty, by state.
	Counts(ctx context.Context, partition string) ([]statedb.Count, error)
}

// Transitions tell how often payloads came into each state.
type Transitions interface {
	// Transitions returns the numbers of n periods of the same length, the first of which begins at a time.
	Transitions(ctx context.Context, from time.Time, step time.Duration, n int) ([]map[statedb.State]int64, error)
}

// API answers requests. It is safe for concurrent use.
type API struct {
	Records Records
	// Transitions may be nil: then /stats is not there, as in a deployment without a time series database.
	Transitions Transitions
	// Catalog returns the root of the STAC catalog and its URL. Nil text: there is none.
	Catalog func(ctx context.Context) (text []byte, location string, err error)
	// Layout says where payloads lie.
	Layout payload.Layout
	// Now is the clock; nil: time.Now.
	Now func() time.Time
}

// Request is what is asked.
type Request struct {
	// Path below the root of the API. A slash at its beginning and at its end mean nothing.
	Path string
	// Query are the parameters.
	Query url.Values
	// Root is the URL of the API's root with a slash at its end, for links. Empty: links are relative.
	Root string
}

// Response is the answer. Its body is JSON.
type Response struct {
	Status int
	Body   []byte
}

// Headers go with every answer: any page may read it.
func Headers() map[string]string {
	return map[string]string{"Access-Control-Allow-Origin": "*", "Access-Control-Allow-Credentials": "true"}
}

// mistake is an error of whoever asks.
type mistake struct {
	status int
	text   string
}

func (m *mistake) Error() string { return m.text }

func bad(format string, args ...any) error {
	return &mistake{http.StatusBadRequest, fmt.Sprintf(format, args...)}
}

func absent(format string, args ...any) error {
	return &mistake{http.StatusNotFound, fmt.Sprintf(format, args...)}
}

// Answer answers a request. The error is for what is no fault of the request; the answer is then to be 500.
func (a *API) Answer(ctx context.Context, r Request) (Response, error) {
	answer, err := a.route(ctx, r)
	status := http.StatusOK
	if m, ok := errors.AsType[*mistake](err); ok {
		status, answer = m.status, map[string][]string{"error": {m.text}}
	} else if err != nil {
		return Response{}, fmt.Errorf("answering %s: %w", r.Path, err)
	}
	var body bytes.Buffer
	enc := json.NewEncoder(&body)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(answer); err != nil {
		return Response{}, fmt.Errorf("writing the answer to %s: %w", r.Path, err)
	}
	return Response{Status: status, Body: bytes.TrimSpace(body.Bytes())}, nil
}

// workflowMark is what a path has between collections and workflow.
const workflowMark = "/workflow-"

func (a *API) route(ctx context.Context, r Request) (any, error) {
	path := strings.TrimSuffix(strings.TrimPrefix(r.Path, "/"), "/")
	p, err := a.parameters(r.Query)
	if err != nil {
		return nil, err
	}
	if path == "" {
		return a.root(ctx, r.Root)
	}
	if path == "stats" {
		return a.stats(ctx)
	}
	if id, ok := payload.CutID(path); ok && id.ItemIDs != "items" {
		return a.item(ctx, path)
	}
	partition, list := strings.CutSuffix(path, "/items")
	at := strings.LastIndex(partition, workflowMark)
	if at <= 0 || strings.Contains(partition[at+len(workflowMark):], "/") {
		return nil, absent("%s: there is nothing here; there are /, /stats, /<collections>/workflow-<name>, /<collections>/workflow-<name>/items and /<payload id>", r.Path)
	}
	collections, workflow := partition[:at], partition[at+len(workflowMark):]
	if strings.Contains(workflow, "_") {
		return nil, bad("workflow name %q holds an underscore; no workflow has one", workflow)
	}
	if list {
		return a.items(ctx, collections, workflow, p)
	}
	return a.summary(ctx, collections, workflow, p)
}

func (a *API) now() time.Time {
	if a.Now == nil {
		return time.Now()
	}
	return a.Now()
}
