package asl_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"sundog/asl"
	"sundog/asl/asltest"
)

// A rerun is an execution that is redriven until it succeeds, or often enough.
type rerun struct {
	definition string
	input      string
	faults     []string      // by task in turn: an error name, "-" for no answer, "" for an answer; the rest is answered
	stop       time.Duration // when the execution is stopped; 0: it is not
	redrives   int
}

func (r rerun) play(t *testing.T) *asltest.Played {
	t.Helper()
	n := 0
	p := asltest.Player{
		Machine: mustParse(t, r.definition), Begin: start(), Identity: asl.Identity{Name: "run", ARN: "arn:run", Region: "us-east-1"},
		Work: func(task asl.Task) asltest.Answer {
			n++
			switch {
			case n > len(r.faults) || r.faults[n-1] == "":
				return asltest.Answer{Output: asl.Raw(fmt.Appendf(nil, `"%s%d"`, task.State, n))}
			case r.faults[n-1] == "-":
				return asltest.Answer{}
			}
			return asltest.Answer{Failed: true, Error: r.faults[n-1]}
		},
		Redrive: func(x *asl.Execution) bool { return x.Redrives() < int64(r.redrives) },
	}
	if r.stop > 0 {
		p.Calls = []asltest.Call{{After: r.stop, Event: asl.StopRequested{}}}
	}
	input := r.input
	if input == "" {
		input = "{}"
	}
	played, err := p.Play(asl.Raw([]byte(input)))
	if err != nil {
		t.Fatal(err)
	}
	return played
}

// after writes the events from the first redrive on, one in a line, each as "id Type after previous name".
func after(p *asltest.Played) string {
	var b strings.Builder
	for _, ev := range p.History {
		if b.Len() > 0 || ev.Type == "ExecutionRedriven" {
			fmt.Fprintf(&b, "%d %s after %d", ev.ID, ev.Type, ev.Previous)
			if ev.Details.Name != "" {
				b.WriteString(" " + ev.Details.Name)
			}
			b.WriteString("\n")
		}
	}
	return b.String()
}

const lambda = `"Type":"Task","Resource":"arn:aws:lambda:us-east-1:000000000000:function:f"`

// TestRedriveHistory says which events follow a redrive, for each type of state.
func TestRedriveHistory(t *testing.T) {
	for _, c := range []struct {
		name string
		rerun
		want string
	}{
		{"task", rerun{definition: `{"StartAt":"P","States":{"P":{"Type":"Pass","Next":"T"},"T":{` + lambda + `,"End":true}}}`, faults: []string{"E"}, redrives: 1}, `
9 ExecutionRedriven after 8
10 LambdaFunctionScheduled after 4
11 LambdaFunctionStarted after 10
12 LambdaFunctionSucceeded after 11
13 TaskStateExited after 12 T
14 ExecutionSucceeded after 13`},
		{"choice", rerun{
			definition: `{"StartAt":"C","States":{"C":{"Type":"Choice","Choices":[{"Variable":"$$.Execution.RedriveCount","NumericEquals":1,"Next":"S"}]},"S":{"Type":"Succeed"}}}`,
			redrives:   1,
		}, `
4 ExecutionRedriven after 3
5 ChoiceStateExited after 2 C
6 SucceedStateEntered after 5 S
7 SucceedStateExited after 6 S
8 ExecutionSucceeded after 7`},
		{"fail", rerun{definition: `{"StartAt":"F","States":{"F":{"Type":"Fail","Error":"E"}}}`, redrives: 1}, `
4 ExecutionRedriven after 3
5 FailStateEntered after 0 F
6 ExecutionFailed after 5`},
		{"pass", rerun{
			definition: `{"QueryLanguage":"JSONata","StartAt":"P","States":{"P":{"Type":"Pass","End":true,"Output":"{% $states.context.Execution.RedriveCount = 0 ? $error('no') : 'yes' %}"}}}`,
			redrives:   1,
		}, `
5 ExecutionRedriven after 4
6 PassStateExited after 2 P
7 ExecutionSucceeded after 6`},
		{"wait for seconds", rerun{definition: `{"StartAt":"W","States":{"W":{"Type":"Wait","Seconds":10,"End":true}}}`, stop: 4 * time.Second, redrives: 1}, `
4 ExecutionRedriven after 3
5 WaitStateExited after 2 W
6 ExecutionSucceeded after 5`},
		{"parallel", rerun{
			definition: `{"StartAt":"P","States":{"P":{"Type":"Parallel","End":true,"Branches":[
				{"StartAt":"A","States":{"A":{` + lambda + `,"End":true}}},
				{"StartAt":"B","States":{"B":{` + lambda + `,"End":true}}},
				{"StartAt":"C","States":{"C":{"Type":"Wait","Seconds":5,"End":true}}}]}}}`,
			faults: []string{"", "E"}, redrives: 1,
		}, `
18 ExecutionRedriven after 17
19 LambdaFunctionScheduled after 6
20 LambdaFunctionStarted after 19
21 LambdaFunctionSucceeded after 20
22 TaskStateExited after 21 B
23 WaitStateExited after 8 C
24 ParallelStateSucceeded after 23
25 ParallelStateExited after 23 P
26 ExecutionSucceeded after 25`},
		{"map", rerun{
			definition: `{"StartAt":"M","States":{"M":{"Type":"Map","MaxConcurrency":1,"End":true,
				"ItemProcessor":{"StartAt":"A","States":{"A":{` + lambda + `,"End":true}}}}}}`,
			input: `[1,2,3]`, faults: []string{"", "E"}, redrives: 1,
		}, `
20 ExecutionRedriven after 19
21 LambdaFunctionScheduled after 12
22 LambdaFunctionStarted after 21
23 LambdaFunctionSucceeded after 22
24 TaskStateExited after 23 A
25 MapIterationSucceeded after 24 M
26 MapIterationStarted after 24 M
27 TaskStateEntered after 26 A
28 LambdaFunctionScheduled after 27
29 LambdaFunctionStarted after 28
30 LambdaFunctionSucceeded after 29
31 TaskStateExited after 30 A
32 MapIterationSucceeded after 31 M
33 MapStateSucceeded after 32
34 MapStateExited after 32 M
35 ExecutionSucceeded after 34`},
	} {
		t.Run(c.name, func(t *testing.T) {
			if d := cmp.Diff(strings.TrimSpace(c.want), strings.TrimSpace(after(c.play(t)))); d != "" {
				t.Error(d)
			}
		})
	}
}

