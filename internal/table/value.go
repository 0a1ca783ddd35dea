package table

import (
	"maps"
	"slices"
)

// Type is the type of an attribute value, by the name that DynamoDB gives it.
type Type byte

// The types. The zero Type is that of no value.
const (
	None Type = iota
	S         // text
	N         // number
	B         // bytes
	BOOL
	NULL
	SS // set of texts
	NS // set of numbers
	BS // set of bytes
	L  // list
	M  // map
)

// String returns the type's descriptor: "S", "BOOL".
func (t Type) String() string {
	return [...]string{"", "S", "N", "B", "BOOL", "NULL", "SS", "NS", "BS", "L", "M"}[t]
}

// TypeOf returns the type of a descriptor, or None.
func TypeOf(descriptor string) Type {
	for t := S; t <= M; t++ {
		if t.String() == descriptor {
			return t
		}
	}
	return None
}

// element is the type of the members of a set.
func (t Type) element() Type {
	switch t {
	case SS:
		return S
	case NS:
		return N
	case BS:
		return B
	}
	return None
}

// Value is an attribute value. It is not changed once it is made; parts are shared.
type Value struct {
	Type Type
	Text string   // S: the text; N: the canonical text of the number; B: the bytes
	Bool bool     // BOOL
	Set  []string // SS, NS, BS: the members as in Text, none twice
	List []Value  // L
	Map  map[string]Value
}

// Text makes an S.
func Text(s string) Value { return Value{Type: S, Text: s} }

// Number makes an N. It is for whole numbers; others are parsed.
func Number(n int64) Value { return Value{Type: N, Text: formatInt(n)} }

// Equal compares two values: numbers by value, sets without order.
func (v Value) Equal(w Value) bool {
	if v.Type != w.Type {
		return false
	}
	switch v.Type {
	case S, N, B:
		return v.Text == w.Text // numbers have one text each
	case BOOL:
		return v.Bool == w.Bool
	case SS, NS, BS:
		return len(v.Set) == len(w.Set) && !slices.ContainsFunc(v.Set, func(s string) bool { return !slices.Contains(w.Set, s) })
	case L:
		return slices.EqualFunc(v.List, w.List, Value.Equal)
	case M:
		return maps.EqualFunc(v.Map, w.Map, Value.Equal)
	}
	return true
}

// Equal compares two items.
func (i Item) Equal(j Item) bool { return maps.EqualFunc(i, j, Value.Equal) }

// compare orders two values of one type that has an order, S, N or B; ok is false for others.
func (v Value) compare(w Value) (order int, ok bool) {
	if v.Type != w.Type {
		return 0, false
	}
	switch v.Type {
	case N:
		return parsedDecimal(v.Text).compare(parsedDecimal(w.Text)), true
	case S, B:
		switch {
		case v.Text < w.Text:
			return -1, true
		case v.Text > w.Text:
			return 1, true
		}
		return 0, true
	}
	return 0, false
}
