package identity

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/rules/access"
	"github.com/usherhq/usher/internal/store"
)

func seconds(n int) time.Duration { return time.Duration(n) * time.Second }

// SpaceOf is a workspace as the API shows it.
func SpaceOf(w *store.Workspace) api.Workspace {
	return api.Workspace{
		ID: w.ID, Created: w.Created, Updated: w.Updated, AccountID: w.AccountID, Name: w.Name, Description: w.Description, Handle: w.Handle,
		DefaultRoleID: w.DefaultRoleID, IsPublic: w.IsPublic,
	}
}

func checkHandle(handle string) error {
	if !IsHandle(handle) {
		return api.Errorf(api.CodeInvalid, "%q is no handle: use lower-case letters, digits and dashes.", handle)
	}
	return nil
}

// AddWorkspace makes a workspace, of which its maker is an owner.
func (s *Service) AddWorkspace(ctx context.Context, by By, account uuid.UUID, in *api.WorkspaceCreate) (*api.Workspace, error) {
	if err := checkHandle(in.Handle); err != nil {
		return nil, err
	}
	now := s.Now()
	w := &store.Workspace{ID: newID(), AccountID: account, Created: now, Updated: now, Name: in.Name, Handle: in.Handle, Description: in.Description.Or(""), Settings: jsontext.Value("{}")}
	err := s.Change(ctx, func(tx *store.Tx) error {
		if err := tx.InsertWorkspace(w); err != nil {
			if errors.Is(err, store.ErrConflict) {
				err = api.Errorf(api.CodeConflict, "There is a workspace %q already.", in.Handle)
			}
			return err
		}
		a := &store.Access{WorkspaceID: w.ID, ID: newID(), Created: now, Updated: now, SubjectID: by.Actor.ID, SubjectType: by.Actor.Type, RoleID: access.WorkspaceOwnerID}
		if err := tx.PutAccessTo(a); err != nil {
			return err
		}
		return s.Audit(tx, by, Entry{Account: account, Workspace: &w.ID, Type: "workspace", Action: "created", ID: w.ID, Name: w.Handle})
	})
	out := SpaceOf(w)
	return &out, err
}

// Workspace returns a workspace.
func (s *Service) Workspace(ctx context.Context, id uuid.UUID) (*api.Workspace, error) {
	return read(ctx, s, func(tx *store.Tx) (*api.Workspace, error) {
		w, err := tx.WorkspaceByID(id)
		if err != nil {
			return nil, missing("Workspace", err)
		}
		out := SpaceOf(w)
		return &out, nil
	})
}

// UpdateWorkspace changes a workspace.
func (s *Service) UpdateWorkspace(ctx context.Context, by By, id uuid.UUID, in *api.WorkspaceUpdate) error {
	return s.Change(ctx, func(tx *store.Tx) error {
		w, err := tx.WorkspaceByID(id)
		if err != nil {
			return missing("Workspace", err)
		}
		sets := []store.Set{{Column: "updated", Value: s.Now()}}
		changes := map[string][2]any{}
		set := func(column string, old, value any) {
			sets = append(sets, store.Set{Column: column, Value: value})
			changes[column] = [2]any{old, value}
		}
		if v, ok := in.Name.Get(); ok {
			set("name", w.Name, v)
		}
		if v, ok := in.Description.Get(); ok {
			set("description", w.Description, v)
		}
		if v, ok := in.Handle.Get(); ok {
			if err := checkHandle(v); err != nil {
				return err
			}
			set("handle", w.Handle, v)
		}
		if in.DefaultRoleID.IsSet() {
			role := in.DefaultRoleID.Ptr()
			if role != nil {
				if err := s.mayGrant(tx, by, w, *role); err != nil {
					return err
				}
			}
			set("default_workspace_role_id", w.DefaultRoleID, role)
		}
		if err := tx.UpdateWorkspace(id, sets...); err != nil {
			return err
		}
		return s.Audit(tx, by, Entry{Account: w.AccountID, Workspace: &w.ID, Type: "workspace", Action: "updated", ID: w.ID, Name: w.Handle, Changes: changes})
	})
}

// RemoveWorkspace removes a workspace with all that is in it.
func (s *Service) RemoveWorkspace(ctx context.Context, by By, id uuid.UUID) error {
	return s.ChangeIn(ctx, id, func(tx *store.Tx) error {
		w, err := tx.WorkspaceByID(id)
		if err != nil {
			return missing("Workspace", err)
		}
		if err := tx.DeleteWorkspace(); err != nil {
			return err
		}
		return s.Audit(tx, by, Entry{Account: w.AccountID, Workspace: &w.ID, Type: "workspace", Action: "deleted", ID: w.ID, Name: w.Handle})
	})
}

