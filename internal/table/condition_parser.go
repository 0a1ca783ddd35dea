package table

import (
	"slices"
	"strings"
)

// ParseCondition reads a condition or filter; kind is the name of the parameter, for texts. The error is a ValidationException. (Condition and
// filter expressions, operators, and functions in DynamoDB.)
func (p *Placeholders) ParseCondition(kind, text string) (*Condition, error) {
	if err := admit(kind, text); err != nil {
		return nil, err
	}
	c := &conditionParser{parser: p.parser(text, "AND", "OR", "NOT", "BETWEEN", "IN"), condition: &Condition{}}
	c.undefinedValue = faultName
	root := c.or(false)
	if !c.failed() && c.current.text != "" {
		c.fail()
	}
	if !c.failed() {
		c.bare(root.operand())
	}
	if err := c.check(kind, faultParentheses, faultUnknownFunction, faultMisused, faultReserved, faultCondition); err != nil {
		return nil, err
	}
	c.condition.root = root.node
	return c.condition, nil
}

type conditionParser struct {
	*parser
	condition *Condition
}

// term is what stands in a condition: a condition, or an operand that is to become a part of one.
type term struct {
	node    *node   // a condition or a function
	other   operand // an operand that is no function
	wrapped bool    // it stands in parentheses
}

func (t term) operand() operand {
	if t.node != nil {
		return t.node
	}
	return t.other
}

func (c *conditionParser) or(inside bool) term { return c.chain("or", inside, c.and) }

func (c *conditionParser) and(inside bool) term { return c.chain("and", inside, c.not) }

// chain reads terms with one word between them. inside says that the term stands in parentheses and may be an operand.
func (c *conditionParser) chain(word string, inside bool, part func(bool) term) term {
	left := part(inside)
	for !c.failed() && c.acceptWord(word) {
		right := part(false)
		if c.failed() {
			break
		}
		c.bare(left.operand())
		c.bare(right.operand())
		c.operators++
		left = term{node: &node{op: word, parts: []*node{left.node, right.node}}}
	}
	return left
}

func (c *conditionParser) not(inside bool) term {
	if !c.acceptWord("NOT") {
		return c.simple(inside)
	}
	inner := c.not(false)
	if c.failed() {
		return term{}
	}
	c.bare(inner.operand())
	c.operators++
	return term{node: &node{op: "not", parts: []*node{inner.node}}}
}

// simple reads a condition without AND, OR and NOT around it.
func (c *conditionParser) simple(inside bool) term {
	left := c.term()
	if c.failed() {
		return left
	}
	op := c.comparator()
	if op == "" {
		switch {
		case left.other != nil && (!inside || !c.is(")")):
			c.fail()
		case left.node != nil && len(left.node.parts) == 0:
			c.settle()
		}
		return left
	}
	if left.node != nil && !left.node.isFunction() { // a condition cannot be compared
		c.fail()
		return left
	}
	c.next()
	c.operators++
	args := []operand{left.operand()}
	switch op {
	case "between":
		low := c.operand()
		if !c.failed() && !c.acceptWord("AND") {
			c.fail()
		}
		if !c.failed() {
			args = append(args, low, c.operand())
		}
	case "in":
		args = append(args, arguments(c.parser, c.operand)...)
	default:
		args = append(args, c.operand())
	}
	if c.failed() {
		return term{}
	}
	c.compared(op, args)
	c.settle()
	return term{node: &node{op: op, args: args}}
}

// comparator is the sign or word that comes next, if it makes a condition of an operand.
func (c *conditionParser) comparator() string {
	switch t := strings.ToLower(c.current.text); t {
	case "=", "<>", "<", "<=", ">", ">=", "between", "in":
		return t
	}
	return ""
}

// term reads an operand, a function, or anything in parentheses.
func (c *conditionParser) term() term {
	if !c.accept("(") {
		return termOf(c.plainOperand())
	}
	inner := c.or(true)
	if c.failed() || !c.expect(")") {
		return term{}
	}
	if inner.wrapped {
		c.fault(faultParentheses, "The expression has redundant parentheses;")
	}
	inner.wrapped = true
	if p, ok := inner.other.(path); ok {
		inner.other, _ = c.continued(p)
	}
	return inner
}

func termOf(o operand) term {
	if n, ok := o.(*node); ok {
		return term{node: n}
	}
	return term{other: o}
}

// operand reads an operand, with or without parentheses.
func (c *conditionParser) operand() operand {
	if !c.is("(") {
		return c.plainOperand()
	}
	t := c.term()
	if !c.failed() && t.node != nil && !t.node.isFunction() {
		c.fail()
	}
	return t.operand()
}

func (c *conditionParser) plainOperand() operand {
	switch {
	case c.isCall():
		return c.call()
	case strings.HasPrefix(c.current.text, ":"):
		return c.value()
	}
	p := c.path()
	if p == nil {
		return nil
	}
	c.note(p)
	return p
}

// continued reads on after a path in parentheses: (a.b)[1].
func (c *conditionParser) continued(p path) (path, bool) {
	longer, ok := parseSteps(c.lexer, p, c.name)
	if ok {
		c.note(longer)
	}
	return longer, ok
}

// note remembers what a path begins with.
func (c *conditionParser) note(p path) {
	if head := p[0].name; !slices.Contains(c.condition.heads, head) {
		c.condition.heads = append(c.condition.heads, head)
	}
	if head := p[0].name; len(p) > 1 && !slices.Contains(c.condition.nested, head) {
		c.condition.nested = append(c.condition.nested, head)
	}
}

func (c *conditionParser) call() operand {
	c.operators++
	n := &node{op: c.next().text}
	n.args = arguments(c.parser, c.operand)
	if c.failed() {
		return n
	}
	c.misused(n.args)
	c.checkFunction(n)
	return n
}
