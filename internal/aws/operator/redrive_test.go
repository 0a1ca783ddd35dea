package operator_test

import (
	"context"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/sfn"

	"sundog/internal/api"
	platform "sundog/internal/aws"
	"sundog/internal/aws/awstest"
	"sundog/internal/aws/executor"
	"sundog/internal/aws/operator"
	"sundog/internal/aws/statedb"
	"sundog/internal/client"
	"sundog/internal/pipeline"
	domain "sundog/internal/statedb"
	"sundog/payload"
)

// TestRedriveTakenUp: the record is taken back, and Step Functions does not answer. To redrive again takes up what was begun.
func TestRedriveTakenUp(t *testing.T) {
	a := awstest.Start(t, awstest.Options{Standins: []awstest.Standin{awstest.Dynalite, awstest.Sundog}})
	var calls awstest.Calls
	cfg := calls.Watch(a.Config())
	env := environment()
	env.StateDB = awstest.Name("state")
	env.BaseWorkflowARN = "arn:aws:states:" + awstest.Region + ":" + awstest.Account + ":stateMachine:"
	if err := statedb.Create(t.Context(), dynamodb.NewFromConfig(cfg), env.StateDB); err != nil {
		t.Fatal(err)
	}
	p := platform.Open(platform.Options{Config: cfg, Environment: env})
	t.Cleanup(p.Close)
	o, err := operator.New(operator.Options{Platform: p, Name: "dev"})
	if err != nil {
		t.Fatal(err)
	}
	c := client.NewLocal(o, "dev")

	a.StateMachine(t, "fails", `{"StartAt":"A","States":{"A":{"Type":"Fail","Error":"Broken"}}}`)
	id := payload.ID{Collections: "c", Workflow: "fails", ItemIDs: "i"}
	execution := payload.ExecutionARN(env.BaseWorkflowARN, "fails", "x")
	x := executor.New(sfn.NewFromConfig(cfg))
	if err := x.Start(t.Context(), pipeline.StartRequest{MachineARN: env.BaseWorkflowARN + "fails", Name: "x", Input: []byte(`{"id":"` + id.String() + `"}`)}); err != nil {
		t.Fatal(err)
	}
	ended(t, x, execution)
	for _, transition := range []domain.Transition{domain.Claim(id, execution, time.Now()), domain.Fail(id, execution, time.Now(), "Broken")} {
		if _, err := p.Records().Apply(t.Context(), transition, domain.Effects{}); err != nil {
			t.Fatal(err)
		}
	}

	calls.Fail(func(_ int, operation string) awstest.Loss {
		if operation == "SFN.RedriveExecution" {
			return awstest.RequestLost
		}
		return awstest.Arrives
	})
	if _, err := c.RedriveExecution(t.Context(), execution, api.RedriveExecution{}); err == nil {
		t.Fatal("it was redriven without a request")
	}
	calls.Fail(nil)
	if e, err := c.RedriveExecution(t.Context(), execution, api.RedriveExecution{}); err != nil || e.RedriveCount != 1 {
		t.Errorf("%+v, %v", e, err)
	}
	if r, err := p.Records().Get(t.Context(), id); err != nil || r.State() != domain.Processing || r.Redrives() != 1 {
		t.Errorf("%+v, %v", r, err)
	}
}

// ended waits until an execution has ended.
func ended(t *testing.T, x *executor.Executor, arn string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	for {
		found, err := x.Describe(ctx, arn)
		if err != nil {
			t.Fatal(err)
		}
		if found.Status != "RUNNING" {
			return
		}
	}
}
