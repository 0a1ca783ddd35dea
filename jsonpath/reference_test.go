package jsonpath_test

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"sundog/jsonpath"
)

func TestReferenceSet(t *testing.T) {
	for _, test := range []struct{ path, doc, want string }{
		{`$`, `{"a":1}`, `"new"`},
		{`$.a`, `{}`, `{"a":"new"}`},
		{`$.a`, `{"a":1,"b":2}`, `{"a":"new","b":2}`},
		{`$.a.b.c`, `{"x":1}`, `{"x":1,"a":{"b":{"c":"new"}}}`},
		{`$.a.b`, `{"a":{"c":1}}`, `{"a":{"b":"new","c":1}}`},
		{`$['a b']['c']`, `{}`, `{"a b":{"c":"new"}}`},
		{`$.a[1]`, `{"a":[1,2]}`, `{"a":[1,"new"]}`},
		{`$.a[-1].b`, `{"a":[1,{}]}`, `{"a":[1,{"b":"new"}]}`},
		{`$[0]`, `[1]`, `["new"]`},
		{`$.a[0][1]`, `{"a":[[1,2]]}`, `{"a":[[1,"new"]]}`},
		{`$.a`, `"text"`, ``},
		{`$.a`, `null`, ``},
		{`$.a.b`, `{"a":1}`, ``},
		{`$.a.b`, `{"a":null}`, ``},
		{`$.a.b`, `{"a":[{}]}`, ``},
		{`$.a[0]`, `{}`, ``},
		{`$.a[0]`, `{"a":{}}`, ``},
		{`$.a[2]`, `{"a":[1,2]}`, ``},
		{`$.a[-3]`, `{"a":[1,2]}`, ``},
		{`$.new[0].b`, `{}`, ``},
	} {
		ref, err := jsonpath.ParseReference(test.path)
		if err != nil {
			t.Errorf("%v", err)
			continue
		}
		doc := parseJSON(t, test.doc)
		got, err := ref.Set(doc, "new")
		switch {
		case test.want == "":
			if !errors.Is(err, jsonpath.ErrNoPlace) {
				t.Errorf("%s in %s = %v, %v, want ErrNoPlace", test.path, test.doc, got, err)
			}
		case err != nil:
			t.Errorf("%s in %s: %v", test.path, test.doc, err)
		default:
			if diff := cmp.Diff(parseJSON(t, test.want), got); diff != "" {
				t.Errorf("%s in %s (-want +got):\n%s", test.path, test.doc, diff)
			}
		}
		if diff := cmp.Diff(parseJSON(t, test.doc), doc); diff != "" {
			t.Errorf("%s changed the document that it was given (-want +got):\n%s", test.path, diff)
		}
	}
}

func TestParseReferenceRefuses(t *testing.T) {
	for _, path := range []string{
		``, `a`, `$x`, `$$.a`, `$.a[*]`, `$.*`, `$..a`, `$.a[0:1]`, `$.a[0,1]`, `$['a','b']`, `$.a[?(@.b)]`, `$.a.length()`, `$.`,
	} {
		ref, err := jsonpath.ParseReference(path)
		if _, ok := errors.AsType[*jsonpath.SyntaxError](err); !ok {
			t.Errorf("ParseReference(%s) = %v, %v, want a *SyntaxError", path, ref, err)
		}
	}
}

// names makes objects of a few names, so that paths meet.
func documents() *rapid.Generator[any] {
	name := rapid.SampledFrom([]string{"a", "b", "c"})
	leaf := rapid.Map(rapid.Int8(), func(i int8) any { return string(rune('A' + i&7)) })
	tree := leaf
	for range 3 {
		inner := tree
		tree = rapid.OneOf(
			leaf,
			rapid.Map(rapid.SliceOfN(inner, 0, 3), func(items []any) any { return items }),
			rapid.Map(rapid.MapOfN(name, inner, 0, 3), func(members map[string]any) any { return members }),
		)
	}
	return tree
}

// What was set is what the same path gets, everything beside it is as it was, and setting it again changes nothing.
func TestSetThenGet(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		doc := documents().Draw(t, "doc")
		text := "$"
		for _, step := range rapid.SliceOfN(rapid.SampledFrom([]string{".a", ".b", "['c']", "[0]", "[1]", "[-1]"}), 0, 4).Draw(t, "steps") {
			text += step
		}
		ref, err := jsonpath.ParseReference(text)
		if err != nil {
			t.Fatal(err)
		}
		path, err := jsonpath.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		_, was, err := path.Get(doc)
		if err != nil {
			t.Fatal(err)
		}
		changed, err := ref.Set(doc, "value")
		if err != nil {
			if was || !errors.Is(err, jsonpath.ErrNoPlace) {
				t.Fatalf("%s in %v: %v, although there is a value", text, doc, err)
			}
			return
		}
		if got, ok, err := path.Get(changed); err != nil || !ok || got != "value" {
			t.Fatalf("%s in %v = %v, %t, %v", text, changed, got, ok, err)
		}
		again, err := ref.Set(changed, "value")
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(changed, again); diff != "" {
			t.Fatalf("set again (-once +twice):\n%s", diff)
		}
	})
}
