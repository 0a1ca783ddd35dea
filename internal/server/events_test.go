package server_test

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"sundog/internal/api"
)

// get asks for a path of the server and returns the answer, which the test closes.
func (r *running) get(ctx context.Context, path string, header http.Header) *http.Response {
	r.t.Helper()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, r.Server()+path, nil)
	if err != nil {
		r.t.Fatal(err)
	}
	req.Header = header
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() { _ = resp.Body.Close() })
	return resp
}

type sentEvent struct{ id, typ, data string }

// next reads the next event of a stream.
func next(t *testing.T, lines *bufio.Scanner) sentEvent {
	t.Helper()
	var e sentEvent
	for lines.Scan() {
		name, value, _ := strings.Cut(lines.Text(), ": ")
		switch name {
		case "id":
			e.id = value
		case "event":
			e.typ = value
		case "data":
			e.data = value
		case "":
			if e.typ != "" {
				return e
			}
		}
	}
	t.Fatalf("the stream ended: %v", lines.Err())
	return e
}

func TestEvents(t *testing.T) {
	r := start(t, "")
	ctx, cancel := context.WithCancel(t.Context())
	live := bufio.NewScanner(r.get(ctx, api.PathEvents+"?payload_id=c/workflow-second/*", nil).Body)
	r.submit(payloadOf("a", "first", "second"))
	// An execution can end before its start is marked: then that is skipped, and told so.
	var types []string
	var first sentEvent
	for !slices.Contains(types, "SUCCEEDED") {
		e := next(t, live)
		if !json.Valid([]byte(e.data)) || !strings.Contains(e.data, "c/workflow-second/a") {
			t.Errorf("%+v", e)
		}
		if len(types) == 0 {
			first = e
		}
		types = append(types, e.typ)
	}
	cancel()
	if types[0] != "CLAIMED_PROCESSING" {
		t.Error(types)
	}

	again := bufio.NewScanner(r.get(t.Context(), api.PathEvents+"?workflow=second&state=succeeded", http.Header{"Last-Event-Id": {first.id}}).Body)
	if e := next(t, again); e.typ != "SUCCEEDED" || !strings.Contains(e.data, "c/workflow-second/a") {
		t.Errorf("resumed at %+v", e)
	}
	all := bufio.NewScanner(r.get(t.Context(), api.PathEvents+"?after=0", nil).Body)
	if e := next(t, all); e.typ != "CLAIMED_PROCESSING" || !strings.Contains(e.data, "c/workflow-first/a") {
		t.Errorf("the oldest event is %+v", e)
	}

	for query, status := range map[string]int{"?after=x": 400, "?state=DONE": 400, "?after=1": 404} {
		if resp := r.get(t.Context(), api.PathEvents+query, nil); resp.StatusCode != status {
			t.Errorf("%s gives %d, want %d", query, resp.StatusCode, status)
		}
	}
}

func TestCirrusAPI(t *testing.T) {
	r := start(t, "")
	r.submit(payloadOf("a", "first"))
	r.waitState("c/workflow-first/a", "SUCCEEDED")
	for path, want := range map[string]string{
		"":                         `"title":"c - first","rel":"child","type":"application/json","href":"` + r.Server() + `/api/c/workflow-first"`,
		"c/workflow-first":         `"counts":{"PROCESSING":0,"SUCCEEDED":1,"FAILED":0,"INVALID":0,"ABORTED":0,"CLAIMED":0}`,
		"c/workflow-first/items":   `{"items":[{"payload_id":"c/workflow-first/a"`,
		"c/workflow-first/a":       `"catid":"c/workflow-first/a"`,
		"stats":                    `{"state":"SUCCEEDED","unique_count":1,"count":1}`,
		"c/workflow-first/none":    `{"error":["there is no payload c/workflow-first/none"]}`,
		"c/workflow-first?limit=x": `{"error":["limit \"x\" is no whole number from 0"]}`,
	} {
		resp := r.get(t.Context(), api.PathCirrus+path, nil)
		text, err := io.ReadAll(resp.Body)
		if err != nil || !strings.Contains(string(text), want) || resp.Header.Get("Access-Control-Allow-Origin") != "*" {
			t.Errorf("%s: %s %v\nwant %s", path, text, err, want)
		}
	}
}

// TestDashboardsOfOtherSites plays a browser that shows a page of another origin.
func TestDashboardsOfOtherSites(t *testing.T) {
	const elsewhere, nearby = "https://dashboard.example.com", "http://localhost:3000"
	home, guarded := start(t, ""), start(t, "secret")
	for _, c := range []struct {
		server                      *running
		method, path, origin, token string
		status                      int
		readable                    bool
	}{
		{home, http.MethodGet, api.PathCirrus, nearby, "", http.StatusOK, true},
		{home, http.MethodGet, api.PathCirrus, elsewhere, "", http.StatusForbidden, true},
		{home, http.MethodGet, api.PathStats, nearby, "", http.StatusForbidden, false},
		{home, http.MethodPost, api.PathCirrus, nearby, "", http.StatusForbidden, true},
		{guarded, http.MethodGet, api.PathCirrus, elsewhere, "secret", http.StatusOK, true},
		{guarded, http.MethodGet, api.PathCirrus, elsewhere, "", http.StatusUnauthorized, true},
		{guarded, http.MethodGet, api.PathStats, elsewhere, "secret", http.StatusForbidden, false},
		{guarded, http.MethodOptions, api.PathCirrus + "c/workflow-first", elsewhere, "", http.StatusNoContent, true},
		{guarded, http.MethodOptions, api.PathStats, elsewhere, "", http.StatusUnauthorized, false},
	} {
		req, err := http.NewRequestWithContext(t.Context(), c.method, c.server.Server()+c.path, nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Origin", c.origin)
		if c.token != "" {
			req.Header.Set("Authorization", "Bearer "+c.token)
		}
		if c.method == http.MethodOptions {
			req.Header.Set("Access-Control-Request-Method", http.MethodGet)
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		readable := resp.Header.Get("Access-Control-Allow-Origin") == "*"
		if resp.StatusCode != c.status || readable != c.readable {
			t.Errorf("%s %s from %s with %q: %d, readable %t", c.method, c.path, c.origin, c.token, resp.StatusCode, readable)
		}
		if allowed := resp.Header.Get("Access-Control-Allow-Headers"); (allowed == "Authorization") != (c.status == http.StatusNoContent) {
			t.Errorf("%s %s allows headers %q", c.method, c.path, allowed)
		}
	}
}
