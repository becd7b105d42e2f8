package pages_test

import (
	"crypto/sha1"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/usherhq/usher/internal/server/signin"
	"github.com/usherhq/usher/internal/store"
	"github.com/usherhq/usher/internal/store/storetest"
)

const (
	adasPassword = "vlam tuin potlood"
	setIt        = "Set the password"
	changeIt     = "Change the password"
)

func withPasswords(o *signin.Options) { o.Passwords = true }

// withPassword is a browser of Ada's who has an app and a password.
func (s *site) withPassword() (*browser, *app) {
	s.t.Helper()
	b := s.browser()
	b.signIn(ada, "")
	mails := s.mail.Count(ada)
	phone, _ := b.newApp()
	b.get("/auth/password/change").want(http.StatusOK).press(setIt, "password", adasPassword, "again", adasPassword).want(http.StatusSeeOther)
	s.mail.Await(s.t, ada, mails+1) // it is told of
	return b, phone
}

// fields are what a form sends that this page could have.
func (g *shown) fields(typed ...string) url.Values {
	g.t.Helper()
	values := url.Values{}
	for i := 0; i+1 < len(typed); i += 2 {
		values.Set(typed[i], typed[i+1])
	}
	values.Set("csrf", csrfTag.FindStringSubmatch(g.body)[1])
	return values
}

// password shows an address and a password.
func (b *browser) password(email, text string) *shown {
	b.t.Helper()
	return b.get("/auth/password?next=%2Fdevice").want(http.StatusOK).press("Sign in", "email", email, "password", text)
}

// TestPasswordsAreOffUnlessWanted: without the setting there is nothing to try.
func TestPasswordsAreOffUnlessWanted(t *testing.T) {
	t.Parallel()
	s := onSQLite(t)
	b := s.browser()
	b.signIn(ada, "")
	for _, path := range []string{"/auth/password", "/auth/password/change"} {
		b.get(path).want(http.StatusNotFound)
		b.post(path, url.Values{"csrf": {"x"}, "email": {ada}, "password": {adasPassword}}).want(http.StatusNotFound)
	}
	for _, page := range []string{"/auth/login?next=%2Fdevice", "/auth/account"} {
		if got := b.get(page).want(http.StatusOK); strings.Contains(got.body, "/auth/password") {
			t.Errorf("%s leads to passwords", page)
		}
	}
}

// TestSignInWithAPassword: a password and then the second factor let in, a wrong one and a
// password alone do not; it is kept as a sealed hash.
func TestSignInWithAPassword(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(t *testing.T, db *store.Store) {
		s := newSite(t, db, withPasswords)
		_, phone := s.withPassword()
		storetest.Read(t, s.db, func(tx *store.Tx) error {
			list, err := tx.Factors(s.owner.UserID)
			for _, f := range list {
				if !strings.HasPrefix(f.Secret, "v2:") || strings.Contains(f.Secret, "argon2") {
					t.Errorf("%s is kept as %s", f.Kind, f.Secret)
				}
			}
			return err
		})
		b := s.browser()
		b.password(ada, "vlam tuin potlooD").want(http.StatusForbidden, "don't belong together")
		b.password(ada, "").want(http.StatusForbidden, "don't belong together")
		if to := b.password(" ADA@example.com ", adasPassword).want(http.StatusSeeOther).header.Get("Location"); to != "/auth/second?next=%2Fdevice" {
			t.Fatalf("it leads to %s", to)
		}
		if who := b.who(); who != "" {
			t.Errorf("signed in as %q by a password alone", who)
		}
		b.get("/auth/second?next=%2Fdevice").want(http.StatusOK).press("Sign in", "code", "000000").want(http.StatusForbidden)
		b.get("/auth/second?next=%2Fdevice").want(http.StatusOK).press("Sign in", "code", phone.code(1)).want(http.StatusSeeOther)
		if who := b.who(); who != ada {
			t.Errorf("signed in as %q", who)
		}
		// Who came by the password can't change it.
		b.get("/auth/password/change").want(http.StatusOK, "Sign in with a link by mail to do that")
		b.post("/auth/password/change", b.get("/auth/account").fields("action", "set", "password", "another good one", "again", "another good one")).want(http.StatusUnauthorized)
		s.wantAudit("password.set", 1)
		s.wantAudit("password.refused", 2)
	})
}

// TestPasswordNeedsASecondFactor: nobody sets one without, and it goes with the last factor,
// whoever takes that away.
func TestPasswordNeedsASecondFactor(t *testing.T) {
	t.Parallel()
	s := onSQLite(t, withPasswords)
	b := s.browser()
	b.signIn(ada, "")
	b.get("/auth/password/change").want(http.StatusOK, "Set up a second factor first")
	form := b.get("/auth/account").fields("action", "set", "password", adasPassword, "again", adasPassword)
	b.post("/auth/password/change", form).want(http.StatusForbidden, "Set up a second factor first")
	b, _ = s.withPassword()
	b.get("/auth/factors").press("Remove").want(http.StatusSeeOther)
	storetest.Read(t, s.db, func(tx *store.Tx) error {
		list, err := tx.Factors(s.owner.UserID)
		if len(list) > 0 {
			t.Errorf("left are %+v", list)
		}
		return err
	})
	s.browser().password(ada, adasPassword).want(http.StatusForbidden)
}

