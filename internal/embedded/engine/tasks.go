package engine

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"sync"
	"time"

	"sundog/asl"
	"sundog/internal/embedded/store"
)

// taskRef names a task among all executions.
type taskRef struct {
	execution uint64
	task      asl.TaskID
}

// taskQueue runs tasks, a bounded number at a time, the others in the order in which they came.
type taskQueue struct {
	e   *Engine
	max int

	mu      sync.Mutex
	running map[taskRef]context.CancelCauseFunc
	waiting []waitingTask
	closed  bool
}

// A waitingTask has its task at hand, or nil when it is to be read from its execution.
type waitingTask struct {
	ref  taskRef
	task *Task
}

// maxAtHand bounds the waiting tasks that keep their parameters in memory.
const maxAtHand = 1024

func newTaskQueue(e *Engine, maxRunning int) *taskQueue {
	return &taskQueue{e: e, max: maxRunning, running: map[taskRef]context.CancelCauseFunc{}}
}

// add runs a task that is on disk, now or when a place is free.
func (q *taskQueue) add(ref taskRef, task *Task) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed || q.running[ref] != nil {
		return
	}
	if len(q.running) >= q.max {
		if len(q.waiting) >= maxAtHand {
			task = nil
		}
		q.waiting = append(q.waiting, waitingTask{ref, task})
		return
	}
	q.start(ref, task)
}

// start is called with mu held.
func (q *taskQueue) start(ref taskRef, task *Task) {
	ctx, cancel := context.WithCancelCause(q.e.ctx)
	q.running[ref] = cancel
	q.e.wg.Go(func() {
		defer cancel(nil)
		if task == nil {
			task = q.e.readTask(ref)
		}
		if task != nil {
			q.e.runTask(ctx, ref, *task)
		}
		q.finished(ref)
	})
}

func (q *taskQueue) finished(ref taskRef) {
	q.mu.Lock()
	defer q.mu.Unlock()
	delete(q.running, ref)
	for len(q.waiting) > 0 && len(q.running) < q.max && !q.closed {
		next := q.waiting[0]
		q.waiting[0] = waitingTask{}
		q.waiting = q.waiting[1:]
		if q.running[next.ref] == nil {
			q.start(next.ref, next.task)
		}
	}
}

// errDropped is why the context of a task ends whose result no longer matters.
var errDropped = errors.New("the task has ended without its result: timed out, or its branch was aborted")

// drop cancels a task whose result no longer matters.
func (q *taskQueue) drop(ref taskRef) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if cancel := q.running[ref]; cancel != nil {
		cancel(errDropped)
	}
}

// close keeps waiting tasks from being started.
func (q *taskQueue) close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed, q.waiting = true, nil
}

// lookAt finds a task in its execution, nil when it is no longer there. It asks again when what shared the step of its question could not be
// written. The error is that of the disk, or that the engine stops.
func (e *Engine) lookAt(ref taskRef) (*Task, error) {
	for {
		var found *Task
		done := make(chan error, 1)
		e.post(ref.execution, delivery{
			look: func(in *instance) {
				if t, ok := in.tasks[ref.task]; ok {
					found = &Task{Task: t, Execution: in.desc}
				}
			},
			done: func(err error) { done <- err },
		})
		select {
		case err := <-done:
			switch {
			case err == nil || errors.Is(err, ErrEnded):
				return found, nil
			case e.store.Failed() != nil:
				return nil, err
			}
		case <-e.ctx.Done():
			return nil, context.Cause(e.ctx)
		}
		select {
		case <-time.After(retryDelay):
		case <-e.ctx.Done():
			return nil, context.Cause(e.ctx)
		}
	}
}

