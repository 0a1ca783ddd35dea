package executor_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sfn"

	"sundog/internal/aws/awstest"
	"sundog/internal/aws/executor"
	"sundog/internal/pipeline"
	"sundog/payload"
)

var (
	_ pipeline.Executor   = (*executor.Executor)(nil)
	_ pipeline.Executions = (*executor.Executor)(nil)
)

const (
	pass  = `{"StartAt":"A","States":{"A":{"Type":"Pass","End":true}}}`
	waits = `{"StartAt":"A","States":{"A":{"Type":"Wait","Seconds":3600,"End":true}}}`
	fails = `{"StartAt":"A","States":{"A":{"Type":"Fail","Error":"Broken","Cause":"on purpose"}}}`
	base  = "arn:aws:states:" + awstest.Region + ":" + awstest.Account + ":stateMachine:"
)

type world struct {
	*awstest.AWS
	*executor.Executor
}

func newWorld(t *testing.T) *world {
	a := awstest.Start(t, awstest.Options{Standins: []awstest.Standin{awstest.Sundog}})
	w := &world{a, executor.New(sfn.NewFromConfig(a.Config())).Within(base)}
	for name, definition := range map[string]string{"pass": pass, "waits": waits, "fails": fails} {
		a.StateMachine(t, name, definition)
	}
	return w
}

// start starts an execution and returns its ARN.
func (w *world) start(t *testing.T, machine, name, input string) string {
	t.Helper()
	if err := w.Start(t.Context(), pipeline.StartRequest{MachineARN: base + machine, Name: name, Input: []byte(input)}); err != nil {
		t.Fatal(err)
	}
	return payload.ExecutionARN(base, machine, name)
}

// ended waits until an execution has ended.
func (w *world) ended(t *testing.T, arn string) pipeline.Execution {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	for {
		x, err := w.Describe(ctx, arn)
		if err != nil {
			t.Fatal(err)
		}
		if x.Status != "RUNNING" {
			return x
		}
	}
}

func TestStart(t *testing.T) {
	w := newWorld(t)
	arn := w.start(t, "pass", "first", `{"id":"a"}`)
	if x := w.ended(t, arn); x.Status != "SUCCEEDED" || string(x.Input) != `{"id":"a"}` || string(x.Output) != `{"id":"a"}` || x.Redrives != 0 {
		t.Errorf("%+v", x)
	}
	w.start(t, "waits", "same", `{}`)
	w.start(t, "waits", "same", `{}`) // while it runs
	var refused *pipeline.RefusedError
	for name, tt := range map[string]struct {
		machine, name, input string
		exists, refused      bool
	}{
		"same name":        {"pass", "first", `{"id":"a"}`, true, false},
		"same name, other": {"waits", "same", `{"x":1}`, true, false},
		"no machine":       {"gone", "n", `{}`, false, true},
		"bad name":         {"pass", "a b", `{}`, false, true},
		"long name":        {"pass", strings.Repeat("n", 81), `{}`, false, true},
		"no JSON":          {"pass", "n", `{`, false, true},
		"bad ARN":          {"a:b:c", "n", `{}`, false, true},
	} {
		err := w.Start(t.Context(), pipeline.StartRequest{MachineARN: base + tt.machine, Name: tt.name, Input: []byte(tt.input)})
		if errors.Is(err, pipeline.ErrAlreadyExists) != tt.exists || errors.As(err, &refused) != tt.refused {
			t.Errorf("%s: %v", name, err)
		}
	}
	cfg := awstest.Start(t, awstest.Options{Standins: []awstest.Standin{awstest.Gofakes3}}).Config() // where no Step Functions answers
	cfg.Retryer = func() aws.Retryer { return aws.NopRetryer{} }
	err := executor.New(sfn.NewFromConfig(cfg)).Start(t.Context(), pipeline.StartRequest{MachineARN: base + "pass", Name: "n", Input: []byte(`{}`)})
	if err == nil || errors.As(err, &refused) || errors.Is(err, pipeline.ErrAlreadyExists) {
		t.Errorf("without a connection: %v", err)
	}
}

