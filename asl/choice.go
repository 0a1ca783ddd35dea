package asl

import (
	"cmp"
	"encoding/json"
	"strconv"
	"strings"
	"time"
)

// A condition is the test of a choice rule.
type condition interface {
	test(s *scope) (bool, *failure)
}

type (
	allOf []condition
	anyOf []condition
	not   struct{ condition }

	// comparison tests the value of a path (States Language specification, "Choice state").
	comparison struct {
		variable *path
		compare  comparer
		operand  any   // a literal, or
		operandP *path // the …Path form of the operator
	}
	// presence is IsPresent, the only test that a path without a value does not fail.
	presence struct {
		variable *path
		want     bool
	}
)

// A comparer compares two values; a value of another type than the operator's makes it false.
type comparer func(value, operand any) bool

func (c allOf) test(s *scope) (bool, *failure) {
	for _, one := range c {
		if ok, err := one.test(s); err != nil || !ok {
			return false, err
		}
	}
	return true, nil
}

func (c anyOf) test(s *scope) (bool, *failure) {
	for _, one := range c {
		if ok, err := one.test(s); err != nil || ok {
			return ok, err
		}
	}
	return false, nil
}

func (c not) test(s *scope) (bool, *failure) {
	ok, err := c.condition.test(s)
	return !ok, err
}

func (c presence) test(s *scope) (bool, *failure) {
	_, ok, _ := c.variable.get(s)
	return ok == c.want, nil
}

func (c comparison) test(s *scope) (bool, *failure) {
	value, err := c.value(s, c.variable)
	if err != nil {
		return false, err
	}
	operand := c.operand
	if c.operandP != nil {
		d, err := c.value(s, c.operandP)
		if err != nil {
			return false, err
		}
		operand = d.Get()
	}
	return c.compare(value.Get(), operand), nil
}

func (c comparison) value(s *scope, p *path) (*Document, *failure) {
	d, ok, err := p.get(s)
	if err != nil || !ok {
		return nil, s.frame.runtimeFailure("Invalid path '%s': The choice state's condition path references an invalid value.", p.text)
	}
	return d, nil
}

// comparerOf returns the comparison of a data-test operator, without Path at its end; nil when there is no such operator.
func comparerOf(operator string) comparer {
	switch operator {
	case "BooleanEquals":
		return typed(func(a, b bool) bool { return a == b })
	case "StringMatches":
		return typed(func(s, pattern string) bool { return matchWildcards(pattern, s) })
	case "IsNull":
		return typeTest(func(v any) bool { return v == nil })
	case "IsBoolean":
		return typeTest(func(v any) bool { _, ok := v.(bool); return ok })
	case "IsNumeric":
		return typeTest(func(v any) bool { _, ok := v.(json.Number); return ok })
	case "IsString":
		return typeTest(func(v any) bool { _, ok := v.(string); return ok })
	case "IsTimestamp":
		return typeTest(func(v any) bool { _, ok := timestampOf(v); return ok })
	}
	if relation, ok := strings.CutPrefix(operator, "String"); ok {
		return related(relation, func(holds func(int) bool) comparer {
			return typed(func(a, b string) bool { return holds(strings.Compare(a, b)) })
		})
	}
	if relation, ok := strings.CutPrefix(operator, "Numeric"); ok {
		return related(relation, func(holds func(int) bool) comparer {
			return typed(func(a, b json.Number) bool { return holds(compareNumbers(a, b)) })
		})
	}
	if relation, ok := strings.CutPrefix(operator, "Timestamp"); ok {
		return related(relation, func(holds func(int) bool) comparer {
			return func(value, operand any) bool {
				a, ok := timestampOf(value)
				b, ok2 := timestampOf(operand)
				return ok && ok2 && holds(a.Compare(b))
			}
		})
	}
	return nil
}

// related makes the comparer of a relation, or nil when there is no such relation.
func related(relation string, with func(holds func(order int) bool) comparer) comparer {
	switch relation {
	case "Equals":
		return with(func(o int) bool { return o == 0 })
	case "LessThan":
		return with(func(o int) bool { return o < 0 })
	case "LessThanEquals":
		return with(func(o int) bool { return o <= 0 })
	case "GreaterThan":
		return with(func(o int) bool { return o > 0 })
	case "GreaterThanEquals":
		return with(func(o int) bool { return o >= 0 })
	}
	return nil
}

// typed compares two values of one type; those of another do not compare.
func typed[T any](holds func(value, operand T) bool) comparer {
	return func(value, operand any) bool {
		a, ok := value.(T)
		b, ok2 := operand.(T)
		return ok && ok2 && holds(a, b)
	}
}

func typeTest(is func(any) bool) comparer {
	return func(value, operand any) bool { return is(value) == (operand == true) }
}

func timestampOf(v any) (time.Time, bool) {
	s, ok := v.(string)
	if !ok {
		return time.Time{}, false
	}
	return parseTimestamp(s)
}

// parseTimestamp reads an RFC 3339 time, strictly: with an upper case T, two-digit fields and an offset.
func parseTimestamp(s string) (time.Time, bool) {
	var t time.Time
	err := t.UnmarshalText([]byte(s))
	return t, err == nil
}

// compareNumbers compares by value, exactly for whole numbers and to the precision of a double for others.
func compareNumbers(a, b json.Number) int {
	if x, err := a.Int64(); err == nil {
		if y, err := b.Int64(); err == nil {
			return cmp.Compare(x, y)
		}
	}
	// A number beyond the range of a double is infinite, which is close enough to compare it.
	x, _ := strconv.ParseFloat(a.String(), 64)
	y, _ := strconv.ParseFloat(b.String(), 64)
	return cmp.Compare(x, y)
}

// matchWildcards is StringMatches: * stands for any characters, \* and \\ for themselves. The time grows with the lengths of both, not with their
// product: the pieces between the asterisks are found one after the other, each where it comes first.
func matchWildcards(pattern, s string) bool {
	pieces := wildcardPieces(pattern)
	last := len(pieces) - 1
	if last == 0 {
		return s == pieces[0]
	}
	s, ok := strings.CutPrefix(s, pieces[0])
	if !ok {
		return false
	}
	for _, piece := range pieces[1:last] {
		if _, s, ok = strings.Cut(s, piece); !ok {
			return false
		}
	}
	return strings.HasSuffix(s, pieces[last])
}

// wildcardPieces returns what is between the asterisks of a pattern that are not escaped: always at least one piece, which may be empty.
func wildcardPieces(pattern string) (pieces []string) {
	piece := make([]byte, 0, len(pattern))
	for i := 0; i < len(pattern); i++ {
		switch {
		case pattern[i] == '\\' && i+1 < len(pattern) && (pattern[i+1] == '*' || pattern[i+1] == '\\'):
			i++
			piece = append(piece, pattern[i])
		case pattern[i] == '*':
			pieces, piece = append(pieces, string(piece)), piece[:0]
		default:
			piece = append(piece, pattern[i])
		}
	}
	return append(pieces, string(piece))
}
