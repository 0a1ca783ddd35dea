package cli

import (
	"context"
	"io"
	"os"

	"sundog/internal/problem"
)

// input is the file or standard input that a command reads.
type input struct {
	io.Reader
	name  string
	size  int64 // in bytes; 0 when it is not known
	close func() error
}

// open opens the file that args name, or standard input when there is none or it is "-".
func (a *app) open(ctx context.Context, args []string) (*input, error) {
	if len(args) == 0 || args[0] == "-" {
		if a.InTerminal {
			a.say("reading from the terminal: Ctrl-D ends the input")
		}
		return &input{Reader: a.In, name: "standard input", close: func() error { return nil }}, nil
	}
	f, err := interruptible(ctx, func() (*os.File, error) { return os.Open(args[0]) })
	if err != nil {
		return nil, problem.Wrap(fileKind(err), err, "reading the input")
	}
	in := &input{Reader: f, name: args[0], close: f.Close}
	if info, err := f.Stat(); err == nil && info.Mode().IsRegular() {
		in.size = info.Size()
	}
	return in, nil
}

// readDocument reads one document, at most limit bytes long.
func (a *app) readDocument(ctx context.Context, args []string, limit int64) ([]byte, error) {
	in, err := a.open(ctx, args)
	if err != nil {
		return nil, err
	}
	defer func() { _ = in.close() }()
	text, err := interruptible(ctx, func() ([]byte, error) { return io.ReadAll(io.LimitReader(in, limit+1)) })
	if err != nil {
		return nil, problem.Wrap(problem.Invalid, err, "reading %s", in.name)
	}
	if int64(len(text)) > limit {
		return nil, problem.New(problem.TooLarge, "%s is larger than %d bytes", in.name, limit)
	}
	return text, nil
}

// interruptible returns what f returns, or the cause of the end of ctx. A read from a terminal or a pipe cannot be called off, nor can the
// opening of a pipe: the goroutine that is stuck in it is left behind, because the process is about to end.
func interruptible[T any](ctx context.Context, f func() (T, error)) (T, error) {
	type result struct {
		value T
		err   error
	}
	done := make(chan result, 1)
	go func() {
		value, err := f()
		done <- result{value, err}
	}()
	select {
	case r := <-done:
		return r.value, r.err
	case <-ctx.Done():
		var none T
		return none, context.Cause(ctx)
	}
}
