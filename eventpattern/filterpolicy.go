package eventpattern

import (
	"encoding/json"
	"strconv"
)

// A Scope is what a filter policy looks at: the FilterPolicyScope of an SNS subscription.
type Scope int

// The scopes of SNS.
const (
	MessageAttributes Scope = iota
	MessageBody
)

// String returns the name that SNS has for the scope.
func (s Scope) String() string {
	if s == MessageBody {
		return "MessageBody"
	}
	return "MessageAttributes"
}

// An Attribute is a message attribute: its data type (String, String.Array, Number or Binary) and its value as text.
type Attribute struct {
	Type  string
	Value string
}

// A FilterPolicy is a parsed SNS subscription filter policy.
type FilterPolicy struct {
	scope   Scope
	pattern *Pattern // nil accepts every message
}

// ParseFilterPolicy reads a filter policy. An empty object accepts every message. The operators are those of event patterns. In the scope
// of the attributes there are no objects within each other. The quotas of SNS on the number of names and values are not
// enforced. An error is a *ParseError.
func ParseFilterPolicy(doc []byte, scope Scope) (*FilterPolicy, error) {
	object, err := decodeObject(doc)
	if err != nil {
		return nil, err
	}
	if len(object) == 0 {
		return &FilterPolicy{scope: scope}, nil
	}
	p := parser{flat: scope == MessageAttributes}
	branches, err := p.object(object, nil, "", []conditions{nil})
	if err != nil {
		return nil, err
	}
	return &FilterPolicy{scope, newPattern(branches)}, nil
}

// Scope returns what the policy looks at.
func (f *FilterPolicy) Scope() Scope { return f.scope }

// Match says whether a message passes. In the scope of the body, a body that is not a JSON object does not pass.
func (f *FilterPolicy) Match(attributes map[string]Attribute, body []byte) bool {
	if f.pattern == nil {
		return true
	}
	if f.scope == MessageBody {
		matched, err := f.pattern.MatchRaw(body)
		return err == nil && matched
	}
	event := make(map[string]any, len(attributes))
	for name, a := range attributes {
		if v, ok := a.value(); ok {
			event[name] = v
		}
	}
	return f.pattern.Match(event)
}

// value returns the attribute as an event has it. Binary attributes, and those whose value is not of their type, are not there for a policy.
func (a Attribute) value() (any, bool) {
	switch a.Type {
	case "String.Array":
		doc, err := decode([]byte(a.Value))
		items, ok := doc.([]any)
		return items, err == nil && ok
	case "String":
		return a.Value, true
	case "Number":
		_, err := strconv.ParseFloat(a.Value, 64)
		return json.Number(a.Value), err == nil
	}
	return nil, false
}
