package jsonata_test

import (
	"context"
	"encoding/json"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"sundog/jsonata"
)

func options() jsonata.Options {
	return jsonata.Options{
		Now:    time.Date(2026, 3, 14, 1, 59, 26, 535_000_000, time.UTC),
		Random: rand.New(rand.NewPCG(1, 2)).Uint64,
	}
}

func bindings() map[string]any {
	return map[string]any{
		"states": map[string]any{
			"input":   json.RawMessage(`{"a": 1, "b": null, "list": [3, 1.50, 12345678901234567890], "s": "x<y", "z": {"b": 1, "a": 2}}`),
			"context": json.RawMessage(`{"Execution": {"Id": "arn:1"}}`),
		},
		"n":       json.Number("2"),
		"nothing": nil,
		"on":      true,
	}
}

func TestEval(t *testing.T) {
	for _, test := range []struct{ expr, want string }{
		// Values go through as they are.
		{`$states.input.a`, `1`},
		{`$states.input.b`, `null`},
		{`$nothing`, `null`},
		{`$states.input.list`, `[3,1.50,12345678901234567890]`},
		{`$states.input.z`, `{"b":1,"a":2}`},
		{`$states.input.s`, `"x<y"`},
		{`{'b': $on, 'a': null, 'c': [], 'd': {}}`, `{"b":true,"a":null,"c":[],"d":{}}`},
		{`{"t": 't'} ~> | $ | {"u": [1]} |`, `{"t":"t","u":[1]}`},
		{`$n + 0.5`, `2.5`},
		{`$string($states.context)`, `"{\"Execution\":{\"Id\":\"arn:1\"}}"`},
		{`-0`, `0`},
		{`1e21`, `1e+21`},
		{`0.1 + 0.2`, `0.30000000000000004`},
		// The functions of Step Functions.
		{`$partition([1,2,3], 2)`, `[[1,2],[3]]`},
		{`$partition([0], 1)`, `[[0]]`},
		{`$partition([], 1)`, `[]`},
		{`$partition([null, {"a": [null]}], 1)`, `[[null],[{"a":[null]}]]`},
		{`$partition(5, 2)`, `[[5]]`},
		{`$range(0, 10, 3)`, `[0,3,6,9]`},
		{`$range(3, 0, -2)`, `[3,1]`},
		{`$range(1, 9, 9)`, `1`},
		{`$sum($range(1, 100, 1))`, `5050`},
		{`$hash("input data", "MD5")`, `"812f45842bc6d66ee14572ce20db8e86"`},
		{`$hash("", "SHA-1")`, `"da39a3ee5e6b4b0d3255bfef95601890afd80709"`},
		{`$hash("", "SHA-256")`, `"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"`},
		{`$length($hash("", "SHA-384")) & $length($hash("", "SHA-512"))`, `"96128"`},
		{`$parse('{"b": [1.0, null], "a": "x"}')`, `{"b":[1.0,null],"a":"x"}`},
		{`$type($parse("null"))`, `"null"`},
		{`$random(7) = $random(7) and $random(7) != $random(8)`, `true`},
		{`$random() != $random()`, `true`},
		{`$count([1..10].($random()[$ >= 0 and $ < 1]))`, `10`},
		{`$sum($shuffle([1,2,3,4]))`, `10`},
		{`$shuffle([null])`, `[null]`},
		// Time comes from outside.
		{`$now()`, `"2026-03-14T01:59:26.535Z"`},
		{`$now('[Y0001]-[M01]', '+0100')`, `"2026-03"`},
		{`$millis()`, `1773453566535`},
		{`$fromMillis($millis())`, `"2026-03-14T01:59:26.535Z"`},
		// A variable wins over a function of its name.
		{`($range := 5; $range)`, `5`},
	} {
		got, err := evaluate(test.expr, bindings(), options())
		if err != nil || string(got) != test.want {
			t.Errorf("%s = %s, %v, want %s", test.expr, got, err, test.want)
		}
	}
}

func TestEvalGivesGoValues(t *testing.T) {
	e, err := jsonata.Compile(`{"n": $states.input.list[2], "x": [null, true, "s"]}`)
	if err != nil {
		t.Fatal(err)
	}
	got, err := e.Eval(context.Background(), bindings(), jsonata.Options{})
	want := map[string]any{"n": json.Number("12345678901234567890"), "x": []any{nil, true, "s"}}
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
}

