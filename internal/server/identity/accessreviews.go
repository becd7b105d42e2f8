package identity

import (
	"context"
	"slices"

	"github.com/go-json-experiment/json"
	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/rules/access"
	"github.com/usherhq/usher/internal/store"
)

// StartReview writes down who has access to an account, for somebody to decide about.
func (s *Service) StartReview(ctx context.Context, by By, account uuid.UUID, in *api.AccessReviewCreate) (out *api.AccessReview, err error) {
	err = s.Write(ctx, func(tx *store.Tx) error {
		items, err := s.reviewed(tx, account)
		if err != nil {
			return err
		}
		text, err := json.Marshal(items)
		if err != nil {
			return err
		}
		now := s.Now()
		r := &store.AccessReview{
			AccountID: account, ID: newID(), Created: now, Updated: now, CreatedBy: by.Actor.ID, Due: api.At(now.AddDate(0, 0, in.Days)), Items: string(text),
		}
		if err := tx.AddAccessReview(r); err != nil {
			return err
		}
		if out, err = s.reviewOf(r); err != nil {
			return err
		}
		return s.Audit(tx, by, Entry{Account: account, Type: "access-review", Action: "created", ID: r.ID, Details: map[string]any{"items": len(items), "due": r.Due}})
	})
	return out, err
}

// reviewed are the members of an account, their keys, and who has access to its workspaces.
func (s *Service) reviewed(tx *store.Tx, account uuid.UUID) ([]api.AccessReviewItem, error) {
	names, err := s.names(tx, account)
	if err != nil {
		return nil, err
	}
	teams, err := tx.Teams(account)
	if err != nil {
		return nil, err
	}
	for _, t := range teams {
		names[t.ID] = "team " + t.Name
	}
	for _, r := range access.AccountRoles() {
		names[r.ID] = r.Name
	}
	own, err := tx.AccountRoles(account)
	if err != nil {
		return nil, err
	}
	for _, r := range own {
		names[r.ID] = r.Name
	}
	members, err := tx.Memberships(account)
	if err != nil {
		return nil, err
	}
	items := []api.AccessReviewItem{}
	for _, m := range members {
		if m.Active {
			items = append(items, api.AccessReviewItem{ID: m.ID, Kind: "member", Who: names[m.ActorID], ActorID: m.ActorID, What: names[m.RoleID]})
		}
	}
	accesses, err := tx.AccessesOfAccount(account)
	if err != nil {
		return nil, err
	}
	for _, a := range accesses {
		items = append(items, api.AccessReviewItem{
			ID: a.ID, Kind: "access", Who: names[a.SubjectID], ActorID: a.SubjectID, What: names[a.RoleID] + " in " + names[a.WorkspaceID], Workspace: &a.WorkspaceID, Expires: a.Expires,
		})
	}
	keys, err := tx.KeysOfAccount(account)
	for i := range keys {
		if k := &keys[i]; k.Live(s.Now()) {
			items = append(items, api.AccessReviewItem{ID: k.ID, Kind: "key", Who: names[k.ActorID], ActorID: k.ActorID, What: k.Name, LastUsed: k.LastUsed, Expires: k.Expiration})
		}
	}
	return items, err
}

func (s *Service) reviewOf(r *store.AccessReview) (*api.AccessReview, error) {
	out := &api.AccessReview{
		ID: r.ID, Created: r.Created, CreatedBy: r.CreatedBy, Due: r.Due, Completed: r.Completed, CompletedBy: r.CompletedBy,
		Overdue: r.Completed == nil && !r.Due.After(s.Now().Time),
	}
	return out, json.Unmarshal([]byte(r.Items), &out.Items)
}

// Reviews lists the latest reviews of an account.
func (s *Service) Reviews(ctx context.Context, account uuid.UUID) ([]api.AccessReview, error) {
	return read(ctx, s, func(tx *store.Tx) ([]api.AccessReview, error) {
		list, err := tx.AccessReviews(account, api.MaxPage)
		out := []api.AccessReview{}
		for i := 0; i < len(list) && err == nil; i++ {
			var one *api.AccessReview
			if one, err = s.reviewOf(&list[i]); err == nil {
				out = append(out, *one)
			}
		}
		return out, err
	})
}

