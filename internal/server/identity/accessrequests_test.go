package identity_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/rules/access"
	"github.com/usherhq/usher/internal/rules/credential"
	"github.com/usherhq/usher/internal/server/identity"
	"github.com/usherhq/usher/internal/store"
	"github.com/usherhq/usher/internal/store/storetest"
)

// joined is a member with a key.
func (h *house) joined(email string) (user uuid.UUID, secret string) {
	h.t.Helper()
	h.invite(email, access.MemberID)
	h.change(func(tx *store.Tx) error {
		u, err := h.Admit(tx, identity.By{}, email, "", "")
		if err != nil {
			return err
		}
		user = u.ID
		_, secret, err = h.AddKey(tx, identity.By{}, u.ID, credential.UserKey, "k", nil)
		return err
	})
	return user, secret
}

// Somebody asks, somebody else who may give it approves, and it ends by itself, on every
// server; nobody approves their own, and who may not give a role does not.
func TestAccessIsAskedForAndEnds(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(t *testing.T, db *store.Store) {
		h := open(t, db)
		other := h.replica()
		bob, secret := h.joined("bob@example.com")
		_, third := h.joined("eve@example.com")
		as := func(secret string) identity.By { return identity.By{Actor: h.mustResolve(h.Service, secret)} }
		scopes := func(s *identity.Service) access.Scopes {
			w, _ := h.mustResolve(s, secret).Workspace(h.first.WorkspaceID)
			return w.Scopes
		}
		ask := func() uuid.UUID {
			t.Helper()
			r, err := h.RequestAccess(t.Context(), as(secret), h.first.AccountID, &api.AccessRequestCreate{WorkspaceID: h.first.WorkspaceID, RoleID: access.WorkspaceOwnerID, Seconds: 3600, Reason: "the orders fail"})
			if err != nil || r.Status != "PENDING" || r.Actor != "bob@example.com" || r.Role != "Owner" {
				t.Fatalf("%+v %v", r, err)
			}
			return r.ID
		}
		decide := func(secret string, id uuid.UUID, status string, code api.Code) {
			t.Helper()
			if _, err := h.DecideAccess(t.Context(), as(secret), h.first.AccountID, id, status); api.CodeOf(err) != code {
				t.Errorf("%s: %v, not %q", status, err, code)
			}
		}
		h.give(bob, store.ActorUser, access.ViewerID, nil)
		id := ask()
		if scopes(h.Service).Has("run_flows") {
			t.Error("asking gives access")
		}
		decide(secret, id, store.RequestApproved, api.CodeForbidden)
		decide(third, id, store.RequestApproved, api.CodeNotFound)
		decide(h.first.APIKey, id, store.RequestWithdrawn, api.CodeForbidden)
		decide(h.first.APIKey, id, store.RequestRevoked, api.CodeConflict)
		if scopes(other).Has("run_flows") {
			t.Error("a refused decision gives access")
		}
		decide(h.first.APIKey, id, store.RequestApproved, "")
		decide(h.first.APIKey, id, store.RequestDenied, api.CodeConflict)
		h.pass(identity.EpochAge)
		// With the role of an owner one's own requests are still decided by others.
		decide(secret, ask(), store.RequestApproved, api.CodeForbidden)
		for _, s := range []*identity.Service{h.Service, other} {
			if got := scopes(s); got != access.AllScopes {
				t.Errorf("an approved request gives %v", got.List())
			}
		}
		h.pass(time.Hour)
		for _, s := range []*identity.Service{h.Service, other} {
			if got := scopes(s); got.Has("run_flows") || !got.Has("see_flows") {
				t.Errorf("after its end: %v", got.List())
			}
		}
		id = ask()
		decide(h.first.APIKey, id, store.RequestApproved, "")
		decide(h.first.APIKey, id, store.RequestRevoked, "")
		if scopes(h.Service).Has("run_flows") {
			t.Error("a revoked request gives access")
		}
		list, err := h.AccessRequests(t.Context(), as(h.first.APIKey), h.first.AccountID, 10, 0)
		var statuses []string
		for _, r := range list {
			statuses = append(statuses, r.Status)
		}
		if err != nil || !slices.Equal(statuses, []string{"REVOKED", "PENDING", "EXPIRED"}) {
			t.Errorf("the requests are %v %v", statuses, err)
		}
		if list, err := h.AccessRequests(t.Context(), as(third), h.first.AccountID, 10, 0); err != nil || len(list) != 0 {
			t.Errorf("somebody else sees %v %v", list, err)
		}
		log, err := h.AuditEvents(t.Context(), h.first.AccountID, 0, 100)
		if err != nil {
			t.Fatal(err)
		}
		var told []string
		for _, line := range log {
			if what, is := strings.CutPrefix(line.Event.Event, "prefect-cloud.access-request."); is {
				told = append(told, what)
			}
		}
		if got := strings.Join(told, " "); got != "created approved created created approved revoked" {
			t.Errorf("the log tells %s", got)
		}
	})
}
