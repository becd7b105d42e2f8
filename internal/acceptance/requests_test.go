package acceptance

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/cobra"

	"github.com/usherhq/usher/internal/testkit"
)

// counter stands before a server and notes what it is asked. hold, if set, is called with each
// request before it goes on.
type counter struct {
	*httptest.Server

	mu    sync.Mutex
	asked []string
	hold  func(n int)
}

func count(t *testing.T, server *testkit.Server) *counter {
	t.Helper()
	to, err := url.Parse(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	c := &counter{}
	proxy := httputil.NewSingleHostReverseProxy(to)
	c.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c.mu.Lock()
		c.asked = append(c.asked, r.Method+" "+r.URL.Path)
		n, hold := len(c.asked), c.hold
		c.mu.Unlock()
		if hold != nil {
			hold(n)
		}
		proxy.ServeHTTP(w, r)
	}))
	t.Cleanup(c.Close)
	return c
}

func (c *counter) take() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	asked := c.asked
	c.asked = nil
	return asked
}

// TestRequestsPerCommand pins how many requests a command makes: one where one suffices.
func TestRequestsPerCommand(t *testing.T) {
	t.Parallel()
	server := testkit.UsherServer(t)
	b := &both{env: server.Env(t.TempDir()), dir: t.TempDir(), bin: testkit.Usher(t)}
	b.usher(t, "work-pool", "create", "local", "--type", "process")
	b.usher(t, "variable", "set", "threshold", "1")
	b.usher(t, "gcl", "create", "db", "--limit", "1")
	b.usher(t, "concurrency-limit", "create", "tag", "1")
	b.usher(t, "deploy", "--all", "--prefect-file", b.copy(t, "prefect.yaml"))
	b.usher(t, "deployment", "schedule", "clear", "etl/nightly", "--yes")
	run := strings.Trim(b.usher(t, "deployment", "run", "etl/nightly", "--jq", ".id"), `"`)
	c := count(t, server)
	b.env = append(b.env, "PREFECT_API_URL="+c.URL+"/api", "USHER_API_URL="+c.URL+"/api")
	for line, want := range map[string]int{
		"flow ls":                              1,
		"flow inspect etl":                     1,
		"worker ls --pool local":               1,
		"worker ls":                            2, // the pools, and the workers of each
		"flow-run ls":                          2, // and the names of the flows
		"flow-run ls -o json":                  1,
		"flow-run inspect " + run + " -o json": 1,
		"flow-run logs " + run:                 2,
		"task-run ls":                          1,
		"deployment ls -o json":                1,
		"deployment inspect etl/nightly":       2, // and the name of the flow
		"deployment run etl/nightly -o json":   2,
		"work-pool ls":                         1,
		"work-pool inspect local":              1,
		"work-queue ls":                        1,
		"variable ls":                          1,
		"variable get threshold":               1,
		"variable inspect threshold":           1,
		"block ls":                             1,
		"artifact ls":                          1,
		"automation ls":                        1,
		"gcl ls":                               1,
		"concurrency-limit ls":                 1,
		"concurrency-limit inspect tag":        1,
		"api GET /admin/version":               1,
		"events ls":                            1,
		"events ls --event nothing.at.all":     1,
		"deployment ls":                        2, // the flows by name, and what is deployed of them
		"deployment ls --by-created":           2,
		"deployment schedule ls etl/nightly":   1,
		"deployment history etl/nightly":       2,
		"flow-run ls --state Failed --quiet":   1,
		"flow-run timeline " + run:             3, // the run, the flow runs and the task runs below it
		"work-pool preview local":              2, // the pool
		"work-pool slots local":                1,
		"work-pool storage inspect local":      1,
		"work-queue inspect default -p local":  2, // its health
		"work-queue slots default -p local":    2, // its id
		"block type ls":                        1,
		"block type inspect secret":            2, // and its schema
		"gcl inspect db":                       2, // who holds it
		"server status":                        1,
		"version":                              0, // nothing is asked
	} {
		b.usher(t, strings.Fields(line)...)
		if asked := c.take(); len(asked) != want {
			t.Errorf("%s: %d requests, want %d: %v", line, len(asked), want, asked)
		}
	}
	for _, change := range []struct {
		line string
		want int
	}{ // one after the other
		{"variable set threshold 2 --overwrite", 1},
		{"variable set fresh 2", 1},
		{"variable unset fresh", 2}, // the thing as it was
		{"gcl update db --limit 3", 1},
		{"gcl disable db", 2}, // what it is
		{"concurrency-limit create tag 2", 1},
		{"concurrency-limit reset tag", 1},
		{"work-pool update local --description x", 1},
		{"work-pool pause local", 1},
		{"work-pool resume local", 1},
		{"work-queue pause default -p local", 2}, // its id
		{"deployment pause etl/nightly", 2},      // its id
		{"work-queue create urgent -p local", 1},
		{"work-pool create third --type process", 2}, // the template
		{"work-pool delete third", 2},                // the thing as it was
	} {
		b.usher(t, strings.Fields(change.line)...)
		if asked := c.take(); len(asked) != change.want {
			t.Errorf("%s: %d requests, want %d: %v", change.line, len(asked), change.want, asked)
		}
	}
	for _, change := range []string{"flow-run cancel " + run, "flow-run delete " + run + " --yes"} {
		b.usher(t, strings.Fields(change)...)
		if asked := c.take(); len(asked) != 2 {
			t.Errorf("%s: %v, want the run and its change", change, asked)
		}
	}
}

