package stac

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/tidwall/gjson"
)

// Object is a JSON object whose members keep their order and, where they are not set, their bytes: numbers are not rounded,
// strings not escaped anew, unknown members not lost. It is not safe for concurrent use.
//
// Values handed in and out are not copied; treat them as read-only.
type Object struct {
	members []member
}

type member struct {
	name  string
	text  string // the name as it stands in the text, with its quotes and escapes
	value json.RawMessage
}

var errNotObject = errors.New("not a JSON object")

// ParseObject reads one level of a JSON object. Of members with the same name the last one counts, as in encoding/json, at the
// place of the first.
func ParseObject(raw []byte) (*Object, error) {
	if !json.Valid(raw) {
		var v any
		return nil, fmt.Errorf("parse JSON: %w", json.Unmarshal(raw, &v))
	}
	return ReadObject(raw)
}

// ReadObject is ParseObject for text that is known to be JSON, such as a part of a document that was parsed. What it makes of
// other text is not defined.
func ReadObject(raw []byte) (*Object, error) {
	parsed := gjson.ParseBytes(raw)
	if !parsed.IsObject() {
		return nil, errNotObject
	}
	o := &Object{}
	seen := map[string]bool{}
	parsed.ForEach(func(name, value gjson.Result) bool {
		if seen[name.Str] {
			o.Set(name.Str, json.RawMessage(value.Raw))
			return true
		}
		seen[name.Str] = true
		o.members = append(o.members, member{name.Str, name.Raw, json.RawMessage(value.Raw)})
		return true
	})
	return o, nil
}

// Get returns a member's JSON text.
func (o *Object) Get(name string) (json.RawMessage, bool) {
	if i := o.index(name); i >= 0 {
		return o.members[i].value, true
	}
	return nil, false
}

// Set replaces a member's JSON text in its place, or appends the member. The value has to be JSON.
func (o *Object) Set(name string, value json.RawMessage) {
	if i := o.index(name); i >= 0 {
		o.members[i].value = value
		return
	}
	o.members = append(o.members, member{name, string(marshal(name)), value})
}

// SetValue sets a member to the JSON of a value that json.Marshal can write.
func (o *Object) SetValue(name string, value any) {
	o.Set(name, marshal(value))
}

// Delete removes a member, if there is one.
func (o *Object) Delete(name string) {
	o.members = slices.DeleteFunc(o.members, func(m member) bool { return m.name == name })
}

// AppendJSON appends the object's text. Nothing is put between the members, so text that is compact stays so.
func (o *Object) AppendJSON(dst []byte) []byte {
	dst = append(dst, '{')
	for i, m := range o.members {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(dst, m.text...)
		dst = append(dst, ':')
		dst = append(dst, m.value...)
	}
	return append(dst, '}')
}

func (o *Object) index(name string) int {
	return slices.IndexFunc(o.members, func(m member) bool { return m.name == name })
}

// marshal writes JSON as people write it: '<', '>' and '&' are characters like any other. It panics on what cannot be JSON, which
// only a fault of the program can produce.
func marshal(v any) json.RawMessage {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		panic(fmt.Sprintf("stac: marshal %T: %v", v, err))
	}
	return bytes.TrimRight(buf.Bytes(), "\n")
}
