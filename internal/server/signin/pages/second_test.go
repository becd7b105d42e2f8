package pages_test

import (
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base32"
	"encoding/binary"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/server/identity"
	"github.com/usherhq/usher/internal/server/signin"
	"github.com/usherhq/usher/internal/store"
	"github.com/usherhq/usher/internal/store/storetest"
	"github.com/usherhq/usher/internal/testkit"
)

// app is an authenticator app.
type app struct {
	*site
	seed []byte
}

// code is what it shows, some steps of half a minute from now.
func (a *app) code(steps int) string {
	var counter [8]byte
	binary.BigEndian.PutUint64(counter[:], uint64(a.now().Unix()/30+int64(steps)))
	mac := hmac.New(sha1.New, a.seed)
	mac.Write(counter[:])
	sum := mac.Sum(nil)
	at := sum[len(sum)-1] & 15
	return fmt.Sprintf("%06d", binary.BigEndian.Uint32(sum[at:])&0x7fffffff%1000000)
}

var (
	seedOnPage  = regexp.MustCompile(`<p class="key">([A-Z2-7]{32})</p>`)
	codesOnPage = regexp.MustCompile(`<li>([a-z2-7]{4}-[a-z2-7]{4}-[a-z2-7]{4}-[a-z2-7]{4})</li>`)
)

// newApp sets an authenticator app up, and returns it with the recovery codes.
func (b *browser) newApp() (*app, []string) {
	b.t.Helper()
	page := b.get("/auth/factors").want(http.StatusOK).press("Set up an app", "name", "Phone").want(http.StatusOK, "QR code of the key")
	m := seedOnPage.FindStringSubmatch(page.body)
	if m == nil {
		b.t.Fatal(page.body)
	}
	seed, err := base32.StdEncoding.DecodeString(m[1])
	if err != nil {
		b.t.Fatal(err)
	}
	a := &app{b.site, seed}
	page.press("Turn it on", "code", "000 000").want(http.StatusForbidden, "That is not the code")
	done := page.press("Turn it on", "code", a.code(0)).want(http.StatusOK, "Recovery codes")
	var codes []string
	for _, m := range codesOnPage.FindAllStringSubmatch(done.body, -1) {
		codes = append(codes, m[1])
	}
	if len(codes) != 10 {
		b.t.Fatalf("%d recovery codes:\n%s", len(codes), done.body)
	}
	return a, codes
}

// TestCodesAreThoseOfRFC6238 compares this test's own app with the vectors of the RFC, cut to
// six digits.
func TestCodesAreThoseOfRFC6238(t *testing.T) {
	t.Parallel()
	a := &app{&site{}, []byte("12345678901234567890")}
	for at, want := range map[int64]string{59: "287082", 1111111109: "081804", 1234567890: "005924", 20000000000: "353130"} {
		if got := a.code(int(at/30 - time.Now().Unix()/30)); got != want {
			t.Errorf("at %d the code is %s, not %s", at, got, want)
		}
	}
}

// TestSecondFactorOfAnApp: who has one is in nowhere before showing it; a code works once,
// and not before its time or after.
func TestSecondFactorOfAnApp(t *testing.T) {
	t.Parallel()
	s := onSQLite(t)
	b := s.browser()
	b.signIn(ada, "")
	old := b.cookies()
	phone, codes := b.newApp()
	if b.cookies() == old {
		t.Error("the session keeps its id when it becomes one with a second factor")
	}
	if who := b.who(); who != ada {
		t.Errorf("signed in as %q after setting it up", who)
	}
	storetest.Read(t, s.db, func(tx *store.Tx) error {
		list, err := tx.Factors(s.owner.UserID)
		if err == nil && (len(list) != 1 || strings.Contains(list[0].Secret, base32.StdEncoding.EncodeToString(phone.seed)) || !strings.HasPrefix(list[0].Secret, "v2:")) {
			t.Error("the seed is not sealed")
		}
		return err
	})

	other := s.browser()
	got := other.signIn(ada, "/device")
	if to := got.header.Get("Location"); to != "/auth/second?next=%2Fdevice" {
		t.Fatalf("on to %s", to)
	}
	if who := other.who(); who != "" {
		t.Errorf("in as %q without the second factor", who)
	}
	other.get("/auth/factors").want(http.StatusSeeOther)
	page := got.follow().want(http.StatusOK, "Code of your authenticator app")
	page.press("Sign in", "code", phone.code(0)).want(http.StatusForbidden, "That is not the code") // used when it was set up
	s.wait(30 * time.Second)
	page.press("Sign in", "code", phone.code(-3)).want(http.StatusForbidden)
	page.press("Sign in", "code", phone.code(3)).want(http.StatusForbidden)
	code := phone.code(0)
	done := page.press("Sign in", "code", code[:3]+" "+code[3:]).want(http.StatusSeeOther)
	if to := done.header.Get("Location"); to != "/device" {
		t.Errorf("on to %s", to)
	}
	if who := other.who(); who != ada {
		t.Errorf("in as %q", who)
	}
	third := s.browser()
	page = third.signIn(ada, "").follow()
	page.press("Sign in", "code", code).want(http.StatusForbidden)
	page.press("Sign in", "code", strings.ToUpper(codes[3])).want(http.StatusSeeOther)
	if who := third.who(); who != ada {
		t.Errorf("in as %q with a recovery code", who)
	}
	s.wait(16 * time.Minute)
	page = s.browser().signIn(ada, "").follow()
	page.press("Sign in", "code", codes[3]).want(http.StatusForbidden)
	s.wantAudit("second-factor.created", 1)
	s.wantAudit("second-factor.used", 2)
	s.wantAudit("second-factor.refused", 5)
}

