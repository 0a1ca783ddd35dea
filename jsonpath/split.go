package jsonpath

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// A Root is what a path of a state machine goes into.
type Root int

// The roots of the States Language specification, "Paths", and of the Developer Guide, "Passing data between states with variables".
const (
	State    Root = iota // $: the data of the state
	Context              // $$: the context object
	Variable             // $name: a workflow variable
)

// maxVariableName is the longest name of a variable, in characters.
const maxVariableName = 80

// Split takes the root of a path off: $.a is State and $.a, $$.Map.Item is Context and $.Map.Item, $x.a[0] is Variable with the name
// x and $.a[0]. The rest always begins with "$" and is not checked; Parse does that. An error is a *SyntaxError.
func Split(expr string) (root Root, name, rest string, err error) {
	after, ok := strings.CutPrefix(expr, "$")
	if !ok {
		return 0, "", "", &SyntaxError{expr, 0, "a path begins with $"}
	}
	if rest, ok := strings.CutPrefix(after, "$"); ok {
		return Context, "", "$" + rest, nil
	}
	end := strings.IndexFunc(after, func(r rune) bool { return !isNamePart(r) })
	if end < 0 {
		end = len(after)
	}
	if end == 0 {
		return State, "", expr, nil
	}
	if wrong := checkVariable(after[:end]); wrong != "" {
		return 0, "", "", &SyntaxError{expr, 1, wrong}
	}
	return Variable, after[:end], "$" + after[end:], nil
}

// checkVariable says what is wrong with the name of a variable.
func checkVariable(name string) string {
	if first, _ := utf8.DecodeRuneInString(name); !unicode.IsLetter(first) && !unicode.Is(unicode.Nl, first) {
		return "the name of a variable begins with a letter"
	}
	if utf8.RuneCountInString(name) > maxVariableName {
		return fmt.Sprintf("the name of a variable has at most %d characters", maxVariableName)
	}
	return ""
}

// isNamePart is ID_Continue of Unicode Standard Annex 31, near enough: letters, digits, marks and connectors.
func isNamePart(r rune) bool {
	return unicode.IsLetter(r) || unicode.IsDigit(r) || unicode.In(r, unicode.Nl, unicode.Mn, unicode.Mc, unicode.Pc)
}
