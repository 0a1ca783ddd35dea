package maprun_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"sundog/asl"
	"sundog/asl/asltest"
	"sundog/asl/maprun"
)

func ptr[T any](v T) *T { return &v }

// TestTolerance: a run fails as soon as more items have failed than it tolerates.
func TestTolerance(t *testing.T) {
	ends := map[rune]asl.Status{'s': asl.Succeeded, 'f': asl.Failed, 't': asl.TimedOut, 'a': asl.Aborted}
	for _, c := range []struct {
		name       string
		count      *int64
		percentage *float64
		items      int64  // of each child
		ends       string // of the children, in their order; | is where all is read
		fails      int    // after so many; -1: never
	}{
		{name: "none is tolerated", items: 1, ends: "ssf|", fails: 3},
		{name: "time-outs and aborts are failures", count: ptr(int64(1)), items: 1, ends: "ta|", fails: 2},
		{name: "as many as the count", count: ptr(int64(2)), items: 1, ends: "fsf|", fails: -1},
		{name: "one more than the count", count: ptr(int64(2)), items: 1, ends: "fsff|", fails: 4},
		{name: "a failed batch is all its items", count: ptr(int64(4)), items: 5, ends: "sf|", fails: 2},
		{name: "a percentage of all items", percentage: ptr(50.0), items: 1, ends: "ffs|s", fails: -1},
		{name: "more than the percentage", percentage: ptr(50.0), items: 1, ends: "fff|s", fails: 3},
		{name: "a percentage waits until all is known", percentage: ptr(10.0), items: 1, ends: "fsssssssss|", fails: -1},
		{name: "count and percentage", count: ptr(int64(0)), percentage: ptr(100.0), items: 1, ends: "f|s", fails: 1},
		{name: "all of them", percentage: ptr(100.0), items: 1, ends: "ff|", fails: -1},
	} {
		r := maprun.New(asl.MapRunSettings{ToleratedCount: c.count, ToleratedPercentage: c.percentage})
		children := len(strings.ReplaceAll(c.ends, "|", ""))
		for range children {
			r.Started(c.items)
		}
		ended, failed := 0, -1
		for _, end := range c.ends {
			if end == '|' {
				r.Exhausted()
			} else {
				ended++
				r.Ended(ends[end], c.items)
			}
			if r.Failure != nil && failed < 0 {
				failed = ended
			}
		}
		if failed != c.fails {
			t.Errorf("%s: failed after %d, want %d", c.name, failed, c.fails)
		}
		if !r.Over() || r.Room(10) != 0 {
			t.Errorf("%s: over %v, room %d", c.name, r.Over(), r.Room(10))
		}
		if r.Failure != nil && r.Failure.Name != "States.ExceedToleratedFailureThreshold" {
			t.Error(r.Failure)
		}
	}
}

// TestRunHoldsItsBounds: with any order of starts and ends no more than the bound run at one time, nothing is counted twice, and a stored run goes on as
// it was.
func TestRunHoldsItsBounds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		own, limit := rapid.Int64Range(0, 5).Draw(t, "own"), rapid.Int64Range(1, 5).Draw(t, "limit")
		r := maprun.New(asl.MapRunSettings{MaxConcurrency: own, ToleratedPercentage: ptr(rapid.Float64Range(0, 100).Draw(t, "tolerated"))})
		total := rapid.Int64Range(0, 30).Draw(t, "children")
		var running []int64
		for !r.Over() {
			if r.Room(limit) > 0 && rapid.Bool().Draw(t, "start") || len(running) == 0 {
				if r.Children.Total == total {
					r.Exhausted()
					continue
				}
				if index := r.Started(2); index != r.Children.Total-1 {
					t.Fatalf("child %d of %d", index, r.Children.Total)
				}
				running = append(running, r.Children.Total-1)
			} else {
				running = running[1:]
				r.Ended(rapid.SampledFrom([]asl.Status{asl.Succeeded, asl.Failed, asl.TimedOut, asl.Aborted}).Draw(t, "end"), 2)
			}
			c := r.Children
			if c.Running != int64(len(running)) || c.Running > limit || own > 0 && c.Running > own || c.Total != c.Running+c.Succeeded+c.Failed+c.TimedOut+c.Aborted {
				t.Fatalf("%+v with %d running", c, len(running))
			}
			if r.Items.Total != 2*c.Total || r.Items.Failed != 2*c.Failed {
				t.Fatalf("%+v %+v", r.Items, c)
			}
			text, err := json.Marshal(r)
			if err != nil {
				t.Fatal(err)
			}
			stored := &maprun.Run{}
			if err := json.Unmarshal(text, stored); err != nil {
				t.Fatal(err)
			}
			r = stored
		}
	})
}

