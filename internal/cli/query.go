package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"

	"github.com/spf13/cobra"
	"github.com/tidwall/gjson"
	"github.com/tidwall/sjson"

	"sundog/internal/api"
	"sundog/internal/client"
	"sundog/internal/problem"
)

// pageSize is how much of a list is asked for at one time.
const pageSize = 1000

// defaultLimit is how much of a list is printed by default.
const defaultLimit = 100

// pages calls each with one page after the other until limit rows are through (0: all) or none are left. fetch returns the page
// that begins at next, with up to size rows, and where the one after it begins. Of an empty list each gets one empty page.
func pages[T any](limit int, fetch func(next string, size int) ([]T, string, error), each func([]T) error) error {
	if limit < 0 {
		return problem.New(problem.Invalid, "--limit cannot be %d", limit).WithHint("0 is no limit")
	}
	found := false
	for left, next := limit, ""; ; {
		size := pageSize
		if limit > 0 {
			size = min(size, left)
		}
		rows, following, err := fetch(next, size)
		if err != nil {
			return err
		}
		rows = rows[:min(len(rows), size)]
		if len(rows) > 0 || following == "" && !found {
			if err := each(rows); err != nil {
				return err
			}
			found = true
		}
		left -= len(rows)
		if following == "" || limit > 0 && left <= 0 {
			return nil
		}
		next = following
	}
}

// addFilters adds the flags that select records.
func addFilters(c *cobra.Command, q *client.RecordQuery) {
	f := c.Flags()
	f.StringVar(&q.CollectionsWorkflow, "collections-workflow", "", "only records of this `COLLECTIONS_WORKFLOW`, as in sentinel-2-l2a_ingest; sundog stats lists them")
	f.StringVar(&q.Workflow, "workflow", "", "only records of this `workflow`, whatever the collections")
	f.StringVar(&q.State, "state", "", "only records in this `state`: PROCESSING, SUCCEEDED (or COMPLETED), FAILED, INVALID, ABORTED, CLAIMED")
	f.StringVar(&q.Since, "since", "", "only records updated since: how long `ago` (7d, 24h, 30m), or a time in RFC 3339")
	f.StringVar(&q.Until, "until", "", "only records updated before: how long `ago`, or a time in RFC 3339")
	f.StringVar(&q.ErrorPrefix, "error-prefix", "", "only records whose last error begins with this `text`")
	f.StringVar(&q.ItemPrefix, "item-prefix", "", "only records whose item ids begin with this `text`, in the order of these")
}

// addListing adds the flags that select records, and say how many and in what order.
func addListing(c *cobra.Command, q *client.RecordQuery, limit *int) {
	addFilters(c, q)
	c.Flags().BoolVar(&q.Ascending, "ascending", false, "the earliest first")
	c.Flags().IntVar(limit, "limit", defaultLimit, "at most so `many`; 0 is all")
}

// eachPage calls each with the records that a query selects: as they come when all are wanted, else page by page.
func eachPage(ctx context.Context, c *client.Client, q client.RecordQuery, limit int, each func([]api.Record) error) error {
	if limit == 0 {
		return eachBatch(ctx, c, q, each)
	}
	return pages(limit, func(next string, size int) ([]api.Record, string, error) {
		q.Next, q.Limit = next, size
		page, err := c.Records(ctx, q)
		return page.Records, page.Next, err
	}, each)
}

// eachBatch calls each with pageSize records at a time of one stream, and with none when there are none.
func eachBatch(ctx context.Context, c *client.Client, q client.RecordQuery, each func([]api.Record) error) error {
	batch, found := make([]api.Record, 0, pageSize), false
	err := c.EachRecord(ctx, q, func(r api.Record) error {
		if batch = append(batch, r); len(batch) < pageSize {
			return nil
		}
		full := batch
		batch, found = batch[:0], true
		return each(full)
	})
	if err != nil || found && len(batch) == 0 {
		return err
	}
	return each(batch)
}

