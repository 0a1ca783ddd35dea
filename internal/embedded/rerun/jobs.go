// Package rerun carries out jobs that run payloads again in bulk.
//
// # Promises
//
//   - A job survives a restart: the place at which it goes on is written with the messages that it sends, so every record that it meets is sent
//     once, or listed.
//   - A job never exceeds the limits of the lanes: it puts payloads into the process queue, and redrives executions in the places that their
//     lanes have. It stops while many payloads wait in the queue, so that pausing and cancelling act soon.
//   - Records that are being worked on are left alone.
//   - Jobs run one after the other, in the order in which they were made.
package rerun

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"sync"
	"time"

	"sundog/internal/audit"
	embeddedaudit "sundog/internal/embedded/audit"
	"sundog/internal/embedded/queue"
	"sundog/internal/embedded/store"
	"sundog/internal/rerun"
	"sundog/internal/statedb"
)

// Options of the jobs of a platform.
type Options struct {
	Store   *store.Store
	Records statedb.Querier
	// Counts returns how many records there are of a `collections_workflow`, or of all, by state.
	Counts   func(ctx context.Context, partition string) ([]statedb.Count, error)
	Queue    *queue.Queue // of process
	Inputs   rerun.Inputs
	Redriver rerun.Redriver
	Audit    *embeddedaudit.Log
	Logger   *slog.Logger
	Now      func() time.Time // time.Now when nil
	// Backlog is how many messages may wait in the lane of a job before the job waits too; 1,000 when zero.
	Backlog int64
}

// Jobs are the jobs of a platform. They are safe for concurrent use.
type Jobs struct {
	opts  Options
	locks store.Locks // by id, held from reading a job to its commit
	wake  chan struct{}

	mu     sync.Mutex
	active []uint64 // jobs that have not ended, in their order
	last   uint64
}

// Open finds the jobs that have not ended.
func Open(opts Options) (*Jobs, error) {
	if opts.Now == nil {
		opts.Now = time.Now
	}
	if opts.Logger == nil {
		opts.Logger = slog.New(slog.DiscardHandler)
	}
	opts.Backlog = cmp.Or(opts.Backlog, 1000)
	j := &Jobs{opts: opts, wake: make(chan struct{}, 1)}
	for entry, err := range opts.Store.Scan(store.NewKey(store.PrefixJob).Range()) {
		if err != nil {
			return nil, fmt.Errorf("opening jobs: %w", err)
		}
		n, job, err := decode(entry)
		if err != nil {
			return nil, fmt.Errorf("opening jobs: %w", err)
		}
		if j.last = n; !job.State.Ended() {
			j.active = append(j.active, n)
		}
	}
	return j, nil
}

func key(n uint64) store.Key { return store.NewKey(store.PrefixJob).Uint(n) }

func failureKey(n uint64) store.Key { return store.NewKey(store.PrefixJobFailure).Uint(n) }

func decode(entry store.Entry) (uint64, rerun.Job, error) {
	f := store.Split(entry.Key)
	n := f.Uint()
	var job rerun.Job
	return n, job, errors.Join(f.Err(), json.Unmarshal(entry.Value, &job))
}

// idOf is the id of the job with a number.
func idOf(n uint64) string { return strconv.FormatUint(n, 36) }

func (j *Jobs) read(id string) (uint64, rerun.Job, error) {
	n, err := strconv.ParseUint(id, 36, 64)
	if err != nil {
		return 0, rerun.Job{}, fmt.Errorf("%w: %q", rerun.ErrNotFound, id)
	}
	text, err := j.opts.Store.Get(key(n))
	if errors.Is(err, store.ErrNotFound) {
		return n, rerun.Job{}, fmt.Errorf("%w: %q", rerun.ErrNotFound, id)
	}
	var job rerun.Job
	if err == nil {
		err = json.Unmarshal(text, &job)
	}
	if err != nil {
		return n, job, fmt.Errorf("reading job %s: %w", id, err)
	}
	return n, job, nil
}

func (j *Jobs) writeTx(tx *store.Tx, n uint64, job *rerun.Job) error {
	job.Updated = j.opts.Now().UTC()
	text, err := json.Marshal(job)
	if err != nil {
		return fmt.Errorf("writing job %s: %w", job.ID, err)
	}
	tx.Set(key(n), text)
	return nil
}

// Create makes a job. Errors wrap rerun.ErrInvalid when the request is at fault, or queue.ErrUnknownLane.
func (j *Jobs) Create(ctx context.Context, req rerun.Request) (rerun.Job, error) {
	if err := j.check(&req); err != nil {
		return rerun.Job{}, err
	}
	now := j.opts.Now()
	n := j.next(now)
	job, err := rerun.NewJob(ctx, idOf(n), req, now, j.opts.Records, j.opts.Counts)
	if err != nil {
		return rerun.Job{}, err
	}
	tx := j.opts.Store.Begin()
	if err := errors.Join(j.writeTx(tx, n, &job), j.auditTx(tx, req.Actor, "job "+job.ID, audit.Job, "made: "+req.Reason)); err != nil {
		return job, err
	}
	tx.OnCommit(func() {
		j.mu.Lock()
		defer j.mu.Unlock()
		j.active = append(j.active, n)
		slices.Sort(j.active)
	})
	if err := tx.Commit(ctx); err != nil {
		return job, fmt.Errorf("making a job: %w", err)
	}
	j.poke()
	return job, nil
}

