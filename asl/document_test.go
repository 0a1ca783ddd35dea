package asl

import (
	"encoding/json"
	"reflect"
	"testing"
)

// FuzzDocument compares looking into text with parsing it.
func FuzzDocument(f *testing.F) {
	for _, seed := range []string{
		`{"a":1,"b":{"a":[2]},"a":3}`, `[1, "x\"]", {"a":[]}, null]`, ` { "\u0061" : "\\" , "é":"ü" } `, `[]`, `{}`, `"a"`, `-1.5e3`, `[[],[{}],""]`, `{"a":"<&>\u2028"}`,
	} {
		f.Add([]byte(seed), "a")
	}
	f.Fuzz(func(t *testing.T, text []byte, name string) {
		raw, err := ParseDocument(text)
		if err != nil || !json.Valid(text) {
			return
		}
		parsed := Value(unmarshal(raw.Bytes()))
		object, _ := parsed.Get().(map[string]any)
		for member := range object {
			checkMember(t, raw, parsed, member)
		}
		checkMember(t, raw, parsed, name)
		a, isArray := raw.Elements()
		b, isArray2 := parsed.Elements()
		if isArray != isArray2 || len(a) != len(b) {
			t.Fatalf("elements of %s: %d %v, want %d %v", text, len(a), isArray, len(b), isArray2)
		}
		for i := range a {
			if !reflect.DeepEqual(a[i].Get(), b[i].Get()) {
				t.Fatalf("element %d of %s is %s", i, text, a[i].Bytes())
			}
		}
		if isArray && !reflect.DeepEqual(arrayOf(a).Get(), parsed.Get()) {
			t.Fatalf("%s joined again is %s", text, arrayOf(a).Bytes())
		}
		if again := unmarshal(parsed.Bytes()); !reflect.DeepEqual(again, parsed.Get()) {
			t.Fatalf("%s written is %s", text, parsed.Bytes())
		}
	})
}

func checkMember(t *testing.T, raw, parsed *Document, name string) {
	t.Helper()
	unparsed := Raw(raw.Bytes())
	a, ok := unparsed.member(name)
	b, ok2 := parsed.member(name)
	if ok != ok2 || ok && !reflect.DeepEqual(a.Get(), b.Get()) {
		t.Fatalf("member %q of %s: %v, want %v", name, raw.Bytes(), ok, ok2)
	}
}
