package job_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"sundog/internal/embedded/job"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// memoryLogs keeps streams as they were written.
type memoryLogs struct {
	mu      sync.Mutex
	streams map[string]*bytes.Buffer
	closed  map[string]bool
}

type memoryWriter struct {
	logs *memoryLogs
	name string
}

func newLogs() *memoryLogs {
	return &memoryLogs{streams: make(map[string]*bytes.Buffer), closed: make(map[string]bool)}
}

func (l *memoryLogs) Writer(name string) io.WriteCloser {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.streams[name] = &bytes.Buffer{}
	return memoryWriter{l, name}
}

func (l *memoryLogs) get(name string) (string, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if b := l.streams[name]; b != nil {
		return b.String(), l.closed[name]
	}
	return "", false
}

func (w memoryWriter) Write(p []byte) (int, error) {
	w.logs.mu.Lock()
	defer w.logs.mu.Unlock()
	return w.logs.streams[w.name].Write(p)
}

func (w memoryWriter) Close() error {
	w.logs.mu.Lock()
	defer w.logs.mu.Unlock()
	w.logs.closed[w.name] = true
	return nil
}

func runner(t *testing.T, opts job.Options, specs ...job.Spec) *job.Runner {
	t.Helper()
	r, err := job.NewRunner(specs, opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
		defer cancel()
		if err := r.Close(ctx); err != nil {
			t.Error(err)
		}
	})
	return r
}

func shell(name, script string, args ...string) job.Spec {
	return job.Spec{Name: name, Command: append([]string{"/bin/sh", "-c", script, name}, args...)}
}

func TestSpecs(t *testing.T) {
	for _, c := range []struct {
		spec job.Spec
		want string
	}{
		{job.Spec{Name: "a/b", Command: []string{"x"}}, "a name is"},
		{job.Spec{Name: "a"}, "needs a command"},
		{job.Spec{Name: "a", Command: []string{"sh", "-c", "echo Ref::x"}}, "a reference is an argument of its own"},
		{job.Spec{Name: "a", Command: []string{"sh", "Ref::"}}, "a reference is an argument of its own"},
		{job.Spec{Name: "a", Command: []string{"x"}, Attempts: 11}, "11 attempts are out of range"},
		{job.Spec{Name: "a", Command: []string{"x"}, Timeout: -1}, "cannot be negative"},
		{shell("good", "true"), "declared twice"},
	} {
		_, err := job.NewRunner([]job.Spec{shell("good", "true"), c.spec}, job.Options{})
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v gives %v, want %q", c.spec, err, c.want)
		}
	}
}

// Parameters reach argv as they are, whatever a shell would make of them.
func TestParametersAreArguments(t *testing.T) {
	logs := newLogs()
	spec := shell("print", `for a in "$@"; do printf '[%s]' "$a"; done`, "Ref::one", "fixed", "Ref::two", "Ref::three")
	spec.Parameters = map[string]string{"two": "default", "three": "default"}
	r := runner(t, job.Options{Logs: logs}, spec)
	evil := `$(touch /tmp/x); "quoted" 'too' | & > < * Ref::two`
	for _, name := range []string{"print", "print:3", "arn:aws:batch:us-east-1:000000000000:job-definition/print:3"} {
		res, err := r.Run(context.Background(), job.Request{Job: name, Parameters: map[string]string{"one": evil, "three": "", "unused": "x"}})
		if err != nil {
			t.Fatal(err)
		}
		want := "[" + evil + "][fixed][default][]"
		if text, closed := logs.get(res.Container.LogStreamName); text != want || !closed {
			t.Errorf("got %s, want %s", text, want)
		}
	}
}

