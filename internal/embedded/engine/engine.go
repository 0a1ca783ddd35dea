// Package engine makes the States Language interpreter durable: it runs executions of workflows, survives crashes, and keeps
// what happened.
//
// # Promises
//
//   - A step of an execution (what the interpreter made of one or more events) is one transaction: state, documents, history,
//     tasks, timers and, at the end, whatever the EndHook adds. Tasks are run and timers set only once it is on disk.
//   - After a crash every task that had no result is run again, every timer fires, and no step is taken twice. So a task runs at
//     least once and its result counts exactly once.
//   - A name starts at most one execution of a workflow.
//   - An execution that only waits costs no memory beyond a bounded cache.
//
// # How
//
// Each execution has a mailbox. Whoever puts an event into an idle execution's mailbox becomes the one who works through
// it, so that results which arrive while a step is being committed share the next one. Executions in memory are a cache of what is in the
// store; an instance whose commit failed is thrown away and read again.
//
// A map run (a Map state in the Mode DISTRIBUTED) has an owner of the same kind. It reads items and starts children, many in one transaction with the
// place in the dataset, so none is left out or started twice. The step that ends a child leaves a mark, and the owner counts it and takes the mark
// away in one transaction. What a run holds in memory grows with the children that run at one time, and not with its items.
package engine

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"sundog/asl"
	"sundog/asl/maprun"
	"sundog/internal/embedded/machine"
	"sundog/internal/embedded/store"
	"sundog/internal/trace"
)

// Errors of the engine. They are wrapped with what was asked of what.
var (
	// ErrNotFound: no such execution.
	ErrNotFound = errors.New("execution does not exist")
	// ErrExists: the name was used for an execution with another input, or for one that has ended (AWS: ExecutionAlreadyExists).
	ErrExists = errors.New("execution already exists")
	// ErrNoMachine: no such workflow (AWS: StateMachineDoesNotExist).
	ErrNoMachine = machine.ErrNotFound
	// ErrEnded: the execution has ended, or the task has.
	ErrEnded = errors.New("execution has ended")
	// ErrStopping: the engine is being shut down.
	ErrStopping = errors.New("engine is stopping")
)

// A TaskRunner carries out the work of Task states.
type TaskRunner interface {
	// Run carries out one task and returns its raw result; of a task of the mode asl.Callback the first answer, and the result comes through
	// its token. ErrSuspended says that the result comes by another way. A *TaskError fails the task with its error name; any other error
	// fails it with States.TaskFailed. When ctx ends, the result no longer matters: the task has timed out, was
	// aborted, or the engine is stopping (it will be run again after the restart).
	Run(ctx context.Context, task Task) (*asl.Document, error)
}

// A Task is a task of an execution, to be carried out.
type Task struct {
	asl.Task
	Execution Description
	Begun     time.Time // when the runner was asked
	engine    *Engine   // that carries it out
	answered  []byte    // what AnswerTx has recorded before a crash
}

// TaskError is a failure that a Retry or Catch can name.
type TaskError struct {
	Name, Cause string
	// NotScheduled says that nobody could be asked to do the task: there is no such activity.
	NotScheduled bool
}

func (e *TaskError) Error() string { return e.Name + ": " + e.Cause }

// An EndHook adds to the transaction in which an execution ends. It must not commit it.
type EndHook func(tx *store.Tx, ended Description, input, output *asl.Document) error

// A RedriveHook adds to the transaction in which an execution is redriven. It must not commit it; settle, which is not nil unless there is an
// error, is called once the outcome is known. An error that wraps ErrNotRedrivable refuses the redrive.
type RedriveHook func(ctx context.Context, tx *store.Tx, redriven Description) (settle func(error), err error)

// A StopHook adds to the transaction in which an execution is stopped, for a reason that may be empty. It must not commit it.
type StopHook func(ctx context.Context, tx *store.Tx, stopped Description, reason string) error

// Options of an engine.
type Options struct {
	Store  *store.Store
	Runner TaskRunner
	// EndHook may be nil.
	EndHook EndHook
	// RedriveHook may be nil.
	RedriveHook RedriveHook
	// StopHook may be nil.
	StopHook StopHook
	// Region and Account show in ARNs.
	Region, Account string
	// MachinePrefix stands before the workflow's name in ARNs.
	MachinePrefix string
	Logger        *slog.Logger
	// Now is the clock, time.Now when nil. Seed is the source of chance, random when nil.
	Now  func() time.Time
	Seed func() uint64
	// MaxRunningTasks bounds the tasks that are carried out at one time, 16384 when zero; the others wait in order.
	MaxRunningTasks int
	// CachedExecutions bounds the open executions kept in memory, 8192 when zero.
	CachedExecutions int
	// CachedBytes bounds the documents that they hold, 32 MiB when zero.
	CachedBytes int64
	// Objects are where map runs read items from and write results to. Nil: there is no bucket.
	Objects maprun.Objects
	// MapRunConcurrency bounds the children of one map run that run at one time, 1000 when zero.
	MapRunConcurrency int
	// Limits are the quotas that executions keep; a zero field has AWS's default.
	Limits asl.Limits
	// MaxInput is the size in bytes of the largest input of an execution, DefaultMaxInput when zero.
	MaxInput int
	// Trace is told of executions and tasks that have ended; nobody when nil.
	Trace trace.Recorder
}

