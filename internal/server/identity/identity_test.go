package identity_test

import (
	"log/slog"
	"strings"
	"sync/atomic"
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

// house is a server's identity with a clock that the test moves.
type house struct {
	*identity.Service

	t     *testing.T
	db    *store.Store
	now   *atomic.Int64
	first *identity.Bootstrapped
}

func open(t *testing.T, db *store.Store) *house {
	t.Helper()
	h := &house{t: t, db: db, now: &atomic.Int64{}}
	h.now.Store(time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC).UnixNano())
	h.Service = h.replica()
	first, err := h.Bootstrap(t.Context(), "Ada@Example.com", "acme", "main")
	if err != nil {
		t.Fatal(err)
	}
	h.first = first
	return h
}

// replica is another server on the database.
func (h *house) replica() *identity.Service {
	return identity.New(h.db, func() time.Time { return time.Unix(0, h.now.Load()) }, slog.New(slog.DiscardHandler))
}

func (h *house) pass(d time.Duration) { h.now.Add(int64(d)) }

func (h *house) mustResolve(s *identity.Service, secret string) *identity.Actor {
	h.t.Helper()
	a, err := s.Resolve(h.t.Context(), secret, "192.0.2.1")
	if err != nil {
		h.t.Fatal(err)
	}
	return a
}

func (h *house) change(fn func(*store.Tx) error) {
	h.t.Helper()
	if err := h.Change(h.t.Context(), fn); err != nil {
		h.t.Fatal(err)
	}
}

func TestTheFirstOwner(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(t *testing.T, db *store.Store) {
		h := open(t, db)
		a := h.mustResolve(h.Service, h.first.APIKey)
		if a.ID != h.first.UserID || a.Email != "Ada@Example.com" || a.Handle != "ada" {
			t.Errorf("the actor is %+v", a)
		}
		w, ok := a.Workspace(h.first.WorkspaceID)
		if !ok || w.Scopes != access.AllScopes || w.Workspace.AccountID != h.first.AccountID {
			t.Errorf("the workspace is %+v, %v", w, ok)
		}
		if _, ok := a.Workspace(store.DefaultWorkspace); ok {
			t.Error("the workspace of servers without accounts is in the account")
		}
		if _, err := h.Bootstrap(t.Context(), "b@example.com", "other", "main"); api.CodeOf(err) != api.CodeConflict {
			t.Errorf("a second bootstrap: %v", err)
		}
	})
}

func TestWhatASingleTenantHeldIsTheFirstWorkspaces(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(t *testing.T, db *store.Store) {
		storetest.Write(t, db, func(tx *store.Tx) error {
			_, err := tx.Exec("insert into flow (workspace_id, id, created, updated, name, tags) values (?, ?, 0, 0, 'kept', '[]')", tx.Workspace(), uuid.New())
			return err
		})
		h := open(t, db)
		if h.first.WorkspaceID != store.DefaultWorkspace {
			t.Errorf("the first workspace is %s", h.first.WorkspaceID)
		}
	})
}

