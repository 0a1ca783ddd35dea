package function_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"sundog/internal/embedded/function"
)

func TestSpecs(t *testing.T) {
	for _, c := range []struct {
		spec function.Spec
		want string
	}{
		{function.Spec{Name: "a b", Kind: function.Command}, "a name is"},
		{function.Spec{Name: "a", Kind: "magic"}, `kind "magic" is unknown`},
		{function.Spec{Name: "a", Kind: function.Lambda}, "needs a command"},
		{function.Spec{Name: "a", Kind: function.HTTP, URL: "ftp://x"}, "no URL to post to"},
		{function.Spec{Name: "a", Kind: function.Builtin}, "no built-in function"},
		{function.Spec{Name: "a", Kind: function.Lambda, Command: []string{"x"}, Timeout: 16 * time.Minute}, "out of range"},
		{function.Spec{Name: "a", Kind: function.Command, Command: []string{"x"}, Concurrency: -1}, "cannot be negative"},
		{shell("good", "true"), "declared twice"},
	} {
		_, err := function.NewHost([]function.Spec{shell("good", "true"), c.spec}, function.Options{})
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v gives %v, want %q", c.spec, err, c.want)
		}
	}
}

func TestRefusals(t *testing.T) {
	h := host(t, function.Options{Account: "111111111111"}, shell("echo", "cat"))
	for _, c := range []struct{ name, payload, errorType, cause string }{
		{
			"nobody", `{}`, "Lambda.ResourceNotFoundException",
			"Function not found: arn:aws:lambda:us-east-1:111111111111:function:nobody:$LATEST (Service: AWSLambda; Status Code: 404; Error Code: ResourceNotFoundException; Request ID: <id>; Proxy: null)",
		},
		{"arn:aws:lambda:us-east-1:111111111111:function:nobody:7", `{}`, "Lambda.ResourceNotFoundException", "function:nobody:7 (Service"},
		{"", `{}`, "Lambda.ResourceNotFoundException", "Function not found"},
		{"echo", `"` + strings.Repeat("x", function.MaxRequest) + `"`, "Lambda.RequestTooLargeException", "6291458 byte payload is too large for the RequestResponse invocation type (limit 6291456 bytes)"},
	} {
		resp, err := invoke(t, h, c.name, c.payload)
		wantError(t, resp, err, c.errorType, c.cause)
		if resp.FunctionError != "" {
			t.Errorf("%s: a refused call is no function error", c.name)
		}
	}
	for _, name := range []string{"echo", "echo:live", "111111111111:function:echo", "arn:aws:lambda:us-east-1:111111111111:function:echo"} {
		if got := mustInvoke(t, h, name, `[1]`); fmt.Sprint(got) != "[1]" {
			t.Errorf("%s gives %v", name, got)
		}
	}
	if got := fmt.Sprint(mustInvoke(t, h, "echo", "")); got != "map[]" {
		t.Errorf("no event arrives as %s", got)
	}
}

