package table

import (
	"encoding/base64"
	"maps"
	"slices"
	"strconv"
	"unicode/utf8"

	"github.com/tidwall/gjson"
)

// ParsePlain makes an item of plain JSON, an object: texts, numbers, true and false, null, lists and maps become attribute values of those
// types (Amazon DynamoDB Developer Guide, "Working with JSON documents"). Sets and bytes have no form of their own there. The error is an
// *Error.
func ParsePlain(text []byte) (Item, error) {
	parsed := gjson.ParseBytes(text)
	if !gjson.ValidBytes(text) || !utf8.Valid(text) || !parsed.IsObject() {
		return nil, mistyped("the item is no JSON object")
	}
	v, err := PlainValue(parsed)
	return Item(v.Map), err
}

// PlainValue makes an attribute value of a plain JSON value, which is valid.
func PlainValue(r gjson.Result) (Value, error) { return plainValue(r, 0) }

func plainValue(r gjson.Result, depth int) (Value, error) {
	if depth > MaxDepth+1 { // the item itself is one
		return Value{}, Invalid("Nesting Levels have exceeded supported limits")
	}
	switch {
	case r.Type == gjson.String:
		return Text(r.Str), nil
	case r.Type == gjson.Number:
		text, problem := parseNumber(r.Raw)
		if problem != "" {
			return Value{}, Invalid("%s", problem)
		}
		return Value{Type: N, Text: text}, nil
	case r.IsBool():
		return Value{Type: BOOL, Bool: r.Bool()}, nil
	case r.IsArray():
		return plainList(r, depth)
	case r.IsObject():
		return plainMap(r, depth)
	}
	return Value{Type: NULL}, nil
}

func plainList(r gjson.Result, depth int) (Value, error) {
	v := Value{Type: L, List: []Value{}}
	for _, member := range r.Array() {
		m, err := plainValue(member, depth+1)
		if err != nil {
			return Value{}, err
		}
		v.List = append(v.List, m)
	}
	return v, nil
}

func plainMap(r gjson.Result, depth int) (v Value, err error) {
	v = Value{Type: M, Map: map[string]Value{}}
	r.ForEach(func(name, member gjson.Result) bool {
		var m Value
		if m, err = plainValue(member, depth+1); err == nil {
			v.Map[name.String()] = m
		}
		return err == nil
	})
	return v, err
}

// KeyValue makes a value of a key attribute of plain JSON: bytes are a text in base64. The error is an *Error.
func (k Key) KeyValue(r gjson.Result) (Value, error) {
	if k.Type == B && r.Type == gjson.String {
		b, err := base64.StdEncoding.DecodeString(r.Str)
		if err != nil {
			return Value{}, Invalid(badParameter+"the key attribute %s is no base64: %v", k.Name, err)
		}
		return Value{Type: B, Text: string(b)}, nil
	}
	v, err := PlainValue(r)
	if err == nil && v.Type != k.Type {
		err = Invalid(badParameter+"Type mismatch for key %s expected: %s actual: %s", k.Name, k.Type, v.Type)
	}
	return v, err
}

// Plain writes an item as plain JSON, names in order: sets are lists, bytes are base64.
func (i Item) Plain() []byte { return Value{Type: M, Map: i}.appendPlain(nil) }

func (v Value) appendPlain(b []byte) []byte {
	switch v.Type {
	case S:
		return appendText(b, v.Text)
	case N:
		return append(b, v.Text...)
	case B:
		return appendScalar(b, B, v.Text)
	case BOOL:
		return strconv.AppendBool(b, v.Bool)
	case L:
		b = append(b, '[')
		for n, member := range v.List {
			b = member.appendPlain(comma(b, n))
		}
		return append(b, ']')
	case SS, NS, BS:
		b = append(b, '[')
		for n, member := range v.Set {
			b = Value{Type: v.Type.element(), Text: member}.appendPlain(comma(b, n))
		}
		return append(b, ']')
	case M:
		b = append(b, '{')
		for n, name := range slices.Sorted(maps.Keys(v.Map)) {
			b = append(appendText(comma(b, n), name), ':')
			b = v.Map[name].appendPlain(b)
		}
		return append(b, '}')
	}
	return append(b, "null"...)
}

// comma stands before every member but the first.
func comma(b []byte, n int) []byte {
	if n > 0 {
		return append(b, ',')
	}
	return b
}
