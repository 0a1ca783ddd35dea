package eventpattern

import (
	"cmp"
	"encoding/json"
	"slices"
	"sync"
)

// A RuleSet matches one event with many patterns, each under a key. It is safe for concurrent use; the zero value is an empty set.
//
// Every alternative of a pattern is filed under the values of one of its conditions, so that an event is compared only with those patterns of
// which it has such a value. Patterns without a condition on an exact value, on a text without regard to case, or on the beginning or the
// end of a text are compared with every event.
type RuleSet[K comparable] struct {
	mu    sync.RWMutex
	index indexNode[K]
	rest  []*rule[K] // those that cannot be filed
	added map[K][]*rule[K]
	count int // rules ever added, for their order
}

// A rule is one branch of a pattern.
type rule[K comparable] struct {
	key    K
	order  int // of the pattern
	branch *branch
	path   []string
	values []value // what it is filed under at the path; none when it is in the rest
}

// A value is what rules are filed under.
type value struct {
	kind valueKind
	text string
}

type valueKind byte

const (
	exactString valueKind = iota
	exactNumber
	exactLiteral
	ignoreCase
	prefixText
	suffixText
)

// An indexNode is a field of events; its children are the fields below it.
type indexNode[K comparable] struct {
	children map[string]*indexNode[K]
	rules    map[value][]*rule[K]
	folded   int         // rules filed under ignoreCase
	prefixes map[int]int // length of a prefix: rules filed under one
	suffixes map[int]int
}

// Add adds a pattern under a key. Another pattern under the same key stays: the key matches when one of them does.
func (s *RuleSet[K]) Add(key K, p *Pattern) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.added == nil {
		s.added = make(map[K][]*rule[K])
	}
	s.count++
	for _, b := range p.branches {
		r := &rule[K]{key: key, order: s.count, branch: b}
		s.added[key] = append(s.added[key], r)
		if !s.file(r) {
			s.rest = append(s.rest, r)
		}
	}
}

// Remove takes away all patterns under a key.
func (s *RuleSet[K]) Remove(key K) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range s.added[key] {
		if len(r.values) == 0 {
			s.rest = slices.DeleteFunc(s.rest, func(other *rule[K]) bool { return other == r })
			continue
		}
		s.index.remove(r, r.path)
	}
	delete(s.added, key)
}

// Len returns the number of keys.
func (s *RuleSet[K]) Len() int {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return len(s.added)
}