// TestRedriveKeepsWhatSucceeded counts the tasks that a redriven execution runs and looks at where it ends.
func TestRedriveKeepsWhatSucceeded(t *testing.T) {
	branch := func(name string) string {
		return `{"StartAt":"` + name + `","States":{"` + name + `":{` + lambda + `,"End":true}}}`
	}
	firstTry := func(otherwise string) string {
		return `"{% $states.context.Execution.RedriveCount = 0 ? $error('no') : ` + otherwise + ` %}"`
	}
	for _, c := range []struct {
		name string
		rerun
		want  string
		tasks int // that were scheduled in all
	}{
		{
			"parallel in a map", rerun{
				definition: `{"StartAt":"M","States":{"M":{"Type":"Map","End":true,"ItemProcessor":{"StartAt":"P","States":{
					"P":{"Type":"Parallel","End":true,"Branches":[` + branch("A") + `,` + branch("B") + `]}}}}}}`,
				input: `[1,2]`, faults: []string{"", "", "", "E"}, redrives: 1,
			}, `SUCCEEDED [["A1","B2"],["A3","B5"]]`, 5,
		},
		{
			"output of a parallel fails", rerun{
				definition: `{"QueryLanguage":"JSONata","StartAt":"P","States":{"P":{"Type":"Parallel","End":true,"Branches":[` + branch("A") + `],"Output":` + firstTry("$states.result") + `}}}`,
				redrives:   1,
			}, `SUCCEEDED ["A1"]`, 1,
		},
		{
			"output of a parallel is too large", rerun{
				definition: `{"QueryLanguage":"JSONata","StartAt":"P","States":{"P":{"Type":"Parallel","End":true,"Branches":[` + branch("A") + `],
					"Output":"{% $states.context.Execution.RedriveCount = 0 ? [$states.input, $states.input] : $states.result %}"}}}`,
				input: `"` + strings.Repeat("x", 200_000) + `"`, redrives: 1,
			}, `SUCCEEDED ["A2"]`, 2,
		},
		{
			"selector of a map fails", rerun{
				definition: `{"QueryLanguage":"JSONata","StartAt":"M","States":{"M":{"Type":"Map","MaxConcurrency":1,"End":true,"Items":[1,2,3],
					"ItemSelector":"{% $states.context.Execution.RedriveCount = 0 and $states.context.Map.Item.Index = 1 ? $error('no') : 1 %}","ItemProcessor":` + branch("A") + `}}}`,
				redrives: 1,
			}, `SUCCEEDED ["A1","A2","A3"]`, 3,
		},
		{
			"variables", rerun{
				definition: `{"QueryLanguage":"JSONata","StartAt":"A","States":{"A":{"Type":"Pass","Assign":{"x":7},"Next":"T"},
					"T":{` + lambda + `,"Assign":{"y":"{% $states.result %}"},"Next":"Z"},"Z":{"Type":"Pass","Output":"{% [$x, $y] %}","End":true}}}`,
				faults: []string{"E"}, redrives: 1,
			}, `SUCCEEDED [7,"T2"]`, 2,
		},
		{
			"catch inside a branch", rerun{
				definition: `{"StartAt":"P","States":{"P":{"Type":"Parallel","End":true,"Branches":[
					{"StartAt":"A","States":{"A":{` + lambda + `,"Catch":[{"ErrorEquals":["E"],"Next":"B"}],"End":true},"B":{` + lambda + `,"End":true}}}]}}}`,
				faults: []string{"E", "X"}, redrives: 1,
			}, `SUCCEEDED ["B3"]`, 3,
		},
		{
			"a parallel that was retried", rerun{
				definition: `{"StartAt":"P","States":{"P":{"Type":"Parallel","End":true,"Retry":[{"ErrorEquals":["E"],"MaxAttempts":1}],"Branches":[` + branch("A") + `,` + branch("B") + `]}}}`,
				faults:     []string{"E", "", "", "E"}, redrives: 1,
			}, `SUCCEEDED ["A3","B5"]`, 5,
		},
		{
			"attempts begin anew", rerun{
				definition: `{"StartAt":"T","States":{"T":{` + lambda + `,"Retry":[{"ErrorEquals":["E"],"MaxAttempts":1}],"End":true}}}`,
				faults:     []string{"E", "E", "E"}, redrives: 1,
			}, `SUCCEEDED "T4"`, 4,
		},
		{
			"stopped before a retry", rerun{
				definition: `{"StartAt":"T","States":{"T":{` + lambda + `,"Retry":[{"ErrorEquals":["E"],"IntervalSeconds":9}],"End":true}}}`,
				faults:     []string{"E"}, stop: time.Second, redrives: 1,
			}, `SUCCEEDED "T2"`, 2,
		},
		{
			"stopped in a task", rerun{
				definition: `{"StartAt":"T","States":{"T":{` + lambda + `,"End":true}}}`, faults: []string{"-"}, stop: time.Second, redrives: 1,
			}, `SUCCEEDED "T2"`, 2,
		},
		{
			"the time of a task begins anew", rerun{
				definition: `{"StartAt":"T","States":{"T":{` + lambda + `,"TimeoutSeconds":5,"End":true}}}`, faults: []string{"-", "-"}, redrives: 1,
			}, `FAILED States.Timeout`, 2,
		},
		{
			"the time of the execution begins anew", rerun{
				definition: `{"TimeoutSeconds":5,"StartAt":"A","States":{"A":{"Type":"Wait","Seconds":3,"Next":"B"},"B":{` + lambda + `,"Next":"C"},"C":{"Type":"Wait","Seconds":4,"End":true}}}`,
				faults:     []string{"-"}, redrives: 1,
			}, `SUCCEEDED "B2"`, 2,
		},
		{
			"a distributed map", rerun{
				definition: `{"StartAt":"M","States":{"M":{"Type":"Map","MaxConcurrency":1,"End":true,"ItemProcessor":{
					"ProcessorConfig":{"Mode":"DISTRIBUTED","ExecutionType":"STANDARD"},"StartAt":"A","States":{"A":{` + lambda + `,"End":true}}}}}}`,
				input: `[1,2]`, faults: []string{"E", "E"}, redrives: 1,
			}, `SUCCEEDED ["A3","A4"]`, 0,
		},
		{
			"three times", rerun{
				definition: `{"StartAt":"M","States":{"M":{"Type":"Map","End":true,"ItemProcessor":` + branch("A") + `}}}`,
				input:      `[1,2]`, faults: []string{"E", "-", "E", "-", "", "E"}, redrives: 3,
			}, `SUCCEEDED ["A5","A7"]`, 7,
		},
		{
			"once too few", rerun{definition: `{"StartAt":"T","States":{"T":{` + lambda + `,"End":true}}}`, faults: []string{"E", "F"}, redrives: 1}, `FAILED F`, 2,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			played := c.play(t)
			if got := outcome(played); got != c.want {
				t.Errorf("ended %s, want %s", got, c.want)
			}
			if n := occurrences(played, "LambdaFunctionScheduled"); n != c.tasks {
				t.Errorf("%d tasks were scheduled, want %d", n, c.tasks)
			}
		})
	}
}

