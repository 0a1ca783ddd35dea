package payload

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

type tokenKind int

const (
	tokenEnd    tokenKind = iota
	tokenText             // a name or quoted text
	tokenNumber           // a number as it is written
	tokenBool             // "1" for true, "0" for false
	tokenOperator
	tokenNamed // what stands in backquotes
)

type token struct {
	kind   tokenKind
	text   string
	at     int  // the byte it begins at
	quoted bool // of tokenText
}

// lexer cuts the text of a filter into tokens.
type lexer struct {
	text string
	pos  int
}

// operators, the longer ones before those they begin with.
var operators = []string{"=~", "==", "<=", ">=", "!=", "..", "=", "<", ">", "&", "|", "!", "(", ")", "[", "]", ".", ",", ":", "*", "+", "-", "@", "$"}

// comparisons are the operators that compare a path with a literal.
var comparisons = []string{"=", "==", "!=", "<", "<=", ">", ">=", "=~"}

func (l *lexer) next() (token, error) {
	l.pos += len(l.text[l.pos:]) - len(strings.TrimLeft(l.text[l.pos:], " \t\r\n"))
	rest, at := l.text[l.pos:], l.pos
	if rest == "" {
		return token{kind: tokenEnd, at: at}, nil
	}
	switch c := rest[0]; {
	case c == '\'' || c == '"':
		s, err := l.quoted(c)
		return token{kind: tokenText, text: s, at: at, quoted: true}, err
	case c == '`':
		s, err := l.quoted(c)
		return token{kind: tokenNamed, text: s, at: at}, err
	case isDigit(c) || c == '-' && len(rest) > 1 && isDigit(rest[1]):
		return l.number(), nil
	case isNameStart(c) || c == '@' && len(rest) > 1 && isNameStart(rest[1]):
		return l.name(), nil
	}
	for _, op := range operators {
		if strings.HasPrefix(rest, op) {
			l.pos += len(op)
			return token{kind: tokenOperator, text: op, at: at}, nil
		}
	}
	r, _ := utf8.DecodeRuneInString(rest)
	return token{}, l.errorAt(at, "unexpected %q", r)
}

// quoted reads up to the closing quote. A backslash takes the next character as it is.
func (l *lexer) quoted(quote byte) (string, error) {
	var out []byte
	for i := l.pos + 1; i < len(l.text); i++ {
		switch c := l.text[i]; {
		case c == quote:
			l.pos = i + 1
			return string(out), nil
		case c == '\\' && i+1 < len(l.text):
			i++
			out = append(out, l.text[i])
		default:
			out = append(out, c)
		}
	}
	return "", l.errorAt(l.pos, "the quote %c is not closed", quote)
}

func (l *lexer) number() token {
	at := l.pos
	l.pos++
	l.digits()
	if rest := l.text[l.pos:]; len(rest) > 1 && rest[0] == '.' && isDigit(rest[1]) {
		l.pos++
		l.digits()
	}
	return token{kind: tokenNumber, text: l.text[at:l.pos], at: at}
}

func (l *lexer) digits() {
	for l.pos < len(l.text) && isDigit(l.text[l.pos]) {
		l.pos++
	}
}

func (l *lexer) name() token {
	at := l.pos
	l.pos++
	for l.pos < len(l.text) {
		c := l.text[l.pos]
		inside := c == ':' && l.pos+1 < len(l.text) && isNameStart(l.text[l.pos+1]) // as in eo:cloud_cover
		if !isNameStart(c) && !isDigit(c) && c != '@' && c != '-' && !inside {
			break
		}
		l.pos++
	}
	switch name := l.text[at:l.pos]; name {
	case "true":
		return token{kind: tokenBool, text: "1", at: at}
	case "false":
		return token{kind: tokenBool, text: "0", at: at}
	default:
		return token{kind: tokenText, text: name, at: at}
	}
}

func (l *lexer) errorAt(at int, format string, args ...any) error {
	return l.errorWithin(at, fmt.Errorf(format, args...))
}

