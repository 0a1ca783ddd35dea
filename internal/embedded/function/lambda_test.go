package function_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"sundog/internal/embedded/function"
)

func TestLambdaServesTheRealRuntime(t *testing.T) {
	t.Setenv("SUNDOG_TOKEN", "secret")
	spec := self(t, "work", "aws-lambda-go")
	spec.Env = append(spec.Env, "GREETING=hello")
	h := host(t, function.Options{Region: "eu-central-1", Account: "123456789012"}, spec)

	if got := mustInvoke(t, h, "work", `{"do":"echo","text":"ü"}`); fmt.Sprint(got) != "map[do:echo text:ü]" {
		t.Errorf("echo gives %v", got)
	}
	if got := mustInvoke(t, h, "work", `{"do":"nothing"}`); got != nil {
		t.Errorf("nothing gives %v", got)
	}
	resp, err := h.Invoke(context.Background(), function.Request{
		Function: "arn:aws:lambda:eu-central-1:123456789012:function:work:live", Payload: []byte(`{"do":"context"}`), ID: "the-id",
		ClientContext: `{"custom":{"k":"v"}}`, TraceID: "Root=1-2-3",
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		`"id":"the-id"`, `"arn":"arn:aws:lambda:eu-central-1:123456789012:function:work:live"`, `"custom":{"k":"v"}`, `"trace":"Root=1-2-3"`,
		`"name":"work"`, `"memory":128`, `"GREETING=hello"`, `"AWS_REGION=eu-central-1"`, `"_HANDLER=work"`, `"LAMBDA_TASK_ROOT=/`,
		`"AWS_LAMBDA_LOG_GROUP_NAME=/aws/lambda/work"`,
	} {
		if !strings.Contains(string(resp.Payload), want) {
			t.Errorf("the function's context lacks %s: %s", want, resp.Payload)
		}
	}
	var seen struct{ Left float64 }
	if err := json.Unmarshal(resp.Payload, &seen); err != nil || seen.Left <= 0 || seen.Left > 60 {
		t.Errorf("the function sees %v seconds left of 60 (%v)", seen.Left, err)
	}
	if strings.Contains(string(resp.Payload), "secret") {
		t.Error("this program's environment leaks into the function")
	}
}

func TestLambdaFaults(t *testing.T) {
	work := self(t, "work", "aws-lambda-go")
	work.Timeout = 20 * time.Second
	short := self(t, "short", "aws-lambda-go")
	short.Timeout = 250 * time.Millisecond
	specs := []function.Spec{work, short}
	for _, role := range []string{"garbage", "no-type", "trailer", "init-error", "init-exit", "init-hang"} {
		specs = append(specs, self(t, role, role))
	}
	specs = append(specs,
		function.Spec{Name: "missing", Kind: function.Lambda, Command: []string{"/no/such/bootstrap"}},
		function.Spec{Name: "no-format", Kind: function.Lambda, Command: []string{"/etc/passwd"}},
	)
	logs := &memoryLogs{}
	h := host(t, function.Options{Logs: logs, InitTimeout: 3 * time.Second}, specs...)
	for _, c := range []struct {
		name, function, event string
		errorType, cause, log string
	}{
		{"error", "work", `{"do":"fail","text":"no luck"}`, "typedError", `{"errorMessage":"no luck","errorType":"typedError"}`, "no luck"},
		{"panic", "work", `{"do":"panic","text":"aargh"}`, "string", `"errorMessage":"aargh"`, "aargh"},
		{"exit 1", "work", `{"do":"exit","size":1}`, "Runtime.ExitError", `{"errorType":"Runtime.ExitError","errorMessage":"RequestId: <id> Error: Runtime exited with error: exit status 1"}`, "Runtime.ExitError"},
		{"exit 0", "work", `{"do":"exit"}`, "Runtime.ExitError", `Runtime exited without providing a reason`, ""},
		{"killed", "work", `{"do":"kill"}`, "Runtime.ExitError", `Runtime exited with error: signal: killed`, ""},
		{"too big", "work", `{"do":"big","size":52428800}`, "Function.ResponseSizeTooLarge", `{"errorType":"Function.ResponseSizeTooLarge","errorMessage":"Response payload size exceeded maximum allowed payload size (6291556 bytes)."}`, "ResponseSizeTooLarge"},
		{"stream breaks", "work", `{"do":"stream"}`, "typedError", `broke while streaming`, ""},
		{"hang", "short", `{"do":"hang"}`, "Sandbox.Timedout", `{"errorType":"Sandbox.Timedout","errorMessage":"RequestId: <id> Error: Task timed out after 0.25 seconds"}`, "hanging\nRequestId: <id> Error: Task timed out after 0.25 seconds"},
		{"garbage", "garbage", `{}`, "Runtime.MarshalError", `the response is not valid JSON: \"this is not JSON\"`, ""},
		{"no type", "no-type", `{}`, "Lambda.Unknown", `The cause could not be determined because Lambda did not return an error type. Returned payload: {"message":"odd"}`, ""},
		{"trailer", "trailer", `{}`, "Stream.Broken", `{"errorType":"Stream.Broken","errorMessage":"at half"}`, ""},
		{"init error", "init-error", `{}`, "Init.NoConfig", `{"errorType":"Init.NoConfig","errorMessage":"no configuration"}`, "about to fail"},
		{"init exit", "init-exit", `{}`, "Runtime.ExitError", `RequestId: <id> Error: Runtime exited with error: exit status 3`, "cannot go on"},
		{"init hang", "init-hang", `{}`, "Sandbox.Timedout", `Task timed out after 3.00 seconds`, ""},
		{"no program", "missing", `{}`, "Runtime.InvalidEntrypoint", `/no/such/bootstrap`, ""},
		{"no format", "no-format", `{}`, "Runtime.InvalidEntrypoint", `/etc/passwd`, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			resp, err := invoke(t, h, c.function, c.event)
			wantError(t, resp, err, c.errorType, c.cause)
			if resp.FunctionError != "Unhandled" {
				t.Errorf("FunctionError is %q", resp.FunctionError)
			}
			text, closed := logs.get(resp.LogStream)
			if want := strings.ReplaceAll(c.log, "<id>", resp.RequestID); !strings.Contains(text, want) || want != "" && !closed {
				t.Errorf("log is %q (closed: %v), want %q", text, closed, want)
			}
			if !strings.HasSuffix(text, string(resp.LogTail)) {
				t.Errorf("tail %q is not the end of the log", resp.LogTail)
			}
			if c.function == "work" { // whatever happened, the next call is served
				mustInvoke(t, h, "work", `{"do":"echo"}`)
			}
		})
	}
}

