package table

import (
	"encoding/base64"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"unicode/utf8"
)

// MarshalJSON writes an item in DynamoDB's JSON, names in order.
func (i Item) MarshalJSON() ([]byte, error) { return i.appendJSON(nil), nil }

// MarshalJSON writes a value in DynamoDB's JSON: {"S":"text"}.
func (v Value) MarshalJSON() ([]byte, error) { return v.appendJSON(nil), nil }

func (i Item) appendJSON(b []byte) []byte {
	b = append(b, '{')
	for n, name := range slices.Sorted(maps.Keys(i)) {
		if n > 0 {
			b = append(b, ',')
		}
		b = append(appendText(b, name), ':')
		b = i[name].appendJSON(b)
	}
	return append(b, '}')
}

func (v Value) appendJSON(b []byte) []byte {
	b = append(b, `{"`...)
	b = append(b, v.Type.String()...)
	b = append(b, `":`...)
	switch v.Type {
	case BOOL:
		b = strconv.AppendBool(b, v.Bool)
	case NULL:
		b = append(b, "true"...)
	case SS, NS, BS:
		b = append(b, '[')
		for n, member := range v.Set {
			if n > 0 {
				b = append(b, ',')
			}
			b = appendScalar(b, v.Type.element(), member)
		}
		b = append(b, ']')
	case L:
		b = append(b, '[')
		for n, member := range v.List {
			if n > 0 {
				b = append(b, ',')
			}
			b = member.appendJSON(b)
		}
		b = append(b, ']')
	case M:
		b = Item(v.Map).appendJSON(b)
	default:
		b = appendScalar(b, v.Type, v.Text)
	}
	return append(b, '}')
}

func appendScalar(b []byte, t Type, text string) []byte {
	if t == B {
		b = append(b, '"')
		b = base64.StdEncoding.AppendEncode(b, []byte(text))
		return append(b, '"')
	}
	return appendText(b, text)
}

// appendText writes a JSON text. Like DynamoDB it escapes what has to be escaped, and nothing else.
func appendText(b []byte, text string) []byte {
	b = append(b, '"')
	plain := 0 // from here on nothing needed an escape
	for i, r := range text {
		if r >= ' ' && r != '"' && r != '\\' && r != utf8.RuneError {
			continue
		}
		_, size := utf8.DecodeRuneInString(text[i:])
		b = append(b, text[plain:i]...)
		b = appendEscaped(b, r)
		plain = i + size
	}
	b = append(b, text[plain:]...)
	return append(b, '"')
}

func appendEscaped(b []byte, r rune) []byte {
	switch r {
	case '"', '\\':
		return append(b, '\\', byte(r))
	case '\n':
		return append(b, `\n`...)
	case '\r':
		return append(b, `\r`...)
	case '\t':
		return append(b, `\t`...)
	case utf8.RuneError: // written as such, or what is no UTF-8
		return utf8.AppendRune(b, r)
	}
	return fmt.Appendf(b, `\u%04x`, r)
}

// debug is a value as DynamoDB shows it in texts: {S:text}.
func (v Value) debug() string {
	text := v.Text
	switch v.Type {
	case BOOL:
		text = strconv.FormatBool(v.Bool)
	case NULL:
		text = "true"
	case S, N, B:
	default:
		text = string(v.appendJSON(nil))
	}
	return "{" + v.Type.String() + ":" + text + "}"
}

// MarshalJSON writes the value of a request, whether it would be refused or not.
func (r Raw) MarshalJSON() ([]byte, error) { return r.value.appendJSON(nil), nil }
