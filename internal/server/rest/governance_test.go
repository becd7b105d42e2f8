package rest_test

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/go-json-experiment/json"
	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/rules/access"
	"github.com/usherhq/usher/internal/server"
	"github.com/usherhq/usher/internal/server/identity"
	"github.com/usherhq/usher/internal/server/origin"
	"github.com/usherhq/usher/internal/store"
	"github.com/usherhq/usher/internal/store/storetest"
	"github.com/usherhq/usher/internal/testkit"
)

// hub is town with its path of the account.
func hub(t *testing.T, database string) (w *town, account, main string) {
	t.Helper()
	w = newTown(t, database)
	account = "/accounts/" + w.first.AccountID.String()
	return w, account, account + "/workspaces/" + w.first.WorkspaceID.String()
}

// Roles that an account makes: nobody puts more into one than they have, and none goes
// while somebody has it.
func TestAccountRolesAreMade(t *testing.T) {
	t.Parallel()
	storetest.RunURL(t, func(t *testing.T, database string) {
		w, account, _ := hub(t, database)
		owner := w.first.APIKey
		role := pick(t, w.as(owner, "POST "+account+"/account_roles/", `{"name":"auditor","permissions":["read:account","read:audit_event"]}`, http.StatusCreated), "id")
		w.as(owner, "POST "+account+"/account_roles/", `{"name":"auditor","permissions":[]}`, http.StatusConflict)
		w.as(owner, "POST "+account+"/account_roles/", `{"name":"Owner","permissions":[]}`, http.StatusConflict)
		w.as(owner, "POST "+account+"/account_roles/", `{"name":"x","permissions":["fly:high"]}`, http.StatusUnprocessableEntity)
		admin := w.member(w.first.AccountID, access.AdminID, uuid.UUID{}, uuid.UUID{})
		w.as(admin, "POST "+account+"/account_roles/", `{"name":"x","permissions":["create:audit_event"]}`, http.StatusForbidden)
		auditor := w.member(w.first.AccountID, uuid.MustParse(role), uuid.UUID{}, uuid.UUID{})
		w.as(auditor, "GET "+account+"/audit", "", http.StatusOK)
		w.as(auditor, "POST "+account+"/bots/", `{"name":"b"}`, http.StatusForbidden)
		w.as(owner, "PATCH "+account+"/account_roles/"+role, `{"permissions":["read:account"]}`, http.StatusNoContent)
		w.as(auditor, "GET "+account+"/audit", "", http.StatusForbidden)
		w.as(owner, "DELETE "+account+"/account_roles/"+role, "", http.StatusConflict)
		w.as(owner, "PATCH "+account+"/account_roles/"+access.MemberID.String(), `{"name":"m"}`, http.StatusForbidden)
		unused := pick(t, w.as(owner, "POST "+account+"/account_roles/", `{"name":"unused","permissions":[]}`, http.StatusCreated), "id")
		w.as(owner, "DELETE "+account+"/account_roles/"+unused, "", http.StatusNoContent)
		w.as(owner, "DELETE "+account+"/account_roles/"+unused, "", http.StatusNotFound)
	})
}

// A workspace moves to another account with what it holds, secrets included, and without
// who had access.
func TestAWorkspaceMovesToAnotherAccount(t *testing.T) {
	t.Parallel()
	storetest.RunURL(t, func(t *testing.T, database string) {
		w, account, main := hub(t, database)
		owner := w.first.APIKey
		now := w.id.Now()
		w.change(func(tx *store.Tx) error {
			return tx.InsertMembership(&store.Membership{AccountID: w.rival.ID, ID: uuid.New(), Created: now, Updated: now, ActorID: w.first.UserID, ActorType: store.ActorUser, RoleID: access.OwnerID, Active: true})
		})
		guest := w.member(w.first.AccountID, access.MemberID, w.first.WorkspaceID, access.ViewerID)
		w.as(guest, "POST "+main+"/flows/filter", `{}`, http.StatusOK)
		block := w.secret(owner, main, "the canary")
		body := `{"to_account_id":"` + w.rival.ID.String() + `","new_handle":"den"}`
		if got := string(w.as(owner, "POST "+main+"/validate_transfer", body, http.StatusOK)); !strings.Contains(got, "already") {
			t.Errorf("the handle is taken: %s", got)
		}
		w.as(owner, "POST "+main+"/transfer", body, http.StatusConflict)
		body = `{"to_account_id":"` + w.rival.ID.String() + `","new_handle":"moved"}`
		if got := string(w.as(owner, "POST "+main+"/validate_transfer", body, http.StatusOK)); got != "{}" {
			t.Errorf("problems: %s", got)
		}
		w.as(w.member(w.first.AccountID, access.OwnerID, uuid.UUID{}, uuid.UUID{}), "POST "+main+"/transfer", body, http.StatusNotFound)
		w.as(owner, "POST "+main+"/transfer", body, http.StatusNoContent)
		w.as(owner, "POST "+main+"/flows/filter", `{}`, http.StatusNotFound)
		moved := "/accounts/" + w.rival.ID.String() + "/workspaces/" + w.first.WorkspaceID.String()
		if got := string(w.as(owner, "GET "+moved+"/block_documents/"+block+"?include_secrets=true", "", http.StatusOK)); !strings.Contains(got, "the canary") {
			t.Errorf("the secret: %s", got)
		}
		w.as(guest, "POST "+moved+"/flows/filter", `{}`, http.StatusNotFound)
		for _, who := range []string{account, "/accounts/" + w.rival.ID.String()} {
			if got := string(w.as(owner, "GET "+who+"/audit/verify", "", http.StatusOK)); !strings.Contains(got, `"intact":true`) {
				t.Errorf("the audit log of %s: %s", who, got)
			}
		}
		// The keys of the new account alone are above it now.
		w.change(func(tx *store.Tx) error { return w.shred(tx, w.first.AccountID) })
		if got := string(w.as(owner, "GET "+moved+"/block_documents/"+block+"?include_secrets=true", "", http.StatusOK)); !strings.Contains(got, "the canary") {
			t.Errorf("the secret without the keys of the old account: %s", got)
		}
	})
}

func (w *town) shred(tx *store.Tx, account uuid.UUID) error {
	_, err := tx.Exec("delete from account_key\nwhere account_id = ?", account)
	return err
}

// secret saves a secret block and returns its id.
func (w *town) secret(key, main, value string) (block string) {
	w.t.Helper()
	kind := pick(w.t, w.as(key, "GET "+main+"/block_types/slug/secret", "", http.StatusOK), "id")
	schema := pick(w.t, w.as(key, "POST "+main+"/block_schemas/filter", `{"block_schemas":{"block_type_id":{"any_":["`+kind+`"]}}}`, http.StatusOK), "0.id")
	return pick(w.t, w.as(key, "POST "+main+"/block_documents/", `{"name":"canary-`+uuid.NewString()[:8]+`","block_type_id":"`+kind+`","block_schema_id":"`+schema+`","data":{"value":"`+value+`"}}`, http.StatusCreated), "id")
}