func feed(t *testing.T, items string, batcher *asl.ItemBatcher, taken int64) []string {
	t.Helper()
	f, err := maprun.OpenFeed(t.Context(), &asltest.Objects{}, asl.MapRun{Items: asl.Raw([]byte(items)), Settings: asl.MapRunSettings{Batcher: batcher}}, taken)
	if err != nil {
		t.Fatal(err)
	}
	var inputs []string
	for {
		input, err := f.Next(t.Context(), func(item asl.Item) (*asl.Document, error) {
			return asl.Raw(fmt.Appendf(nil, `"%d:%s"`, item.Index, item.Value.Bytes())), nil
		})
		if errors.Is(err, io.EOF) {
			if err := f.Close(); err != nil {
				t.Fatal(err)
			}
			return inputs
		}
		if err != nil {
			return append(inputs, err.Error())
		}
		inputs = append(inputs, fmt.Sprintf("%d %s", input.Items, input.Document.Bytes()))
	}
}

func TestFeed(t *testing.T) {
	for _, c := range []struct {
		items   string
		batcher *asl.ItemBatcher
		taken   int64
		want    string
	}{
		{items: `[7,8]`, want: `1 "0:7"; 1 "1:8"`},
		{items: `[7,8,9]`, taken: 2, want: `1 "2:9"`},
		{items: `[]`, want: ``},
		{items: `[7,8,9]`, batcher: &asl.ItemBatcher{MaxItems: 2}, want: `2 {"Items":["0:7","1:8"]}; 1 {"Items":["2:9"]}`},
		{items: `[7,8,9]`, batcher: &asl.ItemBatcher{MaxBytes: 23}, want: `2 {"Items":["0:7","1:8"]}; 1 {"Items":["2:9"]}`},
		{items: `[7,8,9]`, batcher: &asl.ItemBatcher{MaxBytes: 22}, want: `1 {"Items":["0:7"]}; 1 {"Items":["1:8"]}; 1 {"Items":["2:9"]}`},
		{items: `[7,8]`, batcher: &asl.ItemBatcher{MaxItems: 9, Input: asl.Raw([]byte(`{"a":1}`))}, taken: 1, want: `1 {"BatchInput":{"a":1},"Items":["1:8"]}`},
		{items: `[7]`, batcher: &asl.ItemBatcher{MaxBytes: 5}, want: `States.DataLimitExceeded: The input of the child workflow execution for the item with the index 0 has more than 5 bytes.`},
	} {
		if got := strings.Join(feed(t, c.items, c.batcher, c.taken), "; "); got != c.want {
			t.Errorf("%s: %s, want %s", c.items, got, c.want)
		}
	}
}

// results are those of three children: 1, an array, and a failure.
func results(n int) iter.Seq2[maprun.Result, error] {
	at := time.Date(2026, 1, 2, 3, 4, 5, 6e6, time.UTC)
	all := []maprun.Result{
		{Identity: asl.Identity{ARN: "a", Name: "n", MachineARN: "m"}, Status: asl.Succeeded, Start: at, Stop: at, Input: asl.Raw([]byte(`0`)), Output: asl.Raw([]byte(`1`))},
		{Identity: asl.Identity{ARN: "a", Name: "n", MachineARN: "m"}, Status: asl.Succeeded, Start: at, Stop: at, Input: asl.Raw([]byte(`0`)), Output: asl.Raw([]byte(`[2,[3]]`))},
		{Identity: asl.Identity{ARN: "a", Name: "n", MachineARN: "m"}, Status: asl.Failed, Start: at, Stop: at, Input: asl.Raw([]byte(`0`)), Error: "E", Cause: "c"},
		{Identity: asl.Identity{ARN: "a", Name: "n", MachineARN: "m"}, Status: maprun.Pending, Input: asl.Raw([]byte(`0`))},
	}
	return func(yield func(maprun.Result, error) bool) {
		for _, r := range all[:n] {
			if !yield(r, nil) {
				return
			}
		}
	}
}

const (
	describedFailure = `{"Cause":"c","Error":"E","ExecutionArn":"a","Input":"0","InputDetails":{"Included":true},"Name":"n","RedriveCount":0,"RedriveStatus":"NOT_REDRIVABLE",` +
		`"StartDate":"2026-01-02T03:04:05.006Z","StateMachineArn":"m","Status":"FAILED","StopDate":"2026-01-02T03:04:05.006Z"}`
	describedOne = `{"ExecutionArn":"a","Input":"0","InputDetails":{"Included":true},"Name":"n","Output":"1","OutputDetails":{"Included":true},"RedriveCount":0,` +
		`"RedriveStatus":"NOT_REDRIVABLE","RedriveStatusReason":"Execution is SUCCEEDED and cannot be redriven","StartDate":"2026-01-02T03:04:05.006Z",` +
		`"StateMachineArn":"m","Status":"SUCCEEDED","StopDate":"2026-01-02T03:04:05.006Z"}`
)

