package stepfunctions_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/aws/aws-sdk-go-v2/service/sfn/types"
)

func TestMachineIsMadeChangedAndDescribed(t *testing.T) {
	w, ctx := newWorld(t, ""), t.Context()
	in := &sfn.CreateStateMachineInput{
		Name: aws.String("made"), Definition: aws.String(pass), RoleArn: aws.String(role), Type: types.StateMachineTypeStandard,
		Tags: []types.Tag{{Key: aws.String("team"), Value: aws.String("sky")}},
		LoggingConfiguration: &types.LoggingConfiguration{
			Level: types.LogLevelAll, IncludeExecutionData: true,
			Destinations: []types.LogDestination{{CloudWatchLogsLogGroup: &types.CloudWatchLogsLogGroup{LogGroupArn: aws.String("arn:aws:logs:us-east-1:000000000000:log-group:g:*")}}},
		},
		TracingConfiguration: &types.TracingConfiguration{Enabled: true},
		Publish:              true, VersionDescription: aws.String("the first"),
	}
	made := must[*sfn.CreateStateMachineOutput](t)(w.CreateStateMachine(ctx, in))
	if *made.StateMachineArn != base+"made" || *made.StateMachineVersionArn != base+"made:1" {
		t.Fatalf("%s, %s", *made.StateMachineArn, *made.StateMachineVersionArn)
	}
	d := must[*sfn.DescribeStateMachineOutput](t)(w.DescribeStateMachine(ctx, &sfn.DescribeStateMachineInput{StateMachineArn: made.StateMachineArn}))
	if *d.Definition != pass || *d.RoleArn != role || d.Status != types.StateMachineStatusActive || d.Type != types.StateMachineTypeStandard ||
		d.RevisionId != nil || d.LoggingConfiguration.Level != types.LogLevelAll || len(d.LoggingConfiguration.Destinations) != 1 ||
		!d.TracingConfiguration.Enabled || d.EncryptionConfiguration.Type != types.EncryptionTypeAwsOwnedKey || !d.CreationDate.Equal(*made.CreationDate) {
		t.Errorf("described as %+v", d)
	}

	t.Run("the same again is the same", func(t *testing.T) {
		again := must[*sfn.CreateStateMachineOutput](t)(w.CreateStateMachine(ctx, in))
		if *again.StateMachineVersionArn != *made.StateMachineVersionArn || !again.CreationDate.Equal(*made.CreationDate) {
			t.Errorf("%+v", again)
		}
	})
	t.Run("another one of the name is refused", func(t *testing.T) {
		_, err := w.CreateStateMachine(ctx, &sfn.CreateStateMachineInput{Name: aws.String("made"), Definition: aws.String(other), RoleArn: aws.String(role)})
		refused(t, err, "StateMachineAlreadyExists", base+"made")
	})
	t.Run("an update is a revision, which survives a restart", func(t *testing.T) {
		u := must[*sfn.UpdateStateMachineOutput](t)(w.UpdateStateMachine(ctx, &sfn.UpdateStateMachineInput{StateMachineArn: made.StateMachineArn, Definition: aws.String(other)}))
		same := must[*sfn.UpdateStateMachineOutput](t)(w.UpdateStateMachine(ctx, &sfn.UpdateStateMachineInput{StateMachineArn: made.StateMachineArn, Definition: aws.String(other)}))
		if *u.RevisionId == "" || *same.RevisionId != *u.RevisionId {
			t.Errorf("revisions %v, %v", *u.RevisionId, *same.RevisionId)
		}
		w.restart()
		d := must[*sfn.DescribeStateMachineOutput](t)(w.DescribeStateMachine(ctx, &sfn.DescribeStateMachineInput{StateMachineArn: made.StateMachineArn}))
		if *d.Definition != other || *d.RevisionId != *u.RevisionId || !d.TracingConfiguration.Enabled {
			t.Errorf("described as %+v", d)
		}
		v := must[*sfn.DescribeStateMachineOutput](t)(w.DescribeStateMachine(ctx, &sfn.DescribeStateMachineInput{StateMachineArn: made.StateMachineVersionArn}))
		if *v.Definition != pass || *v.Description != "the first" || *v.StateMachineArn != base+"made:1" {
			t.Errorf("version described as %+v", v)
		}
	})
	t.Run("an update of nothing is refused", func(t *testing.T) {
		_, err := w.UpdateStateMachine(ctx, &sfn.UpdateStateMachineInput{StateMachineArn: made.StateMachineArn})
		refused(t, err, "MissingRequiredParameter", "must be specified")
	})
}

