package engine_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"sundog/asl"
	"sundog/internal/embedded/engine"
)

func TestStartSync(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFaulty("")
		w := newWorld(t, vfs.NewMem(), f.run)
		defer w.close()
		for _, name := range []string{"three", "wait"} {
			if err := w.engine.Register(t.Context(), "x-"+name, "EXPRESS", []byte(machines[name])); err != nil {
				t.Fatal(err)
			}
		}
		start := func(machine, name, input string) engine.Ended {
			t.Helper()
			ended, err := w.engine.StartSync(t.Context(), engine.StartRequest{Machine: machine, Name: name, Input: []byte(input)})
			if err != nil {
				t.Fatal(err)
			}
			return ended
		}
		first, second := start("x-three", "same", `{"a":1}`), start("x-three", "same", `{"a":2}`)
		if first.Status != asl.Succeeded || string(first.OutputText) != `{"a":1}` || string(second.OutputText) != `{"a":2}` || string(second.InputText) != `{"a":2}` {
			t.Errorf("%+v\n%+v", first, second)
		}
		prefix := "arn:aws:states:us-east-1:000000000000:express:x-three:same:"
		if !strings.HasPrefix(first.ARN, prefix) || len(first.ARN) != len(prefix)+36 || first.ARN == second.ARN {
			t.Errorf("ARNs %s and %s", first.ARN, second.ARN)
		}
		if d, _, output, err := w.engine.Describe(t.Context(), first.ARN); err != nil || d.Name != "same" || string(output) != `{"a":1}` {
			t.Errorf("described: %+v %s %v", d, output, err)
		}
		if unnamed := start("x-three", "", `{}`); unnamed.Name == "" || !strings.Contains(unnamed.ARN, ":"+unnamed.Name+":") {
			t.Errorf("without a name: %+v", unnamed)
		}

		f.mode.Store("fail")
		if failed := start("x-three", "f", `{}`); failed.Status != asl.Failed || failed.Error != "Broken" || failed.OutputText != nil {
			t.Errorf("failed: %+v", failed)
		}
		if slow := start("x-wait", "s", `{"seconds":3600}`); slow.Status != asl.TimedOut || slow.Stop.Sub(slow.Start) < 5*time.Minute {
			t.Errorf("slow: %+v", slow)
		}
		if w.engine.OpenTotal() != 0 {
			t.Errorf("%d open", w.engine.OpenTotal())
		}
		removed, err := w.engine.Expire(t.Context(), func(string) time.Time { return time.Now().Add(time.Hour) })
		if err != nil || removed != 5 {
			t.Errorf("%d executions were removed (%v)", removed, err)
		}
		if _, _, _, err := w.engine.Describe(t.Context(), first.ARN); !errors.Is(err, engine.ErrNotFound) {
			t.Errorf("what was removed is described: %v", err)
		}
	})
}

func TestStartSyncRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, vfs.NewMem(), echo)
		if err := w.engine.Register(t.Context(), "x", "EXPRESS", []byte(machines["wait"])); err != nil {
			t.Fatal(err)
		}
		for _, c := range []struct {
			machine, name, input string
			want                 error
		}{
			{"wait", "n", `{}`, engine.ErrNotExpress},
			{"none", "n", `{}`, engine.ErrNoMachine},
			{"x", "a b", `{}`, engine.ErrInvalidName},
			{"x", "n", `{`, engine.ErrInvalidInput},
		} {
			req := engine.StartRequest{Machine: c.machine, Name: c.name, Input: []byte(c.input)}
			if _, err := w.engine.StartSync(t.Context(), req); !errors.Is(err, c.want) {
				t.Errorf("%+v: %v", c, err)
			}
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		req := engine.StartRequest{Machine: "x", Name: "n", Input: []byte(`{"seconds":60}`)}
		if _, err := w.engine.StartSync(ctx, req); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("who gives up waiting gets %v", err)
		}
		waited := make(chan error, 1)
		go func() {
			_, err := w.engine.StartSync(t.Context(), req)
			waited <- err
		}()
		synctest.Wait()
		w.close()
		if err := <-waited; !errors.Is(err, engine.ErrStopping) {
			t.Errorf("who waits when the engine stops gets %v", err)
		}
	})
}
