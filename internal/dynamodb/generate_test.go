package dynamodb_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
)

// generator makes requests that are wrong about as often as they are right.
type generator struct {
	rand          *rand.Rand
	table, hashed string
}

type request struct{ operation, body string }

func (g *generator) pick(list ...string) string { return list[g.rand.IntN(len(list))] }

func (g *generator) chance(percent int) bool { return g.rand.IntN(100) < percent }

func (g *generator) tables() []string {
	return []string{
		fmt.Sprintf(`{"TableName": %q, "BillingMode": "PAY_PER_REQUEST",
			"AttributeDefinitions": [{"AttributeName": "p", "AttributeType": "S"}, {"AttributeName": "s", "AttributeType": "N"},
				{"AttributeName": "l", "AttributeType": "S"}, {"AttributeName": "g", "AttributeType": "N"}],
			"KeySchema": [{"AttributeName": "p", "KeyType": "HASH"}, {"AttributeName": "s", "KeyType": "RANGE"}],
			"LocalSecondaryIndexes": [{"IndexName": "byl", "KeySchema": [{"AttributeName": "p", "KeyType": "HASH"}, {"AttributeName": "l", "KeyType": "RANGE"}],
				"Projection": {"ProjectionType": "KEYS_ONLY"}}],
			"GlobalSecondaryIndexes": [{"IndexName": "byg", "KeySchema": [{"AttributeName": "g", "KeyType": "HASH"}],
				"Projection": {"ProjectionType": "INCLUDE", "NonKeyAttributes": ["a"]}}]}`, g.table),
		fmt.Sprintf(`{"TableName": %q, "ProvisionedThroughput": {"ReadCapacityUnits": 1, "WriteCapacityUnits": 1},
			"AttributeDefinitions": [{"AttributeName": "k", "AttributeType": "B"}], "KeySchema": [{"AttributeName": "k", "KeyType": "HASH"}]}`, g.hashed),
	}
}

func (g *generator) text() string {
	return g.pick("a", "b", "ab", "abc", "zz", "Straße", "\\\"q\\\"")
}

func (g *generator) number() string {
	return g.pick("0", "1", "-1", "2", "10", "1.5", "-0.25", "1e3", "100", "1E-3", "0.00", "12345678901234567890", "99999999999999999999999999999999999999",
		"1e125", "-1e-130", "3.", ".5", "007", "x", "", "1e126", "1e-131", "123456789012345678901234567890123456789", "1_0", "1e", "--1", "NaN")
}

func (g *generator) goodNumber() string {
	return g.pick("0", "1", "-1", "2", "3", "10", "1.5", "-0.25", "1e3", "100", "1E-3", "12345678901234567890", "-5e20")
}

func (g *generator) value(depth int) string {
	switch n := g.rand.IntN(14 + depth*3); {
	case n < 3:
		return fmt.Sprintf(`{"S": "%s"}`, g.text())
	case n < 6:
		return fmt.Sprintf(`{"N": "%s"}`, g.goodNumber())
	case n == 6:
		return fmt.Sprintf(`{"B": "%s"}`, g.pick("", "AQ==", "AQI=", "AQID"))
	case n == 7:
		return fmt.Sprintf(`{"BOOL": %s}`, g.pick("true", "false"))
	case n == 8:
		return `{"NULL": true}`
	case n == 9:
		return fmt.Sprintf(`{"SS": %s}`, g.pick(`["a"]`, `["a", "b"]`, `["b", "c", "d"]`))
	case n == 10:
		return fmt.Sprintf(`{"NS": %s}`, g.pick(`["1"]`, `["1", "2.0"]`, `["3", "1e1"]`))
	case n == 11:
		return fmt.Sprintf(`{"BS": %s}`, g.pick(`["AQ=="]`, `["AQ==", "AQI="]`))
	case n == 12 && g.chance(25):
		return g.badValue()
	case n < 14:
		return fmt.Sprintf(`{"N": "%d"}`, g.rand.IntN(20))
	case n%2 == 0 && depth > 0:
		return fmt.Sprintf(`{"L": [%s]}`, g.many(func() string { return g.value(depth - 1) }))
	case depth > 0:
		return fmt.Sprintf(`{"M": {"x": %s, "y": %s}}`, g.value(depth-1), g.value(depth-1))
	}
	return `{"S": "z"}`
}

