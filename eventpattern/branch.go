package eventpattern

import "slices"

// A branch is one alternative of a pattern: a tree of the names of its conditions. All of it must hold.
type branch struct {
	root       node
	conditions conditions
	absent     [][]string // the paths of conditions that hold when the event has no value there
}

type node struct {
	fields []*field
}

type field struct {
	name   string
	leaves []fieldLeaf
	sub    node
}

type fieldLeaf struct {
	*leaf
	absent int // index in branch.absent, or -1
}

func newBranch(c conditions) *branch {
	b := &branch{conditions: c}
	for _, one := range c {
		absent := -1
		if one.leaf.orAbsent {
			absent = len(b.absent)
			b.absent = append(b.absent, one.path)
		}
		n := &b.root
		var f *field
		for _, name := range one.path {
			f = n.field(name)
			n = &f.sub
		}
		f.leaves = append(f.leaves, fieldLeaf{one.leaf, absent})
	}
	return b
}

// field returns the field of a name, which it adds when there is none.
func (n *node) field(name string) *field {
	if i := slices.IndexFunc(n.fields, func(f *field) bool { return f.name == name }); i >= 0 {
		return n.fields[i]
	}
	f := &field{name: name}
	n.fields = append(n.fields, f)
	return f
}

func (b *branch) match(event map[string]any) bool {
	var room [8]bool
	gone := room[:0]
	for _, path := range b.absent {
		gone = append(gone, !hasValue(event, path))
	}
	return b.root.matchObject(event, gone)
}

// hasValue says whether there is a value at a path, in whatever items of arrays. It is asked of the whole event: as in Event Ruler, {"exists":
// false} does not hold for one item of an array while another has the field.
func hasValue(v any, path []string) bool {
	switch v := v.(type) {
	case []any:
		return slices.ContainsFunc(v, func(item any) bool { return hasValue(item, path) })
	case map[string]any:
		if len(path) == 0 {
			return false
		}
		child, ok := v[path[0]]
		return ok && hasValue(child, path[1:])
	}
	return len(path) == 0
}

func (n *node) matchObject(object map[string]any, gone []bool) bool {
	for _, f := range n.fields {
		v, ok := object[f.name]
		if !f.match(v, ok, gone) {
			return false
		}
	}
	return true
}

func (f *field) match(v any, ok bool, gone []bool) bool {
	for _, l := range f.leaves {
		if absent := l.absent >= 0 && gone[l.absent]; !absent && (!ok || !l.match(v)) {
			return false
		}
	}
	if len(f.sub.fields) == 0 {
		return true
	}
	if object, ok := v.(map[string]any); ok {
		return f.sub.matchObject(object, gone)
	}
	matched, objects := f.sub.matchItems(v, gone)
	if !objects {
		return f.sub.matchObject(nil, gone)
	}
	return matched
}

// matchItems matches the objects in an array, of which one has to match in full. The second result is whether there was one.
func (n *node) matchItems(v any, gone []bool) (matched, objects bool) {
	items, _ := v.([]any)
	for _, item := range items {
		if object, ok := item.(map[string]any); ok {
			matched, objects = n.matchObject(object, gone), true
		} else {
			var nested bool
			matched, nested = n.matchItems(item, gone)
			objects = objects || nested
		}
		if matched {
			return true, true
		}
	}
	return false, objects
}
