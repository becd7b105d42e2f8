package identity

import (
	"crypto/rand"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/rules/credential"
	"github.com/usherhq/usher/internal/store"
)

// How long keys hold when nobody says otherwise.
const (
	UserKeyLife = 90 * 24 * time.Hour
	BotKeyLife  = 365 * 24 * time.Hour
)

// NewSecret makes a secret of a kind.
func NewSecret(prefix string) string {
	random := make([]byte, credential.Entropy)
	for {
		rand.Read(random) //nolint:errcheck // it never fails
		if secret, ok := credential.New(prefix, random); ok {
			return secret
		}
	}
}

// AddKey makes a key of a user or service account; a key without an expiration never
// ends. Nothing can show the secret again.
func (s *Service) AddKey(tx *store.Tx, by By, actor uuid.UUID, prefix, name string, expiration *api.Time) (*store.APIKey, string, error) {
	now := s.Now()
	name = strings.TrimSpace(name)
	if name == "" || len(name) > 250 {
		return nil, "", api.Errorf(api.CodeInvalid, "Give the key a name of at most 250 characters.")
	}
	if expiration != nil && !expiration.After(now.Time) {
		return nil, "", api.Errorf(api.CodeInvalid, "The key would have ended already.")
	}
	secret := NewSecret(prefix)
	k := &store.APIKey{ID: newID(), Created: now, Updated: now, ActorID: actor, Name: name, Prefix: prefix, Suffix: credential.Suffix(secret), Expiration: expiration}
	if by.Actor != nil {
		k.CreatedBy = &by.Actor.ID
	}
	if err := tx.InsertAPIKey(k, credential.Hash(secret)); err != nil {
		return nil, "", err
	}
	return k, secret, s.auditKey(tx, by, "created", k)
}

// auditKey writes down what became of a key in the log of each account that its actor is
// a member of.
func (s *Service) auditKey(tx *store.Tx, by By, what string, k *store.APIKey) error {
	memberships, err := tx.MembershipsOf(k.ActorID)
	for _, m := range memberships {
		if err == nil {
			err = s.Audit(tx, by, Entry{Account: m.AccountID, Type: "api-key", Action: what, ID: k.ID, Name: k.Name, Details: map[string]any{"actor_id": k.ActorID, "expiration": k.Expiration}})
		}
	}
	return err
}

// RevokeKey ends a key at once.
func (s *Service) RevokeKey(tx *store.Tx, by By, k *store.APIKey) error {
	now := s.Now()
	if err := tx.UpdateAPIKey(k.ActorID, k.ID, store.Set{Column: "revoked_at", Value: now}, store.Set{Column: "updated", Value: now}); err != nil {
		return missing("API key", err)
	}
	return s.auditKey(tx, by, "deleted", k)
}
