// Package jsonpath is the dialect of JSONPath that the Amazon States Language uses.
//
// It owns the reading of paths, the selection of values by a [Path], and the placing of a value by a [Reference]. AWS Step Functions
// evaluates paths with the Jayway library, and where RFC 9535 and that library differ this package does as the library does: names
// may hold any character but blanks and brackets ($.store-id), a dot may stand before a bracket ($.[0]), a path whose last step names
// several members makes one object of them, a filter on an object tests the object itself, and a step to something that is not there
// ends a definite path without a value.
//
// Documents are what encoding/json makes with UseNumber: map[string]any, []any, string, json.Number, bool and nil. They are never
// changed; results share their parts. Members of an object are visited in the order of their names, because a map has no other.
//
// Everything parsed is immutable and safe for concurrent use. Input may be hostile: the length of a path, the depth of its filters and
// the number of values that an evaluation touches are bounded.
package jsonpath

import (
	"errors"
	"fmt"
	"strings"
)

// Bounds on what a path may cost.
const (
	// MaxLength is the longest path accepted, in bytes.
	MaxLength = 10_000
	// MaxVisits is the number of values that one evaluation may look at before it is given up with ErrTooCostly.
	MaxVisits = 2_000_000

	maxFilterDepth = 32
)

// ErrTooCostly is the error of an evaluation that would look at more than MaxVisits values.
var ErrTooCostly = errors.New("the path selects too much")

// A SyntaxError says where a path is wrong.
type SyntaxError struct {
	Path   string // as given
	Offset int    // in bytes, from 0
	Reason string
}

func (e *SyntaxError) Error() string {
	return fmt.Sprintf("JSONPath %q, at byte %d: %s", abbreviate(e.Path), e.Offset, e.Reason)
}

// A Path is a parsed path, which begins with "$". The zero value is not a path; Parse makes one.
type Path struct {
	text string
	// A path begins with steps that lead to one value, and may go on with steps that lead to any number.
	single   []single
	multiple []step
	function *function // called with what the steps select; nil if there is none
}

// Parse reads a path that begins with "$": $, $.a.b, $['a'], $.list[0], $.list[-1], $.list[1:3], $.list[0,2], $.list[*], $..name,
// $.list[?(@.size > 3 && @.kind == 'x')], $.list.length(). An error is a *SyntaxError.
func Parse(expr string) (*Path, error) {
	path, rest, err := ParsePrefix(expr)
	if err != nil {
		return nil, err
	}
	if rest != "" {
		p := parser{text: expr, at: len(expr) - len(rest)}
		return nil, p.errorf("expected . or [%s", p.found())
	}
	return path, nil
}

// ParsePrefix reads the path that a text begins with and returns the rest of the text, which is how paths are read that stand among
// other things: as the arguments of an intrinsic function. An error is a *SyntaxError.
func ParsePrefix(text string) (path *Path, rest string, err error) {
	p := parser{text: text}
	return p.path()
}

// Get returns the value that the path selects in a document; ok is false when there is none.
//
// A definite path selects one value or none. One that is not selects a list, which is there even when it is empty; it is a
// []any that the caller may keep but must not change. The error is ErrTooCostly, or that of a function that does not apply to
// its argument.
func (p *Path) Get(doc any) (v any, ok bool, err error) {
	if len(p.multiple) == 0 && p.function == nil {
		v, ok = p.descend(doc)
		return v, ok, nil
	}
	e := evaluation{root: doc, visits: MaxVisits}
	v, ok = p.eval(&e, doc)
	if e.err != nil {
		return nil, false, fmt.Errorf("JSONPath %q: %w", abbreviate(p.text), e.err)
	}
	return v, ok, nil
}

// IsDefinite says whether the path can select only one value, so that Get returns that and not a list.
func (p *Path) IsDefinite() bool { return len(p.multiple) == 0 || p.function != nil }

// String returns the path in its normal form, which has every name in brackets: $['a']['b'][0]. That is how the messages of AWS show
// a path that leads nowhere.
func (p *Path) String() string {
	b := p.append(nil, '$')
	return string(b)
}

func (p *Path) append(b []byte, root byte) []byte {
	b = append(b, root)
	for _, s := range p.single {
		b = s.append(b)
	}
	for _, s := range p.multiple {
		b = s.append(b)
	}
	return p.function.append(b)
}

// descend follows the steps that lead to one value.
func (p *Path) descend(v any) (any, bool) {
	for _, s := range p.single {
		var ok bool
		if v, ok = s.child(v); !ok {
			return nil, false
		}
	}
	return v, true
}

// eval evaluates the path from a value. What goes wrong is in the evaluation.
func (p *Path) eval(e *evaluation, from any) (any, bool) {
	v, ok := p.descend(from)
	if len(p.multiple) > 0 {
		list := []any{}
		if ok {
			list = append(list, v)
		}
		for _, s := range p.multiple {
			next := []any{}
			for _, v := range list {
				next = s.expand(e, next, v)
			}
			list = next
		}
		v, ok = list, true
	}
	if !ok || e.err != nil || p.function == nil {
		return v, ok && e.err == nil
	}
	v, err := p.function.call(v)
	if err != nil {
		e.fail(err)
	}
	return v, err == nil
}

// abbreviate keeps a hostile path from filling a log.
func abbreviate(s string) string {
	const limit = 200
	if len(s) <= limit {
		return s
	}
	return strings.ToValidUTF8(s[:limit], "") + "…"
}
