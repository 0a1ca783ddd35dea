package engine_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"sundog/asl"
	"sundog/internal/embedded/engine"
)

// faulty fails the tasks of state B, or does not answer them, while fail says so, and counts the tasks.
type faulty struct {
	mode atomic.Value // "fail", "block" or ""
	ran  atomic.Int32
}

func (f *faulty) run(ctx context.Context, task engine.Task) (*asl.Document, error) {
	f.ran.Add(1)
	mode, _ := f.mode.Load().(string)
	switch {
	case task.State == "B" && mode == "fail":
		return nil, &engine.TaskError{Name: "Broken", Cause: "it broke"}
	case task.State == "B" && mode == "block":
		<-ctx.Done()
		return nil, ctx.Err()
	}
	return task.Parameters, nil
}

func newFaulty(mode string) *faulty {
	f := &faulty{}
	f.mode.Store(mode)
	return f
}

func TestRedrive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFaulty("fail")
		w := newWorld(t, vfs.NewMem(), f.run)
		defer func() { w.close() }()
		req := engine.StartRequest{Machine: "three", Name: "x", Input: []byte(`{"a":1}`), Lane: "live"}
		d, err := w.engine.Start(t.Context(), req)
		if err != nil {
			t.Fatal(err)
		}
		d, _ = w.wait(d.ARN)
		if d.Status != asl.Failed || d.RedriveStatus != engine.Redrivable || d.RedriveCount != 0 {
			t.Fatalf("before: %+v", d)
		}
		time.Sleep(time.Hour) //nolint:forbidigo // virtual time
		w.close()             // what is kept outlives the process
		w.start()

		f.mode.Store("block")
		redriven, err := w.engine.Redrive(t.Context(), d.ARN, "")
		if err != nil {
			t.Fatal(err)
		}
		if redriven.Status != asl.Running || redriven.RedriveCount != 1 || !redriven.RedriveDate.After(d.Stop) || !redriven.Start.Equal(d.Start) ||
			!redriven.Stop.IsZero() || redriven.Error != "" || redriven.RedriveStatus != engine.NotRedrivable {
			t.Errorf("redriven: %+v", redriven)
		}
		if n, _ := w.engine.Open("live"); n != 1 {
			t.Errorf("%d open in the lane", n)
		}
		list := func(status asl.Status) int {
			found, _, err := w.engine.List(t.Context(), engine.Filter{Machine: "three", Status: status})
			if err != nil {
				t.Error(err)
			}
			return len(found)
		}
		if list(asl.Running) != 1 || list(asl.Failed) != 0 {
			t.Error("a redriven execution is not listed among those that run alone")
		}

		synctest.Wait()
		w.close()
		f.mode.Store("")
		w.start() // the task that was under way runs again
		d, output := w.wait(d.ARN)
		if d.Status != asl.Succeeded || output != `{"a":1}` || d.RedriveCount != 1 || list(asl.Succeeded) != 1 || list("") != 1 {
			t.Errorf("in the end: %+v %s", d, output)
		}
		if n, _ := w.engine.Open("live"); n != 0 {
			t.Errorf("%d open in the lane at the end", n)
		}
		if n := f.ran.Load(); n != 5 { // A, B three times, C
			t.Errorf("%d tasks ran", n)
		}
		events, _, err := w.engine.History(t.Context(), d.ARN, engine.Page{Limit: 1000})
		if err != nil {
			t.Fatal(err)
		}
		redrives := 0
		for i, ev := range events {
			if ev.ID != int64(i+1) {
				t.Errorf("event %d has the id %d", i+1, ev.ID)
			}
			if ev.Type == "ExecutionRedriven" && ev.Details.RedriveCount == 1 {
				redrives++
			}
		}
		if redrives != 1 || d.EventCount != int64(len(events)) {
			t.Errorf("%d redrives in %d events, of %d", redrives, len(events), d.EventCount)
		}
	})
}