// Match returns the keys whose patterns match an event, each once, in the order in which they were added.
func (s *RuleSet[K]) Match(event any) []K {
	object, ok := event.(map[string]any)
	if !ok {
		return nil
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	var matched []*rule[K]
	try := func(rules []*rule[K]) {
		for _, r := range rules {
			if r.branch.match(object) {
				matched = append(matched, r)
			}
		}
	}
	s.index.candidates(object, try)
	try(s.rest)
	slices.SortFunc(matched, func(a, b *rule[K]) int { return cmp.Compare(a.order, b.order) })
	var keys []K
	seen := make(map[K]bool, len(matched))
	for _, r := range matched {
		if !seen[r.key] {
			seen[r.key] = true
			keys = append(keys, r.key)
		}
	}
	return keys
}

// MatchRaw is Match for an event given as JSON text. The error says why the text is not JSON.
func (s *RuleSet[K]) MatchRaw(event []byte) ([]K, error) {
	doc, err := decode(event)
	if err != nil {
		return nil, err
	}
	return s.Match(doc), nil
}

// file files a rule under the condition whose values have the fewest rules so far: values that many patterns share, such as a common
// source, tell little.
func (s *RuleSet[K]) file(r *rule[K]) bool {
	least := -1
	for _, c := range r.branch.conditions {
		values := c.leaf.values()
		if len(values) == 0 {
			continue
		}
		crowd := s.index.crowd(c.path, values)
		if least < 0 || crowd < least {
			least, r.path, r.values = crowd, c.path, values
		}
	}
	if least < 0 {
		return false
	}
	s.index.add(r, r.path)
	return true
}

// values returns what a rule can be filed under for the condition: one of them is in every event for which it holds. There are none when that
// cannot be said.
func (l *leaf) values() []value {
	if l.orAbsent {
		return nil
	}
	var values []value
	for s := range l.strings {
		values = append(values, value{exactString, s})
	}
	for _, t := range l.tests {
		switch t := t.(type) {
		case numberEquals:
			values = append(values, value{exactNumber, t.canonical})
		case literalEquals:
			values = append(values, literalValue(t.v))
		case equalsIgnoreCase:
			values = append(values, value{ignoreCase, t.text})
		case prefix:
			if t.ignoreCase {
				return nil
			}
			values = append(values, value{prefixText, t.text})
		case suffix:
			if t.ignoreCase {
				return nil
			}
			values = append(values, value{suffixText, t.text})
		case wildcard:
			switch last := t.parts[len(t.parts)-1]; {
			case t.parts[0] != "":
				values = append(values, value{prefixText, t.parts[0]})
			case last != "":
				values = append(values, value{suffixText, last})
			default:
				return nil
			}
		default:
			return nil
		}
	}
	return values
}

func literalValue(v any) value {
	switch v {
	case true:
		return value{exactLiteral, "true"}
	case false:
		return value{exactLiteral, "false"}
	}
	return value{exactLiteral, "null"}
}

// crowd counts the rules that are filed under some values at a path.
func (n *indexNode[K]) crowd(path []string, values []value) int {
	for _, name := range path {
		if n = n.children[name]; n == nil {
			return 0
		}
	}
	sum := 0
	for _, v := range values {
		sum += len(n.rules[v])
	}
	return sum
}

func (n *indexNode[K]) add(r *rule[K], path []string) {
	if len(path) > 0 {
		if n.children == nil {
			n.children = make(map[string]*indexNode[K])
		}
		child := n.children[path[0]]
		if child == nil {
			child = &indexNode[K]{rules: make(map[value][]*rule[K]), prefixes: make(map[int]int), suffixes: make(map[int]int)}
			n.children[path[0]] = child
		}
		child.add(r, path[1:])
		return
	}
	for _, v := range r.values {
		n.rules[v] = append(n.rules[v], r)
		n.tally(v, 1)
	}
}

func (n *indexNode[K]) remove(r *rule[K], path []string) {
	if len(path) > 0 {
		child := n.children[path[0]]
		child.remove(r, path[1:])
		if len(child.rules) == 0 && len(child.children) == 0 {
			delete(n.children, path[0])
		}
		return
	}
	for _, v := range r.values {
		n.rules[v] = slices.DeleteFunc(n.rules[v], func(other *rule[K]) bool { return other == r })
		if len(n.rules[v]) == 0 {
			delete(n.rules, v)
		}
		n.tally(v, -1)
	}
}

// tally keeps count of the lookups that a string value needs.
func (n *indexNode[K]) tally(v value, by int) {
	var lengths map[int]int
	switch v.kind {
	case ignoreCase:
		n.folded += by
		return
	case prefixText:
		lengths = n.prefixes
	case suffixText:
		lengths = n.suffixes
	default:
		return
	}
	if lengths[len(v.text)] += by; lengths[len(v.text)] == 0 {
		delete(lengths, len(v.text))
	}
}

// candidates calls yield with the rules that are filed under values of an event.
func (n *indexNode[K]) candidates(v any, yield func([]*rule[K])) {
	switch v := v.(type) {
	case map[string]any:
		if len(v) < len(n.children) {
			for name, member := range v {
				if child := n.children[name]; child != nil {
					child.candidates(member, yield)
				}
			}
			return
		}
		for name, child := range n.children {
			if member, ok := v[name]; ok {
				child.candidates(member, yield)
			}
		}
	case []any:
		for _, item := range v {
			n.candidates(item, yield)
		}
	default:
		if len(n.rules) > 0 {
			n.look(v, yield)
		}
	}
}

func (n *indexNode[K]) look(v any, yield func([]*rule[K])) {
	switch v := v.(type) {
	case string:
		yield(n.rules[value{exactString, v}])
		if n.folded > 0 {
			yield(n.rules[value{ignoreCase, foldCase(v)}])
		}
		for length := range n.prefixes {
			if length <= len(v) {
				yield(n.rules[value{prefixText, v[:length]}])
			}
		}
		for length := range n.suffixes {
			if length <= len(v) {
				yield(n.rules[value{suffixText, v[len(v)-length:]}])
			}
		}
	case json.Number:
		yield(n.rules[value{exactNumber, canonicalNumber(v)}])
	case bool, nil:
		yield(n.rules[literalValue(v)])
	}
}
