package payload

import (
	"encoding/json"
	"strconv"

	"github.com/tidwall/gjson"

	"sundog/payload/pytext"
)

// Successor is a payload that follows on the success of another one.
type Successor struct {
	// Workflow is the name in its process definition; empty when that names none.
	Workflow string
	// Filter is its chain filter; empty when it has none.
	Filter string
	// Payload is the document: that of the output without its id, with the first process definition taken off and,
	// where there is a filter, with the features that it keeps. It is nil when a filter keeps nothing: then nothing
	// follows.
	Payload json.RawMessage
}

// Next gives the payloads that follow on this one, which is the output of a workflow that succeeded: one for the
// definition in process[1], or one for each of the branches when that is an array. It fails, with an *InvalidError, when
// a workflow changed process[1] to something that Parse would have refused.
func (p *Payload) Next() ([]Successor, error) {
	branches, err := p.branches()
	if err != nil {
		return nil, err
	}
	next := make([]Successor, 0, len(branches))
	for _, branch := range branches {
		follower := Successor{Workflow: textOf(lookup(branch.definition, "workflow"))}
		kept := p.features
		if branch.filter != nil {
			follower.Filter = branch.filter.String()
			kept = nil
			for _, feature := range p.features {
				if branch.filter.keeps(feature) {
					kept = append(kept, feature)
				}
			}
		}
		if branch.filter == nil || len(kept) > 0 {
			follower.Payload = p.successor(branch.definition, branch.filter != nil, kept)
		}
		next = append(next, follower)
	}
	return next, nil
}

// successor writes the document that follows, its members in the order of this one.
func (p *Payload) successor(definition gjson.Result, filtered bool, features []gjson.Result) json.RawMessage {
	out := make([]byte, 0, len(p.raw))
	sep := byte('{')
	name := func(name string) {
		out = append(out, sep)
		out = pytext.AppendJSONString(out, name)
		out = append(out, ':')
		sep = ','
	}
	for _, m := range p.fields.members {
		switch {
		case m.name == "id":
		case m.name == "process":
			name(m.name)
			out = appendArray(out, append([]gjson.Result{definition}, p.steps[2:]...))
		case m.name == "features" && filtered:
			name(m.name)
			out = appendArray(out, features)
		default:
			name(m.name)
			out = append(out, m.value.Raw...)
		}
	}
	return append(out, '}')
}

func appendArray(dst []byte, values []gjson.Result) []byte {
	dst = append(dst, '[')
	for i, v := range values {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(dst, v.Raw...)
	}
	return append(dst, ']')
}

// branch is one definition of the next step.
type branch struct {
	definition gjson.Result
	filter     *Filter
}

// branches are the definitions of the next step. What is no definition passes, as in Cirrus, and is refused when it is
// processed; only what cannot be a step at all is refused here.
func (p *Payload) branches() ([]branch, error) {
	if len(p.steps) < 2 {
		return nil, nil
	}
	return readBranches(p.steps[1], 1)
}

func readBranches(step gjson.Result, index int) ([]branch, error) {
	field := "process[" + strconv.Itoa(index) + "]"
	definitions := []gjson.Result{step}
	switch {
	case step.IsArray():
		definitions = step.Array()
	case !step.IsObject():
		return nil, invalid(field, "expected a process definition or an array of them, found %s", kind(step))
	}
	branches := make([]branch, len(definitions))
	for i, definition := range definitions {
		branches[i].definition = definition
		if !definition.IsObject() {
			if definition.IsArray() || definition.Type == gjson.String {
				continue
			}
			return nil, invalid(field, "expected process definitions, found %s", kind(definition))
		}
		expression := lookup(definition, "chain_filter")
		if !expression.Exists() {
			continue
		}
		filter, err := ParseFilter(text(expression))
		if err != nil {
			return nil, &InvalidError{Field: field + ".chain_filter", Reason: err.Error()}
		}
		branches[i].filter = filter
	}
	return branches, nil
}

// checkChain checks every chain filter of the payload, those of later steps too: each would fail only after the work
// before it is done. What is no definition is left to the step that meets it.
func (p *Payload) checkChain() error {
	for i, step := range p.steps[1:] {
		definitions := []gjson.Result{step}
		if step.IsArray() {
			definitions = step.Array()
		}
		for _, definition := range definitions {
			if !definition.IsObject() {
				continue
			}
			if _, err := readBranches(definition, i+1); err != nil {
				return err
			}
		}
	}
	return nil
}