func TestCommand(t *testing.T) {
	t.Setenv("SUNDOG_TOKEN", "secret")
	dir := t.TempDir()
	specs := []function.Spec{
		shell("echo", "cat"),
		shell("deaf", "echo 1"),
		shell("env", `printf '"%s"' "$(env | tr '\n"' ';_')"`),
		shell("where", `printf '"%s"' "$(pwd)"`),
		shell("exit", "echo oops >&2; exit 1"),
		shell("raise", `echo '{"errorType":"My.Error","errorMessage":"mine"}'; exit 1`),
		shell("signal", "kill -9 $$"),
		shell("silent", "true"),
		shell("garbage", "echo hello"),
		shell("flood", "while :; do echo 0123456789012345678901234567890123456789012345678901234567890123456789; done"),
		shell("megabytes", "head -c 52428800 /dev/zero"),
		shell("hang", "sleep 600"),
		shell("family", "sleep 600 & echo $!"),
		shell("chatty", "head -c 52428800 /dev/zero >&2; echo 1"),
		{Name: "missing", Kind: function.Command, Command: []string{"/no/such/program"}},
	}
	for i := range specs {
		specs[i].Timeout = 30 * time.Second
		switch specs[i].Name {
		case "hang":
			specs[i].Timeout = 100 * time.Millisecond
		case "where":
			specs[i].Dir = dir
		case "env":
			specs[i].Env = []string{"GREETING=hello"}
		}
	}
	logs := &memoryLogs{}
	h := host(t, function.Options{Logs: logs, Env: []string{"STAGE=test"}}, specs...)
	big := `"` + strings.Repeat("x", 1<<20) + `"`
	for _, c := range []struct{ name, event, want string }{
		{"echo", `{"a": [1, 2.50]}`, `{"a": [1, 2.50]}`},
		{"echo", big, big},
		{"deaf", big, "1"},
		{"where", `{}`, strconv.Quote(dir)},
		{"chatty", `{}`, "1"},
	} {
		resp, err := invoke(t, h, c.name, c.event)
		if err != nil || string(resp.Payload) != c.want {
			t.Errorf("%s: got %.100q, %v", c.name, resp.Payload, err)
		}
	}
	env := mustInvoke(t, h, "env", `{}`).(string)
	if !strings.Contains(env, "GREETING=hello;") || !strings.Contains(env, "STAGE=test;") || !strings.Contains(env, "PATH=") || strings.Contains(env, "secret") {
		t.Errorf("environment is %s", env)
	}
	for _, c := range []struct{ name, errorType, cause, log string }{
		{"exit", "Runtime.ExitError", `{"errorType":"Runtime.ExitError","errorMessage":"RequestId: <id> Error: Runtime exited with error: exit status 1"}`, "oops\nRequestId: <id> Error"},
		{"raise", "My.Error", `{"errorType":"My.Error","errorMessage":"mine"}`, ""},
		{"signal", "Runtime.ExitError", "signal: killed", ""},
		{"silent", "Runtime.MarshalError", "it is empty", ""},
		{"garbage", "Runtime.MarshalError", `\"hello\"`, ""},
		{"flood", "Function.ResponseSizeTooLarge", "(6291556 bytes)", ""},
		{"megabytes", "Function.ResponseSizeTooLarge", "(6291556 bytes)", ""},
		{"hang", "Sandbox.Timedout", "RequestId: <id> Error: Task timed out after 0.10 seconds", "timed out"},
		{"missing", "Runtime.InvalidEntrypoint", "/no/such/program", ""},
	} {
		resp, err := invoke(t, h, c.name, `{}`)
		wantError(t, resp, err, c.errorType, c.cause)
		if text, _ := logs.get(resp.LogStream); !strings.Contains(text, strings.ReplaceAll(c.log, "<id>", resp.RequestID)) {
			t.Errorf("%s: log is %q", c.name, text)
		}
	}
	pid := int(mustInvoke(t, h, "family", `{}`).(float64))
	eventually(t, "what the command left behind is dead", func() bool { return !alive(pid) })
}

func TestCommandGivenUp(t *testing.T) {
	spec := shell("hang", "sleep 600")
	spec.Concurrency = 1
	h := host(t, function.Options{MaxWaiting: 1}, spec)
	gone := errors.New("had enough")
	ctx, cancel := context.WithCancelCause(context.Background())
	results := make(chan error, 2)
	for range 2 { // one runs, one waits
		go func() {
			_, err := h.Invoke(ctx, function.Request{Function: "hang"})
			results <- err
		}()
	}
	eventually(t, "one runs, one waits", func() bool { s := h.Functions()[0]; return s.Running == 1 && s.Waiting == 1 })
	resp, err := invoke(t, h, "hang", `{}`)
	wantError(t, resp, err, "Lambda.TooManyRequestsException", "Rate Exceeded.")
	cancel(gone)
	for range 2 {
		if err := <-results; !errors.Is(err, gone) {
			t.Errorf("got %v", err)
		}
	}
}

