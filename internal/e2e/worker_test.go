package e2e

import (
	"encoding/json"
	"errors"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	platform "sundog/internal/aws"
	"sundog/internal/aws/queue"
)

// TestWorker has a process of its own do what functions do, until it is told to stop.
func TestWorker(t *testing.T) {
	d := deployFunctions(t)
	program, err := bootstrap()
	if err != nil {
		t.Fatal(err)
	}
	update := d.Queue(t, nil)
	var log output
	cmd := exec.CommandContext(t.Context(), program, "worker", "--role", "process,update-state")
	cmd.Env = append(slices.Clone(d.environ), platform.UpdateQueueURL+"="+update)
	cmd.Stdout, cmd.Stderr = &log, &log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if t.Failed() {
			t.Logf("%s", log.String())
		}
	}()
	send := func(url, body string) {
		t.Helper()
		if _, err := d.queues.SendMessage(t.Context(), &sqs.SendMessageInput{QueueUrl: &url, MessageBody: &body}); err != nil {
			t.Fatal(err)
		}
	}
	send(d.process, chained)
	for _, workflow := range []string{"first", "second"} {
		eventually(t, workflow+" starts", func() bool { return len(d.executions(workflow)) == 1 })
		arn := d.executions(workflow)[0]
		var x *sfn.DescribeExecutionOutput
		eventually(t, workflow+" ends", func() bool {
			if x, err = d.machines.DescribeExecution(t.Context(), &sfn.DescribeExecutionInput{ExecutionArn: &arn}); err != nil {
				t.Fatal(err)
			}
			return x.StopDate != nil
		})
		event := document(t, "status-change", "EXECUTION="+arn, "MACHINE="+*x.StateMachineArn, "NAME="+*x.Name, "STATUS="+string(x.Status),
			"INPUT="+quoted(*x.Input), "OUTPUT="+quoted(*x.Output))
		send(update, string(event))
		ids := map[string]string{"first": "c/workflow-first/a", "second": "c/workflow-second/a/b"}
		eventually(t, "the record of "+workflow+" has succeeded", func() bool { return d.state(ids[workflow]) == "SUCCEEDED" })
		send(update, string(event)) // once more
	}
	for _, url := range []string{d.process, update} {
		q := queue.New(d.queues, url, queue.Options{})
		eventually(t, "all messages are handled", func() bool {
			depth, err := q.Depth(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			return depth.Total() == 0
		})
	}
	if items := d.drain(d.items); len(items) != 4 {
		t.Errorf("%d Items were published", len(items))
	}
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	ended := cmd.Wait()
	if exit, ok := errors.AsType[*exec.ExitError](ended); ended != nil && (!ok || exit.ExitCode() != 143) {
		t.Errorf("the worker ends with %v", ended)
	}
	for _, want := range []string{`msg="worker ended" role=process done=2`, `msg="worker ended" role=update-state done=4`} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("the log does not say %s", want)
		}
	}
}

// TestWorkerSaysWhatIsMissing names all variables that are not set.
func TestWorkerSaysWhatIsMissing(t *testing.T) {
	program, err := bootstrap()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), program, "worker", "--role", "process,update-state")
	cmd.Env = []string{"AWS_REGION=us-east-1"}
	out, err := cmd.CombinedOutput()
	exit, ok := errors.AsType[*exec.ExitError](err)
	if !ok || exit.ExitCode() != 2 {
		t.Errorf("it ends with %v", err)
	}
	for _, name := range []string{platform.StateDB, platform.PayloadBucket, platform.BaseWorkflowARN, platform.ProcessQueueURL, platform.UpdateQueueURL} {
		if !strings.Contains(string(out), name+" is not set") {
			t.Errorf("%s is not named: %s", name, out)
		}
	}
}

// TestPackage makes the zip of the program that makes it, twice.
func TestPackage(t *testing.T) {
	program, err := bootstrap()
	if err != nil {
		t.Fatal(err)
	}
	var made []string
	for _, file := range []string{"a.zip", "b.zip"} {
		cmd := exec.CommandContext(t.Context(), program, "package", "-o", file)
		cmd.Dir = t.TempDir()
		out, err := cmd.Output()
		var zip struct {
			Bytes  int64
			SHA256 string
		}
		if err != nil || json.Unmarshal(out, &zip) != nil || zip.Bytes < 1<<20 {
			t.Fatalf("%s, %v", out, err)
		}
		t.Logf("the zip has %.1f MB", float64(zip.Bytes)/1e6)
		made = append(made, zip.SHA256)
	}
	if made[0] != made[1] {
		t.Errorf("two zips of one program: %v", made)
	}
}
