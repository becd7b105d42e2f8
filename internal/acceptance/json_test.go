package acceptance

import (
	"bytes"
	"fmt"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/usherhq/usher/internal/testkit"
)

// printed is a command that prints JSON in both command lines.
type printed struct {
	line string // {run}, {task} and {automation} stand for ids
	adds string // members of which ours says more, separated by spaces
}

// onServers are the commands that ask a server.
var onServers = []printed{
	{line: "artifact inspect sales-report"},
	{line: "artifact ls"},
	{line: "artifact ls --all"},
	{line: "automation inspect say-so", adds: "created updated trigger.id"},
	{line: "automation inspect --id {automation}", adds: "created updated trigger.id"},
	{line: "block inspect secret/token"},
	{line: "block ls"},
	{line: "block type inspect secret"},
	{line: "block type ls"},
	{line: "concurrency-limit inspect database"},
	{line: "concurrency-limit ls"},
	{line: "deployment inspect etl/nightly"},
	{line: "deployment ls"},
	{line: "deployment schedule ls etl/nightly", adds: "schedule"}, // a text; ours has the time zone,
	{line: "flow ls"},
	{line: "flow-run inspect {run}"},
	{line: "flow-run logs {run}"},
	{line: "flow-run logs {run} -t -n 2"},
	{line: "flow-run ls"},
	{line: "flow-run ls --state-type COMPLETED"},
	{line: "global-concurrency-limit inspect db"},
	{line: "global-concurrency-limit ls"},
	{line: "server status"},
	{line: "task-run inspect {task}"},
	{line: "task-run logs {task}"},
	{line: "task-run ls"},
	{line: "variable inspect threshold"},
	{line: "variable ls"},
	{line: "work-pool inspect local"},
	{line: "work-pool ls"},
	{line: "work-pool slots local"},
	{line: "work-pool storage inspect local"},
	{line: "work-queue inspect default -p local"},
	{line: "work-queue ls -p local"},
	{line: "work-queue slots default -p local"},
	{line: "config view"},
	{line: "profile inspect mine"},
	{line: "profile ls"},
}

// polls count as a worker's look at its queue, which deployments show: they come last.
var polls = []printed{
	{line: "work-pool preview local", adds: "state work_pool_id work_pool_name work_queue_name"},
	{line: "work-queue preview default -p local", adds: "state work_pool_id work_pool_name work_queue_name"},
}

// onCloud are the commands that ask Prefect Cloud.
var onCloud = []printed{
	{line: "cloud asset ls --prefix s3://"},
	{line: "cloud webhook get 7d8ee8c1-4b1c-4c51-9f5b-9f9d8b0c1c11"},
	{line: "cloud webhook ls"},
	{line: "cloud workspace ls"},
}

// notCompared are the other commands that print JSON in the reference.
var notCompared = map[string]string{
	"experimental result-storage inspect": "prints nothing where no block is set",
	"sdk generate":                        "--output is a file",
	"server services ls":                  "each server has services of its own",
}

// TestJSONIsTheReferences runs both command lines on the same server. What they print as JSON has
// the same members with the same values; the order differs, and the reference adds nulls of its
// models.
func TestJSONIsTheReferences(t *testing.T) {
	t.Parallel()
	t.Run("usher", func(t *testing.T) {
		t.Parallel()
		compareOn(t, testkit.UsherServer(t))
	})
	t.Run("reference", func(t *testing.T) {
		t.Parallel()
		compareOn(t, testkit.ReferenceServer(t))
	})
	t.Run("cloud", func(t *testing.T) {
		t.Parallel()
		compareOnCloud(t)
	})
}

// TestJSONIsComparedEverywhere fails for a command of the reference that prints JSON and is not
// compared.
func TestJSONIsComparedEverywhere(t *testing.T) {
	t.Parallel()
	reference, err := os.ReadFile(filepath.Join("..", "..", "commands", "testdata", "prefect-3.8.3.txt"))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(reference)) {
		path, rest, _ := strings.Cut(line, ";")
		if !strings.Contains(rest, "--output,") && !strings.HasSuffix(strings.TrimSpace(rest), "--output") {
			continue
		}
		compared := slices.ContainsFunc(slices.Concat(onServers, polls, onCloud), func(p printed) bool { return strings.HasPrefix(p.line+" ", path+" ") })
		if _, excused := notCompared[path]; compared == excused {
			t.Errorf("%s: compared %t, excused %t", path, compared, excused)
		}
	}
}