// Each account has a key of its own, and each workspace one below it.
func TestKeysOfAccounts(t *testing.T) {
	t.Parallel()
	w, _, main := hub(t, storetest.SQLiteURL(t))
	rival := w.member(w.rival.ID, access.OwnerID, uuid.UUID{}, uuid.UUID{})
	den := "/accounts/" + w.rival.ID.String() + "/workspaces/" + w.den.ID.String()
	mine, theirs := w.secret(w.first.APIKey, main, "the same"), w.secret(rival, den, "the same")
	w.change(func(tx *store.Tx) error {
		for _, account := range []uuid.UUID{w.first.AccountID, w.rival.ID} {
			if keys, err := tx.AccountKeysOf(account); err != nil || len(keys) != 1 {
				t.Errorf("account %s has %d keys: %v", account, len(keys), err)
			}
		}
		return w.shred(tx, w.rival.ID)
	})
	w.restart()
	if got := string(w.as(w.first.APIKey, "GET "+main+"/block_documents/"+mine+"?include_secrets=true", "", http.StatusOK)); !strings.Contains(got, "the same") {
		t.Errorf("our secret: %s", got)
	}
	w.as(rival, "GET "+den+"/block_documents/"+theirs+"?include_secrets=true", "", http.StatusInternalServerError)
}

// restart lets another server, which remembers nothing, answer from now on.
func (w *town) restart() {
	w.t.Helper()
	w.url = startServerWith(w.t, w.db, func(o *server.Options) { o.Accounts, o.Keys = true, w.keys })
}

// An account that is deleted lets nobody in, comes back when asked for in time, and is gone
// with everything after a week.
func TestAnAccountEnds(t *testing.T) {
	t.Parallel()
	storetest.RunURL(t, func(t *testing.T, database string) {
		w, account, main := hub(t, database)
		owner := w.first.APIKey
		w.secret(owner, main, "the canary")
		w.as(w.member(w.first.AccountID, access.AdminID, uuid.UUID{}, uuid.UUID{}), "DELETE "+account, "", http.StatusForbidden)
		w.as(owner, "DELETE "+account, "", http.StatusNoContent)
		w.as(owner, "GET "+account, "", http.StatusNotFound)
		w.as(owner, "POST "+main+"/flows/filter", `{}`, http.StatusNotFound)
		if _, err := w.id.RestoreAccount(t.Context(), identity.By{}, "acme"); err != nil {
			t.Fatal(err)
		}
		testkit.Eventually(t, time.Minute, func() error { // another server has brought it back
			status, body, _ := call(t, "GET", w.url+account, "", bearer(owner)...)
			if status != http.StatusOK {
				return api.Errorf(api.CodeInternal, "%d %s", status, body)
			}
			return nil
		})
		w.as(owner, "DELETE "+account, "", http.StatusNoContent)
		later := identity.New(storetest.Open(t, database), func() time.Time { return time.Now().Add(identity.Grace + time.Minute) }, discard)
		if err := w.id.RemoveDeleted(t.Context()); err != nil {
			t.Fatal(err)
		}
		if _, err := w.id.RestoreAccount(t.Context(), identity.By{}, "acme"); err != nil {
			t.Errorf("it is gone too early: %v", err)
		}
		w.change(func(tx *store.Tx) error {
			return tx.UpdateAccount(w.first.AccountID, store.Set{Column: "deleted", Value: w.id.Now()})
		})
		if _, err := later.RestoreAccount(t.Context(), identity.By{}, "acme"); err == nil {
			t.Error("it comes back though its grace is over")
		}
		if err := later.RemoveDeleted(t.Context()); err != nil {
			t.Fatal(err)
		}
		w.change(func(tx *store.Tx) error {
			for _, table := range []string{"account_key", "account_membership", "bot"} {
				var n int
				if err := tx.QueryRow("select count(*)\nfrom "+table+"\nwhere account_id = ?", []any{w.first.AccountID}, &n); err != nil || n > 0 {
					t.Errorf("%d rows of %s are left: %v", n, table, err)
				}
			}
			for _, table := range []string{"workspace_key", "block_document", "flow"} {
				var n int
				if err := tx.QueryRow("select count(*)\nfrom "+table+"\nwhere workspace_id = ?", []any{w.first.WorkspaceID}, &n); err != nil || n > 0 {
					t.Errorf("%d rows of %s are left: %v", n, table, err)
				}
			}
			return nil
		})
	})
}

// A list of addresses keeps others out, cannot keep out who makes it, believes proxies only
// that are trusted, and tells in the log whom it has refused.
func TestAddressesThatAreAllowed(t *testing.T) {
	t.Parallel()
	storetest.RunURL(t, func(t *testing.T, database string) {
		proxies, err := origin.Proxies([]string{"127.0.0.1"})
		if err != nil {
			t.Fatal(err)
		}
		w := newTownWith(t, database, func(o *server.Options) { o.Front = origin.Front{Proxies: proxies} })
		account := "/accounts/" + w.first.AccountID.String()
		owner, list := w.first.APIKey, account+"/ip_allowlist"
		from := func(address, do string, body string) (int, string) {
			method, path, _ := strings.Cut(do, " ")
			status, text, _ := call(t, method, w.url+path, body, append(bearer(owner), "X-Forwarded-For", address)...)
			return status, text
		}
		w.as(owner, "PUT "+list, `{"entries":[{"ip_network":"192.0.2.0/24","enabled":true},{"ip_network":"2001:db8::1","enabled":true,"description":"ada"}]}`, http.StatusNoContent)
		if got := string(w.as(owner, "GET "+list, "", http.StatusOK)); !strings.Contains(got, `"ip_network":"192.0.2.0/24"`) || !strings.Contains(got, `"description":"ada"`) {
			t.Errorf("the list: %s", got)
		}
		w.as(owner, "PUT "+list, `{"entries":[{"ip_network":"everywhere","enabled":true}]}`, http.StatusUnprocessableEntity)
		w.as(owner, "PUT "+list, `{"entries":[`+strings.TrimSuffix(strings.Repeat(`{"ip_network":"192.0.2.1","enabled":false},`, 26), ",")+`]}`, http.StatusUnprocessableEntity)
		if got := string(w.as(owner, "GET "+list+"/my_access", "", http.StatusOK)); !strings.Contains(got, `"allowed":false`) {
			t.Errorf("my access: %s", got)
		}
		w.as(owner, "PATCH "+account+"/settings", `{"enforce_ip_allowlist":true}`, http.StatusUnprocessableEntity) // it would keep us out
		if status, text := from("192.0.2.7", "PATCH "+account+"/settings", `{"enforce_ip_allowlist":true}`); status != http.StatusNoContent {
			t.Fatalf("%d %s", status, text)
		}
		for address, want := range map[string]int{
			"192.0.2.7": http.StatusOK, "2001:db8::1": http.StatusOK, "198.51.100.1": http.StatusForbidden, "192.0.2.7, 198.51.100.1": http.StatusForbidden,
			"198.51.100.1, 192.0.2.7": http.StatusOK, "nonsense": http.StatusForbidden,
		} {
			for _, do := range []string{"GET " + account, "POST " + strings.TrimPrefix(w.main(), w.url) + "/flows/filter"} {
				if status, text := from(address, do, ""); status != want {
					t.Errorf("%s from %s: %d %s", do, address, status, text)
				}
			}
		}
		if status, text := from("192.0.2.7", "PUT "+list, `{"entries":[{"ip_network":"203.0.113.1","enabled":true}]}`); status != http.StatusUnprocessableEntity {
			t.Errorf("who makes a list keeps themselves out: %d %s", status, text)
		}
		_, log := from("192.0.2.7", "GET "+account+"/audit", "")
		if !strings.Contains(log, "prefect-cloud.request.access-denied.ip-allowlist") || !strings.Contains(log, "198.51.100.1") {
			t.Error("nothing in the log tells of who was refused")
		}
		if _, text := from("192.0.2.7", "GET "+list, ""); !strings.Contains(text, `"last_seen":"2`) {
			t.Errorf("nobody was seen: %s", text)
		}
		if status, text := from("192.0.2.7", "PUT "+list, `{"entries":[]}`); status != http.StatusNoContent { // no entry: everybody
			t.Errorf("%d %s", status, text)
		}
		w.as(owner, "GET "+account, "", http.StatusOK)
	})
}

