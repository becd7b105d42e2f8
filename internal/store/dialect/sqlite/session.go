package sqlite

import (
	"strings"

	"zombiezen.com/go/sqlite"

	"github.com/usherhq/usher/internal/store/dialect"
)

// session executes statements on one connection, inside the transaction its owner began.
type session struct {
	conn  *sqlite.Conn
	path  string
	stmts statements
	bound bindings
}

func newSession(conn *sqlite.Conn, path string) *session {
	return &session{conn: conn, path: path, stmts: statements{conn: conn}}
}

func (s *session) Exec(sql string, args []any) (int64, error) {
	if err := s.Query(sql, args, func(dialect.Cells) error { return nil }); err != nil {
		return 0, err
	}
	return int64(s.conn.Changes()), nil
}

// The database has no wall between workspaces.
func (s *session) Enter(dialect.Scope) error { return nil }

func (s *session) Inserted() int64 { return s.conn.LastInsertRowID() }

func (s *session) Query(sql string, args []any, each func(dialect.Cells) error) error {
	stmt, err := s.stmts.take(sql)
	if err != nil {
		return translate(s.path, err)
	}
	row := cellsOf(stmt)
	texts, err := s.bound.bind(row, args)
	defer func() {
		_ = stmt.Reset() // repeats the error of the step
		s.bound.unbind(row, texts)
		s.stmts.giveBack(stmt, sql)
	}()
	if err != nil {
		return err
	}
	for {
		more, err := stmt.Step()
		if err != nil {
			err = translate(s.path, err)
			nameConstraint(s.conn, err)
			return err
		}
		if !more {
			return nil
		}
		if err := each(row); err != nil {
			return err
		}
	}
}

// Script executes several statements.
func (s *session) Script(sql string) error {
	for sql = strings.TrimSpace(sql); sql != ""; {
		stmt, rest, err := s.conn.PrepareTransient(sql)
		if err != nil {
			return translate(s.path, err)
		}
		sql = strings.TrimSpace(sql[len(sql)-rest:])
		if err := exhaust(stmt); err != nil {
			return translate(s.path, err)
		}
	}
	return nil
}

func exhaust(stmt *sqlite.Stmt) error {
	defer func() { _ = stmt.Finalize() }() // repeats the error of the step
	for {
		more, err := stmt.Step()
		if err != nil || !more {
			return err
		}
	}
}

func (s *session) Tables() (names []string, err error) {
	err = s.Query(`
select name
from sqlite_schema
where type = 'table'
and name not like 'sqlite~_%' escape '~'`, nil, func(row dialect.Cells) error {
		name, err := row.Text(0)
		names = append(names, name)
		return err
	})
	return names, err
}
