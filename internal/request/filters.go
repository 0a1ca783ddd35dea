package request

import (
	"encoding/json"
	"net/http"
	"strings"

	"github.com/google/uuid"

	"sundog/asl"
	"sundog/internal/access"
	"sundog/internal/api"
	"sundog/internal/problem"
	"sundog/internal/rerun"
	"sundog/internal/statedb"
)

// Filters reads which records a request asks for, in what order: everything when it names nothing.
func Filters(r *http.Request) (statedb.Query, error) {
	v := r.URL.Query()
	q := statedb.Query{
		Partition: v.Get("collections_workflow"), Workflow: v.Get("workflow"), ErrorPrefix: v.Get("error_prefix"), ItemPrefix: v.Get("item_prefix"),
	}
	var err error
	if q.Ascending, err = Flag(r, "ascending"); err != nil {
		return q, err
	}
	if text := v.Get("state"); text != "" {
		if q.State, err = statedb.ParseState(text); err != nil {
			return q, problem.Wrap(problem.Invalid, err, "the parameter state")
		}
	}
	if text := v.Get("index"); text != "" {
		if q.Index, err = statedb.ParseIndex(text); err != nil {
			return q, err
		}
	}
	if q.Since, err = Instant("since", v.Get("since")); err != nil {
		return q, err
	}
	q.Until, err = Instant("until", v.Get("until"))
	return q, err
}

// Rerun reads the job that a request asks for, in the name of whoever asks.
func Rerun(r *http.Request) (rerun.Request, error) {
	var req api.CreateJob
	if err := Body(r, &req); err != nil {
		return rerun.Request{}, err
	}
	f := req.Filter
	out := rerun.Request{
		Filter: rerun.Filter{CollectionsWorkflow: f.CollectionsWorkflow, Workflow: f.Workflow, ErrorPrefix: f.ErrorPrefix, ItemPrefix: f.ItemPrefix},
		Mode:   rerun.Mode(req.Mode), Patch: req.Patch, Lane: req.Lane, Rate: req.Rate, Limit: req.Limit, Actor: access.Actor(r.Context()), Reason: req.Reason,
	}
	var err error
	if f.State != "" {
		if out.Filter.State, err = statedb.ParseState(f.State); err != nil {
			return out, problem.Wrap(problem.Invalid, err, "filter.state")
		}
	}
	if out.Filter.Since, err = Instant("filter.since", f.Since); err != nil {
		return out, err
	}
	out.Filter.Until, err = Instant("filter.until", f.Until)
	return out, err
}

// Page is which page of a list a request asks for.
type Page struct {
	Limit int
	After string // token of the page before, or empty
}

// PageOf reads which page a request asks for, of limit elements at most: 100 unless it says otherwise, up to 1,000.
func PageOf(r *http.Request) (Page, error) {
	limit, err := Number(r, "limit", 100, 1, 1000)
	return Page{Limit: limit, After: r.URL.Query().Get("next")}, err
}

// Executions are the executions that a request asks for.
type Executions struct {
	Page
	Workflow string
	Status   asl.Status // empty: any
}

// ExecutionsOf reads which executions a request asks for: those of a workflow, which has to be named.
func ExecutionsOf(r *http.Request) (Executions, error) {
	page, err := PageOf(r)
	if err != nil {
		return Executions{}, err
	}
	status := asl.Status(strings.ToUpper(r.URL.Query().Get("status")))
	switch status {
	case "", asl.Running, asl.Succeeded, asl.Failed, asl.TimedOut, asl.Aborted:
	default:
		return Executions{}, problem.New(problem.Invalid, "unknown status %q", status).WithHint("one of RUNNING, SUCCEEDED, FAILED, TIMED_OUT, ABORTED")
	}
	workflow := r.URL.Query().Get("workflow")
	if workflow == "" {
		return Executions{}, problem.New(problem.Invalid, "the parameter workflow is missing")
	}
	return Executions{Page: page, Workflow: workflow, Status: status}, nil
}

// History is the part of a history that a request asks for.
type History struct {
	After   int64 // the number of the event after which to begin; 0: from the start, or from the end when reverse
	Limit   int
	Reverse bool // the last event first
	Logs    bool // events of tasks say where their logs are
}

// HistoryOf reads which part of a history a request asks for.
func HistoryOf(r *http.Request) (History, error) {
	limit, err := Number(r, "limit", 100, 1, 1000)
	if err != nil {
		return History{}, err
	}
	after, err := Number(r, "next", 0, 0, 1<<40)
	if err != nil {
		return History{}, err
	}
	reverse, err := Flag(r, "reverse")
	if err != nil {
		return History{}, err
	}
	logs, err := Flag(r, "log_metadata")
	return History{After: int64(after), Limit: limit, Reverse: reverse, Logs: logs}, err
}

// Log is the part of a log that a request asks for.
type Log struct {
	Stream string
	From   int // the line to begin at
	Limit  int
}

// StartOf reads what execution is asked for. One without a name gets a random one, one without an input an empty object.
func StartOf(r *http.Request) (api.StartExecution, error) {
	var req api.StartExecution
	if err := Body(r, &req); err != nil {
		return req, err
	}
	if req.Name == "" {
		req.Name = uuid.NewString()
	}
	if req.Input == nil {
		req.Input = json.RawMessage("{}")
	}
	return req, nil
}

// LogOf reads which part of which log a request asks for.
func LogOf(r *http.Request) (Log, error) {
	stream := r.URL.Query().Get("stream")
	if stream == "" {
		return Log{}, problem.New(problem.Invalid, "the parameter stream is missing").WithHint("GET %s lists the streams", api.PathLogStreams)
	}
	from, err := Number(r, "next", 0, 0, 1<<40)
	if err != nil {
		return Log{}, err
	}
	limit, err := Number(r, "limit", 1000, 1, 10000)
	return Log{Stream: stream, From: from, Limit: limit}, err
}
