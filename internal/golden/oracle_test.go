package golden_test

import (
	"encoding/json"
	"math"
	"regexp"
	"strconv"
	"strings"
)

// conjunct is one comparison of a plain path with a literal, the form of nearly all recorded filters.
var conjunct = regexp.MustCompile(`^@((?:\.(?:[A-Za-z_]\w*|'[^']*'))+)\s*(=~|==?|!=|<=|>=|<|>)\s*('(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?|[A-Za-z_]\w*)$`)

// verdict is what the oracle says of a filter and an Item.
type verdict struct {
	known  bool // the filter is of the form that it knows
	keeps  bool
	mended bool // the original cuts a number here to compare it, or raises because the values have no order
}

// oracle decides on an Item what a filter of comparisons joined by & has to say when numbers compare as numbers and
// what has no order is unequal. It shares no code with the implementation, and does not know other filters.
func oracle(filter string, item json.RawMessage) verdict {
	var document any
	if json.Unmarshal(item, &document) != nil {
		return verdict{}
	}
	v := verdict{known: true, keeps: true}
	for _, part := range strings.Split(filter, "&") {
		m := conjunct.FindStringSubmatch(strings.TrimSpace(part))
		if m == nil {
			return verdict{}
		}
		value, found := document, true
		for _, name := range strings.Split(m[1][1:], ".") {
			fields, isObject := value.(map[string]any)
			value, found = fields[strings.Trim(name, "'")]
			if found = found && isObject; !found {
				break
			}
		}
		holds, known := compareOnce(value, m[2], m[3])
		if !known {
			return verdict{}
		}
		v.keeps = v.keeps && found && holds
		v.mended = v.mended || found && hasFault(value, m[2], m[3])
	}
	return v
}

// hasFault says whether the original gets a comparison wrong: it makes an integer of what it compares with a whole number,
// which cuts fractions and raises for null, arrays and objects; and it raises for values that have no order.
func hasFault(value any, operator, literal string) bool {
	_, err := strconv.ParseFloat(literal, 64)
	whole := err == nil && !strings.Contains(literal, ".")
	fractionOrBool := err == nil && !whole || literal == "true" || literal == "false"
	switch v := value.(type) {
	case float64:
		return whole && v != math.Trunc(v) || !whole && !fractionOrBool && isOrder(operator)
	case bool:
		return !whole && !fractionOrBool && isOrder(operator)
	case string:
		return fractionOrBool && (isOrder(operator) || operator == "=~")
	}
	return whole || isOrder(operator)
}

func isOrder(operator string) bool { return operator[0] == '<' || operator[0] == '>' }

func compareOnce(value any, operator, literal string) (holds, known bool) {
	unequal := operator == "!="
	quoted := strings.ContainsAny(literal[:1], `'"`)
	n, err := strconv.ParseFloat(literal, 64)
	isText := quoted || err != nil && literal != "true" && literal != "false"
	if operator == "=~" {
		text, ok := value.(string)
		if !ok || !isText {
			return false, true // nothing is found in what is no text, and no number is found
		}
		found, err := regexp.MatchString(strings.Trim(literal, `'"`), text)
		return found, err == nil && !strings.Contains(literal, `\\`)
	}
	if isText {
		text, ok := value.(string)
		if !ok {
			return unequal, true
		}
		return relation(operator, strings.Compare(text, strings.Trim(literal, `'"`))), !strings.Contains(literal, `\`)
	}
	if literal == "true" {
		n = 1
	}
	whole := err == nil && !strings.Contains(literal, ".")
	var x float64
	switch v := value.(type) {
	case float64:
		x = v
	case bool:
		if v {
			x = 1
		}
	case string:
		if !whole {
			return unequal, true
		}
		i, err := strconv.ParseInt(strings.TrimSpace(v), 10, 64)
		if err != nil {
			return false, true
		}
		x = float64(i)
	default:
		return unequal, true
	}
	switch {
	case x < n:
		return relation(operator, -1), true
	case x > n:
		return relation(operator, 1), true
	}
	return relation(operator, 0), true
}

func relation(operator string, sign int) bool {
	switch operator {
	case "!=":
		return sign != 0
	case "<":
		return sign < 0
	case "<=":
		return sign <= 0
	case ">":
		return sign > 0
	case ">=":
		return sign >= 0
	}
	return sign == 0
}
