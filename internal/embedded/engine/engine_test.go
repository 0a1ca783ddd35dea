package engine_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"sundog/asl"
	"sundog/asl/maprun"
	"sundog/internal/embedded/engine"
	"sundog/internal/embedded/store"
)

// A world is an engine on a store that outlives it.
type world struct {
	t      testing.TB
	fs     vfs.FS
	opts   store.Options
	runner engine.TaskRunner
	ended  func(engine.Description)
	more   map[string]string // machines beside those of all tests
	object maprun.Objects
	limits func(*engine.Options) // may be nil

	store  *store.Store
	engine *engine.Engine
	stop   context.CancelFunc
	done   chan error
}

type runnerFunc func(ctx context.Context, task engine.Task) (*asl.Document, error)

func (f runnerFunc) Run(ctx context.Context, task engine.Task) (*asl.Document, error) {
	return f(ctx, task)
}

func echo(_ context.Context, task engine.Task) (*asl.Document, error) { return task.Parameters, nil }

var machines = map[string]string{
	"pass": `{"StartAt":"A","States":{"A":{"Type":"Pass","Next":"B"},"B":{"Type":"Pass","Result":{"b":1},"ResultPath":"$.b","End":true}}}`,
	"three": `{"StartAt":"A","States":{
		"A":{"Type":"Task","Resource":"arn:aws:lambda:us-east-1:000000000000:function:a","Next":"B"},
		"B":{"Type":"Task","Resource":"arn:aws:lambda:us-east-1:000000000000:function:b","Next":"C"},
		"C":{"Type":"Task","Resource":"arn:aws:lambda:us-east-1:000000000000:function:c","End":true}}}`,
	"wait": `{"StartAt":"W","States":{"W":{"Type":"Wait","SecondsPath":"$.seconds","Next":"S"},"S":{"Type":"Succeed"}}}`,
	"retry": `{"StartAt":"A","States":{"A":{"Type":"Task","Resource":"arn:aws:lambda:us-east-1:000000000000:function:a","End":true,
		"Retry":[{"ErrorEquals":["Flaky"],"IntervalSeconds":2,"MaxAttempts":3,"BackoffRate":2}]}}}`,
	"timeout": `{"StartAt":"A","States":{"A":{"Type":"Task","Resource":"arn:aws:lambda:us-east-1:000000000000:function:a","TimeoutSeconds":5,"End":true}}}`,
	"map": `{"StartAt":"M","States":{"M":{"Type":"Map","ItemsPath":"$.items","MaxConcurrency":10,"End":true,"ItemProcessor":{"StartAt":"A","States":{
		"A":{"Type":"Task","Resource":"arn:aws:lambda:us-east-1:000000000000:function:a","End":true}}}}}}`,
}

func newWorld(t testing.TB, fs vfs.FS, runner runnerFunc) *world {
	w := &world{t: t, fs: fs, runner: runner}
	w.start()
	return w
}

