package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"sundog/internal/api"
	platform "sundog/internal/aws"
	"sundog/internal/aws/awstest"
	"sundog/internal/aws/operator"
	"sundog/internal/aws/parameter"
	"sundog/internal/aws/statedb"
	"sundog/internal/cli"
	"sundog/internal/client"
	"sundog/internal/deployment"
	"sundog/internal/pipeline"
	"sundog/internal/problem"
	"sundog/internal/queue"
)

// fleet is a deployment on stand-ins, which the command line finds in the parameter store. Its handlers are called by the test.
type fleet struct {
	t         *testing.T
	platform  *platform.Platform
	variables map[string]string
	dead      string // URL of the dead letters
}

// Workflows of a fleet.
const (
	passes = `{"StartAt":"A","States":{"A":{"Type":"Pass","End":true}}}`
	fails  = `{"StartAt":"A","States":{"A":{"Type":"Fail","Error":"Broken","Cause":"{\"errorMessage\": \"on purpose\"}"}}}`
	waits  = `{"StartAt":"A","States":{"A":{"Type":"Wait","Seconds":3600,"End":true}}}`
)

func newFleet(t *testing.T) *fleet {
	t.Helper()
	a := awstest.Start(t, awstest.Options{})
	f := &fleet{t: t}
	table := awstest.Name("state")
	if err := statedb.Create(t.Context(), dynamodb.NewFromConfig(a.Config()), table); err != nil {
		t.Fatal(err)
	}
	process, dead := a.QueueWithDeadLetters(t, 30*time.Second, 3)
	f.dead = dead
	for name, definition := range map[string]string{"dev-ok": passes, "dev-bad": fails, "dev-slow": waits, "other": passes} {
		a.StateMachine(t, name, definition)
	}
	f.variables = map[string]string{
		platform.StateDB: table, platform.PayloadBucket: a.Bucket(t), platform.ProcessQueueURL: process, platform.Prefix: "dev-",
		platform.BaseWorkflowARN: "arn:aws:states:" + awstest.Region + ":" + awstest.Account + ":stateMachine:dev-", regionVariable: awstest.Region,
	}
	parameters := map[string]string{parameter.Pointers + "dev": `{"type": "parameter_store", "value": "/deployment/dev/"}`}
	for name, value := range f.variables {
		parameters["/deployment/dev/"+name] = value
	}
	parameters["/deployment/dev/CIRRUS_SECRET"] = "secret:42"
	for _, pair := range a.Environ() {
		name, value, _ := strings.Cut(pair, "=")
		t.Setenv(name, value)
	}
	t.Setenv("AWS_ENDPOINT_URL_SSM", awstest.Parameters(t, parameters))
	functions := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { // ListFunctions and Invoke of Lambda's API
		if r.Method == http.MethodPost {
			_, _ = io.Copy(w, r.Body)
			return
		}
		_, _ = io.WriteString(w, `{"Functions":[{"FunctionName":"dev-echo","FunctionArn":"arn:aws:lambda:us-east-1:000000000000:function:dev-echo"},{"FunctionName":"other"}]}`)
	}))
	t.Cleanup(functions.Close)
	t.Setenv("AWS_ENDPOINT_URL_LAMBDA", functions.URL)
	t.Setenv(deployment.FileVariable, filepath.Join(t.TempDir(), "deployments.yaml"))
	env, err := platform.ReadEnvironment(func(name string) string { return f.variables[name] })
	if err != nil {
		t.Fatal(err)
	}
	f.platform = platform.Open(platform.Options{Config: a.Config(), Environment: env})
	t.Cleanup(f.platform.Close)
	return f
}

// result is what came of a command.
type result struct {
	code     int
	out, err string
}

// sundog runs a command on the input.
func sundog(t *testing.T, input string, args ...string) result {
	t.Helper()
	var out, errs bytes.Buffer
	code := cli.Run(t.Context(), args, cli.Streams{In: strings.NewReader(input), Out: &out, Err: &errs}, wire())
	return result{code, out.String(), errs.String()}
}

