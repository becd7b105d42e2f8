package rest

import (
	"context"
	"net/http"
	"strings"

	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/rules/access"
	"github.com/usherhq/usher/internal/server/core"
	"github.com/usherhq/usher/internal/server/identity"
	"github.com/usherhq/usher/internal/server/origin"
)

// governedRoute is a row of the table of who may use the server. What it needs is one of:
// a permission in the account that its path names, scopes in the workspace, or nothing but
// to be somebody.
type governedRoute struct {
	pattern    string // method and path below /api
	permission access.Permission
	scopes     permission
	// fresh wants a person to have signed in just now: the route decides who gets in. Keys
	// are not asked; they can't sign in.
	fresh bool
	// held waits for a second person in accounts that want one.
	held   bool
	handle func(s *identity.Service, r *request) (answer, error)
}

// governedRoutes is the whole table.
func governedRoutes() (all []governedRoute) {
	for _, noun := range [][]governedRoute{
		managedAccountRoutes,
		meRoutes, accountRoutes, memberRoutes, botRoutes, invitationRoutes, workspaceRoutes, accessRoutes, teamRoutes, ssoRoutes, auditRoutes,
		roleRoutes, moveRoutes, allowlistRoutes, rateRoutes, accountEventRoutes, webhookRoutes, objectRoutes, securityRoutes, accessRequestRoutes, accessReviewRoutes, changeRoutes,
		holdingRoutes,
	} {
		all = append(all, noun...)
	}
	return all
}

// govern serves a row of that table.
func (a *API) govern(mux *http.ServeMux, row governedRoute) {
	needs, operation := row.scopes.scopes(), unnamed(row.pattern)
	serve := http.HandlerFunc(func(w http.ResponseWriter, hr *http.Request) {
		r := &request{Request: hr, visitor: visitorOf(hr.Context()), writer: w, limits: small, operation: operation, core: a.Core, api: a}
		r.who = r.visitor.who
		var out answer
		held := false
		err := a.asProposed(r, row)
		if err == nil {
			err = a.governed(r, row, needs)
		}
		if err == nil {
			out, held, err = a.hold(r, row)
		}
		if err == nil && !held {
			out, err = row.handle(a.Identity, r)
		}
		switch {
		case err == errNoRoute: //nolint:errorlint // a sentinel by identity
			noRoute(w, hr, mux)
		case err != nil:
			writeError(w, hr, a.Log, api.WithBody(err, r.body))
		default:
			a.answerWith(w, hr, out)
		}
	})
	method, path, _ := strings.Cut(row.pattern, " ")
	if _, inside, ok := strings.Cut(path, "/workspaces/{workspace_id}/"); ok {
		segment, _, _ := strings.Cut(inside, "/")
		a.inWorkspaces[segment] = true
	}
	if bare, isCollection := strings.CutSuffix(path, "/"); isCollection {
		mux.Handle(method+" /api"+bare, serve)
		path += "{$}"
	}
	mux.Handle(method+" /api"+path, serve)
}

// unnamed is a pattern as bodies are found by: whatever its parameters are called, and without
// a slash at its end.
func unnamed(pattern string) string {
	parts := strings.Split(strings.TrimSuffix(pattern, "/"), "/")
	for i, part := range parts {
		if strings.HasPrefix(part, "{") {
			parts[i] = "{}"
		}
	}
	return strings.Join(parts, "/")
}

