package asl

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Parse reads a definition (States Language specification, https://states-language.net). The error is Diagnostics with every problem
// that was found.
func Parse(definition []byte) (*Machine, error) { return parse(definition, false) }

// ParseExpress reads the definition of an express state machine, which cannot wait for jobs or callbacks.
func ParseExpress(definition []byte) (*Machine, error) { return parse(definition, true) }

func parse(definition []byte, express bool) (*Machine, error) {
	return newParser(definition, express).parse()
}

// loneState is the name that AWS gives to a state that is defined on its own.
const loneState = "StateName"

// parseState reads the definition of one state as that of a machine which has only this state, and the name loneState for it. The states
// that it leads to need not be there. The definition must be JSON.
func parseState(definition []byte) (*Machine, error) {
	text := append([]byte(`{"StartAt":"`+loneState+`","States":{"`+loneState+`":`), definition...)
	p := newParser(append(text, "}}"...), false)
	p.lone = true
	return p.parse()
}

func newParser(definition []byte, express bool) *parser {
	return &parser{source: definition, express: express, machine: &Machine{limits: Limits{}.orDefault()}, names: map[string]bool{}}
}

func (p *parser) parse() (*Machine, error) {
	root, err := parseNode(p.source)
	if err != nil {
		return nil, Diagnostics{syntaxDiagnostic(p.source, err)}
	}
	if root.kind != '{' {
		p.errorf(root, "", "Definition must be a valid JSON object")
	} else {
		p.machineOf(root)
	}
	slices.SortStableFunc(p.diagnostics, func(a, b Diagnostic) int {
		if a.Line != b.Line {
			return a.Line - b.Line
		}
		return a.Column - b.Column
	})
	if errs := p.diagnostics.errors(); len(errs) > 0 {
		return nil, p.diagnostics
	}
	p.machine.warnings = p.diagnostics
	return p.machine, nil
}

// A parser builds a machine and collects what is wrong on the way.
type parser struct {
	source      []byte
	express     bool
	jsonataOnly bool // QueryLanguage of the machine
	lone        bool // the definition is that of one state, which leads to others that are not there
	machine     *Machine
	names       map[string]bool // of all states
	diagnostics Diagnostics
}

func (p *parser) errorf(n *node, at, format string, args ...any) {
	p.report(n, CodeSchema, at, format, args...)
}

func (p *parser) warnf(n *node, at, format string, args ...any) {
	p.report(n, CodeSchema, at, format, args...)
	p.diagnostics[len(p.diagnostics)-1].Severity = SeverityWarning
}

func (p *parser) report(n *node, code, at, format string, args ...any) {
	d := Diagnostic{Severity: SeverityError, Code: code, Location: at, Message: fmt.Sprintf(format, args...)}
	if at == "" {
		d.Location = "/"
	}
	d.Line, d.Column = position(p.source, n.offset)
	p.diagnostics = append(p.diagnostics, d)
}

// pointer is the location of a member, and pointerIndex of an element.
func pointer(at, name string) string {
	if !strings.ContainsAny(name, "~/") {
		return at + "/" + name
	}
	return at + "/" + strings.NewReplacer("~", "~0", "/", "~1").Replace(name)
}

func pointerIndex(at string, i int) string { return at + "[" + strconv.Itoa(i) + "]" }

// An object is a JSON object of the definition whose members are taken out one by one; what is left at the end is not known.
type object struct {
	p    *parser
	node *node
	at   string
	left map[string]*node
}

func (p *parser) object(n *node, at string) *object {
	o := &object{p: p, node: n, at: at, left: make(map[string]*node, len(n.members))}
	for _, m := range n.members {
		if _, twice := o.left[m.name]; twice {
			p.errorf(m.value, at, "The field '%s' is there twice", m.name)
		}
		o.left[m.name] = m.value
	}
	return o
}

func (o *object) errorf(field, format string, args ...any) {
	at, n := o.at, o.node
	if field != "" {
		at = pointer(at, field)
		for _, m := range o.node.members {
			if m.name == field {
				n = m.value
			}
		}
	}
	o.p.errorf(n, at, format, args...)
}

// take returns a member, or nil.
func (o *object) take(field string) *node {
	n := o.left[field]
	delete(o.left, field)
	return n
}

func (o *object) has(field string) bool { return o.left[field] != nil }

// require reports the fields that are missing, in AWS's words.
func (o *object) require(fields ...string) bool {
	var missing []string
	for _, field := range fields {
		if !o.has(field) {
			missing = append(missing, field)
		}
	}
	switch len(missing) {
	case 0:
		return true
	case 1:
		o.errorf("", "The field '%s' is required but was missing", missing[0])
	default:
		o.errorf("", "These fields are required: [%s]", strings.Join(missing, ", "))
	}
	return false
}

// atMostOne reports fields that exclude each other, and says whether exactly one is there.
func (o *object) atMostOne(fields ...string) bool {
	var there []string
	for _, field := range fields {
		if o.has(field) {
			there = append(there, field)
		}
	}
	if len(there) > 1 {
		o.errorf("", "Only one of these fields may be there: [%s]", strings.Join(there, ", "))
	}
	return len(there) == 1
}

// finish reports the fields that nobody took.
func (o *object) finish() {
	for _, m := range o.node.members {
		if _, unknown := o.left[m.name]; unknown {
			o.p.errorf(m.value, o.at, "The field '%s' is not supported here", m.name)
		}
	}
}

// ofKind takes a member of a kind of JSON value; nil when it is missing or, which is reported, of another kind.
func (o *object) ofKind(field string, kind byte) *node {
	n := o.take(field)
	if n == nil || n.kind == kind {
		return n
	}
	o.errorf(field, "The field '%s' must be %s but is %s", field, article((&node{kind: kind}).kindName()), article(n.kindName()))
	return nil
}

func article(kind string) string {
	switch kind {
	case "object", "array":
		return "an " + kind
	case "null":
		return kind
	}
	return "a " + kind
}

// string takes a string; ok is false when it is missing or something else.
func (o *object) string(field string) (s string, ok bool) {
	if n := o.ofKind(field, '"'); n != nil {
		return n.str, true
	}
	return "", false
}

// whole takes a whole number within bounds.
func (o *object) whole(field string, least, most int64) (int64, bool) {
	n := o.ofKind(field, '0')
	if n == nil {
		return 0, false
	}
	v, err := strconv.ParseInt(string(n.text), 10, 64)
	if err != nil || v < least || v > most {
		o.errorf(field, "The field '%s' must be a whole number from %d to %d", field, least, most)
		return 0, false
	}
	return v, true
}

// path takes a JSONPath. With orNull the value null is allowed too.
func (o *object) path(field string, orNull bool) *path {
	n := o.take(field)
	switch {
	case n == nil:
		return nil
	case n.kind == 'n' && orNull:
		return &path{null: true, text: "null"}
	case n.kind == '"':
		if n.str == "$" {
			return nil
		}
		if path, err := parsePath(n.str); err == nil {
			return path
		}
	}
	o.errorf(field, "The value for the field '%s' must be a valid JSONPath", field)
	return nil
}

// resultPath takes a Reference Path.
func (o *object) resultPath(field string) *resultPath {
	n := o.take(field)
	switch {
	case n == nil:
		return nil
	case n.kind == 'n':
		return &resultPath{discard: true}
	case n.kind == '"':
		if path, err := parseResultPath(n.str); err == nil {
			return path
		}
	}
	o.errorf(field, "The value for the field '%s' must be a valid Reference Path", field)
	return nil
}

// template takes a payload template.
func (o *object) template(field string, jsonata bool) *template {
	n := o.take(field)
	if n == nil {
		return nil
	}
	return o.p.template(n, pointer(o.at, field), field, jsonata)
}

// objectOrExpression takes a template whose value is an object.
func (o *object) objectOrExpression(field string, jsonata bool) *template {
	if n := o.left[field]; n != nil && n.kind != '{' && (!jsonata || n.kind != '"' || !isJSONata(n.str)) {
		o.errorf(field, "The field '%s' must be an object but is %s", field, article(n.kindName()))
		delete(o.left, field)
		return nil
	}
	return o.template(field, jsonata)
}