// manage runs a command on the deployment, which has to go well.
func (f *fleet) manage(input string, args ...string) string {
	f.t.Helper()
	r := sundog(f.t, input, append([]string{"manage", "dev"}, args...)...)
	if r.code != 0 {
		f.t.Fatalf("%v ended with %d: %s", args, r.code, r.err)
	}
	return r.out
}

// refused runs a command that has to end with a code and say something.
func (f *fleet) refused(code int, said string, args ...string) {
	f.t.Helper()
	r := sundog(f.t, "{}", append([]string{"manage", "dev"}, args...)...)
	if r.code != code || !strings.Contains(r.err, said) {
		f.t.Errorf("%v ended with %d: %s; want %d: %s", args, r.code, r.err, code, said)
	}
}

// work processes what is in the queue and applies the ends of its executions, as the handlers do.
func (f *fleet) work() {
	f.t.Helper()
	ctx, cancel := context.WithTimeout(f.t.Context(), 20*time.Second)
	defer cancel()
	processor, err := f.platform.Processor()
	if err != nil {
		f.t.Fatal(err)
	}
	q := f.platform.Queue(f.variables[platform.ProcessQueueURL])
	for {
		messages, err := q.Receive(ctx, queue.Request{Max: 10})
		if err != nil {
			f.t.Fatal(err)
		}
		if len(messages) == 0 {
			break
		}
		for i, outcome := range processor.Handle(ctx, messages) {
			if outcome.Verdict != pipeline.Done {
				f.t.Errorf("%+v", outcome)
			}
			if err := q.Delete(ctx, messages[i].Receipt); err != nil {
				f.t.Fatal(err)
			}
		}
	}
	f.complete(ctx)
}

// complete applies the ends of all executions that records wait for, but those of the workflow slow.
func (f *fleet) complete(ctx context.Context) {
	f.t.Helper()
	updater, err := f.platform.Updater()
	if err != nil {
		f.t.Fatal(err)
	}
	for line := range strings.Lines(f.manage("", "query", "--state", "PROCESSING", "--output", "json")) {
		var r struct {
			PayloadID  string   `json:"payload_id"`
			Workflow   string   `json:"workflow"`
			Executions []string `json:"executions"`
		}
		if err := json.Unmarshal([]byte(line), &r); err != nil {
			f.t.Fatalf("%s: %v", line, err)
		}
		if r.Workflow == "slow" {
			continue
		}
		arn := r.Executions[len(r.Executions)-1]
		x, err := f.platform.Executor().Describe(ctx, arn)
		for ; err == nil && x.Status == "RUNNING"; x, err = f.platform.Executor().Describe(ctx, arn) {
		}
		if err != nil {
			f.t.Fatal(err)
		}
		c := pipeline.Completion{Execution: arn, Status: x.Status, Error: x.Error, Cause: x.Cause, PayloadID: r.PayloadID, Redrives: x.Redrives}
		if _, err := updater.Handle(ctx, c); err != nil {
			f.t.Fatal(err)
		}
	}
}

func payloadOf(workflow, id string) string {
	return fmt.Sprintf(`{"type":"FeatureCollection","id":"c/workflow-%[1]s/%[2]s","features":[],"process":[{"workflow":%[1]q,"tasks":{}}]}`, workflow, id)
}

// eventually asks again and again, for a while.
func eventually(t *testing.T, ask func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !ask(); {
		if time.Now().After(deadline) {
			t.Fatal("it does not come")
		}
	}
}

func mustHold(t *testing.T, text string, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if !strings.Contains(text, part) {
			t.Errorf("%q is not in %s", part, text)
		}
	}
}

