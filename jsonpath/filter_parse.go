package jsonpath

import (
	"encoding/json"
	"regexp"
	"strings"
	"unicode"
)

// filter reads what follows "[?": a condition in parentheses.
func (p *parser) filter() (step, error) {
	p.space()
	if p.peek() != '(' {
		return nil, p.errorf("a filter is written [?(...)]%s", p.found())
	}
	c, err := p.primary()
	if err != nil {
		return nil, err
	}
	return filter{test: c}, nil
}

// or reads conditions with || between them; and binds tighter.
func (p *parser) or() (condition, error) {
	var list anyOf
	for {
		c, err := p.and()
		if err != nil {
			return nil, err
		}
		list = append(list, c)
		if p.space(); !p.skipString("||") {
			break
		}
	}
	if len(list) == 1 {
		return list[0], nil
	}
	return list, nil
}

func (p *parser) and() (condition, error) {
	var list allOf
	for {
		c, err := p.primary()
		if err != nil {
			return nil, err
		}
		list = append(list, c)
		if p.space(); !p.skipString("&&") {
			break
		}
	}
	if len(list) == 1 {
		return list[0], nil
	}
	return list, nil
}

// primary reads a condition in parentheses, a negated one, a comparison, or a path that is there.
func (p *parser) primary() (condition, error) {
	if p.depth++; p.depth > maxFilterDepth {
		return nil, p.errorf("more than %d filters and parentheses within each other", maxFilterDepth)
	}
	defer func() { p.depth-- }()
	p.space()
	switch {
	case p.skip('('):
		c, err := p.or()
		if err != nil {
			return nil, err
		}
		if p.space(); !p.skip(')') {
			return nil, p.errorf("expected )%s", p.found())
		}
		return c, nil
	case p.skip('!'):
		c, err := p.primary()
		if err != nil {
			return nil, err
		}
		return not{c}, nil
	}
	return p.comparison()
}

func (p *parser) comparison() (condition, error) {
	left, err := p.operand()
	if err != nil {
		return nil, err
	}
	p.space()
	op := p.operator()
	if op == "" {
		if q, ok := left.(query); ok {
			return exists{q}, nil
		}
		return nil, p.errorf("expected a comparison%s", p.found())
	}
	p.space()
	if op == "=~" {
		start := p.at
		re, err := p.regexp()
		return matches{left, re, p.text[start:p.at]}, err
	}
	right, err := p.operand()
	if err != nil {
		return nil, err
	}
	return comparison{left: left, operator: op, right: right}, nil
}

// operator reads a comparison operator, and returns "" when there is none. Those that are words may be in capitals.
func (p *parser) operator() string {
	for _, op := range []string{"==", "!=", "<=", ">=", "=~", "<", ">"} {
		if p.skipString(op) {
			return op
		}
	}
	start := p.at
	for c := p.peek() | 0x20; c >= 'a' && c <= 'z'; c = p.peek() | 0x20 {
		p.at++
	}
	word := strings.ToLower(p.text[start:p.at])
	if _, ok := wordOperator(word); ok {
		return word
	}
	p.at = start
	return ""
}

// operand reads a path from @ or $, or a literal.
func (p *parser) operand() (operand, error) {
	switch c := p.peek(); {
	case p.skip('@'), p.skip('$'):
		path, err := p.steps()
		if err != nil {
			return nil, err
		}
		return query{root: c, path: path}, nil
	case p.at == len(p.text):
		return nil, p.errorf("expected a path or a value, found the end")
	}
	v, err := p.literal()
	if err != nil {
		return nil, err
	}
	return literal{v}, nil
}

// literal reads a string, a number, true, false, null, a list of them, or a bare word, which is a string.
func (p *parser) literal() (any, error) {
	switch c := p.peek(); {
	case c == '\'' || c == '"':
		return p.quoted()
	case p.skip('['):
		return p.list()
	}
	start := p.at
	for p.at < len(p.text) && p.isWordRune() {
		p.advance()
	}
	switch word := p.text[start:p.at]; {
	case word == "":
		return nil, p.errorf("expected a path or a value%s", p.found())
	case word == "null":
		return nil, nil
	case word == "true", word == "false":
		return word == "true", nil
	case isNumber(word):
		return json.Number(word), nil
	default:
		return word, nil
	}
}

func (p *parser) list() (any, error) {
	if p.depth++; p.depth > maxFilterDepth {
		return nil, p.errorf("more than %d lists within each other", maxFilterDepth)
	}
	defer func() { p.depth-- }()
	list := []any{}
	for {
		if p.space(); p.skip(']') {
			return list, nil
		}
		v, err := p.literal()
		if err != nil {
			return nil, err
		}
		list = append(list, v)
		if p.space(); p.skip(',') {
			continue
		}
		if p.peek() != ']' {
			return nil, p.errorf("expected , or ]%s", p.found())
		}
	}
}

// regexp reads /expression/ or /expression/i, of Go's syntax, which runs in linear time.
func (p *parser) regexp() (*regexp.Regexp, error) {
	start := p.at
	if !p.skip('/') {
		return nil, p.errorf("expected a regular expression like /text.*/i%s", p.found())
	}
	var b strings.Builder
	for ; p.at < len(p.text) && p.text[p.at] != '/'; p.at++ {
		if strings.HasPrefix(p.text[p.at:], `\/`) {
			p.at++
		}
		b.WriteByte(p.text[p.at])
	}
	if !p.skip('/') {
		p.at = start
		return nil, p.errorf("the regular expression is not closed")
	}
	flags := ""
	if p.skip('i') {
		flags = "(?i)"
	}
	// The whole value has to match, as in Java.
	re, err := regexp.Compile(flags + `\A(?:` + b.String() + `)\z`)
	if err != nil {
		p.at = start
		return nil, p.errorf("%v", err)
	}
	return re, nil
}

func (p *parser) isWordRune() bool {
	r := p.rune()
	return unicode.IsLetter(r) || unicode.IsDigit(r) || strings.ContainsRune("_-+.:$", r)
}

// isNumber says whether s is a JSON number.
func isNumber(s string) bool {
	return (s[0] == '-' || s[0] >= '0' && s[0] <= '9') && json.Valid([]byte(s))
}
