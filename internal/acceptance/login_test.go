package acceptance

import (
	"bufio"
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/usherhq/usher/internal/testkit"
)

// person is somebody at a terminal, with a home and a keyring of their own.
type person struct {
	t       *testing.T
	program string
	environ []string
}

func newPerson(t *testing.T, program string, extra ...string) *person {
	t.Helper()
	dir, err := os.MkdirTemp("", "usher-person-*") // the path of a socket must be short
	if err != nil {
		t.Fatal(err)
	}
	session, err := testkit.StartKeyring(t.Context(), dir, testkit.KeyringOpen)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		session.Close()
		_ = os.RemoveAll(dir)
	})
	return &person{t, program, testkit.Env(t.TempDir(), append(session.Environ, extra...)...)}
}

// usher runs a command that has to end well and returns what it printed.
func (p *person) usher(args ...string) string {
	p.t.Helper()
	out, said, err := p.try(args...)
	if err != nil {
		p.t.Fatalf("usher %s: %v\n%s", strings.Join(args, " "), err, said)
	}
	return out
}

func (p *person) try(args ...string) (out, said string, err error) {
	var stdout, stderr bytes.Buffer
	cmd := exec.CommandContext(p.t.Context(), p.program, args...)
	cmd.Env, cmd.Stdout, cmd.Stderr = p.environ, &stdout, &stderr
	err = cmd.Run()
	return stdout.String(), stderr.String(), err
}

// begin starts a command and waits for it to say something that pattern finds; end waits until
// it has ended well, and tells all that it said.
func (p *person) begin(pattern string, args ...string) (found string, end func() string) {
	p.t.Helper()
	cmd := exec.CommandContext(p.t.Context(), p.program, args...)
	cmd.Env = p.environ
	both, err := cmd.StderrPipe()
	if err == nil {
		cmd.Stdout = cmd.Stderr
		err = cmd.Start()
	}
	if err != nil {
		p.t.Fatal(err)
	}
	var said strings.Builder
	lines := bufio.NewScanner(both)
	wanted := regexp.MustCompile(pattern)
	for lines.Scan() {
		said.WriteString(lines.Text() + "\n")
		if m := wanted.FindStringSubmatch(lines.Text()); m != nil {
			return m[1], func() string {
				p.t.Helper()
				for lines.Scan() {
					said.WriteString(lines.Text() + "\n")
				}
				if err := cmd.Wait(); err != nil {
					p.t.Fatalf("usher %s: %v\n%s", strings.Join(args, " "), err, said.String())
				}
				return said.String()
			}
		}
	}
	p.t.Fatalf("usher %s did not say %s: %v\n%s", strings.Join(args, " "), pattern, cmd.Wait(), said.String())
	return "", nil
}

// TestPeopleLogInAtATerminal is every way in of usher login, against a real server, mail and
// browser: what the terminal shows is what the page shows, the login is in the keyring and
// nowhere else, several programs renew it once, and logging out ends it.
func TestPeopleLogInAtATerminal(t *testing.T) {
	t.Parallel()
	s := startWithAccounts(t)
	p := newPerson(t, s.program)
	b := testkit.StartBrowser(t, 1000, false)

	// A link in a mail.
	words, end := p.begin(`It must say: (.+)`, "login", s.URL, "--email", "ada@example.com")
	mail := s.mail.Await(t, "ada@example.com", 1)
	if !strings.Contains(mail.Text, words) {
		t.Errorf("the mail does not have the words %q:\n%s", words, mail.Text)
	}
	b.Open(mail.Link())
	b.See(words)
	b.Press("Approve")
	end()
	if got := p.usher("auth", "status", "--jq", ".account + \" \" + .workspace + \" \" + .method"); strings.TrimSpace(got) != "ada@example.com acme/main magic link" {
		t.Errorf("status is %q", got)
	}
	p.usher("flow", "ls")
	if got := p.usher("whoami", "--jq", ".email"); strings.TrimSpace(got) != "ada@example.com" {
		t.Errorf("whoami says %q", got)
	}
	p.nothingInFiles(strings.TrimSpace(p.usher("auth", "token")))
	token := strings.TrimSpace(p.usher("auth", "token"))
	if lent := p.usher("exec", "--", "sh", "-c", "echo $PREFECT_API_KEY $PREFECT_API_URL"); lent != token+" "+s.apiURL+"\n" {
		t.Errorf("exec lends %q", lent)
	}
	p.usher("logout")
	if _, said, err := p.try("flow", "ls"); err == nil || !strings.Contains(said, "usher login") {
		t.Errorf("after logging out: %v, %s", err, said)
	}
	stolen := &person{t, s.program, append(p.environ, "USHER_API_KEY="+token)}
	if out, _, err := stolen.try("flow", "ls"); err == nil {
		t.Errorf("the token is of use after logging out: %s", out)
	}

	// The browser.
	b.Open(s.URL + "/auth/account")
	b.Type("E-mail address", "ada@example.com")
	b.Press("Send")
	b.Open(s.mail.Await(t, "ada@example.com", 2).Link())
	b.Press("Sign in")
	b.See("Where you are signed in")
	address, end := p.begin(`Open this page to log in: (\S+)`, "login", "--web")
	b.Open(address)
	b.Press("Approve")
	b.See("You are logged in")
	end()
	p.usher("flow", "ls")
	p.usher("logout")

	// A code, in a browser elsewhere.
	code, end := p.begin(`type this code: (\S+)`, "login", "--device")
	b.Open(s.URL + "/device")
	b.Type("Code", code)
	b.Press("Continue")
	b.Press("Approve")
	end()
	p.usher("flow", "ls")

	// Denied: the exit code and words of a refusal, and nothing kept.
	q := newPerson(t, s.program)
	cmd := exec.CommandContext(t.Context(), s.program, "login", s.URL, "--device")
	cmd.Env = q.environ
	log := filepath.Join(t.TempDir(), "denied")
	denied, err := testkit.StartProcess(cmd, log)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(denied.Kill)
	shown := regexp.MustCompile(`type this code: (\S+)`)
	testkit.Eventually(t, time.Minute, func() error {
		if shown.FindStringSubmatch(denied.Log()) == nil {
			return os.ErrNotExist
		}
		return nil
	})
	b.Open(s.URL + "/device")
	b.Type("Code", shown.FindStringSubmatch(denied.Log())[1])
	b.Press("Continue")
	b.Press("Deny")
	<-denied.Done()
	if exit, ok := denied.Err().(*exec.ExitError); !ok || exit.ExitCode() != 1 || !strings.Contains(denied.Log(), "you are not logged in") { //nolint:errorlint // as Wait returns it
		t.Errorf("denied: %v\n%s", denied.Err(), denied.Log())
	}
	if got := q.usher("auth", "ls"); got != "" {
		t.Errorf("something is kept: %s", got)
	}
}

