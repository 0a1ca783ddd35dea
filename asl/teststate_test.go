package asl_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"sundog/asl"
	"sundog/asl/asltest"
)

const (
	invokeState = `{"Type":"Task","Resource":"arn:aws:states:::lambda:invoke","Parameters":{"FunctionName":"f","Payload.$":"$.a"},
		"ResultSelector":{"got.$":"$.Payload"},"ResultPath":"$.r","Next":"After",
		"Retry":[{"ErrorEquals":["Other"]},{"ErrorEquals":["Busy"],"IntervalSeconds":3,"MaxAttempts":2,"BackoffRate":2}],
		"Catch":[{"ErrorEquals":["Broken"],"Next":"Other"},{"ErrorEquals":["States.ALL"],"ResultPath":"$.e","Next":"Caught"}]}`
	mapOfTwo = `{"Type":"Map","ItemsPath":"$.list","ItemSelector":{"v.$":"$$.Map.Item.Value","i.$":"$$.Map.Item.Index"},"MaxConcurrency":2,
		"ToleratedFailurePercentage":50,"ItemProcessor":{"ProcessorConfig":{"Mode":"DISTRIBUTED"},"StartAt":"Inner",
		"States":{"Inner":{"Type":"Pass","End":true}}},"End":true}`
	forkState = `{"Type":"Parallel","Branches":[{"StartAt":"Left","States":{"Left":{"Type":"Pass","End":true}}},
		{"StartAt":"Right","States":{"Right":{"Type":"Pass","End":true}}}],"Next":"Join"}`
)

func mockResult(text string) *asl.TestStateMock { return &asl.TestStateMock{Result: &text} }

func mockError(name, cause string) *asl.TestStateMock {
	return &asl.TestStateMock{ErrorOutput: &asl.MockErrorOutput{Error: name, Cause: cause}}
}

func ptr[T any](v T) *T { return &v }

