package acceptance

import (
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/cli"
	"github.com/usherhq/usher/internal/testkit"
)

var update = flag.Bool("update", false, "write testdata/json/contract.txt anew")

// ours are the commands that print JSON and are not the reference's, or not as JSON there.
var ours = []string{
	"automation ls",
	"config explain PREFECT_API_URL",
	"deployment history etl/nightly",
	"deployment run etl/nightly --start-in 30m",
	"deployment backfill etl/nightly --from 2026-01-01 --to 2026-01-03 --dry-run",
	"deploy --all --prefect-file prefect.yaml",
	"doctor",
	"events ls --since 1h --limit 1 --event prefect.flow-run.Completed",
	"export variable",
	"diff -f variables.yaml",
	"apply -f variables.yaml --yes",
	"flow inspect etl",
	"flow-run diff {run} {run} --all",
	"flow-run timeline {run}",
	"flow-run watch {run}",
	"version",
	"worker ls",
	"work-pool create another --type process",
	"work-queue create urgent --pool local",
	"work-queue read-runs default --pool local",
}

// changes are the commands that make, change and remove things, in an order in which each can be
// done after those before it.
var changes = []string{
	"variable set newer 1 --tag a",
	"variable set threshold 4 --overwrite",
	"variable get threshold",
	"variable unset threshold",
	"global-concurrency-limit create web --limit 3",
	"global-concurrency-limit update db --limit 8",
	"global-concurrency-limit disable db",
	"global-concurrency-limit enable db",
	"global-concurrency-limit delete db",
	"concurrency-limit create mail 2",
	"concurrency-limit reset database",
	"concurrency-limit delete database",
	"block create secret --name other --from-file token.yaml",
	"block delete secret/other",
	`api POST /block_types/ --data {"name":"Mine","slug":"mine"}`,
	"block type delete mine",
	"automation create --from-file automation.yaml",
	"automation update --id {automation} --from-file automation.yaml",
	"automation pause --id {automation}",
	"automation resume --id {automation}",
	"automation delete --all",
	"artifact delete sales-report",
	"deployment pause etl/nightly",
	"deployment resume etl/nightly",
	"deployment schedule create etl/nightly --interval 3600",
	"deployment schedule pause etl/nightly {schedule}",
	"deployment schedule resume etl/nightly {schedule}",
	"deployment schedule delete etl/nightly {schedule} --yes",
	"deployment schedule clear etl/nightly --yes",
	"deployment run etl/nightly --flow-run-name doomed --start-in 30m",
	"flow-run cancel doomed --dry-run",
	"flow-run cancel doomed",
	"flow-run retry doomed",
	"flow-run delete doomed",
	"work-pool update local --description here",
	"work-pool pause local",
	"work-pool resume local",
	"work-pool set-concurrency-limit local 4",
	"work-pool clear-concurrency-limit local",
	"work-pool delete another",
	"work-pool get-default-base-job-template --type process",
	"work-queue pause urgent --pool local",
	"work-queue resume urgent --pool local",
	"work-queue set-concurrency-limit urgent 4 --pool local",
	"work-queue clear-concurrency-limit urgent --pool local",
	"work-queue delete urgent --pool local",
	"events emit order.received --resource-id order.42",
	"block create local-file-system --name results --from-file results.yaml",
	"experimental result-storage set local-file-system/results",
	"experimental result-storage inspect",
	"experimental result-storage clear",
	"profile create next",
	"profile rename next later",
	"profile use later",
	"profile use mine",
	"profile delete later",
	"profile populate-defaults --yes",
	"config set PREFECT_LOGGING_LEVEL=ERROR",
	"config unset PREFECT_LOGGING_LEVEL",
	"config validate",
	"alias set sick doctor",
	"alias rm sick",
	"init",
	"deploy init",
	"flow-run resume --state Suspended --dry-run",
	"deployment delete etl/nightly",
	"flow delete etl",
}

// noJSON are the commands that print no JSON, with what they do instead.
var noJSON = map[string]string{
	"auth switch":                        "`auth status` prints what is in use",
	"auth token":                         "prints the token alone",
	"block register":                     "the user's Python does it and prints what it likes",
	"cloud login":                        "`cloud workspace ls` and `config view` print JSON",
	"cloud logout":                       "as `logout`",
	"completion bash":                    "prints a script",
	"completion fish":                    "prints a script",
	"completion powershell":              "prints a script",
	"completion zsh":                     "prints a script",
	"events stream":                      "has --format, one event a line",
	"exec":                               "runs a program, whose output it is",
	"executor start":                     "runs until it is stopped",
	"experimental plugins diagnose":      "the user's Python does it",
	"flow serve":                         "runs until it is stopped",
	"flow-run execute":                   "the user's Python runs the flow",
	"login":                              "talks to a person and a browser; `auth status` and `whoami` print JSON",
	"logout":                             "`auth ls` prints what is left",
	"mcp":                                "speaks its own protocol",
	"plugins diagnose":                   "the user's Python does it",
	"sdk generate":                       "writes Python; --output is a file",
	"server database revision":           "refuses, and says where migrations are written",
	"server services start":              "runs until it is stopped",
	"server services stop":               "there is nothing to tell but that it stopped",
	"server start":                       "runs until it is stopped",
	"server stop":                        "there is nothing to tell but that it stopped",
	"security evidence":                  "is JSON, for a file",
	"serve":                              "runs until it is stopped",
	"shell serve":                        "the user's Python runs until it is stopped",
	"shell watch":                        "the user's Python runs the command, whose output it is",
	"task serve":                         "the user's Python runs until it is stopped",
	"top":                                "is a full-screen program",
	"work-pool provision-infrastructure": "refuses, and says what makes the infrastructure",
	"worker start":                       "runs until it is stopped",
}

