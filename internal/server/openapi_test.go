package server_test

import (
	"bytes"
	"encoding/json"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"sundog/internal/api"
)

// description is the OpenAPI document of a server.
type description struct {
	OpenAPI string `json:"openapi"`
	Paths   map[string]map[string]struct {
		OperationID string `json:"operationId"`
		Summary     string
		Security    []map[string][]string
		Responses   map[string]struct {
			Ref     string `json:"$ref"`
			Content map[string]struct{ Schema any }
		}
	}
	compiler *jsonschema.Compiler
}

const documentURL = "http://server/openapi.json"

func (r *running) describe() *description {
	r.t.Helper()
	resp := r.get(r.t.Context(), api.PathOpenAPI, nil)
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		r.t.Fatal(err)
	}
	d := &description{compiler: jsonschema.NewCompiler()}
	if err := json.Unmarshal(text, d); err != nil {
		r.t.Fatal(err)
	}
	raw, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		r.t.Fatal(err)
	}
	d.compiler.AssertFormat()
	if err := d.compiler.AddResource(documentURL, raw); err != nil {
		r.t.Fatal(err)
	}
	return d
}

// schema compiles the schema at a place in the document.
func (d *description) schema(t *testing.T, at ...string) *jsonschema.Schema {
	t.Helper()
	pointer := ""
	for _, step := range at {
		pointer += "/" + url.PathEscape(strings.NewReplacer("~", "~0", "/", "~1").Replace(step))
	}
	s, err := d.compiler.Compile(documentURL + "#" + pointer)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// check holds an answer against what is described for its operation.
func (d *description) check(t *testing.T, path, method string, resp *http.Response) {
	t.Helper()
	status := strconv.Itoa(resp.StatusCode)
	described, ok := d.Paths[path][method].Responses[status]
	if !ok {
		t.Errorf("%s %s: the status %s is not described", method, path, status)
		return
	}
	media, _, err := mime.ParseMediaType(resp.Header.Get("Content-Type"))
	if err != nil {
		t.Errorf("%s %s: %v", method, path, err)
		return
	}
	at := []string{"paths", path, method, "responses", status}
	if described.Ref != "" {
		at = strings.Split(strings.TrimPrefix(described.Ref, "#/"), "/")
	} else if _, ok := described.Content[media]; !ok {
		t.Errorf("%s %s %s: %s is not described", method, path, status, media)
		return
	}
	if !strings.HasSuffix(media, "json") {
		return
	}
	answer, err := jsonschema.UnmarshalJSON(resp.Body)
	if err == nil {
		err = d.schema(t, append(at, "content", media, "schema")...).Validate(answer)
	}
	if err != nil {
		t.Errorf("%s %s %s: %v", method, path, status, err)
	}
}

// TestSchemasSayWhatFieldsMean looks at the documents that everybody meets first.
func TestSchemasSayWhatFieldsMean(t *testing.T) {
	r := start(t, "")
	text, err := io.ReadAll(r.get(t.Context(), api.PathOpenAPI, nil).Body)
	if err != nil {
		t.Fatal(err)
	}
	var d struct {
		Components struct {
			Schemas map[string]struct {
				Description string
				Properties  map[string]struct {
					Description string
					Enum        []string
				}
			}
		}
	}
	if err := json.Unmarshal(text, &d); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"Record", "Count", "Execution", "Queue", "Lane", "Message"} {
		schema := d.Components.Schemas[name]
		if schema.Description == "" || len(schema.Properties) == 0 {
			t.Errorf("%s is not described", name)
		}
		for property, p := range schema.Properties {
			if p.Description == "" {
				t.Errorf("%s.%s is not described", name, property)
			}
		}
	}
	for property, first := range map[[2]string]string{
		{"Record", "state"}: "CLAIMED", {"Execution", "status"}: "RUNNING", {"Job", "mode"}: "start", {"Job", "state"}: "PENDING", {"Token", "role"}: "read",
	} {
		if values := d.Components.Schemas[property[0]].Properties[property[1]].Enum; len(values) < 2 || values[0] != first {
			t.Errorf("%v is one of %v", property, values)
		}
	}
}

