package e2e

import (
	"errors"
	"os/exec"
	"strings"
	"testing"

	"sundog/internal/api"
	"sundog/internal/problem"
)

// TestOneProcessPerDataDirectory starts a second server on the data directory of a first, which runs: it is refused with a message that
// says what to do, and the first notices nothing.
func TestOneProcessPerDataDirectory(t *testing.T) {
	s := newServer(t, loadFiles())
	s.start()
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(path, "serve", "--project", s.dir, "--data", s.data, "--listen", freeAddress(t)).CombinedOutput()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != problem.ExitCode(problem.New(problem.Conflict, "")) {
		t.Errorf("the second server ends with %v, want the exit code of a conflict", err)
	}
	for _, part := range []string{"in use by another process", s.data, "--data"} {
		if !strings.Contains(string(out), part) {
			t.Errorf("the second server does not say %q: %s", part, out)
		}
	}
	var h api.Health
	s.mustGet(api.PathHealth, &h)
	l := &load{s: s}
	l.send(t.Context())
	if l.count() != perRequest {
		t.Errorf("%d payloads were acknowledged, want %d", l.count(), perRequest)
	}
	s.stop()
}