func TestLook(t *testing.T) {
	w := newWorld(t)
	arn := w.start(t, "fails", "f", `{"id":"a"}`)
	x := w.ended(t, arn)
	if x.Status != "FAILED" || x.Error != "Broken" || x.Cause != "on purpose" || x.Output != nil {
		t.Errorf("%+v", x)
	}
	if x, err := w.Look(t.Context(), arn); err != nil || x.Status != "FAILED" || x.Input != nil {
		t.Errorf("%+v, %v", x, err)
	}
	for arn, want := range map[string]error{
		payload.ExecutionARN(base, "fails", "gone"):                                            pipeline.ErrNoExecution,
		payload.ExecutionARN(base, "gone", "gone"):                                             pipeline.ErrNoExecution,
		"arn:aws:states:us-west-2:" + awstest.Account + ":execution:fails:f":                   pipeline.ErrForeign,
		"arn:aws:states:" + awstest.Region + ":123456789012:execution:fails:f":                 pipeline.ErrForeign,
		strings.Replace(payload.ExecutionARN(base, "fails", "f"), ":execution:", ":other:", 1): pipeline.ErrForeign,
	} {
		if _, err := w.Look(t.Context(), arn); !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", arn, err, want)
		}
	}
	if _, err := w.Describe(t.Context(), payload.ExecutionARN(base, "fails", "gone")); !errors.Is(err, pipeline.ErrNoExecution) {
		t.Errorf("%v", err)
	}
}

func TestHistory(t *testing.T) {
	w := newWorld(t)
	arn := w.start(t, "pass", "h", `{"id":"a"}`)
	w.ended(t, arn)
	var got []string
	for page := (executor.Page{Limit: 2}); ; {
		events, next, err := w.History(t.Context(), arn, page)
		if err != nil || len(events) > 2 {
			t.Fatal(len(events), err)
		}
		for _, e := range events {
			var event struct {
				ID      int    `json:"id"`
				Type    string `json:"type"`
				Started struct {
					Input string `json:"input"`
				} `json:"executionStartedEventDetails"`
			}
			if err := json.Unmarshal(e, &event); err != nil {
				t.Fatal(err)
			}
			got = append(got, fmt.Sprint(event.ID, event.Type, event.Started.Input))
		}
		if page.Token = next; next == "" {
			break
		}
	}
	if want := `[1ExecutionStarted{"id":"a"} 2PassStateEntered 3PassStateExited 4ExecutionSucceeded]`; fmt.Sprint(got) != want {
		t.Errorf("%v, want %s", got, want)
	}
	events, _, err := w.History(t.Context(), arn, executor.Page{Reverse: true, Limit: 1})
	if err != nil || !strings.Contains(string(events[0]), "ExecutionSucceeded") {
		t.Errorf("%s, %v", events, err)
	}
	if _, _, err := w.History(t.Context(), arn+"x", executor.Page{}); !errors.Is(err, pipeline.ErrNoExecution) {
		t.Errorf("%v", err)
	}
}

func TestOperate(t *testing.T) {
	w := newWorld(t)
	waiting, failing := w.start(t, "waits", "w", `{}`), w.start(t, "fails", "f", `{}`)
	if err := w.Stop(t.Context(), waiting, "Operator", "enough"); err != nil {
		t.Fatal(err)
	}
	if x := w.ended(t, waiting); x.Status != "ABORTED" || x.Error != "Operator" || x.Cause != "enough" {
		t.Errorf("%+v", x)
	}
	w.ended(t, failing)
	at, err := w.Redrive(t.Context(), failing, "once")
	if err != nil || time.Since(at).Abs() > time.Minute {
		t.Fatal(at, err)
	}
	if x := w.ended(t, failing); x.Redrives != 1 {
		t.Errorf("%+v", x)
	}
	done := w.start(t, "pass", "p", `{}`)
	w.ended(t, done)
	if _, err := w.Redrive(t.Context(), done, ""); !errors.Is(err, executor.ErrNotRedrivable) {
		t.Errorf("%v", err)
	}
	if _, err := w.Redrive(t.Context(), done+"x", ""); !errors.Is(err, pipeline.ErrNoExecution) {
		t.Errorf("%v", err)
	}
	listed, next, err := w.List(t.Context(), base+"fails", "FAILED", executor.Page{})
	if err != nil || next != "" || len(listed) != 1 || listed[0].ARN != failing || listed[0].Redrives != 1 || listed[0].Stop.IsZero() {
		t.Errorf("%+v, %q, %v", listed, next, err)
	}
	if definition, err := w.Definition(t.Context(), base+"fails"); err != nil || definition != fails {
		t.Errorf("%s, %v", definition, err)
	}
	if _, err := w.Definition(t.Context(), base+"gone"); !errors.Is(err, executor.ErrNoMachine) {
		t.Errorf("%v", err)
	}
}
