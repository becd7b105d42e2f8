package store

import (
	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
)

// pinColumn is the column that names what is pinned.
func pinColumn(kind api.PinnableResourceType) string { return string(kind) + "_id" }

// InsertPin adds a pin unless its owner has it already. ErrForeignKey says that there is no
// such thing.
func (tx *Tx) InsertPin(p *api.UserPin) error {
	_, err := tx.Exec(`
		insert into user_pin (workspace_id, id, created, updated, actor_id, `+pinColumn(p.ResourceType)+`)
		values (?, ?, ?, ?, ?, ?)
		on conflict do nothing`, tx.workspace, p.ID, p.Created, p.Updated, p.ActorID, p.ResourceID)
	return err
}

// PinOf returns somebody's pin of a thing.
func (tx *Tx) PinOf(actor uuid.UUID, kind api.PinnableResourceType, id uuid.UUID) (*api.UserPin, error) {
	return one(tx, selectPins+"\nand p."+pinColumn(kind)+" = ?", []any{tx.workspace, actor, id}, scanPin)
}

const selectPins = `
	select p.id, p.created, p.updated, p.actor_id, p.flow_id, p.deployment_id, p.work_pool_id, coalesce(f.name, d.name, w.name)
	from user_pin p
	left join flow f on f.workspace_id = p.workspace_id and f.id = p.flow_id
	left join deployment d on d.workspace_id = p.workspace_id and d.id = p.deployment_id
	left join work_pool w on w.workspace_id = p.workspace_id and w.id = p.work_pool_id
	where p.workspace_id = ?
	and p.actor_id = ?`

func scanPin(row *Row) (p api.UserPin, err error) {
	var flow, deployment, pool *uuid.UUID
	if err := row.Scan(&p.ID, &p.Created, &p.Updated, &p.ActorID, &flow, &deployment, &pool, &p.ResourceName); err != nil {
		return p, err
	}
	switch {
	case flow != nil:
		p.ResourceType, p.ResourceID = api.PinnableResourceTypeFlow, *flow
	case deployment != nil:
		p.ResourceType, p.ResourceID = api.PinnableResourceTypeDeployment, *deployment
	case pool != nil:
		p.ResourceType, p.ResourceID = api.PinnableResourceTypeWorkPool, *pool
	}
	return p, nil
}

// Pins lists what somebody has pinned, of some kinds or of all, the newest first.
func (tx *Tx) Pins(actor uuid.UUID, kinds []api.PinnableResourceType, limit, offset int) ([]api.UserPin, error) {
	where := is(selectPins, tx.workspace, actor)
	if kinds != nil {
		of := make([]condition, len(kinds))
		for i, kind := range kinds {
			of[i] = null("p."+pinColumn(kind), false)
		}
		where = all(where, either(of...))
	}
	at := page(limit, offset)
	return many(tx, where.sql+"\norder by p.id desc"+at.sql, append(where.args, at.args...), scanPin)
}

// DeletePin takes a pin of somebody away.
func (tx *Tx) DeletePin(actor, id uuid.UUID) error {
	rows, err := tx.Exec("delete from user_pin\nwhere workspace_id = ?\nand actor_id = ?\nand id = ?", tx.workspace, actor, id)
	return known(rows > 0, err)
}

// DeletePinsOf takes all pins of somebody away.
func (tx *Tx) DeletePinsOf(actor uuid.UUID) error {
	_, err := tx.Exec("delete from user_pin\nwhere workspace_id = ?\nand actor_id = ?", tx.workspace, actor)
	return err
}
