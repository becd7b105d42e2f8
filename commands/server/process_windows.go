package server

import (
	"os"
	"os/exec"
	"syscall"
)

// detachedProcess is the creation flag of a process without a console.
const detachedProcess = 0x00000008

// detach lets the process live on when the terminal goes.
func detach(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{CreationFlags: detachedProcess} }

func isAlive(pid int) bool {
	p, err := os.FindProcess(pid)
	if err != nil {
		return false
	}
	return p.Release() == nil
}

// askToStop ends a server: there is no way to ask one that has no console.
func askToStop(pid int) error {
	p, err := os.FindProcess(pid)
	if err != nil {
		return err
	}
	return p.Kill()
}
