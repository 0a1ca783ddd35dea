package lambda_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"sundog/internal/aws"
	"sundog/internal/aws/lambda"
	"sundog/internal/problem"
)

func TestSelect(t *testing.T) {
	for _, c := range []struct{ handler, function, want string }{
		{"process", "anything", "process"},
		{"schedule-post", "", "schedule-post"},
		{"process.lambda_handler", "cirrus-dev-process", "process"},
		{"update_state.lambda_handler", "cirrus-dev-update-state", "update-state"},
		{"pre_batch.lambda_handler", "cirrus-dev-api", "pre-batch"},
		{"lambda_function.lambda_handler", "cirrus-dev-post-batch", "post-batch"},
		{"lambda_function.lambda_handler", "api", "api"},
		{"bootstrap", "x-task-api", "task-api"},
		{"", "sundog-schedule-http-request", "schedule-http-request"},
		{"procession", "cirrus-dev-process", ""},
		{"index.handler", "cirrus-dev-process", ""},
		{"lambda_function.lambda_handler", "reprocess", ""},
		{"", "", ""},
	} {
		h, err := lambda.Select(lambda.Names{Handler: c.handler, Function: c.function})
		if h.Name != c.want {
			t.Errorf("%q of %q is %q, want %q", c.handler, c.function, h.Name, c.want)
		}
		if c.want == "" && (!problem.Is(err, problem.Invalid) || !strings.Contains(problem.HintOf(err), "update-state")) {
			t.Errorf("%q of %q: %v", c.handler, c.function, err)
		}
	}
}

// TestTable holds the table of handlers to what those who deploy them need of it.
func TestTable(t *testing.T) {
	var known []string
	for _, v := range aws.Variables() {
		known = append(known, v.Name)
	}
	seen := map[string]bool{}
	for _, h := range lambda.Handlers() {
		for _, name := range slices.Concat(h.Required, h.Optional) {
			if !slices.Contains(known, name) {
				t.Errorf("%s: there is no variable %s", h.Name, name)
			}
		}
		if seen[h.Name] || h.Does == "" || len(h.Sources) == 0 || h.Timeout < time.Second || !slices.Contains(h.Optional, aws.LogLevel) {
			t.Errorf("%+v", h)
		}
		if batch := slices.Contains(h.Sources, lambda.Queue) || slices.Contains(h.Sources, lambda.Stream); batch != (h.Batch > 0) {
			t.Errorf("%s has a batch of %d", h.Name, h.Batch)
		}
		seen[h.Name] = true
	}
}

func TestEnvironmentNamesWhatIsMissing(t *testing.T) {
	h, err := lambda.Select(lambda.Names{Handler: "process"})
	if err != nil {
		t.Fatal(err)
	}
	_, err = h.Environment(func(name string) string { return map[string]string{aws.LogLevel: "LOUD"}[name] })
	if !problem.Is(err, problem.Invalid) {
		t.Fatalf("%v", err)
	}
	for _, want := range append(h.Required, `CIRRUS_LOG_LEVEL cannot be "LOUD"`, "handler process") {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%v does not tell of %s", err, want)
		}
	}
}

func TestWanted(t *testing.T) {
	for _, c := range []struct {
		args []string
		api  string
		want bool
	}{
		{[]string{"/var/task/bootstrap"}, "127.0.0.1:9001", true},
		{[]string{"/var/task/bootstrap"}, "", false},
		{[]string{"/usr/bin/sundog", "process", "payload.json"}, "127.0.0.1:9001", false}, // by a function of somebody else's
	} {
		got := lambda.Wanted(c.args, func(name string) string { return map[string]string{"AWS_LAMBDA_RUNTIME_API": c.api}[name] })
		if got != c.want {
			t.Errorf("%v with %q: %v", c.args, c.api, got)
		}
	}
}