// WorkspaceRoles lists the roles that somebody can have in workspaces of an account, the
// built-in ones first.
func (s *Service) WorkspaceRoles(ctx context.Context, account uuid.UUID) ([]api.WorkspaceRole, error) {
	return read(ctx, s, func(tx *store.Tx) ([]api.WorkspaceRole, error) {
		out := []api.WorkspaceRole{}
		for _, r := range access.WorkspaceRoles() {
			names := texts(r.Scopes.List())
			out = append(out, api.WorkspaceRole{ID: r.ID, Name: r.Name, Description: r.Description, Scopes: names, Permissions: names})
		}
		own, err := tx.WorkspaceRoles(account)
		if err != nil {
			return nil, err
		}
		sets, err := workspaceRoles(tx, account)
		for _, r := range own {
			out = append(out, api.WorkspaceRole{
				ID: r.ID, Created: &r.Created, Updated: &r.Updated, AccountID: &r.AccountID, Name: r.Name, Description: r.Description,
				Scopes: r.Scopes, Permissions: texts(sets[r.ID].List()), InheritedRoleID: r.InheritedRoleID,
			})
		}
		return out, err
	})
}

func checkScopes(names []string) error {
	for _, name := range names {
		if _, unknown := access.ScopesOf(access.Scope(name)); unknown != "" {
			return api.Errorf(api.CodeInvalid, "There is no scope %q.", name)
		}
	}
	return nil
}

// AddWorkspaceRole makes a role.
func (s *Service) AddWorkspaceRole(ctx context.Context, by By, account uuid.UUID, in *api.WorkspaceRoleCreate) (*api.WorkspaceRole, error) {
	if err := checkScopes(in.Scopes); err != nil {
		return nil, err
	}
	now := s.Now()
	r := &store.WorkspaceRole{AccountID: account, ID: newID(), Created: now, Updated: now, Name: in.Name, Description: in.Description.Or(""), Scopes: in.Scopes, InheritedRoleID: in.InheritedRoleID}
	if r.Scopes == nil {
		r.Scopes = []string{}
	}
	err := s.Change(ctx, func(tx *store.Tx) error {
		if err := s.checkInherited(tx, account, r.ID, in.InheritedRoleID); err != nil {
			return err
		}
		if err := tx.InsertWorkspaceRole(r); err != nil {
			if errors.Is(err, store.ErrConflict) {
				err = api.Errorf(api.CodeConflict, "There is a workspace role %q already.", in.Name)
			}
			return err
		}
		return s.Audit(tx, by, Entry{Account: account, Type: "workspace-role", Action: "created", ID: r.ID, Name: r.Name, Details: map[string]any{"scopes": r.Scopes}})
	})
	if err != nil {
		return nil, err
	}
	return s.workspaceRole(ctx, account, r.ID)
}

// checkInherited refuses a role to inherit from that does not exist, or inherits itself.
func (s *Service) checkInherited(tx *store.Tx, account, role uuid.UUID, from *uuid.UUID) error {
	if from == nil {
		return nil
	}
	sets, err := workspaceRoles(tx, account)
	if err != nil {
		return err
	}
	if _, ok := sets[*from]; !ok {
		return api.Errorf(api.CodeInvalid, "The role to inherit from does not exist.")
	}
	own, err := tx.WorkspaceRoles(account)
	for at := *from; err == nil; {
		if at == role {
			return api.Errorf(api.CodeInvalid, "A role can't inherit from itself.")
		}
		i := slices.IndexFunc(own, func(r store.WorkspaceRole) bool { return r.ID == at })
		if i < 0 || own[i].InheritedRoleID == nil {
			return nil
		}
		at = *own[i].InheritedRoleID
	}
	return err
}

func (s *Service) workspaceRole(ctx context.Context, account, id uuid.UUID) (*api.WorkspaceRole, error) {
	all, err := s.WorkspaceRoles(ctx, account)
	for i := range all {
		if all[i].ID == id {
			return &all[i], nil
		}
	}
	if err == nil {
		err = api.NotFound("Workspace role")
	}
	return nil, err
}

