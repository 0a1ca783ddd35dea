package server_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"sundog/internal/api"
	"sundog/internal/client"
	"sundog/internal/embedded"
	"sundog/internal/problem"
	"sundog/internal/project"
	"sundog/internal/server"
)

const projectFile = `
name: test
queues: [reviews]
workflows:
  first: { definition: first.asl.json }
  second: { definition: second.asl.json }
  broken: { definition: broken.asl.json }
  talks: { definition: talks.asl.json }
  waits: { definition: waits.asl.json }
functions:
  talks: { type: command, command: [sh, -c, "echo first >&2; echo second >&2; cat"] }
  fails: { type: command, command: [sh, -c, "echo failing >&2; exit 1"] }
  hangs: { type: command, command: [sh, -c, "echo hanging >&2; sleep 60"] }
  echo: { type: builtin, builtin: echo }
  publish: { type: builtin, builtin: publish }
jobs:
  tile: { command: [sh, -c, "echo tiling; exit 1"], attempts: 2 }
subscriptions:
  - { name: items, topic: publish, file: published.ndjson }
`

const task = `{"Type":"Task","Resource":"arn:aws:lambda:us-east-1:000000000000:function:%s"`

// running is a platform with a server and a client of it.
type running struct {
	*client.Client
	t        *testing.T
	dir      string
	platform *embedded.Platform
	log      *logText
}

// logText is what the server has logged.
type logText struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *logText) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *logText) Bytes() []byte {
	l.mu.Lock()
	defer l.mu.Unlock()
	return bytes.Clone(l.text.Bytes())
}

