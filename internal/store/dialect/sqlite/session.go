package sqlite

import (
	"fmt"
	"strings"

	"zombiezen.com/go/sqlite"

	"github.com/usherhq/usher/internal/store/dialect"
)

// session executes statements on one connection, inside the transaction its owner began.
type session struct {
	conn  *sqlite.Conn
	path  string
	stmts statements
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
	defer s.stmts.giveBack(stmt, sql)
	if err := bind(stmt, args); err != nil {
		return err
	}
	row := cellsOf(stmt)
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

func bind(stmt *sqlite.Stmt, args []any) error {
	if want := stmt.BindParamCount(); want != len(args) {
		return fmt.Errorf("the statement wants %d arguments, got %d", want, len(args))
	}
	for i, arg := range args {
		switch v := arg.(type) {
		case nil:
			stmt.BindNull(i + 1)
		case int64:
			stmt.BindInt64(i+1, v)
		case float64:
			stmt.BindFloat(i+1, v)
		case bool:
			stmt.BindBool(i+1, v)
		case string:
			stmt.BindText(i+1, v)
		case dialect.JSON:
			stmt.BindText(i+1, string(v))
		case []byte:
			stmt.BindBytes(i+1, v)
		case dialect.UUID:
			stmt.BindBytes(i+1, v[:])
		default:
			return fmt.Errorf("argument %d is a %T, which no column can hold", i+1, arg)
		}
	}
	return nil
}
