package table

import (
	"encoding/base64"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/tidwall/gjson"
)

// Raw is an attribute value as a request has it: its parts have the right types, but it may still be refused. A request is complained about
// in this order, wherever in it the mistakes are.
type Raw struct {
	value   Value
	problem string
}

// Value returns the value, or why it is none: a ValidationException.
func (r Raw) Value() (Value, error) {
	if problem := r.Problem(); problem != "" {
		return Value{}, &Error{Code: Validation, Message: problem}
	}
	return r.value, nil
}

// Problem is the text of Value's error, or "".
func (r Raw) Problem() string {
	if r.problem == "" && r.value.Type == None {
		return emptyValue
	}
	return r.problem
}

const emptyValue = "Supplied AttributeValue is empty, must contain exactly one of the supported datatypes"

// ParseItem reads an item in DynamoDB's JSON: {"name": {"S": "text"}}. The error is an *Error.
func ParseItem(text []byte) (Item, error) {
	if !gjson.ValidBytes(text) || !utf8.Valid(text) {
		return nil, &Error{Code: Serialization, Message: "the item is no JSON"}
	}
	parsed := gjson.ParseBytes(text)
	if !parsed.IsObject() {
		return nil, mistyped("Unexpected field type")
	}
	item := Item{}
	var failed error
	parsed.ForEach(func(name, value gjson.Result) bool {
		raw, err := DecodeValue(value)
		if err == nil {
			item[name.String()], err = raw.Value()
		}
		failed = err
		return err == nil
	})
	if failed != nil {
		return nil, failed
	}
	return item, nil
}

func mistyped(message string) *Error { return &Error{Code: Serialization, Message: message} }

// DecodeValue reads an attribute value, {"S": "text"}. The error is a SerializationException: a part of it has not the type that it should.
func DecodeValue(r gjson.Result) (Raw, error) { return decodeValue(r, 0) }

func decodeValue(r gjson.Result, depth int) (Raw, error) {
	if r.IsArray() {
		return Raw{}, mistyped("Unrecognized collection type class com.amazonaws.dynamodb.v20120810.AttributeValue")
	}
	if !r.IsObject() {
		return Raw{}, mistyped("Unexpected value type in payload")
	}
	if depth > MaxDepth {
		return Raw{problem: "Nesting Levels have exceeded supported limits"}, nil
	}
	var fields [M + 1]gjson.Result // the last of each
	r.ForEach(func(name, value gjson.Result) bool {
		if value.Type != gjson.Null {
			fields[TypeOf(name.String())] = value
		}
		return true
	})
	var out Raw
	found := 0
	for _, t := range [...]Type{S, B, N, BOOL, NULL, BS, NS, SS, L, M} {
		if !fields[t].Exists() {
			continue
		}
		v, problem, err := decodeTyped(t, fields[t], depth)
		if err != nil {
			return Raw{}, err
		}
		if found++; out.problem == "" {
			out.problem = problem
		}
		out.value = v
	}
	switch {
	case out.problem != "":
	case found == 0:
		out.problem = emptyValue
	case found > 1:
		out.problem = "Supplied AttributeValue has more than one datatypes set, must contain exactly one of the supported datatypes"
	}
	return out, nil
}

func decodeTyped(t Type, r gjson.Result, depth int) (v Value, problem string, err error) {
	v.Type = t
	switch t {
	case BOOL:
		v.Bool, err = DecodeBool(r)
	case NULL:
		var set bool
		if set, err = DecodeBool(r); !set {
			problem = badParameter + "Null attribute value types must have the value of true"
		}
	case L:
		problem, err = decodeList(&v, r, depth)
	case M:
		problem, err = decodeMap(&v, r, depth)
	case SS, NS, BS:
		problem, err = decodeSet(&v, r)
	default:
		v.Text, problem, err = decodeScalar(t, r)
	}
	return v, problem, err
}

// decodeScalar reads the text of an S, N or B, or of a member of a set of such.
func decodeScalar(t Type, r gjson.Result) (text, problem string, err error) {
	if t == B {
		text, err = decodeBytes(r)
		return text, "", err
	}
	if text, err = DecodeString(r); err == nil && t == N {
		text, problem = parseNumber(text)
	}
	return text, problem, err
}

func decodeSet(v *Value, r gjson.Result) (problem string, err error) {
	members, err := decodeArray(r)
	if err != nil {
		return "", err
	}
	for _, member := range members {
		text, wrong, err := decodeScalar(v.Type.element(), member)
		if err != nil {
			return "", err
		}
		if problem == "" {
			problem = wrong
		}
		v.Set = append(v.Set, text)
	}
	if problem != "" {
		return problem, nil
	}
	return v.setProblem(members), nil
}

