package sqlite

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"zombiezen.com/go/sqlite"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/store/dialect"
)

// readers lends connections for reading: at most so many at once, opened when needed and
// closed when they were not for a while. The one that was used last comes first: what it
// needs is in its cache, and while little is read there is no other.
type readers struct {
	path string
	// connect opens a connection.
	connect func() (*sqlite.Conn, error)
	turns   chan struct{} // one for each that reads
	gone    chan struct{}

	mu   sync.Mutex
	idle []idleReader // the one that was used last is last
}

// idleReader is a connection that nobody uses.
type idleReader struct {
	*session

	since time.Time
}

// idleTime is how long a connection is kept that nobody uses.
const idleTime = 15 * time.Second

func newReaders(path string, n int, connect func() (*sqlite.Conn, error)) *readers {
	return &readers{path: path, connect: connect, turns: make(chan struct{}, n), gone: make(chan struct{})}
}

func (r *readers) do(ctx context.Context, fn func(dialect.Session) error) error {
	select {
	case <-r.gone:
		return errClosed
	default:
	}
	select {
	case r.turns <- struct{}{}:
		defer func() { <-r.turns }()
	case <-r.gone:
		return errClosed
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	s, err := r.take()
	if err != nil {
		return err
	}
	defer r.giveBack(s)
	return s.read(ctx, fn)
}

func (r *readers) take() (*session, error) {
	r.mu.Lock()
	if last := len(r.idle) - 1; last >= 0 {
		s := r.idle[last].session
		r.idle = r.idle[:last]
		r.mu.Unlock()
		return s, nil
	}
	r.mu.Unlock()
	conn, err := r.connect()
	if err != nil {
		return nil, err
	}
	return newSession(conn, r.path), nil
}

// giveBack keeps a connection, and closes the one that was not used for longest if that is
// too long.
func (r *readers) giveBack(s *session) {
	now := time.Now()
	r.mu.Lock()
	r.idle = append(r.idle, idleReader{s, now})
	var old *session
	if now.Sub(r.idle[0].since) > idleTime {
		old = r.idle[0].session
		r.idle = slices.Delete(r.idle, 0, 1)
	}
	r.mu.Unlock()
	if old != nil {
		_ = old.close() // it has nothing to lose
	}
}

// read runs fn in a transaction, so that all its statements see the same state.
func (s *session) read(ctx context.Context, fn func(dialect.Session) error) (err error) {
	s.conn.SetInterrupt(ctx.Done())
	defer s.conn.SetInterrupt(nil)
	if _, err := s.Exec("begin", nil); err != nil {
		return interrupted(ctx, err)
	}
	defer func() {
		s.conn.SetInterrupt(nil) // an interrupted connection refuses the rollback too
		if _, end := s.Exec("rollback", nil); err == nil {
			err = end
		}
	}()
	return interrupted(ctx, fn(s))
}

// interrupted is why ctx ended, when SQLite was stopped for that reason.
func interrupted(ctx context.Context, err error) error {
	if err != nil && sqlite.ErrCode(err) == sqlite.ResultInterrupt && ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}

// close waits until every connection is back and closes it.
func (r *readers) close() {
	close(r.gone)
	for range cap(r.turns) {
		r.turns <- struct{}{}
	}
	for _, s := range r.idle {
		_ = s.close() // it has nothing to lose
	}
}

func (s *session) close() error {
	s.stmts.close()
	return s.conn.Close()
}

var (
	errClosed  = api.Errorf(api.CodeUnavailable, "The database is closed: the server is stopping.")
	errSeveral = errors.New("a query or execution takes one statement; several are a script")
)
