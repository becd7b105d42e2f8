package store

import "github.com/google/uuid"

// count counts the rows of a table that meet a condition.
func (tx *Tx) count(table string, where condition) (n int, err error) {
	err = tx.QueryRow("select count(*)\nfrom "+table+"\nwhere "+where.sql, where.args, &n)
	return n, err
}

// ids lists the ids of up to limit rows that meet a condition, the newest first.
func (tx *Tx) ids(table string, where condition, limit int) ([]uuid.UUID, error) {
	return many(tx, "select id\nfrom "+table+"\nwhere "+where.sql+"\norder by id desc\nlimit ?", append(where.args, limit), scanID)
}

// known turns a row that is not there into ErrNoRows.
func known(isThere bool, err error) error {
	if err == nil && !isThere {
		err = ErrNoRows
	}
	return err
}

// or is what p points to, or the zero value.
func or[T any](p *T) T {
	var zero T
	if p == nil {
		return zero
	}
	return *p
}
