package asl

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"sundog/asl/shape"
)

// This file refuses what TestState cannot play, in AWS's words where they are known.

func invalid(format string, args ...any) error {
	return &TestStateError{Code: "ValidationException", Message: fmt.Sprintf(format, args...)}
}

// newStateTest reads and checks a request.
func newStateTest(req *TestStateRequest) (*stateTest, error) {
	own := *req
	t := &stateTest{req: &own, probe: &probe{}}
	if own.InspectionLevel == "" {
		own.InspectionLevel = InspectInfo
	}
	if own.Configuration == nil {
		own.Configuration = &TestStateConfiguration{}
	}
	for _, check := range []func() error{
		t.checkEnumerations, t.findState, t.checkMocked, t.checkConfiguration, t.readMock, t.readContext, t.readData,
	} {
		if err := check(); err != nil {
			return nil, err
		}
	}
	return t, nil
}

func (t *stateTest) checkEnumerations() error {
	if m := t.req.Mock; m != nil {
		if (m.Result == nil) == (m.ErrorOutput == nil) {
			return invalid("A test mock should have only one of the following fields: [result, errorOutput].")
		}
		modes := []string{"PRESENT", "STRICT", "NONE"}
		if m.FieldValidationMode != "" && !slices.Contains(modes, m.FieldValidationMode) {
			return notInEnumeration(m.FieldValidationMode, "mock.fieldValidationMode", modes)
		}
	}
	levels := []string{string(InspectInfo), string(InspectDebug), string(InspectTrace)}
	if !slices.Contains(levels, string(t.req.InspectionLevel)) {
		return notInEnumeration(string(t.req.InspectionLevel), "inspectionLevel", levels)
	}
	return nil
}

func notInEnumeration(value, field string, values []string) error {
	return invalid("1 validation error detected: Value '%s' at '%s' failed to satisfy constraint: Member must satisfy enum value set: [%s]",
		value, field, strings.Join(values, ", "))
}

// findState parses the definition and finds the state in it.
func (t *stateTest) findState() error {
	definition := []byte(t.req.Definition)
	parse, name := Parse, t.req.StateName
	if name == "" && json.Valid(definition) {
		parse, name = parseState, loneState
	}
	var err error
	if t.machine, err = parse(definition); err != nil {
		var problems Diagnostics
		errors.As(err, &problems)
		return &TestStateError{Code: "InvalidDefinition", Message: problems.Refusal()}
	}
	i := slices.IndexFunc(t.machine.states, func(s *state) bool { return s.name == name })
	if i < 0 {
		return invalid("State not found in definition")
	}
	t.state = t.machine.states[i]
	return nil
}

// checkMocked says whether the state can be tested with a mock, or without one.
func (t *stateTest) checkMocked() error {
	typ := t.state.typ
	if t.req.Mock != nil {
		if typ != taskState && !t.state.fans() {
			return invalid("State type '%s' is not supported when a mock is specified", typ)
		}
		return nil
	}
	c := t.req.Configuration
	for _, needsMock := range []struct {
		there bool
		name  string
	}{
		{c.MapIterationFailureCount != nil, "MapIterationFailureCount"},
		{c.RetrierRetryCount != nil, "RetrierRetryCount"},
		{c.ErrorCausedByState != "", "ErrorCausedByState"},
		{c.MapItemReaderData != nil, "MapItemReaderData"},
		{t.req.Context != "", "Context"},
	} {
		if needsMock.there {
			return invalid("TestState does not support %s when a mock is not specified.", needsMock.name)
		}
	}
	unsupported := func(what string) error {
		return &TestStateError{Code: "InvalidDefinition", Message: "TestState API does not support " + what}
	}
	if t.state.fans() {
		return unsupported("Map or Parallel states. Supported state types include: [Task, Wait, Pass, Succeed, Fail, Choice]")
	}
	if typ == taskState {
		switch in := t.state.task.integration; {
		case in.caller == activityCaller:
			return unsupported("Activity tasks when a mock is not specified")
		case in.sync || in.token:
			return unsupported("the '.sync' and '.waitForTaskToken' service integration patterns when a mock is not specified")
		}
	}
	return nil
}

// checkConfiguration says whether the configuration fits the state.
func (t *stateTest) checkConfiguration() error {
	c, st := t.req.Configuration, t.state
	switch {
	case c.RetrierRetryCount != nil && *c.RetrierRetryCount < 0:
		return invalid("RetrierRetryCount must not be negative")
	case c.MapIterationFailureCount != nil && *c.MapIterationFailureCount < 0:
		return invalid("MapIterationFailureCount must not be negative")
	case c.MapIterationFailureCount != nil && st.typ != mapState:
		return invalid("MapIterationFailureCount is for Map states, but the state type is '%s'", st.typ)
	case c.MapItemReaderData != nil && (st.typ != mapState || !st.mapping.reader):
		return invalid("MapItemReaderData is for Map states with an ItemReader")
	case c.ErrorCausedByState != "" && !st.contains(c.ErrorCausedByState):
		return invalid("ErrorCausedByState '%s' is not the name of a state within the tested state", c.ErrorCausedByState)
	}
	if c.MapItemReaderData != nil {
		if d, err := ParseDocument([]byte(*c.MapItemReaderData)); err == nil {
			t.probe.readerData = d
		}
	}
	return nil
}

