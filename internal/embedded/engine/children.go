package engine

import (
	"context"
	"sync"

	"sundog/asl"
)

// Ended is an execution that has ended, with its documents.
type Ended struct {
	Description
	InputText  []byte
	OutputText []byte // nil when it has none
}

// Await lets the task wait for the end of another execution, of which result makes the task's own result. The runner returns what Await returns:
// ErrSuspended, and nobody is occupied by waiting. When the task ends otherwise, because it timed out or its execution was stopped, the
// other execution is stopped. After a restart the task is run again and awaits again.
func (t *Task) Await(ctx context.Context, arn string, result func(Ended) (*asl.Document, error)) error {
	e := t.engine
	child, err := e.find(arn)
	if err != nil {
		return err
	}
	w := &watch{task: taskRef{t.Execution.id, t.ID}, child: child, arn: arn, result: result}
	e.watches.add(w)
	switch d, err := e.describe(child); {
	case err != nil:
		e.watches.take(w)
		return err
	case d.Status != asl.Running:
		e.wg.Go(func() { e.endWatch(w) }) //nolint:contextcheck // it belongs to the engine
	}
	if ctx.Err() != nil { // the task was dropped meanwhile, perhaps before anybody could see that it waits
		e.dropWatch(w.task) //nolint:contextcheck // it belongs to the engine
	}
	return ErrSuspended
}

// A watch is a task that waits for the end of an execution.
type watch struct {
	task   taskRef
	child  uint64
	arn    string
	result func(Ended) (*asl.Document, error)
}

// watches are held in memory only: after a restart the tasks are run again.
type watches struct {
	mu      sync.Mutex
	byChild map[uint64][]*watch
	byTask  map[taskRef]*watch
}

func (ws *watches) add(w *watch) {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	if ws.byTask == nil {
		ws.byChild, ws.byTask = map[uint64][]*watch{}, map[taskRef]*watch{}
	}
	ws.byTask[w.task] = w
	ws.byChild[w.child] = append(ws.byChild[w.child], w)
}

// take removes a watch, and says whether it was still there: whoever takes it acts on it.
func (ws *watches) take(w *watch) bool {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	if ws.byTask[w.task] != w {
		return false
	}
	delete(ws.byTask, w.task)
	rest := ws.byChild[w.child][:0:0]
	for _, other := range ws.byChild[w.child] {
		if other != w {
			rest = append(rest, other)
		}
	}
	if ws.byChild[w.child] = rest; len(rest) == 0 {
		delete(ws.byChild, w.child)
	}
	return true
}

func (ws *watches) of(task taskRef) *watch {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	return ws.byTask[task]
}

func (ws *watches) on(child uint64) []*watch {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	return append([]*watch(nil), ws.byChild[child]...)
}

// endWatch gives a task its result when the execution that it waits for has ended.
func (e *Engine) endWatch(w *watch) {
	if !e.watches.take(w) {
		return
	}
	d, input, output, err := e.Describe(e.ctx, w.arn)
	if err != nil {
		e.logger.Error("the result of an awaited execution cannot be read; it is read after the next start", "execution", w.arn, "error", err)
		return
	}
	result, err := w.result(Ended{d, input, output})
	var event asl.Event = asl.TaskSucceeded{Task: w.task.task, Output: result}
	if err != nil {
		event = taskFailed(w.task.task, e.opts.Now().UTC(), err)
	}
	e.post(w.task.execution, delivery{event: event})
}

// dropWatch stops the execution that a task waits for which has ended otherwise.
func (e *Engine) dropWatch(task taskRef) {
	w := e.watches.of(task)
	if w == nil || !e.watches.take(w) {
		return
	}
	e.wg.Go(func() {
		if err := e.Stop(e.ctx, w.arn, "", "the task that waited for this execution has ended"); err != nil {
			e.logger.Warn("an execution that nobody waits for any more could not be stopped", "execution", w.arn, "error", err)
		}
	})
}
