package rest_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/rules/access"
	"github.com/usherhq/usher/internal/rules/credential"
	"github.com/usherhq/usher/internal/server/identity"
	"github.com/usherhq/usher/internal/store"
	"github.com/usherhq/usher/internal/store/storetest"
	"github.com/usherhq/usher/internal/testkit"
)

// canaries are in all that is kept of the person whom the tests erase.
var canaries = []string{"zoe.canary@example.com", "zoecanary", "198.51.100.77"}

// zoe is a member with a key, who has left traces wherever people do.
func (w *town) zoe() (id uuid.UUID, key string) {
	w.t.Helper()
	account := "/accounts/" + w.first.AccountID.String()
	w.as(w.first.APIKey, "POST "+account+"/invitations/", `[{"email":"Zoe.Canary@Example.com","account_role_id":"`+access.MemberID.String()+`"}]`, http.StatusCreated)
	by := identity.By{IP: "198.51.100.77", UserAgent: "zoecanary's browser"}
	w.change(func(tx *store.Tx) error {
		u, err := w.id.Admit(tx, by, "Zoe.Canary@Example.com", "Zoecanary", "Zoecanary")
		if err != nil {
			return err
		}
		id = u.ID
		now, hour := w.id.Now(), api.At(w.id.Now().Add(3600e9))
		if err := tx.PutAccessTo(&store.Access{WorkspaceID: w.first.WorkspaceID, ID: uuid.New(), Created: now, Updated: now, SubjectID: id, SubjectType: store.ActorUser, RoleID: access.DeveloperID}); err != nil {
			return err
		}
		for _, err := range []error{
			tx.AddUserIdentity(&store.UserIdentity{ID: uuid.New(), User: id, Provider: "github", Issuer: "https://github.com", Subject: "zoecanary", Email: u.Email, Created: now, LastLogin: now}),
			tx.AddFactor(&store.Factor{ID: uuid.New(), User: id, Kind: "totp", Name: "zoecanary's phone", Secret: "sealed", Created: now}),
			tx.AddToken(&store.Token{
				ID: uuid.New(), Kind: "session", Hash: "h", Family: uuid.New(), Actor: id, Method: "email", Authenticated: now, IP: "198.51.100.77", Agent: "zoecanary's browser",
				Created: now, LastUsed: now, IdleUntil: hour, Expires: hour, FamilyExpires: hour,
			}),
			tx.AddMagicLink(&store.MagicLink{ID: uuid.New(), Created: now, Expires: hour, Email: u.EmailNorm, Purpose: "login", TokenHash: "t", IP: "198.51.100.77", Agent: "zoecanary's browser"}),
			w.id.Audit(tx, by, identity.Entry{Type: "sign-in", Action: "failed", ID: uuid.New(), Name: u.Email, Details: map[string]any{"why": "zoe.canary@example.com is unknown"}}),
		} {
			if err != nil {
				return err
			}
		}
		_, key, err = w.id.AddKey(tx, by, id, credential.UserKey, "zoecanary's laptop", nil)
		return err
	})
	main := account + "/workspaces/" + w.first.WorkspaceID.String()
	flow := pick(w.t, w.as(key, "POST "+main+"/flows/", `{"name":"f"}`, http.StatusCreated), "id")
	deployment := pick(w.t, w.as(key, "POST "+main+"/deployments/", `{"name":"d","flow_id":"`+flow+`"}`, http.StatusCreated), "id")
	w.as(key, "POST "+main+"/deployments/"+deployment+"/create_flow_run", `{}`, http.StatusCreated)
	w.as(w.first.APIKey, "POST "+account+"/access_reviews/", `{"days":7}`, http.StatusCreated)
	w.as(key, "PATCH /users/"+id.String(), `{"location":"the house of zoecanary"}`, http.StatusNoContent)
	return id, key
}

// found lists the tables in which a text is, in whatever case.
func (w *town) found(text string) (tables []string) {
	w.t.Helper()
	db := storetest.Open(w.t, testkit.PostgresWhole(w.db))
	isSQLite := db.Dialect().Name() == "sqlite"
	list := "select table_name::text, 't'::text\nfrom information_schema.tables\nwhere table_schema = 'public'"
	if isSQLite {
		list = `
			select m.name, group_concat('quote("' || c.name || '")', ' || ')
			from sqlite_schema as m, pragma_table_info(m.name) as c
			where m.type = 'table'
			group by m.name`
	}
	storetest.Read(w.t, db, func(tx *store.Tx) error {
		sql := map[string]string{}
		if err := tx.Query(list, nil, func(row *store.Row) error {
			var table, columns string
			err := row.Scan(&table, &columns)
			sql[table] = "select count(*)\nfrom " + table + " as t\nwhere lower(" + columns + ") like ?"
			if !isSQLite {
				sql[table] = "select count(*)\nfrom " + table + " as t\nwhere lower(t::text) like ?"
			}
			return err
		}); err != nil {
			return err
		}
		for table, s := range sql {
			var n int
			if err := tx.QueryRow(s, []any{"%" + text + "%"}, &n); err != nil {
				return err
			}
			if n > 0 {
				tables = append(tables, table)
			}
		}
		return nil
	})
	slices.Sort(tables)
	return tables
}