// WorkspaceRole returns a role.
func (s *Service) WorkspaceRole(ctx context.Context, account, id uuid.UUID) (*api.WorkspaceRole, error) {
	return s.workspaceRole(ctx, account, id)
}

// UpdateWorkspaceRole changes a role that the account has made.
func (s *Service) UpdateWorkspaceRole(ctx context.Context, by By, account, id uuid.UUID, in *api.WorkspaceRoleUpdate) error {
	if _, builtIn := access.BuiltInWorkspaceRole(id); builtIn {
		return api.Errorf(api.CodeForbidden, "Built-in roles can't be changed.")
	}
	return s.Change(ctx, func(tx *store.Tx) error {
		sets := []store.Set{{Column: "updated", Value: s.Now()}}
		if v, ok := in.Name.Get(); ok {
			sets = append(sets, store.Set{Column: "name", Value: v})
		}
		if v, ok := in.Description.Get(); ok {
			sets = append(sets, store.Set{Column: "description", Value: v})
		}
		if v, ok := in.Scopes.Get(); ok {
			if err := checkScopes(v); err != nil {
				return err
			}
			sets = append(sets, store.Set{Column: "scopes", Value: v})
		}
		if in.InheritedRoleID.IsSet() {
			if err := s.checkInherited(tx, account, id, in.InheritedRoleID.Ptr()); err != nil {
				return err
			}
			sets = append(sets, store.Set{Column: "inherited_role_id", Value: in.InheritedRoleID.Ptr()})
		}
		if err := tx.UpdateWorkspaceRole(account, id, sets...); err != nil {
			return missing("Workspace role", err)
		}
		return s.Audit(tx, by, Entry{Account: account, Type: "workspace-role", Action: "updated", ID: id})
	})
}

// RemoveWorkspaceRole removes a role that nobody has.
func (s *Service) RemoveWorkspaceRole(ctx context.Context, by By, account, id uuid.UUID) error {
	if _, builtIn := access.BuiltInWorkspaceRole(id); builtIn {
		return api.Errorf(api.CodeForbidden, "Built-in roles can't be removed.")
	}
	return s.Change(ctx, func(tx *store.Tx) error {
		used, err := tx.WorkspaceRoleInUse(account, id)
		if err != nil {
			return err
		}
		if used {
			return api.Errorf(api.CodeConflict, "The role is in use: take it from everybody first.")
		}
		if err := tx.DeleteWorkspaceRole(account, id); err != nil {
			return missing("Workspace role", err)
		}
		return s.Audit(tx, by, Entry{Account: account, Type: "workspace-role", Action: "deleted", ID: id})
	})
}

// mayGrant refuses a role that does not exist, and one that has more scopes than who gives
// it has in the workspace.
func (s *Service) mayGrant(tx *store.Tx, by By, w *store.Workspace, role uuid.UUID) error {
	sets, err := workspaceRoles(tx, w.AccountID)
	if err != nil {
		return err
	}
	set, ok := sets[role]
	if !ok {
		return api.Errorf(api.CodeNotFound, "Workspace role not found")
	}
	g, _ := by.Actor.Workspace(w.ID)
	if extra := set &^ g.Scopes; extra != 0 {
		return api.Errorf(api.CodeForbidden, "You may not give this role: it has the scope %s, which you do not have.", extra.List()[0])
	}
	return nil
}

// Grant gives users, service accounts or teams of the account roles in a workspace; kind
// says which of them.
func (s *Service) Grant(ctx context.Context, by By, workspace uuid.UUID, kind string, list []api.WorkspaceAccessCreate) (out []api.WorkspaceAccess, err error) {
	err = s.ChangeIn(ctx, workspace, func(tx *store.Tx) error {
		w, err := tx.WorkspaceByID(workspace)
		if err != nil {
			return missing("Workspace", err)
		}
		out = []api.WorkspaceAccess{}
		for _, in := range list {
			one, err := s.grant(tx, by, w, kind, in)
			if err != nil {
				return err
			}
			out = append(out, *one)
		}
		return nil
	})
	return out, err
}