// TestEveryAnswerIsAsDescribed calls every operation of the document and holds the answers against it.
func TestEveryAnswerIsAsDescribed(t *testing.T) {
	r := start(t, "")
	lines := "{}\n" + payloadOf("a", "first") + "\n" + payloadOf("b", "broken") + "\n" + payloadOf("c", "second") + "\n"
	r.submit(lines)
	r.waitState("c/workflow-broken/b", "FAILED")
	first := r.waitState("c/workflow-first/a", "SUCCEEDED")
	r.waitState("c/workflow-second/c", "SUCCEEDED")
	r.mint("old", "read")
	if _, err := r.Send(t.Context(), "process", api.SendMessage{Body: "rubbish"}); err != nil {
		t.Fatal(err)
	}
	arn := first.Executions[0]
	streams, err := r.LogStreams(t.Context(), "", "", 1)
	if err != nil {
		t.Fatal(err)
	}
	stream := "none"
	if len(streams.Streams) > 0 {
		stream = streams.Streams[0].Name
	}
	places := strings.NewReplacer("{arn}", url.PathEscape(arn), "{queue}", "process", "{name}", "first", "{id}", "c/workflow-first/a")
	queries := map[string]url.Values{
		"/v1/payloads":   {"id": {"c/workflow-first/a"}},
		"/v1/records":    {"collections_workflow": {"c_first"}},
		"/v1/export":     {"limit": {"1"}}, // one line is a document
		"/v1/executions": {"workflow": {"first"}},
		"/v1/logs":       {"stream": {stream}},
	}
	bodies := map[string]string{
		"/v1/payloads":                payloadOf("d", "second"),
		"/v1/executions":              `{"workflow":"second"}`,
		"/v1/functions/{name}/invoke": `{"a":1}`,
		"/v1/queues/{queue}/messages": `{"body":"x","attributes":{"a":"b"}}`,
		"/v1/tokens":                  `{"name":"new","role":"read"}`,
	}
	d := r.describe()
	if d.OpenAPI != "3.1.0" || len(d.Paths) < 20 {
		t.Fatalf("%s with %d paths", d.OpenAPI, len(d.Paths))
	}
	succeeded, ids := 0, map[string]bool{}
	for path, methods := range d.Paths {
		for method, op := range methods {
			if ids[op.OperationID] || op.Summary == "" || len(op.Security) != 1 || len(op.Security[0]["token"]) != 1 {
				t.Errorf("%s %s is badly described: %+v", method, path, op)
			}
			ids[op.OperationID] = true
			at := places.Replace(path)
			if path == "/v1/functions/{name}/invoke" {
				at = "/v1/functions/echo/invoke"
			}
			req, err := http.NewRequestWithContext(t.Context(), strings.ToUpper(method), r.Server()+at+"?"+queries[path].Encode(), strings.NewReader(bodies[path]))
			if err != nil {
				t.Fatal(err)
			}
			resp, err := http.DefaultClient.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			if resp.StatusCode == http.StatusOK {
				succeeded++
			}
			d.check(t, path, method, resp)
			resp.Body.Close()

			req.Header.Set("Authorization", "Bearer wrong")
			if resp, err = http.DefaultClient.Do(req); err != nil {
				t.Fatal(err)
			}
			d.check(t, path, method, resp)
			resp.Body.Close()
		}
	}
	if succeeded < 25 {
		t.Errorf("only %d operations succeeded: too few to say much", succeeded)
	}
}

// TestTheDescriptionCanBeWrong shows that the check above sees a difference.
func TestTheDescriptionCanBeWrong(t *testing.T) {
	d := start(t, "").describe()
	s := d.schema(t, "components", "schemas", "Record")
	for text, good := range map[string]bool{
		`{"payload_id":"a","collections":"c","workflow":"w","itemids":"i","state":"FAILED","created":"x","updated":"x","executions":[]}`:   true,
		`{"payload_id":"a","collections":"c","workflow":"w","itemids":"i","state":"FAILED","created":"x","updated":"x","executions":null}`: false,
		`{"payload_id":1,"collections":"c","workflow":"w","itemids":"i","state":"FAILED","created":"x","updated":"x","executions":[]}`:     false,
		`{"collections":"c","workflow":"w","itemids":"i","state":"FAILED","created":"x","updated":"x","executions":[]}`:                    false,
	} {
		v, err := jsonschema.UnmarshalJSON(strings.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Validate(v); (err == nil) != good {
			t.Errorf("%s: %v", text, err)
		}
	}
}