// TestSecondFactorLocks: after some wrong codes a sign-in is over, and after some more the
// person waits, whatever they type.
func TestSecondFactorLocks(t *testing.T) {
	t.Parallel()
	s := onSQLite(t)
	b := s.browser()
	b.signIn(ada, "")
	phone, codes := b.newApp()
	s.wait(16 * time.Minute)
	for range 2 {
		page := s.browser().signIn(ada, "").follow()
		for range 5 {
			page.press("Sign in", "code", "12345").want(http.StatusForbidden)
		}
		page.press("Sign in", "code", phone.code(0)).want(http.StatusTooManyRequests, "too many wrong codes")
		page.press("Sign in", "code", phone.code(0)).want(http.StatusUnauthorized, "over")
	}
	s.wait(13 * time.Minute) // for a mail, and not out of the lock
	page := s.browser().signIn(ada, "").follow()
	page.press("Sign in", "code", codes[0]).want(http.StatusTooManyRequests)
	s.wait(16 * time.Minute)
	s.browser().signIn(ada, "").follow().press("Sign in", "code", codes[0]).want(http.StatusSeeOther)
}

// TestSecondFactorOfAnAccount: an account that wants one keeps others out until they set one
// up; a key is no way around it, neither is a terminal.
func TestSecondFactorOfAnAccount(t *testing.T) {
	t.Parallel()
	s := onSQLite(t)
	b := s.browser()
	b.signIn(ada, "")
	b.get("/auth/organization/"+s.owner.AccountID.String()+"/settings").press("Save", "require_mfa", "true").want(http.StatusSeeOther)
	b.get("/auth/account").want(http.StatusOK, "wants a second factor", "/auth/factors").press("Create the key", "name", "k", "days", "30").want(http.StatusForbidden, "wants a second factor")
	phone, _ := b.newApp()
	if page := b.get("/auth/account"); strings.Contains(page.body, "wants a second factor") {
		t.Error("a second factor does not count")
	}
	b.get("/auth/account").press("Create the key", "name", "k", "days", "30").want(http.StatusOK, "pnu_")
	s.wait(time.Minute)
	w := s.terminal(ada)
	s.browser().get(s.mail.Await(t, ada, 2).Link()).press("Approve").want(http.StatusForbidden, "usher login --device")
	w.wantPoll(w.verifier, http.StatusBadRequest, "access_denied")

	// The command line that the browser lets in has what the browser has shown.
	verifier := signin.NewSecret()
	q := asks(verifier)
	code := mustURL(t, b.get("/oauth/authorize?"+q.Encode()).press("Approve").header.Get("Location")).Query().Get("code")
	token := b.token(codeForm(code, verifier)).want(http.StatusOK).text("access_token")
	actor, err := s.people.Resolve(t.Context(), token, "")
	if err != nil || actor.Refused() != "" {
		t.Errorf("refused %q, error %v", actor.Refused(), err)
	}
	_ = phone
}

