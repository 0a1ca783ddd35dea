package server

import (
	"maps"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strings"

	"sundog/asl"
	"sundog/internal/access"
	"sundog/internal/api"
	"sundog/internal/operations"
	"sundog/internal/problem"
	"sundog/internal/rerun"
	"sundog/internal/server/openapi"
	"sundog/internal/statedb"
)

// A detail adds to the description of a route.
type detail func(*openapi.Operation)

// serves makes a route of a handler.
func serves(method, path string, role access.Role, h http.HandlerFunc, summary string, details ...detail) route {
	r := route{openapi.Operation{Method: method, Path: path, Role: role.String(), Summary: summary}, role, h}
	for _, add := range details {
		add(&r.Operation)
	}
	return r
}

// answers makes a route of a function that answers with a JSON document.
func answers[T any](s *Server, method, path string, role access.Role, f func(*http.Request) (T, error), summary string, details ...detail) route {
	r := serves(method, path, role, operations.Handle(s.Surface, f), summary, details...)
	r.Answer.Type = reflect.TypeFor[T]()
	return r
}

// takes says what document the body of a request is.
func takes[T any](op *openapi.Operation) { op.Request = openapi.Body{Type: reflect.TypeFor[T]()} }

// sends says what the body of a request is when it is no document of the API.
func sends(text string, media ...string) detail {
	return func(op *openapi.Operation) { op.Request = openapi.Body{Text: text, Media: media} }
}

// gives says what an answer is.
func gives[T any](text string, media ...string) detail {
	return func(op *openapi.Operation) {
		op.Answer = openapi.Body{Type: reflect.TypeFor[T](), Text: text, Media: media}
	}
}

func parameter(p openapi.Parameter) detail {
	return func(op *openapi.Operation) { op.Parameters = append(op.Parameters, p) }
}

// query is a parameter that may be missing, must one that may not.
func query(name, text string) detail { return parameter(openapi.Parameter{Name: name, Text: text}) }

func must(name, text string) detail {
	return parameter(openapi.Parameter{Name: name, Text: text, Required: true})
}

func header(name, text string) detail {
	return parameter(openapi.Parameter{Name: name, Text: text, In: "header"})
}

// toggle is a parameter that is true or false.
func toggle(name, text string) detail {
	return parameter(openapi.Parameter{Name: name, Text: text, Type: reflect.TypeFor[bool]()})
}

// numbered is a parameter that is a whole number.
func numbered(name, text string) detail {
	return parameter(openapi.Parameter{Name: name, Text: text, Type: reflect.TypeFor[int64]()})
}

// What several routes have.
func limit(op *openapi.Operation) { numbered("limit", "how many on a page at most")(op) }

func next(op *openapi.Operation) { query("next", "the next of the page before")(op) }

func document(op *openapi.Operation) {
	query("doc", "input or output: that payload instead of the record")(op)
}

const documentText = "a Record, or the payload that doc names"

// checked serves a route to requests whose query has no other parameters than are described: a filter with a mistake in its name would
// let through everything. Cirrus and AWS ignore what they do not know.
func (s *Server) checked(route route) http.Handler {
	if !strings.HasPrefix(route.Path, "/v1/") {
		return route.serve
	}
	var known []string
	for _, p := range route.Parameters {
		if p.In == "" {
			known = append(known, p.Name)
		}
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		query, err := url.ParseQuery(r.URL.RawQuery)
		if err != nil {
			s.Fail(w, r, problem.Wrap(problem.Invalid, err, "reading the query"))
			return
		}
		for _, name := range slices.Sorted(maps.Keys(query)) {
			if !slices.Contains(known, name) {
				s.Fail(w, r, problem.New(problem.Invalid, "there is no parameter %q", name).WithHint("%s", hintOf(known)))
				return
			}
		}
		route.serve(w, r)
	})
}

func hintOf(parameters []string) string {
	if len(parameters) == 0 {
		return "this path has no parameters"
	}
	return "there are: " + strings.Join(parameters, ", ")
}

// openAPI answers with the description of the API.
func (s *Server) openAPI(w http.ResponseWriter, r *http.Request) {
	operations.Handle(s.Surface, func(*http.Request) (map[string]any, error) {
		said, err := openapi.Comments(api.Source)
		if err != nil {
			return nil, err
		}
		table := s.table()
		described := make([]openapi.Operation, 0, len(table))
		for _, r := range table {
			if r.Path != "/{$}" && r.Path != api.PathMetrics && r.Path != api.PathCirrus && r.Path != api.PathDelayer { // those have descriptions and errors of their own
				described = append(described, r.Operation)
			}
		}
		return openapi.Document(openapi.Info{
			Title: "Sundog", Version: s.opts.Version,
			Description: "Runs workflows over payloads and keeps the state of every one of them.",
		}, described, openapi.Notes{Texts: said, Values: enumerations()}), nil
	})(w, r)
}

// enumerations are the values of properties that have no others.
func enumerations() map[string][]string {
	states := texts(append(statedb.States(), statedb.Completed)) // the last of records of version 1
	return map[string][]string{
		"Record.state":     states,
		"Count.state":      states,
		"Execution.status": texts([]asl.Status{asl.Running, asl.Succeeded, asl.Failed, asl.TimedOut, asl.Aborted}),
		"Job.mode":         texts([]rerun.Mode{rerun.FromStart, rerun.FromFailed}),
		"Job.state":        texts([]rerun.State{rerun.Pending, rerun.Running, rerun.Paused, rerun.Cancelled, rerun.Done}),
		"CreateToken.role": roles(),
		"Token.role":       roles(),
	}
}

func texts[T ~string](values []T) []string {
	all := make([]string, len(values))
	for i, v := range values {
		all[i] = string(v)
	}
	return all
}

func roles() []string {
	return []string{access.Read.String(), access.Operate.String(), access.Administer.String()}
}
