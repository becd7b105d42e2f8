package pages_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"html"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/usherhq/usher/internal/server/signin"
	"github.com/usherhq/usher/internal/store"
	"github.com/usherhq/usher/internal/store/storetest"
	"github.com/usherhq/usher/internal/testkit"
)

// federated is a site with another provider; make starts that for a redirect URI.
func federated(t *testing.T, make func(redirectURI string) signin.Provider) *site {
	t.Helper()
	return newSite(t, storetest.Open(t, storetest.SQLiteURL(t)), func(o *signin.Options) {
		p := make(o.PublicURL + "/auth/corp/callback")
		p.ID = "corp"
		if err := p.Check(); err != nil {
			t.Fatal(err)
		}
		o.Providers = []signin.Provider{p}
	})
}

// travel follows redirects until a page, or until they lead back to the site with an answer.
func (g *shown) travel() *shown {
	g.t.Helper()
	for range 10 {
		to := g.header.Get("Location")
		if to == "" {
			return g
		}
		g = g.get(g.absolute(to))
	}
	g.t.Fatal("the redirects never end")
	return nil
}

// absolute is where a link of the page that was asked for last leads.
func (g *shown) absolute(to string) string {
	g.t.Helper()
	at, err := g.at.Parse(html.UnescapeString(to))
	if err != nil {
		g.t.Fatal(err)
	}
	return at.String()
}

var actionTag = regexp.MustCompile(`action="([^"]*)"`)

// fill sends the form of another server's page.
func (g *shown) fill(fields ...string) *shown {
	g.t.Helper()
	action := actionTag.FindStringSubmatch(g.body)
	if action == nil {
		g.t.Fatalf("no form on %s:\n%s", g.at, g.body)
	}
	values := url.Values{}
	for _, input := range inputTag.FindAllStringSubmatch(g.body, -1) {
		values.Set(input[1], html.UnescapeString(input[2]))
	}
	for i := 0; i+1 < len(fields); i += 2 {
		values.Set(fields[i], fields[i+1])
	}
	return g.post(g.absolute(action[1]), values)
}

// TestSignInAtARealProvider: two providers by different people, one in Node and one in Go.
// The first time a mail proves the address; after that the provider's word is enough.
func TestSignInAtARealProvider(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		start func(t *testing.T, redirectURI string) signin.Provider
		login func(*shown) *shown
	}{
		"oidc-provider": {
			func(t *testing.T, redirectURI string) signin.Provider {
				return signin.Provider{Name: "Corp", Issuer: testkit.StartNodeProvider(t, "testdata/provider.mjs", redirectURI), ClientID: "usher", ClientSecret: "secret-of-usher"}
			},
			func(page *shown) *shown {
				return page.fill("prompt", "login", "login", ada, "password", "x").travel().fill("prompt", "consent").travel()
			},
		},
		"zitadel": {
			func(t *testing.T, redirectURI string) signin.Provider {
				issuer := testkit.StartGoProvider(t, redirectURI, testkit.Person{ID: "id1", Email: ada})
				return signin.Provider{Name: "Corp", Issuer: issuer, ClientID: "web", ClientSecret: "secret"}
			},
			func(page *shown) *shown { return page.fill("username", ada, "password", "secret of a test").travel() },
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := federated(t, func(redirectURI string) signin.Provider { return c.start(t, redirectURI) })
			b := s.browser()
			b.get("/auth/login").want(http.StatusOK, "Corp")
			c.login(b.get("/auth/corp/start?next=%2Fdevice").travel()).want(http.StatusOK, "a message is on its way", ada)
			if b.who() != "" {
				t.Fatal("an address is enough to be somebody")
			}
			b.get(s.mail.Await(t, ada, 1).Link()).press("Sign in").follow().want(http.StatusOK, "Code that the terminal shows")
			s.wantAudit("user-identity.linked", 1)
			again := s.browser()
			c.login(again.get("/auth/corp/start?next=%2Fdevice").travel()).want(http.StatusOK, "Code that the terminal shows")
			if again.who() != ada || s.mail.Count(ada) != 1 {
				t.Errorf("%q, %d mails", again.who(), s.mail.Count(ada))
			}
		})
	}
}

// TestStrangersOfAProviderStayOut: everybody there is somebody, but not here; and nobody is
// told whether an address is known.
func TestStrangersOfAProviderStayOut(t *testing.T) {
	t.Parallel()
	s := federated(t, newForger(t).provider)
	forger := s.service.Providers()[0].Issuer
	b := s.browser()
	forge(forger, map[string]any{"sub": "stranger", "email": "stranger@example.com", "email_verified": true})
	b.get("/auth/corp/start").travel().want(http.StatusOK, "a message is on its way")
	forge(forger, map[string]any{"sub": "liar", "email": ada, "email_verified": false})
	b.get("/auth/corp/start").travel().want(http.StatusForbidden, "could not say who you are")
	if b.who() != "" || s.mail.Count("stranger@example.com")+s.mail.Count(ada) != 0 {
		t.Error("a stranger gets in, or gets mail")
	}
}

