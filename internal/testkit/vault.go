package testkit

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
)

// Vault answers as HashiCorp's server does, with a KV engine, version 2, at "secret", that lets
// in by tokens, AppRoles and the tokens of Kubernetes' service accounts. Who is let in may read
// what was named and nothing else.
type Vault struct {
	URL  string
	t    testing.TB
	mu   sync.Mutex
	kv   map[string][]map[string]any // versions by path; nil for deleted ones
	may  map[string][]string         // what tokens may read
	role map[string]vaultRole        // by role id and secret id, or role and service account
}

type vaultRole struct{ read []string }

// StartVault starts one.
func StartVault(t testing.TB) *Vault {
	t.Helper()
	v := &Vault{t: t, kv: map[string][]map[string]any{}, may: map[string][]string{}, role: map[string]vaultRole{}}
	server := httptest.NewServer(v)
	t.Cleanup(server.Close)
	v.URL = server.URL
	return v
}

// Put writes a new version of a secret.
func (v *Vault) Put(path string, data map[string]any) {
	v.t.Helper()
	v.mu.Lock()
	defer v.mu.Unlock()
	v.kv[path] = append(v.kv[path], data)
}

// Drop deletes the newest version of a secret.
func (v *Vault) Drop(path string) {
	v.t.Helper()
	v.mu.Lock()
	defer v.mu.Unlock()
	v.kv[path][len(v.kv[path])-1] = nil
}

// Token makes a token that may read some secrets.
func (v *Vault) Token(read ...string) string {
	v.t.Helper()
	v.mu.Lock()
	defer v.mu.Unlock()
	token := "hvs." + uuid.NewString()
	v.may[token] = read
	return token
}

// Revoke ends a token.
func (v *Vault) Revoke(token string) {
	v.t.Helper()
	v.mu.Lock()
	defer v.mu.Unlock()
	delete(v.may, token)
}

// RevokeAll ends all tokens that AppRoles have got.
func (v *Vault) RevokeAll() {
	v.t.Helper()
	v.mu.Lock()
	defer v.mu.Unlock()
	v.may = map[string][]string{}
}

// AppRole makes a role that may read some secrets.
func (v *Vault) AppRole(read ...string) (roleID, secretID string) {
	v.t.Helper()
	roleID, secretID = uuid.NewString(), uuid.NewString()
	v.mu.Lock()
	defer v.mu.Unlock()
	v.role[roleID+" "+secretID] = vaultRole{read}
	return roleID, secretID
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
	v.mu.Lock()
	defer v.mu.Unlock()
	v.role[role+" "+jwt] = vaultRole{read}
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
