package asl_test

import (
	"encoding/json"
	"errors"
	"testing"

	"sundog/asl"
	"sundog/asl/asltest"
)

// FuzzParse feeds anything to Parse. What it accepts must run without a panic, whatever the input is.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		``, `not a definition`, `{}`, `[]`, `{"StartAt":"A","States":{"A":{"Type":"Pass","End":true}}}`, threeTasks,
		`{"StartAt":"A","TimeoutSeconds":9,"States":{"A":{"Type":"Choice","Choices":[{"And":[{"Variable":"$.a","IsPresent":true},{"Not":{"Variable":"$.a","StringMatches":"x*"}}],"Next":"B"}],"Default":"B"},"B":{"Type":"Fail","ErrorPath":"$.e","CausePath":"States.Format('{}', $.c)"}}}`,
		`{"StartAt":"M","States":{"M":{"Type":"Map","ItemsPath":"$.a","ItemSelector":{"v.$":"$$.Map.Item.Value"},"ItemProcessor":{"StartAt":"P","States":{"P":{"Type":"Parallel","Branches":[{"StartAt":"W","States":{"W":{"Type":"Wait","SecondsPath":"$.v","End":true}}}],"End":true}}},"End":true}}}`,
		`{"QueryLanguage":"JSONata","StartAt":"A","States":{"A":{"Type":"Pass","Output":"{% $states.input %}","Assign":{"x":1},"End":true}}}`,
		`{"StartAt":"M","States":{"M":{"Type":"Map","Label":"l","ItemsPath":"$.a","ToleratedFailurePercentage":9.5,"ItemSelector":{"v.$":"$$.Map.Item.Source"},"ItemBatcher":{"MaxItemsPerBatch":2,"BatchInput":{"b.$":"$.e"}},"ResultWriter":{"WriterConfig":{"Transformation":"FLATTEN"}},"ItemProcessor":{"ProcessorConfig":{"Mode":"DISTRIBUTED","ExecutionType":"EXPRESS"},"StartAt":"P","States":{"P":{"Type":"Pass","End":true}}},"End":true}}}`,
		`{"StartAt":"M","States":{"M":{"Type":"Map","ItemReader":{"Resource":"arn:aws:states:::s3:getObject","ReaderConfig":{"InputType":"CSV","CSVHeaderLocation":"GIVEN","CSVHeaders":["a"],"MaxItemsPath":"$.a"},"Parameters":{"Bucket":"b","Key.$":"$.e"}},"ItemProcessor":{"ProcessorConfig":{"Mode":"DISTRIBUTED"},"StartAt":"P","States":{"P":{"Type":"Pass","End":true}}},"End":true}}}`,
		`{"StartAt":"A","States":{"A":{"Type":"Wait","Timestamp":"2016-13-05T21:29:29Z","End":true,"End":true}}}`,
	} {
		f.Add([]byte(seed), []byte(`{"a":[1,2,{"b":null}],"e":"E","c":"C"}`))
	}
	f.Fuzz(func(t *testing.T, definition, input []byte) {
		m, err := asl.Parse(definition)
		if err != nil {
			var problems asl.Diagnostics
			if !errors.As(err, &problems) || len(problems) == 0 || problems.Error() == "" {
				t.Fatalf("an error without diagnostics: %v", err)
			}
			return
		}
		doc, err := asl.ParseDocument(input)
		if err != nil {
			return
		}
		memory := asltest.NewMemory()
		player := asltest.Player{
			Machine: m, Begin: start(), MaxSteps: 200,
			Work: func(task asl.Task) asltest.Answer { return asltest.Answer{Started: true, Output: task.Parameters} },
			Step: func(x *asl.Execution, e *asl.Effects) (*asl.Execution, error) {
				for _, ev := range e.History {
					if text := ev.AppendAWS(nil, true); !json.Valid(text) {
						t.Fatalf("event %d is not JSON: %s", ev.ID, text)
					}
				}
				memory.Save(x)
				if e.End != nil {
					return x, nil
				}
				loaded, err := memory.Load(m)
				if err != nil {
					t.Fatal(err)
				}
				return loaded, nil
			},
		}
		_, _ = player.Play(doc) // a loop does not end: what counts is that nothing panics
	})
}

// FuzzLoad feeds damaged parts to Load, which must refuse them or make an execution that can go on.
func FuzzLoad(f *testing.F) {
	m := mustParse(f, `{"StartAt":"M","States":{"M":{"Type":"Map","MaxConcurrency":2,"ItemProcessor":{"StartAt":"T","States":{
		"T":{"Type":"Task","Resource":"arn:aws:lambda:us-east-1:000000000000:function:f","TimeoutSeconds":9,"Retry":[{"ErrorEquals":["States.ALL"]}],"End":true}}},"End":true}}}`)
	x, effects := asl.Start(m, asl.Identity{Name: "n"}, asl.Raw([]byte(`[1,2,3]`)), asl.Moment{Now: start()})
	if _, err := x.Advance(asl.TaskSucceeded{Task: effects.Tasks[0].ID, Output: asl.Raw([]byte(`1`))}, asl.Moment{Now: start()}); err != nil {
		f.Fatal(err)
	}
	memory := asltest.NewMemory()
	parts := x.TakeChanges(memory)
	for i := range parts {
		f.Add(i, parts[i].Data)
	}
	f.Fuzz(func(t *testing.T, which int, data []byte) {
		if which < 0 || which >= len(parts) {
			return
		}
		damaged := append([]asl.Part(nil), parts...)
		damaged[which].Data = data
		x, err := asl.Load(m, damaged, memory)
		if err != nil {
			return
		}
		tasks, timers := x.Outstanding()
		for _, task := range tasks {
			if _, err := x.Advance(asl.TaskFailed{Task: task.ID}, asl.Moment{Now: start()}); err != nil {
				t.Fatal(err)
			}
		}
		for _, timer := range timers {
			if _, err := x.Advance(asl.TimerFired{Timer: timer.ID}, asl.Moment{Now: start()}); err != nil {
				t.Fatal(err)
			}
		}
	})
}
