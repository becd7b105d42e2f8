package server

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/server/core"
)

// Copied is a copy of a database, or what became of one.
type Copied struct {
	Database string `json:"database"`
	File     string `json:"file"`
	Bytes    int64  `json:"bytes"`
}

// Backup copies the database, which a server may go on using, to a new file.
func Backup(ctx context.Context, o Options, file string) (out *Copied, err error) {
	file, err = filepath.Abs(file)
	if err == nil {
		_, err = os.Lstat(file)
	}
	if err == nil {
		return nil, api.Errorf(api.CodeConflict, "%s exists already: choose another name for the copy", file)
	}
	if !errors.Is(err, os.ErrNotExist) {
		return nil, api.Errorf(api.CodeInvalid, "write a copy: %w", err)
	}
	err = withCore(ctx, o, func(c *core.Core) error {
		if err := c.Store.Copy(file); err != nil {
			return errors.Join(err, forget(file))
		}
		info, err := os.Stat(file)
		if err == nil {
			out = &Copied{Database: c.Store.Describe(), File: file, Bytes: info.Size()}
		}
		return err
	})
	return out, err
}

// Restore puts a copy where a server's database belongs, when there is none. It looks first
// whether the copy is whole, of a release that this one follows, and sealed with the master key
// that is here; the copy itself stays as it is.
func Restore(ctx context.Context, o Options, file string) (*Copied, error) {
	target := o.Database.File()
	if target == "" {
		return nil, api.Errorf(api.CodeInvalid, "a copy is restored as a file: PostgreSQL's own programs (pg_restore, psql) restore what pg_dump has written, see docs/security/recovery.md")
	}
	for _, name := range []string{target, target + "-wal"} {
		if _, err := os.Lstat(name); err == nil {
			return nil, api.Errorf(api.CodeConflict, "%s exists: stop the server that uses it, and move it away first", name)
		}
	}
	trial := target + ".restoring"
	bytes, err := duplicate(file, trial)
	if err != nil {
		return nil, errors.Join(api.Errorf(api.CodeInvalid, "read the copy: %w", err), forget(trial))
	}
	o.Database.URL = trial
	c, err := openCore(ctx, o)
	if err == nil {
		err = errors.Join(c.Store.Check(), c.Store.Close())
	}
	if err == nil {
		err = os.Rename(trial, target)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("%s can't be restored: %w", file, err), forget(trial))
	}
	return &Copied{Database: target, File: file, Bytes: bytes}, nil
}

// duplicate copies a file to one that only its owner may read, and waits for the disk.
func duplicate(from, to string) (int64, error) {
	in, err := os.Open(from)
	if err != nil {
		return 0, err
	}
	defer in.Close() //nolint:errcheck // it was read
	out, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return 0, err
	}
	n, err := io.Copy(out, in)
	return n, errors.Join(err, out.Sync(), out.Close())
}

// forget removes a database file that is no good, with what belongs to it.
func forget(file string) error {
	var all error
	for _, end := range []string{"", "-wal", "-shm"} {
		if err := os.Remove(file + end); !errors.Is(err, os.ErrNotExist) {
			all = errors.Join(all, err)
		}
	}
	return all
}
