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
	"flow-run diff {run} {run} --all",
	"flow-run timeline {run}",
	"flow-run watch {run}",
	"version",
	"work-pool create another --type process",
	"work-queue create urgent --pool local",
	"work-queue read-runs default --pool local",
}

// notPinned are the commands whose JSON is pinned elsewhere, or nowhere.
var notPinned = map[string]string{
	"access *":                            "needs a server with accounts; their scripts",
	"api-key *":                           "needs a server with accounts; their scripts",
	"audit *":                             "needs a server with accounts; their scripts",
	"member *":                            "needs a server with accounts; their scripts",
	"service-account *":                   "needs a server with accounts; their scripts",
	"auth ls":                             "its script in testdata/login",
	"auth status":                         "its script in testdata/login",
	"server bootstrap":                    "its script in testdata/identity",
	"sessions ls":                         "its script in testdata/login",
	"whoami":                              "its script in testdata/login",
	"alias ls":                            "its script in testdata/alias",
	"logs":                                "is flow-run logs",
	"api":                                 "prints what the API answers",
	"cloud ip-allowlist ls":               "its script in testdata/cloud",
	"experimental result-storage inspect": "its script in testdata/python",
	"keys status":                         "its script in testdata/keys",
	"server database status":              "its script in testdata/server",
	"server import":                       "its script in testdata/server",
	"server services ls":                  "names what this version of the server has",
	"transfer":                            "its script in testdata/setup",
}

// TestJSONContract compares the members of what commands print as JSON, and their types, with
// testdata/json/contract.txt. Scripts rely on them: a member may come, none may go or change.
func TestJSONContract(t *testing.T) {
	t.Parallel()
	b := prepared(t, testkit.UsherServer(t))
	b.file(t, "variables.yaml", "kind: variable\nname: threshold\nvalue: 3\n---\nkind: variable\nname: fresh\nvalue: 1\n")
	var lines []string
	for _, command := range slices.Concat(onServers, polls) {
		lines = append(lines, command.line)
	}
	var got strings.Builder
	for _, line := range slices.Concat(lines, ours) {
		out, _ := b.run(t, strings.Fields(b.ids.Replace(line)+" -o json")...) // doctor ends with 1: no worker is there
		fmt.Fprintf(&got, "%s\n", line)
		for _, member := range shapeOf(t, line, out) {
			fmt.Fprintf(&got, "  %s\n", member)
		}
	}
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

// TestJSONIsPinnedEverywhere fails for a command that prints JSON and is not pinned.
func TestJSONIsPinnedEverywhere(t *testing.T) {
	t.Parallel()
	lines := slices.Clone(ours)
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
	for _, name := range []string{".value", ".parameters", ".job_variables", ".labels", ".parameter_openapi_schema", ".base_job_template", ".fields", ".resource", ".payload", ".pull_steps[]", ".data", ".capabilities"} {
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
