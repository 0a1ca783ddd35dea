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
	pace := pace{now: j.opts.Now}
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
func (j *Jobs) work(ctx context.Context, pace *pace) (pause time.Duration, busy bool) {
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
func (j *Jobs) step(ctx context.Context, n uint64, pace *pace) (pause time.Duration, more bool, err error) {
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
	size, wait := pace.allow(n, job.Request.Rate, batch)
	if size == 0 {
		return wait, true, nil
	}
	if job.Request.Mode == rerun.FromFailed {
		size = 1 // so that a step that finds the lane full leaves nothing half done
	}
	if limit := job.Request.Limit; limit > 0 {
		size = int(min(int64(size), limit-job.Seen))
	}
	q := job.Request.Filter.Query()
	q.Limit, q.After = size, job.Cursor
	page, err := j.opts.Records.Query(ctx, q)
	if err != nil {
		return 0, false, fmt.Errorf("finding the records of job %s: %w", job.ID, err)
	}
	before := job.Sent
	tx := j.opts.Store.Begin()
	for _, r := range page.Records {
		err := j.again(ctx, tx, n, &job, r)
		if errors.Is(err, ErrBusy) {
			return backlogPause, true, nil
		}
		if err != nil {
			return 0, false, err
		}
	}
	pace.took(job.Sent - before)
	job.State, job.Cursor = rerun.Running, page.Next
	if page.Next == "" || job.Request.Limit > 0 && job.Seen >= job.Request.Limit {
		job.State, job.Cursor = rerun.Done, ""
	}
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
	job.Seen++
	if r.State().Open() {
		job.Skipped++
		return nil
	}
	reason, err := j.send(ctx, tx, job, r)
	switch {
	case err != nil:
		return err
	case reason == "":
		job.Sent++
		return j.auditTx(tx, job.Request.Actor, r.ID.String(), audit.Rerun, about(job))
	}
	if job.Failed++; job.Failed > rerun.MaxFailures {
		return nil
	}
	text, err := json.Marshal(rerun.Failure{PayloadID: r.ID.String(), Reason: reason})
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

// send lets a record run again. The reason is why it cannot; an error is for what may go by.
func (j *Jobs) send(ctx context.Context, tx *store.Tx, job *rerun.Job, r statedb.Record) (reason string, err error) {
	last := r.LastExecution()
	if last == "" {
		return "it never had an execution, so there is no input", nil
	}
	if job.Request.Mode == rerun.FromFailed {
		err := j.opts.Redriver.Redrive(ctx, last)
		if err != nil && j.opts.Redriver.NotRedrivable(err) {
			return err.Error(), nil
		}
		return "", err
	}
	stored, err := j.opts.Inputs.Input(ctx, r.ID, last)
	if errors.Is(err, ErrNoInput) {
		return err.Error(), nil
	}
	if err != nil {
		return "", fmt.Errorf("reading the input of %s: %w", r.ID, err)
	}
	input, err := rerun.Input(stored, job.Request.Patch)
	if err == nil {
		_, err = j.opts.Queue.SendTx(tx, domain.Draft{Body: input, Lane: job.Request.Lane})
	}
	if errors.Is(err, rerun.ErrUnusable) || errors.Is(err, domain.ErrTooLarge) || errors.Is(err, domain.ErrInvalidMessage) {
		return err.Error(), nil
	}
	return "", err
}

// stride is how long a job with a rate saves up, so that a step is worth its transaction.
const stride = 50 * time.Millisecond

// pace holds a job to its rate: it may send what the rate gives in a second at once, and then as the time goes by.
type pace struct {
	now    func() time.Time
	job    uint64
	tokens float64
	last   time.Time
}

// allow returns how many records a job may run again now, most at the most, or how long to wait for the next.
func (p *pace) allow(job uint64, rate float64, most int) (int, time.Duration) {
	if rate == 0 {
		return most, 0
	}
	now := p.now()
	if p.job != job {
		p.job, p.tokens, p.last = job, 0, now
	}
	p.tokens = min(p.tokens+rate*now.Sub(p.last).Seconds(), max(rate, 1))
	p.last = now
	if want := min(max(1, rate*stride.Seconds()), float64(most)); p.tokens < want {
		return 0, time.Duration((want-p.tokens)/rate*float64(time.Second)) + 1
	}
	return min(int(p.tokens), most), 0
}

func (p *pace) took(sent int64) { p.tokens -= float64(sent) }
