// Package rerun keeps jobs that run payloads again in bulk as objects in the payload bucket, and carries them out for whoever waits for them.
//
//	<root>/jobs/<id>.json                         the job and its place, changed by compare-and-swap
//	<root>/job-failures/<id>/<number>.json        what one step could not run again; the number is that of its first
//
// # Promises
//
//   - Nobody works on a job but who asks for it (Work); it may be cut off anywhere, and goes on where its last step was written.
//   - A step sends first and is written then. So a crash, or two who work on one job, may send payloads of one step twice; process runs them
//     once.
//   - Records that are being worked on are left alone.
//   - A list of jobs costs a read for each job that it shows.
package rerun

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"path"
	"strconv"
	"strings"
	"sync"
	"time"

	"sundog/internal/bucket"
	"sundog/internal/queue"
	"sundog/internal/rerun"
	"sundog/internal/statedb"
	"sundog/payload"
)

// Bucket is the payload bucket.
type Bucket interface {
	Get(ctx context.Context, key string) (body []byte, etag string, err error)
	Put(ctx context.Context, key string, body []byte, opts bucket.PutOptions) (etag string, err error)
	List(ctx context.Context, prefix, after string, limit int) ([]bucket.Object, error)
}

// Options of the jobs of a deployment.
type Options struct {
	Bucket  Bucket
	Layout  payload.Layout
	Records statedb.Querier
	Counts  rerun.Counts
	// Fit returns what stands for a payload in the process queue: the payload or, when that is too long for it, a reference to where it was stored.
	Fit func(ctx context.Context, body []byte) ([]byte, error)
	// Send sends payloads to the process queue, any number; all of them or an error.
	Send func(ctx context.Context, drafts []queue.Draft) error
	// CheckLane returns an error for a lane that the process queue has not.
	CheckLane func(lane string) error
	Redriver  rerun.Redriver
	Logger    *slog.Logger
	Now       func() time.Time // time.Now when nil
}

// Jobs are the jobs of a deployment. They are safe for concurrent use.
type Jobs struct {
	opts Options

	mu   sync.Mutex
	pace rerun.Pace // of the job that was worked on last
}

// New makes jobs. It asks nothing of the bucket.
func New(opts Options) *Jobs {
	if opts.Now == nil {
		opts.Now = time.Now
	}
	if opts.Logger == nil {
		opts.Logger = slog.New(slog.DiscardHandler)
	}
	return &Jobs{opts: opts, pace: rerun.Pace{Now: opts.Now}}
}

// idLength is the number of digits of an id, in base 36.
const idLength = 11

// idOf makes the id of a job that is made at a time. Later ones have smaller ids, so that a listing begins with the latest.
func idOf(at time.Time) string {
	text := strconv.FormatUint(uint64(math.MaxInt64>>9-at.UnixMicro()), 36)
	return strings.Repeat("0", max(0, idLength-len(text))) + text
}

func (j *Jobs) folder() string { return path.Join(j.opts.Layout.Root, "jobs") + "/" }

func (j *Jobs) key(id string) string { return j.folder() + id + ".json" }

// read reads a job and the ETag of its object.
func (j *Jobs) read(ctx context.Context, id string) (rerun.Job, string, error) {
	var job rerun.Job
	if id == "" || strings.Trim(id, "0123456789abcdefghijklmnopqrstuvwxyz") != "" {
		return job, "", fmt.Errorf("%w: %q", rerun.ErrNotFound, id)
	}
	text, etag, err := j.opts.Bucket.Get(ctx, j.key(id))
	if errors.Is(err, bucket.ErrNotFound) {
		return job, "", fmt.Errorf("%w: %q", rerun.ErrNotFound, id)
	}
	if err == nil {
		err = json.Unmarshal(text, &job)
	}
	if err != nil {
		return job, "", fmt.Errorf("reading job %s: %w", id, err)
	}
	return job, etag, nil
}

