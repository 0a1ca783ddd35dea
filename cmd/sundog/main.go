// Command sundog runs workflows over payloads and keeps the state of every one of them: a server and its command line.
package main

import (
	"context"
	"os"
	"os/signal"
	"path/filepath"
	"runtime/debug"
	"syscall"

	"github.com/charmbracelet/colorprofile"
	"golang.org/x/term"

	"sundog/internal/aws/lambda"
	"sundog/internal/cli"
)

func main() {
	os.Exit(run())
}

func run() int {
	if lambda.Wanted(os.Args, os.Getenv) {
		runFunction()
	}
	tuneMemory()
	ctx, stop := untilSignal(context.Background())
	defer stop()
	// A reader of our output that goes away is an error of one write, not the end of a server whose log was piped.
	signal.Ignore(syscall.SIGPIPE)
	deps := wire()
	deps.Version = version()
	if name := filepath.Base(os.Args[0]); name == "cirrus" { // a link for scripts that were written for it
		deps.Name = name
	}
	return cli.Run(ctx, os.Args[1:], streams(), deps)
}

// tuneMemory trades memory for fewer collections, as far as there is plenty: most of the memory is in the database's own caches, and the rest
// lives for milliseconds. GOGC and GOMEMLIMIT in the environment have their way.
func tuneMemory() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(200)
	}
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(192 << 20)
	}
}

// untilSignal returns a context that the first SIGINT or SIGTERM ends. The second one ends the process at once, as if nobody listened.
func untilSignal(parent context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancelCause(parent)
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	done := make(chan struct{})
	go func() {
		defer close(done)
		select {
		case s := <-signals:
			signal.Stop(signals)
			cancel(cli.Signal{Signal: s})
		case <-ctx.Done():
		}
	}()
	return ctx, func() {
		signal.Stop(signals)
		cancel(nil)
		<-done
	}
}

func streams() cli.Streams {
	s := cli.Streams{In: os.Stdin, Out: os.Stdout, Err: os.Stderr}
	s.InTerminal = term.IsTerminal(int(os.Stdin.Fd()))
	s.ErrTerminal = term.IsTerminal(int(os.Stderr.Fd()))
	s.OutTerminal = term.IsTerminal(int(os.Stdout.Fd()))
	s.Color = colorprofile.Detect(os.Stdout, os.Environ()) >= colorprofile.ANSI
	if width, _, err := term.GetSize(int(os.Stdout.Fd())); err == nil {
		s.Width = width
	}
	return s
}

// version is that of the module, or the commit it was built from.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	text := info.Main.Version
	if text == "" {
		text = "(devel)"
	}
	return text + " " + info.GoVersion
}
