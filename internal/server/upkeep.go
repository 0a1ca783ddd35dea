package server

import (
	"cmp"
	"fmt"
	"net/http"
	"path/filepath"
	"slices"
	"time"

	"sundog/internal/api"
	"sundog/internal/audit"
	"sundog/internal/embedded"
	"sundog/internal/pipeline"
	"sundog/internal/problem"
	"sundog/internal/statedb"
	"sundog/payload"
)

// errors counts the most frequent errors of records.
func (s *Server) errors(r *http.Request) (api.Errors, error) {
	q, err := s.filters(r)
	if err != nil {
		return api.Errors{}, err
	}
	records, err := number(r, "records", statedb.DefaultErrorRecords, 1, statedb.MaxErrorRecords)
	if err != nil {
		return api.Errors{}, err
	}
	found, err := statedb.CountErrors(r.Context(), s.platform.Records, statedb.ErrorQuery{Query: q, Records: records})
	if err != nil {
		return api.Errors{}, err
	}
	out := api.Errors{Groups: []api.ErrorGroup{}, Counted: found.Records, Other: found.Other, Complete: found.Complete}
	for i := range found.Groups {
		out.Groups = append(out.Groups, s.errorGroupOf(&found.Groups[i]))
	}
	return out, nil
}

func (s *Server) errorGroupOf(g *statedb.ErrorGroup) api.ErrorGroup {
	return api.ErrorGroup{Type: g.Type, Shape: g.Shape, Count: g.Records, First: g.First, Last: g.Last, Example: s.recordOf(&g.Example)}
}

// reconcile settles the records that nobody works on. What it has done stays done when the client goes away.
func (s *Server) reconcile(r *http.Request) (api.Reconciliation, error) {
	var req api.Reconcile
	if err := body(r, &req); err != nil {
		return api.Reconciliation{}, err
	}
	report, err := s.platform.Reconcile(r.Context(), pipeline.ReconcileRequest{DryRun: req.DryRun, Foreign: req.Foreign, Actor: actor(r)})
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

// migrate rewrites records of version 1.
func (s *Server) migrate(r *http.Request) (api.Migration, error) {
	var req api.Migrate
	if err := body(r, &req); err != nil {
		return api.Migration{}, err
	}
	done, err := statedb.MigrateAll(r.Context(), s.platform.Records, statedb.Query{}, req.DryRun)
	if done.Changed > 0 && !req.DryRun {
		err = s.note(r, err, audit.Migrate, "records", fmt.Sprintf("%d of %d records were rewritten", done.Changed, done.Seen))
	}
	return api.Migration{Records: done.Seen, Changed: done.Changed, Skipped: done.Skipped}, err
}

// deleteRecord deletes the record of a payload, with what is stored for it. The id is as in payload.
func (s *Server) deleteRecord(r *http.Request) (api.Deleted, error) {
	id, err := payloadID(r)
	if err != nil {
		return api.Deleted{}, err
	}
	held, err := flag(r, "held")
	if err != nil {
		return api.Deleted{}, err
	}
	reason := r.URL.Query().Get("reason")
	if len(reason) > audit.MaxReason {
		return api.Deleted{}, problem.New(problem.Invalid, "the parameter reason has %d bytes; up to %d are allowed", len(reason), audit.MaxReason)
	}
	err = s.platform.DeleteRecord(r.Context(), id, embedded.Deletion{Actor: actor(r), Reason: reason, Held: held})
	return api.Deleted{PayloadID: id.String()}, err
}

// payloadID reads the id that a request names: the rest of the path, or, for ids that a path cannot hold, a parameter.
func payloadID(r *http.Request) (payload.ID, error) {
	text := cmp.Or(r.PathValue("id"), r.URL.Query().Get("id"))
	id, err := payload.ParseID(text)
	if err != nil {
		return id, problem.Wrap(problem.Invalid, err, "").WithHint("a payload id looks like COLLECTIONS/workflow-NAME/ITEMIDS")
	}
	return id, nil
}

// backup copies the data directory into a folder of the server's machine.
func (s *Server) backup(r *http.Request) (api.Backup, error) {
	var req api.Backup
	if err := body(r, &req); err != nil {
		return api.Backup{}, err
	}
	if !filepath.IsAbs(req.Dir) {
		return api.Backup{}, problem.New(problem.Invalid, "the folder of a backup, dir=%q, is no absolute path", req.Dir).
			WithHint("it is a folder of the server's machine that does not exist yet, such as /var/backups/sundog-%s", time.Now().Format(time.DateOnly))
	}
	if err := s.platform.Backup(r.Context(), req.Dir); err != nil {
		return api.Backup{}, err
	}
	return req, s.note(r, nil, audit.Backup, req.Dir, "")
}
