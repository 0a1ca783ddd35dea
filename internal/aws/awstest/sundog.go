package awstest

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"golang.org/x/sync/errgroup"

	"sundog/internal/embedded"
	"sundog/internal/project"
	"sundog/internal/server"
)

// startSundog serves a project in this process, and returns where. It ends with the test.
func startSundog(t testing.TB, more string) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "sundog.yaml"), []byte("name: standin\n"+more), 0o600); err != nil {
		t.Fatal(err)
	}
	p, diagnostics := project.Load(dir, project.Options{})
	if err := diagnostics.Err(); err != nil {
		t.Fatal(err)
	}
	platform, err := embedded.Open(t.Context(), p, embedded.Options{Data: filepath.Join(dir, "data")})
	if err != nil {
		t.Fatal(err)
	}
	s, err := server.Listen(t.Context(), platform, server.Options{Listen: "127.0.0.1:0", Version: "standin"})
	if err != nil {
		t.Fatal(errors.Join(err, platform.Close(t.Context())))
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return platform.Run(ctx) })
	g.Go(func() error { return s.Serve(ctx) })
	t.Cleanup(func() {
		cancel()
		if err := errors.Join(g.Wait(), platform.Close(context.WithoutCancel(ctx))); err != nil {
			t.Errorf("ending Sundog's server: %v", err)
		}
	})
	return s.URL()
}

// StateMachine makes a state machine on Sundog's server and returns its ARN, whose last part is the name.
func (a *AWS) StateMachine(t testing.TB, name, definition string) (arn string) {
	t.Helper()
	out, err := sfn.NewFromConfig(a.Config()).CreateStateMachine(t.Context(), &sfn.CreateStateMachineInput{
		Name: &name, Definition: &definition, RoleArn: aws.String("arn:aws:iam::" + Account + ":role/workflows"),
	})
	if err != nil {
		t.Fatalf("making the state machine %s: %v", name, err)
	}
	return *out.StateMachineArn
}
