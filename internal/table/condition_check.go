package table

import "slices"

// settle closes a condition: the worst of the faults that have come up is the one that is told.
func (c *conditionParser) settle() {
	for _, f := range []fault{faultName, faultOperand, faultDistinct, faultFunction} {
		if c.found[f] != "" {
			c.fault(faultCondition, "%s", c.found[f])
			return
		}
	}
}

// bare complains about size() where a condition is wanted.
func (c *conditionParser) bare(o operand) {
	if n, ok := o.(*node); ok && n.op == "size" {
		c.fault(faultMisused, "The function is not allowed to be used this way in an expression; function: %s", n.op)
	}
}

// misused complains about functions other than size() where an operand is wanted.
func (c *conditionParser) misused(args []operand) {
	for _, arg := range args {
		if n, ok := arg.(*node); ok && n.op != "size" {
			c.fault(faultMisused, "The function is not allowed to be used this way in an expression; function: %s", n.op)
		}
	}
}

// compared checks the operands of a comparison.
func (c *conditionParser) compared(op string, args []operand) {
	c.misused(args)
	switch op {
	case "between":
		c.checkBounds(args[1], args[2])
	case "in":
		if len(args)-1 > MaxInOperands {
			c.fault(faultOperand, "The IN operator is provided with too many operands; number of operands: %d", len(args)-1)
		}
	default:
		c.distinct(op, args)
	}
}

func (c *conditionParser) distinct(op string, args []operand) {
	if len(args) != 2 {
		return
	}
	x, isPath := args[0].(path)
	y, both := args[1].(path)
	if isPath && both && slices.Equal(x, y) {
		c.fault(faultDistinct, "The first operand must be distinct from the remaining operands for this operator or function; operator: %s, first operand: %s", op, x)
	}
}

func (c *conditionParser) checkBounds(low, high operand) {
	x, constant := low.(Value)
	y, both := high.(Value)
	if !constant || !both || x.Type == None || y.Type == None {
		return
	}
	if x.Type != y.Type {
		c.fault(faultFunction, "The BETWEEN operator requires same data type for lower and upper bounds; lower bound operand: AttributeValue: %s, upper bound operand: AttributeValue: %s", x.debug(), y.debug())
	} else if order, ok := x.compare(y); ok && order > 0 {
		c.fault(faultFunction, "The BETWEEN operator requires upper bound to be greater than or equal to lower bound; lower bound operand: AttributeValue: %s, upper bound operand: AttributeValue: %s", x.debug(), y.debug())
	}
}

// checkFunction checks the name of a function and its operands.
func (c *conditionParser) checkFunction(n *node) {
	want := 2
	switch n.op {
	case "attribute_exists", "attribute_not_exists", "size":
		want = 1
	case "attribute_type", "begins_with", "contains":
	default:
		c.fault(faultUnknownFunction, "Invalid function name; function: %s", n.op)
		return
	}
	if len(n.args) != want {
		c.fault(faultOperand, "Incorrect number of operands for operator or function; operator or function: %s, number of operands: %d", n.op, len(n.args))
		return
	}
	c.distinct(n.op, n.args)
	switch n.op {
	case "attribute_exists", "attribute_not_exists":
		if _, ok := n.args[0].(path); !ok {
			c.fault(faultFunction, "Operator or function requires a document path; operator or function: %s", n.op)
		}
	case "begins_with":
		for _, arg := range n.args {
			if t := knownType(arg); t != None && t != S && t != B {
				c.operandType(n.op, t.String())
			}
		}
	case "attribute_type":
		c.checkTypeName(n)
	case "size":
		if t := knownType(n.args[0]); t == N || t == BOOL || t == NULL {
			c.operandType(n.op, t.String())
		}
	}
}

func (c *conditionParser) checkTypeName(n *node) {
	switch t := knownType(n.args[1]); {
	case t == None:
		c.operandType(n.op, "{NS,SS,L,BS,N,M,B,BOOL,NULL,S}")
	case t != S:
		c.operandType(n.op, t.String())
	default:
		if v, ok := n.args[1].(Value); ok && TypeOf(v.Text) == None {
			c.fault(faultFunction, "Invalid attribute type name found; type: %s, valid types: {B,NULL,SS,BOOL,L,BS,N,NS,S,M}", v.Text)
		}
	}
}

func (c *conditionParser) operandType(op, t string) {
	c.fault(faultFunction, "Incorrect operand type for operator or function; operator or function: %s, operand type: %s", op, t)
}

// knownType is the type that an operand has whatever the item, or None.
func knownType(o operand) Type {
	switch o := o.(type) {
	case Value:
		return o.Type
	case *node:
		if o.op == "size" {
			return N
		}
		return BOOL
	}
	return None
}
