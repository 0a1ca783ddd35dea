package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sundog/internal/api"
	"sundog/internal/embedded"
	"sundog/internal/project"
	"sundog/internal/statedb"
	"sundog/payload"
)

const inputProject = `
name: input
workflows:
  echo: { definition: echo.asl.json }
functions:
  echo: { type: builtin, builtin: echo }
subscriptions:
  - { name: events, topic: workflow-event, file: events.ndjson }
`

const echoWorkflow = `{"StartAt":"Echo","States":{
	"Echo":{"Type":"Task","Resource":"arn:aws:lambda:us-east-1:000000000000:function:echo","End":true}}}`

// payloadOf is a payload with one Item; more are further members, with a comma in front.
func payloadOf(id, process, more string) string {
	return fmt.Sprintf(`{"type":"FeatureCollection","features":[{"type":"Feature","stac_version":"1.0.0","id":%q,"collection":"c",`+
		`"geometry":null,"properties":{"datetime":"2024-05-01T00:00:00Z"},"links":[],"assets":{}}],"process":[%s]%s}`, id, process, more)
}

// post sends a document to a path and reads the answer.
func (s *server) post(path, body string, into any) {
	s.t.Helper()
	status, text := s.request(context.Background(), http.MethodPost, path, "application/json", []byte(body))
	if status != http.StatusOK {
		s.t.Fatalf("POST %s: %d %s", path, status, text)
	}
	if err := json.Unmarshal(text, into); err != nil {
		s.t.Fatalf("POST %s: %v: %s", path, err, text)
	}
}

// enqueue puts a message into the process queue as it is, without the checks that payloads go through on their way in.
func (s *server) enqueue(body string) {
	s.t.Helper()
	message, err := json.Marshal(api.SendMessage{Body: body})
	if err != nil {
		s.t.Fatal(err)
	}
	var sent api.Message
	s.post(api.PathQueues+"/process/messages", string(message), &sent)
}

// events are the workflow events that were told, by payload id, in their order.
func (s *server) events() map[string][]workflowEvent {
	s.t.Helper()
	all := map[string][]workflowEvent{}
	readLines(s.t, filepath.Join(s.dir, "events.ndjson"), func(line []byte) error {
		var e workflowEvent
		err := json.Unmarshal(line, &e)
		all[e.PayloadID] = append(all[e.PayloadID], e)
		return err
	})
	return all
}

type workflowEvent struct {
	Type      string `json:"event_type"`
	PayloadID string `json:"payload_id"`
	InputURL  string `json:"input_payload_url"`
	Error     string `json:"error"`
}

func types(events []workflowEvent) string {
	all := make([]string, len(events))
	for i, e := range events {
		all[i] = e.Type
	}
	return strings.Join(all, " ")
}

// deadLetters are the dead letters of the process queue, by body.
func (s *server) deadLetters() map[string]string {
	s.t.Helper()
	var page api.DeadLetters
	s.mustGet(api.PathQueues+"/process/dead-letters?limit=1000", &page)
	all := map[string]string{}
	for _, m := range page.Messages {
		all[m.Body] = m.Reason
	}
	return all
}

