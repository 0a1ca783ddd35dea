package job

import (
	"slices"
	"strings"
	"testing"
)

// Whatever the parameters contain, they change nothing but the arguments that refer to them, one for one.
func FuzzResolve(f *testing.F) {
	f.Add("Ref::url", "s3://bucket/key", "-v")
	f.Add("Ref::", "x", "Ref::url")
	f.Add("a Ref::b", "$(rm -rf /)", "Ref::Ref::url")
	f.Add("Ref::url", "Ref::url", "")
	f.Add("Ref::url", "a\x00b", "\x00")
	f.Fuzz(func(t *testing.T, first, value, second string) {
		command := []string{"program", first, second}
		parameters := map[string]string{"url": value}
		before := slices.Clone(command)
		argv, err := resolve(command, parameters)
		if !slices.Equal(command, before) {
			t.Fatal("the command was changed")
		}
		if err != nil {
			return
		}
		if len(argv) != len(command) {
			t.Fatalf("%q became %q", command, argv)
		}
		for i, arg := range command {
			if want := arg; strings.HasPrefix(arg, ref) {
				if arg != ref+"url" || argv[i] != value {
					t.Errorf("%q became %q with %q", arg, argv[i], value)
				}
			} else if argv[i] != want {
				t.Errorf("%q became %q", arg, argv[i])
			}
		}
	})
}