func (a *app) queryCommand() *cobra.Command {
	var q client.RecordQuery
	var limit int
	c := &cobra.Command{
		Use:   "query",
		Short: "Find records",
		Example: `  sundog query --state FAILED
  sundog query --workflow ingest --item-prefix S2A_ --ascending
  sundog query --collections-workflow sentinel-2-l2a_ingest --state FAILED --since 24h
  sundog query --collections-workflow sentinel-2-l2a_ingest --limit 0 --output json | jq -r .payload_id`,
		Args: cobra.NoArgs,
		RunE: a.online(func(ctx context.Context, c *client.Client, _ []string) error {
			return eachPage(ctx, c, q, limit, func(records []api.Record) error {
				return printList(a, records, []column[api.Record]{
					{title: "PAYLOAD", cell: func(r api.Record) string { return r.PayloadID }},
					{title: "STATE", cell: func(r api.Record) string { return r.State }},
					{title: "UPDATED", cell: func(r api.Record) string { return localText(r.Updated) }},
					{title: "RUNS", right: true, cell: func(r api.Record) string { return count(int64(len(r.Executions))) }},
					{title: "LAST ERROR", cell: func(r api.Record) string { return r.LastError }},
				})
			})
		}),
	}
	addListing(c, &q, &limit)
	return c
}

func (a *app) getPayloadsCommand() *cobra.Command {
	var q client.RecordQuery
	var limit int
	var rerun bool
	c := &cobra.Command{
		Use:     "get-input-payloads",
		Aliases: []string{"get-payloads"},
		Short:   "Print the input payloads of the records that a query finds, one per line",
		Long: `Print the input payloads of the records that a query finds, one JSON document per line, which process reads. A record that never had
an execution has none and is left out, with a notice.

With --rerun a NUL stands between documents in a pipe, for xargs -0; process takes it for a space.`,
		Example: `  sundog get-input-payloads --collections-workflow sentinel-2-l2a_ingest --state FAILED --limit 0 | sundog process -
  sundog get-input-payloads --collections-workflow sentinel-2-l2a_ingest --state SUCCEEDED --rerun | sundog process --lane bulk -
  sundog get-payloads --collections-workflow sentinel-2-l2a_ingest --state FAILED --rerun | xargs -0 -L 1 echo | sundog process`,
		Args: cobra.NoArgs,
		RunE: a.online(func(ctx context.Context, c *client.Client, _ []string) error {
			return eachPage(ctx, c, q, limit, func(records []api.Record) error {
				for _, r := range records {
					if err := a.printInput(ctx, c, r.PayloadID, rerun); err != nil {
						return err
					}
				}
				return nil
			})
		}),
	}
	addListing(c, &q, &limit)
	c.Flags().BoolVar(&rerun, "rerun", false, "set \"replace\", so that process runs them again whatever their state")
	return c
}

func (a *app) printInput(ctx context.Context, c *client.Client, id string, rerun bool) error {
	doc, err := c.Payload(ctx, id, "input")
	if problem.Is(err, problem.NotFound) {
		a.say("%s has no input payload", id)
		return nil
	}
	if err != nil {
		return err
	}
	if rerun {
		at := "process.0.replace"
		if gjson.GetBytes(doc, "process").IsObject() { // the deprecated form
			at = "process.replace"
		}
		if doc, err = sjson.SetRawBytes(doc, at, []byte("true")); err != nil {
			return fmt.Errorf("input payload of %s: %w", id, err)
		}
	}
	var line bytes.Buffer
	if err := json.Compact(&line, doc); err != nil {
		return fmt.Errorf("input payload of %s: %w", id, err)
	}
	line.WriteByte('\n')
	if rerun && !a.OutTerminal {
		line.WriteByte(0)
	}
	_, err = a.Out.Write(line.Bytes())
	return err
}
