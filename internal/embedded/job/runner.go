package job

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/semaphore"

	"sundog/internal/embedded/subprocess"
)

// Runner runs the jobs of a project. It is safe for concurrent use.
type Runner struct {
	opts     Options
	launcher *subprocess.Launcher
	jobs     map[string]*queue

	life context.Context // ends when Close gives up waiting
	kill context.CancelCauseFunc

	mu      sync.Mutex
	closed  bool
	running sync.WaitGroup
}

// queue is a declared job and those that wait for a place to run.
type queue struct {
	spec    Spec
	places  *semaphore.Weighted
	running atomic.Int64
	waiting atomic.Int64
}

// run is one job on its way.
type run struct {
	queue   *queue
	result  Result
	env     []string
	timeout time.Duration
}

// NewRunner checks the specs and returns a runner for them. The error names everything that is wrong.
func NewRunner(specs []Spec, opts Options) (*Runner, error) {
	opts.complete()
	r := &Runner{opts: opts, jobs: make(map[string]*queue, len(specs))}
	var problems []error
	for _, s := range specs {
		if err := s.check(); err != nil {
			problems = append(problems, err)
			continue
		}
		if r.jobs[s.Name] != nil {
			problems = append(problems, fmt.Errorf("job %s is declared twice", s.Name))
			continue
		}
		r.jobs[s.Name] = &queue{spec: s, places: semaphore.NewWeighted(int64(s.Concurrency))}
	}
	if err := errors.Join(problems...); err != nil {
		return nil, err
	}
	r.life, r.kill = context.WithCancelCause(context.Background())
	r.launcher = subprocess.NewLauncher()
	return r, nil
}

// Run runs a job and waits for its end. The error is an *Error when the job failed or the request cannot be fulfilled. Any other
// error means that ctx ended or the runner was closed, and the job was killed.
func (r *Runner) Run(ctx context.Context, req Request) (Result, error) {
	j, err := r.accept(req)
	if err != nil {
		return Result{}, err
	}
	if !r.enter() {
		return Result{}, ErrClosed
	}
	defer r.running.Done()
	if req.Accepted != nil {
		req.Accepted(j.result)
	}
	if err := r.wait(ctx, j); err != nil {
		return j.result, err
	}
	if j.result.Status != Succeeded {
		return j.result, j.result.err()
	}
	return j.result, nil
}

// Submit starts a job and does not wait for it. The result says what was submitted. The job runs until it ends or Close gives up
// waiting for it; a crash of this program loses it.
func (r *Runner) Submit(ctx context.Context, req Request) (Result, error) {
	if err := ctx.Err(); err != nil {
		return Result{}, fmt.Errorf("job: submitting %s: %w", req.Job, context.Cause(ctx))
	}
	j, err := r.accept(req)
	if err != nil {
		return Result{}, err
	}
	if int(j.queue.waiting.Load()) >= r.opts.MaxWaiting {
		return Result{}, throttled(j)
	}
	if !r.enter() {
		return Result{}, ErrClosed
	}
	submitted := j.result
	go func() { //nolint:contextcheck // the job outlives its submission
		defer r.running.Done()
		err := r.wait(context.Background(), j)
		r.opts.Logger.Info("a job that nobody waits for has ended",
			"job", j.queue.spec.Name, "id", j.result.JobID, "status", j.result.Status, "reason", j.result.StatusReason, "error", err)
	}()
	return submitted, nil
}

