package sqlite

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/usherhq/usher/internal/api"
)

// prepareFile checks that path can be a database and makes an empty file, readable by
// its owner alone, when nothing is there.
func prepareFile(path string) error {
	info, err := os.Stat(path)
	switch {
	case err == nil && info.IsDir():
		return api.Errorf(api.CodeInvalid, "Can't open the database %s: it is a folder; name a file in it, such as %s.",
			path, filepath.Join(path, "usher.db"))
	case err == nil:
		return nil // opening it here would drop the locks of whoever has it open
	case errors.Is(err, fs.ErrNotExist):
		return makeFile(path)
	}
	return fileError(path, err)
}

func makeFile(path string) error {
	dir := filepath.Dir(path)
	if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
		return api.Errorf(api.CodeInvalid, "Can't make the database %s: the folder %s does not exist; make it first or name another file.", path, dir)
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return nil // another process was faster: the file is as good
	}
	if err != nil {
		return fileError(path, err)
	}
	return f.Close()
}

func fileError(path string, err error) error {
	return api.Errorf(api.CodeUnavailable, "Can't open the database %s: %w; the file and its folder must be writable for you.", path, unwrapPath(err))
}

// unwrapPath drops the path that the message names already.
func unwrapPath(err error) error {
	if pathErr := (*fs.PathError)(nil); errors.As(err, &pathErr) {
		return pathErr.Err
	}
	return err
}