// TestManage runs the commands on a deployment on AWS.
func TestManage(t *testing.T) {
	f := newFleet(t)
	mustHold(t, f.manage(payloadOf("ok", "1")+"\n"+payloadOf("bad", "1"), "process"), "c/workflow-ok/1", "c/workflow-bad/1")
	mustHold(t, f.manage("", "queue", "show", "process"), `"ready":2`)
	f.work()
	mustHold(t, f.manage("", "get-state", "c/workflow-ok/1"), `"SUCCEEDED"`)
	mustHold(t, f.manage("", "get-state", "c/workflow-bad/1"), `"FAILED"`, "Broken: on purpose")
	mustHold(t, f.manage("", "get-input-payload", "c/workflow-bad/1"), `"c/workflow-bad/1"`)
	mustHold(t, f.manage("", "get-output-payload", "c/workflow-ok/1"), `"c/workflow-ok/1"`)
	mustHold(t, f.manage("", "query", "--collections-workflow", "c_bad", "--state", "FAILED", "--since", "1 d"), "c/workflow-bad/1")
	mustHold(t, f.manage("", "get-payloads", "--collections-workflow", "c_bad", "--rerun"), `"replace":true`)
	mustHold(t, f.manage("", "get-execution", "--payload-id", "c/workflow-bad/1"), "Broken", `"workflow":"bad"`)
	mustHold(t, f.manage("", "get-execution-input", "c/workflow-ok/1"), "FeatureCollection")
	mustHold(t, f.manage("", "get-execution-output", "c/workflow-ok/1"), "FeatureCollection")
	mustHold(t, f.manage("", "get-execution-events", "c/workflow-bad/1"), "ExecutionStarted", "ExecutionFailed")
	mustHold(t, f.manage("", "get-workflow-definition", "slow"), "3600")
	mustHold(t, f.manage("", "workflows"), "stateMachine:dev-bad", "stateMachine:dev-ok")
	if strings.Contains(f.manage("", "workflows"), "stateMachine:other") {
		t.Error("a state machine of others is listed")
	}
	mustHold(t, f.manage("", "stats"), `"count":1`)
	mustHold(t, f.manage("", "errors"), `"Broken"`)
	mustHold(t, f.manage("", "executions", "bad"), "FAILED")
	mustHold(t, f.manage("$CIRRUS_PREFIX$x", "template-payload", "--var", "x=1"), "dev-1")
	mustHold(t, f.manage("", "exec", "sh", "-c", `echo "$CIRRUS_STATE_DB $AWS_ACCESS_KEY_ID $AWS_REGION $CIRRUS_SECRET"`), f.variables[platform.StateDB]+" sundog "+awstest.Region+" 42")
	mustHold(t, f.manage("", "show"), `"CIRRUS_SECRET":"(encrypted in the parameter store)"`, `"CIRRUS_PREFIX":"dev-"`, `"name":"process"`)
	mustHold(t, f.manage("", "list-lambdas"), `"name":"echo"`)
	mustHold(t, f.manage(`{"a":1}`, "invoke-lambda", "echo"), `{"a":1}`)
	mustHold(t, f.manage("", "health"), `"status":"ok"`, `"project":"dev"`)
	mustHold(t, f.manage("", "migrate", "--dry-run"), `"records":2`)
	mustHold(t, f.manage("", "reconcile", "--dry-run"), `"records":0`)
}

// TestManageLargePayload sends a payload that no queue takes: a reference goes instead, also when it runs again.
func TestManageLargePayload(t *testing.T) {
	f := newFleet(t)
	large := strings.Replace(payloadOf("bad", "1"), `"features"`, fmt.Sprintf(`"note":%q,"features"`, strings.Repeat("x", 300<<10)), 1)
	f.manage(large, "process")
	f.work()
	mustHold(t, f.manage("", "get-state", "c/workflow-bad/1"), "FAILED")
	mustHold(t, f.manage("", "rerun", "--workflow", "bad", "--yes"), `"sent":1`)
	f.work()
	if state := f.manage("", "get-state", "c/workflow-bad/1"); strings.Count(state, ":execution:dev-bad:") != 2 {
		t.Errorf("%s", state)
	}
	if input := f.manage("", "get-input-payload", "c/workflow-bad/1"); len(input) < 300<<10 {
		t.Errorf("%.200s", input)
	}
}

