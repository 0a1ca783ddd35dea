package table

import (
	"fmt"
	"slices"
	"strings"
)

// A fault is a class of mistakes in an expression that is written properly. Of each class the first is kept, and of all classes DynamoDB tells
// the one that comes first in an order of its own, which is not that of the text.
type fault byte

const (
	faultParentheses fault = iota
	faultUnknownFunction
	faultMisused
	faultReserved
	faultSection
	faultName
	faultValue
	faultOverlap
	faultConflict
	faultOperand
	faultDistinct
	faultFunction
	faultCondition // the worst of the first condition that has one of faultName, faultOperand, faultDistinct, faultFunction
	faults
)

// parser reads one expression. It looks one token ahead, and goes into itself no deeper than the expression is long.
type parser struct {
	*lexer
	placeholders *Placeholders
	keywords     []string // words that are no names
	found        [faults]string
	operators    int

	undefinedValue fault // the class of a placeholder that stands for nothing
}

func (p *Placeholders) parser(text string, keywords ...string) *parser {
	return &parser{lexer: newLexer(text), placeholders: p, keywords: keywords, undefinedValue: faultValue}
}

// check is the error of an expression that was read: what is wrong with its form, or the first of its faults in an order.
func (p *parser) check(kind string, order ...fault) error {
	problem := p.problem
	for _, f := range order {
		if problem == "" {
			problem = p.found[f]
		}
	}
	if problem == "" && p.operators > MaxOperators {
		problem = fmt.Sprintf("The expression contains too many operators; number of operators: %d, maximum: %d", p.operators, MaxOperators)
	}
	if problem == "" {
		return nil
	}
	return Invalid("Invalid %s: %s", kind, problem)
}

// admit refuses expressions by their length alone.
func admit(kind, text string) error {
	if text == "" {
		return Invalid("Invalid %s: The expression can not be empty;", kind)
	}
	if len(text) > MaxExpressionBytes {
		return Invalid("Invalid %s: Expression size has exceeded the maximum allowed size; expression size: %d", kind, len(text))
	}
	return nil
}

func (p *parser) fault(f fault, format string, args ...any) {
	if p.found[f] == "" {
		p.found[f] = fmt.Sprintf(format, args...)
	}
}

// name reads a token as the name of an attribute: a word, or a placeholder of one.
func (p *parser) name(t token) (string, bool) {
	if strings.HasPrefix(t.text, "#") {
		text, ok := p.placeholders.name(t.text)
		if !ok {
			p.fault(faultName, "An expression attribute name used in the document path is not defined; attribute name: %s", t.text)
		}
		return text, true
	}
	if !t.isName() || p.isKeyword(t) {
		return "", false
	}
	if reserved(t.text) {
		p.fault(faultReserved, "Attribute name is a reserved keyword; reserved keyword: %s", t.text)
	}
	return t.text, true
}

func (p *parser) isKeyword(t token) bool {
	return slices.ContainsFunc(p.keywords, func(word string) bool { return (&lexer{current: t}).isWord(word) })
}

// path reads a document path.
func (p *parser) path() path {
	text, ok := p.name(p.current)
	if !ok {
		p.fail()
		return nil
	}
	p.next()
	found, _ := parseSteps(p.lexer, path{{name: text, index: -1}}, p.name)
	return found
}

// value reads a placeholder of a value.
func (p *parser) value() Value {
	t := p.current
	if !strings.HasPrefix(t.text, ":") {
		p.fail()
		return Value{}
	}
	p.next()
	v, ok := p.placeholders.value(t.text)
	if !ok {
		p.fault(p.undefinedValue, "An expression attribute value used in expression is not defined; attribute value: %s", t.text)
	}
	return v
}

// isCall reports whether a function begins here: a word with a parenthesis behind it.
func (p *parser) isCall() bool {
	return p.current.isName() && !p.isKeyword(p.current) && p.scan(p.current.end).text == "("
}

// arguments reads what stands between the parentheses of a function, each read by one.
func arguments[T any](p *parser, one func() T) []T {
	var args []T
	if !p.expect("(") {
		return nil
	}
	for {
		args = append(args, one())
		if p.failed() || !p.accept(",") {
			break
		}
	}
	p.expect(")")
	return args
}
