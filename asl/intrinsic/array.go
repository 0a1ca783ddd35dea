package intrinsic

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
)

func makeArray(_ Env, args []any) (any, error) { return args, nil }

func arrayPartition(_ Env, args []any) (any, error) {
	size, err := whole(args[1])
	if err != nil {
		return nil, err
	}
	if size <= 0 {
		return nil, fmt.Errorf("the size of a chunk must be at least 1 but is %d", size)
	}
	items := args[0].([]any)
	chunks := []any{}
	for chunk := range slices.Chunk(items, int(min(size, int64(len(items)+1)))) {
		chunks = append(chunks, chunk)
	}
	return chunks, nil
}

func arrayContains(_ Env, args []any) (any, error) {
	wanted := canonical(args[1])
	return slices.ContainsFunc(args[0].([]any), func(item any) bool { return canonical(item) == wanted }), nil
}

// arrayRange includes the end. Numbers that are not whole are rounded first.
func arrayRange(_ Env, args []any) (any, error) {
	var bounds [3]int64
	for i, arg := range args {
		var err error
		if bounds[i], err = whole(arg); err != nil {
			return nil, err
		}
	}
	first, last, step := bounds[0], bounds[1], bounds[2]
	if step == 0 {
		return nil, errors.New("the step must not be 0")
	}
	items := []any{}
	for v := first; step > 0 && v <= last || step < 0 && v >= last; {
		if len(items) == MaxRange {
			return nil, fmt.Errorf("a range has at most %d items", MaxRange)
		}
		items = append(items, numberOf(v))
		next := v + step
		if (next > v) != (step > 0) {
			break // beyond the largest number
		}
		v = next
	}
	return items, nil
}

func arrayGetItem(_ Env, args []any) (any, error) {
	i, err := whole(args[1])
	if err != nil {
		return nil, err
	}
	items := args[0].([]any)
	if i < 0 || i >= int64(len(items)) {
		return nil, fmt.Errorf("the index %d is outside of the array, which has %d items", i, len(items))
	}
	return items[i], nil
}

func arrayLength(_ Env, args []any) (any, error) {
	return numberOf(int64(len(args[0].([]any)))), nil
}

// arrayUnique keeps the first of equal items.
func arrayUnique(_ Env, args []any) (any, error) {
	unique := []any{}
	seen := make(map[string]bool)
	for _, item := range args[0].([]any) {
		if k := canonical(item); !seen[k] {
			seen[k] = true
			unique = append(unique, item)
		}
	}
	return unique, nil
}

// canonical returns a text that equal values share: 1 and 1.0 are equal, and so are objects whose members are in another order.
func canonical(v any) string {
	return string(appendCanonical(nil, v))
}

func appendCanonical(b []byte, v any) []byte {
	switch v := v.(type) {
	case json.Number:
		if i, err := v.Int64(); err == nil {
			return strconv.AppendInt(b, i, 10)
		}
		f, err := v.Float64()
		if err != nil {
			return append(b, v...)
		}
		if f == float64(int64(f)) && f > -1<<53 && f < 1<<53 {
			return strconv.AppendInt(b, int64(f), 10)
		}
		return strconv.AppendFloat(b, f, 'g', -1, 64)
	case []any:
		b = append(b, '[')
		for _, item := range v {
			b = append(appendCanonical(b, item), ',')
		}
		return append(b, ']')
	case map[string]any:
		b = append(b, '{')
		for _, name := range sortedNames(v) {
			b = append(strconv.AppendQuote(b, name), ':')
			b = append(appendCanonical(b, v[name]), ',')
		}
		return append(b, '}')
	case string:
		return strconv.AppendQuote(b, v)
	case bool:
		return strconv.AppendBool(b, v)
	}
	return append(b, "null"...)
}
