package operations

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"

	"sundog/internal/api"
	"sundog/internal/audit"
	"sundog/internal/bucket"
	"sundog/internal/pipeline"
	"sundog/internal/problem"
	"sundog/internal/request"
	"sundog/internal/statedb"
	"sundog/payload"
)

// Database is what is asked of a state database.
type Database interface {
	statedb.Importer
	statedb.Migrator
	Get(ctx context.Context, id payload.ID) (statedb.Record, error)
	// Counts returns how many records there are of a `collections_workflow`, or of all when that is empty, by state.
	Counts(ctx context.Context, partition string) ([]statedb.Count, error)
}

// Objects are the stored payloads. Package bucket says what each method promises.
type Objects interface {
	Get(ctx context.Context, key string) ([]byte, string, error)
	Put(ctx context.Context, key string, body []byte, opts bucket.PutOptions) (string, error)
}

// Records answers what is asked of the state database, and done to it.
type Records struct {
	*Surface
	DB       Database
	Payloads Objects
	Layout   payload.Layout
	// Delete deletes a record with what is stored for it.
	Delete func(ctx context.Context, id payload.ID, d statedb.Deletion) error
	// Reconcile settles the records that nobody works on. Who asks is in the request.
	Reconcile func(ctx context.Context, req pipeline.ReconcileRequest) (pipeline.Report, error)
	// Note puts into the audit log what a request has done, and returns err, the error that the deed may have ended with, joined by that of
	// the log.
	Note func(r *http.Request, err error, kind audit.Kind, subject, reason string) error
}

// Of makes the API's form of a record.
func (o *Records) Of(r *statedb.Record) api.Record {
	out := api.Record{
		PayloadID: r.ID.String(), Collections: r.ID.Collections, Workflow: r.ID.Workflow, ItemIDs: r.ID.ItemIDs,
		State: string(r.State()), Created: r.Created, Updated: r.Updated, ClaimedAt: r.ClaimedAt,
		Executions: r.Executions, Outputs: r.Outputs,
	}
	if out.Executions == nil {
		out.Executions = []string{}
	}
	if r.LastError != nil {
		out.LastError = *r.LastError
	}
	if len(r.Extra) > 0 {
		if text, err := json.Marshal(r.Extra); err == nil { // raw JSON always marshals
			out.Attributes = text
		}
	}
	if last := r.LastExecution(); last != "" {
		_, name := payload.CutExecutionARN(last)
		out.InputPayloadURL = o.Layout.Input(out.PayloadID, name).String()
		if state := r.State(); state == statedb.Succeeded || state == statedb.Completed {
			out.OutputPayloadURL = o.Layout.Output(out.PayloadID, name).String()
		}
	}
	return out
}

// Payload answers with the record of a payload, or with the input or output of its last execution.
func (o *Records) Payload(w http.ResponseWriter, r *http.Request) {
	id, err := request.PayloadID(r)
	if err != nil {
		o.Fail(w, r, err)
		return
	}
	record, err := o.DB.Get(r.Context(), id)
	if err != nil {
		o.Fail(w, r, err)
		return
	}
	switch which := r.URL.Query().Get("doc"); which {
	case "":
		Handle(o.Surface, func(*http.Request) (api.Record, error) { return o.Of(&record), nil })(w, r)
	case "input", "output":
		o.document(w, r, &record, which)
	default:
		o.Fail(w, r, problem.New(problem.Invalid, "the parameter doc=%q is neither input nor output", which))
	}
}

// document answers with a stored document as it is.
func (o *Records) document(w http.ResponseWriter, r *http.Request, record *statedb.Record, which string) {
	at, err := o.place(record, which)
	if err != nil {
		o.Fail(w, r, err)
		return
	}
	text, etag, err := o.Payloads.Get(r.Context(), at.Key)
	if errors.Is(err, bucket.ErrNotFound) {
		err = problem.New(problem.NotFound, "%s is %s, and there is no %s payload at %s", record.ID, record.State(), which, at)
	}
	if err != nil {
		o.Fail(w, r, err)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("ETag", `"`+etag+`"`)
	_, _ = w.Write(text)
}

// place is where the input or output of a record's last execution is stored.
func (o *Records) place(record *statedb.Record, which string) (payload.Location, error) {
	id, last := record.ID.String(), record.LastExecution()
	if last == "" {
		return payload.Location{}, problem.New(problem.NotFound, "%s has no execution, hence no %s payload", id, which)
	}
	_, name := payload.CutExecutionARN(last)
	if which == "output" {
		return o.Layout.Output(id, name), nil
	}
	return o.Layout.Input(id, name), nil
}

// Page answers with a page of records or, as NDJSON, with all that a query finds.
func (o *Records) Page(w http.ResponseWriter, r *http.Request) {
	if request.Lines(r) {
		o.stream(w, r, func(record *statedb.Record) ([]byte, error) { return json.Marshal(o.Of(record)) })
		return
	}
	Handle(o.Surface, o.page)(w, r)
}

func (o *Records) page(r *http.Request) (api.Records, error) {
	q, err := request.Filters(r)
	if err != nil {
		return api.Records{}, err
	}
	if q.Limit, err = request.Number(r, "limit", statedb.DefaultLimit, 1, statedb.MaxLimit); err != nil {
		return api.Records{}, err
	}
	q.After = r.URL.Query().Get("next")
	page, err := o.DB.Query(r.Context(), q)
	if err != nil {
		return api.Records{}, err
	}
	out := api.Records{Records: []api.Record{}, Next: page.Next}
	for i := range page.Records {
		out.Records = append(out.Records, o.Of(&page.Records[i]))
	}
	return out, nil
}

// Stats answers with the counts of all records.
func (o *Records) Stats(r *http.Request) (api.Stats, error) {
	counts, err := o.DB.Counts(r.Context(), "")
	if err != nil {
		return api.Stats{}, err
	}
	out := api.Stats{Counts: []api.Count{}}
	for _, c := range counts {
		collections, workflow, err := payload.CutPartitionKey(c.Partition)
		if err != nil {
			collections = c.Partition
		}
		out.Counts = append(out.Counts, api.Count{Collections: collections, Workflow: workflow, State: string(c.State), Count: c.Records})
	}
	return out, nil
}