func TestStateOutcomes(t *testing.T) {
	tests := []struct {
		name string
		req  asl.TestStateRequest
		want string
	}{
		{
			name: "the default input is an empty object",
			req:  asl.TestStateRequest{Definition: `{"Type":"Pass","End":true}`},
			want: `{"status":"SUCCEEDED","output":"{}"}`,
		},
		{
			name: "next state",
			req:  asl.TestStateRequest{Definition: `{"Type":"Pass","Next":"Nowhere"}`, Input: `{"a":1}`},
			want: `{"status":"SUCCEEDED","output":"{\"a\":1}","nextState":"Nowhere"}`,
		},
		{
			name: "a state that is its own successor is played once",
			req: asl.TestStateRequest{
				Definition: `{"StartAt":"A","States":{"A":{"Type":"Choice","Choices":[{"Variable":"$.go","BooleanEquals":true,"Next":"A"}],"Default":"B"},"B":{"Type":"Succeed"}}}`,
				StateName:  "A", Input: `{"go":true}`,
			},
			want: `{"status":"SUCCEEDED","output":"{\"go\":true}","nextState":"A"}`,
		},
		{
			name: "a wait is over at once",
			req:  asl.TestStateRequest{Definition: `{"Type":"Wait","Seconds":86400,"Next":"B"}`, Input: `7`, InspectionLevel: asl.InspectDebug},
			want: `{"status":"SUCCEEDED","output":"7","nextState":"B","inspectionData":{"input":"7","afterInputPath":"7"}}`,
		},
		{
			name: "variables",
			req: asl.TestStateRequest{
				Definition: `{"Type":"Pass","QueryLanguage":"JSONata","Assign":{"b":"{% $a + 1 %}"},"Output":"{% $a %}","End":true}`,
				Variables:  `{"a":1}`, InspectionLevel: asl.InspectTrace,
			},
			want: `{"status":"SUCCEEDED","output":"1","inspectionData":{"input":"{}","variables":"{\"a\":1,\"b\":2}"}}`,
		},
		{
			name: "the fields of a task",
			req:  asl.TestStateRequest{Definition: invokeState, Input: `{"a":1}`, Mock: mockResult(`{"Payload":2}`), InspectionLevel: asl.InspectDebug},
			want: `{"status":"SUCCEEDED","output":"{\"a\":1,\"r\":{\"got\":2}}","nextState":"After","inspectionData":{
				"input":"{\"a\":1}","afterInputPath":"{\"a\":1}","afterParameters":"{\"FunctionName\":\"f\",\"Payload\":1}","result":"{\"Payload\":2}",
				"afterResultSelector":"{\"got\":2}","afterResultPath":"{\"a\":1,\"r\":{\"got\":2}}"}}`,
		},
		{
			name: "the task is done when there is no mock",
			req: asl.TestStateRequest{Definition: invokeState, Input: `{"a":1}`, Work: func(task asl.Task) asl.TaskOutcome {
				return asl.TaskOutcome{Output: asl.Value(map[string]any{"Payload": task.Parameters.Get()})}
			}},
			want: `{"status":"SUCCEEDED","output":"{\"a\":1,\"r\":{\"got\":{\"FunctionName\":\"f\",\"Payload\":1}}}","nextState":"After"}`,
		},
		{
			name: "the task fails",
			req: asl.TestStateRequest{Definition: invokeState, Input: `{"a":1}`, Work: func(asl.Task) asl.TaskOutcome {
				return asl.TaskOutcome{Error: "Broken", Cause: "glass"}
			}},
			want: `{"status":"CAUGHT_ERROR","error":"Broken","cause":"glass","output":"{\"Error\":\"Broken\",\"Cause\":\"glass\"}","nextState":"Other"}`,
		},
		{
			name: "a retry after one that there was",
			req: asl.TestStateRequest{
				Definition: invokeState, Input: `{"a":1}`, Mock: mockError("Busy", ""), InspectionLevel: asl.InspectDebug,
				Configuration: &asl.TestStateConfiguration{RetrierRetryCount: ptr(1)},
			},
			want: `{"status":"RETRIABLE","error":"Busy","inspectionData":{"input":"{\"a\":1}","afterInputPath":"{\"a\":1}",
				"afterParameters":"{\"FunctionName\":\"f\",\"Payload\":1}","errorDetails":{"retryIndex":1,"retryBackoffIntervalSeconds":6}}}`,
		},
		{
			name: "no attempt is left, a catcher takes over",
			req: asl.TestStateRequest{
				Definition: invokeState, Input: `{"a":1}`, Mock: mockError("Busy", "full"), InspectionLevel: asl.InspectDebug,
				Configuration: &asl.TestStateConfiguration{RetrierRetryCount: ptr(2)},
			},
			want: `{"status":"CAUGHT_ERROR","error":"Busy","cause":"full","output":"{\"a\":1,\"e\":{\"Cause\":\"full\",\"Error\":\"Busy\"}}","nextState":"Caught",
				"inspectionData":{"input":"{\"a\":1}","afterInputPath":"{\"a\":1}","afterParameters":"{\"FunctionName\":\"f\",\"Payload\":1}",
				"errorDetails":{"retryIndex":1,"catchIndex":1}}}`,
		},
		{
			name: "an error of the definition itself",
			req:  asl.TestStateRequest{Definition: `{"Type":"Pass","InputPath":"$.none","End":true}`},
			want: `{"status":"FAILED","error":"States.Runtime","cause":"An error occurred while executing the state 'StateName' (entered at the event id #2). Invalid path '$.none' : No results for path: $['none']"}`,
		},
		{
			name: "the fields of a Map state",
			req: asl.TestStateRequest{
				Definition: mapOfTwo, Input: `{"list":["x","y"]}`, Mock: mockResult(`[1,2]`), InspectionLevel: asl.InspectDebug,
				Configuration: &asl.TestStateConfiguration{MapIterationFailureCount: ptr(int64(1))},
			},
			want: `{"status":"SUCCEEDED","output":"[1,2]","inspectionData":{"input":"{\"list\":[\"x\",\"y\"]}","afterInputPath":"{\"list\":[\"x\",\"y\"]}",
				"afterItemsPath":"[\"x\",\"y\"]","afterItemSelector":"[{\"v\":\"x\",\"i\":0},{\"v\":\"y\",\"i\":1}]","afterResultSelector":"[1,2]",
				"afterResultPath":"[1,2]","maxConcurrency":2,"toleratedFailurePercentage":50}}`,
		},
		{
			name: "more failures than a percentage",
			req: asl.TestStateRequest{
				Definition: mapOfTwo, Input: `{"list":["x","y"]}`, Mock: mockResult(`[1,2]`),
				Configuration: &asl.TestStateConfiguration{MapIterationFailureCount: ptr(int64(2))},
			},
			want: `{"status":"FAILED","error":"States.ExceedToleratedFailureThreshold","cause":"The specified tolerated failure threshold was exceeded"}`,
		},
		{
			name: "a count that a Map state cannot tolerate",
			req: asl.TestStateRequest{
				Definition: strings.ReplaceAll(mapOfTwo, `"ToleratedFailurePercentage":50`, `"ToleratedFailureCountPath":"$.n"`), Input: `{"list":[],"n":-1}`, Mock: mockResult(`[]`),
			},
			want: `{"status":"FAILED","error":"States.Runtime","cause":"An error occurred while executing the state 'StateName' (entered at the event id #2). ToleratedFailureCount cannot be negative."}`,
		},
		{
			name: "a percentage that is too high",
			req: asl.TestStateRequest{
				Definition: strings.ReplaceAll(mapOfTwo, `"ToleratedFailurePercentage":50`, `"ToleratedFailurePercentagePath":"$.n"`), Input: `{"list":[],"n":100.1}`, Mock: mockResult(`[]`),
			},
			want: `{"status":"FAILED","error":"States.Runtime","cause":"An error occurred while executing the state 'StateName' (entered at the event id #2). ToleratedFailurePercentage must be between 0 and 100."}`,
		},
		{
			name: "a percentage that is no number",
			req: asl.TestStateRequest{
				Definition: strings.ReplaceAll(mapOfTwo, `"ToleratedFailurePercentage":50`, `"ToleratedFailurePercentagePath":"$.n"`), Input: `{"list":[],"n":"many"}`, Mock: mockResult(`[]`),
			},
			want: `{"status":"FAILED","error":"States.Runtime","cause":"An error occurred while executing the state 'StateName' (entered at the event id #2). The ToleratedFailurePercentagePath field refers to value \"many\" which is not a valid float: $.n"}`,
		},
		{
			name: "where a Map state wrote its results",
			req: asl.TestStateRequest{
				Definition: strings.ReplaceAll(mapOfTwo, `"ItemsPath":"$.list"`, `"ItemReader":{"Resource":"arn:aws:states:::s3:getObject"},"ResultWriter":{"Resource":"arn:aws:states:::s3:putObject"}`),
				Mock:       mockResult(`{"MapRunArn":"m"}`), Configuration: &asl.TestStateConfiguration{MapItemReaderData: ptr(`["x"]`)}, InspectionLevel: asl.InspectDebug,
			},
			want: `{"status":"SUCCEEDED","output":"{\"MapRunArn\":\"m\"}","inspectionData":{"input":"{}","afterInputPath":"{}","afterItemSelector":"[{\"v\":\"x\",\"i\":0}]",
				"afterResultSelector":"{\"MapRunArn\":\"m\"}","afterResultPath":"{\"MapRunArn\":\"m\"}","maxConcurrency":2,"toleratedFailurePercentage":50}}`,
		},
		{
			name: "more failures than a count",
			req: asl.TestStateRequest{
				Definition: strings.ReplaceAll(mapOfTwo, `"ToleratedFailurePercentage":50`, `"ToleratedFailureCount":1`), Input: `{"list":[1,2]}`, Mock: mockResult(`[1,2]`),
				Configuration: &asl.TestStateConfiguration{MapIterationFailureCount: ptr(int64(2))},
			},
			want: `{"status":"FAILED","error":"States.ExceedToleratedFailureThreshold","cause":"The specified tolerated failure threshold was exceeded"}`,
		},
		{
			name: "the fields of a Parallel state",
			req:  asl.TestStateRequest{Definition: forkState, Input: `1`, Mock: mockResult(`[2,3]`), InspectionLevel: asl.InspectDebug},
			want: `{"status":"SUCCEEDED","output":"[2,3]","nextState":"Join","inspectionData":{"input":"1","afterResultSelector":"[2,3]","afterResultPath":"[2,3]"}}`,
		},
		{
			name: "the retries so far, in the context object",
			req: asl.TestStateRequest{
				Definition: `{"Type":"Task","Resource":"arn:aws:states:::http:invoke","OutputPath":"$$.State.RetryCount","End":true}`, Mock: mockResult(`{}`),
				Configuration: &asl.TestStateConfiguration{RetrierRetryCount: ptr(3)},
			},
			want: `{"status":"SUCCEEDED","output":"3"}`,
		},
		{
			name: "required fields may be missing in the mode PRESENT",
			req: asl.TestStateRequest{
				Definition: `{"Type":"Task","Resource":"arn:aws:states:::states:startExecution","End":true}`,
				Mock:       &asl.TestStateMock{Result: ptr(`{}`), FieldValidationMode: "PRESENT"},
			},
			want: `{"status":"SUCCEEDED","output":"{}"}`,
		},
		{
			name: "an error inside a branch",
			req: asl.TestStateRequest{
				Definition: forkState, Mock: mockError("Torn", "left"), Configuration: &asl.TestStateConfiguration{ErrorCausedByState: "Left"},
			},
			want: `{"status":"FAILED","error":"Torn","cause":"left"}`,
		},
		{
			name: "an inner state of a machine",
			req: asl.TestStateRequest{
				Definition: `{"StartAt":"Fork","States":{"Fork":` + strings.ReplaceAll(forkState, `"Next":"Join"`, `"End":true`) + `}}`, StateName: "Right", Input: `[1]`,
			},
			want: `{"status":"SUCCEEDED","output":"[1]"}`,
		},
		{
			name: "a context object",
			req: asl.TestStateRequest{
				Definition: `{"Type":"Task","Resource":"arn:aws:states:::sqs:sendMessage.waitForTaskToken","Parameters":{"T.$":"$$.Task.Token"},"OutputPath":"$$.Execution.Name","End":true}`,
				Mock:       mockResult(`{}`), Context: `{"Task":{"Token":"t"},"Execution":{"Name":"n"}}`, InspectionLevel: asl.InspectDebug,
			},
			want: `{"status":"SUCCEEDED","output":"\"n\"","inspectionData":{"input":"{}","afterInputPath":"{}","afterParameters":"{\"T\":\"t\"}","result":"{}",
				"afterResultSelector":"{}","afterResultPath":"{}"}}`,
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			result, err := asl.TestState(test.req)
			if err != nil {
				t.Fatal(err)
			}
			text, err := json.Marshal(result)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(asl.Raw([]byte(test.want)).Get(), asl.Raw(text).Get()); diff != "" {
				t.Errorf("result (-want +got):\n%s", diff)
			}
		})
	}
}