func (s *Service) grant(tx *store.Tx, by By, w *store.Workspace, kind string, in api.WorkspaceAccessCreate) (*api.WorkspaceAccess, error) {
	subject := map[string]*uuid.UUID{store.ActorUser: in.UserID, store.ActorBot: in.BotID, store.ActorTeam: in.TeamID}[kind]
	if subject == nil {
		return nil, api.Errorf(api.CodeInvalid, "Say who gets access: a %s of the account.", strings.ReplaceAll(kind, "_", " "))
	}
	if err := belongs(tx, w.AccountID, *subject, kind); err != nil {
		return nil, err
	}
	if err := s.mayGrant(tx, by, w, in.RoleID); err != nil {
		return nil, err
	}
	now := s.Now()
	a := &store.Access{WorkspaceID: w.ID, ID: newID(), Created: now, Updated: now, SubjectID: *subject, SubjectType: kind, RoleID: in.RoleID}
	if err := tx.PutAccess(a); err != nil {
		return nil, err
	}
	err := s.Audit(tx, by, Entry{Account: w.AccountID, Workspace: &w.ID, Type: "workspace-access", Action: "created", ID: a.ID, Details: map[string]any{"subject_id": a.SubjectID, "subject_type": kind, "workspace_role_id": a.RoleID}})
	if err != nil {
		return nil, err
	}
	return accessOf(tx, w.AccountID, a)
}

// belongs refuses whom the account does not have.
func belongs(tx *store.Tx, account, subject uuid.UUID, kind string) error {
	if kind == store.ActorTeam {
		_, err := tx.Team(account, subject)
		return missing("Team", err)
	}
	m, err := tx.MembershipOf(account, subject)
	if err == nil && m.ActorType != kind {
		err = store.ErrNoRows
	}
	if kind == store.ActorBot {
		return missing("Service account", err)
	}
	return missing("User", err)
}

// accessOf tells who has an access.
func accessOf(tx *store.Tx, account uuid.UUID, a *store.Access) (*api.WorkspaceAccess, error) {
	out := &api.WorkspaceAccess{ID: a.ID, Created: a.Created, Updated: a.Updated, WorkspaceID: a.WorkspaceID, RoleID: a.RoleID}
	switch a.SubjectType {
	case store.ActorUser:
		u, err := tx.User(a.SubjectID)
		if err != nil {
			return nil, err
		}
		out.ActorID, out.UserID, out.FirstName, out.LastName, out.Email, out.Handle = &u.ID, &u.ID, &u.FirstName, &u.LastName, &u.Email, &u.Handle
	case store.ActorBot:
		b, err := tx.BotByID(a.SubjectID)
		if err != nil {
			return nil, err
		}
		out.ActorID, out.BotID, out.BotName = &b.ID, &b.ID, &b.Name
	default:
		t, err := tx.Team(account, a.SubjectID)
		if err != nil {
			return nil, err
		}
		out.TeamID, out.TeamName = &t.ID, &t.Name
	}
	return out, nil
}

// Accesses lists which users, service accounts or teams have access to a workspace.
func (s *Service) Accesses(ctx context.Context, account, workspace uuid.UUID, kind string, f *api.WorkspaceAccessFilter) (out []api.WorkspaceAccess, err error) {
	if f == nil {
		f = &api.WorkspaceAccessFilter{}
	}
	err = refused(s.store.Read(ctx, workspace, func(tx *store.Tx) error {
		out = []api.WorkspaceAccess{}
		all, err := tx.Accesses()
		for i := 0; i < len(all) && err == nil; i++ {
			if all[i].SubjectType != kind || !matches(f.RoleID, all[i].RoleID) || !matches(f.ActorID, all[i].SubjectID) {
				continue
			}
			var one *api.WorkspaceAccess
			if one, err = accessOf(tx, account, &all[i]); err == nil {
				out = append(out, *one)
			}
		}
		return err
	}))
	return out, err
}

// Ungrant takes access away: one of a kind, named by its id or, for teams, by the team's.
func (s *Service) Ungrant(ctx context.Context, by By, account, workspace uuid.UUID, kind string, id uuid.UUID) error {
	return s.ChangeIn(ctx, workspace, func(tx *store.Tx) error {
		all, err := tx.Accesses()
		for _, a := range all {
			if a.SubjectType != kind || a.ID != id && (kind != store.ActorTeam || a.SubjectID != id) {
				continue
			}
			return s.dropAccess(tx, by, account, workspace, &a)
		}
		if err == nil {
			err = api.NotFound("Workspace access")
		}
		return err
	})
}

// dropAccess takes one access away.
func (s *Service) dropAccess(tx *store.Tx, by By, account, workspace uuid.UUID, a *store.Access) error {
	if err := tx.DeleteAccess(a.ID); err != nil {
		return err
	}
	if err := s.dropGuest(tx, by, account, a); err != nil {
		return err
	}
	return s.Audit(tx, by, Entry{Account: account, Workspace: &workspace, Type: "workspace-access", Action: "deleted", ID: a.ID, Details: map[string]any{"subject_id": a.SubjectID}})
}

