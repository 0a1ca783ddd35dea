package cli

import (
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"sundog/internal/problem"
)

// resolve replaces shortened names of commands by the full ones. Cobra's own prefix matching is a switch for the whole process and takes
// an ambiguous prefix for an unknown command.
func resolve(root *cobra.Command, args []string) ([]string, error) {
	if len(args) > 0 && strings.HasPrefix(args[0], cobra.ShellCompRequestCmd) {
		return args, nil
	}
	args = slices.Clone(args)
	at, help := root, false
	for i := 0; i < len(args) && at.HasSubCommands(); i++ {
		switch arg := args[i]; {
		case arg == "--":
			return args, nil
		case strings.HasPrefix(arg, "-") && arg != "-":
			if takesNext(at, arg) {
				i++
			}
		default:
			next, err := find(at, arg)
			if err != nil {
				return nil, err
			}
			args[i] = next.Name()
			if next.Name() == "help" && at == root && !help {
				help = true // its arguments are commands, from the root on
				continue
			}
			at = next
		}
	}
	return args, nil
}

// find returns the command under parent that a name or a unique prefix of one stands for.
func find(parent *cobra.Command, name string) (*cobra.Command, error) {
	var found []*cobra.Command
	for _, c := range parent.Commands() {
		if c.Name() == name || c.HasAlias(name) {
			return c, nil
		}
		if strings.HasPrefix(c.Name(), name) && !c.Hidden && name != "" {
			found = append(found, c)
		}
	}
	if len(found) == 1 {
		return found[0], nil
	}
	what := strings.TrimSpace(strings.TrimPrefix(parent.CommandPath(), parent.Root().Name()) + " " + name)
	if len(found) > 1 {
		return nil, problem.New(problem.Invalid, "%q could be %s", what, enumerate(found)).WithHint("write more of the name")
	}
	unknown := problem.New(problem.Invalid, "there is no command %q", what)
	parent.SuggestionsMinimumDistance = 2
	if near := parent.SuggestionsFor(name); len(near) > 0 {
		return nil, unknown.WithHint("did you mean %s?", strings.Join(near, " or "))
	}
	return nil, unknown.WithHint("%s --help lists the commands", parent.CommandPath())
}

// enumerate lists the names of commands: a, b or c.
func enumerate(commands []*cobra.Command) string {
	names := make([]string, len(commands))
	for i, c := range commands {
		names[i] = c.Name()
	}
	slices.Sort(names)
	last := len(names) - 1
	return strings.Join(names[:last], ", ") + " or " + names[last]
}

// takesNext says whether the argument after a flag is its value.
func takesNext(c *cobra.Command, arg string) bool {
	name, long := strings.CutPrefix(arg, "--")
	if strings.Contains(arg, "=") {
		return false
	}
	for _, flags := range []*pflag.FlagSet{c.Flags(), c.Root().PersistentFlags()} {
		var f *pflag.Flag
		switch {
		case long:
			f = flags.Lookup(name)
		case len(arg) == 2:
			f = flags.ShorthandLookup(arg[1:])
		}
		if f != nil {
			return f.NoOptDefVal == ""
		}
	}
	return false
}
