package jsonpath

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
)

// A function ends a path and makes one value of what the path selects: $.list.length().
type function struct {
	name  string
	index int // the argument of index(i)
	apply func(f *function, v any) (any, error)
}

func newFunction(name, argument string) (*function, error) {
	f := &function{name: name}
	switch name {
	case "length", "size":
		f.apply = (*function).length
	case "keys":
		f.apply = (*function).keys
	case "first", "last", "index":
		f.apply = (*function).element
	case "min", "max", "sum", "avg", "stddev":
		f.apply = (*function).aggregate
	default:
		return nil, fmt.Errorf("there is no function %s(); there are length, size, keys, first, last, index, min, max, sum, avg and stddev", name)
	}
	switch name {
	case "last":
		f.index = -1
	case "index":
		i, err := strconv.ParseInt(argument, 10, 32)
		if err != nil {
			return nil, fmt.Errorf("the argument of index() is a whole number, not %q", argument)
		}
		f.index = int(i)
		return f, nil
	}
	if argument != "" {
		return nil, fmt.Errorf("the function %s() has no arguments", name)
	}
	return f, nil
}

func (f *function) call(v any) (any, error) {
	result, err := f.apply(f, v)
	if err != nil {
		return nil, fmt.Errorf("%s(): %w", f.name, err)
	}
	return result, nil
}

// length is the number of items or members, and null of anything else.
func (*function) length(v any) (any, error) {
	switch v := v.(type) {
	case []any:
		return json.Number(strconv.Itoa(len(v))), nil
	case map[string]any:
		return json.Number(strconv.Itoa(len(v))), nil
	}
	return nil, nil
}

func (*function) keys(v any) (any, error) {
	object, ok := v.(map[string]any)
	if !ok {
		return nil, errors.New("it applies to an object only")
	}
	names := []any{}
	for _, name := range sortedNames(object) {
		names = append(names, name)
	}
	return names, nil
}

func (f *function) element(v any) (any, error) {
	array, ok := v.([]any)
	if !ok {
		return nil, errors.New("it applies to an array only")
	}
	item, ok := element(f.index).child(array)
	if !ok {
		return nil, fmt.Errorf("an array of %d has no such element", len(array))
	}
	return item, nil
}

// aggregate works on the numbers of an array; other items are left out.
func (f *function) aggregate(v any) (any, error) {
	array, ok := v.([]any)
	if !ok {
		return nil, errors.New("it applies to an array only")
	}
	var numbers []float64
	for _, item := range array {
		if n, ok := item.(json.Number); ok {
			x, err := n.Float64()
			if err != nil {
				return nil, fmt.Errorf("the number %s is out of range", abbreviate(n.String()))
			}
			numbers = append(numbers, x)
		}
	}
	if len(numbers) == 0 {
		return nil, errors.New("there are no numbers in the array")
	}
	result := f.statistic(numbers)
	if math.IsInf(result, 0) || math.IsNaN(result) {
		return nil, errors.New("the result is out of range")
	}
	return number(result), nil
}

func (f *function) statistic(numbers []float64) float64 {
	switch f.name {
	case "min":
		return slices.Min(numbers)
	case "max":
		return slices.Max(numbers)
	}
	var sum, squares float64
	for _, x := range numbers {
		sum += x
		squares += x * x
	}
	n := float64(len(numbers))
	switch f.name {
	case "avg":
		return sum / n
	case "stddev":
		return math.Sqrt(max(squares/n-sum*sum/n/n, 0))
	}
	return sum
}

// number writes a number the way JSON does.
func number(x float64) json.Number {
	text, err := json.Marshal(x)
	if err != nil {
		return "0" // not reached: callers have finite numbers
	}
	return json.Number(text)
}

func (f *function) append(b []byte) []byte {
	if f == nil {
		return b
	}
	if !bytes.HasSuffix(b, []byte("..")) { // behind .. comes a name
		b = append(b, '.')
	}
	b = append(append(b, f.name...), '(')
	if f.name == "index" {
		b = strconv.AppendInt(b, int64(f.index), 10)
	}
	return append(b, ')')
}