func TestHTTP(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		switch r.URL.Path {
		case "/echo":
			if r.Method != http.MethodPost || r.Header.Get("Content-Type") != "application/json" || r.Header.Get("Sundog-Request-Id") == "" {
				w.WriteHeader(http.StatusTeapot)
			}
			_, _ = w.Write(body)
		case "/raise":
			w.WriteHeader(http.StatusInternalServerError)
			_, _ = io.WriteString(w, `{"errorType":"Their.Error","errorMessage":"theirs"}`)
		case "/busy":
			w.WriteHeader(http.StatusServiceUnavailable)
			_, _ = io.WriteString(w, "come back later")
		case "/redirect":
			http.Redirect(w, r, "/echo", http.StatusFound)
		case "/garbage":
			_, _ = io.WriteString(w, "<html>")
		case "/big":
			_, _ = io.WriteString(w, `"`+strings.Repeat("x", 2000)+`"`)
		case "/hang":
			<-r.Context().Done()
		case "/drop":
			panic(http.ErrAbortHandler)
		}
	}))
	defer server.Close()
	var specs []function.Spec
	for _, name := range []string{"echo", "raise", "busy", "redirect", "garbage", "big", "hang", "drop"} {
		specs = append(specs, function.Spec{Name: name, Kind: function.HTTP, URL: server.URL + "/" + name, Timeout: 10 * time.Second, MaxResponse: 1000})
	}
	specs[6].Timeout = 100 * time.Millisecond
	specs = append(specs,
		function.Spec{Name: "metadata", Kind: function.HTTP, URL: "http://169.254.169.254/latest/meta-data/"},
		function.Spec{Name: "mapped", Kind: function.HTTP, URL: "http://[::ffff:169.254.169.254]/"},
	)
	h := host(t, function.Options{}, specs...)
	if got := mustInvoke(t, h, "echo", `{"a":1}`); fmt.Sprint(got) != "map[a:1]" {
		t.Errorf("got %v", got)
	}
	for _, c := range []struct{ name, errorType, cause string }{
		{"raise", "Their.Error", `{"errorType":"Their.Error","errorMessage":"theirs"}`},
		{"busy", "States.Http.StatusCode.503", `come back later`},
		{"redirect", "States.Http.StatusCode.302", ""},
		{"garbage", "Runtime.MarshalError", "html"},
		{"big", "Function.ResponseSizeTooLarge", "(1000 bytes)"},
		{"hang", "Sandbox.Timedout", "Task timed out after 0.10 seconds"},
		{"drop", "States.Http.Socket", "EOF"},
		{"metadata", "States.Http.Socket", "link-local or metadata address"},
		{"mapped", "States.Http.Socket", "link-local or metadata address"},
	} {
		resp, err := invoke(t, h, c.name, `{}`)
		wantError(t, resp, err, c.errorType, c.cause)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := h.Invoke(ctx, function.Request{Function: "echo"}); !errors.Is(err, context.Canceled) {
		t.Errorf("given up: %v", err)
	}
}

type coded struct{ error }

func (coded) ErrorType() string { return "stactask.exceptions.InvalidInput" }

