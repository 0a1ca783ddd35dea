package recording

import (
	"encoding/json"
	"fmt"
	"strings"

	"sundog/asl"
)

// An Outcome is what came of an execution of ours.
type Outcome struct {
	Status  asl.Status
	Output  *asl.Document // nil: none
	Error   string
	Cause   string
	History []asl.HistoryEvent
}

// Differences compares an outcome with AWS's, and says in what they differ; nothing when they agree.
func (c *Case) Differences(m *Matcher, got Outcome) []string {
	e := &c.Expected
	var all []string
	add := func(difference string) {
		if difference != "" {
			all = append(all, difference)
		}
	}
	if got.Status != e.Status {
		add(fmt.Sprintf("status %s, want %s (%s: %s)", got.Status, e.Status, got.Error, got.Cause))
	}
	switch {
	case e.Output != nil && got.Output != nil:
		add(m.Differ("output", value(e.Output), got.Output.Get()))
		if e.OutputText != nil {
			add(m.Differ("output_text", *e.OutputText, string(got.Output.Bytes())))
		}
	case e.Output != nil:
		add("the output is missing")
	case got.Output != nil:
		add("there is an output: " + Short(got.Output.Get()))
	}
	add(m.Differ("error", deref(e.Error), got.Error))
	add(m.Differ("cause", deref(e.Cause), got.Cause))
	if e.Events == nil {
		return all
	}
	events := make([]map[string]any, 0, len(got.History))
	for i := range got.History {
		event, err := flatten(&got.History[i])
		if err != nil {
			add(fmt.Sprintf("event %d: %v", i+1, err))
			return all
		}
		events = append(events, event)
	}
	differences := c.compareHistory(m, events)
	if all = append(all, differences...); len(all) > 0 {
		var b strings.Builder
		for _, event := range events {
			fmt.Fprintf(&b, "\n  %.400s", Short(event))
		}
		all = append(all, "the history is"+b.String())
	}
	return all
}

func deref(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

// flatten gives an event the form of the recordings: what GetExecutionHistory answers, with the details in one object and documents as values,
// beside the texts of those that are no objects. When it happened is left out.
func flatten(event *asl.HistoryEvent) (map[string]any, error) {
	var answer map[string]any
	if err := Decode(event.AppendAWS(nil, true), &answer); err != nil {
		return nil, fmt.Errorf("reading what AWS's API would answer: %w", err)
	}
	flat := map[string]any{}
	for name, member := range answer {
		details, ok := member.(map[string]any)
		if !ok {
			flat[name] = member
			continue
		}
		for name, detail := range details {
			flat[name] = detail
		}
	}
	for _, name := range []string{"input", "output", "parameters"} {
		text, ok := flat[name].(string)
		if !ok {
			continue
		}
		if !json.Valid([]byte(text)) {
			return nil, fmt.Errorf("%s is no JSON: %s", name, text)
		}
		flat[name] = value([]byte(text))
		if _, object := flat[name].(map[string]any); !object {
			flat[name+"_text"] = text
		}
	}
	if variables, ok := flat["assignedVariables"].(map[string]any); ok {
		for name, text := range variables {
			text, _ := text.(string)
			if !json.Valid([]byte(text)) {
				return nil, fmt.Errorf("the variable %s is no JSON: %s", name, text)
			}
			variables[name] = value([]byte(text))
		}
	}
	for _, name := range []string{"timestamp", "roleArn", "inputDetails", "outputDetails", "assignedVariablesDetails"} {
		delete(flat, name)
	}
	return flat, nil
}
