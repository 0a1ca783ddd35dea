// Package openapi describes an HTTP API in OpenAPI 3.1. It makes the document from a list of operations and the Go types of their
// documents, so that the description cannot differ from what is served.
//
// Problem documents, tokens and the statuses of errors are the same for every operation, and described once.
package openapi

import (
	"cmp"
	"fmt"
	"net/http"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"sundog/internal/problem"
)

// Version is that of the OpenAPI Specification.
const Version = "3.1.0"

// Operation is one method on one path.
type Operation struct {
	Method, Path string // as http.ServeMux takes them: /v1/queues/{queue}
	Summary      string
	Role         string // that a token needs
	Parameters   []Parameter
	Request      Body // none when its zero value
	Answer       Body
	Status       int // of success; 0: 200
}

// Parameter is a parameter of the query or a header.
type Parameter struct {
	Name     string
	In       string // query when empty
	Text     string // what it is for
	Required bool
	Type     reflect.Type // string when nil
}

// Body is what a request or an answer holds.
type Body struct {
	Type  reflect.Type // of its document; nil: any JSON
	Media []string     // application/json when empty
	Text  string
}

func (b Body) zero() bool { return b.Type == nil && b.Media == nil && b.Text == "" }

// Info names an API.
type Info struct {
	Title       string
	Version     string
	Description string
}

type object = map[string]any

// Document returns the OpenAPI document of an API, ready for encoding/json, which writes the same one each time.
func Document(info Info, operations []Operation, notes Notes) map[string]any {
	g := &generator{notes: notes, schemas: object{}, types: map[string]reflect.Type{}}
	paths := object{}
	for i := range operations {
		op := &operations[i]
		path := cleanPath(op.Path)
		methods, ok := paths[path].(object)
		if !ok {
			methods = object{}
			paths[path] = methods
		}
		methods[strings.ToLower(op.Method)] = g.operation(op)
	}
	g.schema(reflect.TypeFor[problem.Document]())
	return object{
		"openapi": Version,
		"info":    object{"title": info.Title, "version": info.Version, "description": info.Description},
		"paths":   paths,
		"components": object{
			"schemas":   g.schemas,
			"responses": failures(),
			"securitySchemes": object{
				"token": object{"type": "http", "scheme": "bearer", "description": "A token of the role that the operation names."},
			},
		},
	}
}

// trailing is what a pattern of http.ServeMux has beyond a path template: the rest of a path is a parameter like others.
var trailing = regexp.MustCompile(`\.\.\.}`)

var placeholder = regexp.MustCompile(`{(\w+)}`)

func cleanPath(path string) string { return trailing.ReplaceAllString(path, "}") }

func (g *generator) operation(op *Operation) object {
	path := cleanPath(op.Path)
	out := object{
		"operationId": operationID(op.Method, path),
		"summary":     op.Summary,
		"security":    []any{object{"token": []string{op.Role}}},
		"tags":        []string{tag(path)},
		"responses":   g.responses(op),
	}
	inPath := placeholder.FindAllStringSubmatch(path, -1)
	parameters := make([]any, 0, len(inPath)+len(op.Parameters))
	for _, name := range inPath {
		text := "escaped: a slash in it is %2F"
		if strings.Contains(op.Path, "{"+name[1]+"...}") {
			text = "the rest of the path, slashes included"
		}
		parameters = append(parameters, object{"name": name[1], "in": "path", "required": true, "description": text, "schema": object{"type": "string"}})
	}
	for _, p := range op.Parameters {
		typ := p.Type
		if typ == nil {
			typ = reflect.TypeFor[string]()
		}
		in := p.In
		if in == "" {
			in = "query"
		}
		parameters = append(parameters, object{"name": p.Name, "in": in, "required": p.Required, "description": p.Text, "schema": g.schema(typ)})
	}
	if len(parameters) > 0 {
		out["parameters"] = parameters
	}
	if !op.Request.zero() {
		out["requestBody"] = object{"required": true, "content": g.content(op.Request), "description": op.Request.Text}
	}
	return out
}

// operationID makes a name that is unique for a method and path: getQueuesQueueDeadLetters.
func operationID(method, path string) string {
	id := strings.ToLower(method)
	for _, word := range strings.FieldsFunc(strings.TrimPrefix(path, "/v1"), func(r rune) bool { return strings.ContainsRune("/{}-._", r) }) {
		id += strings.ToUpper(word[:1]) + word[1:]
	}
	return id
}

// tag is the first word of a path below /v1.
func tag(path string) string {
	first, _, _ := strings.Cut(strings.TrimPrefix(strings.TrimPrefix(path, "/v1"), "/"), "/")
	return first
}

func (g *generator) content(b Body) object {
	media := b.Media
	if len(media) == 0 {
		media = []string{"application/json"}
	}
	schema := any(object{})
	if b.Type != nil {
		schema = g.schema(b.Type)
	}
	content := object{}
	for _, m := range media {
		content[m] = object{"schema": schema}
	}
	return content
}

// responses describes the success of an operation and every way in which it can fail.
func (g *generator) responses(op *Operation) object {
	text := op.Answer.Text
	if text == "" {
		text = "done"
	}
	out := object{strconv.Itoa(cmp.Or(op.Status, http.StatusOK)): object{"description": text, "content": g.content(op.Answer)}}
	for _, k := range Failures(op.Method) {
		out[strconv.Itoa(problem.HTTPStatus(problem.New(k, "")))] = object{"$ref": "#/components/responses/" + k.String()}
	}
	return out
}

// Failures are the kinds of problems that a request with a method can be answered with. What changes nothing conflicts with nothing and has no
// body that could be too large.
func Failures(method string) []problem.Kind {
	if method != http.MethodGet {
		return problem.Kinds()
	}
	return slices.DeleteFunc(problem.Kinds(), func(k problem.Kind) bool { return k == problem.Conflict || k == problem.TooLarge })
}

// failures are the answers that every operation can fail with.
func failures() object {
	out := object{}
	for _, k := range problem.Kinds() {
		d := problem.DocumentOf(problem.New(k, ""), "")
		answer := object{
			"description": fmt.Sprintf("%s (type %s)", d.Title, d.Type),
			"content":     object{problem.MediaType: object{"schema": object{"$ref": "#/components/schemas/" + problemName}}},
		}
		switch k {
		case problem.Limit:
			answer["headers"] = object{"Retry-After": object{
				"description": "seconds after which the next request is allowed", "schema": object{"type": "integer"},
			}}
		case problem.Unauthorized:
			answer["headers"] = object{"WWW-Authenticate": object{"description": "Bearer", "schema": object{"type": "string"}}}
		default:
		}
		out[k.String()] = answer
	}
	return out
}
