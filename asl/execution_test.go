package asl_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"sundog/asl"
	"sundog/asl/asltest"
)

// play runs a definition with a function that answers tasks.
func play(t *testing.T, definition, input string, work func(asl.Task) asltest.Answer) *asltest.Played {
	t.Helper()
	p := asltest.Player{
		Machine: mustParse(t, definition), Begin: start(), Work: work,
		Identity: asl.Identity{Name: "run", ARN: "arn:run", MachineName: "m", RoleARN: "arn:role", Region: "us-east-1"},
	}
	played, err := p.Play(asl.Raw([]byte(input)))
	if err != nil {
		t.Fatal(err)
	}
	return played
}

// outcome is how an execution ended, in one line.
func outcome(p *asltest.Played) string {
	if p.End.Status == asl.Succeeded {
		return "SUCCEEDED " + string(p.End.Output.Bytes())
	}
	return strings.TrimSpace(fmt.Sprintf("%s %s %s", p.End.Status, p.End.Error, p.End.Cause))
}

func task(fields string) string {
	return `{"StartAt":"T","States":{"T":{"Type":"Task","Resource":"arn:aws:lambda:us-east-1:000000000000:function:f",` + fields + `},
		"F":{"Type":"Pass","End":true}}}`
}

// TestErrors has the ways of an error from a task through Retry and Catch.
func TestErrors(t *testing.T) {
	catch := func(names string) string {
		return `"Catch":[{"ErrorEquals":[` + names + `],"Next":"F"}],"Next":"F"`
	}
	for _, c := range []struct {
		name, fields string
		answers      []string // per attempt: an error name, "ok", or "" for no answer
		want         string
		took         time.Duration
	}{
		{"no retry", catch(`"Other"`), []string{"E"}, "FAILED E why", 0},
		{"catch by name", catch(`"E"`), []string{"E"}, `SUCCEEDED {"Error":"E","Cause":"why"}`, 0},
		{"catch all", catch(`"States.ALL"`), []string{"E"}, `SUCCEEDED {"Error":"E","Cause":"why"}`, 0},
		{"TaskFailed stands for all but time-outs", catch(`"States.TaskFailed"`) + `,"TimeoutSeconds":5`, []string{""}, "FAILED States.Timeout", 5 * time.Second},
		{"time-out by name", catch(`"States.Timeout"`) + `,"TimeoutSeconds":5`, []string{""}, `SUCCEEDED {"Error":"States.Timeout","Cause":null}`, 5 * time.Second},
		{"heartbeat by name", catch(`"States.HeartbeatTimeout"`) + `,"TimeoutSeconds":5,"HeartbeatSeconds":2`, []string{""}, `SUCCEEDED {"Error":"States.Timeout","Cause":null}`, 2 * time.Second},
		{"heartbeat is no other time-out", catch(`"States.HeartbeatTimeout"`) + `,"TimeoutSeconds":5`, []string{""}, "FAILED States.Timeout", 5 * time.Second},
		{
			"States.Runtime is beyond all", `"InputPath":"$.missing",` + catch(`"States.ALL"`), nil,
			"FAILED States.Runtime An error occurred while executing the state 'T' (entered at the event id #2). Invalid path '$.missing' : No results for path: $['missing']", 0,
		},
		{"delays double", `"Retry":[{"ErrorEquals":["E"]}],"Next":"F"`, []string{"E", "E", "E", "ok"}, `SUCCEEDED {"attempt":4}`, (1 + 2 + 4) * time.Second},
		{"attempts end", `"Retry":[{"ErrorEquals":["E"],"MaxAttempts":1}],` + catch(`"E"`), []string{"E", "E"}, `SUCCEEDED {"Error":"E","Cause":"why"}`, time.Second},
		{"none allowed", `"Retry":[{"ErrorEquals":["E"],"MaxAttempts":0}],"Next":"F"`, []string{"E"}, "FAILED E why", 0},
		{"delay is bounded", `"Retry":[{"ErrorEquals":["E"],"BackoffRate":10,"MaxDelaySeconds":3}],"Next":"F"`, []string{"E", "E", "ok"}, `SUCCEEDED {"attempt":3}`, (1 + 3) * time.Second},
		{
			"each retrier counts for itself", `"Retry":[{"ErrorEquals":["E"],"MaxAttempts":1},{"ErrorEquals":["States.ALL"],"MaxAttempts":1,"IntervalSeconds":5}],"Next":"F"`,
			[]string{"E", "X", "ok"},
			`SUCCEEDED {"attempt":3}`, 6 * time.Second,
		},
		{"the first that fits decides", `"Retry":[{"ErrorEquals":["E"],"MaxAttempts":1},{"ErrorEquals":["States.ALL"]}],"Next":"F"`, []string{"E", "E"}, "FAILED E why", time.Second},
	} {
		t.Run(c.name, func(t *testing.T) {
			attempt := 0
			played := play(t, task(c.fields), `{}`, func(asl.Task) asltest.Answer {
				answer := c.answers[attempt]
				attempt++
				switch answer {
				case "":
					return asltest.Answer{}
				case "ok":
					return asltest.Answer{Output: asl.Raw(fmt.Appendf(nil, `{"attempt":%d}`, attempt))}
				}
				return asltest.Answer{Failed: true, Error: answer, Cause: "why"}
			})
			if got := outcome(played); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
			if played.Took != c.took {
				t.Errorf("took %v, want %v", played.Took, c.took)
			}
			if attempt != len(c.answers) {
				t.Errorf("%d attempts, want %d", attempt, len(c.answers))
			}
		})
	}
}