// governed finds the account and the workspace that a path names and refuses who may not
// do there what the row does.
func (a *API) governed(r *request, row governedRoute, needs access.Scopes) error {
	v := r.visitor
	switch {
	case v.actor == nil:
		return errNoCredentials
	case v.actor.Credential.Run != nil:
		return errNotForRuns
	}
	if r.PathValue("account_id") != "" {
		id, err := r.id("account_id")
		if err != nil {
			return err
		}
		if err := a.admittedTo(r.Context(), v, id, row.permission); err != nil {
			return err
		}
		r.account = id
	}
	if r.PathValue("workspace_id") != "" && r.account != (uuid.UUID{}) {
		id, err := r.id("workspace_id")
		if err != nil {
			return err
		}
		v.tenant = origin.Tenant{Account: r.account, Workspace: id}.Named()
		if r.who, err = a.admitted(r.Context(), v, needs); err != nil {
			return err
		}
	}
	if r.account != (uuid.UUID{}) && row.pattern != rateStatus {
		if err := a.spend(v, r.account, r.who.Workspace, identity.BucketOrchestration, 1); err != nil {
			return err
		}
	}
	if c := v.actor.Credential; row.fresh && c.Authenticated != nil && !v.actor.Fresh(a.Core.Clock()) {
		return api.Errorf(api.CodeForbidden, "Sign in again to do that: it decides who gets in.")
	}
	return nil
}

// admittedTo refuses who may not do in an account what a permission says; "" is to be there.
func (a *API) admittedTo(ctx context.Context, v *visitor, account uuid.UUID, needs access.Permission) error {
	g, ok := v.actor.Account(account)
	switch {
	case !ok:
		return api.NotFound("Account")
	case g.Refused != "":
		return api.Errorf(api.CodeForbidden, "%s", g.Refused)
	case needs != "" && !g.Permissions.Has(needs):
		return api.Errorf(api.CodeForbidden, "You may not do that in account %q: it needs the permission %s.", g.Account.Handle, needs)
	}
	return a.Identity.AdmitAccount(ctx, v.by, &g)
}

// rateStatus answers those too who have asked for too much: it says so.
const rateStatus = "GET " + inAccount + "/rate-limits/status"

// page is the part of a list that a request asks for.
func page[T any](list []T, limit, offset api.Opt[int]) []T {
	from := min(offset.Or(0), len(list))
	return list[from:min(from+limit.Or(api.MaxPage), len(list))]
}

// listing is what requests for lists have in common.
type listing struct {
	Limit  api.Opt[int] `json:"limit,omitzero" check:"min=0,max=200"`
	Offset api.Opt[int] `json:"offset,omitzero" check:"min=0"`
}

// localRoutes serve who asks on a server without accounts, where nobody is asked.
func (a *API) localRoutes(mux *http.ServeMux) {
	a.localSecurity(mux)
	account, workspace := uuid.UUID{}, core.DefaultWorkspace
	mux.HandleFunc("GET /api/me/{$}", func(w http.ResponseWriter, r *http.Request) {
		writeJSON(w, r, http.StatusOK, api.Me{Handle: "default", FirstName: "default", Email: "default@localhost.invalid", Settings: []byte("{}")})
	})
	mux.HandleFunc("GET /api/me/accounts", func(w http.ResponseWriter, r *http.Request) {
		writeJSON(w, r, http.StatusOK, []api.UserAccount{{ID: account, Name: "default", RoleName: "Owner", Handle: "default", PlanType: planType, PlanFeatures: []string{}}})
	})
	mux.HandleFunc("GET /api/me/workspaces", func(w http.ResponseWriter, r *http.Request) {
		writeJSON(w, r, http.StatusOK, []api.UserWorkspace{{AccountID: account, AccountName: "default", AccountHandle: "default", ID: workspace, Name: "default", Handle: "default"}})
	})
}

// localSecurity answers about security on a server without accounts.
func (a *API) localSecurity(mux *http.ServeMux) {
	mux.HandleFunc("GET /api/security/report", func(w http.ResponseWriter, r *http.Request) {
		writeJSON(w, r, http.StatusOK, a.securityReport(nil))
	})
	mux.HandleFunc("GET /api/security/data-map", func(w http.ResponseWriter, r *http.Request) {
		rows, err := a.Core.DataMap()
		if err != nil {
			writeError(w, r, a.Log, err)
			return
		}
		writeJSON(w, r, http.StatusOK, rows)
	})
}

// planType is what every account has: all there is.
const planType = "ENTERPRISE"
