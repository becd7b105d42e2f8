package scim_test

import (
	"bytes"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/rules/credential"
	"github.com/usherhq/usher/internal/server/identity"
	"github.com/usherhq/usher/internal/server/scim"
	"github.com/usherhq/usher/internal/store"
	"github.com/usherhq/usher/internal/store/storetest"
	"github.com/usherhq/usher/internal/testkit"
)

// directory is a server with an account that has the domain acme.example, and a token.
type directory struct {
	t      *testing.T
	db     *store.Store
	people *identity.Service
	owner  *identity.Bootstrapped
	by     identity.By
	url    string
	token  string
}

func open(t *testing.T, db *store.Store) *directory {
	t.Helper()
	d := &directory{t: t, db: db, people: identity.New(db, time.Now, slog.New(slog.DiscardHandler))}
	var err error
	if d.owner, err = d.people.Bootstrap(t.Context(), "ada@acme.example", "acme", "main"); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(scim.New(d.people, slog.New(slog.DiscardHandler)))
	t.Cleanup(server.Close)
	d.people.PublicURL = server.URL
	d.url = d.people.SCIMURL(d.owner.AccountID)
	d.proven(d.owner.AccountID, "acme.example")
	d.token = d.newToken(d.owner.AccountID, nil)
	return d
}

func (d *directory) proven(account uuid.UUID, domain string) {
	d.t.Helper()
	now := d.people.Now()
	storetest.Write(d.t, d.db, func(tx *store.Tx) error {
		return tx.InsertAccountDomain(&store.AccountDomain{AccountID: account, ID: uuid.New(), Created: now, Updated: now, Name: domain, DNSToken: "t", Verified: &now})
	})
}

func (d *directory) newToken(account uuid.UUID, end *api.Time) string {
	d.t.Helper()
	made, err := d.people.AddDirectory(d.t.Context(), identity.By{}, account, &api.DirectoryCreate{Name: "corp", Expiration: end})
	if err != nil {
		d.t.Fatal(err)
	}
	return made.Key
}

type object = map[string]any

// do sends a request and wants a status.
func (d *directory) do(method, path string, body any, status int) object {
	d.t.Helper()
	return d.doAs(d.token, method, d.url+path, body, status)
}

func (d *directory) doAs(token, method, at string, body any, status int) (answer object) {
	d.t.Helper()
	var payload io.Reader
	if body != nil {
		text, err := json.Marshal(body)
		if err != nil {
			d.t.Fatal(err)
		}
		payload = bytes.NewReader(text)
	}
	r, err := http.NewRequestWithContext(d.t.Context(), method, at, payload)
	if err != nil {
		d.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/scim+json")
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		d.t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		d.t.Fatal(err)
	}
	if res.StatusCode != status {
		d.t.Fatalf("%s %s: status %d, not %d: %s", method, at, res.StatusCode, status, text)
	}
	if len(text) > 0 {
		if err := json.Unmarshal(text, &answer); err != nil {
			d.t.Fatalf("%s: %v", text, err)
		}
		if kind := res.Header.Get("Content-Type"); kind != "application/scim+json" {
			d.t.Errorf("the answer is %s", kind)
		}
	}
	return answer
}

func (d *directory) newUser(email string) (id string) {
	d.t.Helper()
	made := d.do(http.MethodPost, "/Users", object{"schemas": []string{"urn:ietf:params:scim:schemas:core:2.0:User"}, "userName": email, "externalId": "x-" + email, "name": object{"givenName": "Grace", "familyName": "Hopper"}, "emails": []object{{"value": email}}}, http.StatusCreated)
	return made["id"].(string)
}

// find lists the userNames that a filter wants.
func (d *directory) find(kind, filter, attribute string) string {
	d.t.Helper()
	found := d.do(http.MethodGet, "/"+kind+"?filter="+url.QueryEscape(filter), nil, http.StatusOK)
	var names []string
	for _, r := range found["Resources"].([]any) {
		names = append(names, r.(object)[attribute].(string))
	}
	return strings.Join(names, " ")
}

func patchOf(ops ...object) object {
	return object{"schemas": []string{"urn:ietf:params:scim:api:messages:2.0:PatchOp"}, "Operations": ops}
}

// TestConformance runs the suite of python-scim.
func TestConformance(t *testing.T) {
	t.Parallel()
	d := open(t, storetest.Open(t, storetest.SQLiteURL(t)))
	script, err := filepath.Abs("testdata/tester.py")
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), testkit.PythonWith(t, "scim2-client[httpx2]==0.13.2", "scim2-models==0.12.3", "scim2-tester==0.5.2"), script, d.url, "acme.example")
	cmd.Env = append(os.Environ(), "TOKEN="+d.token)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	} else {
		t.Logf("%s", out)
	}
}

