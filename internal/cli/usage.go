package cli

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"sundog/internal/problem"
)

// usageError makes an error for people of what Cobra says of a command line that it refuses: with the value that is wrong and the form
// that it has to have.
func usageError(c *cobra.Command, err error) error {
	wrong := problem.Wrap(problem.Invalid, err, "")
	args := c.Flags().Args()
	value, refused := errors.AsType[*pflag.InvalidValueError](err)
	_, ours := errors.AsType[*problem.Error](err)
	switch {
	case ours:
	case refused:
		if form, known := forms[value.GetFlag().Value.Type()]; known {
			wrong = problem.New(problem.Invalid, "--%s %q is %s", value.GetFlag().Name, value.GetValue(), form)
		}
	case c.ValidateArgs(args) != nil:
		wrong = problem.New(problem.Invalid, "%s takes %s; it was given %s", strings.TrimPrefix(c.CommandPath(), c.Root().Name()+" "), takes(c), quoted(args))
	}
	return wrong.WithHint("%s --help shows how it is used", c.CommandPath())
}

// forms says what a value that a flag refuses is not, by the type of the flag.
var forms = map[string]string{
	"int":      "no whole number",
	"int64":    "no whole number",
	"float64":  "no number",
	"bool":     "neither true nor false",
	"duration": "no duration: write it like 30s, 5m or 2h",
}

// takes is what the line of usage says of a command's arguments.
func takes(c *cobra.Command) string {
	_, form, _ := strings.Cut(c.Use, " ")
	form, _, _ = strings.Cut(form, "--")
	if form = strings.TrimSpace(form); form == "" {
		return "no arguments"
	}
	return form
}

func quoted(args []string) string {
	if len(args) == 0 {
		return "nothing"
	}
	texts := make([]string, len(args))
	for i, arg := range args {
		texts[i] = fmt.Sprintf("%q", arg)
	}
	return strings.Join(texts, " ")
}
