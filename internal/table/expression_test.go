package table_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/tidwall/gjson"

	"sundog/internal/table"
)

func parse(t testing.TB, text string) table.Item {
	t.Helper()
	item, err := table.ParseItem([]byte(text))
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return item
}

// placeholders are #n for the attribute n and so on, and values as JSON.
func placeholders(t testing.TB, expression, values string) *table.Placeholders {
	t.Helper()
	var names []table.NamedText
	for _, name := range []string{"name", "other", "dotted.name"} {
		if mark := "#" + strings.ReplaceAll(name, ".", "_"); strings.Contains(expression, mark) {
			names = append(names, table.NamedText{Name: mark, Text: name})
		}
	}
	var raws []table.NamedRaw
	gjson.Parse(values).ForEach(func(name, value gjson.Result) bool {
		raw, err := table.DecodeValue(value)
		if err != nil {
			t.Fatal(err)
		}
		raws = append(raws, table.NamedRaw{Name: name.String(), Raw: raw})
		return true
	})
	p, err := table.NewPlaceholders(names, raws)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func message(err error) string {
	if err == nil {
		return ""
	}
	return err.(*table.Error).Message //nolint:errorlint // it is never another
}

const sample = `{"s": {"S": "abc"}, "n": {"N": "5"}, "b": {"B": "AQID"}, "t": {"BOOL": true}, "f": {"BOOL": false}, "z": {"NULL": true}, "ss": {"SS": ["a", "b"]}, "ns": {"NS": ["1", "2"]},
	"l": {"L": [{"S": "x"}, {"N": "2"}, {"M": {"k": {"S": "v"}}}]}, "m": {"M": {"k": {"N": "1"}, "o": {"L": []}}}, "name": {"S": "n"}, "dotted.name": {"S": "d"}, "e": {"S": ""}}`

func TestConditions(t *testing.T) {
	const values = `{":s": {"S": "abc"}, ":a": {"S": "a"}, ":n": {"N": "5.0"}, ":one": {"N": "1"}, ":b": {"B": "AQI="}, ":t": {"BOOL": true}, ":z": {"NULL": true}, ":ss": {"SS": ["b", "a"]}, ":ns": {"NS": ["2", "1.0"]},
		":m": {"M": {"o": {"L": []}, "k": {"N": "1"}}}, ":x": {"S": "x"}, ":S": {"S": "S"}, ":three": {"N": "3"}}`
	item := parse(t, sample)
	for expression, want := range map[string]bool{
		"s = :s": true, "s <> :s": false, "s = :n": false, "s <> :n": true, "absent = :s": false, "absent <> :s": true, "n = :n": true, "n > :one": true, "n < :one": false, "n >= :n": true, "n <= :n": true,
		"s > :a": true, "s < :n": false, "s > :n": false, "b > :b": true, "t = :t": true, "f = :t": false, "z = :z": true, "ss = :ss": true, "ns = :ns": true, "m = :m": true, "l[0] = :x": true, "l[9] = :x": false,
		"l[2].k = :s": false, "m.k = :one": true, "m.k.j = :one": false, "s[0] = :s": false, "#name = :s": false, "#dotted_name <> :s": true, "m.#other = :one": false, ":s = s": true, "(s) = (:s)": true,
		"n BETWEEN :one AND :n": true, "n BETWEEN :n AND :n": true, "absent BETWEEN :one AND :n": false, "s BETWEEN :a AND :s": true, "n IN (:one, :n)": true, "n IN (:one)": false, "absent IN (:one)": false, "m IN (:m)": true,
		"attribute_exists(s)": true, "attribute_exists(l[1])": true, "attribute_exists(l[3])": false, "attribute_not_exists(absent)": true, "attribute_not_exists(m.k)": false, "attribute_type(s, :S)": true, "attribute_type(n, :S)": false,
		"attribute_type(absent, :S)": false, "begins_with(s, :a)": true, "begins_with(s, :s)": true, "begins_with(s, :x)": false, "begins_with(b, :b)": true, "begins_with(n, :a)": false, "begins_with(absent, :a)": false,
		"contains(s, :a)": true, "contains(s, :x)": false, "contains(ss, :a)": true, "contains(ns, :one)": true, "contains(ns, :a)": false, "contains(l, :x)": true, "contains(l, :one)": false, "contains(b, :b)": true, "contains(n, :n)": false,
		"size(s) = :three": true, "size(b) = :three": true, "size(l) = :three": true, "size(ss) > :one": true, "size(m) > :one": true, "size(n) = :one": false, "size(absent) = :one": false, "size(e) < :one": true,
		"s = :s AND n = :one": false, "s = :s OR n = :one": true, "s = :x OR n = :n AND n = :one": false, "(s = :s OR n = :n) AND n = :one": false, "NOT s = :s": false, "NOT s = :x AND n = :n": true, "not (s = :x or n = :one)": true,
		"NOT (NOT s = :s)": true, "NOT not s = :s": true, "s=:s and n=:n AND t=:t": true, "attribute_exists(s) AND (NOT attribute_exists(absent) OR n = :one)": true, "\ts\n=\r:s ": true,
	} {
		c, err := placeholders(t, expression, values).ParseCondition("ConditionExpression", expression)
		if err != nil {
			t.Errorf("%s: %v", expression, err)
			continue
		}
		if got := c.Match(item); got != want {
			t.Errorf("%s is %v", expression, got)
		}
	}
}

func TestConditionsThatAreRefused(t *testing.T) {
	const values = `{":s": {"S": "abc"}, ":n": {"N": "5"}, ":m": {"N": "3"}, ":q": {"S": "Q"}, ":t": {"BOOL": true}}`
	for expression, want := range map[string]string{
		"":                                       "The expression can not be empty;",
		"s":                                      `Syntax error; token: "<EOF>", near: "s"`,
		"s = ":                                   `Syntax error; token: "<EOF>", near: "= "`,
		"s == :s":                                `Syntax error; token: "=", near: "== :s"`,
		"s = :s n = :n":                          `Syntax error; token: "n", near: ":s n ="`,
		"s = :s = :n":                            `Syntax error; token: "=", near: ":s = :n"`,
		"(s = :s":                                `Syntax error; token: "<EOF>", near: ":s"`,
		"(s = :s) = :n":                          `Syntax error; token: "=", near: ") = :n"`,
		"s = and":                                `Syntax error; token: "and", near: "= and"`,
		"s IN :s":                                `Syntax error; token: ":s", near: "IN :s"`,
		"s ! :s":                                 `Syntax error; token: "!", near: "s ! :s"`,
		"l[x] = :s":                              `Syntax error; token: "x", near: "[x]"`,
		"((s = :s))":                             "The expression has redundant parentheses;",
		"((s)) = :s":                             "The expression has redundant parentheses;",
		"foo(s)":                                 "Invalid function name; function: foo",
		"Size(s) = :n":                           "Invalid function name; function: Size",
		"size(s)":                                "The function is not allowed to be used this way in an expression; function: size",
		"s = :s AND size(s)":                     "The function is not allowed to be used this way in an expression; function: size",
		"begins_with(s, :s) = :n":                "The function is not allowed to be used this way in an expression; function: begins_with",
		"status = :s":                            "Attribute name is a reserved keyword; reserved keyword: status",
		"#nobody = :s":                           "An expression attribute name used in the document path is not defined; attribute name: #nobody",
		"s = :nothing":                           "An expression attribute value used in expression is not defined; attribute value: :nothing",
		"attribute_exists(s, n)":                 "Incorrect number of operands for operator or function; operator or function: attribute_exists, number of operands: 2",
		"attribute_exists(:s)":                   "Operator or function requires a document path; operator or function: attribute_exists",
		"attribute_type(s, :q)":                  "Invalid attribute type name found; type: Q, valid types: {B,NULL,SS,BOOL,L,BS,N,NS,S,M}",
		"attribute_type(s, :n)":                  "Incorrect operand type for operator or function; operator or function: attribute_type, operand type: N",
		"begins_with(s, :n)":                     "Incorrect operand type for operator or function; operator or function: begins_with, operand type: N",
		"size(:t) = :n":                          "Incorrect operand type for operator or function; operator or function: size, operand type: BOOL",
		"s.t = s.t":                              "The first operand must be distinct from the remaining operands for this operator or function; operator: =, first operand: [s, t]",
		"n BETWEEN :n AND :m":                    "The BETWEEN operator requires upper bound to be greater than or equal to lower bound; lower bound operand: AttributeValue: {N:5}, upper bound operand: AttributeValue: {N:3}",
		"n BETWEEN :n AND :s":                    "The BETWEEN operator requires same data type for lower and upper bounds; lower bound operand: AttributeValue: {N:5}, upper bound operand: AttributeValue: {S:abc}",
		"s = :" + strings.Repeat("s", 5000):      "Expression size has exceeded the maximum allowed size; expression size: 5005",
		"s=:s" + strings.Repeat(" OR s=:s", 200): "The expression contains too many operators; number of operators: 401, maximum: 300",
		"s IN (:s" + strings.Repeat(",:s", 100) + ")": "The IN operator is provided with too many operands; number of operands: 101",
	} {
		_, err := placeholders(t, expression, values).ParseCondition("FilterExpression", expression)
		if got := message(err); got != "Invalid FilterExpression: "+want {
			t.Errorf("%.60s gives %q, want %q", expression, got, want)
		}
	}
}

func TestUpdates(t *testing.T) {
	const values = `{":s": {"S": "new"}, ":n": {"N": "1.5"}, ":l": {"L": [{"N": "9"}]}, ":ss": {"SS": ["b", "c"]}, ":both": {"SS": ["a", "b"]}, ":m": {"M": {}}}`
	const item = `{"s": {"S": "abc"}, "n": {"N": "5"}, "ss": {"SS": ["a", "b"]}, "l": {"L": [{"N": "0"}, {"N": "1"}, {"N": "2"}, {"N": "3"}]}, "m": {"M": {"k": {"N": "1"}, "d": {"M": {}}}}}`
	for expression, want := range map[string]string{ // what differs; null is what is gone
		"SET s = :s":                                    `{"s": {"S": "new"}}`,
		"set a = :s, c = s":                             `{"a": {"S": "new"}, "c": {"S": "abc"}}`,
		"SET s = n, n = s":                              `{"s": {"N": "5"}, "n": {"S": "abc"}}`,
		"SET n = n + :n":                                `{"n": {"N": "6.5"}}`,
		"SET n = :n - n":                                `{"n": {"N": "-3.5"}}`,
		"SET n = (n - :n)":                              `{"n": {"N": "3.5"}}`,
		"SET n = if_not_exists(n, :n)":                  `{}`,
		"SET x = if_not_exists(x, :n) + :n":             `{"x": {"N": "3"}}`,
		"SET l = list_append(l, :l)":                    `{"l": {"L": [{"N": "0"}, {"N": "1"}, {"N": "2"}, {"N": "3"}, {"N": "9"}]}}`,
		"SET x = list_append(:l, if_not_exists(x, :l))": `{"x": {"L": [{"N": "9"}, {"N": "9"}]}}`,
		"SET l[1] = :s":                                 `{"l": {"L": [{"N": "0"}, {"S": "new"}, {"N": "2"}, {"N": "3"}]}}`,
		"SET l[90] = :s, l[80] = :n":                    `{"l": {"L": [{"N": "0"}, {"N": "1"}, {"N": "2"}, {"N": "3"}, {"N": "1.5"}, {"S": "new"}]}}`,
		"SET m.d.x = :s, m.k = m.k + :n":                `{"m": {"M": {"k": {"N": "2.5"}, "d": {"M": {"x": {"S": "new"}}}}}}`,
		"REMOVE s, absent, m.k, m.nothing":              `{"s": null, "m": {"M": {"d": {"M": {}}}}}`,
		"REMOVE l[0], l[2]":                             `{"l": {"L": [{"N": "1"}, {"N": "3"}]}}`,
		"REMOVE l[0] SET l[1] = :s":                     `{"l": {"L": [{"S": "new"}, {"N": "2"}, {"N": "3"}]}}`,
		"ADD n :n, x :n, m.k :n":                        `{"n": {"N": "6.5"}, "x": {"N": "1.5"}, "m": {"M": {"k": {"N": "2.5"}, "d": {"M": {}}}}}`,
		"ADD ss :ss, x :ss":                             `{"ss": {"SS": ["a", "b", "c"]}, "x": {"SS": ["b", "c"]}}`,
		"DELETE ss :ss":                                 `{"ss": {"SS": ["a"]}}`,
		"DELETE ss :both":                               `{"ss": null}`,
		"DELETE absent :ss":                             `{}`,
		"SET x = :s REMOVE s ADD n :n DELETE ss :ss":    `{"x": {"S": "new"}, "s": null, "n": {"N": "6.5"}, "ss": {"SS": ["a"]}}`,
		"SET #name = :m, #dotted_name.k = :s":           "The document path provided in the update expression is invalid for update",
		"SET x = absent":                                "The provided expression refers to an attribute that does not exist in the item",
		"SET x = n + s":                                 "An operand in the update expression has an incorrect data type",
		"SET x = list_append(l, s)":                     "An operand in the update expression has an incorrect data type",
		"SET s.x = :s":                                  "The document path provided in the update expression is invalid for update",
		"SET m[0] = :s":                                 "The document path provided in the update expression is invalid for update",
		"REMOVE x.y":                                    "The document path provided in the update expression is invalid for update",
		"ADD s :n":                                      "An operand in the update expression has an incorrect data type",
		"ADD ss :n":                                     "An operand in the update expression has an incorrect data type",
	} {
		old := parse(t, item)
		u, err := placeholders(t, expression, values).ParseUpdate(expression)
		if err != nil {
			t.Errorf("%s: %v", expression, err)
			continue
		}
		got, err := u.Apply(old)
		if err != nil {
			if message(err) != want {
				t.Errorf("%s gives %v", expression, err)
			}
			continue
		}
		if diff := cmp.Diff(changed(t, item, want), plain(t, got)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", expression, diff)
		}
		if !old.Equal(parse(t, item)) {
			t.Errorf("%s changed the item itself", expression)
		}
	}
}

// changed is an item with what differs, as JSON values.
func changed(t *testing.T, item, difference string) map[string]any {
	t.Helper()
	var out, diff map[string]any
	if err := json.Unmarshal([]byte(item), &out); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal([]byte(difference), &diff); err != nil {
		t.Fatalf("%s: %v", difference, err)
	}
	for name, v := range diff {
		if out[name] = v; v == nil {
			delete(out, name)
		}
	}
	return out
}

func plain(t *testing.T, item table.Item) map[string]any {
	t.Helper()
	text, err := json.Marshal(item)
	if err != nil {
		t.Fatal(err)
	}
	var out map[string]any
	if err := json.Unmarshal(text, &out); err != nil {
		t.Fatal(err)
	}
	return out
}

func TestUpdatesThatAreRefused(t *testing.T) {
	const values = `{":s": {"S": "abc"}, ":n": {"N": "5"}, ":l": {"L": []}, ":ss": {"SS": ["a"]}}`
	for expression, want := range map[string]string{
		"":                              "The expression can not be empty;",
		" ":                             `Syntax error; token: "<EOF>", near: " "`,
		"FOO a":                         `Syntax error; token: "FOO", near: "FOO a"`,
		"SET a":                         `Syntax error; token: "<EOF>", near: "a"`,
		"SET a = :s,":                   `Syntax error; token: "<EOF>", near: ","`,
		"SET a = b + :n + :n":           `Syntax error; token: "+", near: ":n + :n"`,
		"ADD a b":                       `Syntax error; token: "b", near: "a b"`,
		"SET a = :s SET b = :s":         "The \"SET\" section can only be used once in an update expression;",
		"SET a = :s, a = :n":            "Two document paths overlap with each other; must remove or rewrite one of these paths; path one: [a], path two: [a]",
		"SET a.b = :s REMOVE a":         "Two document paths overlap with each other; must remove or rewrite one of these paths; path one: [a, b], path two: [a]",
		"SET a.b = :s, a[0] = :s":       "Two document paths conflict with each other; must remove or rewrite one of these paths; path one: [a, b], path two: [a, [0]]",
		"SET Comment = :s":              "Attribute name is a reserved keyword; reserved keyword: Comment",
		"SET a = size(b)":               "Invalid function name; function: size",
		"SET a = if_not_exists(b)":      "Incorrect number of operands for operator or function; operator or function: if_not_exists, number of operands: 1",
		"SET a = if_not_exists(:s, :s)": "Operator or function requires a document path; operator or function: if_not_exists",
		"SET a = list_append(:s, b)":    "Incorrect operand type for operator or function; operator or function: list_append, operand type: S",
		"SET a = b + :s":                "Incorrect operand type for operator or function; operator or function: +, operand type: S",
		"ADD a :s":                      "Incorrect operand type for operator or function; operator: ADD, operand type: STRING",
		"DELETE a :n":                   "Incorrect operand type for operator or function; operator: DELETE, operand type: NUMBER",
		"SET a = :nothing":              "An expression attribute value used in expression is not defined; attribute value: :nothing",
	} {
		_, err := placeholders(t, expression, values).ParseUpdate(expression)
		if got := message(err); got != "Invalid UpdateExpression: "+want {
			t.Errorf("%s gives %q, want %q", expression, got, want)
		}
	}
}

func TestProjections(t *testing.T) {
	for expression, want := range map[string]string{
		"s": `{"s": {"S": "abc"}}`, "s, n": `{"s": {"S": "abc"}, "n": {"N": "5"}}`, "absent": `{}`, "m.k": `{"m": {"M": {"k": {"N": "1"}}}}`, "l[2], l[0]": `{"l": {"L": [{"S": "x"}, {"M": {"k": {"S": "v"}}}]}}`,
		"l[2].k": `{"l": {"L": [{"M": {"k": {"S": "v"}}}]}}`, "l[7]": `{}`, "m.k, m.o": `{"m": {"M": {"k": {"N": "1"}, "o": {"L": []}}}}`, "s.x": `{}`, "#dotted_name": `{"dotted.name": {"S": "d"}}`, "m.x.y, s": `{"s": {"S": "abc"}}`,
	} {
		p, err := placeholders(t, expression, "{}").ParseProjection(expression)
		if err != nil {
			t.Errorf("%s: %v", expression, err)
			continue
		}
		if got := p.Apply(parse(t, sample)); !got.Equal(parse(t, want)) {
			t.Errorf("%s gives %v, want %s", expression, got, want)
		}
	}
	for expression, want := range map[string]string{
		"": "The expression can not be empty;", "a,": `Syntax error; token: "<EOF>", near: ","`, "a b": `Syntax error; token: "b", near: "a b"`, "a, a": "Two document paths overlap with each other; must remove or rewrite one of these paths; path one: [a], path two: [a]",
		"a[0], a.b": "Two document paths conflict with each other; must remove or rewrite one of these paths; path one: [a, [0]], path two: [a, b]", "a, name": "Attribute name is a reserved keyword; reserved keyword: name",
		"a, :v": `Syntax error; token: ":v", near: ", :v"`,
	} {
		_, err := placeholders(t, expression, "{}").ParseProjection(expression)
		if got := message(err); got != "Invalid ProjectionExpression: "+want {
			t.Errorf("%s gives %q, want %q", expression, got, want)
		}
	}
}

func TestPlaceholdersThatAreNotUsed(t *testing.T) {
	p := placeholders(t, "#name #other", `{":a": {"S": "x"}, ":b": {"S": "y"}}`)
	if _, err := p.ParseCondition("ConditionExpression", "#name = :a"); err != nil {
		t.Fatal(err)
	}
	if got := message(p.Unused()); got != "Value provided in ExpressionAttributeNames unused in expressions: keys: {#other}" {
		t.Error(got)
	}
	p = placeholders(t, "", `{":a": {"S": "x"}, ":b": {"S": "y"}}`)
	if got := message(p.Unused()); got != "Value provided in ExpressionAttributeValues unused in expressions: keys: {:a, :b}" {
		t.Error(got)
	}
}