// TestJitter: a delay with full jitter lies between nothing and the delay without.
func TestJitter(t *testing.T) {
	delays := map[time.Duration]bool{}
	for seed := range uint64(20) {
		attempt := 0
		p := asltest.Player{
			Machine: mustParse(t, task(`"Retry":[{"ErrorEquals":["E"],"IntervalSeconds":100,"JitterStrategy":"FULL"}],"Next":"F"`)), Begin: start(), Seed: seed * 1000,
			Work: func(asl.Task) asltest.Answer {
				attempt++
				return asltest.Answer{Failed: attempt == 1, Error: "E", Output: asl.Raw([]byte(`{}`))}
			},
		}
		played, err := p.Play(asl.Raw([]byte(`{}`)))
		if err != nil || played.End.Status != asl.Succeeded || played.Took < 0 || played.Took > 100*time.Second {
			t.Fatal(played, err)
		}
		delays[played.Took] = true
	}
	if len(delays) < 10 {
		t.Errorf("20 seeds give only %d delays", len(delays))
	}
}

// TestLoop: a loop that waits for nothing gives way after a number of transitions, and ends when the history is full.
func TestLoop(t *testing.T) {
	m := mustParse(t, `{"StartAt":"A","States":{"A":{"Type":"Pass","Next":"B"},
		"B":{"Type":"Choice","Choices":[{"Variable":"$.stop","IsPresent":true,"Next":"C"}],"Default":"A"},"C":{"Type":"Succeed"}}}`)
	x, e := asl.Start(m, asl.Identity{}, asl.Raw([]byte(`{}`)), asl.Moment{Now: start()})
	steps := 1
	for ; e.End == nil; steps++ {
		if len(e.Timers) != 1 || !e.Timers[0].At.Equal(start()) || len(e.History) > 2001 {
			t.Fatalf("step %d: %d events, timers %v", steps, len(e.History), e.Timers)
		}
		var err error
		if e, err = x.Advance(asl.TimerFired{Timer: e.Timers[0].ID}, asl.Moment{Now: start()}); err != nil {
			t.Fatal(err)
		}
	}
	last := e.History[len(e.History)-1]
	if e.End.Status != asl.Failed || e.End.Error != "States.Runtime" || last.ID != 25_000 || last.Type != "ExecutionFailed" {
		t.Errorf("ended with %+v, event %d %s", e.End, last.ID, last.Type)
	}
	if steps < 12 {
		t.Errorf("25,000 events were made in %d steps", steps)
	}
}

