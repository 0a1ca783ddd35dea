package payload

import (
	"encoding/json"
	"fmt"

	"github.com/tidwall/gjson"

	"sundog/payload/pytext"
)

// maxFilterLength bounds the text of a filter, in bytes, and with it the depth of its parentheses.
const maxFilterLength = 16 << 10

// Filter is a condition on an Item, in the dialect of the Python library jsonpath_ng.ext, as `chain_filter` holds it:
//
//	@.id =~ 'SWE.*' & @.properties.eo:cloud_cover < 10
//
// A path begins at the Item with `@` or `$`, or is a bare name; names are joined by dots or stand in brackets, and are
// quoted where they hold other than letters, digits and `_-:@`. Also known are `*`, `..` (once), indexes, `where`, sums and
// products of numbers, and the operators `len`, `str()`, `split(c, n, max)` and `sub(/re/, text)` in backquotes. A path
// alone asks whether there is something. Comparisons are `= == != < <= > >=` and `=~` (a regular expression that is
// found in the text); their right side is text, with or without quotes, a number, `true` or `false`. `&` binds stronger
// than `|`, `!` before a path asks for its absence.
//
// Numbers compare as numbers. A whole number on the right compares with text that spells a whole number, too. Values of
// kinds that have no order, null among them, are unequal and neither less nor greater. A path that finds several values
// holds when one of them does. So checking an Item never fails: what can be wrong with a filter shows when it is read.
type Filter struct {
	text string
	root condition
}

// ParseFilter reads a filter. The error says at which character, counted from 1, it cannot be understood.
func ParseFilter(text string) (*Filter, error) {
	if len(text) > maxFilterLength {
		return nil, fmt.Errorf("the filter has %d bytes, %d are allowed", len(text), maxFilterLength)
	}
	p := filterParser{lexer: lexer{text: text}}
	root, err := p.parse()
	if err != nil {
		return nil, fmt.Errorf("filter %q: %w", text, err)
	}
	return &Filter{text: text, root: root}, nil
}

// String is the text that the filter was read from.
func (f *Filter) String() string { return f.text }

// Match says whether an Item, one valid JSON value, fulfils the condition.
func (f *Filter) Match(item json.RawMessage) bool {
	return f.keeps(gjson.ParseBytes(item))
}

func (f *Filter) keeps(item gjson.Result) bool {
	return f.root.holds(item)
}

// condition is a node of a filter that holds or does not.
type condition interface {
	holds(item gjson.Result) bool
}

type (
	either  struct{ left, right condition }
	both    struct{ left, right condition }
	absent  struct{ path operand }
	present struct{ path operand }
)

func (c either) holds(item gjson.Result) bool  { return c.left.holds(item) || c.right.holds(item) }
func (c both) holds(item gjson.Result) bool    { return c.left.holds(item) && c.right.holds(item) }
func (c absent) holds(item gjson.Result) bool  { return len(c.path.find(item)) == 0 }
func (c present) holds(item gjson.Result) bool { return len(c.path.find(item)) > 0 }

// comparison holds when one of the values of its left side stands in the relation to the literal.
type comparison struct {
	left     operand
	relation func(value gjson.Result) bool
}

func (c comparison) holds(item gjson.Result) bool {
	for _, v := range c.left.find(item) {
		if c.relation(v) {
			return true
		}
	}
	return false
}

// compare makes the relation of an operator and a literal.
func compare(operator string, literal token) (func(gjson.Result) bool, error) {
	if operator == "=~" {
		if literal.kind != tokenText {
			// Such a filter is accepted by the original, and no text is found in a number.
			return func(gjson.Result) bool { return false }, nil
		}
		p, err := compilePattern(literal.text)
		if err != nil {
			return nil, err
		}
		return func(v gjson.Result) bool { return v.Type == gjson.String && p.found(v.Str) }, nil
	}
	fits := order(operator)
	unequal := operator == "!="
	return func(v gjson.Result) bool {
		sign, ordered, skip := literal.compare(v)
		switch {
		case skip:
			return false
		case !ordered:
			return unequal
		}
		return fits(sign)
	}, nil
}

// order gives which results of a comparison an operator accepts.
func order(operator string) func(sign int) bool {
	switch operator {
	case "!=":
		return func(sign int) bool { return sign != 0 }
	case "<":
		return func(sign int) bool { return sign < 0 }
	case "<=":
		return func(sign int) bool { return sign <= 0 }
	case ">":
		return func(sign int) bool { return sign > 0 }
	case ">=":
		return func(sign int) bool { return sign >= 0 }
	}
	return func(sign int) bool { return sign == 0 }
}

// compare orders a value against the literal. They may have no order; and text that is no whole number is skipped, even
// by `!=`, where the literal is one.
func (t token) compare(v gjson.Result) (sign int, ordered, skip bool) {
	switch {
	case t.kind == tokenText:
		if v.Type != gjson.String {
			return 0, false, false
		}
		return compareText(v.Str, t.text), true, false
	case v.Type == gjson.String && t.kind == tokenNumber && pytext.IsInteger(t.text):
		number, ok := wholeNumber(v.Str)
		if !ok {
			return 0, false, true
		}
		return pytext.CompareNumbers(number, t.text), true, false
	}
	number, ok := numeric(v)
	if !ok {
		return 0, false, false
	}
	return pytext.CompareNumbers(number, t.text), true, false
}

func compareText(a, b string) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// numeric gives the number of a number or, as in Python, of a boolean.
func numeric(v gjson.Result) (string, bool) {
	switch v.Type {
	case gjson.Number:
		return v.Raw, true
	case gjson.True:
		return "1", true
	case gjson.False:
		return "0", true
	}
	return "", false
}
