package rest

import (
	"net/http"
	"strings"

	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/rules/access"
	"github.com/usherhq/usher/internal/server/identity"
	"github.com/usherhq/usher/internal/server/origin"
)

var meRoutes = []governedRoute{
	{pattern: "GET /workspace_scopes", handle: readScopes},
	{pattern: "GET /accounts/permissions", handle: readPermissions},
	{pattern: "GET /me/", handle: readMe},
	{pattern: "GET /me/api_keys", handle: readMyKeys},
	{pattern: "POST /me/api_keys/filter", handle: filterMyKeys},
	{pattern: "GET /me/accounts", handle: readMyAccounts},
	{pattern: "GET /me/organizations", handle: readMyOrganizations},
	{pattern: "GET /me/accounts/{account_id}/permissions", handle: readMyPermissions},
	{pattern: "GET /me/accounts/has_permission", handle: haveIPermission},
	{pattern: "GET /me/accounts/{account_id}/has_permission", handle: haveIPermissionIn},
	{pattern: "DELETE /me/accounts/{account_id}", fresh: true, handle: leaveAccount},
	{pattern: "GET /me/workspaces", handle: readMyWorkspaces},
	{pattern: "GET /me/workspaces/{workspace_id}/scopes", handle: readMyScopes},
	{pattern: "GET /me/workspaces/{workspace_id}/has_scope", handle: haveIScope},
	{pattern: "GET /workspaces/{workspace_id}", handle: findWorkspace},
	{pattern: "GET /users/{id}", handle: readUser},
	{pattern: "PATCH /users/{id}", handle: updateUser},
	{pattern: "DELETE /users/{id}", fresh: true, handle: eraseUser},
	{pattern: "GET /me/export", fresh: true, handle: exportMe},
	{pattern: "POST /users/{id}/api_keys", fresh: true, handle: createUserKey},
	{pattern: "GET /users/{id}/api_keys", handle: readUserKeys},
	{pattern: "GET /users/{id}/api_keys/{key_id}", handle: readUserKey},
	{pattern: "DELETE /users/{id}/api_keys/{key_id}", handle: deleteUserKey},
}

func readScopes(*identity.Service, *request) (answer, error) {
	out := []api.WorkspaceScope{}
	for _, s := range access.EveryScope() {
		line := api.WorkspaceScope{Name: string(s.Name), Title: s.Title, FeatureGroup: s.Group, IncludesScopes: texts(s.Includes)}
		if s.See != nil {
			see := string(*s.See)
			line.SeeScope = &see
		}
		out = append(out, line)
	}
	return ok(out)
}

func texts[T ~string](list []T) []string {
	out := make([]string, len(list))
	for i, t := range list {
		out[i] = string(t)
	}
	return out
}

func readPermissions(*identity.Service, *request) (answer, error) {
	return ok(texts(access.EveryPermission()))
}

func (r *request) actor() *identity.Actor { return r.visitor.actor }

func readMe(_ *identity.Service, r *request) (answer, error) {
	a := r.actor()
	return ok(api.Me{ID: a.ID, Handle: a.Handle, FirstName: a.FirstName, LastName: a.LastName, Email: a.Email, Settings: []byte(`{"tutorial_completed":false,"feature_previews":[]}`)})
}

func readMyKeys(s *identity.Service, r *request) (answer, error) { return keysOf(s, r, r.actor().ID) }

func filterMyKeys(s *identity.Service, r *request) (answer, error) {
	var in struct {
		listing
		Keys *struct {
			Name *api.Match[string] `json:"name,omitzero"`
		} `json:"api_keys,omitzero"`
	}
	if err := r.decode(&in); err != nil {
		return answer{}, err
	}
	keys, err := s.Keys(r.Context(), r.actor().ID)
	out := []api.APIKey{}
	for _, k := range keys {
		if in.Keys == nil || identity.Matches(in.Keys.Name, k.Name) {
			out = append(out, k)
		}
	}
	return give(http.StatusOK, page(out, in.Limit, in.Offset), err)
}

// keysOf lists keys, of those with a name when the request names one.
func keysOf(s *identity.Service, r *request, actor uuid.UUID) (answer, error) {
	keys, err := s.Keys(r.Context(), actor)
	out := []api.APIKey{}
	for _, k := range keys {
		if name := r.URL.Query().Get("name"); name == "" || name == k.Name {
			out = append(out, k)
		}
	}
	return give(http.StatusOK, out, err)
}

func readMyAccounts(_ *identity.Service, r *request) (answer, error) {
	out := []api.UserAccount{}
	for _, g := range r.actor().Accounts {
		out = append(out, api.UserAccount{
			MembershipID: g.Membership.ID, ID: g.Account.ID, Name: g.Account.Name, RoleName: g.RoleName, Handle: g.Account.Handle, PlanType: planType, PlanFeatures: []string{},
		})
	}
	return ok(out)
}

func readMyOrganizations(_ *identity.Service, r *request) (answer, error) {
	out := []api.UserOrganization{}
	for _, g := range r.actor().Accounts {
		out = append(out, api.UserOrganization{MembershipID: g.Membership.ID, ID: g.Account.ID, Name: g.Account.Name, RoleName: g.RoleName, Handle: g.Account.Handle})
	}
	return ok(out)
}

func (r *request) grant() identity.AccountGrant {
	g, _ := r.actor().Account(r.account)
	return g
}

func readMyPermissions(_ *identity.Service, r *request) (answer, error) {
	return ok(texts(r.grant().Permissions.List()))
}

