package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sundog/internal/cli"
	"sundog/internal/problem"
)

// TestDemo runs the demo as it is: it fails unless every record ended as it should.
func TestDemo(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	dir := filepath.Join(t.TempDir(), "demo")
	var out, log bytes.Buffer
	if err := demo(ctx, cli.DemoOptions{Data: dir, Listen: "127.0.0.1:0", Out: &out, Err: &log}); err != nil {
		t.Fatalf("%v\n%s\n%s", err, out.String(), log.String())
	}
	for _, want := range []string{"INVALID", "SUCCEEDED", "summarise", "catalog.json", "failed attempt"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q is not shown:\n%s", want, out.String())
		}
	}
	if _, err := os.Stat(filepath.Join(dir, "data", "catalog", "catalog.json")); err != nil {
		t.Error(err)
	}
	if err := demo(ctx, cli.DemoOptions{Data: dir, Out: &out, Err: &log}); !problem.Is(err, problem.Invalid) {
		t.Errorf("a folder that is in use gives %v", err)
	}
}

// TestDemoTasks runs the tasks with an API that always fails: each is tried as often as the project allows, and stays FAILED. The demo
// itself compares the executions with the attempts.
func TestDemoTasks(t *testing.T) {
	for name, value := range map[string]string{"TASKS_FAILURE_PERCENT": "100", "TASKS_MAX_ATTEMPTS": "1", "TASKS_WAIT_SECONDS": "0"} {
		t.Setenv(name, value)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	var out, log bytes.Buffer
	if err := demo(ctx, cli.DemoOptions{Name: cli.DemoTasks, Data: filepath.Join(t.TempDir(), "demo"), Out: &out, Err: &log}); err != nil {
		t.Fatalf("%v\n%s\n%s", err, out.String(), log.String())
	}
	for _, want := range []string{"2         ████████████████████████████████████████    200\n", "Succeeded: 0. Failed for good, after 2 attempts: 200."} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q is not shown:\n%s", want, out.String())
		}
	}
	if !strings.Contains(log.String(), "200 of 200 tasks have ended") {
		t.Errorf("the way there is not shown:\n%s", log.String())
	}
}
