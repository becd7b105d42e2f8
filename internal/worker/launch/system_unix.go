//go:build unix

package launch

import (
	"os"
	"syscall"
)

// stopSignals are those that must not end a keeper. A pipe that breaks is one of them: the
// worker that the keeper reports to may have been killed a moment before.
var stopSignals = []os.Signal{syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP, syscall.SIGQUIT, syscall.SIGPIPE}

// ownSession keeps the terminal's signals away and makes the keeper lead a group that can
// be signalled as a whole.
func ownSession() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setsid: true} }

func exitCode(state *os.ProcessState) int {
	if status, ok := state.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		return -int(status.Signal())
	}
	return state.ExitCode()
}

func exists(pid int) bool {
	if pid <= 1 {
		return false
	}
	err := syscall.Kill(pid, 0)
	return err == nil || err == syscall.EPERM
}

// terminate asks the program and all it started to end.
func terminate(keeper, program identity) { signalAll(keeper, program, syscall.SIGTERM) }

// killTree ends the program and all it started, at once.
func killTree(keeper, program identity) { signalAll(keeper, program, syscall.SIGKILL) }

func signalAll(keeper, program identity, sig syscall.Signal) {
	for _, pid := range family(keeper, program, everyProcess()) {
		if pid > 1 && pid != os.Getpid() {
			syscall.Kill(pid, sig) //nolint:errcheck // already gone
		}
	}
}
