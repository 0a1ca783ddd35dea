package e2e

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"sundog/internal/api"
)

// A misdeed is a task that behaves badly, and what has to come of it.
type misdeed struct {
	kind    string   // command, lambda or job
	script  string   // for sh; MARK stands for a number that its processes bear
	options string   // of the function or job in the project file
	task    string   // further fields of the Task state
	machine string   // further fields of the state machine
	state   string   // of the record
	event   string   // that tells of it
	reason  []string // what last_error says
}

// misdeeds are one workflow each, by name. A task that succeeds gives back the payload that it got.
var misdeeds = map[string]misdeed{
	"hangs": {
		kind: "command", script: "sleep MARK", options: "timeout: 1s",
		state: "FAILED", event: "FAILED", reason: []string{"Sandbox.Timedout", "timed out after 1.00 seconds"},
	},
	"hangs-longer-than-the-state-may": {
		kind: "command", script: "exec sleep MARK", task: `"TimeoutSeconds":1,`,
		state: "FAILED", event: "FAILED", reason: []string{"States.Timeout"},
	},
	"hangs-longer-than-the-workflow-may": {
		kind: "command", script: "sleep MARK", machine: `"TimeoutSeconds":1,`,
		state: "FAILED", event: "TIMED_OUT",
	},
	"ignores-sigterm": {
		kind: "command", script: "trap '' TERM; sleep MARK", options: "timeout: 1s",
		state: "FAILED", event: "FAILED", reason: []string{"Sandbox.Timedout"},
	},
	"exits-1": {
		kind: "command", script: "cat; exit 1",
		state: "FAILED", event: "FAILED", reason: []string{"Runtime.ExitError", "exit status 1"},
	},
	"kills-itself": {
		kind: "command", script: "kill -9 $$",
		state: "FAILED", event: "FAILED", reason: []string{"Runtime.ExitError", "killed"},
	},
	"prints-garbage": {
		kind: "command", script: "echo '{\"half\": '",
		state: "FAILED", event: "FAILED", reason: []string{"Runtime.MarshalError", "not valid JSON"},
	},
	"prints-nothing": {
		kind: "command", script: "true",
		state: "FAILED", event: "FAILED", reason: []string{"Runtime.MarshalError", "empty"},
	},
	"prints-no-payload": {
		kind: "command", script: "echo '[1, 2]'",
		state: "FAILED", event: "FAILED", reason: []string{"the workflow's output is no payload"},
	},
	"prints-50-MB": {
		kind: "command", script: "head -c 52428800 /dev/zero | tr '\\0' x",
		state: "FAILED", event: "FAILED", reason: []string{"Function.ResponseSizeTooLarge"},
	},
	"logs-50-MB": {
		kind: "command", script: "head -c 52428800 /dev/zero | tr '\\0' x >&2; cat",
		state: "SUCCEEDED", event: "SUCCEEDED",
	},
	"forks-and-lives-on": {
		kind: "command", script: "sleep MARK & cat",
		state: "SUCCEEDED", event: "SUCCEEDED",
	},
	"refuses-its-input": {
		kind: "command", script: `echo '{"errorType":"stactask.exceptions.InvalidInput","errorMessage":"no scene"}'; exit 1`,
		state: "INVALID", event: "INVALID", reason: []string{"stactask.exceptions.InvalidInput: no scene"},
	},
	"lambda-exits-1": {
		kind: "lambda", script: "exit 1",
		state: "FAILED", event: "FAILED", reason: []string{"Runtime.ExitError"},
	},
	"lambda-never-asks": {
		kind: "lambda", script: "exec sleep MARK", task: `"TimeoutSeconds":1,`,
		state: "FAILED", event: "FAILED", reason: []string{"States.Timeout"},
	},
	"lambda-prints-50-MB-and-forks": {
		kind: "lambda", script: "head -c 52428800 /dev/zero | tr '\\0' x; sleep MARK & exit 3",
		state: "FAILED", event: "FAILED", reason: []string{"Runtime.ExitError", "exit status 3"},
	},
	"job-hangs": {
		kind: "job", script: "sleep MARK", options: "timeout: 1s",
		state: "FAILED", event: "FAILED", reason: []string{"States.TaskFailed", "Job attempt duration exceeded timeout"},
	},
	"job-exits-1": {
		kind: "job", script: "exit 1", options: "attempts: 2",
		state: "FAILED", event: "FAILED", reason: []string{"States.TaskFailed", "Essential container in task exited"},
	},
	"job-prints-50-MB": {
		kind: "job", script: "head -c 52428800 /dev/zero | tr '\\0' x",
		state: "SUCCEEDED", event: "SUCCEEDED",
	},
	"job-forks-and-lives-on": {
		kind: "job", script: "sleep MARK & true",
		state: "SUCCEEDED", event: "SUCCEEDED",
	},
}