func TestUUID(t *testing.T) {
	o := options()
	first, err := evaluate(`$uuid()`, nil, o)
	second, err2 := evaluate(`$uuid()`, nil, o)
	if err != nil || err2 != nil || string(first) == string(second) {
		t.Fatalf("%s and %s, %v %v", first, second, err, err2)
	}
	if !regexp.MustCompile(`^"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"$`).Match(first) {
		t.Errorf("%s is no UUID of version 4", first)
	}
	again, err := evaluate(`$uuid()`, nil, options())
	if err != nil || string(again) != string(first) {
		t.Errorf("the same random bits give %s and %s, %v", first, again, err)
	}
}

func TestEvalFailure(t *testing.T) {
	for _, test := range []struct {
		expr string
		is   error  // this, or
		code string // an *Error
		text string
	}{
		{expr: `$doesNotExist`, is: jsonata.ErrUndefined},
		{expr: `$states.input.nope.nope`, is: jsonata.ErrUndefined},
		{expr: `unqualified`, is: jsonata.ErrUndefined},
		{expr: `$`, is: jsonata.ErrUndefined},
		{expr: `$range(5, 1, 1)`, is: jsonata.ErrUndefined},
		{expr: `$fn := function($x){$x}`, is: jsonata.ErrUnsupported},
		{expr: `[$sum]`, is: jsonata.ErrUnsupported},
		{expr: `$partition`, is: jsonata.ErrUnsupported},
		{expr: `$randomSeeded(1)`, code: "T1006", text: "T1006: Attempted to invoke a non-function"},
		{expr: `$eval("1")`, code: "T1006"},
		{expr: `1/0`, code: "D1001"},
		{expr: `"x" + 1`, code: "T2001"},
		{expr: `$error("told you")`, code: "D3137", text: "D3137: told you"},
		{expr: `$parse("{")`, code: "D3137"},
		{expr: `$parse(1)`, code: "T0410"},
		{expr: `$partition([1], 0)`, code: "T0410"},
		{expr: `$partition([1], "1")`, code: "T0410"},
		{expr: `$range(1, 2, 0)`, code: "T0410"},
		{expr: `$range(1, 2)`, code: "T0410"},
		{expr: `$range(1, 1e9, 1)`, code: "D2014"},
		{expr: `$hash("x", "SHA256")`, code: "T0410"},
		{expr: `$hash(1, "MD5")`, code: "T0410"},
		{expr: `$random("x")`, code: "T0410"},
		{expr: `($f := function(){$f() + 1}; $f())`, code: "U1001"},
	} {
		got, err := evaluate(test.expr, bindings(), options())
		if test.is != nil {
			if !errors.Is(err, test.is) {
				t.Errorf("%s = %s, %v, want %v", test.expr, got, err, test.is)
			}
			continue
		}
		failure, ok := errors.AsType[*jsonata.Error](err)
		if !ok || failure.Code != test.code || test.text != "" && err.Error() != test.text {
			t.Errorf("%s = %s, %v, want %s %s", test.expr, got, err, test.code, test.text)
		}
	}
}

func TestWithoutRandom(t *testing.T) {
	for _, expr := range []string{`$random()`, `$uuid()`, `$shuffle([1,2])`} {
		if got, err := evaluate(expr, nil, jsonata.Options{}); err == nil {
			t.Errorf("%s = %s, want an error", expr, got)
		}
	}
}

func TestCompileRefuses(t *testing.T) {
	for _, test := range []struct{ expr, code string }{
		{``, "S0201"},
		{`1 +`, "S0201"},
		{`$.store.book[?(@.price < 10)].title`, ""},
		{`"open`, "S0101"},
		{strings.Repeat("(", jsonata.MaxNesting+1) + "1" + strings.Repeat(")", jsonata.MaxNesting+1), ""},
		{"'" + strings.Repeat("x", jsonata.MaxLength) + "'", ""},
	} {
		_, err := jsonata.Compile(test.expr)
		failure, ok := errors.AsType[*jsonata.Error](err)
		if !ok || test.code != "" && failure.Code != test.code {
			t.Errorf("Compile(%.60s): %v, want %s", test.expr, err, test.code)
		}
	}
	// Brackets in strings are not nesting.
	if _, err := jsonata.Compile("'" + strings.Repeat("(", jsonata.MaxNesting+1) + `\''`); err != nil {
		t.Error(err)
	}
}

