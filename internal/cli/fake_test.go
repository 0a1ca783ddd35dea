package cli_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"sundog/internal/api"
	"sundog/internal/problem"
	"sundog/payload"
)

// fake is a server that speaks the API over a few fixed things. What a payload leads to lies in the name of its workflow: ok, bad,
// late and refused succeed, fail, time out and are invalid on the third look at their record; stuck stays in PROCESSING; a name of a
// kind of problem, such as not-found, answers every look with one.
type fake struct {
	mu      sync.Mutex
	records map[string]*api.Record
	looks   map[string]int
	counts  map[string]int64 // of dead letters
}

var start = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func newFake() http.Handler {
	f := &fake{records: map[string]*api.Record{}, looks: map[string]int{}, counts: map[string]int64{"process": 2}}
	f.put("sentinel-2-l2a/workflow-ingest/S2A_1", "SUCCEEDED", "")
	f.put("sentinel-2-l2a/workflow-ingest/S2A_2", "FAILED", "ValueError: no \x1b[31mband B04")
	f.put("sentinel-2-l2a/workflow-ingest/S2A_3", "PROCESSING", "")
	f.put("old/workflow-bad/i1", "FAILED", "ValueError: the first time")
	f.put("old/workflow-ok/i1", "SUCCEEDED", "")
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+api.PathHealth, answer(func(*http.Request) (any, error) {
		return api.Health{Status: "ok", Version: "v1", Project: "fake", Records: 3, Open: 1, Queued: 12}, nil
	}))
	mux.HandleFunc("POST "+api.PathPayloads, f.submit)
	mux.HandleFunc("GET "+api.PathPayloads, answer(f.payload))
	mux.HandleFunc("GET "+api.PathRecords, f.find)
	mux.HandleFunc("GET "+api.PathStats, answer(func(*http.Request) (any, error) {
		return api.Stats{Counts: []api.Count{
			{Collections: "landsat", Workflow: "ingest", State: "FAILED", Count: 7},
			{Collections: "sentinel-2-l2a", Workflow: "ingest", State: "SUCCEEDED", Count: 12345},
		}}, nil
	}))
	f.upkeep(mux)
	f.executions(mux)
	f.queues(mux)
	f.logs(mux)
	triggers(mux)
	functions(mux)
	tokens(mux)
	schedules(mux)
	return mux
}

func (f *fake) put(id, state, lastError string) {
	parsed, _ := payload.ParseID(id)
	f.records[id] = &api.Record{
		PayloadID: id, Collections: parsed.Collections, Workflow: parsed.Workflow, ItemIDs: parsed.ItemIDs, State: state, LastError: lastError,
		Created: "2026-03-01T12:00:00.000001+00:00", Updated: "2026-03-01T12:00:05.000001+00:00",
		Executions: []string{"arn:aws:states:us-east-1:000000000000:execution:" + parsed.Workflow + ":e1"},
	}
}

// answer makes a handler of a function.
func answer(f func(*http.Request) (any, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		v, err := f(r)
		if r.Header.Get("Authorization") == "Bearer wrong" {
			err = problem.New(problem.Unauthorized, "this token is not known").WithHint("ask for another")
		}
		if err != nil {
			doc := problem.DocumentOf(err, "r-1")
			w.Header().Set("Content-Type", problem.MediaType)
			w.WriteHeader(doc.Status)
			_, _ = w.Write(doc.JSON())
			return
		}
		_ = json.NewEncoder(w).Encode(v)
	}
}

func (f *fake) submit(w http.ResponseWriter, r *http.Request) {
	if lane := r.URL.Query().Get("lane"); lane != "" && lane != "live" && lane != "bulk" {
		answer(func(*http.Request) (any, error) {
			return nil, problem.New(problem.Invalid, "there is no lane %q", lane)
		})(w, r)
		return
	}
	control := http.NewResponseController(w)
	_ = control.EnableFullDuplex()
	lines := bufio.NewReader(r.Body)
	enc := json.NewEncoder(w)
	for n := 1; ; {
		line, err := lines.ReadString('\n')
		if line = strings.TrimSpace(line); line != "" {
			_ = enc.Encode(f.take(n, line))
			_ = control.Flush()
			n++
		}
		if err != nil {
			return
		}
	}
}

