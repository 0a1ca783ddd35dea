package rerun

import (
	"context"
	"fmt"

	"sundog/internal/statedb"
)

// Bounds of a preview.
const (
	sample        = 10     // records that it shows
	previewCounts = 20_000 // records that it counts one by one, when no counter knows them
)

// Counts returns how many records there are of a `collections_workflow`, or of all when that is empty, by state.
type Counts func(ctx context.Context, partition string) ([]statedb.Count, error)

// Look says what a job would do. It counts from what is kept when the filter asks for a workflow and a state alone, and otherwise looks at a
// bounded number of records; then its number may be a lower bound.
func Look(ctx context.Context, records statedb.Querier, counts Counts, req Request) (Preview, error) {
	q := req.Filter.Query()
	q.Index, q.Limit = statedb.ByUpdated, sample
	newest, err := records.Query(ctx, q)
	if err != nil {
		return Preview{}, fmt.Errorf("looking at the records: %w", err)
	}
	var p Preview
	for _, r := range newest.Records {
		p.Sample = append(p.Sample, r.ID)
	}
	if len(newest.Records) > 0 {
		p.Newest = newest.Records[0].Updated
	}
	q.Ascending, q.Limit = true, 1
	oldest, err := records.Query(ctx, q)
	if err != nil {
		return p, fmt.Errorf("looking at the records: %w", err)
	}
	if len(oldest.Records) > 0 {
		p.Oldest = oldest.Records[0].Updated
	}
	if p.Records, p.Exact, err = Expected(ctx, records, counts, req); err != nil {
		return p, err
	}
	if req.Filter.State != statedb.Succeeded && req.Filter.State != statedb.Completed {
		frequent, err := statedb.CountErrors(ctx, records, statedb.ErrorQuery{Query: req.Filter.Query()})
		if err != nil {
			return p, err
		}
		p.Errors = frequent.Groups[:min(len(frequent.Groups), sample)]
	}
	return p, nil
}

// Expected is how many records a job will meet; when it is not exact there are at least so many.
func Expected(ctx context.Context, records statedb.Querier, counts Counts, req Request) (n int64, exact bool, err error) {
	n, exact, err = count(ctx, records, counts, req.Filter)
	if limit := req.Limit; limit > 0 && n >= limit {
		return limit, true, err
	}
	return n, exact, err
}

func count(ctx context.Context, records statedb.Querier, counts Counts, f Filter) (n int64, exact bool, err error) {
	if f.Workflow == "" && f.Since.IsZero() && f.Until.IsZero() && f.ErrorPrefix == "" && f.ItemPrefix == "" {
		all, err := counts(ctx, f.CollectionsWorkflow)
		if err != nil {
			return 0, false, fmt.Errorf("counting the records: %w", err)
		}
		for _, c := range all {
			if f.State == "" || c.State == f.State || f.State == statedb.Succeeded && c.State == statedb.Completed {
				n += c.Records
			}
		}
		return n, true, nil
	}
	for _, err := range statedb.All(ctx, records, f.Query()) {
		if err != nil {
			return 0, false, fmt.Errorf("counting the records: %w", err)
		}
		if n == previewCounts {
			return n, false, nil
		}
		n++
	}
	return n, true, nil
}
