package stepfunctions_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/aws/aws-sdk-go-v2/service/sfn/types"
)

func TestExecution(t *testing.T) {
	w, ctx := newWorld(t, ""), t.Context()
	arn := w.create("m", `{"StartAt":"A","States":{"A":{"Type":"Pass","Parameters":{"in.$":"$","id.$":"$$.StateMachine.Id","role.$":"$$.Execution.RoleArn"},"End":true}}}`)
	in := &sfn.StartExecutionInput{StateMachineArn: &arn, Name: aws.String("one"), Input: aws.String(`{"a": 1}`)}
	run := must[*sfn.StartExecutionOutput](t)(w.StartExecution(ctx, in))
	d := w.ended(*run.ExecutionArn)
	if *d.ExecutionArn != "arn:aws:states:us-east-1:000000000000:execution:m:one" || *d.Name != "one" || d.Status != types.ExecutionStatusSucceeded ||
		*d.Input != `{"a": 1}` || !d.InputDetails.Included || d.StopDate.Before(*d.StartDate) || !d.StartDate.Equal(*run.StartDate) {
		t.Errorf("described as %+v", d)
	}
	if want := fmt.Sprintf(`{"in":{"a": 1},"id":"%s","role":"%s"}`, arn, role); *d.Output != want {
		t.Errorf("output %s, want %s", *d.Output, want)
	}
	meta := must[*sfn.DescribeExecutionOutput](t)(w.DescribeExecution(ctx, &sfn.DescribeExecutionInput{ExecutionArn: run.ExecutionArn, IncludedData: types.IncludedDataMetadataOnly}))
	if meta.Input != nil || meta.Output != nil || meta.InputDetails.Included {
		t.Errorf("without data: %+v", meta)
	}
	_, err := w.StartExecution(ctx, in)
	refused(t, err, "ExecutionAlreadyExists", *run.ExecutionArn)
}

func TestExecutionIsStopped(t *testing.T) {
	w, ctx := newWorld(t, ""), t.Context()
	arn := w.create("m", waits)
	in := &sfn.StartExecutionInput{StateMachineArn: &arn, Name: aws.String("one")}
	run := must[*sfn.StartExecutionOutput](t)(w.StartExecution(ctx, in))
	again := must[*sfn.StartExecutionOutput](t)(w.StartExecution(ctx, in))
	if *again.ExecutionArn != *run.ExecutionArn || !again.StartDate.Equal(*run.StartDate) {
		t.Errorf("the same start again is %+v", again)
	}
	stopped := must[*sfn.StopExecutionOutput](t)(w.StopExecution(ctx, &sfn.StopExecutionInput{ExecutionArn: run.ExecutionArn, Error: aws.String("Enough"), Cause: aws.String("it took too long")}))
	d := w.ended(*run.ExecutionArn)
	if d.Status != types.ExecutionStatusAborted || *d.Error != "Enough" || *d.Cause != "it took too long" || !d.StopDate.Equal(*stopped.StopDate) {
		t.Errorf("described as %+v", d)
	}
	h := must[*sfn.GetExecutionHistoryOutput](t)(w.GetExecutionHistory(ctx, &sfn.GetExecutionHistoryInput{ExecutionArn: run.ExecutionArn, ReverseOrder: true, MaxResults: 1}))
	if last := h.Events[0]; last.Type != types.HistoryEventTypeExecutionAborted || *last.ExecutionAbortedEventDetails.Error != "Enough" {
		t.Errorf("it ends with %+v", last)
	}
}

func TestExecutionsAreListed(t *testing.T) {
	w, ctx := newWorld(t, ""), t.Context()
	arn := w.create("m", `{"StartAt":"A","States":{"A":{"Type":"Choice","Choices":[{"Variable":"$","BooleanEquals":true,"Next":"B"}],"Default":"C"},
		"B":{"Type":"Succeed"},"C":{"Type":"Fail","Error":"No"}}}`)
	var all, failed []string
	for i := range 9 {
		run := must[*sfn.StartExecutionOutput](t)(w.StartExecution(ctx, &sfn.StartExecutionInput{StateMachineArn: &arn, Name: aws.String(fmt.Sprint("e", i)), Input: aws.String(fmt.Sprint(i%2 == 0))}))
		d := w.ended(*run.ExecutionArn)
		all = append([]string{*d.Name}, all...)
		if d.Status == types.ExecutionStatusFailed {
			failed = append([]string{*d.Name}, failed...)
		}
	}
	list := func(in sfn.ListExecutionsInput) (names []string) {
		t.Helper()
		in.StateMachineArn, in.MaxResults = &arn, 2
		for {
			page := must[*sfn.ListExecutionsOutput](t)(w.ListExecutions(ctx, &in))
			for _, e := range page.Executions {
				names = append(names, *e.Name)
			}
			if in.NextToken = page.NextToken; in.NextToken == nil {
				return names
			}
		}
	}
	for name, tt := range map[string]struct {
		in   sfn.ListExecutionsInput
		want []string
	}{
		"all":                    {sfn.ListExecutionsInput{}, all},
		"those that failed":      {sfn.ListExecutionsInput{StatusFilter: types.ExecutionStatusFailed}, failed},
		"those that run":         {sfn.ListExecutionsInput{StatusFilter: types.ExecutionStatusRunning}, nil},
		"those not redriven":     {sfn.ListExecutionsInput{RedriveFilter: types.ExecutionRedriveFilterNotRedriven}, all},
		"those that are redrive": {sfn.ListExecutionsInput{RedriveFilter: types.ExecutionRedriveFilterRedriven}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			if got := list(tt.in); !slices.Equal(got, tt.want) {
				t.Errorf("listed %v, want %v", got, tt.want)
			}
		})
	}
	t.Run("a token is for its own request", func(t *testing.T) {
		page := must[*sfn.ListExecutionsOutput](t)(w.ListExecutions(ctx, &sfn.ListExecutionsInput{StateMachineArn: &arn, MaxResults: 1}))
		_, err := w.ListExecutions(ctx, &sfn.ListExecutionsInput{StateMachineArn: &arn, MaxResults: 1, NextToken: page.NextToken, StatusFilter: types.ExecutionStatusFailed})
		refused(t, err, "InvalidToken", "Invalid Token")
		_, err = w.ListStateMachines(ctx, &sfn.ListStateMachinesInput{NextToken: page.NextToken})
		refused(t, err, "InvalidToken", "Invalid Token")
		_, err = w.ListStateMachines(ctx, &sfn.ListStateMachinesInput{NextToken: aws.String("made up")})
		refused(t, err, "InvalidToken", "Invalid Token")
	})
}