func TestStateRefusals(t *testing.T) {
	const pass, activity = `{"Type":"Pass","End":true}`, `{"Type":"Task","Resource":"arn:aws:states:us-east-1:111111111111:activity:a","End":true}`
	tests := []struct {
		name string
		req  asl.TestStateRequest
		want string // how the error begins
	}{
		{"no JSON", asl.TestStateRequest{Definition: `{`}, "InvalidDefinition: Invalid State Machine Definition: 'INVALID_JSON_DESCRIPTION"},
		{"two values", asl.TestStateRequest{Definition: `{"Type":"Pass","End":true}},"Y":{"Type":"Pass"`}, "InvalidDefinition: "},
		{"no type", asl.TestStateRequest{Definition: `{}`}, "InvalidDefinition: Invalid State Machine Definition: 'SCHEMA_VALIDATION_FAILED: The field 'Type' is required but was missing at /States/StateName'"},
		{"no such state", asl.TestStateRequest{Definition: `{"StartAt":"A","States":{"A":` + pass + `}}`, StateName: "B"}, "ValidationException: State not found in definition"},
		{"input", asl.TestStateRequest{Definition: pass, Input: `{`}, "InvalidExecutionInput: "},
		{"variables", asl.TestStateRequest{Definition: pass, Variables: `[]`}, "ValidationException: The variables must be an object"},
		{"name of a variable", asl.TestStateRequest{Definition: pass, Variables: `{"states":1}`}, "ValidationException: 'states' is not the name of a variable"},
		{"level", asl.TestStateRequest{Definition: pass, InspectionLevel: "ALL"}, "ValidationException: 1 validation error detected: Value 'ALL' at 'inspectionLevel'"},
		{"empty mock", asl.TestStateRequest{Definition: forkState, Mock: &asl.TestStateMock{}}, "ValidationException: A test mock should have only one of"},
		{"validation mode", asl.TestStateRequest{Definition: forkState, Mock: &asl.TestStateMock{Result: ptr("1"), FieldValidationMode: "SOME"}}, "ValidationException: 1 validation error detected: Value 'SOME' at 'mock.fieldValidationMode'"},
		{"mock that is no JSON", asl.TestStateRequest{Definition: forkState, Mock: mockResult(`[`)}, "ValidationException: Mocked result must be"},
		{"mock of a Pass state", asl.TestStateRequest{Definition: pass, Mock: mockResult(`1`)}, "ValidationException: State type 'Pass' is not supported when a mock is specified"},
		{"mock of the wrong form", asl.TestStateRequest{Definition: invokeState, Mock: mockResult(`{"StatusCode":true}`)}, "ValidationException: Mock result schema validation error: Field 'StatusCode' must be a number"},
		{"Parallel state without a mock", asl.TestStateRequest{Definition: forkState}, "InvalidDefinition: TestState API does not support Map or Parallel states."},
		{"activity without a mock", asl.TestStateRequest{Definition: activity}, "InvalidDefinition: TestState API does not support Activity"},
		{"task that nobody does", asl.TestStateRequest{Definition: invokeState, Input: `{"a":1}`}, "ValidationException: The task cannot be carried out"},
		{"configuration without a mock", asl.TestStateRequest{Definition: invokeState, Configuration: &asl.TestStateConfiguration{RetrierRetryCount: ptr(1)}}, "ValidationException: TestState does not support RetrierRetryCount when a mock is not specified."},
		{"negative count", asl.TestStateRequest{Definition: invokeState, Mock: mockResult(`{}`), Configuration: &asl.TestStateConfiguration{RetrierRetryCount: ptr(-1)}}, "ValidationException: RetrierRetryCount"},
		{"unknown inner state", asl.TestStateRequest{Definition: forkState, Mock: mockError("E", ""), Configuration: &asl.TestStateConfiguration{ErrorCausedByState: "Middle"}}, "ValidationException: ErrorCausedByState 'Middle'"},
		{"iterations of a task", asl.TestStateRequest{Definition: invokeState, Mock: mockResult(`{}`), Configuration: &asl.TestStateConfiguration{MapIterationFailureCount: ptr(int64(1))}}, "ValidationException: MapIterationFailureCount is for Map states"},
		{"data without a reader", asl.TestStateRequest{Definition: mapOfTwo, Mock: mockResult(`[]`), Configuration: &asl.TestStateConfiguration{MapItemReaderData: ptr("[]")}}, "ValidationException: MapItemReaderData is for Map states with an ItemReader"},
		{"context type", asl.TestStateRequest{Definition: activity, Mock: mockResult(`1`), Context: `{"State":{"RetryCount":"1"}}`}, "ValidationException: Invalid Context object provided: State.RetryCount must be a number"},
		{"required field", asl.TestStateRequest{Definition: `{"Type":"Task","Resource":"arn:aws:states:::states:startExecution","End":true}`, Mock: mockResult(`{}`)}, "ValidationException: Mock result schema validation error: Required field 'ExecutionArn' is missing"},
		{"too few branches", asl.TestStateRequest{Definition: forkState, Mock: mockResult(`[1]`)}, "ValidationException: Mocked result must contain the same number of items as number of Parallel branches."},
		{"no array", asl.TestStateRequest{Definition: forkState, Mock: mockResult(`{}`)}, "ValidationException: Mocked result must be an array."},
		{"more failures than iterations", asl.TestStateRequest{Definition: mapOfTwo, Mock: mockResult(`[1]`), Configuration: &asl.TestStateConfiguration{MapIterationFailureCount: ptr(int64(2))}}, "ValidationException: Map iteration failure count must be less than or equal to the number of Map iterations"},
		{"context without a mock", asl.TestStateRequest{Definition: pass, Context: `{}`}, "ValidationException: TestState does not support Context when a mock is not specified."},
		{"context with a token that the task does not have", asl.TestStateRequest{Definition: activity, Mock: mockResult(`1`), Context: `{"Task":{"Token":"t"}}`}, "ValidationException: Invalid Context object provided: Context object contains 'Task' when state is not"},
		{"context with an item", asl.TestStateRequest{Definition: activity, Mock: mockResult(`1`), Context: `{"Map":{}}`}, "ValidationException: Invalid Context object provided: 'Map' field is not supported when mocking a Context object"},
		{"context that is no object", asl.TestStateRequest{Definition: activity, Mock: mockResult(`1`), Context: `[]`}, "ValidationException: Invalid Context object provided: "},
		{"context section", asl.TestStateRequest{Definition: activity, Mock: mockResult(`1`), Context: `{"Other":{}}`}, "ValidationException: Invalid Context object provided: Field 'Other' is not allowed"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			result, err := asl.TestState(test.req)
			var refusal *asl.TestStateError
			if !errors.As(err, &refusal) || !strings.HasPrefix(err.Error(), test.want) {
				t.Errorf("got %+v and the error %v, want %s", result, err, test.want)
			}
		})
	}
}

