package integration_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"sundog/asl"
	"sundog/internal/embedded/engine"
	"sundog/internal/embedded/function"
	"sundog/internal/embedded/integration"
	"sundog/internal/embedded/job"
)

func newRunner(t *testing.T) *integration.Runner {
	t.Helper()
	functions, err := function.NewHost([]function.Spec{
		{Name: "echo", Kind: function.Builtin, Builtin: func(_ context.Context, event []byte) ([]byte, error) { return event, nil }},
		{Name: "fail", Kind: function.Builtin, Builtin: func(context.Context, []byte) ([]byte, error) { return nil, errors.New("boom") }},
	}, function.Options{NewID: func() string { return "id-1" }})
	if err != nil {
		t.Fatal(err)
	}
	jobs, err := job.NewRunner([]job.Spec{
		{Name: "say", Command: []string{"sh", "-c", `echo "$1 $GREETING"`, "sh", "Ref::word"}},
		{Name: "break", Command: []string{"sh", "-c", "exit 3"}},
	}, job.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(functions.Close(context.Background()), jobs.Close(context.Background())); err != nil {
			t.Error(err)
		}
	})
	return &integration.Runner{Functions: functions, Jobs: jobs}
}

func run(t *testing.T, r *integration.Runner, resource, parameters string) (string, *engine.TaskError) {
	t.Helper()
	doc, err := asl.ParseDocument([]byte(parameters))
	if err != nil {
		t.Fatal(err)
	}
	out, err := r.Run(t.Context(), engine.Task{Task: asl.Task{State: "S", Resource: resource, Parameters: doc}})
	if err != nil {
		failed, ok := errors.AsType[*engine.TaskError](err)
		if !ok {
			t.Fatalf("%s: %v is no task error", resource, err)
		}
		return "", failed
	}
	return string(out.Bytes()), nil
}

func TestFunctions(t *testing.T) {
	r := newRunner(t)
	const arn = "arn:aws:lambda:us-east-1:000000000000:function:"
	for _, c := range []struct{ name, resource, parameters, want, err string }{
		{"by ARN", arn + "echo", `{"a": 1.0}`, `{"a": 1.0}`, ""},
		{"by ARN with alias", arn + "echo:live", `"x"`, `"x"`, ""},
		{"unknown", arn + "none", `{}`, "", "Lambda.ResourceNotFoundException"},
		{"failing", arn + "fail", `{}`, "", "Error"},
		{"invoke", "arn:aws:states:::lambda:invoke", `{"FunctionName": "echo", "Payload": {"a": 1.0}}`, `"Payload":{"a": 1.0}`, ""},
		{"invoke by ARN without payload", "arn:aws:states:::lambda:invoke", `{"FunctionName": "` + arn + `echo"}`, `"Payload":{}`, ""},
		{"invoke without name", "arn:aws:states:::lambda:invoke", `{"Payload": {}}`, "", "States.Runtime"},
		{"invoke asynchronously", "arn:aws:states:::lambda:invoke", `{"FunctionName": "echo", "InvocationType": "Event"}`, "", "Lambda.InvalidParameterValueException"},
		{"unknown service", "arn:aws:states:::athena:startQueryExecution", `{}`, "", "States.TaskFailed"},
	} {
		got, err := run(t, r, c.resource, c.parameters)
		if c.err != "" {
			if err == nil || err.Name != c.err {
				t.Errorf("%s: %v, want %s", c.name, err, c.err)
			}
			continue
		}
		if err != nil || !strings.Contains(got, c.want) || !json.Valid([]byte(got)) {
			t.Errorf("%s: %s, %v", c.name, got, err)
		}
	}
}

func TestJobs(t *testing.T) {
	r := newRunner(t)
	got, err := run(t, r, "arn:aws:states:::batch:submitJob.sync", `{"JobName": "n", "JobDefinition": "say", "JobQueue": "q",
		"Parameters": {"word": "; echo $HOME"}, "ContainerOverrides": {"Environment": [{"Name": "GREETING", "Value": "hi"}]}}`)
	if err != nil {
		t.Fatal(err)
	}
	var result job.Result
	if err := json.Unmarshal([]byte(got), &result); err != nil {
		t.Fatal(err)
	}
	if result.Status != "SUCCEEDED" || result.Container.Command[4] != "; echo $HOME" || result.JobQueue != "q" || len(result.Attempts) != 1 {
		t.Errorf("%s", got)
	}
	if got, err = run(t, r, "arn:aws:states:::batch:submitJob", `{"JobDefinition": "say", "Parameters": {"word": "x"}}`); err != nil || !strings.Contains(got, `"JobId":`) {
		t.Errorf("submitJob gives %s, %v", got, err)
	}
	for parameters, want := range map[string]string{
		`{"JobDefinition": "break"}`: "States.TaskFailed",
		`{"JobDefinition": "say"}`:   "Batch.ClientException", // no value for word
		`{"JobDefinition": "none"}`:  "Batch.ClientException",
		`{}`:                         "States.Runtime",
	} {
		if _, err := run(t, r, "arn:aws:states:::batch:submitJob.sync", parameters); err == nil || err.Name != want {
			t.Errorf("%s gives %v, want %s", parameters, err, want)
		}
	}
}
