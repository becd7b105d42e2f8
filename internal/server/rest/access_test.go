package rest_test

import (
	"encoding/base64"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/crypt"
	"github.com/usherhq/usher/internal/rules/access"
	"github.com/usherhq/usher/internal/rules/credential"
	"github.com/usherhq/usher/internal/server"
	"github.com/usherhq/usher/internal/server/identity"
	"github.com/usherhq/usher/internal/server/rest"
	"github.com/usherhq/usher/internal/store"
	"github.com/usherhq/usher/internal/store/storetest"
)

// town is a server with two accounts: acme with the workspaces main and side, rival with
// the workspace den.
type town struct {
	t         *testing.T
	db        string
	url       string // to /api
	keys      *crypt.Keeper
	id        *identity.Service
	first     *identity.Bootstrapped
	rival     *store.Account
	side, den *store.Workspace
}

func newTown(t *testing.T, database string) *town {
	t.Helper()
	return newTownWith(t, database, func(*server.Options) {})
}

var discard = slog.New(slog.DiscardHandler)

func newTownWith(t *testing.T, database string, change func(*server.Options)) *town {
	t.Helper()
	w := &town{t: t, db: database}
	w.url = startServerWith(t, database, func(o *server.Options) {
		o.Accounts, w.keys = true, o.Keys
		change(o)
	})
	w.id = identity.New(storetest.Open(t, database), time.Now, discard)
	var err error
	if w.first, err = w.id.Bootstrap(t.Context(), "ada@example.com", "acme", "main"); err != nil {
		t.Fatal(err)
	}
	now := w.id.Now()
	w.rival = &store.Account{ID: uuid.New(), Created: now, Updated: now, Name: "rival", Handle: "rival", Settings: jsontext.Value("{}"), SSOState: "DISABLED"}
	w.side = w.workspace(w.first.AccountID, "side")
	w.den = w.workspace(w.rival.ID, "den")
	w.change(func(tx *store.Tx) error {
		for _, err := range []error{tx.InsertAccount(w.rival), tx.InsertWorkspace(w.side), tx.InsertWorkspace(w.den)} {
			if err != nil {
				return err
			}
		}
		return nil
	})
	return w
}

func (w *town) workspace(account uuid.UUID, handle string) *store.Workspace {
	now := w.id.Now()
	return &store.Workspace{ID: uuid.New(), AccountID: account, Created: now, Updated: now, Name: handle, Handle: handle, Settings: jsontext.Value("{}")}
}

func (w *town) change(fn func(*store.Tx) error) {
	w.t.Helper()
	if err := w.id.Change(w.t.Context(), fn); err != nil {
		w.t.Fatal(err)
	}
}

// member makes a service account with a role in an account and, if that is not zero, one
// in a workspace, and returns its key.
func (w *town) member(account, role uuid.UUID, workspace, inWorkspace uuid.UUID) (secret string) {
	w.t.Helper()
	now := w.id.Now()
	w.change(func(tx *store.Tx) (err error) {
		b := &store.Bot{AccountID: account, ID: uuid.New(), Created: now, Updated: now, Name: uuid.NewString()}
		if err := tx.InsertBot(b); err != nil {
			return err
		}
		if err := tx.InsertMembership(&store.Membership{AccountID: account, ID: uuid.New(), Created: now, Updated: now, ActorID: b.ID, ActorType: store.ActorBot, RoleID: role, Active: true}); err != nil {
			return err
		}
		if inWorkspace != (uuid.UUID{}) {
			a := &store.Access{WorkspaceID: workspace, ID: uuid.New(), Created: now, Updated: now, SubjectID: b.ID, SubjectType: store.ActorBot, RoleID: inWorkspace}
			if err := tx.PutAccessTo(a); err != nil {
				return err
			}
		}
		_, secret, err = w.id.AddKey(tx, identity.By{}, b.ID, credential.BotKey, "k", nil)
		return err
	})
	return secret
}

// in is the path of a workspace.
func (w *town) in(account, workspace uuid.UUID) string {
	return w.url + "/accounts/" + account.String() + "/workspaces/" + workspace.String()
}

func (w *town) main() string { return w.in(w.first.AccountID, w.first.WorkspaceID) }