// What an account may ask for in a minute: more is refused with how long to wait, its
// workspaces have shares, and reports say who has asked.
func TestRatesAreLimited(t *testing.T) {
	t.Parallel()
	storetest.RunURL(t, func(t *testing.T, database string) {
		clock := time.Now().UTC().Truncate(time.Minute).Add(10 * time.Second) // the minute lasts
		w := newTownWith(t, database, func(o *server.Options) {
			o.Rates, o.Clock = identity.Rates{Requests: 20, LogsEvents: 5}, func() time.Time { return clock }
		})
		account := "/accounts/" + w.first.AccountID.String()
		main, owner := strings.TrimPrefix(w.main(), w.url), w.first.APIKey
		logs := `[` + strings.TrimSuffix(strings.Repeat(`{"name":"l","level":20,"message":"m","timestamp":"2026-01-01T00:00:00Z"},`, 3), ",") + `]`
		w.as(owner, "POST "+main+"/logs/", logs, http.StatusCreated)
		status, body, header := call(t, "POST", w.url+main+"/logs/", logs, bearer(owner)...)
		if status != http.StatusTooManyRequests || header.Get("Retry-After") != "50" {
			t.Errorf("too many logs: %d %s, Retry-After %q", status, body, header.Get("Retry-After"))
		}
		refused := 0
		for range 30 {
			if status, _, _ := call(t, "POST", w.url+main+"/flows/filter", `{}`, bearer(owner)...); status == http.StatusTooManyRequests {
				refused++
			}
		}
		if refused < 10 || refused > 12 {
			t.Errorf("%d of 30 requests were refused", refused)
		}
		rival := w.member(w.rival.ID, access.OwnerID, uuid.UUID{}, uuid.UUID{})
		w.as(rival, "GET /accounts/"+w.rival.ID.String(), "", http.StatusOK) // others are not bounded by that
		got := string(w.as(owner, "GET "+account+"/rate-limits/status", "", http.StatusOK))
		if got != `{"exceeded_buckets":["events","orchestration"]}` {
			t.Errorf("exceeded: %s", got)
		}
	})
}

// What comes through a socket beyond the bound waits for the next minute, and its sender is
// not told before that it is stored.
func TestRatesSlowSockets(t *testing.T) {
	t.Parallel()
	var later atomic.Int64
	begin := time.Now().UTC().Truncate(time.Minute).Add(59 * time.Second)
	w := newTownWith(t, storetest.SQLiteURL(t), func(o *server.Options) {
		o.Rates, o.Clock = identity.Rates{LogsEvents: 5}, func() time.Time { return begin.Add(time.Duration(later.Load())) }
	})
	conn, _, err := websocket.Dial(t.Context(), w.main()+"/events/in", &websocket.DialOptions{HTTPHeader: header(bearer(w.first.APIKey))})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.CloseNow() //nolint:errcheck // the test ends
	ctx := conn.CloseRead(t.Context())
	for range 8 {
		event := `{"id":"` + uuid.NewString() + `","occurred":"` + begin.Format(time.RFC3339) + `","event":"e","resource":{"prefect.resource.id":"much"},"related":[],"payload":{}}`
		if err := conn.Write(ctx, websocket.MessageText, []byte(event)); err != nil {
			t.Fatal(err)
		}
	}
	ponged := make(chan error, 1)
	go func() { ponged <- conn.Ping(ctx) }()
	stored := func() string {
		body := w.as(w.first.APIKey, "POST "+strings.TrimPrefix(w.main(), w.url)+"/events/count-by/event", `{"filter":{"occurred":{"since":"`+begin.Add(-time.Hour).Format(time.RFC3339)+`"},"any_resource":{"id":["much"]}}}`, http.StatusOK)
		var counts []struct{ Count int }
		if err := json.Unmarshal(body, &counts, json.MatchCaseInsensitiveNames(true)); err != nil || len(counts) == 0 {
			return "none"
		}
		return strconv.Itoa(counts[0].Count)
	}
	testkit.Eventually(t, 30*time.Second, func() error {
		if n := stored(); n != "5" {
			return errors.New(n + " events are stored")
		}
		return nil
	})
	select {
	case err := <-ponged:
		t.Fatalf("the sender was told that all is stored (%v)", err)
	default:
	}
	later.Store(int64(2 * time.Second))
	if err := <-ponged; err != nil || stored() != "8" {
		t.Errorf("in the next minute: %v, %s of 8 events are stored", err, stored())
	}
}

