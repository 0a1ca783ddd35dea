package asl

import (
	"fmt"
	"strings"
)

// Codes of diagnostics, as ValidateStateMachineDefinition gives them.
const (
	// CodeInvalidJSON: the definition is not JSON.
	CodeInvalidJSON = "INVALID_JSON_DESCRIPTION"
	// CodeSchema: a field is missing, unknown, or has a value that it cannot have.
	CodeSchema = "SCHEMA_VALIDATION_FAILED"
	// CodeTarget: a transition leads to a state that does not exist, or a state cannot be reached.
	CodeTarget = "MISSING_TRANSITION_TARGET"
	// CodeEnd: no state of a set can end it.
	CodeEnd = "MISSING_END_STATE"
	// CodeDuplicate: two states have one name.
	CodeDuplicate = "DUPLICATE_STATE_NAME"
)

// Severities of diagnostics. A definition with an error is refused, one with warnings is not.
const (
	SeverityError   = "ERROR"
	SeverityWarning = "WARNING"
)

// A Diagnostic is one problem of a definition.
type Diagnostic struct {
	Severity string // SeverityError or SeverityWarning
	Code     string // one of the codes above
	Location string // JSON pointer to the field, such as /States/X/Next; empty when there is no such place
	Message  string // what is wrong
	Line     int    // in the text of the definition, from 1; 0 when not known
	Column   int    // in characters, from 1
}

// Diagnostics are the problems of one definition, in the order of the text. As an error they are the reason why it was refused.
type Diagnostics []Diagnostic

// Error lists the problems, one per line when there are several, in AWS's form.
func (d Diagnostics) Error() string {
	lines := make([]string, 0, len(d))
	for _, one := range d {
		line := one.Code + ": " + one.Message
		if one.Location != "" {
			line += " at " + one.Location
		}
		if one.Line > 0 {
			line += fmt.Sprintf(" (line %d, column %d)", one.Line, one.Column)
		}
		lines = append(lines, line)
	}
	if len(lines) == 1 {
		return "invalid state machine definition: " + lines[0]
	}
	return "invalid state machine definition:\n  " + strings.Join(lines, "\n  ")
}

// Refusal is the message of the InvalidDefinition error with which CreateStateMachine refuses the definition.
func (d Diagnostics) Refusal() string {
	errs := d.errors()
	problems := make([]string, 0, len(errs))
	for _, one := range errs {
		problem := one.Code + ": " + one.Message
		if one.Location != "" {
			problem += " at " + one.Location
		}
		problems = append(problems, problem)
	}
	return "Invalid State Machine Definition: '" + strings.Join(problems, ", ") + "'"
}

// errors returns the problems that make a definition invalid.
func (d Diagnostics) errors() Diagnostics {
	var errs Diagnostics
	for _, one := range d {
		if one.Severity == SeverityError {
			errs = append(errs, one)
		}
	}
	return errs
}
