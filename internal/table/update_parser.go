package table

import "strings"

const updateExpression = "UpdateExpression"

// ParseUpdate reads an update expression. The error is a ValidationException. (Update expressions in DynamoDB.)
func (p *Placeholders) ParseUpdate(text string) (*Update, error) {
	if err := admit(updateExpression, text); err != nil {
		return nil, err
	}
	u := &updateParser{parser: p.parser(text, "SET", "REMOVE", "ADD", "DELETE"), update: &Update{}, sections: map[string]bool{}}
	for !u.failed() {
		u.section()
		if u.current.text == "" {
			break
		}
	}
	err := u.check(updateExpression, faultReserved, faultUnknownFunction, faultSection, faultName, faultValue, faultOverlap, faultConflict,
		faultOperand, faultFunction)
	if err != nil {
		return nil, err
	}
	return u.update, nil
}

type updateParser struct {
	*parser
	update   *Update
	sections map[string]bool
}

// path reads a document path.
func (u *updateParser) path() path {
	p := u.parser.path()
	if len(p) > 1 {
		u.update.nested = append(u.update.nested, p[0].name)
	}
	return p
}

// section reads SET, REMOVE, ADD or DELETE with its actions.
func (u *updateParser) section() {
	kind := strings.ToUpper(u.current.text)
	switch kind {
	case "SET", "REMOVE", "ADD", "DELETE":
		u.next()
	default:
		u.fail()
		return
	}
	for {
		a := action{kind: kind, path: u.path()}
		if u.failed() {
			return
		}
		switch kind {
		case "SET":
			if u.expect("=") {
				a.source = u.assigned()
			}
		case "ADD", "DELETE":
			a.source = u.operandOf(kind)
		}
		if u.failed() {
			return
		}
		u.operators++
		u.register(a)
		if !u.accept(",") {
			break
		}
	}
	if u.sections[kind] {
		u.fault(faultSection, "The \"%s\" section can only be used once in an update expression;", kind)
	}
	u.sections[kind] = true
}

// register adds an action, whose path must not touch that of another.
func (u *updateParser) register(a action) {
	for _, other := range u.update.actions {
		u.touching(other.path, a.path)
	}
	u.update.actions = append(u.update.actions, a)
}

// touching complains about two paths of which one is a part of the other, or which take the same thing for a list and for a map. Of the latter
// the last pair is told.
func (p *parser) touching(one, two path) {
	const text = "Two document paths %s with each other; must remove or rewrite one of these paths; path one: %s, path two: %s"
	if p.found[faultOverlap] != "" {
		return
	}
	switch how := one.overlap(two); how {
	case "overlap":
		p.fault(faultOverlap, text, how, one, two)
	case "conflict":
		p.found[faultConflict] = ""
		p.fault(faultConflict, text, how, one, two)
	}
}

// operandOf reads the operand of ADD and DELETE, a number or set.
func (u *updateParser) operandOf(kind string) source {
	v := u.value()
	if v.Type.element() != None || v.Type == None || kind == "ADD" && v.Type == N {
		return v
	}
	names := map[Type]string{S: "STRING", N: "NUMBER", B: "BINARY", NULL: "NULL", BOOL: "BOOLEAN", L: "LIST", M: "MAP"}
	u.fault(faultOperand, "Incorrect operand type for operator or function; operator: %s, operand type: %s", kind, names[v.Type])
	return v
}

// assigned reads what stands on the right of SET: an operand, or two with + or - between them.
func (u *updateParser) assigned() source {
	wrapped := u.is("(")
	if wrapped {
		u.next()
		left := u.assigned()
		u.expect(")")
		if _, isSum := left.(*call); isSum && left.(*call).isSum() {
			return left
		}
		return u.sum(left)
	}
	return u.sum(u.plain())
}

func (u *updateParser) sum(left source) source {
	if u.failed() || !u.is("+") && !u.is("-") {
		return left
	}
	u.operators++
	c := &call{name: u.next().text, args: []source{left, u.single()}}
	if !u.failed() {
		u.checkCall(c)
	}
	return c
}

// single reads an operand, with or without parentheses.
func (u *updateParser) single() source {
	if !u.accept("(") {
		return u.plain()
	}
	s := u.single()
	u.expect(")")
	return s
}

func (u *updateParser) plain() source {
	switch {
	case u.failed():
		return nil
	case u.isCall():
		u.operators++
		c := &call{name: u.next().text}
		c.args = arguments(u.parser, u.single)
		if !u.failed() {
			u.checkCall(c)
		}
		return c
	case strings.HasPrefix(u.current.text, ":"):
		return u.value()
	}
	return u.path()
}

// checkCall checks the name of a function, or a sum, and its operands.
func (u *updateParser) checkCall(c *call) {
	want := L
	switch c.name {
	case "+", "-":
		want = N
	case "if_not_exists", "list_append":
	default:
		u.fault(faultUnknownFunction, "Invalid function name; function: %s", c.name)
		return
	}
	if len(c.args) != 2 {
		u.fault(faultFunction, "Incorrect number of operands for operator or function; operator or function: %s, number of operands: %d", c.name, len(c.args))
		return
	}
	if c.name == "if_not_exists" {
		if _, ok := c.args[0].(path); !ok {
			u.fault(faultFunction, "Operator or function requires a document path; operator or function: %s", c.name)
		}
		return
	}
	for _, arg := range c.args {
		if v, ok := arg.(Value); ok && v.Type != None && v.Type != want {
			u.fault(faultFunction, "Incorrect operand type for operator or function; operator or function: %s, operand type: %s", c.name, v.Type)
		}
	}
}
