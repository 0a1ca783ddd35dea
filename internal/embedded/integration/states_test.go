package integration_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/tidwall/gjson"

	"sundog/asl"
	"sundog/internal/embedded/activity"
	"sundog/internal/embedded/engine"
	"sundog/internal/embedded/function"
	"sundog/internal/embedded/integration"
	"sundog/internal/embedded/store"
)

// A platform is an engine with its integrations on a store that outlives it.
type platform struct {
	*engine.Engine
	t          *testing.T
	fs         vfs.FS
	sent       chan []byte // what the function `send` was called with
	activities *activity.Activities
	close      func()
}

const account = "arn:aws:states:us-east-1:000000000000:"

// open opens the platform; what Close leaves in fs the next one finds.
func open(t *testing.T, fs vfs.FS) *platform {
	t.Helper()
	p := &platform{t: t, fs: fs, sent: make(chan []byte, 100)}
	st, err := store.Open("data", store.Options{FS: fs})
	if err != nil {
		t.Fatal(err)
	}
	functions, err := function.NewHost([]function.Spec{
		{Name: "send", Kind: function.Builtin, Builtin: func(_ context.Context, event []byte) ([]byte, error) {
			p.sent <- event
			return []byte(`"sent"`), nil
		}},
	}, function.Options{})
	if err != nil {
		t.Fatal(err)
	}
	p.activities = activity.New(activity.Options{Store: st, Region: "us-east-1", Account: "000000000000"})
	runner := &integration.Runner{Functions: functions, Activities: p.activities}
	if p.Engine, err = engine.New(engine.Options{Store: st, Runner: runner, Region: "us-east-1", Account: "000000000000"}); err != nil {
		t.Fatal(err)
	}
	runner.Executions = p.Engine
	p.activities.SetTakers(p.Engine)
	for name, definition := range definitions {
		if err := p.Register(t.Context(), name, "STANDARD", []byte(definition)); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- p.Run(ctx) }()
	p.close = func() {
		cancel()
		if err := errors.Join(<-done, functions.Close(context.Background()), st.Close()); err != nil {
			t.Error(err)
		}
	}
	return p
}

func single(fields string) string {
	return `{"StartAt":"A","States":{"A":{"Type":"Task","End":true,` + fields + `}}}`
}

func nested(resource string) string {
	return single(`"Resource":"arn:aws:states:::states:` + resource + `","Parameters":{"StateMachineArn.$":"$.machine","Input":{"n":1.0}}`)
}

var definitions = map[string]string{
	"callback": single(`"Resource":"arn:aws:states:::lambda:invoke.waitForTaskToken","HeartbeatSeconds":60,"TimeoutSeconds":300,
		"Parameters":{"FunctionName":"send","Payload":{"token.$":"$$.Task.Token"}}`),
	"activity": single(`"Resource":"` + account + `activity:work","TimeoutSeconds":60`),
	"nothing":  single(`"Resource":"` + account + `activity:nothing"`),
	"start":    nested("startExecution"),
	"sync":     nested("startExecution.sync"),
	"sync2":    nested("startExecution.sync:2"),
	"pass":     `{"StartAt":"A","States":{"A":{"Type":"Pass","Result":{"done":true},"End":true}}}`,
	"fail":     `{"StartAt":"A","States":{"A":{"Type":"Fail","Error":"Broken","Cause":"on purpose"}}}`,
	"wait":     `{"StartAt":"A","States":{"A":{"Type":"Wait","Seconds":100,"Next":"B"},"B":{"Type":"Pass","End":true}}}`,
	"sdk":      single(`"Resource":"arn:aws:states:::aws-sdk:sfn:sendTaskSuccess","Parameters":{"TaskToken.$":"$.token","Output.$":"$.output"}`),
}

func (p *platform) begin(machine, input string) string {
	p.t.Helper()
	d, err := p.Start(p.t.Context(), engine.StartRequest{Machine: machine, Name: "x", Input: []byte(input)})
	if err != nil {
		p.t.Fatal(err)
	}
	return d.ARN
}

// end waits for the end of an execution and returns its output, or error and cause.
func (p *platform) end(arn string) string {
	p.t.Helper()
	d, _, output, err := p.Wait(p.t.Context(), arn)
	if err != nil {
		p.t.Fatal(err)
	}
	if d.Status == asl.Succeeded {
		return string(output)
	}
	return fmt.Sprintf("%s %s %s", d.Status, d.Error, d.Cause)
}

// types are the types of the history's events.
func (p *platform) types(arn string) string {
	p.t.Helper()
	events, _, err := p.History(p.t.Context(), arn, engine.Page{Limit: 1000})
	if err != nil {
		p.t.Fatal(err)
	}
	var types []string
	for _, e := range events {
		types = append(types, strings.TrimPrefix(e.Type, "Execution"))
	}
	return strings.Join(types, " ")
}

func token(event []byte) string { return gjson.GetBytes(event, "token").String() }