func TestRedriveOfWhatWasStopped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, vfs.NewMem(), echo)
		defer w.close()
		d, err := w.engine.Start(t.Context(), engine.StartRequest{Machine: "wait", Name: "x", Input: []byte(`{"seconds":7200}`)})
		if err != nil {
			t.Fatal(err)
		}
		for range 2 {
			if err := w.engine.Stop(t.Context(), d.ARN, "", ""); err != nil {
				t.Fatal(err)
			}
			if d, err = w.engine.Redrive(t.Context(), d.ARN, ""); err != nil {
				t.Fatal(err)
			}
		}
		d, _ = w.wait(d.ARN)
		if d.Status != asl.Succeeded || d.RedriveCount != 2 || d.Stop.Sub(d.RedriveDate) < 2*time.Hour || d.RedriveStatusReason != "Execution is SUCCEEDED and cannot be redriven" {
			t.Errorf("%+v", d)
		}
	})
}

func TestRedriveRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFaulty("fail")
		w := newWorld(t, vfs.NewMem(), f.run)
		defer func() { w.close() }()
		if err := w.engine.Register(t.Context(), "express", "EXPRESS", []byte(machines["three"])); err != nil {
			t.Fatal(err)
		}
		refused := func(arn, reason string) {
			t.Helper()
			_, err := w.engine.Redrive(t.Context(), arn, "")
			if !errors.Is(err, engine.ErrNotRedrivable) || !strings.Contains(err.Error(), reason) {
				t.Errorf("%v, want %s", err, reason)
			}
			d, _, _, err := w.engine.Describe(t.Context(), arn)
			if err != nil || d.RedriveStatus != engine.NotRedrivable || d.RedriveStatusReason != reason {
				t.Errorf("%s %s (%v), want %s", d.RedriveStatus, d.RedriveStatusReason, err, reason)
			}
		}
		running, err := w.engine.Start(t.Context(), engine.StartRequest{Machine: "wait", Name: "x", Input: []byte(`{"seconds":9000000}`)})
		if err != nil {
			t.Fatal(err)
		}
		refused(running.ARN, "Execution is RUNNING and cannot be redriven")
		succeeded, _ := w.run("pass", "x", `{}`)
		refused(succeeded.ARN, "Execution is SUCCEEDED and cannot be redriven")
		express, _ := w.run("express", "x", `{}`)
		refused(express.ARN, "Execution is of an EXPRESS state machine and cannot be redriven")
		old, _ := w.run("three", "x", `{}`)
		w.close()                                 // nobody looks for timers meanwhile
		time.Sleep(14*24*time.Hour + time.Second) //nolint:forbidigo // virtual time
		w.start()
		refused(old.ARN, "Execution redrivable period exceeded")

		if _, err := w.engine.Redrive(t.Context(), w.engine.ExecutionARN("three", "none"), ""); !errors.Is(err, engine.ErrNotFound) {
			t.Errorf("what is not there: %v", err)
		}
		for _, token := range []string{strings.Repeat("x", 65), "a b", "é"} {
			if _, err := w.engine.Redrive(t.Context(), old.ARN, token); !errors.Is(err, engine.ErrInvalidClientToken) {
				t.Errorf("token %q: %v", token, err)
			}
		}
	})
}

// TestRedriveToken: a request that is repeated with its token changes nothing for a quarter of an hour.
func TestRedriveToken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFaulty("fail")
		w := newWorld(t, vfs.NewMem(), f.run)
		defer w.close()
		d, _ := w.run("three", "x", `{}`)
		redrive := func(token string, count int64) engine.Description {
			t.Helper()
			if _, err := w.engine.Redrive(t.Context(), d.ARN, token); err != nil {
				t.Fatal(err)
			}
			d, _ = w.wait(d.ARN)
			if d.Status != asl.Failed || d.RedriveCount != count {
				t.Errorf("%s, redriven %d times, want %d", d.Status, d.RedriveCount, count)
			}
			return d
		}
		redrive("one", 1)
		redrive("one", 1)
		redrive("two", 2)
		redrive("one", 2)
		redrive("", 3)
		redrive("", 4)
		time.Sleep(15 * time.Minute) //nolint:forbidigo // virtual time
		redrive("one", 5)
		for i := range int64(10) {
			redrive(fmt.Sprint("n", i), 6+i)
		}
		redrive("one", 16) // only ten are remembered
	})
}

