package rest

import (
	"bytes"
	"net/http"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/server/identity"
)

var workspaceRoutes = []governedRoute{
	{pattern: "POST " + inAccount + "/workspaces/", permission: "create:workspace", handle: createWorkspace},
	{pattern: "POST " + inAccount + "/workspaces/filter", permission: "read:workspace", handle: readWorkspaces},
	{pattern: "GET " + inWorkspace, permission: "read:workspace", handle: readWorkspace},
	{pattern: "PATCH " + inWorkspace, scopes: "write_workspace_settings", handle: updateWorkspace},
	{pattern: "DELETE " + inWorkspace, scopes: "manage_workspace_settings", fresh: true, held: true, handle: deleteWorkspace},
	{pattern: "POST " + inAccount + "/workspace_roles/", permission: "create:workspace_role", fresh: true, held: true, handle: createWorkspaceRole},
	{pattern: "GET " + inAccount + "/workspace_roles/{id}", permission: "read:workspace_role", handle: readWorkspaceRole},
	{pattern: "PATCH " + inAccount + "/workspace_roles/{id}", permission: "update:workspace_role", fresh: true, held: true, handle: updateWorkspaceRole},
	{pattern: "DELETE " + inAccount + "/workspace_roles/{id}", permission: "delete:workspace_role", fresh: true, held: true, handle: deleteWorkspaceRole},
	{pattern: "POST " + inAccount + "/workspace_roles/filter", permission: "read:workspace_role", handle: readWorkspaceRoles},
}

var accessRoutes = []governedRoute{
	{pattern: "POST " + inWorkspace + "/user_access/", scopes: "manage_workspace_users", fresh: true, handle: grantTo(identity.ActorUser)},
	{pattern: "POST " + inWorkspace + "/user_access/filter", scopes: "see_workspace_users", handle: accessesOf(identity.ActorUser)},
	{pattern: "GET " + inWorkspace + "/user_access/{id}", scopes: "see_workspace_users", handle: accessOf(identity.ActorUser)},
	{pattern: "DELETE " + inWorkspace + "/user_access/{id}", scopes: "manage_workspace_users", fresh: true, handle: ungrant(identity.ActorUser)},
	{pattern: "POST " + inWorkspace + "/bot_access/", scopes: "manage_workspace_service_accounts", fresh: true, handle: grantTo(identity.ActorBot)},
	{pattern: "POST " + inWorkspace + "/bot_access/filter", scopes: "see_workspace_service_accounts", handle: accessesOf(identity.ActorBot)},
	{pattern: "GET " + inWorkspace + "/bot_access/{id}", scopes: "see_workspace_service_accounts", handle: accessOf(identity.ActorBot)},
	{pattern: "DELETE " + inWorkspace + "/bot_access/{id}", scopes: "manage_workspace_service_accounts", fresh: true, handle: ungrant(identity.ActorBot)},
	{pattern: "PUT " + inWorkspace + "/team_access/", scopes: "manage_workspace_teams", fresh: true, handle: grantTo(identity.ActorTeam)},
	{pattern: "POST " + inWorkspace + "/team_access/filter", scopes: "manage_workspace_teams", handle: accessesOf(identity.ActorTeam)},
	{pattern: "DELETE " + inWorkspace + "/team_access/{id}", scopes: "manage_workspace_teams", fresh: true, handle: ungrant(identity.ActorTeam)},
}

var teamRoutes = []governedRoute{
	{pattern: "POST " + inAccount + "/teams/", permission: "create:team", handle: createTeam},
	{pattern: "GET " + inAccount + "/teams/{id}", permission: "read:team", handle: readTeam},
	{pattern: "PUT " + inAccount + "/teams/{id}", permission: "update:team", handle: updateTeam},
	{pattern: "DELETE " + inAccount + "/teams/{id}", permission: "delete:team", handle: deleteTeam},
	{pattern: "POST " + inAccount + "/teams/filter", permission: "read:team", handle: readTeams},
	{pattern: "PUT " + inAccount + "/teams/{id}/members", permission: "update:team", fresh: true, handle: addTeamMembers},
	{pattern: "DELETE " + inAccount + "/teams/{id}/members/{actor_id}", permission: "update:team", handle: deleteTeamMember},
}

