package template

import (
	"cmp"
	"slices"

	"sundog/internal/project"
)

// without reports what else of the project there is nothing for.
func (b *builder) without() {
	for _, r := range b.project.Resources {
		b.warn([]string{"resources", r.Path}, "the deployment's parameter Tasks makes POST /task and GET /task/ID for a table of tasks", "resource %s is served by a server alone", r.Path)
	}
	if len(b.project.Egress) > 0 {
		b.warn([]string{"egress"}, "put the function schedule-http-request into a VPC", "egress is that of a server alone")
	}
	for _, w := range b.project.Workflows {
		for _, state := range []string{"SUCCEEDED", "FAILED", "INVALID", "ABORTED"} {
			if b.project.Retention.Record(w.Name, state) > 0 {
				b.warn([]string{"retention"}, "`sundog manage NAME delete` removes records", "records are kept for good on AWS")
				return
			}
		}
	}
}

// sortByPlace brings diagnostics into the order of their places.
func sortByPlace(diagnostics project.Diagnostics) {
	slices.SortStableFunc(diagnostics, func(x, y project.Diagnostic) int {
		return cmp.Or(cmp.Compare(x.Line, y.Line), cmp.Compare(x.Column, y.Column))
	})
}