func TestBuiltin(t *testing.T) {
	spec := func(name string, f func(ctx context.Context, event []byte) ([]byte, error)) function.Spec {
		return function.Spec{Name: name, Kind: function.Builtin, Builtin: f, Timeout: 50 * time.Millisecond, MaxResponse: 1000}
	}
	logs := &memoryLogs{}
	h := host(
		t, function.Options{Logs: logs},
		spec("echo", func(_ context.Context, event []byte) ([]byte, error) { return event, nil }),
		spec("id", func(ctx context.Context, _ []byte) ([]byte, error) {
			return strconv.AppendQuote(nil, function.RequestID(ctx)), nil
		}),
		spec("log", func(ctx context.Context, e []byte) ([]byte, error) {
			_, err := fmt.Fprintln(function.Log(ctx), "noted")
			return e, err
		}),
		spec("nothing", func(context.Context, []byte) ([]byte, error) { return nil, nil }),
		spec("fail", func(context.Context, []byte) ([]byte, error) { return nil, errors.New("plain") }),
		spec("typed", func(context.Context, []byte) ([]byte, error) {
			return nil, fmt.Errorf("wrapped: %w", coded{errors.New("bad input")})
		}),
		spec("panic", func(_ context.Context, e []byte) ([]byte, error) { return e[:1000:1000], nil }),
		spec("slow", func(ctx context.Context, _ []byte) ([]byte, error) { <-ctx.Done(); return nil, ctx.Err() }),
		spec("big", func(context.Context, []byte) ([]byte, error) { return []byte(strings.Repeat("1", 2000)), nil }),
	)
	resp, err := invoke(t, h, "echo", `{"a":1}`)
	if err != nil || string(resp.Payload) != `{"a":1}` {
		t.Errorf("got %q, %v", resp.Payload, err)
	}
	if _, exists := logs.get(resp.LogStream); exists || len(logs.streams) != 0 {
		t.Error("a call that wrote nothing has a log")
	}
	if got := mustInvoke(t, h, "nothing", `{}`); got != nil {
		t.Errorf("nothing gives %v", got)
	}
	if resp, _ := invoke(t, h, "id", `{}`); string(resp.Payload) != strconv.Quote(resp.RequestID) {
		t.Errorf("the request id is %s for the function, %s for the caller", resp.Payload, resp.RequestID)
	}
	resp, _ = invoke(t, h, "log", `{}`)
	if text, closed := logs.get(resp.LogStream); text != "noted\n" || !closed || string(resp.LogTail) != text {
		t.Errorf("log is %q", text)
	}
	for _, c := range []struct{ name, errorType, cause, log string }{
		{"fail", "Error", `{"errorType":"Error","errorMessage":"plain"}`, ""},
		{"typed", "stactask.exceptions.InvalidInput", `"errorMessage":"wrapped: bad input"`, ""},
		{"panic", "Runtime.Panic", "slice bounds out of range", "kinds_test.go"},
		{"slow", "Sandbox.Timedout", "RequestId: <id> Error: Task timed out after 0.05 seconds", "timed out"},
		{"big", "Function.ResponseSizeTooLarge", "(1000 bytes)", ""},
	} {
		resp, err := invoke(t, h, c.name, `{}`)
		wantError(t, resp, err, c.errorType, c.cause)
		if text, _ := logs.get(resp.LogStream); !strings.Contains(text, c.log) {
			t.Errorf("%s: log is %q", c.name, text)
		}
	}
	gone := errors.New("had enough")
	ctx, cancel := context.WithCancelCause(context.Background())
	cancel(gone)
	if _, err := h.Invoke(ctx, function.Request{Function: "slow"}); !errors.Is(err, gone) {
		t.Errorf("given up: %v", err)
	}
}

func BenchmarkBuiltin(b *testing.B) {
	h := host(b, function.Options{Logs: &memoryLogs{}}, function.Spec{
		Name: "echo", Kind: function.Builtin,
		Builtin: func(_ context.Context, event []byte) ([]byte, error) { return event, nil },
	})
	req := function.Request{Function: "echo", Payload: []byte(`{"a":1}`)}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := h.Invoke(context.Background(), req); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkLambda(b *testing.B) {
	for _, workers := range []int{1, 4} {
		b.Run(fmt.Sprintf("workers=%d", workers), func(b *testing.B) {
			spec := self(b, "work", "aws-lambda-go")
			spec.Concurrency = workers
			h := host(b, function.Options{}, spec)
			req := function.Request{Function: "work", Payload: []byte(`{"do":"echo","text":"` + strings.Repeat("x", 1000) + `"}`)}
			if _, err := h.Invoke(context.Background(), req); err != nil {
				b.Fatal(err)
			}
			b.SetParallelism(workers)
			b.ResetTimer()
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					if _, err := h.Invoke(context.Background(), req); err != nil {
						b.Error(err)
						return
					}
				}
			})
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "calls/s")
		})
	}
}

func BenchmarkCommand(b *testing.B) {
	if _, err := os.Stat("/bin/cat"); err != nil {
		b.Skip("needs cat(1)")
	}
	h := host(b, function.Options{}, function.Spec{Name: "echo", Kind: function.Command, Command: []string{"/bin/cat"}})
	req := function.Request{Function: "echo", Payload: []byte(`{"a":1}`)}
	for b.Loop() {
		if _, err := h.Invoke(context.Background(), req); err != nil {
			b.Fatal(err)
		}
	}
}
