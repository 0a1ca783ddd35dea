package pipeline_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tidwall/gjson"

	"sundog/internal/embedded/store"
	"sundog/internal/pipeline"
	"sundog/internal/queue"
	"sundog/internal/statedb"
	"sundog/payload"
)

// started gives a platform on which a payload is being processed, and its execution.
func started(t *testing.T, payloadBody string) (*platform, string) {
	t.Helper()
	p := openPlatform(t, memory(), newExecutor())
	if o := p.handle(payloadBody)[0]; o.Started != 1 {
		t.Fatalf("not started: %+v", o)
	}
	p.drain("events")
	return p, p.executor.executions()[0]
}

func TestOutcomes(t *testing.T) {
	for _, tt := range []struct {
		status, error, cause string
		state                statedb.State
		event                string
		lastError            string // the beginning of it
	}{
		{"SUCCEEDED", "", "", statedb.Succeeded, "SUCCEEDED", ""},
		{"FAILED", "E", `{"errorMessage":"why"}`, statedb.Failed, "FAILED", "E: why"},
		{"FAILED", "E", "plain", statedb.Failed, "FAILED", "E: plain"},
		{"FAILED", "E", `{"other":1}`, statedb.Failed, "FAILED", `E: {"other":1}`},
		{"FAILED", "stactask.exceptions.InvalidInput", "bad", statedb.Invalid, "INVALID", "stactask.exceptions.InvalidInput: bad"},
		{"FAILED", "cirrus.lib.errors.InvalidInput", "bad", statedb.Invalid, "INVALID", "cirrus.lib.errors.InvalidInput: bad"},
		{"TIMED_OUT", "", "", statedb.Failed, "TIMED_OUT", "TimedOutError: "},
		{"ABORTED", "E", "why", statedb.Aborted, "ABORTED", ""},
	} {
		t.Run(tt.status+" "+tt.error+" "+tt.cause, func(t *testing.T) {
			p, execution := started(t, body("i1", "wf"))
			c := p.executor.completion(execution, tt.status)
			c.Error, c.Cause = tt.error, tt.cause
			if applied, err := p.updater.Handle(t.Context(), c); !applied || err != nil {
				t.Fatalf("%v, %v", applied, err)
			}
			r := p.record(first)
			last := ""
			if r.LastError != nil {
				last = *r.LastError
			}
			if r.State() != tt.state || !strings.HasPrefix(last, tt.lastError) || (tt.lastError == "") != (r.LastError == nil) {
				t.Errorf("record %+v, last error %q", r, last)
			}
			if got := p.events(); !slices.Equal(got, []string{tt.event + " " + first}) {
				t.Errorf("events %v", got)
			}
			items := p.drain("items")
			if wanted := tt.status == "SUCCEEDED"; (len(items) == 2) != wanted || (len(p.objects("cirrus/executions/"+first)) == 2) != wanted {
				t.Errorf("items %v, objects %v", items, p.objects(""))
			}
		})
	}
}

// TestOneTime makes sure that a record and the event about its transition carry the same time.
func TestOneTime(t *testing.T) {
	for _, status := range []string{"SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED"} {
		p := openPlatform(t, memory(), newExecutor())
		p.handle(body("i1", "wf"))
		events, r := p.drainEvents(), p.record(first)
		if len(events) != 2 || events[0].Time != r.ClaimedAt || events[1].Time != r.Updated {
			t.Errorf("events %+v, record %+v", events, r)
		}
		if applied, err := p.updater.Handle(t.Context(), p.executor.completion(r.LastExecution(), status)); !applied || err != nil {
			t.Fatal(applied, err)
		}
		if events, r = p.drainEvents(), p.record(first); len(events) != 1 || events[0].Time != r.Updated {
			t.Errorf("%s: events %+v, record %+v", status, events, r)
		}
	}
}

