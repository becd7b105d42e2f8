package identity

import (
	"context"

	"github.com/go-json-experiment/json"
	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/store"
)

// WantsGuardedWebhooks says that an account wants every webhook to have a service account
// whose key must be shown.
func (s *Service) WantsGuardedWebhooks(ctx context.Context, account uuid.UUID) (bool, error) {
	return read(ctx, s, func(tx *store.Tx) (bool, error) {
		a, err := tx.Account(account)
		if err != nil {
			return false, missing("Account", err)
		}
		var settings struct {
			Must bool `json:"enforce_webhook_authentication"`
		}
		return settings.Must, json.Unmarshal(a.Settings, &settings)
	})
}

// WebhookAccount is the account of a workspace whose webhook is called, and whether that
// needs a service account's key.
func (s *Service) WebhookAccount(ctx context.Context, workspace uuid.UUID) (account uuid.UUID, mustGuard bool, err error) {
	w, err := s.Workspace(ctx, workspace)
	if err != nil {
		return account, false, err
	}
	mustGuard, err = s.WantsGuardedWebhooks(ctx, w.AccountID)
	return w.AccountID, mustGuard, err
}

// AuditWebhook writes down what became of a webhook.
func (s *Service) AuditWebhook(ctx context.Context, by By, account, workspace, id uuid.UUID, name, what string) error {
	return s.Write(ctx, func(tx *store.Tx) error {
		return s.Audit(tx, by, Entry{Account: account, Workspace: &workspace, Type: "webhook", Action: what, ID: id, Name: name})
	})
}
