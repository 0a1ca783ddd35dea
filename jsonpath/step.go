package jsonpath

import (
	"slices"
	"strconv"
	"strings"
)

// A step selects children of a value.
type step interface {
	// expand adds what the step selects in v to dst.
	expand(e *evaluation, dst []any, v any) []any
	// append adds the step in its normal form.
	append(b []byte) []byte
}

// A single is a step that selects one child or none.
type single interface {
	step
	child(v any) (any, bool)
}

// An evaluation is one call of Get: the document that "$" means in a filter, and the visits that are left.
type evaluation struct {
	root   any
	visits int
	err    error
}

// visit accounts for n values. It returns false when the evaluation is to be given up.
func (e *evaluation) visit(n int) bool {
	if e.visits -= n; e.visits < 0 {
		e.fail(ErrTooCostly)
	}
	return e.err == nil
}

func (e *evaluation) fail(err error) {
	if e.err == nil {
		e.err = err
	}
}

// The steps that select one child.
type (
	member  string   // .name, ['name']
	element int      // [0], [-1]
	pick    []string // ['a','b'] at the end: an object of those members that are there
)

func (s member) child(v any) (any, bool) {
	object, ok := v.(map[string]any)
	if !ok {
		return nil, false
	}
	v, ok = object[string(s)]
	return v, ok
}

func (s element) child(v any) (any, bool) {
	array, ok := v.([]any)
	if !ok {
		return nil, false
	}
	i := int(s)
	if i < 0 {
		i += len(array)
	}
	if i < 0 || i >= len(array) {
		return nil, false
	}
	return array[i], true
}

func (s pick) child(v any) (any, bool) {
	object, ok := v.(map[string]any)
	if !ok {
		return nil, false
	}
	picked := make(map[string]any, len(s))
	for _, name := range s {
		if v, ok := object[name]; ok {
			picked[name] = v
		}
	}
	return picked, true
}

func (s member) expand(e *evaluation, dst []any, v any) []any  { return expandSingle(e, s, dst, v) }
func (s element) expand(e *evaluation, dst []any, v any) []any { return expandSingle(e, s, dst, v) }
func (s pick) expand(e *evaluation, dst []any, v any) []any    { return expandSingle(e, s, dst, v) }

func expandSingle(e *evaluation, s single, dst []any, v any) []any {
	if !e.visit(1) {
		return dst
	}
	if child, ok := s.child(v); ok {
		dst = append(dst, child)
	}
	return dst
}

// The steps that select any number of children.
type (
	members     []string // ['a','b'] before the end
	elements    []int    // [0,2]
	wildcard    struct{} // .*, [*]
	descendants struct{} // .. : the value and all that is in it
	slice       struct {
		from, to *int // nil is the end of the array
	}
	filter struct {
		test condition
	}
)

func (s members) expand(e *evaluation, dst []any, v any) []any {
	for _, name := range s {
		dst = member(name).expand(e, dst, v)
	}
	return dst
}

func (s elements) expand(e *evaluation, dst []any, v any) []any {
	for _, i := range s {
		dst = element(i).expand(e, dst, v)
	}
	return dst
}

func (wildcard) expand(e *evaluation, dst []any, v any) []any {
	switch v := v.(type) {
	case []any:
		if e.visit(len(v)) {
			dst = append(dst, v...)
		}
	case map[string]any:
		if e.visit(len(v)) {
			for _, name := range sortedNames(v) {
				dst = append(dst, v[name])
			}
		}
	}
	return dst
}

func (s descendants) expand(e *evaluation, dst []any, v any) []any {
	if !e.visit(1) {
		return dst
	}
	dst = append(dst, v)
	switch v := v.(type) {
	case []any:
		for _, item := range v {
			dst = s.expand(e, dst, item)
		}
	case map[string]any:
		for _, name := range sortedNames(v) {
			dst = s.expand(e, dst, v[name])
		}
	}
	return dst
}

func (s slice) expand(e *evaluation, dst []any, v any) []any {
	array, ok := v.([]any)
	if !ok {
		return dst
	}
	from, to := s.bounds(len(array))
	if from >= to || !e.visit(to-from) {
		return dst
	}
	return append(dst, array[from:to]...)
}

// bounds returns the part of an array of n elements that is selected; a negative bound counts from the end.
func (s slice) bounds(n int) (from, to int) {
	clamp := func(bound *int, open int) int {
		if bound == nil {
			return open
		}
		i := *bound
		if i < 0 {
			i += n
		}
		return min(max(i, 0), n)
	}
	return clamp(s.from, 0), clamp(s.to, n)
}

func (s filter) expand(e *evaluation, dst []any, v any) []any {
	switch v := v.(type) {
	case []any:
		for _, item := range v {
			if !e.visit(1) {
				return dst
			}
			if s.test.holds(e, item) {
				dst = append(dst, item)
			}
		}
	case map[string]any:
		if e.visit(1) && s.test.holds(e, v) {
			dst = append(dst, v)
		}
	}
	return dst
}

func sortedNames(object map[string]any) []string {
	names := make([]string, 0, len(object))
	for name := range object {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

func (s member) append(b []byte) []byte  { return append(appendName(append(b, '['), string(s)), ']') }
func (s element) append(b []byte) []byte { return elements{int(s)}.append(b) }
func (s pick) append(b []byte) []byte    { return members(s).append(b) }

func (s members) append(b []byte) []byte {
	b = append(b, '[')
	for i, name := range s {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendName(b, name)
	}
	return append(b, ']')
}

func (s elements) append(b []byte) []byte {
	b = append(b, '[')
	for i, index := range s {
		if i > 0 {
			b = append(b, ',')
		}
		b = strconv.AppendInt(b, int64(index), 10)
	}
	return append(b, ']')
}

func (wildcard) append(b []byte) []byte    { return append(b, "[*]"...) }
func (descendants) append(b []byte) []byte { return append(b, ".."...) }

func (s slice) append(b []byte) []byte {
	b = append(b, '[')
	if s.from != nil {
		b = strconv.AppendInt(b, int64(*s.from), 10)
	}
	b = append(b, ':')
	if s.to != nil {
		b = strconv.AppendInt(b, int64(*s.to), 10)
	}
	return append(b, ']')
}

func (s filter) append(b []byte) []byte {
	return append(s.test.append(append(b, "[?("...)), ")]"...)
}

// appendName adds a name or a string in single quotes, so that the parser reads the same again.
func appendName(b []byte, name string) []byte {
	b = append(b, '\'')
	b = append(b, strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(name)...)
	return append(b, '\'')
}
