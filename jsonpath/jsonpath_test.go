package jsonpath_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"sundog/jsonpath"
)

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

const store = `{
	"store": {
		"book": [
			{"category": "reference", "title": "Sayings", "price": 8.95, "tags": ["a", "b"]},
			{"category": "fiction", "title": "Sword", "price": 12.99, "isbn": null},
			{"category": "fiction", "title": "Moby Dick", "price": 8.99, "isbn": "0-553", "tags": []},
			{"category": "fiction", "title": "Rings", "price": 22, "isbn": "0-395", "tags": ["b"]}
		],
		"bicycle": {"color": "red", "price": 19.95}
	},
	"store-id": 7, "größe": 1, "a.b": {"c d": 2}, "it's": 3, "Test\\\"\"Name\"": 4, "${x}": 5, "0": 6,
	"limit": 10, "null": null, "matrix": [[1, 2], [3]], "empty": []
}`

const none = "(none)" // a definite path that leads nowhere

func TestGet(t *testing.T) {
	doc := parseJSON(t, store)
	for _, test := range []struct{ path, want string }{
		// Names.
		{`$.store.bicycle.color`, `"red"`},
		{`$['store']["bicycle"]['color']`, `"red"`},
		{`$[ 'store' ].bicycle`, `{"color": "red", "price": 19.95}`},
		{`$.store-id`, `7`},
		{`$.größe`, `1`},
		{`$['a.b']['c d']`, `2`},
		{`$['it\'s']`, `3`},
		{`$["it's"]`, `3`},
		{`$['Test\""Name"']`, `4`},
		{`$.${x}`, `5`},
		{`$.0`, `6`},
		{`$.['store-id']`, `7`},
		{`$.null`, `null`},
		{`$.nope`, none},
		{`$.null.nope`, none},
		{`$.store-id.nope`, none},
		{`$.store.book.title`, none},
		{`$['store-id','limit','nope']`, `{"store-id": 7, "limit": 10}`},
		{`$['store','x'].bicycle.color`, `["red"]`},
		// Indexes.
		{`$.store.book[0].title`, `"Sayings"`},
		{`$.store.book.[1].title`, `"Sword"`},
		{`$.store.book[-1].title`, `"Rings"`},
		{`$.store.book[4]`, none},
		{`$.store.book[-5]`, none},
		{`$.store[0]`, none},
		{`$.store.book[0, 2].title`, `["Sayings", "Moby Dick"]`},
		{`$.store.book[0,9].title`, `["Sayings"]`},
		// Slices.
		{`$.store.book[1:3].title`, `["Sword", "Moby Dick"]`},
		{`$.store.book[:1].title`, `["Sayings"]`},
		{`$.store.book[-2:].title`, `["Moby Dick", "Rings"]`},
		{`$.store.book[: -3].title`, `["Sayings"]`},
		{`$.store.book[:].title`, `["Sayings", "Sword", "Moby Dick", "Rings"]`},
		{`$.store.book[3:1]`, `[]`},
		{`$.store.book[9:]`, `[]`},
		{`$.store[0:1]`, `[]`},
		{`$.nope[0:1]`, `[]`},
		// Wildcards and descendants.
		{`$.store.book[*].title`, `["Sayings", "Sword", "Moby Dick", "Rings"]`},
		{`$.store.bicycle.*`, `["red", 19.95]`},
		{`$.matrix[*][*]`, `[1, 2, 3]`},
		{`$.matrix.*.*`, `[1, 2, 3]`},
		{`$.nope[*]`, `[]`},
		{`$.limit[*]`, `[]`},
		{`$..price`, `[19.95, 8.95, 12.99, 8.99, 22]`},
		{`$..['color']`, `["red"]`},
		{`$..book[0].title`, `["Sayings"]`},
		{`$.matrix..*`, `[[1, 2], [3], 1, 2, 3]`},
		{`$..nope`, `[]`},
		{`$..['color','isbn']`, `["red", null, "0-553", "0-395"]`},
		// Filters.
		{`$.store.book[?(@.price < 10)].title`, `["Sayings", "Moby Dick"]`},
		{`$.store.book[?(@.price < $.limit)].title`, `["Sayings", "Moby Dick"]`},
		{`$.store.book[?(@.price >= 12.99 && @.category == 'fiction')].title`, `["Sword", "Rings"]`},
		{`$.store.book[?(@.price == 22.0)].title`, `["Rings"]`},
		{`$.store.book[?(@.title=="Rings"||@.title=='Sword')].title`, `["Sword", "Rings"]`},
		{`$.store.book[?(@.category == 'x' || @.price > 9 && @.price < 20)].title`, `["Sword"]`},
		{`$.store.book[?((@.price > 20 || @.price < 8.96) && @.category == 'fiction')].title`, `["Rings"]`},
		{`$.store.book[?(@.isbn)].title`, `["Sword", "Moby Dick", "Rings"]`},
		{`$.store.book[?(!@.isbn)].title`, `["Sayings"]`},
		{`$.store.book[?(!(@.isbn || @.price > 10))].title`, `["Sayings"]`},
		{`$.store.book[?(@.isbn == null)].title`, `["Sword"]`},
		{`$.store.book[?(@.isbn != null)].title`, `["Sayings", "Moby Dick", "Rings"]`},
		{`$.store.book[?(@.isbn != '0-553')].title`, `["Sayings", "Sword", "Rings"]`},
		{`$.store.book[?(@.title == Rings)].title`, `["Rings"]`},
		{`$.store.book[?('Rings' == @.title)].title`, `["Rings"]`},
		{`$.store.book[?(@.title =~ /s.*/i)].title`, `["Sayings", "Sword"]`},
		{`$.store.book[?(@.title =~ /ayings/)].title`, `[]`},
		{`$.store.book[?(@.title in ['Rings', "Sword"])].title`, `["Sword", "Rings"]`},
		{`$.store.book[?(@.price IN [22, 8.95])].title`, `["Sayings", "Rings"]`},
		{`$.store.book[?(@.title nin ['Rings', "Sword"])].title`, `["Sayings", "Moby Dick"]`},
		{`$.store.book[?(@.tags contains 'b')].title`, `["Sayings", "Rings"]`},
		{`$.store.book[?(@.title contains 'ing')].title`, `["Sayings", "Rings"]`},
		{`$.store.book[?(@.tags size 2)].title`, `["Sayings"]`},
		{`$.store.book[?(@.tags empty true)].title`, `["Moby Dick"]`},
		{`$.store.book[?(@.tags empty false)].title`, `["Sayings", "Rings"]`},
		{`$.store.book[?(@.tags subsetof ['a','b','c'])].title`, `["Sayings", "Moby Dick", "Rings"]`},
		{`$.store.book[?(@.tags anyof ['a'])].title`, `["Sayings"]`},
		{`$.store.book[?(@.tags noneof ['a'])].title`, `["Moby Dick", "Rings"]`},
		{`$.store.book[?(@.tags == ['b'])].title`, `["Rings"]`},
		{`$.store.book[?(@.tags[0] == 'b')].title`, `["Rings"]`},
		{`$.store.book[?(@.tags.length() == 2)].title`, `["Sayings"]`},
		{`$.store.book[?(@.tags[*])].title`, `["Sayings", "Rings"]`},
		{`$.store.book[?(@.tags[?(@ == 'a')])].title`, `["Sayings"]`},
		{`$.store.book[?(@['price'] > 20)]['title']`, `["Rings"]`},
		{`$.store.book[?(@.price == '22')].title`, `["Rings"]`},
		{`$.store.book[?(@.title > 'Sa')].title`, `["Sayings", "Sword"]`},
		{`$.store.book[?(@.title < 10)].title`, `[]`},
		{`$.store.book[?(@.nope < 10)].title`, `[]`},
		{`$.store.bicycle[?(@.price > 10)].color`, `["red"]`},
		{`$.[?(@.limit > 0)].limit`, `[10]`},
		{`$..[?(@.color)].price`, `[19.95]`},
		{`$.limit[?(@ > 1)]`, `[]`},
		{`$.matrix[*][?(@ <= 2)]`, `[1, 2]`},
		// Functions.
		{`$.store.book.length()`, `4`},
		{`$.store.bicycle.length()`, `2`},
		{`$.limit.length()`, `null`},
		{`$..price.length()`, `5`},
		{`$.nope.length()`, none},
		{`$.nope[*].length()`, `0`},
		{`$.matrix[0].sum()`, `3`},
		{`$.matrix[0].avg()`, `1.5`},
		{`$.matrix[0].min()`, `1`},
		{`$.matrix[0].max()`, `2`},
		{`$.matrix[0].stddev()`, `0.5`},
		{`$..price.max()`, `22`},
		{`$.store.bicycle.keys()`, `["color", "price"]`},
		{`$.store.book.first().title`, `error`},
		{`$.matrix.first()`, `[1, 2]`},
		{`$.matrix.last()`, `[3]`},
		{`$.matrix.index(-2)`, `[1, 2]`},
	} {
		path, err := jsonpath.Parse(test.path)
		if err != nil {
			if test.want != "error" {
				t.Errorf("%v", err)
			}
			continue
		}
		got, ok, err := path.Get(doc)
		if err != nil {
			t.Errorf("%v", err)
			continue
		}
		if !ok {
			if test.want != none {
				t.Errorf("%s selects nothing, want %s", test.path, test.want)
			}
			continue
		}
		if test.want == none || test.want == "error" {
			t.Errorf("%s = %v, want %s", test.path, got, test.want)
			continue
		}
		if diff := cmp.Diff(parseJSON(t, test.want), got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.path, diff)
		}
	}
	if diff := cmp.Diff(parseJSON(t, store), doc); diff != "" {
		t.Errorf("the document was changed (-want +got):\n%s", diff)
	}
}

