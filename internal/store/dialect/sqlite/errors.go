package sqlite

import (
	"errors"
	"fmt"
	"strings"

	"zombiezen.com/go/sqlite"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/store/dialect"
)

// translate turns what SQLite says into an error that a caller can act on. Errors of
// others, and of statements that are wrong, stay as they are.
func translate(path string, err error) error {
	if err == nil {
		return nil
	}
	code := sqlite.ErrCode(err)
	switch code.ToPrimary() {
	case sqlite.ResultNotADB, sqlite.ResultCorrupt:
		return api.Errorf(api.CodeUnavailable,
			"The database %s is damaged or not a database: %w. Move it away and restore a backup, or start with an empty one.", path, err)
	case sqlite.ResultFull:
		return api.Errorf(api.CodeUnavailable, "Can't write to the database %s: the disk is full. Free some space; nothing was changed.", path)
	case sqlite.ResultIOErr:
		return api.Errorf(api.CodeUnavailable, "Can't use the database %s: the disk answers with an error (%w). Check its space and health.", path, err)
	case sqlite.ResultReadOnly, sqlite.ResultPerm, sqlite.ResultAuth:
		return api.Errorf(api.CodeUnavailable, "Can't write to the database %s: it is read-only; the file and its folder must be writable for you.", path)
	case sqlite.ResultCantOpen:
		return api.Errorf(api.CodeUnavailable, "Can't open the database %s: %w; the file and its folder must be writable for you.", path, err)
	case sqlite.ResultBusy, sqlite.ResultLocked:
		return api.Errorf(api.CodeUnavailable, "The database %s is held by another process for more than %v; stop that process or try again.", path, busyPatience)
	case sqlite.ResultTooBig:
		return api.Errorf(api.CodeInvalid, "The value is too large for the database: %w", err)
	}
	return constraint(code, err)
}

func constraint(code sqlite.ResultCode, err error) error {
	switch code {
	case sqlite.ResultConstraintUnique, sqlite.ResultConstraintPrimaryKey, sqlite.ResultConstraintRowID:
		return &dialect.ConstraintError{Kind: dialect.ErrConflict, Cause: err}
	case sqlite.ResultConstraintForeignKey, sqlite.ResultConstraintTrigger:
		return &dialect.ConstraintError{Kind: dialect.ErrForeignKey, Cause: err}
	}
	return err
}

// nameConstraint finds the name of the unique index that refused a row: SQLite's
// message lists only its columns.
func nameConstraint(conn *sqlite.Conn, err error) {
	refused := (*dialect.ConstraintError)(nil)
	if !errors.As(err, &refused) || !errors.Is(refused.Kind, dialect.ErrConflict) || refused.Constraint != "" {
		return
	}
	table, columns := failedColumns(refused.Cause.Error())
	if table == "" {
		refused.Constraint = failedIndex(refused.Cause.Error())
		return
	}
	name, lookup := uniqueIndex(conn, table, columns)
	if lookup == nil {
		refused.Constraint = name
	}
}

// failedColumns reads "… UNIQUE constraint failed: flow.workspace_id, flow.name".
func failedColumns(message string) (table string, columns []string) {
	_, list, found := strings.Cut(message, "UNIQUE constraint failed: ")
	if !found || strings.HasPrefix(list, "index ") {
		return "", nil
	}
	for item := range strings.SplitSeq(list, ", ") {
		t, column, _ := strings.Cut(item, ".")
		table, columns = t, append(columns, column)
	}
	return table, columns
}

// failedIndex reads "… UNIQUE constraint failed: index 'name'".
func failedIndex(message string) string {
	_, rest, _ := strings.Cut(message, "constraint failed: index '")
	name, _, _ := strings.Cut(rest, "'")
	return name
}

// A primary key has no name of its own; it gets the one PostgreSQL gives it.
func uniqueIndex(conn *sqlite.Conn, table string, columns []string) (name string, err error) {
	sql := fmt.Sprintf(`
select case list.origin when 'pk' then '%[1]s_pkey' else list.name end
from pragma_index_list('%[1]s') as list
where list."unique"
and (
  select group_concat(info.name, ',' order by info.seqno)
  from pragma_index_info(list.name) as info
) = '%[2]s'`, table, strings.Join(columns, ","))
	stmt, _, err := conn.PrepareTransient(sql)
	if err != nil {
		return "", err
	}
	defer func() { _ = stmt.Finalize() }() // repeats the error of the step
	if row, err := stmt.Step(); err != nil || !row {
		return "", err
	}
	return stmt.ColumnText(0), nil
}