// TestSecondFactorIsTakenAway: by the person, after which no session counts as one with it,
// and by an administrator for who has lost it, which ends all their sessions.
func TestSecondFactorIsTakenAway(t *testing.T) {
	t.Parallel()
	s := onSQLite(t)
	s.proven(s.owner.AccountID, "acme.example")
	bob := s.browser()
	bob.signIn("bob@acme.example", "")
	bob.newApp()
	bob.get("/auth/factors").press("Remove").want(http.StatusSeeOther)
	if who := bob.who(); who != "bob@acme.example" {
		t.Errorf("in as %q", who)
	}
	bob.newApp()
	s.wait(20 * time.Minute)
	bob.get("/auth/factors").press("Remove").want(http.StatusUnauthorized, "Sign in again")

	by, membership := s.actorOf(ada), s.membershipOf("bob@acme.example")
	rival := s.rival("rival.example")
	now := api.At(s.now())
	id := uuid.New()
	storetest.Write(t, s.db, func(tx *store.Tx) error {
		m := &store.Membership{AccountID: rival, ID: id, Created: now, Updated: now, ActorID: membership.ActorID, ActorType: store.ActorUser, RoleID: membership.RoleID, Active: true}
		return tx.InsertMembership(m)
	})
	if err := s.people.ResetSecondFactor(t.Context(), by, s.owner.AccountID, membership.ID); api.CodeOf(err) != api.CodeForbidden {
		t.Errorf("an administrator of one account takes it away for another: %v", err)
	}
	storetest.Write(t, s.db, func(tx *store.Tx) error {
		m, err := tx.Membership(rival, id)
		if err != nil {
			return err
		}
		return tx.DeleteMembership(m)
	})
	if err := s.people.ResetSecondFactor(t.Context(), by, s.owner.AccountID, membership.ID); err != nil {
		t.Fatal(err)
	}
	if who := bob.who(); who != "" {
		t.Errorf("still in as %q", who)
	}
	s.wantAudit("second-factor.reset", 1)
	bob.signIn("bob@acme.example", "").follow().want(http.StatusOK, "bob@acme.example")
}

// TestPasskeyInABrowser sets a passkey up with Chromium's virtual authenticator and signs in
// with it; looks at the pages of the second factor in both themes.
func TestPasskeyInABrowser(t *testing.T) {
	t.Parallel()
	s := newSite(t, storetest.Open(t, storetest.SQLiteURL(t)), func(o *signin.Options) {
		o.PublicURL = strings.Replace(o.PublicURL, "127.0.0.1", "localhost", 1)
	})
	s.url = strings.Replace(s.url, "127.0.0.1", "localhost", 1)
	b := testkit.StartBrowser(t, 1280, false)
	b.Authenticator()
	in := func(n int, then string) {
		b.Open(s.url + "/auth/login")
		b.Type("E-mail address", ada)
		b.Press("Send")
		b.Open(s.mail.Await(t, ada, n).Link())
		b.Press("Sign in")
		b.See(then)
	}
	in(1, "Where you are signed in")
	b.Open(s.url + "/auth/factors")
	b.Type("Name of the passkey", "Laptop")
	b.Screenshot("factors-light")
	b.Press("Create a passkey")
	b.See("Recovery codes")
	b.See("Laptop")
	b.Screenshot("codes-light")
	b.Open(s.url + "/auth/account")
	b.Press("Sign out")

	in(2, "You are almost in")
	b.Screenshot("second-light")
	b.Press("Use a passkey")
	b.See("Where you are signed in")
	b.Open(s.url + "/auth/factors")
	b.Press("Set up an app")
	b.See("Scan this")
	b.Screenshot("app-light")
	s.wantAudit("second-factor.used", 1)
	b.Open(s.url + "/auth/account")
	b.Press("Sign out")

	// A browser that does not have it gets in nowhere with it.
	page := s.browser().signIn(ada, "").follow().want(http.StatusOK, "Recovery code")
	for _, answer := range []string{"", "{}", `{"id":"eA","rawId":"eA","type":"public-key","response":{"clientDataJSON":"e30","authenticatorData":"","signature":""}}`} {
		page.press("Sign in", "action", "passkey", "answer", answer).want(http.StatusForbidden)
	}
	form := url.Values{"action": {"ask-passkey"}, "csrf": {regexp.MustCompile(`name="csrf" value="([^"]+)"`).FindStringSubmatch(page.body)[1]}}
	asked := page.post("/auth/second", form).want(http.StatusOK)
	if strings.Count(asked.body, `"challenge"`) != 1 {
		t.Error(asked.body)
	}
	if who := page.who(); who != "" {
		t.Errorf("in as %q", who)
	}
}

// cookies are what the browser has.
func (b *browser) cookies() (list string) {
	for _, c := range b.client.Jar.Cookies(mustURL(b.t, b.url)) {
		if strings.Contains(c.Name, "session") {
			list += c.Value
		}
	}
	return list
}

// actorOf is somebody who does something.
func (s *site) actorOf(email string) identity.By {
	s.t.Helper()
	var by identity.By
	storetest.Read(s.t, s.db, func(tx *store.Tx) error {
		u, err := s.people.UserByEmail(tx, email)
		if err == nil {
			by.Actor, err = s.people.ActorOf(tx, identity.Credential{ActorID: u.ID, Kind: identity.Session})
		}
		return err
	})
	return by
}

// membershipOf is somebody's in the account of the site.
func (s *site) membershipOf(email string) (m *store.Membership) {
	s.t.Helper()
	storetest.Read(s.t, s.db, func(tx *store.Tx) error {
		u, err := s.people.UserByEmail(tx, email)
		if err == nil {
			m, err = tx.MembershipOf(s.owner.AccountID, u.ID)
		}
		return err
	})
	return m
}
