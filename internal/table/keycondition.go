package table

import "slices"

// Term is a condition on one attribute, in the words of the parameters before expressions: KeyConditions, QueryFilter, ScanFilter.
type Term struct {
	Attribute string
	Op        string // EQ, NE, LE, LT, GE, GT, BETWEEN, BEGINS_WITH, CONTAINS, NOT_CONTAINS, IN, NULL, NOT_NULL
	Values    []Value
}

// ParseKeyCondition reads a key condition expression; err is a ValidationException. An expression that is written properly and is still no
// condition on keys is refused, which DynamoDB tells only when the other expressions have been read; whether it fits the keys of the table,
// Schema says. (Key condition expressions for the Query operation in DynamoDB.)
func (p *Placeholders) ParseKeyCondition(text string) (terms []Term, refused, err error) {
	c, err := p.ParseCondition("KeyConditionExpression", text)
	if err != nil {
		return nil, nil, err
	}
	terms, refused = c.root.keyTerms(nil)
	return terms, refused, nil
}

// keyTerms takes a tree of ANDs apart.
func (n *node) keyTerms(terms []Term) ([]Term, error) {
	switch n.op {
	case "and":
		terms, err := n.parts[0].keyTerms(terms)
		if err != nil {
			return nil, err
		}
		return n.parts[1].keyTerms(terms)
	case "or", "not", "in", "<>":
		return nil, Invalid("Invalid operator used in KeyConditionExpression: %s", map[string]string{"or": "OR", "not": "NOT", "in": "IN", "<>": "<>"}[n.op])
	case "attribute_exists", "attribute_not_exists", "attribute_type", "contains":
		return nil, Invalid("Invalid operator used in KeyConditionExpression: %s", n.op)
	}
	if _, ok := n.args[0].(path); !ok && n.op == "between" {
		return nil, Invalid("Invalid condition in KeyConditionExpression: BETWEEN operator must have the key attribute as its first operand")
	} else if !ok && n.op == "begins_with" {
		return nil, Invalid("Invalid condition in KeyConditionExpression: begins_with operator must have the key attribute as its first operand")
	}
	term, err := n.keyTerm()
	if err != nil {
		return nil, err
	}
	if slices.ContainsFunc(terms, func(t Term) bool { return t.Attribute == term.Attribute }) {
		return nil, Invalid("KeyConditionExpressions must only contain one condition per key")
	}
	return append(terms, term), nil
}

func (n *node) keyTerm() (Term, error) {
	var t Term
	swapped := false
	for i, arg := range n.args {
		switch arg := arg.(type) {
		case path:
			if t.Attribute != "" {
				return t, Invalid("Invalid condition in KeyConditionExpression: Multiple attribute names used in one condition")
			}
			if len(arg) > 1 {
				return t, Invalid("KeyConditionExpressions cannot have conditions on nested attributes")
			}
			t.Attribute, swapped = arg[0].name, i > 0
		case *node:
			return t, Invalid("KeyConditionExpressions cannot contain nested operations")
		case Value:
			t.Values = append(t.Values, arg)
		}
	}
	if t.Attribute == "" {
		return t, Invalid("Invalid condition in KeyConditionExpression: No key attribute specified")
	}
	ops := map[string]string{"=": "EQ", "<": "LT", "<=": "LE", ">": "GT", ">=": "GE", "between": "BETWEEN", "begins_with": "BEGINS_WITH"}
	if swapped {
		ops = map[string]string{"=": "EQ", "<": "GT", "<=": "GE", ">": "LT", ">=": "LE"}
	}
	t.Op = ops[n.op]
	return t, nil
}

// operandTypes are the types that the values of an operator may have; nil is any.
func operandTypes(op string) []Type {
	switch op {
	case "EQ", "NE":
		return []Type{S, N, B, SS, NS, BS}
	case "LE", "LT", "GE", "GT", "CONTAINS", "NOT_CONTAINS", "IN", "BETWEEN":
		return []Type{S, N, B}
	case "BEGINS_WITH":
		return []Type{S, B}
	}
	return nil
}

// operandCount reports whether an operator can have so many values.
func operandCount(op string, n int) bool {
	switch op {
	case "NULL", "NOT_NULL":
		return n == 0
	case "IN":
		return n > 0
	case "BETWEEN":
		return n == 2
	}
	return n == 1
}

// CheckTerms checks the number and types of the values of terms.
func CheckTerms(terms []Term) error {
	for _, t := range terms {
		if !operandCount(t.Op, len(t.Values)) {
			return Invalid(badParameter+"Invalid number of argument(s) for the %s ComparisonOperator", t.Op)
		}
		if len(t.Values) == 0 {
			continue
		}
		if err := sameTypes(t.Values); err != nil {
			return err
		}
		if types := operandTypes(t.Op); types != nil && !slices.Contains(types, t.Values[0].Type) {
			return Invalid(badParameter+"ComparisonOperator %s is not valid for %s AttributeValue type", t.Op, t.Values[0].Type)
		}
		if err := checkRange(t); err != nil {
			return err
		}
	}
	return nil
}

func sameTypes(values []Value) error {
	if slices.ContainsFunc(values, func(v Value) bool { return v.Type != values[0].Type }) {
		return Invalid(badParameter + "AttributeValues inside AttributeValueList must be of same type")
	}
	return nil
}

func checkRange(t Term) error {
	if t.Op == "BETWEEN" {
		if order, ok := t.Values[0].compare(t.Values[1]); ok && order > 0 {
			return Invalid("The BETWEEN condition was provided a range where the lower bound is greater than the upper bound")
		}
	}
	return nil
}

// Matches reports whether a value meets the term, a missing one only NULL, NE and NOT_CONTAINS.
func (t Term) Matches(v Value) bool {
	return t.node().match(Item{t.Attribute: v})
}
