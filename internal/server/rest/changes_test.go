package rest_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/rules/access"
	"github.com/usherhq/usher/internal/rules/credential"
	"github.com/usherhq/usher/internal/server/identity"
	"github.com/usherhq/usher/internal/store"
	"github.com/usherhq/usher/internal/store/storetest"
)

// person makes a user with a role in the first account and returns their key.
func (w *town) person(name string, role uuid.UUID) (secret string) {
	w.t.Helper()
	now := w.id.Now()
	w.change(func(tx *store.Tx) (err error) {
		u := &store.User{ID: uuid.New(), Created: now, Updated: now, Handle: name, FirstName: name, Email: name + "@example.com", EmailNorm: name + "@example.com", Settings: []byte("{}")}
		if err := tx.InsertUser(u); err != nil {
			return err
		}
		if err := tx.InsertMembership(&store.Membership{AccountID: w.first.AccountID, ID: uuid.New(), Created: now, Updated: now, ActorID: u.ID, ActorType: store.ActorUser, RoleID: role, Active: true}); err != nil {
			return err
		}
		_, secret, err = w.id.AddKey(tx, identity.By{}, u.ID, credential.UserKey, "k", nil)
		return err
	})
	return secret
}

// Changes of who may use an account wait for a second person where it wants that: nobody
// approves their own, both must be allowed to make it, it is made once and as it was asked for,
// and the rule itself can't be taken away by one.
func TestChangesWaitForASecondPerson(t *testing.T) {
	t.Parallel()
	storetest.RunURL(t, func(t *testing.T, database string) {
		w, account, main := hub(t, database)
		ada := w.first.APIKey
		w.as(ada, "PUT "+account+"/change_control", `{"required":true}`, http.StatusConflict) // nobody else could approve
		w.as(ada, "PUT "+account+"/change_control", `{"required":true,"hours":0}`, http.StatusUnprocessableEntity)
		bob := w.person("bob", access.OwnerID)
		eve := w.person("eve", access.MemberID)
		w.as(eve, "PUT "+account+"/change_control", `{"required":true}`, http.StatusForbidden)
		w.as(ada, "PUT "+account+"/change_control", `{"required":true,"hours":2}`, http.StatusNoContent)
		if got := pick(t, w.as(eve, "GET "+account+"/change_control", "", http.StatusOK), "hours"); got != "2" {
			t.Errorf("they wait %s hours", got)
		}
		propose := func(key, request, body string) string {
			t.Helper()
			got := w.as(key, request, body, http.StatusAccepted)
			if !strings.Contains(string(got), "usher change approve") {
				t.Errorf("%s: %s", request, got)
			}
			return pick(t, got, "id")
		}
		decide := func(key, id, how string, want int) string {
			t.Helper()
			return string(w.as(key, "POST "+account+"/changes/"+id+"/"+how, "", want))
		}
		policy := func() string { return pick(t, w.as(ada, "GET "+account+"/sso", "", http.StatusOK), "require_mfa") }
		id := propose(ada, "PATCH "+account+"/sso", `{"require_mfa":true}`)
		if policy() != "false" {
			t.Fatal("it was made at once")
		}
		decide(ada, id, "approve", http.StatusForbidden)
		decide(ada, id, "reject", http.StatusForbidden)
		decide(eve, id, "approve", http.StatusNotFound)
		decide(bob, id, "withdraw", http.StatusForbidden)
		decide(bob, uuid.NewString(), "approve", http.StatusNotFound)
		if list := string(w.as(eve, "GET "+account+"/changes/", "", http.StatusOK)); list != "[]" {
			t.Errorf("a member sees %s", list)
		}
		if list := string(w.as(bob, "GET "+account+"/changes/", "", http.StatusOK)); !strings.Contains(list, `"require_mfa":true`) || !strings.Contains(list, "PENDING") {
			t.Errorf("an owner sees %s", list)
		}
		// Members without a second factor are kept out by that policy: it is taken back through
		// the same way.
		role := propose(ada, "POST "+account+"/account_roles/", `{"name":"auditor","permissions":["read:account"]}`)
		if got := decide(bob, role, "approve", http.StatusCreated); !strings.Contains(got, "auditor") {
			t.Errorf("the answer of the change is %s", got)
		}
		decide(bob, role, "approve", http.StatusConflict)
		again := propose(ada, "POST "+account+"/account_roles/", `{"name":"auditor","permissions":["read:account"]}`)
		if got := decide(bob, again, "approve", http.StatusConflict); !strings.Contains(got, "already") {
			t.Errorf("what fails is told as %s", got)
		}
		decide(bob, id, "reject", http.StatusNoContent)
		back := propose(bob, "PUT "+account+"/ip_allowlist", `{"entries":[]}`)
		decide(bob, back, "withdraw", http.StatusNoContent)
		decide(ada, back, "approve", http.StatusConflict)
		late := propose(bob, "PATCH "+account+"/sso", `{"require_mfa":true}`)
		w.change(func(tx *store.Tx) error {
			_, err := tx.Exec("update account_change set expires = ? where status = 'PENDING'", w.id.Now())
			return err
		})
		decide(ada, late, "approve", http.StatusConflict)
		if list := string(w.as(ada, "GET "+account+"/changes/", "", http.StatusOK)); !strings.Contains(list, "EXPIRED") || strings.Contains(list, "require_mfa") || strings.Contains(list, `"permissions"`) {
			t.Errorf("what is over keeps what it asked for: %s", list)
		}
		// One alone does not get around it: not by a service account, and not by the rule.
		bot := pick(t, w.as(ada, "POST "+account+"/bots/", `{"name":"b","account_role_id":"`+access.AdminID.String()+`"}`, http.StatusCreated), "api_key.key")
		w.as(bot, "PATCH "+account+"/sso", `{"require_mfa":true}`, http.StatusForbidden)
		off := propose(ada, "PUT "+account+"/change_control", `{"required":false}`)
		decide(bot, off, "approve", http.StatusForbidden)
		propose(ada, "DELETE "+main, "")
		propose(ada, "DELETE "+account, "")
		// Who may no longer make it has proposed it in vain.
		carol := w.person("carol", access.AdminID)
		hers := propose(carol, "POST "+account+"/account_roles/", `{"name":"hers","permissions":[]}`)
		me := pick(t, w.as(carol, "GET /me/", "", http.StatusOK), "id")
		herself := pick(t, w.as(ada, "GET "+account+"/account_memberships/by-user/"+me, "", http.StatusOK), "id")
		demote := propose(ada, "PATCH "+account+"/account_memberships/"+herself, `{"account_role_id":"`+access.MemberID.String()+`"}`)
		decide(bob, demote, "approve", http.StatusNoContent)
		if got := decide(bob, hers, "approve", http.StatusConflict); !strings.Contains(got, "may not do it any more") {
			t.Errorf("%s", got)
		}
		decide(bob, off, "approve", http.StatusNoContent)
		w.as(ada, "POST "+account+"/account_roles/", `{"name":"at once","permissions":[]}`, http.StatusCreated)
		audit := string(w.as(ada, "GET "+account+"/audit", "", http.StatusOK))
		for _, event := range []string{"change-control.updated", "account-change.proposed", "account-change.approved", "account-change.rejected", "account-change.withdrawn", "account-change.failed"} {
			if !strings.Contains(audit, "prefect-cloud."+event) {
				t.Errorf("%s is not in the audit log", event)
			}
		}
	})
}
