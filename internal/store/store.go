// Package store keeps everything the control plane knows in one database, SQLite or
// PostgreSQL, with one text of SQL for both. Each noun has a file: queries in, api
// types out; rows never leave the package.
//
// Every write is one transaction and durable when Write returns. Only package
// server/core, server/identity and server/signin may call the store.
package store

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/store/dialect"
	"github.com/usherhq/usher/internal/store/dialect/postgres"
	"github.com/usherhq/usher/internal/store/dialect/sqlite"
	"github.com/usherhq/usher/internal/store/migrations"
)

// DefaultWorkspace is the workspace of a server that has only one.
var DefaultWorkspace = uuid.UUID{}

// Config says which database to open.
type Config struct {
	// URL is sqlite:///file, postgres://…, one of the reference's spellings of them, or
	// the path of an SQLite file. ":memory:" is a temporary file that Close removes.
	URL string
	// Readers bounds the reads that run at once; PostgreSQL: the connections. 0 is a
	// sensible number.
	Readers int
	// SkipMigrations leaves the schema as it is and refuses a database that is not at
	// the newest version.
	SkipMigrations bool
	// Wait is for how long Open waits for a PostgreSQL server that can't be reached; 0
	// gives up at once. Waiting, unless it is nil, hears why, once.
	Wait    time.Duration
	Waiting func(reason error)
	// Connect bounds an attempt to connect to PostgreSQL, Statement what one statement
	// may take there; 0 is five seconds and no bound. Migrations have none.
	Connect, Statement time.Duration
}

// Store is an open database with an up-to-date schema.
type Store struct {
	engine  dialect.Engine
	sql     dialect.SQL
	writers atomic.Int64
	tail    atomic.Int64 // a number at which the tail of events began; it may begin later by now
}

// File is the file of an SQLite database, "" for others and for one that is temporary.
func (c Config) File() string {
	at, err := parseURL(c.URL)
	if err != nil {
		return ""
	}
	return at.file
}

// Copy writes an SQLite database, as it is at one moment, to a file that does not exist.
func (s *Store) Copy(file string) error {
	c, ok := s.engine.(dialect.Copier)
	if !ok {
		return api.Errorf(api.CodeInvalid, "%s is copied with PostgreSQL's own programs (pg_dump, pg_basebackup): see docs/security/recovery.md.", s.Describe())
	}
	return c.Copy(file)
}

// Check reads all of an SQLite database and says what is damaged; PostgreSQL looks after its
// own.
func (s *Store) Check() error {
	if c, ok := s.engine.(dialect.Copier); ok {
		return c.Check()
	}
	return nil
}

// Open opens the database, makes it when it is an SQLite file that does not exist yet,
// and brings its schema up to date. Its errors tell the user what to do and name no
// password.
func Open(ctx context.Context, config Config) (*Store, error) {
	s, err := connect(ctx, config)
	if err != nil {
		return nil, err
	}
	known, err := migrations.For(s.sql.Name())
	if err == nil {
		err = s.migrate(ctx, known, config.SkipMigrations)
	}
	if err != nil {
		_ = s.Close() // what went wrong first matters
		return nil, err
	}
	return s, nil
}

func connect(ctx context.Context, config Config) (*Store, error) {
	at, err := parseURL(config.URL)
	if err != nil {
		return nil, err
	}
	if at.postgres != "" {
		engine, err := config.reach(ctx, at.postgres)
		return &Store{engine: engine, sql: dialect.Postgres}, err
	}
	engine, err := sqlite.Open(at.file, config.connections(4))
	return &Store{engine: engine, sql: dialect.SQLite}, err
}

// askAgain is how long Open waits before it tries once more to connect.
const askAgain = 500 * time.Millisecond

