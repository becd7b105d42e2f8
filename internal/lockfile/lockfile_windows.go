package lockfile

import (
	"os"

	"golang.org/x/sys/windows"
)

// TryAlone locks the file for this process alone, or fails at once.
func TryAlone(f *os.File) error { return try(f, windows.LOCKFILE_EXCLUSIVE_LOCK) }

// TryShared locks the file together with others, or fails at once.
func TryShared(f *os.File) error { return try(f, 0) }

func try(f *os.File, how uint32) error {
	return windows.LockFileEx(windows.Handle(f.Fd()), how|windows.LOCKFILE_FAIL_IMMEDIATELY, 0, 1, 0, new(windows.Overlapped))
}