// TestPasswordChangeEndsTheRest: who sets, changes or removes a password is signed out
// elsewhere and told by mail; a good one is asked for.
func TestPasswordChangeEndsTheRest(t *testing.T) {
	t.Parallel()
	s := onSQLite(t, withPasswords, func(o *signin.Options) {
		path := filepath.Join(t.TempDir(), "leaked.txt")
		if err := os.WriteFile(path, []byte(fmt.Sprintf("%X:7\n", sha1.Sum([]byte("zeven gele fietsen")))), 0o600); err != nil {
			t.Fatal(err)
		}
		var err error
		if o.Breached, err = signin.OpenBreached(path); err != nil {
			t.Fatal(err)
		}
	})
	b, phone := s.withPassword()
	other := s.browser()
	other.signIn(ada, "").follow().want(http.StatusOK).press("Sign in", "code", phone.code(1)).want(http.StatusSeeOther)
	if other.who() != ada {
		t.Fatal("the other browser is not signed in")
	}
	mails := s.mail.Count(ada)
	page := b.get("/auth/password/change").want(http.StatusOK)
	for text, why := range map[string]string{
		"short": "at least 12 characters", "Password1234!": "first that somebody would try", "ada@example.com!": "first that somebody would try",
		"zeven gele fietsen": "stolen somewhere",
	} {
		page.press(changeIt, "password", text, "again", text).want(http.StatusBadRequest, why)
	}
	page.press(changeIt, "password", "another good one 7", "again", "another good one 8").want(http.StatusBadRequest, "not the same")
	if other.who() != ada {
		t.Error("what was refused has ended a session")
	}
	page.press(changeIt, "password", "another good one 7", "again", "another good one 7").want(http.StatusSeeOther)
	if other.who() != "" || b.who() != ada {
		t.Errorf("after the change the other is %q, this one %q", other.who(), b.who())
	}
	got := s.mail.Await(t, ada, mails+1)
	if text := got.Text; !strings.Contains(text, "was set") || strings.Contains(text, "another good one") {
		t.Errorf("the mail says %s", text)
	}
	s.browser().password(ada, adasPassword).want(http.StatusForbidden)
	s.browser().password(ada, "another good one 7").want(http.StatusSeeOther)
	b.get("/auth/password/change").want(http.StatusOK).press("Remove the password").want(http.StatusSeeOther)
	s.browser().password(ada, "another good one 7").want(http.StatusForbidden)
	// The way in for who has forgotten it: a link by mail, the second factor, the page.
	fresh := s.browser()
	s.wait(20 * time.Minute)
	if to := fresh.signIn(ada, "/auth/password/change").follow().press("Sign in", "code", phone.code(0)).want(http.StatusSeeOther).header.Get("Location"); to != "/auth/password/change" {
		t.Errorf("it leads to %s", to)
	}
	fresh.get("/auth/password/change").want(http.StatusOK).press(setIt, "password", adasPassword, "again", adasPassword).want(http.StatusSeeOther)
	s.wait(20 * time.Minute)
	fresh.get("/auth/password/change").want(http.StatusOK, "Sign in again")
}

// TestWrongPasswordsLockAnAddress: ten wrong ones lock an address for a while that doubles,
// from wherever they come and however many at once, whether it is known or not; the link by
// mail goes on, and a right one afterwards begins anew.
func TestWrongPasswordsLockAnAddress(t *testing.T) {
	t.Parallel()
	s := onSQLite(t, withPasswords)
	_, phone := s.withPassword()
	tries := func(email string, n int) (statuses map[int]int) {
		statuses = map[int]int{}
		var mu sync.Mutex
		var all sync.WaitGroup
		for i := range n {
			b := s.browser()
			b.ip = fmt.Sprintf("198.51.100.%d", i)
			all.Go(func() {
				got := b.password(email, "not the password")
				mu.Lock()
				defer mu.Unlock()
				statuses[got.status]++
			})
		}
		all.Wait()
		return statuses
	}
	for _, email := range []string{ada, "nobody@example.com"} {
		if got := tries(email, 14); got[http.StatusForbidden] != 10 || got[http.StatusTooManyRequests] != 4 {
			t.Errorf("%s: %v", email, got)
		}
		got := s.browser().password(email, adasPassword).want(http.StatusTooManyRequests, "Wait a while")
		if after, _ := strconv.Atoi(got.header.Get("Retry-After")); after < 50 || after > 61 {
			t.Errorf("%s: again after %d s", email, after)
		}
	}
	s.wait(62 * time.Second)
	s.browser().password(ada, "not the password").want(http.StatusForbidden)
	got := s.browser().password(ada, adasPassword).want(http.StatusTooManyRequests)
	if after, _ := strconv.Atoi(got.header.Get("Retry-After")); after < 110 || after > 121 {
		t.Errorf("again after %d s", after)
	}
	s.browser().signIn(ada, "").follow().press("Sign in", "code", phone.code(0)).want(http.StatusSeeOther)
	s.wait(122 * time.Second)
	s.browser().password(ada, adasPassword).want(http.StatusSeeOther)
	for range 9 {
		b := s.browser()
		b.ip = "198.51.100.200"
		b.password(ada, "not the password").want(http.StatusForbidden)
	}
	s.browser().password(ada, adasPassword).want(http.StatusSeeOther)
	s.wantAudit("password.locked", 4+4+1+1+1)
}

