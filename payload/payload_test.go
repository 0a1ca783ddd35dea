package payload_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"sundog/payload"
)

// document is a payload with one Item and these fields after its process array.
func document(process, more string) string {
	return `{"type": "FeatureCollection", "features": [{"type": "Feature", "id": "i1", "collection": "c1"}], "process": ` + process + more + `}`
}

func TestParse(t *testing.T) {
	for name, c := range map[string]struct{ document, id string }{
		"id derived":             {document(`[{"workflow": "wf"}]`, ``), "c1/workflow-wf/i1"},
		"id kept":                {document(`[{"workflow": "wf"}]`, `, "id": "a/b/workflow-x/i/j"`), "a/b/workflow-x/i/j"},
		"last id of two":         {document(`[{"workflow": "wf"}]`, `, "id": "bad", "id": "a/workflow-b/c"`), "a/workflow-b/c"},
		"collections overridden": {document(`[{"workflow": "wf", "collections": "x/y"}]`, ``), "x/y/workflow-wf/i1"},
		"workflow is a number":   {document(`[{"workflow": 7.0}]`, ``), "c1/workflow-7.0/i1"},
		"chain with branches":    {document(`[{"workflow": "wf"}, [{"workflow": "a"}, {"workflow": "b", "chain_filter": "@.id =~ 'x'"}]]`, ``), "c1/workflow-wf/i1"},
		"no collection":          {`{"features": [{"id": "b"}, {"id": "a"}], "process": [{"workflow": "w"}]}`, "none/workflow-w/a/b"},
		"distinct and sorted": {
			`{"features": [{"id": "é", "collection": "z"}, {"id": "Z", "collection": "a"}, {"id": "a", "collection": "z"}], "process": [{"workflow": "w"}]}`,
			"a/z/workflow-w/Z/a/é",
		},
		"no features but an id": {`{"id": "a/workflow-b/c", "process": [{"workflow": "b"}]}`, "a/workflow-b/c"},
	} {
		t.Run(name, func(t *testing.T) {
			p, err := payload.Parse([]byte(c.document))
			if err != nil {
				t.Fatal(err)
			}
			if p.ID().String() != c.id {
				t.Errorf("id %q, want %q", p.ID(), c.id)
			}
			again, err := payload.ParseOutput(p.Bytes())
			if err != nil {
				t.Fatalf("reading its own bytes: %v\n%s", err, p.Bytes())
			}
			if again.ID() != p.ID() {
				t.Errorf("its own bytes have the id %q", again.ID())
			}
		})
	}
}

func TestParseKeepsBytes(t *testing.T) {
	raw := []byte(`{ "process":[{"workflow":"b"}],"id":"a/workflow-b/c" , "x" : [1.50, {"b":1,"a":2}] }`)
	p, err := payload.Parse(raw)
	if err != nil {
		t.Fatal(err)
	}
	if &p.Bytes()[0] != &raw[0] {
		t.Error("a payload that has its id is copied")
	}
	p, err = payload.Parse([]byte("{\"features\":[{\"id\":\"i\"}] , \"process\":[{\"workflow\":\"b\"}], \"x\" : 1.50\n}\n"))
	if err != nil {
		t.Fatal(err)
	}
	const want = `{"features":[{"id":"i"}] , "process":[{"workflow":"b"}], "x" : 1.50, "id": "none/workflow-b/i"}`
	if string(p.Bytes()) != want {
		t.Errorf("got  %s\nwant %s", p.Bytes(), want)
	}
}

