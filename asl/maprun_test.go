package asl_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"sundog/asl"
	"sundog/asl/asltest"
)

// eachItem makes a machine of one distributed Map state with these fields and a state C behind it; the children run these states from A on.
func eachItem(fields, states string) string {
	return `{"StartAt":"M","States":{"M":{"Type":"Map","Label":"each",` + fields + `"ItemProcessor":{"ProcessorConfig":{"Mode":"DISTRIBUTED"},"StartAt":"A","States":{` + states + `}},` +
		`"Next":"C"},"C":{"Type":"Pass","End":true}}}`
}

const (
	passOn    = `"A":{"Type":"Pass","End":true}`
	askEach   = `"A":{"Type":"Task","Resource":"arn:aws:lambda:us-east-1:000000000000:function:f","End":true}`
	readArray = `"ItemReader":{"Resource":"arn:aws:states:::s3:getObject","ReaderConfig":{"InputType":"JSON","MaxItemsPath":"$.most"},"Parameters":{"Bucket":"b","Key.$":"$.key"}},`
)

// types are the types of the events of a history from the entering of M on, with the events that they follow.
func types(history []asl.HistoryEvent) string {
	var b strings.Builder
	for _, ev := range history[2:] {
		for _, before := range history {
			if before.ID == ev.Previous {
				b.WriteString(before.Type + ">")
			}
		}
		b.WriteString(ev.Type + " ")
	}
	return strings.TrimSpace(b.String())
}