// Hostile expressions end, whatever they do.
func TestCostIsBounded(t *testing.T) {
	for _, test := range []struct {
		name, expr string
		options    jsonata.Options
	}{
		{"steps", `($f := function($n){$n = 0 ? 0 : $f($n - 1)}; $f(100000000))`, jsonata.Options{MaxSteps: 10_000}},
		{"default steps", `$count([1..100000].([1..100000].(1)))`, jsonata.Options{}},
		{"memory", `($f := function($s, $n){$n = 0 ? $s : $f($s & $s, $n - 1)}; $length($f("x", 60)))`, jsonata.Options{}},
		{"memory, doubled in a few steps", `($s := "xxxxxxxxxxxxxxxx"; ` + strings.Repeat(`$s := $s & $s; `, 40) + `$length($s))`, jsonata.Options{}},
		{"memory, doubled by $reduce", `$length($reduce([1..1000], function($a, $b){$a & $a}, "abc"))`, jsonata.Options{}},
		{"steps of a call in place of itself", `($f := function($n){$f($n + 1)}; $f(0))`, jsonata.Options{MaxSteps: 100_000}},
		{"steps of a function for each of many", `$map([1..200000], function($v){$v})`, jsonata.Options{MaxSteps: 100_000}},
		{"steps of a comparison for each of many", `$sort([1..200000], function($l, $r){$l < $r})`, jsonata.Options{MaxSteps: 100_000}},
		{"steps of a predicate", `$count([1..3000][$ in [1..3000]])`, jsonata.Options{MaxSteps: 1000}},
		{"output", `[1..1000]`, jsonata.Options{MaxOutput: 1000}},
		{"output of a value that refers to itself often", `($f := function($o, $n){$n = 0 ? $o : $f({"a": $o, "b": $o}, $n - 1)}; $f("x", 60))`, jsonata.Options{MaxOutput: 1 << 18}},
		{"output of lists that refer to themselves often", `($f := function($o, $n){$n = 0 ? $o : $f([[$o], [$o]], $n - 1)}; $f("x", 60))`, jsonata.Options{MaxOutput: 1 << 18}},
		{"output of an object", `{"a": {"b": ["xxxxxxxxxx", {"c": 1}]}}`, jsonata.Options{MaxOutput: 20}},
	} {
		if got, err := evaluate(test.expr, nil, test.options); !errors.Is(err, jsonata.ErrTooCostly) {
			t.Errorf("%s: %.40s, %v, want ErrTooCostly", test.name, got, err)
		}
	}
}

func TestEvalStopsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	e, err := jsonata.Compile(`1 + 1`)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := e.EvalText(ctx, nil, jsonata.Options{}); !errors.Is(err, context.Canceled) {
		t.Errorf("%s, %v, want the error of the context", got, err)
	}
}

func TestBindingsThatAreNotUsed(t *testing.T) {
	broken := map[string]any{"states": json.RawMessage(`{`), "other": json.RawMessage(`7`), "others": struct{}{}}
	if got, err := evaluate(`$other`, broken, jsonata.Options{}); err != nil || string(got) != "7" {
		t.Errorf("$other = %s, %v", got, err)
	}
	half := map[string]any{"states": map[string]any{"input": json.RawMessage(`7`), "context": json.RawMessage(`{`)}}
	if got, err := evaluate(`$states.input`, half, jsonata.Options{}); err != nil || string(got) != "7" {
		t.Errorf("$states.input = %s, %v", got, err)
	}
	for _, expr := range []string{`$states`, `$others`} {
		if got, err := evaluate(expr, broken, jsonata.Options{}); err == nil {
			t.Errorf("%s = %s, want an error", expr, got)
		}
	}
}

func TestNeeds(t *testing.T) {
	for _, test := range []struct {
		expr, variable, member string
		want                   bool
	}{
		{`$states.input.a`, "states", "input", true},
		{`$states.input.a`, "states", "context", false},
		{`$states . context`, "states", "context", true},
		{`$states.input & $states`, "states", "context", true},
		{`$states.*.a`, "states", "context", true},
		{"$states.`context`", "states", "context", true},
		{`$states[0].input`, "states", "context", true},
		{`$states.inputs`, "states", "input", false},
		{`$statesman.input`, "states", "input", false},
		{`$x.input`, "states", "input", false},
		{`1`, "states", "input", false},
	} {
		e, err := jsonata.Compile(test.expr)
		if err != nil {
			t.Errorf("%v", err)
		} else if got := e.Needs(test.variable, test.member); got != test.want {
			t.Errorf("%s needs %s of $%s: %t, want %t", test.expr, test.member, test.variable, got, test.want)
		}
	}
}

