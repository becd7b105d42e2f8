package pages_test

import (
	"maps"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/rules/access"
	"github.com/usherhq/usher/internal/rules/credential"
	"github.com/usherhq/usher/internal/server/identity"
	"github.com/usherhq/usher/internal/server/signin"
	"github.com/usherhq/usher/internal/store"
	"github.com/usherhq/usher/internal/store/storetest"
)

// bot adds a service account and returns its id and a key.
func (s *site) bot(id uuid.UUID) (key string) {
	s.t.Helper()
	storetest.Write(s.t, s.db, func(tx *store.Tx) error {
		now := api.At(s.now())
		if err := tx.InsertBot(&store.Bot{AccountID: s.owner.AccountID, ID: id, Created: now, Updated: now, Name: "builds"}); err != nil {
			return err
		}
		err := tx.InsertMembership(&store.Membership{AccountID: s.owner.AccountID, ID: uuid.New(), Created: now, Updated: now, ActorID: id, ActorType: store.ActorBot, RoleID: access.MemberID, Active: true})
		if err == nil {
			_, key, err = s.people.AddKey(tx, identity.By{}, id, credential.BotKey, "k", nil)
		}
		return err
	})
	return key
}

// builds is a site that trusts the jobs of a repository.
func builds(t *testing.T) (s *site, f *forger, bot uuid.UUID) {
	t.Helper()
	f, bot = newForger(t), uuid.New()
	s = onSQLite(t, func(o *signin.Options) {
		rule := signin.TrustRule{
			Issuer: f.server.URL, Audience: "https://usher.example.com", Bot: bot, MaxLife: 15 * time.Minute,
			Conditions: map[string]string{"repository": "acme/*", "environment": "production", "ref_protected": "true"},
		}
		if err := rule.Check(); err != nil {
			t.Fatal(err)
		}
		o.Trust = []signin.TrustRule{rule}
	})
	return s, f, bot
}

// job are the claims of a job of GitHub Actions.
func (f *forger) job(change map[string]any) map[string]any {
	now := time.Now()
	claims := map[string]any{
		"iss": f.server.URL, "aud": "https://usher.example.com", "sub": "repo:acme/flows:environment:production", "repository": "acme/flows", "environment": "production", "ref_protected": true,
		"jti": uuid.NewString(), "iat": now.Unix(), "nbf": now.Unix(), "exp": now.Add(5 * time.Minute).Unix(),
	}
	maps.Copy(claims, change)
	maps.DeleteFunc(claims, func(_ string, v any) bool { return v == nil })
	return claims
}

func (b *browser) exchange(token string) *shown {
	b.t.Helper()
	return b.token(url.Values{
		"grant_type": {"urn:ietf:params:oauth:grant-type:token-exchange"}, "subject_token": {token}, "subject_token_type": {"urn:ietf:params:oauth:token-type:jwt"},
	})
}

func TestJobOfABuildSystemIsLetIn(t *testing.T) {
	t.Parallel()
	s, f, bot := builds(t)
	s.bot(bot)
	b := s.browser()
	got := b.exchange(f.sign(f.job(nil), "")).want(http.StatusOK)
	if got.json()["expires_in"] != float64(900) || got.text("issued_token_type") != "urn:ietf:params:oauth:token-type:access_token" || got.json()["refresh_token"] != nil {
		t.Error(got.body)
	}
	actor, err := s.people.Resolve(t.Context(), got.text("access_token"), "")
	if err != nil || actor.ID != bot || actor.Type != store.ActorBot || actor.Credential.Method != "workload" {
		t.Fatalf("%+v, %v", actor, err)
	}
	s.wait(16 * time.Minute)
	if _, err := s.people.Resolve(t.Context(), got.text("access_token"), ""); err == nil {
		t.Error("the token outlives what the rule allows")
	}
}

