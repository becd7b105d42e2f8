//go:build unix

package testkit

import (
	"os/exec"
	"syscall"
)

const venvBin = "bin"

// ownGroup makes the command lead a process group, so that what it starts can
// be ended with it.
func ownGroup(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
}

// terminate asks only the leader: a server stops its children itself, and
// children that get the signal too would die before it can.
func terminate(pid int) error { return syscall.Kill(pid, syscall.SIGTERM) }

func killGroup(pid int) error { return syscall.Kill(-pid, syscall.SIGKILL) }
