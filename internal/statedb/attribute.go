package statedb

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/tidwall/gjson"
)

// only returns the type and the value of an attribute value: an object with one member.
func only(name string, value gjson.Result) (kind string, content gjson.Result, err error) {
	n := 0
	value.ForEach(func(k, v gjson.Result) bool {
		kind, content = k.String(), v
		n++
		return n < 2
	})
	if n != 1 || !value.IsObject() {
		return "", content, fmt.Errorf("%w: attribute %s is %.100s, not an attribute value such as {\"S\": \"text\"}", ErrMalformed, name, value.Raw)
	}
	return kind, content, nil
}

// textOf reads an S; nil for a NULL.
func textOf(name string, value gjson.Result) (*string, error) {
	kind, content, err := only(name, value)
	switch {
	case err != nil:
		return nil, err
	case kind == "S" && content.Type == gjson.String:
		text := strings.Clone(content.Str)
		return &text, nil
	case kind == "NULL":
		return nil, nil
	}
	return nil, fmt.Errorf("%w: attribute %s is %.100s, expected an S", ErrMalformed, name, value.Raw)
}

// listOf reads an L of S; nil for a NULL.
func listOf(name string, value gjson.Result) ([]string, error) {
	kind, content, err := only(name, value)
	switch {
	case err != nil:
		return nil, err
	case kind == "NULL":
		return nil, nil
	case kind != "L" || !content.IsArray():
		return nil, fmt.Errorf("%w: attribute %s is %.100s, expected an L", ErrMalformed, name, value.Raw)
	}
	list := []string{}
	content.ForEach(func(_, element gjson.Result) bool {
		var text *string
		if text, err = textOf(name, element); err == nil && text == nil {
			err = fmt.Errorf("%w: attribute %s holds a NULL, expected S", ErrMalformed, name)
		}
		if err == nil {
			list = append(list, *text)
		}
		return err == nil
	})
	return list, err
}

// Attributes of other types than those of JSON stay as they are in an item, {"SS": ["a"]} for one. So that they are told from maps
// that look the same, maps of one member with one of these names stay as they are in an item, too.
func verbatim(name string) bool {
	return slices.Contains([]string{"B", "BS", "SS", "NS", "N", "M"}, name)
}

// number is what JSON takes for one. DynamoDB takes more.
var number = regexp.MustCompile(`^-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?$`)

// maxDepth bounds the nesting of an attribute value (Amazon DynamoDB Developer Guide, Quotas: Nested attribute depth).
const maxDepth = 32

// plainOf turns an attribute value into plain JSON, or leaves it when that has no place for it.
func plainOf(name string, value gjson.Result, depth int) (json.RawMessage, error) {
	kind, content, err := only(name, value)
	if err != nil {
		return nil, err
	}
	if depth > maxDepth {
		return nil, fmt.Errorf("%w: attribute %s is nested more than %d deep", ErrMalformed, name, maxDepth)
	}
	var out bytes.Buffer
	switch {
	case kind == "S" && content.Type == gjson.String, kind == "BOOL" && content.IsBool():
		out.WriteString(content.Raw)
	case kind == "NULL":
		out.WriteString("null")
	case kind == "N" && content.Type == gjson.String && number.MatchString(content.Str):
		out.WriteString(content.Str)
	case kind == "L" && content.IsArray():
		out.WriteByte('[')
		content.ForEach(func(_, element gjson.Result) bool {
			if out.Len() > 1 {
				out.WriteByte(',')
			}
			var plain json.RawMessage
			plain, err = plainOf(name, element, depth+1)
			out.Write(plain)
			return err == nil
		})
		out.WriteByte(']')
	case kind == "M" && content.IsObject():
		members, last := 0, ""
		out.WriteByte('{')
		content.ForEach(func(key, member gjson.Result) bool {
			if members++; members > 1 {
				out.WriteByte(',')
			}
			last = key.String()
			quote(&out, last)
			out.WriteByte(':')
			var plain json.RawMessage
			plain, err = plainOf(name, member, depth+1)
			out.Write(plain)
			return err == nil
		})
		out.WriteByte('}')
		if members == 1 && verbatim(last) {
			return json.RawMessage(strings.Clone(value.Raw)), err
		}
	case verbatim(kind):
		out.WriteString(value.Raw)
	default:
		return nil, fmt.Errorf("%w: attribute %s is %.100s, which DynamoDB does not have", ErrMalformed, name, value.Raw)
	}
	return out.Bytes(), err
}

// attributeValue writes plain JSON as an attribute value.
func attributeValue(out *bytes.Buffer, v gjson.Result) {
	switch {
	case v.Type == gjson.Null:
		out.WriteString(`{"NULL":true}`)
	case v.IsBool():
		typed(out, "BOOL", func() { out.WriteString(v.Raw) })
	case v.Type == gjson.Number:
		typed(out, "N", func() { quote(out, v.Raw) })
	case v.Type == gjson.String:
		typed(out, "S", func() { quote(out, v.Str) })
	case v.IsArray():
		typed(out, "L", func() {
			out.WriteByte('[')
			n := 0
			v.ForEach(func(_, element gjson.Result) bool {
				if n++; n > 1 {
					out.WriteByte(',')
				}
				attributeValue(out, element)
				return true
			})
			out.WriteByte(']')
		})
	default:
		if kind, _, err := only("", v); err == nil && verbatim(kind) {
			out.WriteString(v.Raw)
			return
		}
		typed(out, "M", func() {
			out.WriteByte('{')
			n := 0
			v.ForEach(func(key, member gjson.Result) bool {
				if n++; n > 1 {
					out.WriteByte(',')
				}
				quote(out, key.String())
				out.WriteByte(':')
				attributeValue(out, member)
				return true
			})
			out.WriteByte('}')
		})
	}
}

// attribute writes a member of an item.
func attribute(out *bytes.Buffer, name string, value func()) {
	if out.Len() > 1 {
		out.WriteByte(',')
	}
	quote(out, name)
	out.WriteByte(':')
	value()
}

func typed(out *bytes.Buffer, kind string, value func()) {
	out.WriteString(`{"` + kind + `":`)
	value()
	out.WriteByte('}')
}

func quote(out *bytes.Buffer, text string) {
	quoted, err := json.Marshal(text)
	if err != nil {
		panic(fmt.Sprintf("statedb: writing %q: %v", text, err)) // texts always marshal
	}
	out.Write(quoted)
}