// TestRowsComeBeforeTheLastPage reads a row of a long list while the server still holds the next
// page back, in each form that needs no look at the whole.
func TestRowsComeBeforeTheLastPage(t *testing.T) {
	t.Parallel()
	server := testkit.UsherServer(t)
	b := &both{env: server.Env(t.TempDir()), dir: t.TempDir(), bin: testkit.Usher(t)}
	flows := map[string]string{}
	for _, name := range []string{"early", "etl", "late", "lonely"} {
		flows[name] = strings.Trim(b.usher(t, "api", "POST", "/flows/", "--data", fmt.Sprintf(`{"name": %q}`, name), "--jq", ".id"), `"`)
	}
	var names []string // of the deployments, in the order that a person expects
	for i := range 250 {
		send(t, server, "/flow_runs/", fmt.Sprintf(`{"flow_id": %q}`, flows["etl"]))
		send(t, server, "/work_pools/", fmt.Sprintf(`{"name": "pool-%03d", "type": "process"}`, i))
		send(t, server, "/deployments/", fmt.Sprintf(`{"flow_id": %q, "name": "d%03d"}`, flows["etl"], 249-i))
		names = append(names, fmt.Sprintf("etl/d%03d", i))
	}
	send(t, server, "/deployments/", fmt.Sprintf(`{"flow_id": %q, "name": "z"}`, flows["early"]))
	send(t, server, "/deployments/", fmt.Sprintf(`{"flow_id": %q, "name": "a"}`, flows["late"]))
	names = append(append([]string{"early/z"}, names...), "late/a")
	for line, c := range map[string]struct{ held, want int }{ // no request after that many is let through before a row is read
		"flow-run ls --limit 0":                                      {2, 250}, // the first page, and its flows
		"flow-run ls --limit 0 -o table":                             {2, 251}, // with the heading
		"flow-run ls --limit 0 --json id":                            {1, 250*3 + 2},
		"flow-run ls --limit 0 --json id -o yaml":                    {1, 250},
		"flow-run ls --limit 0 --quiet":                              {1, 250},
		"flow-run ls --limit 0 --jq .[]|.id":                         {1, 250},
		`flow-run ls --limit 0 --template {{range.}}{{.id}};{{end}}`: {1, 1},
		"work-pool ls":               {1, 250},
		"work-pool ls -o table":      {1, 251},
		"deployment ls --by-created": {2, 252},
		"deployment ls":              {4, 252}, // the flows, a page of all, of the first two, of the first
		"deployment ls -o json":      {1, -1},
	} {
		rows := rowsBefore(t, b, server, line, c.held)
		if len(rows) != c.want && c.want > 0 {
			t.Errorf("%s: %d lines, want %d", line, len(rows), c.want)
		}
		if line == "deployment ls" {
			for i := range rows {
				rows[i], _, _ = strings.Cut(rows[i], "\t")
			}
			if diff := cmp.Diff(names, rows); diff != "" {
				t.Errorf("the order of deployments (-want +got):\n%s", diff)
			}
		}
	}
	if rows := b.usher(t, "deployment", "ls", "--limit", "3", "--jq", ".[].id"); strings.Count(rows, "\n") != 2 {
		t.Errorf("--limit 3 shows\n%s", rows)
	}
	for _, limit := range []int{1, 2, 251, 1000} {
		rows := strings.Split(b.usher(t, "deployment", "ls", "--limit", fmt.Sprint(limit)), "\n")
		if want := names[:min(limit, len(names))]; len(rows) != len(want) || !strings.HasPrefix(rows[len(rows)-1], want[len(want)-1]+"\t") {
			t.Errorf("--limit %d shows %d rows, the last one %q", limit, len(rows), rows[len(rows)-1])
		}
	}
}

// rowsBefore runs a line and returns what it prints. The requests after the first ones wait until
// something has been read of it.
func rowsBefore(t *testing.T, b *both, server *testkit.Server, line string, first int) []string {
	t.Helper()
	c := count(t, server)
	read := make(chan struct{})
	c.hold = func(n int) {
		if n > first {
			select {
			case <-read:
			case <-t.Context().Done():
			}
		}
	}
	cmd := exec.CommandContext(t.Context(), b.bin, strings.Fields(line)...)
	cmd.Dir, cmd.Env, cmd.Stderr = b.dir, append(slices.Clone(b.env), "PREFECT_API_URL="+c.URL+"/api", "USHER_API_URL="+c.URL+"/api"), t.Output()
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	reader := bufio.NewReader(out)
	if _, err := reader.Peek(1); err != nil {
		t.Fatalf("%s: no row came before the next page", line)
	}
	close(read)
	text, err := io.ReadAll(reader)
	if err := errors.Join(err, cmd.Wait()); err != nil {
		t.Fatalf("%s: %v", line, err)
	}
	return strings.Split(strings.TrimSuffix(string(text), "\n"), "\n")
}

