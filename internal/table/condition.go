package table

import (
	"slices"
	"strings"
)

// Condition is a condition or filter that was read. It is safe for concurrent use.
type Condition struct {
	root   *node
	heads  []string // first names of the document paths
	nested []string // those of paths that go on
}

// Match reports whether an item meets the condition. A missing item is one without attributes; a missing condition is met.
func (c *Condition) Match(item Item) bool { return c == nil || c.root.match(item) }

// Missing is the condition that an item has no attribute of a name; of a key attribute, that there is no item.
func Missing(attribute string) *Condition {
	return &Condition{root: &node{op: "attribute_not_exists", args: []operand{path{{name: attribute, index: -1}}}}, heads: []string{attribute}}
}

// operand is a path, a Value, or a *node that is the function size.
type operand interface {
	// eval is what the operand is for an item; false when there is nothing.
	eval(item Item) (Value, bool)
}

func (p path) eval(item Item) (Value, bool) { return p.find(item) }

func (v Value) eval(Item) (Value, bool) { return v, true }

// node is a condition: a comparison or function with args, or "and", "or", "not" with parts.
type node struct {
	op    string
	args  []operand
	parts []*node
}

func (n *node) isFunction() bool {
	switch n.op {
	case "and", "or", "not", "=", "<>", "<", "<=", ">", ">=", "between", "in":
		return false
	}
	return true
}

// eval is the function size: bytes of a text, members of a collection.
func (n *node) eval(item Item) (Value, bool) {
	v, ok := n.args[0].eval(item)
	if !ok {
		return Value{}, false
	}
	switch v.Type {
	case S, B:
		return Number(int64(len(v.Text))), true
	case SS, NS, BS:
		return Number(int64(len(v.Set))), true
	case L:
		return Number(int64(len(v.List))), true
	case M:
		return Number(int64(len(v.Map))), true
	}
	return Value{}, false
}

func (n *node) match(item Item) bool {
	switch n.op {
	case "and":
		return n.parts[0].match(item) && n.parts[1].match(item)
	case "or":
		return n.parts[0].match(item) || n.parts[1].match(item)
	case "not":
		return !n.parts[0].match(item)
	}
	v, found := n.args[0].eval(item)
	switch n.op {
	case "attribute_exists":
		return found
	case "attribute_not_exists":
		return !found
	}
	others := make([]Value, 0, len(n.args))
	for _, arg := range n.args[1:] {
		if other, ok := arg.eval(item); ok {
			others = append(others, other)
		}
	}
	if n.op == "in" {
		return found && slices.ContainsFunc(others, v.Equal)
	}
	if !found || len(others) < len(n.args)-1 {
		return n.op == "<>" && (found || len(others) > 0)
	}
	return compares(n.op, v, others)
}

// compares is a comparison, or a function with an operand, of values that are there.
func compares(op string, v Value, others []Value) bool {
	w := others[0]
	switch op {
	case "=":
		return v.Equal(w)
	case "<>":
		return !v.Equal(w)
	case "attribute_type":
		return v.Type.String() == w.Text
	case "begins_with":
		return v.Type == w.Type && (v.Type == S || v.Type == B) && strings.HasPrefix(v.Text, w.Text)
	case "contains":
		return v.contains(w)
	}
	order, ok := v.compare(w)
	switch op {
	case "<":
		return ok && order < 0
	case "<=":
		return ok && order <= 0
	case ">":
		return ok && order > 0
	case ">=":
		return ok && order >= 0
	}
	below, also := v.compare(others[1]) // between
	return ok && also && order >= 0 && below <= 0
}

// contains reports whether a text has another in it, or a collection has a member.
func (v Value) contains(w Value) bool {
	switch v.Type {
	case S, B:
		return v.Type == w.Type && strings.Contains(v.Text, w.Text)
	case SS, NS, BS:
		return v.Type.element() == w.Type && slices.Contains(v.Set, w.Text)
	case L:
		return slices.ContainsFunc(v.List, w.Equal)
	}
	return false
}