func TestLambdaRuntimeAPI(t *testing.T) {
	logs := &memoryLogs{}
	h := host(t, function.Options{Logs: logs}, self(t, "protocol", "protocol"), self(t, "empty", "empty"), self(t, "twice", "twice"))
	if got := fmt.Sprint(mustInvoke(t, h, "protocol", `{}`)); got != "[403 400 404]" {
		t.Errorf("a second next, a wrong id and an unknown path give %s, want [403 400 404]", got)
	}
	if got := mustInvoke(t, h, "empty", `{}`); got != nil {
		t.Errorf("an empty response gives %v", got)
	}
	for range 2 {
		if got := mustInvoke(t, h, "twice", `5`); got != 5.0 {
			t.Errorf("got %v", got)
		}
	}
	// What a runtime writes between two calls leads the log of the next.
	resp, err := invoke(t, h, "twice", `6`)
	if err != nil {
		t.Fatal(err)
	}
	if text, _ := logs.get(resp.LogStream); !strings.Contains(text, "answers 202 400") {
		t.Errorf("log is %q", text)
	}
}

// Everything a call has written when it answers is in its own log, although log and answer come by different ways.
func TestLambdaLogsBelongToTheirCalls(t *testing.T) {
	spec := self(t, "work", "aws-lambda-go")
	spec.Concurrency = 3
	logs := &memoryLogs{}
	h := host(t, function.Options{Logs: logs}, spec)
	const lines = 500
	var calls sync.WaitGroup
	for i := range 30 {
		calls.Go(func() {
			who := fmt.Sprintf("call-%d", i)
			resp, err := invoke(t, h, "work", fmt.Sprintf(`{"do":"log","text":%q,"size":%d}`, who, lines))
			if err != nil {
				t.Error(err)
				return
			}
			text, closed := logs.get(resp.LogStream)
			if got := strings.Count(text, who+" "); got != lines || strings.Count(text, "\n") != lines || !closed {
				t.Errorf("%s: %d of %d lines are its own, want %d", who, got, strings.Count(text, "\n"), lines)
			}
			if len(resp.LogTail) != function.LogTail || !strings.HasSuffix(text, string(resp.LogTail)) {
				t.Errorf("tail of %d bytes", len(resp.LogTail))
			}
		})
	}
	calls.Wait()
}

