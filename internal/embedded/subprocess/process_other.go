//go:build unix && !linux

package subprocess

import "syscall"

// Where there is no death signal, a child survives a parent that is killed.
func attributes() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }

// collect can kill what is left of the group only after the process has been collected. Until then the group keeps the output
// open, so Wait may take WaitDelay longer than on Linux.
func (p *Process) collect() error {
	err := p.cmd.Wait()
	p.mu.Lock()
	_ = syscall.Kill(-p.Pid(), syscall.SIGKILL)
	p.collected = true
	p.mu.Unlock()
	close(p.ended)
	return err
}
