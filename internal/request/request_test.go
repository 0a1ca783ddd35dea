package request_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"sundog/internal/problem"
	"sundog/internal/request"
	"sundog/internal/rerun"
	"sundog/internal/statedb"
)

func get(query string) *http.Request {
	return httptest.NewRequest(http.MethodGet, "/v1/x?"+query, http.NoBody)
}

// ignore makes a function of one that reads something.
func ignore[T any](read func(*http.Request) (T, error)) func(*http.Request) error {
	return func(r *http.Request) error {
		_, err := read(r)
		return err
	}
}

// TestWhatIsWrong is what is said of parameters that cannot be read: each is named.
func TestWhatIsWrong(t *testing.T) {
	filters, page, executions := ignore(request.Filters), ignore(request.PageOf), ignore(request.ExecutionsOf)
	history, log, id := ignore(request.HistoryOf), ignore(request.LogOf), ignore(request.PayloadID)
	for _, tt := range []struct {
		read  func(*http.Request) error
		query string
		said  string // empty: nothing is wrong
	}{
		{filters, "", ""},
		{filters, "state=succeeded&since=7d&until=2026-01-31T12:00:00Z&ascending&index=updated", ""},
		{filters, "state=LOST", "LOST"},
		{filters, "since=soon", `since="soon" is no time`},
		{filters, "until=7", `until="7" is no time`},
		{filters, "ascending=perhaps", `ascending="perhaps" is neither true nor false`},
		{page, "limit=1000&next=x", ""},
		{page, "limit=1001", `limit="1001" is no whole number from 1 to 1000`},
		{page, "limit=0", "from 1 to 1000"},
		{executions, "workflow=w&status=failed", ""},
		{executions, "status=failed", "the parameter workflow is missing"},
		{executions, "workflow=w&status=late", `unknown status "LATE"`},
		{history, "next=7&reverse=true&log_metadata", ""},
		{history, "next=-1", "next"},
		{history, "reverse=2", "reverse"},
		{log, "stream=a&next=3", ""},
		{log, "", "the parameter stream is missing"},
		{log, "stream=a&limit=10001", "limit"},
		{id, "id=c/workflow-w/i", ""},
		{id, "id=c/w/i", "c/w/i"},
	} {
		err := tt.read(get(tt.query))
		if tt.said == "" && err != nil || tt.said != "" && (!problem.Is(err, problem.Invalid) || !strings.Contains(err.Error(), tt.said)) {
			t.Errorf("%s gives %v, want %q", tt.query, err, tt.said)
		}
	}
}

// TestRead is what comes of parameters that can be read.
func TestRead(t *testing.T) {
	q, err := request.Filters(get("workflow=w&state=failed&until=2026-01-31T12:00:00Z&item_prefix=S2&ascending"))
	want := statedb.Query{Workflow: "w", State: statedb.Failed, Until: time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC), ItemPrefix: "S2", Ascending: true}
	if err != nil || q != want {
		t.Errorf("%+v, %v", q, err)
	}
	if page, err := request.PageOf(get("next=x")); err != nil || page != (request.Page{Limit: 100, After: "x"}) {
		t.Errorf("%+v, %v", page, err)
	}
	since, err := request.Instant("since", "2h")
	if ago := time.Since(since); err != nil || ago < 2*time.Hour || ago > 2*time.Hour+time.Minute {
		t.Errorf("%v, %v", since, err)
	}
	h, err := request.HistoryOf(get("next=7&reverse=true&limit=5"))
	if err != nil || h != (request.History{After: 7, Limit: 5, Reverse: true}) {
		t.Errorf("%+v, %v", h, err)
	}
}

func post(body string) *http.Request {
	return httptest.NewRequest(http.MethodPost, "/v1/x", strings.NewReader(body))
}

// TestBodies reads documents, and says what is wrong with others.
func TestBodies(t *testing.T) {
	job, err := request.Rerun(post(`{"filter":{"workflow":"w","state":"FAILED"},"mode":"failed","rate":2.5}`))
	if err != nil || job.Filter.Workflow != "w" || job.Filter.State != statedb.Failed || job.Mode != rerun.FromFailed || job.Rate != 2.5 {
		t.Errorf("%+v, %v", job, err)
	}
	if _, err := request.Rerun(post("")); err != nil {
		t.Errorf("an empty body: %v", err)
	}
	for body, said := range map[string]string{
		`{"filter":{"state":"LOST"}}`: "filter.state", `{"filter":{"since":"soon"}}`: "filter.since", `{"fliter":{}}`: "fliter", `{`: "reading the body",
	} {
		if _, err := request.Rerun(post(body)); !problem.Is(err, problem.Invalid) || !strings.Contains(err.Error(), said) {
			t.Errorf("%s: %v", body, err)
		}
	}
	if start, err := request.StartOf(post(`{"workflow":"w"}`)); err != nil || start.Workflow != "w" || start.Name == "" || string(start.Input) != "{}" {
		t.Errorf("%+v, %v", start, err)
	}
	if start, err := request.StartOf(post(`{"workflow":"w","name":"n","input":[1]}`)); err != nil || start.Name != "n" || string(start.Input) != "[1]" {
		t.Errorf("%+v, %v", start, err)
	}
	if _, err := request.StartOf(post(`{"workfolw":"w"}`)); !problem.Is(err, problem.Invalid) {
		t.Errorf("%v", err)
	}
	if event, err := request.Event(post(`[1]`), 3); err != nil || string(event) != "[1]" {
		t.Errorf("%s, %v", event, err)
	}
	if _, err := request.Event(post(`[12]`), 3); !problem.Is(err, problem.TooLarge) {
		t.Errorf("%v", err)
	}
	if _, err := request.Event(post(`[`), 3); !problem.Is(err, problem.Invalid) {
		t.Errorf("%v", err)
	}
}
