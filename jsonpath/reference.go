package jsonpath

import (
	"errors"
	"fmt"
	"maps"
	"slices"
)

// A Reference is a path that identifies one place in a document, whether there is something or not (States Language specification,
// "Reference Paths"). It is what ResultPath is.
type Reference struct {
	steps []single
	text  string
}

// ErrNoPlace is the error of a Set on a document in which the reference leads nowhere: through a value that is no object, or to an
// element that an array does not have.
var ErrNoPlace = errors.New("the reference path does not apply")

// ParseReference reads a reference path: only member names and array indexes, from "$". An error is a *SyntaxError.
func ParseReference(expr string) (*Reference, error) {
	path, err := Parse(expr)
	if err != nil {
		return nil, err
	}
	if len(path.multiple) > 0 || path.function != nil {
		return nil, &SyntaxError{expr, 0, "a reference path has only member names and array indexes, so that it identifies one place"}
	}
	for _, s := range path.single {
		if _, several := s.(pick); several {
			return nil, &SyntaxError{expr, 0, "a reference path identifies one place, not several members"}
		}
	}
	return &Reference{steps: path.single, text: expr}, nil
}

// Set returns the document with v at the place. The document given is left as it is; the result shares what did not change.
//
// Objects on the way that are not there are made. Arrays are not: an element must be there to be replaced. An error is ErrNoPlace.
func (r *Reference) Set(doc, v any) (any, error) {
	result, err := set(r.steps, doc, true, v)
	if err != nil {
		return nil, fmt.Errorf("JSONPath %q: %w", abbreviate(r.text), err)
	}
	return result, nil
}

// String returns the reference in the normal form of Path.String.
func (r *Reference) String() string {
	return (&Path{single: r.steps}).String()
}

func set(steps []single, doc any, exists bool, v any) (any, error) {
	if len(steps) == 0 {
		return v, nil
	}
	child, has := steps[0].child(doc)
	switch s := steps[0].(type) {
	case member:
		object, ok := doc.(map[string]any)
		if exists && !ok {
			return nil, fmt.Errorf("%w: %s is to be set in something that is no object", ErrNoPlace, s.append(nil))
		}
		changed, err := set(steps[1:], child, has, v)
		if err != nil {
			return nil, err
		}
		object = maps.Clone(object)
		if object == nil {
			object = make(map[string]any, 1)
		}
		object[string(s)] = changed
		return object, nil
	case element:
		if !has {
			return nil, fmt.Errorf("%w: there is no element %s", ErrNoPlace, s.append(nil))
		}
		changed, err := set(steps[1:], child, true, v)
		if err != nil {
			return nil, err
		}
		array := slices.Clone(doc.([]any))
		i := int(s)
		if i < 0 {
			i += len(array)
		}
		array[i] = changed
		return array, nil
	}
	return nil, ErrNoPlace
}
