//go:build unix

package sdk

import (
	"os/exec"
	"syscall"
)

// Replace lets a program take the place of this process, with args[0] as its name.
func Replace(interpreter string, args, environ []string) error {
	path, err := exec.LookPath(interpreter)
	if err != nil {
		return notStarted(interpreter, err)
	}
	return notStarted(interpreter, syscall.Exec(path, args, lastWins(environ)))
}
