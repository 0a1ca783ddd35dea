package function_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambdacontext"
	"go.uber.org/goleak"

	"sundog/internal/embedded/function"
)

// The test binary is also the functions under test: with roleVariable set it is a Lambda function, built on the real
// aws-lambda-go or on a runtime client that misbehaves.
const roleVariable = "TEST_FUNCTION_ROLE"

func TestMain(m *testing.M) {
	switch role := os.Getenv(roleVariable); role {
	case "":
		goleak.VerifyTestMain(m)
	case "aws-lambda-go":
		lambda.Start(handle)
	default:
		os.Exit(rawRuntime(role))
	}
}

type event struct {
	Do   string `json:"do"`
	Text string `json:"text,omitempty"`
	Size int    `json:"size,omitempty"`
}

type typedError struct{ message string }

func (e typedError) Error() string { return e.message }

func handle(ctx context.Context, e event) (any, error) {
	switch e.Do {
	case "echo":
		return e, nil
	case "nothing":
		return nil, nil
	case "context":
		lc, _ := lambdacontext.FromContext(ctx)
		deadline, _ := ctx.Deadline()
		return map[string]any{
			"id": lc.AwsRequestID, "arn": lc.InvokedFunctionArn, "custom": lc.ClientContext.Custom, "trace": os.Getenv("_X_AMZN_TRACE_ID"),
			"name": lambdacontext.FunctionName, "memory": lambdacontext.MemoryLimitInMB, "left": time.Until(deadline).Seconds(),
			"env": os.Environ(), "pid": os.Getpid(),
		}, nil
	case "fail":
		return nil, typedError{e.Text}
	case "panic":
		panic(e.Text)
	case "exit":
		os.Exit(e.Size)
	case "hang":
		fmt.Fprintln(os.Stderr, "hanging")
		select {}
	case "big":
		return strings.Repeat("x", e.Size), nil
	case "stream":
		return io.MultiReader(strings.NewReader(`"begun`), failingReader{}), nil
	case "log":
		for i := range e.Size {
			fmt.Fprintf(os.Stderr, "%s %d\n", e.Text, i)
		}
		return e, nil
	case "fork":
		child := exec.Command("sleep", "600")
		child.Stdout = os.Stdout
		if err := child.Start(); err != nil {
			return nil, err
		}
		return child.Process.Pid, nil
	case "kill":
		return nil, syscall.Kill(os.Getpid(), syscall.SIGKILL)
	}
	return nil, fmt.Errorf("do what? %q", e.Do)
}

type failingReader struct{}

func (failingReader) Read([]byte) (int, error) { return 0, typedError{"broke while streaming"} }

// rawRuntime is a runtime client by hand, with a fault.
func rawRuntime(role string) int {
	base := "http://" + os.Getenv("AWS_LAMBDA_RUNTIME_API") + "/2018-06-01/runtime/"
	post := func(path, body string) int {
		resp, err := http.Post(base+path, "application/json", strings.NewReader(body))
		if err != nil {
			return 0
		}
		_ = resp.Body.Close()
		return resp.StatusCode
	}
	next := func() (id string, body []byte, status int) {
		resp, err := http.Get(base + "invocation/next")
		if err != nil {
			return "", nil, 0
		}
		defer func() { _ = resp.Body.Close() }()
		body, _ = io.ReadAll(resp.Body)
		return resp.Header.Get("Lambda-Runtime-Aws-Request-Id"), body, resp.StatusCode
	}
	switch role {
	case "init-error":
		_, _ = fmt.Fprintln(os.Stdout, "about to fail")
		post("init/error", `{"errorType":"Init.NoConfig","errorMessage":"no configuration"}`)
		select {}
	case "init-exit":
		fmt.Fprintln(os.Stderr, "cannot go on")
		return 3
	case "init-hang":
		select {}
	}
	for {
		id, body, status := next()
		if status != http.StatusOK {
			return 9
		}
		switch role {
		case "garbage":
			post("invocation/"+id+"/response", "this is not JSON")
		case "no-type":
			post("invocation/"+id+"/error", `{"message":"odd"}`)
		case "empty":
			post("invocation/"+id+"/response", "")
		case "protocol": // answers with what the API said to mistakes
			_, _, again := next()
			wrong := post("invocation/no-such-id/response", "1")
			unknown := post("somewhere/else", "1")
			post("invocation/"+id+"/response", fmt.Sprintf(`[%d,%d,%d]`, again, wrong, unknown))
		case "trailer":
			req, _ := http.NewRequest(http.MethodPost, base+"invocation/"+id+"/response", io.MultiReader(strings.NewReader(`"half`)))
			req.Header.Set("Lambda-Runtime-Function-Response-Mode", "streaming")
			req.Trailer = http.Header{
				"Lambda-Runtime-Function-Error-Type": {"Stream.Broken"},
				"Lambda-Runtime-Function-Error-Body": {base64.StdEncoding.EncodeToString([]byte(`{"errorType":"Stream.Broken","errorMessage":"at half"}`))},
			}
			resp, err := http.DefaultClient.Do(req)
			if err != nil {
				return 8
			}
			_ = resp.Body.Close()
		case "twice": // a second result for one call is refused
			first := post("invocation/"+id+"/response", string(body))
			second := post("invocation/"+id+"/error", `{"errorType":"Late"}`)
			_, _ = fmt.Fprintln(os.Stdout, "answers", first, second)
		case "impatient": // hangs up once while it waits
			post("invocation/"+id+"/response", fmt.Sprint(os.Getpid()))
			if err := hangUp(os.Getenv("AWS_LAMBDA_RUNTIME_API")); err != nil {
				return 5
			}
			if err := os.WriteFile(os.Getenv("HUNG_UP"), nil, 0o600); err != nil {
				return 6
			}
		case "one-shot": // goes away after a call
			post("invocation/"+id+"/response", fmt.Sprint(os.Getpid()))
			return 0
		case "dawdler": // never asks again
			post("invocation/"+id+"/response", fmt.Sprint(os.Getpid()))
			select {}
		default:
			return 7
		}
	}
}