func onBoth(t *testing.T, test func(*testing.T, *directory)) {
	t.Parallel()
	storetest.Run(t, func(t *testing.T, db *store.Store) { test(t, open(t, db)) })
}

// TestUsers: made, found, changed as Entra and Okta do, kept apart.
func TestUsers(t *testing.T) {
	onBoth(t, func(t *testing.T, d *directory) {
		grace := d.newUser("Grace@acme.example")
		d.newUser("bob@acme.example")
		for filter, want := range map[string]string{
			`userName eq "grace@ACME.example"`:                                  "Grace@acme.example",
			`externalId eq "x-bob@acme.example"`:                                "bob@acme.example",
			`externalId eq "X-bob@acme.example"`:                                "",
			`emails[type eq "work" and value co "bob@"]`:                        "bob@acme.example",
			`name.familyName sw "hop" and not (userName eq "bob@acme.example")`: "Grace@acme.example",
			`userName sw "x" or name.givenName eq "Grace"`:                      "Grace@acme.example bob@acme.example",
			`active eq false`: "",
			`urn:ietf:params:scim:schemas:core:2.0:User:userName ew "ada@acme.example"`: "ada@acme.example",
			`displayName pr`: "Grace@acme.example bob@acme.example",
			`meta.created gt "2020-01-01T00:00:00Z" and nothing eq "x"`: "",
		} {
			if got := d.find("Users", filter, "userName"); got != want {
				t.Errorf("%s finds %q, not %q", filter, got, want)
			}
		}
		for _, bad := range []string{`userName`, `userName eq`, `userName is "x"`, `(userName eq "x"`, `emails[type eq "work"`, `userName eq "x" and`, strings.Repeat("(", 50)} {
			d.do(http.MethodGet, "/Users?filter="+url.QueryEscape(bad), nil, http.StatusBadRequest)
		}
		page := d.do(http.MethodGet, "/Users?startIndex=2&count=1&attributes=userName", nil, http.StatusOK)
		if one := page["Resources"].([]any); page["totalResults"] != 3.0 || len(one) != 1 || one[0].(object)["userName"] != "Grace@acme.example" || one[0].(object)["active"] != nil {
			t.Errorf("%v", page)
		}

		d.do(http.MethodPost, "/Users", object{"userName": "grace@acme.example"}, http.StatusConflict)
		d.do(http.MethodPost, "/Users", object{"userName": "grace@elsewhere.example"}, http.StatusBadRequest)
		d.do(http.MethodPost, "/Users", object{"userName": "no address"}, http.StatusBadRequest)
		d.do(http.MethodPatch, "/Users/"+grace, patchOf(object{"op": "Replace", "path": "name.familyName", "value": "Murray"}, object{"op": "add", "value": object{"name.givenName": "Gracie", "urn:unknown:thing": 1}}), http.StatusOK)
		d.do(http.MethodPatch, "/Users/"+grace, patchOf(object{"op": "replace", "path": `emails[type eq "work"].value`, "value": "other@acme.example"}), http.StatusOK)
		d.do(http.MethodPatch, "/Users/"+grace, patchOf(object{"op": "remove", "path": "externalId"}), http.StatusOK)
		got := d.do(http.MethodGet, "/Users/"+grace, nil, http.StatusOK)
		if got["displayName"] != "Gracie Murray" || got["userName"] != "Grace@acme.example" || got["externalId"] != nil || got["active"] != true {
			t.Errorf("%v", got)
		}
		for _, bad := range []object{{"op": "replace", "path": "id", "value": "x"}, {"op": "replace", "path": "shoeSize", "value": 1}, {"op": "move", "path": "userName"}, {"op": "replace", "path": "userName", "value": "g@elsewhere.example"}, {"op": "replace", "path": "active", "value": 3}} {
			d.do(http.MethodPatch, "/Users/"+grace, patchOf(bad), http.StatusBadRequest)
		}
		d.do(http.MethodPatch, "/Users/"+grace, patchOf(object{"op": "replace", "path": "userName", "value": "bob@acme.example"}), http.StatusConflict)
		got = d.do(http.MethodPut, "/Users/"+grace, object{"userName": "grace.m@acme.example", "active": true}, http.StatusOK)
		if got["userName"] != "grace.m@acme.example" || got["name"] != nil {
			t.Errorf("%v", got)
		}
		d.do(http.MethodDelete, "/Users/"+grace, nil, http.StatusNoContent)
		d.do(http.MethodGet, "/Users/"+grace, nil, http.StatusNotFound)
		d.do(http.MethodDelete, "/Users/"+grace, nil, http.StatusNotFound)
		d.do(http.MethodGet, "/Users/nothing", nil, http.StatusNotFound)
	})
}

