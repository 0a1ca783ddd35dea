package jsonpath

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// A parser reads one path. The paths within its filters are read by the same parser.
type parser struct {
	text  string
	at    int // byte offset
	depth int // of filters and parentheses
}

func (p *parser) errorf(format string, args ...any) error {
	return &SyntaxError{p.text, p.at, fmt.Sprintf(format, args...)}
}

// path reads the path at the beginning of the text.
func (p *parser) path() (path *Path, rest string, err error) {
	if !p.skip('$') {
		return nil, "", p.errorf("a path begins with $")
	}
	if path, err = p.steps(); err != nil {
		return nil, "", err
	}
	if p.at > MaxLength {
		return nil, "", p.errorf("the path is longer than %d bytes", MaxLength)
	}
	path.text = p.text[:p.at]
	if !utf8.ValidString(path.text) {
		return nil, "", p.errorf("the path is not valid UTF-8")
	}
	return path, p.text[p.at:], nil
}

// steps reads the steps after $ or @, up to something that begins no step.
func (p *parser) steps() (*Path, error) {
	path := &Path{}
	for path.function == nil {
		switch {
		case p.skip('.'):
			if p.skip('.') {
				path.add(descendants{})
			}
			if p.peek() == '[' {
				continue // $.['a'] and $..['a']
			}
			if err := p.dotted(path); err != nil {
				return nil, err
			}
		case p.skip('['):
			s, err := p.bracket()
			if err != nil {
				return nil, err
			}
			path.add(s)
		default:
			path.finish()
			return path, nil
		}
		if p.at > MaxLength {
			return nil, p.errorf("the path is longer than %d bytes", MaxLength)
		}
	}
	path.finish()
	return path, nil
}

func (p *Path) add(s step) {
	if one, ok := s.(single); ok && len(p.multiple) == 0 {
		p.single = append(p.single, one)
		return
	}
	p.multiple = append(p.multiple, s)
}

// finish settles what names like ['a','b'] mean: one object of those members at the end of the path, each member before the end and
// after two dots.
func (p *Path) finish() {
	n := len(p.multiple)
	if n == 0 {
		return
	}
	names, ok := p.multiple[n-1].(members)
	if n > 1 {
		if _, deep := p.multiple[n-2].(descendants); deep {
			return
		}
	}
	if ok {
		p.multiple = p.multiple[:n-1]
		p.add(pick(names))
	}
}

// dotted reads what follows a dot: a name, *, or a function.
func (p *parser) dotted(path *Path) error {
	if p.skip('*') {
		path.add(wildcard{})
		return nil
	}
	start := p.at
	for p.at < len(p.text) && p.isNameRune() {
		p.advance()
	}
	name := p.text[start:p.at]
	if name == "" {
		if p.at == len(p.text) {
			return p.errorf("a path must not end with a dot")
		}
		return p.errorf("expected a name, found %q; write names with special characters as ['name']", p.rune())
	}
	if !p.skip('(') {
		path.add(member(name))
		return nil
	}
	arguments := p.at
	end := strings.IndexByte(p.text[p.at:], ')')
	if end < 0 {
		return p.errorf("there is no ) after %s(", name)
	}
	p.at += end + 1
	f, err := newFunction(name, strings.TrimSpace(p.text[arguments:p.at-1]))
	if err != nil {
		p.at = start
		return p.errorf("%v", err)
	}
	path.function = f
	return nil
}

// isNameRune says whether the next character may be part of a name after a dot. In a filter, operators end a name.
func (p *parser) isNameRune() bool {
	r := p.rune()
	if unicode.IsSpace(r) || unicode.IsControl(r) || strings.ContainsRune(".[](),'\"*?@", r) {
		return false
	}
	return p.depth == 0 || !strings.ContainsRune("=<>!&|~", r)
}