// accept checks a request and makes a job of it.
func (r *Runner) accept(req Request) (*run, error) {
	id := req.ID
	if id == "" {
		id = r.opts.NewID()
	}
	refuse := func(format string, args ...any) error {
		return refusal(ErrorClient, "ClientException", 404, id, format, args...)
	}
	name := parseName(req.Job)
	q := r.jobs[name]
	if q == nil {
		return nil, refuse("JobDefinition %s not found", req.Job)
	}
	j := &run{queue: q, timeout: q.spec.Timeout}
	if req.Timeout > 0 {
		j.timeout = req.Timeout
	}
	attempts, command := q.spec.Attempts, q.spec.Command
	if req.Attempts != 0 {
		attempts = req.Attempts
	}
	if attempts < 1 || attempts > MaxAttempts {
		return nil, refuse("job %s: %d attempts are out of range; 1 to %d are possible", name, attempts, MaxAttempts)
	}
	if len(req.Command) > 0 {
		command = req.Command
	}
	parameters := merged(q.spec.Parameters, req.Parameters)
	argv, err := resolve(command, parameters)
	if err != nil {
		return nil, refuse("job %s: %v", name, err)
	}
	jobName := req.JobName
	if jobName == "" {
		jobName = name
	}
	arn := "arn:aws:batch:" + r.opts.Region + ":" + r.opts.Account + ":"
	j.result = Result{
		Attempts: []Attempt{}, DependsOn: []struct{}{},
		CreatedAt: milliseconds(time.Now()),
		JobArn:    arn + "job/" + id, JobDefinition: arn + "job-definition/" + name + ":1", JobID: id, JobName: jobName, JobQueue: req.Queue,
		Parameters:    parameters,
		RetryStrategy: RetryStrategy{Attempts: attempts, EvaluateOnExit: []struct{}{}},
		Status:        Submitted,
		Container:     Container{Command: argv, Environment: append([]Variable{}, req.Environment...)},
	}
	if j.timeout > 0 {
		j.result.Timeout = &Timeout{AttemptDurationSeconds: int64((j.timeout + time.Second - 1) / time.Second)}
	}
	j.env = slices.Concat(subprocess.BaseEnv(), r.opts.Env, q.spec.Env)
	for _, v := range req.Environment {
		j.env = append(j.env, v.Name+"="+v.Value)
	}
	j.env = append(j.env, "AWS_BATCH_JOB_ID="+id, "AWS_BATCH_JQ_NAME="+req.Queue)
	return j, nil
}

func throttled(j *run) *Error {
	return refusal(ErrorThrottled, "TooManyRequestsException", 429, j.result.JobID, "too many jobs %s are waiting", j.queue.spec.Name)
}

// wait waits for a place and makes the attempts. Its error is an *Error of the request, or the end of ctx or of the runner.
func (r *Runner) wait(ctx context.Context, j *run) (err error) {
	began := time.Now()
	defer func() {
		if r.opts.Observe != nil {
			r.opts.Observe(j.queue.spec.Name, time.Since(began), err == nil && j.result.Status == Succeeded)
		}
	}()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	defer context.AfterFunc(r.life, func() { cancel(context.Cause(r.life)) })() //nolint:contextcheck // the job ends with either context
	q := j.queue
	if !q.places.TryAcquire(1) {
		if q.waiting.Add(1) > int64(r.opts.MaxWaiting) {
			q.waiting.Add(-1)
			return throttled(j)
		}
		err := q.places.Acquire(ctx, 1)
		q.waiting.Add(-1)
		if err != nil {
			return fmt.Errorf("job: %s waited for a place: %w", q.spec.Name, context.Cause(ctx))
		}
	}
	defer q.places.Release(1)
	q.running.Add(1)
	defer q.running.Add(-1)
	for n := 1; n <= j.result.RetryStrategy.Attempts; n++ {
		attempt, err := r.attempt(ctx, j, n)
		if err != nil {
			return err
		}
		j.result.add(attempt)
		if j.result.Status == Succeeded || attempt.StatusReason == ReasonTimeout {
			break
		}
	}
	return nil
}

