package identity

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/rules/access"
	"github.com/usherhq/usher/internal/store"
)

// TransferProblems is why a workspace can't move to another account, by what it is about.
func (s *Service) TransferProblems(ctx context.Context, by By, workspace, to uuid.UUID, handle string) (map[string][]map[string]string, error) {
	return read(ctx, s, func(tx *store.Tx) (map[string][]map[string]string, error) {
		problems := map[string][]map[string]string{}
		w, err := tx.WorkspaceByID(workspace)
		if err != nil {
			return nil, missing("Workspace", err)
		}
		if err := mayTransfer(by, w.AccountID, to); err != nil {
			return nil, err
		}
		target, err := s.moveInto(tx, w, to, handle)
		if problem := api.CodeOf(err); err != nil && problem == api.CodeConflict {
			problems["handle"] = append(problems["handle"], map[string]string{"message": err.Error()})
			err = nil
		}
		_ = target
		return problems, err
	})
}

// mayTransfer refuses who may not delete workspaces in both accounts. An account that they
// don't belong to is not there for them.
func mayTransfer(by By, from, to uuid.UUID) error {
	for _, id := range []uuid.UUID{from, to} {
		g, ok := by.Actor.Account(id)
		switch {
		case !ok:
			return api.NotFound("Account")
		case g.Refused != "":
			return api.Errorf(api.CodeForbidden, "%s", g.Refused)
		case !g.Permissions.Has("delete:workspace"):
			return api.Errorf(api.CodeForbidden, "You may not do that in account %q: it needs the permission delete:workspace.", g.Account.Handle)
		}
	}
	if from == to {
		return api.Errorf(api.CodeInvalid, "The workspace belongs to this account already.")
	}
	return nil
}

// moveInto is the handle that a workspace gets in another account.
func (s *Service) moveInto(tx *store.Tx, w *store.Workspace, to uuid.UUID, handle string) (string, error) {
	if handle == "" {
		handle = w.Handle
	}
	if err := checkHandle(handle); err != nil {
		return "", err
	}
	there, err := tx.WorkspacesOf(to)
	for _, other := range there {
		if other.Handle == handle {
			return "", api.Errorf(api.CodeConflict, "There is a workspace %q already.", handle)
		}
	}
	return handle, err
}

// Transfer gives a workspace to another account: with all that is in it, without who had
// access. rewrap seals its keys with those of the other account.
func (s *Service) Transfer(ctx context.Context, by By, workspace, to uuid.UUID, handle string, rewrap func(tx *store.Tx, to uuid.UUID) error) error {
	return s.ChangeIn(ctx, workspace, func(tx *store.Tx) error {
		w, err := tx.WorkspaceByID(workspace)
		if err != nil {
			return missing("Workspace", err)
		}
		if err := mayTransfer(by, w.AccountID, to); err != nil {
			return err
		}
		name, err := s.moveInto(tx, w, to, handle)
		if err != nil {
			return err
		}
		if err := rewrap(tx, to); err != nil {
			return err
		}
		now := s.Now()
		if err := tx.MoveWorkspace(to, name, now); err != nil {
			return err
		}
		a := &store.Access{WorkspaceID: w.ID, ID: newID(), Created: now, Updated: now, SubjectID: by.Actor.ID, SubjectType: by.Actor.Type, RoleID: access.WorkspaceOwnerID}
		if err := tx.PutAccess(a); err != nil {
			return err
		}
		if err := s.Audit(tx, by, Entry{Account: w.AccountID, Workspace: &w.ID, Type: "workspace", Action: "transferred-out", ID: w.ID, Name: w.Handle, Details: map[string]any{"to_account_id": to}}); err != nil {
			return err
		}
		return s.Audit(tx, by, Entry{Account: to, Workspace: &w.ID, Type: "workspace", Action: "transferred-in", ID: w.ID, Name: name, Details: map[string]any{"from_account_id": w.AccountID}})
	})
}

// Grace is how long an account that was deleted can be brought back.
const Grace = 7 * 24 * time.Hour

// RemoveAccount keeps everybody out of an account at once; RemoveDeleted removes it with all
// that it has once Grace is over.
func (s *Service) RemoveAccount(ctx context.Context, by By, id uuid.UUID) error {
	return s.Change(ctx, func(tx *store.Tx) error {
		a, err := tx.Account(id)
		if err != nil {
			return missing("Account", err)
		}
		now := s.Now()
		if err := tx.UpdateAccount(id, store.Set{Column: "deleted", Value: now}, store.Set{Column: "updated", Value: now}); err != nil {
			return err
		}
		return s.Audit(tx, by, Entry{Account: id, Type: "account", Action: "deleted", ID: id, Name: a.Handle, Details: map[string]any{"gone_at": now.Add(Grace)}})
	})
}

// RestoreAccount brings back an account by its handle that was deleted, as long as its Grace
// is not over: then RemoveDeleted may be half-way through it.
func (s *Service) RestoreAccount(ctx context.Context, by By, handle string) (out *store.Account, err error) {
	err = s.Change(ctx, func(tx *store.Tx) error {
		a, err := tx.AccountByHandle(handle)
		if err != nil {
			return missing(fmt.Sprintf("Account %q", handle), err)
		}
		if a.Deleted == nil {
			return api.Errorf(api.CodeConflict, "Account %q is not deleted.", handle)
		}
		now := s.Now()
		if gone := a.Deleted.Add(Grace); !now.Before(gone) {
			return api.Errorf(api.CodeConflict, "Account %q was to be removed for good at %s: it can't be brought back.", handle, gone.UTC().Format(time.RFC3339))
		}
		if err := tx.UpdateAccount(a.ID, store.Set{Column: "deleted", Value: nil}, store.Set{Column: "updated", Value: now}); err != nil {
			return err
		}
		out = a
		return s.Audit(tx, by, Entry{Account: a.ID, Type: "account", Action: "updated", ID: a.ID, Name: a.Handle, Changes: map[string][2]any{"deleted": {a.Deleted, nil}}})
	})
	return out, err
}

// RemoveDeleted removes the accounts whose Grace is over: their workspaces with everything,
// their members' rights and their keys, without which no backup of theirs can be read.
func (s *Service) RemoveDeleted(ctx context.Context) error {
	accounts, err := read(ctx, s, func(tx *store.Tx) ([]store.Account, error) {
		return tx.AccountsDeletedBefore(api.At(s.Now().Add(-Grace)))
	})
	for _, a := range accounts {
		if err == nil {
			err = s.removeDeleted(ctx, a.ID)
		}
	}
	return err
}

func (s *Service) removeDeleted(ctx context.Context, account uuid.UUID) error {
	workspaces, err := read(ctx, s, func(tx *store.Tx) ([]store.Workspace, error) { return tx.WorkspacesOf(account) })
	for _, w := range workspaces {
		if err == nil {
			err = s.ChangeIn(ctx, w.ID, (*store.Tx).DeleteWorkspace)
		}
	}
	if err != nil {
		return err
	}
	return s.Change(ctx, func(tx *store.Tx) error { return tx.DeleteAccount(account) })
}