// TestRedriveRefused has the executions that cannot go on.
func TestRedriveRefused(t *testing.T) {
	failing := `{"StartAt":"F","States":{"F":{"Type":"Fail"}}}`
	waiting := `{"StartAt":"W","States":{"W":{"Type":"Wait","Seconds":1,"End":true}}}`
	for _, c := range []struct {
		name, definition string
		limits           asl.Limits
		id               asl.Identity
		want             string
	}{
		{"running", waiting, asl.Limits{}, asl.Identity{}, "RUNNING"},
		{"succeeded", `{"StartAt":"S","States":{"S":{"Type":"Succeed"}}}`, asl.Limits{}, asl.Identity{}, "SUCCEEDED"},
		{"express", failing, asl.Limits{}, asl.Identity{Express: true}, "EXPRESS"},
		{"child of a map run", failing, asl.Limits{}, asl.Identity{Child: true}, "child"},
		{"no room in the history", failing, asl.Limits{HistoryEvents: 4}, asl.Identity{}, "limit exceeded"},
		{"room in the history", failing, asl.Limits{HistoryEvents: 5}, asl.Identity{}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := mustParse(t, c.definition).WithLimits(c.limits)
			x, _ := asl.Start(m, c.id, asl.Raw([]byte(`{}`)), asl.Moment{Now: start()})
			memory := asltest.NewMemory()
			memory.Save(x)
			if parts := memory.Parts(); (len(parts) > 0) != (c.want == "" || c.want == "RUNNING") {
				t.Errorf("it keeps %v", parts)
			}
			reason := x.NotRedrivable()
			_, err := x.Redrive(asl.Moment{Now: start()})
			switch {
			case c.want == "" && (err != nil || reason != ""):
				t.Errorf("refused: %v (%s)", err, reason)
			case c.want != "" && (!errors.Is(err, asl.ErrNotRedrivable) || !strings.Contains(reason, c.want) || !strings.Contains(err.Error(), reason)):
				t.Errorf("%v (%s), want %s", err, reason, c.want)
			}
		})
	}
}