// setProblem complains about a set that is empty or has a member twice.
func (v Value) setProblem(written []gjson.Result) string {
	if len(v.Set) == 0 {
		switch v.Type {
		case SS:
			return badParameter + "An string set  may not be empty"
		case NS:
			return badParameter + "An number set  may not be empty"
		}
		return badParameter + "Binary sets should not be empty"
	}
	if len(slices.Compact(slices.Sorted(slices.Values(v.Set)))) == len(v.Set) {
		return ""
	}
	if v.Type == NS {
		return "Input collection contains duplicates"
	}
	texts := make([]string, 0, len(written))
	for _, member := range written {
		texts = append(texts, member.String())
	}
	of := ""
	if v.Type == BS {
		of = "of type BS"
	}
	return badParameter + "Input collection [" + strings.Join(texts, ", ") + "]" + of + " contains duplicates."
}

func decodeList(v *Value, r gjson.Result, depth int) (problem string, err error) {
	members, err := decodeArray(r)
	if err != nil {
		return "", err
	}
	v.List = make([]Value, 0, len(members))
	for _, member := range members {
		raw, err := decodeValue(member, depth+1)
		if err != nil {
			return "", err
		}
		if problem == "" {
			problem = raw.problem
		}
		v.List = append(v.List, raw.value)
	}
	return problem, nil
}

func decodeMap(v *Value, r gjson.Result, depth int) (problem string, err error) {
	if r.IsArray() {
		return "", mistyped("Unrecognized collection type java.util.Map<java.lang.String, com.amazonaws.dynamodb.v20120810.AttributeValue>")
	}
	if !r.IsObject() {
		return "", mistyped("Unexpected field type")
	}
	v.Map = map[string]Value{}
	r.ForEach(func(name, member gjson.Result) bool {
		var raw Raw
		if raw, err = decodeValue(member, depth+1); err != nil {
			return false
		}
		if problem == "" {
			problem = raw.problem
		}
		v.Map[name.String()] = raw.value
		return true
	})
	return problem, err
}

func decodeArray(r gjson.Result) ([]gjson.Result, error) {
	switch {
	case r.IsArray():
		return r.Array(), nil
	case r.IsObject():
		return nil, mistyped("Start of structure or map found where not expected")
	}
	return nil, mistyped("Unexpected field type")
}

// DecodeString reads a text, or says what is there instead.
func DecodeString(r gjson.Result) (string, error) {
	switch {
	case r.Type == gjson.String:
		return r.Str, nil
	case r.Type == gjson.Number:
		return "", mistyped(numberKind(r) + " cannot be converted to String")
	case r.Type == gjson.True || r.Type == gjson.False:
		return "", mistyped(strings.ToUpper(r.Raw) + "_VALUE cannot be converted to String")
	case r.IsArray():
		return "", mistyped("Unrecognized collection type class java.lang.String")
	}
	return "", mistyped("Start of structure or map found where not expected")
}

// DecodeBool reads true or false, which may be written as texts.
func DecodeBool(r gjson.Result) (bool, error) {
	switch {
	case r.Type == gjson.True || r.Type == gjson.False:
		return r.Bool(), nil
	case r.Type == gjson.Number:
		return false, mistyped(numberKind(r) + " cannot be converted to Boolean")
	case r.Type == gjson.String:
		switch strings.ToUpper(r.Str) {
		case "TRUE", "1", "YES":
			return true, nil
		case "FALSE", "0", "NO":
			return false, nil
		}
		return false, mistyped("Unexpected token received from parser")
	case r.IsArray():
		return false, mistyped("Unrecognized collection type class java.lang.Boolean")
	}
	return false, mistyped("Start of structure or map found where not expected")
}

func numberKind(r gjson.Result) string {
	if r.Num == float64(int64(r.Num)) {
		return "NUMBER_VALUE"
	}
	return "DECIMAL_VALUE"
}

func decodeBytes(r gjson.Result) (string, error) {
	switch {
	case r.Type == gjson.String:
		if len(r.Str)%4 != 0 {
			return "", mistyped("Base64 encoded length is expected a multiple of 4 bytes but found: " + strconv.Itoa(len(r.Str)))
		}
		b, err := base64.StdEncoding.Strict().DecodeString(r.Str)
		if err != nil || strings.ContainsAny(r.Str, "\r\n") {
			return "", mistyped("Invalid last non-pad Base64 character dectected")
		}
		return string(b), nil
	case r.IsArray():
		return "", mistyped("Unrecognized collection type class java.nio.ByteBuffer")
	case r.IsObject():
		return "", mistyped("Start of structure or map found where not expected")
	}
	return "", mistyped("only base-64-encoded strings are convertible to bytes")
}

// RawOf is a value as if it came with a request.
func RawOf(v Value) Raw { return Raw{value: v} }
