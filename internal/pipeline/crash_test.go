package pipeline_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"sundog/internal/embedded/store"
	"sundog/internal/event"
	"sundog/internal/pipeline"
	"sundog/internal/queue"
	"sundog/internal/statedb"
	"sundog/payload"
)

var errInjected = errors.New("injected")

// TestEveryCommit plays three payloads through two chained workflows, once for every commit, which then fails or is the moment of a
// crash that loses what was not synced. Whatever happens, it ends as if nothing had.
func TestEveryCommit(t *testing.T) {
	for _, crash := range []bool{false, true} {
		t.Run(fmt.Sprintf("crash %v", crash), func(t *testing.T) {
			k, last := int64(1), false
			for ; !last; k++ {
				synctest.Test(t, func(t *testing.T) { last = !playWithFault(t, k, crash) })
				if t.Failed() {
					t.Fatalf("with commit %d", k)
				}
			}
			t.Logf("with a fault at each of %d commits", k-2)
			if k < 30 {
				t.Errorf("it took only %d commits", k)
			}
		})
	}
}

// playWithFault plays the scenario with a fault at commit k, and reports whether it came to that.
func playWithFault(t *testing.T, k int64, crash bool) bool {
	fs := vfs.NewCrashableMem()
	var clone *vfs.MemFS
	var counting atomic.Bool
	var commits atomic.Int64
	x := newExecutor()
	p := openPlatform(t, store.Options{FS: fs, BeforeCommit: func(int64) error {
		if !counting.Load() {
			return nil
		}
		n := commits.Add(1)
		switch {
		case n == k && crash:
			clone = fs.CrashClone(vfs.CrashCloneCfg{})
			return errInjected
		case n == k || n > k && crash:
			return errInjected
		}
		return nil
	}}, x)
	counting.Store(true)
	w := &feed{executor: x}
	for !w.done(t.Context(), p) {
		if crash && commits.Load() >= k {
			p.close()
			p = openPlatform(t, store.Options{FS: clone}, x)
			crash = false
		}
	}
	counting.Store(false)
	p.checkAllDone()
	p.close()
	return commits.Load() >= k
}

// feed is the world outside: it sends payloads until they are acknowledged, and ends executions.
type feed struct {
	executor *executor
	sent     int
	ended    []string
}

var items = []string{"i1", "i2", "i3"}

// done does what there is to do, and reports whether nothing is left.
func (w *feed) done(ctx context.Context, p *platform) bool {
	for w.sent < len(items) {
		if _, err := p.processes.Send(ctx, queue.Draft{Body: []byte(body(items[w.sent], "wf", "next")), Lane: "bulk"}); err != nil {
			return false
		}
		w.sent++
	}
	busy := p.turn(ctx, "process", p.processor.Handle)
	update, err := p.queues.Queue(ctx, "update")
	if err != nil {
		return false
	}
	for _, arn := range w.executor.executions() {
		if slices.Contains(w.ended, arn) {
			continue
		}
		c := pipeline.Completion{Execution: arn, Status: "SUCCEEDED"}
		if _, err := update.Send(ctx, queue.Draft{Body: c.Event()}); err != nil {
			return false
		}
		w.ended = append(w.ended, arn)
		busy = true
	}
	return !p.turn(ctx, "update", p.updater.HandleMessages) && !busy
}

// turn handles a batch of a queue, waiting for messages that come again, and reports whether there was one.
func (p *platform) turn(ctx context.Context, name string, handle func(context.Context, []queue.Message) []pipeline.Outcome) bool {
	q, err := p.queues.Queue(ctx, name)
	if err != nil {
		return true
	}
	messages, err := q.Receive(ctx, queue.Request{Max: 10, Wait: time.Minute})
	if err != nil || len(messages) == 0 {
		return err != nil
	}
	for i, o := range handle(ctx, messages) {
		switch o.Verdict { // what fails here leaves the message to its visibility timeout
		case pipeline.Done:
			_ = q.Delete(ctx, messages[i].Receipt)
		case pipeline.DeadLetter:
			p.tb.Errorf("dead letter: %v", o.Err)
			_ = q.DeadLetter(ctx, messages[i].Receipt, o.Err.Error())
		case pipeline.Retry:
			_ = q.Retry(ctx, messages[i].Receipt, o.After, o.Err.Error())
		}
	}
	return true
}

// checkAllDone compares with what a run without faults ends in.
func (p *platform) checkAllDone() {
	p.tb.Helper()
	var ids []string
	for _, item := range items {
		ids = append(ids, "c1/workflow-wf/"+item, "c1/made/workflow-next/"+item+"/made-1")
	}
	for _, id := range ids {
		r := p.record(id)
		if r.State() != statedb.Succeeded || len(r.Executions) != 1 {
			p.tb.Errorf("%s: %+v", id, r)
			continue
		}
		_, name := payload.CutExecutionARN(r.LastExecution())
		if kept := p.objects("cirrus/executions/" + id + "/" + name + "/"); len(kept) != 2 {
			p.tb.Errorf("%s: objects %v", id, kept)
		}
	}
	if p.executor.starts != len(ids) {
		p.tb.Errorf("%d executions were started, want %d", p.executor.starts, len(ids))
	}
	if published := p.drain("items"); len(published) != len(items)*(2+3) {
		p.tb.Errorf("%d Items were published", len(published))
	}
	told := map[string]int{}
	for _, text := range p.drain("events") {
		e, err := event.Parse(text)
		if err != nil {
			p.tb.Fatal(err)
		}
		told[string(e.Type)]++
	}
	// A message that came again after the execution had ended tells so, instead of the start.
	started, ended := told[string(event.StartedProcessing)], told[string(event.AlreadySucceeded)]
	if told[string(event.ClaimedProcessing)] != len(ids) || told[string(event.Succeeded)] != len(ids) ||
		started > len(ids) || started+ended < len(ids) {
		p.tb.Errorf("events %v, want %d of each", told, len(ids))
	}
	counts, err := p.db.Counts(context.Background(), "")
	if err != nil || len(counts) != 2 || counts[0].Records != 3 || counts[1].Records != 3 {
		p.tb.Errorf("counts %v, %v", counts, err)
	}
	for _, name := range []string{"process", "update"} {
		q, err := p.queues.Queue(context.Background(), name)
		if err != nil {
			p.tb.Fatal(err)
		}
		if depth := q.Depth(); depth.Total() != 0 || depth.Dead != 0 {
			p.tb.Errorf("queue %s: %+v", name, depth)
		}
	}
}
