// Package subprocess runs the commands of functions and jobs as child processes that cannot outlive or hang us.
//
// # Promises
//
//   - Each process leads a process group of its own. When it ends, for whatever reason, everything left in its group is killed.
//     A descendant that starts its own session escapes that; it cannot hold up Wait, which stops listening to the process's
//     output after WaitDelay.
//   - On Linux the process is killed when this program dies, however it dies.
//   - The environment is exactly the one given: nothing of this program's own environment leaks. BaseEnv returns the few variables
//     that programs need to work at all.
//   - No signal is ever sent to a process or group that has been collected: its number may belong to someone else by then.
package subprocess

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"sync"
	"syscall"
	"time"
)

// WaitDelay is how long Wait goes on listening to the output of a process that has ended, when a descendant outside its group
// holds the pipe open.
const WaitDelay = time.Second

// ErrClosed is returned by Start after Close.
var ErrClosed = errors.New("subprocess: launcher is closed")

// Command says what to run.
type Command struct {
	// Args is the program and its arguments. A program without a slash is looked for in this program's PATH, one with a slash is
	// relative to Dir.
	Args []string
	// Dir is the working directory; this program's own when empty.
	Dir string
	// Env is the whole environment, as KEY=VALUE; of several with one key the last counts.
	Env []string
	// Stdin is what the process reads; nothing when nil.
	Stdin io.Reader
	// Stdout and Stderr receive what it writes; discarded when nil. A write error ends the listening, not the process. The same
	// writer given twice is never used concurrently.
	Stdout, Stderr io.Writer
}

// Launcher starts processes. The signal that kills a child when its parent dies is bound to the thread that forked it, not to the
// program (prctl(2), PR_SET_PDEATHSIG), so one thread, kept for as long as the launcher lives, forks them all.
type Launcher struct {
	requests chan request
	quit     chan struct{}
	done     chan struct{}
	closing  sync.Once
}

type request struct {
	cmd   *exec.Cmd
	reply chan error
}

// NewLauncher starts the launching thread. Close ends it.
func NewLauncher() *Launcher {
	l := &Launcher{requests: make(chan request), quit: make(chan struct{}), done: make(chan struct{})}
	go l.loop()
	return l
}

func (l *Launcher) loop() {
	defer close(l.done)
	runtime.LockOSThread() // never unlocked: the thread ends with the goroutine
	for {
		select {
		case r := <-l.requests:
			r.reply <- r.cmd.Start()
		case <-l.quit:
			return
		}
	}
}

// Close ends the launching thread, and with it, on Linux, every process that is still running. Callers who care wait for
// their processes first.
func (l *Launcher) Close() {
	l.closing.Do(func() { close(l.quit) })
	<-l.done
}

// Start starts a process. The caller must call Wait, once. Errors are those of exec.Cmd.Start: no such program, no
// permission, wrong format, out of processes.
func (l *Launcher) Start(c Command) (*Process, error) {
	if len(c.Args) == 0 || c.Args[0] == "" {
		return nil, errors.New("subprocess: the command is empty; name a program")
	}
	cmd := exec.Command(c.Args[0], c.Args[1:]...) //nolint:noctx // a context would kill the process alone, not its group
	cmd.Dir, cmd.Env = c.Dir, c.Env
	if cmd.Env == nil {
		cmd.Env = []string{} // nil would mean this program's own
	}
	cmd.Stdin, cmd.Stdout, cmd.Stderr = c.Stdin, c.Stdout, c.Stderr
	cmd.WaitDelay = WaitDelay
	cmd.SysProcAttr = attributes()
	r := request{cmd: cmd, reply: make(chan error, 1)}
	select {
	case l.requests <- r:
	case <-l.quit:
		return nil, ErrClosed
	}
	if err := <-r.reply; err != nil {
		return nil, fmt.Errorf("subprocess: starting %s: %w", c.Args[0], err)
	}
	return &Process{cmd: cmd, ended: make(chan struct{})}, nil
}

// Process is a running child. Its methods are safe for concurrent use; Wait is called once.
type Process struct {
	cmd   *exec.Cmd
	ended chan struct{}

	mu        sync.Mutex
	collected bool
}

// Pid returns the number of the process and of its group.
func (p *Process) Pid() int { return p.cmd.Process.Pid }

// Kill kills the process and its group at once.
func (p *Process) Kill() { p.signal(syscall.SIGKILL) }

// Stop asks the group to end (SIGTERM) and kills it when the process has not ended after grace.
func (p *Process) Stop(grace time.Duration) {
	p.signal(syscall.SIGTERM)
	timer := time.NewTimer(grace)
	defer timer.Stop()
	select {
	case <-p.ended:
	case <-timer.C:
		p.Kill()
	}
}

func (p *Process) signal(s syscall.Signal) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.collected {
		_ = syscall.Kill(-p.Pid(), s) // fails only when nobody is left
	}
}

// Ended is closed when the process itself has ended, before its output has been read to the end.
func (p *Process) Ended() <-chan struct{} { return p.ended }

// Wait waits until the process has ended, kills what is left of its group, reads the rest of its output and returns how it
// ended. It never waits more than WaitDelay for output.
func (p *Process) Wait() Status {
	err := p.collect()
	return Status{state: p.cmd.ProcessState, err: err}
}

// Status tells how a process ended.
type Status struct {
	state *os.ProcessState
	err   error
}

// Success reports whether the process exited with code 0.
func (s Status) Success() bool { return s.state != nil && s.state.Success() }

// Code returns the exit code, or 128 plus the signal for a process that was killed, as shells and container engines say.
func (s Status) Code() int {
	if s.state == nil {
		return -1
	}
	if ws, ok := s.state.Sys().(syscall.WaitStatus); ok && ws.Signaled() {
		return 128 + int(ws.Signal())
	}
	return s.state.ExitCode()
}

// String says how the process ended: "exit status 1", "signal: killed".
func (s Status) String() string {
	if s.state == nil {
		return s.err.Error()
	}
	return s.state.String()
}

// BaseEnv returns PATH, HOME, TMPDIR, LANG and TZ of this program, with plain defaults for the first three. Nothing else of
// this program's environment, where secrets may be, is passed to commands.
func BaseEnv() []string {
	env := make([]string, 0, 5)
	for _, v := range []struct{ key, fallback string }{
		{"PATH", "/usr/local/bin:/usr/bin:/bin"},
		{"HOME", "/"},
		{"TMPDIR", os.TempDir()},
		{"LANG", ""},
		{"TZ", ""},
	} {
		value := os.Getenv(v.key)
		if value == "" {
			value = v.fallback
		}
		if value != "" {
			env = append(env, v.key+"="+value)
		}
	}
	return env
}
