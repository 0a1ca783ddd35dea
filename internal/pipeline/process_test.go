package pipeline_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tidwall/gjson"

	"sundog/internal/pipeline"
	"sundog/internal/queue"
	"sundog/internal/statedb"
	"sundog/payload"
)

const (
	first  = "c1/workflow-wf/i1"
	second = "c1/workflow-wf/i2"
)

// nameAfter is the execution that comes after others.
func nameAfter(id string, executions ...string) string {
	return arn("wf", payload.ExecutionName(id, executions))
}

func verdicts(outcomes []pipeline.Outcome) []pipeline.Verdict {
	all := make([]pipeline.Verdict, len(outcomes))
	for i, o := range outcomes {
		all[i] = o.Verdict
	}
	return all
}

func TestNewPayloadStarts(t *testing.T) {
	p := openPlatform(t, memory(), newExecutor())
	outcomes := p.handle(body("i1", "wf"))
	if outcomes[0].Verdict != pipeline.Done || outcomes[0].Started != 1 {
		t.Fatalf("outcome %+v", outcomes[0])
	}
	want := nameAfter(first)
	r := p.record(first)
	if r.State() != statedb.Processing || !slices.Equal(r.Executions, []string{want}) {
		t.Errorf("record %+v", r)
	}
	_, name := payload.CutExecutionARN(want)
	req := p.executor.started[want]
	if req.Name != name || req.PayloadID != first || req.Lane != "bulk" || gjson.GetBytes(req.Input, "id").String() != first {
		t.Errorf("started with %+v", req)
	}
	if got := p.objects(""); !slices.Equal(got, []string{"cirrus/executions/" + first + "/" + name + "/input.json"}) {
		t.Errorf("objects %v", got)
	}
	if got := p.events(); !slices.Equal(got, []string{"CLAIMED_PROCESSING " + first, "STARTED_PROCESSING " + first}) {
		t.Errorf("events %v", got)
	}
}

// TestDecisions goes through what is done about a payload by the state of its record.
func TestDecisions(t *testing.T) {
	const old = "old"
	for _, tt := range []struct {
		state   statedb.State
		replace bool
		want    string // "runs", "resumes", or the event of a skip
	}{
		{statedb.Failed, false, "runs"},
		{statedb.Failed, true, "runs"},
		{statedb.Aborted, false, "runs"},
		{statedb.Succeeded, false, "ALREADY_SUCCEEDED"},
		{statedb.Succeeded, true, "runs"},
		{statedb.Completed, false, "ALREADY_SUCCEEDED"},
		{statedb.Completed, true, "runs"},
		{statedb.Invalid, false, "ALREADY_INVALID"},
		{statedb.Invalid, true, "runs"},
		{statedb.Processing, false, "ALREADY_PROCESSING"},
		{statedb.Processing, true, "ALREADY_PROCESSING"},
		{statedb.Claimed, false, "resumes"},
		{statedb.Claimed, true, "resumes"},
	} {
		t.Run(fmt.Sprintf("%s, replace %v", tt.state, tt.replace), func(t *testing.T) {
			p := openPlatform(t, memory(), newExecutor())
			executions := []string{arn("wf", "older"), arn("wf", old)}
			p.seed(first, tt.state, executions...)
			outcome := p.handle(body("i1", fmt.Sprintf(`{"workflow":"wf","replace":%v}`, tt.replace)))[0]
			if outcome.Verdict != pipeline.Done {
				t.Fatalf("outcome %+v", outcome)
			}
			r, events := p.record(first), p.events()
			switch tt.want {
			case "runs":
				want := nameAfter(first, executions...)
				if r.State() != statedb.Processing || r.LastExecution() != want || !slices.Equal(p.executor.executions(), []string{want}) {
					t.Errorf("record %+v, started %v", r, p.executor.executions())
				}
			case "resumes":
				if r.State() != statedb.Processing || len(r.Executions) != 2 || !slices.Equal(p.executor.executions(), []string{arn("wf", old)}) {
					t.Errorf("record %+v, started %v", r, p.executor.executions())
				}
				if !slices.Equal(p.objects(""), []string{"cirrus/executions/" + first + "/old/input.json"}) {
					t.Errorf("objects %v", p.objects(""))
				}
			default:
				if r.State() != tt.state || len(p.executor.executions()) != 0 || !slices.Equal(events, []string{tt.want + " " + first}) {
					t.Errorf("record %+v, started %v, events %v", r, p.executor.executions(), events)
				}
			}
		})
	}
}

