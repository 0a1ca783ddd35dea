package cli

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"sundog/internal/problem"
	"sundog/internal/project"
)

// diagnostic is the JSON form of a problem of a project.
type diagnostic struct {
	Severity string `json:"severity"` // error or warning
	File     string `json:"file"`
	Line     int    `json:"line,omitempty"`
	Column   int    `json:"column,omitempty"`
	Reason   string `json:"reason"`
	Hint     string `json:"hint,omitempty"`
}

func (a *app) validateCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "validate [DIR]",
		Short: "Check a project: sundog.yaml and its workflows",
		Long: `Check a project: sundog.yaml and everything it refers to. Each problem is printed as FILE:LINE:COLUMN: REASON (WHAT TO DO),
in a pipe as well, because editors and CI understand that; as a JSON document with --output json.
The exit code is 2 when there is an error; warnings alone are none.`,
		Example: "  sundog validate ./my-project\n  sundog validate --output json",
		Args:    cobra.MaximumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			dir := "."
			if len(args) == 1 {
				dir = args[0]
			}
			return a.validate(dir)
		},
	}
}

func (a *app) validate(dir string) error {
	p, diags := project.Load(dir, project.Options{})
	for _, d := range diags {
		var err error
		if a.output == "json" {
			err = a.printJSON(jsonDiagnostic(d))
		} else {
			_, err = fmt.Fprintln(a.Out, printable(d.String()))
		}
		if err != nil {
			return err
		}
	}
	if n := diags.Errors(); n > 0 {
		return problem.New(problem.Invalid, "the project in %s is not valid: %s", dir, plural(n, "error"))
	}
	a.say("the project %s is valid: %s", p.Name, contents(p))
	return nil
}

// contents says how much of each kind a project has; of its workflows also when there are none.
func contents(p *project.Project) string {
	all := []string{plural(len(p.Workflows), "workflow")}
	for _, of := range []struct {
		n    int
		noun string
	}{
		{len(p.Functions), "function"},
		{len(p.Jobs), "job"},
		{len(p.Subscriptions), "subscription"},
		{len(p.Schedules), "schedule"},
		{len(p.Tables), "table"},
		{len(p.Triggers), "trigger"},
		{len(p.Resources), "resource"},
	} {
		if of.n > 0 {
			all = append(all, plural(of.n, of.noun))
		}
	}
	return strings.Join(all, ", ")
}

func jsonDiagnostic(d project.Diagnostic) diagnostic {
	severity := "error"
	if d.Severity == project.Warning {
		severity = "warning"
	}
	return diagnostic{Severity: severity, File: d.File, Line: d.Line, Column: d.Column, Reason: d.Reason, Hint: d.Hint}
}

// plural is "1 error" or "2 errors".
func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
