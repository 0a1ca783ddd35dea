package asl

import "strings"

// An expression is the dynamic part of a field: a JSONPath, an intrinsic function, or a JSONata expression.
type expression interface {
	// eval returns the value. The field is where the expression stands, for messages.
	eval(s *scope, field string) (*Document, *failure)
}

// A template is a JSON value with expressions in it: Parameters, Arguments, ResultSelector, Output, …. It is evaluated by writing its
// text, so that what an expression selects is copied into the result without being parsed.
type template struct {
	constant []byte // the text, when there are no expressions; a document is made each time, for the machine is shared
	parts    []part
}

// A part is some text and the expression that follows it, which is nil at the end.
type part struct {
	text  []byte
	expr  expression
	field string
}

// eval returns the value of the template.
func (t *template) eval(s *scope) (*Document, *failure) {
	if t.constant != nil {
		return Raw(t.constant), nil
	}
	if len(t.parts) == 1 && len(t.parts[0].text) == 0 {
		return t.parts[0].expr.eval(s, t.parts[0].field)
	}
	var text []byte
	for _, p := range t.parts {
		text = append(text, p.text...)
		if p.expr == nil {
			continue
		}
		d, err := p.expr.eval(s, p.field)
		if err != nil {
			return nil, err
		}
		text = append(text, d.Bytes()...)
		if len(text) > s.exec.machine.limits.DataBytes {
			return nil, sizeFailure(s.frame.state.name)
		}
	}
	return Raw(text), nil
}

// A templateBuilder compiles a template from a node of the definition.
type templateBuilder struct {
	parts []part
	text  []byte
}

func (b *templateBuilder) expr(e expression, field string) {
	b.parts = append(b.parts, part{text: b.text, expr: e, field: field})
	b.text = nil
}

func (b *templateBuilder) finish() *template {
	if len(b.parts) == 0 {
		return &template{constant: b.text}
	}
	if len(b.text) > 0 {
		b.parts = append(b.parts, part{text: b.text})
	}
	return &template{parts: b.parts}
}

// template compiles a field whose value is a template.
func (p *parser) template(n *node, at, field string, jsonata bool) *template {
	var b templateBuilder
	if jsonata {
		p.buildJSONata(&b, n, at, field)
	} else {
		p.buildJSONPath(&b, n, at)
	}
	return b.finish()
}

// buildJSONPath compiles a payload template: the value of a member whose name ends in ".$" is a path or an intrinsic function.
func (p *parser) buildJSONPath(b *templateBuilder, n *node, at string) {
	switch n.kind {
	case '{':
		names := make(map[string]bool, len(n.members))
		b.text = append(b.text, '{')
		for i, m := range n.members {
			if i > 0 {
				b.text = append(b.text, ',')
			}
			name, dynamic := strings.CutSuffix(m.name, ".$")
			if names[name] {
				p.errorf(m.value, at, "The field '%s' is there twice once the suffix '.$' is taken away", name)
			}
			names[name] = true
			b.text = append(appendString(b.text, name), ':')
			if !dynamic {
				p.buildJSONPath(b, m.value, pointer(at, m.name))
				continue
			}
			e, err := p.query(m.value)
			if err != nil {
				p.errorf(m.value, at, "The value for the field '%s' must be a valid JSONPath or a valid intrinsic function call", m.name)
				continue
			}
			b.expr(e, m.name)
		}
		b.text = append(b.text, '}')
	case '[':
		b.text = append(b.text, '[')
		for i, item := range n.items {
			if i > 0 {
				b.text = append(b.text, ',')
			}
			p.buildJSONPath(b, item, pointerIndex(at, i))
		}
		b.text = append(b.text, ']')
	default:
		b.text = append(b.text, n.text...)
	}
}

// buildJSONata compiles a JSONata template: a string between {% and %} is an expression.
func (p *parser) buildJSONata(b *templateBuilder, n *node, at, field string) {
	switch n.kind {
	case '{':
		b.text = append(b.text, '{')
		for i, m := range n.members {
			if i > 0 {
				b.text = append(b.text, ',')
			}
			b.text = append(appendString(b.text, m.name), ':')
			p.buildJSONata(b, m.value, pointer(at, m.name), field+"/"+m.name)
		}
		b.text = append(b.text, '}')
	case '[':
		b.text = append(b.text, '[')
		for i, item := range n.items {
			if i > 0 {
				b.text = append(b.text, ',')
			}
			p.buildJSONata(b, item, pointerIndex(at, i), pointerIndex(field, i))
		}
		b.text = append(b.text, ']')
	case '"':
		if e := p.jsonata(n, at); e != nil {
			b.expr(e, field)
			return
		}
		fallthrough
	default:
		b.text = append(b.text, n.text...)
	}
}