// TestOnlyTheHolderCompletes delivers completions late, again, and of others.
func TestOnlyTheHolderCompletes(t *testing.T) {
	p, old := started(t, body("i1", "wf", "next"))
	fail := p.executor.completion(old, "FAILED")
	if applied, err := p.updater.Handle(t.Context(), fail); !applied || err != nil {
		t.Fatal(applied, err)
	}
	p.handle(body("i1", "wf", "next")) // it runs again
	r := p.record(first)
	succeed := p.executor.completion(r.LastExecution(), "SUCCEEDED")
	stranger := succeed
	stranger.Execution = arn("wf", "stranger")
	unchanged := func(name string, c pipeline.Completion) {
		t.Helper()
		before := p.record(first)
		p.drain("events")
		applied, err := p.updater.Handle(t.Context(), c)
		if after := p.record(first); applied || err != nil || after.StateUpdated != before.StateUpdated {
			t.Errorf("%s: applied %v, %v, record %+v", name, applied, err, after)
		}
		if events, items, next := p.drain("events"), p.drain("items"), p.drain("process"); len(events)+len(items)+len(next) > 0 {
			t.Errorf("%s: events %v, items %v, payloads %v", name, events, items, next)
		}
	}
	late := p.executor.completion(old, "SUCCEEDED")
	unchanged("late", late)
	unchanged("a stranger's", stranger)
	if applied, err := p.updater.Handle(t.Context(), succeed); !applied || err != nil {
		t.Fatal(applied, err)
	}
	if items, next := p.drain("items"), p.drain("process"); len(items) != 2 || len(next) != 1 {
		t.Errorf("items %v, payloads %v", items, next)
	}
	unchanged("again", succeed)
	abort := succeed
	abort.Status = "ABORTED"
	unchanged("again, otherwise", abort)
	unchanged("late, after the end", late)
}

func TestCompletionBeforeTheMark(t *testing.T) {
	p := openPlatform(t, memory(), newExecutor())
	p.stateDB.before = func(tr *statedb.Transition) error {
		if tr.To != statedb.Processing {
			return nil
		}
		p.stateDB.before = nil
		_, err := p.updater.Handle(t.Context(), p.executor.completion(tr.Execution, "SUCCEEDED"))
		return err
	}
	if o := p.handle(body("i1", "wf"))[0]; o.Verdict != pipeline.Done {
		t.Fatalf("outcome %+v", o)
	}
	if r := p.record(first); r.State() != statedb.Succeeded {
		t.Errorf("record %+v", r)
	}
}

func TestChain(t *testing.T) {
	for _, tt := range []struct {
		name  string
		next  string
		want  []string // workflows of the payloads that follow
		event string
	}{
		{"one", `{"workflow":"a"}`, []string{"a"}, ""},
		{"branches", `[{"workflow":"a"},{"workflow":"b"}]`, []string{"a", "b"}, ""},
		{"a filter that keeps one", `{"workflow":"a","chain_filter":"@.id =~ 'made'"}`, []string{"a"}, ""},
		{"a filter that keeps none", `[{"workflow":"a","chain_filter":"@.id == 'x'"},{"workflow":"b"}]`, []string{"b"}, "CHAIN_FILTER_EMPTY " + first},
	} {
		t.Run(tt.name, func(t *testing.T) {
			whole := strings.Replace(body("i1", "wf"), `"process":[{"workflow":"wf"}]`, `"process":[{"workflow":"wf"},`+tt.next+`,{"workflow":"last"}]`, 1)
			p, execution := started(t, whole)
			if applied, err := p.updater.Handle(t.Context(), p.executor.completion(execution, "SUCCEEDED")); !applied || err != nil {
				t.Fatal(applied, err)
			}
			messages, err := p.processes.Receive(t.Context(), queue.Request{Max: 10})
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, m := range messages {
				if m.Lane != "bulk" {
					t.Errorf("lane %q", m.Lane)
				}
				if gjson.GetBytes(m.Body, "id").Exists() || gjson.GetBytes(m.Body, "process.#").Int() != 2 {
					t.Errorf("payload %s", m.Body)
				}
				got = append(got, gjson.GetBytes(m.Body, "process.0.workflow").String())
			}
			if !slices.Equal(got, tt.want) {
				t.Errorf("followed by %v", got)
			}
			if events := p.events(); tt.event != "" && !slices.Contains(events, tt.event) {
				t.Errorf("events %v", events)
			}
		})
	}
}