func TestResult(t *testing.T) {
	logs := newLogs()
	spec := shell("work", `echo "$GREETING $STAGE $AWS_BATCH_JOB_ID $AWS_BATCH_JOB_ATTEMPT ${SUNDOG_TOKEN-none}"; echo warning >&2`, "Ref::url")
	spec.Env = []string{"GREETING=hello", "SECRET=hidden"}
	spec.Attempts, spec.Timeout = 2, 90*time.Second
	t.Setenv("SUNDOG_TOKEN", "secret")
	r := runner(t, job.Options{Logs: logs, Env: []string{"STAGE=test"}, Account: "111111111111"}, spec)
	began := time.Now().UnixMilli()
	res, err := r.Run(context.Background(), job.Request{
		Job: "work", JobName: "this one", Queue: "a-queue", ID: "the-id",
		Parameters: map[string]string{"url": "s3://b/k"}, Environment: []job.Variable{{Name: "GREETING", Value: "hi"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(res)
	if err != nil {
		t.Fatal(err)
	}
	var got map[string]any
	if err := json.Unmarshal(text, &got); err != nil {
		t.Fatal(err)
	}
	for _, m := range []map[string]any{got, got["Attempts"].([]any)[0].(map[string]any)} {
		for _, key := range []string{"CreatedAt", "StartedAt", "StoppedAt"} {
			if at, ok := m[key].(float64); ok && (int64(at) < began || int64(at) > time.Now().UnixMilli()) {
				t.Errorf("%s is %v", key, at)
			} else if ok {
				m[key] = "a time"
			}
		}
	}
	var want map[string]any
	if err := json.Unmarshal([]byte(`{
		"Attempts": [{"Container": {"ExitCode": 0, "LogStreamName": "job/work/the-id/1"},
			"StartedAt": "a time", "StatusReason": "Essential container in task exited", "StoppedAt": "a time"}],
		"Container": {"Command": ["/bin/sh", "-c", `+strconv.Quote(spec.Command[2])+`, "work", "s3://b/k"],
			"Environment": [{"Name": "GREETING", "Value": "hi"}], "ExitCode": 0, "LogStreamName": "job/work/the-id/1"},
		"CreatedAt": "a time", "DependsOn": [],
		"JobArn": "arn:aws:batch:us-east-1:111111111111:job/the-id",
		"JobDefinition": "arn:aws:batch:us-east-1:111111111111:job-definition/work:1",
		"JobId": "the-id", "JobName": "this one", "JobQueue": "a-queue", "Parameters": {"url": "s3://b/k"},
		"RetryStrategy": {"Attempts": 2, "EvaluateOnExit": []}, "StartedAt": "a time", "Status": "SUCCEEDED",
		"StatusReason": "Essential container in task exited", "StoppedAt": "a time", "Timeout": {"AttemptDurationSeconds": 90}
	}`), &want); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if text, _ := logs.get("job/work/the-id/1"); text != "hi test the-id 1 none\nwarning\n" {
		t.Errorf("log is %q", text)
	}
}

func TestFailures(t *testing.T) {
	logs := newLogs()
	count := filepath.Join(t.TempDir(), "count")
	flaky := shell("flaky", `echo x >>"$1"; echo "try $AWS_BATCH_JOB_ATTEMPT"; [ "$(wc -l <"$1")" -ge 3 ]`, "Ref::count")
	flaky.Attempts = 5
	stubborn := shell("stubborn", `echo "attempt $AWS_BATCH_JOB_ATTEMPT"; echo 'my.Error: no luck' >&2; exit 7`)
	stubborn.Attempts = 3
	hang := shell("hang", "echo begun; sleep 600 & wait")
	hang.Attempts, hang.Timeout = 3, 200*time.Millisecond
	family := shell("family", "sleep 600 & echo $!")
	r := runner(t, job.Options{Logs: logs}, flaky, stubborn, hang, family,
		shell("signal", "kill -9 $$"), shell("flood", "head -c 52428800 /dev/zero"), shell("needs", "true", "Ref::url"),
		job.Spec{Name: "missing", Command: []string{"/no/such/program"}, Attempts: 2})

	run := func(name string, parameters map[string]string) (job.Result, error) {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		return r.Run(ctx, job.Request{Job: name, ID: "id-" + name, Parameters: parameters})
	}
	for _, c := range []struct {
		name     string
		attempts int
		exit     int
		status   string
		reason   string
		cause    string // of the container
		log      string // of the last attempt
	}{
		{"flaky", 3, 0, "SUCCEEDED", job.ReasonExited, "", "try 3\n"},
		{"stubborn", 3, 7, "FAILED", job.ReasonExited, "", "attempt 3\nmy.Error: no luck\n"},
		{"hang", 1, 143, "FAILED", job.ReasonTimeout, "signal: terminated", "begun\n"},
		{"signal", 1, 137, "FAILED", job.ReasonExited, "signal: killed", ""},
		{"family", 1, 0, "SUCCEEDED", job.ReasonExited, "", ""},
		{"flood", 1, 0, "SUCCEEDED", job.ReasonExited, "", ""},
		{"missing", 2, -1, "FAILED", job.ReasonNoStart, "CannotStartContainerError: subprocess: starting /no/such/program", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			res, err := run(c.name, map[string]string{"count": count})
			if len(res.Attempts) != c.attempts || res.Status != c.status || res.StatusReason != c.reason || !strings.HasPrefix(res.Container.Reason, c.cause) {
				t.Errorf("got %+v", res)
			}
			if exit := res.Container.ExitCode; c.exit < 0 && exit != nil || c.exit >= 0 && (exit == nil || *exit != c.exit) {
				t.Errorf("exit code is %v, want %d", exit, c.exit)
			}
			stream := fmt.Sprintf("job/%s/id-%s/%d", c.name, c.name, c.attempts)
			text, closed := logs.get(stream)
			if ran := c.exit >= 0; ran != closed || ran && res.Container.LogStreamName != stream || !ran && res.Container.LogStreamName != "" {
				t.Errorf("log stream is %q (closed: %v)", res.Container.LogStreamName, closed)
			}
			if c.log != "" && text != c.log {
				t.Errorf("log is %q, want %q", text, c.log)
			}
			var failed *job.Error
			if c.status == "SUCCEEDED" {
				if err != nil {
					t.Error(err)
				}
			} else if !errors.As(err, &failed) || failed.Type != "States.TaskFailed" {
				t.Errorf("error is %v", err)
			} else {
				var cause job.Result
				if err := json.Unmarshal([]byte(failed.Cause), &cause); err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(res, cause); diff != "" {
					t.Error("the cause is not the result:", diff)
				}
			}
		})
	}
	text, _ := logs.get("job/family/id-family/1")
	pid, err := strconv.Atoi(strings.TrimSpace(text))
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, "what the job left behind is dead", func() bool { return !alive(pid) })

	for _, c := range []struct {
		req  job.Request
		want string
	}{
		{job.Request{Job: "nobody", ID: "x"}, "JobDefinition nobody not found (Service: AWSBatch; Status Code: 404; Error Code: ClientException; Request ID: x; Proxy: null)"},
		{job.Request{Job: "needs"}, `parameter "url" of the command has no value (Ref::url)`},
		{job.Request{Job: "needs", Parameters: map[string]string{"url": "a\x00b"}}, "zero byte"},
		{job.Request{Job: "needs", Command: []string{"sh", "-c", "echo Ref::url"}}, "a reference is an argument of its own"},
		{job.Request{Job: "needs", Attempts: 99, Command: []string{"true"}}, "99 attempts are out of range"},
	} {
		for _, start := range []func(context.Context, job.Request) (job.Result, error){r.Run, r.Submit} {
			_, err := start(context.Background(), c.req)
			var failed *job.Error
			if !errors.As(err, &failed) || failed.Type != "Batch.ClientException" || !strings.Contains(failed.Cause, c.want) {
				t.Errorf("%+v gives %v", c.req, err)
			}
		}
	}
}

func TestOverrides(t *testing.T) {
	spec := shell("work", "exit 1")
	r := runner(t, job.Options{}, spec)
	res, err := r.Run(context.Background(), job.Request{Job: "work", Attempts: 2, Timeout: 1500 * time.Millisecond})
	if err == nil || len(res.Attempts) != 2 || res.Timeout.AttemptDurationSeconds != 2 {
		t.Errorf("got %+v, %v", res, err)
	}
	res, err = r.Run(context.Background(), job.Request{Job: "work", Command: []string{"/bin/sh", "-c", "exit 0"}})
	if err != nil || res.Status != job.Succeeded {
		t.Errorf("got %+v, %v", res, err)
	}
}

func TestQueue(t *testing.T) {
	spec := shell("hang", "sleep 600")
	spec.Concurrency = 1
	r := runner(t, job.Options{MaxWaiting: 1}, spec)
	gone := errors.New("had enough")
	ctx, cancel := context.WithCancelCause(context.Background())
	results := make(chan error, 2)
	for range 2 { // one runs, one waits
		go func() {
			_, err := r.Run(ctx, job.Request{Job: "hang"})
			results <- err
		}()
	}
	eventually(t, "one runs, one waits", func() bool { s := r.Jobs()[0]; return s.Running == 1 && s.Waiting == 1 })
	for _, start := range []func(context.Context, job.Request) (job.Result, error){r.Run, r.Submit} {
		_, err := start(context.Background(), job.Request{Job: "hang"})
		var failed *job.Error
		if !errors.As(err, &failed) || failed.Type != "Batch.TooManyRequestsException" {
			t.Errorf("a third gives %v", err)
		}
	}
	cancel(gone)
	for range 2 {
		if err := <-results; !errors.Is(err, gone) {
			t.Errorf("got %v", err)
		}
	}
}

func TestSubmitRunsUntilClose(t *testing.T) {
	dir := t.TempDir()
	r, err := job.NewRunner([]job.Spec{shell("touch", `sleep 0.05; : >"$1"`, "Ref::file"), shell("hang", "sleep 600")}, job.Options{})
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "done")
	res, err := r.Submit(context.Background(), job.Request{Job: "touch", Parameters: map[string]string{"file": file}})
	if err != nil || res.Status != job.Submitted || res.JobID == "" || len(res.Attempts) != 0 {
		t.Fatalf("got %+v, %v", res, err)
	}
	if err := r.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(file); err != nil {
		t.Error("Close did not wait:", err)
	}
	if _, err := r.Submit(context.Background(), job.Request{Job: "hang"}); !errors.Is(err, job.ErrClosed) {
		t.Errorf("after Close: %v", err)
	}

	r, err = job.NewRunner([]job.Spec{shell("hang", "sleep 600")}, job.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.Submit(context.Background(), job.Request{Job: "hang"}); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := r.Close(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("Close gives %v", err)
	}
}

func alive(pid int) bool {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	return err == nil && !strings.Contains(string(stat), ") Z ")
}

// eventually polls across the process border.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !ok(); {
		if time.Now().After(deadline) {
			t.Fatalf("never: %s", what)
		}
		<-time.After(2 * time.Millisecond)
	}
}