// TestGroups are teams of the account.
func TestGroups(t *testing.T) {
	onBoth(t, func(t *testing.T, d *directory) {
		grace, bob := d.newUser("grace@acme.example"), d.newUser("bob@acme.example")
		group := d.do(http.MethodPost, "/Groups", object{"displayName": "flows", "externalId": "g1", "members": []object{{"value": grace}}}, http.StatusCreated)["id"].(string)
		d.do(http.MethodPost, "/Groups", object{"displayName": "flows"}, http.StatusConflict)
		d.do(http.MethodPost, "/Groups", object{"displayName": "x", "members": []object{{"value": uuid.NewString()}}}, http.StatusBadRequest)
		members := func(want ...string) {
			t.Helper()
			got := d.do(http.MethodGet, "/Groups/"+group, nil, http.StatusOK)
			list, _ := got["members"].([]any)
			for _, m := range list {
				if len(want) != len(list) || !strings.Contains(strings.Join(want, " "), m.(object)["value"].(string)) {
					t.Fatalf("members %v, not %v", list, want)
				}
			}
			if len(want) != len(list) {
				t.Fatalf("members %v, not %v", list, want)
			}
		}
		patch := func(op object) { t.Helper(); d.do(http.MethodPatch, "/Groups/"+group, patchOf(op), http.StatusOK) }
		members(grace)
		patch(object{"op": "Add", "path": "members", "value": []object{{"value": bob}}})
		members(grace, bob)
		patch(object{"op": "remove", "path": `members[value eq "` + grace + `"]`})
		members(bob)
		patch(object{"op": "Remove", "path": "members", "value": []object{{"value": bob}}})
		members()
		patch(object{"op": "replace", "value": object{"displayName": "Flows and more", "members": []object{{"value": grace}, {"value": bob}}}})
		members(grace, bob)
		if got := d.find("Groups", `displayName eq "flows and more" and externalId eq "g1"`, "displayName"); got != "Flows and more" {
			t.Error(got)
		}
		user := d.do(http.MethodGet, "/Users/"+bob, nil, http.StatusOK)
		if in := user["groups"].([]any); len(in) != 1 || in[0].(object)["value"] != group {
			t.Errorf("%v", user)
		}
		teams, err := d.people.Teams(t.Context(), d.owner.AccountID, nil)
		if err != nil || len(teams) != 1 || teams[0].Name != "Flows and more" || len(teams[0].Memberships) != 2 {
			t.Errorf("%+v %v", teams, err)
		}
		d.do(http.MethodDelete, "/Users/"+bob, nil, http.StatusNoContent)
		members(grace)
		d.do(http.MethodPut, "/Groups/"+group, object{"displayName": "flows"}, http.StatusOK)
		members()
		d.do(http.MethodDelete, "/Groups/"+group, nil, http.StatusNoContent)
		d.do(http.MethodGet, "/Groups/"+group, nil, http.StatusNotFound)
	})
}