func (g *generator) badValue() string {
	return g.pick(`{}`, `{"S": 5}`, `{"S": true}`, `{"N": 5}`, `{"N": "`+g.number()+`"}`, `{"B": "A"}`, `{"B": "A==="}`, `{"B": 5}`, `{"BOOL": "yes"}`, `{"BOOL": "maybe"}`,
		`{"BOOL": 1}`, `{"NULL": false}`, `{"NULL": "no"}`, `{"SS": []}`, `{"NS": []}`, `{"BS": []}`, `{"SS": ["a", "a"]}`, `{"NS": ["1", "1.0"]}`, `{"BS": ["AQ==", "AQ=="]}`,
		`{"SS": "a"}`, `{"SS": {}}`, `{"SS": [1]}`, `{"NS": ["x"]}`, `{"L": {}}`, `{"L": 1}`, `{"M": []}`, `{"M": "x"}`, `{"S": "a", "N": "1"}`, `[]`, `"a"`, `5`, `true`, `{"S": []}`,
		`{"S": {}}`, `{"Q": "x"}`, `{"S": null}`, `{"L": [{"S": 1}]}`, `{"M": {"a": {"N": "z"}}}`, `{"N": 1.5}`)
}

func (g *generator) many(one func() string) string {
	var all []string
	for range g.rand.IntN(4) {
		all = append(all, one())
	}
	return strings.Join(all, ", ")
}

func (g *generator) key() string {
	if g.chance(8) {
		return g.pick(`{}`, `{"p": {"S": "a"}}`, `{"p": {"N": "1"}, "s": {"N": "1"}}`, `{"p": {"S": ""}, "s": {"N": "1"}}`, `{"p": {"S": "a"}, "s": {"S": "1"}}`,
			`{"p": {"S": "a"}, "q": {"N": "1"}}`, `{"p": {"S": "a"}, "s": {"N": "x"}}`, `{"p": {"S": "a"}, "s": {"N": "1"}, "t": {"N": "1"}}`, `[]`, `"x"`, `null`, `{"p": {}, "s": {"N": "1"}}`)
	}
	return fmt.Sprintf(`{"p": {"S": "%s"}, "s": {"N": "%d"}}`, g.pick("a", "b", "c"), g.rand.IntN(5))
}

func (g *generator) item() string {
	fields := []string{strings.Trim(g.key(), "{}") + "}"}
	if g.chance(60) {
		fields = append(fields, fmt.Sprintf(`"l": %s`, g.pick(`{"S": "a"}`, `{"S": "b"}`, `{"S": "ab"}`, `{"N": "1"}`)))
	}
	if g.chance(60) {
		fields = append(fields, fmt.Sprintf(`"g": %s`, g.pick(`{"N": "1"}`, `{"N": "-2.5"}`, `{"N": "1e10"}`, `{"S": "1"}`)))
	}
	for _, name := range []string{"a", "b", "c", "d"} {
		if g.chance(50) {
			fields = append(fields, fmt.Sprintf(`"%s": %s`, name, g.value(2)))
		}
	}
	return "{" + strings.Join(fields, ", ") + "}"
}

func (g *generator) name() string {
	if g.chance(4) {
		return g.pick("name", "Size", "#q", "#", "1a", "a-b", "value", "NULL", "and")
	}
	return g.pick("a", "b", "c", "d", "#a", "#b", "e_1", "g", "l")
}

func (g *generator) path() string {
	p := g.name()
	for g.chance(25) {
		p += g.pick("[0]", "[1]", ".x", ".y", "[ 2 ]", " . x", "[7]")
	}
	if g.chance(1) {
		p += g.pick("[", "[a]", ".", "[-1]", "[1.5]")
	}
	return p
}

func (g *generator) placeholder() string {
	if g.chance(3) {
		return g.pick(":undefined", ":", "::v")
	}
	return g.pick(":v", ":w", ":n", ":s")
}

