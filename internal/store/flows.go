package store

import (
	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
)

const flowColumns = `
select flow.id, flow.created, flow.updated, flow.name, flow.tags, flow.labels, flow.created_by, flow.updated_by
from flow
`

func scanFlow(row *Row) (f api.Flow, err error) {
	var by makers
	if err = row.Scan(&f.ID, &f.Created, &f.Updated, &f.Name, &f.Tags, &f.Labels, &by.created, &by.updated); err == nil {
		f.CreatedBy, f.UpdatedBy, err = by.read()
	}
	return f, err
}

// Flow returns a flow by its id.
func (tx *Tx) Flow(id uuid.UUID) (*api.Flow, error) {
	return one(tx, flowColumns+`
		where flow.workspace_id = ?
		and flow.id = ?`, []any{tx.workspace, id}, scanFlow)
}

// FlowByName returns a flow by its name.
func (tx *Tx) FlowByName(name string) (*api.Flow, error) {
	return one(tx, flowColumns+`
		where flow.workspace_id = ?
		and flow.name = ?`, []any{tx.workspace, name}, scanFlow)
}

// InsertFlow adds a flow unless its name is taken; isNew tells.
func (tx *Tx) InsertFlow(f *api.Flow) (isNew bool, err error) {
	by, err := optionalJSON(f.CreatedBy)
	if err != nil {
		return false, err
	}
	rows, err := tx.Exec(`
		insert into flow (workspace_id, id, created, updated, name, tags, labels, created_by)
		values (?, ?, ?, ?, ?, ?, ?, ?)
		on conflict (workspace_id, name) do nothing`,
		tx.workspace, f.ID, f.Created, f.Updated, f.Name, f.Tags, f.Labels, by)
	return rows > 0, err
}

// Flows lists flows.
func (tx *Tx) Flows(f Filters, sort api.FlowSort, limit, offset int) ([]api.Flow, error) {
	where, page := tx.whereFlows(f), page(limit, offset)
	return many(tx, flowColumns+"where "+where.sql+"\norder by "+flowOrder(sort)+page.sql, append(where.args, page.args...), scanFlow)
}

// FlowNames returns the names of some flows by their ids.
func (tx *Tx) FlowNames(ids []uuid.UUID) (map[uuid.UUID]string, error) {
	where, out := all(tx.own("flow"), oneOf("flow.id", ids)), map[uuid.UUID]string{}
	_, err := many(tx, "select flow.id, flow.name\nfrom flow\nwhere "+where.sql, where.args, func(row *Row) (id uuid.UUID, err error) {
		var name string
		err = row.Scan(&id, &name)
		out[id] = name
		return id, err
	})
	return out, err
}

// CountFlows counts what Flows lists without a limit.
func (tx *Tx) CountFlows(f Filters) (int, error) { return tx.count("flow", tx.whereFlows(f)) }

// FlowIDs lists the ids of up to limit flows.
func (tx *Tx) FlowIDs(f Filters, limit int) ([]uuid.UUID, error) {
	return tx.ids("flow", tx.whereFlows(f), limit)
}

// UpdateFlow writes columns of a flow.
func (tx *Tx) UpdateFlow(id uuid.UUID, sets ...Set) error {
	return known(tx.setRow("flow", id, sets))
}

// DeleteFlow removes a flow with its deployments and runs.
func (tx *Tx) DeleteFlow(id uuid.UUID) error { return known(tx.deleteRow("flow", id)) }
