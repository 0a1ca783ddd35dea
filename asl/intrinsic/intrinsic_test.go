package intrinsic_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"sundog/asl/intrinsic"
	"sundog/jsonpath"
)

// env evaluates paths in documents and counts instead of throwing dice.
type env struct {
	state, context any
	variables      map[string]any
	random         uint64
}

var errNoValue = errors.New("there is no value")

func (e *env) Path(arg *intrinsic.PathArg) (any, error) {
	doc := e.state
	switch arg.Root {
	case jsonpath.Context:
		doc = e.context
	case jsonpath.Variable:
		doc = e.variables[arg.Variable]
	}
	v, ok, err := arg.Path.Get(doc)
	if err == nil && !ok {
		err = errNoValue
	}
	return v, err
}

func (e *env) Random() uint64 {
	e.random += 0x9E3779B97F4A7C15
	return e.random
}

func (e *env) UUID() string { return "00000000-0000-4000-8000-000000000000" }

func parseJSON(t testing.TB, text string) any {
	t.Helper()
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return v
}

func evalText(t *testing.T, expr, input string) (string, error) {
	t.Helper()
	c, err := intrinsic.Parse(expr)
	if err != nil {
		t.Fatalf("Parse(%s): %v", expr, err)
	}
	v, err := c.Eval(&env{
		state:     parseJSON(t, input),
		context:   parseJSON(t, `{"Execution":{"Id":"arn:1"}}`),
		variables: map[string]any{"x": parseJSON(t, `{"a":[7,8]}`)},
	})
	if err != nil {
		return "", err
	}
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b), nil
}

func TestEval(t *testing.T) {
	for _, test := range []struct{ expr, input, want string }{
		{`States.Format('Hello {}', $.name)`, `{"name":"World"}`, `"Hello World"`},
		{`States.Format('{} and {}', 1.50, null)`, `{}`, `"1.50 and null"`},
		{`States.Format('{}', $)`, `{"b":["x",{"c":true}],"a":1}`, `"{a=1, b=[x, {c=true}]}"`},
		{`States.Format('\{\} \{{}\} \' \\ {', $.v)`, `{"v":"x"}`, `"{} {x} ' \\ {"`},
		{`States.Format($.t, 1)`, `{"t":"n={}"}`, `"n=1"`},
		{`States.Format('')`, `{}`, `""`},
		{`States.Format('{}-{}', $$.Execution.Id, $x.a[1])`, `{}`, `"arn:1-8"`},
		{`States.StringToJson($.s)`, `{"s":"{\"n\":1.0}"}`, `{"n":1.0}`},
		{`States.StringToJson('')`, `{}`, `null`},
		{`States.JsonToString($)`, `{"a":"<&>","b":[1.10]}`, `"{\"a\":\"\u003c\u0026\u003e\",\"b\":[1.10]}"`},
		{`States.Array()`, `{}`, `[]`},
		{`States.Array('Foo', 2020, $.j, null, true,-2.5)`, `{"j":{"a":"b"}}`, `["Foo",2020,{"a":"b"},null,true,-2.5]`},
		{`States.ArrayPartition($, 4)`, `[1,2,3,4,5,6,7,8,9]`, `[[1,2,3,4],[5,6,7,8],[9]]`},
		{`States.ArrayPartition($, 1.5)`, `[1,2,3]`, `[[1,2],[3]]`},
		{`States.ArrayPartition($, 9007199254740993)`, `[1]`, `[[1]]`},
		{`States.ArrayContains($.a, 1.0)`, `{"a":[2,1]}`, `true`},
		{`States.ArrayContains($.a, '1')`, `{"a":[1]}`, `false`},
		{`States.ArrayContains($.a, $.o)`, `{"a":[{"x":1,"y":[2]}],"o":{"y":[2],"x":1}}`, `true`},
		{`States.ArrayRange(1, 9, 2)`, `{}`, `[1,3,5,7,9]`},
		{`States.ArrayRange(3, 0, -2)`, `{}`, `[3,1]`},
		{`States.ArrayRange(1, 0, 1)`, `{}`, `[]`},
		{`States.ArrayRange(0.5, 2.4, 0.6)`, `{}`, `[1,2]`},
		{`States.ArrayRange(9223372036854775000, 9223372036854775807, 500)`, `{}`, `[9223372036854775000,9223372036854775500]`},
		{`States.ArrayGetItem($, 1)`, `[1,{"a":2}]`, `{"a":2}`},
		{`States.ArrayLength($.items[*].none)`, `{"items":[1,2]}`, `0`},
		{`States.ArrayUnique($)`, `[1,2,1.0,"1",[1],[1.0],null,null,{"a":1,"b":2},{"b":2,"a":1}]`, `[1,2,"1",[1],null,{"a":1,"b":2}]`},
		{`States.Base64Encode('Data to encode')`, `{}`, `"RGF0YSB0byBlbmNvZGU="`},
		{`States.Base64Decode('/w==')`, `{}`, "\"\uFFFD\""},
		{`States.Hash('input data', 'SHA-1')`, `{}`, `"aaff4a450a104cd177d28d18d74485e8cae074b7"`},
		{`States.Hash('', 'SHA-512')`, `{}`, `"cf83e1357eefb8bdf1542850d66d8007d620e4050b5715dc83f4a921d36ce9ce47d0d13c5d85f2b0ff8318d2877eec2f63b931bd47417a81a538327af927da3e"`},
		{`States.Hash($, 'MD5')`, `{"a":1}`, `"bb6cb5c68df4652941caf652a366f2d8"`},
		{`States.JsonMerge($.a, $.b, false)`, `{"a":{"x":{"y":1},"z":1},"b":{"x":{"w":2}}}`, `{"x":{"w":2},"z":1}`},
		{`States.MathAdd(-2.5, 0.5)`, `{}`, `-1`},
		{`States.MathAdd(2147483647, 2147483647)`, `{}`, `4294967294`},
		{`States.StringSplit('This.is+a,test=string', '.+,=')`, `{}`, `["This","is","a","test","string"]`},
		{`States.StringSplit('a b', '')`, `{}`, `["a b"]`},
		{`States.StringSplit('aéb', 'é')`, `{}`, `["a","b"]`},
		{`States.UUID()`, `{}`, `"00000000-0000-4000-8000-000000000000"`},
		{`States.ArrayGetItem($.r[?(@.k == B)].v, 0)`, `{"r":[{"k":"A","v":1},{"k":"B","v":2}]}`, `2`},
		{`States.MathAdd($.a.length(), States.ArrayLength( $.a ) )`, `{"a":[1,2]}`, `4`},
	} {
		got, err := evalText(t, test.expr, test.input)
		if err != nil || got != test.want {
			t.Errorf("%s of %s = %s, %v, want %s", test.expr, test.input, got, err, test.want)
		}
	}
}