func createWorkspace(s *identity.Service, r *request) (answer, error) {
	var in api.WorkspaceCreate
	if err := r.decode(&in); err != nil {
		return answer{}, err
	}
	w, err := s.AddWorkspace(r.Context(), r.visitor.by, r.account, &in)
	return give(http.StatusCreated, w, err)
}

func readWorkspaces(_ *identity.Service, r *request) (answer, error) {
	var in struct {
		listing

		Workspaces *api.WorkspaceFilter `json:"workspaces,omitzero" check:"null"`
	}
	if err := r.decode(&in); err != nil {
		return answer{}, err
	}
	out := []api.Workspace{}
	for _, g := range r.actor().Workspaces() {
		f := in.Workspaces
		if g.Workspace.AccountID == r.account && (f == nil || identity.Matches(f.ID, g.Workspace.ID) && identity.Matches(f.Handle, g.Workspace.Handle)) {
			out = append(out, identity.SpaceOf(&g.Workspace))
		}
	}
	return ok(page(out, in.Limit, in.Offset))
}

func readWorkspace(s *identity.Service, r *request) (answer, error) {
	w, err := s.Workspace(r.Context(), r.who.Workspace)
	return give(http.StatusOK, w, err)
}

func updateWorkspace(s *identity.Service, r *request) (answer, error) {
	var in api.WorkspaceUpdate
	if err := r.decode(&in); err != nil {
		return answer{}, err
	}
	return none(s.UpdateWorkspace(r.Context(), r.visitor.by, r.who.Workspace, &in))
}

func deleteWorkspace(s *identity.Service, r *request) (answer, error) {
	return none(s.RemoveWorkspace(r.Context(), r.visitor.by, r.who.Workspace))
}

func createWorkspaceRole(s *identity.Service, r *request) (answer, error) {
	var in api.WorkspaceRoleCreate
	if err := r.decode(&in); err != nil {
		return answer{}, err
	}
	role, err := s.AddWorkspaceRole(r.Context(), r.visitor.by, r.account, &in)
	return give(http.StatusCreated, role, err)
}

func readWorkspaceRole(s *identity.Service, r *request) (answer, error) {
	return onID(r, func(id uuid.UUID) (answer, error) {
		role, err := s.WorkspaceRole(r.Context(), r.account, id)
		return give(http.StatusOK, role, err)
	})
}

func updateWorkspaceRole(s *identity.Service, r *request) (answer, error) {
	return onID(r, func(id uuid.UUID) (answer, error) {
		var in api.WorkspaceRoleUpdate
		if err := r.decode(&in); err != nil {
			return answer{}, err
		}
		return none(s.UpdateWorkspaceRole(r.Context(), r.visitor.by, r.account, id, &in))
	})
}

func deleteWorkspaceRole(s *identity.Service, r *request) (answer, error) {
	return onID(r, func(id uuid.UUID) (answer, error) {
		return none(s.RemoveWorkspaceRole(r.Context(), r.visitor.by, r.account, id))
	})
}

func readWorkspaceRoles(s *identity.Service, r *request) (answer, error) {
	var in struct {
		listing

		Roles *api.WorkspaceRoleFilter `json:"workspace_roles,omitzero" check:"null"`
	}
	if err := r.decode(&in); err != nil {
		return answer{}, err
	}
	all, err := s.WorkspaceRoles(r.Context(), r.account)
	out := []api.WorkspaceRole{}
	for _, role := range all {
		f := in.Roles
		if f == nil || identity.Matches(f.Name, role.Name) && (f.IsGlobal == nil || *f.IsGlobal == (role.AccountID == nil)) {
			out = append(out, role)
		}
	}
	return give(http.StatusOK, page(out, in.Limit, in.Offset), err)
}