// TestUnreadableMessages puts into the process queue what is no payload. Each becomes a dead letter and an event that say why, and is
// kept; none of them harms the others.
func TestUnreadableMessages(t *testing.T) {
	s := newServer(t, map[string]string{"sundog.yaml": inputProject, "echo.asl.json": echoWorkflow})
	s.start()
	cases := []struct{ name, body, event, id, reason string }{
		{"not JSON", `{"type":"Feat`, "RECORD_EXTRACT_FAILED", "unknown", "JSON"},
		{"JSON, but no object", `["no", "object"]`, "RECORD_EXTRACT_FAILED", "unknown", "expected a payload or a reference"},
		{"an id and nothing else", `{"id":"c/workflow-echo/i"}`, "NOT_A_PROCESS_PAYLOAD", "c/workflow-echo/i", "process"},
		{"no payload", `{"hello":"world"}`, "NOT_A_PROCESS_PAYLOAD", "unknown", "id: missing"},
		{"no features", `{"type":"FeatureCollection","features":[],"process":[{"workflow":"echo"}]}`, "NOT_A_PROCESS_PAYLOAD", "unknown", "id: missing"},
		{"an id that does not match", payloadOf("i", `{"workflow":"echo"}`, `,"id":"no-such-form"`), "NOT_A_PROCESS_PAYLOAD", "no-such-form", "no-such-form"},
		{"an id that leads out of its folder", payloadOf("i", `{"workflow":"echo"}`, `,"id":"../../c/workflow-echo/i"`), "NOT_A_PROCESS_PAYLOAD", "../../c/workflow-echo/i", ".."},
		{"a workflow with an underscore", payloadOf("u", `{"workflow":"ec_ho"}`, ""), "NOT_A_PROCESS_PAYLOAD", "unknown", "ec_ho"},
		{"a chain filter that is none", payloadOf("f", `{"workflow":"echo"},{"workflow":"echo","chain_filter":"@.id =~"}`, ""), "NOT_A_PROCESS_PAYLOAD", "unknown", "chain_filter"},
		{"a reference to nothing", `{"url":"s3://payloads/nothing.json"}`, "RECORD_EXTRACT_FAILED", "unknown", "nothing.json"},
		{"a reference to elsewhere", `{"url":"s3://elsewhere/p.json"}`, "RECORD_EXTRACT_FAILED", "unknown", "elsewhere"},
		{"a reference out of the data directory", `{"url":"file:///etc/passwd"}`, "RECORD_EXTRACT_FAILED", "unknown", "passwd"},
	}
	for _, c := range cases {
		s.enqueue(c.body)
		s.enqueue(payloadOf("good-"+strings.ReplaceAll(c.name, " ", "-"), `{"workflow":"echo"}`, ""))
	}
	s.drain(30 * time.Second)
	events, dead := s.events(), s.deadLetters()
	var kept []string // where what is no payload lies, by the events
	for _, c := range cases {
		reason, ok := dead[c.body]
		if !ok || !strings.Contains(reason, c.reason) {
			t.Errorf("%s: dead letter %v, reason %q, want one with %q", c.name, ok, reason, c.reason)
		}
		found := false
		for _, e := range events[c.id] {
			if e.Type == c.event && e.Error == reason {
				found = true
			}
		}
		if !found {
			t.Errorf("%s: no event %s of %s with the error %q; there are %+v", c.name, c.event, c.id, reason, events[c.id])
		}
		var r api.Record
		if id := "c/workflow-echo/good-" + strings.ReplaceAll(c.name, " ", "-"); !s.get(api.PathPayloads+"/"+id, &r) || r.State != "SUCCEEDED" {
			t.Errorf("%s harmed another payload: %+v", c.name, r)
		}
	}
	for _, of := range events {
		for _, e := range of {
			if e.Type == "RECORD_EXTRACT_FAILED" || e.Type == "NOT_A_PROCESS_PAYLOAD" {
				kept = append(kept, e.InputURL)
			}
		}
	}
	if len(dead) != len(cases) || len(kept) != len(cases) {
		t.Errorf("%d dead letters and %d events for %d messages", len(dead), len(kept), len(cases))
	}
	s.stop()
	s.inside(func(p *embedded.Platform) {
		for _, url := range kept {
			text, err := p.Fetch(t.Context(), url)
			var object struct {
				Body string `json:"invalid_record_body"`
			}
			if err != nil || json.Unmarshal(text, &object) != nil || dead[object.Body] == "" {
				t.Errorf("%s holds %s (%v), which is no message that was sent", url, text, err)
			}
			delete(dead, object.Body)
		}
	})
}

