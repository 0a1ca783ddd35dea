package dynamodb

import (
	"reflect"
	"strings"
	"unicode/utf8"

	"github.com/tidwall/gjson"

	"sundog/internal/table"
)

// A request is read in two steps, as by DynamoDB: bind looks at the types of everything in it, and is the source of SerializationExceptions;
// check (constraint.go) looks at what is there, and is the source of ValidationExceptions. Only then does an operation look at the rest.
//
// Requests are structs whose fields have the names of the API reference. A pointer, list or object that is nil was not there, or was null.

// maxNesting bounds the depth of JSON, which has three levels for each of an attribute value.
const maxNesting = 4 * table.MaxDepth

func serialization(message string) error {
	return &table.Error{Code: table.Serialization, Message: message}
}

// bind reads a request into a struct.
func bind(body []byte, dst any) (gjson.Result, error) {
	if !shallow(body) || !utf8.Valid(body) || !gjson.ValidBytes(body) {
		return gjson.Result{}, serialization("")
	}
	r := gjson.ParseBytes(body)
	if !r.IsObject() {
		return r, serialization("Unexpected field type")
	}
	return r, bindStruct(r, reflect.ValueOf(dst).Elem())
}

// shallow reports whether JSON is nested within bounds, before anything goes into it.
func shallow(body []byte) bool {
	depth, quoted := 0, false
	for i := 0; i < len(body); i++ {
		switch c := body[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '{' || c == '[':
			if depth++; depth > maxNesting {
				return false
			}
		case c == '}' || c == ']':
			depth--
		}
	}
	return true
}

// bindStruct reads the fields in the order of the struct, which is that of complaints.
func bindStruct(r gjson.Result, v reflect.Value) error {
	found := make([]gjson.Result, v.NumField())
	r.ForEach(func(name, value gjson.Result) bool {
		if field, ok := v.Type().FieldByName(name.Str); ok {
			found[field.Index[0]] = value
		}
		return true
	})
	for i := range v.NumField() {
		if found[i].Type == gjson.Null {
			continue
		}
		if err := bindValue(found[i], v.Field(i), false); err != nil {
			return err
		}
	}
	return nil
}

// binder is a type that reads itself; inner says that it stands in a list or object.
type binder interface {
	bind(r gjson.Result, inner bool) error
}

// bindValue reads a value that is not null.
func bindValue(r gjson.Result, v reflect.Value, inner bool) (err error) {
	if v.Kind() == reflect.Pointer {
		v.Set(reflect.New(v.Type().Elem()))
		v = v.Elem()
	}
	switch dst := v.Addr().Interface().(type) {
	case *table.Raw:
		if !inner && !r.IsObject() && !r.IsArray() {
			return serialization("Unexpected field type")
		}
		*dst, err = table.DecodeValue(r)
		return err
	case binder:
		return dst.bind(r, inner)
	case *string:
		*dst, err = table.DecodeString(r)
		return err
	case *bool:
		*dst, err = table.DecodeBool(r)
		return err
	case *int64:
		*dst, err = decodeInteger(r)
		return err
	}
	return bindParts(r, v, inner)
}

// bindParts reads a struct or a list.
func bindParts(r gjson.Result, v reflect.Value, inner bool) error {
	if v.Kind() == reflect.Struct {
		switch {
		case r.IsArray():
			return serialization("Unrecognized collection type class " + javaName(v.Type()))
		case r.IsObject():
			return bindStruct(r, v)
		case inner:
			return serialization("Unexpected value type in payload")
		}
		return serialization("Unexpected field type")
	}
	if r.IsObject() {
		return serialization("Start of structure or map found where not expected")
	}
	if !r.IsArray() {
		return serialization(unexpected(inner))
	}
	members := r.Array()
	list := reflect.MakeSlice(v.Type(), len(members), len(members))
	for i, member := range members {
		if err := bindValue(member, list.Index(i), true); err != nil {
			return err
		}
	}
	v.Set(list)
	return nil
}

// unexpected is the text for a scalar where a collection should be.
func unexpected(inner bool) string {
	if inner {
		return "class sun.reflect.generics.reflectiveObjects.ParameterizedTypeImpl cannot be cast to class java.lang.Class (sun.reflect.generics.reflectiveObjects.ParameterizedTypeImpl and java.lang.Class are in module java.base of loader 'bootstrap')"
	}
	return "Unexpected field type"
}

func decodeInteger(r gjson.Result) (int64, error) {
	switch {
	case r.Type == gjson.Number:
		return int64(r.Num), nil
	case r.Type == gjson.True:
		return 0, serialization("TRUE_VALUE cannot be converted to Integer")
	case r.Type == gjson.False:
		return 0, serialization("FALSE_VALUE cannot be converted to Integer")
	case r.Type == gjson.String:
		return 0, serialization("STRING_VALUE cannot be converted to Integer")
	case r.IsArray():
		return 0, serialization("Unrecognized collection type class java.lang.Integer")
	}
	return 0, serialization("Start of structure or map found where not expected")
}

// object is a JSON object whose names are data, in the order of the text.
type object[T any] []member[T]

type member[T any] struct {
	Name  string
	Value T
}

func (o *object[T]) bind(r gjson.Result, inner bool) error {
	if r.IsArray() {
		return serialization("Unrecognized collection type java.util.Map<java.lang.String, " + javaName(reflect.TypeFor[T]()) + ">")
	}
	if !r.IsObject() {
		return serialization(unexpected(inner))
	}
	*o = object[T]{}
	var failed error
	r.ForEach(func(name, value gjson.Result) bool {
		m := member[T]{Name: name.String()}
		if value.Type != gjson.Null {
			failed = bindValue(value, reflect.ValueOf(&m.Value).Elem(), true)
		}
		o.put(m)
		return failed == nil
	})
	return failed
}

// put adds a member; of several with a name the last counts.
func (o *object[T]) put(m member[T]) {
	for i := range *o {
		if (*o)[i].Name == m.Name {
			(*o)[i] = m
			return
		}
	}
	*o = append(*o, m)
}

func javaName(t reflect.Type) string {
	switch {
	case t.Kind() == reflect.String:
		return "java.lang.String"
	case t == reflect.TypeFor[table.Raw]():
		return "com.amazonaws.dynamodb.v20120810.AttributeValue"
	case t.Kind() == reflect.Slice:
		return "java.util.List<" + javaName(t.Elem()) + ">"
	}
	return "com.amazonaws.dynamodb.v20120810." + strings.ToUpper(t.Name()[:1]) + t.Name()[1:]
}
