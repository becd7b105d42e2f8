package rest

import (
	"net/http"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/server/identity"
)

// ssoRoutes are the account's own identity provider, its directory and its policy of
// signing in.
var ssoRoutes = []governedRoute{
	{pattern: "GET " + inAccount + "/sso", permission: "read:sso", handle: readSignInPolicy},
	{pattern: "PATCH " + inAccount + "/sso", permission: "administrate:sso", fresh: true, held: true, handle: updateSignInPolicy},
	{pattern: "GET " + inAccount + "/sso/setup_url", permission: "administrate:sso", handle: setupURL("")},
	{pattern: "GET " + inAccount + "/sso/dsync_setup_url", permission: "administrate:sso", handle: setupURL("#directory")},
	{pattern: "POST " + inAccount + "/sso/validate", permission: "read:account", handle: validateSSO},
	{pattern: "GET " + inAccount + "/sso/integrations", permission: "administrate:sso", handle: readIntegrations},
	{pattern: "POST " + inAccount + "/sso/integrations", permission: "administrate:sso", fresh: true, held: true, handle: createIntegration},
	{pattern: "POST " + inAccount + "/sso/directories", permission: "administrate:sso", fresh: true, handle: createDirectory},
	{pattern: "DELETE " + inAccount + "/sso/directories/{id}", permission: "administrate:sso", fresh: true, handle: deleteDirectory},
	{pattern: "DELETE " + inAccount + "/account_memberships/{id}/second_factor", permission: "update:account_membership", fresh: true, held: true, handle: resetSecondFactor},
	{pattern: "DELETE " + inAccount + "/sso/integrations/{id}", permission: "administrate:sso", fresh: true, held: true, handle: deleteIntegration},
}

func resetSecondFactor(s *identity.Service, r *request) (answer, error) {
	id, err := r.id("id")
	if err != nil {
		return answer{}, err
	}
	return none(s.ResetSecondFactor(r.Context(), r.visitor.by, r.account, id))
}

func readSignInPolicy(s *identity.Service, r *request) (answer, error) {
	p, err := s.SignInPolicy(r.Context(), r.account)
	return give(http.StatusOK, p, err)
}

func updateSignInPolicy(s *identity.Service, r *request) (answer, error) {
	var in api.SSOPolicyUpdate
	if err := r.decode(&in); err != nil {
		return answer{}, err
	}
	return none(s.SetSignInPolicy(r.Context(), r.visitor.by, r.account, &in))
}

// setupURL is where a person sets the provider up in a browser.
func setupURL(part string) func(*identity.Service, *request) (answer, error) {
	return func(s *identity.Service, r *request) (answer, error) {
		return ok(s.PublicURL + "/auth/organization/" + r.account.String() + "/settings" + part)
	}
}

// validateSSO says whether the caller has signed in with the account's own provider.
func validateSSO(s *identity.Service, r *request) (answer, error) {
	var in api.SSOValidation
	if err := r.decode(&in); err != nil {
		return answer{}, err
	}
	c, err := s.SSOConnection(r.Context(), r.account)
	if err != nil {
		return answer{}, err
	}
	shown := r.visitor.actor.Credential
	if c != nil && (shown.SSOAccount == nil || *shown.SSOAccount != r.account || !r.visitor.actor.Fresh(s.Now().Time)) {
		return answer{}, api.Errorf(api.CodeForbidden, "Sign in with the account's own provider: %s", s.SAMLURL(r.account, "start"))
	}
	return none(nil)
}

func createDirectory(s *identity.Service, r *request) (answer, error) {
	var in api.DirectoryCreate
	if err := r.decode(&in); err != nil {
		return answer{}, err
	}
	d, err := s.AddDirectory(r.Context(), r.visitor.by, r.account, &in)
	return give(http.StatusCreated, d, err)
}

func deleteDirectory(s *identity.Service, r *request) (answer, error) {
	id, err := r.id("id")
	if err != nil {
		return answer{}, err
	}
	return none(s.RemoveDirectory(r.Context(), r.visitor.by, r.account, id))
}

func readIntegrations(s *identity.Service, r *request) (answer, error) {
	out, err := s.Integrations(r.Context(), r.account)
	return give(http.StatusOK, out, err)
}

func createIntegration(s *identity.Service, r *request) (answer, error) {
	var in api.SSOConnectionCreate
	if err := r.decode(&in); err != nil {
		return answer{}, err
	}
	c, err := s.SetSSOConnection(r.Context(), r.visitor.by, r.account, &in)
	return give(http.StatusCreated, c, err)
}

func deleteIntegration(s *identity.Service, r *request) (answer, error) {
	id, err := r.id("id")
	if err != nil {
		return answer{}, err
	}
	return none(s.RemoveSSOConnection(r.Context(), r.visitor.by, r.account, id))
}
