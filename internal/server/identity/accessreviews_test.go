package identity_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/rules/access"
	"github.com/usherhq/usher/internal/server/identity"
	"github.com/usherhq/usher/internal/store"
	"github.com/usherhq/usher/internal/store/storetest"
)

// A review has members, access and keys; what it revokes is gone, the rest is on record as
// kept; it is completed once, as a whole or not at all, and is overdue when its time is over.
func TestAccessIsReviewed(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(t *testing.T, db *store.Store) {
		h := open(t, db)
		bob, secret := h.joined("bob@example.com")
		_, eve := h.joined("eve@example.com")
		h.give(bob, store.ActorUser, access.DeveloperID, nil)
		by := identity.By{Actor: h.mustResolve(h.Service, h.first.APIKey)}
		start := func() *api.AccessReview {
			t.Helper()
			r, err := h.StartReview(t.Context(), by, h.first.AccountID, &api.AccessReviewCreate{Days: 7})
			if err != nil {
				t.Fatal(err)
			}
			return r
		}
		r := start()
		item := func(kind, who string) api.AccessReviewItem {
			t.Helper()
			i := slices.IndexFunc(r.Items, func(i api.AccessReviewItem) bool { return i.Kind == kind && i.Who == who })
			if i < 0 {
				t.Fatalf("no %s of %s in %+v", kind, who, r.Items)
			}
			return r.Items[i]
		}
		if got := item("access", "bob@example.com").What; got != "Developer in main" {
			t.Errorf("the access is %q", got)
		}
		complete := func(revoke ...uuid.UUID) error {
			_, err := h.CompleteReview(t.Context(), by, h.first.AccountID, r.ID, &api.AccessReviewComplete{Revoke: revoke})
			return err
		}
		if err := complete(uuid.New()); api.CodeOf(err) != api.CodeInvalid {
			t.Errorf("an item that is not in it: %v", err)
		}
		if err := complete(item("access", "bob@example.com").ID, item("member", "Ada@Example.com").ID); api.CodeOf(err) != api.CodeConflict {
			t.Errorf("without an owner: %v", err)
		}
		if w, _ := h.mustResolve(h.Service, secret).Workspace(h.first.WorkspaceID); !w.Scopes.Has("run_flows") {
			t.Error("a review that was refused has taken something away")
		}
		if err := complete(item("access", "bob@example.com").ID, item("key", "eve@example.com").ID); err != nil {
			t.Fatal(err)
		}
		if w, _ := h.mustResolve(h.Service, secret).Workspace(h.first.WorkspaceID); w.Scopes != 0 {
			t.Errorf("bob still has %v", w.Scopes.List())
		}
		if _, err := h.Resolve(t.Context(), eve, ""); api.CodeOf(err) != api.CodeUnauthenticated {
			t.Errorf("the key of eve: %v", err)
		}
		if err := complete(); api.CodeOf(err) != api.CodeConflict {
			t.Errorf("a second time: %v", err)
		}
		r = start()
		if err := complete(item("member", "bob@example.com").ID); err != nil {
			t.Fatal(err)
		}
		if a, ok := h.mustResolve(h.Service, secret).Account(h.first.AccountID); ok {
			t.Errorf("bob is still in the account as %s", a.RoleName)
		}
		start()
		h.pass(8 * 24 * time.Hour)
		list, err := h.Reviews(t.Context(), h.first.AccountID)
		if err != nil || len(list) != 3 || !list[0].Overdue || list[1].Overdue || list[1].Completed == nil {
			t.Errorf("the reviews are %+v %v", list, err)
		}
		standing, err := h.Standing(t.Context(), h.first.AccountID)
		if err != nil || standing.OpenReviews != 1 || standing.OverdueReviews != 1 || standing.Reviewed == nil {
			t.Errorf("it stands at %+v %v", standing, err)
		}
		log, err := h.AuditEvents(t.Context(), h.first.AccountID, 0, 200)
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		for _, line := range log {
			if line.Event.Event == "prefect-cloud.access-review.completed" && strings.Contains(string(line.Event.Payload), `"revoke"`) && strings.Contains(string(line.Event.Payload), `"keep"`) {
				n++
			}
		}
		if n != 2 {
			t.Errorf("the log tells of %d decisions", n)
		}
	})
}
