package identity

import (
	"context"

	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/rules/assurance"
	"github.com/usherhq/usher/internal/store"
)

// Standing says how an account stands, for the report about security. It reads the whole
// audit log.
func (s *Service) Standing(ctx context.Context, account uuid.UUID) (*assurance.Account, error) {
	entries, err := s.VerifyAudit(ctx, account)
	broken := ""
	switch api.CodeOf(err) {
	case "":
	case api.CodeConflict:
		broken = err.Error()
	default:
		return nil, err
	}
	return read(ctx, s, func(tx *store.Tx) (*assurance.Account, error) {
		a, err := tx.Account(account)
		if err != nil {
			return nil, missing("Account", err)
		}
		out := &assurance.Account{
			RequireSSO: a.SSOState == "ENABLED", RequireMFA: a.RequireMFA, RestrictToDomains: a.RestrictToDomains, AuditEntries: entries, AuditBroken: broken,
		}
		members, err := tx.Memberships(account)
		for _, m := range members {
			if m.ActorType == store.ActorUser {
				out.People++
			} else {
				out.Bots++
			}
		}
		if err != nil {
			return nil, err
		}
		domains, err := tx.AccountDomains(account)
		for _, d := range domains {
			if d.Verified != nil {
				out.Domains++
			}
		}
		if err != nil {
			return nil, err
		}
		if out.EndlessKeys, err = tx.CountEndlessKeys(account); err != nil {
			return nil, err
		}
		if out.TimedGrants, out.OpenRequests, err = tx.CountTimedGrants(account, s.Now()); err != nil {
			return nil, err
		}
		hours, err := tx.ChangeControl(account)
		if err != nil {
			return nil, err
		}
		out.TwoPersons = hours > 0
		reviews, err := tx.AccessReviews(account, api.MaxPage)
		if err != nil {
			return nil, err
		}
		for _, r := range reviews {
			switch {
			case r.Completed == nil:
				out.OpenReviews++
				if !r.Due.After(s.Now().Time) {
					out.OverdueReviews++
				}
			case out.Reviewed == nil || r.Completed.After(*out.Reviewed):
				out.Reviewed = &r.Completed.Time
			}
		}
		g, err := gateOf(tx, a)
		if g != nil {
			out.Addresses = len(g.networks)
		}
		return out, err
	})
}
