package pages_test

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/usherhq/usher/internal/crypt"
	"github.com/usherhq/usher/internal/notify"
	"github.com/usherhq/usher/internal/server/identity"
	"github.com/usherhq/usher/internal/server/signin"
	"github.com/usherhq/usher/internal/store"
	"github.com/usherhq/usher/internal/store/storetest"
	"github.com/usherhq/usher/internal/testkit"
)

// TestSignInByLink walks the way of a person on both databases: one mail under TLS, one
// confirmation, a session; and nothing secret is in the database or in the log.
func TestSignInByLink(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(t *testing.T, db *store.Store) {
		s := newSite(t, db)
		b := s.browser()
		link := b.ask("ada@EXAMPLE.com", "")
		mail := s.mail.Await(t, ada, 1)
		if !mail.WithTLS || strings.Count(mail.Text, "://") != 1 || !strings.Contains(mail.HTML, link) || !strings.HasPrefix(link, s.url+"/auth/verify?t=") {
			t.Errorf("TLS %v\n%s", mail.WithTLS, mail.Raw)
		}
		got := b.get(link).want(http.StatusOK, "<strong>"+ada).press("Sign in").want(http.StatusSeeOther)
		var session *http.Cookie
		for _, c := range (&http.Response{Header: got.header}).Cookies() {
			if strings.HasPrefix(c.Name, "usher-session-") {
				session = c
			}
		}
		if session == nil || !session.HttpOnly || session.SameSite != http.SameSiteLaxMode || session.Path != "/" {
			t.Fatalf("cookie %v", session)
		}
		got.follow().want(http.StatusOK, "Where you are signed in", ada)
		s.wantAudit("magic-link.requested", 1)
		s.wantAudit("session.opened", 1)
		if s.mail.Count(ada) != 1 {
			t.Error("more than one mail")
		}
		token := link[strings.Index(link, "t=")+2:]
		kept := dump(t, db)
		for _, secret := range []string{token, session.Value} {
			if strings.Contains(kept, secret) || strings.Contains(s.log.String(), secret) {
				t.Error("a secret is in the database or the log")
			}
		}
	})
}

// dump is all that the tables of signing in hold.
func dump(t *testing.T, db *store.Store) string {
	t.Helper()
	var all strings.Builder
	storetest.Across(t, db, func(tx *store.Tx) error {
		for _, q := range []string{
			"select token_hash || ' ' || coalesce(browser_hash, '') || ' ' || coalesce(code_hash, '') || next || words from auth_magic_link",
			"select hash || client || method || agent from auth_token", "select hash || redirect_uri || challenge from auth_code",
			"select device_hash || user_code_hash || label from auth_device", "select entry from audit_entry", "select bucket from auth_throttle",
		} {
			err := tx.Query(q, nil, func(row *store.Row) error {
				var text string
				err := row.Scan(&text)
				all.WriteString(text + "\n")
				return err
			})
			if err != nil {
				return err
			}
		}
		return nil
	})
	return all.String()
}

func TestMailScannerUsesNoLinkUp(t *testing.T) {
	t.Parallel()
	s := onSQLite(t)
	b := s.browser()
	link := b.ask(ada, "")
	scanner := s.browser()
	for range 5 {
		scanner.get(link).want(http.StatusOK, "Show the code")
		scanner.do(scanner.request(http.MethodHead, link, nil)).want(http.StatusOK)
	}
	if scanner.who() != "" {
		t.Error("following a link signs in")
	}
	b.get(link).press("Sign in").follow().want(http.StatusOK, ada)
}

const over = "This link is over"

func TestLinkIsTakenOnce(t *testing.T) {
	t.Parallel()
	s := onSQLite(t)
	b := s.browser()
	link := b.ask(ada, "")
	page := b.get(link)
	cookies := b.client.Jar.Cookies(mustURL(t, s.url))
	page.press("Sign in").want(http.StatusSeeOther)
	b.get(link).want(http.StatusGone, over)
	again := s.browser() // with the cookies of before, as a thief of both would have
	again.client.Jar.SetCookies(mustURL(t, s.url), cookies)
	(&shown{again, 200, nil, page.body, page.at}).press("Sign in").want(http.StatusGone, over)
	s.wantAudit("magic-link.refused", 1)
	if again.who() != "" {
		t.Error("a link signs in twice")
	}
}

