package table

import (
	"cmp"
	"maps"
	"slices"
)

// Update is an update expression that was read. It is safe for concurrent use.
type Update struct {
	actions []action
	nested  []string // first names of paths that go on, operands included
	legacy  bool     // it was given as AttributeUpdates
}

// action changes what lies at one path.
type action struct {
	kind   string // SET, REMOVE, ADD, DELETE
	path   path
	source source // nil for REMOVE
}

// source is where the value of an action comes from: a path, a Value or a *call.
type source interface {
	// resolve is the value for the item as it was before the update, or DynamoDB's complaint.
	resolve(item Item) (Value, string)
}

const (
	missingAttribute = "The provided expression refers to an attribute that does not exist in the item"
	wrongOperand     = "An operand in the update expression has an incorrect data type"
	wrongPath        = "The document path provided in the update expression is invalid for update"
)

func (p path) resolve(item Item) (Value, string) {
	if v, ok := p.find(item); ok {
		return v, ""
	}
	return Value{}, missingAttribute
}

func (v Value) resolve(Item) (Value, string) { return v, "" }

// call is a function or a sum.
type call struct {
	name string // if_not_exists, list_append, +, -
	args []source
}

func (c *call) isSum() bool { return c.name == "+" || c.name == "-" }

func (c *call) resolve(item Item) (Value, string) {
	x, problem := c.args[0].resolve(item)
	if c.name == "if_not_exists" {
		if problem == "" {
			return x, ""
		}
		return c.args[1].resolve(item)
	}
	want := L
	if c.isSum() {
		want = N
	}
	if problem == "" && x.Type != want {
		problem = wrongOperand
	}
	if problem != "" {
		return x, problem
	}
	y, problem := c.args[1].resolve(item)
	if problem == "" && y.Type != want {
		problem = wrongOperand
	}
	if problem != "" {
		return y, problem
	}
	if want == L {
		return Value{Type: L, List: slices.Concat(x.List, y.List)}, ""
	}
	total, problem := sum(x.Text, y.Text, c.name == "-")
	return Value{Type: N, Text: total}, problem
}

// Apply returns the item with the update made; the item itself stays as it is. The error is a ValidationException.
//
// All values are those of the item before the update. What is removed from a list is removed last, and what is set behind the end of one
// goes to its end, in the order of the indexes.
func (u *Update) Apply(item Item) (Item, error) { return u.apply(item, nil) }

// apply is Apply for the items of a table: a key of its indexes can be set to its own type alone. What is wrong with the first action is told
// first.
func (u *Update) apply(item Item, indexes []Index) (Item, error) {
	changed := maps.Clone(item)
	if changed == nil {
		changed = Item{}
	}
	values, err := u.resolve(item)
	if err != nil {
		return nil, err
	}
	var sets []assignment
	var removals []path
	for i, a := range u.actions {
		if !a.path.hasParent(item) {
			return nil, Invalid(wrongPath)
		}
		v := values[i]
		if a.kind == "ADD" || a.kind == "DELETE" {
			old, found := a.path.find(item)
			combined, problem := combine(a.kind, old, found, v)
			if problem == wrongOperand && u.legacy {
				problem = "Type mismatch for attribute to update"
			}
			if problem != "" {
				return nil, Invalid("%s", problem)
			}
			if v = combined; v.Type == None && !found { // there was nothing to take away from
				continue
			}
		}
		if v.Type == None {
			removals = append(removals, a.path)
		} else {
			if a.kind == "SET" && len(a.path) == 1 && mistypes(indexes, a.path[0].name, v) {
				return nil, Invalid("The update expression attempted to update the secondary index key to unsupported type")
			}
			sets = append(sets, assignment{a.path, v})
		}
	}
	slices.SortStableFunc(sets, func(a, b assignment) int { return comparePaths(a.path, b.path) })
	for _, s := range sets {
		changed.replace(s.path, s.value)
	}
	slices.SortFunc(removals, func(a, b path) int { return comparePaths(b, a) })
	for _, p := range removals {
		changed.replace(p, Value{})
	}
	return changed, nil
}