// Reports about a minute that is not used up, and shares of workspaces.
func TestRatesAreReported(t *testing.T) {
	t.Parallel()
	clock := time.Now().UTC().Truncate(time.Minute).Add(10 * time.Second)
	w := newTownWith(t, storetest.SQLiteURL(t), func(o *server.Options) {
		o.Rates, o.Clock = identity.Rates{Requests: 1000}, func() time.Time { return clock }
	})
	account := "/accounts/" + w.first.AccountID.String()
	main, owner := strings.TrimPrefix(w.main(), w.url), w.first.APIKey
	for range 7 {
		w.as(owner, "POST "+main+"/flows/filter", `{}`, http.StatusOK)
	}
	span := "?since=" + clock.Add(-time.Minute).Format(time.RFC3339) + "&until=" + clock.Add(time.Second).Format(time.RFC3339)
	var report struct {
		Keys map[string]struct{ Requested, Granted, Limit []int }
	}
	if err := json.Unmarshal(w.as(owner, "GET "+account+"/rate-limits/usage"+span, "", http.StatusOK), &report, json.MatchCaseInsensitiveNames(true)); err != nil {
		t.Fatal(err)
	}
	if got := report.Keys["orchestration"]; len(got.Granted) != 2 || got.Granted[1] != 8 || got.Limit[1] != 1000 { // this one counts too
		t.Errorf("usage: %+v", got)
	}
	got := string(w.as(owner, "GET "+account+"/rate-limits/orchestration-api"+span+"&group_by=workspace_id", "", http.StatusOK))
	if !strings.Contains(got, `"`+w.first.WorkspaceID.String()+`":{"requested":[0,7],"granted":[0,7]}`) {
		t.Errorf("by workspace: %s", got)
	}
	if got := string(w.as(owner, "GET "+account+"/rate-limits/actor-names"+span, "", http.StatusOK)); !strings.Contains(got, "ada") {
		t.Errorf("actors: %s", got)
	}
	w.as(owner, "GET "+account+"/rate-limits/orchestration-api"+span+"&group_by=colour", "", http.StatusUnprocessableEntity)
	share := func(main, side string) string {
		return `{"allocations":[{"workspace_id":"` + w.first.WorkspaceID.String() + `","rate_limit_percentage":` + main + `},{"workspace_id":"` + w.side.ID.String() + `","rate_limit_percentage":` + side + `}]}`
	}
	w.as(owner, "PUT "+account+"/rate-limit-allocations/", share("0.01", "50"), http.StatusUnprocessableEntity)
	w.as(owner, "PUT "+account+"/rate-limit-allocations/", `{"allocations":[{"workspace_id":"`+w.first.WorkspaceID.String()+`","rate_limit_percentage":5}]}`, http.StatusUnprocessableEntity)
	w.as(owner, "PUT "+account+"/rate-limit-allocations/", share("0.5", "50"), http.StatusOK)
	testkit.Eventually(t, time.Minute, func() error { // when servers have read it
		if status, _, _ := call(t, "POST", w.url+main+"/flows/filter", `{}`, bearer(owner)...); status != http.StatusTooManyRequests {
			return api.Errorf(api.CodeInternal, "the share does not count: %d", status)
		}
		return nil
	})
	w.as(owner, "POST "+account+"/workspaces/"+w.side.ID.String()+"/flows/filter", `{}`, http.StatusOK)
}

// Requests from elsewhere become events.
func TestWebhooks(t *testing.T) {
	t.Parallel()
	storetest.RunURL(t, func(t *testing.T, database string) {
		w, account, main := hub(t, database)
		owner := w.first.APIKey
		template := `{"event":"model.refreshed","resource":{"prefect.resource.id":"model.{{ body.model }}"},"payload":{"from":"{{ headers['x-from'] }}","method":"{{ method }}","auth":"{{ headers.get('authorization', 'none') }}"}}`
		text, err := json.Marshal(map[string]any{"name": "models", "template": template})
		if err != nil {
			t.Fatal(err)
		}
		made := w.as(owner, "POST "+main+"/webhooks/", string(text), http.StatusCreated)
		id, slug := pick(t, made, "id"), pick(t, made, "slug")
		if len(slug) != 22 {
			t.Errorf("the slug is %q", slug)
		}
		hooks := strings.TrimSuffix(w.url, "/api") + "/hooks/"
		send := func(slug, body string, headers ...string) (int, string) {
			status, answer, _ := call(t, "POST", hooks+slug, body, headers...)
			return status, answer
		}
		if status, answer := send(slug, `{"model":"m1"}`, "X-From", "ci", "Authorization", "Bearer hunter2"); status != http.StatusNoContent || answer != "" {
			t.Fatalf("%d %s", status, answer)
		}
		events := func(name string) string {
			return string(w.as(owner, "POST "+main+"/events/filter", `{"filter":{"event":{"name":["`+name+`"]}}}`, http.StatusOK))
		}
		got := events("model.refreshed")
		for _, want := range []string{`"prefect.resource.id":"model.m1"`, `"from":"ci"`, `"method":"POST"`, `"auth":"none"`, `prefect-cloud.webhook.` + id} {
			if !strings.Contains(got, want) {
				t.Errorf("%s is not in %s", want, got)
			}
		}
		if got := events("prefect-cloud.webhook.received"); strings.Contains(got, "hunter2") || !strings.Contains(got, `"x-from":"ci"`) {
			t.Errorf("received: %s", got)
		}
		for _, bad := range []string{`{"model":`, `{"model":"\"}"}`} {
			if status, answer := send(slug, bad, "Content-Type", "application/json"); status != http.StatusBadRequest {
				t.Errorf("%s: %d %s", bad, status, answer)
			}
		}
		if got := events("prefect-cloud.webhook.failed"); !strings.Contains(got, `"error":`) {
			t.Errorf("failed: %s", got)
		}
		for _, hostile := range []string{`{{ ''.__class__.__mro__ }}`, `{% for i in range(10**9) %}{{ i }}{% endfor %}`, `{{ 'x' * 10**9 }}`} {
			text, err := json.Marshal(map[string]any{"name": "models", "template": hostile})
			if err != nil {
				t.Fatal(err)
			}
			w.as(owner, "PUT "+main+"/webhooks/"+id, string(text), http.StatusNoContent)
			if status, answer := send(slug, `{}`); status != http.StatusBadRequest {
				t.Errorf("%s: %d %s", hostile, status, answer)
			}
		}
		w.as(owner, "POST "+main+"/webhooks/", `{"name":"bad","template":"{% if %}"}`, http.StatusUnprocessableEntity)
		w.cloudEvents(owner, main, hooks)
		rotated := pick(t, w.as(owner, "POST "+main+"/webhooks/"+id+"/rotate", "", http.StatusOK), "slug")
		if status, _ := send(slug, `{}`); status != http.StatusNotFound {
			t.Errorf("the old slug: %d", status)
		}
		w.as(owner, "PATCH "+main+"/webhooks/"+id, `{"enabled":false}`, http.StatusNoContent)
		if status, _ := send(rotated, `{}`); status != http.StatusBadRequest {
			t.Errorf("switched off: %d", status)
		}
		w.guarded(owner, account, main, hooks)
		w.as(owner, "DELETE "+main+"/webhooks/"+id, "", http.StatusNoContent)
		if status, _ := send(rotated, `{}`); status != http.StatusNotFound {
			t.Errorf("deleted: %d", status)
		}
	})
}

