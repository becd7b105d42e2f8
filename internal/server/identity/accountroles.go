package identity

import (
	"context"

	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/rules/access"
	"github.com/usherhq/usher/internal/store"
)

// checkPermissions refuses permissions that don't exist, and those that who makes a role of
// them does not have.
func checkPermissions(by By, account uuid.UUID, name string, names []string) error {
	for _, p := range names {
		if _, unknown := access.PermissionsOf(access.Permission(p)); unknown != "" {
			return api.Errorf(api.CodeInvalid, "There is no permission %q.", p)
		}
	}
	return mayGive(by, account, access.AccountRole{Name: name, Permissions: permissionsOf(names)})
}

// AddAccountRole makes a role for members of an account.
func (s *Service) AddAccountRole(ctx context.Context, by By, account uuid.UUID, in *api.AccountRoleCreate) (*api.AccountRole, error) {
	if err := checkPermissions(by, account, in.Name, in.Permissions); err != nil {
		return nil, err
	}
	now := s.Now()
	r := &store.AccountRole{AccountID: account, ID: newID(), Created: now, Updated: now, Name: in.Name, Permissions: append([]string{}, in.Permissions...)}
	err := s.Change(ctx, func(tx *store.Tx) error {
		if err := freeRoleName(tx, account, r.ID, r.Name); err != nil {
			return err
		}
		if err := tx.InsertAccountRole(r); err != nil {
			return err
		}
		return s.Audit(tx, by, Entry{Account: account, Type: "account-role", Action: "created", ID: r.ID, Name: r.Name, Details: map[string]any{"permissions": r.Permissions}})
	})
	return &api.AccountRole{ID: r.ID, Created: &r.Created, Updated: &r.Updated, AccountID: &r.AccountID, Name: r.Name, Permissions: r.Permissions}, err
}

// freeRoleName refuses the name of another role, also of a built-in one: names are how
// people and programs choose roles.
func freeRoleName(tx *store.Tx, account, id uuid.UUID, name string) error {
	taken := api.Errorf(api.CodeConflict, "There is an account role %q already.", name)
	for _, r := range access.AccountRoles() {
		if r.Name == name {
			return taken
		}
	}
	own, err := tx.AccountRoles(account)
	for _, r := range own {
		if r.Name == name && r.ID != id {
			return taken
		}
	}
	return err
}

// UpdateAccountRole changes a role that the account has made.
func (s *Service) UpdateAccountRole(ctx context.Context, by By, account, id uuid.UUID, in *api.AccountRoleUpdate) error {
	if _, builtIn := access.BuiltInAccountRole(id); builtIn {
		return api.Errorf(api.CodeForbidden, "Built-in roles can't be changed.")
	}
	return s.Change(ctx, func(tx *store.Tx) error {
		old, err := ownAccountRole(tx, account, id)
		if err != nil {
			return err
		}
		sets, changes := []store.Set{{Column: "updated", Value: s.Now()}}, map[string][2]any{}
		if v, ok := in.Name.Get(); ok {
			if err := freeRoleName(tx, account, id, v); err != nil {
				return err
			}
			sets, changes["name"] = append(sets, store.Set{Column: "name", Value: v}), [2]any{old.Name, v}
		}
		if v, ok := in.Permissions.Get(); ok {
			// Neither more than one has is given, nor is a mightier role made anything else.
			if err := mayGive(by, account, access.AccountRole{Name: old.Name, Permissions: permissionsOf(old.Permissions)}); err != nil {
				return err
			}
			if err := checkPermissions(by, account, old.Name, v); err != nil {
				return err
			}
			sets, changes["permissions"] = append(sets, store.Set{Column: "permissions", Value: v}), [2]any{old.Permissions, v}
		}
		if err := tx.UpdateAccountRole(account, id, sets...); err != nil {
			return missing("Account role", err)
		}
		return s.Audit(tx, by, Entry{Account: account, Type: "account-role", Action: "updated", ID: id, Name: old.Name, Changes: changes})
	})
}

func ownAccountRole(tx *store.Tx, account, id uuid.UUID) (*store.AccountRole, error) {
	own, err := tx.AccountRoles(account)
	for i := range own {
		if own[i].ID == id {
			return &own[i], err
		}
	}
	if err == nil {
		err = api.NotFound("Account role")
	}
	return nil, err
}

