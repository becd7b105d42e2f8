package acceptance

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/usherhq/usher/internal/testkit"
)

const twoTasks = `
import sys
from prefect import flow, task

@task
def double(x):
    return 2 * x

@flow(name=sys.argv[1])
def work():
    assert double(double(1)) == 4

work()
`

// ask asks a server with accounts as its owner.
func (s *withAccounts) ask(t *testing.T, path string, body, into any) {
	t.Helper()
	text, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.apiURL+path, bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+s.key)
	r.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if err := json.NewDecoder(res.Body).Decode(into); err != nil {
		t.Fatal(err)
	}
}

// TestUnmodifiedClientsInEveryShape runs a flow with two tasks of the unmodified SDK with each
// shape of credentials that it knows. With an API URL and a key alone its sockets bring no
// credential at all: the run is there, the server says what to set, and only then are task
// runs missing.
func TestUnmodifiedClientsInEveryShape(t *testing.T) {
	t.Parallel()
	s := startWithAccounts(t)
	py := testkit.Reference(t)
	script := filepath.Join(t.TempDir(), "work.py")
	if err := os.WriteFile(script, []byte(twoTasks), 0o600); err != nil {
		t.Fatal(err)
	}
	inURL := strings.Replace(s.apiURL, "://", "://x:"+s.key+"@", 1)
	for _, shape := range []struct {
		name    string
		environ []string
		tasks   int
	}{
		{"cloud", []string{"PREFECT_CLOUD_API_URL=" + s.URL + "/api", "PREFECT_API_URL=" + s.apiURL, "PREFECT_API_KEY=" + s.key}, 2},
		{"key-only", []string{"PREFECT_API_URL=" + s.apiURL, "PREFECT_API_KEY=" + s.key}, 0},
		{"auth-string", []string{"PREFECT_API_URL=" + s.apiURL, "PREFECT_API_AUTH_STRING=x:" + s.key}, 2},
		{"in-the-url", []string{"PREFECT_API_URL=" + inURL}, 2},
	} {
		cmd := exec.CommandContext(t.Context(), py.Python, script, shape.name)
		cmd.Env = testkit.Env(t.TempDir(), shape.environ...)
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Errorf("%s: %v\n%s", shape.name, err, out)
			continue
		}
		mine := map[string]any{"flows": map[string]any{"name": map[string]any{"any_": []string{shape.name}}}}
		testkit.Eventually(t, time.Minute, func() error {
			var runs, tasks []struct {
				Type string `json:"state_type"`
			}
			s.ask(t, "/flow_runs/filter", mine, &runs)
			s.ask(t, "/task_runs/filter", mine, &tasks)
			done := 0
			for _, r := range tasks {
				if r.Type == "COMPLETED" {
					done++
				}
			}
			if len(runs) != 1 || runs[0].Type != "COMPLETED" || done != shape.tasks {
				return fmt.Errorf("%s: %d flow runs %v, %d task runs completed, not %d\n%s", shape.name, len(runs), runs, done, shape.tasks, out)
			}
			return nil
		})
		if shape.tasks == 0 && !strings.Contains(string(out), "PREFECT_CLOUD_API_URL") {
			t.Errorf("%s: nobody says what to set:\n%s", shape.name, out)
		}
	}
}

