package table

// Filter is the condition that terms make together, with AND or OR between them (Legacy DynamoDB conditional parameters). The terms are checked
// before.
func Filter(terms []Term, or bool) *Condition {
	op := "and"
	if or {
		op = "or"
	}
	c := &Condition{}
	for _, t := range terms {
		n := t.node()
		c.heads = append(c.heads, t.Attribute)
		if c.root == nil {
			c.root = n
		} else {
			c.root = &node{op: op, parts: []*node{c.root, n}}
		}
	}
	if c.root == nil {
		return nil
	}
	return c
}

// node is the term as an expression has it.
func (t Term) node() *node {
	ops := map[string]string{
		"EQ": "=", "NE": "<>", "LE": "<=", "LT": "<", "GE": ">=", "GT": ">", "BETWEEN": "between", "IN": "in", "BEGINS_WITH": "begins_with",
		"CONTAINS": "contains", "NOT_CONTAINS": "contains", "NULL": "attribute_not_exists", "NOT_NULL": "attribute_exists",
	}
	n := &node{op: ops[t.Op], args: []operand{path{{name: t.Attribute, index: -1}}}}
	for _, v := range t.Values {
		n.args = append(n.args, v)
	}
	if t.Op == "NOT_CONTAINS" {
		return &node{op: "not", parts: []*node{n}}
	}
	return n
}

// Expectation is what Expected says of one attribute.
type Expectation struct {
	Attribute string
	Op        string // "" when there is none
	Values    []Raw
	HasValues bool // AttributeValueList is there
	Value     *Raw
	Exists    *bool
}

// Expect is the condition that expectations make together.
func Expect(expectations []Expectation, or bool) (*Condition, error) {
	terms := make([]Term, 0, len(expectations))
	for _, e := range expectations {
		t, err := e.term()
		if err != nil {
			return nil, err
		}
		terms = append(terms, t)
	}
	return Filter(terms, or), nil
}

func (e Expectation) term() (Term, error) {
	t := Term{Attribute: e.Attribute, Op: e.Op}
	if e.HasValues && e.Value != nil {
		return t, Invalid(badParameter+"Value and AttributeValueList cannot be used together for Attribute: %s", e.Attribute)
	}
	if e.Op == "" {
		return e.existence()
	}
	if e.Exists != nil {
		return t, Invalid(badParameter+"Exists and ComparisonOperator cannot be used together for Attribute: %s", e.Attribute)
	}
	if e.Op != "NULL" && e.Op != "NOT_NULL" && !e.HasValues && e.Value == nil {
		return t, Invalid(badParameter+"Value or AttributeValueList must be used with ComparisonOperator: %s for Attribute: %s", e.Op, e.Attribute)
	}
	raws := e.Values
	if e.Value != nil {
		raws = []Raw{*e.Value}
	}
	if !operandCount(e.Op, len(raws)) {
		return t, Invalid(badParameter+"Invalid number of argument(s) for the %s ComparisonOperator", e.Op)
	}
	for _, raw := range raws {
		v, err := raw.Value()
		if err != nil {
			return t, err
		}
		t.Values = append(t.Values, v)
	}
	if len(t.Values) > 0 {
		if err := sameTypes(t.Values); err != nil {
			return t, err
		}
	}
	return t, checkRange(t)
}

// existence is an expectation without an operator: a value that is to be there, or Exists.
func (e Expectation) existence() (Term, error) {
	t := Term{Attribute: e.Attribute, Op: "EQ"}
	switch exists := e.Exists == nil || *e.Exists; {
	case e.HasValues:
		return t, Invalid(badParameter+"AttributeValueList can only be used with a ComparisonOperator for Attribute: %s", e.Attribute)
	case exists && e.Value == nil:
		shown := "null"
		if e.Exists != nil {
			shown = "true"
		}
		return t, Invalid(badParameter+"Value must be provided when Exists is %s for Attribute: %s", shown, e.Attribute)
	case !exists && e.Value != nil:
		return t, Invalid(badParameter+"Value cannot be used when Exists is false for Attribute: %s", e.Attribute)
	case !exists:
		t.Op = "NULL"
		return t, nil
	}
	v, err := e.Value.Value()
	t.Values = []Value{v}
	return t, err
}

// AttributeUpdate is what AttributeUpdates says of one attribute.
type AttributeUpdate struct {
	Attribute string
	Action    string // PUT when empty, ADD, DELETE
	Value     *Raw
}

// UpdateOf is the update that AttributeUpdates make.
func UpdateOf(updates []AttributeUpdate) (*Update, error) {
	out := &Update{legacy: true}
	for _, u := range updates {
		var v Value
		if u.Value != nil {
			var err error
			if v, err = u.Value.Value(); err != nil {
				return nil, err
			}
		}
		a := action{kind: "SET", path: path{{name: u.Attribute, index: -1}}, source: v}
		switch {
		case u.Value == nil && u.Action != "DELETE":
			return nil, Invalid(badParameter + "Only DELETE action is allowed when no attribute value is specified")
		case u.Value == nil:
			a.kind = "REMOVE"
		case u.Action == "DELETE" && v.Type.element() == None:
			return nil, Invalid(badParameter+"DELETE action with value is not supported for the type %s", v.Type)
		case u.Action == "ADD" && v.Type.element() == None && v.Type != L && v.Type != N:
			return nil, Invalid(badParameter+"ADD action is not supported for the type %s", v.Type)
		case u.Action == "DELETE" || u.Action == "ADD":
			a.kind = u.Action
		}
		out.actions = append(out.actions, a)
	}
	return out, nil
}