// readTask reads a task from its execution, nil when it is no longer there.
func (e *Engine) readTask(ref taskRef) *Task {
	found, err := e.lookAt(ref)
	if err != nil {
		if e.ctx.Err() == nil {
			e.logger.Error("an open task cannot be read; it is run after the next start", e.named(ref.execution), "task", ref.task, "error", err)
		}
		return nil
	}
	switch answered, err := e.store.Get(taskKey(ref.execution, ref.task)); {
	case errors.Is(err, store.ErrNotFound):
	case err != nil:
		e.logger.Error("an open task cannot be read; it is run after the next start", e.named(ref.execution), "task", ref.task, "error", err)
		return nil
	case found == nil: // it had ended when its answer was recorded
		tx := e.store.Begin()
		tx.Delete(taskKey(ref.execution, ref.task))
		if err := tx.CommitLazily(e.ctx); err != nil {
			e.logger.Warn("what is left of a task could not be removed", e.named(ref.execution), "task", ref.task, "error", err)
		}
	case len(answered) > 0:
		found.answered = answered
	}
	return found
}

// ErrSuspended is returned by a runner for a task whose result will come by another way: through the task's token, or when an execution ends
// that it waits for. Such a task occupies nobody.
var ErrSuspended = errors.New("the result of the task comes by another way")

// Submit records the first answer of a task of the mode asl.Job, of which the result is still to come: the history shows it. A repetition
// changes nothing. It returns when the answer is on disk. A task that no engine carries out, as in a test of a runner, has nobody to tell.
func (t *Task) Submit(ctx context.Context, answer *asl.Document) error {
	if t.engine == nil {
		return nil
	}
	return t.engine.call(ctx, t.Execution.id, asl.TaskSubmitted{Task: t.ID, Output: answer})
}

// runTask carries a task out and delivers its result.
func (e *Engine) runTask(ctx context.Context, ref taskRef, task Task) {
	if task.Mode == asl.Callback && task.Submitted || task.Mode == asl.Activity && task.Started {
		return // the rest is up to whoever has the token
	}
	task.engine = e
	task.Begun = e.opts.Now().UTC()
	var output *asl.Document
	var err error
	if task.answered != nil {
		output = asl.Raw(task.answered)
	} else {
		output, err = e.traced(ctx, task)
	}
	if ctx.Err() != nil || errors.Is(err, ErrSuspended) {
		return // dropped; or stopping, and run again after the restart
	}
	var event asl.Event
	switch {
	case err != nil:
		event = taskFailed(ref.task, task.Begun, err)
	case task.Mode == asl.Callback:
		event = asl.TaskSubmitted{Task: ref.task, StartedAt: task.Begun, Output: output}
	default:
		event = asl.TaskSucceeded{Task: ref.task, StartedAt: task.Begun, Output: output}
	}
	e.post(ref.execution, delivery{event: event})
}

// AnswerTx records the answer of the task in the transaction in which the task does its work. After a crash the task is then not run again: what
// it did, it did once.
func (t *Task) AnswerTx(tx *store.Tx, answer *asl.Document) {
	if t.engine != nil {
		tx.Set(taskKey(t.Execution.id, t.ID), answer.Bytes())
	}
}

func taskFailed(id asl.TaskID, started time.Time, err error) asl.TaskFailed {
	failed := asl.TaskFailed{Task: id, StartedAt: started, Error: "States.TaskFailed", Cause: err.Error()}
	if named, ok := errors.AsType[*TaskError](err); ok {
		failed.Error, failed.Cause, failed.NotScheduled = named.Name, named.Cause, named.NotScheduled
	}
	return failed
}

// guard keeps a runner that panics from taking the process down.
func (e *Engine) guard(ctx context.Context, task Task) (output *asl.Document, err error) {
	defer func() {
		if r := recover(); r != nil {
			e.logger.Error("a task panicked", "resource", task.Resource, "execution", task.Execution.ARN, "payload_id", task.Execution.PayloadID, "panic", r, "stack", string(debug.Stack()))
			output, err = nil, &TaskError{Name: "States.TaskFailed", Cause: fmt.Sprintf("the task panicked: %v", r)}
		}
	}()
	return e.opts.Runner.Run(ctx, task)
}