func (w *town) cloudEvents(owner, main, hooks string) {
	w.t.Helper()
	slug := pick(w.t, w.as(owner, "POST "+main+"/webhooks/", `{"name":"cloud","template":"{{ body | from_cloud_event(headers) | tojson }}"}`, http.StatusCreated), "slug")
	if status, answer, _ := call(w.t, "POST", hooks+slug, `{"n":1}`, "Content-Type", "application/json", "ce-type", "file.put", "ce-source", "/bucket", "ce-subject", "f.txt", "ce-id", "1"); status != http.StatusNoContent {
		w.t.Errorf("a CloudEvent in headers: %d %s", status, answer)
	}
	if status, answer, _ := call(w.t, "POST", hooks+slug, `{"type":"file.gone","source":"/bucket","data":{"n":2}}`, "Content-Type", "application/json"); status != http.StatusNoContent {
		w.t.Errorf("a CloudEvent in the body: %d %s", status, answer)
	}
	got := string(w.as(owner, "POST "+main+"/events/filter", `{"filter":{"event":{"prefix":["file."]}}}`, http.StatusOK))
	for _, want := range []string{`"prefect.resource.id":"f.txt"`, `"prefect.resource.id":"/bucket"`, `"data":{"n":1}`, `"data":{"n":2}`} {
		if !strings.Contains(got, want) {
			w.t.Errorf("%s is not in %s", want, got)
		}
	}
}

// guarded is a webhook of a service account.
func (w *town) guarded(owner, account, main, hooks string) {
	w.t.Helper()
	bot := w.as(owner, "POST "+account+"/bots/", `{"name":"hooker"}`, http.StatusCreated)
	id, key := pick(w.t, bot, "id"), pick(w.t, bot, "api_key.key")
	w.as(owner, "POST "+main+"/bot_access/", `[{"bot_id":"`+id+`","workspace_role_id":"`+access.WorkerID.String()+`"}]`, http.StatusOK)
	body := `{"name":"guarded","service_account_id":"` + id + `","template":"{\"event\":\"e\",\"resource\":{\"prefect.resource.id\":\"r\"}}"}`
	made := w.as(owner, "POST "+main+"/webhooks/", body, http.StatusCreated)
	slug := pick(w.t, made, "slug")
	for name, c := range map[string]struct {
		headers []string
		want    int
	}{"nobody": {nil, 401}, "another": {bearer(owner), 401}, "the service account": {bearer(key), 204}} {
		if status, answer, _ := call(w.t, "POST", hooks+slug, `{}`, c.headers...); status != c.want {
			w.t.Errorf("%s calls a guarded webhook: %d %s", name, status, answer)
		}
	}
	w.as(owner, "PATCH "+account+"/settings", `{"enforce_webhook_authentication":true}`, http.StatusNoContent)
	w.as(owner, "POST "+main+"/webhooks/", `{"name":"open","template":"{}"}`, http.StatusForbidden)
	w.as(owner, "DELETE "+account+"/bots/"+id, "", http.StatusNoContent)
	if status, _, _ := call(w.t, "POST", hooks+slug, `{}`, bearer(key)...); status != http.StatusNotFound {
		w.t.Errorf("the webhook of a service account that is gone: %d", status)
	}
}

// Lists of who may use single objects.
func TestObjectsHaveTheirOwnLists(t *testing.T) {
	t.Parallel()
	storetest.RunURL(t, func(t *testing.T, database string) {
		w, _, main := hub(t, database)
		owner := w.first.APIKey
		dev := w.member(w.first.AccountID, access.MemberID, w.first.WorkspaceID, access.DeveloperID)
		other := w.member(w.first.AccountID, access.MemberID, w.first.WorkspaceID, access.DeveloperID)
		me := pick(t, w.as(dev, "GET /me/", "", http.StatusOK), "id")
		block := w.secret(owner, main, "s")
		w.as(other, "GET "+main+"/block_documents/"+block, "", http.StatusOK)
		path := main + "/block_documents/" + block
		w.as(owner, "PUT "+path+"/access", `{"access_control":{"manage_actor_ids":[],"view_actor_ids":["`+me+`"]}}`, http.StatusNoContent)
		w.as(dev, "GET "+path, "", http.StatusOK)
		w.as(dev, "DELETE "+path, "", http.StatusForbidden)
		w.as(other, "GET "+path, "", http.StatusNotFound)
		w.as(other, "PATCH "+path, `{"data":{}}`, http.StatusNotFound)
		w.as(owner, "GET "+path, "", http.StatusOK)
		if got := string(w.as(other, "POST "+main+"/block_documents/filter", `{}`, http.StatusOK)); strings.Contains(got, block) {
			t.Error("a list shows a block that is hidden")
		}
		if got := string(w.as(dev, "POST "+main+"/block_documents/filter", `{}`, http.StatusOK)); !strings.Contains(got, block) {
			t.Error("a list hides a block that is not hidden")
		}
		if got := string(w.as(owner, "GET "+path+"/access", "", http.StatusOK)); !strings.Contains(got, me) || strings.Contains(got, "run_actors") {
			t.Errorf("who may use it: %s", got)
		}
		if got := string(w.as(dev, "POST "+main+"/block_documents/my-access", `{"block_document_ids":["`+block+`"]}`, http.StatusOK)); got != `{"`+block+`":["view"]}` {
			t.Errorf("what one may do: %s", got)
		}
		w.as(owner, "PUT "+path+"/access", `{"access_control":{"manage_actor_ids":["*"],"view_actor_ids":[]}}`, http.StatusNoContent)
		w.as(other, "DELETE "+path, "", http.StatusNoContent)

		flow := pick(t, w.as(owner, "POST "+main+"/flows/", `{"name":"f"}`, http.StatusCreated), "id")
		w.as(owner, "POST "+main+"/work_pools/", `{"name":"pool","type":"process"}`, http.StatusCreated)
		deployment := pick(t, w.as(owner, "POST "+main+"/deployments/", `{"name":"d","flow_id":"`+flow+`"}`, http.StatusCreated), "id")
		at := main + "/deployments/" + deployment
		w.as(owner, "PUT "+at+"/access", `{"access_control":{"manage_actor_ids":[],"run_actor_ids":["`+me+`"],"view_actor_ids":["*"]}}`, http.StatusNoContent)
		w.as(dev, "POST "+at+"/create_flow_run", `{}`, http.StatusCreated)
		w.as(other, "POST "+at+"/create_flow_run", `{}`, http.StatusForbidden)
		w.as(other, "GET "+at, "", http.StatusOK)
		w.as(dev, "DELETE "+at, "", http.StatusForbidden)
		w.as(other, "POST "+main+"/flow_runs/", `{"flow_id":"`+flow+`","deployment_id":"`+deployment+`"}`, http.StatusForbidden)

		w.as(owner, "PUT "+main+"/work_pools/pool/access", `{"access_control":{"manage_actor_ids":[],"run_actor_ids":["`+me+`"],"view_actor_ids":[]}}`, http.StatusNoContent)
		w.as(dev, "GET "+main+"/work_pools/pool", "", http.StatusOK)
		w.as(other, "GET "+main+"/work_pools/pool", "", http.StatusNotFound)
		w.as(other, "POST "+main+"/work_pools/pool/workers/heartbeat", `{"name":"w"}`, http.StatusNotFound)
		w.as(owner, "PUT "+main+"/work_pools/pool/access", `{"access_control":{"manage_actor_ids":["`+uuid.NewString()+`"],"view_actor_ids":[]}}`, http.StatusNotFound)
	})
}

