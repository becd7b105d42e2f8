package identity

import (
	"context"

	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/store"
)

// ResetSecondFactor takes the second factors of a member away who has lost them, with their
// recovery codes, and ends all that they are signed in with. Who does it must be able to
// change the member in each account that they belong to: it weakens them in all.
func (s *Service) ResetSecondFactor(ctx context.Context, by By, account, membership uuid.UUID) error {
	return s.Change(ctx, func(tx *store.Tx) error {
		m, err := tx.Membership(account, membership)
		if err != nil {
			return missing("Account membership", err)
		}
		memberships, err := tx.MembershipsOf(m.ActorID)
		if err != nil {
			return err
		}
		for _, other := range memberships {
			g, ok := by.Actor.Account(other.AccountID)
			if !ok || g.Refused != "" || !g.Permissions.Has("update:account_membership") {
				return api.Errorf(api.CodeForbidden, "The member belongs to another account too, whose members you may not change: they have to remove it themselves, with a recovery code.")
			}
			role, err := accountRole(tx, other)
			if err == nil {
				err = mayGive(by, other.AccountID, role)
			}
			if err != nil {
				return err
			}
		}
		n, err := tx.DeleteFactors(m.ActorID)
		if err != nil {
			return err
		}
		if n == 0 {
			return api.Errorf(api.CodeConflict, "The member has no second factor.")
		}
		if _, err := tx.RevokeTokensOf(m.ActorID, uuid.UUID{}, s.Now(), "second factor reset"); err != nil {
			return err
		}
		for _, other := range memberships {
			e := Entry{Account: other.AccountID, Type: "second-factor", Action: "reset", ID: other.ID, Details: map[string]any{"actor_id": m.ActorID, "factors": n}}
			if err := s.Audit(tx, by, e); err != nil {
				return err
			}
		}
		return nil
	})
}