// TestDeactivationEndsSessionsAndKeys: at once here, and on other servers when they next look
// at the epoch; who is in another account stays in that. The last owner can't be removed.
func TestDeactivationEndsSessionsAndKeys(t *testing.T) {
	onBoth(t, func(t *testing.T, d *directory) {
		now := d.people.Now()
		rival := &store.Account{ID: uuid.New(), Created: now, Updated: now, Name: "rival", Handle: "rival", Settings: jsontext.Value("{}"), SSOState: "DISABLED"}
		storetest.Write(t, d.db, func(tx *store.Tx) error { return tx.InsertAccount(rival) })
		for _, c := range []struct {
			email     string
			elsewhere bool
			end       func(id string)
		}{
			{"patch@acme.example", false, func(id string) {
				d.do(http.MethodPatch, "/Users/"+id, patchOf(object{"op": "replace", "path": "active", "value": "False"}), http.StatusOK)
			}},
			{"delete@acme.example", false, func(id string) { d.do(http.MethodDelete, "/Users/"+id, nil, http.StatusNoContent) }},
			{"both@acme.example", true, func(id string) {
				d.do(http.MethodPut, "/Users/"+id, object{"userName": "both@acme.example", "active": false}, http.StatusOK)
			}},
		} {
			id := d.newUser(c.email)
			var actor uuid.UUID
			var key string
			storetest.Across(t, d.db, func(tx *store.Tx) (err error) {
				u, err := d.people.UserByEmail(tx, c.email)
				if err != nil {
					return err
				}
				actor = u.ID
				if c.elsewhere {
					m := &store.Membership{AccountID: rival.ID, ID: uuid.New(), Created: now, Updated: now, ActorID: actor, ActorType: store.ActorUser, Active: true}
					if err := tx.InsertMembership(m); err != nil {
						return err
					}
				}
				end := api.At(now.Add(time.Hour))
				_, key, err = d.people.AddKey(tx, identity.By{}, actor, credential.UserKey, "k", nil)
				if err != nil {
					return err
				}
				session := func(kind string, sso *uuid.UUID) error {
					f := uuid.New()
					return tx.AddToken(&store.Token{ID: f, Kind: kind, Hash: f.String(), Family: f, Actor: actor, SSOAccount: sso, Client: "c", Method: "m", Authenticated: now, Created: now, LastUsed: now, IdleUntil: end, Expires: end, FamilyExpires: end})
				}
				if err := session("session", nil); err != nil {
					return err
				}
				return session("session", &d.owner.AccountID)
			})
			if _, err := d.people.Resolve(t.Context(), key, ""); err != nil {
				t.Fatal(err)
			}
			c.end(id)
			who, err := d.people.Resolve(t.Context(), key, "")
			left := 0
			storetest.Read(t, d.db, func(tx *store.Tx) error {
				list, err := tx.SessionsOf(actor, d.people.Now())
				left = len(list)
				return err
			})
			switch {
			case !c.elsewhere && (api.CodeOf(err) != api.CodeUnauthenticated || left != 0):
				t.Errorf("%s: error %v, %d sessions left", c.email, err, left)
			case c.elsewhere && (err != nil || left != 1 || len(who.Accounts) != 1 || who.Accounts[0].Account.ID != rival.ID):
				t.Errorf("%s: error %v, %d sessions left, %+v", c.email, err, left, who)
			}
		}
		owner := d.do(http.MethodGet, "/Users?filter="+url.QueryEscape(`userName eq "ada@acme.example"`), nil, http.StatusOK)["Resources"].([]any)[0].(object)["id"].(string)
		d.do(http.MethodDelete, "/Users/"+owner, nil, http.StatusConflict)
		d.do(http.MethodPatch, "/Users/"+owner, patchOf(object{"op": "replace", "path": "active", "value": false}), http.StatusConflict)
		d.do(http.MethodGet, "/Users/"+owner, nil, http.StatusOK)
	})
}

// TestOnlyTheDirectoryOfTheAccount: no token, somebody's key, another account's token, one
// that is over or removed gets nothing, and is not told whether there is the account.
func TestOnlyTheDirectoryOfTheAccount(t *testing.T) {
	t.Parallel()
	d := open(t, storetest.Open(t, storetest.SQLiteURL(t)))
	now := d.people.Now()
	rival := &store.Account{ID: uuid.New(), Created: now, Updated: now, Name: "rival", Handle: "rival", Settings: jsontext.Value("{}"), SSOState: "DISABLED"}
	storetest.Write(t, d.db, func(tx *store.Tx) error { return tx.InsertAccount(rival) })
	foreign := d.newToken(rival.ID, nil)
	end := api.At(time.Now().Add(time.Hour))
	d.token = d.newToken(d.owner.AccountID, &end)
	id := d.newUser("grace@acme.example")
	for _, token := range []string{"", "psc_nonsense", d.owner.APIKey, foreign} {
		for _, path := range []string{"/Users", "/Users/" + id, "/Groups", "/ServiceProviderConfig"} {
			d.doAs(token, http.MethodGet, d.url+path, nil, http.StatusUnauthorized)
		}
		d.doAs(token, http.MethodDelete, d.url+"/Users/"+id, nil, http.StatusUnauthorized)
		d.doAs(token, http.MethodGet, d.people.SCIMURL(uuid.New())+"/Users", nil, http.StatusUnauthorized)
	}
	d.doAs(foreign, http.MethodGet, d.people.SCIMURL(rival.ID)+"/Users/"+id, nil, http.StatusNotFound)
	late := identity.New(d.db, func() time.Time { return time.Now().Add(2 * time.Hour) }, slog.New(slog.DiscardHandler))
	if found, err := late.Directory(t.Context(), d.owner.AccountID, d.token); err != nil || found != nil {
		t.Errorf("a token that is over is %v, %v", found, err)
	}
	list, err := d.people.Integrations(t.Context(), d.owner.AccountID)
	if err != nil || len(list.Directories) != 2 || strings.Contains(list.Directories[1].MaskedKey, d.token[4:30]) || list.Directories[1].LastUsed == nil {
		t.Fatalf("%+v %v", list, err)
	}
	if err := d.people.RemoveDirectory(t.Context(), identity.By{}, d.owner.AccountID, list.Directories[1].ID); err != nil {
		t.Fatal(err)
	}
	d.do(http.MethodGet, "/Users", nil, http.StatusUnauthorized)
}
