package sqlite

import (
	"strings"

	"zombiezen.com/go/sqlite"
)

// keptStatements bounds the prepared statements of a connection.
const keptStatements = 200

// statements keeps prepared statements for the next use. A statement that is taken is
// not in it, so the same text can be in use twice.
type statements struct {
	conn *sqlite.Conn
	idle map[string]*sqlite.Stmt
}

func (s *statements) take(sql string) (*sqlite.Stmt, error) {
	if stmt, found := s.idle[sql]; found {
		delete(s.idle, sql)
		return stmt, nil
	}
	stmt, trailing, err := s.conn.PrepareTransient(withoutJournal(planned(sql)))
	if err != nil {
		return nil, err
	}
	if trailing > 0 {
		_ = stmt.Finalize() // it never ran
		return nil, errSeveral
	}
	return stmt, nil
}

// withoutJournal lets a statement that fails leave its changes in place. A journal to
// undo it alone costs a copy of every page that it touches; nobody needs it, because a
// transaction, or the savepoint of a Try, is undone as a whole when a statement fails.
func withoutJournal(sql string) string {
	text := strings.TrimLeft(sql, " \t\n")
	for _, verb := range []string{"insert", "update"} {
		if rest, ok := strings.CutPrefix(text, verb+" "); ok {
			return verb + " or fail " + rest
		}
	}
	return sql
}

// planned keeps the value of a limit from SQLite's planner, which would plan and prepare
// the statement anew whenever a value is bound: with each use. An expression hides it.
func planned(sql string) string { return strings.ReplaceAll(sql, "limit ?", "limit ? + 0") }

// giveBack keeps a statement that was reset and has no arguments. Which one has to go when
// there are too many is left to chance: the hot ones are back after one use.
func (s *statements) giveBack(stmt *sqlite.Stmt, sql string) {
	if s.idle[sql] != nil {
		_ = stmt.Finalize()
		return
	}
	if s.idle == nil {
		s.idle = make(map[string]*sqlite.Stmt, keptStatements)
	}
	for other, surplus := range s.idle {
		if len(s.idle) < keptStatements {
			break
		}
		_ = surplus.Finalize()
		delete(s.idle, other)
	}
	s.idle[sql] = stmt
}

func (s *statements) close() {
	for _, stmt := range s.idle {
		_ = stmt.Finalize() // every one is reset
	}
	s.idle = nil
}
