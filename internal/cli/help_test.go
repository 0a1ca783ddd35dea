package cli

import (
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

// TestHelp looks at every command: it says what it does, shows how, and its examples are ones that the program takes.
func TestHelp(t *testing.T) {
	root := newApp(Streams{}, Deps{Getenv: func(string) string { return "" }}).root
	var look func(c *cobra.Command)
	look = func(c *cobra.Command) {
		if c.Runnable() || c.HasSubCommands() {
			t.Run(c.CommandPath(), func(t *testing.T) {
				if c.Short == "" || strings.HasSuffix(c.Short, ".") {
					t.Errorf("short description %q", c.Short)
				}
				if c.Example == "" {
					t.Error("no example")
				}
				for line := range strings.Lines(c.Example) {
					checkExample(t, root, c, line)
				}
			})
		}
		for _, sub := range c.Commands() {
			look(sub)
		}
	}
	look(root)
}

// checkExample parses the words after "sundog" as far as a shell would pass them.
func checkExample(t *testing.T, root, c *cobra.Command, line string) {
	t.Helper()
	_, call, found := strings.Cut(line, "sundog ")
	if !found {
		t.Errorf("%q calls nothing", line)
		return
	}
	call, _, _ = strings.Cut(call, " | ")
	call, _, _ = strings.Cut(call, " > ")
	call, _, _ = strings.Cut(call, " < ")
	var words []string
	for i, part := range strings.Split(strings.TrimSpace(call), "'") {
		if i%2 == 1 {
			words = append(words, part) // quoted
		} else {
			words = append(words, strings.Fields(part)...)
		}
	}
	if len(words) > 2 && words[0] == "manage" { // manage DEPLOYMENT COMMAND: parsed as the command
		words = words[2:]
		c = nil
	}
	named, rest, err := root.Find(words)
	if err != nil {
		t.Errorf("%q: %v", line, err)
		return
	}
	if c != nil && !strings.HasPrefix(named.CommandPath()+" ", c.CommandPath()+" ") {
		t.Errorf("%q is an example of %s", line, named.CommandPath())
	}
	if err := named.ParseFlags(rest); err != nil {
		t.Errorf("%q: %v", line, err)
	} else if err := named.ValidateArgs(named.Flags().Args()); err != nil {
		t.Errorf("%q: %v", line, err)
	}
}