// TestCallback lets an execution wait for its token through restarts; the request is made once.
func TestCallback(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fs := vfs.NewMem()
		p := open(t, fs)
		arn := p.begin("callback", `{}`)
		sent := token(<-p.sent)
		synctest.Wait()
		p.close()

		p = open(t, fs)
		synctest.Wait()
		if len(p.sent) > 0 {
			t.Error("what was submitted is submitted again after a restart")
		}
		<-time.After(50 * time.Second)
		if err := p.SendTaskHeartbeat(t.Context(), sent); err != nil {
			t.Fatal(err)
		}
		<-time.After(50 * time.Second)
		other := sent[:len(sent)-1] + string(sent[len(sent)-1]^1) // another last bit of what cannot be guessed
		for text, want := range map[string]error{"": engine.ErrInvalidTaskToken, "NoSuchToken": engine.ErrInvalidTaskToken, other: engine.ErrInvalidTaskToken, sent + "A": engine.ErrInvalidTaskToken} {
			if err := p.SendTaskSuccess(t.Context(), text, []byte(`1`)); !errors.Is(err, want) {
				t.Errorf("token %q gives %v", text, err)
			}
		}
		if err := p.SendTaskSuccess(t.Context(), sent, []byte(`{`)); !errors.Is(err, engine.ErrInvalidOutput) {
			t.Errorf("an output that is no JSON gives %v", err)
		}
		if err := p.SendTaskSuccess(t.Context(), sent, []byte(`{"a": 1.0}`)); err != nil {
			t.Fatal(err)
		}
		if got := p.end(arn); got != `{"a": 1.0}` {
			t.Error(got)
		}
		if err := p.SendTaskSuccess(t.Context(), sent, []byte(`1`)); !errors.Is(err, engine.ErrTaskOver) {
			t.Errorf("a second answer gives %v", err)
		}
		if got := p.types(arn); got != "Started TaskStateEntered TaskScheduled TaskStarted TaskSubmitted TaskSucceeded TaskStateExited Succeeded" {
			t.Error(got)
		}
		p.close()
	})
}

func TestCallbackFailsAndTimesOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := open(t, vfs.NewMem())
		defer p.close()
		arn := p.begin("callback", `{}`)
		sent := token(<-p.sent)
		if err := p.SendTaskFailure(t.Context(), sent, "Tired", "of waiting"); err != nil {
			t.Fatal(err)
		}
		if got := p.end(arn); got != "FAILED Tired of waiting" {
			t.Error(got)
		}
		d, err := p.Start(t.Context(), engine.StartRequest{Machine: "callback", Name: "y", Input: []byte(`{}`)})
		if err != nil {
			t.Fatal(err)
		}
		sent = token(<-p.sent)
		if got := p.end(d.ARN); got != "FAILED States.Timeout " { // no heartbeat for a minute
			t.Error(got)
		}
		if err := p.SendTaskHeartbeat(t.Context(), sent); !errors.Is(err, engine.ErrTaskOver) {
			t.Errorf("a late heartbeat gives %v", err)
		}
	})
}

// TestActivity hands tasks to workers: each to one, through a restart, and not again once it was handed out.
func TestActivity(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fs := vfs.NewMem()
		p := open(t, fs)
		if _, err := p.activities.Poll(t.Context(), account+"activity:work", "w"); !errors.Is(err, activity.ErrNotFound) {
			t.Errorf("asking for the work of no activity gives %v", err)
		}
		if got := p.end(p.begin("nothing", `{}`)); !strings.HasPrefix(got, "FAILED States.Runtime The activity") {
			t.Error(got)
		}
		if got := p.types(account + "execution:nothing:x"); got != "Started TaskStateEntered ActivityScheduled ActivityScheduleFailed Failed" {
			t.Error(got)
		}
		if _, err := p.activities.Create(t.Context(), "work", nil); err != nil {
			t.Fatal(err)
		}
		if got, err := p.activities.Poll(t.Context(), "work", "w"); err != nil || got.Token != "" { // a minute later
			t.Errorf("%+v, %v", got, err)
		}
		first := p.begin("activity", `{"n": 1}`)
		synctest.Wait()
		p.close()

		p = open(t, fs)
		got, err := p.activities.Poll(t.Context(), account+"activity:work", "worker-1")
		if err != nil || string(got.Input) != `{"n": 1}` {
			t.Fatalf("%+v, %v", got, err)
		}
		p.close()

		p = open(t, fs)
		defer p.close()
		polled := make(chan activity.Assignment, 1)
		go func() {
			next, err := p.activities.Poll(context.Background(), "work", "worker-2")
			if err != nil {
				t.Error(err)
			}
			polled <- next
		}()
		if err := p.SendTaskSuccess(t.Context(), got.Token, []byte(`"done"`)); err != nil {
			t.Fatal(err)
		}
		if got := p.end(first); got != `"done"` {
			t.Error(got)
		}
		if got := p.types(first); got != "Started TaskStateEntered ActivityScheduled ActivityStarted ActivitySucceeded TaskStateExited Succeeded" {
			t.Error(got)
		}
		if next := <-polled; next.Token != "" {
			t.Errorf("a second worker got %s", next.Input)
		}
		d, err := p.Start(t.Context(), engine.StartRequest{Machine: "activity", Name: "late", Input: []byte(`{}`)})
		if err != nil {
			t.Fatal(err)
		}
		if got := p.end(d.ARN); got != "FAILED States.Timeout " { // nobody asked for it
			t.Error(got)
		}
		if next, err := p.activities.Poll(t.Context(), "work", ""); err != nil || next.Token != "" {
			t.Errorf("a task that timed out is handed out: %+v, %v", next, err)
		}
	})
}