// TestTokensOfBuildSystemsThatAreRefused: each is a good one but for one thing.
func TestTokensOfBuildSystemsThatAreRefused(t *testing.T) {
	t.Parallel()
	s, f, bot := builds(t)
	s.bot(bot)
	b := s.browser()
	past, future := time.Now().Add(-2*time.Minute).Unix(), time.Now().Add(10*time.Minute).Unix()
	for name, c := range map[string]struct {
		change map[string]any
		wrong  string
	}{
		"another repository": {map[string]any{"repository": "evil/flows"}, ""}, "a deeper one": {map[string]any{"repository": "acme/flows/x"}, ""}, "none": {map[string]any{"repository": "acme/"}, ""},
		"of a fork": {map[string]any{"environment": nil}, ""}, "another environment": {map[string]any{"environment": "Production"}, ""}, "not protected": {map[string]any{"ref_protected": false}, ""},
		"another audience": {map[string]any{"aud": "https://other.example.com"}, ""}, "no audience": {map[string]any{"aud": nil}, ""}, "another issuer": {map[string]any{"iss": "https://evil.example"}, ""},
		"expired": {map[string]any{"exp": past}, ""}, "of the future": {map[string]any{"iat": future, "nbf": nil}, ""}, "not yet": {map[string]any{"nbf": future}, ""},
		"alg none": {nil, "none"}, "alg HS256": {nil, "HS256"}, "another key": {nil, "other key"}, "no signature": {nil, "cut"},
	} {
		got := b.exchange(f.sign(f.job(c.change), c.wrong))
		if got.status != http.StatusBadRequest || got.text("error") != "invalid_grant" {
			t.Errorf("%s: %d %s", name, got.status, got.body)
		}
	}
	for _, token := range []string{"", "x", "a.b.c", s.owner.APIKey} {
		b.exchange(token).wantError(http.StatusBadRequest, "invalid_grant")
	}
	b.token(url.Values{"grant_type": {"urn:ietf:params:oauth:grant-type:token-exchange"}, "subject_token": {f.sign(f.job(nil), "")}}).wantError(http.StatusBadRequest, "invalid_request")
	b.exchange(f.sign(f.job(nil), "")).want(http.StatusOK)
}

func TestTokenOfABuildSystemIsTakenOnce(t *testing.T) {
	t.Parallel()
	s, f, bot := builds(t)
	s.bot(bot)
	b := s.browser()
	for _, change := range []map[string]any{nil, {"jti": nil}} {
		token := f.sign(f.job(change), "")
		b.exchange(token).want(http.StatusOK)
		b.exchange(token).wantError(http.StatusBadRequest, "invalid_grant")
	}
}

func TestTokenForAServiceAccountThatIsGone(t *testing.T) {
	t.Parallel()
	s, f, _ := builds(t)
	s.browser().exchange(f.sign(f.job(nil), "")).wantError(http.StatusBadRequest, "invalid_grant")
}

func TestRulesThatTrustTooMuch(t *testing.T) {
	t.Parallel()
	good := signin.TrustRule{Issuer: "https://gitlab.com", Audience: "a", Bot: uuid.New(), Conditions: map[string]string{"project_path": "acme/flows"}}
	if err := good.Check(); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*signin.TrustRule){
		"plain http":        func(r *signin.TrustRule) { r.Issuer = "http://gitlab.com" },
		"no audience":       func(r *signin.TrustRule) { r.Audience = "" },
		"no bot":            func(r *signin.TrustRule) { r.Bot = uuid.UUID{} },
		"no condition":      func(r *signin.TrustRule) { r.Conditions = nil },
		"nobody in special": func(r *signin.TrustRule) { r.Conditions = map[string]string{"ref": "main"} },
		"everybody":         func(r *signin.TrustRule) { r.Conditions = map[string]string{"sub": "*"} },
		"half a segment":    func(r *signin.TrustRule) { r.Conditions = map[string]string{"project_path": "acme/fl*"} },
		"for a day":         func(r *signin.TrustRule) { r.MaxLife = 24 * time.Hour },
	} {
		r := good
		change(&r)
		if r.Check() == nil {
			t.Errorf("%s is taken", name)
		}
	}
}

// TestServiceAccountIntrospects: a service account is told of tokens of its own account.
func TestServiceAccountIntrospects(t *testing.T) {
	t.Parallel()
	s := onSQLite(t)
	key := s.bot(uuid.New())
	access, refresh := s.loggedIn()
	b := s.browser()
	for token, active := range map[string]bool{access: true, refresh: true, "x": false, key: false} {
		got := b.introspect(key, token)
		if got.status != http.StatusOK || got.json()["active"] != active {
			t.Errorf("%d %s", got.status, got.body)
		}
	}
}
