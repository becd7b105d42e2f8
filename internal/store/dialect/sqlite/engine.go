// Package sqlite runs the store on one SQLite file: one writer that commits the work
// of many callers at once, readers that never wait for it, and a checkpointer that
// keeps the write-ahead log short. What Write has acknowledged is on the disk.
package sqlite

import (
	"context"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"zombiezen.com/go/sqlite"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/store/dialect"
)

// Engine is an open SQLite database.
type Engine struct {
	path      string
	temporary string // folder to remove on Close, when the database is a temporary one
	writer    *writer
	readers   *readers
	sweeper   *checkpointer
	closing   sync.Once
	closeErr  error
}

// Open opens the database file at path, which is made when it is missing; its folder
// must exist. At most readers reads run at once. An empty path is a temporary database
// that Close removes.
func Open(path string, readers int) (*Engine, error) {
	e := &Engine{path: path}
	if path == "" {
		dir, err := os.MkdirTemp("", "usher-db-")
		if err != nil {
			return nil, api.Errorf(api.CodeUnavailable, "Can't make a temporary database: %w", err)
		}
		e.path, e.temporary = filepath.Join(dir, "usher.db"), dir
	}
	err := prepareFile(e.path)
	if err == nil {
		err = e.start(readers)
	}
	if err != nil {
		_ = os.RemoveAll(e.temporary)
		return nil, err
	}
	return e, nil
}

func (e *Engine) start(readers int) error {
	measureLines()
	configure()
	conn, err := openConn(e.path, gatheringVFS(), writerPragmas)
	if err != nil {
		return err
	}
	e.sweeper = startCheckpointer(e.path)
	e.writer = newWriter(conn, e.path, e.sweeper, settler(e.path))
	e.readers = newReaders(e.path, readers, func() (*sqlite.Conn, error) { return openConn(e.path, "", readerPragmas) })
	return nil
}

// Describe is the file's path.
func (e *Engine) Describe() string { return e.path }

// Copy writes the database, as it is at one moment, to a file that does not exist; only its
// owner may read it. Others go on reading and writing meanwhile.
func (e *Engine) Copy(file string) (err error) {
	conn, err := openConn(e.path, "", nil)
	if err != nil {
		return err
	}
	defer conn.Close() //nolint:errcheck // it has only read
	if err := makeFile(file); err != nil {
		return err
	}
	return translate(file, runOnce(conn, "vacuum into '"+strings.ReplaceAll(file, "'", "''")+"'"))
}

// Check reads all of the database and says what is damaged.
func (e *Engine) Check() error {
	conn, err := openConn(e.path, "", readerPragmas)
	if err != nil {
		return err
	}
	defer conn.Close() //nolint:errcheck // it has only read
	stmt, _, err := conn.PrepareTransient("pragma integrity_check(1)")
	if err != nil {
		return translate(e.path, err)
	}
	defer stmt.Finalize() //nolint:errcheck // it has only read
	if row, err := stmt.Step(); err != nil || !row {
		return translate(e.path, err)
	}
	if said := stmt.ColumnText(0); said != "ok" {
		return api.Errorf(api.CodeUnavailable, "The database %s is damaged: %s.", e.path, said)
	}
	return nil
}

// Write queues fn for the writer and waits until its effects are on the disk. A ctx
// that ends before fn starts takes it out of the queue; a running fn is not stopped.
func (e *Engine) Write(ctx context.Context, _ dialect.Scope, fn func(dialect.Session) error) error {
	return e.writer.do(ctx, fn)
}

// Migrate is Write: the writer's transactions exclude those of other processes too.
func (e *Engine) Migrate(ctx context.Context, fn func(dialect.Session) error) error {
	return e.writer.do(ctx, fn)
}

// Alone runs fn: a database in a file is served by one process.
func (e *Engine) Alone(_ context.Context, _ string, fn func() error) (bool, error) {
	return true, fn()
}

// Read runs fn on a snapshot that sees everything acknowledged before, and perhaps what
// is committed and on its way to the disk. When ctx ends, the running statement is
// interrupted.
func (e *Engine) Read(ctx context.Context, _ dialect.Scope, fn func(dialect.Session) error) error {
	return e.readers.do(ctx, fn)
}

// Close finishes what is queued, moves the log into the file and closes it.
func (e *Engine) Close() error {
	e.closing.Do(func() {
		e.writer.drain()
		e.sweeper.stop()
		e.readers.close()
		e.closeErr = e.writer.session.close() // the last one to close empties the log
		_ = os.RemoveAll(e.temporary)         // does nothing when there is none
	})
	return e.closeErr
}

var (
	// temp_store keeps savepoints off the disk; the checkpointer replaces the
	// checkpoints that a commit would stop for.
	writerPragmas = []string{
		"pragma journal_mode = wal",
		"pragma synchronous = full",
		"pragma foreign_keys = on",
		"pragma temp_store = memory",
		"pragma wal_autocheckpoint = 0",
		"pragma journal_size_limit = 33554432",
		"pragma cache_size = -8192",
		"begin immediate", // a place that can't be written to is found out now
		"rollback",
	}
	readerPragmas = []string{
		"pragma query_only = on",
		"pragma temp_store = memory",
		"pragma cache_size = -2048",
	}
	checkpointPragmas = []string{"pragma synchronous = full"}
)

// openConn opens one connection, through a layer of that name if it has one, that waits
// up to busyPatience for a lock held by another process.
func openConn(path, vfs string, pragmas []string) (*sqlite.Conn, error) {
	file, flags := path, sqlite.OpenReadWrite
	if vfs != "" {
		file, flags = "file:"+(&url.URL{Path: path}).EscapedPath()+"?vfs="+vfs, flags|sqlite.OpenURI
	}
	return connect(path, file, flags, pragmas)
}

func connect(path, file string, flags sqlite.OpenFlags, pragmas []string) (*sqlite.Conn, error) {
	conn, err := sqlite.OpenConn(file, flags)
	if err != nil {
		return nil, translate(path, err)
	}
	conn.SetBusyTimeout(busyPatience)
	for _, pragma := range pragmas {
		if err := patiently(func() error { return runOnce(conn, pragma) }); err != nil {
			_ = conn.Close()
			return nil, translate(path, err)
		}
	}
	return conn, nil
}

// patiently repeats what SQLite refuses at once, without waiting for the lock: the
// switch to the log while another process makes it too.
func patiently(do func() error) error {
	deadline := time.Now().Add(busyPatience)
	for {
		err := do()
		if sqlite.ErrCode(err).ToPrimary() != sqlite.ResultBusy || time.Now().After(deadline) {
			return err
		}
		<-time.After(busyPause)
	}
}

// runOnce executes a statement that is not worth keeping prepared.
func runOnce(conn *sqlite.Conn, sql string) error {
	stmt, _, err := conn.PrepareTransient(sql)
	if err != nil {
		return err
	}
	return exhaust(stmt)
}
