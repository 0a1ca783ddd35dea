package client

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"sundog/internal/api"
	"sundog/internal/problem"
)

func tablePath(name string) string { return api.PathTables + "/" + url.PathEscape(name) }

// Tables returns a page of the tables.
func (c *Client) Tables(ctx context.Context, next string, limit int) (api.Tables, error) {
	v := url.Values{}
	set(v, "next", next)
	setLimit(v, limit)
	return get[api.Tables](ctx, c, api.PathTables, v)
}

// Table describes a table.
func (c *Client) Table(ctx context.Context, name string) (api.Table, error) {
	return get[api.Table](ctx, c, tablePath(name), nil)
}

// Item returns the item with a key, which is plain JSON: {"PK": "TASK#100"}.
func (c *Client) Item(ctx context.Context, table, key string) (api.Item, error) {
	return get[api.Item](ctx, c, tablePath(table)+"/item", url.Values{"key": {key}})
}

// Condition is what an item has to meet to be changed. Empty fields: nothing.
type Condition struct {
	Create bool // there is no such item
	// Expression is a condition expression of DynamoDB; Values and Names are what its placeholders stand for, objects in plain JSON.
	Expression, Values, Names string
}

func (q Condition) values() url.Values {
	v := url.Values{}
	if q.Create {
		v.Set("create", "true")
	}
	set(v, "condition", q.Expression)
	set(v, "values", q.Values)
	set(v, "names", q.Names)
	return v
}

// PutItem puts an item, which is in the form of DynamoDB, and returns the one that was there.
func (c *Client) PutItem(ctx context.Context, table string, item json.RawMessage, when Condition) (api.Item, error) {
	var old api.Item
	err := c.call(ctx, http.MethodPut, tablePath(table)+"/item", when.values(), item, &old)
	return old, err
}

// DeleteItem deletes the item with a key and returns it.
func (c *Client) DeleteItem(ctx context.Context, table, key string, when Condition) (api.Item, error) {
	v := when.values()
	v.Set("key", key)
	var old api.Item
	err := c.call(ctx, http.MethodDelete, tablePath(table)+"/item", v, nil, &old)
	return old, err
}

// ItemQuery asks for items. Empty fields are left out; without Where it is a scan.
type ItemQuery struct {
	Where      string // conditions on key attributes, plain JSON: {"PK": "a", "SK": {"begins_with": "b"}}
	Index      string
	Filter     string // a filter expression of DynamoDB
	Values     string // what placeholders of expressions stand for, plain JSON
	Names      string // what placeholders of names stand for
	Projection string
	Descending bool
	Limit      int // items on the page that are looked at
	Next       string
}

// Items returns a page of items.
func (c *Client) Items(ctx context.Context, table string, q ItemQuery) (api.Items, error) {
	v := url.Values{}
	for name, text := range map[string]string{
		"where": q.Where, "index": q.Index, "filter": q.Filter, "values": q.Values, "names": q.Names, "projection": q.Projection, "next": q.Next,
	} {
		set(v, name, text)
	}
	if q.Descending {
		v.Set("descending", "true")
	}
	setLimit(v, q.Limit)
	return get[api.Items](ctx, c, tablePath(table)+"/items", v)
}

// Changes returns a part of a table's stream, behind the record with a number; 0 is the beginning.
func (c *Client) Changes(ctx context.Context, table string, after uint64, limit int) (api.Changes, error) {
	v := url.Values{"after": {strconv.FormatUint(after, 10)}}
	setLimit(v, limit)
	return get[api.Changes](ctx, c, tablePath(table)+"/stream", v)
}

// maxEvent bounds one event of a stream: two images of an item, in JSON.
const maxEvent = 4 << 20

// Follow calls each with the changes of a table as they are made, from after on: a sequence number, or "latest". It returns when ctx ends,
// with its cause, when each returns an error, or when the server stops answering.
func (c *Client) Follow(ctx context.Context, table, after string, each func(api.Change) error) error {
	streaming := *c.slow()
	streaming.accept = "text/event-stream"
	resp, err := streaming.do(ctx, http.MethodGet, tablePath(table)+"/stream", url.Values{"after": {after}}, "", nil)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	err = events(resp.Body, func(data []byte) error {
		var change api.Change
		if err := json.Unmarshal(data, &change); err != nil {
			return problem.Wrap(problem.Unavailable, err, "reading the stream of table %s", table)
		}
		return each(change)
	})
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if errors.Is(err, io.EOF) {
		return problem.New(problem.Unavailable, "the server ended the stream of table %s", table)
	}
	return err
}

// events calls each with the data of Server-Sent Events, each of which is one line. It returns io.EOF at the end.
func events(r io.Reader, each func(data []byte) error) error {
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, maxEvent)
	for lines.Scan() {
		if data, ok := bytes.CutPrefix(lines.Bytes(), []byte("data: ")); ok {
			if err := each(data); err != nil {
				return err
			}
		}
	}
	if err := lines.Err(); err != nil {
		return problem.Wrap(problem.Unavailable, err, "reading a stream of the server")
	}
	return io.EOF
}

// set adds a parameter that is not empty.
func set(v url.Values, name, text string) {
	if text != "" {
		v.Set(name, strings.TrimSpace(text))
	}
}
