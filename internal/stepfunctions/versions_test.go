package stepfunctions_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/aws/aws-sdk-go-v2/service/sfn/types"
)

// revise publishes a version of a definition that returns a number.
func (w *world) revise(arn string, n int) string {
	w.t.Helper()
	out, err := w.UpdateStateMachine(w.t.Context(), &sfn.UpdateStateMachineInput{
		StateMachineArn: &arn, Publish: true, Definition: aws.String(fmt.Sprintf(`{"StartAt":"A","States":{"A":{"Type":"Pass","Result":%d,"End":true}}}`, n)),
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return *out.StateMachineVersionArn
}

// output is what an execution of a machine, version or alias returns.
func (w *world) output(arn string) *sfn.DescribeExecutionOutput {
	w.t.Helper()
	run, err := w.StartExecution(w.t.Context(), &sfn.StartExecutionInput{StateMachineArn: &arn})
	if err != nil {
		w.t.Fatal(err)
	}
	return w.ended(*run.ExecutionArn)
}

func route(version string, weight int32) types.RoutingConfigurationListItem {
	return types.RoutingConfigurationListItem{StateMachineVersionArn: &version, Weight: weight}
}

func TestVersions(t *testing.T) {
	w, ctx := newWorld(t, ""), t.Context()
	arn := w.create("v", pass)
	publish := func(revision *string) (*sfn.PublishStateMachineVersionOutput, error) {
		return w.PublishStateMachineVersion(ctx, &sfn.PublishStateMachineVersionInput{StateMachineArn: &arn, RevisionId: revision})
	}
	_, err := publish(aws.String("another"))
	refused(t, err, "ConflictException", "INITIAL")
	first := must[*sfn.PublishStateMachineVersionOutput](t)(publish(aws.String("INITIAL")))
	again := must[*sfn.PublishStateMachineVersionOutput](t)(publish(nil))
	if *first.StateMachineVersionArn != arn+":1" || *again.StateMachineVersionArn != arn+":1" {
		t.Errorf("versions of one revision: %s, %s", *first.StateMachineVersionArn, *again.StateMachineVersionArn)
	}
	for n := 2; n <= 5; n++ {
		if got := w.revise(arn, n); got != fmt.Sprint(arn, ":", n) {
			t.Errorf("revision %d is version %s", n, got)
		}
	}

	t.Run("a number is not given twice", func(t *testing.T) {
		must[*sfn.DeleteStateMachineVersionOutput](t)(w.DeleteStateMachineVersion(ctx, &sfn.DeleteStateMachineVersionInput{StateMachineVersionArn: aws.String(arn + ":5")}))
		w.restart()
		if got := w.revise(arn, 6); got != arn+":6" {
			t.Errorf("the next version is %s", got)
		}
		_, err := w.StartExecution(ctx, &sfn.StartExecutionInput{StateMachineArn: aws.String(arn + ":5")})
		refused(t, err, "StateMachineDoesNotExist", arn+":5")
	})
	t.Run("they are listed from the latest on", func(t *testing.T) {
		var got []string
		in := &sfn.ListStateMachineVersionsInput{StateMachineArn: &arn, MaxResults: 2}
		for {
			page := must[*sfn.ListStateMachineVersionsOutput](t)(w.ListStateMachineVersions(ctx, in))
			for _, v := range page.StateMachineVersions {
				got = append(got, strings.TrimPrefix(*v.StateMachineVersionArn, arn+":"))
			}
			if in.NextToken = page.NextToken; in.NextToken == nil {
				break
			}
		}
		if !slices.Equal(got, []string{"6", "4", "3", "2", "1"}) {
			t.Errorf("listed %v", got)
		}
	})
	t.Run("an execution says which version it runs", func(t *testing.T) {
		d := w.output(arn + ":3")
		if *d.Output != "3" || *d.StateMachineVersionArn != arn+":3" || d.StateMachineAliasArn != nil || *d.StateMachineArn != arn {
			t.Errorf("described as %+v", d)
		}
		h := must[*sfn.GetExecutionHistoryOutput](t)(w.GetExecutionHistory(ctx, &sfn.GetExecutionHistoryInput{ExecutionArn: d.ExecutionArn, MaxResults: 1}))
		if started := h.Events[0].ExecutionStartedEventDetails; *started.StateMachineVersionArn != arn+":3" || *started.RoleArn != role {
			t.Errorf("it begins with %+v", started)
		}
		w.output(arn)
		found := must[*sfn.ListExecutionsOutput](t)(w.ListExecutions(ctx, &sfn.ListExecutionsInput{StateMachineArn: aws.String(arn + ":3")}))
		if len(found.Executions) != 1 || *found.Executions[0].ExecutionArn != *d.ExecutionArn {
			t.Errorf("executions of the version: %+v", found.Executions)
		}
	})
}

func TestAliases(t *testing.T) {
	w, ctx := newWorld(t, ""), t.Context()
	arn := w.create("a", pass)
	first, second := w.revise(arn, 1), w.revise(arn, 2)
	create := func(name string, routes ...types.RoutingConfigurationListItem) (string, error) {
		out, err := w.CreateStateMachineAlias(ctx, &sfn.CreateStateMachineAliasInput{Name: &name, RoutingConfiguration: routes})
		if err != nil {
			return "", err
		}
		return *out.StateMachineAliasArn, nil
	}
	prod := must[string](t)(create("PROD", route(first, 100)))
	if prod != arn+":PROD" {
		t.Errorf("made %s", prod)
	}
	if again := must[string](t)(create("PROD", route(first, 100))); again != prod {
		t.Errorf("the same again is %s", again)
	}
	for name, tt := range map[string]struct {
		alias         string
		routes        []types.RoutingConfigurationListItem
		code, message string
	}{
		"the name is taken":     {"PROD", []types.RoutingConfigurationListItem{route(second, 100)}, "ConflictException", "PROD"},
		"a number as its name":  {"17", []types.RoutingConfigurationListItem{route(first, 100)}, "ValidationException", "pattern"},
		"weights of 90":         {"x", []types.RoutingConfigurationListItem{route(first, 50), route(second, 40)}, "ValidationException", "[50, 40]"},
		"a weight of 101":       {"x", []types.RoutingConfigurationListItem{route(first, 101)}, "ValidationException", "less than or equal to 100"},
		"one version twice":     {"x", []types.RoutingConfigurationListItem{route(first, 50), route(first, 50)}, "ValidationException", "distinct"},
		"two machines":          {"x", []types.RoutingConfigurationListItem{route(first, 50), route(base+"flow:1", 50)}, "ValidationException", "one state machine"},
		"no such version":       {"x", []types.RoutingConfigurationListItem{route(arn+":9", 100)}, "ResourceNotFound", ""},
		"not a version":         {"x", []types.RoutingConfigurationListItem{route(arn, 100)}, "InvalidArn", arn},
		"no version at all":     {"x", []types.RoutingConfigurationListItem{}, "ValidationException", "1"},
		"three versions":        {"x", []types.RoutingConfigurationListItem{route(first, 50), route(second, 40), route(arn+":3", 10)}, "ValidationException", "2"},
		"a name with a space":   {"x y", []types.RoutingConfigurationListItem{route(first, 100)}, "ValidationException", "pattern"},
		"no machine with those": {"x", []types.RoutingConfigurationListItem{route(base+"nosuch:1", 100)}, "ResourceNotFound", ""},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := create(tt.alias, tt.routes...)
			refused(t, err, tt.code, tt.message)
		})
	}

	t.Run("it leads to its version", func(t *testing.T) {
		d := w.output(prod)
		if *d.Output != "1" || *d.StateMachineVersionArn != first || *d.StateMachineAliasArn != prod {
			t.Errorf("described as %+v", d)
		}
	})
	t.Run("a version in use is not deleted", func(t *testing.T) {
		_, err := w.DeleteStateMachineVersion(ctx, &sfn.DeleteStateMachineVersionInput{StateMachineVersionArn: &first})
		refused(t, err, "ConflictException", "[PROD]")
	})
	t.Run("it can lead elsewhere, and to two", func(t *testing.T) {
		_, err := w.UpdateStateMachineAlias(ctx, &sfn.UpdateStateMachineAliasInput{StateMachineAliasArn: &prod})
		refused(t, err, "ValidationException", "must be specified")
		must[*sfn.UpdateStateMachineAliasOutput](t)(w.UpdateStateMachineAlias(ctx, &sfn.UpdateStateMachineAliasInput{
			StateMachineAliasArn: &prod, Description: aws.String("half"), RoutingConfiguration: []types.RoutingConfigurationListItem{route(first, 50), route(second, 50)},
		}))
		w.restart()
		d := must[*sfn.DescribeStateMachineAliasOutput](t)(w.DescribeStateMachineAlias(ctx, &sfn.DescribeStateMachineAliasInput{StateMachineAliasArn: &prod}))
		if *d.Name != "PROD" || *d.Description != "half" || len(d.RoutingConfiguration) != 2 || !d.UpdateDate.After(*d.CreationDate) {
			t.Errorf("described as %+v", d)
		}
		outputs := map[string]bool{}
		for range 200 { // the chance that all take one way is 2^-199
			if outputs[*w.output(prod).Output] = true; len(outputs) == 2 {
				break
			}
		}
		if len(outputs) != 2 {
			t.Errorf("only %v", outputs)
		}
	})
	t.Run("those created last come first", func(t *testing.T) {
		for _, name := range []string{"b", "a", "c"} {
			must[string](t)(create(name, route(second, 100)))
		}
		var got []string
		pages := sfn.ListStateMachineAliasesInput{StateMachineArn: &arn, MaxResults: 3}
		for {
			page := must[*sfn.ListStateMachineAliasesOutput](t)(w.ListStateMachineAliases(ctx, &pages))
			for _, one := range page.StateMachineAliases {
				got = append(got, strings.TrimPrefix(*one.StateMachineAliasArn, arn+":"))
			}
			if pages.NextToken = page.NextToken; pages.NextToken == nil {
				break
			}
		}
		if !slices.Equal(got, []string{"c", "a", "b", "PROD"}) {
			t.Errorf("listed %v", got)
		}
		of := must[*sfn.ListStateMachineAliasesOutput](t)(w.ListStateMachineAliases(ctx, &sfn.ListStateMachineAliasesInput{StateMachineArn: &first}))
		if len(of.StateMachineAliases) != 1 {
			t.Errorf("of the first version: %+v", of.StateMachineAliases)
		}
	})
	t.Run("deleted, it is gone", func(t *testing.T) {
		must[*sfn.DeleteStateMachineAliasOutput](t)(w.DeleteStateMachineAlias(ctx, &sfn.DeleteStateMachineAliasInput{StateMachineAliasArn: &prod}))
		_, err := w.DeleteStateMachineAlias(ctx, &sfn.DeleteStateMachineAliasInput{StateMachineAliasArn: &prod})
		refused(t, err, "ResourceNotFound", prod)
		_, err = w.StartExecution(ctx, &sfn.StartExecutionInput{StateMachineArn: &prod})
		refused(t, err, "StateMachineDoesNotExist", prod)
		must[*sfn.DeleteStateMachineVersionOutput](t)(w.DeleteStateMachineVersion(ctx, &sfn.DeleteStateMachineVersionInput{StateMachineVersionArn: &first}))
	})
}