func haveIPermission(_ *identity.Service, r *request) (answer, error) {
	out := []uuid.UUID{}
	for _, g := range r.actor().Accounts {
		if g.Permissions.Has(access.Permission(r.URL.Query().Get("permission"))) {
			out = append(out, g.Account.ID)
		}
	}
	return ok(out)
}

func haveIPermissionIn(_ *identity.Service, r *request) (answer, error) {
	return ok(r.grant().Permissions.Has(access.Permission(r.URL.Query().Get("permission"))))
}

func leaveAccount(s *identity.Service, r *request) (answer, error) {
	return none(s.Leave(r.Context(), r.visitor.by, r.account))
}

func readMyWorkspaces(_ *identity.Service, r *request) (answer, error) {
	out := []api.UserWorkspace{}
	for _, g := range r.actor().Workspaces() {
		account, _ := r.actor().Account(g.Workspace.AccountID)
		out = append(out, api.UserWorkspace{
			AccountID: account.Account.ID, AccountName: account.Account.Name, AccountHandle: account.Account.Handle,
			ID: g.Workspace.ID, Name: g.Workspace.Name, Description: g.Workspace.Description, Handle: g.Workspace.Handle,
		})
	}
	return ok(out)
}

func (r *request) myWorkspace() (identity.WorkspaceGrant, error) {
	id, err := r.id("workspace_id")
	if err != nil {
		return identity.WorkspaceGrant{}, err
	}
	g, has := r.actor().Workspace(id)
	if !has {
		return g, api.NotFound("Workspace")
	}
	return g, nil
}

func readMyScopes(_ *identity.Service, r *request) (answer, error) {
	g, err := r.myWorkspace()
	return give(http.StatusOK, texts(g.Scopes.List()), err)
}

func haveIScope(_ *identity.Service, r *request) (answer, error) {
	g, err := r.myWorkspace()
	return give(http.StatusOK, g.Scopes.Has(access.Scope(r.URL.Query().Get("scope"))), err)
}

// findWorkspace leads to where a workspace is.
func findWorkspace(_ *identity.Service, r *request) (answer, error) {
	g, err := r.myWorkspace()
	if err != nil {
		return answer{}, err
	}
	r.writer.Header().Set("Location", origin.URL(r.Request, "/api/accounts/"+g.Workspace.AccountID.String()+"/workspaces/"+g.Workspace.ID.String()))
	return answer{http.StatusTemporaryRedirect, nil}, nil
}

// myself reads the id of a path that must be that of the user who asks.
func (r *request) myself() error {
	id, err := r.id("id")
	if err == nil && (id != r.actor().ID || r.actor().Type != identity.ActorUser) {
		err = api.NotFound("User")
	}
	return err
}

func readUser(s *identity.Service, r *request) (answer, error) {
	if err := r.myself(); err != nil {
		return answer{}, err
	}
	u, err := s.User(r.Context(), r.actor().ID)
	return give(http.StatusOK, u, err)
}

func updateUser(s *identity.Service, r *request) (answer, error) {
	if err := r.myself(); err != nil {
		return answer{}, err
	}
	var in api.UserUpdate
	if err := r.decode(&in); err != nil {
		return answer{}, err
	}
	if in.Email.IsSet() && !strings.EqualFold(in.Email.Or(""), r.actor().Email) {
		return answer{}, api.Errorf(api.CodeForbidden, "An address is changed by proving that the new one is yours: ask an owner for an invitation to it.")
	}
	return none(s.UpdateUser(r.Context(), r.visitor.by, &in))
}

func eraseUser(s *identity.Service, r *request) (answer, error) {
	if err := r.myself(); err != nil {
		return answer{}, err
	}
	out, err := s.ErasePerson(r.Context(), r.visitor.by, r.actor().ID)
	return give(http.StatusOK, out, err)
}

func exportMe(s *identity.Service, r *request) (answer, error) {
	if r.actor().Type != identity.ActorUser {
		return answer{}, api.Errorf(api.CodeForbidden, "A service account is no person: there is nothing to export.")
	}
	out, err := s.ExportPerson(r.Context(), r.visitor.by, r.actor().ID)
	return give(http.StatusOK, out, err)
}

func createUserKey(s *identity.Service, r *request) (answer, error) {
	if err := r.myself(); err != nil {
		return answer{}, err
	}
	var in api.APIKeyCreate
	if err := r.decode(&in); err != nil {
		return answer{}, err
	}
	if refused := r.actor().Refused(); refused != "" { // a key would get around what the account wants
		return answer{}, api.Errorf(api.CodeForbidden, "%s", refused)
	}
	k, err := s.AddUserKey(r.Context(), r.visitor.by, &in)
	return give(http.StatusCreated, k, err)
}

func readUserKeys(s *identity.Service, r *request) (answer, error) {
	if err := r.myself(); err != nil {
		return answer{}, err
	}
	return keysOf(s, r, r.actor().ID)
}

func readUserKey(s *identity.Service, r *request) (answer, error) {
	if err := r.myself(); err != nil {
		return answer{}, err
	}
	id, err := r.id("key_id")
	if err != nil {
		return answer{}, err
	}
	keys, err := s.Keys(r.Context(), r.actor().ID)
	for _, k := range keys {
		if k.ID == id {
			return ok(k)
		}
	}
	if err == nil {
		err = api.NotFound("API key")
	}
	return answer{}, err
}

func deleteUserKey(s *identity.Service, r *request) (answer, error) {
	if err := r.myself(); err != nil {
		return answer{}, err
	}
	id, err := r.id("key_id")
	if err != nil {
		return answer{}, err
	}
	return none(s.RemoveKey(r.Context(), r.visitor.by, r.actor().ID, id))
}