// What is kept of a person is exported whole, and erased everywhere; the audit logs stay
// verifiable, and tell of tampering as before.
func TestAPersonIsExportedAndErased(t *testing.T) {
	t.Parallel()
	storetest.RunURL(t, func(t *testing.T, database string) {
		w := newTown(t, database)
		id, key := w.zoe()
		if got := w.found(canaries[0]); len(got) < 5 {
			t.Fatalf("the address is in %v only", got)
		}
		var export api.PersonExport
		text := w.as(key, "GET /me/export", "", http.StatusOK)
		if err := json.Unmarshal(text, &export); err != nil {
			t.Fatal(err)
		}
		if export.Email != "Zoe.Canary@Example.com" || len(export.Accounts) != 1 || len(export.Access) != 1 || len(export.Identities) != 1 || len(export.Factors) != 1 ||
			len(export.Sessions) != 1 || len(export.Keys) != 1 || len(export.Invitations) != 1 || len(export.Made) != 3 || len(export.Audit) < 4 {
			t.Errorf("the export is %s", text)
		}
		if strings.Contains(string(text), key) || strings.Contains(string(text), "sealed") {
			t.Error("a secret is in the export")
		}
		w.as(w.first.APIKey, "DELETE /users/"+id.String(), "", http.StatusNotFound) // somebody else
		erased := w.as(key, "DELETE /users/"+id.String(), "", http.StatusOK)
		label := pick(t, erased, "label")
		for _, canary := range canaries {
			if got := w.found(canary); len(got) > 0 {
				t.Errorf("%s is still in %v", canary, got)
			}
		}
		if got := strings.Join(w.found(label), " "); got != "access_review audit_entry deployment flow flow_run" {
			t.Errorf("%s is in %s", label, got)
		}
		w.as(key, "GET /me/", "", http.StatusUnauthorized)

		account := "/accounts/" + w.first.AccountID.String()
		verdict := func() string { return string(w.as(w.first.APIKey, "GET "+account+"/audit/verify", "", http.StatusOK)) }
		if got := verdict(); !strings.Contains(got, `"intact":true`) {
			t.Errorf("after the erasure: %s", got)
		}
		if log := string(w.as(w.first.APIKey, "GET "+account+"/audit", "", http.StatusOK)); !strings.Contains(log, id.String()) {
			t.Error("the log does not know any more who it was")
		}
		// Another erasure of the same entries, and then somebody who changes what is left.
		w.as(w.first.APIKey, "DELETE /users/"+w.first.UserID.String(), "", http.StatusConflict)
		if got := verdict(); !strings.Contains(got, `"intact":true`) {
			t.Errorf("after an erasure that was refused: %s", got)
		}
		w.change(func(tx *store.Tx) error {
			_, err := tx.Exec("update audit_entry\nset entry = replace(entry, ?, 'bob')\nwhere account_id = ?\nand redacted_by is not null", label, w.first.AccountID)
			return err
		})
		if got := verdict(); !strings.Contains(got, "no later entry vouches") {
			t.Errorf("after tampering with what is left: %s", got)
		}
		w.change(func(tx *store.Tx) error { // hiding a change as an erasure
			_, err := tx.Exec("update audit_entry\nset entry = replace(entry, 'main', 'evil'), redacted_by = 2\nwhere account_id = ?\nand redacted_by is null", w.first.AccountID)
			return err
		})
		if got := verdict(); !strings.Contains(got, "tampered with") {
			t.Errorf("after a change that looks like an erasure: %s", got)
		}
	})
}

// Who is named in entries that name others too can be erased after them.
func TestPeopleAreErasedOneAfterAnother(t *testing.T) {
	t.Parallel()
	w := newTown(t, storetest.SQLiteURL(t))
	id, _ := w.zoe()
	other := &store.User{}
	w.change(func(tx *store.Tx) error {
		now := w.id.Now()
		*other = store.User{ID: uuid.New(), Created: now, Updated: now, Handle: "yan", Email: "yan@example.com", EmailNorm: "yan@example.com", Settings: []byte("{}")}
		if err := tx.InsertUser(other); err != nil {
			return err
		}
		return w.id.Audit(tx, identity.By{}, identity.Entry{
			Account: w.first.AccountID, Type: "team", Action: "updated", ID: uuid.New(),
			Details: map[string]any{"members": []any{"yan@example.com", "zoe.canary@example.com"}},
		})
	})
	for _, who := range []uuid.UUID{id, other.ID} {
		if _, err := w.id.ErasePerson(t.Context(), identity.By{}, who); err != nil {
			t.Fatal(err)
		}
		if _, err := w.id.VerifyAudit(t.Context(), w.first.AccountID); err != nil {
			t.Error(err)
		}
	}
	if got := w.found("yan@example.com"); len(got) > 0 {
		t.Errorf("yan is still in %v", got)
	}
}
