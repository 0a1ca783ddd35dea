package stepfunctions_test

import (
	"fmt"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/aws/aws-sdk-go-v2/service/sfn/types"
)

func TestActivities(t *testing.T) {
	w, ctx := newWorld(t, ""), t.Context()
	made := must[*sfn.CreateActivityOutput](t)(w.CreateActivity(ctx, &sfn.CreateActivityInput{
		Name: aws.String("dig"), Tags: []types.Tag{{Key: aws.String("a"), Value: aws.String("1")}},
	}))
	arn := made.ActivityArn
	d := must[*sfn.DescribeActivityOutput](t)(w.DescribeActivity(ctx, &sfn.DescribeActivityInput{ActivityArn: arn}))
	if *d.Name != "dig" || !d.CreationDate.Equal(*made.CreationDate) {
		t.Errorf("described as %+v", d)
	}
	machine := w.create("digs", fmt.Sprintf(`{"StartAt":"A","States":{"A":{"Type":"Task","Resource":%q,"End":true}}}`, *arn))
	work := func(answer func(token *string)) *sfn.DescribeExecutionOutput {
		t.Helper()
		run := must[*sfn.StartExecutionOutput](t)(w.StartExecution(ctx, &sfn.StartExecutionInput{StateMachineArn: &machine, Input: aws.String(`{"deep":3}`)}))
		task := must[*sfn.GetActivityTaskOutput](t)(w.GetActivityTask(ctx, &sfn.GetActivityTaskInput{ActivityArn: arn, WorkerName: aws.String("me")}))
		if *task.Input != `{"deep":3}` {
			t.Errorf("the task has the input %s", *task.Input)
		}
		answer(task.TaskToken)
		return w.ended(*run.ExecutionArn)
	}
	t.Run("a worker succeeds", func(t *testing.T) {
		var token *string
		e := work(func(given *string) {
			token = given
			must[*sfn.SendTaskHeartbeatOutput](t)(w.SendTaskHeartbeat(ctx, &sfn.SendTaskHeartbeatInput{TaskToken: token}))
			_, err := w.SendTaskSuccess(ctx, &sfn.SendTaskSuccessInput{TaskToken: token, Output: aws.String("{")})
			refused(t, err, "InvalidOutput", "Invalid Output")
			must[*sfn.SendTaskSuccessOutput](t)(w.SendTaskSuccess(ctx, &sfn.SendTaskSuccessInput{TaskToken: token, Output: aws.String("7")}))
		})
		if *e.Output != "7" {
			t.Errorf("output %s", *e.Output)
		}
		_, err := w.SendTaskSuccess(ctx, &sfn.SendTaskSuccessInput{TaskToken: token, Output: aws.String("8")})
		refused(t, err, "TaskTimedOut", "does not exist anymore")
	})
	t.Run("a worker fails", func(t *testing.T) {
		e := work(func(token *string) {
			must[*sfn.SendTaskFailureOutput](t)(w.SendTaskFailure(ctx, &sfn.SendTaskFailureInput{TaskToken: token, Error: aws.String("Rock"), Cause: aws.String("hard")}))
		})
		if e.Status != types.ExecutionStatusFailed || *e.Error != "Rock" || *e.Cause != "hard" {
			t.Errorf("described as %+v", e)
		}
	})
	t.Run("a token that is none is refused", func(t *testing.T) {
		_, err := w.SendTaskHeartbeat(ctx, &sfn.SendTaskHeartbeatInput{TaskToken: aws.String("made up")})
		refused(t, err, "InvalidToken", "Invalid Token")
	})
	t.Run("it has tags", func(t *testing.T) {
		must[*sfn.TagResourceOutput](t)(w.TagResource(ctx, &sfn.TagResourceInput{ResourceArn: arn, Tags: []types.Tag{{Key: aws.String("b"), Value: aws.String("2")}}}))
		must[*sfn.UntagResourceOutput](t)(w.UntagResource(ctx, &sfn.UntagResourceInput{ResourceArn: arn, TagKeys: []string{"a"}}))
		tags := must[*sfn.ListTagsForResourceOutput](t)(w.ListTagsForResource(ctx, &sfn.ListTagsForResourceInput{ResourceArn: arn})).Tags
		if len(tags) != 1 || *tags[0].Key != "b" {
			t.Errorf("tags %+v", tags)
		}
	})
	t.Run("they are listed, and deleted", func(t *testing.T) {
		must[*sfn.CreateActivityOutput](t)(w.CreateActivity(ctx, &sfn.CreateActivityInput{Name: aws.String("bury")}))
		var names []string
		pages := sfn.NewListActivitiesPaginator(w, &sfn.ListActivitiesInput{MaxResults: 1})
		for pages.HasMorePages() {
			for _, one := range must[*sfn.ListActivitiesOutput](t)(pages.NextPage(ctx)).Activities {
				names = append(names, *one.Name)
			}
		}
		if fmt.Sprint(names) != "[bury dig]" {
			t.Errorf("listed %v", names)
		}
		must[*sfn.DeleteActivityOutput](t)(w.DeleteActivity(ctx, &sfn.DeleteActivityInput{ActivityArn: arn}))
		_, err := w.DescribeActivity(ctx, &sfn.DescribeActivityInput{ActivityArn: arn})
		refused(t, err, "ActivityDoesNotExist", *arn)
		_, err = w.GetActivityTask(ctx, &sfn.GetActivityTaskInput{ActivityArn: arn})
		refused(t, err, "ActivityDoesNotExist", *arn)
		_, err = w.DescribeActivity(ctx, &sfn.DescribeActivityInput{ActivityArn: &machine})
		refused(t, err, "InvalidArn", machine)
	})
}

// TestStoppingServerSendsWorkersHome ends a server while a worker waits for a task, which must not keep it.
func TestStoppingServerSendsWorkersHome(t *testing.T) {
	w, ctx := newWorld(t, ""), t.Context()
	arn := must[*sfn.CreateActivityOutput](t)(w.CreateActivity(ctx, &sfn.CreateActivityInput{Name: aws.String("dig")})).ActivityArn
	client, polled := w.Client, make(chan error, 1)
	go func() {
		_, err := client.GetActivityTask(ctx, &sfn.GetActivityTaskInput{ActivityArn: arn})
		polled <- err
	}()
	w.restart()
	if err := <-polled; err == nil {
		t.Error("the worker was told that there is no task")
	}
}
