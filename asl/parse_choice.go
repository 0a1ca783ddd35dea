package asl

import "strings"

// choice reads the rules of a Choice state.
func (p *parser) choice(b *flowBuilder, s *state, o *object) {
	b.refer(o, "Default", func(next *state) { s.next = next })
	if !o.require("Choices") {
		return
	}
	n := o.ofKind("Choices", '[')
	if n == nil {
		return
	}
	at := pointer(o.at, "Choices")
	if len(n.items) == 0 {
		p.errorf(n, at, "There must be at least one choice rule")
	}
	s.choices = make([]choiceRule, len(n.items))
	for i, item := range n.items {
		ruleAt := pointerIndex(at, i)
		if item.kind != '{' {
			p.errorf(item, ruleAt, "A choice rule must be an object but is %s", article(item.kindName()))
			continue
		}
		rule := p.object(item, ruleAt)
		choice := &s.choices[i]
		rule.take("Comment")
		if rule.require("Next") {
			b.refer(rule, "Next", func(next *state) { choice.next = next })
		}
		choice.assign = p.assignments(rule, s.jsonata)
		if s.jsonata {
			choice.output = rule.template("Output", true)
			choice.condition = p.jsonataCondition(rule, pointerIndex("Choices", i)+"/Condition")
		} else {
			choice.condition = p.condition(rule)
		}
		rule.finish()
	}
}

// condition reads the one test of a choice rule.
func (p *parser) condition(o *object) condition {
	var found []condition
	for _, m := range o.node.members {
		switch name := m.name; name {
		case "And", "Or":
			if n := o.ofKind(name, '['); n != nil {
				found = append(found, p.conditions(name, n, pointer(o.at, name)))
			}
		case "Not":
			if n := o.ofKind(name, '{'); n != nil {
				inner := p.object(n, pointer(o.at, name))
				inner.take("Comment")
				found = append(found, not{p.condition(inner)})
				inner.finish()
			}
		default:
			if c := p.comparison(o, name); c != nil {
				found = append(found, c)
			}
		}
	}
	o.take("Variable")
	if len(found) != 1 {
		o.errorf("", "A choice rule must have exactly one of And, Or, Not, or a comparison with its Variable; there are %d", len(found))
		return allOf(nil)
	}
	return found[0]
}

// conditions reads the list of And and Or.
func (p *parser) conditions(operator string, n *node, at string) condition {
	if len(n.items) == 0 {
		p.errorf(n, at, "There must be at least one condition")
	}
	list := make([]condition, 0, len(n.items))
	for i, item := range n.items {
		itemAt := pointerIndex(at, i)
		if item.kind != '{' {
			p.errorf(item, itemAt, "A condition must be an object but is %s", article(item.kindName()))
			continue
		}
		inner := p.object(item, itemAt)
		inner.take("Comment")
		list = append(list, p.condition(inner))
		inner.finish()
	}
	if operator == "And" {
		return allOf(list)
	}
	return anyOf(list)
}

// comparison reads a data-test expression, or returns nil when the name is not one of the operators.
func (p *parser) comparison(o *object, name string) condition {
	operator, byPath := name, false
	compare := comparerOf(name)
	if compare == nil && name != "IsPresent" && name != "StringMatchesPath" && !strings.HasPrefix(name, "Is") {
		operator, byPath = strings.CutSuffix(name, "Path")
		if compare = comparerOf(operator); compare == nil || !byPath {
			return nil
		}
	}
	if compare == nil && name != "IsPresent" {
		return nil
	}
	n := o.left["Variable"]
	if n == nil || n.kind != '"' {
		o.errorf("Variable", "The field 'Variable' is required for '%s' and must be a string", name)
		o.take(name)
		return allOf(nil)
	}
	variable, err := parsePath(n.str)
	if err != nil {
		o.errorf("Variable", "The value for the field 'Variable' must be a valid JSONPath")
		o.take(name)
		return allOf(nil)
	}
	c := comparison{variable: variable, compare: compare}
	if byPath {
		operand := o.ofKind(name, '"')
		if operand != nil {
			if c.operandP, err = parsePath(operand.str); err != nil {
				o.errorf(name, "The value for the field '%s' must be a valid JSONPath", name)
			}
		}
		return c
	}
	operand := o.ofKind(name, operandKind(operator))
	if operand == nil {
		return c
	}
	if strings.HasPrefix(operator, "Timestamp") {
		if _, ok := parseTimestamp(operand.str); !ok {
			o.errorf(name, "String does not match RFC3339 timestamp")
		}
	}
	if operator == "IsPresent" {
		return presence{variable: variable, want: string(operand.text) == "true"}
	}
	c.operand = unmarshal(operand.text)
	return c
}

// operandKind is the kind of JSON value that an operator takes.
func operandKind(operator string) byte {
	switch {
	case strings.HasPrefix(operator, "Numeric"):
		return '0'
	case strings.HasPrefix(operator, "Is"), strings.HasPrefix(operator, "Boolean"):
		return 't'
	}
	return '"'
}
