package stepfunctions_test

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/aws/aws-sdk-go-v2/service/sfn/types"
)

func TestRedriveExecution(t *testing.T) {
	w, ctx := newWorld(t, ""), t.Context()
	arn := w.create("failing", `{"StartAt":"A","States":{"A":{"Type":"Pass","Next":"F"},"F":{"Type":"Fail","Error":"E"}}}`)
	run := must[*sfn.StartExecutionOutput](t)(w.StartExecution(ctx, &sfn.StartExecutionInput{StateMachineArn: &arn}))
	d := w.ended(*run.ExecutionArn)
	if d.RedriveStatus != types.ExecutionRedriveStatusRedrivable || aws.ToInt32(d.RedriveCount) != 0 || d.RedriveDate != nil {
		t.Errorf("%+v", d)
	}
	again := must[*sfn.RedriveExecutionOutput](t)(w.RedriveExecution(ctx, &sfn.RedriveExecutionInput{ExecutionArn: run.ExecutionArn, ClientToken: aws.String("once")}))
	if d = w.ended(*run.ExecutionArn); again.RedriveDate == nil || aws.ToInt32(d.RedriveCount) != 1 || !d.RedriveDate.Equal(*again.RedriveDate) {
		t.Errorf("%+v", d)
	}
	same := must[*sfn.RedriveExecutionOutput](t)(w.RedriveExecution(ctx, &sfn.RedriveExecutionInput{ExecutionArn: run.ExecutionArn, ClientToken: aws.String("once")}))
	if d = w.ended(*run.ExecutionArn); aws.ToInt32(d.RedriveCount) != 1 || !same.RedriveDate.Equal(*again.RedriveDate) {
		t.Errorf("the same request again: %+v", d)
	}
	for filter, want := range map[types.ExecutionRedriveFilter]int{types.ExecutionRedriveFilterRedriven: 1, types.ExecutionRedriveFilterNotRedriven: 0} {
		listed := must[*sfn.ListExecutionsOutput](t)(w.ListExecutions(ctx, &sfn.ListExecutionsInput{StateMachineArn: &arn, RedriveFilter: filter}))
		if len(listed.Executions) != want {
			t.Errorf("%s: %d executions", filter, len(listed.Executions))
		}
	}
	history := must[*sfn.GetExecutionHistoryOutput](t)(w.GetExecutionHistory(ctx, &sfn.GetExecutionHistoryInput{ExecutionArn: run.ExecutionArn}))
	redriven := 0
	for _, e := range history.Events {
		if e.Type == types.HistoryEventTypeExecutionRedriven && *e.ExecutionRedrivenEventDetails.RedriveCount == 1 {
			redriven++
		}
	}
	if redriven != 1 {
		t.Errorf("%d events tell of the redrive", redriven)
	}

	fine := w.create("fine", `{"StartAt":"A","States":{"A":{"Type":"Succeed"}}}`)
	run = must[*sfn.StartExecutionOutput](t)(w.StartExecution(ctx, &sfn.StartExecutionInput{StateMachineArn: &fine}))
	w.ended(*run.ExecutionArn)
	_, err := w.RedriveExecution(ctx, &sfn.RedriveExecutionInput{ExecutionArn: run.ExecutionArn})
	refused(t, err, "ExecutionNotRedrivable", "Execution is SUCCEEDED and cannot be redriven")
	_, err = w.RedriveExecution(ctx, &sfn.RedriveExecutionInput{ExecutionArn: aws.String(*run.ExecutionArn + "x")})
	refused(t, err, "ExecutionDoesNotExist", "")
}

func TestStartSyncExecution(t *testing.T) {
	w, ctx := newWorld(t, ""), t.Context()
	create := func(name, definition string, kind types.StateMachineType) string {
		t.Helper()
		out := must[*sfn.CreateStateMachineOutput](t)(w.CreateStateMachine(ctx, &sfn.CreateStateMachineInput{
			Name: &name, Definition: &definition, RoleArn: aws.String("arn:aws:iam::000000000000:role/r"), Type: kind,
		}))
		return *out.StateMachineArn
	}
	echo := create("echo", `{"StartAt":"A","States":{"A":{"Type":"Pass","End":true}}}`, types.StateMachineTypeExpress)
	for range 2 { // a name may be used again
		out := must[*sfn.StartSyncExecutionOutput](t)(w.StartSyncExecution(ctx, &sfn.StartSyncExecutionInput{StateMachineArn: &echo, Name: aws.String("n"), Input: aws.String(`{"a": 1.0}`)}))
		if out.Status != types.SyncExecutionStatusSucceeded || *out.Output != `{"a": 1.0}` || *out.Name != "n" || out.BillingDetails.BilledDurationInMilliseconds < 0 || *out.StateMachineArn != echo {
			t.Errorf("%+v", out)
		}
	}
	failing := create("failing", `{"StartAt":"F","States":{"F":{"Type":"Fail","Error":"E","Cause":"c"}}}`, types.StateMachineTypeExpress)
	out := must[*sfn.StartSyncExecutionOutput](t)(w.StartSyncExecution(ctx, &sfn.StartSyncExecutionInput{StateMachineArn: &failing}))
	if out.Status != types.SyncExecutionStatusFailed || *out.Error != "E" || *out.Cause != "c" || out.Output != nil {
		t.Errorf("%+v", out)
	}
	standard := create("standard", `{"StartAt":"A","States":{"A":{"Type":"Pass","End":true}}}`, types.StateMachineTypeStandard)
	_, err := w.StartSyncExecution(ctx, &sfn.StartSyncExecutionInput{StateMachineArn: &standard})
	refused(t, err, "StateMachineTypeNotSupported", "")
	_, err = w.StartSyncExecution(ctx, &sfn.StartSyncExecutionInput{StateMachineArn: &echo, Input: aws.String(`{`)})
	refused(t, err, "InvalidExecutionInput", "")
}