// RemoveAccountRole removes a role that nobody has and nobody is invited for.
func (s *Service) RemoveAccountRole(ctx context.Context, by By, account, id uuid.UUID) error {
	if _, builtIn := access.BuiltInAccountRole(id); builtIn {
		return api.Errorf(api.CodeForbidden, "Built-in roles can't be removed.")
	}
	return s.Change(ctx, func(tx *store.Tx) error {
		old, err := ownAccountRole(tx, account, id)
		if err != nil {
			return err
		}
		n, err := tx.CountMembersWith(account, id)
		if err != nil {
			return err
		}
		invitations, err := tx.Invitations(account)
		for _, i := range invitations {
			if i.AccountRoleID == id && i.Status == "PENDING" && i.Expiration.After(s.Now().Time) {
				n++
			}
		}
		if err == nil && n > 0 {
			err = api.Errorf(api.CodeConflict, "The role is in use: give those who have it, or are invited for it, another one first.")
		}
		if err == nil {
			err = tx.DeleteAccountRole(account, id)
		}
		if err != nil {
			return missing("Account role", err)
		}
		return s.Audit(tx, by, Entry{Account: account, Type: "account-role", Action: "deleted", ID: id, Name: old.Name})
	})
}

// InviteTo invites somebody into a workspace: as a guest of the account who may do there
// what the workspace's default role says, or look at it.
func (s *Service) InviteTo(ctx context.Context, by By, workspace uuid.UUID, email string) (out *api.WorkspaceInvitation, err error) {
	norm, err := NormalEmail(email)
	if err != nil {
		return nil, err
	}
	var invited *Invited
	err = s.Write(ctx, func(tx *store.Tx) error {
		w, err := tx.WorkspaceByID(workspace)
		if err != nil {
			return missing("Workspace", err)
		}
		role := access.ViewerID
		if w.DefaultRoleID != nil {
			role = *w.DefaultRoleID
		}
		if err := s.mayGrant(tx, by, w, role); err != nil {
			return err
		}
		i := &store.Invitation{AccountID: w.AccountID, Email: email, EmailNorm: norm, AccountRoleID: access.CollaboratorID, WorkspaceID: &w.ID, WorkspaceRoleID: &role}
		invited, err = s.invite(tx, by, i, "workspace-invitation")
		invited.Where = w.Name
		out = spaceInvitationOf(i)
		return err
	})
	if err == nil {
		s.tellInvited(invited)
	}
	return out, err
}

func spaceInvitationOf(i *store.Invitation) *api.WorkspaceInvitation {
	return &api.WorkspaceInvitation{Invitation: invitationOf(i)}
}

// SpaceInvitations lists the invitations into a workspace.
func (s *Service) SpaceInvitations(ctx context.Context, account, workspace uuid.UUID, f *api.InvitationFilter) ([]api.WorkspaceInvitation, error) {
	all, err := s.Invitations(ctx, account, f)
	out := []api.WorkspaceInvitation{}
	for _, i := range all {
		if i.WorkspaceID != nil && *i.WorkspaceID == workspace {
			out = append(out, api.WorkspaceInvitation{Invitation: i})
		}
	}
	return out, err
}

// Invited is an invitation with what only its mail may tell.
type Invited struct {
	ID                     uuid.UUID
	Email, Code            string
	Account, Where, Sender string
	Until                  api.Time
}

// OnInvitation lets fn tell who is invited, after it is certain. It is set before anybody
// is.
func (s *Service) OnInvitation(fn func(Invited)) { s.invited = fn }

func (s *Service) tellInvited(list ...*Invited) {
	for _, i := range list {
		if s.invited != nil && i != nil {
			s.invited(*i)
		}
	}
}

// invite keeps an invitation and writes it down.
func (s *Service) invite(tx *store.Tx, by By, i *store.Invitation, kind string) (*Invited, error) {
	now, code := s.Now(), NewSecret("inv_")
	i.ID, i.Created, i.Updated, i.Status, i.Expiration, i.CodeHash, i.InvitedBy = newID(), now, now, "PENDING", api.Time{Time: now.Add(inviteLife)}, hashOf(code), &by.Actor.ID
	account, err := tx.Account(i.AccountID)
	if err != nil {
		return &Invited{}, err
	}
	if err := tx.InsertInvitation(i); err != nil {
		return &Invited{}, err
	}
	return &Invited{i.ID, i.Email, code, account.Name, account.Name, by.Actor.Name(), i.Expiration},
		s.Audit(tx, by, Entry{Account: i.AccountID, Workspace: i.WorkspaceID, Type: kind, Action: "created", ID: i.ID, Name: i.Email, Details: map[string]any{"account_role_id": i.AccountRoleID}})
}

// belongsTo refuses an invitation of another account or workspace.
func belongsTo(i *store.Invitation, err error, account uuid.UUID, workspace *uuid.UUID) error {
	if err == nil && (i.AccountID != account || workspace != nil && (i.WorkspaceID == nil || *i.WorkspaceID != *workspace)) {
		err = store.ErrNoRows
	}
	return missing("Invitation", err)
}