func compareOn(t *testing.T, server *testkit.Server) {
	t.Helper()
	both := prepared(t, server)
	both.compare(t, onServers)
	both.compare(t, polls)
}

// prepared fills a server with one of everything.
func prepared(t *testing.T, server *testkit.Server) *both {
	t.Helper()
	both := newBoth(t, server.Env(t.TempDir()))
	both.usher(t, "work-pool", "create", "local", "--type", "process")
	both.usher(t, "variable", "set", "threshold", `{"low": 0.5, "high": [1, "[red]"]}`, "--tag", "tuning")
	both.usher(t, "gcl", "create", "db", "--limit", "5", "--slot-decay-per-second", "0.5")
	both.usher(t, "concurrency-limit", "create", "database", "5")
	both.usher(t, "block", "create", "secret", "--name", "token", "--from-file", both.file(t, "token.yaml", "value: hunter2"))
	both.usher(t, "automation", "create", "--from-json",
		`{"name": "say-so", "trigger": {"type": "event", "posture": "Reactive", "expect": ["x"], "threshold": 1, "within": 0}, "actions": [{"type": "do-nothing"}]}`)
	both.python(t, "flows.py")
	both.usher(t, "deploy", "--all", "--prefect-file", both.copy(t, "prefect.yaml"))
	testkit.Eventually(t, time.Minute, func() error { // the scheduler has done its work
		if n := both.usher(t, "flow-run", "ls", "--state-type", "SCHEDULED", "--jq", "length"); n != "3" {
			return fmt.Errorf("%s runs are scheduled", n)
		}
		return nil
	})
	both.ids = strings.NewReplacer(
		"{run}", both.usher(t, "flow-run", "ls", "--state-type", "COMPLETED", "--jq", ".[0].id"),
		"{task}", both.usher(t, "task-run", "ls", "--jq", ".[0].id"),
		"{schedule}", both.usher(t, "deployment", "inspect", "etl/nightly", "--jq", ".schedules[0].id"),
		"{automation}", both.usher(t, "automation", "ls", "--jq", ".[0].id"),
	)
	return both
}

func compareOnCloud(t *testing.T) {
	t.Helper()
	script, err := os.ReadFile(filepath.Join("testdata", "json", "cloud.txt"))
	if err != nil {
		t.Fatal(err)
	}
	exchanges, err := readExchanges(string(script))
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	cloud := httptest.NewServer(&cloudPlayer{exchanges: exchanges, log: filepath.Join(dir, "requests")})
	defer cloud.Close()
	both := newBoth(t, testkit.Env(dir, "PREFECT_CLOUD_API_URL="+cloud.URL+"/api", "PREFECT_API_KEY=pnu_good", "PREFECT_API_URL="+cloud.URL+
		"/api/accounts/a0000000-0000-4000-8000-000000000001/workspaces/b0000000-0000-4000-8000-000000000001"))
	both.ids = strings.NewReplacer()
	both.compare(t, onCloud)
}

// both are the two command lines in one environment.
type both struct {
	env []string
	dir string
	bin string
	py  testkit.Python
	ids *strings.Replacer
}

func newBoth(t *testing.T, env []string) *both {
	t.Helper()
	b := &both{dir: t.TempDir(), bin: testkit.Usher(t), py: testkit.Reference(t)}
	b.env = append(env, "PREFECT_LOGGING_LEVEL=ERROR", "USHER_HOME=", "PREFECT_PROFILES_PATH="+b.file(t, "profiles.toml",
		"[profiles.mine]\nPREFECT_API_URL = \"http://127.0.0.1:9/api\"\n\n[profiles.other]\n"))
	return b
}

func (b *both) compare(t *testing.T, commands []printed) {
	t.Helper()
	theirs := b.reference(t, commands)
	for i, command := range commands {
		words := strings.Fields(b.ids.Replace(command.line) + " -o json")
		ours := plain(t, command.line, b.usher(t, words...), strings.Fields(command.adds))
		// Secrets are masked by us alone.
		want := plain(t, command.line, strings.ReplaceAll(theirs[i], "hunter2", "********"), strings.Fields(command.adds))
		if diff := cmp.Diff(want, ours, byID); diff != "" {
			t.Errorf("%s -o json (-reference +usher):\n%s", command.line, diff)
		}
	}
}

