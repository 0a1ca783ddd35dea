package jsonpath_test

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"sundog/jsonpath"
)

// The normal form of a path means the same as the path, and evaluating neither panics nor costs more than it may.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		`$`, `$.a.b[0].c`, `$['a']["b\"c"]`, `$.store-id`, `$.[0]`, `$..price`, `$.a[*][1:-1][0,2]`, `$['a','b']`,
		`$.book[?(@.price < 10 && (@.tags contains 'b' || !@.isbn))].title`, `$.book[?(@.title =~ /s.*\/x/i)]`,
		`$.book[?(@.title in ['a', "b", [1, null, true, word]])]`, `$.book[?($.limit >= @.price)].length()`, `$.a.index(-1)`,
		`$..[?(@..* size 2)]`,
	} {
		f.Add(seed)
	}
	doc := parseJSON(f, store)
	f.Fuzz(func(t *testing.T, text string) {
		p, err := jsonpath.Parse(text)
		if err != nil {
			return
		}
		normal, err := jsonpath.Parse(p.String())
		if err != nil {
			if len(p.String()) > jsonpath.MaxLength {
				return
			}
			t.Fatalf("%q in normal form: %v", text, err)
		}
		if normal.String() != p.String() {
			t.Fatalf("%q is %s, which is %s", text, p, normal)
		}
		got, ok, err := p.Get(doc)
		same, sameOK, sameErr := normal.Get(doc)
		if ok != sameOK || (err == nil) != (sameErr == nil) {
			t.Fatalf("%q: %t, %v; in normal form %s: %t, %v", text, ok, err, p, sameOK, sameErr)
		}
		if err != nil {
			if p.IsDefinite() && errors.Is(err, jsonpath.ErrTooCostly) && len(text) < 20 {
				t.Fatalf("%q: %v", text, err)
			}
			return
		}
		if list, isList := got.([]any); !p.IsDefinite() && (!ok || !isList || list == nil) {
			t.Fatalf("%q gives %v, %t, want a list", text, got, ok)
		} else if len(list) > 1000 {
			return
		}
		if diff := cmp.Diff(got, same); diff != "" {
			t.Fatalf("%q and %s differ:\n%s", text, p, diff)
		}
		ref, err := jsonpath.ParseReference(text)
		if err != nil {
			return
		}
		if changed, err := ref.Set(doc, "value"); err == nil {
			if v, ok, err := p.Get(changed); err != nil || !ok || v != "value" {
				t.Fatalf("%q after Set = %v, %t, %v", text, v, ok, err)
			}
		}
	})
}