func (g *generator) operand() string {
	switch n := g.rand.IntN(20); {
	case n < 9:
		return g.path()
	case n < 17:
		return g.placeholder()
	case n == 17:
		return "size(" + g.path() + ")"
	case n == 18:
		return "(" + g.pick(g.path(), g.placeholder(), "size("+g.path()+")") + ")" // the other one cannot do with more around a function
	}
	return g.pick("size(:n)", "begins_with(a, :s)", "size(a, b)", "((a))", "attribute_exists(a)")
}

func (g *generator) condition(depth int) string {
	if depth > 0 && g.chance(45) {
		switch g.rand.IntN(4) {
		case 0:
			return g.condition(depth-1) + g.pick(" AND ", " and ", "\nAND\t") + g.condition(depth-1)
		case 1:
			return g.condition(depth-1) + " OR " + g.condition(depth-1)
		case 2:
			return "NOT " + g.condition(0)
		}
		return "(" + g.condition(depth-1) + ")"
	}
	switch n := g.rand.IntN(20); {
	case n < 8:
		return g.operand() + g.pick(" = "+g.placeholder(), " <> "+g.placeholder(), "<:n", " <= :s", ">:n", " >= :s", "="+g.placeholder())
	case n < 10:
		return g.operand() + " BETWEEN " + g.pick(":n AND :n", ":s AND :s", ":n AND :s", ":v AND :n") // the other one cannot do with paths to nothing here
	case n < 12:
		return g.operand() + " IN (" + g.pick(g.placeholder(), g.placeholder()+", "+g.placeholder(), g.placeholder()+","+g.placeholder()+","+g.placeholder()) + ")"
	case n < 13:
		return "attribute_exists(" + g.path() + ")"
	case n < 14:
		return "attribute_not_exists(" + g.path() + ")"
	case n < 15:
		return "attribute_type(" + g.path() + ", :t)"
	case n < 16:
		return "begins_with(" + g.path() + ", " + g.pick(":s", ":s", ":v") + ")"
	case n < 19:
		return "contains(" + g.path() + ", " + g.pick(g.name(), g.placeholder(), g.placeholder()) + ")" // of lists the other one finds scalars only
	}
	return g.pick("a", "a =", "= :v", "foo(a)", "attribute_exists(:v)", "attribute_exists(a, b)", "contains(a)", "a = a", ":v = a", "((a = :v))", "(a = :v", "a == :v", "a = :v b = :w",
		"attribute_type(a, :n)", "attribute_type(a, b)", "size(a)", "NOT", "", " ", "a BETWEEN :v", "a IN ()", "a IN :v", "begins_with(a, :n)", "a = :v AND", "Begins_With(a, :s)", "a.b = a.b",
		"size(a) = :n", "contains(a, a)", "a <> b <> c", "(a) = (:v)", "(a[0]) = :v", "a.x.y[3] = :v")
}

// placed adds the placeholders that an expression uses, most of the time.
func (g *generator) placed(expressions ...string) string {
	all := strings.Join(expressions, " ")
	var parts, names, values []string
	for _, n := range []struct{ name, text string }{{"#a", "a"}, {"#b", "b"}} {
		if strings.Contains(all, n.name) != g.chance(1) {
			names = append(names, fmt.Sprintf("%q: %q", n.name, n.text))
		}
	}
	if len(names) > 0 {
		parts = append(parts, `"ExpressionAttributeNames": {`+strings.Join(names, ", ")+`}`)
	} else if g.chance(1) {
		parts = append(parts, `"ExpressionAttributeNames": `+g.pick(`{}`, `{"a": "b"}`, `{"#": "b"}`, `{"#x": 5}`, `[]`, `"x"`))
	}
	for _, name := range []string{":v", ":w", ":n", ":s", ":t", ":l", ":set"} {
		if usesPlaceholder(all, name) != g.chance(1) {
			values = append(values, fmt.Sprintf("%q: %s", name, g.valueOf(name)))
		}
	}
	if len(values) > 0 {
		parts = append(parts, `"ExpressionAttributeValues": {`+strings.Join(values, ", ")+`}`)
	} else if g.chance(1) {
		parts = append(parts, `"ExpressionAttributeValues": `+g.pick(`{}`, `{"v": {"S": "b"}}`, `{":": {"S": "b"}}`, `[]`, `"x"`, `{":v": {}}`))
	}
	if len(parts) == 0 {
		return ""
	}
	return ", " + strings.Join(parts, ", ")
}

