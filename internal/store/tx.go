package store

import (
	"errors"
	"fmt"
	"strings"
	"sync/atomic"

	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/store/dialect"
)

// What a statement can answer besides rows; compare with errors.Is. Constraint tells
// which constraint it was.
var (
	ErrNoRows     = errors.New("no such row")
	ErrConflict   = dialect.ErrConflict
	ErrForeignKey = dialect.ErrForeignKey
)

// Constraint is the name of the unique index or foreign key that refused a row, "" for
// other errors and for SQLite's foreign keys, which it does not tell apart.
func Constraint(err error) string {
	if refused := (*dialect.ConstraintError)(nil); errors.As(err, &refused) {
		return refused.Constraint
	}
	return ""
}

// Tx is a transaction in one workspace. Statements write arguments as ? and must
// themselves restrict their rows to Workspace. After a statement that failed the
// transaction can only end, undone; what may fail goes into Try.
//
// An argument is nil, a bool, an integer, a float, a string, []byte, uuid.UUID, api.Time,
// time.Duration, jsontext.Value, a type based on one of them, a pointer to any of these
// (nil is null), or []string and []uuid.UUID for a JSON list.
type Tx struct {
	session   dialect.Session
	scope     dialect.Scope
	workspace uuid.UUID // that of the scope
	sql       dialect.SQL
	busy      bool
	failed    error // a statement's error, after which a database refuses the others
	hidden    map[string][]uuid.UUID
	within    *uuid.UUID // the flow run that is asked about
	tailSeen  *atomic.Int64
}

// Hide leaves rows of tables out of what filters find: objects that who asks may not see.
func (tx *Tx) Hide(rows map[string][]uuid.UUID) { tx.hidden = rows }

// Workspace is the workspace whose rows the transaction may touch.
func (tx *Tx) Workspace() uuid.UUID { return tx.workspace }

// D writes the pieces of SQL that differ between the databases.
func (tx *Tx) D() dialect.SQL { return tx.sql }

// Exec executes one statement and returns how many rows it changed.
func (tx *Tx) Exec(sql string, args ...any) (rows int64, err error) {
	err = tx.alone(sql, func() error {
		values, err := encode(args)
		if err != nil {
			return err
		}
		rows, err = tx.session.Exec(sql, values)
		return tx.fail(err)
	})
	return rows, err
}

// Query calls each for every row. The Row is valid until each returns; each must not
// use tx, since a database serves one statement at a time.
func (tx *Tx) Query(sql string, args []any, each func(*Row) error) error {
	return tx.alone(sql, func() error {
		values, err := encode(args)
		if err != nil {
			return err
		}
		row, stopped := &Row{}, error(nil)
		err = tx.session.Query(sql, values, func(c dialect.Cells) error {
			row.cells = c
			stopped = each(row)
			return stopped
		})
		if stopped != nil {
			return stopped
		}
		return tx.fail(err)
	})
}

// Try runs fn and undoes what it did if it fails, so that the transaction can go on.
func (tx *Tx) Try(fn func() error) error {
	if _, err := tx.Exec("savepoint try"); err != nil {
		return err
	}
	err := fn()
	if err == nil && tx.failed == nil {
		_, err = tx.Exec("release savepoint try")
		return err
	}
	if err == nil {
		err = tx.failed
	}
	tx.failed = nil
	if _, undo := tx.Exec("rollback to savepoint try"); undo != nil {
		return errors.Join(err, undo)
	}
	_, undo := tx.Exec("release savepoint try")
	return errors.Join(err, undo)
}

// QueryRow scans the first row into dest; ErrNoRows says that there is none.
func (tx *Tx) QueryRow(sql string, args []any, dest ...any) error {
	found := false
	err := tx.Query(sql, args, func(row *Row) error {
		if found {
			return nil
		}
		found = true
		return row.Scan(dest...)
	})
	if err == nil && !found {
		return ErrNoRows
	}
	return err
}

// Insert adds many rows in as few statements as possible. suffix follows the values,
// such as "on conflict do nothing". It returns how many rows were added.
func (tx *Tx) Insert(table string, columns []string, rows [][]any, suffix string) (added int64, err error) {
	err = tx.inBatches(table, columns, rows, suffix, func(sql string, args []any) error {
		some, err := tx.Exec(sql, args...)
		added += some
		return err
	})
	return added, err
}

// inBatches calls insert with the few statements that add many rows.
func (tx *Tx) inBatches(table string, columns []string, rows [][]any, suffix string, insert func(sql string, args []any) error) error {
	head := "insert into " + table + " (" + strings.Join(columns, ", ") + ")\nvalues "
	tuple := "(" + dialect.Placeholders(len(columns)) + ")"
	for len(rows) > 0 {
		n := batch(len(rows), tx.sql.MaxArgs()/len(columns))
		args := make([]any, 0, n*len(columns))
		for _, row := range rows[:n] {
			args = append(args, row...)
		}
		text := head + strings.TrimSuffix(strings.Repeat(tuple+",\n", n), ",\n") + "\n" + suffix
		if err := insert(text, args); err != nil {
			return err
		}
		rows = rows[n:]
	}
	return nil
}

// batch is the largest power of two of rows that fits, so that few texts of the
// statement exist and stay prepared.
func batch(rows, most int) int {
	n := 1
	for n*2 <= min(rows, most, 256) {
		n *= 2
	}
	return n
}

func (tx *Tx) alone(sql string, run func() error) error {
	if tx.failed != nil {
		return fmt.Errorf("a statement after one that failed (use Try to go on): %w", tx.failed)
	}
	if tx.busy {
		return fmt.Errorf("a statement inside the rows of another one: %s", sql)
	}
	tx.busy = true
	defer func() { tx.busy = false }()
	return run()
}

func (tx *Tx) fail(err error) error {
	if err != nil {
		tx.failed = err
	}
	return err
}
