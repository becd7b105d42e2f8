package rest

import (
	"context"
	"encoding/base64"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/rules/access"
	"github.com/usherhq/usher/internal/server/core"
	"github.com/usherhq/usher/internal/server/identity"
	"github.com/usherhq/usher/internal/server/origin"
)

// visitor is who sends a request, as far as it is known when a route is found.
type visitor struct {
	who    core.Caller
	actor  *identity.Actor // nil on a server without accounts
	tenant origin.Tenant   // what the path names
	by     identity.By
	grant  *identity.WorkspaceGrant // once it is known
}

// openRoutes need no credentials. What is open is decided by the route that a request
// matches, never by what its path looks like.
var openRoutes = []string{"GET /api/health", "GET /api/ready"}

// openWithAccounts are open besides on a server with accounts: clients ask which server it
// is before they have a key.
var openWithAccounts = []string{"GET /api/version"}

// isSocket says that a route is one of the sockets, which are authenticated by their
// handshake.
func (a *API) isSocket(pattern string) bool {
	path, isGet := strings.CutPrefix(pattern, "GET /api")
	return isGet && a.Sockets[path] != nil
}

// errNoCredentials is the answer to who must say who they are and does not.
var errNoCredentials = api.Errorf(api.CodeUnauthenticated, "Invalid authentication credentials")

// identify finds who sends a request for a route.
func (a *API) identify(r *http.Request, v *visitor, pattern string) error {
	open := slices.Contains(openRoutes, pattern) || a.isSocket(pattern)
	switch {
	case a.Identity != nil:
		if open || slices.Contains(openWithAccounts, pattern) {
			return nil
		}
		actor, err := a.actor(r, "")
		if err != nil {
			return err
		}
		v.actor, v.by.Actor = actor, actor
	case open:
	case !a.Core.Guards.Guarded():
	case !a.Core.Guards.Admits(basic(r)):
		return api.Errorf(api.CodeUnauthenticated, "Unauthorized")
	}
	return nil
}

// actor finds who has sent a credential: with the request, else as a token.
func (a *API) actor(r *http.Request, token string) (*identity.Actor, error) {
	ip := origin.Client(r)
	kind, rest, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	switch {
	case strings.EqualFold(kind, "Bearer"):
		return a.Identity.ResolveAny(r.Context(), strings.TrimSpace(rest), ip)
	case strings.EqualFold(kind, "Basic"):
		return a.Identity.ResolveAny(r.Context(), afterColon(basic(r)), ip)
	case kind != "":
		return nil, errNoCredentials
	case token != "":
		return a.Identity.ResolveAny(r.Context(), afterColon(token), ip)
	case a.SessionOf != nil:
		if cookie := a.SessionOf(r); cookie != "" {
			if writes(r.Method) && !a.sameOrigin(r) {
				return nil, api.Errorf(api.CodeForbidden, "This page may not do that in your name.")
			}
			return a.Identity.ResolveSession(r.Context(), cookie, ip)
		}
	}
	return nil, errNoCredentials
}

// basic is what a request with Basic credentials brings, as user:password.
func basic(r *http.Request) string {
	kind, encoded, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	text, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil || !strings.EqualFold(kind, "Basic") {
		return ""
	}
	return string(text)
}

// afterColon is the password of user:password, and a text without a colon itself.
func afterColon(text string) string { return text[strings.LastIndexByte(text, ':')+1:] }

// sameOrigin says that a write with a cookie comes from one of our own pages.
func (a *API) sameOrigin(r *http.Request) bool {
	switch r.Header.Get("Sec-Fetch-Site") {
	case "same-origin", "none":
		return true
	case "":
		return r.Header.Get("Origin") == origin.Host(r)
	}
	return false
}

// spend takes from what an account may ask for in a minute.
func (a *API) spend(v *visitor, account, workspace uuid.UUID, bucket string, n int) error {
	wait, ok := a.Identity.Spend(v.actor, account, workspace, bucket, n)
	if ok {
		return nil
	}
	return &api.Error{Code: api.CodeRateLimited, Message: "This account has asked for too much in this minute: try again later.", RetryAfter: wait}
}

// spendEvents takes records of logs or events from what the account may send in a minute.
func (r *request) spendEvents(n int) error {
	if r.visitor.grant == nil || n == 0 {
		return nil
	}
	g := r.visitor.grant.Workspace
	return r.api.spend(r.visitor, g.AccountID, g.ID, identity.BucketEvents, n)
}

// scopes reads the permission of a route, which must name scopes that exist.
func (p permission) scopes() access.Scopes {
	set := access.Scopes(0)
	for _, name := range strings.Fields(string(p)) {
		one, unknown := access.ScopesOf(access.Scope(name))
		if unknown != "" {
			panic("no such scope: " + name)
		}
		set |= one
	}
	return set
}

