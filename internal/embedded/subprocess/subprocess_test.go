package subprocess_test

import (
	"bufio"
	"bytes"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"sundog/internal/embedded/subprocess"
)

// With this variable set the test binary is a program that starts a child, says its number and waits to be killed.
const parentVariable = "TEST_SUBPROCESS_PARENT"

func TestMain(m *testing.M) {
	if os.Getenv(parentVariable) == "" {
		goleak.VerifyTestMain(m)
		return
	}
	p, err := subprocess.NewLauncher().Start(subprocess.Command{Args: []string{"/bin/sh", "-c", "echo $$; exec sleep 600"}, Stdout: os.Stdout})
	if err != nil {
		panic(err)
	}
	p.Wait()
}

func TestChildrenDieWithTheProgram(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("only Linux has a death signal")
	}
	path, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	parent := exec.Command(path)
	parent.Env = append(os.Environ(), parentVariable+"=1")
	out, err := parent.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := parent.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(line))
	if err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(pid, 0); err != nil {
		t.Fatal("the child is not running:", err)
	}
	if err := parent.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = parent.Wait() // killed
	awaitGone(t, pid)
}

func launcher(t *testing.T) *subprocess.Launcher {
	t.Helper()
	l := subprocess.NewLauncher()
	t.Cleanup(l.Close)
	return l
}

func TestStatus(t *testing.T) {
	l := launcher(t)
	for _, c := range []struct {
		name, script string
		success      bool
		code         int
		text         string
	}{
		{"success", "exit 0", true, 0, "exit status 0"},
		{"failure", "exit 3", false, 3, "exit status 3"},
		{"signal", "kill -9 $$", false, 137, "signal: killed"},
	} {
		t.Run(c.name, func(t *testing.T) {
			p, err := l.Start(subprocess.Command{Args: []string{"/bin/sh", "-c", c.script}})
			if err != nil {
				t.Fatal(err)
			}
			s := p.Wait()
			if s.Success() != c.success || s.Code() != c.code || s.String() != c.text {
				t.Errorf("got %v, %d, %q", s.Success(), s.Code(), s)
			}
		})
	}
}

func TestStartErrors(t *testing.T) {
	l := launcher(t)
	if _, err := l.Start(subprocess.Command{Args: []string{"/no/such/program"}}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("missing program gives %v", err)
	}
	if _, err := l.Start(subprocess.Command{}); err == nil {
		t.Error("an empty command starts")
	}
	l.Close()
	if _, err := l.Start(subprocess.Command{Args: []string{"/bin/true"}}); !errors.Is(err, subprocess.ErrClosed) {
		t.Errorf("a closed launcher gives %v", err)
	}
}

func TestEnvironmentDoesNotLeak(t *testing.T) {
	t.Setenv("SUNDOG_TOKEN", "secret")
	l := launcher(t)
	for _, env := range [][]string{nil, subprocess.BaseEnv()} {
		var out bytes.Buffer
		p, err := l.Start(subprocess.Command{Args: []string{"/usr/bin/env"}, Env: env, Stdout: &out})
		if err != nil {
			t.Fatal(err)
		}
		if s := p.Wait(); !s.Success() {
			t.Fatal(s)
		}
		if strings.Contains(out.String(), "secret") {
			t.Errorf("with environment %q the token leaks", env)
		}
		if env != nil && !strings.Contains(out.String(), "PATH=") {
			t.Error("PATH is missing")
		}
	}
}

// What a process leaves behind in its group is killed with it, and does not hold up Wait.
func TestGroupDiesWithItsLeader(t *testing.T) {
	l := launcher(t)
	var out bytes.Buffer
	p, err := l.Start(subprocess.Command{Args: []string{"/bin/sh", "-c", "sleep 600 & echo $!"}, Stdout: &out})
	if err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	if s := p.Wait(); !s.Success() {
		t.Fatal(s)
	}
	if d := time.Since(began); d > 20*time.Second {
		t.Errorf("Wait took %v", d)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(out.String()))
	if err != nil {
		t.Fatal(err)
	}
	awaitGone(t, pid)
}

func TestEscapedDescendantDoesNotHoldUpWait(t *testing.T) {
	if _, err := exec.LookPath("setsid"); err != nil {
		t.Skip("needs setsid(1)")
	}
	l := launcher(t)
	number := filepath.Join(t.TempDir(), "pid")
	var out bytes.Buffer
	p, err := l.Start(subprocess.Command{
		Args: []string{
			"/bin/sh", "-c", `setsid sh -c 'echo $$ >"$0.new"; mv "$0.new" "$0"; exec sleep 600' "$0" & until [ -e "$0" ]; do :; done; echo done`,
			number,
		},
		Stdout: &out, Env: subprocess.BaseEnv(),
	})
	if err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	s := p.Wait()
	d := time.Since(began)
	text, err := os.ReadFile(number)
	if err != nil {
		t.Fatal(err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Error("the descendant did not escape:", err)
	}
	if !s.Success() || d > 20*time.Second {
		t.Errorf("Wait took %v: %v", d, s)
	}
	if out.String() != "done\n" {
		t.Errorf("output written before the end is lost: %q", out.String())
	}
}

func TestKillAndStop(t *testing.T) {
	l := launcher(t)
	for _, c := range []struct {
		name, script string
		end          func(*subprocess.Process)
		code         int
	}{
		{"kill", "echo ready; sleep 600", (*subprocess.Process).Kill, 137},
		{"stop", "trap 'exit 7' TERM; echo ready; while :; do sleep 0.01; done", func(p *subprocess.Process) { p.Stop(time.Minute) }, 7},
		{"stop ignored", "trap '' TERM; echo ready; while :; do sleep 0.01; done", func(p *subprocess.Process) { p.Stop(50 * time.Millisecond) }, 137},
	} {
		t.Run(c.name, func(t *testing.T) {
			ready := make(signalWriter, 1)
			p, err := l.Start(subprocess.Command{Args: []string{"/bin/sh", "-c", c.script}, Env: subprocess.BaseEnv(), Stdout: ready})
			if err != nil {
				t.Fatal(err)
			}
			status := make(chan subprocess.Status, 1)
			go func() { status <- p.Wait() }()
			<-ready
			c.end(p)
			if s := <-status; s.Code() != c.code {
				t.Errorf("got %v, code %d, want %d", s, s.Code(), c.code)
			}
			<-p.Ended()
			p.Kill() // of a collected process: nothing happens
		})
	}
}

// signalWriter says that something was written.
type signalWriter chan struct{}

func (w signalWriter) Write(p []byte) (int, error) {
	select {
	case w <- struct{}{}:
	default:
	}
	return len(p), nil
}

// awaitGone polls across the process border until pid is no running process any more.
func awaitGone(t *testing.T, pid int) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); {
		stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
		if err != nil || strings.Contains(string(stat), ") Z ") {
			return
		}
		<-time.After(5 * time.Millisecond)
	}
	t.Errorf("process %d lives on", pid)
	_ = syscall.Kill(pid, syscall.SIGKILL)
}
