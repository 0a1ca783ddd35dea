package intrinsic

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"sundog/jsonpath"
)

// A SyntaxError says where a call is wrong.
type SyntaxError struct {
	Expr   string // as given
	Offset int    // in bytes, from 0
	Reason string
}

func (e *SyntaxError) Error() string {
	return fmt.Sprintf("intrinsic function, at byte %d: %s", e.Offset, e.Reason)
}

// IsCall says whether a text is meant to be a call of an intrinsic function and not a path.
func IsCall(expr string) bool { return strings.HasPrefix(expr, prefix) }

const (
	prefix = "States."
	// maxPath is longer than any path with its root.
	maxPath = jsonpath.MaxLength + 1000
)

// Parse reads a call: the name of a function and its arguments, which are strings in single quotes, numbers, true, false, null, paths and
// other calls. The number of arguments is checked, and the types of those that are literals. An error is a *SyntaxError.
func Parse(expr string) (*Call, error) {
	p := parser{text: expr}
	if len(expr) > MaxLength {
		return nil, p.errorf("the expression has %d bytes, more than %d", len(expr), MaxLength)
	}
	if !utf8.ValidString(expr) {
		return nil, p.errorf("the text is not valid UTF-8")
	}
	c, err := p.call()
	if err != nil {
		return nil, err
	}
	if p.at < len(expr) {
		return nil, p.errorf("there is more text after the call")
	}
	return c, nil
}

type parser struct {
	text  string
	at    int // byte offset
	calls int
}

func (p *parser) errorf(format string, args ...any) error {
	return &SyntaxError{p.text, p.at, fmt.Sprintf(format, args...)}
}

func (p *parser) call() (*Call, error) {
	if p.calls++; p.calls > MaxCalls {
		return nil, p.errorf("an expression has at most %d function calls", MaxCalls)
	}
	start := p.at
	open := strings.IndexByte(p.text[p.at:], '(')
	if !IsCall(p.text[p.at:]) || open < 0 {
		return nil, p.errorf("expected a call like States.Format('{}', $.name)")
	}
	c := &Call{name: p.text[p.at : p.at+open]}
	if c.function = functionOf(strings.TrimPrefix(c.name, prefix)); c.function == nil {
		return nil, p.errorf("there is no intrinsic function %s", c.name)
	}
	p.at += open + 1
	if p.space(); p.peek() != ')' {
		if err := p.arguments(c); err != nil {
			return nil, err
		}
	}
	p.at++ // the closing parenthesis
	c.text = p.text[start:p.at]
	if wrong := c.function.checkCount(len(c.args)); wrong != "" {
		p.at = start
		return nil, p.errorf("%s %s, not %d", c.name, wrong, len(c.args))
	}
	return c, nil
}

// arguments reads arguments up to the closing parenthesis.
func (p *parser) arguments(c *Call) error {
	for {
		p.space()
		start := p.at
		a, err := p.argument(c.function.template && len(c.args) == 0)
		if err != nil {
			return err
		}
		if a.path == nil && a.call == nil {
			if err := c.function.check(len(c.args), a.literal); err != nil {
				p.at = start
				return p.errorf("%s: %v", c.name, err)
			}
		}
		c.args = append(c.args, a)
		p.space()
		switch p.peek() {
		case ',':
			p.at++
		case ')':
			return nil
		default:
			return p.errorf("expected , or ) after the argument")
		}
	}
}

func (p *parser) argument(template bool) (argument, error) {
	switch p.peek() {
	case '\'':
		s, err := p.quoted(template)
		return argument{literal: s}, err
	case '$':
		path, err := p.path()
		return argument{path: path}, err
	case 'S':
		call, err := p.call()
		return argument{call: call}, err
	}
	end := strings.IndexAny(p.text[p.at:], ",) \t\r\n")
	if end < 0 {
		return argument{}, p.errorf("the call is not closed with )")
	}
	switch word := p.text[p.at : p.at+end]; {
	case word == "null":
		p.at += end
		return argument{}, nil
	case word == "true", word == "false":
		p.at += end
		return argument{literal: word == "true"}, nil
	case word != "" && (word[0] == '-' || word[0] >= '0' && word[0] <= '9') && json.Valid([]byte(word)):
		p.at += end
		return argument{literal: json.Number(word)}, nil
	}
	return argument{}, p.errorf("expected a string in single quotes, a number, true, false, null, a path or a function call")
}

// quoted reads a string in single quotes. A backslash stands before ', {, } and \, and before nothing else. In a template the escapes
// of braces and of the backslash are kept: only States.Format knows which braces mean themselves.
func (p *parser) quoted(template bool) (string, error) {
	start := p.at
	var b strings.Builder
	for p.at++; p.at < len(p.text); p.at++ {
		switch c := p.text[p.at]; c {
		case '\'':
			p.at++
			return b.String(), nil
		case '\\':
			p.at++
			escaped := p.peek()
			if escaped == 0 || !strings.ContainsRune(`'{}\`, rune(escaped)) {
				p.at--
				return "", p.errorf(`a backslash stands only before ', {, } and \`)
			}
			if template && escaped != '\'' {
				b.WriteByte('\\')
			}
			b.WriteByte(escaped)
		default:
			b.WriteByte(c)
		}
	}
	p.at = start
	return "", p.errorf("the string is not closed")
}

func (p *parser) path() (*PathArg, error) {
	start := p.at
	// Split copies, so it gets no more than a path can be.
	text := p.text[start:min(len(p.text), start+maxPath)]
	root, variable, rest, err := jsonpath.Split(text)
	if err != nil {
		return nil, p.pathError(start, err)
	}
	from := len(rest)
	path, rest, err := jsonpath.ParsePrefix(rest)
	if err != nil {
		return nil, p.pathError(start+len(text)-from, err)
	}
	p.at = start + len(text) - len(rest)
	return &PathArg{Text: p.text[start:p.at], Root: root, Variable: variable, Path: path}, nil
}

func (p *parser) pathError(from int, err error) error {
	if e, ok := errors.AsType[*jsonpath.SyntaxError](err); ok {
		p.at = from + e.Offset
		return p.errorf("%s", e.Reason)
	}
	return p.errorf("%v", err)
}

// peek returns the next byte, or 0 at the end.
func (p *parser) peek() byte {
	if p.at < len(p.text) {
		return p.text[p.at]
	}
	return 0
}

func (p *parser) space() {
	for c := p.peek(); c == ' ' || c == '\t' || c == '\r' || c == '\n'; c = p.peek() {
		p.at++
	}
}
