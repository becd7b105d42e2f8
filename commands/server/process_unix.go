//go:build unix

package server

import (
	"errors"
	"os/exec"
	"syscall"
)

// detach lets the process live on when the terminal goes.
func detach(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true} }

func isAlive(pid int) bool {
	err := syscall.Kill(pid, 0)
	return err == nil || errors.Is(err, syscall.EPERM)
}

// askToStop asks a server to stop in order.
func askToStop(pid int) error { return syscall.Kill(pid, syscall.SIGTERM) }
