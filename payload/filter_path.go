package payload

import (
	"fmt"
	"math/big"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/tidwall/gjson"

	"sundog/payload/pytext"
)

// operand is the left side of a comparison: it finds values in an Item.
type operand interface {
	find(item gjson.Result) []gjson.Result
}

// path finds what its steps lead to.
type path struct{ steps []step }

func (p path) find(item gjson.Result) []gjson.Result {
	found := []gjson.Result{item}
	for _, s := range p.steps {
		var next []gjson.Result
		for _, v := range found {
			next = s.walk(next, v)
		}
		found = next
	}
	return found
}

// constant finds its number, whatever the Item.
type constant struct{ text string }

func (c constant) find(gjson.Result) []gjson.Result { return []gjson.Result{number(c.text)} }

// where finds the values of its path in which its condition finds something.
type where struct{ path, condition operand }

func (w where) find(item gjson.Result) []gjson.Result {
	var found []gjson.Result
	for _, v := range w.path.find(item) {
		if len(w.condition.find(v)) > 0 {
			found = append(found, v)
		}
	}
	return found
}

// calculation finds the results of its operator on both sides, value by value. It finds nothing when the sides found
// different numbers of values, or one that is no number. A constant goes with each value of the other side.
type calculation struct {
	operator    string
	left, right operand
}

func (c calculation) find(item gjson.Result) []gjson.Result {
	left, right := c.left.find(item), c.right.find(item)
	if _, ok := c.left.(constant); ok {
		left = repeat(left, len(right))
	}
	if _, ok := c.right.(constant); ok {
		right = repeat(right, len(left))
	}
	if len(left) != len(right) {
		return nil
	}
	results := make([]gjson.Result, len(left))
	for i := range left {
		a, okA := numeric(left[i])
		b, okB := numeric(right[i])
		if !okA || !okB {
			return nil
		}
		results[i] = number(calculate(c.operator, a, b))
	}
	return results
}

func repeat(one []gjson.Result, times int) []gjson.Result {
	many := make([]gjson.Result, times)
	for i := range many {
		many[i] = one[0]
	}
	return many
}

// calculate gives whole numbers exactly and others as floats, as Python does.
func calculate(operator, a, b string) string {
	if pytext.IsInteger(a) && pytext.IsInteger(b) {
		x, _ := new(big.Int).SetString(a, 10)
		y, _ := new(big.Int).SetString(b, 10)
		switch operator {
		case "+":
			x.Add(x, y)
		case "-":
			x.Sub(x, y)
		default:
			x.Mul(x, y)
		}
		return x.String()
	}
	x, _ := strconv.ParseFloat(a, 64)
	y, _ := strconv.ParseFloat(b, 64)
	switch operator {
	case "+":
		x += y
	case "-":
		x -= y
	default:
		x *= y
	}
	return strconv.FormatFloat(x, 'e', -1, 64)
}

func number(text string) gjson.Result { return gjson.Result{Type: gjson.Number, Raw: text} }

func textResult(s string) gjson.Result { return gjson.Result{Type: gjson.String, Str: s} }

// step leads from one value to others, which it appends.
type step interface {
	walk(found []gjson.Result, v gjson.Result) []gjson.Result
}

type (
	field       string             // the member of that name
	members     struct{}           // all members of an object
	elements    struct{}           // the elements of an array; anything else itself
	index       int                // one element of an array, from its end when negative
	descendants struct{ of step }  // a step from the value and from everything in it
	operation   struct{ operator } // a named operator
)

// operator makes one value of another, or none.
type operator func(v gjson.Result) (gjson.Result, bool)

func (f field) walk(found []gjson.Result, v gjson.Result) []gjson.Result {
	if value := lookup(v, string(f)); value.Exists() {
		return append(found, value)
	}
	return found
}

func (members) walk(found []gjson.Result, v gjson.Result) []gjson.Result {
	for _, m := range readObject(v).members {
		found = append(found, m.value)
	}
	return found
}

func (elements) walk(found []gjson.Result, v gjson.Result) []gjson.Result {
	if !v.IsArray() {
		return append(found, v)
	}
	return append(found, v.Array()...)
}

func (i index) walk(found []gjson.Result, v gjson.Result) []gjson.Result {
	if !v.IsArray() {
		return found
	}
	all := v.Array()
	at := int(i)
	if at < 0 {
		at += len(all)
	}
	if at < 0 || at >= len(all) {
		return found
	}
	return append(found, all[at])
}

func (d descendants) walk(found []gjson.Result, v gjson.Result) []gjson.Result {
	found = d.of.walk(found, v)
	if v.IsObject() || v.IsArray() {
		v.ForEach(func(_, inner gjson.Result) bool {
			found = d.walk(found, inner)
			return true
		})
	}
	return found
}

func (o operation) walk(found []gjson.Result, v gjson.Result) []gjson.Result {
	if result, ok := o.operator(v); ok {
		return append(found, result)
	}
	return found
}

var (
	splitCall = regexp.MustCompile(`^split\((.),\s+(\d+),\s+(\d+|-1)\)$`)
	subCall   = regexp.MustCompile(`^sub\(/(.*)/,\s+(.*)\)$`)
)

// named gives the operator that stands in backquotes.
func named(text string) (step, error) {
	switch {
	case text == "this":
		return operation{func(v gjson.Result) (gjson.Result, bool) { return v, true }}, nil
	case text == "len":
		return operation{length}, nil
	case text == "str()":
		return operation{func(v gjson.Result) (gjson.Result, bool) {
			if v.Type == gjson.String {
				return v, true
			}
			return textResult(pytext.Str([]byte(v.Raw))), true
		}}, nil
	case splitCall.MatchString(text):
		call := splitCall.FindStringSubmatch(text)
		return split(call[1], call[2], call[3])
	case subCall.MatchString(text):
		call := subCall.FindStringSubmatch(text)
		return substitute(call[1], call[2])
	}
	return nil, fmt.Errorf("operator %q is not known: use len, str(), split(c, n, max), sub(/re/, text) or this", text)
}

func length(v gjson.Result) (gjson.Result, bool) {
	var n int
	switch {
	case v.Type == gjson.String:
		n = utf8.RuneCountInString(v.Str)
	case v.IsArray():
		n = len(v.Array())
	case v.IsObject():
		n = len(readObject(v).members)
	default:
		return gjson.Result{}, false
	}
	return number(strconv.Itoa(n)), true
}

func split(separator, segment, limit string) (step, error) {
	at, errAt := strconv.Atoi(segment)
	most, errMost := strconv.Atoi(limit)
	if errAt != nil || errMost != nil {
		return nil, fmt.Errorf("split(%s, %s, %s): the numbers are too large", separator, segment, limit)
	}
	if most >= 0 {
		most++ // Python counts the cuts, Go the parts
	}
	return operation{func(v gjson.Result) (gjson.Result, bool) {
		if v.Type != gjson.String {
			return gjson.Result{}, false
		}
		parts := strings.SplitN(v.Str, separator, most)
		if at >= len(parts) {
			return gjson.Result{}, false
		}
		return textResult(parts[at]), true
	}}, nil
}

func substitute(expression, replacement string) (step, error) {
	p, err := compilePattern(expression)
	if err != nil {
		return nil, err
	}
	return operation{func(v gjson.Result) (gjson.Result, bool) {
		if v.Type != gjson.String {
			return gjson.Result{}, false
		}
		return textResult(p.replace(v.Str, replacement)), true
	}}, nil
}