// byID compares lists without their order, which the reference's server leaves open for some.
var byID = cmpopts.SortSlices(func(a, b any) bool { return idOf(a) < idOf(b) })

func idOf(item any) string {
	object, _ := item.(map[string]any)
	id, _ := object["id"].(string)
	return id
}

// reference runs the commands with the reference, in one process: its start takes seconds.
func (b *both) reference(t *testing.T, commands []printed) []string {
	t.Helper()
	var lines bytes.Buffer
	for _, command := range commands {
		words, err := json.Marshal(strings.Fields(b.ids.Replace(command.line) + " -o json"))
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&lines, "%s\n", words)
	}
	cmd := exec.CommandContext(t.Context(), b.py.Python, b.script(t, "reference.py"))
	// Columns: the reference wraps JSON at the width of the terminal.
	cmd.Dir, cmd.Env, cmd.Stdin, cmd.Stderr = b.dir, append(b.env, "COLUMNS=100000"), &lines, t.Output()
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("the reference's command line: %v\n%s", err, out)
	}
	return answersOf(t, commands, out)
}

func answersOf(t *testing.T, commands []printed, out []byte) []string {
	t.Helper()
	var texts []string
	for line := range bytes.Lines(out) {
		var answer struct {
			Out  string `json:"out"`
			Code int    `json:"code"`
		}
		if err := json.Unmarshal(line, &answer); err != nil {
			t.Fatalf("the reference's answer: %v", err)
		}
		if answer.Code != 0 {
			t.Errorf("%s: the reference ends with %d: %s", commands[len(texts)].line, answer.Code, answer.Out)
		}
		texts = append(texts, answer.Out)
	}
	if len(texts) != len(commands) {
		t.Fatalf("the reference answered %d of %d commands", len(texts), len(commands))
	}
	return texts
}

func (b *both) usher(t *testing.T, words ...string) string {
	t.Helper()
	out, err := b.run(t, words...)
	if err != nil {
		t.Fatalf("usher %s: %v", strings.Join(words, " "), err)
	}
	return out
}

func (b *both) run(t *testing.T, words ...string) (string, error) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), b.bin, words...)
	cmd.Dir, cmd.Env = b.dir, b.env
	var errs bytes.Buffer
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if err != nil {
		err = fmt.Errorf("%w\n%s%s", err, out, &errs)
	}
	return strings.TrimSpace(string(out)), err
}

func (b *both) python(t *testing.T, name string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), b.py.Python, b.script(t, name))
	cmd.Dir, cmd.Env = b.dir, b.env
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", name, err, out)
	}
}

func (b *both) script(t *testing.T, name string) string {
	t.Helper()
	path, err := filepath.Abs(filepath.Join("testdata", "json", name))
	if err != nil {
		t.Fatal(err)
	}
	return path
}

func (b *both) copy(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(b.script(t, name))
	if err != nil {
		t.Fatal(err)
	}
	return b.file(t, name, string(text))
}

func (b *both) file(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(b.dir, name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// plain reads JSON without the nulls that the reference's models add, and without the members
// that are known to be ours.
func plain(t *testing.T, command, text string, adds []string) any {
	t.Helper()
	var value any
	if err := json.Unmarshal([]byte(text), &value); err != nil {
		t.Fatalf("%s printed no JSON: %v\n%s", command, err, text)
	}
	return without(value, "", adds)
}

// modelNulls are members of Prefect Cloud, which the reference prints as nulls.
var modelNulls = []string{"version_id", "version_info", "branch", "base", "root", "owner_resource"}

// markup is what the reference takes out of JSON as styles, whatever it is.
var markup = regexp.MustCompile(`\[[a-z#/@][^\[\]]*\]`)

// without leaves out what is known to differ; at is the path of the value.
func without(value any, at string, adds []string) any {
	switch v := value.(type) {
	case string:
		if at, err := time.Parse(time.RFC3339Nano, v); err == nil {
			return at.UTC()
		}
		return markup.ReplaceAllString(v, "")
	case []any:
		for i := range v {
			v[i] = without(v[i], at, adds)
		}
	case map[string]any:
		_, isState := v["state_details"]
		for name, member := range v {
			path := strings.TrimPrefix(at+"."+name, ".")
			extra := slices.Contains(modelNulls, name) || isState && (name == "created" || name == "updated")
			if member == nil && extra || slices.Contains(adds, path) {
				delete(v, name)
				continue
			}
			v[name] = without(member, path, adds)
		}
	}
	return value
}
