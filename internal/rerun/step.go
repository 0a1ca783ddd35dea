package rerun

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"sundog/internal/queue"
	"sundog/internal/statedb"
	"sundog/payload"
)

// Batch is how many records one step of a job works on at most.
const Batch = 100

// Errors of what a step calls.
var (
	// ErrNoInput: there is no stored input any more. It is for Inputs; such a record is listed as one that could not be run again.
	ErrNoInput = errors.New("there is no stored input")
	// ErrBusy: a lane is full. It is for redrivers; jobs try again.
	ErrBusy = errors.New("the lane is full")
)

// Inputs are the stored inputs of executions.
type Inputs interface {
	// Input returns the input of an execution of a payload. ErrNoInput: it is gone for good.
	Input(ctx context.Context, id payload.ID, execution string) ([]byte, error)
}

// Redriver lets executions go on.
type Redriver interface {
	// Redrive lets an execution that did not succeed go on. It returns ErrBusy while its lane is full. NotRedrivable says of an error
	// that it is for good.
	Redrive(ctx context.Context, execution string) error
	NotRedrivable(err error) bool
}

// Step is what a step of a job does with its records.
type Step struct {
	Inputs   Inputs
	Redriver Redriver
	// Send puts a payload into the process queue, or to what the step will have sent when it is written.
	Send func(ctx context.Context, d queue.Draft) error
}

// Again runs one record again and counts it. Sent is whether it runs; a failure says why it does not, unless an execution holds it. After
// an error, which is one that may go by or ErrBusy, the job is to be forgotten: the step is taken again.
func (s *Step) Again(ctx context.Context, job *Job, r statedb.Record) (sent bool, failure *Failure, err error) {
	job.Seen++
	if r.State().Open() {
		job.Skipped++
		return false, nil, nil
	}
	reason, err := s.send(ctx, job, r)
	switch {
	case err != nil:
		return false, nil, err
	case reason == "":
		job.Sent++
		return true, nil, nil
	}
	job.Failed++
	return false, &Failure{PayloadID: r.ID.String(), Reason: reason}, nil
}

// send lets a record run again. The reason is why it cannot; an error is for what may go by.
func (s *Step) send(ctx context.Context, job *Job, r statedb.Record) (reason string, err error) {
	last := r.LastExecution()
	if last == "" {
		return "it never had an execution, so there is no input", nil
	}
	if job.Request.Mode == FromFailed {
		err := s.Redriver.Redrive(ctx, last)
		if err != nil && s.Redriver.NotRedrivable(err) {
			return err.Error(), nil
		}
		return "", err
	}
	stored, err := s.Inputs.Input(ctx, r.ID, last)
	if errors.Is(err, ErrNoInput) {
		return err.Error(), nil
	}
	if err != nil {
		return "", fmt.Errorf("reading the input of %s: %w", r.ID, err)
	}
	input, err := Input(stored, job.Request.Patch)
	if err == nil {
		err = s.Send(ctx, queue.Draft{Body: input, Lane: job.Request.Lane})
	}
	if errors.Is(err, ErrUnusable) || errors.Is(err, queue.ErrTooLarge) || errors.Is(err, queue.ErrInvalidMessage) {
		return err.Error(), nil
	}
	return "", err
}

// NewJob makes a job that waits to be worked on. It has to be stored.
func NewJob(ctx context.Context, id string, req Request, now time.Time, records statedb.Querier, counts Counts) (Job, error) {
	expected, exact, err := Expected(ctx, records, counts, req)
	if err != nil {
		return Job{}, err
	}
	now = now.UTC()
	if req.Filter.Until.IsZero() || req.Filter.Until.After(now) {
		req.Filter.Until = now // what runs again because of the job is not met again
	}
	return Job{ID: id, Request: req, State: Pending, Created: now, Expected: expected, Exact: exact}, nil
}

// Query asks for the records of the next step, size at most.
func (j *Job) Query(size int) statedb.Query {
	if limit := j.Request.Limit; limit > 0 {
		size = int(min(int64(size), limit-j.Seen))
	}
	q := j.Request.Filter.Query()
	q.Limit, q.After = size, j.Cursor
	return q
}

// Advance moves the place of the job behind a page, whose next token that is.
func (j *Job) Advance(next string) {
	j.State, j.Cursor = Running, next
	if next == "" || j.Request.Limit > 0 && j.Seen >= j.Request.Limit {
		j.State, j.Cursor = Done, ""
	}
}

// Steer takes the job to a state, which is possible from some others, and returns whether that changes it. The error wraps ErrConflict.
func (j *Job) Steer(to State, from ...State) (bool, error) {
	if j.State == to {
		return false, nil
	}
	if !slices.Contains(from, j.State) {
		return false, fmt.Errorf("%w: job %s is %s", ErrConflict, j.ID, j.State)
	}
	j.State = to
	return true, nil
}

// stride is how long a job with a rate saves up, so that a step is worth its transaction.
const stride = 50 * time.Millisecond

// Pace holds a job to its rate: it may send what the rate gives in a second at once, and then as the time goes by. It is for one job after
// the other, and not safe for concurrent use.
type Pace struct {
	Now    func() time.Time
	job    string
	tokens float64
	last   time.Time
}

// Allow returns how many records a job may run again now, most at the most, or how long to wait for the next.
func (p *Pace) Allow(job string, rate float64, most int) (int, time.Duration) {
	if rate == 0 {
		return most, 0
	}
	now := p.Now()
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

// Took tells how many were run again.
func (p *Pace) Took(sent int64) { p.tokens -= float64(sent) }
