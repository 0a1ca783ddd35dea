package cli

import (
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
func (a *app) open(args []string) (*input, error) {
	if len(args) == 0 || args[0] == "-" {
		if a.InTerminal {
			a.say("reading from the terminal: Ctrl-D ends the input")
		}
		return &input{Reader: a.In, name: "standard input", close: func() error { return nil }}, nil
	}
	f, err := os.Open(args[0])
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
func (a *app) readDocument(args []string, limit int64) ([]byte, error) {
	in, err := a.open(args)
	if err != nil {
		return nil, err
	}
	defer func() { _ = in.close() }()
	text, err := io.ReadAll(io.LimitReader(in, limit+1))
	if err != nil {
		return nil, problem.Wrap(problem.Invalid, err, "reading %s", in.name)
	}
	if int64(len(text)) > limit {
		return nil, problem.New(problem.TooLarge, "%s is larger than %d bytes", in.name, limit)
	}
	return text, nil
}