func TestLongChainedPayloadGoesByReference(t *testing.T) {
	p, execution := started(t, body("i1", "wf", "next"))
	p.maxMessage = 100
	p.configure()
	if applied, err := p.updater.Handle(t.Context(), p.executor.completion(execution, "SUCCEEDED")); !applied || err != nil {
		t.Fatal(applied, err)
	}
	sent := p.drain("process")
	if len(sent) != 1 || len(sent[0]) > 100 {
		t.Fatalf("sent %v", sent)
	}
	if o := p.handle(sent[0])[0]; o.Started != 1 {
		t.Errorf("the reference does not run: %+v", o)
	}
}

// TestWhatTheCompletionLacksIsAsked leaves out more and more of a completion.
func TestWhatTheCompletionLacksIsAsked(t *testing.T) {
	for name, cut := range map[string]func(c *pipeline.Completion){
		"lane":           func(c *pipeline.Completion) { c.Lane = "" },
		"output":         func(c *pipeline.Completion) { c.Output, c.OutputKnown = nil, false },
		"payload id":     func(c *pipeline.Completion) { c.PayloadID = "" },
		"id and input":   func(c *pipeline.Completion) { c.PayloadID, c.Input, c.InputKnown = "", nil, false },
		"id in input":    func(c *pipeline.Completion) { c.PayloadID, c.Input = "", []byte(`{"features":[]}`) },
		"readable input": func(c *pipeline.Completion) { c.PayloadID, c.Input = "", []byte(`{`) },
		"everything": func(c *pipeline.Completion) {
			*c = pipeline.Completion{Execution: c.Execution, Status: c.Status}
		},
	} {
		t.Run(name, func(t *testing.T) {
			p, execution := started(t, body("i1", "wf", "next"))
			c := p.executor.completion(execution, "SUCCEEDED")
			cut(&c)
			message := queue.Message{Body: c.Event(), ReceiveCount: 1} // through the form of the queue
			if o := p.updater.HandleMessages(t.Context(), []queue.Message{message})[0]; o.Verdict != pipeline.Done {
				t.Fatalf("outcome %+v", o)
			}
			if r := p.record(first); r.State() != statedb.Succeeded {
				t.Errorf("record %+v", r)
			}
			messages, err := p.processes.Receive(t.Context(), queue.Request{Max: 10})
			if err != nil || len(messages) != 1 || messages[0].Lane != "bulk" {
				t.Errorf("followed by %v, %v", messages, err)
			}
		})
	}
}

// TestBadOutputsFailTheRecord makes sure that no success leaves its record behind in PROCESSING.
func TestBadOutputsFailTheRecord(t *testing.T) {
	for name, output := range map[string]string{
		"not JSON":       "}",
		"no payload":     `{}`,
		"no id":          body("i1", "wf"),
		"a list":         `[1]`,
		"no such object": `{"url":"s3://payloads/none"}`,
		"a chain changed to nonsense": `{"type":"FeatureCollection","id":"c1/workflow-wf/i1","features":[],` +
			`"process":[{"workflow":"wf"},{"workflow":"x","chain_filter":"@.id =="}]}`,
	} {
		t.Run(name, func(t *testing.T) {
			p, execution := started(t, body("i1", "wf"))
			c := p.executor.completion(execution, "SUCCEEDED")
			c.Output = []byte(output)
			if applied, err := p.updater.Handle(t.Context(), c); !applied || err != nil {
				t.Fatal(applied, err)
			}
			r := p.record(first)
			if r.State() != statedb.Failed || r.LastError == nil || !strings.Contains(*r.LastError, "output is no payload") {
				t.Errorf("record %+v", r)
			}
			if got := p.events(); !slices.Equal(got, []string{"FAILED " + first}) {
				t.Errorf("events %v", got)
			}
			if items := p.drain("items"); len(items) != 0 {
				t.Errorf("items %v", items)
			}
		})
	}
	t.Run("none", func(t *testing.T) {
		p, execution := started(t, body("i1", "wf"))
		c := p.executor.completion(execution, "SUCCEEDED")
		c.Output = nil
		if applied, err := p.updater.Handle(t.Context(), c); !applied || err != nil || p.record(first).State() != statedb.Succeeded {
			t.Error(applied, err, p.record(first))
		}
	})
	t.Run("by reference", func(t *testing.T) {
		p, execution := started(t, body("i1", "wf"))
		c := p.executor.completion(execution, "SUCCEEDED")
		p.put("out.json", string(c.Output))
		c.Output = []byte(`{"url":"s3://payloads/out.json"}`)
		if applied, err := p.updater.Handle(t.Context(), c); !applied || err != nil || len(p.drain("items")) != 2 {
			t.Error(applied, err)
		}
	})
}

