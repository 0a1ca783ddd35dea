package table_test

import (
	"encoding/json"
	"strings"
	"testing"

	"sundog/internal/table"
)

// FuzzExpressions reads any text as each kind of expression. What is accepted can be used; nothing may fail but with an *Error.
func FuzzExpressions(f *testing.F) {
	for _, seed := range []string{
		"s = :s AND (n > :n OR NOT attribute_exists(m.k))", "SET a = if_not_exists(b, :n) + :n, l[1] = :s REMOVE m.k ADD n :n DELETE ss :ss", "a, b.c[0], #name", "s BETWEEN :s AND :s", "size(l) IN (:n, :n)",
		"p = :s AND begins_with(s, :s)", "((a))", "SET l = list_append(l, :l)", "(s).x[0] = :s", "#", ":", "a..b", "a[", "1 = 2", "NOT not NOT s = :s",
	} {
		f.Add(seed)
	}
	const values = `{":s": {"S": "abc"}, ":n": {"N": "5"}, ":l": {"L": [{"N": "1"}]}, ":ss": {"SS": ["a"]}}`
	item := parse(f, sample)
	f.Fuzz(func(t *testing.T, text string) {
		if c, err := placeholders(t, text, values).ParseCondition("ConditionExpression", text); check(t, err) {
			c.Match(item)
			c.Match(nil)
		}
		if u, err := placeholders(t, text, values).ParseUpdate(text); check(t, err) {
			if changed, err := u.Apply(item); check(t, err) {
				u.Touched(changed)
			}
		}
		if p, err := placeholders(t, text, values).ParseProjection(text); check(t, err) {
			if got := p.Apply(item); len(got) > len(item) {
				t.Errorf("%q makes %v of an item", text, got)
			}
		}
		_, refused, err := placeholders(t, text, values).ParseKeyCondition(text)
		check(t, refused)
		check(t, err)
	})
}

// check reports whether there is no error; one that is no *Error fails the test.
func check(t *testing.T, err error) bool {
	t.Helper()
	if err == nil {
		return true
	}
	if e, ok := err.(*table.Error); !ok || e.Message == "" { //nolint:errorlint // it is never wrapped
		t.Fatal(err)
	}
	return false
}

// FuzzItems reads any text as an item. One that is accepted is the same after it was written and read again.
func FuzzItems(f *testing.F) {
	for _, seed := range []string{
		sample, `{}`, `{"a": {"N": "1e-130"}}`, `{"a": {"B": "AQ=="}}`, `{"a": {"L": [{"M": {"": {"S": "\u0000\ud83d\ude00"}}}]}}`, `{"a": {"NS": ["1", "1.0"]}}`, `{"a": {"S": null}}`, `{"a": {"S": "x", "N": "1"}}`, `[]`,
		`{"a": ` + strings.Repeat(`{"L": [`, 40) + strings.Repeat(`]}`, 40) + `}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		item, err := table.ParseItem(text)
		if err != nil {
			if _, ok := err.(*table.Error); !ok { //nolint:errorlint // it is never wrapped
				t.Fatal(err)
			}
			return
		}
		written, err := json.Marshal(item)
		if err != nil {
			t.Fatal(err)
		}
		again, err := table.ParseItem(written)
		if err != nil || !again.Equal(item) || again.Size() != item.Size() {
			t.Fatalf("%s became %s, %v", text, written, err)
		}
	})
}