func TestConcurrentEvaluations(t *testing.T) {
	e, err := jsonata.Compile(`$sum($states.input.list) & $now() & $count($partition([1..9], 2))`)
	if err != nil {
		t.Fatal(err)
	}
	want, err := e.EvalText(context.Background(), bindings(), options())
	if err != nil {
		t.Fatal(err)
	}
	var wait sync.WaitGroup
	for range 8 {
		wait.Go(func() {
			for range 50 {
				if got, err := e.EvalText(context.Background(), bindings(), options()); err != nil || string(got) != string(want) {
					t.Errorf("%s, %v, want %s", got, err, want)
				}
			}
		})
	}
	wait.Wait()
}

// TestStepFunctions evaluates the expressions that stand as the whole Output of a state in cases recorded from AWS. SUNDOG_ASL_CASES names
// the folder of the cases.
func TestStepFunctions(t *testing.T) {
	dir := os.Getenv("SUNDOG_ASL_CASES")
	if dir == "" {
		t.Skip("SUNDOG_ASL_CASES is not set to the folder of the ASL cases")
	}
	text, err := os.ReadFile(filepath.Join(dir, "intrinsics.json"))
	if err != nil {
		t.Fatal(err)
	}
	var cases []struct {
		Name       string
		Definition struct {
			States map[string]struct{ Output json.RawMessage }
		}
		Input    json.RawMessage
		Expected struct {
			Status string
			Output json.RawMessage
		}
	}
	if err := json.Unmarshal(text, &cases); err != nil {
		t.Fatal(err)
	}
	run := 0
	for _, c := range cases {
		var output string
		if json.Unmarshal(c.Definition.States["State_0"].Output, &output) != nil || c.Expected.Status != "SUCCEEDED" {
			continue
		}
		run++
		expr := strings.TrimSuffix(strings.TrimPrefix(output, "{%"), "%}")
		got, err := evaluate(expr, map[string]any{"states": map[string]any{"input": c.Input}}, options())
		if err != nil {
			t.Errorf("%s: %v", c.Name, err)
			continue
		}
		if diff := cmp.Diff(floats(t, c.Expected.Output, false), floats(t, got, false)); diff != "" {
			t.Errorf("%s: %s (-want +got):\n%s", c.Name, expr, diff)
		}
	}
	t.Logf("%d cases run", run)
	if run == 0 {
		t.Error("no case was run")
	}
}

// What compiles can be evaluated without a panic and within its bounds, and gives JSON.
func FuzzEval(f *testing.F) {
	for _, seed := range []string{
		`$states.input.a + 1`, `$map([1..3], function($v){$v * 2})`, `{"a": [1,2][0]}`, `$partition([1,2,3], 2)`, `$match("ab", /a(b)/)`,
		`($f := function($n){$n = 0 ? 0 : $f($n - 1)}; $f(10))`, `$states.input.**[b > 1]{s: $sum(b)}`, `$now() & $uuid()`, `[3,1]^(>$)`,
		`$states ~> |input|{"x": 1}|`, `$fromMillis(0, "[Y]") ~> $parse()`,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, source string) {
		e, err := jsonata.Compile(source)
		if err != nil {
			return
		}
		o := options()
		o.MaxSteps, o.MaxOutput = 2000, 1<<20
		got, err := e.EvalText(t.Context(), bindings(), o)
		if err == nil && !json.Valid(got) {
			t.Fatalf("%q = %q, which is not JSON", source, got)
		}
	})
}

func BenchmarkEval(b *testing.B) {
	for _, expr := range []string{`$states.input.a`, `$states.input.list[0] + 1`, `$uuid()`} {
		e, err := jsonata.Compile(expr)
		if err != nil {
			b.Fatal(err)
		}
		b.Run(expr, func(b *testing.B) {
			b.ReportAllocs()
			variables, o := bindings(), options()
			for b.Loop() {
				if _, err := e.EvalText(context.Background(), variables, o); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkCompile(b *testing.B) {
	for b.Loop() {
		if _, err := jsonata.Compile(`$map($states.input.features, function($f){ $f.properties.'eo:cloud_cover' < 20 ? $f.id })`); err != nil {
			b.Fatal(err)
		}
	}
}
