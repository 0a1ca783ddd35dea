package intrinsic_test

import (
	"testing"

	"sundog/asl/intrinsic"
)

// What parses is itself again, evaluates without a panic, and evaluates to the same again.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		`States.Format('Hello {} \'\\\{', $.a, $$.b, $c.d[0])`,
		`States.Array('Foo', 2020, $.j, null, true)`,
		`States.ArrayGetItem(States.StringSplit($.s, '-'), States.MathAdd(1, -1))`,
		`States.JsonMerge(States.StringToJson('{"a": 1}'), $, false)`,
		`States.MathRandom(1, 10, 3)`,
		`States.ArrayRange(1, 10, 3)`,
		`States.Hash(States.UUID(), 'MD5')`,
		`States.ArrayPartition($..*, 2)`,
		`States.ArrayUnique($.list[?(@ == 1)])`,
		`States.Base64Decode(States.Base64Encode('x'))`,
	} {
		f.Add(seed)
	}
	doc := parseJSON(f, `{"a":[1,2.5,{"s":"x-y"}],"s":"a-b","list":[1,1]}`)
	f.Fuzz(func(t *testing.T, expr string) {
		c, err := intrinsic.Parse(expr)
		if err != nil {
			return
		}
		if c.String() != expr {
			t.Fatalf("Parse(%q) is %q", expr, c)
		}
		_, err = c.Eval(&env{state: doc, context: doc})
		_, again := c.Eval(&env{state: doc, context: doc})
		if (err == nil) != (again == nil) {
			t.Fatalf("%q: %v, then %v", expr, err, again)
		}
	})
}
