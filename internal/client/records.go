package client

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strconv"

	"sundog/internal/api"
	"sundog/internal/problem"
)

// RecordQuery asks for records: of one workflow on one set of collections, of one workflow, or of everything.
type RecordQuery struct {
	CollectionsWorkflow string // "<collections>_<workflow>"
	Workflow            string // whatever the collections; not with CollectionsWorkflow
	State, ErrorPrefix  string
	ItemPrefix          string // of the item ids
	Since, Until        string // "7d", "24h", "30m" ago, or RFC 3339
	Index               string // the order: updated, state_updated or itemids; the server's choice when empty
	Ascending           bool
	Limit               int    // of a page, or of all that is streamed; the server's default (all, when streamed) when 0
	Next                string // token of the page
}

func (q RecordQuery) values() url.Values {
	v := url.Values{}
	for name, text := range map[string]string{
		"collections_workflow": q.CollectionsWorkflow, "workflow": q.Workflow, "state": q.State, "error_prefix": q.ErrorPrefix,
		"item_prefix": q.ItemPrefix, "since": q.Since, "until": q.Until, "index": q.Index, "next": q.Next,
	} {
		if text != "" {
			v.Set(name, text)
		}
	}
	if q.Ascending {
		v.Set("ascending", "true")
	}
	setLimit(v, q.Limit)
	return v
}

func setLimit(v url.Values, limit int) {
	if limit > 0 {
		v.Set("limit", strconv.Itoa(limit))
	}
}

// Record returns the record of a payload.
func (c *Client) Record(ctx context.Context, payloadID string) (api.Record, error) {
	return get[api.Record](ctx, c, api.PathPayloads, url.Values{"id": {payloadID}})
}

// Records returns a page of records.
func (c *Client) Records(ctx context.Context, q RecordQuery) (api.Records, error) {
	return get[api.Records](ctx, c, api.PathRecords, q.values())
}

// EachRecord calls each with all records of a query, as they come. An error of each ends it. When the server stops in the middle the error
// is Unavailable.
func (c *Client) EachRecord(ctx context.Context, q RecordQuery, each func(api.Record) error) error {
	resp, err := c.stream().do(ctx, http.MethodGet, api.PathRecords, q.values(), "", nil)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if kind := resp.Header.Get("Content-Type"); kind != api.ContentTypeNDJSON {
		return problem.New(problem.Unavailable, "the server answers with %s where records one by one were asked for", kind).WithHint("is it an older one?")
	}
	for dec := json.NewDecoder(resp.Body); ; {
		var r api.Record
		if err := dec.Decode(&r); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return interrupted(err, "the server stopped answering; there are more records")
		}
		if err := each(r); err != nil {
			return err
		}
	}
}

// Export writes the records of a query to w as DynamoDB items, one on each line, as Import takes them. When the server stops in the middle
// the error is Unavailable.
func (c *Client) Export(ctx context.Context, q RecordQuery, w io.Writer) error {
	resp, err := c.stream().do(ctx, http.MethodGet, api.PathExport, q.values(), "", nil)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	from := &readFailure{Reader: resp.Body}
	if _, err = io.Copy(w, from); from.err != nil {
		return interrupted(from.err, "the server stopped answering; there are more records")
	}
	return err
}

// readFailure tells a failure to read from one to write.
type readFailure struct {
	io.Reader
	err error
}

func (r *readFailure) Read(p []byte) (int, error) {
	n, err := r.Reader.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		r.err = err
	}
	return n, err
}

// Import brings in records: DynamoDB items, one on each line, or documents {"Items": […]} as a scan of a table gives. Those that are there
// already stay unless overwrite is set.
func (c *Client) Import(ctx context.Context, r io.Reader, overwrite bool) (api.Imported, error) {
	var out api.Imported
	query := url.Values{}
	if overwrite {
		query.Set("overwrite", "true")
	}
	resp, err := c.slow().do(ctx, http.MethodPost, api.PathImport, query, api.ContentTypeNDJSON, r)
	if err != nil {
		return out, err
	}
	defer resp.Body.Close()
	if err := json.NewDecoder(resp.Body).Decode(&out); err != nil {
		return out, problem.Wrap(problem.Unavailable, err, "reading the answer to %s %s", http.MethodPost, api.PathImport)
	}
	return out, nil
}

// StorePayload brings in the input or output (which) of a record's last execution, which has to be the one with that ARN: it ran elsewhere. One
// that is there already stays; a record that an execution holds, or that has run again since, is a Conflict.
func (c *Client) StorePayload(ctx context.Context, payloadID, which, execution string, doc json.RawMessage) (api.StoredPayload, error) {
	var out api.StoredPayload
	err := c.call(ctx, http.MethodPut, api.PathPayloads, url.Values{"id": {payloadID}, "doc": {which}, "execution": {execution}}, doc, &out)
	return out, err
}

// DeleteRecord deletes the record of a payload with what is stored for it. The reason, which there has to be, goes into the audit log. A
// record that an execution holds is a Conflict unless held is set.
func (c *Client) DeleteRecord(ctx context.Context, payloadID, reason string, held bool) (api.Deleted, error) {
	var out api.Deleted
	query := url.Values{"id": {payloadID}, "reason": {reason}}
	if held {
		query.Set("held", "true")
	}
	err := c.call(ctx, http.MethodDelete, api.PathPayloads, query, nil, &out)
	return out, err
}