// TestExpressEnds: an execution of an Express workflow ends after five minutes, whatever its definition says.
func TestExpressEnds(t *testing.T) {
	for timeout, want := range map[string]time.Duration{"": 5 * time.Minute, `"TimeoutSeconds":60,`: time.Minute, `"TimeoutSeconds":600,`: 5 * time.Minute} {
		p := asltest.Player{
			Machine:  mustParse(t, `{`+timeout+`"StartAt":"W","States":{"W":{"Type":"Wait","Seconds":3600,"End":true}}}`),
			Identity: asl.Identity{Express: true}, Begin: start(),
		}
		played, err := p.Play(asl.Raw([]byte(`{}`)))
		if err != nil || played.End.Status != asl.TimedOut || played.Took != want {
			t.Errorf("%s: %+v %v, want a time-out after %v", timeout, played, err, want)
		}
	}
}

// TestRedriveTimestamp: a Wait until a time that has passed meanwhile is over at once.
func TestRedriveTimestamp(t *testing.T) {
	until := start().Add(10 * time.Second)
	m := mustParse(t, `{"StartAt":"W","States":{"W":{"Type":"Wait","Timestamp":"`+until.Format(time.RFC3339)+`","End":true}}}`)
	x, _ := asl.Start(m, asl.Identity{}, asl.Raw([]byte(`{}`)), asl.Moment{Now: start()})
	if _, err := x.Advance(asl.StopRequested{}, asl.Moment{Now: start()}); err != nil {
		t.Fatal(err)
	}
	effects, err := x.Redrive(asl.Moment{Now: until})
	if err != nil || effects.End == nil || effects.End.Status != asl.Succeeded {
		t.Errorf("%+v %v", effects, err)
	}
}
