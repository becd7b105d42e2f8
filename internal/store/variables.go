package store

import (
	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
)

const variableColumns = `
select variable.id, variable.created, variable.updated, variable.name, variable.value, variable.tags
from variable
`

func scanVariable(row *Row) (v api.Variable, err error) {
	err = row.Scan(&v.ID, &v.Created, &v.Updated, &v.Name, &v.Value, &v.Tags)
	return v, err
}

// Variable returns a variable by its id.
func (tx *Tx) Variable(id uuid.UUID) (*api.Variable, error) {
	return one(tx, variableColumns+`
		where variable.workspace_id = ?
		and variable.id = ?`, []any{tx.workspace, id}, scanVariable)
}

// VariableByName returns a variable by its name.
func (tx *Tx) VariableByName(name string) (*api.Variable, error) {
	return one(tx, variableColumns+`
		where variable.workspace_id = ?
		and variable.name = ?`, []any{tx.workspace, name}, scanVariable)
}

// InsertVariable adds a variable; ErrConflict says that its name is taken.
func (tx *Tx) InsertVariable(v *api.Variable) error {
	_, err := tx.Exec(`
		insert into variable (workspace_id, id, created, updated, name, value, tags)
		values (?, ?, ?, ?, ?, ?, ?)`,
		tx.workspace, v.ID, v.Created, v.Updated, v.Name, v.Value, v.Tags)
	return err
}

// Variables lists variables.
func (tx *Tx) Variables(f *api.VariableFilter, sort api.VariableSort, limit, offset int) ([]api.Variable, error) {
	where, page := tx.whereVariables(f), page(limit, offset)
	return many(tx, variableColumns+"where "+where.sql+"\norder by "+variableOrder(sort)+page.sql, append(where.args, page.args...), scanVariable)
}

// CountVariables counts what Variables lists without a limit.
func (tx *Tx) CountVariables(f *api.VariableFilter) (int, error) {
	return tx.count("variable", tx.whereVariables(f))
}

// UpdateVariable writes columns of a variable.
func (tx *Tx) UpdateVariable(id uuid.UUID, sets ...Set) error {
	return known(tx.setRow("variable", id, sets))
}

// DeleteVariable removes a variable.
func (tx *Tx) DeleteVariable(id uuid.UUID) error { return known(tx.deleteRow("variable", id)) }