// writeMisdeeds makes a project of the misdeeds.
func writeMisdeeds(mark string) map[string]string {
	sections := map[string]string{"function": "", "job": ""}
	files := map[string]string{}
	workflows := ""
	for _, name := range slices.Sorted(maps.Keys(misdeeds)) {
		m := misdeeds[name]
		files[name+".sh"] = strings.ReplaceAll(m.script, "MARK", mark) + "\n"
		workflows += fmt.Sprintf("  %s: { definition: %s.asl.json }\n", name, name)
		fields := []string{fmt.Sprintf("command: [sh, %s.sh]", name)}
		if m.options != "" {
			fields = append(fields, m.options)
		}
		section := "job"
		task := fmt.Sprintf(`"Resource":"arn:aws:states:::batch:submitJob.sync","Parameters":{"JobName":%q,"JobDefinition":%q,"JobQueue":"q"},"ResultPath":null`, name, name)
		if m.kind != "job" {
			section, fields = "function", append(fields, "type: "+m.kind)
			task = fmt.Sprintf(`"Resource":"arn:aws:lambda:us-east-1:000000000000:function:%s"`, name)
		}
		sections[section] += fmt.Sprintf("  %s: { %s }\n", name, strings.Join(fields, ", "))
		files[name+".asl.json"] = fmt.Sprintf(`{%s"StartAt":"Do","States":{"Do":{"Type":"Task",%s%s,"End":true}}}`, m.machine, m.task, task)
	}
	files["echo.asl.json"] = echoWorkflow
	files["sundog.yaml"] = "name: misdeeds\nworkflows:\n  echo: { definition: echo.asl.json }\n" + workflows +
		"functions:\n  echo: { type: builtin, builtin: echo }\n" + sections["function"] + "jobs:\n" + sections["job"] +
		"subscriptions:\n  - { name: events, topic: workflow-event, file: events.ndjson }\n"
	return files
}

// TestMisbehavingTasks runs tasks that hang, die, print garbage or far too much, or leave processes behind. Each costs its own
// payload and nothing else, leaves nothing behind, and the server stays as it was.
func TestMisbehavingTasks(t *testing.T) {
	mark := newMark()
	s := newServer(t, writeMisdeeds(mark))
	s.start()
	for name := range misdeeds {
		s.enqueue(payloadOf("i", fmt.Sprintf(`{"workflow":%q}`, name), ""))
	}
	s.drain(time.Minute)
	events := s.events()
	for name, m := range misdeeds {
		id := "c/workflow-" + name + "/i"
		var r api.Record
		s.mustGet(api.PathPayloads+"/"+id, &r)
		if r.State != m.state || len(r.Executions) != 1 {
			t.Errorf("%s: %s after %d executions: %s; want %s after one", name, r.State, len(r.Executions), r.LastError, m.state)
		}
		for _, part := range m.reason {
			if !strings.Contains(r.LastError, part) {
				t.Errorf("%s: last_error %.300q does not say %q", name, r.LastError, part)
			}
		}
		if got := types(events[id]); !strings.HasSuffix(got, " "+m.event) {
			t.Errorf("%s: events %s, want %s at the end", name, got, m.event)
		}
	}
	if dead := s.deadLetters(); len(dead) != 0 {
		t.Errorf("dead letters %v", dead)
	}
	s.enqueue(payloadOf("i", `{"workflow":"echo"}`, ""))
	s.drain(30 * time.Second)
	var r api.Record
	if s.mustGet(api.PathPayloads+"/c/workflow-echo/i", &r); r.State != "SUCCEEDED" {
		t.Errorf("after all that a payload ends %s: %s", r.State, r.LastError)
	}
	// A worker whose call was given up may still take the ten seconds that it has to come up.
	s.until(30*time.Second, "the processes of the tasks are gone", func() bool { return len(processes(t, mark)) == 0 })
	s.stop()
}

// TestTasksDieWithTheServer ends the server while tasks hang: their processes go with it. When it is killed these are the processes
// that it started; when it is stopped, their children too.
func TestTasksDieWithTheServer(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("only Linux has a death signal")
	}
	for _, c := range []struct {
		name    string
		hanging []string // one process each
		end     func(*server)
	}{
		{"killed", []string{"hangs-longer-than-the-state-may", "lambda-never-asks"}, (*server).kill},
		{"stopped", []string{"hangs-longer-than-the-state-may", "lambda-never-asks", "hangs-longer-than-the-workflow-may"}, (*server).stop},
	} {
		t.Run(c.name, func(t *testing.T) {
			mark := newMark()
			s := newServer(t, writeMisdeeds(mark))
			s.start()
			for _, name := range c.hanging {
				s.enqueue(payloadOf("i", fmt.Sprintf(`{"workflow":%q}`, name), ""))
			}
			s.until(20*time.Second, "the tasks run", func() bool { return len(processes(t, mark)) == len(c.hanging) })
			c.end(s)
			s.until(10*time.Second, "the processes of the tasks are gone", func() bool { return len(processes(t, mark)) == 0 })
		})
	}
}

// newMark is a number of seconds, longer than any test, by which the processes that sleep for it are found.
func newMark() string { return fmt.Sprintf("86399.%09d", rand.IntN(1e9)) }

// processes are those that bear a mark in their arguments. Those that have ended and are not collected bear none.
func processes(t *testing.T, mark string) []string {
	t.Helper()
	if runtime.GOOS != "linux" {
		return nil
	}
	paths, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err == nil && strings.Contains(string(text), mark) {
			found = append(found, path)
		}
	}
	return found
}
