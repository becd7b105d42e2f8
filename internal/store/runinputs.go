package store

import (
	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
)

const runInputColumns = `
select id, created, updated, flow_run_id, key, value, sender
from flow_run_input
`

func scanRunInput(row *Row) (in api.FlowRunInput, err error) {
	return in, row.Scan(&in.ID, &in.Created, &in.Updated, &in.FlowRunID, &in.Key, &in.Value, &in.Sender)
}

// InsertRunInput adds an input to a flow run. ErrConflict says that its key is taken,
// ErrForeignKey that there is no such run.
func (tx *Tx) InsertRunInput(in *api.FlowRunInput) error {
	_, err := tx.Exec(`
		insert into flow_run_input (workspace_id, id, created, updated, flow_run_id, key, value, sender)
		values (?, ?, ?, ?, ?, ?, ?, ?)`,
		tx.workspace, in.ID, in.Created, in.Updated, in.FlowRunID, in.Key, in.Value, in.Sender)
	return err
}

// RunInput returns the input of a flow run by its key.
func (tx *Tx) RunInput(run uuid.UUID, key string) (*api.FlowRunInput, error) {
	return one(tx, runInputColumns+`
		where workspace_id = ?
		and flow_run_id = ?
		and key = ?`, []any{tx.workspace, run, key}, scanRunInput)
}

// RunInputs lists up to limit inputs of a flow run whose keys begin with prefix, in which
// % and _ are wildcards, without those excluded; the oldest first.
func (tx *Tx) RunInputs(run uuid.UUID, prefix string, excluded []string, limit int) ([]api.FlowRunInput, error) {
	where := all(tx.own("flow_run_input"), is("flow_run_id = ?", run), is(tx.sql.ILike("key"), prefix+"%"))
	if len(excluded) > 0 {
		where = all(where, noneOf("key", excluded))
	}
	page := page(limit, 0)
	return many(tx, runInputColumns+"where "+where.sql+"\norder by created, id"+page.sql, append(where.args, page.args...), scanRunInput)
}

// DeleteRunInput removes an input of a flow run.
func (tx *Tx) DeleteRunInput(run uuid.UUID, key string) error {
	rows, err := tx.Exec(`
		delete from flow_run_input
		where workspace_id = ?
		and flow_run_id = ?
		and key = ?`, tx.workspace, run, key)
	return known(rows > 0, err)
}