// TestForgedAnswersOfAProvider: what an attacker could put in place of a good ID token.
func TestForgedAnswersOfAProvider(t *testing.T) {
	t.Parallel()
	s := federated(t, newForger(t).provider)
	forger := s.service.Providers()[0].Issuer
	good := map[string]any{"sub": "ada-at-corp", "email": ada, "email_verified": true}
	b := s.browser()
	forge(forger, good)
	b.get("/auth/corp/start").travel().want(http.StatusOK, "a message is on its way")
	b.get(s.mail.Await(t, ada, 1).Link()).press("Sign in").want(http.StatusSeeOther)
	past, future := float64(time.Now().Add(-2*time.Minute).Unix()), float64(time.Now().Add(10*time.Minute).Unix())
	for name, change := range map[string]map[string]any{
		"another nonce": {"nonce": "x"}, "no nonce": {"nonce": nil}, "another audience": {"aud": "other"}, "another issuer": {"iss": "https://evil.example"},
		"expired": {"exp": past}, "of the future": {"iat": future}, "for two, of neither": {"aud": []string{"usher", "other"}}, "another party": {"azp": "other"},
		"alg none": {"": "none"}, "alg HS256 with the public key": {"": "HS256"}, "another key": {"": "other key"}, "no signature": {"": "cut"}, "nobody": {"sub": ""},
		"mixed up": {"": "iss"}, "denied": {"": "error"},
	} {
		claims := maps.Clone(good)
		maps.Copy(claims, change)
		forge(forger, claims)
		victim := s.browser()
		if got := victim.get("/auth/corp/start").travel(); got.status != http.StatusForbidden || victim.who() != "" {
			t.Errorf("%s: %d %s", name, got.status, got.body)
		}
	}
	forge(forger, good)
	b = s.browser()
	b.get("/auth/corp/start").travel()
	if b.who() != ada {
		t.Error("the good one does not get in any more")
	}
}

// TestAnswersOfAProviderBelongToTheBrowserThatAsked is about login CSRF, replayed states and
// injected codes.
func TestAnswersOfAProviderBelongToTheBrowserThatAsked(t *testing.T) {
	t.Parallel()
	s := federated(t, newForger(t).provider)
	forger := s.service.Providers()[0].Issuer
	forge(forger, map[string]any{"sub": "ada-at-corp", "email": ada, "email_verified": true})
	first := s.browser()
	first.get("/auth/corp/start").travel()
	first.get(s.mail.Await(t, ada, 1).Link()).press("Sign in")
	attacker, victim := s.browser(), s.browser()
	victim.get("/auth/login")
	back := attacker.get(attacker.get("/auth/corp/start").header.Get("Location")).header.Get("Location")
	for name, at := range map[string]string{
		"another's": back, "no state": "/auth/corp/callback?code=x", "unknown state": "/auth/corp/callback?code=x&state=" + signin.NewSecret(), "another provider": strings.Replace(back, "corp", "google", 1),
	} {
		if got := victim.get(at); got.status == http.StatusSeeOther || victim.who() != "" {
			t.Errorf("%s: %d", name, got.status)
		}
	}
	attacker.get(back).want(http.StatusSeeOther)
	if attacker.who() != ada {
		t.Error("whose it is does not get in")
	}
	attacker.get(back).want(http.StatusForbidden, "not begun in this browser")
	late := s.browser()
	back = late.get(late.get("/auth/corp/start").header.Get("Location")).header.Get("Location")
	s.wait(11 * time.Minute)
	late.get(back).want(http.StatusForbidden)
}

// forger is a provider that signs whatever it is told to; an attacker who owns one, or who
// sits between, is no better.
type forger struct {
	t      *testing.T
	server *httptest.Server
	key    *ecdsa.PrivateKey
	back   string
	mu     sync.Mutex
	claims map[string]any
	nonce  string
	pkce   string
}

