package sqlite

import (
	"context"
	"os"

	"zombiezen.com/go/sqlite"

	"github.com/usherhq/usher/internal/store/dialect"
)

// Viewer reads a database file of another program and can't change it.
type Viewer struct{ readers *readers }

// View opens the database file at path for reading.
func View(path string) (*Viewer, error) {
	if _, err := os.Stat(path); err != nil {
		return nil, fileError(path, err)
	}
	measureLines()
	configure()
	return &Viewer{newReaders(path, 1, func() (*sqlite.Conn, error) {
		return connect(path, path, sqlite.OpenReadOnly, readerPragmas)
	})}, nil
}

// Read runs fn on a snapshot.
func (v *Viewer) Read(ctx context.Context, fn func(dialect.Session) error) error {
	return v.readers.do(ctx, fn)
}

// Describe is the file's path.
func (v *Viewer) Describe() string { return v.readers.path }

// Close lets the file go.
func (v *Viewer) Close() error {
	v.readers.close()
	return nil
}