// Runs and deployments name who has made them.
func TestWhatIsMadeNamesItsMaker(t *testing.T) {
	t.Parallel()
	w, _, main := hub(t, storetest.SQLiteURL(t))
	owner := w.first.APIKey
	bot := w.member(w.first.AccountID, access.MemberID, w.first.WorkspaceID, access.DeveloperID)
	me := pick(t, w.as(bot, "GET /me/", "", http.StatusOK), "id")
	flow := pick(t, w.as(owner, "POST "+main+"/flows/", `{"name":"f"}`, http.StatusCreated), "id")
	forged := append(bearer(owner), "Prefect-Automation-Id", uuid.NewString())
	_, run, _ := call(t, "POST", w.url+main+"/flow_runs/", `{"flow_id":"`+flow+`"}`, forged...)
	if got := pick(t, []byte(run), "created_by.type"); got != "USER" {
		t.Errorf("made by a %s", got)
	}
	made := w.as(owner, "POST "+main+"/deployments/", `{"name":"d","flow_id":"`+flow+`"}`, http.StatusCreated)
	if got := pick(t, made, "created_by.id"); got != w.first.UserID.String() {
		t.Errorf("the deployment is by %s", got)
	}
	at := main + "/deployments/" + pick(t, made, "id")
	w.as(bot, "PATCH "+at, `{"description":"d"}`, http.StatusNoContent)
	if got := pick(t, w.as(owner, "GET "+at, "", http.StatusOK), "updated_by.id"); got != me {
		t.Errorf("the deployment was changed by %s", got)
	}
}

// Actions of an automation are bounded by what its owner may do when they are done.
func TestActionsUseTheRightsOfTheOwner(t *testing.T) {
	t.Parallel()
	w, account, main := hub(t, storetest.SQLiteURL(t)) // a PostgreSQL server that others use holds automations up
	owner := w.first.APIKey
	role := pick(t, w.as(owner, "POST "+account+"/workspace_roles/", `{"name":"automator","scopes":["manage_automations","manage_events","run_deployments","see_deployments"]}`, http.StatusCreated), "id")
	bot := w.member(w.first.AccountID, access.MemberID, w.first.WorkspaceID, uuid.MustParse(role))
	flow := pick(t, w.as(owner, "POST "+main+"/flows/", `{"name":"f"}`, http.StatusCreated), "id")
	deployment := pick(t, w.as(owner, "POST "+main+"/deployments/", `{"name":"d","flow_id":"`+flow+`"}`, http.StatusCreated), "id")
	w.as(bot, "POST "+main+"/automations/", `{"name":"a","trigger":{"type":"event","posture":"Reactive","expect":["go"],"threshold":1,"within":0},"actions":[{"type":"run-deployment","source":"selected","deployment_id":"`+deployment+`"}]}`, http.StatusCreated)
	fire := func() {
		w.as(bot, "POST "+main+"/events", `[{"id":"`+uuid.NewString()+`","occurred":"`+time.Now().UTC().Format(time.RFC3339Nano)+`","event":"go","resource":{"prefect.resource.id":"r"}}]`, http.StatusNoContent)
	}
	failures := 0
	// await sends events until one more action has come to that: services take some seconds
	// to notice a workspace that is new.
	await := func(event string, n int) string {
		var got string
		var sent time.Time
		testkit.Eventually(t, 2*time.Minute, func() error {
			if time.Since(sent) > 2*time.Second {
				sent = time.Now()
				fire()
			}
			got = string(w.as(owner, "POST "+main+"/events/filter", `{"filter":{"event":{"name":["prefect.automation.action.`+event+`"]}}}`, http.StatusOK))
			if failures = strings.Count(got, `"event":"prefect.automation.action.`+event+`"`); failures < n {
				return api.Errorf(api.CodeInternal, "%d actions are %s", failures, event)
			}
			return nil
		})
		return got
	}
	await("executed", 1)
	w.as(owner, "PATCH "+account+"/workspace_roles/"+role, `{"scopes":["manage_automations","manage_events"]}`, http.StatusNoContent)
	if got := await("failed", 1); !strings.Contains(got, "run_deployments") {
		t.Errorf("why it failed: %s", got)
	}
	before := string(w.as(owner, "POST "+main+"/flow_runs/count", `{}`, http.StatusOK))
	await("failed", failures+1)
	if after := string(w.as(owner, "POST "+main+"/flow_runs/count", `{}`, http.StatusOK)); after != before {
		t.Errorf("%s runs, then %s", before, after)
	}
}