func bearer(key string) []string { return []string{"Authorization", "Bearer " + key} }

// filled is the path of an operation with ids of nothing.
func filled(op api.Operation) string {
	path := op.Path
	for strings.Contains(path, "{") {
		before, rest, _ := strings.Cut(path, "{")
		_, after, _ := strings.Cut(rest, "}")
		path = before + "11111111-1111-4111-8111-111111111111" + after
	}
	return path
}

// named is a path with an account, a workspace and ids of nothing.
func (w *town) named(path string, account, workspace uuid.UUID) string {
	path = strings.ReplaceAll(strings.ReplaceAll(path, "{account_id}", account.String()), "{workspace_id}", workspace.String())
	return filled(api.Operation{Path: path})
}

var openOperations = map[string]bool{"HealthCheck": true, "PerformReadinessCheck": true, "ServerVersion": true}

// Without a good credential nothing is answered but whether the server lives, by any path
// and in any workspace; nor is a socket opened.
func TestNothingIsAnsweredWithoutAGoodCredential(t *testing.T) {
	t.Parallel()
	w := newTown(t, storetest.SQLiteURL(t))
	expired, revoked := w.expired(), w.revoked()
	bad := map[string][]string{
		"none": nil, "garbage": bearer("hunter2"), "unknown": bearer(identity.NewSecret("pnu_")), "of no kind": bearer(identity.NewSecret("put_")),
		"expired": bearer(expired), "revoked": bearer(revoked), "basic": {"Authorization", basicOf("x", expired)}, "digest": {"Authorization", "Digest " + w.first.APIKey},
		"cookie": {"Cookie", "session=" + w.first.APIKey},
	}
	for name, headers := range bad {
		for _, op := range api.Operations() {
			for _, root := range []string{w.url, w.main()} {
				status, body, _ := call(t, op.Method, root+filled(op), "{}", headers...)
				if want := http.StatusUnauthorized; status != want && !openOperations[op.Name] {
					t.Errorf("%s, %s %s%s: %d %s", name, op.Method, strings.TrimPrefix(root, w.url), op.Path, status, body)
				}
			}
		}
		for _, row := range rest.Governed() {
			method, path, _ := strings.Cut(row[0], " ")
			if status, body, _ := call(t, method, w.url+w.named(path, w.first.AccountID, w.first.WorkspaceID), "{}", headers...); status != http.StatusUnauthorized {
				t.Errorf("%s, %s: %d %s", name, row[0], status, body)
			}
		}
		for _, path := range []string{"/nothing", "/me", "/accounts/" + w.first.AccountID.String(), "/accounts/x/workspaces/y/flows/filter"} {
			if status, body, _ := call(t, "GET", w.url+path, "", headers...); status != http.StatusUnauthorized {
				t.Errorf("%s, GET %s: %d %s", name, path, status, body)
			}
		}
	}
	for _, path := range sockets {
		for name, token := range map[string]string{"none": `null`, "garbage": `"hunter2"`, "expired": `"` + expired + `"`, "revoked": `"x:` + revoked + `"`} {
			w.refusesSocket(path, name, token)
		}
		for name, headers := range bad {
			if name == "cookie" {
				continue
			}
			_, res, err := websocket.Dial(t.Context(), w.main()+path, &websocket.DialOptions{HTTPHeader: header(headers)})
			if err == nil || res == nil || res.StatusCode != http.StatusUnauthorized {
				t.Errorf("%s opens %s: %v %v", name, path, res, err)
			}
		}
	}
}

var sockets = []string{"/events/in", "/events/out", "/logs/out", "/task_runs/subscriptions/scheduled", "/work_pools/p/workers/connect"}

func header(pairs []string) http.Header {
	h := http.Header{}
	for i := 0; i+1 < len(pairs); i += 2 {
		h.Set(pairs[i], pairs[i+1])
	}
	return h
}

func basicOf(user, password string) string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(user+":"+password))
}