func (l *lexer) errorWithin(at int, err error) error {
	return fmt.Errorf("at character %d: %w", utf8.RuneCountInString(l.text[:at])+1, err)
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

func isNameStart(c byte) bool { return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '_' }

// filterParser reads a filter by recursive descent: one method per level of binding.
type filterParser struct {
	lexer
	token token
}

func (p *filterParser) parse() (condition, error) {
	if err := p.advance(); err != nil {
		return nil, err
	}
	c, err := p.either()
	if err != nil {
		return nil, err
	}
	if p.token.kind != tokenEnd {
		return nil, p.unexpected("the end, & or |")
	}
	return c, nil
}

func (p *filterParser) advance() (err error) {
	p.token, err = p.next()
	return err
}

func (p *filterParser) is(operator string) bool {
	return p.token.kind == tokenOperator && p.token.text == operator
}

// take goes on if the operator is next.
func (p *filterParser) take(operator string) (bool, error) {
	if !p.is(operator) {
		return false, nil
	}
	return true, p.advance()
}

func (p *filterParser) expect(operator string) error {
	if !p.is(operator) {
		return p.unexpected(operator)
	}
	return p.advance()
}

func (p *filterParser) unexpected(wanted string) error {
	if p.token.kind == tokenEnd {
		return p.errorAt(p.token.at, "it ends where %s is expected", wanted)
	}
	return p.errorAt(p.token.at, "unexpected %q where %s is expected", p.text[p.token.at:p.pos], wanted)
}

func (p *filterParser) either() (condition, error) {
	left, err := p.both()
	for err == nil && p.is("|") {
		if err = p.advance(); err != nil {
			break
		}
		var right condition
		if right, err = p.both(); err == nil {
			left = either{left, right}
		}
	}
	return left, err
}

func (p *filterParser) both() (condition, error) {
	left, err := p.single()
	for err == nil && p.is("&") {
		if err = p.advance(); err != nil {
			break
		}
		var right condition
		if right, err = p.single(); err == nil {
			left = both{left, right}
		}
	}
	return left, err
}

// single reads a group, a negation, a comparison or a path alone.
func (p *filterParser) single() (condition, error) {
	if negated, err := p.take("!"); err != nil {
		return nil, err
	} else if negated {
		path, err := p.sum()
		return absent{path}, err
	}
	if !p.is("(") {
		left, err := p.sum()
		if err != nil {
			return nil, err
		}
		return p.comparison(left)
	}
	if err := p.advance(); err != nil {
		return nil, err
	}
	group, err := p.either()
	if err != nil {
		return nil, err
	}
	if err := p.expect(")"); err != nil {
		return nil, err
	}
	if alone, ok := group.(present); ok { // a path in parentheses, which may be compared
		return p.comparison(alone.path)
	}
	return group, nil
}

func (p *filterParser) comparison(left operand) (condition, error) {
	operator := p.token.text
	if p.token.kind != tokenOperator || !slices.Contains(comparisons, operator) {
		return present{left}, nil
	}
	if err := p.advance(); err != nil {
		return nil, err
	}
	literal := p.token
	if literal.kind != tokenText && literal.kind != tokenNumber && literal.kind != tokenBool {
		return nil, p.unexpected("text, a number, true or false")
	}
	relation, err := compare(operator, literal)
	if err != nil {
		return nil, p.errorWithin(literal.at, err)
	}
	return comparison{left, relation}, p.advance()
}

func (p *filterParser) sum() (operand, error) {
	left, err := p.product()
	for err == nil && (p.is("+") || p.is("-")) {
		left, err = p.arithmetic(left, p.product)
	}
	if number, ok := left.(constant); ok && err == nil {
		left = path{steps: []step{field(number.text)}} // a number alone is a name
	}
	if err == nil && p.token.kind == tokenText && !p.token.quoted && p.token.text == "where" {
		if err = p.advance(); err != nil {
			return nil, err
		}
		var condition operand
		if condition, err = p.sum(); err == nil {
			left = where{left, condition}
		}
	}
	return left, err
}

func (p *filterParser) product() (operand, error) {
	left, err := p.factor()
	for err == nil && p.is("*") {
		left, err = p.arithmetic(left, p.factor)
	}
	return left, err
}

func (p *filterParser) arithmetic(left operand, right func() (operand, error)) (operand, error) {
	operator := p.token.text
	if err := p.advance(); err != nil {
		return nil, err
	}
	r, err := right()
	return calculation{operator, left, r}, err
}

func (p *filterParser) factor() (operand, error) {
	if p.token.kind == tokenNumber {
		number := constant{p.token.text}
		return number, p.advance()
	}
	return p.path()
}

func (p *filterParser) path() (operand, error) {
	var steps []step
	if p.is("@") || p.is("$") {
		if err := p.advance(); err != nil {
			return nil, err
		}
	} else {
		s, err := p.step()
		if err != nil {
			return nil, err
		}
		steps = append(steps, s)
	}
	descended := false
	for {
		descend := p.is("..")
		switch {
		case p.is("["):
		case descend && descended:
			// Each would multiply what is found by all that is in it.
			return nil, p.errorAt(p.token.at, "a path can hold .. once")
		case descend || p.is("."):
			descended = descended || descend
			if err := p.advance(); err != nil {
				return nil, err
			}
		default:
			return path{steps}, nil
		}
		s, err := p.step()
		if err != nil {
			return nil, err
		}
		if descend {
			s = descendants{s}
		}
		steps = append(steps, s)
	}
}

// step reads one step of a path, up to the next dot or bracket.
func (p *filterParser) step() (step, error) {
	t := p.token
	switch {
	case t.kind == tokenText || t.kind == tokenNumber:
		return field(t.text), p.advance()
	case t.kind == tokenBool:
		return field(p.text[t.at:p.pos]), p.advance()
	case t.kind == tokenNamed:
		s, err := named(t.text)
		if err != nil {
			return nil, p.errorWithin(t.at, err)
		}
		return s, p.advance()
	case p.is("*"):
		return members{}, p.advance()
	case p.is("["):
		if err := p.advance(); err != nil {
			return nil, err
		}
		s, err := p.bracket()
		if err != nil {
			return nil, err
		}
		return s, p.expect("]")
	}
	return nil, p.unexpected("a path such as @.properties.platform")
}

func (p *filterParser) bracket() (step, error) {
	t := p.token
	switch {
	case t.kind == tokenNumber:
		i, err := strconv.Atoi(t.text)
		if err != nil {
			return nil, p.errorAt(t.at, "an index is a whole number")
		}
		return index(i), p.advance()
	case p.is("*"):
		return elements{}, p.advance()
	case t.kind == tokenText:
		return field(t.text), p.advance()
	}
	return nil, p.unexpected("a name, an index or *")
}