// The audit log as events of the account.
func TestEventsOfAnAccount(t *testing.T) {
	t.Parallel()
	storetest.RunURL(t, func(t *testing.T, database string) {
		w, account, _ := hub(t, database)
		owner := w.first.APIKey
		for _, name := range []string{"a", "b", "c"} {
			w.as(owner, "POST "+account+"/bots/", `{"name":"`+name+`"}`, http.StatusCreated)
		}
		first := w.as(owner, "POST "+account+"/events/filter", `{"filter":{"event":{"name":["prefect-cloud.service-account.created"]},"order":"ASC"},"limit":2}`, http.StatusOK)
		if pick(t, first, "total") != "3" {
			t.Errorf("the first page: %s", first)
		}
		var page struct {
			Next   string `json:"next_page"`
			Events []struct{ ID string }
		}
		if err := json.Unmarshal(first, &page, json.MatchCaseInsensitiveNames(true)); err != nil || len(page.Events) != 2 {
			t.Fatalf("%v %s", err, first)
		}
		status, body, _ := call(t, "GET", page.Next, "", bearer(owner)...)
		if status != http.StatusOK || strings.Count(body, `"event":`) != 1 {
			t.Errorf("the second page: %d %s", status, body)
		}
		if got := string(w.as(owner, "POST "+account+"/events/filter", `{"filter":{"scope":{"workspace":["`+w.side.ID.String()+`"]}}}`, http.StatusOK)); !strings.Contains(got, `"total":0`) {
			t.Errorf("of a workspace where nothing was done: %s", got)
		}
		w.as(owner, "POST "+account+"/events/filter", `{"filter":{"occurred":{"since":"2020-01-01T00:00:00Z"}}}`, http.StatusUnprocessableEntity)

		count := func(by, body string, status int) string {
			return string(w.as(owner, "POST "+account+"/events/count-by/"+by, body, status))
		}
		const bots = `"filter":{"event":{"prefix":["prefect-cloud.service-account."]}}`
		if got := count("event", `{`+bots+`}`, http.StatusOK); !strings.Contains(got, `[{"value":"prefect-cloud.service-account.created","label":"prefect-cloud.service-account.created","count":3,`) {
			t.Errorf("by their names: %s", got)
		}
		if got := count("resource", `{`+bots+`}`, http.StatusOK); strings.Count(got, `"count":1`) != 3 {
			t.Errorf("by what they are about: %s", got)
		}
		if got := count("day", `{`+bots+`}`, http.StatusOK); strings.Count(got, `"count":3`) != 1 {
			t.Errorf("by day: %s", got)
		}
		if got := count("time", `{`+bots+`,"time_unit":"hour","time_interval":6}`, http.StatusOK); strings.Count(got, `"count":3`) != 1 {
			t.Errorf("by six hours: %s", got)
		}
		if got := count("month", `{}`, http.StatusUnprocessableEntity); !strings.Contains(got, `"countable"`) {
			t.Errorf("by month: %s", got)
		}
		count("time", `{"time_interval":0.001}`, http.StatusUnprocessableEntity)
	})
}

// Who may report events writes them into the audit log; none passes for one of the log's own,
// nor for somebody else's, and one that is sent again is there once.
func TestEventsAreReportedToAnAccount(t *testing.T) {
	t.Parallel()
	storetest.RunURL(t, func(t *testing.T, database string) {
		w, account, _ := hub(t, database)
		owner := w.first.APIKey
		w.as(owner, "POST "+account+"/events", `[]`, http.StatusForbidden)
		reporter, role := w.reporter(owner, account)
		event := func(name, related string) string {
			return `{"id":"` + uuid.NewString() + `","occurred":"` + time.Now().UTC().Format("2006-01-02T15:04:05.000000000Z") + `","event":"` + name +
				`","resource":{"prefect.resource.id":"door.1"},"related":[` + related + `],"payload":{"ip":"192.0.2.1","entries":{"1":"00"}}}`
		}
		other := `{"prefect.resource.id":"door.2","prefect.resource.role":"neighbour"}`
		opened := event("door.opened", other)
		for range 2 {
			w.as(reporter, "POST "+account+"/events", `[`+opened+`,`+event("door.closed", "")+`]`, http.StatusNoContent)
		}
		read := func(name string) string {
			return string(w.as(owner, "POST "+account+"/events/filter", `{"filter":{"event":{"name":["`+name+`"]}}}`, http.StatusOK))
		}
		got := read("door.opened")
		for _, want := range []string{`"total":1`, `door.2`, `prefect-cloud.account.` + w.first.AccountID.String(), `"prefect.resource.role":"actor"`, `"prefect.resource.role":"neighbour"`} {
			if !strings.Contains(got, want) {
				t.Errorf("%s is not in %s", want, got)
			}
		}
		if got := read("door.closed"); !strings.Contains(got, `"total":2`) { // two events
			t.Error(got)
		}
		for _, forged := range []string{
			event("prefect-cloud.audit-entry.redacted", ""), event("prefect-cloud.user.logged-in", ""), event(" Prefect-Cloud.user.logged-in", ""),
			event("door.forced", `{"prefect.resource.id":"prefect-cloud.actor.`+uuid.NewString()+`","prefect.resource.role":"actor"}`),
			event("door.forced", `{"prefect.resource.id":"prefect-cloud.actor.`+uuid.NewString()+`","prefect.resource.role":"by"}`),
			event("door.forced", `{"prefect.resource.id":"somebody","prefect.resource.role":"actor"}`),
			event("door.forced", `{"prefect.resource.id":"prefect-cloud.account.`+w.rival.ID.String()+`","prefect.resource.role":"account"}`),
			`{"event":"door.forced"}`,
		} {
			w.as(reporter, "POST "+account+"/events", `[`+event("door.forced", "")+`,`+forged+`]`, http.StatusUnprocessableEntity)
		}
		if got := read("door.forced"); !strings.Contains(got, `"total":0`) {
			t.Errorf("of a batch with a forged event some is kept: %s", got)
		}
		w.as(reporter, "POST /accounts/"+w.rival.ID.String()+"/events", `[`+opened+`]`, http.StatusNotFound)
		w.as(reporter, "POST "+account+"/events/filter", `{}`, http.StatusForbidden)
		if got := string(w.as(owner, "GET "+account+"/audit/verify", "", http.StatusOK)); !strings.Contains(got, `"intact":true`) {
			t.Error(got)
		}
		w.as(owner, "PATCH "+account+"/account_roles/"+role, `{"permissions":[]}`, http.StatusNoContent)
		w.as(reporter, "POST "+account+"/events", `[`+opened+`]`, http.StatusForbidden)
	})
}