// TestOneBadPayloadHarmsNoOther sends a good payload among others of every kind.
func TestOneBadPayloadHarmsNoOther(t *testing.T) {
	for name, tt := range map[string]struct {
		body    string
		verdict pipeline.Verdict
		event   string
	}{
		"not JSON":                 {"}", pipeline.DeadLetter, "RECORD_EXTRACT_FAILED unknown"},
		"a number":                 {"5", pipeline.DeadLetter, "RECORD_EXTRACT_FAILED unknown"},
		"a list":                   {"[]", pipeline.DeadLetter, "RECORD_EXTRACT_FAILED unknown"},
		"no such object":           {`{"url":"s3://payloads/none"}`, pipeline.DeadLetter, "RECORD_EXTRACT_FAILED unknown"},
		"no URL":                   {`{"url":"http://x/y"}`, pipeline.DeadLetter, "RECORD_EXTRACT_FAILED unknown"},
		"an object that is no use": {`{}`, pipeline.DeadLetter, "NOT_A_PROCESS_PAYLOAD unknown"},
		"no process":               {`{"id":"c1/workflow-wf/i7","features":[]}`, pipeline.DeadLetter, "NOT_A_PROCESS_PAYLOAD c1/workflow-wf/i7"},
		"a workflow that cannot be a key": {
			body("i7", "w_f"), pipeline.DeadLetter, "NOT_A_PROCESS_PAYLOAD unknown",
		},
		"a chain filter that is none": {
			body("i7", "wf", `{"workflow":"x","chain_filter":"@.id =="}`), pipeline.DeadLetter, "NOT_A_PROCESS_PAYLOAD unknown",
		},
		"an id that climbs out": {
			`{"id":"../../workflow-wf/x","features":[],"process":[{"workflow":"wf"}]}`, pipeline.DeadLetter, "NOT_A_PROCESS_PAYLOAD ../../workflow-wf/x",
		},
		"an id too long for a key": {
			body(strings.Repeat("x", 2000), "wf"), pipeline.DeadLetter, "NOT_A_PROCESS_PAYLOAD c1/workflow-wf/" + strings.Repeat("x", 2000),
		},
		"no such workflow":               {body("i7", "missing"), pipeline.DeadLetter, "FAILED c1/workflow-missing/i7"},
		"a reference that may be there":  {`{"url":"s3://payloads/slow"}`, pipeline.Retry, ""},
		"an empty envelope":              {`{"Records":[]}`, pipeline.Done, ""},
		"a malformed record":             {body("malformed", "wf"), pipeline.DeadLetter, ""},
		"a claim that names nobody":      {body("claimed", "wf"), pipeline.DeadLetter, ""},
		"one good one bad in one letter": {`{"Records":[` + body("i8", "wf") + `,5]}`, pipeline.DeadLetter, "RECORD_EXTRACT_FAILED unknown"},
	} {
		t.Run(name, func(t *testing.T) {
			p := openPlatform(t, memory(), newExecutor())
			p.seed("c1/workflow-wf/malformed", "QUEUED", arn("wf", "x"))
			p.seed("c1/workflow-wf/claimed", statedb.Claimed)
			outcomes := p.handle(body("i1", "wf"), tt.body, body("i2", "wf"))
			if want := []pipeline.Verdict{pipeline.Done, tt.verdict, pipeline.Done}; !slices.Equal(verdicts(outcomes), want) {
				t.Errorf("verdicts %v, want %v: %+v", verdicts(outcomes), want, outcomes)
			}
			if (tt.verdict != pipeline.Done) != (outcomes[1].Err != nil) {
				t.Errorf("error %v", outcomes[1].Err)
			}
			for _, id := range []string{first, second} {
				if r := p.record(id); r.State() != statedb.Processing {
					t.Errorf("%s is %q", id, r.State())
				}
			}
			events := p.events()
			if tt.event != "" && !slices.Contains(events, tt.event) {
				t.Errorf("events %v, want %s", events, tt.event)
			}
			kept := p.objects("cirrus/tmp/invalid/")
			if invalid := tt.event != "" && !strings.HasPrefix(tt.event, "FAILED"); (len(kept) == 1) != invalid {
				t.Errorf("kept %v", kept)
			}
		})
	}
}

