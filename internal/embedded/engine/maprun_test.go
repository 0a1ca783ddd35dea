package engine_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/cockroachdb/pebble/v2/vfs"

	"sundog/asl"
	"sundog/asl/asltest"
	"sundog/internal/embedded/engine"
	"sundog/itemreader"
)

// lockedObjects are buckets in memory that many may use.
type lockedObjects struct {
	mu  sync.Mutex
	all asltest.Objects
}

func (o *lockedObjects) Open(ctx context.Context, bucket, key string) (itemreader.Body, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.all.Open(ctx, bucket, key)
}

func (o *lockedObjects) List(ctx context.Context, bucket, prefix, after string) ([]itemreader.Object, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.all.List(ctx, bucket, prefix, after)
}

func (o *lockedObjects) Put(ctx context.Context, bucket, key string, body []byte) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.all.Put(ctx, bucket, key, body)
}

// distributed makes a machine of one distributed Map state with these fields, whose children run these states from A on.
func distributed(fields, states string) string {
	return `{"StartAt":"M","States":{"M":{"Type":"Map","Label":"each","End":true,` + fields + `
		"ItemProcessor":{"ProcessorConfig":{"Mode":"DISTRIBUTED","ExecutionType":"STANDARD"},"StartAt":"A","States":{` + states + `}}}}}`
}

const (
	passItem = `"A":{"Type":"Pass","End":true}`
	taskItem = `"A":{"Type":"Task","Resource":"arn:aws:lambda:us-east-1:000000000000:function:a","End":true}`
	readKey  = `"ItemReader":{"Resource":"arn:aws:states:::s3:getObject","ReaderConfig":{"InputType":"JSONL"},"Parameters":{"Bucket":"in","Key.$":"$.key"}},`
	write    = `"ResultWriter":{"Resource":"arn:aws:states:::s3:putObject","Parameters":{"Bucket":"out","Prefix":"results"}},`
)

var mapMachines = map[string]string{
	"pass":     distributed(``, passItem),
	"task":     distributed(`"MaxConcurrency":3,`, taskItem),
	"selector": distributed(`"ItemsPath":"$.items","ItemSelector":{"n.$":"$$.Map.Item.Value","i.$":"$$.Map.Item.Index","from.$":"$$.Map.Item.Source","x.$":"$.x"},`, passItem),
	"batch":    distributed(`"ItemBatcher":{"MaxItemsPerBatch":2,"BatchInput":{"b":1}},`, passItem),
	"lines":    distributed(readKey, taskItem),
	"write":    distributed(readKey+write, taskItem),
	"tolerant": distributed(`"ToleratedFailureCount":1,`, taskItem),
	"token":    distributed(`"MaxConcurrency":2,`, `"A":{"Type":"Task","Resource":"arn:aws:states:::sqs:sendMessage.waitForTaskToken","Parameters":{"t.$":"$$.Task.Token","n.$":"$"},"End":true}`),
	"nested": distributed(``, `"A":{"Type":"Map","End":true,"ItemProcessor":{"ProcessorConfig":{"Mode":"DISTRIBUTED","ExecutionType":"EXPRESS"},
		"StartAt":"B","States":{"B":{"Type":"Task","Resource":"arn:aws:lambda:us-east-1:000000000000:function:a","End":true}}}}`),
	"caught": `{"StartAt":"M","States":{"M":{"Type":"Map","Label":"each","End":true,"Catch":[{"ErrorEquals":["States.ExceedToleratedFailureThreshold"],"Next":"C"}],
		"ItemProcessor":{"ProcessorConfig":{"Mode":"DISTRIBUTED"},"StartAt":"A","States":{` + taskItem + `}}},"C":{"Type":"Pass","Result":"caught","End":true}}}`,
}

// failOn fails the tasks whose parameters are 13, and echoes the others.
func failOn(_ context.Context, task engine.Task) (*asl.Document, error) {
	if string(task.Parameters.Bytes()) == "13" {
		return nil, &engine.TaskError{Name: "Unlucky", Cause: "it is 13"}
	}
	return task.Parameters, nil
}

func newMapWorld(t testing.TB, runner runnerFunc) (*world, *lockedObjects) {
	objects := &lockedObjects{}
	objects.all.Make("out")
	w := &world{t: t, fs: vfs.NewMem(), runner: runner, object: objects, more: map[string]string{}}
	for name, definition := range mapMachines {
		w.more["d-"+name] = definition
	}
	return w, objects
}

