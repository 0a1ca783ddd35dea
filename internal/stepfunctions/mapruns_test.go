package stepfunctions_test

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/aws/aws-sdk-go-v2/service/sfn/types"
)

func TestMapRuns(t *testing.T) {
	w, ctx := newWorld(t, ""), t.Context()
	arn := w.create("m", `{"StartAt":"M","States":{"M":{"Type":"Map","Label":"each","ToleratedFailureCount":2,"End":true,"ItemProcessor":{
		"ProcessorConfig":{"Mode":"DISTRIBUTED","ExecutionType":"STANDARD"},"StartAt":"P","States":{"P":{"Type":"Pass","End":true}}}}}}`)
	run := must[*sfn.StartExecutionOutput](t)(w.StartExecution(ctx, &sfn.StartExecutionInput{StateMachineArn: &arn, Input: aws.String(`[1,2,3]`)}))
	if d := w.ended(*run.ExecutionArn); d.Status != types.ExecutionStatusSucceeded {
		t.Fatalf("%+v", d)
	}
	listed := must[*sfn.ListMapRunsOutput](t)(w.ListMapRuns(ctx, &sfn.ListMapRunsInput{ExecutionArn: run.ExecutionArn})).MapRuns
	if len(listed) != 1 || *listed[0].ExecutionArn != *run.ExecutionArn {
		t.Fatalf("listed %+v", listed)
	}
	of := listed[0].MapRunArn
	d := must[*sfn.DescribeMapRunOutput](t)(w.DescribeMapRun(ctx, &sfn.DescribeMapRunInput{MapRunArn: of}))
	if d.Status != types.MapRunStatusSucceeded || d.ItemCounts.Succeeded != 3 || d.ExecutionCounts.Total != 3 || d.ToleratedFailureCount != 2 || d.StopDate == nil {
		t.Errorf("described as %+v", d)
	}
	var children int
	pages := sfn.NewListExecutionsPaginator(w, &sfn.ListExecutionsInput{MapRunArn: of, MaxResults: 2})
	for pages.HasMorePages() {
		for _, e := range must[*sfn.ListExecutionsOutput](t)(pages.NextPage(ctx)).Executions {
			children++
			child := must[*sfn.DescribeExecutionOutput](t)(w.DescribeExecution(ctx, &sfn.DescribeExecutionInput{ExecutionArn: e.ExecutionArn}))
			if *child.MapRunArn != *of || *child.StateMachineArn != arn+"/each" {
				t.Errorf("a child is %+v", child)
			}
		}
	}
	if children != 3 {
		t.Errorf("%d children", children)
	}
	_, err := w.UpdateMapRun(ctx, &sfn.UpdateMapRunInput{MapRunArn: of, MaxConcurrency: aws.Int32(1)})
	refused(t, err, "ValidationException", "has ended")
	_, err = w.DescribeMapRun(ctx, &sfn.DescribeMapRunInput{MapRunArn: aws.String(*of + "x")})
	refused(t, err, "ResourceNotFound", *of)
}