// dropGuest makes a collaborator who has lost the last workspace no member any more.
func (s *Service) dropGuest(tx *store.Tx, by By, account uuid.UUID, a *store.Access) error {
	if a.SubjectType != store.ActorUser {
		return nil
	}
	m, err := none(tx.MembershipOf(account, a.SubjectID))
	if err != nil || m == nil || m.RoleID != access.CollaboratorID {
		return err
	}
	left, err := tx.AccessOf(a.SubjectID)
	now := s.Now()
	if err != nil || slices.ContainsFunc(left, func(a store.Access) bool { return a.Expires == nil || a.Expires.After(now.Time) }) {
		return err
	}
	if err := tx.DeleteMembership(m); err != nil {
		return err
	}
	return s.Audit(tx, by, Entry{Account: account, Type: "account-membership", Action: "deleted", ID: m.ID})
}

// Teams lists the teams of an account.
func (s *Service) Teams(ctx context.Context, account uuid.UUID, f *api.IDNameFilter) ([]api.Team, error) {
	if f == nil {
		f = &api.IDNameFilter{}
	}
	return read(ctx, s, func(tx *store.Tx) ([]api.Team, error) {
		all, err := tx.Teams(account)
		out := []api.Team{}
		for i := 0; i < len(all) && err == nil; i++ {
			if !matches(f.ID, all[i].ID) || !matches(f.Name, all[i].Name) {
				continue
			}
			var one *api.Team
			if one, err = teamOf(tx, &all[i]); err == nil {
				out = append(out, *one)
			}
		}
		return out, err
	})
}

func teamOf(tx *store.Tx, t *store.Team) (*api.Team, error) {
	out := &api.Team{
		ID: t.ID, Created: t.Created, Updated: t.Updated, AccountID: t.AccountID, Name: t.Name, Description: t.Description, DirectoryGroupID: t.DirectoryGroupID,
		Memberships: []api.TeamMember{}, Workspaces: []api.TeamWorkspaceAccess{},
	}
	members, err := tx.TeamMembers(t.AccountID)
	if err != nil {
		return nil, err
	}
	for _, m := range members {
		if m.TeamID != t.ID {
			continue
		}
		line := api.TeamMember{ID: m.ActorID, Type: m.ActorType}
		if m.ActorType == store.ActorUser {
			u, err := tx.User(m.ActorID)
			if err != nil {
				return nil, err
			}
			line.Handle, line.Name, line.Email = u.Handle, strings.TrimSpace(u.FirstName+" "+u.LastName), &u.Email
		} else {
			b, err := tx.BotByID(m.ActorID)
			if err != nil {
				return nil, err
			}
			line.Handle, line.Name = b.Name, b.Name
		}
		out.Memberships = append(out.Memberships, line)
	}
	grants, err := tx.TeamAccesses(t.AccountID)
	if err != nil {
		return nil, err
	}
	for _, g := range grants {
		if g.SubjectID != t.ID {
			continue
		}
		w, err := tx.WorkspaceByID(g.WorkspaceID)
		if err != nil {
			return nil, err
		}
		name, err := workspaceRoleName(tx, t.AccountID, g.RoleID)
		if err != nil {
			return nil, err
		}
		out.Workspaces = append(out.Workspaces, api.TeamWorkspaceAccess{WorkspaceID: w.ID, WorkspaceHandle: w.Handle, RoleID: g.RoleID, RoleName: name})
	}
	return out, nil
}

func workspaceRoleName(tx *store.Tx, account, id uuid.UUID) (string, error) {
	if r, ok := access.BuiltInWorkspaceRole(id); ok {
		return r.Name, nil
	}
	own, err := tx.WorkspaceRoles(account)
	for _, r := range own {
		if r.ID == id {
			return r.Name, err
		}
	}
	return "", err
}

// Team returns a team.
func (s *Service) Team(ctx context.Context, account, id uuid.UUID) (*api.Team, error) {
	return read(ctx, s, func(tx *store.Tx) (*api.Team, error) {
		t, err := tx.Team(account, id)
		if err != nil {
			return nil, missing("Team", err)
		}
		return teamOf(tx, t)
	})
}