func TestMapRuns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, objects := newMapWorld(t, failOn)
		objects.all.Add("in", "three", asltest.StoredObject{Body: []byte("1\n2\n3\n")})
		objects.all.Add("in", "bad", asltest.StoredObject{Body: []byte("1\n{\n")})
		w.start()
		defer w.close()
		for _, c := range []struct{ machine, input, status, output, err, cause string }{
			{machine: "pass", input: `[1,"a",{"b":2}]`, output: `[1,"a",{"b":2}]`},
			{machine: "pass", input: `[]`, output: `[]`},
			{machine: "pass", input: `{"k":1,"l":2}`, output: `[{"Key":"k","Value":1},{"Key":"l","Value":2}]`},
			{machine: "task", input: `[5,6,7,8,9]`, output: `[5,6,7,8,9]`},
			{
				machine: "selector", input: `{"items":[7],"x":"y"}`,
				output: `[{"n":7,"i":0,"from":"STATE_DATA","x":"y"}]`,
			},
			{machine: "selector", input: `{"items":[7]}`, err: "States.Runtime"},
			{machine: "batch", input: `[1,2,3]`, output: `[{"BatchInput":{"b":1},"Items":[1,2]},{"BatchInput":{"b":1},"Items":[3]}]`},
			{machine: "lines", input: `{"key":"three"}`, output: `[1,2,3]`},
			{machine: "lines", input: `{"key":"none"}`, err: "States.ItemReaderFailed", cause: "The specified key does not exist."},
			{machine: "lines", input: `{"key":"bad"}`, err: "States.ItemReaderFailed", cause: "Line 2 of the file is not valid JSON."},
			{machine: "nested", input: `[[1,2],[3]]`, output: `[[1,2],[3]]`},
			{machine: "task", input: `[5,13,7]`, err: "States.ExceedToleratedFailureThreshold", cause: "The specified tolerated failure threshold was exceeded"},
			{machine: "tolerant", input: `[5,13,13]`, err: "States.ExceedToleratedFailureThreshold"},
			{machine: "caught", input: `[13]`, output: `"caught"`},
		} {
			name := strings.Map(func(c rune) rune {
				if strings.ContainsRune(`"{}[],:`, c) {
					return '-'
				}
				return c
			}, c.input)
			d, output := w.run("d-"+c.machine, name, c.input)
			if c.err == "" && (d.Status != asl.Succeeded || output != c.output) || c.err != "" && (d.Error != c.err || c.cause != "" && d.Cause != c.cause) {
				t.Errorf("%s of %s: %s %s %s %s", c.machine, c.input, d.Status, d.Error, d.Cause, output)
			}
		}
	})
}

// run returns the only map run of an execution.
func (w *world) mapRun(arn string) engine.MapRun {
	w.t.Helper()
	runs, next, err := w.engine.ListMapRuns(context.Background(), arn, "", 0)
	if err != nil || len(runs) != 1 || next != "" {
		w.t.Fatalf("map runs of %s: %v %q %v", arn, runs, next, err)
	}
	run, err := w.engine.DescribeMapRun(context.Background(), runs[0].ARN)
	if err != nil {
		w.t.Fatal(err)
	}
	return run
}

func TestMapRunIsDescribed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, objects := newMapWorld(t, failOn)
		objects.all.Add("in", "three", asltest.StoredObject{Body: []byte("1\n2\n3\n")})
		w.start()
		defer w.close()
		d, _ := w.run("d-tolerant", "x", `[5,13,7]`)
		run := w.mapRun(d.ARN)
		if run.Status != asl.Succeeded || run.Items.Total != 3 || run.Items.Succeeded != 2 || run.Items.Failed != 1 || run.Children != run.Items || run.Stop.IsZero() {
			t.Errorf("%+v", run)
		}
		if !strings.HasPrefix(run.ARN, "arn:aws:states:us-east-1:000000000000:mapRun:d-tolerant/each:") {
			t.Error(run.ARN)
		}
		var names []string
		token := ""
		for {
			page, next, err := w.engine.List(t.Context(), engine.Filter{MapRun: run.ARN, Limit: 2, Token: token})
			if err != nil {
				t.Fatal(err)
			}
			for _, child := range page {
				if child.MapRun != run.ARN || !strings.HasPrefix(child.ARN, "arn:aws:states:us-east-1:000000000000:execution:d-tolerant/each:") {
					t.Errorf("%+v", child)
				}
				if described, _, _, err := w.engine.Describe(t.Context(), child.ARN); err != nil || described.Status != child.Status {
					t.Errorf("%s: %+v %v", child.ARN, described, err)
				}
				if history, _, err := w.engine.History(t.Context(), child.ARN, engine.Page{}); err != nil || len(history) < 4 {
					t.Errorf("history of %s: %v %v", child.ARN, history, err)
				}
				names = append(names, child.Name)
			}
			if token = next; token == "" {
				break
			}
		}
		slices.Sort(names)
		if len(slices.Compact(names)) != 3 {
			t.Errorf("%d children listed", len(names))
		}
		failed, _, err := w.engine.List(t.Context(), engine.Filter{MapRun: run.ARN, Status: asl.Failed})
		if err != nil || len(failed) != 1 || failed[0].Error != "Unlucky" {
			t.Errorf("%+v %v", failed, err)
		}
		if _, err := w.engine.DescribeMapRun(t.Context(), run.ARN+"x"); !errors.Is(err, engine.ErrNoMapRun) {
			t.Errorf("a run that is not there: %v", err)
		}
		if err := w.engine.UpdateMapRun(t.Context(), run.ARN, engine.MapRunUpdate{}); !errors.Is(err, engine.ErrEnded) {
			t.Errorf("update of a run that is over: %v", err)
		}
	})
}

