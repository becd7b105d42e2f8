package acceptance

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"github.com/usherhq/usher/internal/testkit"
)

// withAccounts is a server that people sign in to, with its first account.
type withAccounts struct {
	*testkit.Server
	mail             *testkit.MailServer
	apiURL, key      string
	account, program string
}

func startWithAccounts(t *testing.T) *withAccounts {
	t.Helper()
	s := &withAccounts{mail: testkit.StartMailServer(t, false), program: testkit.Usher(t)}
	home := t.TempDir()
	bootstrap := exec.Command(s.program, "server", "bootstrap", "--email", "ada@example.com", "--account", "acme", "--workspace", "main", "-o", "json")
	bootstrap.Env = testkit.Env(home, "USHER_AUTH_MODE=full")
	out, err := bootstrap.Output()
	if failed := (*exec.ExitError)(nil); errors.As(err, &failed) {
		t.Fatalf("%v\n%s", err, failed.Stderr)
	}
	var made struct {
		Account string `json:"account_id"`
		Key     string `json:"api_key"`
		URL     string `json:"api_url"`
	}
	if err := json.Unmarshal(out, &made); err != nil {
		t.Fatal(err)
	}
	s.Server = testkit.UsherServerIn(t, home, "USHER_AUTH_MODE=full", "USHER_SMTP_HOST="+s.mail.Host, "USHER_SMTP_PORT="+strconv.Itoa(s.mail.Port),
		"USHER_SMTP_FROM=usher@example.com", "SSL_CERT_FILE="+s.mail.CA, "PREFECT_SERVER_LOGGING_LEVEL=DEBUG")
	at, err := url.Parse(made.URL)
	if err != nil {
		t.Fatal(err)
	}
	s.key, s.account, s.apiURL = made.Key, made.Account, s.URL+at.Path
	return s
}

// TestPeopleSignInToAServer is the way of a person from the first start of a server: mail
// under TLS, confirmation, session; the session counts for the API, its writes only from
// pages of the server, and nothing of it is in the server's log.
func TestPeopleSignInToAServer(t *testing.T) {
	t.Parallel()
	s := startWithAccounts(t)
	b := testkit.StartBrowser(t, 1000, false)
	b.Open(s.URL + "/auth/account")
	b.Type("E-mail address", "ada@example.com")
	b.Press("Send")
	b.See("a message is on its way")
	link := s.mail.Await(t, "ada@example.com", 1)
	if !link.WithTLS {
		t.Error("the mail went in the clear")
	}
	b.Open(link.Link())
	b.Press("Sign in")
	b.See("Where you are signed in")
	base := strings.TrimPrefix(s.apiURL, s.URL)
	b.Open(s.URL + "/api/version") // a page that may call others: those that people see may not
	call := func(method, path, body string) (status int) {
		t.Helper()
		b.Script(`const r = new XMLHttpRequest(); r.open("`+method+`", "`+base+path+`", false); r.setRequestHeader("Content-Type", "application/json"); r.send(`+strconv.Quote(body)+`); return r.status`, &status)
		return status
	}
	if got := call("POST", "/flows/filter", "{}"); got != http.StatusOK {
		t.Errorf("flows: %d", got)
	}
	if got := call("POST", "/variables/", `{"name":"x","value":"y"}`); got != http.StatusCreated {
		t.Errorf("a variable: %d", got)
	}
	for name, header := range map[string]string{"none": "", "another": "https://evil.example"} {
		if got := request(t, s.apiURL+"/flows/filter", header); got != http.StatusUnauthorized {
			t.Errorf("origin %s without a session: %d", name, got)
		}
	}
	token := link.Link()[strings.Index(link.Link(), "t=")+2:]
	if log := s.Log(); strings.Contains(log, token) || strings.Contains(log, s.key) {
		t.Error("a secret is in the log")
	}
	b.Open(s.URL + "/auth/account")
	b.Press("Sign out")
	b.See("E-mail address")
	b.Open(s.URL + "/api/version")
	if got := call("POST", "/flows/filter", "{}"); got != http.StatusUnauthorized {
		t.Errorf("signed out: %d", got)
	}
}

func request(t *testing.T, to, origin string) int {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, to, bytes.NewReader([]byte("{}")))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	if origin != "" {
		r.Header.Set("Origin", origin)
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	_, _ = io.Copy(io.Discard, res.Body)
	return res.StatusCode
}

// TestServersThatWouldLeakLinksDoNotStart: mail in the clear beyond this machine, and
// people who would sign in without TLS.
func TestServersThatWouldLeakLinksDoNotStart(t *testing.T) {
	t.Parallel()
	binary := testkit.Usher(t)
	for want, env := range map[string][]string{
		"USHER_SMTP_TLS=off is for a server on this machine only":  {"USHER_SMTP_HOST=mail.example.com", "USHER_SMTP_TLS=off"},
		"must begin with https://":                                 {"USHER_SERVER_PUBLIC_URL=http://usher.example.com"},
		"set USHER_SERVER_PUBLIC_URL to where they reach it":       {"PREFECT_SERVER_API_HOST=0.0.0.0"},
		"is no address to send mail from":                          {"USHER_SMTP_HOST=127.0.0.1", "USHER_SMTP_FROM=nobody"},
		"a link holds for 5 to 30 minutes":                         {"USHER_AUTH_MAGIC_LINK_TTL=3600"},
		"USHER_AUTH_PROVIDERS_GOOGLE is not JSON":                  {"USHER_AUTH_PROVIDERS_GOOGLE=x"},
		"the provider corp is at \"http://login.example.com\": it": {`USHER_AUTH_PROVIDERS_OIDC={"id":"corp","issuer":"http://login.example.com","client_id":"c"}`},
		"USHER_AUTH_PROVIDERS_MICROSOFT needs the tenant":          {`USHER_AUTH_PROVIDERS_MICROSOFT={"client_id":"c"}`},
	} {
		cmd := exec.CommandContext(t.Context(), binary, "server", "start", "--port", strconv.Itoa(testkit.FreePort(t)))
		cmd.Env = testkit.Env(t.TempDir(), append(env, "USHER_AUTH_MODE=full")...)
		out, err := cmd.CombinedOutput()
		if err == nil || !strings.Contains(string(out), want) {
			t.Errorf("%v: %v\n%s", env, err, out)
		}
	}
}