// TestStateAsExecution compares the test of a state with an execution of a machine that has no other state.
func TestStateAsExecution(t *testing.T) {
	begin := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for _, definition := range []string{
		`{"Type":"Pass","InputPath":"$.a","Parameters":{"u.$":"States.UUID()","s.$":"$.b"},"ResultPath":"$.r","End":true}`,
		`{"Type":"Pass","QueryLanguage":"JSONata","Output":{"r":"{% $random() %}","n":"{% $now() %}","c":"{% $states.context %}"},"End":true}`,
		`{"Type":"Fail","ErrorPath":"$.a.b","Cause":"because"}`,
		`{"Type":"Succeed","OutputPath":"$.missing"}`,
		`{"Type":"Task","Resource":"arn:aws:states:::http:invoke","ResultSelector":{"x.$":"$.y"},"End":true}`,
	} {
		t.Run(definition, func(t *testing.T) {
			const input = `{"a":{"b":"c"}}`
			output := asl.Raw([]byte(`{"y":[1,2]}`))
			identity := asl.Identity{ARN: "arn", Name: "name", MachineName: "machine", Express: true}
			result, err := asl.TestState(asl.TestStateRequest{
				Definition: definition, Input: input, Identity: identity, At: asl.Moment{Now: begin, Seed: 1},
				Work: func(asl.Task) asl.TaskOutcome { return asl.TaskOutcome{Output: output} },
			})
			if err != nil {
				t.Fatal(err)
			}
			machine, err := asl.Parse([]byte(`{"StartAt":"StateName","States":{"StateName":` + definition + `}}`))
			if err != nil {
				t.Fatal(err)
			}
			player := &asltest.Player{
				Machine: machine, Identity: identity, Begin: begin, Work: func(asl.Task) asltest.Answer { return asltest.Answer{Output: output} },
			}
			played, err := player.Play(asl.Raw([]byte(input)))
			if err != nil {
				t.Fatal(err)
			}
			want := asl.TestStateResult{Status: asl.TestFailed, Error: played.End.Error, Cause: played.End.Cause}
			if played.End.Status == asl.Succeeded {
				want = asl.TestStateResult{Status: asl.TestSucceeded, Output: string(played.End.Output.Bytes())}
			}
			if diff := cmp.Diff(want, result); diff != "" {
				t.Errorf("test (-execution +test):\n%s", diff)
			}
		})
	}
}

