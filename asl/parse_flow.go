package asl

import (
	"time"
	"unicode/utf8"
)

const (
	maxSeconds   = 99_999_999
	maxStateName = 80 // characters
)

// machineOf reads the definition itself.
func (p *parser) machineOf(root *node) {
	o := p.object(root, "")
	o.take("Comment")
	o.take("Version")
	p.jsonataOnly = p.queryLanguage(o, false)
	if seconds, ok := o.whole("TimeoutSeconds", 1, maxSeconds); ok {
		p.machine.timeout = time.Duration(seconds) * time.Second
	}
	p.machine.top = p.flow(o)
	o.finish()
}

// queryLanguage reads QueryLanguage; def is what holds when it is missing.
func (p *parser) queryLanguage(o *object, def bool) (jsonata bool) {
	language, ok := o.string("QueryLanguage")
	switch {
	case !ok:
		return def
	case language == "JSONata":
		return true
	case language != "JSONPath":
		o.errorf("QueryLanguage", "The field 'QueryLanguage' must be JSONPath or JSONata")
	case p.jsonataOnly:
		o.errorf("", "'QueryLanguage' can not be 'JSONPath' if set to 'JSONata' for whole state machine")
	}
	return false
}

// A builder of one flow keeps what can only be resolved once all its states are known.
type flowBuilder struct {
	states  map[string]*state
	reached map[*state]bool
	targets []target
	open    bool // there may be targets that are not defined
}

// A target is a reference to a state.
type target struct {
	name string
	node *node
	at   string
	kind string
	set  func(*state)
}

func (b *flowBuilder) refer(o *object, field string, set func(*state)) {
	n := o.ofKind(field, '"')
	if n != nil {
		b.targets = append(b.targets, target{name: n.str, node: n, at: pointer(o.at, field), kind: field, set: set})
	}
}

// flow reads StartAt and States of an object.
func (p *parser) flow(o *object) *flow {
	if !o.require("States", "StartAt") {
		o.take("States")
		o.take("StartAt")
		return nil
	}
	f := &flow{}
	b := &flowBuilder{states: map[string]*state{}, reached: map[*state]bool{}, open: p.lone && o.at == ""}
	b.refer(o, "StartAt", func(s *state) { f.start = s })
	states := o.ofKind("States", '{')
	if states == nil {
		return nil
	}
	at := pointer(o.at, "States")
	if len(states.members) == 0 {
		p.errorf(states, at, "There must be at least one state")
		return nil
	}
	for _, m := range states.members {
		stateAt := pointer(at, m.name)
		if utf8.RuneCountInString(m.name) > maxStateName {
			p.errorf(m.value, stateAt, "The name of a state must not have more than %d characters", maxStateName)
		}
		if p.names[m.name] {
			p.report(m.value, CodeDuplicate, stateAt, "A state with this name already exists: %s", m.name)
		}
		p.names[m.name] = true
		if m.value.kind != '{' {
			p.errorf(m.value, stateAt, "A state must be an object but is %s", article(m.value.kindName()))
			continue
		}
		s := p.state(b, m.name, p.object(m.value, stateAt))
		f.states = append(f.states, s)
		b.states[m.name] = s
	}
	p.link(b)
	if !b.open {
		p.checkReach(f, b, states, at)
	}
	return f
}

// link resolves the references between the states of a flow.
func (p *parser) link(b *flowBuilder) {
	for _, t := range b.targets {
		s := b.states[t.name]
		if s == nil && b.open {
			s = &state{name: t.name}
		}
		if s == nil {
			p.report(t.node, CodeTarget, t.at, "Missing '%s' target: %s", t.kind, t.name)
			continue
		}
		b.reached[s] = true
		t.set(s)
	}
}

// checkReach reports states that nothing leads to, and a flow that cannot end.
func (p *parser) checkReach(f *flow, b *flowBuilder, states *node, at string) {
	ends := false
	for i, s := range f.states {
		if !b.reached[s] {
			p.report(states.members[i].value, CodeTarget, pointer(at, s.name), "State %s is not reachable", s.name)
		}
		ends = ends || s.typ != choiceState && s.next == nil || s.typ == failState
	}
	if !ends && len(f.states) > 0 {
		p.report(states, CodeEnd, at, "No state ends: there must be one with \"End\": true, a Succeed state or a Fail state")
	}
}