// contains says whether a state with the name is in a branch or iteration of the state.
func (s *state) contains(name string) bool {
	flows := s.branches
	if s.mapping != nil {
		flows = append(flows, s.mapping.processor)
	}
	for _, fl := range flows {
		for _, inner := range fl.states {
			if inner.name == name || inner.contains(name) {
				return true
			}
		}
	}
	return false
}

// readMock reads the result of the mock and checks whether the state could have it.
func (t *stateTest) readMock() error {
	m := t.req.Mock
	if m == nil || m.Result == nil {
		return nil
	}
	d, err := ParseDocument([]byte(*m.Result))
	if err != nil {
		return invalid("Mocked result must be a valid JSON.")
	}
	t.mocked = d
	if t.state.fans() {
		return t.checkJoined()
	}
	in := t.state.task.integration
	if in.caller != serviceCaller || m.FieldValidationMode == "NONE" {
		return nil
	}
	s := shape.Of(in.resourceType, in.resource)
	if s == nil {
		return nil
	}
	if problem := s.Check(d.Get(), m.FieldValidationMode != "PRESENT"); problem != "" {
		return invalid("Mock result schema validation error: %s", problem)
	}
	return nil
}

// checkJoined checks the results of branches and iterations.
func (t *stateTest) checkJoined() error {
	results, ok := t.mocked.Elements()
	failed := t.req.Configuration.MapIterationFailureCount
	switch {
	case !ok && t.state.mapping != nil && t.state.mapping.writer:
		return nil // where the results were written
	case !ok:
		return invalid("Mocked result must be an array.")
	case t.state.typ == parallelState && len(results) != len(t.state.branches):
		return invalid("Mocked result must contain the same number of items as number of Parallel branches.")
	case failed != nil && *failed > int64(len(results)):
		return invalid("Map iteration failure count must be less than or equal to the number of Map iterations")
	}
	t.probe.count = len(results)
	return nil
}

// contextFields are the fields of the context object that a test may set, with the JSON type of each; "" is any.
func contextFields(section string) map[string]string {
	switch section {
	case "Execution":
		return map[string]string{
			"Id": "string", "Input": "", "Name": "string", "RoleArn": "string", "StartTime": "string", "RedriveCount": "number", "RedriveTime": "string",
		}
	case "State":
		return map[string]string{"EnteredTime": "string", "Name": "string", "RetryCount": "number"}
	case "StateMachine":
		return map[string]string{"Id": "string", "Name": "string"}
	case "Task":
		return map[string]string{"Token": "string"}
	}
	return nil
}

// readContext reads and checks the context object.
func (t *stateTest) readContext() error {
	if t.req.Context == "" {
		return nil
	}
	bad := func(format string, args ...any) error {
		return invalid("Invalid Context object provided: %s", fmt.Sprintf(format, args...))
	}
	d, err := ParseDocument([]byte(t.req.Context))
	if err != nil {
		return bad("it is not valid JSON")
	}
	sections, ok := d.Get().(map[string]any)
	if !ok {
		return bad("Context object must be an object")
	}
	for _, section := range sortedKeys(sections) {
		fields := contextFields(section)
		switch {
		case section == "Map":
			return bad("'Map' field is not supported when mocking a Context object")
		case fields == nil:
			return bad("Field '%s' is not allowed", section)
		}
		members, ok := sections[section].(map[string]any)
		if !ok {
			return bad("%s must be an object", section)
		}
		for _, name := range sortedKeys(members) {
			kind, known := fields[name]
			if !known {
				return bad("Field '%s' is not allowed", name)
			}
			if kind != "" && Value(members[name]).kind() != kind {
				return bad("%s.%s must be a %s", section, name, kind)
			}
		}
	}
	if _, there := sections["Task"]; there && !t.state.waitsForJob() {
		return bad("Context object contains 'Task' when state is not a Task state with a '.sync' or '.waitForTaskToken' service integration pattern")
	}
	t.probe.context = d
	return nil
}

// waitsForJob says whether a state has a task token from a service.
func (s *state) waitsForJob() bool {
	return s.typ == taskState && s.task.integration.caller == serviceCaller && (s.task.integration.sync || s.task.integration.token)
}

// readData reads the input and the variables.
func (t *stateTest) readData() error {
	t.input = Raw(emptyObject)
	var err error
	if t.req.Input != "" {
		if t.input, err = ParseDocument([]byte(t.req.Input)); err != nil {
			return &TestStateError{Code: "InvalidExecutionInput", Message: fmt.Sprintf("Invalid State Input: '%v'", err)}
		}
	}
	if t.req.Variables == "" {
		return nil
	}
	d, err := ParseDocument([]byte(t.req.Variables))
	if err != nil {
		return invalid("The variables are not valid JSON: %v", err)
	}
	values, ok := d.Get().(map[string]any)
	if !ok {
		return invalid("The variables must be an object, with a member for each")
	}
	t.vars = make(map[string]*Document, len(values))
	for name, v := range values {
		if !isVariableName(name) {
			return invalid("'%s' is not the name of a variable", name)
		}
		t.vars[name] = Value(v)
	}
	return nil
}
