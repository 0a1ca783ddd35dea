package operations

import (
	"errors"
	"io"
	"net/http"

	"github.com/tidwall/gjson"

	"sundog/internal/api"
	"sundog/internal/bucket"
	"sundog/internal/problem"
	"sundog/internal/request"
	"sundog/internal/statedb"
)

// Store takes a document as the input or output of a record's last execution, which the request names: records that come from another
// deployment have their payloads there. One that there is already stays, and so does everything of a record that an execution holds.
func (o *Records) Store(r *http.Request) (api.StoredPayload, error) {
	id, err := request.PayloadID(r)
	if err != nil {
		return api.StoredPayload{}, err
	}
	which := r.URL.Query().Get("doc")
	if which != "input" && which != "output" {
		return api.StoredPayload{}, problem.New(problem.Invalid, "the parameter doc=%q is neither input nor output", which)
	}
	text, err := io.ReadAll(http.MaxBytesReader(nil, r.Body, request.MaxBody))
	if err != nil {
		return api.StoredPayload{}, request.ReadError(err)
	}
	if !gjson.ValidBytes(text) || !gjson.ParseBytes(text).IsObject() {
		return api.StoredPayload{}, problem.New(problem.Invalid, "the %s of %s is no JSON object", which, id)
	}
	record, err := o.DB.Get(r.Context(), id)
	if err != nil {
		return api.StoredPayload{}, err
	}
	if record.State().Open() {
		return api.StoredPayload{}, problem.Wrap(problem.Conflict, statedb.ErrHeld, "the %s of %s stays", which, id)
	}
	if execution := r.URL.Query().Get("execution"); execution != record.LastExecution() {
		return api.StoredPayload{}, problem.New(problem.Conflict, "the last execution of %s is %q here, not %q: the %s stays", id, record.LastExecution(), execution, which)
	}
	at, err := o.place(&record, which)
	if err != nil {
		return api.StoredPayload{}, err
	}
	_, err = o.Payloads.Put(r.Context(), at.Key, text, bucket.PutOptions{ContentType: "application/json", IfNoneMatch: true})
	if errors.Is(err, bucket.ErrPreconditionFailed) {
		return api.StoredPayload{PayloadID: id.String(), URL: at.String(), Existing: true}, nil
	}
	return api.StoredPayload{PayloadID: id.String(), URL: at.String()}, err
}
