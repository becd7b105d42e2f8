package pages_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/server/signin"
	"github.com/usherhq/usher/internal/store"
	"github.com/usherhq/usher/internal/store/storetest"
)

const (
	redirect    = "http://127.0.0.1:43210/callback"
	deviceGrant = "urn:ietf:params:oauth:grant-type:device_code"
)

// asks is the query of a command line that wants to be let in.
func asks(verifier string, change ...string) url.Values {
	q := url.Values{
		"response_type": {"code"}, "client_id": {"usher-cli"}, "redirect_uri": {redirect}, "state": {"s t&te"}, "code_challenge": {challengeOf(verifier)}, "code_challenge_method": {"S256"},
	}
	for i := 0; i+1 < len(change); i += 2 {
		if q.Set(change[i], change[i+1]); change[i+1] == "" {
			q.Del(change[i])
		}
	}
	return q
}

// agree lets a command line in and returns what its callback gets.
func (b *browser) agree(q url.Values, button string) url.Values {
	b.t.Helper()
	got := b.get("/oauth/authorize?"+q.Encode()).want(http.StatusOK, "usher’s command line", "port 43210").press(button).want(http.StatusSeeOther)
	to := mustURL(b.t, got.header.Get("Location"))
	if to.Host != "127.0.0.1:43210" || to.Path != "/callback" {
		b.t.Fatalf("it leads to %s", to)
	}
	return to.Query()
}