// attempt runs the command once.
func (r *Runner) attempt(ctx context.Context, j *run, n int) (a Attempt, err error) {
	if ctx.Err() != nil {
		return Attempt{}, fmt.Errorf("job: %s was given up: %w", j.queue.spec.Name, context.Cause(ctx))
	}
	a.StartedAt = milliseconds(time.Now())
	defer func() { a.StoppedAt = milliseconds(time.Now()) }()
	stream := "job/" + j.queue.spec.Name + "/" + j.result.JobID + "/" + strconv.Itoa(n)
	log := r.log(stream)
	process, err := r.launcher.Start(subprocess.Command{
		Args: j.result.Container.Command, Dir: j.queue.spec.Dir, Env: append(slices.Clone(j.env), "AWS_BATCH_JOB_ATTEMPT="+strconv.Itoa(n)),
		Stdout: log, Stderr: log,
	})
	if err != nil {
		a.StatusReason, a.Container.Reason = ReasonNoStart, "CannotStartContainerError: "+err.Error()
		return a, nil
	}
	a.Container.LogStreamName = stream
	defer func() {
		if err := log.close(); err != nil {
			r.opts.Logger.Warn("the log of a job is lost", "stream", stream, "error", err)
		}
	}()
	ended := make(chan subprocess.Status, 1)
	go func() { ended <- process.Wait() }()
	status, reason, err := j.await(ctx, process, ended)
	if err != nil {
		return Attempt{}, err
	}
	code := status.Code()
	a.StatusReason, a.Container.ExitCode = reason, &code
	if code > 128 {
		a.Container.Reason = status.String()
	}
	return a, nil
}

// await waits for the end of a process, or brings it about.
func (j *run) await(ctx context.Context, process *subprocess.Process, ended <-chan subprocess.Status) (subprocess.Status, string, error) {
	var timeout <-chan time.Time
	if j.timeout > 0 {
		timer := time.NewTimer(j.timeout)
		defer timer.Stop()
		timeout = timer.C
	}
	select {
	case status := <-ended:
		return status, ReasonExited, nil
	case <-timeout:
		process.Stop(stopGrace)
		return <-ended, ReasonTimeout, nil
	case <-ctx.Done():
		process.Kill()
		return <-ended, "", fmt.Errorf("job: %s was given up: %w", j.queue.spec.Name, context.Cause(ctx))
	}
}

// log is the writer of a stream that is opened when there is a process to write it, or a writer to nowhere.
func (r *Runner) log(stream string) *attemptLog {
	return &attemptLog{logs: r.opts.Logs, stream: stream}
}

// attemptLog opens its stream at the first write or when it is closed, so that an attempt which ran always has a log and
// one that never started has none. The process writes it from one goroutine, which has ended when it is closed.
type attemptLog struct {
	logs   Logs
	stream string
	w      io.WriteCloser
}

func (l *attemptLog) open() {
	if l.w == nil && l.logs != nil {
		l.w = l.logs.Writer(l.stream)
	}
}

// Write never fails: a job does not depend on its log.
func (l *attemptLog) Write(p []byte) (int, error) {
	l.open()
	if l.w != nil {
		_, _ = l.w.Write(p) // reported when it is closed
	}
	return len(p), nil
}

func (l *attemptLog) close() error {
	l.open()
	if l.w == nil {
		return nil
	}
	return l.w.Close()
}

func (r *Runner) enter() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.closed {
		r.running.Add(1)
	}
	return !r.closed
}

// Close refuses new jobs and waits for those under way; when ctx ends first they are killed. It returns when everything has
// ended, with the cause of ctx if jobs were killed.
func (r *Runner) Close(ctx context.Context) error {
	r.mu.Lock()
	closed := r.closed
	r.closed = true
	r.mu.Unlock()
	if closed {
		<-r.life.Done()
		return nil
	}
	drained := make(chan struct{})
	go func() {
		r.running.Wait()
		close(drained)
	}()
	var err error
	select {
	case <-drained:
	case <-ctx.Done():
		err = fmt.Errorf("job: killed jobs that were running: %w", context.Cause(ctx))
		r.kill(ErrClosed)
		<-drained
	}
	r.launcher.Close()
	r.kill(ErrClosed)
	return err
}

// Status is the load of one job.
type Status struct {
	Name    string `json:"name"`
	Running int    `json:"running"`
	Waiting int    `json:"waiting"`
}

// Jobs returns the load of all jobs in the order of their names.
func (r *Runner) Jobs() []Status {
	out := make([]Status, 0, len(r.jobs))
	for name, q := range r.jobs {
		out = append(out, Status{Name: name, Running: int(q.running.Load()), Waiting: int(q.waiting.Load())})
	}
	slices.SortFunc(out, func(a, b Status) int { return strings.Compare(a.Name, b.Name) })
	return out
}