func newForger(t *testing.T) *forger {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	f := &forger{t: t, key: key}
	mux := http.NewServeMux()
	mux.HandleFunc("/.well-known/openid-configuration", func(w http.ResponseWriter, _ *http.Request) {
		f.answer(w, map[string]any{
			"issuer": f.server.URL, "authorization_endpoint": f.server.URL + "/auth", "token_endpoint": f.server.URL + "/token", "jwks_uri": f.server.URL + "/keys",
			"id_token_signing_alg_values_supported": []string{"ES256", "HS256", "none"},
		})
	})
	mux.HandleFunc("/keys", func(w http.ResponseWriter, _ *http.Request) {
		f.answer(w, map[string]any{"keys": []any{map[string]any{"kty": "EC", "crv": "P-256", "kid": "1", "alg": "ES256", "use": "sig", "x": b64(key.X.FillBytes(make([]byte, 32))), "y": b64(key.Y.FillBytes(make([]byte, 32)))}}}) //nolint:staticcheck // a JWK has them
	})
	mux.HandleFunc("/auth", f.authorize)
	mux.HandleFunc("/token", f.token)
	mux.HandleFunc("/forge", func(_ http.ResponseWriter, r *http.Request) {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.claims = nil
		if err := json.NewDecoder(r.Body).Decode(&f.claims); err != nil {
			t.Error(err)
		}
	})
	f.server = httptest.NewServer(mux)
	t.Cleanup(f.server.Close)
	return f
}

func (f *forger) provider(redirectURI string) signin.Provider {
	f.back = redirectURI
	return signin.Provider{Name: "Corp", Issuer: f.server.URL, ClientID: "usher", ClientSecret: "s"}
}

// forge says what the next ID token claims; "" says what else is wrong with it.
func forge(issuer string, claims map[string]any) {
	text, err := json.Marshal(claims)
	if err != nil {
		panic(err)
	}
	res, err := http.Post(issuer+"/forge", "application/json", strings.NewReader(string(text))) //nolint:noctx // a test
	if err != nil {
		panic(err)
	}
	_ = res.Body.Close()
}

func b64(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

func (f *forger) answer(w http.ResponseWriter, body any) {
	w.Header().Set("Content-Type", "application/json")
	if err := json.NewEncoder(w).Encode(body); err != nil {
		f.t.Error(err)
	}
}

func (f *forger) authorize(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	q := r.URL.Query()
	if q.Get("redirect_uri") != f.back || q.Get("code_challenge_method") != "S256" {
		f.t.Errorf("asked with %v", q)
	}
	f.nonce, f.pkce = q.Get("nonce"), q.Get("code_challenge")
	out := url.Values{"code": {"the-code"}, "state": {q.Get("state")}}
	switch f.claims[""] {
	case "iss":
		out.Set("iss", "https://evil.example")
	case "error":
		out = url.Values{"error": {"access_denied"}, "state": {q.Get("state")}}
	}
	http.Redirect(w, r, f.back+"?"+out.Encode(), http.StatusFound)
}

func (f *forger) token(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if challengeOf(r.PostFormValue("code_verifier")) != f.pkce {
		f.t.Error("the verifier is not that of the challenge")
	}
	now := time.Now()
	claims := map[string]any{"iss": f.server.URL, "aud": "usher", "nonce": f.nonce, "iat": now.Unix(), "exp": now.Add(time.Minute).Unix()}
	maps.Copy(claims, f.claims)
	wrong, _ := claims[""].(string)
	delete(claims, "")
	maps.DeleteFunc(claims, func(_ string, v any) bool { return v == nil })
	f.answer(w, map[string]any{"access_token": "x", "token_type": "Bearer", "id_token": f.sign(claims, wrong)})
}

func (f *forger) sign(claims map[string]any, wrong string) string {
	key := f.key
	header := map[string]string{"alg": "ES256", "kid": "1"}
	switch wrong {
	case "none", "HS256":
		header["alg"] = wrong
	case "other key":
		var err error
		if key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
			f.t.Error(err)
		}
	}
	return signJWT(f.t, key, header, claims, wrong == "cut")
}

// signJWT signs as the header says; HS256 takes the public key as the secret, as those
// hope who confuse algorithms.
func signJWT(t *testing.T, key *ecdsa.PrivateKey, header map[string]string, claims map[string]any, cut bool) string {
	t.Helper()
	head, err := json.Marshal(header)
	if err != nil {
		t.Error(err)
	}
	body, err := json.Marshal(claims)
	if err != nil {
		t.Error(err)
	}
	text := b64(head) + "." + b64(body)
	sum := sha256.Sum256([]byte(text))
	switch {
	case cut || header["alg"] == "none":
		return text + "."
	case header["alg"] == "HS256":
		mac := hmac.New(sha256.New, append(key.X.FillBytes(make([]byte, 32)), key.Y.FillBytes(make([]byte, 32))...)) //nolint:staticcheck // as an attacker would
		mac.Write([]byte(text))
		return text + "." + b64(mac.Sum(nil))
	}
	r, s, err := ecdsa.Sign(rand.Reader, key, sum[:])
	if err != nil {
		t.Error(err)
	}
	return text + "." + b64(append(r.FillBytes(make([]byte, 32)), s.FillBytes(make([]byte, 32))...))
}

