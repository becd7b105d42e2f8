package testkit

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
)

// Versions of programs that tests use and nothing else.
const (
	nodeProvider = "oidc-provider@9.13.3"
	goProvider   = "github.com/zitadel/oidc/v3/example/server@v3.51.17"
	pythonSAML   = "pysaml2==7.5.5"
)

// NodeModules installs a package of npm, once, and returns the folder of node_modules.
func NodeModules(t testing.TB, pkg string) string {
	t.Helper()
	cache, err := CacheDir("npm")
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(cache, strings.NewReplacer("/", "_", "@", "_").Replace(pkg))
	err = once(dir, func() error {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return err
		}
		cmd := exec.Command("npm", "install", "--no-audit", "--no-fund", "--prefix", dir, pkg)
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("npm install %s: %w\n%s", pkg, err, tail(string(out), 20))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return filepath.Join(dir, "node_modules")
}

// GoProgram builds a program of the module proxy, once, and returns its path.
func GoProgram(t testing.TB, pkg string) string {
	t.Helper()
	cache, err := CacheDir("go")
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(cache, strings.NewReplacer("/", "_", "@", "_").Replace(pkg))
	err = once(dir, func() error {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return err
		}
		cmd := exec.Command("go", "install", pkg)
		cmd.Dir = dir // outside of our module
		cmd.Env = append(os.Environ(), "GOBIN="+dir, "CGO_ENABLED=0", "GOFLAGS=")
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("go install %s: %w\n%s", pkg, err, tail(string(out), 20))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	name, _, _ := strings.Cut(filepath.Base(pkg), "@")
	return filepath.Join(dir, name+exeSuffix())
}

var nodeListens = regexp.MustCompile(`listening on (\d+)`)

// StartNodeProvider starts the OpenID provider of npm with a script that takes the folder of
// its modules and the redirect URI of its client, and prints where it listens.
func StartNodeProvider(t testing.TB, script, redirectURI string) (issuer string) {
	t.Helper()
	path, err := filepath.Abs(script)
	if err != nil {
		t.Fatal(err)
	}
	home := t.TempDir()
	cmd := exec.Command("node", path, NodeModules(t, nodeProvider), redirectURI)
	cmd.Env = Env(home)
	p, err := StartProcess(cmd, filepath.Join(home, "provider.log"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Kill)
	Eventually(t, time.Minute, func() error {
		m := nodeListens.FindStringSubmatch(p.Log())
		if m == nil {
			return errors.New("the provider does not listen yet: " + p.Log())
		}
		issuer = "http://127.0.0.1:" + m[1]
		return nil
	})
	return issuer
}

// Person is one whom StartGoProvider knows; the password is "secret of a test".
type Person struct{ ID, Email string }

// StartGoProvider starts the OpenID provider of zitadel/oidc, with the client web whose
// secret is "secret".
func StartGoProvider(t testing.TB, redirectURI string, people ...Person) (issuer string) {
	t.Helper()
	users := map[string]any{}
	for _, p := range people {
		users[p.ID] = map[string]any{
			"ID": p.ID, "Username": p.Email, "Password": "secret of a test", "FirstName": "A", "LastName": "B", "Email": p.Email, "EmailVerified": true, "PreferredLanguage": "en",
		}
	}
	text, err := json.Marshal(users)
	if err != nil {
		t.Fatal(err)
	}
	home := t.TempDir()
	file := filepath.Join(home, "users.json")
	if err := os.WriteFile(file, bytes.TrimSpace(text), 0o600); err != nil {
		t.Fatal(err)
	}
	port, err := freePort()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(GoProgram(t, goProvider))
	cmd.Env = Env(home, "PORT="+strconv.Itoa(port), "REDIRECT_URI="+redirectURI, "USERS_FILE="+file)
	p, err := StartProcess(cmd, filepath.Join(home, "provider.log"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Kill)
	issuer = "http://localhost:" + strconv.Itoa(port) + "/"
	Eventually(t, time.Minute, func() error {
		r, err := http.NewRequestWithContext(context.WithoutCancel(t.Context()), http.MethodGet, issuer+".well-known/openid-configuration", nil)
		if err != nil {
			return err
		}
		res, err := http.DefaultClient.Do(r)
		if err != nil {
			return fmt.Errorf("%w\n%s", err, p.Log())
		}
		return res.Body.Close()
	})
	return issuer
}

// StartSAMLProvider starts an identity provider of SAML 2.0 with pysaml2, whose people are
// whoever they type; script is its program, service where the metadata of the service
// provider is. It returns where its own metadata is.
func StartSAMLProvider(t testing.TB, script, service string) (metadata string) {
	t.Helper()
	Program(t, "xmlsec1", "xmlsec1")
	path, err := filepath.Abs(script)
	if err != nil {
		t.Fatal(err)
	}
	home := t.TempDir()
	cmd := exec.Command(PythonWith(t, pythonSAML), "-u", path, home, service)
	cmd.Env = Env(home)
	p, err := StartProcess(cmd, filepath.Join(home, "provider.log"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Kill)
	Eventually(t, time.Minute, func() error {
		m := nodeListens.FindStringSubmatch(p.Log())
		if m == nil {
			return errors.New("the provider does not listen yet: " + p.Log())
		}
		metadata = "http://127.0.0.1:" + m[1] + "/metadata"
		return nil
	})
	return metadata
}