// TestManageRunWorkflow waits for a workflow while handlers work: the exit code says how it went.
func TestManageRunWorkflow(t *testing.T) {
	f := newFleet(t)
	for workflow, code := range map[string]int{"ok": 0, "bad": problem.ExitFailed, "slow": problem.ExitTimedOut} {
		ended := make(chan result, 1)
		go func() {
			ended <- sundog(t, payloadOf(workflow, "1"), "manage", "dev", "run-workflow", "--timeout", "3s", "--poll-interval", "50ms")
		}()
		for waiting := true; waiting; {
			f.work()
			select {
			case r := <-ended:
				waiting = false
				if r.code != code {
					t.Errorf("%s ended with %d: %s", workflow, r.code, r.err)
				}
			default:
			}
		}
	}
}

// TestManageJobs runs payloads again in bulk, and lets executions go on.
func TestManageJobs(t *testing.T) {
	f := newFleet(t)
	var all strings.Builder
	for i := range 25 {
		all.WriteString(payloadOf("bad", fmt.Sprint(i)) + "\n")
	}
	f.manage(all.String(), "process")
	f.work()
	mustHold(t, f.manage("", "rerun", "--collections-workflow", "c_bad", "--state", "FAILED"), `"records":25`, `"exact":true`)
	mustHold(t, f.manage("", "rerun", "--collections-workflow", "c_bad", "--state", "FAILED", "--limit", "20", "--yes", "--patch", `{"x":1}`), `"state":"DONE"`, `"sent":20`)
	mustHold(t, f.manage("", "queue", "show", "process"), `"ready":20`)
	f.work()
	jobs := f.manage("", "jobs", "list")
	mustHold(t, jobs, `"sent":20`)
	var job struct{ ID string }
	if err := json.Unmarshal([]byte(jobs), &job); err != nil {
		t.Fatal(err)
	}
	mustHold(t, f.manage("", "jobs", "show", job.ID), `"DONE"`)
	mustHold(t, f.manage("", "jobs", "wait", job.ID), `"DONE"`)
	f.refused(4, "is DONE", "jobs", "pause", job.ID)
	f.refused(3, "no such job", "jobs", "show", "nope")
	f.refused(2, "aws scheduler list-schedules", "schedule", "list")
	f.refused(2, "aws pipes list-pipes", "triggers", "list")
	f.refused(2, "queues on AWS have none", "rerun", "--all", "--lane", "bulk", "--yes")

	mustHold(t, f.manage("", "rerun", "--collections-workflow", "c_bad", "--from", "failed", "--limit", "3", "--yes"), `"sent":3`)
	mustHold(t, f.manage("", "query", "--collections-workflow", "c_bad", "--state", "PROCESSING"), "c/workflow-bad/")
	f.complete(t.Context())
	if left := f.manage("", "query", "--collections-workflow", "c_bad", "--state", "PROCESSING"); left != "" {
		t.Errorf("still PROCESSING: %s", left)
	}
}

