package cli

import (
	"fmt"
	"io"
	"strings"

	"sundog/internal/problem"
)

// ended is an error with an exit code that no kind of problem has: the command worked, and what it asked about did not go well.
type ended struct {
	code int
	err  error
}

func (e *ended) Error() string { return e.err.Error() }

func (e *ended) Unwrap() error { return e.err }

// report prints an error and what can be done about it.
func (a *app) report(err error) {
	a.complain("%s", err)
	if hint := problem.HintOf(err); hint != "" {
		_, _ = fmt.Fprintf(a.Err, "hint: %s\n", printable(hint))
	}
}

// complain prints a line to standard error. A failure to do so has nowhere to go.
func (a *app) complain(format string, args ...any) {
	_, _ = fmt.Fprintf(a.Err, a.deps.Name+": %s\n", printable(fmt.Sprintf(format, args...)))
}

// say tells how it goes, unless --quiet.
func (a *app) say(format string, args ...any) {
	if !a.quiet {
		a.complain(format, args...)
	}
}

// writeExits writes the table of exit codes.
func writeExits(w io.Writer) {
	for _, e := range problem.Exits() {
		_, _ = fmt.Fprintf(w, "  %3d  %-12s  %s\n", e.Code, e.Name, e.Meaning)
	}
}

// exitTopic is the text of `sundog help exit-codes`.
func exitTopic() string {
	var b strings.Builder
	b.WriteString("How a command went shows in its exit code:\n\n")
	writeExits(&b)
	b.WriteString("\nThe reason is on standard error, with a hint at what to do where there is one.")
	return b.String()
}