// reach connects to PostgreSQL, and waits for it as long as it may.
func (c Config) reach(ctx context.Context, url string) (*postgres.Engine, error) {
	started, told := time.Now(), false
	for {
		engine, err := postgres.Open(ctx, url, postgres.Bounds{Connections: c.connections(16), Connect: c.Connect, Statement: c.Statement})
		if err == nil || !postgres.MayCome(err) || time.Since(started) >= c.Wait {
			return engine, err
		}
		if !told && c.Waiting != nil {
			c.Waiting(err)
		}
		told = true
		select {
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		case <-time.After(askAgain):
		}
	}
}

// View opens a database of another program for reading and says in which SQL it is asked.
func View(ctx context.Context, url string) (dialect.Viewer, dialect.SQL, error) {
	at, err := parseURL(url)
	switch {
	case err != nil:
		return nil, nil, err
	case at.postgres != "":
		viewer, err := postgres.View(ctx, at.postgres)
		return viewer, dialect.Postgres, err
	}
	viewer, err := sqlite.View(at.file)
	return viewer, dialect.SQLite, err
}

func (c Config) connections(usual int) int {
	if c.Readers > 0 {
		return c.Readers
	}
	return usual
}

// Write runs fn in a transaction of the workspace and returns when its effects are
// durable; an error of fn undoes them. It is queued behind other writers and shares
// their commit. fn may run again, so it must have no effect outside tx, must not keep
// tx, and must not call Write.
func (s *Store) Write(ctx context.Context, workspace uuid.UUID, fn func(*Tx) error) error {
	return s.write(ctx, dialect.Scope{Workspace: (*dialect.UUID)(&workspace)}, fn)
}

func (s *Store) write(ctx context.Context, scope dialect.Scope, fn func(*Tx) error) error {
	s.writers.Add(1)
	defer s.writers.Add(-1)
	return s.engine.Write(ctx, scope, s.in(scope, fn))
}

// Writers is how many callers write, or wait to.
func (s *Store) Writers() int { return int(s.writers.Load()) }

// Read runs fn on one snapshot of the workspace, which has everything that Write
// acknowledged before. It waits for no writer.
func (s *Store) Read(ctx context.Context, workspace uuid.UUID, fn func(*Tx) error) error {
	return s.read(ctx, dialect.Scope{Workspace: (*dialect.UUID)(&workspace)}, fn)
}

func (s *Store) read(ctx context.Context, scope dialect.Scope, fn func(*Tx) error) error {
	return s.engine.Read(ctx, scope, s.in(scope, fn))
}

func (s *Store) in(scope dialect.Scope, fn func(*Tx) error) func(dialect.Session) error {
	return func(session dialect.Session) error {
		tx := &Tx{session: session, scope: scope, workspace: uuid.UUID(*scope.Workspace), sql: s.sql, tailSeen: &s.tail}
		if err := fn(tx); err != nil {
			return err
		}
		return tx.failed
	}
}

// Ping answers whether the database can be read now.
func (s *Store) Ping(ctx context.Context) error {
	return s.Read(ctx, DefaultWorkspace, func(tx *Tx) error {
		var one int
		return tx.QueryRow("select 1", nil, &one)
	})
}

// Dialect writes the pieces of SQL that differ between the databases.
func (s *Store) Dialect() dialect.SQL { return s.sql }

// Alone runs fn unless another process on the database runs one of that name, and says
// whether it did. It saves work; what must not happen twice needs more.
func (s *Store) Alone(ctx context.Context, name string, fn func() error) (ran bool, err error) {
	return s.engine.Alone(ctx, name, fn)
}

// Messenger carries texts between the processes that work on the database; nil when
// there can be no other.
func (s *Store) Messenger() dialect.Messenger {
	m, _ := s.engine.(dialect.Messenger)
	return m
}

// Describe names the database for the user: its path, or host and name, no password.
func (s *Store) Describe() string { return s.engine.Describe() }

// Close waits for the transactions that are queued or running and closes the database.
func (s *Store) Close() error { return s.engine.Close() }
