package asl_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"sundog/asl"
	"sundog/asl/asltest"
)

func mustParse(t testing.TB, definition string) *asl.Machine {
	t.Helper()
	m, err := asl.Parse([]byte(definition))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// document5K is a document of about 5 KB.
func document5K() []byte {
	var b strings.Builder
	b.WriteString(`{"id":"workflow-a/item-1","process":{"workflow":"a","count":3},"features":[`)
	for i := range 40 {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, `{"id":"item-%d","bbox":[-10.5,20.25,30,40],"properties":{"datetime":"2026-01-02T03:04:05Z","cloud":%d}}`, i, i)
	}
	b.WriteString(`]}`)
	return []byte(b.String())
}

// start is when the executions of the tests begin.
func start() time.Time { return time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC) }

// BenchmarkPassChoicePass is the way through states that wait for nothing.
func BenchmarkPassChoicePass(b *testing.B) {
	m := mustParse(b, `{"StartAt":"A","States":{
		"A":{"Type":"Pass","Next":"B"},
		"B":{"Type":"Choice","Choices":[{"Variable":"$.process.count","NumericGreaterThan":2,"Next":"C"}],"Default":"C"},
		"C":{"Type":"Pass","Parameters":{"all.$":"$"},"OutputPath":"$.all","End":true}}}`)
	doc := document5K()
	b.ReportAllocs()
	for b.Loop() {
		x, _ := asl.Start(m, asl.Identity{}, asl.Raw(doc), asl.Moment{Now: start()})
		if x.Status() != asl.Succeeded {
			b.Fatal(x.End())
		}
	}
	b.ReportMetric(3*float64(b.N)/b.Elapsed().Seconds(), "transitions/s")
}

// threeTasks is the shape of most workflows over payloads.
const threeTasks = `{"StartAt":"A","States":{
	"A":{"Type":"Task","Resource":"arn:aws:lambda:us-east-1:000000000000:function:a","Next":"B"},
	"B":{"Type":"Task","Resource":"arn:aws:states:::lambda:invoke","Parameters":{"FunctionName":"b","Payload.$":"$"},"OutputPath":"$.Payload","Next":"C",
		"Retry":[{"ErrorEquals":["States.ALL"]}],"Catch":[{"ErrorEquals":["States.ALL"],"ResultPath":"$.error","Next":"F"}]},
	"C":{"Type":"Task","Resource":"arn:aws:lambda:us-east-1:000000000000:function:c","End":true},
	"F":{"Type":"Fail"}}}`

// BenchmarkThreeTasks is the interpreter's share of an execution, with and without storing every step.
func BenchmarkThreeTasks(b *testing.B) {
	for _, stored := range []bool{false, true} {
		b.Run(fmt.Sprintf("stored=%v", stored), func(b *testing.B) {
			m := mustParse(b, threeTasks)
			doc := document5K()
			invoked := append(append([]byte(`{"ExecutedVersion":"$LATEST","Payload":`), doc...), `,"StatusCode":200}`...)
			b.ReportAllocs()
			written := 0
			for b.Loop() {
				memory := asltest.NewMemory()
				x, e := asl.Start(m, asl.Identity{}, asl.Raw(doc), asl.Moment{Now: start()})
				for e.End == nil {
					if stored {
						written += memory.Save(x)
					}
					task := e.Tasks[0]
					output := task.Parameters
					if task.State == "B" {
						output = asl.Raw(invoked)
					}
					var err error
					if e, err = x.Advance(asl.TaskSucceeded{Task: task.ID, Output: output}, asl.Moment{Now: start()}); err != nil {
						b.Fatal(err)
					}
				}
				if e.End.Status != asl.Succeeded {
					b.Fatal(e.End)
				}
			}
			if stored {
				b.ReportMetric(float64(written)/float64(b.N), "bytes-stored/op")
			}
		})
	}
}

// BenchmarkMap100 runs a Map with a task for each of 100 items.
func BenchmarkMap100(b *testing.B) {
	m := mustParse(b, `{"StartAt":"M","States":{"M":{"Type":"Map","ItemsPath":"$.items","MaxConcurrency":10,"End":true,"ItemProcessor":{"StartAt":"A","States":{
		"A":{"Type":"Task","Resource":"arn:aws:lambda:us-east-1:000000000000:function:a","End":true}}}}}}`)
	doc := []byte(`{"items":[` + strings.Repeat(`{"n":1},`, 99) + `{"n":1}]}`)
	b.ReportAllocs()
	for b.Loop() {
		p := asltest.Player{Machine: m, Begin: start(), Work: func(t asl.Task) asltest.Answer { return asltest.Answer{Output: t.Parameters} }}
		if played, err := p.Play(asl.Raw(doc)); err != nil || played.End.Status != asl.Succeeded {
			b.Fatal(err, played)
		}
	}
}

func BenchmarkParse(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		mustParse(b, threeTasks)
	}
}