func TestParseRefuses(t *testing.T) {
	deep := strings.Repeat("[", 1000) + strings.Repeat("]", 1000)
	for field, documents := range map[string][]string{
		"": {``, `{`, `[]`, `"x"`, `null`, `{"a": NaN}`, "\ufeff{}", document(`[{"workflow": "w"}]`, `, "x": `+deep)},
		"id": {
			document(`[{"workflow": "w"}]`, `, "id": 5`), document(`[{"workflow": "w"}]`, `, "id": null`),
			document(`[{"workflow": "w"}]`, `, "id": "x"`), document(`[{"workflow": "w"}]`, `, "id": "a/workflow-b/"`),
			document(`[{"workflow": "w"}]`, `, "id": "a/workflow-b_c/d"`), document(`[{"workflow": "a_b"}]`, ``),
			`{"process": [{"workflow": "w"}]}`, `{"features": [{"id": "x"}]}`, document(`[{}]`, ``), document(`[]`, ``),
		},
		"features": {
			`{"features": {}, "process": [{"workflow": "w"}]}`, `{"features": [1], "process": [{"workflow": "w"}]}`,
			`{"features": [{"id": 1}], "process": [{"workflow": "w"}]}`, `{"features": [{"id": "a", "collection": null}], "process": [{"workflow": "w"}]}`,
		},
		"process":                               {document(`{"workflow": "w"}`, ``), document(`"w"`, ``), document(`null`, ``), `{"id": "a/workflow-b/c"}`, document(`[]`, `, "id": "a/workflow-b/c"`)},
		"process[0]":                            {document(`["w"]`, ``), document(`[[{"workflow": "w"}]]`, ``), document(`[{"workflow": "w", "collection_matchers": [{}], "upload_options": {"collections": {"a": "b"}}}]`, ``)},
		"process[0].workflow":                   {document(`[{}]`, `, "id": "a/workflow-b/c"`), document(`[{"workflow": ["x"]}]`, ``), document(`[{"workflow": "a_b"}]`, `, "id": "a/workflow-b/c"`)},
		"process[0].collections":                {document(`[{"workflow": "w", "collections": ["a", "b"]}]`, ``)},
		"process[0].tasks":                      {document(`[{"workflow": "w", "tasks": "x"}]`, ``), document(`[{"workflow": "w", "tasks": ["x"]}]`, ``), document(`[{"workflow": "w", "tasks": [{}]}]`, ``), document(`[{"workflow": "w", "tasks": [{"name": "t", "parameters": []}]}]`, ``)},
		"process[0].tasks.t":                    {document(`[{"workflow": "w", "tasks": {"t": 1}}]`, ``)},
		"process[0].workflow_options":           {document(`[{"workflow": "w", "workflow_options": []}]`, ``)},
		"process[0].upload_options":             {document(`[{"workflow": "w", "upload_options": null}]`, ``)},
		"process[0].upload_options.collections": {document(`[{"workflow": "w", "upload_options": {"collections": []}}]`, ``)},
		"process[0].collection_options":         {document(`[{"workflow": "w", "collection_options": 1}]`, ``)},
		"process[0].collection_matchers":        {document(`[{"workflow": "w", "collection_matchers": {}}]`, ``), document(`[{"workflow": "w", "collection_matchers": [1]}]`, ``)},
		"process[1].chain_filter":               {document(`[{"workflow": "w"}, {"workflow": "x", "chain_filter": "@.id =~ '['"}]`, ``), document(`[{"workflow": "w"}, [{}, {"chain_filter": ""}]]`, ``)},
		"process[2].chain_filter":               {document(`[{"workflow": "w"}, {"workflow": "x"}, {"workflow": "x", "chain_filter": "=="}]`, ``)},
	} {
		for _, d := range documents {
			_, err := payload.Parse([]byte(d))
			var why *payload.InvalidError
			if !errors.As(err, &why) {
				t.Errorf("%.200s: error %v, want one about %q", d, err, field)
			} else if why.Field != field || why.Reason == "" {
				t.Errorf("%.200s: %q at %q, want it at %q", d, why.Reason, why.Field, field)
			}
		}
	}
}

func TestParseTask(t *testing.T) {
	p, err := payload.ParseTask([]byte(document(`{"workflow": "wf", "tasks": [{"name": "a", "parameters": {"x": 1}}, {"name": "b"}, {"name": "a", "parameters": {"x": 2}}]}`, ``)))
	if err != nil {
		t.Fatal(err)
	}
	if p.ID() != (payload.ID{}) || p.Workflow() != "wf" || len(p.Process()) != 1 {
		t.Errorf("id %q, workflow %q, %d definitions", p.ID(), p.Workflow(), len(p.Process()))
	}
	if got := p.TaskParameters("a"); string(got) != `{"x": 2}` {
		t.Errorf("parameters %s", got)
	}
	if p.TaskParameters("b") != nil || p.TaskParameters("c") != nil {
		t.Error("parameters where there are none")
	}
	if _, err := payload.ParseOutput(p.Bytes()); err == nil {
		t.Error("a bare definition is accepted as a payload to process")
	}
}