func (w *town) refusesSocket(path, name, token string) {
	w.t.Helper()
	conn, _, err := websocket.Dial(w.t.Context(), w.main()+path, &websocket.DialOptions{Subprotocols: []string{"prefect"}})
	if err != nil {
		w.t.Fatal(err)
	}
	defer conn.CloseNow() //nolint:errcheck // it is refused
	if err := conn.Write(w.t.Context(), websocket.MessageText, []byte(`{"type":"auth","token":`+token+`}`)); err != nil {
		w.t.Fatal(err)
	}
	_, frame, err := conn.Read(w.t.Context())
	if websocket.CloseStatus(err) != websocket.StatusPolicyViolation {
		w.t.Errorf("%s with a token that is %s: %s %v", path, name, frame, err)
	}
}

func (w *town) expired() (secret string) {
	w.t.Helper()
	past := identity.New(storetest.Open(w.t, w.db), func() time.Time { return time.Now().Add(-time.Hour) }, slog.New(slog.DiscardHandler))
	err := past.Change(w.t.Context(), func(tx *store.Tx) (err error) {
		end := api.At(time.Now().Add(-time.Minute))
		_, secret, err = past.AddKey(tx, identity.By{}, w.first.UserID, credential.UserKey, "old", &end)
		return err
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return secret
}

func (w *town) revoked() (secret string) {
	w.t.Helper()
	w.change(func(tx *store.Tx) error {
		k, s, err := w.id.AddKey(tx, identity.By{}, w.first.UserID, credential.UserKey, "gone", nil)
		if err != nil {
			return err
		}
		secret = s
		return w.id.RevokeKey(tx, identity.By{}, k)
	})
	return secret
}

// Every operation by every role, in its workspace, in another one of its account and in
// another account's: what the role may do is answered, the rest is forbidden, and what
// belongs to others is not there.
func TestEveryOperationByEveryRoleInEveryTenant(t *testing.T) {
	t.Parallel()
	storetest.RunURL(t, func(t *testing.T, database string) {
		w := newTown(t, database)
		type visitor struct {
			name, key string
			scopes    access.Scopes
			all       bool // of the account's workspaces
		}
		visitors := []visitor{
			{"account owner", w.first.APIKey, access.AllScopes, true},
			{"account admin", w.member(w.first.AccountID, access.AdminID, uuid.UUID{}, uuid.UUID{}), access.AllScopes, true},
			{"member", w.member(w.first.AccountID, access.MemberID, uuid.UUID{}, uuid.UUID{}), 0, false},
			{"collaborator", w.member(w.first.AccountID, access.CollaboratorID, uuid.UUID{}, uuid.UUID{}), 0, false},
		}
		for _, r := range access.WorkspaceRoles() {
			visitors = append(visitors, visitor{r.Name, w.member(w.first.AccountID, access.MemberID, w.first.WorkspaceID, r.ID), r.Scopes, false})
		}
		cells := 0
		for _, v := range visitors {
			for _, op := range rest.Permissions() {
				for where, root := range map[string]string{
					"own": w.main(), "other workspace": w.in(w.first.AccountID, w.side.ID), "other account": w.in(w.rival.ID, w.den.ID),
					"own by another account": w.in(w.rival.ID, w.first.WorkspaceID), "of nobody": w.in(store.DefaultWorkspace, store.DefaultWorkspace),
				} {
					cells++
					scopes := access.Scopes(0)
					if where == "own" || where == "other workspace" && v.all {
						scopes = v.scopes
					}
					status, body, _ := call(t, op.Method, root+filled(op.Operation), `{"nonsense":`, bearer(v.key)...)
					switch {
					case op.Needs == 0:
						if status == http.StatusUnauthorized || status == http.StatusForbidden {
							t.Errorf("%s, %s %s in %s: %d %s", v.name, op.Method, op.Path, where, status, body)
						}
					case where != "own" && where != "other workspace":
						if status != http.StatusNotFound || !strings.Contains(body, "Workspace not found") {
							t.Errorf("%s, %s %s in %s: %d %s, not 404", v.name, op.Method, op.Path, where, status, body)
						}
					case scopes&op.Needs == op.Needs:
						if status == http.StatusUnauthorized || status == http.StatusForbidden || strings.Contains(body, "Workspace not found") {
							t.Errorf("%s may not %s %s in %s: %d %s", v.name, op.Method, op.Path, where, status, body)
						}
					case status != http.StatusForbidden || !strings.Contains(body, `{"detail":"You may not do that`):
						t.Errorf("%s may %s %s in %s: %d %s", v.name, op.Method, op.Path, where, status, body)
					}
				}
			}
		}
		t.Logf("%d cells", cells)
	})
}

// The four shapes in which clients send a key, over HTTP.
func TestShapesOfCredentials(t *testing.T) {
	t.Parallel()
	w := newTown(t, storetest.SQLiteURL(t))
	for name, c := range map[string]struct {
		url     string
		headers []string
	}{
		"bearer": {w.main(), bearer(w.first.APIKey)}, "lower-case bearer": {w.main(), []string{"Authorization", "bearer " + w.first.APIKey}},
		"basic": {w.main(), []string{"Authorization", basicOf("x", w.first.APIKey)}},
	} {
		if status, body, _ := call(t, "POST", c.url+"/flows/", `{"name":"f"}`, c.headers...); status != http.StatusCreated && status != http.StatusOK {
			t.Errorf("%s: %d %s", name, status, body)
		}
		// With or without a slash, no redirect, in the path of a workspace.
		if status, body, _ := call(t, "POST", c.url+"/flows", `{"name":"f"}`, c.headers...); status != http.StatusOK {
			t.Errorf("%s, without a slash: %d %s", name, status, body)
		}
		if status, body, _ := call(t, "POST", c.url+"/flows/filter/", `{}`, c.headers...); status != http.StatusOK {
			t.Errorf("%s, with a slash: %d %s", name, status, body)
		}
	}
}

// A path without a workspace means the only one there is for the caller.
func TestPathsWithoutAWorkspace(t *testing.T) {
	t.Parallel()
	w := newTown(t, storetest.SQLiteURL(t))
	worker := w.member(w.first.AccountID, access.MemberID, w.side.ID, access.WorkerID)
	if status, body, _ := call(t, "POST", w.url+"/flows/", `{"name":"of the side"}`, bearer(worker)...); status != http.StatusCreated {
		t.Fatalf("%d %s", status, body)
	}
	if _, body, _ := call(t, "POST", w.in(w.first.AccountID, w.side.ID)+"/flows/filter", `{}`, bearer(w.first.APIKey)...); !strings.Contains(body, "of the side") {
		t.Errorf("it is not in the workspace: %s", body)
	}
	status, body, _ := call(t, "POST", w.url+"/flows/filter", `{}`, bearer(w.first.APIKey)...)
	if status != http.StatusBadRequest || body != `{"detail":"ambiguous workspace; use /accounts/{account_id}/workspaces/{workspace_id}/…"}` {
		t.Errorf("an owner of two: %d %s", status, body)
	}
	nobody := w.member(w.first.AccountID, access.MemberID, uuid.UUID{}, uuid.UUID{})
	if status, body, _ := call(t, "POST", w.url+"/flows/filter", `{}`, bearer(nobody)...); status != http.StatusForbidden {
		t.Errorf("a member of none: %d %s", status, body)
	}
}

// On a server without accounts the paths of its one workspace work too.
func TestPathsOfAServerWithoutAccounts(t *testing.T) {
	t.Parallel()
	url := startServer(t, storetest.SQLiteURL(t))
	inside := url + "/accounts/" + uuid.UUID{}.String() + "/workspaces/" + uuid.UUID{}.String()
	if status, body, _ := call(t, "POST", inside+"/flows", `{"name":"f"}`); status != http.StatusCreated {
		t.Errorf("%d %s", status, body)
	}
	if status, body, _ := call(t, "POST", url+"/flows/filter", `{}`); status != http.StatusOK || !strings.Contains(body, `"name":"f"`) {
		t.Errorf("%d %s", status, body)
	}
	other := url + "/accounts/" + uuid.NewString() + "/workspaces/" + uuid.NewString()
	if status, body, _ := call(t, "POST", other+"/flows/filter", `{}`); status != http.StatusNotFound {
		t.Errorf("%d %s", status, body)
	}
}

// The same for the routes that say who may use the server.
func TestWhoMayGovern(t *testing.T) {
	t.Parallel()
	storetest.RunURL(t, func(t *testing.T, database string) {
		w := newTown(t, database)
		keys := map[string]string{"": w.member(w.rival.ID, access.OwnerID, uuid.UUID{}, uuid.UUID{})}
		permissions := map[string]access.Permissions{}
		for _, r := range access.AccountRoles() {
			keys[r.Name], permissions[r.Name] = w.member(w.first.AccountID, r.ID, uuid.UUID{}, uuid.UUID{}), r.Permissions
		}
		for name, key := range keys {
			for _, row := range rest.Governed() {
				method, path, _ := strings.Cut(row[0], " ")
				if !strings.HasPrefix(path, "/accounts/{account_id}") {
					continue
				}
				if row[0] == "DELETE /accounts/{account_id}/workspaces/{workspace_id}" && permissions[name].Has("administrate:workspace") {
					continue // it would be gone
				}
				if row[0] == "DELETE /accounts/{account_id}" && permissions[name].Has("delete:account") {
					continue // the same
				}
				status, body, _ := call(t, method, w.url+w.named(path, w.first.AccountID, w.side.ID), `{"nonsense":`, bearer(key)...)
				may := permissions[name].Has(access.Permission(row[1]))
				if row[1] == "" {
					may = name == "Owner" || name == "Admin"
				}
				switch {
				case name == "":
					if status != http.StatusNotFound || !strings.Contains(body, "Account not found") {
						t.Errorf("of another account, %s: %d %s", row[0], status, body)
					}
				case may == (status == http.StatusForbidden):
					t.Errorf("%s, %s: %d %s", name, row[0], status, body)
				}
			}
		}
	})
}

func (w *town) as(key, do, body string, status int) jsontext.Value {
	w.t.Helper()
	method, path, _ := strings.Cut(do, " ")
	got, text, _ := call(w.t, method, w.url+path, body, bearer(key)...)
	if got != status {
		w.t.Fatalf("%s %s: %d %s, not %d", do, body, got, text, status)
	}
	return jsontext.Value(text)
}

// An account as its owner runs it: workspaces, service accounts with keys that are
// rotated, roles, teams, access, and the log of all that.
func TestRunningAnAccount(t *testing.T) {
	t.Parallel()
	storetest.RunURL(t, func(t *testing.T, database string) {
		w := newTown(t, database)
		owner, account := w.first.APIKey, "/accounts/"+w.first.AccountID.String()
		space := pick(t, w.as(owner, "POST "+account+"/workspaces/", `{"name":"Lab","handle":"lab"}`, http.StatusCreated), "id")
		w.as(owner, "POST "+account+"/workspaces/", `{"name":"Lab","handle":"lab"}`, http.StatusConflict)
		w.as(owner, "POST "+account+"/workspaces/", `{"name":"Lab","handle":"lab2","colour":"red"}`, http.StatusUnprocessableEntity)
		lab := account + "/workspaces/" + space
		w.as(owner, "PATCH "+lab, `{"description":"of experiments"}`, http.StatusNoContent)
		if got := pick(t, w.as(owner, "GET "+lab, "", http.StatusOK), "description"); got != "of experiments" {
			t.Errorf("the description is %s", got)
		}

		role := pick(t, w.as(owner, "POST "+account+"/workspace_roles/", `{"name":"flower","scopes":["run_flows"]}`, http.StatusCreated), "id")
		made := w.as(owner, "POST "+account+"/bots/", `{"name":"ci"}`, http.StatusCreated)
		bot, key := pick(t, made, "id"), pick(t, made, "api_key.key")
		w.as(owner, "POST "+account+"/bots", `{"name":"ci"}`, http.StatusConflict)
		w.as(key, "POST "+lab+"/flows/", `{"name":"f"}`, http.StatusForbidden)
		access := pick(t, w.as(owner, "POST "+lab+"/bot_access/", `[{"bot_id":"`+bot+`","workspace_role_id":"`+role+`"}]`, http.StatusOK), "0.id")
		w.as(key, "POST "+lab+"/flows/", `{"name":"f"}`, http.StatusCreated)
		w.as(key, "POST "+lab+"/variables/", `{"name":"v","value":1}`, http.StatusForbidden)
		w.as(owner, "DELETE "+account+"/workspace_roles/"+role, "", http.StatusConflict)

		rotated := pick(t, w.as(owner, "POST "+account+"/bots/"+bot+"/rotate_api_key", `{"old_key_expires_in_seconds":3600}`, http.StatusCreated), "api_key.key")
		w.as(key, "GET /me/", "", http.StatusOK)
		w.as(rotated, "GET /me", "", http.StatusOK)
		w.as(owner, "POST "+account+"/bots/"+bot+"/rotate_api_key", `{}`, http.StatusCreated)
		w.as(key, "GET /me/", "", http.StatusUnauthorized)
		w.as(rotated, "GET /me/", "", http.StatusUnauthorized)
		w.as(owner, "DELETE "+lab+"/bot_access/"+access, "", http.StatusNoContent)
		w.as(owner, "DELETE "+account+"/workspace_roles/"+role, "", http.StatusNoContent)

		team := pick(t, w.as(owner, "POST "+account+"/teams", `{"name":"builders"}`, http.StatusCreated), "id")
		w.as(owner, "PUT "+account+"/teams/"+team+"/members", `{"members":[{"member_id":"`+bot+`","member_type":"service_account"}]}`, http.StatusOK)
		viewer := pick(t, w.as(owner, "POST "+account+"/workspace_roles/filter", `{"workspace_roles":{"name":{"any_":["Viewer"]}}}`, http.StatusOK), "0.id")
		w.as(owner, "PUT "+lab+"/team_access/", `[{"team_id":"`+team+`","workspace_role_id":"`+viewer+`"}]`, http.StatusOK)
		bots := pick(t, w.as(owner, "POST "+account+"/bots/"+bot+"/rotate_api_key", `{}`, http.StatusCreated), "api_key.key")
		w.as(bots, "POST "+lab+"/flows/filter", `{}`, http.StatusOK)
		w.as(owner, "DELETE "+account+"/teams/"+team, "", http.StatusNoContent)
		w.as(bots, "POST "+lab+"/flows/filter", `{}`, http.StatusForbidden)

		self := pick(t, w.as(owner, "POST "+account+"/account_memberships/filter", `{"only_users":true}`, http.StatusOK), "0.id")
		w.as(owner, "PATCH "+account+"/account_memberships/"+self+"/active", `{"active":false}`, http.StatusConflict)
		w.as(owner, "DELETE "+account+"/account_memberships/"+self, "", http.StatusConflict)

		w.as(owner, "DELETE "+lab, "", http.StatusNoContent)
		w.as(owner, "POST "+lab+"/flows/filter", `{}`, http.StatusNotFound)
		if got := pick(t, w.as(owner, "GET "+account+"/audit/verify", "", http.StatusOK), "intact"); got != "true" {
			t.Errorf("the audit log is intact: %s", got)
		}
		log := string(w.as(owner, "GET "+account+"/audit", "", http.StatusOK))
		for _, event := range []string{"workspace.created", "service-account.created", "api-key.rotated", "workspace-access.deleted", "workspace.deleted"} {
			if !strings.Contains(log, `"prefect-cloud.`+event+`"`) {
				t.Errorf("%s is not in the audit log", event)
			}
		}
		for _, secret := range []string{key, rotated, bots} {
			if strings.Contains(log, secret) {
				t.Error("a key is in the audit log")
			}
		}
	})
}

// Nobody gives more than they have.
func TestNobodyGivesMoreThanTheyHave(t *testing.T) {
	t.Parallel()
	w := newTown(t, storetest.SQLiteURL(t))
	account := "/accounts/" + w.first.AccountID.String()
	admin := w.member(w.first.AccountID, access.AdminID, uuid.UUID{}, uuid.UUID{})
	w.as(admin, "POST "+account+"/bots/", `{"name":"mighty","account_role_id":"`+access.OwnerID.String()+`"}`, http.StatusForbidden)
	w.as(admin, "POST "+account+"/invitations/", `[{"email":"eve@example.com","account_role_id":"`+access.OwnerID.String()+`"}]`, http.StatusForbidden)
	owner := pick(t, w.as(admin, "POST "+account+"/account_memberships/filter", `{"only_users":true}`, http.StatusOK), "0.id")
	w.as(admin, "PATCH "+account+"/account_memberships/"+owner, `{"account_role_id":"`+access.MemberID.String()+`"}`, http.StatusForbidden)
	w.as(w.first.APIKey, "POST /users/"+uuid.NewString()+"/api_keys", `{"name":"k"}`, http.StatusNotFound)
}