func (w *world) start() {
	w.t.Helper()
	opts := w.opts
	opts.FS = w.fs
	s, err := store.Open("data", opts)
	if err != nil {
		w.t.Fatal(err)
	}
	engineOpts := engine.Options{
		Store: s, Runner: w.runner, Region: "us-east-1", Account: "000000000000", Objects: w.object,
		EndHook: func(tx *store.Tx, d engine.Description, _, _ *asl.Document) error {
			if w.ended != nil {
				tx.OnCommit(func() { w.ended(d) })
			}
			return nil
		},
	}
	if w.limits != nil {
		w.limits(&engineOpts)
	}
	e, err := engine.New(engineOpts)
	if err != nil {
		w.t.Fatal(err)
	}
	for name, definition := range machines {
		if err := e.Register(context.Background(), name, "STANDARD", []byte(definition)); err != nil {
			w.t.Fatal(err)
		}
	}
	for name, definition := range w.more {
		if err := e.Register(context.Background(), name, "STANDARD", []byte(definition)); err != nil {
			w.t.Fatal(err)
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	w.store, w.engine, w.stop, w.done = s, e, cancel, make(chan error, 1)
	go func() { w.done <- e.Run(ctx) }()
}

func (w *world) close() {
	w.t.Helper()
	w.stop()
	if err := <-w.done; err != nil {
		w.t.Error(err)
	}
	if err := w.store.Close(); err != nil {
		w.t.Error(err)
	}
}

func (w *world) run(machine, name, input string) (engine.Description, string) {
	w.t.Helper()
	d, err := w.engine.Start(context.Background(), engine.StartRequest{Machine: machine, Name: name, Input: []byte(input)})
	if err != nil {
		w.t.Fatal(err)
	}
	return w.wait(d.ARN)
}

func (w *world) wait(arn string) (engine.Description, string) {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 24*time.Hour)
	defer cancel()
	d, _, output, err := w.engine.Wait(ctx, arn)
	if err != nil {
		w.t.Fatal(err)
	}
	return d, string(output)
}

func TestRunsToTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, vfs.NewMem(), echo)
		defer w.close()
		for machine, input := range map[string]string{"pass": `{"a":1}`, "three": `{"a":1}`, "map": `{"items":[1,2,3]}`} {
			d, output := w.run(machine, "one", input)
			if d.Status != asl.Succeeded {
				t.Errorf("%s: %s %s %s", machine, d.Status, d.Error, d.Cause)
			}
			want := map[string]string{"pass": `{"a":1,"b":{"b":1}}`, "three": `{"a":1}`, "map": `[1,2,3]`}[machine]
			if output != want {
				t.Errorf("%s: output %s", machine, output)
			}
		}
	})
}

func TestHistoryIsPagedBothWays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, vfs.NewMem(), echo)
		defer w.close()
		d, _ := w.run("three", "one", `{}`)
		for _, reverse := range []bool{false, true} {
			var ids []int64
			page := engine.Page{Limit: 4, Reverse: reverse}
			for {
				events, next, err := w.engine.History(t.Context(), d.ARN, page)
				if err != nil {
					t.Fatal(err)
				}
				for _, ev := range events {
					ids = append(ids, ev.ID)
				}
				if next == 0 {
					break
				}
				page.After = next
			}
			if int64(len(ids)) != d.EventCount {
				t.Fatalf("reverse %v: %d events, described %d: %v", reverse, len(ids), d.EventCount, ids)
			}
			for i, id := range ids {
				want := int64(i + 1)
				if reverse {
					want = d.EventCount - int64(i)
				}
				if id != want {
					t.Fatalf("reverse %v: event %d at place %d", reverse, id, i)
				}
			}
		}
	})
}

func TestNameStartsOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		w := newWorld(t, vfs.NewMem(), func(ctx context.Context, task engine.Task) (*asl.Document, error) {
			<-release
			return task.Parameters, nil
		})
		defer w.close()
		start := func(input string) error {
			_, err := w.engine.Start(t.Context(), engine.StartRequest{Machine: "three", Name: "x", Input: []byte(input)})
			return err
		}
		var wg sync.WaitGroup
		var failed atomic.Int32
		for range 20 {
			wg.Go(func() {
				if start(`{"a":1}`) != nil {
					failed.Add(1)
				}
			})
		}
		wg.Wait()
		if failed.Load() != 0 {
			t.Errorf("%d equal starts of a running execution refused", failed.Load())
		}
		if err := start(`{"a":2}`); !errors.Is(err, engine.ErrExists) {
			t.Errorf("other input gives %v", err)
		}
		close(release)
		d, _ := w.wait(w.engine.ExecutionARN("three", "x"))
		if err := start(`{"a":1}`); !errors.Is(err, engine.ErrExists) {
			t.Errorf("start after the end gives %v", err)
		}
		if d.Status != asl.Succeeded {
			t.Error(d.Status)
		}
	})
}

