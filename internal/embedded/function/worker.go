package function

import (
	"fmt"
	"net"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"time"

	"sundog/internal/embedded/subprocess"
)

// worker is one process of a Lambda function together with the Runtime API that is served to it alone, on a port of its own, so that
// workers cannot take each other's events.
type worker struct {
	pool *pool
	tap  *tap
	// timer fires when the worker has been idle for long enough or is overdue to ask for an event.
	timer *time.Timer
	calls chan *ticket // holds the call that the worker has not fetched yet
	gone  chan struct{}

	// Under pool.mu.
	initialised bool
	idleSince   time.Time
	lost        bool // it has not asked for an event for so long that calls should not wait for it

	mu       sync.Mutex
	process  *subprocess.Process // nil before it has started
	doomed   bool                // to be killed; before it has started: not to be started
	active   *ticket             // from its assignment to its result
	polling  chan struct{}       // the open request for an event, nil when there is none; closed when a newer one takes its place
	initDead *outcome            // what the process reported to init/error
	late     bool                // it did not come up in time
	overdue  time.Time           // when it is killed if it has not asked for an event
}

func newWorker(p *pool) *worker {
	w := &worker{pool: p, tap: newTap(), calls: make(chan *ticket, 1), gone: make(chan struct{})}
	w.timer = time.AfterFunc(p.host.opts.InitTimeout, func() { p.expired(w) })
	return w
}

// run is the life of the worker.
func (w *worker) run() {
	defer close(w.gone)
	verdict := w.live()
	w.timer.Stop()
	w.pool.ended(w, verdict)
}

// live starts the process, serves it until it ends, and returns how calls are to be told.
func (w *worker) live() (verdict func(requestID string) outcome) {
	cannotStart := func(err error) func(string) outcome {
		return func(id string) outcome { return failure(ErrorInvalidEntrypoint, id, "%v", err) }
	}
	var config net.ListenConfig
	listener, err := config.Listen(w.pool.host.life, "tcp", "127.0.0.1:0")
	if err != nil {
		return cannotStart(fmt.Errorf("opening a port for the Runtime API: %w", err))
	}
	api := newRuntimeAPI(w)
	var served sync.WaitGroup
	served.Go(func() { api.serve(listener) })
	defer func() {
		api.close()
		served.Wait()
	}()
	output, err := w.tap.open()
	if err != nil {
		return cannotStart(fmt.Errorf("opening a pipe for the log: %w", err))
	}
	defer w.tap.close()
	process, err := w.start(subprocess.Command{
		Args: w.pool.spec.Command, Dir: w.pool.spec.Dir, Env: w.env(listener.Addr().String()), Stdout: output, Stderr: output,
	})
	closeErr := output.Close() // the process has its own
	if err != nil {
		return cannotStart(err)
	}
	if closeErr != nil {
		process.Kill()
	}
	status := process.Wait()
	return w.verdict(status)
}

func (w *worker) start(c subprocess.Command) (*subprocess.Process, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.doomed {
		return nil, ErrClosed
	}
	process, err := w.pool.host.launcher.Start(c)
	w.process = process
	return process, err
}

func (w *worker) verdict(status subprocess.Status) func(requestID string) outcome {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case w.initDead != nil:
		report := *w.initDead
		return func(string) outcome { return report }
	case w.late:
		return func(id string) outcome { return timedOut(id, w.pool.host.opts.InitTimeout) }
	case status.Success():
		return func(id string) outcome { return failure(ErrorExit, id, "Runtime exited without providing a reason") }
	}
	return func(id string) outcome { return failure(ErrorExit, id, "Runtime exited with error: %s", status) }
}