// AddTeam makes a team.
func (s *Service) AddTeam(ctx context.Context, by By, account uuid.UUID, in *api.TeamCreate) (*api.Team, error) {
	now := s.Now()
	t := &store.Team{AccountID: account, ID: newID(), Created: now, Updated: now, Name: in.Name, Description: in.Description.Or(""), DirectoryGroupID: in.DirectoryGroupID}
	err := s.Change(ctx, func(tx *store.Tx) error {
		if err := tx.InsertTeam(t); err != nil {
			if errors.Is(err, store.ErrConflict) {
				err = api.Errorf(api.CodeConflict, "There is a team %q already.", in.Name)
			}
			return err
		}
		return s.Audit(tx, by, Entry{Account: account, Type: "team", Action: "created", ID: t.ID, Name: t.Name})
	})
	if err != nil {
		return nil, err
	}
	return s.Team(ctx, account, t.ID)
}

// UpdateTeam changes a team.
func (s *Service) UpdateTeam(ctx context.Context, by By, account, id uuid.UUID, in *api.TeamCreate) (*api.Team, error) {
	err := s.Change(ctx, func(tx *store.Tx) error {
		err := tx.UpdateTeam(account, id, store.Set{Column: "name", Value: in.Name}, store.Set{Column: "description", Value: in.Description.Or("")},
			store.Set{Column: "directory_group_id", Value: in.DirectoryGroupID}, store.Set{Column: "updated", Value: s.Now()})
		if err != nil {
			return missing("Team", err)
		}
		return s.Audit(tx, by, Entry{Account: account, Type: "team", Action: "updated", ID: id, Name: in.Name})
	})
	if err != nil {
		return nil, err
	}
	return s.Team(ctx, account, id)
}

// RemoveTeam removes a team.
func (s *Service) RemoveTeam(ctx context.Context, by By, account, id uuid.UUID) error {
	return s.Change(ctx, func(tx *store.Tx) error {
		if err := tx.DeleteTeam(account, id); err != nil {
			return missing("Team", err)
		}
		return s.Audit(tx, by, Entry{Account: account, Type: "team", Action: "deleted", ID: id})
	})
}

// AddTeamMembers adds members of the account to a team.
func (s *Service) AddTeamMembers(ctx context.Context, by By, account, team uuid.UUID, list []api.TeamMembershipCreate) error {
	return s.Change(ctx, func(tx *store.Tx) error {
		if _, err := tx.Team(account, team); err != nil {
			return missing("Team", err)
		}
		for _, in := range list {
			if in.MemberType != store.ActorUser && in.MemberType != store.ActorBot {
				return api.Errorf(api.CodeInvalid, "A member is a user or a service_account, not a %q.", in.MemberType)
			}
			if err := belongs(tx, account, in.MemberID, in.MemberType); err != nil {
				return err
			}
			if err := tx.AddTeamMember(account, store.TeamMember{TeamID: team, ActorID: in.MemberID, ActorType: in.MemberType}, s.Now()); err != nil {
				return err
			}
			if err := s.Audit(tx, by, Entry{Account: account, Type: "team-membership", Action: "created", ID: team, Details: map[string]any{"actor_id": in.MemberID}}); err != nil {
				return err
			}
		}
		return nil
	})
}

// RemoveTeamMember takes a member out of a team.
func (s *Service) RemoveTeamMember(ctx context.Context, by By, account, team, actor uuid.UUID) error {
	return s.Change(ctx, func(tx *store.Tx) error {
		if err := tx.DeleteTeamMember(account, team, actor); err != nil {
			return missing("Team member", err)
		}
		return s.Audit(tx, by, Entry{Account: account, Type: "team-membership", Action: "deleted", ID: team, Details: map[string]any{"actor_id": actor}})
	})
}

// AuditEvents lists entries of an account's audit log behind a number, in order.
func (s *Service) AuditEvents(ctx context.Context, account uuid.UUID, after int64, limit int) ([]api.AuditLine, error) {
	return read(ctx, s, func(tx *store.Tx) ([]api.AuditLine, error) {
		rows, err := tx.AuditEntries(account, after, limit)
		out := []api.AuditLine{}
		for i := 0; i < len(rows) && err == nil; i++ {
			line := api.AuditLine{Seq: rows[i].Seq, Hash: hexOf(rows[i].Hash)}
			err = json.Unmarshal([]byte(rows[i].Entry), &line.Event)
			out = append(out, line)
		}
		return out, err
	})
}