// TestManageInterrupted interrupts who carries a job out: whoever waits for it next goes on.
func TestManageInterrupted(t *testing.T) {
	f := newFleet(t)
	var all strings.Builder
	for i := range 12 {
		all.WriteString(payloadOf("bad", strconv.Itoa(i)) + "\n")
	}
	f.manage(all.String(), "process")
	f.work()
	ctx, interrupt := context.WithCancelCause(t.Context())
	var out, complaints bytes.Buffer
	code := make(chan int, 1)
	go func() {
		args := []string{"manage", "dev", "rerun", "--collections-workflow", "c_bad", "--rate", "5", "--yes"}
		code <- cli.Run(ctx, args, cli.Streams{In: strings.NewReader(""), Out: &out, Err: &complaints}, wire())
	}()
	var job struct {
		ID   string
		Sent int
	}
	eventually(t, func() bool {
		jobs := f.manage("", "jobs", "list")
		if err := json.Unmarshal([]byte(jobs), &job); jobs != "" && err != nil {
			t.Fatal(err)
		}
		return job.Sent > 0
	})
	interrupt(cli.Signal{Signal: os.Interrupt})
	if got := <-code; got != problem.ExitInterrupted || !strings.Contains(complaints.String(), "manage dev jobs wait "+job.ID) {
		t.Errorf("it ended with %d: %s%s", got, out.String(), complaints.String())
	}
	mustHold(t, f.manage("", "jobs", "show", job.ID), `"RUNNING"`)
	mustHold(t, f.manage("", "jobs", "wait", job.ID), `"DONE"`, `"sent":12`)
	f.work()
	if ran := f.manage("", "query", "--collections-workflow", "c_bad", "--state", "FAILED"); strings.Count(ran, ":execution:") != 24 {
		t.Errorf("not each payload ran twice: %s", ran)
	}
}

// TestManageReconcile settles records whose executions have ended without anybody hearing of it.
func TestManageReconcile(t *testing.T) {
	f := newFleet(t)
	f.manage(payloadOf("bad", "1")+"\n"+payloadOf("slow", "1"), "process")
	processor, err := f.platform.Processor()
	if err != nil {
		t.Fatal(err)
	}
	messages, err := f.platform.Queue(f.variables[platform.ProcessQueueURL]).Receive(t.Context(), queue.Request{Max: 10})
	if err != nil || len(messages) != 2 {
		t.Fatalf("%v, %v", messages, err)
	}
	processor.Handle(t.Context(), messages)
	mustHold(t, f.manage("", "reconcile"), `"records":0`) // it is too early to say that nobody works on them
	eventually(t, func() bool { return strings.Contains(f.manage("", "executions", "bad"), "FAILED") })
	later, err := operator.New(operator.Options{Platform: f.platform, Name: "dev", Actor: "ann", Now: func() time.Time { return time.Now().Add(time.Hour) }})
	if err != nil {
		t.Fatal(err)
	}
	found, err := client.NewLocal(later, "dev").Reconcile(t.Context(), api.Reconcile{})
	if err != nil || found.Records != 2 || found.Running != 1 || len(found.Findings) != 1 || found.Findings[0].Problem != "ended" || found.Findings[0].Settlement != "settled" {
		t.Errorf("%+v, %v", found, err)
	}
	mustHold(t, f.manage("", "get-state", "c/workflow-bad/1"), "FAILED", "Broken: on purpose")
	mustHold(t, f.manage("", "get-state", "c/workflow-slow/1"), "PROCESSING")
}

// TestManageExecutions starts, stops and redrives executions, and settles what nobody works on.
func TestManageExecutions(t *testing.T) {
	f := newFleet(t)
	f.manage(payloadOf("slow", "1")+"\n"+payloadOf("bad", "1"), "process")
	f.work()
	f.refused(4, "holds the record", "delete", "c/workflow-slow/1", "--reason", "test")
	mustHold(t, f.manage("", "stop", "c/workflow-slow/1", "--error", "Enough", "--cause", "it is late"), `"ABORTED"`)
	f.refused(4, "has ended", "stop", "c/workflow-slow/1")
	mustHold(t, f.manage("", "redrive", "c/workflow-bad/1"), `"redrive_count":1`)
	mustHold(t, f.manage("", "get-state", "c/workflow-bad/1"), "PROCESSING")
	f.complete(t.Context())
	mustHold(t, f.manage("", "get-state", "c/workflow-bad/1"), "FAILED")
	mustHold(t, f.manage("{}", "start-execution", "ok", "--wait"), "{}")
	f.refused(2, "dev-none", "start-execution", "none")
	f.refused(3, "no such execution: states has no such resource for DescribeExecution", "get-execution", "arn:aws:states:us-east-1:000000000000:execution:dev-ok:none")
	f.refused(3, "no such state machine: states has no such resource", "get-workflow-definition", "none")
	mustHold(t, f.manage("", "delete", "c/workflow-bad/1", "--reason", "test"), "c/workflow-bad/1")
	f.refused(3, "no such record", "get-state", "c/workflow-bad/1")
}