// token asks for tokens with a form.
func (b *browser) token(form url.Values) *shown {
	b.t.Helper()
	r := b.request(http.MethodPost, "/oauth/token", strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return b.do(r)
}

func codeForm(code, verifier string) url.Values {
	return url.Values{"grant_type": {"authorization_code"}, "code": {code}, "redirect_uri": {redirect}, "client_id": {"usher-cli"}, "code_verifier": {verifier}}
}

func refreshForm(token string) url.Values {
	return url.Values{"grant_type": {"refresh_token"}, "refresh_token": {token}, "client_id": {"usher-cli"}}
}

func (g *shown) wantError(status int, code string) {
	g.t.Helper()
	if g.status != status || g.text("error") != code || g.text("error_description") == "" {
		g.t.Fatalf("%d %s, not %d %s", g.status, g.body, status, code)
	}
}

// works says whether a token lets somebody in.
func (s *site) works(token string) bool {
	s.t.Helper()
	actor, err := s.people.Resolve(s.t.Context(), token, "")
	return err == nil && actor.Email == ada
}

// loggedIn are the tokens of a command line that was let in through a browser.
func (s *site) loggedIn() (access, refresh string) {
	s.t.Helper()
	b, verifier := s.browser(), signin.NewSecret()
	b.signIn(ada, "")
	got := s.browser().token(codeForm(b.agree(asks(verifier), "Approve").Get("code"), verifier)).want(http.StatusOK)
	return got.text("access_token"), got.text("refresh_token")
}

// TestCommandLineIsLetInThroughABrowser is the way of RFC 8252: sign in, agree, code, tokens.
func TestCommandLineIsLetInThroughABrowser(t *testing.T) {
	t.Parallel()
	s := onSQLite(t)
	b, verifier := s.browser(), signin.NewSecret()
	first := b.get("/oauth/authorize?" + asks(verifier).Encode()).want(http.StatusSeeOther)
	login := b.get(first.header.Get("Location")).want(http.StatusOK, "E-mail address")
	login.press(sendLink, "email", ada).want(http.StatusSeeOther)
	page := b.get(s.mail.Await(t, ada, 1).Link()).press("Sign in").follow().want(http.StatusOK, "Let a program in")
	if policy := page.header.Get("Content-Security-Policy"); !strings.Contains(policy, "form-action 'self' http://127.0.0.1:43210") || !strings.Contains(policy, "frame-ancestors 'none'") {
		t.Error(policy)
	}
	q := mustURL(t, page.press("Approve").header.Get("Location")).Query()
	if q.Get("state") != "s t&te" || q.Get("iss") != s.url || q.Get("error") != "" {
		t.Fatal(q)
	}
	cli := s.browser()
	got := cli.token(codeForm(q.Get("code"), verifier)).want(http.StatusOK)
	if got.text("token_type") != "Bearer" || got.json()["expires_in"] != float64(3600) || got.header.Get("Cache-Control") != "no-store" {
		t.Error(got.body, got.header)
	}
	if !s.works(got.text("access_token")) || s.works(got.text("refresh_token")) {
		t.Error("the access token does not work, or the refresh token does")
	}
	s.wait(time.Hour + time.Second)
	if s.works(got.text("access_token")) {
		t.Error("an access token works after an hour")
	}
}

// TestScopesBoundTokens: a client gets no more than it has asked for, also after a refresh,
// and nothing for what does not exist.
func TestScopesBoundTokens(t *testing.T) {
	t.Parallel()
	s := onSQLite(t)
	b, verifier := s.browser(), signin.NewSecret()
	b.signIn(ada, "")
	got := b.token(codeForm(b.agree(asks(verifier, "scope", "see_flows see_blocks"), "Approve").Get("code"), verifier)).want(http.StatusOK)
	for range 2 {
		actor, err := s.people.Resolve(t.Context(), got.text("access_token"), "")
		if err != nil {
			t.Fatal(err)
		}
		g, _ := actor.Workspace(s.owner.WorkspaceID)
		a, _ := actor.Account(s.owner.AccountID)
		if !g.Scopes.Has("see_flows") || g.Scopes.Has("manage_flows") || a.Permissions != 0 || got.text("scope") != "see_flows see_blocks" {
			t.Errorf("%v %v %s", g.Scopes.List(), a.Permissions, got.body)
		}
		got = b.token(refreshForm(got.text("refresh_token"))).want(http.StatusOK)
	}
	if q := mustURL(t, b.get("/oauth/authorize?"+asks(verifier, "scope", "see_everything").Encode()).header.Get("Location")).Query(); q.Get("error") != "invalid_scope" {
		t.Error(q)
	}
}

func TestCodeIsTakenOnceAndReplayRevokes(t *testing.T) {
	t.Parallel()
	s := onSQLite(t)
	b, verifier := s.browser(), signin.NewSecret()
	b.signIn(ada, "")
	form := codeForm(b.agree(asks(verifier), "Approve").Get("code"), verifier)
	got := b.token(form).want(http.StatusOK)
	b.token(form).wantError(http.StatusBadRequest, "invalid_grant")
	if s.works(got.text("access_token")) {
		t.Error("what was given for a stolen code works")
	}
	b.token(refreshForm(got.text("refresh_token"))).wantError(http.StatusBadRequest, "invalid_grant")
}

func TestCodeIsBoundToItsClient(t *testing.T) {
	t.Parallel()
	s := onSQLite(t)
	b, verifier := s.browser(), signin.NewSecret()
	b.signIn(ada, "")
	for name, value := range map[string]string{
		"code_verifier": signin.NewSecret(), "redirect_uri": "http://127.0.0.1:43211/callback", "client_id": "another", "code": "x",
	} {
		form := codeForm(b.agree(asks(verifier), "Approve").Get("code"), verifier)
		form.Set(name, value)
		b.token(form).wantError(http.StatusBadRequest, "invalid_grant")
	}
	form := codeForm(b.agree(asks(verifier), "Approve").Get("code"), verifier)
	form.Del("code_verifier")
	b.token(form).wantError(http.StatusBadRequest, "invalid_grant")
	late := codeForm(b.agree(asks(verifier), "Approve").Get("code"), verifier)
	s.wait(61 * time.Second)
	b.token(late).wantError(http.StatusBadRequest, "invalid_grant")
}

// TestAuthorizationRequestsThatAreRefused: without PKCE, or to anywhere but this machine.
func TestAuthorizationRequestsThatAreRefused(t *testing.T) {
	t.Parallel()
	s := onSQLite(t)
	b, verifier := s.browser(), signin.NewSecret()
	b.signIn(ada, "")
	for _, change := range [][]string{
		{"code_challenge", ""}, {"code_challenge_method", ""}, {"code_challenge_method", "plain"}, {"code_challenge", "short"}, {"response_type", "token"}, {"response_type", ""},
	} {
		got := b.get("/oauth/authorize?" + asks(verifier, change...).Encode()).want(http.StatusSeeOther)
		q := mustURL(t, got.header.Get("Location")).Query()
		if q.Get("error") == "" || q.Get("code") != "" || q.Get("state") != "s t&te" || q.Get("iss") != s.url {
			t.Errorf("%v: %v", change, q)
		}
	}
	for _, change := range [][]string{
		{"client_id", "evil"}, {"client_id", ""}, {"redirect_uri", ""}, {"redirect_uri", "https://evil.example/callback"}, {"redirect_uri", "http://127.0.0.1.evil.example:1/callback"},
		{"redirect_uri", "http://127.0.0.1:43210/other"}, {"redirect_uri", "http://localhost:43210/callback"}, {"redirect_uri", "http://user@127.0.0.1:43210/callback"},
		{"redirect_uri", "http://127.0.0.1:43210/callback?x=y"}, {"redirect_uri", "http://127.0.0.1:43210/callback#x"}, {"redirect_uri", "http://127.0.0.1/callback"},
		{"redirect_uri", "http://10.0.0.1:43210/callback"}, {"redirect_uri", "javascript:alert(1)"}, {"redirect_uri", "http://127.0.0.1:43210/%2e%2e/callback"},
		{"redirect_uri", "https://127.0.0.1:43210/callback"}, {"redirect_uri", "http://[::1]:43210/other"}, {"redirect_uri", "http://user@[::1]:43210/callback"}, {"redirect_uri", "http://127.0.0.2:43210/callback"},
		{"redirect_uri", "http://[::ffff:127.0.0.1]:43210/callback"}, {"redirect_uri", "http://127.1:43210/callback"}, {"redirect_uri", "http://127.0.0.1:43210/callback/"}, {"redirect_uri", "//127.0.0.1:43210/callback"},
	} {
		got := b.get("/oauth/authorize?" + asks(verifier, change...).Encode())
		if got.header.Get("Location") != "" || got.status < 400 {
			t.Errorf("%v: %d %v", change, got.status, got.header)
		}
	}
	for _, good := range []string{"http://127.0.0.1:1/callback", "http://[::1]:65535/callback"} {
		b.get("/oauth/authorize?"+asks(verifier, "redirect_uri", good).Encode()).want(http.StatusOK, "Approve")
	}
	twice := asks(verifier)
	twice.Add("redirect_uri", "http://127.0.0.1:1/callback")
	b.get("/oauth/authorize?" + twice.Encode()).want(http.StatusBadRequest)
}

func TestDeniedConsentTellsTheProgram(t *testing.T) {
	t.Parallel()
	s := onSQLite(t)
	b := s.browser()
	b.signIn(ada, "")
	if q := b.agree(asks(signin.NewSecret()), "Deny"); q.Get("error") != "access_denied" || q.Get("code") != "" {
		t.Error(q)
	}
	s.wantAudit("authorization.denied", 1)
}

// TestConsentNeedsAForm: a link to the consent gives nothing by itself.
func TestConsentNeedsAForm(t *testing.T) {
	t.Parallel()
	s := onSQLite(t)
	b := s.browser()
	b.signIn(ada, "")
	form := asks(signin.NewSecret())
	form.Set("action", "approve")
	if got := b.post("/oauth/authorize", form); got.status != http.StatusForbidden || got.header.Get("Location") != "" {
		t.Errorf("%d %v", got.status, got.header)
	}
}

func TestRefreshTokensRotate(t *testing.T) {
	t.Parallel()
	s := onSQLite(t)
	_, refresh := s.loggedIn()
	cli := s.browser()
	for range 3 {
		got := cli.token(refreshForm(refresh)).want(http.StatusOK)
		if got.text("refresh_token") == refresh || !s.works(got.text("access_token")) {
			t.Fatal(got.body)
		}
		refresh = got.text("refresh_token")
	}
}

// TestReusedRefreshTokenEndsTheFamily: one of the two who have it has stolen it.
func TestReusedRefreshTokenEndsTheFamily(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(t *testing.T, db *store.Store) {
		s := newSite(t, db)
		access, refresh := s.loggedIn()
		cli := s.browser()
		newer := cli.token(refreshForm(refresh)).want(http.StatusOK)
		cli.token(refreshForm(refresh)).wantError(http.StatusBadRequest, "invalid_grant")
		for _, token := range []string{access, newer.text("access_token")} {
			if s.works(token) {
				t.Error("a token of the family works")
			}
		}
		cli.token(refreshForm(newer.text("refresh_token"))).wantError(http.StatusBadRequest, "invalid_grant")
		s.wantAudit("session.revoked", 1)
	})
}