// TestEveryCommandPrintsJSON fails for a command without --output that is not excused.
func TestEveryCommandPrintsJSON(t *testing.T) {
	t.Parallel()
	excused := maps.Clone(noJSON)
	for _, cmd := range tree(t) {
		path := strings.TrimPrefix(cmd.CommandPath(), "usher ")
		if cli.IsGroup(cmd) || cmd.Name() == "help" || cmd.Parent() != nil && cmd.Parent().Name() == "help" || cmd.IsAdditionalHelpTopicCommand() {
			continue
		}
		format := cmd.Flags().Lookup("output")
		prints := format != nil && format.Value.Type() == "format"
		if _, is := excused[path]; prints == is {
			t.Errorf("%s: prints JSON %t, excused %t", path, prints, is)
		}
		delete(excused, path)
	}
	for path := range excused {
		t.Errorf("%s is excused and no command", path)
	}
}

// notPinned are the commands whose JSON is pinned elsewhere, or nowhere.
var notPinned = map[string]string{
	"deployment run-access":      "means something on a server with accounts only",
	"flow-run tokens ls":         "needs a server with accounts",
	"flow-run tokens revoke":     "needs a server with accounts",
	"access *":                   "needs a server with accounts; their scripts",
	"account *":                  "needs a server with accounts; their scripts",
	"api-key *":                  "needs a server with accounts; their scripts",
	"asset *":                    "the reference's server has none; their script in testdata/asset",
	"audit *":                    "needs a server with accounts; their scripts",
	"incident *":                 "the reference's server has none; their script in testdata/incident",
	"member *":                   "needs a server with accounts; their scripts",
	"security *":                 "its script in testdata/governance",
	"service-account *":          "needs a server with accounts; their scripts",
	"auth ls":                    "its script in testdata/login",
	"change *":                   "needs a server with accounts",
	"deployment branch":          "the reference's server has none; their script in testdata/deployment",
	"deployment diff":            "the reference's server has no versions; their script in testdata/deployment",
	"deployment disable":         "the reference's server can't; its script in testdata/deployment",
	"deployment enable":          "the reference's server can't; its script in testdata/deployment",
	"deployment promote":         "the reference's server has no versions; their script in testdata/deployment",
	"deployment versions":        "the reference's server has no versions; their script in testdata/deployment",
	"cloud asset delete":         "its script in testdata/cloud",
	"cloud ip-allowlist add":     "its script in testdata/cloud",
	"cloud ip-allowlist disable": "its script in testdata/cloud",
	"cloud ip-allowlist enable":  "its script in testdata/cloud",
	"cloud ip-allowlist remove":  "its script in testdata/cloud",
	"cloud ip-allowlist toggle":  "its script in testdata/cloud",
	"cloud webhook create":       "its script in testdata/cloud",
	"cloud webhook delete":       "its script in testdata/cloud",
	"cloud webhook rotate":       "its script in testdata/cloud",
	"cloud webhook toggle":       "its script in testdata/cloud",
	"cloud webhook update":       "its script in testdata/cloud",
	"cloud workspace set":        "its script in testdata/cloud",
	"cloud workspace create":     "its script in testdata/cloud",
	"dashboard open":             "its script in testdata/live",
	"work-pool storage configure azure-blob-storage": "as that for s3",
	"work-pool storage configure gcs":                "as that for s3",
	"work-pool storage configure s3":                 "its script in testdata/pool",
	"auth status":                                    "its script in testdata/login",
	"server certs init":                              "its script in testdata/server",
	"server backup":                                  "its script in testdata/server",
	"server restore":                                 "its script in testdata/server",
	"server bootstrap":                               "its script in testdata/identity",
	"sessions ls":                                    "its script in testdata/login",
	"whoami":                                         "its script in testdata/login",
	"alias ls":                                       "its script in testdata/alias",
	"logs":                                           "is flow-run logs",
	"cloud ip-allowlist ls":                          "its script in testdata/cloud",
	"keys rotate":                                    "its script in testdata/keys",
	"keys status":                                    "its script in testdata/keys",
	"server database downgrade":                      "its script in testdata/server",
	"server database reset":                          "its script in testdata/server",
	"server database stamp":                          "its script in testdata/server",
	"server database upgrade":                        "its script in testdata/server",
	"sessions revoke":                                "its script in testdata/login",
	"server database status":                         "its script in testdata/server",
	"server import":                                  "its script in testdata/server",
	"server services ls":                             "names what this version of the server has",
	"transfer":                                       "its script in testdata/setup",
}

