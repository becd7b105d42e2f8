package testkit

import (
	"encoding/pem"
	"fmt"
	"net/http"
	"net/http/cgi"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
)

// Git serves repositories over HTTPS, by git's own server, to who brings the token.
type Git struct {
	// URL is where the repositories are, each by its name and .git. CA is the file with the
	// certificate of its authority, for GIT_SSL_CAINFO.
	URL, CA string

	dir string

	mu    sync.Mutex
	calls []string
}

// Calls are the requests so far: by what program, whether it was let in, and for what.
func (g *Git) Calls() []string {
	g.mu.Lock()
	defer g.mu.Unlock()
	return slices.Clone(g.calls)
}

func (g *Git) note(r *http.Request, isIn bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	program, _, _ := strings.Cut(r.UserAgent(), "/")
	g.calls = append(g.calls, fmt.Sprintf("%s %t %s", program, isIn, r.URL.Path))
}

// StartGit starts a server that lets in with the token, as user name or as password.
func StartGit(t testing.TB, token string) *Git {
	t.Helper()
	program, err := exec.LookPath("git")
	if err != nil {
		t.Fatalf("git is needed for this test: %v", err)
	}
	g := &Git{dir: t.TempDir()}
	backend := &cgi.Handler{Path: program, Args: []string{"http-backend"}, Env: []string{"GIT_PROJECT_ROOT=" + g.dir, "GIT_HTTP_EXPORT_ALL=1"}}
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if user, password, _ := r.BasicAuth(); user != token && password != token {
			g.note(r, false)
			w.Header().Set("Www-Authenticate", `Basic realm="git"`)
			http.Error(w, "who are you?", http.StatusUnauthorized)
			return
		}
		g.note(r, true)
		backend.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	g.URL, g.CA = server.URL, filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(g.CA, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	return g
}

// Add makes a repository of a folder's files and returns its commit.
func (g *Git) Add(t testing.TB, name, from string) (commit string) {
	t.Helper()
	at := filepath.Join(g.dir, name+".git")
	work := t.TempDir()
	if err := os.CopyFS(work, os.DirFS(from)); err != nil {
		t.Fatal(err)
	}
	git := func(args ...string) string {
		cmd := exec.CommandContext(t.Context(), "git", append([]string{"-C", work, "-c", "user.name=test", "-c", "user.email=test@example.com"}, args...)...)
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("git %v: %v\n%s", args, err, out)
		}
		return strings.TrimSpace(string(out))
	}
	git("init", "--quiet", "--initial-branch=main")
	git("add", ".")
	git("commit", "--quiet", "--message", "one")
	git("clone", "--quiet", "--bare", ".", at)
	for _, allowed := range []string{"uploadpack.allowAnySHA1InWant", "uploadpack.allowFilter"} { // as the hosts of repositories do
		git("--git-dir", at, "config", allowed, "true")
	}
	return git("rev-parse", "HEAD")
}
