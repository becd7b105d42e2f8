package sqlite

import (
	"context"
	"errors"

	"zombiezen.com/go/sqlite"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/store/dialect"
)

// readers lends connections for reading. They are opened when first needed.
type readers struct {
	path string
	// connect opens a connection.
	connect func() (*sqlite.Conn, error)
	free    chan *session // nil stands for one that is not open yet
	gone    chan struct{}
}

func newReaders(path string, n int, connect func() (*sqlite.Conn, error)) *readers {
	r := &readers{path: path, connect: connect, free: make(chan *session, n), gone: make(chan struct{})}
	for range n {
		r.free <- nil
	}
	return r
}

func (r *readers) do(ctx context.Context, fn func(dialect.Session) error) error {
	select {
	case <-r.gone:
		return errClosed
	default:
	}
	select {
	case s := <-r.free:
		defer func() { r.free <- s }()
		var err error
		if s, err = r.open(s); err != nil {
			return err
		}
		return s.read(ctx, fn)
	case <-r.gone:
		return errClosed
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func (r *readers) open(s *session) (*session, error) {
	if s != nil {
		return s, nil
	}
	conn, err := r.connect()
	if err != nil {
		return nil, err
	}
	return newSession(conn, r.path), nil
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
	for range cap(r.free) {
		if s := <-r.free; s != nil {
			_ = s.close() // it has nothing to lose
		}
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
