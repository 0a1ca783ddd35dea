package stepfunctions

import (
	"context"
	"errors"

	"sundog/asl"
	"sundog/internal/awsjson"
	"sundog/internal/embedded/machine"
)

type validateInput struct {
	Definition *string `json:"definition"`
	Type       *string `json:"type"`
	Severity   *string `json:"severity"`
	MaxResults *int    `json:"maxResults"`
}

type diagnosticItem struct {
	Severity string `json:"severity"`
	Code     string `json:"code"`
	Message  string `json:"message"`
	Location string `json:"location,omitempty"`
}

type validateOutput struct {
	Result      string           `json:"result"`
	Diagnostics []diagnosticItem `json:"diagnostics"`
	Truncated   bool             `json:"truncated"`
}

// maxDiagnostics is both the default and the most that an answer lists.
const maxDiagnostics = 100

func validateStateMachineDefinition(_ context.Context, req *validateInput) (*validateOutput, error) {
	var c awsjson.Checks
	c.Required("definition", req.Definition, 1, machine.MaxDefinition)
	c.OneOf("type", req.Type, machine.Standard, machine.Express)
	c.OneOf("severity", req.Severity, asl.SeverityError, asl.SeverityWarning)
	c.Range("maxResults", req.MaxResults, 0, maxDiagnostics)
	if err := c.Err(); err != nil {
		return nil, err
	}
	parse := asl.Parse
	if text(req.Type) == machine.Express {
		parse = asl.ParseExpress
	}
	out := &validateOutput{Result: "OK", Diagnostics: []diagnosticItem{}}
	var found asl.Diagnostics
	m, err := parse([]byte(*req.Definition))
	switch {
	case err == nil:
		found = m.Warnings()
	case errors.As(err, &found):
		out.Result = "FAIL"
	default:
		return nil, err
	}
	limit := maxDiagnostics
	if req.MaxResults != nil && *req.MaxResults != 0 {
		limit = *req.MaxResults
	}
	for _, d := range found {
		switch {
		case d.Severity == asl.SeverityWarning && text(req.Severity) == asl.SeverityError:
		case len(out.Diagnostics) == limit:
			out.Truncated = true
			return out, nil
		default:
			out.Diagnostics = append(out.Diagnostics, diagnosticItem{Severity: d.Severity, Code: d.Code, Message: d.Message, Location: d.Location})
		}
	}
	return out, nil
}
