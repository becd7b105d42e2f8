package secrets_test

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/secrets"
	"github.com/usherhq/usher/internal/testkit"
)

const canary = "sesame-5c1f"

func write(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(path, []byte(text+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func newVault(t *testing.T, o secrets.VaultOptions) *secrets.Vault {
	t.Helper()
	v, err := secrets.NewVault(o, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// TestVaultIsReadAsItAnswers: fields, whole secrets, newest versions, and each way to be let
// in, and what is said when there is nothing or it is refused.
func TestVaultIsReadAsItAnswers(t *testing.T) {
	t.Parallel()
	server := testkit.StartVault(t)
	server.Put("db", map[string]any{"password": "old"})
	server.Put("db", map[string]any{"password": canary, "port": 5432, "tags": []string{"a"}})
	server.Put("team/a b/db", map[string]any{"password": canary})
	server.Put("data/odd", map[string]any{"password": canary})
	server.Put("gone", map[string]any{"password": canary})
	server.Drop("gone")
	server.Put("others", map[string]any{"password": canary})
	mine := []string{"db", "team/a b/db", "data/odd", "gone", "none"}
	token := server.Token(mine...)
	byToken := newVault(t, secrets.VaultOptions{Address: server.URL + "/", Auth: secrets.AuthToken, TokenFile: write(t, token)})
	for place, want := range map[string]any{
		"secret/db#password": canary, "secret/db#port": 5432.0, "secret/data/db#password": canary, "/secret/team/a b/db/#password": canary,
		"secret/data/data/odd#password": canary, "secret/db": map[string]any{"password": canary, "port": 5432.0, "tags": []any{"a"}},
	} {
		if got, err := byToken.Read(t.Context(), place); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %v %v, not %v", place, got, err, want)
		}
	}
	for place, want := range map[string]string{
		"secret/none#password": "where there is nothing", "secret/gone#password": "where there is nothing", "secret/db#user": "no such field",
		"secret/others#password": "may not read", "other/db#password": "may not read", "db#password": "write mount/path#field", "secret/../sys/x#y": "no path",
	} {
		got, err := byToken.Read(t.Context(), place)
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), canary) || strings.Contains(err.Error(), token) {
			t.Errorf("%s: %v %v, not %q", place, got, err, want)
		}
	}
	roleID, secretID := server.AppRole(mine...)
	byRole := newVault(t, secrets.VaultOptions{Address: server.URL, Auth: secrets.AuthAppRole, RoleID: roleID, SecretIDFile: write(t, secretID)})
	for range 2 {
		if got, err := byRole.Read(t.Context(), "secret/db#password"); err != nil || got != canary {
			t.Errorf("by AppRole: %v %v", got, err)
		}
		server.RevokeAll() // the next read logs in again
	}
	jwt := server.ServiceAccount("flows", "worker", mine...)
	byAccount := newVault(t, secrets.VaultOptions{Address: server.URL, Auth: secrets.AuthKubernetes, Role: "flows", JWTFile: write(t, jwt)})
	if got, err := byAccount.Read(t.Context(), "secret/db#password"); err != nil || got != canary {
		t.Errorf("by a service account: %v %v", got, err)
	}
	for name, o := range map[string]secrets.VaultOptions{
		"AppRole":         {Address: server.URL, Auth: secrets.AuthAppRole, RoleID: roleID, SecretIDFile: write(t, "wrong")},
		"service account": {Address: server.URL, Auth: secrets.AuthKubernetes, Role: "other", JWTFile: write(t, jwt)},
	} {
		if _, err := newVault(t, o).Read(t.Context(), "secret/db#password"); err == nil || !strings.Contains(err.Error(), "does not let this worker in") || strings.Contains(err.Error(), jwt) {
			t.Errorf("%s: %v", name, err)
		}
	}
	server.Revoke(token)
	if _, err := byToken.Read(t.Context(), "secret/db#password"); err == nil || !strings.Contains(err.Error(), "may not read") {
		t.Errorf("with a revoked token: %v", err)
	}
}

// TestVaultInTroubleIsAskedAgain: what passes is waited for, what stays is told.
func TestVaultInTroubleIsAskedAgain(t *testing.T) {
	t.Parallel()
	var asked atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if asked.Add(1) < 3 {
			http.Error(w, `{"errors":["Vault is sealed"]}`, http.StatusServiceUnavailable)
			return
		}
		w.Write([]byte(`{"data":{"data":{"password":"` + canary + `"}}}`)) //nolint:errcheck // the client is gone
	}))
	v := newVault(t, secrets.VaultOptions{Address: server.URL, Auth: secrets.AuthToken, TokenFile: write(t, "t")})
	if got, err := v.Read(t.Context(), "secret/db#password"); err != nil || got != canary || asked.Load() != 3 {
		t.Errorf("%v %v after %d", got, err, asked.Load())
	}
	server.Close()
	if _, err := v.Read(t.Context(), "secret/db#password"); api.CodeOf(err) != api.CodeUnavailable || strings.Contains(err.Error(), "secret/data") {
		t.Errorf("it is gone: %v", err)
	}
}

