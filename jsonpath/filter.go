package jsonpath

import (
	"cmp"
	"encoding/json"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// A condition is the test of a filter.
type condition interface {
	holds(e *evaluation, current any) bool
	append(b []byte) []byte
}

// An operand is one side of a comparison. It may have no value, which equals nothing.
type operand interface {
	value(e *evaluation, current any) (v any, ok bool)
	append(b []byte) []byte
}

type (
	allOf      []condition
	anyOf      []condition
	not        struct{ condition }
	exists     struct{ query }
	comparison struct {
		left     operand
		operator string
		right    operand
	}
	matches struct {
		operand
		re     *regexp.Regexp
		source string // as written, with its slashes
	}

	// query is a path from the current value (@) or from the document ($).
	query struct {
		root byte
		path *Path
	}
	literal struct{ v any }
)

func (c allOf) holds(e *evaluation, current any) bool {
	return !slices.ContainsFunc(c, func(one condition) bool { return !one.holds(e, current) })
}

func (c anyOf) holds(e *evaluation, current any) bool {
	return slices.ContainsFunc(c, func(one condition) bool { return one.holds(e, current) })
}

func (c not) holds(e *evaluation, current any) bool { return !c.condition.holds(e, current) }

func (c exists) holds(e *evaluation, current any) bool {
	v, ok := c.value(e, current)
	if list, several := v.([]any); several && !c.path.IsDefinite() {
		return len(list) > 0
	}
	return ok
}

func (c matches) holds(e *evaluation, current any) bool {
	v, _ := c.value(e, current)
	s, ok := v.(string)
	return ok && e.visit(1+len(s)/64) && c.re.MatchString(s)
}

func (c comparison) holds(e *evaluation, current any) bool {
	left, leftOK := c.left.value(e, current)
	right, rightOK := c.right.value(e, current)
	switch c.operator {
	case "==":
		return leftOK && rightOK && equal(e, left, right)
	case "!=":
		return !leftOK || !rightOK || !equal(e, left, right)
	case "<", "<=", ">", ">=":
		order, ok := compare(left, right)
		return leftOK && rightOK && ok && ordered(c.operator, order)
	}
	op, _ := wordOperator(c.operator)
	return leftOK && rightOK && op(e, left, right)
}

func ordered(operator string, order int) bool {
	switch operator {
	case "<":
		return order < 0
	case "<=":
		return order <= 0
	case ">":
		return order > 0
	}
	return order >= 0
}

// wordOperator returns the operator of a name: in, nin, contains, size, empty, subsetof, anyof, noneof.
func wordOperator(name string) (op func(e *evaluation, left, right any) bool, ok bool) {
	switch name {
	case "in":
		return isIn, true
	case "nin":
		return func(e *evaluation, v, list any) bool { return !isIn(e, v, list) }, true
	case "contains":
		return func(e *evaluation, list, v any) bool { return isIn(e, v, list) }, true
	case "size":
		return func(e *evaluation, v, want any) bool {
			n, ok := sizeOf(v)
			return ok && equal(e, json.Number(strconv.Itoa(n)), want)
		}, true
	case "empty":
		return func(_ *evaluation, v, want any) bool {
			n, ok := sizeOf(v)
			return ok && (n == 0) == (want == true)
		}, true
	case "subsetof":
		return func(e *evaluation, part, list any) bool {
			n, all, ok := shared(e, part, list)
			return ok && n == all
		}, true
	case "anyof":
		return func(e *evaluation, part, list any) bool {
			n, _, ok := shared(e, part, list)
			return ok && n > 0
		}, true
	case "noneof":
		return func(e *evaluation, part, list any) bool {
			n, _, ok := shared(e, part, list)
			return ok && n == 0
		}, true
	}
	return nil, false
}

// isIn says whether a value is in a list, or a string in a string.
func isIn(e *evaluation, v, list any) bool {
	switch list := list.(type) {
	case string:
		part, ok := v.(string)
		return ok && e.visit(1+len(list)/64) && strings.Contains(list, part)
	case []any:
		return slices.ContainsFunc(list, func(item any) bool { return equal(e, item, v) })
	}
	return false
}

// shared counts the items of part, and those of them that are in list. It is not ok when one of them is no list.
func shared(e *evaluation, part, list any) (n, all int, ok bool) {
	items, ok := part.([]any)
	if _, ok2 := list.([]any); !ok || !ok2 {
		return 0, 0, false
	}
	for _, item := range items {
		if isIn(e, item, list) {
			n++
		}
	}
	return n, len(items), true
}

// sizeOf is the length of a list, or of a string in characters.
func sizeOf(v any) (n int, ok bool) {
	switch v := v.(type) {
	case []any:
		return len(v), true
	case string:
		return utf8.RuneCountInString(v), true
	}
	return 0, false
}

func (q query) value(e *evaluation, current any) (any, bool) {
	if !e.visit(1) {
		return nil, false
	}
	if q.root == '$' {
		current = e.root
	}
	return q.path.eval(e, current)
}

func (l literal) value(*evaluation, any) (any, bool) { return l.v, true }

// equal compares two values deeply. A number equals a string that is written the same.
func equal(e *evaluation, a, b any) bool {
	if !e.visit(1) {
		return false
	}
	switch a := a.(type) {
	case map[string]any:
		b, ok := b.(map[string]any)
		if !ok || len(a) != len(b) {
			return false
		}
		for name, v := range a {
			if other, ok := b[name]; !ok || !equal(e, v, other) {
				return false
			}
		}
		return true
	case []any:
		b, ok := b.([]any)
		return ok && slices.EqualFunc(a, b, func(x, y any) bool { return equal(e, x, y) })
	case json.Number:
		if text, ok := b.(string); ok {
			return text == a.String()
		}
	case string:
		if n, ok := b.(json.Number); ok {
			return a == n.String()
		}
		return a == b
	}
	if order, ok := compare(a, b); ok {
		return order == 0
	}
	switch b.(type) {
	case map[string]any, []any:
		return false
	}
	return a == b
}

// compare orders two numbers or two strings. Whole numbers compare exactly, others to the precision of a double.
func compare(a, b any) (order int, ok bool) {
	switch a := a.(type) {
	case string:
		b, ok := b.(string)
		return cmp.Compare(a, b), ok
	case json.Number:
		b, ok := b.(json.Number)
		if !ok {
			return 0, false
		}
		x, err := a.Int64()
		y, err2 := b.Int64()
		if err == nil && err2 == nil {
			return cmp.Compare(x, y), true
		}
		// Out of range is infinite, which compares well enough.
		f, _ := strconv.ParseFloat(a.String(), 64)
		g, _ := strconv.ParseFloat(b.String(), 64)
		return cmp.Compare(f, g), true
	}
	return 0, false
}

func (c allOf) append(b []byte) []byte { return appendJoined(b, c, " && ") }
func (c anyOf) append(b []byte) []byte { return appendJoined(b, c, " || ") }

// appendJoined puts only those conditions in parentheses that need them: || within &&.
func appendJoined(b []byte, list []condition, operator string) []byte {
	for i, c := range list {
		if i > 0 {
			b = append(b, operator...)
		}
		if _, ok := c.(anyOf); ok && operator == " && " {
			b = appendParenthesized(b, c)
			continue
		}
		b = c.append(b)
	}
	return b
}

func (c not) append(b []byte) []byte {
	b = append(b, '!')
	switch c.condition.(type) {
	case allOf, anyOf:
		return appendParenthesized(b, c.condition)
	}
	return c.condition.append(b)
}

func appendParenthesized(b []byte, c condition) []byte {
	return append(c.append(append(b, '(')), ')')
}

func (c comparison) append(b []byte) []byte {
	b = append(c.left.append(b), ' ')
	b = append(append(b, c.operator...), ' ')
	return c.right.append(b)
}

func (c matches) append(b []byte) []byte {
	return append(append(c.operand.append(b), " =~ "...), c.source...)
}

func (q query) append(b []byte) []byte { return q.path.append(b, q.root) }

func (l literal) append(b []byte) []byte { return appendLiteral(b, l.v) }

func appendLiteral(b []byte, v any) []byte {
	switch v := v.(type) {
	case string:
		return appendName(b, v)
	case json.Number:
		return append(b, v...)
	case bool:
		return strconv.AppendBool(b, v)
	case []any:
		b = append(b, '[')
		for i, item := range v {
			if i > 0 {
				b = append(b, ", "...)
			}
			b = appendLiteral(b, item)
		}
		return append(b, ']')
	}
	return append(b, "null"...)
}
