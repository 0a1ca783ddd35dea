package server

import (
	"fmt"
	"net/http"

	"sundog/internal/api"
	"sundog/internal/audit"
	"sundog/internal/problem"
	"sundog/internal/statedb"
)

// export answers with records as DynamoDB items, one on each line, in the form that importRecords reads.
func (s *Server) export(w http.ResponseWriter, r *http.Request) {
	s.stream(w, r, func(record *statedb.Record) ([]byte, error) { return record.MarshalItem(), nil })
}

// importRecords brings in the records of a body, of any length, in one of the forms of statedb.Import.
func (s *Server) importRecords(r *http.Request) (api.Imported, error) {
	overwrite, err := flag(r, "overwrite")
	if err != nil {
		return api.Imported{}, err
	}
	done, err := statedb.Import(r.Context(), s.platform.Records, r.Body, statedb.Overwrite(overwrite))
	if err != nil && done.Stored > 0 {
		err = problem.Wrap(problem.KindOf(classify(err)), err, "%d records were stored, then it failed", done.Stored).
			WithHint("mend what is wrong and import the whole again; what is there is passed over")
	}
	if done.Stored > 0 {
		err = s.note(r, err, audit.Import, "records", fmt.Sprintf("%d records were stored", done.Stored))
	}
	out := api.Imported{Stored: done.Stored, Existing: done.Existing, Held: done.Held, Malformed: done.Malformed}
	for _, c := range done.Complaints {
		out.Complaints = append(out.Complaints, api.Complaint{Record: c.Number, Error: c.Err.Error()})
	}
	return out, err
}