// nothingInFiles looks for a secret in all that usher keeps.
func (p *person) nothingInFiles(secret string) {
	p.t.Helper()
	for _, kv := range p.environ {
		home, ok := strings.CutPrefix(kv, "USHER_HOME=")
		if !ok {
			continue
		}
		err := filepath.WalkDir(home, func(path string, entry os.DirEntry, err error) error {
			if err != nil || entry.IsDir() {
				return err
			}
			text, err := os.ReadFile(path)
			if bytes.Contains(text, []byte(secret)) {
				p.t.Errorf("the secret is in %s", path)
			}
			return err
		})
		if err != nil {
			p.t.Error(err)
		}
	}
}

// TestProgramsRenewALoginOnce has several programs meet an access token that has ended. The
// server ends a whole login when a refresh token is used twice, so all going well says that it
// was not.
func TestProgramsRenewALoginOnce(t *testing.T) {
	t.Parallel()
	s := startWithAccounts(t)
	home := t.TempDir()
	p := &person{t, s.program, testkit.Env(home)}
	_, end := p.begin(`(It must say)`, "login", s.URL, "--email", "ada@example.com", "--insecure-storage")
	b := testkit.StartBrowser(t, 1000, false)
	b.Open(s.mail.Await(t, "ada@example.com", 1).Link())
	b.Press("Approve")
	end()
	path := filepath.Join(home, ".usher", "auth", "credentials.json")
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	first := strings.TrimSpace(p.usher("auth", "token"))
	past := regexp.MustCompile(`\\"expires\\":\\"[^\\]*\\"`).ReplaceAll(text, []byte(`\"expires\":\"2026-01-01T00:00:00Z\"`))
	if bytes.Equal(past, text) {
		t.Fatalf("no time to change in %s", path)
	}
	if err := os.WriteFile(path, past, 0o600); err != nil {
		t.Fatal(err)
	}
	var programs sync.WaitGroup
	var mu sync.Mutex
	tokens := map[string]bool{}
	for range 6 {
		programs.Go(func() {
			out, said, err := p.try("auth", "token")
			if err != nil {
				t.Errorf("%v\n%s", err, said)
			}
			mu.Lock()
			defer mu.Unlock()
			tokens[strings.TrimSpace(out)] = true
		})
	}
	programs.Wait()
	if len(tokens) != 1 || tokens[first] {
		t.Errorf("six programs have %d tokens, or the old one", len(tokens))
	}
	p.usher("flow", "ls")
}