// FuzzTestState looks for requests that do not end in a result or a refusal.
func FuzzTestState(f *testing.F) {
	f.Add(invokeState, "", `{"a":1}`, `{"Payload":1}`, `{"Execution":{"Id":"e"}}`, "Busy", 1)
	f.Add(mapOfTwo, "", `{"list":[1,2]}`, `[1,2]`, "", "", 2)
	f.Add(forkState, "", `{}`, "", "", "Torn", 0)
	f.Add(`{"StartAt":"A","States":{"A":{"Type":"Succeed"}}}`, "A", `1`, "", "", "", 0)
	f.Fuzz(func(t *testing.T, definition, name, input, result, context, failure string, count int) {
		req := asl.TestStateRequest{
			Definition: definition, StateName: name, Input: input, Context: context, InspectionLevel: asl.InspectTrace,
			Work: func(asl.Task) asl.TaskOutcome { return asl.TaskOutcome{Error: failure} },
		}
		switch {
		case result != "":
			req.Mock = mockResult(result)
			req.Configuration = &asl.TestStateConfiguration{MapIterationFailureCount: ptr(int64(count))}
		case failure != "":
			req.Mock = mockError(failure, "")
			req.Configuration = &asl.TestStateConfiguration{RetrierRetryCount: &count}
		}
		played, err := asl.TestState(req)
		var refusal *asl.TestStateError
		switch {
		case err == nil && played.Status == "":
			t.Error("neither a result nor a refusal")
		case err != nil && !errors.As(err, &refusal):
			t.Errorf("%v is not a refusal", err)
		case err == nil && played.Output != "" && !json.Valid([]byte(played.Output)):
			t.Errorf("output that is not JSON: %s", played.Output)
		}
	})
}