// admitted finds the workspace that a request is for, if its sender has all the scopes
// there.
func (a *API) admitted(ctx context.Context, v *visitor, needs access.Scopes) (core.Caller, error) {
	if !v.tenant.IsZero() {
		v.who.Account = &v.tenant.Account
	}
	if a.Identity == nil {
		if !v.tenant.IsZero() && (v.tenant.Account != uuid.UUID{} || v.tenant.Workspace != core.DefaultWorkspace) {
			return v.who, api.NotFound("Workspace")
		}
		return v.who, nil
	}
	if v.actor == nil {
		return v.who, errNoCredentials
	}
	g, err := a.workspace(v)
	if err != nil {
		return v.who, err
	}
	if g.Refused != "" {
		return v.who, api.Errorf(api.CodeForbidden, "%s", g.Refused)
	}
	if missing := needs &^ g.Scopes; missing != 0 {
		return v.who, api.Errorf(api.CodeForbidden, "You may not do that in workspace %q: it needs the scope %s.", g.Workspace.Handle, missing.List()[0])
	}
	if err := a.Identity.AdmitWorkspace(ctx, &v.by, g); err != nil {
		return v.who, err
	}
	v.grant, v.who.Run = g, v.actor.Credential.Run
	v.who.Workspace, v.who.By = g.Workspace.ID, v.actor.Creator()
	if g.Bounded() {
		v.who.Hidden = g.AllHidden()
	}
	v.who.SecretsMasked = !g.Scopes.Has("see_secret_blocks")
	return v.who, nil
}

// workspace finds the workspace that the path names, else the only one that the actor has.
func (a *API) workspace(v *visitor) (*identity.WorkspaceGrant, error) {
	if !v.tenant.IsZero() {
		g := v.actor.Grant(v.tenant.Workspace)
		if g == nil || g.Workspace.AccountID != v.tenant.Account {
			return nil, api.NotFound("Workspace")
		}
		return g, nil
	}
	all := v.actor.Workspaces()
	switch len(all) {
	case 0:
		return nil, api.Errorf(api.CodeForbidden, "You have access to no workspace.")
	case 1:
		return &all[0], nil
	}
	return nil, api.Errorf(api.CodeMalformed, "ambiguous workspace; use /accounts/{account_id}/workspaces/{workspace_id}/…")
}

// Wants says that who opens a socket must say who they are.
func (a *API) Wants() bool { return a.Identity != nil || a.Core.Guards.Guarded() }

// Spend takes from what an account may send; see ws.Gate. Whoever may not enter any more is
// not counted: the socket ends soon.
func (a *API) Spend(r *http.Request, token string, n int) (granted int, wait time.Duration) {
	if a.Identity == nil {
		return n, 0
	}
	v := *visitorOf(r.Context())
	var err error
	if v.actor, err = a.actor(r, token); err != nil {
		return n, 0
	}
	if account := accountOf(r); account != nil {
		return a.Identity.SpendSome(v.actor, *account, uuid.UUID{}, identity.BucketEvents, n)
	}
	g, err := a.workspace(&v)
	if err != nil {
		return n, 0
	}
	return a.Identity.SpendSome(v.actor, g.Workspace.AccountID, g.Workspace.ID, identity.BucketEvents, n)
}

// accountOf is the account that the path of a socket names outside of a workspace, nil when
// it names none. One that can't be read is nobody's.
func accountOf(r *http.Request) *uuid.UUID {
	text := r.PathValue("account_id")
	if text == "" {
		return nil
	}
	id, err := uuid.Parse(text)
	if err != nil {
		id = uuid.UUID{}
	}
	return &id
}

// Report takes events into the audit log of an account; see ws.Gate.
func (a *API) Report(r *http.Request, token string, events []api.ReceivedEvent) error {
	v := *visitorOf(r.Context())
	var err error
	if v.actor, err = a.actor(r, token); err != nil {
		return err
	}
	v.by.Actor = v.actor
	account := *accountOf(r)
	good := slices.DeleteFunc(slices.Clone(events), func(e api.ReceivedEvent) bool {
		problem := identity.ReportProblem(v.by, account, &e)
		if problem != "" {
			a.Log.Warn("an event may not be reported to an account", "account", account, "problem", problem)
		}
		return problem != ""
	})
	return a.Identity.Report(r.Context(), v.by, account, good)
}

// Enter finds who opens a socket; see ws.Gate.
func (a *API) Enter(r *http.Request, scope, token string) (core.Caller, error) {
	v := *visitorOf(r.Context())
	if a.Identity == nil {
		guards := a.Core.Guards
		switch given := basic(r); {
		case !guards.Guarded() || guards.Admits(token) || given != "" && guards.Admits(given):
		case token == "":
			return v.who, api.Errorf(api.CodeUnauthenticated, "Auth required but no token provided")
		default:
			return v.who, api.Errorf(api.CodeUnauthenticated, "Invalid token")
		}
		return a.admitted(r.Context(), &v, 0)
	}
	var err error
	v.actor, err = a.actor(r, token)
	switch {
	case err == nil && v.actor.Credential.Run != nil && !runSockets[scope]:
		return v.who, errNotForRuns
	case err == nil:
		v.by.Actor = v.actor
		if account := accountOf(r); account != nil {
			return v.who, a.admittedTo(r.Context(), &v, *account, access.Permission(scope))
		}
		return a.admitted(r.Context(), &v, permission(scope).scopes())
	case err == errNoCredentials && token == "": //nolint:errorlint // a sentinel by identity
		return v.who, api.Errorf(api.CodeUnauthenticated, "Auth required but no token provided: set PREFECT_CLOUD_API_URL to the part of the URL up to /api")
	}
	return v.who, err
}