// TestManageDeadLetters looks at messages that could not be handled.
func TestManageDeadLetters(t *testing.T) {
	f := newFleet(t)
	q := f.platform.Queue(f.dead)
	if _, err := q.Send(t.Context(), queue.Draft{Body: []byte("no payload")}, queue.Draft{Body: []byte(payloadOf("ok", "2"))}); err != nil {
		t.Fatal(err)
	}
	letters := f.manage("", "dead-letters", "list", "process")
	mustHold(t, letters, "no payload", "c/workflow-ok/2")
	for line := range strings.Lines(letters) {
		var m struct{ ID, Body string }
		if err := json.Unmarshal([]byte(line), &m); err != nil {
			t.Fatal(err)
		}
		if m.Body == "no payload" {
			mustHold(t, f.manage("", "dead-letters", "show", "process", m.ID), "no payload")
			f.manage("", "dead-letters", "delete", "process", m.ID)
		}
	}
	mustHold(t, f.manage("", "dead-letters", "redrive", "process", "--all"), `"count":1`)
	f.work()
	mustHold(t, f.manage("", "get-state", "c/workflow-ok/2"), "SUCCEEDED")
	f.refused(3, "no such queue", "queue", "show", "other")
}

// TestManageRefused is what there is not on AWS, and what is wrong with a deployment.
func TestManageRefused(t *testing.T) {
	f := newFleet(t)
	for _, args := range [][]string{{"tokens", "list"}, {"audit"}, {"backup", "/tmp/x"}, {"triggers", "list"}, {"tables", "list"}, {"schedule", "list"}} {
		f.refused(2, "a deployment on AWS has no", args...)
	}
	f.refused(2, "queues on AWS have none", "process", "--lane", "bulk")
	if r := sundog(t, "", "manage", "gone", "stats"); r.code != 3 || !strings.Contains(r.err, `there is no deployment of this name: "gone"`) || !strings.Contains(r.err, "/cirrus/deployments/gone") {
		t.Errorf("%+v", r)
	}
	if r := sundog(t, "", "list-deployments"); r.code != 0 || !strings.Contains(r.out, `"name":"dev"`) {
		t.Errorf("%+v", r)
	}
	if r := sundog(t, "", "deployments", "add", "mine", "--aws", "--name", "dev", "--region", "us-east-1"); r.code != 0 {
		t.Errorf("%+v", r)
	}
	if r := sundog(t, "", "manage", "mine", "stats"); r.code != 0 {
		t.Errorf("%+v", r)
	}
	if r := sundog(t, "", "deployments", "add", "x", "--server", "http://x", "--profile", "p"); r.code != 2 {
		t.Errorf("%+v", r)
	}
	if r := sundog(t, "", "--profile", "nobody", "manage", "dev", "stats"); r.code != 2 || !strings.Contains(r.err, `there is no AWS profile "nobody"`) {
		t.Errorf("%+v", r)
	}
	if r := sundog(t, "", "manage", "dev", "--iam-arn", "arn:aws:iam::123456789012:role/none", "stats"); r.code == 0 || !strings.Contains(r.err, "cannot be assumed") {
		t.Errorf("%+v", r)
	}
	t.Setenv("AWS_ENDPOINT_URL_SSM", awstest.Parameters(t, map[string]string{
		parameter.Pointers + "dev": `{"type": "parameter_store", "value": "/x/"}`, "/x/CIRRUS_STATE_DB": "a table", "/x/CIRRUS_PREFIX": "p-",
	}))
	f.refused(2, `CIRRUS_STATE_DB cannot be "a table"`, "stats")
	f.refused(2, "CIRRUS_PAYLOAD_BUCKET is not set", "stats")
}