// TestAccountsAreGovernedByCommands makes keys and service accounts, lets them in and out, and
// reads what the audit log says of it; then a CI job works with one variable, as docs/ci.md says.
func TestAccountsAreGovernedByCommands(t *testing.T) {
	t.Parallel()
	s := startWithAccounts(t)
	p := &person{t, s.program, testkit.Env(t.TempDir(), "USHER_API_URL="+s.apiURL, "USHER_API_KEY="+s.key)}
	p.usher("api-key", "create", "laptop", "--expires", "30d")
	if list := p.usher("api-key", "ls"); !strings.Contains(list, "laptop") {
		t.Errorf("no laptop among %s", list)
	}
	p.usher("api-key", "revoke", "laptop", "--yes")
	var made struct {
		Key struct {
			Key string `json:"key"`
		} `json:"api_key"`
	}
	if err := json.Unmarshal([]byte(p.usher("service-account", "create", "ci", "-o", "json")), &made); err != nil {
		t.Fatal(err)
	}
	job := &person{t, s.program, testkit.Env(t.TempDir(), "USHER_API_URL="+strings.Replace(s.apiURL, "://", "://ci:"+made.Key.Key+"@", 1))}
	if out, _, err := job.try("flow", "ls"); err == nil {
		t.Errorf("who has no access reads flows: %s", out)
	}
	p.usher("access", "grant", "ci", "--role", "Developer")
	if list := p.usher("access", "ls"); !strings.Contains(list, "ci\tservice account\tDeveloper") {
		t.Errorf("access is %s", list)
	}
	job.recipe("ci.md")
	if shown := job.usher("config", "view"); strings.Contains(shown, made.Key.Key) {
		t.Errorf("the key shows: %s", shown)
	}
	workspace := &person{t, s.program, testkit.Env(t.TempDir(), "USHER_API_URL="+s.apiURL, "USHER_API_KEY="+made.Key.Key)}
	id := strings.TrimSpace(workspace.usher("access", "request", "--role", "Owner", "--for", "1h", "--reason", "look", "--jq", ".id"))
	if _, stderr, err := workspace.try("access", "approve", id); err == nil || !strings.Contains(stderr, "Nobody decides on their own request") {
		t.Errorf("a request approves itself: %s", stderr)
	}
	p.usher("access", "approve", id)
	if list := workspace.usher("access", "requests"); !strings.Contains(list, "\tOwner\t1h0m0s\tAPPROVED") {
		t.Errorf("the requests are %s", list)
	}
	workspace.usher("access", "withdraw", id)
	review := strings.TrimSpace(p.usher("access", "review", "create", "--jq", ".id"))
	if items := p.usher("access", "review", "show", review); !strings.Contains(items, "access\tci\tDeveloper in ") || !strings.Contains(items, "key\tci\t") {
		t.Errorf("the review has %s", items)
	}
	p.usher("access", "review", "complete", review, "--yes")
	if list := p.usher("access", "review", "ls"); !strings.Contains(list, review) {
		t.Errorf("the reviews are %s", list)
	}
	if err := json.Unmarshal([]byte(p.usher("service-account", "rotate", "ci", "-o", "json")), &made); err != nil {
		t.Fatal(err)
	}
	p.usher("access", "revoke", "ci", "--yes")
	p.usher("service-account", "delete", "ci", "--yes")
	p.usher("access", "roles")
	p.usher("member", "ls")
	p.usher("member", "invite", "bob@example.com", "--role", "Member")
	p.usher("member", "uninvite", "bob@example.com")
	if export := p.usher("account", "export-person"); !strings.Contains(export, `"email": "`) {
		t.Errorf("the export is %s", export)
	}
	if _, stderr, err := p.try("account", "erase-person", "--yes"); err == nil || !strings.Contains(stderr, "would have no owner any more") {
		t.Errorf("the only owner is erased: %s %v", stderr, err)
	}
	log := p.usher("audit", "ls")
	if !strings.Contains(log, "ci") && strings.Count(log, "\n") < 5 {
		t.Errorf("the audit log is %s", log)
	}
	if got := p.usher("audit", "verify", "--jq", ".intact"); strings.TrimSpace(got) != "true" {
		t.Errorf("the audit log is not intact: %s", got)
	}
}

// recipe runs what the recipe of GitLab in a document has a job run.
func (p *person) recipe(name string) {
	p.t.Helper()
	root, err := testkit.Checkout()
	if err != nil {
		p.t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(root, "docs", name))
	if err != nil {
		p.t.Fatal(err)
	}
	dir := p.t.TempDir()
	project := "deployments:\n  - name: nightly\n    flow_name: etl\n    work_pool: {name: local}\n    usher:\n      run: [\"true\"]\n"
	if err := os.WriteFile(filepath.Join(dir, "prefect.yaml"), []byte(project), 0o600); err != nil {
		p.t.Fatal(err)
	}
	p.usher("work-pool", "create", "local", "--type", "process")
	steps := regexp.MustCompile(`(?m)^ {4}- (usher .+)$`).FindAllSubmatch(text, -1)
	if len(steps) == 0 {
		p.t.Fatalf("docs/%s has no recipe", name)
	}
	for _, step := range steps {
		cmd := exec.CommandContext(p.t.Context(), "bash", "-euc", strings.Replace(string(step[1]), "usher", p.program, 1))
		cmd.Env, cmd.Dir = p.environ, dir
		if out, err := cmd.CombinedOutput(); err != nil {
			p.t.Fatalf("%s: %v\n%s", step[1], err, out)
		}
	}
	if list := p.usher("deployment", "ls"); !strings.Contains(list, "etl/nightly") {
		p.t.Errorf("nothing was deployed: %s", list)
	}
}
