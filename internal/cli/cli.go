// Package cli owns the command line: the commands, what they print and how they end. Every command but serve, demo, bench, validate,
// test-state and payload is a conversation with a server through package client; for a deployment on AWS this process answers itself.
//
// # Promises
//
//   - Results go to standard output, everything else to standard error.
//   - Output for people is a table; output for programs is JSON, a list being one document per line. A terminal gets the first, a pipe
//     the second, and --output chooses.
//   - The exit code says how it went, by the one table of package problem.
//   - Input is read as it comes: memory does not grow with its length.
package cli

import (
	"context"
	"errors"
	"io"
	"os"
	"syscall"

	"sundog/internal/deployment"
	"sundog/internal/problem"
)

// Streams are what a command reads from and writes to.
type Streams struct {
	In       io.Reader
	Out, Err io.Writer
	// InTerminal, OutTerminal and ErrTerminal say whether somebody types and watches.
	InTerminal, OutTerminal, ErrTerminal bool
	// Color allows colours in tables.
	Color bool
	// Width is the number of columns of the terminal at Out; 0 when it is unknown or none.
	Width int
}

// Deps are the parts of the program that are not the command line's own.
type Deps struct {
	// Name is the name that the program was called by: sundog when empty.
	Name string
	// Version is what `sundog version` prints.
	Version string
	// Getenv reads the environment; os.Getenv when nil.
	Getenv func(name string) string
	// OpenAWS opens a deployment on AWS; nil: this program reaches none. A name that the parameter store does not have is NotFound.
	OpenAWS func(ctx context.Context, at deployment.AWS) (*Remote, error)
	// ListAWS returns the names of the deployments in the parameter store of an account and region.
	ListAWS func(ctx context.Context, at deployment.AWS) ([]string, error)
	// Serve runs a server until ctx ends, and returns nil when it ended because of that.
	Serve func(ctx context.Context, opts ServeOptions) error
	// Demo shows a platform at work.
	Demo func(ctx context.Context, opts DemoOptions) error
	// Bench measures a platform.
	Bench func(ctx context.Context, opts BenchOptions) error
	// BenchSchedules measures the schedules of a platform.
	BenchSchedules func(ctx context.Context, opts BenchSchedulesOptions) error
	// Worker does the work of Lambda functions until ctx ends, and returns nil when it ended because of that.
	Worker func(ctx context.Context, opts WorkerOptions) error
}

// ServeOptions are what `sundog serve` was asked to do.
type ServeOptions struct {
	Project string // the project folder
	Data    string // the data directory, which is created when it does not exist
	Listen  string // host:port
	Token   string // that clients have to show; empty: none
	Quiet   bool   // no log below warnings
	Err     io.Writer
}

// What `sundog demo` can show.
const (
	DemoSTAC  = "stac"
	DemoTasks = "tasks"
)

// DemoOptions are what `sundog demo` was asked to do.
type DemoOptions struct {
	Name   string // DemoSTAC or DemoTasks
	Data   string // the data directory; empty: a new temporary one
	Serve  bool   // stay up afterwards
	Listen string // host:port
	Token  string // that clients have to show; empty: none
	Quiet  bool
	Out    io.Writer
	Err    io.Writer
}

// BenchOptions are what `sundog bench` was asked to do.
type BenchOptions struct {
	Data     string // the data directory; empty: a temporary one
	Payloads int    // how many go through, at least 1
	Writers  int    // how many feed them at one time, at least 1
	Records  int    // how many records there are already, at least 0
	JSON     bool   // print the result as one JSON document instead of a table
	Quiet    bool
	Out      io.Writer
	Err      io.Writer
}

// BenchSchedulesOptions are what `sundog bench schedules` was asked to do.
type BenchSchedulesOptions struct {
	Data    string // the folder of the project and its data; empty: a temporary one
	Pending int    // how many schedules are pending meanwhile, at least 1
	Clients int    // how many make schedules one by one at one time, at least 1
	JSON    bool   // print the result as one JSON document instead of a table
	Quiet   bool
	Out     io.Writer
	Err     io.Writer
}

// Signal is the cause of a context that a signal ended; the exit code follows from it.
type Signal struct{ os.Signal }

// Error names the signal.
func (s Signal) Error() string { return "stopped by " + s.String() }

// Run runs the command that args (without the program's name) ask for, and returns the exit code (package problem, Exits). Errors are
// printed to s.Err. When ctx ends because of a Signal the code says so, unless the command ended well all the same.
func Run(ctx context.Context, args []string, s Streams, deps Deps) int {
	if deps.Getenv == nil {
		deps.Getenv = os.Getenv
	}
	a := newApp(s, deps)
	err := a.run(ctx, args)
	if closeErr := a.closeRemotes(); err == nil {
		err = closeErr
	}
	if err == nil || errors.Is(err, syscall.EPIPE) {
		return problem.ExitOK // whoever closed the pipe has read enough
	}
	if signal, ok := errors.AsType[Signal](context.Cause(ctx)); ok {
		if signal.Signal == syscall.SIGTERM {
			return problem.ExitTerminated
		}
		return problem.ExitInterrupted
	}
	a.report(err)
	if ended, ok := errors.AsType[*ended](err); ok {
		return ended.code
	}
	return problem.ExitCode(err)
}