// TestVerdictsOfCompletions looks at messages that are no completions, and at failures that may pass.
func TestVerdictsOfCompletions(t *testing.T) {
	p, execution := started(t, body("i1", "wf"))
	slow := p.executor.completion(execution, "SUCCEEDED")
	slow.Output = []byte(`{"url":"s3://payloads/slow"}`)
	unknown := pipeline.Completion{Execution: arn("wf", "nobody"), Status: "FAILED"}
	for _, tt := range []struct {
		name string
		body string
		want pipeline.Verdict
	}{
		{"not JSON", "}", pipeline.DeadLetter},
		{"no detail", "{}", pipeline.DeadLetter},
		{"no execution", `{"detail":{"status":"FAILED"}}`, pipeline.DeadLetter},
		{"still running", fmt.Sprintf(`{"detail":{"executionArn":%q,"status":"RUNNING"}}`, execution), pipeline.DeadLetter},
		{"nobody knows it", string(unknown.Event()), pipeline.DeadLetter},
		{"the output cannot be read now", string(slow.Event()), pipeline.Retry},
	} {
		o := p.updater.HandleMessages(t.Context(), []queue.Message{{Body: []byte(tt.body), ReceiveCount: 1}})[0]
		if o.Verdict != tt.want || o.Err == nil {
			t.Errorf("%s: %+v", tt.name, o)
		}
	}
	if r := p.record(first); r.State() != statedb.Processing {
		t.Errorf("record %+v", r)
	}
	broken := errors.New("throttled")
	p.stateDB.before = func(*statedb.Transition) error { return broken }
	if applied, err := p.updater.Handle(t.Context(), p.executor.completion(execution, "FAILED")); applied || !errors.Is(err, broken) {
		t.Errorf("applied %v, %v", applied, err)
	}
}

func benchmarkPlatform(b *testing.B) *platform {
	b.Helper()
	p := openPlatform(b, store.Options{}, newExecutor())
	return p
}

func benchmarkParallel(b *testing.B, run func(n int) error) {
	b.Helper()
	var next atomic.Int64
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if err := run(int(next.Add(1))); err != nil {
				b.Error(err)
				return
			}
		}
	})
	b.StopTimer()
}

func BenchmarkComplete(b *testing.B) {
	p := benchmarkPlatform(b)
	for n := range b.N {
		id := fmt.Sprintf("c1/workflow-wf/i%d", n+1)
		p.seed(id, statedb.Processing, arn("wf", fmt.Sprint(n+1)))
	}
	b.SetParallelism(32)
	benchmarkParallel(b, func(n int) error {
		output := []byte(fmt.Sprintf(`{"type":"FeatureCollection","id":"c1/workflow-wf/i%d","features":[{"type":"Feature","id":"i%d","collection":"c1"}],"process":[{"workflow":"wf"},{"workflow":"next"}]}`, n, n))
		applied, err := p.updater.Handle(context.Background(), pipeline.Completion{
			Execution: arn("wf", fmt.Sprint(n)), Status: "SUCCEEDED", PayloadID: fmt.Sprintf("c1/workflow-wf/i%d", n), Lane: "bulk",
			Output: output, OutputKnown: true,
		})
		if err == nil && !applied {
			return fmt.Errorf("completion %d was not applied", n)
		}
		return err
	})
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "completions/s")
}

