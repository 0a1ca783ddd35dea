package eventpattern

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// A condition is a list of alternatives for the values at a path.
type condition struct {
	path []string
	leaf *leaf
}

// conditions are those of one alternative of the $or of a pattern, all of which must hold.
type conditions []condition

// A parser reads the objects of a pattern. It multiplies every $or out: conditions below the same array of an event, which must hold for
// the same item, can stand in different places of a pattern, and so they come together.
type parser struct {
	flat  bool // only names at the top: the policy of an attribute scope
	depth int
}

const or = "$or"

func (p *parser) object(object map[string]any, path []string, at string, all []conditions) ([]conditions, error) {
	if p.depth++; p.depth > maxDepth {
		return nil, &ParseError{at, fmt.Sprintf("there are more than %d objects within each other", maxDepth)}
	}
	defer func() { p.depth-- }()
	if len(object) == 0 {
		return nil, &ParseError{at, "an object must not be empty"}
	}
	for _, name := range slices.Sorted(maps.Keys(object)) {
		var err error
		if all, err = p.field(name, object[name], path, pointer(at, name), all); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// field adds the conditions of one member to all alternatives.
func (p *parser) field(name string, value any, path []string, at string, all []conditions) ([]conditions, error) {
	if alternatives, ok := alternativesOf(name, value); ok {
		return p.or(alternatives, path, at, all)
	}
	path = append(slices.Clip(path), name)
	switch value := value.(type) {
	case map[string]any:
		if p.flat {
			return nil, &ParseError{at, "a policy for message attributes has no objects within each other"}
		}
		return p.object(value, path, at, all)
	case []any:
		l, err := parseLeaf(value, at)
		if err != nil {
			return nil, err
		}
		for i, c := range all {
			all[i] = append(slices.Clip(c), condition{path, l})
		}
		return all, nil
	}
	return nil, &ParseError{at, "it must be an object, or an array of values and operators"}
}

// alternativesOf returns the alternatives of an $or. As in Event Ruler, it is one only when it is an array of at least two objects of which
// none has the name of an operator; otherwise $or is an ordinary name.
func alternativesOf(name string, value any) ([]map[string]any, bool) {
	items, ok := value.([]any)
	if name != or || !ok || len(items) < 2 {
		return nil, false
	}
	var alternatives []map[string]any
	for _, item := range items {
		object, ok := item.(map[string]any)
		if !ok || slices.ContainsFunc(slices.Collect(maps.Keys(object)), isOperator) {
			return nil, false
		}
		alternatives = append(alternatives, object)
	}
	return alternatives, true
}

func (p *parser) or(alternatives []map[string]any, path []string, at string, all []conditions) ([]conditions, error) {
	var result []conditions
	for i, alternative := range alternatives {
		more, err := p.object(alternative, path, pointer(at, strconv.Itoa(i)), slices.Clone(all))
		if err != nil {
			return nil, err
		}
		if result = append(result, more...); len(result) > MaxAlternatives {
			return nil, &ParseError{at, fmt.Sprintf("the alternatives of $or make more than %d combinations", MaxAlternatives)}
		}
	}
	return result, nil
}

// parseLeaf reads the array of a field: values and operators, of which one has to match.
func parseLeaf(items []any, at string) (*leaf, error) {
	if len(items) == 0 {
		return nil, &ParseError{at, "an array must not be empty"}
	}
	l := &leaf{}
	for i, item := range items {
		at := pointer(at, strconv.Itoa(i))
		switch item := item.(type) {
		case map[string]any:
			if err := l.addOperator(item, at); err != nil {
				return nil, err
			}
		case []any:
			return nil, &ParseError{at, "an array has values and operators in it, no arrays"}
		default:
			l.addValue(item)
		}
	}
	return l, nil
}

func (l *leaf) addValue(v any) {
	switch v := v.(type) {
	case string:
		if l.strings == nil {
			l.strings = make(map[string]bool)
		}
		l.strings[v] = true
	case json.Number:
		l.tests = append(l.tests, numberEquals{v, canonicalNumber(v)})
	default:
		l.tests = append(l.tests, literalEquals{v})
	}
}

func (l *leaf) addOperator(object map[string]any, at string) error {
	name, operand, err := onlyMember(object, at)
	if err != nil {
		return err
	}
	at = pointer(at, name)
	if name == "exists" {
		want, ok := operand.(bool)
		if !ok {
			return &ParseError{at, "exists takes true or false"}
		}
		if want {
			l.tests = append(l.tests, anyValue{})
		} else {
			l.orAbsent = true
		}
		return nil
	}
	t, err := parseTest(name, operand, at)
	if err != nil {
		return err
	}
	l.tests = append(l.tests, t)
	return nil
}

func onlyMember(object map[string]any, at string) (name string, operand any, err error) {
	if len(object) != 1 {
		return "", nil, &ParseError{at, fmt.Sprintf("an operator is an object of one member, not of %d", len(object))}
	}
	for name, operand = range object {
	}
	return name, operand, nil
}

func isOperator(name string) bool {
	switch name {
	case "exists", "prefix", "suffix", "equals-ignore-case", "wildcard", "numeric", "cidr", "anything-but":
		return true
	}
	return false
}

// parseTest reads an operator other than exists.
func parseTest(name string, operand any, at string) (test, error) {
	switch name {
	case "anything-but":
		return parseAnythingBut(operand, at)
	case "numeric":
		return parseNumeric(operand, at)
	case "prefix", "suffix":
		if object, ok := operand.(map[string]any); ok {
			inner, text, err := onlyMember(object, at)
			if err != nil {
				return nil, err
			}
			if inner != "equals-ignore-case" {
				return nil, &ParseError{pointer(at, inner), "only equals-ignore-case may stand within " + name}
			}
			return parseText(name, text, true, pointer(at, inner))
		}
		fallthrough
	case "equals-ignore-case", "wildcard", "cidr":
		return parseText(name, operand, false, at)
	}
	return nil, &ParseError{at, "there is no such operator; there are exists, prefix, suffix, equals-ignore-case, wildcard, numeric, cidr and anything-but"}
}

// parseText reads an operator that takes one string.
func parseText(name string, operand any, ignoreCase bool, at string) (test, error) {
	text, ok := operand.(string)
	if !ok {
		return nil, &ParseError{at, name + " takes a string"}
	}
	switch name {
	case "prefix":
		return prefix{newFolded(text, ignoreCase)}, nil
	case "suffix":
		return suffix{newFolded(text, ignoreCase)}, nil
	case "equals-ignore-case":
		return equalsIgnoreCase{newFolded(text, true)}, nil
	case "wildcard":
		return parseWildcard(text, at)
	}
	return parseCIDR(text, at)
}

// parseAnythingBut reads values or strings of another operator, of which none may match.
func parseAnythingBut(operand any, at string) (test, error) {
	object, ok := operand.(map[string]any)
	if !ok {
		l := &leaf{}
		for _, v := range listOf(operand) {
			switch v.(type) {
			case string, json.Number:
				l.addValue(v)
			default:
				return nil, &ParseError{at, "anything-but takes a string, a number, a list of them, or an operator"}
			}
		}
		if len(l.tests) == 0 && len(l.strings) == 0 {
			return nil, &ParseError{at, "an array must not be empty"}
		}
		return noneOf{l}, nil
	}
	name, inner, err := onlyMember(object, at)
	if err != nil {
		return nil, err
	}
	at = pointer(at, name)
	switch name {
	case "prefix", "suffix", "equals-ignore-case", "wildcard":
	default:
		return nil, &ParseError{at, "anything-but takes prefix, suffix, equals-ignore-case and wildcard, and no other operator"}
	}
	l := &leaf{}
	for _, v := range listOf(inner) {
		t, err := parseTest(name, v, at)
		if err != nil {
			return nil, err
		}
		l.tests = append(l.tests, t)
	}
	if len(l.tests) == 0 {
		return nil, &ParseError{at, "an array must not be empty"}
	}
	return noneOf{l}, nil
}

func listOf(v any) []any {
	if list, ok := v.([]any); ok {
		return list
	}
	return []any{v}
}

// parseNumeric reads ["=", 1], or one or both bounds of a range like [">", 0, "<=", 5].
func parseNumeric(operand any, at string) (test, error) {
	list, _ := operand.([]any)
	if len(list) != 2 && len(list) != 4 {
		return nil, &ParseError{at, `numeric takes a list like ["=", 5] or [">", 0, "<=", 5]`}
	}
	var r numberRange
	for i := 0; i < len(list); i += 2 {
		at := pointer(at, strconv.Itoa(i))
		number, ok := list[i+1].(json.Number)
		if !ok {
			return nil, &ParseError{at, "a number must follow the comparison"}
		}
		v, err := number.Float64()
		if err != nil {
			return nil, &ParseError{at, "the number is out of range"}
		}
		switch op, _ := list[i].(string); {
		case op == "=" && len(list) == 2:
			return numberEquals{number, canonicalNumber(number)}, nil
		case (op == ">" || op == ">=") && i == 0:
			r.low = &bound{v, op == ">="}
		case (op == "<" || op == "<=") && (i == 2 || len(list) == 2):
			r.high = &bound{v, op == "<="}
		default:
			return nil, &ParseError{at, `the comparison must be "=" alone, or ">" or ">=" and then "<" or "<="`}
		}
	}
	if r.low != nil && r.high != nil && r.low.v >= r.high.v {
		return nil, &ParseError{at, "the lower bound must be less than the upper bound"}
	}
	return r, nil
}

// pointer appends a name to a JSON pointer.
func pointer(at, name string) string {
	return at + "/" + strings.NewReplacer("~", "~0", "/", "~1").Replace(name)
}
