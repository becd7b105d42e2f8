//go:build unix

package environment

import (
	"os/exec"
	"syscall"
)

// asGroup makes the program and all that it starts end together.
func asGroup(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
}