// inside opens the platform of a server that does not run, to look at or arrange what no request can.
func (s *server) inside(do func(*embedded.Platform)) {
	s.t.Helper()
	p, diagnostics := project.Load(s.dir, project.Options{})
	if err := diagnostics.Err(); err != nil {
		s.t.Fatal(err)
	}
	platform, err := embedded.Open(s.t.Context(), p, embedded.Options{Data: s.data})
	if err != nil {
		s.t.Fatal(err)
	}
	do(platform)
	if err := platform.Close(context.Background()); err != nil {
		s.t.Error(err)
	}
}

// TestRefusedAtTheDoor posts what is no payload. The answer says so at once, and nothing is taken in.
func TestRefusedAtTheDoor(t *testing.T) {
	s := newServer(t, map[string]string{"sundog.yaml": inputProject, "echo.asl.json": echoWorkflow})
	s.start()
	lines := []struct{ body, reason string }{
		{`{"type":"Feat`, "JSON"},
		{payloadOf("first", `{"workflow":"echo"}`, ""), ""},
		{`{"hello":"world"}`, "id: missing"},
		{payloadOf("i", `{"workflow":"echo"}`, `,"id":"no-such-form"`), "no-such-form"},
		{payloadOf("i", `{"workflow":"ec_ho"}`, ""), "ec_ho"},
		{payloadOf("i", `{"workflow":"echo"}`, `,"filler":"`+strings.Repeat("x", 300<<10)+`"`), "262144 bytes"},
		{payloadOf("last", `{"workflow":"echo"}`, ""), ""},
	}
	var body bytes.Buffer
	for _, l := range lines {
		body.WriteString(l.body + "\n")
	}
	status, text := s.request(t.Context(), http.MethodPost, api.PathPayloads, api.ContentTypeNDJSON, body.Bytes())
	if status != http.StatusOK {
		t.Fatalf("%d %s", status, text)
	}
	answers := bytes.Split(bytes.TrimSpace(text), []byte("\n"))
	if len(answers) != len(lines) {
		t.Fatalf("%d answers for %d lines", len(answers), len(lines))
	}
	for i, l := range lines {
		var a api.Accepted
		if err := json.Unmarshal(answers[i], &a); err != nil {
			t.Fatal(err)
		}
		if a.Line != i+1 || (l.reason == "") != (a.Error == "" && a.MessageID != "") || !strings.Contains(a.Error, l.reason) {
			t.Errorf("line %d is answered %s, want an error with %q", i+1, answers[i], l.reason)
		}
	}
	s.drain(30 * time.Second)
	var h api.Health
	if s.mustGet(api.PathHealth, &h); h.Records != 2 || len(s.deadLetters()) != 0 {
		t.Errorf("%d records, dead letters %v; want 2 and none", h.Records, s.deadLetters())
	}
	s.stop()
}

// TestUnknownWorkflow processes a payload for a workflow that is not there: it fails for good, and succeeds when it is sent again once the
// workflow is there.
func TestUnknownWorkflow(t *testing.T) {
	s := newServer(t, map[string]string{"sundog.yaml": inputProject, "echo.asl.json": echoWorkflow})
	s.start()
	const id = "c/workflow-later/i"
	body := payloadOf("i", `{"workflow":"later"}`, "")
	s.enqueue(body)
	s.drain(30 * time.Second)
	var r api.Record
	s.mustGet(api.PathPayloads+"/"+id, &r)
	if r.State != "FAILED" || !strings.Contains(r.LastError, "later") {
		t.Errorf("record %+v", r)
	}
	if got := types(s.events()[id]); got != "CLAIMED_PROCESSING FAILED" {
		t.Errorf("events %s", got)
	}
	if reason := s.deadLetters()[body]; !strings.Contains(reason, "later") {
		t.Errorf("dead letters %v", s.deadLetters())
	}
	s.stop()
	writeFile(t, s.dir, "sundog.yaml", strings.Replace(inputProject, "workflows:\n", "workflows:\n  later: { definition: echo.asl.json }\n", 1))
	s.start()
	var moved api.Moved
	if s.post(api.PathQueues+"/process/redrive", "{}", &moved); moved.Count != 1 {
		t.Errorf("%d dead letters were sent again", moved.Count)
	}
	s.drain(30 * time.Second)
	if s.mustGet(api.PathPayloads+"/"+id, &r); r.State != "SUCCEEDED" || len(r.Executions) != 2 {
		t.Errorf("record %+v", r)
	}
	s.stop()
}

