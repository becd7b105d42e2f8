package acceptance

import (
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/usherhq/usher/internal/testkit"
)

// hosted is a server with accounts that the unmodified SDK and command line of the reference
// take for the hosted service, next to usher on the same workspace.
type hosted struct {
	*withAccounts
	t              *testing.T
	dir            string // a copy of testdata/hosted
	environ        []string
	prefect, usher *person
}

func startHosted(t *testing.T) *hosted {
	t.Helper()
	s := startWithAccounts(t)
	h := &hosted{withAccounts: s, t: t, dir: t.TempDir()}
	if err := os.CopyFS(h.dir, os.DirFS("testdata/hosted")); err != nil {
		t.Fatal(err)
	}
	h.environ = testkit.Env(t.TempDir(), "PREFECT_CLOUD_API_URL="+s.URL+"/api", "PREFECT_API_URL="+s.apiURL, "PREFECT_API_KEY="+s.key)
	h.prefect = &person{t, testkit.Reference(t).Prefect, h.environ}
	h.usher = &person{t, s.program, testkit.Env(t.TempDir(), "USHER_API_URL="+s.apiURL, "USHER_API_KEY="+s.key)}
	return h
}

// run runs a program of the reference in the directory.
func (h *hosted) run(program string, args ...string) string {
	h.t.Helper()
	cmd := exec.CommandContext(h.t.Context(), program, args...)
	cmd.Dir, cmd.Env = h.dir, h.environ
	out, err := cmd.CombinedOutput()
	if err != nil {
		h.t.Fatalf("%s %v: %v\n%s", filepath.Base(program), args, err, out)
	}
	return string(out)
}

// api is what a jq expression makes of an answer of the API, each result a line.
func (h *hosted) api(jq, method, path string, data ...string) string {
	h.t.Helper()
	args := []string{"api", method, path, "--jq", jq}
	for _, body := range data {
		args = append(args, "--data", body)
	}
	return strings.TrimSpace(h.usher.usher(args...))
}

// eventually waits until the API answers so.
func (h *hosted) eventually(want, jq, method, path string, data ...string) {
	h.t.Helper()
	testkit.Eventually(h.t, time.Minute, func() error {
		if got := h.api(jq, method, path, data...); got != want {
			return fmt.Errorf("%s is %s, not %s", path, got, want)
		}
		return nil
	})
}

func (h *hosted) equal(want, got string) {
	h.t.Helper()
	if got = strings.TrimSpace(got); got != want {
		h.t.Errorf("%s, not %s", got, want)
	}
}

// TestAssetsOfTheSDK is a flow that makes assets: the catalogue, what they are made of, and
// what the run made, from the API and both command lines.
func TestAssetsOfTheSDK(t *testing.T) {
	t.Parallel()
	h := startHosted(t)
	h.run(testkit.Reference(t).Python, "lake.py")
	h.eventually("postgres://db/countries s3://lake/clean.csv s3://lake/raw.csv s3://lake/report.csv", `map(.key) | join(" ")`, "GET", "/assets/")
	h.equal(`{"name":"Clean","owners":["ada"],"rows":2,"status":"succeeded","tools":["duckdb"],"url":"https://lake.example/clean"}`,
		h.api(`{name: .properties.name, owners: .properties.owners, url: .properties.url, rows: .latest_materialization.metadata.rows, status: .latest_materialization.status, tools: .latest_materialization.by_tools}`,
			"GET", "/assets/key?key=s3://lake/clean.csv"))
	h.equal("postgres://db/countries>s3://lake/clean.csv s3://lake/clean.csv>s3://lake/report.csv s3://lake/raw.csv>s3://lake/clean.csv",
		h.api(`map(.upstream + ">" + .downstream) | sort | join(" ")`, "GET", "/assets/latest-dependencies"))
	run := h.api(".[0].id", "POST", "/flow_runs/filter")
	h.equal("s3://lake/clean.csv succeeded, s3://lake/raw.csv succeeded, s3://lake/report.csv failed",
		h.api(`map(.asset_key + " " + .status) | sort | join(", ")`, "GET", "/flow_runs/"+run+"/assets/materializations"))
	h.equal("postgres://db/countries s3://lake/clean.csv s3://lake/raw.csv", h.api(`map(.asset_key) | unique | join(" ")`, "GET", "/flow_runs/"+run+"/assets/references"))
	for _, want := range []string{"postgres://db/countries", "s3://lake/raw.csv", "✗ s3://lake/report.csv"} {
		if out := h.usher.usher("asset", "graph", "s3://lake/clean.csv"); !strings.Contains(out, want) {
			t.Errorf("no %s in\n%s", want, out)
		}
	}
	if out := h.prefect.usher("cloud", "asset", "ls", "--prefix", "s3://lake/r"); !strings.Contains(out, "report.csv") || strings.Contains(out, "clean.csv") {
		t.Errorf("the reference lists\n%s", out)
	}
	h.prefect.usher("cloud", "asset", "delete", "s3://lake/report.csv", "--force")
	h.equal("postgres://db/countries s3://lake/clean.csv s3://lake/raw.csv", h.usher.usher("asset", "ls", "-o", "json", "--jq", `map(.key) | join(" ")`))
	if _, said, err := h.prefect.try("cloud", "asset", "delete", "s3://lake/report.csv", "--force"); err == nil {
		t.Errorf("an asset that is not there is deleted: %s", said)
	}
}