func TestHistoryInPages(t *testing.T) {
	w, ctx := newWorld(t, ""), t.Context()
	arn := w.create("m", `{"StartAt":"M","States":{"M":{"Type":"Map","End":true,"ItemProcessor":{"StartAt":"P","States":{"P":{"Type":"Pass","End":true}}}}}}`)
	run := must[*sfn.StartExecutionOutput](t)(w.StartExecution(ctx, &sfn.StartExecutionInput{StateMachineArn: &arn, Input: aws.String(`[1,2,3]`)}))
	w.ended(*run.ExecutionArn)
	var forth, back []int64
	for reverse, ids := range map[bool]*[]int64{false: &forth, true: &back} {
		pages := sfn.NewGetExecutionHistoryPaginator(w, &sfn.GetExecutionHistoryInput{ExecutionArn: run.ExecutionArn, ReverseOrder: reverse, MaxResults: 4})
		for pages.HasMorePages() {
			for _, e := range must[*sfn.GetExecutionHistoryOutput](t)(pages.NextPage(ctx)).Events {
				*ids = append(*ids, e.Id)
			}
		}
	}
	slices.Reverse(back)
	if len(forth) < 15 || forth[0] != 1 || !slices.IsSorted(forth) || !slices.Equal(forth, back) {
		t.Errorf("forth %v, back %v", forth, back)
	}
	h := must[*sfn.GetExecutionHistoryOutput](t)(w.GetExecutionHistory(ctx, &sfn.GetExecutionHistoryInput{ExecutionArn: run.ExecutionArn, IncludeExecutionData: aws.Bool(false)}))
	if h.Events[0].ExecutionStartedEventDetails.Input != nil {
		t.Error("an input in a history without data")
	}
}

func TestStateIsTested(t *testing.T) {
	w, ctx := newWorld(t, ""), t.Context()
	t.Run("without a mock the task is carried out", func(t *testing.T) {
		r := must[*sfn.TestStateOutput](t)(w.TestState(ctx, &sfn.TestStateInput{
			Definition: aws.String(`{"Type":"Task","Resource":"arn:aws:lambda:us-east-1:000000000000:function:echo","Next":"B"}`), Input: aws.String(`{"a":1}`),
		}))
		if r.Status != types.TestExecutionStatusSucceeded || *r.Output != `{"a":1}` || *r.NextState != "B" {
			t.Errorf("%+v", r)
		}
	})
	t.Run("a mock takes its place", func(t *testing.T) {
		r := must[*sfn.TestStateOutput](t)(w.TestState(ctx, &sfn.TestStateInput{
			Definition: aws.String(`{"Type":"Task","Resource":"arn:aws:states:::lambda:invoke","Parameters":{"FunctionName":"f"},"ResultPath":"$.r","Catch":[{"ErrorEquals":["Bad"],"Next":"C"}],"End":true}`),
			RoleArn:    aws.String(role), InspectionLevel: types.InspectionLevelDebug, Mock: &types.MockInput{ErrorOutput: &types.MockErrorOutput{Error: aws.String("Bad"), Cause: aws.String("so")}},
		}))
		if r.Status != types.TestExecutionStatusCaughtError || *r.NextState != "C" || *r.InspectionData.Input != "{}" || *r.InspectionData.ErrorDetails.CatchIndex != 0 {
			t.Errorf("%+v", r)
		}
	})
	t.Run("a function that is not there is its failure", func(t *testing.T) {
		r := must[*sfn.TestStateOutput](t)(w.TestState(ctx, &sfn.TestStateInput{
			Definition: aws.String(`{"Type":"Task","Resource":"arn:aws:lambda:us-east-1:000000000000:function:nosuch","End":true}`),
		}))
		if r.Status != types.TestExecutionStatusFailed || r.Error == nil {
			t.Errorf("%+v", r)
		}
	})
	t.Run("what cannot be played is refused", func(t *testing.T) {
		_, err := w.TestState(ctx, &sfn.TestStateInput{Definition: aws.String(`{"Type":"Nap","End":true}`)})
		refused(t, err, "InvalidDefinition", "Invalid State Machine Definition")
		_, err = w.TestState(ctx, &sfn.TestStateInput{Definition: aws.String(pass), StateName: aws.String("Z")})
		refused(t, err, "ValidationException", "State not found")
	})
}