func send(t *testing.T, server *testkit.Server, path, body string) {
	t.Helper()
	answer, err := http.Post(server.APIURL()+path, "application/json", strings.NewReader(body)) //nolint:noctx // a test
	if err != nil {
		t.Fatal(err)
	}
	_ = answer.Body.Close() // its status is what counts
	if answer.StatusCode >= http.StatusMultipleChoices {
		t.Fatal(answer.Status)
	}
}

// TestStartsFast bounds the CPU time of a start: the least of several, which load does not raise.
func TestStartsFast(t *testing.T) {
	t.Parallel()
	bin, env := testkit.Usher(t), testkit.Env(t.TempDir())
	for _, words := range [][]string{{"--version"}, {"--help"}, {"config", "view"}} {
		least := time.Hour
		for range 10 {
			cmd := exec.CommandContext(t.Context(), bin, words...)
			cmd.Env = env
			if err := cmd.Run(); err != nil {
				t.Fatal(err)
			}
			least = min(least, cmd.ProcessState.UserTime()+cmd.ProcessState.SystemTime())
		}
		if least > 60*time.Millisecond { // some 10 ms on a machine of its own; the reference takes 1.5 s
			t.Errorf("usher %s takes %s of CPU", strings.Join(words, " "), least)
		}
	}
}

// TestFullPipeIsQuiet lets a reader leave after the first line.
func TestFullPipeIsQuiet(t *testing.T) {
	t.Parallel()
	bin, env := testkit.Usher(t), testkit.Env(t.TempDir())
	for _, line := range []string{"config view --show-defaults", "config view --show-defaults -o json", "--help", "version -o json"} {
		cmd := exec.CommandContext(t.Context(), "bash", "-c", `set -o pipefail; "$0" `+line+` | head -n 1 >first; echo "${PIPESTATUS[0]}" >code`, bin)
		cmd.Dir, cmd.Env = t.TempDir(), env
		out, _ := cmd.CombinedOutput()
		if strings.TrimSpace(string(out)) != "" {
			t.Errorf("usher %s | head -n 1 says %q", line, out)
		}
	}
}

// TestNoArgumentsBreakDown runs lines of random words of the tree. Whatever they say, usher answers
// with a message, not with a panic.
func TestNoArgumentsBreakDown(t *testing.T) {
	t.Parallel()
	bin := testkit.Usher(t)
	env := testkit.Env(t.TempDir(), "PREFECT_API_URL=http://127.0.0.1:9/api", "PREFECT_CLIENT_MAX_RETRIES=0")
	dir, commands := t.TempDir(), leaves(t)
	for seed := range uint64(120) {
		random := rand.New(rand.NewPCG(seed, 7)) //nolint:gosec // repeatable
		words := fuzzed(random, commands[random.IntN(len(commands))])
		cmd := exec.CommandContext(t.Context(), bin, words...)
		cmd.Dir, cmd.Env = dir, env
		out, _ := cmd.CombinedOutput()
		if text := string(out); strings.Contains(text, "broke down") || strings.Contains(text, "goroutine ") {
			t.Errorf("seed %d: usher %q:\n%s", seed, words, text)
		}
	}
	if left, err := os.ReadDir(dir); err == nil && len(left) > 20 {
		t.Errorf("the lines left %d files", len(left))
	}
}

// leaves are the commands that end by themselves with nothing to talk to.
func leaves(t *testing.T) []*cobra.Command {
	t.Helper()
	var all []*cobra.Command
	for _, cmd := range tree(t) {
		switch path := cmd.CommandPath(); {
		case cmd.HasSubCommands(), strings.HasPrefix(path, "usher server"), strings.HasPrefix(path, "usher exec"), strings.HasPrefix(path, "usher mcp"),
			strings.HasPrefix(path, "usher shell"), strings.HasPrefix(path, "usher dashboard"), strings.HasPrefix(path, "usher login"), strings.HasPrefix(path, "usher cloud login"):
		default:
			all = append(all, cmd)
		}
	}
	return all
}

var oddWords = []string{"", "-", "--", "-x", "--nonsense", "--=", "-o", "json", "--json", "--jq", ".[", "--limit", "-1", "99999999999999999999", "é\x00", "{}", "[1", "null", "00000000-0000-0000-0000-000000000000", "/", "a/b", "a/b/c", "\xff", "--no-prompt", "-p", "--profile", strings.Repeat("x", 5000)}

func fuzzed(random *rand.Rand, cmd *cobra.Command) []string {
	words := strings.Fields(cmd.CommandPath())[1:]
	for range random.IntN(5) {
		word := oddWords[random.IntN(len(oddWords))]
		words = append(words, strings.ReplaceAll(word, "\x00", "")) // the system takes no NUL
	}
	return words
}