func TestRefusals(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, vfs.NewMem(), echo)
		defer w.close()
		for _, c := range []struct {
			req  engine.StartRequest
			want error
		}{
			{engine.StartRequest{Machine: "none", Name: "x", Input: []byte(`{}`)}, engine.ErrNoMachine},
			{engine.StartRequest{Machine: "arn:aws:states:eu-west-1:1:stateMachine:pass", Name: "x", Input: []byte(`{}`)}, engine.ErrNoMachine},
			{engine.StartRequest{Machine: "pass", Name: "a b", Input: []byte(`{}`)}, engine.ErrInvalidName},
			{engine.StartRequest{Machine: "pass", Name: "x", Input: []byte(`{`)}, engine.ErrInvalidInput},
			{engine.StartRequest{Machine: "pass", Name: "x", Input: []byte(`"` + strings.Repeat("x", engine.DefaultMaxInput) + `"`)}, engine.ErrInvalidInput},
		} {
			if _, err := w.engine.Start(t.Context(), c.req); !errors.Is(err, c.want) {
				t.Errorf("%+v gives %v", c.req, err)
			}
		}
		if _, _, _, err := w.engine.Describe(t.Context(), w.engine.ExecutionARN("pass", "none")); !errors.Is(err, engine.ErrNotFound) {
			t.Errorf("describing what is not there gives %v", err)
		}
	})
}

func TestTimeIsKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var calls atomic.Int32
		w := newWorld(t, vfs.NewMem(), func(ctx context.Context, task engine.Task) (*asl.Document, error) {
			switch {
			case task.Execution.Machine == "timeout":
				<-ctx.Done()
				return nil, ctx.Err()
			case calls.Add(1) < 3:
				return nil, &engine.TaskError{Name: "Flaky", Cause: "not yet"}
			}
			return task.Parameters, nil
		})
		defer w.close()
		for _, c := range []struct {
			machine, input string
			took           time.Duration
			status         asl.Status
			err            string
		}{
			{"wait", `{"seconds":3600}`, time.Hour, asl.Succeeded, ""},
			{"retry", `{}`, 6 * time.Second, asl.Succeeded, ""},
			{"timeout", `{}`, 5 * time.Second, asl.Failed, "States.Timeout"},
		} {
			began := time.Now()
			d, err := w.engine.Start(t.Context(), engine.StartRequest{Machine: c.machine, Name: "x", Input: []byte(c.input)})
			if err != nil {
				t.Fatal(err)
			}
			d, _, _, err = w.engine.Wait(t.Context(), d.ARN)
			if err != nil {
				t.Fatal(err)
			}
			if took := time.Since(began).Round(time.Second); d.Status != c.status || d.Error != c.err || took != c.took {
				t.Errorf("%s: %s %s after %v", c.machine, d.Status, d.Error, took)
			}
		}
	})
}

func TestStop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cancelled := make(chan struct{})
		w := newWorld(t, vfs.NewMem(), func(ctx context.Context, task engine.Task) (*asl.Document, error) {
			<-ctx.Done()
			close(cancelled)
			return nil, ctx.Err()
		})
		defer w.close()
		d, err := w.engine.Start(t.Context(), engine.StartRequest{Machine: "three", Name: "x", Input: []byte(`{}`)})
		if err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		for range 2 { // the second is too late, and fine
			if err := w.engine.Stop(t.Context(), d.ARN, "Halt", "said so"); err != nil {
				t.Fatal(err)
			}
		}
		<-cancelled
		d, _ = w.wait(d.ARN)
		if d.Status != asl.Aborted || d.Error != "Halt" || d.Cause != "said so" {
			t.Errorf("%+v", d)
		}
	})
}

