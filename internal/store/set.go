package store

import (
	"strings"

	"github.com/google/uuid"
)

// Set gives one column of a row a new value.
type Set struct {
	Column string
	Value  any
}

// setRow writes columns of the row with that id and says whether there is one.
func (tx *Tx) setRow(table string, id uuid.UUID, sets []Set) (bool, error) {
	if len(sets) == 0 {
		return tx.has(table, id)
	}
	text, args := assignments(sets)
	rows, err := tx.Exec("update "+table+"\nset "+text+"\nwhere workspace_id = ?\nand id = ?", append(args, tx.workspace, id)...)
	return rows > 0, err
}

// assignments writes what follows the word set.
func assignments(sets []Set) (text string, args []any) {
	columns, args := make([]string, len(sets)), make([]any, 0, len(sets)+2)
	for i, s := range sets {
		columns[i] = s.Column + " = ?"
		args = append(args, s.Value)
	}
	return strings.Join(columns, ", "), args
}

// has says whether the table has a row with that id.
func (tx *Tx) has(table string, id uuid.UUID) (bool, error) {
	var n int
	err := tx.QueryRow("select count(*)\nfrom "+table+"\nwhere workspace_id = ?\nand id = ?", []any{tx.workspace, id}, &n)
	return n > 0, err
}

// deleteRow deletes the row with that id and says whether there was one.
func (tx *Tx) deleteRow(table string, id uuid.UUID) (bool, error) {
	rows, err := tx.Exec("delete from "+table+"\nwhere workspace_id = ?\nand id = ?", tx.workspace, id)
	return rows > 0, err
}