// write writes a job over the object that it was read from; an ETag that is empty says that there is none.
func (j *Jobs) write(ctx context.Context, job *rerun.Job, etag string) error {
	job.Updated = j.opts.Now().UTC()
	text, err := json.Marshal(job)
	if err == nil {
		_, err = j.opts.Bucket.Put(ctx, j.key(job.ID), text, bucket.PutOptions{ContentType: "application/json", IfMatch: etag, IfNoneMatch: etag == ""})
	}
	if err != nil {
		return fmt.Errorf("writing job %s: %w", job.ID, err)
	}
	return nil
}

// Create makes a job, which waits for Work. Errors wrap rerun.ErrInvalid when the request is at fault.
func (j *Jobs) Create(ctx context.Context, req rerun.Request) (rerun.Job, error) {
	if err := j.check(&req); err != nil {
		return rerun.Job{}, err
	}
	for now := j.opts.Now(); ; now = now.Add(time.Microsecond) {
		job, err := rerun.NewJob(ctx, idOf(now), req, now, j.opts.Records, j.opts.Counts)
		if err != nil {
			return rerun.Job{}, err
		}
		err = j.write(ctx, &job, "")
		if errors.Is(err, bucket.ErrPreconditionFailed) {
			continue // of the same microsecond
		}
		return job, err
	}
}

func (j *Jobs) check(req *rerun.Request) error {
	if err := req.Check(); err != nil {
		return err
	}
	if err := j.opts.CheckLane(req.Lane); err != nil {
		return fmt.Errorf("%w: %w", rerun.ErrInvalid, err)
	}
	return nil
}

// Preview says what a job would do; see rerun.Look.
func (j *Jobs) Preview(ctx context.Context, req rerun.Request) (rerun.Preview, error) {
	if err := j.check(&req); err != nil {
		return rerun.Preview{}, err
	}
	return rerun.Look(ctx, j.opts.Records, j.opts.Counts, req)
}

// Get returns a job.
func (j *Jobs) Get(ctx context.Context, id string) (rerun.Job, error) {
	job, _, err := j.read(ctx, id)
	return job, err
}

// List returns a page of the jobs, the latest first, and the token of the next page, empty after the last.
func (j *Jobs) List(ctx context.Context, after string, limit int) ([]rerun.Job, string, error) {
	if after != "" {
		after = j.key(after)
	}
	objects, err := j.opts.Bucket.List(ctx, j.folder(), after, limit)
	if err != nil {
		return nil, "", fmt.Errorf("listing jobs: %w", err)
	}
	page := make([]rerun.Job, 0, len(objects))
	for _, o := range objects {
		job, _, err := j.read(ctx, strings.TrimSuffix(path.Base(o.Key), ".json"))
		if err != nil {
			return nil, "", fmt.Errorf("listing jobs: %w", err)
		}
		page = append(page, job)
	}
	if len(page) < limit {
		return page, "", nil
	}
	return page, page[limit-1].ID, nil
}

// Pause stops a job until it is resumed. A step that is under way is sent to its end.
func (j *Jobs) Pause(ctx context.Context, id, _ string) (rerun.Job, error) {
	return j.set(ctx, id, rerun.Paused, rerun.Pending, rerun.Running)
}

// Resume lets a paused job go on, when somebody works on it.
func (j *Jobs) Resume(ctx context.Context, id, _ string) (rerun.Job, error) {
	return j.set(ctx, id, rerun.Pending, rerun.Paused, rerun.Running)
}

// Cancel ends a job. What it has sent runs.
func (j *Jobs) Cancel(ctx context.Context, id, _ string) (rerun.Job, error) {
	return j.set(ctx, id, rerun.Cancelled, rerun.Pending, rerun.Running, rerun.Paused)
}

// set changes the state of a job, however often somebody else writes it meanwhile.
func (j *Jobs) set(ctx context.Context, id string, to rerun.State, from ...rerun.State) (rerun.Job, error) {
	for {
		job, etag, err := j.read(ctx, id)
		if err != nil {
			return job, err
		}
		if changed, err := job.Steer(to, from...); err != nil || !changed {
			return job, err
		}
		err = j.write(ctx, &job, etag)
		if errors.Is(err, bucket.ErrPreconditionFailed) {
			continue
		}
		return job, err
	}
}