// take accepts a payload or says why not.
func (f *fake) take(n int, line string) api.Accepted {
	if strings.HasPrefix(line, `{"url"`) {
		return api.Accepted{Line: n, MessageID: "m-" + strconv.Itoa(n)}
	}
	p, err := payload.Parse([]byte(line))
	if err != nil {
		return api.Accepted{Line: n, Error: err.Error()}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	id := p.ID().String()
	before := f.records[id]
	switch {
	case before == nil:
		f.put(id, "PROCESSING", "")
		f.looks[id] = 0
	case before.State != "SUCCEEDED" || p.Replace():
		f.looks[id] = 0 // the record is what it was until somebody has looked
	}
	return api.Accepted{Line: n, PayloadID: id, MessageID: "m-" + strconv.Itoa(n)}
}

// progressed moves a record on with each look at it.
func (f *fake) progressed(id string) (*api.Record, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	r := f.records[id]
	if r == nil {
		return nil, problem.New(problem.NotFound, "there is no record of %s", id)
	}
	looks, sent := f.looks[id]
	if !sent {
		return r, nil
	}
	f.looks[id]++
	if looks < 2 {
		return r, nil
	}
	if looks > 2 {
		return r, nil
	}
	r.Executions = append(r.Executions, fmt.Sprintf("%s%d", strings.TrimSuffix(r.Executions[0], "1"), len(r.Executions)+1))
	r.Updated = fmt.Sprintf("2026-03-01T12:%02d:00.000001+00:00", len(r.Executions))
	switch r.Workflow {
	case "ok":
		r.State, r.LastError = "SUCCEEDED", ""
	case "bad":
		r.State, r.LastError = "FAILED", "ValueError: no bands"
	case "late":
		r.State, r.LastError = "FAILED", "TimedOutError: the execution took longer than its workflow allows"
	case "refused":
		r.State, r.LastError = "INVALID", "InvalidInput: no such scene"
	}
	return r, nil
}

func (f *fake) payload(r *http.Request) (any, error) {
	id := r.URL.Query().Get("id")
	parsed, err := payload.ParseID(id)
	if err != nil {
		return nil, problem.Wrap(problem.Invalid, err, "")
	}
	for _, k := range problem.Kinds() {
		if parsed.Workflow == k.String() {
			return nil, problem.New(k, "reading the record of %s", id).WithHint("this is %s", k)
		}
	}
	record, err := f.progressed(id)
	if err != nil {
		return nil, err
	}
	switch r.URL.Query().Get("doc") {
	case "input":
		return json.RawMessage(fmt.Sprintf(`{"id":%q,"process":[{"workflow":%q}],"big":12345678901234567890.10}`, id, record.Workflow)), nil
	case "output":
		if record.State != "SUCCEEDED" {
			return nil, problem.New(problem.NotFound, "%s has no output payload", id)
		}
		return json.RawMessage(fmt.Sprintf(`{"id":%q,"features":[]}`, id)), nil
	}
	return record, nil
}

// query pages through as many records as item of "many_ingest", or answers the fixed ones.
func (f *fake) query(r *http.Request) (any, error) {
	v := r.URL.Query()
	limit, _ := strconv.Atoi(v.Get("limit"))
	if v.Get("collections_workflow") == "many_ingest" {
		from, _ := strconv.Atoi(v.Get("next"))
		page := api.Records{Records: []api.Record{}}
		for i := from; i < min(2500, from+limit); i++ {
			page.Records = append(page.Records, api.Record{PayloadID: fmt.Sprintf("many/workflow-ingest/%04d", i), State: "FAILED"})
		}
		if from+limit < 2500 {
			page.Next = strconv.Itoa(from + limit)
		}
		return page, nil
	}
	page := api.Records{Records: []api.Record{}}
	for _, id := range []string{"S2A_1", "S2A_2", "S2A_3"} {
		record := f.records["sentinel-2-l2a/workflow-ingest/"+id]
		if record.Collections+"_"+record.Workflow != v.Get("collections_workflow") || v.Has("state") && v.Get("state") != record.State ||
			!strings.HasPrefix(record.LastError, v.Get("error_prefix")) || len(page.Records) == limit {
			continue
		}
		page.Records = append(page.Records, *record)
	}
	return page, nil
}

func (f *fake) executions(mux *http.ServeMux) {
	const prefix = "arn:aws:states:us-east-1:000000000000:execution:"
	find := func(arn string) (api.Execution, error) {
		workflow, name, _ := strings.Cut(strings.TrimPrefix(arn, prefix), ":")
		stop := start.Add(1500 * time.Millisecond)
		e := api.Execution{ARN: arn, Workflow: workflow, Name: name, Status: "SUCCEEDED", Start: start, Stop: &stop, Input: json.RawMessage(`{"a": 1}`)}
		switch workflow {
		case "ingest", "ok":
			e.Output = json.RawMessage(`{"a": 1.50}`)
		case "bad":
			e.Status, e.Error, e.Cause = "FAILED", "ValueError", "no bands"
			e.RedriveCount, e.RedriveDate, e.RedriveStatus = 1, &start, "REDRIVABLE"
		case "late":
			e.Status = "TIMED_OUT"
		case "stuck":
			e.Status, e.Stop = "RUNNING", nil
		default:
			return e, problem.New(problem.NotFound, "there is no execution %s", arn)
		}
		return e, nil
	}
	mux.HandleFunc("POST "+api.PathExecutions, answer(func(r *http.Request) (any, error) {
		var req api.StartExecution
		if err := json.NewDecoder(r.Body).Decode(&req); err != nil {
			return nil, err
		}
		e, err := find(prefix + req.Workflow + ":" + req.Name)
		e.Status, e.Stop, e.Error, e.Cause, e.Input, e.Output = "RUNNING", nil, "", "", nil, nil
		return e, err
	}))
	mux.HandleFunc("GET "+api.PathExecutions, answer(func(r *http.Request) (any, error) {
		page := api.Executions{}
		for _, workflow := range []string{"stuck", "ok", "bad"} {
			e, _ := find(prefix + workflow + ":e1")
			if status := r.URL.Query().Get("status"); status == "" || status == e.Status {
				page.Executions = append(page.Executions, e)
			}
		}
		return page, nil
	}))
	mux.HandleFunc("GET "+api.PathExecutions+"/{arn}", answer(func(r *http.Request) (any, error) { return find(r.PathValue("arn")) }))
	mux.HandleFunc("POST "+api.PathExecutions+"/{arn}/stop", answer(func(r *http.Request) (any, error) {
		e, err := find(r.PathValue("arn"))
		if err == nil && e.Status != "RUNNING" {
			err = problem.New(problem.Conflict, "%s has ended", e.ARN)
		}
		var req api.StopExecution
		_ = json.NewDecoder(r.Body).Decode(&req)
		e.Status, e.Error, e.Cause = "ABORTED", req.Error, req.Cause
		return e, err
	}))
	mux.HandleFunc("POST "+api.PathExecutions+"/{arn}/redrive", answer(func(r *http.Request) (any, error) {
		e, err := find(r.PathValue("arn"))
		if err == nil && e.RedriveStatus != "REDRIVABLE" {
			err = problem.New(problem.Conflict, "redriving %s: execution is not redrivable: Execution is %s and cannot be redriven", e.ARN, e.Status)
		}
		e.Status, e.Stop, e.Error, e.Cause, e.RedriveStatus = "RUNNING", nil, "", "", ""
		e.RedriveCount++
		return e, err
	}))
	mux.HandleFunc("GET "+api.PathExecutions+"/{arn}/history", answer(func(r *http.Request) (any, error) {
		after, _ := strconv.Atoi(r.URL.Query().Get("next"))
		events := []string{
			`{"timestamp":"2026-03-01T12:00:00Z","type":"ExecutionStarted","id":1,"previousEventId":0,"executionStartedEventDetails":{"input":"{}"}}`,
			`{"timestamp":1772366400.5,"type":"PassStateEntered","id":2,"previousEventId":0,"stateEnteredEventDetails":{"name":"First"}}`,
			`{"timestamp":"2026-03-01T12:00:01Z","type":"PassStateExited","id":3,"previousEventId":2,"stateExitedEventDetails":{"name":"First"}}`,
			`{"timestamp":"2026-03-01T12:00:02Z","type":"ExecutionRedriven","id":4,"previousEventId":3,"executionRedrivenEventDetails":{"redriveCount":2}}`,
		}
		page := api.History{Events: []json.RawMessage{}}
		if after < len(events) {
			page.Events = append(page.Events, json.RawMessage(events[after]))
		}
		if after+1 < len(events) {
			page.Next = int64(after + 1)
		}
		return page, nil
	}))
	mux.HandleFunc("GET "+api.PathWorkflows, answer(func(*http.Request) (any, error) {
		return api.Workflows{Workflows: []api.Workflow{{Name: "ingest", Type: "STANDARD", ARN: "arn:aws:states:us-east-1:000000000000:stateMachine:ingest"}}}, nil
	}))
	mux.HandleFunc("GET "+api.PathWorkflows+"/{name}", answer(func(*http.Request) (any, error) {
		return api.Workflow{Name: "ingest", Definition: json.RawMessage(`{"StartAt":"A","States":{"A":{"Type":"Succeed"}}}`)}, nil
	}))
}

func (f *fake) queues(mux *http.ServeMux) {
	process := func() api.Queue {
		return api.Queue{Name: "process", DeadLetters: f.counts["process"], OldestSeconds: 75.4, Lanes: []api.Lane{
			{Name: "live", Ready: 3, InFlight: 1, Open: 2, Concurrency: 256}, {Name: "bulk", Ready: 1000, Delayed: 5, Concurrency: 64},
		}}
	}
	died := start.Add(time.Hour)
	letter := func(id string) api.Message {
		return api.Message{
			ID: id, Body: `{"no": "payload"}`, Attributes: map[string]string{"source": "test"}, Lane: "live", ReceiveCount: 5, Sent: start, Died: &died,
			Reason: "invalid payload: process: expected an array",
		}
	}
	mux.HandleFunc("GET "+api.PathQueues, answer(func(*http.Request) (any, error) {
		return api.Queues{Queues: []api.Queue{process(), {Name: "subscription/items", Lanes: []api.Lane{{Ready: 1}}, OldestSeconds: 0.25}}}, nil
	}))
	mux.HandleFunc("GET "+api.PathQueues+"/{queue}", answer(func(r *http.Request) (any, error) {
		if name := r.PathValue("queue"); name != "process" {
			return nil, problem.New(problem.NotFound, "there is no queue %q", name)
		}
		return process(), nil
	}))
	mux.HandleFunc("POST "+api.PathQueues+"/{queue}/messages", answer(func(r *http.Request) (any, error) {
		var m api.SendMessage
		err := json.NewDecoder(r.Body).Decode(&m)
		return api.Message{ID: "m-1", Body: m.Body, Attributes: m.Attributes, Lane: m.Lane, Sent: start}, err
	}))
	mux.HandleFunc("GET "+api.PathQueues+"/{queue}/dead-letters", answer(func(*http.Request) (any, error) {
		return api.DeadLetters{Messages: []api.Message{letter("d-1"), letter("d-2")}}, nil
	}))
	one := api.PathQueues + "/{queue}/dead-letters/{id}"
	mux.HandleFunc("GET "+one, answer(func(r *http.Request) (any, error) { return letter(r.PathValue("id")), nil }))
	moved := answer(func(*http.Request) (any, error) { return api.Moved{Count: 1}, nil })
	mux.HandleFunc("DELETE "+one, moved)
	mux.HandleFunc("POST "+one+"/redrive", moved)
	mux.HandleFunc("DELETE "+api.PathQueues+"/{queue}/dead-letters", answer(func(r *http.Request) (any, error) {
		if r.URL.Query().Get("reason") == "" {
			return nil, problem.New(problem.Invalid, "no reason")
		}
		return api.Moved{Count: 2}, nil
	}))
	mux.HandleFunc("POST "+api.PathQueues+"/{queue}/redrive", answer(func(*http.Request) (any, error) { return api.Moved{Count: 2}, nil }))
}

func (f *fake) logs(mux *http.ServeMux) {
	mux.HandleFunc("GET "+api.PathLogStreams, answer(func(r *http.Request) (any, error) {
		page := api.LogStreams{Streams: []api.LogStream{}}
		for _, name := range []string{"function/publish/r-1", "job/convert/j-1/1"} {
			if strings.HasPrefix(name, r.URL.Query().Get("prefix")) {
				page.Streams = append(page.Streams, api.LogStream{Name: name, Start: start, Bytes: 1234})
			}
		}
		return page, nil
	}))
	mux.HandleFunc("GET "+api.PathLogs, answer(func(r *http.Request) (any, error) {
		from, _ := strconv.ParseInt(r.URL.Query().Get("next"), 10, 64)
		part := api.Log{Stream: r.URL.Query().Get("stream"), Lines: []api.LogLine{{Time: start, Text: fmt.Sprintf("line %d\tof\x07 it", from)}}}
		if from < 2 {
			part.Next = from + 1
		}
		return part, nil
	}))
}

// functions has echo, and broken, which fails.
func functions(mux *http.ServeMux) {
	mux.HandleFunc("GET "+api.PathFunctions, answer(func(*http.Request) (any, error) {
		return api.Functions{Functions: []api.Function{{Name: "broken", Kind: "command"}, {Name: "echo", Kind: "builtin", Running: 2}}}, nil
	}))
	mux.HandleFunc("POST "+api.PathFunctions+"/{name}/invoke", answer(func(r *http.Request) (any, error) {
		event, err := io.ReadAll(r.Body)
		switch r.PathValue("name") {
		case "echo":
			return api.Invocation{RequestID: "r-1", Payload: event}, err
		case "broken":
			return api.Invocation{RequestID: "r-1", LogStream: "function/broken/r-1", Error: "ValueError", Cause: "no band"}, err
		}
		return nil, problem.New(problem.NotFound, "there is no function %q", r.PathValue("name"))
	}))
}