func TestOutput(t *testing.T) {
	for _, c := range []struct {
		writer *asl.ResultWriter
		n      int
		want   string
	}{
		{n: 3, want: `[1,[2,[3]],` + describedFailure + `]`},
		{n: 0, want: `[]`},
		{writer: &asl.ResultWriter{Transformation: asl.TransformFlatten}, n: 2, want: `[1,2,[3]]`},
		{writer: &asl.ResultWriter{Transformation: asl.TransformNone}, n: 1, want: `[` + describedOne + `]`},
	} {
		got, err := maprun.Output(results(c.n), "M", c.writer, 1000)
		if err != nil || string(got.Bytes()) != c.want {
			t.Errorf("%s %v\nwant %s", got.Bytes(), err, c.want)
		}
	}
	_, err := maprun.Output(results(2), "M", nil, 8)
	if wrong, ok := errors.AsType[*asl.RunError](err); !ok || wrong.Name != "States.DataLimitExceeded" {
		t.Errorf("an output that is too large: %v", err)
	}
}

func TestExport(t *testing.T) {
	for _, c := range []struct {
		writer asl.ResultWriter
		files  map[string]string
	}{
		{
			writer: asl.ResultWriter{Bucket: "b", Prefix: "p/", Transformation: asl.TransformFlatten},
			files: map[string]string{"p/id/SUCCEEDED_0.json": `[1,2,[3]]`, "p/id/FAILED_0.json": `[` + describedFailure + `]`, "p/id/manifest.json": `{"DestinationBucket":"b","MapRunArn":"arn:id","ResultFiles":{` +
				`"FAILED":[{"Key":"p/id/FAILED_0.json","Size":269}],"PENDING":[{"Key":"p/id/PENDING_0.json","Size":169}],"SUCCEEDED":[{"Key":"p/id/SUCCEEDED_0.json","Size":9}]}}`},
		},
		{
			writer: asl.ResultWriter{Bucket: "b", Transformation: asl.TransformCompact, Lines: true},
			files:  map[string]string{"id/SUCCEEDED_0.jsonl": "1\n[2,[3]]\n", "id/FAILED_0.jsonl": describedFailure + "\n"},
		},
	} {
		objects := &asltest.Objects{}
		objects.Make("b")
		output, err := maprun.Export(t.Context(), objects, asl.MapRun{ARN: "arn:id", Settings: asl.MapRunSettings{Writer: &c.writer}}, results(4))
		if err != nil || !strings.Contains(string(output.Bytes()), `id/manifest.json"`) {
			t.Fatalf("%v", err)
		}
		for key, want := range c.files {
			if got := string(objects.Get("b", key)); got != want {
				t.Errorf("%s is %s\nwant %s; there are %q", key, got, want, objects.Keys("b"))
			}
		}
	}
	_, err := maprun.Export(t.Context(), &asltest.Objects{}, asl.MapRun{Settings: asl.MapRunSettings{Writer: &asl.ResultWriter{Bucket: "none"}}}, results(1))
	if wrong, ok := errors.AsType[*asl.RunError](err); !ok || wrong.Name != "States.ResultWriterFailed" {
		t.Errorf("a bucket that is not there: %v", err)
	}
}

// Files are of bounded size, however many results there are.
func TestExportDivides(t *testing.T) {
	objects := &asltest.Objects{}
	objects.Make("b")
	large := asl.Raw([]byte(`"` + strings.Repeat("x", 200<<10) + `"`))
	all := func(yield func(maprun.Result, error) bool) {
		for range 100 {
			if !yield(maprun.Result{Status: asl.Succeeded, Input: large, Output: large}, nil) {
				return
			}
		}
	}
	writer := &asl.ResultWriter{Bucket: "b", Transformation: asl.TransformCompact}
	if _, err := maprun.Export(t.Context(), objects, asl.MapRun{ARN: "arn:id", Settings: asl.MapRunSettings{Writer: writer}}, all); err != nil {
		t.Fatal(err)
	}
	n := 0
	for i := range 3 {
		var part []string
		text := objects.Get("b", fmt.Sprintf("id/SUCCEEDED_%d.json", i))
		if err := json.Unmarshal(text, &part); err != nil || len(text) > 9<<20 {
			t.Fatalf("file %d has %d bytes: %v", i, len(text), err)
		}
		n += len(part)
	}
	if n != 100 || len(objects.Keys("b")) != 4 {
		t.Errorf("%d results in %q", n, objects.Keys("b"))
	}
}

func TestChild(t *testing.T) {
	parent := asl.Identity{ARN: "p", MachineARN: "arn:aws:states:r:1:stateMachine:m", MachineName: "m", Region: "r", Account: "1", RoleARN: "role"}
	a, b := maprun.Child(parent, "run", "each", true, 1), maprun.Child(parent, "run", "each", true, 2)
	if a != maprun.Child(parent, "run", "each", true, 1) || a.Name == b.Name || a.Name == maprun.Child(parent, "other", "each", true, 1).Name {
		t.Errorf("%+v %+v", a, b)
	}
	if a.MachineARN != parent.MachineARN+"/each" || a.ARN != "arn:aws:states:r:1:execution:m/each:"+a.Name || !a.Express || a.RoleARN != "role" {
		t.Errorf("%+v", a)
	}
}
