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

	"github.com/cockroachdb/pebble/v2/vfs"
	"pgregory.net/rapid"

	"sundog/asl"
	"sundog/asl/asltest"
	"sundog/internal/embedded/engine"
)

var errDead = errors.New("the process is dead")

// crashes runs a world whose process dies at some commits, each time losing what was not synced, and starts it again. Each point is the commit of
// one life at which it ends; the last life does not end so. Live plays one life; its context ends with it.
func crashes(w *world, points []int64, live func(ctx context.Context)) {
	fs := vfs.NewCrashableMem()
	for life := 0; ; life++ {
		var at, n atomic.Int64
		var left *vfs.MemFS
		dead := make(chan struct{})
		if life < len(points) {
			at.Store(points[life] + int64(len(machines)+len(w.more))) // those before store definitions
		}
		w.fs, w.opts.BeforeCommit = fs, func(int64) error {
			now := n.Add(1)
			if at.Load() == 0 || now < at.Load() {
				return nil
			}
			if now == at.Load() {
				left = fs.CrashClone(vfs.CrashCloneCfg{})
				close(dead)
			}
			return errDead
		}
		w.start()
		ctx, cancel := context.WithCancel(context.Background())
		over := make(chan struct{})
		go func() {
			defer close(over)
			live(ctx)
		}()
		select {
		case <-over:
		case <-dead:
			cancel()
			<-over
		}
		cancel()
		select {
		case <-dead:
			w.stop()
			<-w.done
			_ = w.store.Close() // the dead say nothing
			fs = left
		default:
			at.Store(0)
			w.close()
			return
		}
	}
}

// A trial is a map run with crashes.
type trial struct {
	items, concurrency, batch int
	tasks                     bool
	points                    []int64
}

// TestNoItemIsLostOrCountedTwice: whatever the concurrency, the batches and the moments of crashes, the outputs of a map run are those of its items
// in their order, its counts are right, and each child has run.
func TestNoItemIsLostOrCountedTwice(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		c := trial{
			items: rapid.IntRange(0, 300).Draw(rt, "items"), concurrency: rapid.SampledFrom([]int{0, 1, 2, 50}).Draw(rt, "concurrency"),
			batch: rapid.SampledFrom([]int{0, 1, 7}).Draw(rt, "batch"), tasks: rapid.Bool().Draw(rt, "tasks"),
			points: rapid.SliceOfN(rapid.Int64Range(1, 60), 0, 5).Draw(rt, "crashes"),
		}
		var err error
		synctest.Test(t, func(t *testing.T) { err = c.run(t) })
		if err != nil {
			rt.Fatal(err)
		}
	})
}

func (c *trial) run(t *testing.T) error {
	fields, states := fmt.Sprintf(`"MaxConcurrency":%d,`, c.concurrency)+readKey, passItem
	if c.batch > 0 {
		fields += fmt.Sprintf(`"ItemBatcher":{"MaxItemsPerBatch":%d},`, c.batch)
	}
	if c.tasks {
		states = taskItem
	}
	objects := &lockedObjects{}
	var lines strings.Builder
	for i := range c.items {
		fmt.Fprintln(&lines, i)
	}
	objects.all.Add("in", "all", asltest.StoredObject{Body: []byte(lines.String())})
	var ran sync.Map
	w := &world{t: t, object: objects, more: map[string]string{"m": distributed(fields, states)}, runner: runnerFunc(func(_ context.Context, task engine.Task) (*asl.Document, error) {
		ran.Store(task.Execution.ARN, true)
		return task.Parameters, nil
	})}
	var d engine.Description
	var output []byte
	crashes(w, c.points, func(ctx context.Context) {
		started, err := w.engine.Start(ctx, engine.StartRequest{Machine: "m", Name: "x", Input: []byte(`{"key":"all"}`)})
		if err != nil && !errors.Is(err, engine.ErrExists) {
			return
		}
		if described, _, text, err := w.engine.Wait(ctx, started.ARN); err == nil {
			d, output = described, text
			synctest.Wait() // the run notes its end after the execution
		}
	})
	if d.Status != asl.Succeeded {
		return fmt.Errorf("the execution ended %+v", d)
	}
	var results []json.RawMessage
	if err := json.Unmarshal(output, &results); err != nil {
		return err
	}
	if err := c.check(results); err != nil {
		return fmt.Errorf("%w: %s", err, output)
	}
	w.opts.BeforeCommit = nil
	w.start()
	defer w.close()
	synctest.Wait()
	run := w.mapRun(d.ARN)
	items, children := int64(c.items), int64(len(results))
	if run.Status != asl.Succeeded || run.Items.Total != items || run.Items.Succeeded != items || run.Children.Total != children || run.Children.Succeeded != children {
		return fmt.Errorf("the run is %+v", run)
	}
	listed, _, err := w.engine.List(t.Context(), engine.Filter{MapRun: run.ARN, Limit: 1000})
	if err != nil {
		return err
	}
	if len(listed) != len(results) {
		return fmt.Errorf("%d children are listed, %d were started", len(listed), len(results))
	}
	count := 0
	ran.Range(func(any, any) bool { count++; return true })
	if c.tasks && count != len(results) {
		return fmt.Errorf("%d children ran a task, %d have a result", count, len(results))
	}
	return nil
}

// check looks whether the results hold all items, each once, in order.
func (c *trial) check(results []json.RawMessage) error {
	next := 0
	for _, result := range results {
		values := make([]int, 1)
		if c.batch == 0 {
			if err := json.Unmarshal(result, &values[0]); err != nil {
				return err
			}
		} else {
			var b struct{ Items []int }
			if err := json.Unmarshal(result, &b); err != nil {
				return err
			}
			if values = b.Items; len(values) == 0 || len(values) > c.batch {
				return fmt.Errorf("a batch has %d items", len(values))
			}
		}
		for _, value := range values {
			if value != next {
				return fmt.Errorf("the item %d is where %d should be", value, next)
			}
			next++
		}
	}
	if next != c.items {
		return fmt.Errorf("%d items came out of %d", next, c.items)
	}
	return nil
}