func read(t *testing.T, path string) []byte {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func start(t *testing.T, token string) *running { return startWith(t, token, "") }

// startWith starts a server whose project file has more lines.
func startWith(t *testing.T, token, more string) *running {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{
		"sundog.yaml":     projectFile + more,
		"first.asl.json":  `{"StartAt":"A","States":{"A":` + fmt.Sprintf(task, "echo") + `,"Next":"B"},"B":` + fmt.Sprintf(task, "publish") + `,"End":true}}}`,
		"second.asl.json": `{"StartAt":"A","States":{"A":{"Type":"Pass","End":true}}}`,
		"talks.asl.json":  talks,
		"waits.asl.json":  `{"StartAt":"A","States":{"A":{"Type":"Wait","Seconds":1000,"End":true}}}`,
		"broken.asl.json": `{"StartAt":"A","States":{"A":{"Type":"Fail","Error":"Broken","Cause":"on purpose"}}}`,
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	p, diagnostics := project.Load(dir, project.Options{})
	if err := diagnostics.Err(); err != nil {
		t.Fatal(err)
	}
	log := &logText{}
	logger := slog.New(slog.NewTextHandler(log, nil))
	platform, err := embedded.Open(t.Context(), p, embedded.Options{Data: filepath.Join(dir, "data"), Logger: logger})
	if err != nil {
		t.Fatal(err)
	}
	s, err := server.Listen(t.Context(), platform, server.Options{Listen: "127.0.0.1:0", Token: token, Version: "test", Logger: logger})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return platform.Run(ctx) })
	g.Go(func() error { return s.Serve(ctx) })
	t.Cleanup(func() {
		cancel()
		if err := g.Wait(); err != nil {
			t.Error(err)
		}
		if err := platform.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	c, err := client.New(s.URL(), token)
	if err != nil {
		t.Fatal(err)
	}
	return &running{c, t, dir, platform, log}
}

func payloadOf(id string, workflows ...string) string {
	var process []string
	for _, w := range workflows {
		process = append(process, fmt.Sprintf(`{"workflow":%q}`, w))
	}
	return fmt.Sprintf(`{"type":"FeatureCollection","features":[{"type":"Feature","stac_version":"1.0.0","id":%q,"collection":"c","geometry":null,"properties":{"datetime":"2024-05-01T00:00:00Z"},"links":[],"assets":{}}],"process":[%s]}`, id, strings.Join(process, ","))
}

// waitState waits until a record is in a state.
func (r *running) waitState(payloadID, state string) api.Record {
	r.t.Helper()
	deadline := time.Now().Add(20 * time.Second)
	for {
		record, err := r.Record(r.t.Context(), payloadID)
		if err == nil && record.State == state {
			return record
		}
		if err != nil && !problem.Is(err, problem.NotFound) || time.Now().After(deadline) {
			r.t.Fatalf("%s: %+v, %v; want %s", payloadID, record, err, state)
		}
		<-time.After(2 * time.Millisecond)
	}
}

func (r *running) submit(lines string) []api.Accepted {
	r.t.Helper()
	var all []api.Accepted
	err := r.Submit(r.t.Context(), strings.NewReader(lines), "bulk", func(a api.Accepted) error {
		all = append(all, a)
		return nil
	})
	if err != nil {
		r.t.Fatal(err)
	}
	return all
}

func TestPayloadsGoThroughTwoWorkflows(t *testing.T) {
	r := start(t, "")
	var lines strings.Builder
	const n = 50
	for i := range n {
		lines.WriteString(payloadOf(fmt.Sprintf("item-%02d", i), "first", "second") + "\n")
	}
	for i, a := range r.submit(lines.String()) {
		if a.Error != "" || a.Line != i+1 || a.PayloadID != fmt.Sprintf("c/workflow-first/item-%02d", i) || a.MessageID == "" {
			t.Errorf("%+v", a)
		}
	}
	for i := range n {
		id := fmt.Sprintf("c/workflow-second/item-%02d", i)
		record := r.waitState(id, "SUCCEEDED")
		r.waitState(fmt.Sprintf("c/workflow-first/item-%02d", i), "SUCCEEDED")
		if len(record.Executions) != 1 {
			t.Errorf("%+v", record)
		}
	}
	output, err := r.Payload(t.Context(), "c/workflow-first/item-07", "output")
	if err != nil {
		t.Fatal(err)
	}
	var published struct {
		Features []struct {
			Links []struct{ Rel, Href string }
		}
	}
	if err := json.Unmarshal(output, &published); err != nil || len(published.Features) != 1 {
		t.Fatalf("%s %v", output, err)
	}
	for _, link := range published.Features[0].Links {
		if link.Rel == "self" {
			if _, err := os.Stat(strings.TrimPrefix(link.Href, "file://")); err != nil {
				t.Error(err)
			}
		}
	}
	stats, err := r.Stats(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range stats.Counts {
		if want := map[string]int64{"SUCCEEDED": n}[c.State]; c.Count != want {
			t.Errorf("%+v", c)
		}
	}
	page, err := r.Records(t.Context(), client.RecordQuery{CollectionsWorkflow: "c_first", State: "SUCCEEDED", Limit: 20})
	if err != nil || len(page.Records) != 20 || page.Next == "" {
		t.Errorf("%d records, next %q, %v", len(page.Records), page.Next, err)
	}
}

// deadLetter waits for the one dead letter of the process queue. The record of its payload is there first.
func (r *running) deadLetter() api.Message {
	r.t.Helper()
	var dead api.DeadLetters
	r.waitFor(func() (there bool) {
		var err error
		dead, err = r.DeadLetters(r.t.Context(), "process", "", 10)
		return err == nil && len(dead.Messages) == 1
	}, "a dead letter")
	return dead.Messages[0]
}

func TestWhatCannotRunIsTold(t *testing.T) {
	r := start(t, "")
	answers := r.submit("{\n[1]\n{}\n" + payloadOf("x", "no_such") + "\n" + payloadOf("y", "unknown") + "\n" + payloadOf("z", "broken") + "\n")
	for i, accepted := range []bool{false, false, false, false, true, true} {
		if (answers[i].Error == "") != accepted {
			t.Errorf("line %d: %+v", i+1, answers[i])
		}
	}
	if record := r.waitState("c/workflow-unknown/y", "FAILED"); !strings.Contains(record.LastError, "unknown") {
		t.Errorf("%+v", record)
	}
	if record := r.waitState("c/workflow-broken/z", "FAILED"); record.LastError != "Broken: on purpose" {
		t.Errorf("%+v", record)
	}
	dead := r.deadLetter()
	if dead.Reason == "" {
		t.Errorf("%+v", dead)
	}
	if _, err := r.Redrive(t.Context(), "process", dead.ID); err != nil {
		t.Error(err)
	}
	if _, err := r.Redrive(t.Context(), "process", dead.ID); !problem.Is(err, problem.NotFound) {
		t.Errorf("second redrive gives %v", err)
	}
}

func TestExecutions(t *testing.T) {
	r := start(t, "")
	e, err := r.StartExecution(t.Context(), api.StartExecution{Workflow: "second", Name: "n", Input: json.RawMessage(`{"a":1}`)})
	if err != nil {
		t.Fatal(err)
	}
	if e, err = r.Execution(t.Context(), e.ARN); err != nil || e.Status != "SUCCEEDED" || string(e.Output) != `{"a":1}` {
		t.Errorf("%+v %v", e, err)
	}
	h, err := r.History(t.Context(), e.ARN, 0, 2, client.HistoryOrder{})
	if err != nil || len(h.Events) != 2 || h.Next != 2 {
		t.Errorf("%+v %v", h, err)
	}
	if list, err := r.Executions(t.Context(), "second", "SUCCEEDED", "", 0); err != nil || len(list.Executions) != 1 {
		t.Errorf("%+v %v", list, err)
	}
	for what, f := range map[string]func() error{
		"conflict": func() error {
			_, err := r.StartExecution(t.Context(), api.StartExecution{Workflow: "second", Name: "n"})
			return err
		},
		"not-found": func() error {
			_, err := r.StartExecution(t.Context(), api.StartExecution{Workflow: "none"})
			return err
		},
		"invalid": func() error {
			_, err := r.StartExecution(t.Context(), api.StartExecution{Workflow: "second", Name: "a b"})
			return err
		},
	} {
		if err := f(); problem.KindOf(err).String() != what {
			t.Errorf("%v, want %s", err, what)
		}
	}
}

func TestToken(t *testing.T) {
	r := start(t, "secret")
	if _, err := r.Health(t.Context()); err != nil {
		t.Error(err)
	}
	other, err := client.New(r.Server(), "wrong")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := other.Health(t.Context()); !problem.Is(err, problem.Unauthorized) {
		t.Errorf("wrong token gives %v", err)
	}
	if _, err := server.Listen(t.Context(), r.platform, server.Options{Listen: "0.0.0.0:0"}); !problem.Is(err, problem.Invalid) {
		t.Errorf("listening to everybody without a token gives %v", err)
	}
}

func TestPagesOfOtherSitesAreRefused(t *testing.T) {
	for _, c := range []struct {
		name, token, host, origin string
		status                    int
	}{
		{"a program", "", "", "", http.StatusOK},
		{"a page of another site", "", "", "https://evil.example", http.StatusForbidden},
		{"a site whose name leads here", "", "evil.example:8123", "http://evil.example:8123", http.StatusForbidden},
		{"the same without a port", "", "evil.example", "", http.StatusForbidden},
		{"localhost", "", "localhost:8123", "", http.StatusOK},
		{"IPv6", "", "[::1]", "", http.StatusOK},
		{"any name with a token", "key", "sundog.example", "", http.StatusOK},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := start(t, c.token)
			req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, r.Server()+api.PathHealth, nil)
			if err != nil {
				t.Fatal(err)
			}
			req.Host = c.host
			req.Header.Set("Authorization", "Bearer "+c.token)
			if c.origin != "" {
				req.Header.Set("Origin", c.origin)
			}
			resp, err := http.DefaultClient.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			if resp.StatusCode != c.status {
				t.Errorf("%s, want %d", resp.Status, c.status)
			}
			if c.status != http.StatusOK && resp.Header.Get("Content-Type") != problem.MediaType {
				t.Errorf("the answer is %s", resp.Header.Get("Content-Type"))
			}
		})
	}
}