func TestNoSuchWorkflowFailsTheRecord(t *testing.T) {
	p := openPlatform(t, memory(), newExecutor())
	p.handle(body("i1", "missing"))
	r := p.record("c1/workflow-missing/i1")
	if r.State() != statedb.Failed || r.LastError == nil || *r.LastError != "there is no state machine "+base+"missing" {
		t.Errorf("record %+v", r)
	}
}

// TestWhatMayPassIsRetried lets each step fail for a while: the record is not failed, the message comes again, and then all goes
// its way, under the same name.
func TestWhatMayPassIsRetried(t *testing.T) {
	broken := errors.New("throttled")
	applyFails := func(to statedb.State) func(*platform) {
		return func(p *platform) {
			p.stateDB.before = func(t *statedb.Transition) error {
				if t.To == to {
					return broken
				}
				return nil
			}
		}
	}
	for _, tt := range []struct {
		name  string
		fail  func(p *platform)
		state statedb.State
	}{
		{"reading records", func(p *platform) { p.stateDB.read = broken }, ""},
		{"claiming", applyFails(statedb.Claimed), ""},
		{"starting", func(p *platform) { p.executor.fail = broken }, statedb.Claimed},
		{"storing a long input", func(p *platform) { p.executor.limit, p.stateDB.emit = 1, broken }, statedb.Claimed},
		{"marking as started", applyFails(statedb.Processing), statedb.Claimed},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := openPlatform(t, memory(), newExecutor())
			tt.fail(p)
			for receives := 1; receives <= 3; receives++ {
				m := queue.Message{Body: []byte(body("i1", "wf")), ReceiveCount: receives}
				o := p.processor.Handle(t.Context(), []queue.Message{m})[0]
				if o.Verdict != pipeline.Retry || !errors.Is(o.Err, broken) || o.After != time.Second<<(receives-1) {
					t.Fatalf("time %d: %+v", receives, o)
				}
				if r := p.record(first); r.State() != tt.state {
					t.Fatalf("time %d: record %+v", receives, r)
				}
				if said := p.log.all(t); len(said) != receives || said[receives-1]["payload_id"] != first || !strings.Contains(fmt.Sprint(said[receives-1]["error"]), "throttled") {
					t.Fatalf("time %d: the log says %v", receives, said)
				}
			}
			p.executor.fail, p.executor.limit = nil, 0
			p.stateDB.read, p.stateDB.emit, p.stateDB.before = nil, nil, nil
			if o := p.handle(body("i1", "wf"))[0]; o.Verdict != pipeline.Done {
				t.Fatalf("afterwards: %+v", o)
			}
			if r := p.record(first); r.State() != statedb.Processing || !slices.Equal(r.Executions, []string{nameAfter(first)}) {
				t.Errorf("record %+v", r)
			}
			if p.executor.starts != 1 {
				t.Errorf("started %d times", p.executor.starts)
			}
		})
	}
}

// TestRaces lets another worker change the record between reading and claiming, or between starting and marking.
func TestRaces(t *testing.T) {
	ours := nameAfter(first)
	for _, tt := range []struct {
		name       string
		at         statedb.State // transition before which the other writes
		other      statedb.State
		executions []string
		state      statedb.State
		last       string
		event      string
	}{
		{"the other succeeded under the same name", statedb.Claimed, statedb.Succeeded, []string{ours}, statedb.Succeeded, ours, "ALREADY_SUCCEEDED"},
		{"the other failed under the same name", statedb.Claimed, statedb.Failed, []string{ours}, statedb.Processing, nameAfter(first, ours), "STARTED_PROCESSING"},
		{"the other runs", statedb.Claimed, statedb.Processing, []string{ours}, statedb.Processing, ours, "ALREADY_PROCESSING"},
		{"the other claimed", statedb.Claimed, statedb.Claimed, []string{arn("wf", "theirs")}, statedb.Processing, arn("wf", "theirs"), "STARTED_PROCESSING"},
		{"it succeeded already", statedb.Processing, statedb.Succeeded, []string{ours}, statedb.Succeeded, ours, "ALREADY_SUCCEEDED"},
		{"it failed already", statedb.Processing, statedb.Failed, []string{ours}, statedb.Failed, ours, "ALREADY_FAILED"},
		{"it was aborted already", statedb.Processing, statedb.Aborted, []string{ours}, statedb.Aborted, ours, "ALREADY_ABORTED"},
		{"it was invalid already", statedb.Processing, statedb.Invalid, []string{ours}, statedb.Invalid, ours, "ALREADY_INVALID"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := openPlatform(t, memory(), newExecutor())
			once := false
			p.stateDB.before = func(tr *statedb.Transition) error {
				if tr.To == tt.at && !once {
					once = true
					p.seed(first, tt.other, tt.executions...)
				}
				return nil
			}
			if o := p.handle(body("i1", "wf"))[0]; o.Verdict != pipeline.Done {
				t.Fatalf("outcome %+v", o)
			}
			r, events := p.record(first), p.events()
			if r.State() != tt.state || r.LastExecution() != tt.last {
				t.Errorf("record %+v", r)
			}
			if len(events) == 0 || events[len(events)-1] != tt.event+" "+first {
				t.Errorf("events %v", events)
			}
		})
	}
}