// TestVaultOptionsThatAreRefused: secrets in the clear beyond this machine, and ways to be let
// in that lack something.
func TestVaultOptionsThatAreRefused(t *testing.T) {
	t.Parallel()
	for want, o := range map[string]secrets.VaultOptions{
		"in the clear": {Address: "http://vault.example.com", Auth: secrets.AuthToken, TokenFile: "f"},
		"no URL":       {Address: "vault.example.com:8200", Auth: secrets.AuthToken, TokenFile: "f"},
		"TOKEN_FILE":   {Address: "https://vault.example.com", Auth: secrets.AuthToken},
		"VAULT_ROLE":   {Address: "https://vault.example.com", Auth: secrets.AuthKubernetes},
		"ROLE_ID":      {Address: "https://vault.example.com", Auth: secrets.AuthAppRole, RoleID: "r"},
		"vouches":      {Address: "https://vault.example.com", Auth: secrets.AuthToken, TokenFile: "f", CAFile: "/none"},
	} {
		if _, err := secrets.NewVault(o, time.Now); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", want, err)
		}
	}
}

// TestReferencesReadWhatIsAllowed: variables and files that the worker names, nothing else,
// wherever in a block the reference is.
func TestReferencesReadWhatIsAllowed(t *testing.T) {
	t.Setenv("USHER_TEST_SECRET", canary)
	t.Setenv("USHER_TEST_OTHER", canary)
	outside := write(t, canary)
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "db"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "db", "password"), []byte(canary+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(outside, filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	s := &secrets.Sources{Env: []string{"USHER_TEST_SECRET", "USHER_PUBLIC_*"}, Dir: dir}
	ref := func(kind, place string) map[string]any { return map[string]any{kind: place} }
	got, err := s.Resolve(t.Context(), map[string]any{
		"user": "ada", "password": ref("$env", "USHER_TEST_SECRET"), "nested": map[string]any{"list": []any{ref("$file", "db/password"), 1.0}},
		"two": map[string]any{"$env": "USHER_TEST_SECRET", "more": true}, "number": map[string]any{"$env": 1.0},
	})
	want := map[string]any{
		"user": "ada", "password": canary, "nested": map[string]any{"list": []any{canary, 1.0}},
		"two": map[string]any{"$env": "USHER_TEST_SECRET", "more": true}, "number": map[string]any{"$env": 1.0},
	}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%v %v", got, err)
	}
	for want, r := range map[string]map[string]any{
		"USHER_SECRETS_ENV where":                  ref("$env", "USHER_TEST_OTHER"),
		"not set":                                  ref("$env", "USHER_PUBLIC_NONE"),
		"not in the folder":                        ref("$file", "none"),
		"can't be read":                            ref("$file", "link"),
		"a block refers to the file ../x":          ref("$file", "../x"),
		"a block refers to the file /etc/hosts":    ref("$file", "/etc/hosts"),
		"set USHER_SECRETS_VAULT_ADDRESS where it": ref("$vault", "secret/db#password"),
	} {
		if got, err := s.Resolve(t.Context(), map[string]any{"value": r}); err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), canary) {
			t.Errorf("%v: %v %v", r, got, err)
		}
	}
	nothing := &secrets.Sources{}
	for _, r := range []map[string]any{ref("$env", "PATH"), ref("$file", "db/password")} {
		if got, err := nothing.Resolve(t.Context(), map[string]any{"value": r}); err == nil {
			t.Errorf("%v: %v", r, got)
		}
	}
}
