package lambda_test

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"sundog/internal/embedded/function"
)

func TestServe(t *testing.T) {
	h := lambdaHost(t, function.Options{}, function.Spec{Name: "f", Concurrency: 1, Timeout: 3 * time.Second})
	for _, c := range []struct{ event, want, errorType, cause string }{
		{event: `{"do":"echo","x":1}`, want: `{"do":"echo","x":1}`},
		{event: `{"do":"nothing"}`, want: `null`},
		{event: `{"do":"fail"}`, errorType: "cirrus.lib.errors.InvalidInput", cause: "reading a payload: no features"},
		{event: `{"do":"deadline"}`, errorType: "Error", cause: "deadline"},
		{event: `{"do":"large"}`, errorType: function.ErrorResponseTooLarge, cause: ""},
		{event: `{"do":"panic"}`, errorType: "Runtime.Panic", cause: "slice bounds out of range"},
		{event: `{"do":"echo"}`, want: `{"do":"echo"}`}, // by a new process
	} {
		resp, err := h.Invoke(t.Context(), function.Request{Function: "f", Payload: []byte(c.event)})
		if c.errorType == "" {
			if err != nil || string(resp.Payload) != c.want {
				t.Errorf("%s: %s, %v", c.event, resp.Payload, err)
			}
			continue
		}
		failed, ok := errors.AsType[*function.Error](err)
		if !ok || failed.Type != c.errorType || !strings.Contains(failed.Cause, c.cause) {
			t.Errorf("%s: %s, %v; want %s", c.event, resp.Payload, err, c.errorType)
		}
	}
}

// TestServeTellsWhyAFunctionCannotBeMade has whoever invokes the function learn what is wrong with its configuration.
func TestServeTellsWhyAFunctionCannotBeMade(t *testing.T) {
	for handler, want := range map[string]string{"broken": "CIRRUS_STATE_DB is not set", "panics": "while it was made"} {
		h := lambdaHost(t, function.Options{}, function.Spec{Name: "f", Handler: handler})
		resp, err := h.Invoke(t.Context(), function.Request{Function: "f"})
		var doc struct{ ErrorMessage string }
		if json.Unmarshal(resp.Payload, &doc) != nil || err == nil || !strings.Contains(doc.ErrorMessage, want) {
			t.Errorf("%s: %s, %v", handler, resp.Payload, err)
		}
	}
}

// TestServeFinishesItsEventWhenStopped sends SIGTERM to a function that is at work.
func TestServeFinishesItsEventWhenStopped(t *testing.T) {
	h := lambdaHost(t, function.Options{Logs: logTo{t}}, function.Spec{Name: "f", Concurrency: 1, Timeout: time.Minute})
	resp, err := h.Invoke(t.Context(), function.Request{Function: "f", Payload: []byte(`{"do":"pid"}`)})
	if err != nil {
		t.Fatal(err)
	}
	pid, err := strconv.Atoi(string(resp.Payload))
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "go")
	if err := os.WriteFile(file+".begun", nil, 0o600); err != nil {
		t.Fatal(err)
	}
	type answer struct {
		text string
		err  error
	}
	answers := make(chan answer, 1)
	go func() {
		resp, err := h.Invoke(context.WithoutCancel(t.Context()), function.Request{Function: "f", Payload: []byte(`{"do":"wait","file":"` + file + `"}`)})
		answers <- answer{string(resp.Payload), err}
	}()
	eventually(t, "the event is being handled", func() bool { _, err := os.Stat(file + ".begun"); return err != nil })
	if err := syscall.Kill(pid, syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if a := <-answers; a.err != nil || a.text != `"finished"` {
		t.Errorf("%s, %v", a.text, a.err)
	}
	eventually(t, "the process has ended", func() bool { return syscall.Kill(pid, 0) != nil })
}

// eventually polls across the border of a process.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !ok(); {
		if time.Now().After(deadline) {
			t.Fatalf("never: %s", what)
		}
		timer := time.NewTimer(5 * time.Millisecond)
		<-timer.C
	}
}