func TestDuplicatesInABatch(t *testing.T) {
	p := openPlatform(t, memory(), newExecutor())
	one := body("i1", "wf")
	outcomes := p.handle(one, `{"Records":[`+one+`,`+body("i2", "wf")+`]}`, one)
	if !slices.Equal(verdicts(outcomes), []pipeline.Verdict{pipeline.Done, pipeline.Done, pipeline.Done}) || p.executor.starts != 2 {
		t.Errorf("verdicts %v, %d starts", verdicts(outcomes), p.executor.starts)
	}
	duplicates := 0
	for _, e := range p.events() {
		if e == "DUPLICATE_ID_ENCOUNTERED "+first {
			duplicates++
		}
	}
	if duplicates != 2 {
		t.Errorf("%d events about duplicates", duplicates)
	}
}

func TestReferences(t *testing.T) {
	p := openPlatform(t, memory(), newExecutor())
	p.put("in.json", body("i1", "wf"))
	if o := p.handle(`{"url":"s3://payloads/in.json"}`)[0]; o.Verdict != pipeline.Done || p.record(first).State() != statedb.Processing {
		t.Errorf("outcome %+v", o)
	}
}

func TestLongInputGoesByReference(t *testing.T) {
	p := openPlatform(t, memory(), newExecutor())
	p.executor.limit = 10
	p.handle(body("i1", "wf"))
	input := p.executor.started[nameAfter(first)].Input
	url := gjson.GetBytes(input, "url").String()
	stored, err := p.Fetch(t.Context(), url)
	if err != nil || gjson.GetBytes(stored, "id").String() != first || !strings.HasPrefix(url, "s3://payloads/cirrus/tmp/oversized/") {
		t.Errorf("input %s, %v", input, err)
	}
}

// TestManyWorkersOneStart delivers one payload to many workers at once.
func TestManyWorkersOneStart(t *testing.T) {
	p := openPlatform(t, memory(), newExecutor())
	const workers = 16
	results := make(chan pipeline.Outcome, workers)
	for range workers {
		go func() { results <- p.handle(body("i1", "wf"))[0] }()
	}
	for range workers {
		if o := <-results; o.Verdict != pipeline.Done {
			t.Errorf("outcome %+v", o)
		}
	}
	if r := p.record(first); p.executor.starts != 1 || len(r.Executions) != 1 || r.State() != statedb.Processing {
		t.Errorf("%d starts, record %+v", p.executor.starts, r)
	}
}

func TestIncompleteOptionsAreRefused(t *testing.T) {
	if _, err := pipeline.NewProcessor(pipeline.ProcessorOptions{}); err == nil {
		t.Error("a processor was made of nothing")
	}
	if _, err := pipeline.NewUpdater(pipeline.UpdaterOptions{}); err == nil {
		t.Error("an updater was made of nothing")
	}
}

func BenchmarkProcess(b *testing.B) {
	for _, batch := range []int{1, 10} {
		b.Run(fmt.Sprintf("batch=%d", batch), func(b *testing.B) {
			p := benchmarkPlatform(b)
			b.SetParallelism(32)
			benchmarkParallel(b, func(n int) error {
				messages := make([]queue.Message, batch)
				for i := range messages {
					messages[i] = queue.Message{Body: []byte(body(fmt.Sprintf("i%d-%d", n, i), "wf")), ReceiveCount: 1}
				}
				for _, o := range p.processor.Handle(context.Background(), messages) {
					if o.Err != nil {
						return o.Err
					}
				}
				return nil
			})
			b.ReportMetric(float64(batch*b.N)/b.Elapsed().Seconds(), "payloads/s")
		})
	}
}
