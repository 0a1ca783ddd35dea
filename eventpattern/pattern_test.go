package eventpattern_test

import (
	"errors"
	"strings"
	"testing"

	"sundog/eventpattern"
)

// Each row is a pattern, events that it matches and events that it does not.
func TestMatch(t *testing.T) {
	for _, test := range []struct {
		pattern string
		match   []string
		not     []string
	}{
		{
			`{"source": ["aws.ec2", "aws.s3"]}`,
			[]string{`{"source": "aws.ec2"}`, `{"source": "aws.s3", "x": 1}`, `{"source": ["x", "aws.s3"]}`, `{"source": [["aws.s3"]]}`},
			[]string{`{}`, `{"source": "aws.EC2"}`, `{"source": null}`, `{"source": {"aws.ec2": 1}}`, `{"source": []}`, `{"Source": "aws.ec2"}`},
		},
		{
			`{"detail": {"state": ["running"], "a": {"b": [1]}}}`,
			[]string{`{"detail": {"state": "running", "a": {"b": 1}}}`},
			[]string{`{"detail": {"state": "running"}}`, `{"detail": "running"}`, `{"detail": {"state": "running", "a": {"b": 2}}}`, `{"state": "running", "a": {"b": 1}}`},
		},
		{
			`{"n": [300]}`,
			[]string{`{"n": 300}`, `{"n": 300.0}`, `{"n": 3.0e2}`, `{"n": [1, 300]}`},
			[]string{`{"n": "300"}`, `{"n": 300.1}`, `{"n": true}`},
		},
		{
			`{"n": [123456789012345678]}`,
			[]string{`{"n": 123456789012345678}`},
			[]string{`{"n": 123456789012345679}`},
		},
		{
			`{"v": [true, null]}`,
			[]string{`{"v": true}`, `{"v": null}`},
			[]string{`{"v": false}`, `{"v": "true"}`, `{}`, `{"v": 0}`, `{"v": ""}`},
		},
		{`{"v": [""]}`, []string{`{"v": ""}`}, []string{`{}`, `{"v": null}`, `{"v": " "}`}},
		{
			`{"r": [{"prefix": "us-"}]}`,
			[]string{`{"r": "us-east-1"}`, `{"r": "us-"}`, `{"r": ["eu", "us-1"]}`},
			[]string{`{"r": "us"}`, `{"r": "US-east-1"}`, `{"r": 1}`, `{}`},
		},
		{`{"r": [{"prefix": ""}]}`, []string{`{"r": "x"}`, `{"r": ""}`}, []string{`{"r": 1}`, `{}`}},
		{
			`{"r": [{"prefix": {"equals-ignore-case": "EventB"}}]}`,
			[]string{`{"r": "EVENTBRIDGE"}`, `{"r": "eventb"}`},
			[]string{`{"r": "event"}`, `{"r": 1}`},
		},
		{
			`{"f": [{"suffix": ".png"}]}`,
			[]string{`{"f": "a.png"}`, `{"f": ".png"}`},
			[]string{`{"f": "a.PNG"}`, `{"f": "png"}`, `{"f": null}`},
		},
		{`{"f": [{"suffix": {"equals-ignore-case": ".png"}}]}`, []string{`{"f": "a.PNG"}`}, []string{`{"f": "a.pn"}`}},
		{
			`{"n": [{"equals-ignore-case": "aLiCe"}]}`,
			[]string{`{"n": "alice"}`, `{"n": "ALICE"}`},
			[]string{`{"n": "alices"}`, `{"n": 1}`},
		},
		{`{"n": [{"equals-ignore-case": "GRÖẞE"}]}`, []string{`{"n": "größe"}`}, []string{`{"n": "grösse"}`}},
		{
			`{"p": [{"wildcard": "dir/*.png"}]}`,
			[]string{`{"p": "dir/a.png"}`, `{"p": "dir/.png"}`, `{"p": "dir/a/b.png.png"}`},
			[]string{`{"p": "dir.png"}`, `{"p": "dir/a.png "}`, `{"p": 5}`, `{"p": "xdir/a.png"}`},
		},
		{`{"p": [{"wildcard": "*/lib/*"}]}`, []string{`{"p": "a/lib/b"}`, `{"p": "/lib/"}`}, []string{`{"p": "a/lib"}`}},
		{`{"p": [{"wildcard": "a*a"}]}`, []string{`{"p": "aa"}`, `{"p": "aba"}`, `{"p": "aXaa"}`}, []string{`{"p": "a"}`, `{"p": "ab"}`}},
		{`{"p": [{"wildcard": "a*b*c"}]}`, []string{`{"p": "abbc"}`, `{"p": "aXbYc"}`}, []string{`{"p": "acb"}`, `{"p": "ac"}`}},
		{`{"p": [{"wildcard": "\\*\\\\*"}]}`, []string{`{"p": "*\\x"}`}, []string{`{"p": "x\\x"}`}},
		{`{"p": [{"wildcard": "*"}]}`, []string{`{"p": ""}`, `{"p": "x"}`}, []string{`{"p": 1}`, `{}`}},
		{`{"p": [{"wildcard": "plain"}]}`, []string{`{"p": "plain"}`}, []string{`{"p": "plain "}`}},
		{
			`{"s": [{"anything-but": "initializing"}]}`,
			[]string{`{"s": "running"}`, `{"s": 1}`, `{"s": null}`, `{"s": ["initializing", "x"]}`},
			[]string{`{"s": "initializing"}`, `{}`, `{"s": {}}`, `{"s": []}`, `{"s": ["initializing"]}`},
		},
		{
			`{"s": [{"anything-but": ["stopped", "overloaded"]}]}`,
			[]string{`{"s": "x"}`},
			[]string{`{"s": "stopped"}`, `{"s": "overloaded"}`},
		},
		{`{"n": [{"anything-but": 123}]}`, []string{`{"n": 1}`, `{"n": "123"}`}, []string{`{"n": 123.0}`}},
		{`{"n": [{"anything-but": [100, 200]}]}`, []string{`{"n": 150}`}, []string{`{"n": 100}`, `{"n": 2e2}`}},
		{
			`{"r": [{"anything-but": {"prefix": "us-"}}]}`,
			[]string{`{"r": "eu-1"}`, `{"r": 7}`},
			[]string{`{"r": "us-1"}`, `{}`},
		},
		{`{"r": [{"anything-but": {"prefix": ["us-", "eu-"]}}]}`, []string{`{"r": "ap-1"}`}, []string{`{"r": "us-1"}`, `{"r": "eu-1"}`}},
		{`{"f": [{"anything-but": {"suffix": ".png"}}]}`, []string{`{"f": "a.jpg"}`}, []string{`{"f": "a.png"}`}},
		{`{"f": [{"anything-but": {"suffix": [".png", ".gif"]}}]}`, []string{`{"f": "a.jpg"}`}, []string{`{"f": "a.gif"}`}},
		{`{"s": [{"anything-but": {"equals-ignore-case": "x"}}]}`, []string{`{"s": "y"}`}, []string{`{"s": "X"}`}},
		{`{"s": [{"anything-but": {"equals-ignore-case": ["x", "y"]}}]}`, []string{`{"s": "z"}`}, []string{`{"s": "Y"}`}},
		{`{"p": [{"anything-but": {"wildcard": "*/lib/*"}}]}`, []string{`{"p": "a/b"}`}, []string{`{"p": "a/lib/b"}`}},
		{`{"p": [{"anything-but": {"wildcard": ["a*", "*z"]}}]}`, []string{`{"p": "b"}`}, []string{`{"p": "ab"}`, `{"p": "yz"}`}},
		{
			`{"n": [{"numeric": [">", 0, "<=", 5]}]}`,
			[]string{`{"n": 5}`, `{"n": 0.001}`, `{"n": [9, 3]}`},
			[]string{`{"n": 0}`, `{"n": 5.1}`, `{"n": "3"}`, `{"n": null}`, `{}`},
		},
		{`{"n": [{"numeric": ["<", 10]}]}`, []string{`{"n": 9}`, `{"n": -1e300}`}, []string{`{"n": 10}`}},
		{`{"n": [{"numeric": [">=", -2.5]}]}`, []string{`{"n": -2.5}`}, []string{`{"n": -2.6}`}},
		{`{"n": [{"numeric": ["=", 3.018e2]}]}`, []string{`{"n": 301.8}`}, []string{`{"n": 301.9}`}},
		{
			`{"ip": [{"cidr": "10.0.0.0/24"}]}`,
			[]string{`{"ip": "10.0.0.255"}`},
			[]string{`{"ip": "10.0.1.0"}`, `{"ip": "10.0.0"}`, `{"ip": 10}`, `{"ip": "::1"}`},
		},
		{`{"ip": [{"cidr": "10.0.0.77/24"}]}`, []string{`{"ip": "10.0.0.1"}`}, []string{`{"ip": "10.0.1.1"}`}},
		{`{"ip": [{"cidr": "2001:db8::/32"}]}`, []string{`{"ip": "2001:db8:0::1"}`}, []string{`{"ip": "2001:db9::1"}`}},
		{`{"ip": [{"cidr": "10.0.0.1"}]}`, []string{`{"ip": "10.0.0.1"}`}, []string{`{"ip": "10.0.0.2"}`}},
		{
			`{"d": {"c": [{"exists": true}]}}`,
			[]string{`{"d": {"c": null}}`, `{"d": {"c": ""}}`, `{"d": [{"x": 1}, {"c": 1}]}`},
			[]string{`{"d": {}}`, `{"d": {"c": {"x": 1}}}`, `{"d": {"c": []}}`, `{}`, `{"d": {"c": [{}]}}`},
		},
		{
			`{"d": {"c": [{"exists": false}]}}`,
			[]string{`{"d": {}}`, `{}`, `{"d": 1}`, `{"d": {"c": {"x": 1}}}`, `{"d": {"c": []}}`, `{"d": [{"x": 1}]}`, `{"d": []}`},
			[]string{`{"d": {"c": null}}`, `{"d": [{"x": 1}, {"c": 1}]}`},
		},
		{
			`{"d": {"c": [{"exists": false}, "x"], "e": [1]}}`,
			[]string{`{"d": {"e": 1}}`, `{"d": {"e": 1, "c": "x"}}`},
			[]string{`{"d": {"e": 1, "c": "y"}}`, `{"d": {"c": "x"}}`, `{}`},
		},
		{
			`{"v": ["a", {"prefix": "b"}, {"numeric": [">", 5]}, null]}`,
			[]string{`{"v": "a"}`, `{"v": "bc"}`, `{"v": 6}`, `{"v": null}`},
			[]string{`{"v": "c"}`, `{"v": 5}`},
		},
		// Conditions on the same array hold for the same item.
		{
			`{"items": {"id": [1], "ok": [true]}}`,
			[]string{`{"items": [{"id": 2, "ok": true}, {"id": 1, "ok": true}]}`, `{"items": [[{"id": 1, "ok": true}]]}`, `{"items": {"id": 1, "ok": true}}`},
			[]string{`{"items": [{"id": 1, "ok": false}, {"id": 2, "ok": true}]}`, `{"items": [1]}`},
		},
		{
			`{"items": {"a": {"x": [1]}, "b": {"y": [2]}}}`,
			[]string{`{"items": [{"a": [{"x": 0}, {"x": 1}], "b": {"y": 2}}]}`},
			[]string{`{"items": [{"a": {"x": 1}}, {"b": {"y": 2}}]}`},
		},
		{
			`{"items": {"id": [1]}, "$or": [{"items": {"ok": [true]}}, {"all": [1]}]}`,
			[]string{`{"items": [{"id": 1, "ok": true}]}`, `{"items": [{"id": 1}], "all": 1}`},
			[]string{`{"items": [{"id": 1}, {"ok": true}]}`},
		},
		{
			`{"source": ["s"], "$or": [{"a": [1]}, {"b": [2], "c": [3]}]}`,
			[]string{`{"source": "s", "a": 1}`, `{"source": "s", "b": 2, "c": 3}`},
			[]string{`{"source": "s", "b": 2}`, `{"a": 1}`, `{"source": "s"}`},
		},
		{
			`{"$or": [{"a": [1]}, {"b": [2]}], "d": {"$or": [{"x": [1]}, {"y": [2]}]}}`,
			[]string{`{"a": 1, "d": {"y": 2}}`, `{"b": 2, "d": {"x": 1}}`},
			[]string{`{"a": 1}`, `{"d": {"x": 1}}`, `{"a": 1, "x": 1}`},
		},
		{
			`{"$or": [{"a": [1]}, {"b": [2], "$or": [{"x": [1]}, {"y": [1]}]}]}`,
			[]string{`{"a": 1}`, `{"b": 2, "y": 1}`},
			[]string{`{"b": 2}`, `{"y": 1}`},
		},
		{
			`{"a": [{"prefix": "x"}], "$or": [{"a": [{"suffix": "z"}]}, {"b": [1]}]}`,
			[]string{`{"a": "xz"}`, `{"a": "x", "b": 1}`},
			[]string{`{"a": "z"}`, `{"a": "x"}`},
		},
		// $or is an ordinary name when it is no list of alternatives.
		{`{"$or": ["x"]}`, []string{`{"$or": "x"}`}, []string{`{"x": 1}`}},
		{`{"$or": {"a": [1]}}`, []string{`{"$or": {"a": 1}}`}, []string{`{"a": 1}`}},
		{`{"$or": [{"prefix": "a"}, {"suffix": "b"}]}`, []string{`{"$or": "ax"}`}, []string{`{"prefix": "a"}`}},
	} {
		p, err := eventpattern.Parse([]byte(test.pattern))
		if err != nil {
			t.Errorf("%s: %v", test.pattern, err)
			continue
		}
		set := &eventpattern.RuleSet[string]{}
		set.Add("key", p)
		check := func(events []string, want bool) {
			for _, event := range events {
				if got, err := p.MatchRaw([]byte(event)); err != nil || got != want {
					t.Errorf("%s with %s is %t, %v, want %t", test.pattern, event, got, err, want)
				}
				if keys, err := set.MatchRaw([]byte(event)); err != nil || len(keys) == 1 != want {
					t.Errorf("a set of %s with %s gives %q, %v, want %t", test.pattern, event, keys, err, want)
				}
			}
		}
		check(test.match, true)
		check(test.not, false)
	}
}