func TestAccessors(t *testing.T) {
	p, err := payload.Parse([]byte(document(`[{
		"workflow": "wf", "description": "what it is", "replace": true, "workflow_options": {"a": 1},
		"tasks": {"t": {"p": 1}, "u": {}}, "upload_options": {"path_template": "x"},
		"collection_options": {"c": {"upload_options": {}}},
		"collection_matchers": [{"type": "jsonpath", "pattern": "$[?(@.id)]", "collection_name": "c"}, {"type": "catch_all", "collection_name": "d"}]
	}, {"workflow": "next"}]`, ``)))
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{
		"workflow": p.Workflow(), "description": p.Description(), "replace": fmt.Sprint(p.Replace()), "options": string(p.WorkflowOptions()),
		"task": string(p.TaskParameters("t")), "no task": string(p.TaskParameters("x")), "upload": string(p.UploadOptions()),
		"collection": string(p.CollectionOptions("c")), "item": string(p.Items()[0]), "next": string(p.Process()[1]),
	}
	want := map[string]string{
		"workflow": "wf", "description": "what it is", "replace": "true", "options": `{"a": 1}`,
		"task": `{"p": 1}`, "no task": "", "upload": `{"path_template": "x"}`,
		"collection": `{"upload_options": {}}`, "item": `{"type": "Feature", "id": "i1", "collection": "c1"}`, "next": `{"workflow": "next"}`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("accessors (-want +got):\n%s", diff)
	}
	matchers := []payload.Matcher{{Type: payload.MatchJSONPath, Pattern: "$[?(@.id)]", Collection: "c"}, {Type: payload.MatchAll, Collection: "d"}}
	if diff := cmp.Diff(matchers, p.Matchers()); diff != "" {
		t.Errorf("matchers (-want +got):\n%s", diff)
	}
}

func TestReplaceIsABoolean(t *testing.T) {
	for text, want := range map[string]bool{`true`: true, `false`: false, `"false"`: false, `"true"`: false, `1`: false, `null`: false} {
		p, err := payload.Parse([]byte(document(`[{"workflow": "w", "replace": `+text+`}]`, ``)))
		if err != nil {
			t.Fatal(err)
		}
		if p.Replace() != want {
			t.Errorf("replace %s is read as %v", text, p.Replace())
		}
	}
}

func TestDeprecatedMapping(t *testing.T) {
	p, err := payload.Parse([]byte(document(`[{"workflow": "w", "upload_options": {"collections": {"b": "$[?(@.id =~ 'B')]", "a": "$"}}}]`, ``)))
	if err != nil {
		t.Fatal(err)
	}
	want := []payload.Matcher{{Type: "jsonpath", Pattern: "$[?(@.id =~ 'B')]", Collection: "b"}, {Type: "jsonpath", Pattern: "$", Collection: "a"}}
	if diff := cmp.Diff(want, p.Matchers()); diff != "" {
		t.Errorf("matchers (-want +got):\n%s", diff)
	}
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		document(`[{"workflow": "wf"}]`, ``), document(`[{"workflow": "wf"}, {"chain_filter": "@.id =~ 'a'"}]`, `, "id": "a/workflow-b/c"`),
		`{"features": [{"id": "\ud800"}], "process": [{"workflow": 1e5}]}`, `{"process": [{"tasks": [{"name": 1}]}]}`, `[`, `{"a":{"a":{`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		p, err := payload.Parse(raw)
		if err != nil {
			return
		}
		if !json.Valid(p.Bytes()) {
			t.Fatalf("accepted what is no JSON: %q", p.Bytes())
		}
		again, err := payload.ParseOutput(p.Bytes())
		if err != nil || again.ID() != p.ID() {
			t.Fatalf("%q is read again as %q, %v", p.ID(), again.ID(), err)
		}
		next, err := p.Next()
		if err != nil {
			return
		}
		for _, s := range next {
			if s.Payload != nil && !json.Valid(s.Payload) {
				t.Fatalf("successor is no JSON: %q", s.Payload)
			}
		}
	})
}

// large is a payload of about 30 KB.
func large() []byte {
	item := `{"type": "Feature", "stac_version": "1.0.0", "id": "S2A_%02d", "collection": "sentinel-2-l2a", "bbox": [1.5, 2.5, 3.5, 4.5], "properties": {"datetime": "2020-01-01T00:00:00Z", "eo:cloud_cover": 12.5}, "assets": {` +
		strings.TrimSuffix(strings.Repeat(`"band": {"href": "https://example.com/a/long/path/to/a/file.tif", "type": "image/tiff; application=geotiff", "roles": ["data"]}, `, 10), ", ") + `}}`
	items := make([]string, 18)
	for i := range items {
		items[i] = fmt.Sprintf(item, i)
	}
	return []byte(`{"type": "FeatureCollection", "features": [` + strings.Join(items, ", ") + `], "process": [{"workflow": "publish", "upload_options": {"path_template": "x"}, "tasks": {"a": {"b": 1}}}, {"workflow": "next", "chain_filter": "@.properties.eo:cloud_cover < 20"}]}`)
}

func BenchmarkParse(b *testing.B) {
	raw := large()
	b.SetBytes(int64(len(raw)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := payload.Parse(raw); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkNext(b *testing.B) {
	p, err := payload.Parse(large())
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := p.Next(); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkLength(b *testing.B) {
	p, err := payload.Parse(large())
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(p.Bytes())))
	for b.Loop() {
		p.Length()
	}
}
