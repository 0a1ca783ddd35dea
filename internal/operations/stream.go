package operations

import (
	"fmt"
	"math"
	"net/http"

	"sundog/internal/api"
	"sundog/internal/audit"
	"sundog/internal/problem"
	"sundog/internal/request"
	"sundog/internal/statedb"
)

// stream answers with a line for each record of a query, page by page as they are read, until there are none left or, when the request
// has a limit, as many as that. What goes wrong before the first record is a problem document; later the answer is cut off, so that
// nobody takes it for whole.
func (o *Records) stream(w http.ResponseWriter, r *http.Request, line func(*statedb.Record) ([]byte, error)) {
	q, err := request.Filters(r)
	if err != nil {
		o.Fail(w, r, err)
		return
	}
	limit, err := request.Number(r, "limit", math.MaxInt, 1, math.MaxInt)
	if err != nil {
		o.Fail(w, r, err)
		return
	}
	q.After, q.Limit = r.URL.Query().Get("next"), min(limit, statedb.MaxLimit)
	sent := 0
	for record, err := range statedb.All(r.Context(), o.DB, q) {
		if sent == limit {
			return
		}
		var text []byte
		if err == nil {
			text, err = line(&record)
		}
		if err != nil && sent == 0 {
			o.Fail(w, r, err)
			return
		}
		if sent == 0 {
			w.Header().Set("Content-Type", api.ContentTypeNDJSON)
		}
		if err == nil {
			_, err = w.Write(append(text, '\n'))
		}
		if err != nil {
			_ = http.NewResponseController(w).Flush() // the answer has begun, and the client is to see that
			o.CutOff(w, r, fmt.Errorf("after %d records: %w", sent, err))
		}
		sent++
	}
	if sent == 0 {
		w.Header().Set("Content-Type", api.ContentTypeNDJSON)
	}
}

// Export answers with records as DynamoDB items, one on each line, in the form that Import reads.
func (o *Records) Export(w http.ResponseWriter, r *http.Request) {
	o.stream(w, r, func(record *statedb.Record) ([]byte, error) { return record.MarshalItem(), nil })
}

// Import brings in the records of a body, of any length, in one of the forms of statedb.Import.
func (o *Records) Import(r *http.Request) (api.Imported, error) {
	overwrite, err := request.Flag(r, "overwrite")
	if err != nil {
		return api.Imported{}, err
	}
	done, err := statedb.Import(r.Context(), o.DB, r.Body, statedb.Overwrite(overwrite))
	if err != nil && done.Stored > 0 {
		err = problem.Wrap(problem.KindOf(o.Classify(err)), err, "%d records were stored, then it failed", done.Stored).
			WithHint("mend what is wrong and import the whole again; what is there is passed over")
	}
	if done.Stored > 0 {
		err = o.Note(r, err, audit.Import, "records", fmt.Sprintf("%d records were stored", done.Stored))
	}
	out := api.Imported{Stored: done.Stored, Existing: done.Existing, Held: done.Held, Malformed: done.Malformed}
	for _, c := range done.Complaints {
		out.Complaints = append(out.Complaints, api.Complaint{Record: c.Number, Error: c.Err.Error()})
	}
	return out, err
}