// bracket reads what follows "[", and the "]".
func (p *parser) bracket() (s step, err error) {
	p.space()
	switch c := p.peek(); {
	case p.skip('*'):
		s = wildcard{}
	case p.skip('?'):
		s, err = p.filter()
	case c == '\'' || c == '"':
		s, err = p.names()
	default:
		s, err = p.indexes()
	}
	if err != nil {
		return nil, err
	}
	p.space()
	if !p.skip(']') {
		return nil, p.errorf("expected ]%s", p.found())
	}
	return s, nil
}

// names reads one or more quoted names.
func (p *parser) names() (step, error) {
	var names members
	for {
		p.space()
		name, err := p.quoted()
		if err != nil {
			return nil, err
		}
		names = append(names, name)
		if p.space(); !p.skip(',') {
			break
		}
	}
	if len(names) == 1 {
		return member(names[0]), nil
	}
	return names, nil
}

// indexes reads an index, several of them, or a slice.
func (p *parser) indexes() (step, error) {
	var list elements
	first, err := p.bound()
	if err != nil {
		return nil, err
	}
	if p.skip(':') {
		p.space()
		last, err := p.bound()
		return slice{from: first, to: last}, err
	}
	for {
		if first == nil {
			return nil, p.errorf("expected an index, a quoted name, * or ?%s", p.found())
		}
		list = append(list, *first)
		if !p.skip(',') {
			break
		}
		p.space()
		if first, err = p.bound(); err != nil {
			return nil, err
		}
	}
	if len(list) == 1 {
		return element(list[0]), nil
	}
	return list, nil
}

// bound reads a whole number, and nil when there is none.
func (p *parser) bound() (*int, error) {
	start := p.at
	p.skip('-')
	for c := p.peek(); c >= '0' && c <= '9'; c = p.peek() {
		p.at++
	}
	text := p.text[start:p.at]
	if text == "" {
		return nil, nil
	}
	i, err := strconv.ParseInt(text, 10, 32)
	if err != nil {
		p.at = start
		return nil, p.errorf("%q is not an index", text)
	}
	n := int(i)
	p.space()
	return &n, nil
}

// quoted reads a string in single or double quotes. A backslash escapes that quote and itself, and is an ordinary character elsewhere.
func (p *parser) quoted() (string, error) {
	start, quote := p.at, p.peek()
	if quote != '\'' && quote != '"' {
		return "", p.errorf("expected a quoted name%s", p.found())
	}
	var b strings.Builder
	for p.at++; p.at < len(p.text); p.at++ {
		c := p.text[p.at]
		switch {
		case c == quote:
			p.at++
			return b.String(), nil
		case c == '\\' && p.at+1 < len(p.text) && (p.text[p.at+1] == quote || p.text[p.at+1] == '\\'):
			p.at++
			c = p.text[p.at]
		}
		b.WriteByte(c)
	}
	p.at = start
	return "", p.errorf("the string is not closed")
}

// peek returns the next byte, or 0 at the end.
func (p *parser) peek() byte {
	if p.at < len(p.text) {
		return p.text[p.at]
	}
	return 0
}

func (p *parser) rune() rune {
	r, _ := utf8.DecodeRuneInString(p.text[p.at:])
	return r
}

// advance skips a character.
func (p *parser) advance() {
	_, size := utf8.DecodeRuneInString(p.text[p.at:])
	p.at += size
}

// found says what is there instead of what was expected.
func (p *parser) found() string {
	if p.at == len(p.text) {
		return ", found the end"
	}
	return fmt.Sprintf(", found %q", p.rune())
}

func (p *parser) skip(c byte) bool {
	if p.peek() != c || p.at == len(p.text) {
		return false
	}
	p.at++
	return true
}

func (p *parser) skipString(s string) bool {
	if !strings.HasPrefix(p.text[p.at:], s) {
		return false
	}
	p.at += len(s)
	return true
}

func (p *parser) space() {
	for c := p.peek(); c == ' ' || c == '\t' || c == '\n' || c == '\r'; c = p.peek() {
		p.at++
	}
}
