package eventpattern_test

import (
	"testing"

	"sundog/eventpattern"
)

// A pattern and a set of it agree on every event, and neither panics.
func FuzzMatch(f *testing.F) {
	for _, seed := range []struct{ pattern, event string }{
		{`{"a": ["x", 1, null, true]}`, `{"a": [1, [2, "x"]]}`},
		{`{"a": {"b": [{"exists": false}, {"prefix": "x"}]}}`, `{"a": [{"b": "xy"}, {}]}`},
		{`{"a": [{"anything-but": {"suffix": ["x", "y"]}}]}`, `{"a": "z"}`},
		{`{"a": [{"numeric": [">=", 0, "<", 1e3]}]}`, `{"a": 1.5}`},
		{`{"a": [{"wildcard": "*a\\*b*"}]}`, `{"a": "xa*b"}`},
		{`{"a": [{"cidr": "10.0.0.0/8"}]}`, `{"a": "10.1.2.3"}`},
		{`{"$or": [{"a": [1]}, {"b": [{"equals-ignore-case": "X"}]}], "c": [{"suffix": ""}]}`, `{"b": "x", "c": ""}`},
	} {
		f.Add([]byte(seed.pattern), []byte(seed.event))
	}
	f.Fuzz(func(t *testing.T, pattern, event []byte) {
		p, err := eventpattern.Parse(pattern)
		if err != nil {
			return
		}
		matched, err := p.MatchRaw(event)
		if err != nil {
			return
		}
		var set eventpattern.RuleSet[int]
		set.Add(1, p)
		keys, err := set.MatchRaw(event)
		if err != nil || len(keys) == 1 != matched {
			t.Fatalf("%s with %s: alone %t, in a set %v, %v", pattern, event, matched, keys, err)
		}
	})
}
