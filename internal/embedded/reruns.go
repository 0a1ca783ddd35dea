package embedded

import (
	"context"
	"errors"
	"fmt"
	"time"

	"sundog/internal/embedded/engine"
	jobs "sundog/internal/embedded/rerun"
	"sundog/internal/rerun"
)

// openReruns opens the jobs that run payloads again.
func (p *Platform) openReruns() (err error) {
	p.Reruns, err = jobs.Open(jobs.Options{
		Store: p.Store, Records: p.Records, Counts: p.Records.Counts, Queue: p.Process, Inputs: rerun.Stored{Payloads: p.Payloads, Layout: p.Layout}, Redriver: redriver{p}, Audit: p.Audit,
		Logger: p.logger, Now: p.opts.Now,
	})
	return err
}

// redriver redrives executions in the places of their lanes.
type redriver struct{ p *Platform }

// placeWait is how long a redrive waits for a place in its lane, before it says that the lane is full.
const placeWait = 100 * time.Millisecond

// Redrive implements rerun.Redriver.
func (r redriver) Redrive(ctx context.Context, execution string) error {
	if !r.p.Engine.Owns(execution) {
		return fmt.Errorf("%w: %s ran elsewhere: run it from the start", engine.ErrNotFound, execution)
	}
	d, err := r.p.Engine.Look(ctx, execution)
	if err != nil {
		return err
	}
	waiting, cancel := context.WithTimeout(ctx, placeWait)
	defer cancel()
	release, err := r.p.process.Reserve(waiting, d.Lane)
	if err != nil {
		if ctx.Err() == nil {
			err = rerun.ErrBusy
		}
		return fmt.Errorf("redriving %s in lane %s: %w", execution, d.Lane, err)
	}
	defer release()
	_, err = r.p.Engine.Redrive(ctx, execution, "")
	return err
}

// NotRedrivable implements rerun.Redriver.
func (redriver) NotRedrivable(err error) bool {
	return errors.Is(err, engine.ErrNotRedrivable) || errors.Is(err, engine.ErrNotFound)
}