func TestRefreshEndsAfterNinetyDays(t *testing.T) {
	t.Parallel()
	s := onSQLite(t)
	_, refresh := s.loggedIn()
	cli := s.browser()
	for range 3 {
		s.wait(29 * 24 * time.Hour)
		refresh = cli.token(refreshForm(refresh)).want(http.StatusOK).text("refresh_token")
	}
	s.wait(4 * 24 * time.Hour)
	cli.token(refreshForm(refresh)).wantError(http.StatusBadRequest, "invalid_grant")
}

func TestRevokedTokensEndTogether(t *testing.T) {
	t.Parallel()
	s := onSQLite(t)
	access, refresh := s.loggedIn()
	cli := s.browser()
	revoke := func(token string) {
		r := cli.request(http.MethodPost, "/oauth/revoke", strings.NewReader(url.Values{"token": {token}, "client_id": {"usher-cli"}}.Encode()))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		cli.do(r).want(http.StatusOK)
	}
	revoke("nothing")
	revoke(refresh)
	if s.works(access) {
		t.Error("the access token goes on")
	}
	cli.token(refreshForm(refresh)).wantError(http.StatusBadRequest, "invalid_grant")
	access, _ = s.loggedIn()
	r := cli.request(http.MethodPost, "/api/auth/logout", nil)
	r.Header.Set("Authorization", "Bearer "+access)
	cli.do(r).want(http.StatusNoContent)
	if s.works(access) {
		t.Error("signed out and still in")
	}
}

