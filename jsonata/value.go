package jsonata

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"

	"github.com/recolabs/gnata"
)

// valueIn brings a value into the form of the library, in which nil is undefined and null a value of its own.
func valueIn(v any) (any, error) {
	switch v := v.(type) {
	case nil:
		return gnata.DecodeJSON([]byte("null"))
	case json.RawMessage:
		if !json.Valid(v) {
			return nil, errors.New("it is not JSON")
		}
		return gnata.DecodeJSON(v)
	case []any:
		items := make([]any, len(v))
		for i, item := range v {
			converted, err := valueIn(item)
			if err != nil {
				return nil, err
			}
			items[i] = converted
		}
		return items, nil
	case map[string]any:
		members := make(map[string]any, len(v))
		for name, member := range v {
			converted, err := valueIn(member)
			if err != nil {
				return nil, err
			}
			members[name] = converted
		}
		return members, nil
	case string, bool, float64, json.Number:
		return v, nil
	}
	return nil, fmt.Errorf("a value of type %T has no place in JSON", v)
}

// An ordered is an object whose members are in order, the form in which the library makes them.
type ordered interface {
	Range(yield func(name string, v any) bool)
}

// A writer writes a result as JSON text.
type writer struct {
	text  []byte
	limit int // in bytes
}

func (w *writer) value(v any) error {
	if len(w.text) > w.limit {
		return fmt.Errorf("%w: its result is longer than %d bytes", ErrTooCostly, w.limit)
	}
	switch v := v.(type) {
	case string:
		return w.string(v)
	case bool:
		w.text = strconv.AppendBool(w.text, v)
	case json.Number:
		if v == "-0" { // AWS keeps the texts of numbers, but not the sign of zero
			v = "0"
		}
		w.text = append(w.text, v...)
	case float64:
		return w.number(v)
	case []any:
		return w.array(v)
	case map[string]any:
		return w.object(func(yield func(string, any) bool) {
			for _, name := range slices.Sorted(maps.Keys(v)) {
				if !yield(name, v[name]) {
					return
				}
			}
		})
	case ordered:
		return w.object(v.Range)
	case nil:
		w.text = append(w.text, "null"...)
	default:
		return w.other(v)
	}
	return nil
}

// other writes null and sequences, whose types the library does not export.
func (w *writer) other(v any) error {
	if gnata.IsNull(v) {
		w.text = append(w.text, "null"...)
		return nil
	}
	switch normal := gnata.NormalizeValue(v).(type) {
	case nil, string, bool, json.Number, float64, []any, map[string]any:
		return w.value(normal)
	}
	return ErrUnsupported
}

func (w *writer) array(items []any) error {
	w.text = append(w.text, '[')
	for i, item := range items {
		if i > 0 {
			w.text = append(w.text, ',')
		}
		if err := w.value(item); err != nil {
			return err
		}
	}
	w.text = append(w.text, ']')
	return nil
}

func (w *writer) object(members func(yield func(string, any) bool)) error {
	w.text = append(w.text, '{')
	first := true
	var err error
	for name, v := range members {
		if !first {
			w.text = append(w.text, ',')
		}
		first = false
		if err = w.string(name); err == nil {
			w.text = append(w.text, ':')
			err = w.value(v)
		}
		if err != nil {
			return err
		}
	}
	w.text = append(w.text, '}')
	return nil
}

func (w *writer) string(s string) error {
	if plain(s) {
		w.text = append(append(append(w.text, '"'), s...), '"')
		return nil
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(s); err != nil {
		return fmt.Errorf("writing the result of a JSONata expression: %w", err)
	}
	w.text = append(w.text, bytes.TrimSuffix(b.Bytes(), []byte("\n"))...)
	return nil
}

// plain says whether a string is written as it is.
func plain(s string) bool {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c > '~' || c == '"' || c == '\\' {
			return false
		}
	}
	return true
}

// number writes a number as JavaScript does; encoding/json has the same rules, but for the sign of zero.
func (w *writer) number(x float64) error {
	if math.IsInf(x, 0) || math.IsNaN(x) {
		return &Error{Code: "D1001", Message: "Number out of range: " + strconv.FormatFloat(x, 'g', -1, 64)}
	}
	if x == 0 {
		x = 0
	}
	text, err := json.Marshal(x)
	w.text = append(w.text, text...)
	return err
}
