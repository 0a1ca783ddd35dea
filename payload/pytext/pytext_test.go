package pytext_test

import (
	"bytes"
	"encoding/json"
	"testing"

	"pgregory.net/rapid"

	"sundog/payload/pytext"
)

func TestStr(t *testing.T) {
	for raw, want := range map[string]string{
		`"it's"`: `it's`, `null`: `None`, `true`: `True`, `false`: `False`, `7`: `7`, `-0`: `0`, `1.0`: `1.0`, `1e16`: `1e+16`, `1e15`: `1000000000000000.0`,
		`0.0001`: `0.0001`, `0.00001`: `1e-05`, `1.10`: `1.1`, `-0.0`: `-0.0`, `1e400`: `inf`, `-1e400`: `-inf`, `1e-400`: `0.0`,
		`12345678901234567890123`: `12345678901234567890123`, `123456.789e3`: `123456789.0`, `5E-324`: `5e-324`,
		`[]`: `[]`, `{}`: `{}`, `["it's", "q\"q", "both '\""]`: `["it's", 'q"q', 'both \'"']`, `["a\\b\n\r\t\u0000\u007f\u00a0\u200b"]`: `['a\\b\n\r\t\x00\x7f\xa0\u200b']`,
		`["ünï", "日本", "\ud83d\ude00", "\udb40\udc01"]`: `['ünï', '日本', '😀', '\U000e0001']`,
		`{"b": 1, "a": [true, null], "b": 2}`:           `{'b': 2, 'a': [True, None]}`,
	} {
		if got := pytext.Str([]byte(raw)); got != want {
			t.Errorf("str of %s is %s, want %s", raw, got, want)
		}
	}
	if got := pytext.List([]string{"a", "it's"}); got != `['a', "it's"]` {
		t.Errorf("list %s", got)
	}
}

func TestCompareNumbers(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want int
	}{
		{"1", "2", -1},
		{"2", "1", 1},
		{"1", "1", 0},
		{"1", "1.0", 0},
		{"-0", "0", 0},
		{"1e2", "100", 0},
		{"80.9", "80", 1},
		{"12345678901234567890", "12345678901234567891", -1},
		{"-12345678901234567890", "1", -1},
		{"1e400", "1e300", 1},
		{"-1e400", "0", -1},
	} {
		if got := pytext.CompareNumbers(c.a, c.b); got != c.want {
			t.Errorf("CompareNumbers(%s, %s) = %d", c.a, c.b, got)
		}
	}
}

func TestAppendJSONString(t *testing.T) {
	const text = "a\"\\/\n\r\t\b\f\x00\x7fü日😀"
	got := pytext.AppendJSONString(nil, text)
	if want := `"a\"\\/\n\r\t\b\f\u0000\u007f\u00fc\u65e5\ud83d\ude00"`; string(got) != want {
		t.Errorf("got %s, want %s", got, want)
	}
	var back string
	if err := json.Unmarshal(got, &back); err != nil || back != text {
		t.Errorf("it is read as %q, %v", back, err)
	}
}

// dump writes a value as json.dumps does, keys in their order.
func dump(dst []byte, v any) []byte {
	switch v := v.(type) {
	case string:
		return pytext.AppendJSONString(dst, v)
	case json.Number:
		text := pytext.Number(string(v))
		if text == "inf" || text == "-inf" {
			text = map[string]string{"inf": "Infinity", "-inf": "-Infinity"}[text]
		}
		return append(dst, text...)
	case []any:
		dst = append(dst, '[')
		for i, e := range v {
			if i > 0 {
				dst = append(dst, ", "...)
			}
			dst = dump(dst, e)
		}
		return append(dst, ']')
	case map[string]any:
		dst = append(dst, '{')
		first := true
		for name, e := range v {
			if !first {
				dst = append(dst, ", "...)
			}
			first = false
			dst = dump(append(pytext.AppendJSONString(dst, name), ": "...), e)
		}
		return append(dst, '}')
	}
	raw, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return append(dst, raw...)
}

var value = rapid.Deferred(func() *rapid.Generator[any] {
	return rapid.OneOf(
		rapid.Just[any](nil), rapid.Bool().AsAny(), rapid.String().AsAny(),
		rapid.SampledFrom([]any{json.Number("-0"), json.Number("1e400"), json.Number("1.50"), json.Number("1E5"), json.Number("123")}),
		rapid.SampledFrom([]any{"\"\\\n\x00", "é😀\x7f", ""}),
		rapid.SliceOfN(inner, 0, 3).AsAny(), rapid.MapOfN(rapid.String(), inner, 0, 3).AsAny(),
	)
})

var inner = rapid.OneOf(rapid.String().AsAny(), rapid.SliceOfN(rapid.String().AsAny(), 0, 3).AsAny(), rapid.Just[any](json.Number("2.0")))

func TestDumpedTwice(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		v := value.Draw(t, "value")
		raw, err := json.Marshal(v)
		if err != nil {
			t.Skip(err)
		}
		once := dump(nil, v)
		twice := pytext.AppendJSONString(nil, string(once))
		if got := pytext.DumpedTwice(raw); got != len(twice) {
			t.Fatalf("length of %s is %d, want %d: %s", raw, got, len(twice), twice)
		}
		var indented bytes.Buffer
		if err := json.Indent(&indented, raw, "", "\t"); err != nil {
			t.Fatal(err)
		}
		if got := pytext.DumpedTwice(indented.Bytes()); got != len(twice) {
			t.Fatalf("white space changes the length to %d, want %d", got, len(twice))
		}
	})
}