// TestRedriveFailsAtOnce: an execution may end in the step in which it is redriven.
func TestRedriveFailsAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, vfs.NewMem(), echo)
		defer w.close()
		ended := 0
		w.ended = func(engine.Description) { ended++ }
		if err := w.engine.Register(t.Context(), "fail", "STANDARD", []byte(`{"StartAt":"F","States":{"F":{"Type":"Fail","Error":"E"}}}`)); err != nil {
			t.Fatal(err)
		}
		d, _ := w.run("fail", "x", `{}`)
		for range 3 {
			if _, err := w.engine.Redrive(t.Context(), d.ARN, ""); err != nil {
				t.Fatal(err)
			}
			d, _ = w.wait(d.ARN)
		}
		found, _, err := w.engine.List(t.Context(), engine.Filter{Machine: "fail"})
		if err != nil || len(found) != 1 || d.Status != asl.Failed || d.RedriveCount != 3 || ended != 4 || w.engine.OpenTotal() != 0 {
			t.Errorf("%d listed (%v), %d ends, %d open: %+v", len(found), err, ended, w.engine.OpenTotal(), d)
		}
	})
}

// TestRedriveWritesFailOnce: whichever write fails on the way from the end to the end, the execution ends once and as it should.
func TestRedriveWritesFailOnce(t *testing.T) {
	for k := int64(1); ; k++ {
		failed := false
		synctest.Test(t, func(t *testing.T) {
			f := newFaulty("fail")
			w := &world{t: t, fs: vfs.NewMem(), runner: runnerFunc(f.run)}
			var writes, from atomic.Int64
			w.opts.BeforeCommit = func(int64) error {
				if n := writes.Add(1); from.Load() > 0 && n == from.Load()+k {
					failed = true
					return errors.New("injected")
				}
				return nil
			}
			w.start()
			defer w.close()
			d, _ := w.run("three", "x", `{"a":1}`)
			f.mode.Store("")
			from.Store(writes.Load())
			if _, err := w.engine.Redrive(t.Context(), d.ARN, ""); err != nil {
				if _, err := w.engine.Redrive(t.Context(), d.ARN, ""); err != nil {
					t.Fatalf("k=%d: second redrive: %v", k, err)
				}
			}
			d, output := w.wait(d.ARN)
			if d.Status != asl.Succeeded || d.RedriveCount != 1 || output != `{"a":1}` || w.engine.OpenTotal() != 0 {
				t.Errorf("k=%d: %+v %s", k, d, output)
			}
		})
		if !failed {
			if k < 3 {
				t.Errorf("only %d writes", k)
			}
			return
		}
	}
}

// TestRedriveOfAMapRun: the Map state of a run that failed has another one.
func TestRedriveOfAMapRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFaulty("fail")
		w := &world{t: t, fs: vfs.NewMem(), runner: runnerFunc(f.run), more: map[string]string{
			"run": `{"StartAt":"M","States":{"M":{"Type":"Map","End":true,"ItemProcessor":{
				"ProcessorConfig":{"Mode":"DISTRIBUTED","ExecutionType":"STANDARD"},"StartAt":"B","States":{
				"B":{"Type":"Task","Resource":"arn:aws:lambda:us-east-1:000000000000:function:b","End":true}}}}}}`,
		}}
		w.start()
		defer w.close()
		d, _ := w.run("run", "x", `[1,2]`)
		if d.Status != asl.Failed || d.RedriveStatus != engine.Redrivable {
			t.Fatalf("%+v", d)
		}
		f.mode.Store("")
		if _, err := w.engine.Redrive(t.Context(), d.ARN, ""); err != nil {
			t.Fatal(err)
		}
		if d, output := w.wait(d.ARN); d.Status != asl.Succeeded || output != `[1,2]` || w.engine.OpenTotal() != 0 {
			t.Errorf("%+v %s", d, output)
		}
	})
}