func TestIsDefinite(t *testing.T) {
	for path, want := range map[string]bool{
		`$`: true, `$.a[0]['b']`: true, `$.a[-1]`: true, `$['a','b']`: true, `$.a[*].length()`: true,
		`$['a','b'].c`: false, `$.a[0,1]`: false, `$.a[0:1]`: false, `$.*`: false, `$..a`: false, `$.a[?(@.b)]`: false,
	} {
		p, err := jsonpath.Parse(path)
		if err != nil {
			t.Errorf("%v", err)
		} else if got := p.IsDefinite(); got != want {
			t.Errorf("%s: definite is %t, want %t", path, got, want)
		}
	}
}

func TestString(t *testing.T) {
	for path, want := range map[string]string{
		`$`:                             `$`,
		`$.a.b[0].c-d`:                  `$['a']['b'][0]['c-d']`,
		`$.["a'b"]`:                     `$['a\'b']`,
		`$['a\\b','c']`:                 `$['a\\b','c']`,
		`$..a[*].b.*`:                   `$..['a'][*]['b'][*]`,
		`$.a[1:][:-1][0, 2]`:            `$['a'][1:][:-1][0,2]`,
		`$.a.length()`:                  `$['a'].length()`,
		`$.a.index( 3 )`:                `$['a'].index(3)`,
		`$[?( @.a==1&&(@.b||!@.c) )].d`: `$[?(@['a'] == 1 && (@['b'] || !@['c']))]['d']`,
		`$[?(@ IN [1,'x',null,true])]`:  `$[?(@ in [1, 'x', null, true])]`,
		`$[?(@.a =~ /\/.*/i)]`:          `$[?(@['a'] =~ /\/.*/i)]`,
		`$[?($.a[0] >= word)]`:          `$[?($['a'][0] >= 'word')]`,
	} {
		p, err := jsonpath.Parse(path)
		if err != nil {
			t.Errorf("%v", err)
		} else if got := p.String(); got != want {
			t.Errorf("%s in normal form is %s, want %s", path, got, want)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	deep := `$[?(` + strings.Repeat("(", 100) + `@.a` + strings.Repeat(")", 100) + `)]`
	for _, test := range []struct {
		path   string
		offset int
	}{
		{``, 0},
		{`a`, 0},
		{`.a`, 0},
		{` $`, 0},
		{`$ `, 1},
		{`$a`, 1},
		{`$$23`, 1},
		{`$.`, 2},
		{`$..`, 3},
		{`$...`, 3},
		{`$.a.`, 4},
		{`$.a b`, 3},
		{`$.a,b`, 3},
		{`$.'a'`, 2},
		{`$[`, 2},
		{`$[]`, 2},
		{`$[a]`, 2},
		{`$['a`, 2},
		{`$['a'`, 5},
		{`$['a',]`, 6},
		{`$['a',0]`, 6},
		{`$[0,]`, 4},
		{`$[0,'a']`, 4},
		{`$[-]`, 2},
		{`$[99999999999]`, 2},
		{`$[0:5:2]`, 5},
		{`$[?]`, 3},
		{`$[?@.a]`, 3},
		{`$[?()]`, 4},
		{`$[?(@.a]`, 7},
		{`$[?(@.a)`, 8},
		{`$[?(@.a = 1)]`, 8},
		{`$[?(@.a ==)]`, 10},
		{`$[?(@.a == 1 &&)]`, 15},
		{`$[?(@.a & 1)]`, 8},
		{`$[?(1)]`, 5},
		{`$[?(@.a =~ 'x')]`, 11},
		{`$[?(@.a =~ /(/)]`, 11},
		{`$[?(@.a =~ /x)]`, 11},
		{`$[?(@.a in [1)]`, 13},
		{`$.a.nope()`, 4},
		{`$.a.length(1)`, 4},
		{`$.a.index(x)`, 4},
		{`$.a.length(`, 11},
		{`$.a.length().b`, 12},
		{deep, 35},
		{"$.a\xff", 4},
		{"$['\xff']", 6},
		{`$` + strings.Repeat(".a", jsonpath.MaxLength/2), jsonpath.MaxLength + 1},
	} {
		p, err := jsonpath.Parse(test.path)
		syntax, ok := errors.AsType[*jsonpath.SyntaxError](err)
		if !ok {
			t.Errorf("Parse(%.60q) = %v, %v, want an error", test.path, p, err)
		} else if syntax.Offset != test.offset {
			t.Errorf("%v: want byte %d", err, test.offset)
		}
	}
}

func TestParsePrefix(t *testing.T) {
	for _, test := range []struct{ text, path, rest string }{
		{`$.a, 1)`, `$['a']`, `, 1)`},
		{`$)`, `$`, `)`},
		{`$.a[?(@.b == ')')].c )`, `$['a'][?(@['b'] == ')')]['c']`, ` )`},
		{`$.a.length())`, `$['a'].length()`, `)`},
	} {
		p, rest, err := jsonpath.ParsePrefix(test.text)
		if err != nil {
			t.Errorf("%v", err)
		} else if p.String() != test.path || rest != test.rest {
			t.Errorf("%s: %s and %q, want %s and %q", test.text, p, rest, test.path, test.rest)
		}
	}
}

func TestSplit(t *testing.T) {
	for _, test := range []struct {
		expr string
		root jsonpath.Root
		name string
		rest string
	}{
		{`$`, jsonpath.State, "", `$`},
		{`$.a`, jsonpath.State, "", `$.a`},
		{`$[0]`, jsonpath.State, "", `$[0]`},
		{`$$`, jsonpath.Context, "", `$`},
		{`$$.Map.Item`, jsonpath.Context, "", `$.Map.Item`},
		{`$x`, jsonpath.Variable, "x", `$`},
		{`$x_1.a[0]`, jsonpath.Variable, "x_1", `$.a[0]`},
		{`$größe['b']`, jsonpath.Variable, "größe", `$['b']`},
	} {
		root, name, rest, err := jsonpath.Split(test.expr)
		if err != nil || root != test.root || name != test.name || rest != test.rest {
			t.Errorf("Split(%s) = %v, %q, %q, %v, want %v, %q, %q", test.expr, root, name, rest, err, test.root, test.name, test.rest)
		}
	}
	for _, expr := range []string{``, `x`, ` $x`, `$1`, `$_a`, `$` + strings.Repeat("x", 81)} {
		if root, name, rest, err := jsonpath.Split(expr); err == nil {
			t.Errorf("Split(%s) = %v, %q, %q, want an error", expr, root, name, rest)
		}
	}
}

func TestGetFailure(t *testing.T) {
	doc := parseJSON(t, `{"a": [1], "e": [], "s": "x", "huge": [1e999]}`)
	for path, want := range map[string]string{
		`$.s.sum()`:    "applies to an array only",
		`$.e.sum()`:    "no numbers",
		`$.huge.sum()`: "out of range",
		`$.a.keys()`:   "applies to an object only",
		`$.a.index(1)`: "no such element",
		`$.s.first()`:  "applies to an array only",
	} {
		p, err := jsonpath.Parse(path)
		if err != nil {
			t.Errorf("%v", err)
		} else if v, _, err := p.Get(doc); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s = %v, %v, want an error with %q", path, v, err, want)
		}
	}
}

// A path that multiplies what it selects is given up instead of filling the memory.
func TestCostIsBounded(t *testing.T) {
	doc := any("x")
	for range 17 {
		doc = []any{doc, doc}
	}
	for _, path := range []string{
		"$" + strings.Repeat("..*", 12),
		"$" + strings.Repeat("[0,0,0,0,0,0,0,0]", 12),
		"$..[?(@..* contains 1)]..*",
	} {
		p, err := jsonpath.Parse(path)
		if err != nil {
			t.Fatal(err)
		}
		if _, _, err := p.Get(doc); !errors.Is(err, jsonpath.ErrTooCostly) {
			t.Errorf("%s: %v, want ErrTooCostly", path, err)
		}
	}
}
