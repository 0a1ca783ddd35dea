package eventpattern_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"sundog/eventpattern"
)

func TestRuleSet(t *testing.T) {
	var set eventpattern.RuleSet[string]
	add := func(key, pattern string) {
		t.Helper()
		p, err := eventpattern.Parse([]byte(pattern))
		if err != nil {
			t.Fatal(err)
		}
		set.Add(key, p)
	}
	want := func(event string, keys ...string) {
		t.Helper()
		got, err := set.MatchRaw([]byte(event))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(keys, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", event, diff)
		}
	}
	want(`{"a": 1}`)
	add("z", `{"a": [1, 2]}`)
	add("y", `{"b": [{"wildcard": "x*"}]}`)
	add("z", `{"b": ["xx"]}`)
	add("x", `{"$or": [{"a": [1]}, {"b": ["xx"]}]}`)
	want(`{"a": [1, 2], "b": "xx"}`, "z", "y", "x")
	want(`{"a": 2}`, "z")
	want(`{"b": "xy"}`, "y")
	if set.Len() != 3 {
		t.Errorf("the set has %d keys, want 3", set.Len())
	}
	set.Remove("z")
	set.Remove("none")
	want(`{"a": [1, 2], "b": "xx"}`, "y", "x")
	set.Remove("y")
	set.Remove("x")
	want(`{"a": [1, 2], "b": "xx"}`)
	if set.Len() != 0 {
		t.Errorf("the set has %d keys, want none", set.Len())
	}
}

// values, operators and events of few letters, so that they meet.
func words() *rapid.Generator[string] { return rapid.StringMatching(`[aAb]{0,2}`) }

func scalars() *rapid.Generator[any] {
	return rapid.OneOf(
		rapid.Map(words(), func(s string) any { return s }),
		rapid.Map(rapid.IntRange(0, 3), func(i int) any { return json.Number(fmt.Sprint(i)) }),
		rapid.SampledFrom([]any{true, false, nil}),
	)
}

func patterns() *rapid.Generator[any] {
	operator := rapid.Custom(func(t *rapid.T) any {
		name := rapid.SampledFrom([]string{"prefix", "suffix", "equals-ignore-case", "anything-but", "exists", "numeric"}).Draw(t, "operator")
		switch name {
		case "exists":
			return map[string]any{name: rapid.Bool().Draw(t, "exists")}
		case "numeric":
			return map[string]any{name: []any{">=", rapid.IntRange(0, 3).Draw(t, "low")}}
		}
		return map[string]any{name: words().Draw(t, "word")}
	})
	leaf := rapid.Map(rapid.SliceOfN(rapid.OneOf(scalars(), operator), 1, 3), func(items []any) any { return items })
	name := rapid.SampledFrom([]string{"x", "y", "z"})
	object := rapid.Map(rapid.MapOfN(name, leaf, 1, 2), func(m map[string]any) any { return m })
	return rapid.Map(rapid.MapOfN(name, rapid.OneOf(leaf, object), 1, 3), func(m map[string]any) any { return m })
}

func events() *rapid.Generator[map[string]any] {
	name := rapid.SampledFrom([]string{"x", "y", "z"})
	value := rapid.OneOf(scalars(), rapid.Map(rapid.SliceOfN(scalars(), 0, 2), func(items []any) any { return items }))
	object := rapid.Map(rapid.MapOfN(name, value, 0, 2), func(m map[string]any) any { return m })
	objects := rapid.Map(rapid.SliceOfN(object, 0, 2), func(items []any) any { return items })
	return rapid.MapOfN(name, rapid.OneOf(value, object, objects), 0, 3)
}

// A set gives the keys of exactly those patterns that match on their own, whatever was added and removed before.
func TestRuleSetIsTheSumOfItsPatterns(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var set eventpattern.RuleSet[int]
		var all []*eventpattern.Pattern
		for i, doc := range rapid.SliceOfN(patterns(), 1, 8).Draw(t, "patterns") {
			text, err := json.Marshal(doc)
			if err != nil {
				t.Fatal(err)
			}
			p, err := eventpattern.Parse(text)
			if err != nil {
				t.Fatalf("%s: %v", text, err)
			}
			all = append(all, p)
			set.Add(i, p)
		}
		for _, i := range rapid.SliceOfN(rapid.IntRange(0, len(all)-1), 0, 3).Draw(t, "removed") {
			set.Remove(i)
			all[i] = &eventpattern.Pattern{}
		}
		event := any(events().Draw(t, "event"))
		var want []int
		for i, p := range all {
			if p.Match(event) {
				want = append(want, i)
			}
		}
		if got := set.Match(event); !slices.Equal(got, want) {
			t.Fatalf("the set gives %v, its patterns %v", got, want)
		}
	})
}

