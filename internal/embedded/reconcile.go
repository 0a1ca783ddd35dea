package embedded

import (
	"context"
	"time"

	"sundog/internal/pipeline"
)

// reconcileEvery is how often records are looked for that nobody works on.
const reconcileEvery = 5 * time.Minute

// reconcile settles records that nobody works on until ctx ends.
func (p *Platform) reconcile(ctx context.Context) error {
	ticker := time.NewTicker(reconcileEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return nil
		}
		if _, err := p.Reconcile(ctx, pipeline.ReconcileRequest{}); err != nil && ctx.Err() == nil {
			p.logger.Error("could not look at all records that nobody works on", "error", err)
		}
	}
}

// Reconcile finds records that are CLAIMED or PROCESSING though nobody works on them, and settles them; see pipeline.Reconciler. The
// grace, where the request gives none, is long enough for a message of the process queue to come back twice.
func (p *Platform) Reconcile(ctx context.Context, req pipeline.ReconcileRequest) (pipeline.Report, error) {
	if req.Grace == 0 {
		req.Grace = max(pipeline.ReconcileGrace, 2*p.Project.Process.VisibilityTimeout)
	}
	return p.reconciler.Reconcile(ctx, req)
}