func TestWorkflowsBelongToTheProject(t *testing.T) {
	w, ctx := newWorld(t, ""), t.Context()
	arn := aws.String(base + "flow")
	d := must[*sfn.DescribeStateMachineOutput](t)(w.DescribeStateMachine(ctx, &sfn.DescribeStateMachineInput{StateMachineArn: arn}))
	if *d.Definition != pass {
		t.Errorf("described as %+v", d)
	}
	_, err := w.UpdateStateMachine(ctx, &sfn.UpdateStateMachineInput{StateMachineArn: arn, Definition: aws.String(other)})
	refused(t, err, "ConflictException", "sundog.yaml")
	_, err = w.DeleteStateMachine(ctx, &sfn.DeleteStateMachineInput{StateMachineArn: arn})
	refused(t, err, "ConflictException", "sundog.yaml")
	_, err = w.CreateStateMachine(ctx, &sfn.CreateStateMachineInput{Name: aws.String("flow"), Definition: aws.String(pass), RoleArn: aws.String(role)})
	refused(t, err, "StateMachineAlreadyExists", "flow")

	// A version of it stays what it was when the project changes.
	must[*sfn.PublishStateMachineVersionOutput](t)(w.PublishStateMachineVersion(ctx, &sfn.PublishStateMachineVersionInput{StateMachineArn: arn}))
	w.write("flow.asl.json", other)
	w.restart()
	now := must[*sfn.DescribeStateMachineOutput](t)(w.DescribeStateMachine(ctx, &sfn.DescribeStateMachineInput{StateMachineArn: arn}))
	if *now.Definition != other || now.RevisionId == nil || !now.CreationDate.Equal(*d.CreationDate) {
		t.Errorf("described as %+v", now)
	}
	run := must[*sfn.StartExecutionOutput](t)(w.StartExecution(ctx, &sfn.StartExecutionInput{StateMachineArn: aws.String(base + "flow:1"), Input: aws.String("7")}))
	if e := w.ended(*run.ExecutionArn); *e.Output != "7" {
		t.Errorf("output %s", *e.Output)
	}
}

func TestProjectTakesANameInUse(t *testing.T) {
	w, ctx := newWorld(t, ""), t.Context()
	arn := w.create("taken", other)
	w.write("sundog.yaml", "name: test\nworkflows:\n  taken: { definition: flow.asl.json }\n")
	w.restart()
	d := must[*sfn.DescribeStateMachineOutput](t)(w.DescribeStateMachine(ctx, &sfn.DescribeStateMachineInput{StateMachineArn: &arn}))
	if *d.Definition != pass {
		t.Errorf("described as %+v", d)
	}
	_, err := w.DescribeStateMachine(ctx, &sfn.DescribeStateMachineInput{StateMachineArn: aws.String(base + "flow")})
	refused(t, err, "StateMachineDoesNotExist", base+"flow")
}