func TestUnknownGrantsAndForgedTokens(t *testing.T) {
	t.Parallel()
	s := onSQLite(t)
	access, _ := s.loggedIn()
	cli := s.browser()
	cli.token(url.Values{"grant_type": {"password"}, "client_id": {"usher-cli"}, "username": {ada}, "password": {"x"}}).wantError(http.StatusBadRequest, "unsupported_grant_type")
	cli.token(url.Values{}).wantError(http.StatusBadRequest, "unsupported_grant_type")
	cli.token(refreshForm(access)).wantError(http.StatusBadRequest, "invalid_grant")
	twice := refreshForm(access)
	twice.Add("client_id", "other")
	cli.token(twice).wantError(http.StatusBadRequest, "invalid_request")
	for _, token := range []string{"", access[:39] + "x", access[:39], "put_" + strings.Repeat("0", 36), access + "x"} {
		if s.works(token) {
			t.Errorf("%s works", token)
		}
	}
}

// device is a terminal that shows a code.
func (b *browser) startDevice() (deviceCode, userCode string) {
	b.t.Helper()
	r := b.request(http.MethodPost, "/oauth/device_authorization", strings.NewReader(url.Values{"client_id": {"usher-cli"}, "device_label": {"build box"}}.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	got := b.do(r).want(http.StatusOK)
	if got.text("verification_uri") != b.url+"/device" || got.text("verification_uri_complete") != b.url+"/device?user_code="+got.text("user_code") || got.json()["interval"] != float64(5) {
		b.t.Fatal(got.body)
	}
	return got.text("device_code"), got.text("user_code")
}

func (b *browser) pollDevice(code string) *shown {
	b.t.Helper()
	b.wait(6 * time.Second)
	return b.token(url.Values{"grant_type": {deviceGrant}, "device_code": {code}, "client_id": {"usher-cli"}})
}

func TestDeviceIsLetIn(t *testing.T) {
	t.Parallel()
	s := onSQLite(t)
	cli, b := s.browser(), s.browser()
	device, user := cli.startDevice()
	cli.pollDevice(device).wantError(http.StatusBadRequest, "authorization_pending")
	cli.token(url.Values{"grant_type": {deviceGrant}, "device_code": {device}, "client_id": {"another"}}).wantError(http.StatusBadRequest, "invalid_grant")
	cli.token(url.Values{"grant_type": {deviceGrant}, "device_code": {user}, "client_id": {"usher-cli"}}).wantError(http.StatusBadRequest, "invalid_grant")
	b.signIn(ada, "/device?user_code="+user).follow().want(http.StatusOK, user).press("Continue", "user_code", " "+strings.ToLower(user)+" ").want(http.StatusOK, "build box", "Asked from", ada).
		press("Approve").want(http.StatusOK, "signed in as "+ada)
	got := cli.pollDevice(device).want(http.StatusOK)
	if !s.works(got.text("access_token")) {
		t.Error("the token does not work")
	}
	cli.pollDevice(device).wantError(http.StatusBadRequest, "invalid_grant")
	s.wantAudit("device.approved", 1)
}

func TestDeniedDeviceIsSentAway(t *testing.T) {
	t.Parallel()
	s := onSQLite(t)
	cli, b := s.browser(), s.browser()
	device, user := cli.startDevice()
	b.signIn(ada, "/device").follow().press("Continue", "user_code", user).press("Deny").want(http.StatusOK, "sent away")
	cli.pollDevice(device).wantError(http.StatusBadRequest, "access_denied")
	b.get("/device").press("Continue", "user_code", user).want(http.StatusGone)
}

func TestDeviceThatAsksTooOftenIsSlowedDown(t *testing.T) {
	t.Parallel()
	s := onSQLite(t)
	cli := s.browser()
	device, _ := cli.startDevice()
	cli.pollDevice(device).wantError(http.StatusBadRequest, "authorization_pending")
	form := url.Values{"grant_type": {deviceGrant}, "device_code": {device}, "client_id": {"usher-cli"}}
	cli.token(form).wantError(http.StatusBadRequest, "slow_down")
	cli.pollDevice(device).wantError(http.StatusBadRequest, "slow_down") // it is ten seconds now
	s.wait(15 * time.Second)
	cli.pollDevice(device).wantError(http.StatusBadRequest, "authorization_pending")
	s.wait(11 * time.Minute)
	cli.pollDevice(device).wantError(http.StatusBadRequest, "expired_token")
}

// TestDeviceCodesCannotBeGuessed: three wrong ones and the session must begin anew; ten
// from one address and that must wait.
func TestDeviceCodesCannotBeGuessed(t *testing.T) {
	t.Parallel()
	s := onSQLite(t)
	cli, b := s.browser(), s.browser()
	_, user := cli.startDevice()
	b.signIn(ada, "")
	for i := range 3 {
		b.get("/device").press("Continue", "user_code", fmt.Sprintf("BCDF-GHJ%c", "KLM"[i])).want(http.StatusGone)
	}
	b.get("/device").press("Continue", "user_code", user).want(http.StatusTooManyRequests)
	var v *signin.Visitor
	for _, c := range b.client.Jar.Cookies(mustURL(t, s.url)) {
		if strings.Contains(c.Name, "session") {
			var err error
			if v, err = s.service.Session(t.Context(), c.Value); err != nil {
				t.Fatal(err)
			}
		}
	}
	from := signin.From{IP: "127.0.0.1"}
	for range 7 {
		v.Session = uuid.New() // as if signed in again
		if _, err := s.service.FindDevice(t.Context(), v, "BCDF-GHJK", from); signin.CodeOf(err) != signin.CodeGone {
			t.Fatal(err)
		}
	}
	v.Session = uuid.New()
	if _, err := s.service.FindDevice(t.Context(), v, user, from); signin.CodeOf(err) != signin.CodeTooMany {
		t.Errorf("%v", err)
	}
}

func TestDeviceNeedsAFreshSession(t *testing.T) {
	t.Parallel()
	s := onSQLite(t)
	b := s.browser()
	_, user := b.startDevice()
	b.signIn(ada, "")
	page := b.get("/device").press("Continue", "user_code", user).want(http.StatusOK)
	s.wait(16 * time.Minute)
	page.press("Approve").want(http.StatusUnauthorized, "too long ago")
	b.get("/device").want(http.StatusSeeOther)
}

// TestKeyPageAnswersOnlyThisMachine: the page for other command lines makes no key for
// anywhere else, and needs a button to be pressed.
func TestKeyPageAnswersOnlyThisMachine(t *testing.T) {
	t.Parallel()
	s := onSQLite(t)
	b := s.browser()
	b.signIn(ada, "")
	for _, bad := range []string{
		"", "https://localhost:1", "http://evil.example:1", "http://localhost.evil.example:1", "http://localhost@evil.example:1", "http://localhost:1/x", "http://localhost:1?x", "http://localhost:1#x",
		"http://localhost", "http://localhost:0", "http://localhost:99999", "http://0.0.0.0:1", "http://127.0.0.2:1", "http://127.1:1", "http://[::ffff:127.0.0.1]:1", "javascript:alert(1)", "//localhost:1", "http://localhost:1\\@evil.example",
	} {
		b.get("/auth/client?callback="+url.QueryEscape(bad)).want(http.StatusBadRequest, "No key was made")
	}
	page := b.get("/auth/client?callback=http%3A//localhost%3A43210&source=prefect-cloud&g=true").want(http.StatusOK, "port 43210", "30 days", ada, "cli-")
	policy := page.header.Get("Content-Security-Policy")
	if !strings.Contains(policy, "connect-src 'self' http://localhost:43210;") && !strings.HasSuffix(policy, "connect-src 'self' http://localhost:43210") || page.header.Get("Referrer-Policy") != "no-referrer" {
		t.Error(policy)
	}
	if key := page.press("Approve").want(http.StatusOK, "Paste this key").body; !strings.Contains(key, "pnu_") {
		t.Error(key)
	}
	page.press("Deny").want(http.StatusOK, "No key was made")
	s.wait(16 * time.Minute)
	page.press("Approve").want(http.StatusUnauthorized)
	b.get("/auth/client?callback=http%3A//localhost%3A43210").want(http.StatusSeeOther)
}

func TestKeyPageCanBeSwitchedOff(t *testing.T) {
	t.Parallel()
	s := onSQLite(t, func(o *signin.Options) { o.NoCompatLogin = true })
	b := s.browser()
	b.signIn(ada, "")
	b.get("/auth/client?callback=http%3A//localhost%3A43210").want(http.StatusGone, "usher login")
}

func TestDiscovery(t *testing.T) {
	t.Parallel()
	s := onSQLite(t)
	b := s.browser()
	for _, path := range []string{"/.well-known/oauth-authorization-server", "/.well-known/openid-configuration"} {
		if got := b.get(path).want(http.StatusOK); got.text("issuer") != s.url || got.text("token_endpoint") != s.url+"/oauth/token" {
			t.Error(got.body)
		}
	}
	b.get("/.well-known/jwks.json").want(http.StatusOK, "keys")
}

// TestIntrospectionIsForServiceAccounts: nobody else is told anything of a token.
func TestIntrospectionIsForServiceAccounts(t *testing.T) {
	t.Parallel()
	s := onSQLite(t)
	access, _ := s.loggedIn()
	b := s.browser()
	for _, secret := range []string{"", "x", s.owner.APIKey, access} {
		b.introspect(secret, access).wantError(http.StatusUnauthorized, "invalid_client")
	}
}

func (b *browser) introspect(secret, token string) *shown {
	b.t.Helper()
	r := b.request(http.MethodPost, "/oauth/introspect", strings.NewReader(url.Values{"token": {token}}.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if secret != "" {
		r.SetBasicAuth("service", secret)
	}
	return b.do(r)
}

func TestPagesCannotBeFramedOrSniffed(t *testing.T) {
	t.Parallel()
	s := onSQLite(t)
	b := s.browser()
	for _, path := range []string{"/auth/login", "/auth/sent", "/auth/verify", "/auth/nothing", "/oauth/authorize", "/device"} {
		h := b.get(path).header
		if !strings.Contains(h.Get("Content-Security-Policy"), "frame-ancestors 'none'") || h.Get("X-Content-Type-Options") != "nosniff" || h.Get("Cache-Control") != "no-store" || h.Get("Access-Control-Allow-Origin") != "" {
			t.Errorf("%s: %v", path, h)
		}
	}
}
