package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"sundog/examples"
	"sundog/internal/api"
	"sundog/internal/cli"
	"sundog/internal/client"
	"sundog/internal/embedded"
	"sundog/internal/problem"
	"sundog/internal/statedb"
	"sundog/payload"
)

// What the example project is made to show.
const (
	demoWorkflow = "ingest"
	brokenItem   = "_BROKEN"       // in the id of the item that is invalid
	lateItem     = "039156_049F13" // in the id of the item that fails at first
	demoPoll     = 100 * time.Millisecond
)

// showSTAC feeds the payloads, waits, and says what became of them.
func showSTAC(ctx context.Context, c *client.Client, platform *embedded.Platform, opts cli.DemoOptions) error {
	payloads := examples.Payloads()
	expected, err := expect(payloads)
	if err != nil {
		return err
	}
	fmt.Fprintf(opts.Err, "Feeding %d payloads to %s\n", len(payloads), c.Server())
	began := time.Now()
	if err := feed(ctx, c, payloads); err != nil {
		return err
	}
	if err := watch(ctx, c, int64(len(payloads)+expected.chained), opts); err != nil {
		return err
	}
	records, err := allRecords(ctx, c)
	if err != nil {
		return err
	}
	fmt.Fprintf(opts.Err, "Done in %.1f s.\n\n", time.Since(began).Seconds())
	if err := printStats(ctx, c, opts.Out); err != nil {
		return err
	}
	fmt.Fprintf(opts.Out, "\nPublished catalog: %s\n", filepath.Join(platform.Catalog.Root(), "catalog.json"))
	return expected.check(ctx, c, records, opts.Out)
}

// expectation is how the records of the demo should end.
type expectation struct {
	fed, chained int
}

// expect derives the outcome from the payloads: what each is followed by is decided by its chain filters.
func expect(payloads [][]byte) (expectation, error) {
	e := expectation{fed: len(payloads)}
	for _, raw := range payloads {
		p, err := payload.Parse(raw)
		if err != nil {
			return e, err
		}
		if strings.Contains(p.ID().ItemIDs, brokenItem) {
			continue
		}
		next, err := p.Next()
		if err != nil {
			return e, err
		}
		for _, successor := range next {
			if successor.Payload != nil {
				e.chained++
			}
		}
	}
	return e, nil
}

func feed(ctx context.Context, c *client.Client, payloads [][]byte) error {
	lines := &strings.Builder{}
	for _, p := range payloads {
		lines.Write(p)
		lines.WriteByte('\n')
	}
	return c.Submit(ctx, strings.NewReader(lines.String()), "live", func(a api.Accepted) error {
		if a.Error != "" {
			return problem.New(problem.Internal, "payload %d was refused: %s", a.Line, a.Error)
		}
		return nil
	})
}

// watch waits until so many records are terminal, and shows how many are.
func watch(ctx context.Context, c *client.Client, total int64, opts cli.DemoOptions) error {
	bar := newBar(opts.Err, "records", total)
	defer bar.end()
	for {
		stats, err := c.Stats(ctx)
		if err != nil {
			return err
		}
		ended := int64(0)
		for _, n := range stats.Counts {
			if !statedb.State(n.State).Open() {
				ended += n.Count
			}
		}
		bar.set(ended)
		if ended >= total {
			return nil
		}
		select {
		case <-time.After(demoPoll):
		case <-ctx.Done():
			return fmt.Errorf("%d of %d records have ended: %w", ended, total, context.Cause(ctx))
		}
	}
}

func allRecords(ctx context.Context, c *client.Client) ([]api.Record, error) {
	stats, err := c.Stats(ctx)
	if err != nil {
		return nil, err
	}
	var partitions []string
	for _, n := range stats.Counts {
		partitions = append(partitions, payload.PartitionKey(n.Collections, n.Workflow))
	}
	slices.Sort(partitions)
	var all []api.Record
	for _, partition := range slices.Compact(partitions) {
		page, err := c.Records(ctx, client.RecordQuery{CollectionsWorkflow: partition, Limit: statedb.MaxLimit})
		if err != nil {
			return nil, err
		}
		all = append(all, page.Records...)
	}
	return all, nil
}

func printStats(ctx context.Context, c *client.Client, w io.Writer) error {
	stats, err := c.Stats(ctx)
	if err != nil {
		return err
	}
	rows := [][]string{}
	for _, n := range stats.Counts {
		if n.Count > 0 {
			rows = append(rows, []string{n.Collections, n.Workflow, n.State, fmt.Sprint(n.Count)})
		}
	}
	return printTable(w, []string{"COLLECTIONS", "WORKFLOW", "STATE", "RECORDS"}, rows)
}

// check compares what became of the records with what should have.
func (e expectation) check(ctx context.Context, c *client.Client, records []api.Record, w io.Writer) error {
	var wrong []string
	fed, chained := 0, 0
	for _, r := range records {
		want := statedb.Succeeded
		if r.Workflow == demoWorkflow {
			fed++
			if strings.Contains(r.ItemIDs, brokenItem) {
				want = statedb.Invalid
				fmt.Fprintf(w, "Invalid, as it should be: %s: %s\n", r.PayloadID, r.LastError)
			}
		} else {
			chained++
		}
		if r.State != string(want) {
			wrong = append(wrong, fmt.Sprintf("%s is %s instead of %s: %s", r.PayloadID, r.State, want, r.LastError))
			continue
		}
		if r.Workflow == demoWorkflow && strings.Contains(r.ItemIDs, lateItem) {
			failures, err := failedAttempts(ctx, c, r)
			if err != nil {
				return err
			}
			if failures == 0 {
				wrong = append(wrong, r.PayloadID+" did not fail at first")
			}
			fmt.Fprintf(w, "Succeeded after %d failed attempt(s): %s\n", failures, r.PayloadID)
		}
	}
	if fed != e.fed || chained != e.chained {
		wrong = append(wrong, fmt.Sprintf("%d records of %d payloads, %d chained of %d", fed, e.fed, chained, e.chained))
	}
	if len(wrong) > 0 {
		return problem.New(problem.Internal, "the demo did not end as it should:\n%s", strings.Join(wrong, "\n"))
	}
	return nil
}

// failedAttempts counts the failures of tasks in the history of a record's last execution.
func failedAttempts(ctx context.Context, c *client.Client, r api.Record) (int, error) {
	history, err := c.History(ctx, r.Executions[len(r.Executions)-1], 0, 1000, client.HistoryOrder{})
	if err != nil {
		return 0, err
	}
	n := 0
	for _, raw := range history.Events {
		var ev struct{ Type string }
		if err := json.Unmarshal(raw, &ev); err != nil {
			return 0, err
		}
		if ev.Type == "TaskFailed" || ev.Type == "LambdaFunctionFailed" {
			n++
		}
	}
	return n, nil
}