// The log of an account is followed through a socket, what was said before and what is said
// now, and events are reported through another; each wants its permission.
func TestSocketsOfAnAccount(t *testing.T) {
	t.Parallel()
	storetest.RunURL(t, func(t *testing.T, database string) {
		w, account, _ := hub(t, database)
		owner := w.first.APIKey
		reporter, _ := w.reporter(owner, account)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		open := func(at, key string) (conn *websocket.Conn, first string, err error) {
			t.Helper()
			if conn, _, err = websocket.Dial(ctx, w.url+at, &websocket.DialOptions{Subprotocols: []string{"prefect"}}); err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { conn.CloseNow() }) //nolint:errcheck // the test is over
			if err := conn.Write(ctx, websocket.MessageText, []byte(`{"type":"auth","token":"`+key+`"}`)); err != nil {
				t.Fatal(err)
			}
			_, frame, err := conn.Read(ctx)
			return conn, string(frame), err
		}
		for _, refused := range [][2]string{
			{account + "/events/out", reporter}, {account + "/events/in", owner}, {account + "/events/out", "pnu_nobody"},
			{"/accounts/" + w.rival.ID.String() + "/events/out", owner}, {"/accounts/" + w.rival.ID.String() + "/events/in", reporter}, {"/accounts/nonsense/events/out", owner},
		} {
			if _, said, err := open(refused[0], refused[1]); websocket.CloseStatus(err) != websocket.StatusPolicyViolation {
				t.Errorf("%s: %s %v", refused[0], said, err)
			}
		}
		w.as(owner, "POST "+account+"/bots/", `{"name":"before"}`, http.StatusCreated)
		out, said, err := open(account+"/events/out", owner)
		if err != nil || said != `{"type":"auth_success"}` {
			t.Fatal(said, err)
		}
		if err := out.Write(ctx, websocket.MessageText, []byte(`{"type":"filter","filter":{"event":{"prefix":["door.","prefect-cloud.service-account.","prefect-cloud.user."]}}}`)); err != nil {
			t.Fatal(err)
		}
		hear := func(want ...string) {
			t.Helper()
			_, frame, err := out.Read(ctx)
			for _, text := range append(want, `{"type":"event"`) {
				if err != nil || !strings.Contains(string(frame), text) {
					t.Fatalf("%s, not with %s: %v", frame, text, err)
				}
			}
		}
		hear("prefect-cloud.service-account.created", "before")
		in, said, err := open(account+"/events/in", reporter)
		if err != nil || said != `{"type":"auth_success"}` {
			t.Fatal(said, err)
		}
		reading := in.CloseRead(ctx)
		for _, name := range []string{"prefect-cloud.user.logged-in", "door.opened"} {
			event := `{"id":"` + uuid.NewString() + `","occurred":"` + time.Now().UTC().Format(time.RFC3339Nano) + `","event":"` + name + `","resource":{"prefect.resource.id":"door.1"}}`
			if err := in.Write(reading, websocket.MessageText, []byte(event)); err != nil {
				t.Fatal(err)
			}
		}
		if err := in.Ping(reading); err != nil {
			t.Fatal(err)
		}
		hear("door.opened", `"prefect.resource.role":"actor"`)
		w.as(owner, "POST "+account+"/bots/", `{"name":"after"}`, http.StatusCreated)
		hear("prefect-cloud.service-account.created", "after")
		if got := string(w.as(owner, "POST "+account+"/events/filter", `{"filter":{"any_resource":{"id":["door.1"]}}}`, http.StatusOK)); !strings.Contains(got, `"total":1`) {
			t.Error(got)
		}
	})
}

// reporter is the key of somebody who may do no more than report events, and the id of their
// role.
func (w *town) reporter(owner, account string) (key, role string) {
	w.t.Helper()
	role = pick(w.t, w.as(owner, "POST "+account+"/account_roles/", `{"name":"reporter","permissions":["create:audit_event"]}`, http.StatusCreated), "id")
	return w.member(w.first.AccountID, uuid.MustParse(role), uuid.UUID{}, uuid.UUID{}), role
}

// The report tells how this server stands: what is set, and what the account has decided.
func TestTheSecurityReportTellsHowTheServerStands(t *testing.T) {
	t.Parallel()
	w := newTownWith(t, storetest.SQLiteURL(t), func(o *server.Options) {
		o.OnlyPublic, o.Rates.Requests = true, 5000
		o.Upkeep.Retention.Logs = 7 * 24 * time.Hour
	})
	account := "/accounts/" + w.first.AccountID.String()
	report := func() map[string]api.SecurityRow {
		var got api.SecurityReport
		if err := json.Unmarshal(w.as(w.first.APIKey, "GET "+account+"/security/report", "", http.StatusOK), &got); err != nil {
			t.Fatal(err)
		}
		rows := map[string]api.SecurityRow{}
		for _, row := range got.Rows {
			rows[row.ID] = row
		}
		return rows
	}
	rows := report()
	for id, want := range map[string]api.SecurityRow{
		"S5": {Live: "everybody has a credential of their own"}, "S17": {Live: "webhooks and notifications go to public addresses only"},
		"S48": {Live: "5000 requests in a minute for each account"}, "S43": {Live: "not required", Weak: true}, "S51": {Live: "every address"},
		"S37": {Live: "1 person, 0 service accounts, 0 keys without an end"},
	} {
		if got := rows[id]; got.Live != want.Live || got.Weak != want.Weak {
			t.Errorf("%s: %q, weak %v", id, got.Live, got.Weak)
		}
	}
	if got := rows["S53"].Live; !strings.Contains(got, "lines 7 days") {
		t.Errorf("S53: %s", got)
	}
	if len(rows) != 55 {
		t.Errorf("%d rows", len(rows))
	}
	w.member(w.first.AccountID, access.MemberID, uuid.UUID{}, uuid.UUID{}) // with a key that never ends
	w.change(func(tx *store.Tx) error {
		return tx.UpdateAccount(w.first.AccountID, store.Set{Column: "require_mfa", Value: true})
	})
	rows = report()
	if got := rows["S37"]; got.Live != "1 person, 1 service account, 1 key without an end" || !got.Weak {
		t.Errorf("S37: %q, weak %v", got.Live, got.Weak)
	}
	if got := rows["S43"]; got.Live != "required" || got.Weak {
		t.Errorf("S43: %q, weak %v", got.Live, got.Weak)
	}
	w.change(func(tx *store.Tx) error {
		_, err := tx.Exec("update audit_entry\nset entry = ?\nwhere account_id = ?\nand seq = 1", "{}", w.first.AccountID)
		return err
	})
	if got := report()["S47"]; !got.Weak || !strings.Contains(got.Live, "Entry 1 of the audit log was tampered with") {
		t.Errorf("S47: %q, weak %v", got.Live, got.Weak)
	}
}

func TestManagedAutomationsOfAnAccount(t *testing.T) {
	t.Parallel()
	storetest.RunURL(t, func(t *testing.T, database string) {
		w := newTown(t, database)
		root, _, _ := strings.Cut(w.main(), "/workspaces/")
		ask := func(do string, status int) string {
			t.Helper()
			method, path, _ := strings.Cut(do, " ")
			got, body, _ := call(t, method, root+path, "", bearer(w.first.APIKey)...)
			if got != status {
				t.Fatalf("%s: %d %s", do, got, body)
			}
			return body
		}
		ask("POST /managed-automations/quick-enable", http.StatusAccepted)
		if got := ask("GET /managed-automations/", http.StatusOK); strings.Count(got, `"enabled":true`) < 2 {
			t.Errorf("they have %s", got)
		}
		ask("DELETE /managed-automations", http.StatusAccepted)
		if got := ask("GET /managed-automations/", http.StatusOK); strings.Contains(got, "zombie") {
			t.Errorf("left are %s", got)
		}
		member := w.member(w.first.AccountID, access.MemberID, w.side.ID, access.WorkspaceOwnerID)
		if status, _, _ := call(t, "POST", root+"/managed-automations/quick-enable", "", bearer(member)...); status != http.StatusForbidden {
			t.Errorf("a member: %d", status)
		}
	})
}
