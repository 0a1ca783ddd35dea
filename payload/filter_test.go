package payload_test

import (
	"encoding/json"
	"strings"
	"testing"

	"sundog/payload"
)

const filtered = `{
	"id": "SWE-1", "collection": "c1", "true_north": 5, "@type": "x", "weird name": 1,
	"properties": {"confidence": 80.9, "whole": 80, "eo:cloud_cover": 5.5, "text": "80", "flag": true, "none": null,
		"list": [1, 2, 3], "big": 12345678901234567890, "nested": {"deep": {"leaf": 3}}, "word": "ünï", "twice": 1, "twice": 2}
}`

func TestFilter(t *testing.T) {
	for filter, want := range map[string]bool{
		`@.id == 'SWE-1'`: true, `$.id = "SWE-1"`: true, `id == SWE-1`: true, `@['id'] == 'SWE-1'`: true, `@.'id' != 'x'`: true,
		`@.id =~ 'SWE'`: true, `@.id =~ '^WE'`: false, `@.id =~ '1$'`: true, `@.properties.whole =~ '8'`: false, `@.id =~ 5`: false,
		`@.id =~ '(?i)swe'`: true, `@.id =~ 'S(?=W)'`: true, `@.id =~ 'S(?!W)'`: false, `@.id =~ '(.)\\d'`: true, `@.properties.word =~ '^\\w+$'`: true,
		`@.properties.confidence > 80`: true, `@.properties.confidence == 80`: false, `@.properties.confidence < 81`: true,
		`@.properties.whole == 80.0`: true, `@.properties.whole >= 80`: true, `@.properties.whole <= 79.9`: false,
		`@.properties.big == 12345678901234567890`: true, `@.properties.big == 12345678901234567891`: false,
		`@.properties.text == 80`: true, `@.properties.text > 79`: true, `@.properties.text == 80.0`: false, `@.properties.text != 80.0`: true,
		`@.properties.word != 80`: false, `@.properties.word == 'ünï'`: true,
		`@.properties.none == 0`: false, `@.properties.none != 0`: true, `@.properties.none < 1`: false, `@.properties.none`: true,
		`@.properties.flag == true`: true, `@.properties.flag == 1`: true, `@.properties.flag != false`: true, `@.properties.flag == 'true'`: false,
		`@.properties.eo:cloud_cover < 10`: true, `@.properties['eo:cloud_cover'] < 10`: true, `@.properties.'eo:cloud_cover' > 10`: false,
		`@.true_north == 5`: true, `@.@type == 'x'`: true, `@.'weird name' == 1`: true, `@.properties.twice == 2`: true,
		`@.properties.missing`: false, `@.properties.missing != 1`: false, `!@.properties.missing`: true, `!@.id`: false,
		`@.properties.nested.deep.leaf == 3`: true, `@..leaf == 3`: true, `@.*`: true, `@.properties.* == 5.5`: true, `@[*]`: true,
		`@.properties.list[0] == 1`: true, `@.properties.list[-1] == 3`: true, `@.properties.list[3]`: false, `@.properties.list[*] == 2`: true,
		`@.properties.list == 1`: false, `@.properties.list != 1`: true, `@.id[0]`: false,
		`@.id == 'x' | @.id == 'SWE-1'`: true, `@.id == 'x' & @.id == 'x' | @.id`: true, `@.id & (@.x | @.id)`: true, `(@.id) == 'SWE-1'`: true,
		`@.properties where @.whole`: true, `@.properties where @.missing`: false,
		"@.id.`len` == 5": true, "@.properties.list.`len` == 3": true, "@.properties.whole.`len`": false, "@.properties.nested.`len` == 1": true,
		"@.id.`split(-, 0, -1)` == 'SWE'": true, "@.id.`split(-, 2, -1)`": false, "@.id.`sub(/(S)W/, \\\\1X)` == 'SXE-1'": true,
		"@.properties.flag.`str()` == 'True'": true, "@.`this`.id": true,
		`@.properties.whole + 1 == 81`: true, `@.properties.whole * 2 + 1 == 161`: true, `@.properties.whole - 0.5 < 80`: true,
		`@.properties.whole - @.properties.confidence < 0`: true, `@.id + 1`: false, `1 == 1`: false,
	} {
		f, err := payload.ParseFilter(filter)
		if err != nil {
			t.Errorf("%v", err)
			continue
		}
		if got := f.Match(json.RawMessage(filtered)); got != want {
			t.Errorf("%s holds: %v", filter, got)
		}
		if f.String() != filter {
			t.Errorf("%s is written %s", filter, f)
		}
		for _, other := range []string{`5`, `null`, `"x"`, `[]`, `{}`} { // nothing is worth an error
			f.Match(json.RawMessage(other))
		}
	}
}