// DefaultMaxInput is AWS's bound: 256 KiB.
const DefaultMaxInput = 256 << 10

// Engine runs executions. It is safe for concurrent use.
type Engine struct {
	opts   Options
	store  *store.Store
	logger *slog.Logger

	machines *machine.Registry
	cache    *cache
	timers   *timers
	starting store.Locks
	lastID   atomic.Uint64
	lanes    *lanes
	waiters  waiters
	watches  watches
	runs     *mapRuns

	ctx    context.Context // ends when the engine stops; tasks run under it
	cancel context.CancelCauseFunc
	wg     background
	tasks  *taskQueue
}

// New opens the engine on its store. Workflows of the project are registered before Run is called.
func New(opts Options) (*Engine, error) {
	if opts.Logger == nil {
		opts.Logger = slog.New(slog.DiscardHandler)
	}
	if opts.Now == nil {
		opts.Now = time.Now
	}
	if opts.Seed == nil {
		opts.Seed = rand.Uint64
	}
	if opts.MaxRunningTasks == 0 {
		opts.MaxRunningTasks = 16384
	}
	if opts.CachedExecutions == 0 {
		opts.CachedExecutions = 8192
	}
	if opts.CachedBytes == 0 {
		opts.CachedBytes = 32 << 20
	}
	if opts.Objects == nil {
		opts.Objects = noObjects{}
	}
	if opts.MapRunConcurrency == 0 {
		opts.MapRunConcurrency = 1000
	}
	if opts.MaxInput == 0 {
		opts.MaxInput = DefaultMaxInput
	}
	registry, err := machine.Open(machine.Options{
		Store: opts.Store, Now: opts.Now, Names: machine.Names{Region: opts.Region, Account: opts.Account, Prefix: opts.MachinePrefix},
	})
	if err != nil {
		return nil, err
	}
	e := &Engine{opts: opts, store: opts.Store, logger: opts.Logger, machines: registry}
	e.cache = newCache(opts.CachedExecutions, opts.CachedBytes)
	e.timers = newTimers(e)
	e.tasks = newTaskQueue(e, opts.MaxRunningTasks)
	e.lanes = newLanes()
	e.runs = newMapRuns(e)
	e.ctx, e.cancel = context.WithCancelCause(context.Background())
	if err := e.findLastID(); err != nil {
		return nil, err
	}
	if err := e.countOpen(); err != nil {
		return nil, err
	}
	return e, nil
}

// Run takes up what was left by the last process, then works until ctx ends, and returns when nothing runs any more. Tasks that are being
// carried out are cancelled; they run again after the next start.
func (e *Engine) Run(ctx context.Context) error {
	stop := context.AfterFunc(ctx, func() { e.cancel(ErrStopping) })
	defer stop()
	defer e.cancel(ErrStopping)
	if err := e.resume(ctx); err != nil {
		return err
	}
	for _, name := range e.machines.Deleting() {
		e.clear(name)
	}
	err := e.timers.run(ctx)
	e.cancel(ErrStopping)
	e.tasks.close()
	e.runs.stop()
	e.wg.Wait()
	e.runs.close()
	return err
}

// resume dispatches the tasks that had no result, and goes on with the map runs that were open, when the last process ended.
func (e *Engine) resume(ctx context.Context) error {
	if err := e.runs.resume(); err != nil {
		return err
	}
	for entry, err := range e.store.Scan(store.NewKey(store.PrefixTask).Range()) {
		if err != nil {
			return fmt.Errorf("taking up open tasks: %w", err)
		}
		if ctx.Err() != nil {
			return nil
		}
		f := store.Split(entry.Key)
		ref := taskRef{execution: f.Uint(), task: asl.TaskID(f.Uint())}
		if err := f.Err(); err != nil {
			return err
		}
		e.tasks.add(ref, nil)
	}
	return nil
}

// findLastID makes sure that numbers of executions only grow, even when the clock was set back.
func (e *Engine) findLastID() error {
	r := store.NewKey(store.PrefixExecution).Range()
	r.Reverse = true
	for entry, err := range e.store.Scan(r) {
		if err != nil {
			return fmt.Errorf("finding the last execution: %w", err)
		}
		e.lastID.Store(store.Split(entry.Key).Uint())
		break
	}
	return nil
}

// nextID returns a number for an execution: about the time in nanoseconds, so that executions lie on disk in the order of their start.
func (e *Engine) nextID(now time.Time) uint64 {
	for {
		last := e.lastID.Load()
		next := max(last+1, uint64(now.UnixNano()))
		if e.lastID.CompareAndSwap(last, next) {
			return next
		}
	}
}

func (e *Engine) moment() asl.Moment {
	return asl.Moment{Now: e.opts.Now().UTC(), Seed: e.opts.Seed()}
}
