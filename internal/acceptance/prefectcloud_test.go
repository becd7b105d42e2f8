package acceptance

import (
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/usherhq/usher/internal/testkit"
)

const helloSource = `
def hello(name: str = "nobody", times: int = 1):
    for _ in range(times):
        print(f"hello {name}")
`

// prefectCloud is the hosted service's own command line at a pinned release, with what it
// needs at releases that it works with.
var prefectCloud = []string{"prefect-cloud==0.1.13", "griffe==1.15.0", "httpx==0.28.1", "pydantic==2.13.4", "typer==0.20.1", "websockets==16.1.1", "rich==15.0.0"}

// playGitHub serves the files of a folder as GitHub's API does those of acme/flows. That
// command line knows GitHub by its name alone, so it is reached as a proxy which has nobody
// else to offer; the file has the certificate to trust.
func playGitHub(t *testing.T, folder string) (proxy, ca string) {
	t.Helper()
	const host = "api.github.com"
	certificate, _, ca := testkit.Certificate(t, host)
	files := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		path, isFile := strings.CutPrefix(r.URL.Path, "/repos/acme/flows/contents/")
		if !isFile || r.URL.RawQuery != "ref=main" || r.Header.Get("Accept") != "application/vnd.github.v3.raw" {
			http.NotFound(w, r)
			return
		}
		http.ServeFileFS(w, r, os.DirFS(folder), path)
	}))
	files.TLS = &tls.Config{Certificates: []tls.Certificate{certificate}}
	files.StartTLS()
	t.Cleanup(files.Close)
	way := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodConnect || r.Host != host+":443" {
			http.Error(w, "there is only "+host, http.StatusBadGateway)
			return
		}
		there, err := net.Dial("tcp", files.Listener.Addr().String())
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadGateway)
			return
		}
		defer there.Close()
		here, _, err := w.(http.Hijacker).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer here.Close()
		_, _ = io.WriteString(here, "HTTP/1.1 200 Connection established\r\n\r\n") // a client that is gone gets nothing
		var both sync.WaitGroup
		pass := func(to, from net.Conn) {
			_, _ = io.Copy(to, from) // the end of either side is the end of both
			to.Close()
		}
		both.Go(func() { pass(there, here) })
		both.Go(func() { pass(here, there) })
		both.Wait()
	}))
	t.Cleanup(way.Close)
	return way.URL, ca
}

// TestPrefectCloudFromARepository goes the way of the hosted service's own command line: from
// a key to a plain function of a git repository that runs, on a schedule too, and back. The
// run is executed as the container of a managed pool would execute it.
func TestPrefectCloudFromARepository(t *testing.T) {
	t.Parallel()
	s := startWithAccounts(t)
	folder := t.TempDir()
	if err := os.WriteFile(filepath.Join(folder, "hello.py"), []byte(helloSource), 0o600); err != nil {
		t.Fatal(err)
	}
	git := testkit.StartGit(t, "hush")
	git.Add(t, "flows", folder)
	proxy, ca := playGitHub(t, folder)
	program := filepath.Join(filepath.Dir(testkit.PythonWith(t, prefectCloud...)), "prefect-cloud")
	cloud := &person{t, program, testkit.Env(t.TempDir(), "PREFECT_CLOUD_API_URL="+s.URL+"/api", "HTTPS_PROXY="+proxy, "NO_PROXY=127.0.0.1", "SSL_CERT_FILE="+ca, "TZ=Europe/Berlin")}
	usher := &person{t, s.program, testkit.Env(t.TempDir(), "USHER_API_URL="+s.apiURL, "USHER_API_KEY="+s.key)}
	says := func(want string, args ...string) string {
		t.Helper()
		out := cloud.usher(args...)
		if !strings.Contains(out, want) {
			t.Errorf("prefect-cloud %v does not say %q:\n%s", args, want, out)
		}
		return out
	}

	says("Logged in", "login", "--key", s.key, "--workspace", "acme/main")
	says("ada@example.com", "whoami")
	if out, said, err := cloud.try("deploy", "hello.py:hello", "--from", git.URL+"/flows.git"); err == nil || !strings.Contains(out+said, "Not a GitHub URL") {
		t.Errorf("a repository elsewhere: %v\n%s%s", err, out, said)
	}
	says("prefect-cloud run hello/hi", "deploy", "hello.py:hello", "--from", "acme/flows", "--name", "hi", "-p", "times=2", "-e", "COLOUR=blue", "-s", "SECRET=ssh")
	if out := usher.usher("work-pool", "ls", "-o", "json", "--jq", ".[] | .name + \" \" + .type"); strings.TrimSpace(out) != "default-work-pool prefect:managed" {
		t.Errorf("the pools are %s", out)
	}
	says("hello/hi", "ls")
	says("", "schedule", "hello/hi", "0 7 * * *")
	testkit.Eventually(t, time.Minute, func() error {
		if out := cloud.usher("ls"); !strings.Contains(out, "0 7 * * *") || !strings.Contains(out, "07:00") {
			return fmt.Errorf("no next run:\n%s", out)
		}
		return nil
	})
	if out := usher.usher("deployment", "schedule", "ls", "hello/hi"); !strings.Contains(out, "Europe/Berlin") {
		t.Errorf("the schedule is %s", out)
	}
	says("", "unschedule", "hello/hi")
	if out := usher.usher("deployment", "schedule", "ls", "hello/hi"); strings.Contains(out, "0 7 * * *") {
		t.Errorf("the schedule is still there: %s", out)
	}

	id, end := cloud.begin(`/flow-run/([0-9a-f-]{36})`, "run", "hello/hi", "-p", "name=Ada", "--follow")
	execute := exec.CommandContext(t.Context(), testkit.Reference(t).Prefect, "flow-run", "execute", id)
	execute.Dir = t.TempDir()
	execute.Env = testkit.Env(t.TempDir(), "PREFECT_API_URL="+s.apiURL, "PREFECT_API_KEY="+s.key, "PREFECT_CLOUD_API_URL="+s.URL+"/api", "PREFECT__FLOW_RUN_ID="+id,
		"GIT_SSL_CAINFO="+git.CA, "GIT_CONFIG_COUNT=1", "GIT_CONFIG_KEY_0=url."+strings.Replace(git.URL, "://", "://hush@", 1)+"/.insteadOf", "GIT_CONFIG_VALUE_0=https://github.com/acme/",
		"PREFECT_LOGGING_LOG_PRINTS=true")
	if out, err := execute.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if said := end(); strings.Count(said, "hello Ada") != 2 {
		t.Errorf("the run that was followed said:\n%s", said)
	}
	if out := usher.usher("flow-run", "inspect", id, "-o", "json", "--jq", ".state_type"); strings.TrimSpace(out) != "COMPLETED" {
		t.Errorf("the run is %s", out)
	}

	says("", "delete", "hello/hi")
	if _, said, err := usher.try("deployment", "inspect", "hello/hi"); err == nil {
		t.Errorf("the deployment is still there: %s", said)
	}
	says("", "logout")
}
