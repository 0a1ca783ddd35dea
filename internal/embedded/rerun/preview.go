package rerun

import (
	"context"
	"fmt"

	"sundog/internal/rerun"
	"sundog/internal/statedb"
)

// Bounds of a preview.
const (
	sample        = 10     // records that it shows
	previewCounts = 20_000 // records that it counts one by one, when no counter knows them
)

// Preview says what a job would do. It counts from what is kept when the filter asks for a workflow and a state alone, and otherwise looks at a
// bounded number of records; then its number may be a lower bound.
func (j *Jobs) Preview(ctx context.Context, req rerun.Request) (rerun.Preview, error) {
	if err := j.check(&req); err != nil {
		return rerun.Preview{}, err
	}
	q := req.Filter.Query()
	q.Index, q.Limit = statedb.ByUpdated, sample
	newest, err := j.opts.Records.Query(ctx, q)
	if err != nil {
		return rerun.Preview{}, fmt.Errorf("looking at the records: %w", err)
	}
	var p rerun.Preview
	for _, r := range newest.Records {
		p.Sample = append(p.Sample, r.ID)
	}
	if len(newest.Records) > 0 {
		p.Newest = newest.Records[0].Updated
	}
	q.Ascending, q.Limit = true, 1
	oldest, err := j.opts.Records.Query(ctx, q)
	if err != nil {
		return p, fmt.Errorf("looking at the records: %w", err)
	}
	if len(oldest.Records) > 0 {
		p.Oldest = oldest.Records[0].Updated
	}
	if p.Records, p.Exact, err = j.expected(ctx, req); err != nil {
		return p, err
	}
	if req.Filter.State != statedb.Succeeded && req.Filter.State != statedb.Completed {
		frequent, err := statedb.CountErrors(ctx, j.opts.Records, statedb.ErrorQuery{Query: req.Filter.Query()})
		if err != nil {
			return p, err
		}
		p.Errors = frequent.Groups[:min(len(frequent.Groups), sample)]
	}
	return p, nil
}

// expected is how many records a job will meet; when it is not exact there are at least so many.
func (j *Jobs) expected(ctx context.Context, req rerun.Request) (n int64, exact bool, err error) {
	n, exact, err = j.count(ctx, req.Filter)
	if limit := req.Limit; limit > 0 && n >= limit {
		return limit, true, err
	}
	return n, exact, err
}

func (j *Jobs) count(ctx context.Context, f rerun.Filter) (n int64, exact bool, err error) {
	if f.Workflow == "" && f.Since.IsZero() && f.Until.IsZero() && f.ErrorPrefix == "" && f.ItemPrefix == "" {
		counts, err := j.opts.Counts(ctx, f.CollectionsWorkflow)
		if err != nil {
			return 0, false, fmt.Errorf("counting the records: %w", err)
		}
		for _, c := range counts {
			if f.State == "" || c.State == f.State || f.State == statedb.Succeeded && c.State == statedb.Completed {
				n += c.Records
			}
		}
		return n, true, nil
	}
	for _, err := range statedb.All(ctx, j.opts.Records, f.Query()) {
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