// state reads one state.
func (p *parser) state(b *flowBuilder, name string, o *object) *state {
	s := &state{name: name, index: len(p.machine.states)}
	p.machine.states = append(p.machine.states, s)
	if !o.require("Type") {
		return s
	}
	typ, _ := o.string("Type")
	s.typ = stateType(typ)
	o.take("Comment")
	s.jsonata = p.queryLanguage(o, p.jsonataOnly)
	switch s.typ {
	case passState:
		p.pass(s, o)
	case taskState:
		p.task(s, o)
	case choiceState:
		p.choice(b, s, o)
	case waitState:
		p.waiting(s, o)
	case succeedState:
	case failState:
		p.failing(s, o)
	case parallelState:
		p.parallel(s, o)
	case mapState:
		p.mapping(s, o)
	default:
		o.errorf("Type", "The field 'Type' should have one of these values: [Task, Wait, Pass, Succeed, Fail, Choice, Parallel, Map]")
		return s
	}
	if s.typ != failState {
		p.data(s, o)
	}
	if s.typ == taskState || s.typ == parallelState || s.typ == mapState {
		p.errorHandling(b, s, o)
	}
	if s.typ != failState && s.typ != succeedState && s.typ != choiceState {
		p.transition(b, s, o)
	}
	o.finish()
	return s
}

// data reads the fields that guide the data through a state.
func (p *parser) data(s *state, o *object) {
	if s.typ != succeedState {
		s.assign = p.assignments(o, s.jsonata)
	}
	if s.jsonata {
		s.output = o.template("Output", true)
		if s.typ == taskState || s.typ == parallelState {
			s.parameters = o.template("Arguments", true)
		}
		return
	}
	s.inputPath = o.path("InputPath", true)
	s.outputPath = o.path("OutputPath", true)
	switch s.typ {
	case taskState, parallelState, mapState:
		s.resultSelector = o.objectOrExpression("ResultSelector", false)
		fallthrough
	case passState:
		s.resultPath = o.resultPath("ResultPath")
	}
	switch s.typ {
	case taskState, parallelState, passState:
		s.parameters = o.template("Parameters", false)
	}
}

// transition reads Next and End, of which there must be one.
func (p *parser) transition(b *flowBuilder, s *state, o *object) {
	if !o.has("Next") && !o.has("End") {
		o.errorf("", "One of these fields is required: [Next, End]")
		return
	}
	o.atMostOne("Next", "End")
	if n := o.ofKind("End", 't'); n != nil && string(n.text) != "true" {
		o.errorf("End", "The field 'End' must be true when it is there")
	}
	b.refer(o, "Next", func(next *state) { s.next = next })
}

// assignments reads Assign.
func (p *parser) assignments(o *object, jsonata bool) []assignment {
	n := o.ofKind("Assign", '{')
	if n == nil {
		return nil
	}
	at := pointer(o.at, "Assign")
	all := make([]assignment, 0, len(n.members))
	for _, m := range n.members {
		name := m.name
		var value *template
		if jsonata {
			value = p.template(m.value, pointer(at, name), "Assign/"+name, true)
		} else {
			// A payload template of one member has the rules for the suffix ".$".
			name, value = p.memberTemplate(m, at)
		}
		if !isVariableName(name) {
			p.errorf(m.value, at, "'%s' is not the name of a variable: it must begin with a letter and have at most %d letters, digits and underscores", name, maxStateName)
		}
		for _, other := range all {
			if other.name == name {
				p.errorf(m.value, at, "The variable '%s' is assigned twice", name)
			}
		}
		all = append(all, assignment{name: name, value: value})
	}
	return all
}

// isVariableName keeps to identifiers; $states is JSONata's.
func isVariableName(name string) bool {
	if name == "" || name == "states" || utf8.RuneCountInString(name) > maxStateName {
		return false
	}
	for i, c := range name {
		letter := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= utf8.RuneSelf
		if !letter && (i == 0 || c != '_' && (c < '0' || c > '9')) {
			return false
		}
	}
	return true
}