// A restart at any moment loses nothing: tasks without a result run again, timers fire on time or, when they are overdue, at once.
func TestRestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fs := vfs.NewMem()
		block := make(chan struct{})
		var ran sync.Map
		w := newWorld(t, fs, func(ctx context.Context, task engine.Task) (*asl.Document, error) {
			n, _ := ran.LoadOrStore(fmt.Sprint(task.Execution.Name, task.State), new(atomic.Int32))
			n.(*atomic.Int32).Add(1)
			if task.State == "B" {
				select {
				case <-block:
				case <-ctx.Done():
					return nil, ctx.Err()
				}
			}
			return task.Parameters, nil
		})
		var arns []string
		for i := range 50 {
			d, err := w.engine.Start(t.Context(), engine.StartRequest{Machine: "three", Name: fmt.Sprint("x", i), Input: []byte(`{"n":1}`), Lane: "live"})
			if err != nil {
				t.Fatal(err)
			}
			arns = append(arns, d.ARN)
		}
		waits, err := w.engine.Start(t.Context(), engine.StartRequest{Machine: "wait", Name: "w", Input: []byte(`{"seconds":7200}`)})
		if err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		w.close()
		w.start()
		defer w.close()
		if n, _ := w.engine.Open("live"); n != 50 {
			t.Errorf("%d open in the lane after the restart", n)
		}
		synctest.Wait()
		close(block)
		for i, arn := range arns {
			d, output := w.wait(arn)
			if d.Status != asl.Succeeded || output != `{"n":1}` {
				t.Errorf("%s: %s %s", arn, d.Status, output)
			}
			for state, want := range map[string]int32{"A": 1, "B": 2, "C": 1} {
				n, _ := ran.Load(fmt.Sprint("x", i, state))
				if got := n.(*atomic.Int32).Load(); got != want {
					t.Errorf("task %s ran %d times", state, got)
				}
			}
		}
		began := waits.Start
		d, _ := w.wait(waits.ARN)
		if d.Status != asl.Succeeded || d.Stop.Sub(began).Round(time.Second) != 2*time.Hour {
			t.Errorf("wait ended %s after %v", d.Status, d.Stop.Sub(began))
		}
		if n, _ := w.engine.Open("live"); n != 0 {
			t.Errorf("%d open in the lane at the end", n)
		}
	})
}

// Every write of the store fails once: the execution ends the same way.
func TestEveryWriteFailsOnce(t *testing.T) {
	for k := int64(1); ; k++ {
		failed := false
		synctest.Test(t, func(t *testing.T) {
			w := &world{t: t, fs: vfs.NewMem(), runner: runnerFunc(echo)}
			base := int64(len(machines))
			w.opts.BeforeCommit = func(n int64) error {
				if n == base+k {
					failed = true
					return errors.New("injected")
				}
				return nil
			}
			w.start()
			defer w.close()
			req := engine.StartRequest{Machine: "map", Name: "x", Input: []byte(`{"items":[1,2,3]}`)}
			if _, err := w.engine.Start(t.Context(), req); err != nil {
				if _, err := w.engine.Start(t.Context(), req); err != nil {
					t.Fatalf("k=%d: second start: %v", k, err)
				}
			}
			d, output := w.wait(w.engine.ExecutionARN("map", "x"))
			if d.Status != asl.Succeeded || output != `[1,2,3]` {
				t.Errorf("k=%d: %s %s %s", k, d.Status, d.Cause, output)
			}
		})
		if !failed {
			if k < 4 {
				t.Errorf("only %d writes", k)
			}
			return
		}
	}
}

func TestManyOpenExecutionsOutsideTheCache(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, vfs.NewMem(), echo)
		defer w.close()
		var ended atomic.Int32
		w.ended = func(engine.Description) { ended.Add(1) }
		const n = 12_000 // more than the cache of executions and the window of timers hold
		var wg sync.WaitGroup
		for g := range 50 {
			wg.Go(func() {
				for i := range n / 50 {
					_, err := w.engine.Start(t.Context(), engine.StartRequest{Machine: "wait", Name: fmt.Sprint(g, "-", i), Input: json.RawMessage(`{"seconds":50}`)})
					if err != nil {
						t.Error(err)
						return
					}
				}
			})
		}
		wg.Wait()
		for ended.Load() < n {
			before := ended.Load()
			time.Sleep(time.Minute) //nolint:forbidigo // virtual time
			if ended.Load() == before {
				t.Fatalf("stuck at %d", before)
			}
		}
	})
}