// TestManyWrongPasswordsFromOnePlaceAreSlowed: whoever tries many addresses is told to wait,
// and forged links count with them.
func TestManyWrongPasswordsFromOnePlaceAreSlowed(t *testing.T) {
	t.Parallel()
	s := onSQLite(t, withPasswords)
	b := s.browser()
	form := b.get("/auth/login").fields("action", "signin", "t", signin.NewSecret())
	for range 26 {
		b.post("/auth/verify", form).want(http.StatusGone)
	}
	for i := range 4 {
		b.password(fmt.Sprintf("somebody%d@example.com", i), "not the password").want(http.StatusForbidden)
	}
	b.password("another@example.com", "not the password").want(http.StatusTooManyRequests, "too often from here")
	b.post("/auth/verify", form).want(http.StatusTooManyRequests)
}

// TestPasswordsTellNothingOfAddresses: an address that is known and has a password, one that
// has none and one that nobody has are told the same, after the same time.
func TestPasswordsTellNothingOfAddresses(t *testing.T) {
	t.Parallel()
	s := onSQLite(t, withPasswords)
	s.withPassword()
	times := map[string][]time.Duration{}
	var bodies []string
	emails := []string{ada, "nobody@example.com"}
	for i := range 2 * 25 {
		b := s.browser()
		b.ip = fmt.Sprintf("203.0.113.%d", i)
		page := b.get("/auth/password").want(http.StatusOK)
		email := emails[i%2]
		began := time.Now()
		got := page.press("Sign in", "email", email, "password", "not the password")
		times[email] = append(times[email], time.Since(began))
		if i < 2 {
			body := csrfTag.ReplaceAllString(got.body, "")
			bodies = append(bodies, strconv.Itoa(got.status)+strings.ReplaceAll(body, email, "…"))
		}
		if i%16 == 15 {
			s.wait(25 * time.Hour) // locks are over
		}
	}
	if bodies[0] != bodies[1] {
		t.Errorf("known: %s\nunknown: %s", bodies[0], bodies[1])
	}
	sameDistribution(t, times[ada], times["nobody@example.com"])
}

// TestLeakedPasswordsAreFound: each of many is found in a sorted list and nothing else, with
// either kind of line; a file that is no such list is refused.
func TestLeakedPasswordsAreFound(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	for _, size := range []int{1, 2, 3, 1000} {
		var lines []string
		for i := range size {
			lines = append(lines, fmt.Sprintf("%X:%d", sha1.Sum([]byte(fmt.Sprint("leaked ", i))), i*i))
		}
		slices.Sort(lines)
		for name, text := range map[string]string{
			"hibp": strings.Join(lines, "\r\n") + "\r\n", "bare": strings.ToLower(countAfter.ReplaceAllString(strings.Join(lines, "\n"), "")),
		} {
			list, err := signin.OpenBreached(write(name, text))
			if err != nil {
				t.Fatal(err)
			}
			for i := range size {
				if found, err := list.Has(fmt.Sprint("leaked ", i)); err != nil || !found {
					t.Errorf("%s of %d: leaked %d: %v %v", name, size, i, found, err)
				}
				if found, err := list.Has(fmt.Sprint("kept ", i)); err != nil || found {
					t.Errorf("%s of %d: kept %d: %v %v", name, size, i, found, err)
				}
			}
		}
	}
	for name, text := range map[string]string{"words": "password\n123456\n", "empty": "", "long": strings.Repeat("a", 5000), "short": "abcdef:1\n"} {
		if _, err := signin.OpenBreached(write(name, text)); err == nil {
			t.Errorf("%s is taken for a list", name)
		}
	}
	if _, err := signin.OpenBreached(filepath.Join(dir, "none")); err == nil {
		t.Error("a file that is not there is taken for a list")
	}
}