func TestRubbish(t *testing.T) {
	r := start(t, "")
	for _, c := range []struct {
		method, path, contentType, body string
		status                          int
	}{
		{"GET", "/nowhere", "", "", 404},
		{"GET", api.PathPayloads + "/no-id", "", "", 400},
		{"GET", api.PathPayloads + "/c/workflow-w/i", "", "", 404},
		{"GET", api.PathRecords + "?collections_workflow=c_w&workflow=w", "", "", 400},
		{"GET", api.PathRecords + "?index=size", "", "", 400},
		{"GET", api.PathErrors + "?records=0", "", "", 400},
		{"GET", api.PathErrors + "?state=BROKEN", "", "", 400},
		{"GET", api.PathExport + "?next=x", "", "", 400},
		{"GET", api.PathExport + "?limit=none", "", "", 400},
		{"POST", api.PathImport + "?overwrite=perhaps", "application/x-ndjson", "", 400},
		{"POST", api.PathImport, "application/x-ndjson", "no json", 400},
		{"POST", api.PathReconcile, "application/json", `{"dry":true}`, 400},
		{"POST", api.PathMigrate, "application/json", `[]`, 400},
		{"POST", api.PathBackup, "application/json", `{"dir":"here"}`, 400},
		{"GET", api.PathAudit + "?kind=theft", "", "", 400},
		{"GET", api.PathAudit + "?limit=1001", "", "", 400},
		{"GET", api.PathAudit + "?next=x", "", "", 400},
		{"DELETE", api.PathPayloads + "/no-id", "", "", 400},
		{"DELETE", api.PathPayloads + "/c/workflow-w/i", "", "", 400},
		{"DELETE", api.PathPayloads + "/c/workflow-w/i?reason=none", "", "", 404},
		{"GET", api.PathRecords + "?collections_workflow=c_w&state=NONE", "", "", 400},
		{"GET", api.PathRecords + "?collections_workflow=c_w&since=ever", "", "", 400},
		{"GET", api.PathRecords + "?collections_workflow=c_w&limit=0", "", "", 400},
		{"GET", api.PathRecords + "?collections_workflow=c_w&next=x", "", "", 400},
		{"GET", api.PathExecutions + "/arn", "", "", 404},
		{"GET", api.PathExecutions + "?workflow=first&status=x", "", "", 400},
		{"GET", api.PathQueues + "/none", "", "", 404},
		{"GET", api.PathLogs + "?stream=none", "", "", 404},
		{"POST", api.PathPayloads + "?lane=none", "application/json", "{}", 400},
		{"POST", api.PathPayloads, "text/csv", "a,b", 400},
		{"POST", api.PathPayloads, "application/json", "[{}", 400},
		{"POST", api.PathExecutions, "application/json", "[]", 400},
		{"POST", api.PathExecutions, "application/json", `{"work":1}`, 400},
		{"POST", api.PathQueues + "/process/messages", "application/json", `{"body":"x","lane":"none"}`, 400},
		{"DELETE", api.PathQueues + "/process/dead-letters/x", "", "", 404},
	} {
		req, err := http.NewRequestWithContext(t.Context(), c.method, r.Server()+c.path, strings.NewReader(c.body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", c.contentType)
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		var doc problem.Document
		if err := json.NewDecoder(resp.Body).Decode(&doc); err != nil || doc.Detail == "" {
			t.Errorf("%s %s: %v %+v", c.method, c.path, err, doc)
		}
		resp.Body.Close()
		if resp.StatusCode != c.status {
			t.Errorf("%s %s gives %s: %s", c.method, c.path, resp.Status, doc.Detail)
		}
	}
}

// TestWhatIsWrongIsNamed looks at messages: each names the value, and the form that is allowed.
func TestWhatIsWrongIsNamed(t *testing.T) {
	r := start(t, "")
	const states, times, form = "CLAIMED, PROCESSING, SUCCEEDED, FAILED, INVALID, ABORTED", "7d, 24h", "<collections>/workflow-<workflow>/<itemids>"
	for _, c := range []struct {
		path  string
		names []string
	}{
		{api.PathRecords + "?state=DONE", []string{`"DONE"`, states}},
		{api.PathErrors + "?state=DONE", []string{`"DONE"`, states}},
		{api.PathRecords + "?since=ever", []string{`since="ever"`, times}},
		{api.PathRecords + "?until=7x", []string{`until="7x"`, times}},
		{api.PathAudit + "?since=-1d", []string{`since="-1d"`, times}},
		{api.PathRecords + "?limit=0", []string{`limit="0"`, "from 1 to 1000"}},
		{api.PathRecords + "?limit=1001", []string{`limit="1001"`, "from 1 to 1000"}},
		{api.PathExport + "?limit=-1", []string{`limit="-1"`, "from 1 on"}},
		{api.PathRecords + "?next=x", []string{`"x"`, "the one of the page before"}},
		{api.PathRecords + "?index=size", []string{`"size"`, "updated, state_updated, itemids"}},
		{api.PathRecords + "?ascending=perhaps", []string{`ascending="perhaps"`, "true nor false"}},
		{api.PathRecords + "?stat=FAILED", []string{`"stat"`, "state"}},
		{api.PathStats + "?state=FAILED", []string{`"state"`, "no parameters"}},
		{api.PathPayloads + "/no-id", []string{`"no-id"`, form}},
		{api.PathPayloads + "/c/workflow-/i", []string{`"c/workflow-/i"`, form}},
	} {
		status, doc := r.ask(http.MethodGet, c.path, "", "")
		text := doc.Detail + "\n" + doc.Hint
		for _, name := range c.names {
			if status != http.StatusBadRequest || !strings.Contains(text, name) {
				t.Errorf("%s gives %d, without %s: %s", c.path, status, name, text)
			}
		}
	}
}

// TestReceive works on the messages of a queue of the project's own.
func TestReceive(t *testing.T) {
	r := start(t, "")
	if _, err := r.Send(t.Context(), "reviews", api.SendMessage{Body: "one", Attributes: map[string]string{"k": "v"}}); err != nil {
		t.Fatal(err)
	}
	got, err := r.Receive(t.Context(), "reviews", api.Receive{Max: 5, WaitSeconds: 5, VisibilitySeconds: 0.05})
	if err != nil || len(got.Messages) != 1 || got.Messages[0].Body != "one" || got.Messages[0].Attributes["k"] != "v" || got.Messages[0].ReceiveCount != 1 {
		t.Fatalf("%+v, %v", got, err)
	}
	again, err := r.Receive(t.Context(), "reviews", api.Receive{WaitSeconds: 10}) // nobody deleted it
	if err != nil || len(again.Messages) != 1 || again.Messages[0].ReceiveCount != 2 {
		t.Fatalf("%+v, %v", again, err)
	}
	if _, err := r.DeleteMessages(t.Context(), "reviews", again.Messages[0].Receipt); err != nil {
		t.Fatal(err)
	}
	if none, err := r.Receive(t.Context(), "reviews", api.Receive{WaitSeconds: 0.2}); err != nil || len(none.Messages) != 0 {
		t.Errorf("%+v, %v", none, err)
	}
	for name, want := range map[string]problem.Kind{"process": problem.Conflict, "subscription/items": problem.Conflict, "none": problem.NotFound} {
		if _, err := r.Receive(t.Context(), name, api.Receive{}); !problem.Is(err, want) {
			t.Errorf("receiving from %s gives %v", name, err)
		}
	}
	if _, err := r.Receive(t.Context(), "reviews", api.Receive{WaitSeconds: 21}); !problem.Is(err, problem.Invalid) {
		t.Errorf("%v", err)
	}
}