func TestResultsAreWritten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, objects := newMapWorld(t, failOn)
		objects.all.Add("in", "all", asltest.StoredObject{Body: []byte("1\n2\n")})
		objects.all.Add("in", "some", asltest.StoredObject{Body: []byte("1\n13\n")})
		w.start()
		defer w.close()
		d, output := w.run("d-write", "all", `{"key":"all"}`)
		run := w.mapRun(d.ARN)
		id := run.ARN[strings.LastIndexByte(run.ARN, ':')+1:]
		want := fmt.Sprintf(`{"MapRunArn":%q,"ResultWriterDetails":{"Bucket":"out","Key":"results/%s/manifest.json"}}`, run.ARN, id)
		if d.Status != asl.Succeeded || output != want || run.Written != 2 {
			t.Errorf("%s %s, want %s; %+v", d.Status, output, want, run)
		}
		var manifest struct {
			DestinationBucket, MapRunArn string
			ResultFiles                  map[string][]struct {
				Key  string
				Size int
			}
		}
		if err := json.Unmarshal(objects.all.Get("out", "results/"+id+"/manifest.json"), &manifest); err != nil {
			t.Fatal(err)
		}
		files := manifest.ResultFiles
		if manifest.DestinationBucket != "out" || manifest.MapRunArn != run.ARN || len(files["SUCCEEDED"]) != 1 || files["FAILED"] == nil || len(files["FAILED"]) != 0 || files["PENDING"] == nil {
			t.Fatalf("%+v", manifest)
		}
		text := objects.all.Get("out", files["SUCCEEDED"][0].Key)
		var results []struct{ Input, Output, Status, ExecutionArn, Name string }
		if err := json.Unmarshal(text, &results); err != nil || len(text) != files["SUCCEEDED"][0].Size {
			t.Fatalf("%s: %v", text, err)
		}
		if len(results) != 2 || results[1].Input != "2" || results[1].Output != "2" || results[1].Status != "SUCCEEDED" {
			t.Errorf("%+v", results)
		}

		d, _ = w.run("d-write", "some", `{"key":"some"}`)
		run = w.mapRun(d.ARN)
		id = run.ARN[strings.LastIndexByte(run.ARN, ':')+1:]
		if d.Error != "States.ExceedToleratedFailureThreshold" || run.Status != asl.Failed {
			t.Errorf("%+v", d)
		}
		if failed := string(objects.all.Get("out", "results/"+id+"/FAILED_0.json")); !strings.Contains(failed, `"Error":"Unlucky"`) {
			t.Errorf("FAILED_0.json is %s", failed)
		}
	})
}

// A stopped execution stops the children of its runs, and theirs.
func TestStopStopsChildren(t *testing.T) {
	for _, machine := range []string{"d-task", "d-nested"} {
		synctest.Test(t, func(t *testing.T) {
			var cancelled atomic.Int32
			w, _ := newMapWorld(t, func(ctx context.Context, _ engine.Task) (*asl.Document, error) {
				<-ctx.Done()
				cancelled.Add(1)
				return nil, ctx.Err()
			})
			w.start()
			defer w.close()
			d, err := w.engine.Start(t.Context(), engine.StartRequest{Machine: machine, Name: "x", Input: []byte(`[[1],[2],[3],[4]]`)})
			if err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
			if err := w.engine.Stop(t.Context(), d.ARN, "", ""); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
			run := w.mapRun(d.ARN)
			want := map[string]int64{"d-task": 3, "d-nested": 4}[machine]
			if run.Status != asl.Aborted || run.Children.Aborted != want || run.Children.Running != 0 || int64(cancelled.Load()) != want {
				t.Errorf("%s: %+v, %d tasks cancelled", machine, run, cancelled.Load())
			}
		})
	}
}

