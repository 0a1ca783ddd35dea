package rerun

import (
	"context"

	"sundog/internal/rerun"
)

// Preview says what a job would do; see rerun.Look.
func (j *Jobs) Preview(ctx context.Context, req rerun.Request) (rerun.Preview, error) {
	if err := j.check(&req); err != nil {
		return rerun.Preview{}, err
	}
	return rerun.Look(ctx, j.opts.Records, j.opts.Counts, req)
}
