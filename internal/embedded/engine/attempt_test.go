package engine_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"sundog/asl"
	"sundog/asl/asltest"
	"sundog/asl/asltest/recording"
	"sundog/internal/embedded/engine"
	"sundog/internal/embedded/store"
)

// An attempt is an engine that carries out one execution. The services that answer its tasks are outside of it, and survive its crashes.
type attempt struct {
	t          testing.TB
	kind       string // STANDARD or EXPRESS
	definition []byte
	input      []byte
	stopped    bool // by somebody, once it waits
	answer     func(asl.Task) (asltest.Answer, error)
	objects    *asltest.Objects // what map runs read and write
	offset     time.Duration    // from the clock of the test to that of the engine

	engine *engine.Engine
	store  *store.Store
	life   context.Context // of the engine
	stop   context.CancelFunc
	done   chan error

	mu      sync.Mutex
	given   map[string]asltest.Answer // by execution and task: what a task that is run again is answered again
	pending map[string]asltest.Answer // by task token: answers that workers and receivers of tokens owe
	workers sync.WaitGroup
}

// open starts the engine on what is in a file system.
func (r *attempt) open(fs vfs.FS, beforeCommit func(int64) error) {
	r.t.Helper()
	s, err := store.Open("data", store.Options{FS: fs, BeforeCommit: beforeCommit})
	if err != nil {
		r.t.Fatal(err)
	}
	if r.objects == nil {
		r.objects = &asltest.Objects{}
	}
	e, err := engine.New(engine.Options{
		Store: s, Runner: r, Objects: r.objects, Region: recording.Region, Account: recording.Account, Now: func() time.Time { return time.Now().Add(r.offset) },
	})
	if err != nil {
		r.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	r.engine, r.store, r.life, r.stop, r.done = e, s, ctx, cancel, make(chan error, 1)
	if err := e.Register(ctx, "machine", r.kind, r.definition); err != nil && !errors.Is(err, errCrash) {
		r.t.Fatal(err)
	}
	go func() { r.done <- e.Run(ctx) }()
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.pending == nil {
		r.pending = map[string]asltest.Answer{}
	}
	for token, answer := range r.pending {
		r.owe(token, answer)
	}
}

func (r *attempt) close() {
	r.t.Helper()
	r.stop()
	err := <-r.done
	r.workers.Wait() // tasks of the engine begin them
	if err := errors.Join(err, r.store.Close()); err != nil {
		r.t.Error(err)
	}
}

// errCrash is what the store answers from the moment of a crash on.
var errCrash = errors.New("crashed")

// playUntilCrash opens the engine, plays, and lets the machine crash at the k-th commit, with the loss of what was not synced. It returns what is
// left then; nil, and the outcome, when there were fewer commits, and the engine stays open.
func (r *attempt) playUntilCrash(fs *vfs.MemFS, k int64) (recording.Outcome, *vfs.MemFS, error) {
	r.t.Helper()
	var left atomic.Pointer[vfs.MemFS]
	life, die := context.WithCancelCause(context.Background())
	defer die(nil)
	r.open(fs, func(n int64) error {
		switch {
		case n == k:
			left.Store(fs.CrashClone(vfs.CrashCloneCfg{}))
			die(errCrash)
			return errCrash
		case n > k:
			return errCrash // the process is dead
		}
		return nil
	})
	got, err := r.play(life)
	if left.Load() != nil {
		r.close()
	}
	return got, left.Load(), err
}

// tick is how long an answer takes at least. The answers of tasks that are scheduled in one step come in the order of the tasks.
const tick = time.Microsecond

// Run implements engine.TaskRunner.
func (r *attempt) Run(ctx context.Context, task engine.Task) (*asl.Document, error) {
	a, err := r.answerOnce(task)
	if err != nil {
		r.t.Error(err)
		return nil, &engine.TaskError{Name: "NoAnswer", Cause: err.Error()}
	}
	a.After += time.Duration(task.ID) * tick
	answered := a.Failed || a.Output != nil
	switch {
	case task.Mode == asl.Activity:
		if err := r.take(ctx, task.Token, a); err != nil {
			return nil, err
		}
		return nil, engine.ErrSuspended
	case a.Submitted != nil && task.Mode == asl.Callback:
		if answered {
			r.later(task.Token, a)
		}
		return a.Submitted, nil
	case a.Submitted != nil:
		if err := task.Submit(ctx, a.Submitted); err != nil {
			return nil, err
		}
	case task.Mode == asl.Callback && a.Output != nil:
		r.later(task.Token, a)
		return nil, engine.ErrSuspended
	}
	if !answered {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	if err := pause(ctx, a.After); err != nil {
		return nil, err
	}
	if a.Failed {
		return nil, &engine.TaskError{Name: a.Error, Cause: a.Cause}
	}
	return a.Output, nil
}

func (r *attempt) answerOnce(task engine.Task) (asltest.Answer, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	key := fmt.Sprintf("%s#%d", task.Execution.ARN, task.ID)
	if a, ok := r.given[key]; ok {
		return a, nil
	}
	a, err := r.answer(task.Task)
	if r.given == nil {
		r.given = map[string]asltest.Answer{}
	}
	r.given[key] = a
	return a, err
}

// take is what the worker of an activity does.
func (r *attempt) take(ctx context.Context, token string, a asltest.Answer) error {
	if _, err := r.engine.TakeTask(ctx, token, a.Worker); err != nil && !errors.Is(err, engine.ErrTaskOver) {
		return err
	}
	if a.Failed || a.Output != nil {
		r.later(token, a)
	}
	return nil
}

// later lets somebody answer the task of a token, whatever becomes of the engine meanwhile.
func (r *attempt) later(token string, a asltest.Answer) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, owed := r.pending[token]; !owed {
		r.pending[token] = a
		r.owe(token, a)
	}
}

// owe answers the task of a token once. It is called with mu held.
func (r *attempt) owe(token string, a asltest.Answer) {
	e, life := r.engine, r.life
	r.workers.Go(func() {
		if pause(life, a.After+tick) != nil {
			return // the answer is given to the next engine
		}
		var err error
		if a.Failed {
			err = e.SendTaskFailure(life, token, a.Error, a.Cause)
		} else {
			err = e.SendTaskSuccess(life, token, a.Output.Bytes())
		}
		if err != nil && life.Err() == nil && !errors.Is(err, engine.ErrTaskOver) && !errors.Is(err, errCrash) {
			r.t.Errorf("answering the task of the token %s: %v", token, err)
		}
	})
}

func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// play starts the execution, unless that was done, does what was done to it from outside, and waits for its end.
func (r *attempt) play(ctx context.Context) (recording.Outcome, error) {
	d, err := r.engine.Start(ctx, engine.StartRequest{Machine: "machine", Name: "execution", Input: r.input})
	if err != nil && !errors.Is(err, engine.ErrExists) {
		return recording.Outcome{}, err
	}
	if r.stopped {
		synctest.Wait()
		if err := r.engine.Stop(ctx, d.ARN, "", ""); err != nil {
			return recording.Outcome{}, err
		}
	}
	return r.end(ctx)
}

// end waits for the end of the execution.
func (r *attempt) end(ctx context.Context) (recording.Outcome, error) {
	arn := r.engine.ExecutionARN("machine", "execution")
	ctx, cancel := context.WithTimeout(ctx, time.Hour)
	defer cancel()
	d, _, output, err := r.engine.Wait(ctx, arn)
	if err != nil {
		return recording.Outcome{}, err
	}
	outcome := recording.Outcome{Status: d.Status, Error: d.Error, Cause: d.Cause}
	if output != nil {
		outcome.Output = asl.Raw(output)
	}
	page := engine.Page{Limit: 1000}
	for {
		events, next, err := r.engine.History(ctx, arn, page)
		if err != nil {
			return outcome, err
		}
		outcome.History = append(outcome.History, events...)
		if next == 0 {
			return outcome, nil
		}
		page.After = next
	}
}

// identity is who the execution is.
func (r *attempt) identity() asl.Identity {
	return asl.Identity{
		ARN: r.engine.ExecutionARN("machine", "execution"), Name: "execution", MachineARN: r.engine.MachineARN("machine"), MachineName: "machine",
		Region: recording.Region, Account: recording.Account, RoleARN: "arn:aws:iam::" + recording.Account + ":role/machine",
	}
}
