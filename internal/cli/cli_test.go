package cli_test

import (
	"context"
	"errors"
	"fmt"
	"net/http/httptest"
	"os"
	"os/exec"
	"os/signal"
	"strconv"
	"syscall"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"sundog/internal/cli"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"sundog": func() { os.Exit(run()) }})
}

// run is the program as the scripts call it. SUNDOG_TEST_TERMINAL is the width of a terminal that standard output passes for.
func run() int {
	signal.Ignore(syscall.SIGPIPE) // as the program does
	s := cli.Streams{In: os.Stdin, Out: os.Stdout, Err: os.Stderr}
	if width, err := strconv.Atoi(os.Getenv("SUNDOG_TEST_TERMINAL")); err == nil {
		s.OutTerminal, s.Width = true, width
	}
	s.ErrTerminal = os.Getenv("SUNDOG_TEST_PROGRESS") != ""
	s.Color = os.Getenv("SUNDOG_TEST_COLOR") != ""
	return cli.Run(context.Background(), os.Args[1:], s, cli.Deps{
		Version: "v1.2.3",
		Serve: func(_ context.Context, o cli.ServeOptions) error {
			_, err := fmt.Fprintf(o.Err, "serve project=%s data=%s listen=%s token=%s quiet=%t\n", o.Project, o.Data, o.Listen, o.Token, o.Quiet)
			return err
		},
		Demo: func(_ context.Context, o cli.DemoOptions) error {
			_, err := fmt.Fprintf(o.Out, "demo data=%s serve=%t listen=%s\n", o.Data, o.Serve, o.Listen)
			return err
		},
		Bench: func(_ context.Context, o cli.BenchOptions) error {
			_, err := fmt.Fprintf(o.Out, "bench payloads=%d writers=%d json=%t\n", o.Payloads, o.Writers, o.JSON)
			return err
		},
		Worker: func(_ context.Context, o cli.WorkerOptions) error {
			fmt.Fprintf(os.Stderr, "worker roles=%v profile=%s region=%s in-flight=%d quiet=%v\n", o.Roles, o.Profile, o.Region, o.InFlight, o.Quiet)
			return nil
		},
		BenchSchedules: func(_ context.Context, o cli.BenchSchedulesOptions) error {
			_, err := fmt.Fprintf(o.Out, "bench pending=%d clients=%d json=%t\n", o.Pending, o.Clients, o.JSON)
			return err
		},
	})
}

func TestScript(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		UpdateScripts:       os.Getenv("SUNDOG_UPDATE") != "",
		RequireExplicitExec: true,
		Setup: func(env *testscript.Env) error {
			server := httptest.NewServer(newFake())
			env.Defer(server.Close)
			env.Setenv("SUNDOG_SERVER", server.URL)
			env.Setenv("TZ", "UTC")
			env.Setenv("GORACE", "atexit_sleep_ms=0") // a second for each command else, under the race detector
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"exits": exits},
	})
}

// exits runs a command and compares its exit code: exits CODE COMMAND ARGUMENT...
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE COMMAND ARGUMENT...")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got := 0
	if err := ts.Exec(args[1], args[2:]...); err != nil {
		failed, ok := errors.AsType[*exec.ExitError](err)
		if !ok {
			ts.Fatalf("%v", err)
		}
		got = failed.ExitCode()
	}
	if got != want {
		ts.Fatalf("exit code %d, want %d", got, want)
	}
}
