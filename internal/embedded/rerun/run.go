package rerun

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"sundog/internal/audit"
	"sundog/internal/embedded/store"
	domain "sundog/internal/queue"
	"sundog/internal/rerun"
	"sundog/internal/statedb"
)

// Pauses of the worker.
const (
	backlogPause = 100 * time.Millisecond // while many messages wait
	errorPause   = time.Second            // after something went wrong that may go by
)

// Run works on jobs until ctx ends.
func (j *Jobs) Run(ctx context.Context) error {
	pace := rerun.Pace{Now: j.opts.Now}
	for {
		pause, busy := j.work(ctx, &pace)
		if busy && pause == 0 && ctx.Err() == nil {
			continue
		}
		var timer <-chan time.Time // never, when there is nothing to do
		if busy {
			timer = time.After(pause)
		}
		select {
		case <-timer:
		case <-j.wake:
		case <-ctx.Done():
			return nil
		}
	}
}

// work takes one step of the first job that is not paused. It returns whether there is one, and how long to wait before the next step.
func (j *Jobs) work(ctx context.Context, pace *rerun.Pace) (pause time.Duration, busy bool) {
	j.mu.Lock()
	active := slices.Clone(j.active)
	j.mu.Unlock()
	for _, n := range active {
		pause, more, err := j.step(ctx, n, pace)
		switch {
		case ctx.Err() != nil:
			return 0, true
		case err != nil:
			j.opts.Logger.Error("a step of a job failed; it is taken again", "job", idOf(n), "error", err)
			return errorPause, true
		case more:
			return pause, true
		}
	}
	return 0, false
}

// step works on the next records of a job. More is false when the job has ended or is paused.
func (j *Jobs) step(ctx context.Context, n uint64, pace *rerun.Pace) (pause time.Duration, more bool, err error) {
	unlock, err := j.locks.Lock(ctx, idOf(n))
	if err != nil {
		return 0, false, err
	}
	defer unlock()
	_, job, err := j.read(idOf(n))
	if err != nil {
		return 0, false, err
	}
	if job.State != rerun.Pending && job.State != rerun.Running {
		return 0, false, nil
	}
	if job.Request.Mode == rerun.FromStart && j.waiting(job.Request.Lane) >= j.opts.Backlog {
		return backlogPause, true, nil
	}
	size, wait := pace.Allow(job.ID, job.Request.Rate, rerun.Batch)
	if size == 0 {
		return wait, true, nil
	}
	if job.Request.Mode == rerun.FromFailed {
		size = 1 // so that a step that finds the lane full leaves nothing half done
	}
	page, err := j.opts.Records.Query(ctx, job.Query(size))
	if err != nil {
		return 0, false, fmt.Errorf("finding the records of job %s: %w", job.ID, err)
	}
	before := job.Sent
	tx := j.opts.Store.Begin()
	for _, r := range page.Records {
		err := j.again(ctx, tx, n, &job, r)
		if errors.Is(err, rerun.ErrBusy) {
			return backlogPause, true, nil
		}
		if err != nil {
			return 0, false, err
		}
	}
	pace.Took(job.Sent - before)
	job.Advance(page.Next)
	if err := j.writeTx(tx, n, &job); err != nil {
		return 0, false, err
	}
	if err := tx.Commit(ctx); err != nil {
		return 0, false, fmt.Errorf("writing a step of job %s: %w", job.ID, err)
	}
	if job.State.Ended() {
		j.ended(n)
	}
	return 0, !job.State.Ended(), nil
}

// waiting is how many messages wait in a lane, the first when it has no name.
func (j *Jobs) waiting(lane string) int64 {
	for _, l := range j.opts.Queue.Depth().Lanes {
		if lane == "" || l.Name == lane {
			return l.Ready + l.Delayed
		}
	}
	return 0
}

// again runs one record again, with the transaction of a step, and counts it.
func (j *Jobs) again(ctx context.Context, tx *store.Tx, n uint64, job *rerun.Job, r statedb.Record) error {
	step := rerun.Step{Inputs: j.opts.Inputs, Redriver: j.opts.Redriver, Send: func(_ context.Context, d domain.Draft) error {
		_, err := j.opts.Queue.SendTx(tx, d)
		return err
	}}
	sent, failure, err := step.Again(ctx, job, r)
	switch {
	case err != nil:
		return err
	case sent:
		return j.auditTx(tx, job.Request.Actor, r.ID.String(), audit.Rerun, about(job))
	case failure == nil || job.Failed > rerun.MaxFailures:
		return nil
	}
	text, err := json.Marshal(failure)
	if err != nil {
		return fmt.Errorf("noting why %s cannot be run again: %w", r.ID, err)
	}
	tx.Set(failureKey(n).Uint(uint64(job.Failed)), text)
	return nil
}

// about is the reason of what a job does.
func about(job *rerun.Job) string {
	if job.Request.Reason == "" {
		return "job " + job.ID
	}
	return "job " + job.ID + ": " + job.Request.Reason
}