// CompleteReview takes away what a review says and writes down that the rest stays. All of it
// happens or nothing.
func (s *Service) CompleteReview(ctx context.Context, by By, account, id uuid.UUID, in *api.AccessReviewComplete) (out *api.AccessReview, err error) {
	err = s.Change(ctx, func(tx *store.Tx) error {
		r, err := tx.AccessReview(account, id)
		if err != nil {
			return missing("Access review", err)
		}
		if out, err = s.reviewOf(r); err != nil {
			return err
		}
		for _, id := range in.Revoke {
			if !slices.ContainsFunc(out.Items, func(i api.AccessReviewItem) bool { return i.ID == id }) {
				return api.Errorf(api.CodeInvalid, "The review has no item %s.", id)
			}
		}
		decisions := map[string]string{}
		for i := range out.Items {
			item := &out.Items[i]
			item.Decision = "keep"
			if slices.Contains(in.Revoke, item.ID) {
				item.Decision = "revoke"
				if err := s.takeAway(tx, by, account, item); err != nil {
					return err
				}
			}
			decisions[item.ID.String()] = item.Decision
		}
		if err := keepsOwner(tx, account); err != nil {
			return err
		}
		text, err := json.Marshal(out.Items)
		if err != nil {
			return err
		}
		now := s.Now()
		r.Completed, r.CompletedBy, r.Updated, r.Items = &now, &by.Actor.ID, now, string(text)
		if first, err := tx.CompleteAccessReview(r); err != nil || !first {
			return firstOf(err, api.Errorf(api.CodeConflict, "This review is completed already."))
		}
		if out, err = s.reviewOf(r); err != nil {
			return err
		}
		return s.Audit(tx, by, Entry{Account: account, Type: "access-review", Action: "completed", ID: id, Details: map[string]any{"decisions": decisions}})
	})
	return out, err
}

// takeAway ends what an item of a review stands for, if it is still there: a member is
// deactivated. What is of somebody who may do more than who decides is refused.
func (s *Service) takeAway(tx *store.Tx, by By, account uuid.UUID, item *api.AccessReviewItem) error {
	if m, err := none(tx.MembershipOf(account, item.ActorID)); err != nil {
		return err
	} else if m != nil {
		role, err := accountRole(tx, *m)
		if err == nil {
			err = mayGive(by, account, role)
		}
		if err != nil {
			return err
		}
	}
	details := map[string]any{"actor_id": item.ActorID, "reason": "access review"}
	switch item.Kind {
	case "member":
		_, err := none(&struct{}{}, tx.UpdateMembership(account, item.ID, store.Set{Column: "active", Value: false}, store.Set{Column: "updated", Value: s.Now()}))
		if err != nil {
			return err
		}
		return s.Audit(tx, by, Entry{Account: account, Type: "account-membership", Action: "updated", ID: item.ID, Changes: map[string][2]any{"active": {true, false}}, Details: details})
	case "access":
		if _, err := none(&struct{}{}, tx.DeleteAccessIn(*item.Workspace, item.ID)); err != nil {
			return err
		}
		return s.Audit(tx, by, Entry{Account: account, Workspace: item.Workspace, Type: "workspace-access", Action: "deleted", ID: item.ID, Details: details})
	}
	memberships, err := tx.MembershipsOf(item.ActorID)
	if err != nil {
		return err
	}
	if slices.ContainsFunc(memberships, func(m store.Membership) bool { return m.AccountID != account }) {
		return api.Errorf(api.CodeConflict, "The key %q is of somebody who is in another account too: revoke their membership here instead.", item.What)
	}
	keys, err := tx.APIKeys(item.ActorID)
	for i := 0; i < len(keys) && err == nil; i++ {
		if keys[i].ID == item.ID {
			err = s.RevokeKey(tx, by, &keys[i])
		}
	}
	return err
}

// ReviewersOf are the addresses of who may complete a review, and the name of its account. A
// review that is overdue is in the audit log each time that they are asked for.
func (s *Service) ReviewersOf(tx *store.Tx, r *store.AccessReview) (emails []string, account string, err error) {
	a, err := tx.Account(r.AccountID)
	if err != nil {
		return nil, "", err
	}
	members, err := tx.Memberships(r.AccountID)
	if err != nil {
		return nil, "", err
	}
	for _, m := range members {
		if !m.Active || m.ActorType != store.ActorUser {
			continue
		}
		role, err := accountRole(tx, m)
		if err != nil {
			return nil, "", err
		}
		if role.Permissions.Has("update:account_membership") {
			u, err := tx.User(m.ActorID)
			if err != nil {
				return nil, "", err
			}
			emails = append(emails, u.Email)
		}
	}
	if r.Due.After(s.Now().Time) {
		return emails, a.Name, nil
	}
	return emails, a.Name, s.Audit(tx, By{}, Entry{Account: r.AccountID, Type: "access-review", Action: "overdue", ID: r.ID, Details: map[string]any{"due": r.Due}})
}