func TestFilterErrors(t *testing.T) {
	for filter, want := range map[string]string{
		``:                             "ends where a path",
		`@.id ==`:                      "ends where text, a number",
		`@.id == @.x`:                  "at character 9",
		`80 < @.x`:                     "at character 6",
		`@.x > 1e2`:                    "at character 8",
		`@.x > .5`:                     "at character 7",
		`@.id == 'x`:                   "at character 9: the quote ' is not closed",
		`@.id <> 'x'`:                  "at character 7",
		`@.id ~ 'x'`:                   "at character 6",
		`@.a || @.b`:                   "at character 6",
		`@.ünï`:                        `at character 3: unexpected 'ü'`,
		`(@.id`:                        "ends where )",
		`@.id)`:                        "at character 5",
		`@..a..b`:                      "at character 5: a path can hold .. once",
		`@.list[x`:                     "ends where ]",
		`@.list[1.5]`:                  "an index is a whole number",
		`@.list[99999999999999999999]`: "an index is a whole number",
		`@.id =~ '['`:                  "regular expression",
		`@.id =~ '(?<x>a)'`:            "(?P<name>",
		"@.`nope` == 1":                "operator \"nope\"",
		"@.`sub(/[/, x)` == 1":         "regular expression",
		strings.Repeat("(", 20_000):    "16384 are allowed",
	} {
		_, err := payload.ParseFilter(filter)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.60s: error %v, want one with %q", filter, err, want)
		}
	}
}

// A pattern that only backtracking could match comes to an end.
func TestFilterPatternIsBounded(t *testing.T) {
	f, err := payload.ParseFilter(`@ =~ '^(a+)+(?=b)$'`)
	if err != nil {
		t.Fatal(err)
	}
	if f.Match(json.RawMessage(`"` + strings.Repeat("a", 60) + `"`)) {
		t.Error("it matches")
	}
}

func FuzzFilter(f *testing.F) {
	for _, seed := range []string{
		`@.id =~ 'SWE.*' & @.properties.eo:cloud_cover > 80`, `!(@.a)`, "@.id.`split(-, 0, -1)` == 'a'", `@..b[0] where c`,
		`((@.a + 1) * 2 > 3)`, `@.a == true | $['x'].* <= -1.5`, `@ =~ '\\d{,3}[^]\\w]\\Z'`,
	} {
		f.Add(seed, filtered)
	}
	f.Fuzz(func(t *testing.T, text, item string) {
		filter, err := payload.ParseFilter(text)
		if err != nil || !json.Valid([]byte(item)) {
			return
		}
		filter.Match(json.RawMessage(item))
		if _, err := payload.ParseFilter(filter.String()); err != nil {
			t.Fatalf("it is not read again: %v", err)
		}
	})
}

func BenchmarkFilter(b *testing.B) {
	f, err := payload.ParseFilter(`@.id =~ 'SWE.*' & @.properties.eo:cloud_cover < 10`)
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		f.Match(json.RawMessage(filtered))
	}
}