// TestLargeMap: a step of a Map over 10,000 items rewrites little, and what is stored can be read back and taken to the end.
func TestLargeMap(t *testing.T) {
	const n = 10_000
	definition := `{"StartAt":"M","States":{"M":{"Type":"Map","MaxConcurrency":5,"End":true,"ItemProcessor":{"StartAt":"T","States":{
		"T":{"Type":"Task","Resource":"arn:aws:lambda:us-east-1:000000000000:function:f","End":true}}}}}}`
	m := mustParse(t, definition).WithLimits(asl.Limits{DataBytes: 1 << 20, HistoryEvents: 1 << 30})
	memory := asltest.NewMemory()
	steps, most := 0, 0
	p := asltest.Player{
		Machine: m, Begin: start(),
		Work: func(task asl.Task) asltest.Answer { return asltest.Answer{Output: task.Parameters} },
		Step: func(x *asl.Execution, e *asl.Effects) (*asl.Execution, error) {
			steps++
			written := memory.Save(x)
			if e.End != nil {
				return x, nil
			}
			most = max(most, written)
			if steps%2000 == 0 {
				return memory.Load(m)
			}
			return x, nil
		},
	}
	input := "[" + strings.Repeat("1,", n-1) + "1]"
	played, err := p.Play(asl.Raw([]byte(input)))
	if err != nil {
		t.Fatal(err)
	}
	if played.End.Status != asl.Succeeded || string(played.End.Output.Bytes()) != input {
		t.Fatalf("ended %s with %d bytes", played.End.Status, len(played.End.Output.Bytes()))
	}
	if most > 1000 {
		t.Errorf("a step wrote %d bytes of parts", most)
	}
	if left := memory.Parts(); len(left) > 2 {
		t.Errorf("%d parts are left of an execution that has ended", len(left))
	}
}

// TestLimits has inputs and definitions that are too much.
func TestLimits(t *testing.T) {
	big := `"` + strings.Repeat("x", 300<<10) + `"`
	const pass = `{"StartAt":"A","States":{"A":{"Type":"Pass","End":true}}}`
	if got := outcome(play(t, pass, big, nil)); !strings.HasPrefix(got, "FAILED States.DataLimitExceeded") {
		t.Errorf("an output of 300 KiB: %.100s", got)
	}
	double := `{"StartAt":"A","States":{"A":{"Type":"Pass","Parameters":{"a.$":"$","b.$":"$"},"OutputPath":"$.a","Next":"A2"},"A2":{"Type":"Pass","End":true}}}`
	if got := outcome(play(t, double, `"`+strings.Repeat("x", 200<<10)+`"`, nil)); !strings.HasPrefix(got, "FAILED States.DataLimitExceeded") {
		t.Errorf("a template of 400 KiB: %.100s", got)
	}
	deep := pass
	for i := range 30 {
		deep = fmt.Sprintf(`{"StartAt":"P%d","States":{"P%d":{"Type":"Parallel","Branches":[%s],"End":true}}}`, i, i, deep)
	}
	in := func(fields string) string {
		return `{"StartAt":"A","States":{"A":{"Type":"Pass","End":true,` + fields + `}}}`
	}
	for _, tt := range []struct{ name, definition, problem string }{
		{"30 nested Parallel states", deep, "nested more than 100 levels"},
		{"a long path of names", in(`"InputPath":"$` + strings.Repeat(".a", 5000) + `"`), "valid JSONPath"},
		{"a long path with an index", in(`"InputPath":"$[0]` + strings.Repeat(".a", 5000) + `"`), "valid JSONPath"},
		{"many calls in each other", in(`"Parameters":{"a.$":"` + strings.Repeat("States.Array(", 11) + strings.Repeat(")", 11) + `"}`), "valid intrinsic function call"},
		{"a long JSONata expression", in(`"QueryLanguage":"JSONata","Output":"{% ` + strings.Repeat("1+", 10000) + `1 %}"`), "more than 20000"},
		{"brackets in brackets", in(`"QueryLanguage":"JSONata","Output":"{% ` + strings.Repeat("(", 501) + strings.Repeat(")", 501) + ` %}"`), "more than 500"},
	} {
		_, err := asl.Parse([]byte(tt.definition))
		var problems asl.Diagnostics
		if !errors.As(err, &problems) || !strings.Contains(err.Error(), tt.problem) {
			t.Errorf("%s: %.300v", tt.name, err)
		}
	}
}