// next is a number for a job: about the time, and growing.
func (j *Jobs) next(now time.Time) uint64 {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.last = max(j.last+1, uint64(now.UnixMicro()))
	return j.last
}

func (j *Jobs) check(req *rerun.Request) error {
	if err := req.Check(); err != nil {
		return err
	}
	if req.Lane == "" {
		return nil
	}
	for _, l := range j.opts.Queue.Depth().Lanes {
		if l.Name == req.Lane {
			return nil
		}
	}
	return fmt.Errorf("%w: there is no lane %q", rerun.ErrInvalid, req.Lane)
}

func (j *Jobs) auditTx(tx *store.Tx, actor, subject string, kind audit.Kind, reason string) error {
	return j.opts.Audit.AppendTx(tx, audit.Entry{
		At: j.opts.Now(), Kind: kind, Actor: cmp.Or(actor, "unknown"), Subject: subject, Reason: reason[:min(len(reason), audit.MaxReason)],
	})
}

// Get returns a job.
func (j *Jobs) Get(_ context.Context, id string) (rerun.Job, error) {
	_, job, err := j.read(id)
	return job, err
}

// List returns a page of the jobs, the latest first, and the token of the next page, empty after the last.
func (j *Jobs) List(_ context.Context, after string, limit int) ([]rerun.Job, string, error) {
	r := store.NewKey(store.PrefixJob).Range()
	r.Reverse = true
	if after != "" {
		n, err := strconv.ParseUint(after, 36, 64)
		if err != nil {
			return nil, "", fmt.Errorf("%w: %q", rerun.ErrInvalidToken, after)
		}
		r.High = key(n)
	}
	var page []rerun.Job
	for entry, err := range j.opts.Store.Scan(r) {
		if err != nil {
			return nil, "", fmt.Errorf("listing jobs: %w", err)
		}
		if len(page) == limit {
			return page, page[limit-1].ID, nil
		}
		_, job, err := decode(entry)
		if err != nil {
			return nil, "", fmt.Errorf("listing jobs: %w", err)
		}
		page = append(page, job)
	}
	return page, "", nil
}

// Failures returns a page of what a job could not run again, in the order in which it came up; rerun.MaxFailures are kept.
func (j *Jobs) Failures(_ context.Context, id, after string, limit int) ([]rerun.Failure, string, error) {
	n, _, err := j.read(id)
	if err != nil {
		return nil, "", err
	}
	r := failureKey(n).Range()
	if after != "" {
		place, err := strconv.ParseUint(after, 10, 64)
		if err != nil {
			return nil, "", fmt.Errorf("%w: %q", rerun.ErrInvalidToken, after)
		}
		r.Low = failureKey(n).Uint(place).End()
	}
	var page []rerun.Failure
	var last uint64
	for entry, err := range j.opts.Store.Scan(r) {
		if err != nil {
			return nil, "", fmt.Errorf("listing what could not be run again: %w", err)
		}
		if len(page) == limit {
			return page, strconv.FormatUint(last, 10), nil
		}
		f := store.Split(entry.Key)
		f.Uint()
		last = f.Uint()
		var failure rerun.Failure
		if err := errors.Join(f.Err(), json.Unmarshal(entry.Value, &failure)); err != nil {
			return nil, "", fmt.Errorf("listing what could not be run again: %w", err)
		}
		page = append(page, failure)
	}
	return page, "", nil
}

// Pause stops a job until it is resumed.
func (j *Jobs) Pause(ctx context.Context, id, actor string) (rerun.Job, error) {
	return j.set(ctx, id, actor, rerun.Paused, rerun.Pending, rerun.Running)
}

// Resume lets a paused job go on.
func (j *Jobs) Resume(ctx context.Context, id, actor string) (rerun.Job, error) {
	return j.set(ctx, id, actor, rerun.Pending, rerun.Paused)
}

// Cancel ends a job. What it has sent runs.
func (j *Jobs) Cancel(ctx context.Context, id, actor string) (rerun.Job, error) {
	return j.set(ctx, id, actor, rerun.Cancelled, rerun.Pending, rerun.Running, rerun.Paused)
}

func (j *Jobs) set(ctx context.Context, id, actor string, to rerun.State, from ...rerun.State) (rerun.Job, error) {
	unlock, err := j.locks.Lock(ctx, id)
	if err != nil {
		return rerun.Job{}, err
	}
	defer unlock()
	n, job, err := j.read(id)
	if err != nil {
		return job, err
	}
	if changed, err := job.Steer(to, from...); err != nil || !changed {
		return job, err
	}
	tx := j.opts.Store.Begin()
	if err := errors.Join(j.writeTx(tx, n, &job), j.auditTx(tx, actor, "job "+id, audit.Job, string(to))); err != nil {
		return job, err
	}
	if err := tx.Commit(ctx); err != nil {
		return job, fmt.Errorf("changing job %s: %w", id, err)
	}
	if to.Ended() {
		j.ended(n)
	}
	j.poke()
	return job, nil
}

func (j *Jobs) ended(n uint64) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.active = slices.DeleteFunc(j.active, func(other uint64) bool { return other == n })
}

func (j *Jobs) poke() {
	select {
	case j.wake <- struct{}{}:
	default:
	}
}
