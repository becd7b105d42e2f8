//go:build unix

package worker

import (
	"os"
	"syscall"
)

// tryLock locks the file for this process, or fails at once. The lock goes with the process.
func tryLock(f *os.File) error {
	return syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
}
