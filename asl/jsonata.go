package asl

import (
	"context"
	"encoding/json"
	"errors"
	"strings"

	"sundog/jsonata"
)

// isJSONata says whether a string of a JSONata state is meant to be an expression: it begins with {% and ends with %}.
func isJSONata(s string) bool {
	return strings.HasPrefix(s, "{%") && strings.HasSuffix(s, "%}") && len(s) >= len("{%%}")
}

// A query is a JSONata expression.
type query struct {
	text         string // without the {% and %} around it
	compiled     *jsonata.Expression
	needsContext bool
}

// jsonata compiles the expression of a string, or returns nil when it is a literal.
func (p *parser) jsonata(n *node, at string) expression {
	if !isJSONata(n.str) {
		if strings.HasPrefix(n.str, "{%") || strings.HasSuffix(n.str, "%}") {
			p.errorf(n, at, "A JSONata expression must begin with '{%%' and end with '%%}'")
		}
		return nil
	}
	q := &query{text: strings.TrimSpace(n.str[2 : len(n.str)-2])}
	var err error
	if q.compiled, err = jsonata.Compile(q.text); err != nil {
		p.errorf(n, at, "The JSONata expression is not valid: %v", err)
		return q
	}
	q.needsContext = q.compiled.Needs("states", "context")
	return q
}

// eval evaluates the expression with $states and the variables in scope (Developer Guide, "Transforming data with JSONata in Step
// Functions"). The evaluation is bounded by its steps and not by time, so that it always ends alike.
func (q *query) eval(s *scope, field string) (*Document, *failure) {
	bindings := map[string]any{}
	for f := s.frame; f != nil; f = f.parent {
		for name, value := range f.vars {
			if _, inner := bindings[name]; !inner {
				bindings[name] = json.RawMessage(value.Bytes())
			}
		}
	}
	bindings["states"] = q.states(s)
	text, err := q.compiled.EvalText(context.Background(), bindings, jsonata.Options{
		Now: s.exec.at.Now, Random: s.exec.random().Uint64, MaxOutput: s.exec.machine.limits.DataBytes,
	})
	if err == nil {
		return Raw(text), nil
	}
	var thrown *jsonata.Error
	switch {
	case errors.Is(err, jsonata.ErrUndefined):
		return nil, q.failure(s, field, "returned nothing (undefined).")
	case errors.Is(err, jsonata.ErrUnsupported):
		return nil, q.failure(s, field, "returned an unsupported result type.")
	case errors.As(err, &thrown) && thrown.Code != "":
		return nil, q.failure(s, field, "threw an error during evaluation. "+thrown.Code+": "+thrown.Message)
	}
	return nil, q.failure(s, field, "threw an error during evaluation. "+err.Error())
}

// states is $states.
func (q *query) states(s *scope) map[string]any {
	states := map[string]any{"input": json.RawMessage(s.input.Bytes())}
	if s.result != nil {
		states["result"] = json.RawMessage(s.result.Bytes())
	}
	if s.errorOutput != nil {
		states["errorOutput"] = json.RawMessage(s.errorOutput.Bytes())
	}
	if q.needsContext {
		states["context"] = json.RawMessage(s.context().Bytes())
	}
	return states
}

func (q *query) failure(s *scope, field, what string) *failure {
	return s.frame.queryFailure(field, "The JSONata expression '%s' specified for the field '%s' %s", q.text, field, what)
}

// unexpected is the failure of an expression whose result has the wrong type.
func (q *query) unexpected(s *scope, field, want string, got *Document) *failure {
	return q.failure(s, field, "returned an unexpected result type. Expected '"+want+"', but was '"+got.kind()+"' for value: "+string(got.Bytes()))
}

// query returns the expression that a template consists of, or nil.
func (t *template) query() *query {
	if len(t.parts) != 1 || len(t.parts[0].text) > 0 {
		return nil
	}
	q, _ := t.parts[0].expr.(*query)
	return q
}

// A queryCondition is the Condition of a choice rule.
type queryCondition struct {
	field string
	fixed bool // when there is no expression
	expr  *query
}

func (c queryCondition) test(s *scope) (bool, *failure) {
	if c.expr == nil {
		return c.fixed, nil
	}
	d, err := c.expr.eval(s, c.field)
	if err != nil {
		return false, err
	}
	holds, ok := d.Get().(bool)
	if !ok {
		return false, c.expr.unexpected(s, c.field, "boolean", d)
	}
	return holds, nil
}

// jsonataCondition reads the Condition of a choice rule: an expression, or true or false.
func (p *parser) jsonataCondition(o *object, field string) condition {
	if !o.require("Condition") {
		return allOf(nil)
	}
	n := o.take("Condition")
	switch {
	case n.kind == 't':
		return queryCondition{fixed: string(n.text) == "true"}
	case n.kind == '"' && isJSONata(n.str):
		q, _ := p.jsonata(n, pointer(o.at, "Condition")).(*query)
		return queryCondition{field: field, expr: q}
	}
	o.errorf("Condition", "The field 'Condition' must be a boolean or a JSONata expression")
	return allOf(nil)
}
