// Package shape knows the forms of the results of service actions, as their API references give them, and checks values against them. It
// knows the actions that workflows call most; a result of another action has no form to be checked against.
package shape

import (
	"encoding/base64"
	"encoding/json"
	"maps"
	"slices"
	"unicode/utf8"
)

// A Shape is the form of a JSON value. It is immutable.
type Shape struct {
	kind     kind
	fields   map[string]*Shape // of an object; fields that are not here may be there and have any value
	required []string
	element  *Shape   // of an array or a map
	values   []string // of a string; nil: any
	bounded  bool
	min, max float64 // when bounded: of a number, or of the length of a string or blob
}

type kind byte

const (
	anything kind = iota
	text          // also a timestamp
	blob          // bytes in base64
	number
	boolean
	object
	mapping // an object with any names
	array
)

// Check compares a value, parsed as the asl package does, with the shape, and returns the first problem in AWS's words, which name the
// field; "" when there is none. With strict all required fields must be there.
func (s *Shape) Check(v any, strict bool) (problem string) { return s.check("", v, strict) }

func (s *Shape) check(field string, v any, strict bool) (problem string) {
	switch s.kind {
	case text, blob:
		str, ok := v.(string)
		if !ok {
			return mustBe(field, "a string")
		}
		return s.checkText(field, str)
	case number:
		n, ok := v.(json.Number)
		if !ok {
			return mustBe(field, "a number")
		}
		return s.checkNumber(field, n)
	case boolean:
		if _, ok := v.(bool); !ok {
			return mustBe(field, "a boolean")
		}
	case array:
		elements, ok := v.([]any)
		if !ok {
			return mustBe(field, "an array")
		}
		for _, element := range elements {
			if problem := s.element.check(field, element, strict); problem != "" {
				return problem
			}
		}
	case mapping:
		members, ok := v.(map[string]any)
		if !ok {
			return mustBe(field, "an object")
		}
		for _, name := range slices.Sorted(maps.Keys(members)) {
			if problem := s.element.check(name, members[name], strict); problem != "" {
				return problem
			}
		}
	case object:
		members, ok := v.(map[string]any)
		if !ok {
			return mustBe(field, "an object")
		}
		return s.checkMembers(members, strict)
	}
	return ""
}

func (s *Shape) checkMembers(members map[string]any, strict bool) (problem string) {
	if strict {
		for _, name := range s.required {
			if _, there := members[name]; !there {
				return "Required field '" + name + "' is missing"
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(members)) {
		if field := s.fields[name]; field != nil {
			if problem := field.check(name, members[name], strict); problem != "" {
				return problem
			}
		}
	}
	return ""
}

func (s *Shape) checkText(field, v string) (problem string) {
	if s.values != nil && !slices.Contains(s.values, v) {
		return fieldProblem(field, "is not an expected value")
	}
	if !s.bounded {
		return ""
	}
	length := utf8.RuneCountInString(v)
	if s.kind == blob {
		if bytes, err := base64.StdEncoding.DecodeString(v); err == nil {
			length = len(bytes)
		}
	}
	switch {
	case float64(length) < s.min:
		return fieldProblem(field, "is smaller than the minimum length")
	case float64(length) > s.max:
		return fieldProblem(field, "exceeds the maximum length")
	}
	return ""
}

func (s *Shape) checkNumber(field string, n json.Number) (problem string) {
	v, err := n.Float64()
	switch {
	case !s.bounded:
	case v < s.min:
		return fieldProblem(field, "is less than the minimum value")
	case v > s.max || err != nil:
		return fieldProblem(field, "exceeds the maximum value")
	}
	return ""
}

// mustBe is the problem of a value of the wrong type. The result itself has no name.
func mustBe(field, what string) string {
	if field == "" {
		return "Result must be " + what
	}
	return fieldProblem(field, "must be "+what)
}

func fieldProblem(field, what string) string {
	return "Field '" + field + "' " + what
}
