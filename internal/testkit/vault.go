package testkit

import (
	"bytes"
	_ "embed"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
)

// Vault is a server with a KV engine, version 2, at "secret", that lets in by tokens, AppRoles
// and the tokens of Kubernetes' service accounts: HashiCorp's own, or one that answers as it
// does. Who is let in may read what was named and nothing else.
type Vault struct {
	URL  string
	t    testing.TB
	root string // of the real one
	mu   sync.Mutex
	kv   map[string][]map[string]any // versions by path; nil for deleted ones
	may  map[string][]string         // what tokens may read
	role map[string]vaultRole        // by role id and secret id, or role and service account
}

type vaultRole struct{ read []string }

// VaultWanted says whether tests of HashiCorp's own server are to run: building it takes
// minutes, so it is asked for (`make test-vault`).
func VaultWanted() bool { return os.Getenv("USHER_TEST_VAULT") != "" }

//go:embed vault/main.go.txt
var vaultMain []byte

//go:embed vault/go.mod.txt
var vaultModule []byte

// StartRealVault builds HashiCorp's server from its Go modules, once, and starts it.
func StartRealVault(t testing.TB) *Vault {
	t.Helper()
	dir, err := CacheDir("vault-1.20.0")
	if err == nil {
		err = once(dir, func() error {
			files := map[string][]byte{"main.go": vaultMain, "go.mod": vaultModule}
			return goProgram(dir, files, []string{"build", "-trimpath", "-ldflags", "-s -w", "-o", "vault", "."})
		})
	}
	if err != nil {
		t.Fatalf("a Vault is needed for this test: %v", err)
	}
	port, err := freePort()
	if err != nil {
		t.Fatal(err)
	}
	v := &Vault{URL: fmt.Sprintf("http://127.0.0.1:%d", port), t: t}
	process, err := StartProcess(exec.Command(filepath.Join(dir, "vault"), strings.TrimPrefix(v.URL, "http://")), filepath.Join(t.TempDir(), "vault.log"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		process.Kill()
		if t.Failed() {
			t.Logf("vault:\n%s", tail(process.Log(), 20))
		}
	})
	if err := Until(t.Context(), func() error {
		if process.ended() {
			return Final(fmt.Errorf("it ended: %s", tail(process.Log(), 20)))
		}
		for _, line := range strings.Split(process.Log(), "\n") {
			if strings.HasPrefix(line, "hvs.") {
				v.root = strings.TrimSpace(line)
			}
		}
		if v.root == "" {
			return fmt.Errorf("no token yet")
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	v.do("POST", "sys/mounts/secret", map[string]any{"type": "kv", "options": map[string]string{"version": "2"}}, nil)
	v.do("POST", "sys/auth/approle", map[string]any{"type": "approle"}, nil)
	v.do("POST", "sys/auth/kubernetes", map[string]any{"type": "kubernetes"}, nil)
	if err := Until(t.Context(), func() error { // the engine upgrades itself first
		if status := v.try("PUT", "secret/data/probe", map[string]any{"data": map[string]any{"up": true}}, nil); status != http.StatusOK {
			return fmt.Errorf("the engine answers %d", status)
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return v
}

// StartVault starts the one that answers as HashiCorp's does.
func StartVault(t testing.TB) *Vault {
	t.Helper()
	v := &Vault{t: t, kv: map[string][]map[string]any{}, may: map[string][]string{}, role: map[string]vaultRole{}}
	server := httptest.NewServer(v)
	t.Cleanup(server.Close)
	v.URL = server.URL
	return v
}

// try asks the real server as its root.
func (v *Vault) try(method, path string, body, into any) int {
	v.t.Helper()
	text, err := json.Marshal(body)
	if err != nil {
		v.t.Fatal(err)
	}
	r, err := http.NewRequestWithContext(v.t.Context(), method, v.URL+"/v1/"+path, bytes.NewReader(text))
	if err != nil {
		v.t.Fatal(err)
	}
	r.Header.Set("X-Vault-Token", v.root)
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		v.t.Fatal(err)
	}
	defer res.Body.Close()
	text, _ = io.ReadAll(res.Body)
	if into != nil {
		if err := json.Unmarshal(text, into); err != nil {
			v.t.Fatalf("%s %s: %d %s", method, path, res.StatusCode, text)
		}
	}
	return res.StatusCode
}

func (v *Vault) do(method, path string, body, into any) {
	v.t.Helper()
	if status := v.try(method, path, body, into); status >= 300 {
		v.t.Fatalf("%s %s: %d", method, path, status)
	}
}

// Put writes a new version of a secret.
func (v *Vault) Put(path string, data map[string]any) {
	v.t.Helper()
	if v.root != "" {
		v.do("POST", "secret/data/"+path, map[string]any{"data": data}, nil)
		return
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	v.kv[path] = append(v.kv[path], data)
}

// Drop deletes the newest version of a secret.
func (v *Vault) Drop(path string) {
	v.t.Helper()
	if v.root != "" {
		v.do("DELETE", "secret/data/"+path, nil, nil)
		return
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	v.kv[path][len(v.kv[path])-1] = nil
}

// policy lets read paths, in the real one.
func (v *Vault) policy(read []string) string {
	name := "p" + uuid.NewString()
	var rules strings.Builder
	for _, path := range read {
		fmt.Fprintf(&rules, "path %q { capabilities = [\"read\"] }\n", "secret/data/"+path)
	}
	v.do("PUT", "sys/policies/acl/"+name, map[string]any{"policy": rules.String()}, nil)
	return name
}

// Token makes a token that may read some secrets.
func (v *Vault) Token(read ...string) string {
	v.t.Helper()
	if v.root != "" {
		var made struct {
			Auth struct {
				Token string `json:"client_token"`
			} `json:"auth"`
		}
		v.do("POST", "auth/token/create", map[string]any{"policies": []string{v.policy(read)}}, &made)
		return made.Auth.Token
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	token := "hvs." + uuid.NewString()
	v.may[token] = read
	return token
}

// Revoke ends a token.
func (v *Vault) Revoke(token string) {
	v.t.Helper()
	if v.root != "" {
		v.do("POST", "auth/token/revoke", map[string]any{"token": token}, nil)
		return
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	delete(v.may, token)
}

// RevokeAll ends all tokens that AppRoles have got.
func (v *Vault) RevokeAll() {
	v.t.Helper()
	if v.root != "" {
		v.do("POST", "sys/leases/revoke-prefix/auth/approle", nil, nil)
		return
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	v.may = map[string][]string{}
}

// AppRole makes a role that may read some secrets.
func (v *Vault) AppRole(read ...string) (roleID, secretID string) {
	v.t.Helper()
	if v.root == "" {
		roleID, secretID = uuid.NewString(), uuid.NewString()
		v.mu.Lock()
		defer v.mu.Unlock()
		v.role[roleID+" "+secretID] = vaultRole{read}
		return roleID, secretID
	}
	name := "r" + uuid.NewString()
	v.do("POST", "auth/approle/role/"+name, map[string]any{"token_policies": v.policy(read), "token_ttl": "1h"}, nil)
	var answer struct {
		Data struct {
			RoleID   string `json:"role_id"`
			SecretID string `json:"secret_id"`
		} `json:"data"`
	}
	v.do("GET", "auth/approle/role/"+name+"/role-id", nil, &answer)
	roleID = answer.Data.RoleID
	v.do("POST", "auth/approle/role/"+name+"/secret-id", nil, &answer)
	return roleID, answer.Data.SecretID
}

// ServiceAccount makes a role for a service account of Kubernetes that may read some secrets,
// and returns the token that the account would have. What stands for the cluster vouches for it.
func (v *Vault) ServiceAccount(role, account string, read ...string) (jwt string) {
	v.t.Helper()
	part := func(value any) string {
		text, err := json.Marshal(value)
		if err != nil {
			v.t.Fatal(err)
		}
		return base64.RawURLEncoding.EncodeToString(text)
	}
	uid := uuid.NewString()
	jwt = part(map[string]string{"alg": "RS256", "typ": "JWT"}) + "." + part(map[string]any{
		"iss": "kubernetes/serviceaccount", "sub": "system:serviceaccount:flows:" + account, "exp": time.Now().Add(time.Hour).Unix(),
		"kubernetes.io/serviceaccount/namespace": "flows", "kubernetes.io/serviceaccount/service-account.name": account,
		"kubernetes.io/serviceaccount/service-account.uid": uid, "kubernetes.io/serviceaccount/secret.name": "s",
	}) + "." + base64.RawURLEncoding.EncodeToString([]byte("signature"))
	if v.root == "" {
		v.mu.Lock()
		defer v.mu.Unlock()
		v.role[role+" "+jwt] = vaultRole{read}
		return jwt
	}
	cluster := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		text, _ := io.ReadAll(r.Body)
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprintf(w, `{"apiVersion":"authentication.k8s.io/v1","kind":"TokenReview","status":{"authenticated":%t,"user":{"username":"system:serviceaccount:flows:%s","uid":%q}}}`,
			strings.Contains(string(text), jwt), account, uid)
	}))
	v.t.Cleanup(cluster.Close)
	v.do("POST", "auth/kubernetes/config", map[string]any{"kubernetes_host": cluster.URL, "token_reviewer_jwt": jwt, "disable_local_ca_jwt": true, "disable_iss_validation": true}, nil)
	v.do("POST", "auth/kubernetes/role/"+role, map[string]any{
		"bound_service_account_names": account, "bound_service_account_namespaces": "flows", "token_policies": v.policy(read), "token_ttl": "1h",
	}, nil)
	return jwt
}

// ServeHTTP answers as HashiCorp's server does.
func (v *Vault) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	v.mu.Lock()
	defer v.mu.Unlock()
	answer := func(status int, body any) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		json.NewEncoder(w).Encode(body) //nolint:errcheck // the client is gone
	}
	refused := map[string]any{"errors": []string{"1 error occurred:\n\t* permission denied\n\n"}}
	path, _ := strings.CutPrefix(r.URL.Path, "/v1/")
	switch path {
	case "auth/approle/login", "auth/kubernetes/login":
		var body map[string]string
		if json.NewDecoder(r.Body).Decode(&body) != nil {
			answer(http.StatusBadRequest, refused)
			return
		}
		role, ok := v.role[body["role_id"]+body["role"]+" "+body["secret_id"]+body["jwt"]]
		switch {
		case !ok && strings.Contains(path, "approle"):
			answer(http.StatusBadRequest, map[string]any{"errors": []string{"invalid role or secret ID"}})
		case !ok:
			answer(http.StatusForbidden, refused)
		default:
			token := "hvs." + uuid.NewString()
			v.may[token] = role.read
			answer(http.StatusOK, map[string]any{"auth": map[string]any{"client_token": token, "lease_duration": 3600, "renewable": true}})
		}
		return
	}
	secret, ok := strings.CutPrefix(path, "secret/data/")
	if read := v.may[r.Header.Get("X-Vault-Token")]; r.Method != http.MethodGet || !ok || !slices.Contains(read, secret) {
		answer(http.StatusForbidden, refused)
		return
	}
	versions := v.kv[secret]
	switch n := len(versions); {
	case n == 0:
		answer(http.StatusNotFound, map[string]any{"errors": []string{}})
	case versions[n-1] == nil:
		answer(http.StatusNotFound, map[string]any{"data": map[string]any{"data": nil, "metadata": map[string]any{"deletion_time": "2026-01-01T00:00:00Z", "destroyed": false, "version": n}}})
	default:
		answer(http.StatusOK, map[string]any{"request_id": uuid.NewString(), "data": map[string]any{"data": versions[n-1], "metadata": map[string]any{"destroyed": false, "version": n}}})
	}
}
