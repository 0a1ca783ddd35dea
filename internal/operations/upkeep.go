package operations

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"

	"sundog/internal/access"
	"sundog/internal/api"
	"sundog/internal/audit"
	"sundog/internal/pipeline"
	"sundog/internal/problem"
	"sundog/internal/request"
	"sundog/internal/statedb"
)

// Errors counts the most frequent errors of records.
func (o *Records) Errors(r *http.Request) (api.Errors, error) {
	q, err := request.Filters(r)
	if err != nil {
		return api.Errors{}, err
	}
	records, err := request.Number(r, "records", statedb.DefaultErrorRecords, 1, statedb.MaxErrorRecords)
	if err != nil {
		return api.Errors{}, err
	}
	found, err := statedb.CountErrors(r.Context(), o.DB, statedb.ErrorQuery{Query: q, Records: records})
	if err != nil {
		return api.Errors{}, err
	}
	out := api.Errors{Groups: []api.ErrorGroup{}, Counted: found.Records, Other: found.Other, Complete: found.Complete}
	for i := range found.Groups {
		out.Groups = append(out.Groups, o.errorGroup(&found.Groups[i]))
	}
	return out, nil
}

func (o *Records) errorGroup(g *statedb.ErrorGroup) api.ErrorGroup {
	return api.ErrorGroup{Type: g.Type, Shape: g.Shape, Count: g.Records, First: g.First, Last: g.Last, Example: o.Of(&g.Example)}
}

// Settle settles the records that nobody works on. What it has done stays done when the client goes away.
func (o *Records) Settle(r *http.Request) (api.Reconciliation, error) {
	var req api.Reconcile
	if err := request.Body(r, &req); err != nil {
		return api.Reconciliation{}, err
	}
	report, err := o.Reconcile(r.Context(), pipeline.ReconcileRequest{DryRun: req.DryRun, Foreign: req.Foreign, Actor: access.Actor(r.Context())})
	if err != nil {
		return api.Reconciliation{}, err
	}
	out := api.Reconciliation{Records: report.Records, Running: report.Running, Counts: []api.FindingCount{}, Findings: []api.Finding{}}
	for what, settlements := range report.Counts {
		for how, n := range settlements {
			out.Counts = append(out.Counts, api.FindingCount{Problem: string(what), Settlement: string(how), Count: n})
		}
	}
	slices.SortFunc(out.Counts, func(a, b api.FindingCount) int {
		return cmp.Or(cmp.Compare(a.Problem, b.Problem), cmp.Compare(a.Settlement, b.Settlement))
	})
	for _, f := range report.Findings {
		finding := api.Finding{
			PayloadID: f.ID.String(), State: string(f.State), Updated: f.Updated, Execution: f.Execution,
			Problem: string(f.Problem), Settlement: string(f.Settlement),
		}
		if f.Err != nil {
			finding.Error = f.Err.Error()
		}
		out.Findings = append(out.Findings, finding)
	}
	return out, nil
}

// Migrate rewrites records of version 1.
func (o *Records) Migrate(r *http.Request) (api.Migration, error) {
	var req api.Migrate
	if err := request.Body(r, &req); err != nil {
		return api.Migration{}, err
	}
	done, err := statedb.MigrateAll(r.Context(), o.DB, statedb.Query{}, req.DryRun)
	if done.Changed > 0 && !req.DryRun {
		err = o.Note(r, err, audit.Migrate, "records", fmt.Sprintf("%d of %d records were rewritten", done.Changed, done.Seen))
	}
	return api.Migration{Records: done.Seen, Changed: done.Changed, Skipped: done.Skipped}, err
}

// Remove deletes the record of a payload, with what is stored for it. The id is as in Payload.
func (o *Records) Remove(r *http.Request) (api.Deleted, error) {
	id, err := request.PayloadID(r)
	if err != nil {
		return api.Deleted{}, err
	}
	held, err := request.Flag(r, "held")
	if err != nil {
		return api.Deleted{}, err
	}
	reason := r.URL.Query().Get("reason")
	switch {
	case reason == "":
		return api.Deleted{}, fmt.Errorf("deleting %s: %w", id, audit.ErrNoReason)
	case len(reason) > audit.MaxReason:
		return api.Deleted{}, problem.New(problem.Invalid, "the parameter reason has %d bytes; up to %d are allowed", len(reason), audit.MaxReason)
	}
	err = o.Delete(r.Context(), id, statedb.Deletion{Actor: access.Actor(r.Context()), Reason: reason, Held: held})
	return api.Deleted{PayloadID: id.String()}, err
}
