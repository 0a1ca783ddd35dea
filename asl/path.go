package asl

import (
	"fmt"
	"strings"

	"sundog/jsonpath"
)

// A path is a JSONPath of a definition: into the data of a state ($), the context object ($$) or a variable ($name).
type path struct {
	text     string // as written
	null     bool   // the path null, which InputPath and OutputPath may have: an empty object
	root     jsonpath.Root
	variable string
	// steps are the names of a path that only goes through members of objects, which is found in the text of a document without
	// parsing it. Other paths are evaluated by full.
	steps []string
	full  *jsonpath.Path
}

var emptyObject = []byte("{}")

func parsePath(text string) (*path, error) {
	root, variable, rest, err := jsonpath.Split(text)
	if err != nil {
		return nil, err
	}
	p := &path{text: text, root: root, variable: variable}
	if steps, ok := plainSteps(rest); ok {
		p.steps = steps
		return p, nil
	}
	if p.full, err = jsonpath.Parse(rest); err != nil {
		return nil, err
	}
	return p, nil
}

// plainSteps takes a path like $.detail.order_id apart; ok is false when it has anything but plain names, or is longer than a path may be.
func plainSteps(path string) (steps []string, ok bool) {
	rest, ok := strings.CutPrefix(path, "$")
	if !ok || rest == "" || len(path) > jsonpath.MaxLength {
		return nil, ok && rest == ""
	}
	for rest != "" {
		if rest[0] != '.' {
			return nil, false
		}
		end := 1
		for end < len(rest) && isWord(rest[end]) {
			end++
		}
		if end == 1 || rest[1] >= '0' && rest[1] <= '9' {
			return nil, false
		}
		steps = append(steps, rest[1:end])
		rest = rest[end:]
	}
	return steps, true
}

// source returns the document that the path leads into, nil when it is a variable that is not defined.
func (p *path) source(s *scope) *Document {
	switch p.root {
	case jsonpath.Context:
		return s.context()
	case jsonpath.Variable:
		return s.frame.variable(p.variable)
	}
	return s.data
}

// rawSteps is how many steps of a path are found in the text of a document. Each passes over the text of all that lies below it, which for
// deep documents costs more than parsing.
const rawSteps = 32

// follow goes through members of objects. It returns how many of the steps there are, and the document at the last of them.
func follow(d *Document, steps []string) (at *Document, found int) {
	for i, step := range steps {
		if i == rawSteps {
			d.Get()
		}
		next, ok := d.member(step)
		if !ok {
			return d, i
		}
		d = next
	}
	return d, len(steps)
}

// get returns the value at the path, or ok false when there is none.
func (p *path) get(s *scope) (d *Document, ok bool, err error) {
	if p.null {
		return Raw(emptyObject), true, nil
	}
	if d = p.source(s); d == nil {
		return nil, false, nil
	}
	if p.full == nil {
		d, found := follow(d, p.steps)
		return d, found == len(p.steps), nil
	}
	v, ok, err := p.full.Get(d.Get())
	if err != nil || !ok {
		return nil, false, err
	}
	return Value(v), true, nil
}

// required returns the value at the path of InputPath, OutputPath and the like; nil stands for "$".
func (p *path) required(s *scope) (*Document, *failure) {
	if p == nil {
		return s.data, nil
	}
	d, ok, err := p.get(s)
	if err != nil {
		return nil, s.frame.runtimeFailure("Invalid path '%s' : %v", p.text, err)
	}
	if !ok {
		return nil, s.frame.runtimeFailure("%s", p.missing(s))
	}
	return d, nil
}

// missing says why there is no value at the path, in the words of AWS's library: it names the first member that is not there.
func (p *path) missing(s *scope) string {
	if p.root == jsonpath.Variable && s.frame.variable(p.variable) == nil {
		return fmt.Sprintf("Invalid path '%s' : The variable %s is not defined", p.text, p.variable)
	}
	where := "$"
	if len(p.steps) > 0 {
		where += "['" + strings.Join(p.steps, "']['") + "']"
		if _, found := follow(p.source(s), p.steps); found < len(p.steps)-1 {
			return fmt.Sprintf("Invalid path '%s' : Missing property in path $['%s']", p.text, strings.Join(p.steps[:found+1], "']['"))
		}
	}
	if p.full != nil {
		where = p.full.String()
	}
	return fmt.Sprintf("Invalid path '%s' : No results for path: %s", p.text, where)
}

// eval makes a path an expression of a payload template.
func (p *path) eval(s *scope, field string) (*Document, *failure) {
	d, ok, err := p.get(s)
	if err != nil {
		return nil, s.frame.runtimeFailure("The JSONPath '%s' specified for the field '%s' could not be evaluated: %v", p.text, field, err)
	}
	if !ok {
		return nil, s.frame.runtimeFailure("The JSONPath '%s' specified for the field '%s' could not be found in the input '%s'",
			p.text, field, s.data.display())
	}
	return d, nil
}

// A resultPath says where the result of a state goes in its input. Nil is "$": the result takes the place of the input.
type resultPath struct {
	text    string
	discard bool // null: the input goes on as it is
	at      *jsonpath.Reference
}

func parseResultPath(text string) (*resultPath, error) {
	if text == "$" {
		return nil, nil
	}
	at, err := jsonpath.ParseReference(text)
	if err != nil {
		return nil, err
	}
	return &resultPath{text: text, at: at}, nil
}

// apply combines the input and the result of a state.
func (p *resultPath) apply(f *frame, input, result *Document) (*Document, *failure) {
	switch {
	case p == nil:
		return result, nil
	case p.discard:
		return input, nil
	}
	v, err := p.at.Set(input.Get(), result.Get())
	if err != nil {
		return nil, f.namedFailure(errResultPathMismatch, "Unable to apply ReferencePath %s to input %s", p.text, input.display())
	}
	return Value(v), nil
}
