package engine_test

import (
	"context"
	"errors"
	"sync"
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

// A recordedWorld is an engine that carries out one recorded execution. Its services are outside of it, and survive its crashes.
type recordedWorld struct {
	t        testing.TB
	c        *recording.Case
	services *recording.Services
	offset   time.Duration // from the clock of the test to that of the case

	engine *engine.Engine
	store  *store.Store
	life   context.Context // of the engine
	stop   context.CancelFunc
	done   chan error

	mu      sync.Mutex
	pending map[string]asltest.Answer // by task token: answers that workers and receivers of tokens owe
	workers sync.WaitGroup
}

func newRecordedWorld(t testing.TB, c *recording.Case, services *recording.Services) *recordedWorld {
	return &recordedWorld{t: t, c: c, services: services, offset: time.Until(recording.Begin()), pending: map[string]asltest.Answer{}}
}

// open starts the engine on what is in a file system.
func (w *recordedWorld) open(fs vfs.FS, beforeCommit func(int64) error) {
	w.t.Helper()
	s, err := store.Open("data", store.Options{FS: fs, BeforeCommit: beforeCommit})
	if err != nil {
		w.t.Fatal(err)
	}
	e, err := engine.New(engine.Options{
		Store: s, Runner: w, Region: recording.Region, Account: recording.Account, Now: func() time.Time { return time.Now().Add(w.offset) },
	})
	if err != nil {
		w.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	w.engine, w.store, w.life, w.stop, w.done = e, s, ctx, cancel, make(chan error, 1)
	if err := e.Register(ctx, "machine", w.c.Type, w.c.Definition); err != nil && !errors.Is(err, errCrash) {
		w.t.Fatal(err)
	}
	go func() { w.done <- e.Run(ctx) }()
	w.mu.Lock()
	defer w.mu.Unlock()
	for token, answer := range w.pending {
		w.owe(token, answer)
	}
}

func (w *recordedWorld) close() {
	w.t.Helper()
	w.stop()
	w.workers.Wait()
	if err := errors.Join(<-w.done, w.store.Close()); err != nil {
		w.t.Error(err)
	}
}

// tick is how long an answer takes at least. The answers of tasks that are scheduled in one step come in the order of the tasks.
const tick = time.Microsecond

// Run implements engine.TaskRunner.
func (w *recordedWorld) Run(ctx context.Context, task engine.Task) (*asl.Document, error) {
	a, err := w.services.Answer(task.Task)
	if err != nil {
		w.t.Error(err)
		return nil, &engine.TaskError{Name: "NoAnswer", Cause: err.Error()}
	}
	a.After += time.Duration(task.ID) * tick
	answered := a.Failed || a.Output != nil
	switch {
	case task.Mode == asl.Activity:
		if err := w.take(ctx, task.Token, a); err != nil {
			return nil, err
		}
		return nil, engine.ErrSuspended
	case a.Submitted != nil && task.Mode == asl.Callback:
		if answered {
			w.later(task.Token, a)
		}
		return a.Submitted, nil
	case a.Submitted != nil:
		if err := task.Submit(ctx, a.Submitted); err != nil {
			return nil, err
		}
	case task.Mode == asl.Callback && a.Output != nil:
		w.later(task.Token, a)
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

// take is what the worker of an activity does.
func (w *recordedWorld) take(ctx context.Context, token string, a asltest.Answer) error {
	if _, err := w.engine.TakeTask(ctx, token, a.Worker); err != nil && !errors.Is(err, engine.ErrTaskOver) {
		return err
	}
	if a.Failed || a.Output != nil {
		w.later(token, a)
	}
	return nil
}

// later lets somebody answer the task of a token, whatever becomes of the engine meanwhile.
func (w *recordedWorld) later(token string, a asltest.Answer) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if _, owed := w.pending[token]; !owed {
		w.pending[token] = a
		w.owe(token, a)
	}
}

// owe answers the task of a token once. It is called with mu held.
func (w *recordedWorld) owe(token string, a asltest.Answer) {
	e, life := w.engine, w.life
	w.workers.Go(func() {
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
			w.t.Errorf("answering the task of the token %s: %v", token, err)
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
func (w *recordedWorld) play(ctx context.Context) (recording.Outcome, error) {
	d, err := w.engine.Start(ctx, engine.StartRequest{Machine: "machine", Name: "execution", Input: w.c.Input})
	if err != nil && !errors.Is(err, engine.ErrExists) {
		return recording.Outcome{}, err
	}
	if w.c.Stopped() {
		synctest.Wait()
		if err := w.engine.Stop(ctx, d.ARN, "", ""); err != nil {
			return recording.Outcome{}, err
		}
	}
	return w.end(ctx)
}

// end waits for the end of the execution.
func (w *recordedWorld) end(ctx context.Context) (recording.Outcome, error) {
	arn := w.engine.ExecutionARN("machine", "execution")
	ctx, cancel := context.WithTimeout(ctx, 400*24*time.Hour)
	defer cancel()
	d, _, output, err := w.engine.Wait(ctx, arn)
	if err != nil {
		return recording.Outcome{}, err
	}
	outcome := recording.Outcome{Status: d.Status, Error: d.Error, Cause: d.Cause}
	if output != nil {
		outcome.Output = asl.Raw(output)
	}
	page := engine.Page{Limit: 1000}
	for {
		events, next, err := w.engine.History(ctx, arn, page)
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