func TestDistributedMap(t *testing.T) {
	began := "MapStateEntered>MapStateStarted MapStateStarted>MapRunStarted "
	for _, c := range []struct {
		name, definition, input, want string
		types                         string // when given
		took                          time.Duration
	}{
		{
			name: "success", definition: eachItem(``, passOn), input: `[1,2]`, want: `SUCCEEDED [1,2]`,
			types: began + "MapRunStarted>MapRunSucceeded MapRunSucceeded>MapStateSucceeded MapRunStarted>MapStateExited " +
				"MapStateExited>PassStateEntered PassStateEntered>PassStateExited PassStateExited>ExecutionSucceeded",
		},
		{
			name: "failure", definition: eachItem(``, askEach), input: `[1,2]`,
			want:  "FAILED States.ExceedToleratedFailureThreshold The specified tolerated failure threshold was exceeded",
			types: began + "MapRunStarted>MapRunFailed MapRunFailed>MapStateFailed MapStateFailed>ExecutionFailed", took: 3 * time.Second,
		},
		{
			name: "retry and catch", definition: eachItem(`"Retry":[{"ErrorEquals":["States.ExceedToleratedFailureThreshold"],"MaxAttempts":1}],"Catch":[{"ErrorEquals":["States.ALL"],"Next":"C"}],`, askEach), input: `[1]`,
			want: `SUCCEEDED {"Error":"States.ExceedToleratedFailureThreshold","Cause":"The specified tolerated failure threshold was exceeded"}`,
			types: began + "MapRunStarted>MapRunFailed MapRunFailed>MapStateStarted MapStateStarted>MapRunStarted MapRunStarted>MapRunFailed MapRunFailed>MapStateFailed " +
				"MapStateFailed>MapStateExited MapStateExited>PassStateEntered PassStateEntered>PassStateExited PassStateExited>ExecutionSucceeded", took: 7 * time.Second,
		},
		{name: "one after the other", definition: eachItem(`"MaxConcurrency":1,"ToleratedFailurePercentage":100,"ResultPath":null,`, askEach), input: `[1,2]`, want: `SUCCEEDED [1,2]`, took: 6 * time.Second},
		{name: "both at once", definition: eachItem(`"ToleratedFailurePercentage":100,"ResultPath":null,`, askEach), input: `[1,2]`, want: `SUCCEEDED [1,2]`, took: 3 * time.Second},
		{
			name: "context of the selector", input: `{"l":{"k":[5]},"x":6}`, want: `SUCCEEDED [{"key":"k","value":[5],"index":0,"source":"STATE_DATA","x":6,"name":"run"}]`,
			definition: eachItem(`"ItemsPath":"$.l","ItemSelector":{"key.$":"$$.Map.Item.Key","value.$":"$$.Map.Item.Value","index.$":"$$.Map.Item.Index","source.$":"$$.Map.Item.Source","x.$":"$.x","name.$":"$$.Execution.Name"},`, passOn),
		},
		{
			name: "children are executions of their own", input: `[1]`, want: `SUCCEEDED ["m/each"]`,
			definition: eachItem(``, `"A":{"Type":"Pass","Parameters":{"n.$":"$$.StateMachine.Name"},"OutputPath":"$.n","End":true}`),
		},
		{
			name: "children see no variables from outside", input: `[1]`, want: `FAILED States.ExceedToleratedFailureThreshold The specified tolerated failure threshold was exceeded`,
			definition: `{"StartAt":"P","States":{"P":{"Type":"Pass","Assign":{"v":1},"Next":"M"},` + strings.TrimPrefix(eachItem(``, `"A":{"Type":"Pass","Parameters":{"v.$":"$v"},"End":true}`), `{"StartAt":"M","States":{`),
		},
		{
			name: "the selector does", input: `[1]`, want: `SUCCEEDED [{"v":9,"i":1}]`,
			definition: `{"StartAt":"P","QueryLanguage":"JSONata","States":{"P":{"Type":"Pass","Assign":{"v":9},"Next":"M"},` +
				strings.TrimPrefix(eachItem(`"ItemSelector":{"v":"{% $v %}","i":"{% $states.context.Map.Item.Value %}"},`, passOn), `{"StartAt":"M","States":{`),
		},
		{name: "items of a reader", definition: eachItem(readArray, passOn), input: `{"key":"three","most":2}`, want: `SUCCEEDED [1,2]`},
		{name: "bound of a reader in a string", definition: eachItem(readArray, passOn), input: `{"key":"three","most":"1"}`, want: `SUCCEEDED [1]`},
		{
			name: "bound that is no number", definition: eachItem(readArray, passOn), input: `{"key":"three","most":1.5}`,
			want:  `FAILED States.Runtime An error occurred while executing the state 'M' (entered at the event id #2). The MaxItemsPath field refers to value "1.5" which is not a valid integer: $.most`,
			types: "MapStateEntered>MapStateStarted MapStateStarted>ExecutionFailed",
		},
		{
			name: "object that is not there", definition: eachItem(readArray, passOn), input: `{"key":"none","most":0}`,
			want: `FAILED States.ItemReaderFailed The specified key does not exist.`, types: began + "MapRunStarted>MapRunFailed MapRunFailed>MapStateFailed MapStateFailed>ExecutionFailed",
		},
		{
			name: "selector that fails", definition: eachItem(`"ItemSelector":{"x.$":"$.none"},`, passOn), input: `[1]`,
			want: `FAILED States.Runtime An error occurred while executing the state 'M' (entered at the event id #2). The JSONPath '$.none' specified for the field 'x.$' could not be found in the input '[1]'`,
		},
		{name: "batches", definition: eachItem(`"ItemsPath":"$.l","ItemBatcher":{"MaxItemsPerBatchPath":"$.n","BatchInput":{"x.$":"$.n"}},`, passOn), input: `{"l":[1,2,3],"n":2}`, want: `SUCCEEDED [{"BatchInput":{"x":2},"Items":[1,2]},{"BatchInput":{"x":2},"Items":[3]}]`},
		{name: "flattened", definition: eachItem(`"ResultWriter":{"WriterConfig":{"Transformation":"FLATTEN"}},`, passOn), input: `[[1],2]`, want: `SUCCEEDED [1,2]`},
		{
			name: "aborted with its branch", input: `[1]`, want: "FAILED E", took: time.Second,
			definition: `{"StartAt":"P","States":{"P":{"Type":"Parallel","End":true,"Branches":[` + eachItem(``, askEach) +
				`,{"StartAt":"W","States":{"W":{"Type":"Wait","Seconds":1,"Next":"F"},"F":{"Type":"Fail","Error":"E"}}}]}}}`,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			machine := mustParse(t, c.definition)
			objects := &asltest.Objects{}
			objects.Add("b", "three", asltest.StoredObject{Body: []byte(`[1,2,3]`)})
			for _, stored := range []bool{false, true} {
				p := asltest.Player{
					Machine: machine, Begin: start(), Objects: objects,
					Work: func(asl.Task) asltest.Answer {
						return asltest.Answer{Failed: true, Error: "Oops", After: 3 * time.Second}
					},
					Identity: asl.Identity{Name: "run", ARN: "arn:run", MachineName: "m", MachineARN: "arn:m", Region: "us-east-1", Account: "1"},
				}
				if stored {
					p.Step, p.ChildStep = storing(machine), storing
				}
				played, err := p.Play(asl.Raw([]byte(c.input)))
				if err != nil {
					t.Fatal(err)
				}
				if got := outcome(played); got != c.want {
					t.Errorf("got  %s\nwant %s", got, c.want)
				}
				if got := types(played.History); c.types != "" && got != c.types {
					t.Errorf("got  %s\nwant %s", got, c.types)
				}
				if played.Took != c.took {
					t.Errorf("took %v, want %v", played.Took, c.took)
				}
			}
		})
	}
}

