package store

import (
	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
)

// DeploymentReach returns the lists, in JSON, of the blocks and of the variables that the
// programs of a deployment's runs may use; nil for all.
func (tx *Tx) DeploymentReach(deployment uuid.UUID) (blocks, variables *string, err error) {
	return blocks, variables, tx.QueryRow("select blocks, variables\nfrom deployment_reach\nwhere workspace_id = ?\nand deployment_id = ?", []any{tx.workspace, deployment}, &blocks, &variables)
}

// ReachOfRun is DeploymentReach of the deployment that a flow run is of.
func (tx *Tx) ReachOfRun(run uuid.UUID) (blocks, variables *string, err error) {
	return blocks, variables, tx.QueryRow(`
		select d.blocks, d.variables
		from flow_run r
		join deployment_reach d
		  on d.workspace_id = r.workspace_id
		  and d.deployment_id = r.deployment_id
		where r.workspace_id = ?
		and r.id = ?`, []any{tx.workspace, run}, &blocks, &variables)
}

// SetDeploymentReach keeps those lists.
func (tx *Tx) SetDeploymentReach(deployment uuid.UUID, blocks, variables *string, now api.Time) error {
	_, err := tx.Exec(`
		insert into deployment_reach (workspace_id, deployment_id, updated, blocks, variables)
		values (?, ?, ?, ?, ?)
		on conflict (workspace_id, deployment_id) do update
		set updated = excluded.updated, blocks = excluded.blocks, variables = excluded.variables`, tx.workspace, deployment, now, blocks, variables)
	return err
}