func TestMachinesAreListedInPages(t *testing.T) {
	w, ctx := newWorld(t, ""), t.Context()
	want := []string{"flow"}
	for i := range 7 {
		name := fmt.Sprintf("m%d", i)
		w.create(name, pass)
		want = append(want, name)
	}
	var got []string
	pages := sfn.NewListStateMachinesPaginator(w, &sfn.ListStateMachinesInput{MaxResults: 3})
	for pages.HasMorePages() {
		page := must[*sfn.ListStateMachinesOutput](t)(pages.NextPage(ctx))
		if len(page.StateMachines) > 3 {
			t.Errorf("a page of %d", len(page.StateMachines))
		}
		for _, m := range page.StateMachines {
			got = append(got, *m.Name)
		}
		w.restart() // tokens outlive the server
		pages = sfn.NewListStateMachinesPaginator(w, &sfn.ListStateMachinesInput{MaxResults: 3, NextToken: page.NextToken})
		if page.NextToken == nil {
			break
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("listed %v, want %v", got, want)
	}
}

func TestDeletionEndsWhatRuns(t *testing.T) {
	w, ctx := newWorld(t, ""), t.Context()
	arn := w.create("gone", waits)
	run := must[*sfn.StartExecutionOutput](t)(w.StartExecution(ctx, &sfn.StartExecutionInput{StateMachineArn: &arn}))
	must[*sfn.DeleteStateMachineOutput](t)(w.DeleteStateMachine(ctx, &sfn.DeleteStateMachineInput{StateMachineArn: &arn}))
	if d := w.ended(*run.ExecutionArn); d.Status != types.ExecutionStatusAborted {
		t.Errorf("the execution is %s", d.Status)
	}
	w.vanished(arn)
	must[*sfn.DeleteStateMachineOutput](t)(w.DeleteStateMachine(ctx, &sfn.DeleteStateMachineInput{StateMachineArn: &arn}))
	of := must[*sfn.DescribeStateMachineForExecutionOutput](t)(w.DescribeStateMachineForExecution(ctx, &sfn.DescribeStateMachineForExecutionInput{ExecutionArn: run.ExecutionArn}))
	if *of.Definition != waits || *of.RoleArn != role {
		t.Errorf("the machine of the execution is %+v", of)
	}
	if again := w.create("gone", pass); again != arn {
		t.Errorf("made anew as %s", again)
	}
}

// vanished waits until a machine is no longer there.
func (w *world) vanished(arn string) {
	w.t.Helper()
	deadline := time.Now().Add(20 * time.Second)
	for {
		d, err := w.DescribeStateMachine(w.t.Context(), &sfn.DescribeStateMachineInput{StateMachineArn: &arn})
		if err != nil {
			refused(w.t, err, "StateMachineDoesNotExist", arn)
			return
		}
		if d.Status != types.StateMachineStatusDeleting || time.Now().After(deadline) {
			w.t.Fatalf("%s is %s", arn, d.Status)
		}
		<-time.After(time.Millisecond)
	}
}

func TestRunningExecutionKeepsItsDefinition(t *testing.T) {
	w, ctx := newWorld(t, ""), t.Context()
	arn := w.create("changes", waits)
	run := must[*sfn.StartExecutionOutput](t)(w.StartExecution(ctx, &sfn.StartExecutionInput{StateMachineArn: &arn}))
	must[*sfn.UpdateStateMachineOutput](t)(w.UpdateStateMachine(ctx, &sfn.UpdateStateMachineInput{StateMachineArn: &arn, Definition: aws.String(pass), RoleArn: aws.String(role + "2")}))
	w.restart()
	of := must[*sfn.DescribeStateMachineForExecutionOutput](t)(w.DescribeStateMachineForExecution(ctx, &sfn.DescribeStateMachineForExecutionInput{ExecutionArn: run.ExecutionArn}))
	if *of.Definition != waits || *of.RoleArn != role || of.RevisionId != nil {
		t.Errorf("the execution runs %+v", of)
	}
	if d := must[*sfn.DescribeExecutionOutput](t)(w.DescribeExecution(ctx, &sfn.DescribeExecutionInput{ExecutionArn: run.ExecutionArn})); d.Status != types.ExecutionStatusRunning {
		t.Errorf("it is %s", d.Status)
	}
}

func TestTags(t *testing.T) {
	w, ctx := newWorld(t, ""), t.Context()
	arn := w.create("tagged", pass)
	tag := func(key, value string) types.Tag { return types.Tag{Key: &key, Value: &value} }
	must[*sfn.TagResourceOutput](t)(w.TagResource(ctx, &sfn.TagResourceInput{ResourceArn: &arn, Tags: []types.Tag{tag("a", "1"), tag("b", "2")}}))
	must[*sfn.TagResourceOutput](t)(w.TagResource(ctx, &sfn.TagResourceInput{ResourceArn: &arn, Tags: []types.Tag{tag("b", "3"), tag("c", "")}}))
	must[*sfn.UntagResourceOutput](t)(w.UntagResource(ctx, &sfn.UntagResourceInput{ResourceArn: &arn, TagKeys: []string{"a", "none"}}))
	w.restart()
	var got []string
	for _, one := range must[*sfn.ListTagsForResourceOutput](t)(w.ListTagsForResource(ctx, &sfn.ListTagsForResourceInput{ResourceArn: &arn})).Tags {
		got = append(got, *one.Key+"="+*one.Value)
	}
	if !slices.Equal(got, []string{"b=3", "c="}) {
		t.Errorf("tags %v", got)
	}
	var many []types.Tag
	for i := range 49 {
		many = append(many, tag(fmt.Sprint("t", i), ""))
	}
	_, err := w.TagResource(ctx, &sfn.TagResourceInput{ResourceArn: &arn, Tags: many})
	refused(t, err, "TooManyTags", "50")
	_, err = w.ListTagsForResource(ctx, &sfn.ListTagsForResourceInput{ResourceArn: aws.String(base + "nosuch")})
	refused(t, err, "ResourceNotFound", "nosuch")
}