func mustURL(t *testing.T, text string) *url.URL {
	t.Helper()
	u, err := url.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func TestExpiredLinkIsRefused(t *testing.T) {
	t.Parallel()
	s := onSQLite(t)
	b := s.browser()
	link := b.ask(ada, "")
	page := b.get(link)
	s.wait(11 * time.Minute)
	b.get(link).want(http.StatusGone, over)
	page.press("Sign in").want(http.StatusGone, over)
	if b.who() != "" {
		t.Error("an expired link signs in")
	}
}

func TestNewerLinkEndsTheOlder(t *testing.T) {
	t.Parallel()
	s := onSQLite(t)
	b := s.browser()
	older, newer := b.ask(ada, ""), b.ask(ada, "")
	b.get(older).want(http.StatusGone, over)
	b.get(newer).press("Sign in").want(http.StatusSeeOther)
}

func TestForgedLinkIsRefused(t *testing.T) {
	t.Parallel()
	s := onSQLite(t)
	b := s.browser()
	b.ask(ada, "")
	for _, token := range []string{"", "x", strings.Repeat("A", 43), signin.NewSecret(), "' or 1=1 --"} {
		b.get("/auth/verify?t="+url.QueryEscape(token)).want(http.StatusGone, over)
	}
}

// TestLinkOpenedInAnotherBrowser: what opens the mail gets a code and no session; the code
// works in the browser that has asked, and nowhere else.
func TestLinkOpenedInAnotherBrowser(t *testing.T) {
	t.Parallel()
	s := onSQLite(t)
	b, phone := s.browser(), s.browser()
	link := b.ask(ada, "/device")
	code := sixDigits.FindString(phone.get(link).want(http.StatusOK, "asked for in another browser").press("Show the code").want(http.StatusOK).body)
	phone.post("/auth/verify", url.Values{"t": {link[strings.Index(link, "t=")+2:]}, "action": {"signin"}, "csrf": {csrfOf(phone)}}).want(http.StatusForbidden, "another browser")
	phone.get("/auth/sent?email="+ada).press("Sign in with the code", "code", code).want(http.StatusForbidden, "not the code")
	if phone.who() != "" {
		t.Fatal("the other browser is signed in")
	}
	b.get("/auth/sent?email="+ada).press("Sign in with the code", "code", code).want(http.StatusSeeOther)
	if b.who() != ada {
		t.Error("the browser that has asked is not signed in")
	}
}

var sixDigits = regexp.MustCompile(`\d{3} \d{3}`)

func csrfOf(b *browser) string {
	m := regexp.MustCompile(`name="csrf" value="([^"]*)"`).FindStringSubmatch(b.get("/auth/login?next=/device").body)
	return m[1]
}

func TestWrongCodesLockTheLink(t *testing.T) {
	t.Parallel()
	s := onSQLite(t)
	b, phone := s.browser(), s.browser()
	link := b.ask(ada, "")
	code := sixDigits.FindString(phone.get(link).press("Show the code").body)
	wrong := "000000"
	if code == "000 000" {
		wrong = "111111"
	}
	form := b.get("/auth/sent?email=" + ada)
	for range 5 {
		form.press("Sign in with the code", "code", wrong).want(http.StatusForbidden)
	}
	form.press("Sign in with the code", "code", code).want(http.StatusGone, "too many wrong codes")
	if b.who() != "" {
		t.Error("a code was guessed")
	}
}

// waiting is a terminal that has asked for a link.
type waiting struct {
	*browser
	verifier, id, words string
}

func (s *site) terminal(email string) *waiting {
	s.t.Helper()
	w := &waiting{browser: s.browser(), verifier: signin.NewSecret()}
	status, answer := w.json("/api/auth/magic-link", map[string]any{"email": email, "device_challenge": challengeOf(w.verifier)})
	if status != http.StatusAccepted {
		s.t.Fatalf("%d %v", status, answer)
	}
	w.id, _ = answer["request_id"].(string)
	w.words, _ = answer["pairing_words"].(string)
	return w
}

func challengeOf(verifier string) string {
	sum := sha256.Sum256([]byte(verifier))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

func (w *waiting) poll(verifier string) (int, map[string]any) {
	w.t.Helper()
	w.wait(6 * time.Second)
	return w.json("/api/auth/magic-link/poll", map[string]any{"request_id": w.id, "device_verifier": verifier})
}

func (w *waiting) wantPoll(verifier string, status int, code string) map[string]any {
	w.t.Helper()
	got, answer := w.poll(verifier)
	if said, _ := answer["error"].(string); got != status || said != code {
		w.t.Fatalf("%d %v, not %d %s", got, answer, status, code)
	}
	return answer
}

// TestLinkOnlyApprovesTheTerminal: who clicks gets nothing, who has asked gets the tokens,
// once.
func TestLinkOnlyApprovesTheTerminal(t *testing.T) {
	t.Parallel()
	s := onSQLite(t)
	w := s.terminal(ada)
	mail := s.mail.Await(t, ada, 1)
	w.wantPoll(w.verifier, http.StatusBadRequest, "authorization_pending")
	phone := s.browser()
	page := phone.get(mail.Link()).want(http.StatusOK, w.words, "Asked from", ada)
	if !strings.Contains(mail.Text, w.words) {
		t.Error("the mail does not have the words")
	}
	page.press("Approve").want(http.StatusOK, "The terminal is signed in")
	if phone.who() != "" {
		t.Error("who clicks is signed in")
	}
	answer := w.wantPoll(w.verifier, http.StatusOK, "")
	access, _ := answer["access_token"].(string)
	actor, err := s.people.Resolve(t.Context(), access, "127.0.0.1")
	if err != nil || actor.Email != ada || actor.Credential.Method != "magic-link" {
		t.Errorf("%+v, %v", actor, err)
	}
	w.wantPoll(w.verifier, http.StatusBadRequest, "expired_token")
	page.press("Approve").want(http.StatusGone)
	s.wantAudit("magic-link.approved", 1)
}

func TestAnotherTerminalGetsNothing(t *testing.T) {
	t.Parallel()
	s := onSQLite(t)
	w := s.terminal(ada)
	s.browser().get(s.mail.Await(t, ada, 1).Link()).press("Approve").want(http.StatusOK)
	w.wantPoll(signin.NewSecret(), http.StatusBadRequest, "access_denied")
	w.wantPoll("", http.StatusBadRequest, "access_denied")
	w.wantPoll(w.verifier, http.StatusOK, "")
}

func TestDeniedTerminalIsSentAway(t *testing.T) {
	t.Parallel()
	s := onSQLite(t)
	w := s.terminal(ada)
	s.browser().get(s.mail.Await(t, ada, 1).Link()).press("Deny").want(http.StatusOK, "sent away")
	w.wantPoll(w.verifier, http.StatusBadRequest, "access_denied")
}

func TestTerminalThatAsksTooOftenIsSlowedDown(t *testing.T) {
	t.Parallel()
	s := onSQLite(t)
	w := s.terminal(ada)
	w.wantPoll(w.verifier, http.StatusBadRequest, "authorization_pending")
	if _, answer := w.json("/api/auth/magic-link/poll", map[string]any{"request_id": w.id, "device_verifier": w.verifier}); answer["error"] != "slow_down" {
		t.Errorf("%v", answer)
	}
}

// TestAnswersTellNothingOfAddresses: known, unknown, beyond a limit and signed out for
// good are told the same, byte for byte but for ids, and get no mail unless known.
func TestAnswersTellNothingOfAddresses(t *testing.T) {
	t.Parallel()
	s := onSQLite(t)
	shape := func(email string) string {
		w := s.terminal(email)
		status, answer := w.poll(w.verifier)
		w.wantPoll(signin.NewSecret(), http.StatusBadRequest, "access_denied")
		return fmt.Sprint(status, answer, len(w.id), w.words != "")
	}
	want := shape(ada)
	for _, email := range []string{"nobody@example.com", "nobody@elsewhere.example", ada, ada, ada} {
		if got := shape(email); got != want {
			t.Errorf("%s: %s, not %s", email, got, want)
		}
	}
	if s.mail.Await(t, ada, 3); s.mail.Count("nobody@example.com")+s.mail.Count("nobody@elsewhere.example") > 0 {
		t.Error("strangers get mail")
	}
	first := s.browser().get("/auth/login").press(sendLink, "email", "nobody@example.com")
	second := s.browser().get("/auth/login").press(sendLink, "email", "other@example.com")
	if first.status != second.status || slices.Sorted(maps.Keys(first.header)) == nil || len(first.header) != len(second.header) {
		t.Errorf("%v %v", first, second)
	}
}

// TestLinksAreLimited: the fourth in a quarter of an hour sends no mail and looks the same;
// an address on the network that asks too often is told so.
func TestLinksAreLimited(t *testing.T) {
	t.Parallel()
	s := onSQLite(t)
	for range 4 {
		s.terminal(ada)
	}
	s.mail.Await(t, ada, 3)
	s.wantAudit("magic-link.limited", 1)
	for i := range 6 {
		s.terminal(fmt.Sprintf("nobody%d@example.com", i))
	}
	b := s.browser()
	got := b.do(b.request(http.MethodPost, "/api/auth/magic-link", strings.NewReader(`{"email":"x@example.com"}`)))
	if got.status != http.StatusTooManyRequests || got.header.Get("Retry-After") == "" {
		t.Errorf("%d %s", got.status, got.body)
	}
	b.ip = "198.51.100.7"
	b.get("/auth/login").press(sendLink, "email", "x@example.com").want(http.StatusSeeOther)
	s.wait(16 * time.Minute)
	s.terminal(ada)
	s.mail.Await(t, ada, 4)
	if s.mail.Count(ada) != 4 {
		t.Errorf("%d mails", s.mail.Count(ada))
	}
}

func TestHostHeaderDoesNotGetIntoLinks(t *testing.T) {
	t.Parallel()
	s := onSQLite(t)
	b := s.browser()
	r := b.request(http.MethodPost, "/api/auth/magic-link", strings.NewReader(`{"email":"`+ada+`"}`))
	r.Host = "evil.example"
	r.Header.Set("X-Forwarded-Host", "evil.example")
	r.Header.Set("X-Forwarded-Proto", "https")
	b.do(r).want(http.StatusAccepted)
	if mail := s.mail.Await(t, ada, 1); strings.Contains(mail.Raw, "evil.example") || !strings.HasPrefix(mail.Link(), s.url) {
		t.Error(mail.Raw)
	}
	r = b.request(http.MethodGet, "/auth/login?next=/device", nil)
	r.Host = "evil.example"
	if got := b.do(r); got.status != http.StatusTemporaryRedirect || got.header.Get("Location") != s.url+"/auth/login?next=/device" || strings.Contains(got.body, "evil") {
		t.Errorf("%d %v", got.status, got.header)
	}
	r = b.request(http.MethodGet, "/.well-known/oauth-authorization-server", nil)
	r.Host = "evil.example"
	if got := b.do(r); got.text("issuer") != s.url || strings.Contains(got.body, "evil") {
		t.Error(got.body)
	}
}

func TestAddressCannotAddHeadersToMail(t *testing.T) {
	t.Parallel()
	s := onSQLite(t)
	b := s.browser()
	for _, email := range []string{ada + "\r\nBcc: evil@example.com", ada + "\nX: y", ada + ",evil@example.com", "<" + ada + ">", "", "@", "a@b@c", strings.Repeat("a", 300) + "@example.com", ada + "\x00"} {
		if status, answer := b.json("/api/auth/magic-link", map[string]any{"email": email}); status != http.StatusBadRequest {
			t.Errorf("%q: %d %v", email, status, answer)
		}
	}
	r := b.request(http.MethodPost, "/api/auth/magic-link", strings.NewReader(`{"email":"`+ada+`"}`))
	r.Header.Set("User-Agent", "x=?utf-8?q?=0D=0ABcc:_evil@example.com?=")
	b.do(r).want(http.StatusAccepted)
	if mail := s.mail.Await(t, ada, 1); mail.Header.Get("Bcc") != "" {
		t.Error(mail.Raw)
	}
}

// TestNextLeadsNowhereElse is about open redirects.
func TestNextLeadsNowhereElse(t *testing.T) {
	t.Parallel()
	s := onSQLite(t)
	for _, to := range []string{"https://evil.example/", "//evil.example", "/\\evil.example", "\\\\evil.example", "javascript:alert(1)", "/%0d%0aX:y", "http:/evil.example", "/\t/evil.example", "///evil.example", "/auth/login"} {
		b := s.browser()
		b.ip = "198.51.100.9"
		page := b.get("/auth/login?next=" + url.QueryEscape(to))
		if strings.Contains(page.body, "evil") || strings.Contains(page.body, "javascript") {
			t.Errorf("%q is on the page", to)
		}
	}
	b := s.browser()
	n := s.mail.Count(ada)
	b.post("/auth/login", url.Values{"email": {ada}, "next": {"https://evil.example/"}, "csrf": {csrfOf(b)}}).want(http.StatusSeeOther)
	if got := b.get(s.mail.Await(t, ada, n+1).Link()).press("Sign in"); got.header.Get("Location") != "/auth/account" {
		t.Error(got.header)
	}
	b = s.browser()
	if got := b.signIn(ada, "/device?user_code=BCDF-GHJK"); got.header.Get("Location") != "/device?user_code=BCDF-GHJK" {
		t.Error(got.header)
	}
}

// TestFormsOfOthersAreRefused is about CSRF, of who is signed in and of who is not: an
// attacker who signs a victim in as themselves would see what the victim does then.
func TestFormsOfOthersAreRefused(t *testing.T) {
	t.Parallel()
	s := onSQLite(t)
	attacker, victim := s.browser(), s.browser()
	link := attacker.ask(ada, "")
	token := csrfOf(attacker)
	victim.get("/auth/login")
	for name, form := range map[string]url.Values{
		"no token":           {"t": {link[strings.Index(link, "t=")+2:]}, "action": {"signin"}},
		"another's token":    {"t": {link[strings.Index(link, "t=")+2:]}, "action": {"signin"}, "csrf": {token}},
		"another's own code": {"code": {"000000"}, "action": {"code"}, "csrf": {token}},
	} {
		if got := victim.post("/auth/verify", form); got.status != http.StatusForbidden {
			t.Errorf("%s: %d", name, got.status)
		}
	}
	good := url.Values{"email": {ada}, "csrf": {csrfOf(victim)}}
	for name, header := range map[string]http.Header{
		"cross-site": {"Sec-Fetch-Site": {"cross-site"}}, "same-site": {"Sec-Fetch-Site": {"same-site"}}, "origin": {"Origin": {"https://evil.example"}},
		"null origin": {"Origin": {"null"}}, "no origin": {},
	} {
		r := victim.request(http.MethodPost, "/auth/login", strings.NewReader(good.Encode()))
		r.Header = header.Clone()
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		if got := victim.do(r); got.status != http.StatusForbidden {
			t.Errorf("%s: %d", name, got.status)
		}
	}
	r := victim.request(http.MethodPost, "/auth/login", strings.NewReader(good.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Origin", s.url)
	victim.do(r).want(http.StatusSeeOther)
}

// TestSignInEndsTheSessionBefore is about fixation: the id of a session is a new one.
func TestSignInEndsTheSessionBefore(t *testing.T) {
	t.Parallel()
	s := onSQLite(t)
	b := s.browser()
	b.signIn(ada, "")
	thief := s.browser()
	thief.client.Jar.SetCookies(mustURL(t, s.url), b.client.Jar.Cookies(mustURL(t, s.url)))
	if thief.who() != ada {
		t.Fatal("the copy does not work at all")
	}
	b.signIn(ada, "/device")
	if thief.who() != "" || b.who() != ada {
		t.Error("the session before goes on")
	}
}

func TestSessionsEnd(t *testing.T) {
	t.Parallel()
	s := onSQLite(t)
	idle := s.browser()
	idle.signIn(ada, "")
	s.wait(12*time.Hour + time.Minute)
	if idle.who() != "" {
		t.Error("an idle session goes on")
	}
	busy := s.browser()
	busy.signIn(ada, "")
	for range 15 {
		s.wait(11 * time.Hour)
		if busy.who() == "" {
			t.Fatal("a session that is used ends early")
		}
	}
	s.wait(4 * time.Hour)
	if busy.who() != "" {
		t.Error("a session is older than a week")
	}
}

func TestSessionsAreRevoked(t *testing.T) {
	t.Parallel()
	s := onSQLite(t)
	b, other := s.browser(), s.browser()
	b.signIn(ada, "")
	other.signIn(ada, "")
	if b.get("/auth/account").press("End all others").follow(); other.who() != "" || b.who() != ada {
		t.Error("the other session goes on, or this one does not")
	}
	b.get("/auth/account").press("Sign out").want(http.StatusSeeOther)
	if b.who() != "" {
		t.Error("signed out and still in")
	}
}

// TestWhoIsNoMemberAnyMoreIsOut: a session and tokens are worth nothing without a membership.
func TestWhoIsNoMemberAnyMoreIsOut(t *testing.T) {
	t.Parallel()
	s := onSQLite(t)
	b := s.browser()
	b.signIn(ada, "")
	storetest.Write(t, s.db, func(tx *store.Tx) error {
		_, err := tx.Exec("update account_membership set active = ? where actor_id = ?", false, s.owner.UserID)
		return err
	})
	if b.who() != "" {
		t.Error("still in")
	}
}

// TestKeysNeedAFreshSession: a key is made right after signing in, shown once, revoked.
func TestKeysNeedAFreshSession(t *testing.T) {
	t.Parallel()
	s := onSQLite(t)
	b := s.browser()
	b.signIn(ada, "")
	got := b.get("/auth/account").press("Create the key", "name", "laptop", "days", "30").want(http.StatusOK, "shown only now")
	key := regexp.MustCompile(`pnu_[0-9A-Za-z]{36}`).FindString(got.body)
	if actor, err := s.people.Resolve(t.Context(), key, ""); err != nil || actor.Email != ada {
		t.Fatalf("%s: %v", key, err)
	}
	got = b.get("/auth/account").want(http.StatusOK, "laptop")
	if strings.Contains(got.body, key) {
		t.Error("the key is shown again")
	}
	keys := 2 // with that of bootstrap
	for ; keys > 0; keys-- {
		b.get("/auth/account").press("Revoke").want(http.StatusSeeOther)
	}
	if _, err := s.people.Resolve(t.Context(), key, ""); err == nil {
		t.Error("a revoked key works")
	}
	s.wait(16 * time.Minute)
	b.get("/auth/account").press("Create the key", "name", "late", "days", "30").want(http.StatusSeeOther)
	if _, err := s.people.Resolve(t.Context(), key, ""); err == nil || strings.Contains(b.get("/auth/account").body, "late") {
		t.Error("an old session makes keys")
	}
}

// TestMailsOutliveTheServer: a mail that nobody has sent when the server ends goes out after
// the next start, by whichever server; the database has no link in the clear, and no mail once
// it was sent.
func TestMailsOutliveTheServer(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(t *testing.T, db *store.Store) {
		mail := testkit.StartMailServer(t, false)
		log := slog.New(slog.DiscardHandler)
		people := identity.New(db, time.Now, log)
		if _, err := people.Bootstrap(t.Context(), ada, "acme", "main"); err != nil {
			t.Fatal(err)
		}
		key := crypt.NewKey()
		o := signin.Options{PublicURL: "http://localhost:1", Key: func(context.Context) (crypt.Key, error) { return key, nil }}
		mailer := &notify.SMTP{Host: mail.Host, Port: mail.Port, From: "usher@example.com", Client: &notify.Client{Clock: time.Now, Roots: mail.Roots}}
		ended := signin.New(o, db, people, mailer, time.Now, log)
		browser := signin.NewSecret()
		for _, email := range []string{ada, "nobody@example.com"} {
			if _, err := ended.RequestLink(t.Context(), signin.LinkRequest{Email: email, Browser: browser}); err != nil {
				t.Fatal(err)
			}
		}
		waiting := func() (n int) {
			storetest.Read(t, db, func(tx *store.Tx) error {
				return tx.QueryRow("select count(*) from mail_outbox where sealed like 'v2:signin:%' and sealed not like '%http%'", nil, &n)
			})
			return n
		}
		if n := waiting(); n != 2 { // as many for an address that nobody has
			t.Errorf("%d mails wait sealed, not 2", n)
		}
		for range 2 { // two servers
			next := signin.New(o, db, people, mailer, time.Now, log)
			ctx, stop := context.WithCancel(t.Context())
			done := make(chan error, 1)
			go func() { done <- next.Run(ctx) }()
			t.Cleanup(func() { stop(); <-done })
		}
		link := mail.Await(t, ada, 1).Link()
		token := mustURL(t, link).Query().Get("t")
		if _, err := ended.RedeemLink(t.Context(), token, browser, signin.From{}); err != nil {
			t.Error(err)
		}
		testkit.Eventually(t, time.Minute, func() error {
			if n := waiting(); n != 1 {
				return fmt.Errorf("%d mails wait", n)
			}
			return nil
		})
		if mail.Count(ada) != 1 || mail.Count("nobody@example.com") != 0 {
			t.Error("a mail was sent twice, or to nobody")
		}
	})
}