func TestMapRunIsDropped(t *testing.T) {
	x, effects := asl.Start(mustParse(t, eachItem(``, passOn)), asl.Identity{MachineName: "m", Region: "r", Account: "1"}, asl.Raw([]byte(`[1]`)), asl.Moment{Now: start()})
	if len(effects.MapRuns) != 1 || !strings.HasPrefix(effects.MapRuns[0].ARN, "arn:aws:states:r:1:mapRun:m/each:") {
		t.Fatalf("%+v", effects.MapRuns)
	}
	run := effects.MapRuns[0].ID
	if effects, err := x.Advance(asl.StopRequested{}, asl.Moment{Now: start()}); err != nil || len(effects.DroppedRuns) != 1 || effects.DroppedRuns[0] != run {
		t.Errorf("%+v %v", effects, err)
	}
	if _, err := x.ItemInput(run, asl.Item{Value: asl.Raw([]byte(`1`))}, asl.Moment{}); !errors.Is(err, asl.ErrNoRun) {
		t.Error(err)
	}
}

func TestDistributedMapRefusals(t *testing.T) {
	reader := func(s string) string { return eachItem(`"ItemReader":{`+s+`},`, passOn) }
	const object = `"Resource":"arn:aws:states:::s3:getObject","Parameters":{"Bucket":"b","Key":"k"}`
	for definition, want := range map[string]string{
		reader(`"Parameters":{}`):                                                          "The field 'Resource' is required but was missing",
		reader(`"Resource":"arn:aws:states:::s3:putObject"`):                               "is not recognized",
		reader(object + `,"ReaderConfig":{"InputType":"XML"}`):                             "should have one of these values",
		reader(object + `,"ReaderConfig":{"InputType":"CSV"}`):                             "The field 'CSVHeaderLocation' is required but was missing",
		reader(object + `,"ReaderConfig":{"InputType":"CSV","CSVHeaderLocation":"GIVEN"}`): "The field 'CSVHeaders' is required but was missing",
		reader(object + `,"ReaderConfig":{"InputType":"JSON","ItemsPointer":"a"}`):         "must be a JSON pointer",
		reader(object + `,"ReaderConfig":{"InputType":"JSON","MaxItems":-1}`):              "must be a whole number from 0",
		reader(object + `,"ReaderConfig":{"Transformation":"LOAD_AND_FLATTEN"}`):           "LOAD_AND_FLATTEN",
		eachItem(`"ItemBatcher":{},`, passOn):                                              "One of these fields is required",
		eachItem(`"ItemBatcher":{"MaxInputBytesPerBatch":262145},`, passOn):                "must be a whole number from 1 to 262144",
		eachItem(`"ResultWriter":{},`, passOn):                                             "The field 'Resource' is required but was missing",
		eachItem(`"ResultWriter":{"Resource":"arn:aws:states:::s3:putObject"},`, passOn):   "The field 'Parameters' is required but was missing",
		strings.Replace(eachItem(``, passOn), `"each"`, `"a/b"`, 1):                        "The field 'Label' must not have",
		strings.Replace(eachItem(``, strings.Replace(askEach, "arn:aws:lambda:us-east-1:000000000000:function:f", "arn:aws:states:::sqs:sendMessage.waitForTaskToken", 1)),
			`"DISTRIBUTED"`, `"DISTRIBUTED","ExecutionType":"EXPRESS"`, 1): "Express state machine does not support",
	} {
		if _, err := asl.Parse([]byte(definition)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s\ngives %v, want %s", definition, err, want)
		}
	}
}