// TestReferenceCommandsOnAccounts logs in with the reference's own commands and chooses
// workspaces, one of which usher has made.
func TestReferenceCommandsOnAccounts(t *testing.T) {
	t.Parallel()
	s := startWithAccounts(t)
	py := testkit.Reference(t)
	home := t.TempDir()
	cloud := "PREFECT_CLOUD_API_URL=" + s.URL + "/api"
	prefect := &person{t, py.Prefect, testkit.Env(home, cloud, "COLUMNS=200")}
	usher := &person{t, s.program, testkit.Env(t.TempDir(), cloud, "USHER_API_URL="+s.apiURL, "USHER_API_KEY="+s.key)}

	if out := usher.usher("cloud", "workspace", "create", "side", "--description", "for trials", "-o", "json"); !strings.Contains(out, `"workspace_handle": "side"`) {
		t.Errorf("made %s", out)
	}
	if _, said, err := usher.try("cloud", "workspace", "create", "side"); err == nil || !strings.Contains(said, "already") {
		t.Errorf("a handle twice: %v\n%s", err, said)
	}
	if _, said, err := usher.try("cloud", "workspace", "create", "x", "--account", "acmee"); err == nil || !strings.Contains(said, `did you mean "acme"`) {
		t.Errorf("no account: %v\n%s", err, said)
	}
	if out := usher.usher("cloud", "workspace", "ls"); !strings.Contains(out, "acme/main") || !strings.Contains(out, "acme/side") {
		t.Errorf("workspaces %s", out)
	}

	if out := prefect.usher("cloud", "login", "--key", s.key, "--workspace", "acme/main"); !strings.Contains(out, "acme/main") {
		t.Errorf("login says %s", out)
	}
	if out := prefect.usher("cloud", "workspace", "ls"); !strings.Contains(out, "acme/side") {
		t.Errorf("workspaces %s", out)
	}
	prefect.usher("work-pool", "create", "managed", "--type", "prefect:managed")
	prefect.usher("work-pool", "create", "push", "--type", "ecs:push")
	if _, said, err := usher.try("work-pool", "create", "ours", "--type", "prefect:managed"); err != nil || !strings.Contains(said, "usher executor start") {
		t.Errorf("a managed pool: %v\n%s", err, said)
	}
	if out := usher.usher("work-pool", "ls", "-o", "json", "--jq", `map(.base_job_template.variables.properties | has("image")) | all`); strings.TrimSpace(out) != "true" {
		t.Errorf("the templates: %s", out)
	}
	prefect.usher("cloud", "workspace", "set", "--workspace", "acme/side")
	prefect.usher("variable", "set", "where", "side")
	usher.environ = append(usher.environ, "USHER_API_URL="+s.apiURL)
	if _, _, err := usher.try("variable", "inspect", "where"); err == nil {
		t.Error("the variable is in the other workspace")
	}
	prefect.usher("cloud", "logout")
}

// TestSeveralAccountsAtATerminal is somebody with logins at two servers: an API key that the
// login makes, sessions that are listed and ended, switching, and the reference's program with
// what lets them in.
func TestSeveralAccountsAtATerminal(t *testing.T) {
	t.Parallel()
	first, second := startWithAccounts(t), startWithAccounts(t)
	p := newPerson(t, first.program)
	b := testkit.StartBrowser(t, 1000, false)
	login := func(s *withAccounts, n int, more ...string) {
		t.Helper()
		_, end := p.begin(`(It must say)`, append([]string{"login", s.URL, "--email", "ada@example.com"}, more...)...)
		b.Open(s.mail.Await(t, "ada@example.com", n).Link())
		b.Press("Approve")
		end()
	}
	status := func(s *withAccounts, method string) {
		t.Helper()
		want := s.URL + " acme/main " + method
		if got := strings.TrimSpace(p.usher("auth", "status", "--jq", ".server + \" \" + .workspace + \" \" + .method")); !strings.HasPrefix(got, s.URL) || !strings.HasSuffix(got, " acme/main "+method) {
			t.Errorf("status is %q, not %q", got, want)
		}
	}
	login(first, 1)
	status(first, "magic link")
	login(second, 1, "--api-key")
	status(second, "API key")
	if key := strings.TrimSpace(p.usher("auth", "token")); !regexp.MustCompile(`^pnu_[0-9A-Za-z]{36}$`).MatchString(key) {
		t.Errorf("no API key: %q", key)
	}
	p.usher("flow", "ls")
	if out := p.usher("auth", "ls"); strings.Count(out, "ada@example.com") != 2 {
		t.Errorf("logins are %s", out)
	}
	p.usher("auth", "switch", "--server", first.URL)
	status(first, "magic link")

	prefect := testkit.Reference(t).Prefect
	p.usher("exec", "--", prefect, "variable", "set", "from", "exec")
	if out := p.usher("variable", "get", "from"); !strings.Contains(out, "exec") {
		t.Errorf("the variable is %s", out)
	}

	var sessions []struct {
		ID string `json:"id"`
	}
	list := func() {
		t.Helper()
		if err := json.Unmarshal([]byte(p.usher("sessions", "ls", "-o", "json")), &sessions); err != nil {
			t.Fatal(err)
		}
	}
	list()
	if len(sessions) != 1 {
		t.Fatalf("%d sessions", len(sessions))
	}
	p.usher("sessions", "revoke", sessions[0].ID)
	testkit.Eventually(t, time.Minute, func() error {
		if _, said, err := p.try("flow", "ls"); err == nil || !strings.Contains(said, "usher login") {
			return fmt.Errorf("still in: %v %s", err, said)
		}
		return nil
	})
	p.usher("auth", "switch", "--server", second.URL)
	status(second, "API key")
	p.usher("logout")
	if out := p.usher("auth", "ls"); strings.Contains(out, second.URL) {
		t.Errorf("still kept: %s", out)
	}
}