// mistypes reports whether an attribute is a key of an index, and a value not of its type.
func mistypes(indexes []Index, name string, v Value) bool {
	for i := range indexes {
		for _, k := range indexes[i].Keys.All() {
			if k.Name == name && k.Type != v.Type {
				return true
			}
		}
	}
	return false
}

// assignment is a value that is to lie at a path.
type assignment struct {
	path  path
	value Value
}

// resolve returns the operands of all actions, in their order; that of REMOVE is nothing.
func (u *Update) resolve(item Item) ([]Value, error) {
	values := make([]Value, len(u.actions))
	for i, a := range u.actions {
		if a.source == nil || a.kind == "REMOVE" {
			continue
		}
		var problem string
		if values[i], problem = a.source.resolve(item); problem != "" {
			return nil, Invalid("%s", problem)
		}
	}
	return values, nil
}

// hasParent reports whether there is a map or list that what the path names is or would be a member of.
func (p path) hasParent(item Item) bool {
	if len(p) == 1 {
		return true
	}
	parent, ok := p[:len(p)-1].find(item)
	return ok && (p[len(p)-1].isIndex() && parent.Type == L || !p[len(p)-1].isIndex() && parent.Type == M)
}

// comparePaths orders paths step by step, indexes by number.
func comparePaths(p, q path) int {
	return slices.CompareFunc(p, q, func(a, b step) int { return cmp.Or(cmp.Compare(a.name, b.name), cmp.Compare(a.index, b.index)) })
}

// combine is the value of ADD and DELETE; its type is None when nothing is to be there.
func combine(kind string, old Value, found bool, operand Value) (Value, string) {
	if found && old.Type != operand.Type {
		return Value{}, wrongOperand
	}
	switch {
	case kind == "DELETE":
		left := slices.DeleteFunc(slices.Clone(old.Set), func(m string) bool { return slices.Contains(operand.Set, m) })
		if len(left) == 0 {
			return Value{}, ""
		}
		return Value{Type: old.Type, Set: left}, ""
	case !found:
		return operand, ""
	case operand.Type == N:
		total, problem := sum(old.Text, operand.Text, false)
		return Value{Type: N, Text: total}, problem
	}
	if operand.Type == L {
		return Value{Type: L, List: slices.Concat(old.List, operand.List)}, ""
	}
	joined := slices.Clone(old.Set)
	for _, m := range operand.Set {
		if !slices.Contains(old.Set, m) {
			joined = append(joined, m)
		}
	}
	return Value{Type: old.Type, Set: joined}, ""
}

// replace puts a value at a path, or removes what is there when its type is None. Maps and lists on the way are copied.
func (i Item) replace(p path, v Value) {
	name := p[0].name
	if len(p) > 1 {
		v = i[name].replaced(p[1:], v)
	}
	if v.Type == None {
		delete(i, name)
	} else {
		i[name] = v
	}
}

// replaced is a list or map with another value, or none, at a path within it.
func (v Value) replaced(p path, w Value) Value {
	if s := p[0]; !s.isIndex() {
		m := Item(maps.Clone(v.Map))
		m.replace(p, w)
		return Value{Type: M, Map: m}
	}
	list, at := slices.Clone(v.List), p[0].index
	switch {
	case len(p) > 1 && at < len(list):
		list[at] = list[at].replaced(p[1:], w)
	case w.Type == None && at < len(list):
		list = slices.Delete(list, at, at+1)
	case w.Type != None && at < len(list):
		list[at] = w
	case w.Type != None:
		list = append(list, w)
	}
	return Value{Type: L, List: list}
}

// paths are what the update touches.
func (u *Update) paths() []path {
	out := make([]path, 0, len(u.actions))
	for _, a := range u.actions {
		out = append(out, a.path)
	}
	return out
}

// Touched returns the parts of an item that the update names, for ReturnValues UPDATED_OLD and UPDATED_NEW.
func (u *Update) Touched(item Item) Item { return project(item, u.paths()) }

// Heads returns the attributes that the update changes, or changes parts of.
func (u *Update) Heads() []string {
	out := make([]string, 0, len(u.actions))
	for _, a := range u.actions {
		out = append(out, a.path[0].name)
	}
	return out
}
