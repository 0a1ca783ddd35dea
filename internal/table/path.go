package table

import (
	"strconv"
	"strings"
)

// step is an element of a document path: the name of an attribute or key, or the index of a list.
type step struct {
	name  string
	index int // from 0; -1 when the step is a name
}

// path is a document path. Its first step is a name.
type path []step

func (s step) isIndex() bool { return s.index >= 0 }

// String is a path as DynamoDB shows it in texts: [a, [0], b].
func (p path) String() string {
	parts := make([]string, 0, len(p))
	for _, s := range p {
		if s.isIndex() {
			parts = append(parts, "["+strconv.Itoa(s.index)+"]")
		} else {
			parts = append(parts, s.name)
		}
	}
	return "[" + strings.Join(parts, ", ") + "]"
}

// find returns what lies at the path in an item.
func (p path) find(item Item) (Value, bool) {
	v, ok := item[p[0].name]
	for _, s := range p[1:] {
		if !ok {
			return v, false
		}
		v, ok = v.member(s)
	}
	return v, ok
}

// member returns an element of a list or map.
func (v Value) member(s step) (Value, bool) {
	if !s.isIndex() {
		m, ok := v.Map[s.name]
		return m, ok
	}
	if s.index < len(v.List) {
		return v.List[s.index], true
	}
	return Value{}, false
}

// overlap compares two paths of one expression, and returns the name of DynamoDB's complaint about them, if any.
func (p path) overlap(q path) string {
	for i := range min(len(p), len(q)) {
		if p[i].isIndex() != q[i].isIndex() {
			return "conflict"
		}
		if p[i] != q[i] {
			return ""
		}
	}
	return "overlap"
}

// maxIndex bounds the index of a list, whose items are bounded anyway.
const maxIndex = 1 << 30

// parseSteps reads a document path after its first step: [n] and .name, any number.
func parseSteps(l *lexer, p path, name func(token) (string, bool)) (path, bool) {
	for {
		switch {
		case l.accept("["):
			if !l.current.isNumber() {
				l.fail()
				return nil, false
			}
			n, err := strconv.Atoi(l.next().text)
			if err != nil || n > maxIndex {
				n = maxIndex
			}
			if !l.expect("]") {
				return nil, false
			}
			p = append(p, step{index: n})
		case l.accept("."):
			text, ok := name(l.current)
			if !ok {
				l.fail()
				return nil, false
			}
			l.next()
			p = append(p, step{name: text, index: -1})
		default:
			return p, true
		}
	}
}
