package openapi_test

import (
	"encoding/json"
	"reflect"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"

	"sundog/internal/server/openapi"
)

type leaf struct {
	Text string `json:"text"`
}

type tree struct {
	Count    int64             `json:"count"`
	Share    float64           `json:"share,omitempty"`
	On       bool              `json:"on"`
	At       time.Time         `json:"at"`
	Until    *time.Time        `json:"until,omitzero"`
	Any      json.RawMessage   `json:"any,omitempty"`
	Names    map[string]string `json:"names,omitempty"`
	Leaves   []leaf            `json:"leaves"`
	Children []tree            `json:"children,omitempty"`
	Hidden   string            `json:"-"`
}

func document(op openapi.Operation) map[string]any {
	text, err := json.Marshal(openapi.Document(openapi.Info{Title: "t", Version: "v"}, []openapi.Operation{op}, openapi.Notes{}))
	if err != nil {
		panic(err)
	}
	var d map[string]any
	if err := json.Unmarshal(text, &d); err != nil {
		panic(err)
	}
	return d
}

// at goes down into a document.
func at(t *testing.T, v any, steps ...string) any {
	t.Helper()
	for _, s := range steps {
		m, ok := v.(map[string]any)
		if !ok || m[s] == nil {
			t.Fatalf("there is no %s in %v", s, v)
		}
		v = m[s]
	}
	return v
}

func TestSchemas(t *testing.T) {
	d := document(openapi.Operation{Method: "GET", Path: "/v1/x", Answer: openapi.Body{Type: reflect.TypeFor[tree]()}})
	var want any
	if err := json.Unmarshal([]byte(`{"type": "object", "required": ["count", "on", "at", "leaves"], "properties": {
		"count": {"type": "integer", "format": "int64"}, "share": {"type": "number", "format": "double"}, "on": {"type": "boolean"},
		"at": {"type": "string", "format": "date-time"}, "until": {"type": "string", "format": "date-time"}, "any": {},
		"names": {"type": "object", "additionalProperties": {"type": "string"}},
		"leaves": {"type": "array", "items": {"$ref": "#/components/schemas/leaf"}},
		"children": {"type": "array", "items": {"$ref": "#/components/schemas/tree"}}}}`), &want); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, at(t, d, "components", "schemas", "tree")); diff != "" {
		t.Error(diff)
	}
	at(t, d, "components", "schemas", "leaf")
	at(t, d, "components", "schemas", "Problem", "properties", "detail")
}

func TestOperations(t *testing.T) {
	for method, statuses := range map[string][]string{
		"GET":    {"200", "400", "401", "403", "404", "429", "500", "503", "504"},
		"POST":   {"200", "400", "401", "403", "404", "409", "413", "429", "500", "503", "504"},
		"DELETE": {"200", "400", "401", "403", "404", "409", "413", "429", "500", "503", "504"},
	} {
		d := document(openapi.Operation{Method: method, Path: "/v1/queues/{queue}/{id...}", Role: "read", Parameters: []openapi.Parameter{{Name: "limit", Type: reflect.TypeFor[int64]()}}})
		op, ok := at(t, d, "paths", "/v1/queues/{queue}/{id}", map[string]string{"GET": "get", "POST": "post", "DELETE": "delete"}[method]).(map[string]any)
		if !ok {
			t.Fatalf("%v", d)
		}
		responses, _ := op["responses"].(map[string]any)
		for _, s := range statuses {
			if responses[s] == nil {
				t.Errorf("%s: %s is not described", method, s)
			}
		}
		if len(responses) != len(statuses) {
			t.Errorf("%s: %v", method, responses)
		}
		if parameters, _ := op["parameters"].([]any); len(parameters) != 3 {
			t.Errorf("%s: %v", method, parameters)
		}
	}
}

func TestWhatCannotBeDescribedIsAMistake(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("a channel was described")
		}
	}()
	document(openapi.Operation{Method: "GET", Path: "/", Answer: openapi.Body{Type: reflect.TypeFor[chan int]()}})
}

func TestNotes(t *testing.T) {
	texts, err := openapi.Comments(fstest.MapFS{"leaf.go": {Data: []byte("package x\n\n// leaf is at the\n// end.\ntype leaf struct {\n\tText string `json:\"text,omitempty\"` // what it says\n}\n")}})
	if diff := cmp.Diff(map[string]string{"leaf": "leaf is at the end.", "leaf.text": "what it says"}, texts); err != nil || diff != "" {
		t.Fatal(err, diff)
	}
	d := openapi.Document(openapi.Info{}, []openapi.Operation{{Method: "GET", Path: "/v1/x", Answer: openapi.Body{Type: reflect.TypeFor[leaf]()}}},
		openapi.Notes{Texts: texts, Values: map[string][]string{"leaf.text": {"a", "b"}}})
	want := map[string]any{
		"type": "object", "description": "leaf is at the end.", "required": []string{"text"},
		"properties": map[string]any{"text": map[string]any{"type": "string", "description": "what it says", "enum": []string{"a", "b"}}},
	}
	if diff := cmp.Diff(want, at(t, d, "components", "schemas", "leaf")); diff != "" {
		t.Error(diff)
	}
	if _, err := openapi.Comments(fstest.MapFS{"broken.go": {Data: []byte("package")}}); err == nil {
		t.Error("a file that is no Go was read")
	}
}