// TestVersionsAndAgreementsOfTheSDK deploys twice with flow.deploy, goes back to the first
// version and runs either; a run that takes too long is told of once, agreements go when a
// deploy has none, and nobody runs what is disabled.
func TestVersionsAndAgreementsOfTheSDK(t *testing.T) {
	t.Parallel()
	h := startHosted(t)
	reference := testkit.Reference(t)
	const agreements = `map(.name + " " + .severity) | sort | join(", ")`
	h.prefect.usher("work-pool", "create", "yard", "--type", "process")
	h.run(reference.Python, "deploy.py", "one", "1", "quick=2", "some day=9000")
	h.equal("quick high, some day high", h.api(agreements, "POST", "/slas/filter"))
	h.run(reference.Python, "deploy.py", "two", "2", "quick=2")
	h.equal("quick high", h.api(agreements, "POST", "/slas/filter"))
	h.equal("two one", h.usher.usher("deployment", "versions", "work/d", "-o", "json", "--jq", `map(.version_info.version) | join(" ")`))

	h.prefect.usher("deployment", "run", "work/d", "--param", "seconds=6")
	h.usher.usher("deployment", "promote", "work/d", "one", "--reason", "two is slow")
	h.prefect.usher("deployment", "run", "work/d")
	h.usher.usher("deployment", "run", "work/d", "--version", "two")
	h.run(reference.Prefect, "worker", "start", "--pool", "yard", "--run-once", "--limit", "5")
	h.eventually("COMPLETED COMPLETED COMPLETED", `map(.state_type) | join(" ")`, "POST", "/flow_runs/filter")
	h.equal("one 1, two 2, two 2", h.api(`map(.deployment_version_info.version + " \(.parameters.n)") | sort | join(", ")`, "POST", "/flow_runs/filter"))
	const violations = `{"filter": {"event": {"name": ["prefect.sla.violation"]}}}`
	slow := h.api(`map(select(.parameters.seconds == 6))[0].id`, "POST", "/flow_runs/filter")
	h.eventually("prefect.flow-run."+slow+" quick high", `[.events[] | .resource["prefect.resource.id"] + " " + .payload.sla_name + " " + .payload.severity] | join(", ")`, "POST", "/events/filter", violations)

	h.run(reference.Python, "deploy.py", "three", "3")
	h.equal("", h.api(agreements, "POST", "/slas/filter"))
	h.usher.usher("deployment", "disable", "work/d")
	if out, said, err := h.prefect.try("deployment", "run", "work/d"); err == nil || !strings.Contains(out+said, "is disabled") {
		t.Errorf("a disabled deployment: %v\n%s%s", err, out, said)
	}
	h.equal("3", h.api(".", "POST", "/flow_runs/count"))
	h.usher.usher("deployment", "enable", "work/d")
	h.prefect.usher("deployment", "run", "work/d")
}