// TestDeepPath has paths of thousands of names into documents as deep, which take hours when each name passes over all that lies below.
func TestDeepPath(t *testing.T) {
	const depth = 4000
	deep := strings.Repeat(`{"a":`, depth) + `7` + strings.Repeat(`}`, depth)
	for _, tt := range []struct {
		steps int
		want  string
	}{
		{depth, "SUCCEEDED 7"},
		{depth - 1, `SUCCEEDED {"a":7}`},
		{depth + 1, "FAILED States.Runtime"},
		{depth + 2, "FAILED States.Runtime"},
	} {
		pass := `{"StartAt":"A","States":{"A":{"Type":"Pass","End":true,"InputPath":"$` + strings.Repeat(".a", tt.steps) + `"}}}`
		if got := outcome(play(t, pass, deep, nil)); !strings.HasPrefix(got, tt.want) {
			t.Errorf("%d steps: %.100s, want %s", tt.steps, got, tt.want)
		}
	}
}

// TestStringMatches has patterns of StringMatches, one of which takes minutes when each place of the text is tried.
func TestStringMatches(t *testing.T) {
	for _, tt := range []struct {
		pattern, text string
		want          bool
	}{
		{"log-*.txt", "log-.txt", true},
		{"log-*.txt", "log-2024.txt", true},
		{"log-*.txt", "log-2024.txt.gz", false},
		{"log-*.txt", "a log-2024.txt", false},
		{"", "", true},
		{"", "a", false},
		{"a", "a", true},
		{"a", "ab", false},
		{"*", "", true},
		{"**", "anything", true},
		{"ab*ab", "ab", false},
		{"ab*ab", "abab", true},
		{"a*b*c", "acbc", true},
		{"a*b*c", "acb", false},
		{"*ab*b", "aab", false},
		{`\*`, "*", true},
		{`\*`, "a", false},
		{`a\\*`, `a\b`, true},
		{`a\b*`, `a\bc`, true},
		{`*\`, `a\`, true},
		{"*ü*", "grün", true},
		{"*" + strings.Repeat("a", 100_000) + "b", strings.Repeat("a", 200_000), false},
		{strings.Repeat("*a", 50_000) + "*b", strings.Repeat("a", 200_000), false},
	} {
		quoted, err := json.Marshal(map[string]string{"Variable": "$", "StringMatches": tt.pattern, "Next": "Yes"})
		if err != nil {
			t.Fatal(err)
		}
		text, err := json.Marshal(tt.text)
		if err != nil {
			t.Fatal(err)
		}
		choice := fmt.Sprintf(`{"StartAt":"A","States":{"A":{"Type":"Choice","Choices":[%s],"Default":"No"},"Yes":{"Type":"Succeed"},"No":{"Type":"Fail"}}}`, quoted)
		if got := play(t, choice, string(text), nil).End.Status == asl.Succeeded; got != tt.want {
			t.Errorf("%.30q matches %.30q: %t, want %t", tt.pattern, tt.text, got, tt.want)
		}
	}
}

// TestStop: a stopped execution lets go of everything, and later events change nothing.
func TestStop(t *testing.T) {
	m := mustParse(t, `{"StartAt":"P","TimeoutSeconds":60,"States":{"P":{"Type":"Parallel","End":true,"Branches":[
		{"StartAt":"T","States":{"T":{"Type":"Task","Resource":"arn:aws:lambda:us-east-1:000000000000:function:f","TimeoutSeconds":5,"End":true}}},
		{"StartAt":"W","States":{"W":{"Type":"Wait","Seconds":9,"End":true}}}]}}}`)
	x, e := asl.Start(m, asl.Identity{}, asl.Raw([]byte(`{}`)), asl.Moment{Now: start()})
	task, timers := e.Tasks[0], e.Timers
	if len(timers) != 3 {
		t.Fatalf("timers %v, want those of the execution, the task and the Wait state", timers)
	}
	e, err := x.Advance(asl.StopRequested{Error: "Enough", Cause: "really"}, asl.Moment{Now: start()})
	if err != nil || e.End == nil || e.End.Status != asl.Aborted || e.End.Error != "Enough" || len(e.DroppedTasks) != 1 || len(e.DroppedTimers) != 3 {
		t.Fatalf("%+v %v", e, err)
	}
	for _, ev := range []asl.Event{asl.TaskSucceeded{Task: task.ID, Output: asl.Raw([]byte(`1`))}, asl.TimerFired{Timer: timers[0].ID}, asl.StopRequested{}} {
		if e, err := x.Advance(ev, asl.Moment{Now: start()}); err != nil || !e.Empty() {
			t.Errorf("%T after the end: %+v %v", ev, e, err)
		}
	}
}

// TestSameMoment: the same step with the same moment has the same outcome, chance included.
func TestSameMoment(t *testing.T) {
	definition := `{"StartAt":"A","States":{"A":{"Type":"Pass","Parameters":{"id.$":"States.UUID()","n.$":"States.MathRandom(1, 1000000)"},"End":true}}}`
	first := outcome(play(t, definition, `{}`, nil))
	if second := outcome(play(t, definition, `{}`, nil)); first != second {
		t.Errorf("%s\n%s", first, second)
	}
}

// TestIdentity: what a state passes on is the same document, not a copy, so that an engine stores it once.
func TestIdentity(t *testing.T) {
	m := mustParse(t, `{"StartAt":"A","States":{"A":{"Type":"Pass","Next":"B"},"B":{"Type":"Wait","Seconds":0,"Next":"C"},
		"C":{"Type":"Task","Resource":"arn:aws:lambda:us-east-1:000000000000:function:f","ResultPath":null,"End":true}}}`)
	input := asl.Raw([]byte(`{"a":1}`))
	x, e := asl.Start(m, asl.Identity{}, input, asl.Moment{Now: start()})
	if e.Tasks[0].Parameters != input {
		t.Error("the task has a copy of the input")
	}
	events := e.History
	e, err := x.Advance(asl.TaskSucceeded{Task: e.Tasks[0].ID, Output: asl.Raw([]byte(`2`))}, asl.Moment{Now: start()})
	if err != nil {
		t.Fatal(err)
	}
	for _, ev := range append(events, e.History...) {
		if ev.Details.Input != nil && ev.Details.Input != input || ev.Details.Output != nil && ev.Details.Output != input && ev.Type != "LambdaFunctionSucceeded" {
			t.Errorf("event %d %s has a copy", ev.ID, ev.Type)
		}
	}
	if e.End.Output != input {
		t.Error("the output is a copy")
	}
}

// TestNonsense: events that cannot be are refused.
func TestNonsense(t *testing.T) {
	x, _ := asl.Start(mustParse(t, task(`"Next":"F"`)), asl.Identity{}, asl.Raw([]byte(`{}`)), asl.Moment{Now: start()})
	for _, ev := range []asl.Event{nil, asl.TaskSucceeded{Task: 1}, asl.TaskSubmitted{Task: 1}} {
		if _, err := x.Advance(ev, asl.Moment{Now: start()}); err == nil {
			t.Errorf("%#v was accepted", ev)
		}
	}
}
