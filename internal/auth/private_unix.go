//go:build unix

package auth

import (
	"os"
	"syscall"

	"github.com/usherhq/usher/internal/api"
)

// private refuses a file or directory that others may read or that is somebody else's.
func private(path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	if info.Mode().Perm()&0o077 != 0 {
		mode := "600"
		if info.IsDir() {
			mode = "700"
		}
		return api.Errorf(api.CodeForbidden, "%s can be read by others, so it is not used for credentials\n`chmod %s %s` closes it; change keys that were in it", path, mode, path)
	}
	if stat, ok := info.Sys().(*syscall.Stat_t); ok && int(stat.Uid) != os.Geteuid() {
		return api.Errorf(api.CodeForbidden, "%s belongs to another user, so it is not used for credentials\nset USHER_HOME to a directory of your own", path)
	}
	return nil
}
