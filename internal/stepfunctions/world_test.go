package stepfunctions_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/aws/aws-sdk-go-v2/service/sfn/types"
	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"
	"golang.org/x/sync/errgroup"

	"sundog/internal/embedded"
	"sundog/internal/project"
	"sundog/internal/server"
)

const (
	base = "arn:aws:states:us-east-1:000000000000:stateMachine:"
	role = "arn:aws:iam::000000000000:role/test"

	pass  = `{"StartAt":"A","States":{"A":{"Type":"Pass","End":true}}}`
	other = `{"StartAt":"A","States":{"A":{"Type":"Pass","Result":2,"End":true}}}`
	// waits does not end by itself in the time of a test.
	waits = `{"StartAt":"A","States":{"A":{"Type":"Wait","Seconds":3600,"End":true}}}`
)

// world is a server on a project with one workflow, and AWS's own client of it.
type world struct {
	*sfn.Client
	t          *testing.T
	dir, token string
	url        string
	stop       func()
}

func newWorld(t *testing.T, token string) *world {
	t.Helper()
	w := &world{t: t, dir: t.TempDir(), token: token}
	w.write("flow.asl.json", pass)
	w.write("sundog.yaml", "name: test\nworkflows:\n  flow: { definition: flow.asl.json }\nfunctions:\n  echo: { type: builtin, builtin: echo }\n")
	w.start()
	t.Cleanup(func() { w.stop() })
	return w
}

func (w *world) write(name, text string) {
	w.t.Helper()
	if err := os.WriteFile(filepath.Join(w.dir, name), []byte(text), 0o600); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) start() {
	w.t.Helper()
	p, diagnostics := project.Load(w.dir, project.Options{})
	if err := diagnostics.Err(); err != nil {
		w.t.Fatal(err)
	}
	platform, err := embedded.Open(context.Background(), p, embedded.Options{Data: filepath.Join(w.dir, "data")})
	if err != nil {
		w.t.Fatal(err)
	}
	s, err := server.Listen(context.Background(), platform, server.Options{Listen: "127.0.0.1:0", Token: w.token})
	if err != nil {
		w.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return platform.Run(ctx) })
	g.Go(func() error { return s.Serve(ctx) })
	w.url = s.URL()
	w.Client = w.client("sundog", w.token)
	w.stop = func() {
		cancel()
		if err := errors.Join(g.Wait(), platform.Close(context.Background())); err != nil {
			w.t.Error(err)
		}
	}
}

// restart ends the server and starts another one on the same data.
func (w *world) restart() {
	w.t.Helper()
	w.stop()
	w.start()
}

// client is AWS's client with a key. Without a secret it has one that nobody checks.
func (w *world) client(key, secret string) *sfn.Client {
	if secret == "" {
		secret = "any"
	}
	return sfn.New(sfn.Options{
		Region: "us-east-1", BaseEndpoint: &w.url, Retryer: aws.NopRetryer{},
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: key, SecretAccessKey: secret}, nil
		}),
		APIOptions: []func(*middleware.Stack) error{func(s *middleware.Stack) error {
			return s.Initialize.Add(withoutHostPrefix{}, middleware.Before)
		}},
	})
}

// withoutHostPrefix keeps the client from putting sync- before the host, which has no such name here.
type withoutHostPrefix struct{}

func (withoutHostPrefix) ID() string { return "withoutHostPrefix" }

func (withoutHostPrefix) HandleInitialize(ctx context.Context, in middleware.InitializeInput, next middleware.InitializeHandler) (middleware.InitializeOutput, middleware.Metadata, error) {
	return next.HandleInitialize(smithyhttp.DisableEndpointHostPrefix(ctx, true), in)
}

// create makes a state machine.
func (w *world) create(name, definition string) string {
	w.t.Helper()
	out, err := w.CreateStateMachine(w.t.Context(), &sfn.CreateStateMachineInput{Name: &name, Definition: &definition, RoleArn: aws.String(role)})
	if err != nil {
		w.t.Fatal(err)
	}
	return *out.StateMachineArn
}

// ended waits until an execution has ended.
func (w *world) ended(arn string) *sfn.DescribeExecutionOutput {
	w.t.Helper()
	deadline := time.Now().Add(20 * time.Second)
	for {
		d, err := w.DescribeExecution(w.t.Context(), &sfn.DescribeExecutionInput{ExecutionArn: &arn})
		if err != nil || time.Now().After(deadline) {
			w.t.Fatalf("%s: %+v, %v", arn, d, err)
		}
		if d.Status != types.ExecutionStatusRunning {
			return d
		}
		<-time.After(time.Millisecond)
	}
}

// must fails the test when a call failed.
func must[T any](t *testing.T) func(answer T, err error) T {
	return func(answer T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return answer
	}
}

// refused checks the name of an error, and that its message has a text in it.
func refused(t *testing.T, err error, name, message string) {
	t.Helper()
	var e smithy.APIError
	if !errors.As(err, &e) || e.ErrorCode() != name || !strings.Contains(e.ErrorMessage(), message) {
		t.Errorf("got the error %v, want %s with %q", err, name, message)
	}
}

// post sends a request as it is, and returns the status and the answer.
func (w *world) post(operation, body string) (int, map[string]any) {
	w.t.Helper()
	r, err := http.NewRequestWithContext(w.t.Context(), http.MethodPost, w.url, strings.NewReader(body))
	if err != nil {
		w.t.Fatal(err)
	}
	r.Header.Set("X-Amz-Target", "AWSStepFunctions."+operation)
	r.Header.Set("Content-Type", "application/x-amz-json-1.0")
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		w.t.Fatal(err)
	}
	defer resp.Body.Close()
	var answer map[string]any
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil {
		w.t.Fatalf("%s: %s: %v", operation, resp.Status, err)
	}
	if resp.Header.Get("Content-Type") != "application/x-amz-json-1.0" || resp.Header.Get("x-amzn-RequestId") == "" {
		w.t.Errorf("%s: headers %v", operation, resp.Header)
	}
	return resp.StatusCode, answer
}
