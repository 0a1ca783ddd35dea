package integration_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// listener keeps the last body that it was sent.
type listener struct{ body string }

func (l *listener) RoundTrip(req *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(req.Body)
	l.body = string(body)
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: io.NopCloser(strings.NewReader("")), Request: req}, err
}

// flat is what a form should hold of a value: the texts of its leaves under their paths.
func flat(into map[string][]string, path string, v any) {
	switch v := v.(type) {
	case map[string]any:
		for name, member := range v {
			flat(into, path+"["+name+"]", member)
		}
	case []any:
		for i, element := range v {
			flat(into, fmt.Sprintf("%s[%d]", path, i), element)
		}
	default:
		into[path] = append(into[path], fmt.Sprint(v))
	}
}

// TestFormHoldsEverything sends random objects as forms, and reads every leaf back under its path.
func TestFormHoldsEverything(t *testing.T) {
	s := newServices(t)
	l := &listener{}
	s.HTTP = &http.Client{Transport: l}
	name := rapid.StringMatching(`[a-z&=+ äß%]{1,5}`)
	var value func(depth int) *rapid.Generator[any]
	value = func(depth int) *rapid.Generator[any] {
		leaf := rapid.OneOf(rapid.String().AsAny(), rapid.IntRange(-1000, 1000).AsAny(), rapid.Bool().AsAny())
		if depth == 0 {
			return leaf
		}
		return rapid.OneOf(leaf, rapid.MapOfN(name, value(depth-1), 1, 3).AsAny(), rapid.SliceOfN(value(depth-1), 1, 3).AsAny())
	}
	rapid.Check(t, func(rt *rapid.T) {
		object := rapid.MapOfN(name, value(3), 1, 4).Draw(rt, "object")
		text, err := json.Marshal(object)
		if err != nil {
			rt.Fatal(err)
		}
		if _, failed := s.carry("http:invoke", `{"ApiEndpoint": "http://a/", "Method": "POST", "Transform": {"RequestBodyEncoding": "URL_ENCODED"}, "RequestBody": `+string(text)+`}`); failed != nil {
			rt.Fatal(failed)
		}
		got, err := url.ParseQuery(l.body)
		if err != nil {
			rt.Fatalf("%s: %v", l.body, err)
		}
		var plain map[string]any // as JSON has it
		dec := json.NewDecoder(strings.NewReader(string(text)))
		dec.UseNumber()
		if err := dec.Decode(&plain); err != nil {
			rt.Fatal(err)
		}
		want := url.Values{}
		for name, member := range plain {
			flat(want, name, member)
		}
		if got.Encode() != want.Encode() {
			rt.Fatalf("%s\n got %v\nwant %v", l.body, got, want)
		}
	})
}