func TestMatchRawOfOtherText(t *testing.T) {
	p, err := eventpattern.Parse([]byte(`{"a": [{"exists": false}]}`))
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{`[]`, `"a"`, `null`, `1`} {
		if ok, err := p.MatchRaw([]byte(text)); err != nil || ok {
			t.Errorf("%s: %t, %v, want no match", text, ok, err)
		}
	}
	for _, text := range []string{``, `{`, `{} {}`} {
		if ok, err := p.MatchRaw([]byte(text)); err == nil {
			t.Errorf("%s: %t, want an error", text, ok)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	deep := strings.Repeat(`{"a":`, 200) + `["x"]` + strings.Repeat("}", 200)
	wide := make([]string, 4)
	for i := range wide {
		wide[i] = `"f` + string(rune('a'+i)) + `": {"$or": [` + strings.Repeat(`{"x": [1]},`, 7) + `{"x": [1]}]}`
	}
	for _, test := range []struct{ pattern, location string }{
		{``, ""},
		{`[]`, ""},
		{`{`, ""},
		{`{} {}`, ""},
		{`{}`, ""},
		{`{"a": {}}`, "/a"},
		{`{"a": "x"}`, "/a"},
		{`{"a/b": {"~": null}}`, "/a~1b/~0"},
		{`{"a": []}`, "/a"},
		{`{"a": [[]]}`, "/a/0"},
		{`{"a": ["x", {}]}`, "/a/1"},
		{`{"a": [{"prefix": "x", "suffix": "y"}]}`, "/a/0"},
		{`{"a": [{"contains": "x"}]}`, "/a/0/contains"},
		{`{"a": [{"prefix": 1}]}`, "/a/0/prefix"},
		{`{"a": [{"prefix": {"wildcard": "x"}}]}`, "/a/0/prefix/wildcard"},
		{`{"a": [{"suffix": ["x"]}]}`, "/a/0/suffix"},
		{`{"a": [{"equals-ignore-case": {"prefix": "x"}}]}`, "/a/0/equals-ignore-case"},
		{`{"a": [{"wildcard": "a**b"}]}`, "/a/0/wildcard"},
		{`{"a": [{"wildcard": "a\\b"}]}`, "/a/0/wildcard"},
		{`{"a": [{"wildcard": "a\\"}]}`, "/a/0/wildcard"},
		{`{"a": [{"exists": "true"}]}`, "/a/0/exists"},
		{`{"a": [{"cidr": "10.0.0.0/33"}]}`, "/a/0/cidr"},
		{`{"a": [{"cidr": "host"}]}`, "/a/0/cidr"},
		{`{"a": [{"numeric": 5}]}`, "/a/0/numeric"},
		{`{"a": [{"numeric": [">"]}]}`, "/a/0/numeric"},
		{`{"a": [{"numeric": [">", "5"]}]}`, "/a/0/numeric/0"},
		{`{"a": [{"numeric": [">", 1e999]}]}`, "/a/0/numeric/0"},
		{`{"a": [{"numeric": ["!=", 5]}]}`, "/a/0/numeric/0"},
		{`{"a": [{"numeric": ["<", 5, ">", 1]}]}`, "/a/0/numeric/0"},
		{`{"a": [{"numeric": [">", 1, "=", 5]}]}`, "/a/0/numeric/2"},
		{`{"a": [{"numeric": [">", 5, "<", 5]}]}`, "/a/0/numeric"},
		{`{"a": [{"anything-but": []}]}`, "/a/0/anything-but"},
		{`{"a": [{"anything-but": null}]}`, "/a/0/anything-but"},
		{`{"a": [{"anything-but": [true]}]}`, "/a/0/anything-but"},
		{`{"a": [{"anything-but": {}}]}`, "/a/0/anything-but"},
		{`{"a": [{"anything-but": {"numeric": ["=", 1]}}]}`, "/a/0/anything-but/numeric"},
		{`{"a": [{"anything-but": {"prefix": []}}]}`, "/a/0/anything-but/prefix"},
		{`{"a": [{"anything-but": {"prefix": [1]}}]}`, "/a/0/anything-but/prefix"},
		{`{"$or": [{"a": [1]}, {}]}`, "/$or/1"},
		{`{"$or": [{"a": [1]}, {"b": 1}]}`, "/$or/1/b"},
		{deep, strings.Repeat("/a", 100)},
		{"{" + strings.Join(wide, ",") + "}", "/fd/$or"},
		{`{"a": ["` + strings.Repeat("x", eventpattern.MaxLength) + `"]}`, ""},
	} {
		_, err := eventpattern.Parse([]byte(test.pattern))
		parse, ok := errors.AsType[*eventpattern.ParseError](err)
		if !ok || parse.Location != test.location {
			t.Errorf("Parse(%.80s): %v, want an error at %q", test.pattern, err, test.location)
		}
	}
}
