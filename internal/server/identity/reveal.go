package identity

import (
	"context"

	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/store"
)

// Revealed is a block document whose secrets somebody is told.
type Revealed struct {
	ID   uuid.UUID
	Name string
}

// SecretsRead writes down that somebody reads the secrets of blocks, and for which run.
func (s *Service) SecretsRead(ctx context.Context, by By, account, workspace uuid.UUID, list []Revealed) error {
	if len(list) == 0 {
		return nil
	}
	details := map[string]any{}
	if by.Actor != nil && by.Actor.Credential.Run != nil {
		details["flow_run_id"] = by.Actor.Credential.Run
	}
	return s.Write(ctx, func(tx *store.Tx) error {
		for _, d := range list {
			e := Entry{Account: account, Workspace: &workspace, Type: "block-document", Action: "secrets-read", ID: d.ID, Name: d.Name, Details: details}
			if err := s.Audit(tx, by, e); err != nil {
				return err
			}
		}
		return nil
	})
}
