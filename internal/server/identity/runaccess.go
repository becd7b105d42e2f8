package identity

import (
	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/store"
)

// NoteRunAccess is what writes a change of what the runs of a deployment may use into the
// audit log, in the transaction that makes it. Where nobody was let in (grant is nil) there is
// no log, and it writes nothing.
func (s *Service) NoteRunAccess(by By, grant *WorkspaceGrant, deployment uuid.UUID) func(tx *store.Tx, name string, before, after *api.RunAccess) error {
	return func(tx *store.Tx, name string, before, after *api.RunAccess) error {
		if grant == nil {
			return nil
		}
		space := grant.Workspace
		return s.Audit(tx, by, Entry{
			Account: space.AccountID, Workspace: &space.ID, Type: "deployment", Action: "run-access-updated", ID: deployment, Name: name,
			Changes: map[string][2]any{"blocks": {before.Blocks, after.Blocks}, "variables": {before.Variables, after.Variables}},
		})
	}
}