// TestSignInAtGitHub speaks GitHub's own protocol: a person's id, and the address that is
// primary and verified.
func TestSignInAtGitHub(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	emails := `[{"email":"other@example.com","primary":false,"verified":true},{"email":"` + ada + `","primary":true,"verified":true}]`
	var hub *httptest.Server
	mux := http.NewServeMux()
	mux.HandleFunc("/login/oauth/authorize", func(w http.ResponseWriter, r *http.Request) {
		q := r.URL.Query()
		http.Redirect(w, r, q.Get("redirect_uri")+"?"+url.Values{"code": {q.Get("code_challenge")}, "state": {q.Get("state")}}.Encode(), http.StatusFound)
	})
	mux.HandleFunc("/login/oauth/access_token", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		if r.PostFormValue("client_secret") != "s" || challengeOf(r.PostFormValue("code_verifier")) != r.PostFormValue("code") {
			_, _ = w.Write([]byte(`{"error":"bad_verification_code"}`))
			return
		}
		_, _ = w.Write([]byte(`{"access_token":"gho_x","token_type":"bearer","scope":"read:user,user:email"}`))
	})
	mux.HandleFunc("/user", func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer gho_x" {
			t.Error(r.Header)
		}
		_, _ = w.Write([]byte(`{"id":583231,"login":"ada","email":"evil@example.com"}`))
	})
	mux.HandleFunc("/user/emails", func(w http.ResponseWriter, _ *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		_, _ = w.Write([]byte(emails))
	})
	hub = httptest.NewServer(mux)
	defer hub.Close()
	s := federated(t, func(string) signin.Provider {
		return signin.Provider{Name: "GitHub", GitHub: hub.URL, GitHubAPI: hub.URL, ClientID: "c", ClientSecret: "s"}
	})
	b := s.browser()
	b.get("/auth/corp/start").travel().want(http.StatusOK, "a message is on its way", ada)
	b.get(s.mail.Await(t, ada, 1).Link()).press("Sign in").want(http.StatusSeeOther)
	mu.Lock()
	emails = `[{"email":"` + ada + `","primary":true,"verified":false}]`
	mu.Unlock()
	again := s.browser() // the id is known, so no address is needed
	again.get("/auth/corp/start").travel()
	if again.who() != ada {
		t.Error("the id is not enough")
	}
	storetest.Write(t, s.db, forgetIdentities)
	again = s.browser()
	again.get("/auth/corp/start").travel().want(http.StatusForbidden, "could not say who you are")
}

func forgetIdentities(tx *store.Tx) error {
	_, err := tx.Exec("delete from auth_user_identity")
	return err
}

// TestLinkAndUnlinkAProvider: who is signed in links and unlinks on the account page; nobody
// else's answer is linked with them, and what is somebody else's stays so.
func TestLinkAndUnlinkAProvider(t *testing.T) {
	t.Parallel()
	s := federated(t, newForger(t).provider)
	s.proven(s.owner.AccountID, "acme.example")
	forger := s.service.Providers()[0].Issuer
	link := func(b *browser) *shown {
		t.Helper()
		page := b.get("/auth/account").want(http.StatusOK).press("Link Corp").want(http.StatusOK)
		_, to, _ := strings.Cut(page.header.Get("Refresh"), "url=")
		return b.get(to)
	}
	b := s.browser()
	b.signIn(ada, "")
	forge(forger, map[string]any{"sub": "x-of-ada", "email": "whatever@else.example", "email_verified": false})
	link(b).travel().want(http.StatusOK, "whatever@else.example", "Unlink")
	other := s.browser()
	other.get("/auth/corp/start").travel()
	if who := other.who(); who != ada {
		t.Errorf("the linked provider signs in %q", who)
	}
	s.wantAudit("user-identity.linked", 1)

	// An answer to somebody's link in a browser that is signed in as nobody, or as another.
	grace := s.browser()
	grace.signIn("grace@acme.example", "")
	back := link(grace).header.Get("Location")
	grace.get("/auth/account").press("Sign out").want(http.StatusSeeOther)
	grace.get(back).want(http.StatusUnauthorized)
	grace.signIn("grace@acme.example", "")
	link(grace).travel().want(http.StatusForbidden) // ada's
	s.wantAudit("user-identity.linked", 1)

	s.wait(16 * time.Minute)
	b.get("/auth/account").press("Unlink").want(http.StatusUnauthorized, "Sign in again")
	b.signIn(ada, "/auth/account")
	b.get("/auth/account").press("Unlink").want(http.StatusSeeOther)
	s.wantAudit("user-identity.unlinked", 1)
	other = s.browser()
	other.get("/auth/corp/start").travel()
	if who := other.who(); who != "" {
		t.Errorf("the unlinked provider signs in %q", who)
	}
}