// hangUp asks for an event, goes away and waits until that was noticed.
func hangUp(address string) error {
	conn, err := net.Dial("tcp", address)
	if err != nil {
		return err
	}
	if _, err := io.WriteString(conn, "GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\nHost: runtime\r\n\r\n"); err != nil {
		return err
	}
	if err := conn.(*net.TCPConn).CloseWrite(); err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, conn)
	return errors.Join(err, conn.Close())
}

// memoryLogs keeps streams as they were written.
type memoryLogs struct {
	mu      sync.Mutex
	streams map[string]*memoryStream
}

type memoryStream struct {
	mu     sync.Mutex
	text   bytes.Buffer
	closed bool
}

func (l *memoryLogs) Writer(name string) io.WriteCloser {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.streams == nil {
		l.streams = make(map[string]*memoryStream)
	}
	s := &memoryStream{}
	l.streams[name] = s
	return s
}

func (l *memoryLogs) get(name string) (text string, ok bool) {
	l.mu.Lock()
	s := l.streams[name]
	l.mu.Unlock()
	if s == nil {
		return "", false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String(), s.closed
}

func (s *memoryStream) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return 0, errors.New("write after close")
	}
	return s.text.Write(p)
}

func (s *memoryStream) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	return nil
}

// self is a Lambda function played by this binary.
func self(t testing.TB, name, role string) function.Spec {
	t.Helper()
	path, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return function.Spec{Name: name, Kind: function.Lambda, Command: []string{path}, Env: []string{roleVariable + "=" + role}}
}

func shell(name, script string) function.Spec {
	return function.Spec{Name: name, Kind: function.Command, Command: []string{"/bin/sh", "-c", script}}
}

// host returns a host that is closed at the end of the test.
func host(t testing.TB, opts function.Options, specs ...function.Spec) *function.Host {
	t.Helper()
	h, err := function.NewHost(specs, opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
		defer cancel()
		if err := h.Close(ctx); err != nil {
			t.Error(err)
		}
	})
	return h
}

func invoke(t testing.TB, h *function.Host, name, payload string) (function.Response, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	return h.Invoke(ctx, function.Request{Function: name, Payload: []byte(payload)})
}

// mustInvoke is a call that succeeds; its response is decoded.
func mustInvoke(t testing.TB, h *function.Host, name, payload string) any {
	t.Helper()
	resp, err := invoke(t, h, name, payload)
	if err != nil {
		t.Fatalf("%s(%s): %v", name, payload, err)
	}
	var v any
	if err := json.Unmarshal(resp.Payload, &v); err != nil {
		t.Fatalf("%s(%s) returned %q: %v", name, payload, resp.Payload, err)
	}
	return v
}

// wantError checks the name of a failure and that its cause contains some text, in which <id> stands for the request id.
func wantError(t testing.TB, resp function.Response, err error, errorType, cause string) {
	t.Helper()
	var failed *function.Error
	if !errors.As(err, &failed) {
		t.Fatalf("got %v (payload %.200q), want %s", err, resp.Payload, errorType)
	}
	cause = strings.ReplaceAll(cause, "<id>", resp.RequestID)
	if failed.Type != errorType || !strings.Contains(failed.Cause, cause) {
		t.Errorf("got  %s: %s\nwant %s: …%s…", failed.Type, failed.Cause, errorType, cause)
	}
}

// alive reports whether a process runs.
func alive(pid int) bool {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	return err == nil && !strings.Contains(string(stat), ") Z ")
}

// eventually polls across the process border.
func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !ok(); {
		if time.Now().After(deadline) {
			t.Fatalf("never: %s", what)
		}
		<-time.After(2 * time.Millisecond)
	}
}