// grantTo gives one, or each of a list, access; the answer is like the request.
func grantTo(kind string) func(*identity.Service, *request) (answer, error) {
	return func(s *identity.Service, r *request) (answer, error) {
		var raw jsontext.Value
		if err := r.decode(&raw); err != nil {
			return answer{}, err
		}
		var list []api.WorkspaceAccessCreate
		isList := bytes.HasPrefix(bytes.TrimSpace(raw), []byte("["))
		if isList {
			if err := api.DecodeStrict(r.operation, raw, &list); err != nil {
				return answer{}, err
			}
		} else {
			list = make([]api.WorkspaceAccessCreate, 1)
			if err := api.DecodeStrict(r.operation, raw, &list[0]); err != nil {
				return answer{}, err
			}
		}
		out, err := s.Grant(r.Context(), r.visitor.by, r.who.Workspace, kind, list)
		if err == nil && !isList {
			return ok(out[0])
		}
		return give(http.StatusOK, out, err)
	}
}

func accessesOf(kind string) func(*identity.Service, *request) (answer, error) {
	return func(s *identity.Service, r *request) (answer, error) {
		var in struct {
			listing

			Accesses *api.WorkspaceAccessFilter `json:"workspace_accesses,omitzero" check:"null"`
		}
		if err := r.decode(&in); err != nil {
			return answer{}, err
		}
		list, err := s.Accesses(r.Context(), r.account, r.who.Workspace, kind, in.Accesses)
		return give(http.StatusOK, page(list, in.Limit, in.Offset), err)
	}
}

func accessOf(kind string) func(*identity.Service, *request) (answer, error) {
	return func(s *identity.Service, r *request) (answer, error) {
		return onID(r, func(id uuid.UUID) (answer, error) {
			list, err := s.Accesses(r.Context(), r.account, r.who.Workspace, kind, nil)
			for _, a := range list {
				if a.ID == id {
					return ok(a)
				}
			}
			if err == nil {
				err = api.NotFound("Workspace access")
			}
			return answer{}, err
		})
	}
}

func ungrant(kind string) func(*identity.Service, *request) (answer, error) {
	return func(s *identity.Service, r *request) (answer, error) {
		return onID(r, func(id uuid.UUID) (answer, error) {
			return none(s.Ungrant(r.Context(), r.visitor.by, r.account, r.who.Workspace, kind, id))
		})
	}
}

func createTeam(s *identity.Service, r *request) (answer, error) {
	var in api.TeamCreate
	if err := r.decode(&in); err != nil {
		return answer{}, err
	}
	t, err := s.AddTeam(r.Context(), r.visitor.by, r.account, &in)
	return give(http.StatusCreated, t, err)
}

func readTeam(s *identity.Service, r *request) (answer, error) {
	return onID(r, func(id uuid.UUID) (answer, error) {
		t, err := s.Team(r.Context(), r.account, id)
		return give(http.StatusOK, t, err)
	})
}

func updateTeam(s *identity.Service, r *request) (answer, error) {
	return onID(r, func(id uuid.UUID) (answer, error) {
		var in api.TeamCreate
		if err := r.decode(&in); err != nil {
			return answer{}, err
		}
		t, err := s.UpdateTeam(r.Context(), r.visitor.by, r.account, id, &in)
		return give(http.StatusOK, t, err)
	})
}

func deleteTeam(s *identity.Service, r *request) (answer, error) {
	return onID(r, func(id uuid.UUID) (answer, error) {
		return none(s.RemoveTeam(r.Context(), r.visitor.by, r.account, id))
	})
}

func readTeams(s *identity.Service, r *request) (answer, error) {
	var in struct {
		listing

		Teams *api.IDNameFilter `json:"teams,omitzero" check:"null"`
	}
	if err := r.decode(&in); err != nil {
		return answer{}, err
	}
	list, err := s.Teams(r.Context(), r.account, in.Teams)
	return give(http.StatusOK, page(list, in.Limit, in.Offset), err)
}

func addTeamMembers(s *identity.Service, r *request) (answer, error) {
	return onID(r, func(id uuid.UUID) (answer, error) {
		var in api.TeamMembersUpdate
		if err := r.decode(&in); err != nil {
			return answer{}, err
		}
		return give(http.StatusOK, nil, s.AddTeamMembers(r.Context(), r.visitor.by, r.account, id, in.Members))
	})
}

func deleteTeamMember(s *identity.Service, r *request) (answer, error) {
	return onID(r, func(id uuid.UUID) (answer, error) {
		actor, err := r.id("actor_id")
		if err != nil {
			return answer{}, err
		}
		return none(s.RemoveTeamMember(r.Context(), r.visitor.by, r.account, id, actor))
	})
}
