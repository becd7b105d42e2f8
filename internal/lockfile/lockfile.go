// Package lockfile locks files for processes: a lock goes with the process that has it,
// however that ends.
package lockfile

import (
	"context"
	"errors"
	"os"
	"time"
)

// tryEvery is how often a lock that somebody else has is tried again.
const tryEvery = 50 * time.Millisecond

// Await opens the file, which is made if need be, and waits for its lock: alone, or with
// others that want to share it. Closing the file lets go of the lock.
func Await(ctx context.Context, path string, alone bool) (*os.File, error) {
	for {
		file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600) //nolint:gosec // the caller's own file
		if err != nil {
			return nil, err
		}
		if file, err = locked(file, path, alone); err == nil {
			return file, nil
		}
		select {
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		case <-time.After(tryEvery):
		}
	}
}

// Try is Await for a file that is there, at once or not at all.
func Try(path string, alone bool) (*os.File, error) {
	file, err := os.OpenFile(path, os.O_RDWR, 0o600) //nolint:gosec // the caller's own file
	if err != nil {
		return nil, err
	}
	return locked(file, path, alone)
}

var errReplaced = errors.New("the file was replaced")

// locked locks a file that was opened, unless it is no longer the one at its path.
func locked(file *os.File, path string, alone bool) (*os.File, error) {
	try := TryShared
	if alone {
		try = TryAlone
	}
	err := try(file)
	if err == nil && !isAt(file, path) {
		err = errReplaced
	}
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return file, nil
}

func isAt(file *os.File, path string) bool {
	opened, err := file.Stat()
	if err != nil {
		return false
	}
	there, err := os.Stat(path)
	return err == nil && os.SameFile(opened, there)
}