func FuzzParseCompletion(f *testing.F) {
	f.Add([]byte(`{"detail":{"executionArn":"arn:x:1","status":"FAILED","input":"{}","inputDetails":{"included":true},"error":"E","cause":null}}`))
	f.Add([]byte(`{"detail":{"executionArn":"arn:x:1","status":"SUCCEEDED","output":null,"outputDetails":null,"payloadId":"a","lane":"live","redriveCount":2}}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		c, err := pipeline.ParseCompletion(text)
		if err != nil {
			return
		}
		again, err := pipeline.ParseCompletion(c.Event())
		if err != nil || again.Execution != c.Execution || again.Status != c.Status || string(again.Input) != string(c.Input) || again.InputKnown != c.InputKnown ||
			again.Error != c.Error || again.PayloadID != c.PayloadID || again.Lane != c.Lane || again.Redrives != c.Redrives {
			t.Errorf("%s\nread as   %+v\nread back %+v, %v", text, c, again, err)
		}
	})
}

// slowDB takes a second for every transition, and tells whether two of one payload were under way at the same time, and two of any.
type slowDB struct {
	pipeline.StateDB
	mu       sync.Mutex
	underWay map[payload.ID]int
	overlap  bool
	parallel bool
}

func (d *slowDB) Apply(_ context.Context, t statedb.Transition, _ statedb.Effects) (statedb.Record, error) {
	d.enter(t.ID, 1)
	<-time.After(time.Second)
	d.enter(t.ID, -1)
	return statedb.Record{}, nil
}

func (d *slowDB) enter(id payload.ID, n int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.underWay[id] += n
	d.overlap = d.overlap || d.underWay[id] > 1
	all := 0
	for _, n := range d.underWay {
		all += n
	}
	d.parallel = d.parallel || all > 1
}

// TestCompletionsOfOneExecutionComeOneAfterTheOther sends some twice in one batch.
func TestCompletionsOfOneExecutionComeOneAfterTheOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db := &slowDB{underWay: map[payload.ID]int{}}
		u, err := pipeline.NewUpdater(pipeline.UpdaterOptions{
			Config:  pipeline.Config{Layout: payload.Layout{Bucket: "payloads"}, ProcessQueue: "process"},
			StateDB: db, Executor: newExecutor(), Fetcher: struct{ payload.Fetcher }{},
		})
		if err != nil {
			t.Fatal(err)
		}
		var messages []queue.Message
		for _, n := range []int{1, 2, 1, 3, 2, 1} {
			c := pipeline.Completion{Execution: fmt.Sprintf("%swf:%d", base, n), Status: "ABORTED", PayloadID: fmt.Sprintf("c/workflow-wf/%d", n)}
			messages = append(messages, queue.Message{Body: c.Event()})
		}
		messages = append(messages, queue.Message{Body: []byte("{}")}, queue.Message{Body: []byte("no JSON")})
		for i, o := range u.HandleMessages(t.Context(), messages) {
			if want := i >= 6; (o.Verdict == pipeline.DeadLetter) != want || o.Verdict == pipeline.Retry {
				t.Errorf("message %d: %+v", i, o)
			}
		}
		if db.overlap || !db.parallel {
			t.Errorf("at the same time: those of one execution %v, those of several %v", db.overlap, db.parallel)
		}
	})
}

// TestAnotherDeployment: the ends of another deployment's executions come here too, for a rule that is too wide. They make no record, and nothing
// follows from them.
func TestAnotherDeployment(t *testing.T) {
	p, execution := started(t, body("i1", "wf", "next"))
	other := p.executor.completion(execution, "SUCCEEDED")
	other.PayloadID = "c1/workflow-wf/i2"
	other.Execution = strings.Replace(execution, ":000000000000:", ":123456789012:", 1)
	if applied, err := p.updater.Handle(t.Context(), other); applied || err != nil {
		t.Errorf("%v, %v", applied, err)
	}
	if items, next := p.drain("items"), p.drain("process"); len(items)+len(next) != 0 {
		t.Errorf("Items %v, payloads %v", items, next)
	}
	if events := p.events(); len(events) != 0 {
		t.Errorf("events %v", events)
	}
	page, err := p.db.Query(t.Context(), statedb.Query{Partition: "c1_wf"})
	if err != nil || len(page.Records) != 1 || page.Records[0].State() != statedb.Processing {
		t.Errorf("%+v, %v", page.Records, err)
	}
}