// More concurrency lets more children start, and more tolerance lets a run go on.
func TestUpdateMapRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var running, most atomic.Int32
		release := make(chan struct{})
		w, _ := newMapWorld(t, func(_ context.Context, task engine.Task) (*asl.Document, error) {
			most.Store(max(most.Load(), running.Add(1)))
			defer running.Add(-1)
			<-release
			return failOn(t.Context(), task)
		})
		w.start()
		defer w.close()
		d, err := w.engine.Start(t.Context(), engine.StartRequest{Machine: "d-task", Name: "x", Input: []byte(`[1,2,13,4,5,6,7,8]`)})
		if err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if n := running.Load(); n != 3 {
			t.Errorf("%d run, MaxConcurrency is 3", n)
		}
		run := w.mapRun(d.ARN)
		five, one, bad := int64(5), int64(1), int64(-1)
		if err := w.engine.UpdateMapRun(t.Context(), run.ARN, engine.MapRunUpdate{MaxConcurrency: &bad}); !errors.Is(err, engine.ErrInvalidUpdate) {
			t.Error(err)
		}
		if err := w.engine.UpdateMapRun(t.Context(), run.ARN, engine.MapRunUpdate{MaxConcurrency: &five, ToleratedCount: &one}); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if n := running.Load(); n != 5 {
			t.Errorf("%d run after the update", n)
		}
		close(release)
		d, _ = w.wait(d.ARN)
		if run = w.mapRun(d.ARN); d.Status != asl.Succeeded || run.MaxConcurrency != 5 || run.Items.Failed != 1 || most.Load() > 5 {
			t.Errorf("%+v %+v", d, run)
		}
	})
}

// Every write of the store fails once: the map run ends the same way, with the same results.
func TestEveryWriteOfAMapRunFailsOnce(t *testing.T) {
	for k := int64(1); ; k++ {
		failed := false
		synctest.Test(t, func(t *testing.T) {
			w, objects := newMapWorld(t, failOn)
			objects.all.Add("in", "all", asltest.StoredObject{Body: []byte("1\n2\n3\n4\n5\n")})
			base := int64(len(machines) + len(w.more))
			w.opts.BeforeCommit = func(n int64) error {
				if n == base+k {
					failed = true
					return errors.New("injected")
				}
				return nil
			}
			w.start()
			defer w.close()
			req := engine.StartRequest{Machine: "d-write", Name: "x", Input: []byte(`{"key":"all"}`)}
			if _, err := w.engine.Start(t.Context(), req); err != nil {
				if _, err := w.engine.Start(t.Context(), req); err != nil {
					t.Fatalf("k=%d: second start: %v", k, err)
				}
			}
			d, _ := w.wait(w.engine.ExecutionARN("d-write", "x"))
			synctest.Wait()
			run := w.mapRun(d.ARN)
			if d.Status != asl.Succeeded || run.Children.Succeeded != 5 || run.Children.Total != 5 || run.Written != 5 {
				t.Errorf("k=%d: %s %s %+v", k, d.Status, d.Cause, run)
			}
		})
		if !failed {
			if k < 8 {
				t.Errorf("only %d writes", k)
			}
			return
		}
	}
}

// A token of a child's task leads to the child, also after a restart.
func TestTokensOfChildren(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		var tokens []string
		items := map[string]string{} // by token
		w, _ := newMapWorld(t, func(_ context.Context, task engine.Task) (*asl.Document, error) {
			mu.Lock()
			defer mu.Unlock()
			var parameters struct{ N json.RawMessage }
			if err := json.Unmarshal(task.Parameters.Bytes(), &parameters); err != nil {
				return nil, err
			}
			tokens = append(tokens, task.Token)
			items[task.Token] = string(parameters.N)
			return task.Parameters, nil
		})
		w.start()
		defer func() { w.close() }()
		d, err := w.engine.Start(t.Context(), engine.StartRequest{Machine: "d-token", Name: "x", Input: []byte(`[1,2,3]`)})
		if err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if len(tokens) != 2 {
			t.Fatalf("%d tasks run, MaxConcurrency is 2", len(tokens))
		}
		w.close()
		w.start()
		synctest.Wait()
		for i := range 3 {
			if err := w.engine.SendTaskSuccess(t.Context(), tokens[i], []byte(items[tokens[i]])); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
		}
		if d, output := w.wait(d.ARN); d.Status != asl.Succeeded || output != `[1,2,3]` {
			t.Errorf("%+v %s", d, output)
		}
	})
}