func TestRuleSetConcurrently(t *testing.T) {
	var set eventpattern.RuleSet[int]
	p, err := eventpattern.Parse([]byte(`{"a": [1]}`))
	if err != nil {
		t.Fatal(err)
	}
	set.Add(-1, p)
	event := map[string]any{"a": json.Number("1")}
	var wait sync.WaitGroup
	for i := range 8 {
		wait.Go(func() {
			for range 100 {
				set.Add(i, p)
				if got := set.Match(event); !slices.Contains(got, -1) || !slices.Contains(got, i) {
					t.Errorf("the set gives %v without -1 or %d", got, i)
				}
				set.Remove(i)
			}
		})
	}
	wait.Wait()
	if got := set.Match(event); !slices.Equal(got, []int{-1}) {
		t.Errorf("at the end the set gives %v", got)
	}
}

const benchEvent = `{
	"version": "0", "id": "6a7e8feb-b491-4cf7-a9f1-bf3703467718", "detail-type": "Object Created", "source": "aws.s3",
	"account": "111122223333", "time": "2021-11-12T00:00:00Z", "region": "ca-central-1",
	"resources": ["arn:aws:s3:::bucket-7"],
	"detail": {
		"version": "0", "bucket": {"name": "bucket-7"},
		"object": {"key": "scenes/7/item.json", "size": 5, "etag": "b1946ac92492d2347c6235b4d2611184", "sequencer": "00617F08299329D189"},
		"request-id": "N4N7GDK58NMKJ12R", "requester": "123456789012", "source-ip-address": "1.2.3.4", "reason": "PutObject"
	}
}`

func BenchmarkRuleSet(b *testing.B) {
	event := decode(b, benchEvent)
	for _, bench := range []struct{ name, pattern string }{
		{"exact", `{"source": ["aws.s3"], "detail-type": ["Object Created"], "detail": {"bucket": {"name": ["bucket-%d"]}}}`},
		{"prefix", `{"source": ["aws.s3"], "detail": {"object": {"key": [{"prefix": "scenes/%d/"}]}}}`},
		{"numeric", `{"source": ["aws.s3"], "detail": {"bucket": {"name": ["bucket-%d"]}, "object": {"size": [{"numeric": [">", 1]}]}}}`},
		{"wildcard", `{"detail": {"object": {"key": [{"wildcard": "*/%d/*.json"}]}}}`},
	} {
		b.Run(bench.name, func(b *testing.B) {
			var set eventpattern.RuleSet[int]
			for i := range 1000 {
				p, err := eventpattern.Parse(fmt.Appendf(nil, bench.pattern, i))
				if err != nil {
					b.Fatal(err)
				}
				set.Add(i, p)
			}
			b.ReportAllocs()
			for b.Loop() {
				if keys := set.Match(event); len(keys) != 1 || keys[0] != 7 {
					b.Fatal(keys)
				}
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "events/s")
		})
	}
}

func BenchmarkMatch(b *testing.B) {
	p, err := eventpattern.Parse([]byte(`{"source": ["aws.s3"], "detail": {"bucket": {"name": [{"prefix": "bucket"}]}, "object": {"size": [{"numeric": ["<", 9]}]}}}`))
	if err != nil {
		b.Fatal(err)
	}
	event := decode(b, benchEvent)
	b.ReportAllocs()
	for b.Loop() {
		if !p.Match(event) {
			b.Fatal("no match")
		}
	}
}

func decode(t testing.TB, text string) any {
	t.Helper()
	var doc map[string]any
	if err := json.Unmarshal([]byte(text), &doc); err != nil {
		t.Fatal(err)
	}
	doc["detail"].(map[string]any)["object"].(map[string]any)["size"] = json.Number("5")
	return doc
}