func TestEvalFailure(t *testing.T) {
	long := strings.Repeat("x", intrinsic.MaxText+1)
	for _, test := range []struct{ expr, input, reason string }{
		{`States.Format('{}')`, `{}`, "States.Format: the template has 1 places {} but there are 0 arguments for them"},
		{`States.Format('', 1)`, `{}`, "0 places"},
		{`States.Format($.n, 1)`, `{"n":1}`, "argument 1 must be of type string but is of type number"},
		{`States.StringToJson('{')`, `{}`, "the text is not JSON"},
		{`States.StringToJson('1 2')`, `{}`, "there is more after the value"},
		{`States.ArrayPartition($, 0)`, `[1]`, "at least 1"},
		{`States.ArrayPartition($, 1)`, `{}`, "argument 1 must be of type array but is of type object"},
		{`States.ArrayRange(1, 1001, 0)`, `{}`, "step must not be 0"},
		{`States.ArrayRange(0, 1000, 1)`, `{}`, "at most 1000"},
		{`States.ArrayGetItem($, -1)`, `[1]`, "outside"},
		{`States.ArrayGetItem($, 1)`, `[1]`, "the index 1 is outside of the array, which has 1 items"},
		{`States.ArrayGetItem($, 1e300)`, `[1]`, "out of range"},
		{`States.Base64Encode($)`, `"` + long + `"`, "10001 characters"},
		{`States.Base64Decode('?')`, `{}`, "not Base64"},
		{`States.Hash('x', 'SHA256')`, `{}`, "SHA-256"},
		{`States.Hash($, 'MD5')`, `"` + long + `"`, "10001 characters"},
		{`States.JsonMerge($, $, true)`, `{}`, "no deep merge"},
		{`States.MathAdd(2147483648, 0)`, `{}`, "-2147483648 to 2147483647"},
		{`States.MathRandom(1, 1)`, `{}`, "less than"},
		{`States.Array(States.ArrayLength($.n))`, `{"n":1}`, "States.ArrayLength: argument 1"},
	} {
		_, err := evalText(t, test.expr, test.input)
		failure, ok := errors.AsType[*intrinsic.Error](err)
		if !ok || !strings.Contains(err.Error(), test.reason) {
			t.Errorf("%s of %.40s: %v, want %q", test.expr, test.input, err, test.reason)
			continue
		}
		if failure.Name() != "States.IntrinsicFailure" || failure.Call != test.expr {
			t.Errorf("%s: error %s of call %s", test.expr, failure.Name(), failure.Call)
		}
	}
}

