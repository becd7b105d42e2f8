package worker_test

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"net/http/cgi"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/testkit"
)

// codeHost serves a repository to who brings a password, which can be taken away.
type codeHost struct {
	server *httptest.Server

	mu             sync.Mutex
	password       string
	served, denied int
}

func newCodeHost(t *testing.T, source string) *codeHost {
	t.Helper()
	dir := t.TempDir()
	git := func(args ...string) string {
		t.Helper()
		cmd := exec.Command("git", append([]string{"-C", dir, "-c", "user.name=t", "-c", "user.email=t@example.com", "-c", "init.defaultBranch=main"}, args...)...)
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("git %v: %v\n%s", args, err, out)
		}
		return strings.TrimSpace(string(out))
	}
	if err := os.WriteFile(filepath.Join(dir, "f.py"), []byte(source), 0o600); err != nil {
		t.Fatal(err)
	}
	git("init", "--quiet")
	git("add", "f.py")
	git("commit", "--quiet", "--message", "code")
	h := &codeHost{password: uuid.NewString()}
	backend := &cgi.Handler{Path: filepath.Join(git("--exec-path"), "git-http-backend"), Root: "/code.git", Env: []string{"GIT_PROJECT_ROOT=" + filepath.Join(dir, ".git"), "GIT_HTTP_EXPORT_ALL=1"}}
	h.server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, given, _ := r.BasicAuth()
		h.mu.Lock()
		ok := given == h.password
		if ok {
			h.served++
		} else {
			h.denied++
		}
		h.mu.Unlock()
		if !ok {
			w.Header().Set("WWW-Authenticate", `Basic realm="code"`)
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		backend.ServeHTTP(w, r)
	}))
	t.Cleanup(h.server.Close)
	return h
}

func (h *codeHost) counts() (served, denied int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.served, h.denied
}

// TestCodeIsFetchedWithTheWorkersRights keeps code where only the worker gets: its name leads
// nowhere but through the worker's proxy, and the worker has the password. When that is taken
// away runs fail, and the server, which knows the address alone, has nothing of the code.
func TestCodeIsFetchedWithTheWorkersRights(t *testing.T) {
	t.Parallel()
	server := testkit.UsherServer(t)
	s := newScene(t, server)
	host := newCodeHost(t, "# canary-in-the-repository\nfrom prefect import flow\n@flow\ndef f():\n    return 'canary-of-the-code'\n")
	login := "Authorization: Basic " + base64.StdEncoding.EncodeToString([]byte("worker:"+host.password))
	s.env = []string{
		"GIT_TERMINAL_PROMPT=0", "GIT_CONFIG_COUNT=2", "GIT_CONFIG_KEY_0=http.proxy", "GIT_CONFIG_VALUE_0=" + host.server.URL,
		"GIT_CONFIG_KEY_1=http.extraHeader", "GIT_CONFIG_VALUE_1=" + login,
	}
	s.worker("fetcher")
	const address = "http://code.invalid/code.git"
	deployment := s.deploy(&api.DeploymentCreate{
		Name: "cloned", FlowID: s.flow, WorkPoolName: api.Some(s.pool), Entrypoint: api.Some("f.py:f"),
		PullSteps: api.Some([]jsontext.Value{value(t, map[string]any{"prefect.deployments.steps.git_clone": map[string]any{"repository": address}})}),
	})
	s.ends(s.run(deployment, nil), api.StateTypeCompleted)
	before, _ := host.counts()
	if before == 0 {
		t.Fatal("the code came from somewhere else")
	}
	host.mu.Lock()
	host.password = uuid.NewString()
	host.mu.Unlock()
	run := s.run(deployment, nil)
	var failed api.FlowRunResponse
	testkit.Eventually(t, patience, func() (err error) {
		failed, err = s.client.ReadFlowRun(t.Context(), run)
		switch {
		case err != nil:
			return err
		case *failed.StateType == api.StateTypeCompleted:
			return testkit.Final(fmt.Errorf("the run had code that its worker may not fetch"))
		case *failed.StateType != api.StateTypeFailed && *failed.StateType != api.StateTypeCrashed:
			return fmt.Errorf("the run is %s", *failed.StateType)
		}
		return nil
	})
	after, denied := host.counts()
	if after != before || denied == 0 {
		t.Errorf("%d requests were served after the password was taken away, %d denied", after-before, denied)
	}
	secret := strings.TrimPrefix(login, "Authorization: Basic ")
	kept := contents(t, server.Home) + server.Log() + s.logs(run) + text(failed.State.Message)
	for _, no := range []string{"canary-", secret} {
		if strings.Contains(kept, no) {
			t.Errorf("the server has %q", no)
		}
	}
	if !strings.Contains(contents(t, server.Home), address) {
		t.Error("the address of the code is not in the database, so the test would not see the code there")
	}
}

// TestLoggersTellNoPayload looks at what an unmodified flow logs by itself: that it begins and
// how it ends, and nothing of what it is given, prints or returns.
func TestLoggersTellNoPayload(t *testing.T) {
	t.Parallel()
	s := newScene(t, testkit.UsherServer(t))
	s.worker("logger")
	run := s.run(s.pythonFlow(`
from prefect import flow, task

@task
def step(x):
    print("canary-printed-by-a-task")
    return x + "canary-of-a-task"

@flow
def f(shown: str):
    print("canary-printed", shown)
    return step(shown)
`), func(r *api.DeploymentFlowRunCreate) {
		r.Parameters = api.Some(value(t, map[string]any{"shown": "canary-as-a-parameter"}))
	})
	s.ends(run, api.StateTypeCompleted)
	s.logged(run, "Finished in state Completed()")
	s.logged(run, "Beginning flow run")
	if all := s.logs(run); strings.Contains(all, "canary-") {
		t.Errorf("the log tells what the flow works on:\n%s", all)
	}
}
