package auth

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/usherhq/usher/internal/api"
)

func TestSecretsPrintAsNothing(t *testing.T) {
	t.Parallel()
	c := Credential{Key: NewSecret("pnu_canary"), Access: NewSecret("put_canary"), Refresh: NewSecret("prt_canary")}
	text, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	for _, printed := range []string{fmt.Sprint(c), fmt.Sprintf("%v %+v %#v %s %q %x", c, c, c, c.Key, c.Key, c.Key), string(text)} {
		if strings.Contains(printed, "canary") || strings.Contains(printed, fmt.Sprintf("%x", "canary")) {
			t.Errorf("a secret shows in %s", printed)
		}
	}
}

func TestRedact(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"key pnu_0123456789abcdefABCD refused":   "key pnu_**** refused",
		"Authorization: Bearer abcdefghij.klm":   "Authorization: Bearer ****",
		"Authorization: Basic eDpwbnVfYWJj==":    "Authorization: Basic ****",
		"cannot reach http://x:pnu_a@host/api":   "cannot reach http://****@host/api",
		"https://host/api is fine; a@b.c is too": "https://host/api is fine; a@b.c is too",
		"put_0123456789 prt_0123456789":          "put_**** prt_****",
	} {
		if got := Redact(text); got != want {
			t.Errorf("Redact(%q) = %q, want %q", text, got, want)
		}
	}
}

// store is one that has no keyring, with a passphrase.
func store(t *testing.T, home, phrase string) *Store {
	t.Helper()
	t.Setenv("DBUS_SESSION_BUS_ADDRESS", "unix:path="+filepath.Join(home, "nothing"))
	s := Open(home)
	s.Passphrase = func(context.Context, bool) (Secret, error) { return NewSecret(phrase), nil }
	return s
}

var ada = Account{Server: "https://usher.example.com/api", Actor: "a1", Name: "ada@example.com", Method: Browser}

func TestSealedFile(t *testing.T) {
	home := t.TempDir()
	s := store(t, home, "correct")
	if _, err := store(t, home, "").Save(t.Context(), ada, Credential{Key: NewSecret("pnu_canary")}, false); !errors.Is(err, ErrNowhere) {
		t.Fatalf("without a passphrase: %v", err)
	}
	kept, err := s.Save(t.Context(), ada, Credential{Key: NewSecret("pnu_canary")}, false)
	if err != nil || kept.Kept != Sealed {
		t.Fatalf("kept in %q: %v", kept.Kept, err)
	}
	bob := Account{Server: ada.Server, Actor: "b1", Name: "bob@example.com"}
	if _, err := store(t, home, "wrong").Save(t.Context(), bob, Credential{Key: NewSecret("pnu_other")}, false); api.CodeOf(err) != api.CodeUnauthenticated {
		t.Fatalf("another passphrase was taken: %v", err)
	}
	if _, err := s.Save(t.Context(), bob, Credential{Key: NewSecret("pnu_other")}, false); err != nil {
		t.Fatal(err)
	}
	again := store(t, home, "correct")
	if c, err := again.Load(t.Context(), kept); err != nil || c.Key.Reveal() != "pnu_canary" {
		t.Fatalf("read %v: %v", c.Key.Reveal(), err)
	}
	text, err := os.ReadFile(filepath.Join(home, "auth", "credentials.json"))
	if err != nil || strings.Contains(string(text), "canary") {
		t.Fatalf("the file has the secret in the clear, or %v", err)
	}
	all, err := s.Accounts()
	if err != nil {
		t.Fatal(err)
	}
	if active, ok := all.Find("https://USHER.example.com/api/accounts/x", ""); !ok || active.Actor != "b1" {
		t.Errorf("active is %v", active)
	}
	if err := s.Forget(t.Context(), all.At(ada.Server)[1]); err != nil {
		t.Fatal(err)
	}
	if all, _ = s.Accounts(); len(all.All) != 1 || all.Active[ada.Origin()] != "a1" {
		t.Errorf("after logging out: %+v", all)
	}
	if _, ok := all.Find("https://usher.example.com:444/api", ""); ok {
		t.Error("an account is used at another port")
	}
}

// TestTokensAreRenewedOnce has several programs meet a token that has ended.
func TestTokensAreRenewedOnce(t *testing.T) {
	home := t.TempDir()
	now := time.Now()
	old := Credential{Access: NewSecret("put_old"), Refresh: NewSecret("prt_old"), Expires: now.Add(leeway / 2)}
	kept, err := store(t, home, "").Save(t.Context(), ada, old, true)
	if err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	renewals := 0
	renew := func(_ context.Context, refresh Secret) (Credential, error) {
		mu.Lock()
		defer mu.Unlock()
		if renewals++; refresh.Reveal() != "prt_old" {
			return Credential{}, api.Errorf(api.CodeInvalid, "reused")
		}
		return Credential{Access: NewSecret("put_new"), Refresh: NewSecret("prt_new"), Expires: now.Add(time.Hour)}, nil
	}
	var programs sync.WaitGroup
	for range 8 {
		tokens := store(t, home, "").Tokens(kept, renew)
		programs.Go(func() {
			if c, err := tokens.Credential(context.Background()); err != nil || c.Access.Reveal() != "put_new" {
				t.Errorf("got %v, %v", c.Access.Reveal(), err)
			}
		})
	}
	programs.Wait()
	if renewals != 1 {
		t.Errorf("renewed %d times", renewals)
	}
}

// TestTheEndOfALogin tells it from a server that is away for a while.
func TestTheEndOfALogin(t *testing.T) {
	home := t.TempDir()
	s := store(t, home, "")
	kept, err := s.Save(t.Context(), ada, Credential{Access: NewSecret("put_old"), Refresh: NewSecret("prt_old"), Expires: time.Now()}, true)
	if err != nil {
		t.Fatal(err)
	}
	for code, want := range map[api.Code]api.Code{
		api.CodeInvalid: api.CodeUnauthenticated, api.CodeUnauthenticated: api.CodeUnauthenticated, api.CodeUnavailable: api.CodeUnavailable,
	} {
		tokens := s.Tokens(kept, func(context.Context, Secret) (Credential, error) { return Credential{}, api.Errorf(code, "no") })
		if _, err := tokens.Credential(t.Context()); api.CodeOf(err) != want {
			t.Errorf("%s gives %v", code, err)
		}
	}
	if c, err := s.Load(t.Context(), kept); err != nil || c.Refresh.Reveal() != "prt_old" {
		t.Errorf("the login is lost: %v", err)
	}
}
