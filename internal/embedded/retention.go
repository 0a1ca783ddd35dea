package embedded

import (
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"

	"sundog/internal/audit"
	"sundog/internal/embedded/engine"
	"sundog/internal/statedb"
	"sundog/payload"
)

// sweepEvery is how often what has been kept long enough is removed.
const sweepEvery = time.Hour

// Swept counts what a sweep has removed.
type Swept struct {
	Records, Executions, Temporary, Logs, Audit int
}

// sweep sweeps until ctx ends.
func (p *Platform) sweep(ctx context.Context) error {
	ticker := time.NewTicker(sweepEvery)
	defer ticker.Stop()
	for {
		swept, err := p.Sweep(ctx)
		if err != nil && ctx.Err() == nil {
			p.logger.Error("could not remove all that has been kept long enough", "error", err)
		}
		if swept != (Swept{}) {
			p.logger.Info("removed what has been kept long enough", "records", swept.Records, "executions", swept.Executions,
				"temporary_payloads", swept.Temporary, "logs", swept.Logs, "audit_entries", swept.Audit)
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return nil
		}
	}
}

// Sweep removes what has been kept for as long as the project says, in bounded steps. An error with one kind of things does not keep the
// others; to sweep again goes on where it stopped.
func (p *Platform) Sweep(ctx context.Context) (Swept, error) {
	var swept Swept
	var errs []error
	now, keep := p.opts.Now(), p.Project.Retention
	try := func(n *int, what string, remove func() (int, error)) {
		removed, err := remove()
		*n += removed
		if err != nil {
			errs = append(errs, fmt.Errorf("removing %s: %w", what, err))
		}
	}
	try(&swept.Records, "records", func() (int, error) { return p.expireRecords(ctx, now) })
	try(&swept.Executions, "executions", func() (int, error) {
		return p.Engine.Expire(ctx, func(workflow string) time.Time { return now.Add(-keep.Execution(workflow)) })
	})
	try(&swept.Temporary, "temporary payloads", func() (int, error) {
		return p.Payloads.Expire(ctx, p.Layout.Temporary()+"/", now.Add(-keep.Temporary))
	})
	try(&swept.Temporary, "exchanged payloads", func() (int, error) { return p.exchange.Expire(ctx, "", now.Add(-keep.Temporary)) })
	try(&swept.Logs, "logs", func() (int, error) { return p.Logs.Expire(ctx, now.Add(-keep.Logs)) })
	try(new(int), "events", func() (int, error) { return 0, p.Feed.Expire(ctx) })
	try(&swept.Audit, "entries of the audit log", func() (int, error) { return p.Audit.Expire(ctx, now.Add(-keep.Audit)) })
	return swept, errors.Join(errs...)
}

// expireRecords removes the records that have been kept long enough since they last changed.
func (p *Platform) expireRecords(ctx context.Context, now time.Time) (int, error) {
	counts, err := p.Records.WorkflowCounts(ctx, "")
	if err != nil {
		return 0, err
	}
	removed := 0
	for _, c := range counts {
		keep := p.Project.Retention.Record(c.Workflow, string(c.State.Current()))
		if keep == 0 || c.State.Open() || !c.State.Known() {
			continue
		}
		n, err := p.removeAll(ctx, statedb.Query{
			Workflow: c.Workflow, State: c.State, Until: now.Add(-keep), Ascending: true, Limit: statedb.MaxLimit,
		})
		if removed += n; err != nil {
			return removed, err
		}
	}
	return removed, nil
}

// removing is how many records are removed at one time, so that they share the commits.
const removing = 32

// removeAll removes the records of a query, a page at a time.
func (p *Platform) removeAll(ctx context.Context, q statedb.Query) (int, error) {
	removed := 0
	for {
		page, err := p.Records.Query(ctx, q)
		if err != nil {
			return removed, err
		}
		gone := make([]bool, len(page.Records))
		g, groupCtx := errgroup.WithContext(ctx)
		g.SetLimit(removing)
		for i, r := range page.Records {
			g.Go(func() error {
				err := p.remove(groupCtx, r, nil)
				gone[i] = err == nil
				if errors.Is(err, statedb.ErrChanged) || errors.Is(err, statedb.ErrNotFound) {
					return nil // somebody needs it again
				}
				return err
			})
		}
		err = g.Wait()
		for _, is := range gone {
			if is {
				removed++
			}
		}
		if err != nil || page.Next == "" {
			return removed, err
		}
		q.After = page.Next
	}
}

// remove removes a record if it is as it was read, with its stored payloads, and then its executions. What a crash leaves of those goes
// when its own time has come.
func (p *Platform) remove(ctx context.Context, r statedb.Record, entries []audit.Entry) error {
	effects := statedb.Effects{Audit: entries, Remove: r.Stored(p.Layout)}
	if err := p.Records.Replace(ctx, r, nil, effects); err != nil {
		return err
	}
	for _, arn := range r.Executions {
		err := p.Engine.Delete(ctx, arn)
		if err != nil && !errors.Is(err, engine.ErrNotFound) && !errors.Is(err, engine.ErrRunning) {
			return err
		}
	}
	return nil
}

// DeleteRecord removes a record with its stored payloads and ended executions, and says so in the audit log. Errors wrap audit.ErrNoReason,
// statedb.ErrHeld, statedb.ErrNotFound, or statedb.ErrChanged when somebody else was faster.
func (p *Platform) DeleteRecord(ctx context.Context, id payload.ID, d statedb.Deletion) error {
	r, err := p.Records.Get(ctx, id)
	if err != nil {
		return fmt.Errorf("deleting a record: %w", err)
	}
	if err := d.Check(&r); err != nil {
		return fmt.Errorf("deleting %s: %w", id, err)
	}
	entry := audit.Entry{At: p.opts.Now(), Kind: audit.Delete, Actor: d.Actor, Subject: id.String(), Reason: d.Reason}
	if err := p.remove(ctx, r, []audit.Entry{entry}); err != nil {
		return fmt.Errorf("deleting %s: %w", id, err)
	}
	return nil
}
