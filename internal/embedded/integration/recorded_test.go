package integration_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"sundog/internal/embedded/integration"
)

// recordedTask is a task that was recorded on AWS, as the files of SUNDOG_ASL_CASES have it.
type recordedTask struct {
	Resource, ResourceType string
	Submitted              json.RawMessage
	Outcome                struct {
		Type, Error, Cause string
		Output             json.RawMessage
	}
}

// recorded reads the tasks of all recordings.
func recorded(t *testing.T) []recordedTask {
	t.Helper()
	folder := os.Getenv("SUNDOG_ASL_CASES")
	if folder == "" {
		t.Skip("SUNDOG_ASL_CASES names no folder of recordings")
	}
	files, err := filepath.Glob(filepath.Join(folder, "*.json"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no recordings in %s: %v", folder, err)
	}
	var all []recordedTask
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var cases []struct {
			Mocks struct{ Tasks []recordedTask }
		}
		if json.Unmarshal(text, &cases) != nil {
			continue // a file of another form
		}
		for _, c := range cases {
			all = append(all, c.Mocks.Tasks...)
		}
	}
	return all
}

// answers are requests that succeed here, by action: what they give has to have the form of what was recorded of the action.
var answers = map[string]string{
	"sqs:sendMessage":  `{"QueueUrl": "orders", "MessageBody": "a"}`,
	"sns:publish":      `{"TopicArn": "alarms", "Message": "a"}`,
	"events:putEvents": `{"Entries": [{"Source": "a", "DetailType": "b", "Detail": {}}]}`,
	"lambda:invoke":    `{"FunctionName": "echo", "Payload": {}}`,
	"batch:submitJob":  `{"JobDefinition": "say", "JobName": "n", "JobQueue": "q", "Parameters": {"word": "x"}}`,
}

// TestRecordedAnswers compares the results of tasks with those that were recorded: each member that AWS gives is given here.
func TestRecordedAnswers(t *testing.T) {
	s := newServices(t)
	s.declare("orders")
	s.subscribe("alarms")
	compared := map[string]int{}
	for _, task := range recorded(t) {
		action := strings.TrimSuffix(task.ResourceType+":"+task.Resource, ".waitForTaskToken")
		answer := task.Submitted
		if strings.HasSuffix(task.Outcome.Type, "Succeeded") && answer == nil {
			answer = task.Outcome.Output
		}
		parameters := answers[action]
		if answer == nil || parameters == "" || strings.HasSuffix(task.Resource, ".waitForTaskToken") && task.Submitted == nil {
			continue
		}
		out, failed := s.carry(action, parameters)
		if failed != nil {
			t.Errorf("%s: %v", action, failed)
			continue
		}
		var want, got any
		if err := json.Unmarshal(answer, &want); err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal([]byte(out), &got); err != nil {
			t.Fatal(err)
		}
		if action == "lambda:invoke" { // the functions differ
			want.(map[string]any)["Payload"] = map[string]any{}
		}
		if missing := lacks(want, got, ""); len(missing) > 0 {
			t.Errorf("%s lacks %v:\n got %s\nwant %s", action, missing, out, answer)
		}
		compared[action]++
	}
	t.Logf("compared: %v", compared)
	for _, action := range []string{"sqs:sendMessage", "sns:publish", "lambda:invoke"} {
		if compared[action] == 0 {
			t.Errorf("no recording of %s was compared", action)
		}
	}
}

// lacks returns the members of want that got has not, or has with another kind of value. Recordings have a text where an id was taken out.
func lacks(want, got any, path string) (missing []string) {
	w, ok := want.(map[string]any)
	if !ok {
		_, text := want.(string)
		_, list := got.([]any)
		_, object := got.(map[string]any)
		_, wantList := want.([]any)
		if object || list != wantList && !text {
			return []string{path}
		}
		return nil
	}
	g, ok := got.(map[string]any)
	if !ok {
		return []string{path}
	}
	for name := range w {
		if _, there := g[name]; !there {
			missing = append(missing, path+"/"+name)
			continue
		}
		missing = append(missing, lacks(w[name], g[name], path+"/"+name)...)
	}
	slices.Sort(missing)
	return missing
}

// TestRecordedErrors provokes the errors that were recorded, and compares names and texts.
func TestRecordedErrors(t *testing.T) {
	s := newServices(t)
	s.declare("sqs_queue_url")
	requests := map[string]string{ // by error name
		"SQS.SdkClientException":           `{"QueueUrl": "no-such-queue", "MessageBody": "test_message_body"}`,
		"SQS.AmazonSQSException":           `{"QueueUrl": "sqs_queue_url", "MessageBody": null}`,
		"SNS.NotFoundException":            `{"TopicArn": "arn:aws:sns:us-east-1:111111111111:resource_1", "Message": {"Message": "HelloWorld!"}}`,
		"SNS.InvalidParameterException":    `{"TopicArn": "arn:aws:sns:us-east-1:111111111111:resource_1.fifo", "Message": {"Message": "HelloWorld!"}}`,
		"EventBridge.FailedEntry":          `{"Entries": [{"Detail": "\"jsonstring\"", "DetailType": "detail-type", "Source": "some.source"}]}`,
		"Lambda.ResourceNotFoundException": `{"FunctionName": "arn:aws:lambda:us-east-1:111111111111:function:no_such_lambda_function_name"}`,
	}
	compared := map[string]int{}
	for _, task := range recorded(t) {
		request := requests[task.Outcome.Error]
		if request == "" || strings.Contains(task.Resource, "arn:") || !integration.Has("arn:aws:states:::"+task.ResourceType+":"+task.Resource) {
			continue
		}
		cause := strings.NewReplacer("Request ID: request_id", "Request ID: ID", "111111111111", "000000000000").Replace(task.Outcome.Cause)
		if before, rest, ok := strings.Cut(cause, "request: no-such-queue"); ok {
			_, after, _ := strings.Cut(rest, ":")
			cause = before + "request: no-such-queue:" + after
		}
		_, failed := s.carry(task.ResourceType+":"+task.Resource, request)
		want(t, task.Outcome.Error, failed, task.Outcome.Error, cause)
		compared[task.Outcome.Error]++
	}
	t.Logf("compared: %v", compared)
	if len(compared) < len(requests)-1 {
		t.Errorf("only %v were recorded", compared)
	}
}