// TestReferenceCommandsOfTheHostedService are the commands of the reference that only the
// hosted service has: webhooks, who may come from where, the API itself and agreements of a
// prefect.yaml.
func TestReferenceCommandsOfTheHostedService(t *testing.T) {
	t.Parallel()
	h := startHosted(t)
	shell := &person{t, "sh", h.environ}
	sayYes := func(command string) {
		t.Helper()
		shell.usher("-c", "yes | "+h.prefect.program+" "+command)
	}

	h.prefect.usher("cloud", "webhook", "create", "hook", "--template", `{"event": "door.opened", "resource": {"prefect.resource.id": "door.{{ body.door }}"}}`)
	hook := h.api(".[0].id", "GET", "/webhooks/")
	slug := func() string { return h.api(".[0].slug", "GET", "/webhooks/") }
	call := func(slug string) string {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, h.URL+"/hooks/"+slug, strings.NewReader(`{"door": 7}`))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/json")
		res, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		return strconv.Itoa(res.StatusCode)
	}
	first := slug()
	h.equal("204", call(first))
	h.eventually("door.7", `[.events[].resource["prefect.resource.id"]] | join(" ")`, "POST", "/events/filter", `{"filter": {"event": {"name": ["door.opened"]}}}`)
	if out := h.prefect.usher("cloud", "webhook", "get", hook); !strings.Contains(out, first) {
		t.Errorf("the webhook is\n%s", out)
	}
	sayYes("cloud webhook rotate " + hook)
	h.equal("404", call(first))
	h.prefect.usher("cloud", "webhook", "toggle", hook)
	h.equal("400", call(slug()))
	h.prefect.usher("cloud", "webhook", "update", hook, "--name", "door")
	if out := h.prefect.usher("cloud", "webhook", "ls"); !strings.Contains(out, "door") {
		t.Errorf("the webhooks are\n%s", out)
	}
	sayYes("cloud webhook delete " + hook)
	h.equal("0", h.api("length", "GET", "/webhooks/"))

	h.prefect.usher("cloud", "ip-allowlist", "add", "192.0.2.1/32", "--description", "office")
	if out, said, err := shell.try("-c", "yes | "+h.prefect.program+" cloud ip-allowlist enable"); err == nil || !strings.Contains(out+said, "not allowed") {
		t.Errorf("somebody locks himself out: %v\n%s%s", err, out, said)
	}
	h.prefect.usher("cloud", "ip-allowlist", "add", "127.0.0.0/8")
	sayYes("cloud ip-allowlist enable")
	if out := h.prefect.usher("cloud", "ip-allowlist", "ls"); !strings.Contains(out, "office") || !strings.Contains(out, "ENABLED") {
		t.Errorf("the list is\n%s", out)
	}
	h.prefect.usher("cloud", "ip-allowlist", "disable")
	h.prefect.usher("cloud", "ip-allowlist", "toggle", "127.0.0.0/8")
	h.prefect.usher("cloud", "ip-allowlist", "remove", "192.0.2.1/32")
	h.equal("127.0.0.0/8 false", h.usher.usher("api", "--account", "GET", "/ip_allowlist", "--jq", `.entries | map("\(.ip_network) \(.enabled)") | join(", ")`))

	for want, args := range map[string][]string{
		"[]":                     {"POST", "/flows/filter"},
		`"ada@example.com"`:      {"GET", "/me/", "--root"},
		`"enforce_ip_allowlist"`: {"GET", "/settings", "--account"},
	} {
		if out := h.prefect.usher(append([]string{"api"}, args...)...); !strings.Contains(out, want) {
			t.Errorf("%v says no %s:\n%s", args, want, out)
		}
	}

	h.prefect.usher("work-pool", "create", "yard", "--type", "process")
	prefect := h.prefect.program
	const names = `map(.name) | join(" ")`
	h.run(prefect, "--no-prompt", "deploy", "--name", "d")
	h.equal("fast", h.api(names, "POST", "/slas/filter"))
	h.run(prefect, "--no-prompt", "deploy", "--name", "d", "--sla", `{"name": "fresh", "stale_after": 3600}`)
	h.equal("fresh", h.api(names, "POST", "/slas/filter"))
}
