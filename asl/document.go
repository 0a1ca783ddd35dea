package asl

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
)

// A Document is one immutable JSON value as it flows through an execution: the input of a state, the result of a task. It
// holds the text, the parsed value, or both, and makes the missing one only when it is asked for, so that a payload of
// several megabytes which no state looks into is never parsed.
//
// Parsed values are map[string]any, []any, string, json.Number, bool and nil; nobody may change them. A Document is not safe
// for concurrent use: it belongs to the execution that holds it.
type Document struct {
	raw    []byte
	value  any
	parsed bool
}

// Raw makes a Document of JSON text, which the caller must not change afterwards and which must be valid JSON.
func Raw(text []byte) *Document { return &Document{raw: text} }

// Value makes a Document of a parsed value, which the caller must not change afterwards.
func Value(v any) *Document { return &Document{value: v, parsed: true} }

// ParseDocument makes a Document of text from outside, and fails when that is not one JSON value.
func ParseDocument(text []byte) (*Document, error) {
	if !json.Valid(text) {
		return nil, fmt.Errorf("document of %d bytes is not JSON", len(text))
	}
	return Raw(bytes.TrimSpace(text)), nil
}

// Bytes returns the JSON text. The caller must not change it.
func (d *Document) Bytes() []byte {
	if d.raw == nil {
		d.raw = marshal(d.value)
	}
	return d.raw
}

// Get returns the parsed value. The caller must not change it.
func (d *Document) Get() any {
	if !d.parsed {
		d.value, d.parsed = unmarshal(d.raw), true
	}
	return d.value
}

// MarshalJSON makes a Document a part of a larger document.
func (d *Document) MarshalJSON() ([]byte, error) { return d.Bytes(), nil }

// UnmarshalJSON reads what MarshalJSON wrote.
func (d *Document) UnmarshalJSON(text []byte) error {
	*d = Document{raw: bytes.Clone(text)}
	return nil
}

// member returns the member of an object, without parsing a document that is not parsed yet.
func (d *Document) member(name string) (*Document, bool) {
	if d.parsed {
		object, _ := d.value.(map[string]any)
		v, ok := object[name]
		if !ok {
			return nil, false
		}
		return Value(v), true
	}
	text, ok := rawMember(d.raw, name)
	if !ok {
		return nil, false
	}
	return Raw(text), true
}

// Elements returns the elements of an array, without parsing a document that is not parsed yet; ok is false when it is not an array.
func (d *Document) Elements() (elements []*Document, ok bool) {
	if d.parsed {
		array, ok := d.value.([]any)
		if !ok {
			return nil, false
		}
		elements = make([]*Document, len(array))
		for i, v := range array {
			elements[i] = Value(v)
		}
		return elements, true
	}
	texts, ok := rawElements(d.raw)
	if !ok {
		return nil, false
	}
	elements = make([]*Document, len(texts))
	for i, text := range texts {
		elements[i] = Raw(text)
	}
	return elements, true
}

// arrayOf makes the document of an array of documents, by joining their texts.
func arrayOf(elements []*Document) *Document {
	size := 2
	for _, e := range elements {
		size += len(e.Bytes()) + 1
	}
	text := append(make([]byte, 0, size), '[')
	for i, e := range elements {
		if i > 0 {
			text = append(text, ',')
		}
		text = append(text, e.Bytes()...)
	}
	return Raw(append(text, ']'))
}

func unmarshal(raw []byte) any {
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	var v any
	if err := dec.Decode(&v); err != nil {
		panic(fmt.Sprintf("asl: document that is not JSON: %v", err)) // a programming error: ParseDocument checks
	}
	return v
}

// kind is the name of the JSON type of a document, as AWS's messages spell it.
func (d *Document) kind() string {
	switch d.Get().(type) {
	case nil:
		return "null"
	case bool:
		return "boolean"
	case string:
		return "string"
	case json.Number:
		return "number"
	case []any:
		return "array"
	}
	return "object"
}

// display is the text of a document in a message: a string without its quotes. Long ones are cut.
func (d *Document) display() string {
	const most = 2000
	text, ok := d.Get().(string)
	if !ok {
		text = string(d.Bytes())
	}
	if len(text) > most {
		text = strings.ToValidUTF8(text[:most], "") + "…"
	}
	return text
}
