package cli

import (
	"bufio"
	"fmt"
	"strings"

	"sundog/internal/problem"
)

// confirm asks whether to go on, unless the answer was given with --yes. Without a terminal nobody could answer, so that --yes is needed there.
func (a *app) confirm(yes bool, question string, args ...any) error {
	text := fmt.Sprintf(question, args...)
	switch {
	case yes:
		return nil
	case !a.InTerminal || !a.ErrTerminal:
		return problem.New(problem.Invalid, "%s", text).WithHint("nobody can be asked: add --yes")
	}
	if _, err := fmt.Fprintf(a.Err, "%s [y/N] ", printable(text)); err != nil {
		return err
	}
	answer, err := bufio.NewReader(a.In).ReadString('\n')
	switch strings.ToLower(strings.TrimSpace(answer)) {
	case "y", "yes":
		return nil
	}
	if err != nil && answer == "" {
		return problem.Wrap(problem.Invalid, err, "nothing was done: there was no answer").WithHint("add --yes")
	}
	return problem.New(problem.Invalid, "nothing was done: the answer was %q", strings.TrimSpace(answer))
}
