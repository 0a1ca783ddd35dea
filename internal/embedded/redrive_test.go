package embedded_test

import (
	"context"
	"errors"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"sundog/internal/embedded"
	"sundog/internal/embedded/engine"
	"sundog/internal/embedded/store"
	"sundog/internal/pipeline"
	"sundog/internal/project"
	"sundog/internal/queue"
	"sundog/internal/statedb"
	"sundog/payload"
)

// mended is a platform with a workflow whose task fails until it is mended.
type mended struct {
	t        *testing.T
	platform *embedded.Platform
	broken   atomic.Bool
	release  chan struct{} // lets a task that is not broken go on
}

func openMended(t *testing.T) *mended {
	t.Helper()
	m := &mended{t: t, release: make(chan struct{})}
	m.broken.Store(true)
	p := project.Default(t.TempDir(), "redrive")
	p.Workflows = []project.Workflow{{Name: "fails", Definition: []byte(failsWorkflow)}}
	p.Functions = []project.Function{{Name: "break", Kind: project.Builtin, Builtin: "break", Timeout: time.Minute}}
	p.Subscriptions = []project.Subscription{{Name: "events", Topic: embedded.EventTopic, Queue: "events"}}
	breaking := func(ctx context.Context, event []byte) ([]byte, error) {
		if m.broken.Load() {
			return nil, named{"Broken", "it cannot work"}
		}
		select {
		case <-m.release:
			return event, nil
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	var err error
	m.platform, err = embedded.Open(t.Context(), p, embedded.Options{
		Data: t.TempDir(), Store: store.Options{FS: vfs.NewMem()},
		Functions: map[string]func(context.Context, []byte) ([]byte, error){"break": breaking},
	})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// run runs the platform, and returns what stops and closes it.
func (m *mended) run() (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- m.platform.Run(ctx) }()
	return func() {
		cancel()
		if err := <-done; err != nil {
			m.t.Error(err)
		}
		if err := m.platform.Close(context.Background()); err != nil {
			m.t.Error(err)
		}
	}
}

// record waits until the record is in a state.
func (m *mended) record(id payload.ID, state statedb.State) statedb.Record {
	m.t.Helper()
	for range 100 {
		r, err := m.platform.Records.Get(m.t.Context(), id)
		if err == nil && r.State() == state {
			return r
		}
		time.Sleep(time.Second) //nolint:forbidigo // virtual time
	}
	r, err := m.platform.Records.Get(m.t.Context(), id)
	m.t.Fatalf("the record is %+v (%v), want %s", r, err, state)
	return r
}

func TestRedrivenPayload(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := openMended(t)
		defer m.run()()
		id := payload.ID{Collections: "scenes", Workflow: "fails", ItemIDs: "one"}
		submission := embedded.Submission{Body: []byte(scene("one", `{"workflow":"fails"}`))}
		if _, err := m.platform.Submit(t.Context(), []embedded.Submission{submission}); err != nil {
			t.Fatal(err)
		}
		failed := m.record(id, statedb.Failed)
		execution := failed.LastExecution()

		m.broken.Store(false)
		if _, err := m.platform.Engine.Redrive(t.Context(), execution, ""); err != nil {
			t.Fatal(err)
		}
		r := m.record(id, statedb.Processing)
		if r.LastError != nil || !slices.Equal(r.Executions, failed.Executions) || r.Redrives() != 1 {
			t.Errorf("the record of a redriven execution is %+v", r)
		}
		late := pipeline.Completion{Execution: execution, Status: "FAILED", Error: "Broken", PayloadID: id.String()}
		update, err := m.platform.Queues.Queue(t.Context(), embedded.UpdateQueue)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := update.Send(t.Context(), queue.Draft{Body: late.Event()}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(10 * time.Second) //nolint:forbidigo // virtual time
		m.record(id, statedb.Processing)

		close(m.release)
		m.record(id, statedb.Succeeded)
		_, name := payload.CutExecutionARN(execution)
		if output, err := m.platform.Fetch(t.Context(), m.platform.Layout.Output(id.String(), name).String()); err != nil || len(output) == 0 {
			t.Errorf("output %q: %v", output, err)
		}
		if _, err := m.platform.Engine.Redrive(t.Context(), execution, ""); !errors.Is(err, engine.ErrNotRedrivable) {
			t.Errorf("redriving a success: %v", err)
		}
	})
}

// TestRedriveAfterAnotherExecution: an execution that another one has followed cannot take the record back.
func TestRedriveAfterAnotherExecution(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := openMended(t)
		defer m.run()()
		id := payload.ID{Collections: "scenes", Workflow: "fails", ItemIDs: "two"}
		submission := embedded.Submission{Body: []byte(scene("two", `{"workflow":"fails"}`))}
		submit := func() {
			t.Helper()
			if _, err := m.platform.Submit(t.Context(), []embedded.Submission{submission}); err != nil {
				t.Fatal(err)
			}
		}
		submit()
		first := m.record(id, statedb.Failed).LastExecution()
		m.broken.Store(false)
		submit()
		second := m.record(id, statedb.Processing)
		if _, err := m.platform.Engine.Redrive(t.Context(), first, ""); !errors.Is(err, engine.ErrNotRedrivable) {
			t.Errorf("redriving the first execution: %v", err)
		}
		if d, _, _, err := m.platform.Engine.Describe(t.Context(), first); err != nil || d.Status != "FAILED" || d.RedriveCount != 0 {
			t.Errorf("the first execution is %+v (%v)", d, err)
		}
		close(m.release)
		if r := m.record(id, statedb.Succeeded); !slices.Equal(r.Executions, second.Executions) || r.Redrives() != 0 {
			t.Errorf("the record is %+v", r)
		}
	})
}

// TestRedriveWithoutRecord: the record of a payload may be gone, and comes back with the end.
func TestRedriveWithoutRecord(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := openMended(t)
		defer m.run()()
		id := payload.ID{Collections: "scenes", Workflow: "fails", ItemIDs: "three"}
		submission := embedded.Submission{Body: []byte(scene("three", `{"workflow":"fails"}`))}
		if _, err := m.platform.Submit(t.Context(), []embedded.Submission{submission}); err != nil {
			t.Fatal(err)
		}
		execution := m.record(id, statedb.Failed).LastExecution()
		if err := m.platform.Records.Delete(t.Context(), id, statedb.Effects{}); err != nil {
			t.Fatal(err)
		}
		m.broken.Store(false)
		close(m.release)
		if _, err := m.platform.Engine.Redrive(t.Context(), execution, ""); err != nil {
			t.Fatal(err)
		}
		m.record(id, statedb.Succeeded)
	})
}
