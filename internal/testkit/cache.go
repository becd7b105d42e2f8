package testkit

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/rogpeppe/go-internal/lockedfile"
)

// CacheDir returns a directory of the given name that outlives the test
// binary: USHER_TEST_CACHE, or usher-test in the user's cache directory.
func CacheDir(name string) (string, error) {
	root := os.Getenv("USHER_TEST_CACHE")
	if root == "" {
		user, err := os.UserCacheDir()
		if err != nil {
			return "", fmt.Errorf("find the cache directory (set USHER_TEST_CACHE): %w", err)
		}
		root = filepath.Join(user, "usher-test")
	}
	dir := filepath.Join(root, name)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", fmt.Errorf("make the cache directory (set USHER_TEST_CACHE to a writable place): %w", err)
	}
	return dir, nil
}

// once runs build while holding a lock that every test binary on this machine
// respects, unless the file ready says that it has run to its end before.
func once(dir string, build func() error) error {
	ready := filepath.Join(dir, "ready")
	if exists(ready) {
		return nil
	}
	unlock, err := lockedfile.MutexAt(dir + ".lock").Lock()
	if err != nil {
		return fmt.Errorf("lock %s: %w", dir, err)
	}
	defer unlock()
	if exists(ready) {
		return nil
	}
	if err := build(); err != nil {
		return err
	}
	return os.WriteFile(ready, nil, 0o644)
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
