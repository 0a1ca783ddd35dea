package subprocess

import (
	"errors"
	"syscall"

	"golang.org/x/sys/unix"
)

func attributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}

// collect waits for the end of the process before it collects it: in between the process is dead but keeps its number, so that
// the group can be killed without hitting anyone else.
func (p *Process) collect() error {
	for errors.Is(unix.Waitid(unix.P_PID, p.Pid(), nil, unix.WEXITED|unix.WNOWAIT, nil), unix.EINTR) {
	}
	p.mu.Lock()
	_ = syscall.Kill(-p.Pid(), syscall.SIGKILL)
	p.collected = true
	p.mu.Unlock()
	close(p.ended)
	return p.cmd.Wait()
}
