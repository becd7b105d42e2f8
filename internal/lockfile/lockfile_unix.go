//go:build unix

package lockfile

import (
	"os"
	"syscall"
)

// TryAlone locks the file for this process alone, or fails at once.
func TryAlone(f *os.File) error { return syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) }

// TryShared locks the file together with others, or fails at once.
func TryShared(f *os.File) error { return syscall.Flock(int(f.Fd()), syscall.LOCK_SH|syscall.LOCK_NB) }