// TestRepeatedPayloads sends payloads again: in one batch, after they succeeded, and to replace what they made.
func TestRepeatedPayloads(t *testing.T) {
	s := newServer(t, map[string]string{"sundog.yaml": inputProject, "echo.asl.json": echoWorkflow})
	s.start()
	const id = "c/workflow-echo/i"
	once := payloadOf("i", `{"workflow":"echo"}`, "")
	batch, err := json.Marshal(map[string]any{"Records": []any{map[string]any{"body": once}, map[string]any{"body": once}}})
	if err != nil {
		t.Fatal(err)
	}
	for _, step := range []struct {
		name, body, events string
		executions         int
	}{
		{"twice in one batch", string(batch), "", 1},
		{"again", once, "ALREADY_SUCCEEDED", 1},
		{"with replace false", payloadOf("i", `{"workflow":"echo","replace":false}`, ""), "ALREADY_SUCCEEDED", 1},
		{"with replace", payloadOf("i", `{"workflow":"echo","replace":true}`, ""), "CLAIMED_PROCESSING STARTED_PROCESSING SUCCEEDED", 2},
	} {
		before := 0
		if step.events != "" {
			before = len(s.events()[id])
		}
		s.enqueue(step.body)
		s.drain(30 * time.Second)
		var r api.Record
		s.mustGet(api.PathPayloads+"/"+id, &r)
		if r.State != "SUCCEEDED" || len(r.Executions) != step.executions {
			t.Errorf("%s: record %+v", step.name, r)
		}
		events := s.events()[id][before:]
		if step.events != "" && types(events) != step.events {
			t.Errorf("%s: events %s, want %s", step.name, types(events), step.events)
		}
		if step.events == "" { // the two are worked on at the same time
			counts := map[string]int{}
			for _, e := range events {
				counts[e.Type]++
			}
			if len(events) != 4 || counts["DUPLICATE_ID_ENCOUNTERED"] != 1 || counts["CLAIMED_PROCESSING"] != 1 || counts["SUCCEEDED"] != 1 {
				t.Errorf("%s: events %s", step.name, types(events))
			}
		}
	}
	if dead := s.deadLetters(); len(dead) != 0 {
		t.Errorf("dead letters %v", dead)
	}
	s.stop()
}

// TestClaimedIsResumed finds a record that a process claimed before it died: the execution that it named is started.
func TestClaimedIsResumed(t *testing.T) {
	s := newServer(t, map[string]string{"sundog.yaml": inputProject, "echo.asl.json": echoWorkflow})
	const text = "c/workflow-echo/i"
	id, err := payload.ParseID(text)
	if err != nil {
		t.Fatal(err)
	}
	var claimed string
	s.inside(func(p *embedded.Platform) {
		claimed = payload.ExecutionARN(p.Engine.MachineARN(""), "echo", payload.ExecutionName(text, nil))
		if _, err := p.Records.Apply(t.Context(), statedb.Claim(id, claimed, time.Now()), statedb.Effects{}); err != nil {
			t.Fatal(err)
		}
	})
	s.start()
	s.enqueue(payloadOf("i", `{"workflow":"echo"}`, ""))
	s.drain(30 * time.Second)
	var r api.Record
	s.mustGet(api.PathPayloads+"/"+text, &r)
	if r.State != "SUCCEEDED" || len(r.Executions) != 1 || r.Executions[0] != claimed {
		t.Errorf("record %+v, want it to succeed with %s", r, claimed)
	}
	if got := types(s.events()[text]); got != "STARTED_PROCESSING SUCCEEDED" {
		t.Errorf("events %s", got)
	}
	s.stop()
}
