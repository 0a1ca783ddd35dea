package engine_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"

	"github.com/cockroachdb/pebble/v2/vfs"

	"sundog/asl"
	"sundog/internal/embedded/engine"
	"sundog/internal/embedded/machine"
)

// TestDeletionGoesOnAfterARestart ends the engine when a machine is marked as being deleted, and nothing else has been done about it.
func TestDeletionGoesOnAfterARestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, ctx := newWorld(t, vfs.NewMem(), echo), context.Background()
		definition := []byte(`{"StartAt":"A","States":{"A":{"Type":"Wait","Seconds":3600,"End":true}}}`)
		m, _, err := w.engine.Machines().Create(ctx, machine.Draft{Name: "gone", Definition: definition})
		if err != nil {
			t.Fatal(err)
		}
		d, err := w.engine.Start(ctx, engine.StartRequest{Machine: m.ARN, Name: "one", Input: []byte("1")})
		if err != nil {
			t.Fatal(err)
		}
		if err := w.engine.Machines().Delete(ctx, "gone"); err != nil {
			t.Fatal(err)
		}
		if _, err := w.engine.Start(ctx, engine.StartRequest{Machine: m.ARN, Name: "two", Input: []byte("1")}); !errors.Is(err, machine.ErrDeleting) {
			t.Errorf("a start of what is being deleted: %v", err)
		}
		w.close()
		w.start()
		defer w.close()
		if ended, _ := w.wait(d.ARN); ended.Status != asl.Aborted {
			t.Errorf("the execution is %s", ended.Status)
		}
		synctest.Wait()
		if _, err := w.engine.Machines().Machine("gone"); !errors.Is(err, machine.ErrNotFound) {
			t.Errorf("the machine: %v", err)
		}
	})
}
