package stepfunctions_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// TestCommandLine drives the server with AWS's command line, where that is installed.
func TestCommandLine(t *testing.T) {
	path, err := exec.LookPath("aws")
	if err != nil {
		t.Skip("there is no aws in PATH")
	}
	w := newWorld(t, "the token")
	aws := func(args ...string) (map[string]any, string) {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), path, append([]string{"stepfunctions", "--endpoint-url", w.url, "--region", "us-east-1", "--output", "json"}, args...)...)
		cmd.Env = append(os.Environ(), "AWS_ACCESS_KEY_ID=sundog", "AWS_SECRET_ACCESS_KEY="+w.token, "AWS_DISABLE_HOST_PREFIX_INJECTION=true", "AWS_CONFIG_FILE="+os.DevNull, "AWS_SHARED_CREDENTIALS_FILE="+os.DevNull, "AWS_MAX_ATTEMPTS=1")
		var complaint strings.Builder
		cmd.Stderr = &complaint
		out, err := cmd.Output()
		if err != nil {
			return nil, complaint.String()
		}
		answer := map[string]any{}
		if len(out) > 0 {
			if err := json.Unmarshal(out, &answer); err != nil {
				t.Fatalf("%v: %s: %v", args, out, err)
			}
		}
		return answer, ""
	}
	made, complaint := aws("create-state-machine", "--name", "cli", "--definition", pass, "--role-arn", role)
	arn, _ := made["stateMachineArn"].(string)
	if arn != base+"cli" {
		t.Fatalf("%v %s", made, complaint)
	}
	started, complaint := aws("start-execution", "--state-machine-arn", arn, "--name", "one", "--input", `{"ü":"<&>"}`)
	if complaint != "" {
		t.Fatal(complaint)
	}
	if d := w.ended(started["executionArn"].(string)); *d.Output != `{"ü":"<&>"}` {
		t.Errorf("output %s", *d.Output)
	}
	tested, complaint := aws("test-state", "--definition", `{"Type":"Pass","End":true}`, "--input", "7")
	if tested["output"] != "7" {
		t.Errorf("%v %s", tested, complaint)
	}
	if _, complaint := aws("describe-state-machine", "--state-machine-arn", arn+"x"); !strings.Contains(complaint, "(StateMachineDoesNotExist)") {
		t.Errorf("complaint %q", complaint)
	}
}
