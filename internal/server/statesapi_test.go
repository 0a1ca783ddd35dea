package server_test

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/tidwall/gjson"

	"sundog/internal/api"
)

// aws sends a request of AWS's protocol, and returns the answer.
func (r *running) aws(operation, request string) string {
	r.t.Helper()
	req, err := http.NewRequestWithContext(r.t.Context(), http.MethodPost, r.Server()+"/", strings.NewReader(request))
	if err != nil {
		r.t.Fatal(err)
	}
	req.Header.Set("X-Amz-Target", "AWSStepFunctions."+operation)
	req.Header.Set("Content-Type", "application/x-amz-json-1.0")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		r.t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		r.t.Fatal(err)
	}
	return string(text)
}

// anyTime stands for a time as tasks see it.
const anyTime = "a time"

// TestTasksUseStatesAPI lets a workflow look at executions, start them anew and make state machines, as aws-sdk:sfn does on AWS.
func TestTasksUseStatesAPI(t *testing.T) {
	r := start(t, "")
	const (
		machine = "arn:aws:states:us-east-1:000000000000:stateMachine:broken"
		run     = "arn:aws:states:us-east-1:000000000000:execution:broken:n"
	)
	if _, err := r.StartExecution(t.Context(), api.StartExecution{Workflow: "broken", Name: "n"}); err != nil {
		t.Fatal(err)
	}
	r.waitExecution(run, "FAILED")
	for i, tt := range []struct {
		action, parameters string
		want               map[string]string // by paths in the result, or the error
	}{
		{"listExecutions", `{"StateMachineArn":"` + machine + `","StatusFilter":"FAILED"}`, map[string]string{"Executions.0.ExecutionArn": run, "Executions.0.RedriveCount": "0"}},
		{"redriveExecution", `{"ExecutionArn":"` + run + `"}`, map[string]string{"RedriveDate": anyTime}},
		{"describeExecution", `{"ExecutionArn":"` + run + `"}`, map[string]string{"RedriveCount": "1", "Error": "Broken"}},
		{"getExecutionHistory", `{"ExecutionArn":"` + run + `","ReverseOrder":true,"MaxResults":1}`, map[string]string{
			"Events.0.Type": "ExecutionFailed", "Events.0.ExecutionFailedEventDetails.Cause": "on purpose", "Events.#": "1",
		}},
		{
			"createStateMachine", `{"Name":"made","RoleArn":"arn:aws:iam::000000000000:role/r","Definition":{"StartAt":"A","States":{"A":{"Type":"Succeed"}}},"Tags":[{"Key":"k","Value":"v"}]}`,
			map[string]string{"StateMachineArn": "arn:aws:states:us-east-1:000000000000:stateMachine:made"},
		},
		{"listTagsForResource", `{"ResourceArn":"arn:aws:states:us-east-1:000000000000:stateMachine:made"}`, map[string]string{"Tags.0.Key": "k", "Tags.0.Value": "v"}},
		{"describeStateMachine", `{"StateMachineArn":"` + machine + `x"}`, map[string]string{
			"error": "Sfn.StateMachineDoesNotExistException", "cause": "State Machine Does Not Exist: '" + machine + "x' (Service: Sfn, Status Code: 400, Request ID: ",
		}},
		{"listExecutions", `{"StateMachineArn":7}`, map[string]string{"error": "Sfn.SerializationException", "cause": "the member 'stateMachineArn' cannot be: number"}},
		{"listExecutions", `{"MaxResults":5000,"StateMachineArn":"` + machine + `"}`, map[string]string{"error": "Sfn.ValidationException", "cause": "maxResults"}},
	} {
		definition, err := json.Marshal(`{"Type":"Task","Resource":"arn:aws:states:::aws-sdk:sfn:` + tt.action + `","Parameters":` + tt.parameters + `,"End":true}`)
		if err != nil {
			t.Fatal(err)
		}
		answer := r.aws("TestState", `{"definition":`+string(definition)+`,"input":"{}","roleArn":"arn:aws:iam::000000000000:role/r"}`)
		output := gjson.Get(answer, "output").String()
		for path, value := range tt.want {
			switch path {
			case "error":
				if got := gjson.Get(answer, path).String(); got != value {
					t.Errorf("%d, %s: error %s, want %s: %s", i, tt.action, got, value, answer)
				}
			case "cause":
				if got := gjson.Get(answer, path).String(); !strings.Contains(got, value) {
					t.Errorf("%d, %s: cause %s, want %s", i, tt.action, got, value)
				}
			default:
				got := gjson.Get(output, path).String()
				if _, err := time.Parse("2006-01-02T15:04:05.000Z", got); err == nil {
					got = anyTime
				}
				if got != value {
					t.Errorf("%d, %s: %s is %q, want %q: %s", i, tt.action, path, got, value, answer)
				}
			}
		}
	}
}
