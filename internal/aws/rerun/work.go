package rerun

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path"
	"strconv"
	"time"

	"sundog/internal/bucket"
	"sundog/internal/queue"
	"sundog/internal/rerun"
	"sundog/internal/statedb"
)

// busyPause is how long a job waits that finds a lane full, or its object written by somebody else.
const busyPause = 100 * time.Millisecond

// Work takes steps of a job until it has ended or is paused, or until the time is over, and returns how far it is. An error leaves the job
// at its last step that was written: whoever calls again goes on there.
func (j *Jobs) Work(ctx context.Context, id string, until time.Duration) (rerun.Job, error) {
	over := j.opts.Now().Add(until)
	for {
		job, etag, err := j.read(ctx, id)
		if err != nil || job.State != rerun.Pending && job.State != rerun.Running {
			return job, err
		}
		left := over.Sub(j.opts.Now())
		if left <= 0 {
			return job, nil
		}
		pause, err := j.step(ctx, &job, etag)
		if err != nil {
			return job, err
		}
		if pause = min(pause, left); pause == 0 {
			continue
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return job, context.Cause(ctx)
		}
	}
}

// step works on the next records of a job, and returns how long to wait before the next one.
func (j *Jobs) step(ctx context.Context, job *rerun.Job, etag string) (pause time.Duration, err error) {
	size, wait := j.allow(job)
	if size == 0 {
		return wait, nil
	}
	page, err := j.opts.Records.Query(ctx, job.Query(size))
	if err != nil {
		return 0, fmt.Errorf("finding the records of job %s: %w", job.ID, err)
	}
	var drafts []queue.Draft
	step := rerun.Step{
		Inputs: rerun.Stored{Payloads: j.opts.Bucket, Layout: j.opts.Layout}, Redriver: j.opts.Redriver,
		Send: func(ctx context.Context, d queue.Draft) (err error) {
			if d.Body, err = j.opts.Fit(ctx, d.Body); err == nil {
				drafts = append(drafts, d)
			}
			return err
		},
	}
	before, firstFailure := job.Sent, job.Failed+1
	var failures []rerun.Failure
	for _, r := range page.Records {
		_, failure, err := j.again(ctx, &step, job, r)
		if err != nil {
			return 0, err
		}
		if failure != nil && job.Failed <= rerun.MaxFailures {
			failures = append(failures, *failure)
		}
	}
	if len(drafts) > 0 {
		if err := j.opts.Send(ctx, drafts); err != nil {
			return 0, fmt.Errorf("sending payloads of job %s again: %w", job.ID, err)
		}
	}
	if err := j.note(ctx, job.ID, firstFailure, failures); err != nil {
		return 0, err
	}
	j.took(job.Sent - before)
	job.Advance(page.Next)
	if err = j.write(ctx, job, etag); errors.Is(err, bucket.ErrPreconditionFailed) {
		return busyPause, nil // somebody has steered it, or works on it too: see what it is now
	}
	return 0, err
}

// allow is how many records the job may run again now, or how long to wait for the next.
func (j *Jobs) allow(job *rerun.Job) (int, time.Duration) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.pace.Allow(job.ID, job.Request.Rate, rerun.Batch)
}

func (j *Jobs) took(sent int64) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.pace.Took(sent)
}

// again runs one record again. While the lane of a redrive is full, it waits: there is nobody else who would.
func (j *Jobs) again(ctx context.Context, step *rerun.Step, job *rerun.Job, r statedb.Record) (sent bool, failure *rerun.Failure, err error) {
	for {
		attempt := *job
		sent, failure, err = step.Again(ctx, &attempt, r)
		if !errors.Is(err, rerun.ErrBusy) {
			*job = attempt
			return sent, failure, err
		}
		select {
		case <-time.After(busyPause):
		case <-ctx.Done():
			return false, nil, context.Cause(ctx)
		}
	}
}

func (j *Jobs) failureFolder(id string) string {
	return path.Join(j.opts.Layout.Root, "job-failures", id) + "/"
}

func (j *Jobs) failureKey(id string, number int64) string {
	return fmt.Sprintf("%s%08d.json", j.failureFolder(id), number)
}

// note stores what a step could not run again. A step that is taken again stores the same under the same key.
func (j *Jobs) note(ctx context.Context, id string, first int64, failures []rerun.Failure) error {
	if len(failures) == 0 {
		return nil
	}
	text, err := json.Marshal(failures)
	if err == nil {
		_, err = j.opts.Bucket.Put(ctx, j.failureKey(id, first), text, bucket.PutOptions{ContentType: "application/json"})
	}
	if err != nil {
		return fmt.Errorf("noting what job %s cannot run again: %w", id, err)
	}
	return nil
}

// Failures returns a page of what a job could not run again, in the order in which it came up; rerun.MaxFailures are kept.
func (j *Jobs) Failures(ctx context.Context, id, after string, limit int) ([]rerun.Failure, string, error) {
	job, _, err := j.read(ctx, id)
	if err != nil {
		return nil, "", err
	}
	var seen int64
	if after != "" {
		if seen, err = strconv.ParseInt(after, 10, 64); err != nil {
			return nil, "", fmt.Errorf("%w: %q", rerun.ErrInvalidToken, after)
		}
	}
	// An object holds those of one step: the one with the next number begins Batch numbers before it at most.
	objects, err := j.opts.Bucket.List(ctx, j.failureFolder(id), j.failureKey(id, max(0, seen-rerun.Batch)), limit+2)
	if err != nil {
		return nil, "", fmt.Errorf("listing what job %s could not run again: %w", id, err)
	}
	var page []rerun.Failure
	for _, o := range objects {
		found, first, err := j.failures(ctx, o.Key)
		if err != nil {
			return nil, "", fmt.Errorf("listing what job %s could not run again: %w", id, err)
		}
		for i, f := range found {
			number := first + int64(i)
			if number > job.Failed { // of a step that was not written
				return page, "", nil
			}
			if number <= seen {
				continue
			}
			if len(page) == limit {
				return page, strconv.FormatInt(seen, 10), nil
			}
			page, seen = append(page, f), number
		}
	}
	return page, "", nil
}

// failures reads those of one step and the number of the first.
func (j *Jobs) failures(ctx context.Context, key string) ([]rerun.Failure, int64, error) {
	var first int64
	if _, err := fmt.Sscanf(path.Base(key), "%d.json", &first); err != nil {
		return nil, 0, fmt.Errorf("the object %s is none of a job: %w", key, err)
	}
	text, _, err := j.opts.Bucket.Get(ctx, key)
	if err != nil {
		return nil, 0, err
	}
	var found []rerun.Failure
	if err := json.Unmarshal(text, &found); err != nil {
		return nil, 0, fmt.Errorf("reading %s: %w", key, err)
	}
	return found, first, nil
}