func TestLambdaPool(t *testing.T) {
	t.Run("workers are reused and bounded", func(t *testing.T) {
		spec := self(t, "work", "aws-lambda-go")
		spec.Concurrency = 2
		h := host(t, function.Options{}, spec)
		pids := make(map[any]bool)
		for range 5 {
			pids[mustInvoke(t, h, "work", `{"do":"context"}`).(map[string]any)["pid"]] = true
		}
		if len(pids) != 1 {
			t.Errorf("calls one after the other used %d processes", len(pids))
		}
		var calls sync.WaitGroup
		for range 20 {
			calls.Go(func() { mustInvoke(t, h, "work", `{"do":"echo"}`) })
		}
		calls.Wait()
		eventually(t, "all workers are idle", func() bool { return h.Functions()[0].Running == 0 })
		if s := h.Functions()[0]; s.Processes > 2 || s.Waiting != 0 {
			t.Errorf("load is %+v", s)
		}
	})
	t.Run("idle workers are stopped", func(t *testing.T) {
		spec := self(t, "work", "aws-lambda-go")
		h := host(t, function.Options{IdleTimeout: 30 * time.Millisecond}, spec)
		mustInvoke(t, h, "work", `{"do":"echo"}`)
		eventually(t, "the worker is gone", func() bool { return h.Functions()[0].Processes == 0 })
		mustInvoke(t, h, "work", `{"do":"echo"}`)
	})
	for _, role := range []string{"one-shot", "impatient"} {
		t.Run(role+" workers are no trouble", func(t *testing.T) {
			spec := self(t, "work", role)
			hungUp := filepath.Join(t.TempDir(), "hung-up")
			spec.Env = append(spec.Env, "HUNG_UP="+hungUp)
			h := host(t, function.Options{}, spec)
			first := mustInvoke(t, h, "work", `{}`)
			if role == "one-shot" {
				eventually(t, "the worker is gone", func() bool { return h.Functions()[0].Processes == 0 })
			} else {
				eventually(t, "the worker has hung up", func() bool { _, err := os.Stat(hungUp); return err == nil })
			}
			second := mustInvoke(t, h, "work", `{}`)
			if same := first == second; same != (role == "impatient") {
				t.Errorf("served by %v, then by %v", first, second)
			}
		})
	}
	t.Run("a worker that never asks again is replaced", func(t *testing.T) {
		spec := self(t, "work", "dawdler")
		spec.Timeout, spec.Concurrency = time.Second, 1
		h := host(t, function.Options{}, spec)
		if first, second := mustInvoke(t, h, "work", `{}`), mustInvoke(t, h, "work", `{}`); first == second {
			t.Error("the same process served twice")
		}
	})
	t.Run("processes left behind die with their worker", func(t *testing.T) {
		h, err := function.NewHost([]function.Spec{self(t, "work", "aws-lambda-go")}, function.Options{})
		if err != nil {
			t.Fatal(err)
		}
		pid := int(mustInvoke(t, h, "work", `{"do":"fork"}`).(float64))
		if !alive(pid) {
			t.Fatal("the child is not running")
		}
		if err := h.Close(context.Background()); err != nil {
			t.Fatal(err)
		}
		eventually(t, "the child is dead", func() bool { return !alive(pid) })
	})
}

