package aws_test

import (
	"log/slog"
	"strings"
	"testing"

	"sundog/internal/aws"
	"sundog/internal/problem"
)

// complete is an environment as a deployment of Cirrus has it.
func complete() map[string]string {
	return map[string]string{
		aws.StateDB: "cirrus-dev-state", aws.PayloadBucket: "cirrus-dev-payloads", aws.DataBucket: "cirrus-dev-data",
		aws.BaseWorkflowARN: "arn:aws:states:us-west-2:123456789012:stateMachine:cirrus-dev-",
		aws.ProcessQueueURL: "https://sqs.us-west-2.amazonaws.com/123456789012/cirrus-dev-process",
		aws.PublishTopicARN: "arn:aws:sns:us-west-2:123456789012:cirrus-dev-publish",
		aws.EventTopicARN:   "arn:aws-us-gov:sns:us-gov-west-1:123456789012:cirrus-dev-workflow-event",
		aws.LogLevel:        "warning", aws.WorkflowLogGroup: "", aws.PayloadRootPrefix: "my/root",
	}
}

func TestReadEnvironment(t *testing.T) {
	vars := complete()
	e, err := aws.ReadEnvironment(func(name string) string { return vars[name] }, aws.StateDB, aws.PayloadBucket)
	if err != nil {
		t.Fatal(err)
	}
	want := aws.Environment{
		StateDB: "cirrus-dev-state", PayloadBucket: "cirrus-dev-payloads", PayloadRoot: "my/root", DataBucket: "cirrus-dev-data",
		BaseWorkflowARN: vars[aws.BaseWorkflowARN], ProcessQueueURL: vars[aws.ProcessQueueURL], PublishTopicARN: vars[aws.PublishTopicARN],
		EventTopicARN: vars[aws.EventTopicARN], BatchLogGroup: "/aws/batch/job", LogLevel: slog.LevelWarn, CatalogID: "catalog",
	}
	if e != want {
		t.Errorf("got  %+v\nwant %+v", e, want)
	}
	if at := e.Layout().Input("a/workflow-b/c", "x").String(); at != "s3://cirrus-dev-payloads/my/root/executions/a/workflow-b/c/x/input.json" {
		t.Errorf("inputs lie at %s", at)
	}
}

func TestReadEnvironmentNamesAllThatIsWrong(t *testing.T) {
	for name, bad := range map[string]string{
		aws.StateDB:           "a table",
		aws.PayloadBucket:     "s3://bucket",
		aws.PayloadRootPrefix: "/root/",
		aws.DataBucket:        "B",
		aws.BaseWorkflowARN:   "arn:aws:states:us-west-2:123456789012:execution:a:b",
		aws.ProcessQueueURL:   "arn:aws:sqs:us-west-2:123456789012:q",
		aws.PublishTopicARN:   "publish",
		aws.EventTopicARN:     "arn:aws:sns:us-west-2:12:t",
		aws.WorkflowLogGroup:  "log group",
		aws.LogLevel:          "LOUD",
		aws.PartialResponses:  "yes",
		aws.CatalogURL:        "example.com",
		aws.ScheduleHTTPTopic: "topics-",
	} {
		vars := complete()
		vars[name] = bad
		delete(vars, aws.StateDB)
		if name == aws.StateDB {
			vars[name] = bad
		}
		_, err := aws.ReadEnvironment(func(name string) string { return vars[name] }, aws.StateDB, aws.UpdateQueueURL)
		if !problem.Is(err, problem.Invalid) || problem.HintOf(err) == "" {
			t.Errorf("%s=%s: %v", name, bad, err)
			continue
		}
		for _, want := range []string{name + " cannot be \"" + bad + "\"", aws.UpdateQueueURL + " is not set", aws.StateDB} {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%s=%s: %v does not tell of %s", name, bad, err, want)
			}
		}
	}
}

// TestVariables holds the table to its promises: each variable is set somewhere, and its default is one that it takes.
func TestVariables(t *testing.T) {
	seen := map[string]bool{}
	for _, v := range aws.Variables() {
		if seen[v.Name] || v.Meaning == "" {
			t.Errorf("%s is there twice, or means nothing", v.Name)
		}
		seen[v.Name] = true
		if v.Default == "" || v.Name == aws.CatalogURL {
			continue
		}
		if _, err := aws.ReadEnvironment(func(name string) string {
			if name == v.Name {
				return v.Default
			}
			return ""
		}); err != nil {
			t.Errorf("the default: %v", err)
		}
	}
}