// TestJSONContract compares the members of what commands print as JSON, and their types, with
// testdata/json/contract.txt. Scripts rely on them: a member may come, none may go or change.
func TestJSONContract(t *testing.T) {
	t.Parallel()
	got := &strings.Builder{}
	everything(t, testkit.UsherServer(t), func(line, out string) {
		fmt.Fprintf(got, "%s\n", line)
		for _, member := range shapeOf(t, line, out) {
			fmt.Fprintf(got, "  %s\n", member)
		}
	})
	path := filepath.Join("testdata", "json", "contract.txt")
	if *update {
		if err := os.WriteFile(path, []byte(got.String()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got.String()); diff != "" {
		t.Errorf("what commands print as JSON has changed; if it may, run the test with -update (-pinned +now):\n%s", diff)
	}
}

// TestEverythingWorksOnTheReferencesServer runs every command that prints JSON on it, too.
func TestEverythingWorksOnTheReferencesServer(t *testing.T) {
	t.Parallel()
	everything(t, testkit.ReferenceServer(t), func(line, out string) { shapeOf(t, line, out) })
}

// everything runs each command that prints JSON, and makes what those need before.
func everything(t *testing.T, server *testkit.Server, printed func(line, out string)) {
	t.Helper()
	b := prepared(t, server)
	b.file(t, "variables.yaml", "kind: variable\nname: threshold\nvalue: 3\n---\nkind: variable\nname: fresh\nvalue: 1\n")
	b.file(t, "automation.yaml", "name: say-more\ntrigger: {type: event, posture: Reactive, expect: [x], threshold: 1, within: 0}\nactions: [{type: do-nothing}]\n")
	b.file(t, "results.yaml", "basepath: /tmp/results\n")
	var lines []string
	for _, command := range slices.Concat(onServers, polls) {
		lines = append(lines, command.line)
	}
	for _, line := range slices.Concat(lines, ours, changes) {
		out, err := b.run(t, strings.Fields(b.ids.Replace(line)+" -o json")...)
		if err != nil && line != "doctor" && line != "diff -f variables.yaml" { // no worker is there; there are differences
			t.Errorf("%s: %v", line, err)
			continue
		}
		printed(line, out)
	}
}

// TestJSONIsPinnedEverywhere fails for a command that prints JSON and is not pinned.
func TestJSONIsPinnedEverywhere(t *testing.T) {
	t.Parallel()
	lines := slices.Concat(ours, changes)
	for _, command := range slices.Concat(onServers, polls, onCloud) {
		lines = append(lines, command.line)
	}
	for _, cmd := range tree(t) {
		if cmd.Flags().Lookup("jq") == nil {
			continue
		}
		path := strings.TrimPrefix(cmd.CommandPath(), "usher ")
		pinned := slices.ContainsFunc(lines, func(line string) bool { return strings.HasPrefix(line+" ", path+" ") })
		noun, _, _ := strings.Cut(path, " ")
		_, excused := notPinned[path]
		_, asNoun := notPinned[noun+" *"]
		if excused = excused || asNoun; pinned == excused {
			t.Errorf("%s: pinned %t, excused %t", path, pinned, excused)
		}
	}
}

// shapeOf lists the members of a document with their types, a line each.
func shapeOf(t *testing.T, line, text string) []string {
	t.Helper()
	var value any
	if err := json.Unmarshal([]byte(text), &value); err != nil {
		t.Fatalf("%s printed no JSON: %v\n%s", line, err, text)
	}
	members := map[string]map[string]bool{}
	shape(members, "", value)
	var lines []string
	for _, path := range slices.Sorted(maps.Keys(members)) {
		lines = append(lines, strings.TrimSpace(path+" "+strings.Join(slices.Sorted(maps.Keys(members[path])), "|")))
	}
	return lines
}

func shape(members map[string]map[string]bool, path string, value any) {
	if members[path] == nil {
		members[path] = map[string]bool{}
	}
	switch v := value.(type) {
	case map[string]any:
		members[path]["object"] = true
		if free(path) {
			return
		}
		for name, member := range v {
			shape(members, path+"."+name, member)
		}
	case []any:
		members[path]["list"] = true
		for _, item := range v {
			shape(members, path+"[]", item)
		}
	default:
		members[path][kindOf(value)] = true
	}
}

// free reports whether the members of an object are the user's, or a schema's.
func free(path string) bool {
	for _, name := range []string{".value", ".parameters", ".job_variables", ".labels", ".parameter_openapi_schema", ".base_job_template", ".fields", ".resource", ".payload", ".pull_steps[]", ".data", ".capabilities", ".set", ".variables"} {
		if strings.HasSuffix(path, name) {
			return true
		}
	}
	return false
}

func kindOf(value any) string {
	switch v := value.(type) {
	case nil:
		return "null"
	case bool:
		return "boolean"
	case float64:
		return "number"
	case string:
		if _, err := uuid.Parse(v); err == nil {
			return "uuid"
		}
		if _, err := time.Parse(time.RFC3339Nano, v); err == nil {
			return "time"
		}
	}
	return "string"
}