// env is the environment of a Lambda process: "Defined runtime environment variables" in the AWS Lambda Developer Guide. What
// addresses the Runtime API cannot be overridden.
func (w *worker) env(address string) []string {
	spec, opts := w.pool.spec, &w.pool.host.opts
	root, err := filepath.Abs(spec.Dir)
	if err != nil { // this program has no working directory
		root = spec.Dir
	}
	return slices.Concat(subprocess.BaseEnv(), []string{
		"AWS_REGION=" + opts.Region,
		"AWS_DEFAULT_REGION=" + opts.Region,
		"AWS_EXECUTION_ENV=AWS_Lambda_sundog",
		"AWS_LAMBDA_INITIALIZATION_TYPE=on-demand",
		"AWS_LAMBDA_LOG_GROUP_NAME=/aws/lambda/" + spec.Name,
		"AWS_LAMBDA_LOG_STREAM_NAME=function/" + spec.Name,
		"LAMBDA_TASK_ROOT=" + root,
		"LAMBDA_RUNTIME_DIR=" + root,
	}, opts.Env, spec.Env, []string{
		"AWS_LAMBDA_FUNCTION_NAME=" + spec.Name,
		"AWS_LAMBDA_FUNCTION_VERSION=$LATEST",
		"AWS_LAMBDA_FUNCTION_MEMORY_SIZE=" + strconv.Itoa(spec.MemoryMB),
		"AWS_LAMBDA_RUNTIME_API=" + address,
		"_HANDLER=" + spec.Handler,
	})
}

// dead reports whether the process has ended though the pool does not know yet.
func (w *worker) dead() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	select {
	case <-w.process.Ended():
		return true
	default:
		return w.doomed
	}
}

// assign gives the worker a call. pool.mu is held, and the worker has none.
func (w *worker) assign(t *ticket) {
	w.timer.Stop()
	t.deadline = time.Now().Add(w.pool.spec.Timeout)
	w.mu.Lock()
	w.active = t
	w.mu.Unlock()
	w.tap.attach(&t.log)
	w.calls <- t
	t.started <- w
}

func (w *worker) assigned() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.active != nil
}

// finish ends the call with the given id, if it is the worker's. Everything that the process wrote before is in the call's log by
// then.
func (w *worker) finish(id string, out outcome) {
	w.mu.Lock()
	defer w.mu.Unlock()
	t := w.active
	if t == nil || t.id != id {
		return
	}
	w.tap.detach()
	// AWS counts what a runtime does after its response as part of the call, until it asks for the next event.
	w.expect(time.Until(t.deadline))
	w.active = nil
	t.done <- result{outcome: out}
}

// expect sets the timer of a worker that is to ask for an event now: it fires once soon, and again when the worker is overdue. w.mu is
// held.
func (w *worker) expect(patience time.Duration) {
	w.overdue = time.Now().Add(max(patience, time.Second))
	w.timer.Reset(returnTime)
}

// returning reports whether the worker, which is not idle, can be expected to ask for an event any moment. pool.mu is held.
func (w *worker) returning() bool {
	if !w.initialised || w.lost {
		return false
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.active == nil && !w.doomed
}

// patience returns for how much longer the worker may take to ask for an event.
func (w *worker) patience() time.Duration {
	w.mu.Lock()
	defer w.mu.Unlock()
	return time.Until(w.overdue)
}

// abandon takes the call from a worker that has ended.
func (w *worker) abandon() *ticket {
	w.mu.Lock()
	defer w.mu.Unlock()
	t := w.active
	w.active = nil
	return t
}

// condemn kills a worker because of a call, if it is still at it.
func (w *worker) condemn(t *ticket) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.active == t {
		w.kill()
	}
}

// giveUp kills a worker that does not ask for an event.
func (w *worker) giveUp() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.polling != nil || w.active != nil {
		return
	}
	w.late = true
	w.pool.host.opts.Logger.Warn("a worker did not ask for an event in time and is killed", "function", w.pool.spec.Name)
	w.kill()
}

// kill ends the process at once. w.mu is held.
func (w *worker) kill() {
	w.doomed = true
	if w.process != nil {
		w.process.Kill()
	}
}

// stop asks the process to end, kills it when it does not, and waits for the end of the worker.
func (w *worker) stop() {
	w.mu.Lock()
	w.doomed = true
	process := w.process
	w.mu.Unlock()
	if process != nil {
		process.Stop(stopGrace)
	}
	<-w.gone
}