func TestLambdaQueue(t *testing.T) {
	spec := self(t, "work", "aws-lambda-go")
	spec.Concurrency = 1
	h := host(t, function.Options{MaxWaiting: 2}, spec)
	mustInvoke(t, h, "work", `{"do":"echo"}`) // a worker is up

	holding, release := context.WithCancel(context.Background())
	held := make(chan error, 1)
	go func() {
		_, err := h.Invoke(holding, function.Request{Function: "work", Payload: []byte(`{"do":"hang"}`)})
		held <- err
	}()
	status := func() function.Status { return h.Functions()[0] }
	eventually(t, "the worker is busy", func() bool { return status().Running == 1 })

	// Two may wait; one of them gives up, and makes room.
	leaving, leave := context.WithCancelCause(context.Background())
	left := make(chan error, 1)
	go func() {
		_, err := h.Invoke(leaving, function.Request{Function: "work", Payload: []byte(`{"do":"echo"}`)})
		left <- err
	}()
	eventually(t, "one waits", func() bool { return status().Waiting == 1 })
	order := make(chan int, 2)
	wait := func(n int) {
		if _, err := h.Invoke(context.Background(), function.Request{Function: "work", Payload: []byte(`{"do":"echo"}`)}); err != nil {
			t.Error(err)
		}
		order <- n
	}
	go wait(1)
	eventually(t, "two wait", func() bool { return status().Waiting == 2 })
	resp, err := invoke(t, h, "work", `{"do":"echo"}`)
	wantError(t, resp, err, "Lambda.TooManyRequestsException", "Rate Exceeded. (Service: AWSLambda; Status Code: 429; Error Code: TooManyRequestsException; Request ID: <id>; Proxy: null)")
	if resp.FunctionError != "" {
		t.Error("a refused call is no function error")
	}
	gone := errors.New("had enough")
	leave(gone)
	if err := <-left; !errors.Is(err, gone) {
		t.Errorf("leaving the queue gives %v", err)
	}
	go wait(2)
	eventually(t, "two wait again", func() bool { return status().Waiting == 2 })

	release()
	if err := <-held; !errors.Is(err, context.Canceled) {
		t.Errorf("giving up a call gives %v", err)
	}
	if got := []int{<-order, <-order}; !slices.Equal(got, []int{1, 2}) {
		t.Errorf("served in the order %v", got)
	}
}

// A function that does not come up fails the calls that wait for it, and is tried again at growing intervals, not at once.
func TestLambdaCrashLoopBacksOff(t *testing.T) {
	spec := self(t, "work", "init-exit")
	spec.Concurrency = 1
	h := host(t, function.Options{}, spec)
	began := time.Now()
	for range 3 {
		var calls sync.WaitGroup
		for range 5 {
			calls.Go(func() {
				resp, err := invoke(t, h, "work", `{}`)
				wantError(t, resp, err, "Runtime.ExitError", "exit status 3")
			})
		}
		calls.Wait()
	}
	if d := time.Since(began); d < 300*time.Millisecond { // 100 ms and 200 ms
		t.Errorf("three rounds took %v: no pause between starts", d)
	}
}

func TestCloseDrainsThenKills(t *testing.T) {
	for _, kind := range []string{"lambda", "command"} {
		t.Run(kind, func(t *testing.T) {
			spec := self(t, "work", "aws-lambda-go")
			if kind == "command" {
				spec = shell("work", "sleep 600")
			}
			h, err := function.NewHost([]function.Spec{spec}, function.Options{})
			if err != nil {
				t.Fatal(err)
			}
			result := make(chan error, 1)
			go func() {
				_, err := h.Invoke(context.Background(), function.Request{Function: "work", Payload: []byte(`{"do":"hang"}`)})
				result <- err
			}()
			eventually(t, "the call runs", func() bool { return h.Functions()[0].Running == 1 })
			ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
			defer cancel()
			if err := h.Close(ctx); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("Close gives %v", err)
			}
			if err := <-result; !errors.Is(err, function.ErrClosed) {
				t.Errorf("the call ends with %v", err)
			}
			if _, err := h.Invoke(context.Background(), function.Request{Function: "work"}); !errors.Is(err, function.ErrClosed) {
				t.Errorf("a call after Close gives %v", err)
			}
		})
	}
}