func TestNestedExecutions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := open(t, vfs.NewMem())
		defer p.close()
		got := p.end(p.begin("start", `{"machine":"`+account+`stateMachine:wait"}`))
		if arn := gjson.Get(got, "ExecutionArn").String(); !strings.HasPrefix(arn, account+"execution:wait:") || !gjson.Get(got, "SdkHttpMetadata.HttpStatusCode").Exists() {
			t.Error(got)
		}
		got = p.end(p.begin("sync", `{"machine":"pass"}`))
		if gjson.Get(got, "Output").Str != `{"done":true}` || gjson.Get(got, "Input").Str != `{"n":1.0}` || gjson.Get(got, "Status").Str != "SUCCEEDED" {
			t.Error(got)
		}
		if types := p.types(account + "execution:sync:x"); types != "Started TaskStateEntered TaskScheduled TaskStarted TaskSubmitted TaskSucceeded TaskStateExited Succeeded" {
			t.Error(types)
		}
		got = p.end(p.begin("sync2", `{"machine":"pass"}`))
		if !gjson.Get(got, "Output.done").Bool() || gjson.Get(got, "Input").Raw != `{"n":1.0}` {
			t.Error(got)
		}
		d, err := p.Start(t.Context(), engine.StartRequest{Machine: "sync2", Name: "failing", Input: []byte(`{"machine":"fail"}`)})
		if err != nil {
			t.Fatal(err)
		}
		got = p.end(d.ARN)
		cause, found := strings.CutPrefix(got, "FAILED States.TaskFailed ")
		if !found || gjson.Get(cause, "Error").Str != "Broken" || gjson.Get(cause, "Cause").Str != "on purpose" || gjson.Get(cause, "Output").Exists() || !json.Valid([]byte(cause)) {
			t.Error(got)
		}
		d, err = p.Start(t.Context(), engine.StartRequest{Machine: "start", Name: "unknown", Input: []byte(`{"machine":"no-such"}`)})
		if err != nil {
			t.Fatal(err)
		}
		if got := p.end(d.ARN); !strings.HasPrefix(got, "FAILED StepFunctions.StateMachineDoesNotExistException") {
			t.Error(got)
		}
	})
}

// TestAwaitingSurvivesRestart restarts while one execution waits for another, and stops one: the other stops too.
func TestAwaitingSurvivesRestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fs := vfs.NewMem()
		p := open(t, fs)
		arn := p.begin("sync2", `{"machine":"wait"}`)
		synctest.Wait()
		p.close()
		p = open(t, fs)
		if got := p.end(arn); gjson.Get(got, "Status").Str != "SUCCEEDED" || gjson.Get(got, "Output.n").Raw != "1.0" {
			t.Error(got)
		}
		if children, _, err := p.List(t.Context(), engine.Filter{Machine: "wait", Limit: 10}); err != nil || len(children) != 1 {
			t.Errorf("%d children were started, %v", len(children), err)
		}
		defer p.close()

		d, err := p.Start(t.Context(), engine.StartRequest{Machine: "sync", Name: "stopped", Input: []byte(`{"machine":"wait"}`)})
		if err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if err := p.Stop(t.Context(), d.ARN, "", ""); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		children, _, err := p.List(t.Context(), engine.Filter{Machine: "wait", Status: asl.Aborted, Limit: 10})
		if err != nil || len(children) != 1 {
			t.Errorf("%d children were stopped with the execution that waited for them, %v", len(children), err)
		}
	})
}

func TestAnswerFromAWorkflow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := open(t, vfs.NewMem())
		defer p.close()
		waiting := p.begin("callback", `{}`)
		sent := token(<-p.sent)
		if got := p.end(p.begin("sdk", `{"token":"`+sent+`","output":{"b":2}}`)); got != `{}` {
			t.Error(got)
		}
		if got := p.end(waiting); got != `{"b":2}` {
			t.Error(got)
		}
		d, err := p.Start(t.Context(), engine.StartRequest{Machine: "sdk", Name: "again", Input: []byte(`{"token":"NoSuchTaskToken","output":1}`)})
		if err != nil {
			t.Fatal(err)
		}
		if got := p.end(d.ARN); !strings.HasPrefix(got, "FAILED Sfn.InvalidTokenException Invalid Token: 'Invalid token' (Service: Sfn, Status Code: 400, Request ID: ") {
			t.Error(got)
		}
	})
}
