package acceptance

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/testkit"
)

// builder is a build system that vouches for its jobs, and gives them their tokens as GitHub
// Actions does.
type builder struct {
	*httptest.Server
	key *ecdsa.PrivateKey
}

func startBuilder(t *testing.T) *builder {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	b := &builder{key: key}
	mux := http.NewServeMux()
	answer := func(w http.ResponseWriter, value any) {
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(value) // the client is gone: nobody to tell
	}
	mux.HandleFunc("GET /.well-known/openid-configuration", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, map[string]any{"issuer": b.URL, "jwks_uri": b.URL + "/keys", "id_token_signing_alg_values_supported": []string{"ES256"}})
	})
	mux.HandleFunc("GET /keys", func(w http.ResponseWriter, _ *http.Request) {
		point, err := key.PublicKey.Bytes()
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		answer(w, map[string]any{"keys": []any{map[string]any{
			"kty": "EC", "crv": "P-256", "kid": "1", "alg": "ES256", "use": "sig", "x": encode(point[1:33]), "y": encode(point[33:]),
		}}})
	})
	mux.HandleFunc("GET /token", func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer the-job" {
			http.Error(w, "who are you?", http.StatusUnauthorized)
			return
		}
		answer(w, map[string]any{"value": b.token(t, r.URL.Query().Get("audience"))})
	})
	b.Server = httptest.NewServer(mux)
	t.Cleanup(b.Close)
	return b
}

func encode(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

// token vouches for a job to an audience.
func (b *builder) token(t *testing.T, audience string) string {
	t.Helper()
	now := time.Now().Unix()
	claims, err := json.Marshal(map[string]any{
		"iss": b.URL, "aud": audience, "sub": "repo:acme/flows", "repository": "acme/flows", "jti": uuid.NewString(), "iat": now, "nbf": now, "exp": now + 300,
	})
	if err != nil {
		t.Fatal(err)
	}
	text := encode([]byte(`{"alg":"ES256","kid":"1","typ":"JWT"}`)) + "." + encode(claims)
	sum := sha256.Sum256([]byte(text))
	r, s, err := ecdsa.Sign(rand.Reader, b.key, sum[:])
	if err != nil {
		t.Fatal(err)
	}
	signature := make([]byte, 64)
	r.FillBytes(signature[:32])
	s.FillBytes(signature[32:])
	return text + "." + encode(signature)
}

// TestJobsNeedNoSecret is a job that the server lets in by the word of its build system: with
// one variable, and nothing kept.
func TestJobsNeedNoSecret(t *testing.T) {
	t.Parallel()
	s := startWithAccounts(t)
	owner := &person{t, s.program, testkit.Env(t.TempDir(), "USHER_API_URL="+s.apiURL, "USHER_API_KEY="+s.key)}
	var bot struct {
		ID string `json:"id"`
	}
	if err := json.Unmarshal([]byte(owner.usher("service-account", "create", "ci", "-o", "json")), &bot); err != nil {
		t.Fatal(err)
	}
	owner.usher("access", "grant", "ci")
	b := startBuilder(t)
	rules, err := json.Marshal([]any{map[string]any{"issuer": b.URL, "audience": s.URL, "bot_id": bot.ID, "conditions": map[string]string{"repository": "acme/flows"}}})
	if err != nil {
		t.Fatal(err)
	}
	s.Stop()
	if err := os.WriteFile(filepath.Join(s.Home, ".env"), []byte("USHER_AUTH_FEDERATION_RULES='"+string(rules)+"'\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	s.Restart(t)

	github := &person{t, s.program, testkit.Env(t.TempDir(), "USHER_API_URL="+s.apiURL,
		"ACTIONS_ID_TOKEN_REQUEST_URL="+b.URL+"/token?api-version=2", "ACTIONS_ID_TOKEN_REQUEST_TOKEN=the-job")}
	github.usher("flow", "ls")
	github.usher("flow", "ls")
	if got := github.usher("auth", "status", "--jq", ".account + \" \" + .method"); strings.TrimSpace(got) != "ci workload identity" {
		t.Errorf("status is %q", got)
	}
	if got := github.usher("auth", "ls"); got != "" {
		t.Errorf("something is kept: %s", got)
	}
	github.usher("login", "--oidc", "--insecure-storage")
	if got := github.usher("auth", "ls"); !strings.Contains(got, "workload identity") {
		t.Errorf("nothing is kept: %s", got)
	}

	gitlab := &person{t, s.program, testkit.Env(t.TempDir(), "USHER_API_URL="+s.apiURL, "USHER_ID_TOKEN="+b.token(t, s.URL))}
	gitlab.usher("exec", "--", "sh", "-c", gitlab.program+" flow ls && "+gitlab.program+" flow ls")
	if _, said, err := gitlab.try("flow", "ls"); err == nil || !strings.Contains(said, "USHER_ID_TOKEN") {
		t.Errorf("a token that was shown already: %v\n%s", err, said)
	}
	other := &person{t, s.program, testkit.Env(t.TempDir(), "USHER_API_URL="+s.apiURL, "USHER_ID_TOKEN="+b.token(t, "https://elsewhere.example"))}
	if _, _, err := other.try("flow", "ls"); err == nil {
		t.Error("a token for another server is taken")
	}
	none := &person{t, s.program, testkit.Env(t.TempDir(), "USHER_API_URL="+s.apiURL)}
	if _, said, err := none.try("login", "--oidc"); err == nil || !strings.Contains(said, "id-token: write") {
		t.Errorf("no identity: %v\n%s", err, said)
	}
}
