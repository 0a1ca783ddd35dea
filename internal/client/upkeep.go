package client

import (
	"context"
	"net/http"
	"net/url"
	"strconv"

	"sundog/internal/api"
)

// slow is a client for requests that take as long as there are records: it waits until the context ends.
func (c *Client) slow() *Client {
	patient := *c
	patient.http = c.patient
	return &patient
}

// stream is a slow client that asks for NDJSON.
func (c *Client) stream() *Client {
	lines := c.slow()
	lines.accept = api.ContentTypeNDJSON
	return lines
}

// Errors returns the most frequent errors of the records that a query selects, looking at so many of them, the latest first; the server's
// default when records is 0. The order, limit and page of the query do not matter.
func (c *Client) Errors(ctx context.Context, q RecordQuery, records int) (api.Errors, error) {
	q.Limit, q.Next = 0, ""
	v := q.values()
	if records > 0 {
		v.Set("records", strconv.Itoa(records))
	}
	return get[api.Errors](ctx, c.slow(), api.PathErrors, v)
}

// Reconcile finds the records that nobody works on, and settles them.
func (c *Client) Reconcile(ctx context.Context, req api.Reconcile) (api.Reconciliation, error) {
	var out api.Reconciliation
	err := c.slow().call(ctx, http.MethodPost, api.PathReconcile, nil, req, &out)
	return out, err
}

// Migrate rewrites records of version 1.
func (c *Client) Migrate(ctx context.Context, req api.Migrate) (api.Migration, error) {
	var out api.Migration
	err := c.slow().call(ctx, http.MethodPost, api.PathMigrate, nil, req, &out)
	return out, err
}

// Backup has the server copy its data directory into a folder of its machine, an absolute path, and returns when the copy is complete.
func (c *Client) Backup(ctx context.Context, dir string) (api.Backup, error) {
	var out api.Backup
	err := c.slow().call(ctx, http.MethodPost, api.PathBackup, nil, api.Backup{Dir: dir}, &out)
	return out, err
}

// AuditQuery asks for entries of the audit log, the latest first. Zero values ask for nothing in particular.
type AuditQuery struct {
	Kind, Actor, Subject string
	Since, Until         string // "7d", "24h", "30m" ago, or RFC 3339
	Limit                int    // of a page; the server's default when 0
	Next                 string // token of the page
}

// Audit returns a page of the audit log.
func (c *Client) Audit(ctx context.Context, q AuditQuery) (api.Audit, error) {
	v := url.Values{}
	for name, text := range map[string]string{
		"kind": q.Kind, "actor": q.Actor, "subject": q.Subject, "since": q.Since, "until": q.Until, "next": q.Next,
	} {
		if text != "" {
			v.Set(name, text)
		}
	}
	setLimit(v, q.Limit)
	return get[api.Audit](ctx, c, api.PathAudit, v)
}