// A path without a value is named in the words of AWS, with the whole expression, however deep it stands.
func TestPathFailure(t *testing.T) {
	expr := `States.Format('{}', States.ArrayLength($.nope))`
	_, err := evalText(t, expr, `{}`)
	failure, ok := errors.AsType[*intrinsic.Error](err)
	if !ok || failure.Name() != "States.Runtime" || !errors.Is(err, errNoValue) {
		t.Fatalf("%s: %v", expr, err)
	}
	if want := "The function '" + expr + "' had the following error: there is no value"; err.Error() != want {
		t.Errorf("error %q, want %q", err, want)
	}
}

func TestMathRandom(t *testing.T) {
	c, err := intrinsic.Parse("States.MathRandom(-2.5, 3)")
	if err != nil {
		t.Fatal(err)
	}
	seen := map[any]bool{}
	e := &env{}
	for range 1000 {
		v, err := c.Eval(e)
		if err != nil {
			t.Fatal(err)
		}
		seen[v] = true
	}
	want := map[any]bool{}
	for i := -2; i < 3; i++ {
		want[json.Number(fmt.Sprint(i))] = true
	}
	if diff := cmp.Diff(want, seen); diff != "" {
		t.Errorf("numbers seen (-want +got):\n%s", diff)
	}
	for _, seed := range []string{"3", "4"} {
		first, err := evalText(t, "States.MathRandom(0, 999999, "+seed+")", `{}`)
		again, err2 := evalText(t, "States.MathRandom(0, 999999, "+seed+")", `{}`)
		if err != nil || err2 != nil || first != again {
			t.Errorf("seed %s: %s and %s, %v %v", seed, first, again, err, err2)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	nested := strings.Repeat("States.Array(", intrinsic.MaxCalls+1) + strings.Repeat(")", intrinsic.MaxCalls+1)
	for _, test := range []struct {
		expr   string
		offset int
	}{
		{``, 0},
		{` States.Array()`, 0},
		{`States.Array() `, 14},
		{`States.Array`, 0},
		{`States.array()`, 0},
		{`States.Array (1)`, 0},
		{`States.Array(`, 13},
		{`States.Array(1`, 13},
		{`States.Array(1,)`, 15},
		{`States.Array(1 2)`, 15},
		{`States.Array("a")`, 13},
		{`States.Array('a)`, 13},
		{`States.Array('\n')`, 14},
		{`States.Format('He said, \"Hello, {}!\"', 'x')`, 24},
		{`States.Array(01)`, 13},
		{`States.Array(True)`, 13},
		{`States.Array($.a[)`, 17},
		{`States.Array($$.a[)`, 18},
		{`States.Array($xy.a[)`, 19},
		{`States.MathAdd(1)`, 0},
		{`States.MathAdd(1,'-1')`, 17},
		{`States.UUID(1)`, 0},
		{`States.Array(States.ArrayLength('x'))`, 32},
		{nested, strings.LastIndex(nested, "States")},
		{"States.Array('\xff')", 0},
		{"States.Array('" + strings.Repeat("x", intrinsic.MaxLength) + "')", 0},
	} {
		_, err := intrinsic.Parse(test.expr)
		syntax, ok := errors.AsType[*intrinsic.SyntaxError](err)
		if !ok || syntax.Offset != test.offset {
			t.Errorf("Parse(%.60s): %v, want an error at byte %d", test.expr, err, test.offset)
		}
	}
}

func TestPaths(t *testing.T) {
	c, err := intrinsic.Parse(`States.Format('{}{}{}', $.a, States.ArrayLength($$.b), $c[0])`)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for arg := range c.Paths {
		got = append(got, fmt.Sprint(arg.Text, " ", arg.Root, arg.Variable, " ", arg.Path))
	}
	want := []string{"$.a 0 $['a']", "$$.b 1 $['b']", "$c[0] 2c $[0]"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("paths (-want +got):\n%s", diff)
	}
	for arg := range c.Paths {
		if arg.Text != "$.a" {
			t.Errorf("the iteration went on to %s", arg.Text)
		}
		break
	}
}