func TestCredentialsThatAreNotGood(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(t *testing.T, db *store.Store) {
		h := open(t, db)
		_, short := h.key("short", time.Hour)
		revokedKey, revoked := h.key("revoked", time.Hour)
		h.change(func(tx *store.Tx) error { return h.RevokeKey(tx, identity.By{}, revokedKey) })
		h.mustResolve(h.Service, short)
		h.pass(time.Hour)
		for name, secret := range map[string]string{
			"empty": "", "garbage": "hunter2", "mistyped": h.first.APIKey[:len(h.first.APIKey)-1] + "!", "well-formed": identity.NewSecret("pnu_"),
			"of no kind": identity.NewSecret("pzz_"), "expired": short, "revoked": revoked,
		} {
			if _, err := h.Resolve(t.Context(), secret, ""); api.CodeOf(err) != api.CodeUnauthenticated {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
}

func (h *house) key(name string, life time.Duration) (k *store.APIKey, secret string) {
	h.t.Helper()
	end := api.Time{Time: h.Now().Add(life)}
	h.change(func(tx *store.Tx) (err error) {
		k, secret, err = h.AddKey(tx, identity.By{}, h.first.UserID, credential.UserKey, name, &end)
		return err
	})
	return k, secret
}

// What one server takes away another one notices within a minute; the one that took it
// at once.
func TestRevocationReachesEveryServer(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(t *testing.T, db *store.Store) {
		h := open(t, db)
		other := h.replica()
		k, secret := h.key("ci", time.Hour)
		h.mustResolve(h.Service, secret)
		h.mustResolve(other, secret)
		h.change(func(tx *store.Tx) error { return h.RevokeKey(tx, identity.By{}, k) })
		if _, err := h.Resolve(t.Context(), secret, ""); api.CodeOf(err) != api.CodeUnauthenticated {
			t.Errorf("where it was revoked: %v", err)
		}
		h.pass(identity.EpochAge)
		if _, err := other.Resolve(t.Context(), secret, ""); api.CodeOf(err) != api.CodeUnauthenticated {
			t.Errorf("on the other server: %v", err)
		}
	})
}

func TestAMemberHasNothingUntilItIsGiven(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(t *testing.T, db *store.Store) {
		h := open(t, db)
		h.invite("bob@example.com", access.MemberID)
		var bob *store.User
		h.change(func(tx *store.Tx) (err error) {
			bob, err = h.Admit(tx, identity.By{}, " Bob@EXAMPLE.com ", "Bob", "")
			return err
		})
		var secret string
		h.change(func(tx *store.Tx) (err error) {
			_, secret, err = h.AddKey(tx, identity.By{}, bob.ID, credential.UserKey, "k", nil)
			return err
		})
		w, ok := h.mustResolve(h.Service, secret).Workspace(h.first.WorkspaceID)
		if !ok || w.Scopes != 0 {
			t.Errorf("a new member has %v, %v", w.Scopes.List(), ok)
		}
		end := api.Time{Time: h.Now().Add(time.Hour)}
		h.give(bob.ID, store.ActorUser, access.RunnerID, &end)
		w, _ = h.mustResolve(h.Service, secret).Workspace(h.first.WorkspaceID)
		if !w.Scopes.Has("run_deployments") || w.Scopes.Has("run_flows") {
			t.Errorf("a runner has %v", w.Scopes.List())
		}
		h.pass(time.Hour)
		if w, _ = h.mustResolve(h.Service, secret).Workspace(h.first.WorkspaceID); w.Scopes != 0 {
			t.Errorf("after the end of the access: %v", w.Scopes.List())
		}
	})
}

func (h *house) invite(email string, role uuid.UUID) {
	h.t.Helper()
	norm, err := identity.NormalEmail(email)
	if err != nil {
		h.t.Fatal(err)
	}
	h.change(func(tx *store.Tx) error {
		return tx.InsertInvitation(&store.Invitation{
			AccountID: h.first.AccountID, ID: uuid.New(), Created: h.Now(), Updated: h.Now(), Email: email, EmailNorm: norm, AccountRoleID: role,
			Status: "PENDING", Expiration: api.Time{Time: h.Now().Add(time.Hour)}, CodeHash: []byte{1},
		})
	})
}

func (h *house) give(subject uuid.UUID, kind string, role uuid.UUID, end *api.Time) {
	h.t.Helper()
	err := h.ChangeIn(h.t.Context(), h.first.WorkspaceID, func(tx *store.Tx) error {
		return tx.PutAccess(&store.Access{WorkspaceID: h.first.WorkspaceID, ID: uuid.New(), Created: h.Now(), Updated: h.Now(), SubjectID: subject, SubjectType: kind, RoleID: role, Expires: end})
	})
	if err != nil {
		h.t.Fatal(err)
	}
}

// Only the addresses of an account's own domains get in once it says so, whatever they
// look like.
func TestDomainsOfAnAccount(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(t *testing.T, db *store.Store) {
		h := open(t, db)
		now := h.Now()
		h.change(func(tx *store.Tx) error {
			err := tx.InsertAccountDomain(&store.AccountDomain{AccountID: h.first.AccountID, ID: uuid.New(), Created: now, Updated: now, Name: "example.org", DNSToken: "t", Verified: &now})
			if err != nil {
				return err
			}
			return tx.UpdateAccount(h.first.AccountID, store.Set{Column: "restrict_to_domains", Value: true})
		})
		w, _ := h.mustResolve(h.Service, h.first.APIKey).Workspace(h.first.WorkspaceID)
		if !strings.Contains(w.Refused, "its own domains") {
			t.Errorf("an address of another domain is let in: %+v", w)
		}
		for email, admitted := range map[string]bool{
			"eve@example.org": true, "EVE2@Example.ORG.": true, "eve@sub.example.org": false, "eve@еxample.org": false, "eve@example.org.evil.example": false, "eve+x@example.com": false,
		} {
			h.change(func(tx *store.Tx) error {
				u, err := h.Admit(tx, identity.By{}, email, "", "")
				if (u != nil) != admitted {
					t.Errorf("%s: %v, %v", email, u, err)
				}
				return nil
			})
		}
	})
}

func TestTheAuditLogTellsWhenItWasTamperedWith(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(t *testing.T, db *store.Store) {
		h := open(t, db)
		h.key("one", time.Hour)
		n, err := h.VerifyAudit(t.Context(), h.first.AccountID)
		if err != nil || n < 4 {
			t.Fatalf("%d entries, %v", n, err)
		}
		for _, c := range []struct{ sql, says string }{
			{"update audit_entry set entry = replace(entry, 'one', 'two') where seq = 4", "Entry 4 of the audit log was tampered with"},
			{"update audit_entry set event = 'prefect-cloud.user.created' where seq = 2", "Entry 2 of the audit log"},
			{"delete from audit_entry where seq = 3", "Entry 3 of the audit log"},
			{"delete from audit_entry where seq = (select max(seq) from audit_entry)", "were written"},
		} {
			h.tampered(c.sql, c.says)
		}
	})
}

// tampered does sql, expects VerifyAudit to say so, and takes it back.
func (h *house) tampered(sql, says string) {
	h.t.Helper()
	storetest.Across(h.t, h.db, func(tx *store.Tx) error {
		for _, s := range []string{"create table kept as select * from audit_entry", sql} {
			if _, err := tx.Exec(s); err != nil {
				return err
			}
		}
		return nil
	})
	if _, err := h.VerifyAudit(h.t.Context(), h.first.AccountID); api.CodeOf(err) != api.CodeConflict || !strings.Contains(err.Error(), says) {
		h.t.Errorf("after %q: %v", sql, err)
	}
	storetest.Across(h.t, h.db, func(tx *store.Tx) error {
		for _, s := range []string{"delete from audit_entry", "insert into audit_entry select * from kept", "drop table kept"} {
			if _, err := tx.Exec(s); err != nil {
				return err
			}
		}
		return nil
	})
}