func usesPlaceholder(text, name string) bool {
	for i := strings.Index(text, name); i >= 0; {
		end := i + len(name)
		if end == len(text) || !strings.ContainsRune("abcdefghijklmnopqrstuvwxyz_0123456789", rune(text[end])) {
			return true
		}
		next := strings.Index(text[end:], name)
		if next < 0 {
			return false
		}
		i = end + next
	}
	return false
}

func (g *generator) valueOf(name string) string {
	switch name {
	case ":n":
		return fmt.Sprintf(`{"N": "%s"}`, g.goodNumber())
	case ":s":
		return fmt.Sprintf(`{"S": "%s"}`, g.text())
	case ":t":
		return fmt.Sprintf(`{"S": "%s"}`, g.pick("S", "N", "L", "M", "SS", "NULL", "X"))
	case ":l":
		return `{"L": [{"N": "1"}, {"S": "x"}]}`
	case ":set":
		return g.pick(`{"SS": ["a", "q"]}`, `{"NS": ["1", "5"]}`, `{"N": "2"}`, `{"S": "x"}`, `{"L": []}`, `{"BS": ["AQ=="]}`)
	}
	v := g.value(1)
	for v == `{"BOOL": false}` || v == `{"B": ""}` || v == `{"S": ""}` { // with IN these are nothing to the other one
		v = g.value(1)
	}
	return v
}

// source is what SET sets. The other one copies no values: what an update copies, none of its other actions may change in place.
func (g *generator) source(copies bool) string {
	path := g.placeholder
	if copies {
		path = g.path
	}
	switch n := g.rand.IntN(16); {
	case n < 6:
		return g.placeholder()
	case n < 9:
		return path()
	case n < 12:
		return g.pick(g.path(), ":n") + g.pick(" + ", " - ", "+") + g.pick(g.path(), ":n", ":n")
	case n < 14 && copies:
		return "if_not_exists(" + g.path() + ", " + g.pick(":n", ":v", g.path()) + ")"
	case n < 15 && copies:
		return "list_append(" + g.pick(":l, a", "a, :l", "if_not_exists(b, :l), :l", ":l, :l", "a, b") + ")"
	}
	return g.pick("if_not_exists(a, :n) + :n", "foo(a)", "if_not_exists(:v, :n)", "list_append(:n, :l)", "list_append(:l)", "a + :s", "(a + :n)", "(:n)", "a + b + c", "size(a)", "if_not_exists(a)")
}

func (g *generator) update() string {
	copies := g.chance(50)
	target := g.path
	if copies {
		target = g.name
	}
	var parts []string
	list := func(one func() string) string {
		out := one()
		for g.chance(30) {
			out += ", " + one()
		}
		return out
	}
	if copies || g.chance(65) {
		parts = append(parts, g.pick("SET ", "set ", "Set\n")+list(func() string { return target() + " = " + g.source(copies) }))
	}
	if g.chance(25) {
		parts = append(parts, "REMOVE "+list(target))
	}
	if !copies && g.chance(35) {
		parts = append(parts, "ADD "+list(func() string { return g.path() + " " + g.pick(":n", ":set", ":set", ":v") }))
	}
	if !copies && g.chance(20) {
		parts = append(parts, "DELETE "+list(func() string { return g.path() + " " + g.pick(":set", ":set", ":n", ":v") }))
	}
	if g.chance(3) {
		return g.pick("", " ", "SET", "SET a", "SET a :v", "REMOVE a, a", "SET a = :v SET b = :v", "REMOVE a REMOVE b", "SET a = :v,", "ADD a b", "DELETE a", "SET p = :v", "REMOVE s", "SET p.x = :v",
			"SET a = :v, a.x = :v", "SET a[0] = :v, a.x = :v", "SETa = :v", "SET a=:v REMOVE b", "FOO a", "SET g = :s", "SET g.x = :s", "SET l[0] = :s")
	}
	return strings.Join(parts, " ")
}
