package openapi

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	"sundog/internal/problem"
)

// generator makes JSON Schemas (2020-12, as OpenAPI 3.1 has it) of Go types and gathers those that have names.
type generator struct {
	notes   Notes
	schemas object
	types   map[string]reflect.Type // of the schemas, by name
}

// schema is the schema of a type as encoding/json writes it, a reference for a struct. It panics for types that an API has no use for: a
// mistake in a table of routes, which every test of the server meets.
func (g *generator) schema(t reflect.Type) object {
	switch t {
	case reflect.TypeFor[json.RawMessage]():
		return object{} // any JSON
	case reflect.TypeFor[time.Time]():
		return object{"type": "string", "format": "date-time"}
	}
	switch t.Kind() {
	case reflect.Pointer:
		return g.schema(t.Elem())
	case reflect.String:
		return object{"type": "string"}
	case reflect.Bool:
		return object{"type": "boolean"}
	case reflect.Int, reflect.Int32, reflect.Int64, reflect.Uint64:
		return object{"type": "integer", "format": "int64"}
	case reflect.Float64:
		return object{"type": "number", "format": "double"}
	case reflect.Slice:
		return object{"type": "array", "items": g.schema(t.Elem())}
	case reflect.Map:
		return object{"type": "object", "additionalProperties": g.schema(t.Elem())}
	case reflect.Interface:
		return object{}
	case reflect.Struct:
		return g.reference(t)
	default:
		panic(fmt.Sprintf("openapi: no schema for %s", t))
	}
}

// problemName is what problem documents are called in a description.
const problemName = "Problem"

// reference describes a struct once and refers to it.
func (g *generator) reference(t reflect.Type) object {
	name := t.Name()
	if t == reflect.TypeFor[problem.Document]() {
		name = problemName
	}
	ref := object{"$ref": "#/components/schemas/" + name}
	if other, ok := g.types[name]; ok {
		if other != t {
			panic(fmt.Sprintf("openapi: %s and %s have the same name", other, t))
		}
		return ref
	}
	g.types[name] = t
	properties, required := object{}, []string{}
	described := object{"type": "object", "properties": properties}
	g.schemas[name] = described // before its fields, which may refer to it
	if text := g.notes.Texts[name]; text != "" {
		described["description"] = text
	}
	schemaName := name
	for field := range t.Fields() {
		name, options, _ := strings.Cut(field.Tag.Get("json"), ",")
		if name == "-" || !field.IsExported() {
			continue
		}
		if name == "" {
			name = field.Name
		}
		of := field.Type
		if slices.Contains(strings.Split(options, ","), "string") { // a number that is written as a text
			of = reflect.TypeFor[string]()
		}
		properties[name] = g.property(schemaName+"."+name, of)
		if !strings.Contains(options, "omitempty") && !strings.Contains(options, "omitzero") {
			required = append(required, name)
		}
	}
	if len(required) > 0 {
		described["required"] = required
	}
	return ref
}

// property is the schema of a field, with what is known of it.
func (g *generator) property(name string, t reflect.Type) object {
	schema := g.schema(t)
	if text := g.notes.Texts[name]; text != "" {
		schema["description"] = text // beside a reference, too: OpenAPI 3.1, Reference Object
	}
	if values := g.notes.Values[name]; values != nil {
		schema["enum"] = values
	}
	return schema
}
