//go:build linux

package worker_test

import (
	"bytes"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/client"
	"github.com/usherhq/usher/internal/rules/access"
	"github.com/usherhq/usher/internal/testkit"
)

// tenant is a server with accounts and its first workspace, as its owner sees it.
type tenant struct {
	t               *testing.T
	server          *testkit.Server
	account, key    string
	url             string // of the workspace's API
	root, workspace string
}

func newTenant(t *testing.T) *tenant {
	t.Helper()
	home, program := t.TempDir(), testkit.Usher(t)
	bootstrap := exec.Command(program, "server", "bootstrap", "--email", "ada@example.com", "--account", "acme", "--workspace", "main", "-o", "json")
	bootstrap.Env = testkit.Env(home, "USHER_AUTH_MODE=full")
	out, err := bootstrap.Output()
	if err != nil {
		t.Fatal(err)
	}
	var made struct {
		Account   string `json:"account_id"`
		Workspace string `json:"workspace_id"`
		Key       string `json:"api_key"`
	}
	if err := json.Unmarshal(out, &made); err != nil {
		t.Fatal(err)
	}
	s := testkit.UsherServerIn(t, home, "USHER_AUTH_MODE=full", "PREFECT_SERVER_LOGGING_LEVEL=DEBUG")
	root := s.APIURL() + "/accounts/" + made.Account
	return &tenant{t: t, server: s, account: made.Account, key: made.Key, root: root, url: root + "/workspaces/" + made.Workspace, workspace: made.Workspace}
}

// as asks with a key and reads the answer into a value, unless that is nil.
func (n *tenant) as(key, method, url string, body, into any) int {
	n.t.Helper()
	text, err := json.Marshal(body)
	if err != nil {
		n.t.Fatal(err)
	}
	r, err := http.NewRequestWithContext(n.t.Context(), method, url, bytes.NewReader(text))
	if err != nil {
		n.t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+key)
	r.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		n.t.Fatal(err)
	}
	defer res.Body.Close()
	if into != nil {
		if res.StatusCode >= 300 {
			n.t.Fatalf("%s %s: %s", method, url, res.Status)
		}
		if err := json.UnmarshalRead(res.Body, into); err != nil {
			n.t.Fatal(err)
		}
	}
	return res.StatusCode
}

// bot makes a service account with a role in workspaces and returns its key.
func (n *tenant) bot(role uuid.UUID, workspaces ...string) string {
	n.t.Helper()
	var bot struct {
		ID  string `json:"id"`
		Key struct {
			Key string `json:"key"`
		} `json:"api_key"`
	}
	n.as(n.key, "POST", n.root+"/bots/", map[string]any{"name": uuid.NewString()}, &bot)
	for _, workspace := range workspaces {
		n.as(n.key, "POST", n.root+"/workspaces/"+workspace+"/bot_access/", []any{map[string]any{"bot_id": bot.ID, "workspace_role_id": role.String()}}, &[]any{})
	}
	return bot.Key.Key
}

// sceneAs is a scene in a workspace of the tenant, whose workers have a key.
func (n *tenant) sceneAs(url, key string) *scene {
	n.t.Helper()
	c, err := client.New(client.Options{BaseURL: url, APIKey: n.key, Timeout: 10 * time.Second})
	if err != nil {
		n.t.Fatal(err)
	}
	s := &scene{t: n.t, server: n.server, client: c, home: n.t.TempDir(), python: testkit.Reference(n.t), pool: uuid.NewString()}
	s.env = []string{"PREFECT_API_URL=" + url, "PREFECT_API_KEY=" + key}
	must(n.t, func() error {
		_, err := c.CreateWorkPool(n.t.Context(), &api.WorkPoolCreate{Name: s.pool, Type: api.Some("process")})
		return err
	})
	must(n.t, func() error {
		flow, err := c.CreateFlow(n.t.Context(), &api.FlowCreate{Name: "flow-" + s.pool})
		s.flow = flow.ID
		return err
	})
	return s
}

const everything = `
import os
from prefect import flow, task
from prefect.artifacts import create_markdown_artifact
from prefect.blocks.system import Secret
from prefect.cache_policies import INPUTS
from prefect.concurrency.sync import concurrency, rate_limit
from prefect.deployments import run_deployment
from prefect.variables import Variable

@task(cache_policy=INPUTS, persist_result=True)
def double(x):
    return 2 * x

@task(tags=["limited"])
def tagged():
    return 1

@task(retries=1)
def shaky(path):
    if not os.path.exists(path):
        open(path, "w").close()
        raise ValueError("once")

@flow
def inner():
    return double.submit(3).result()

@flow(log_prints=True, retries=1)
def f():
    token = os.environ["PREFECT_API_KEY"]
    assert token.startswith("prn_"), "no token of the run's own"
    assert double(1) == 2 and double(1) == 2
    with concurrency("slots", occupy=1, strict=True):
        tagged()
    rate_limit("rate")
    shaky("once")
    assert inner() == 6
    create_markdown_artifact("hello", key="note")
    assert Variable.get("greeting") == "hi"
    assert Secret.load("word").get() == "sesame"
    child = run_deployment(name=os.environ["OTHER"], timeout=120, poll_interval=0.5, idempotency_key=os.environ["PREFECT__FLOW_RUN_ID"])
    assert child.state.is_completed(), child.state
    with open(os.environ["TOKEN_FILE"], "w") as out:
        out.write(token)
    print("all went well")
`

// TestRunsHaveTokensOfTheirOwn runs a flow that uses all of the unmodified SDK that talks to
// the API, with our worker on a server with accounts: its program is let in with a token of
// the run's own, which is in no log and no list of processes, and ends with the run.
func TestRunsHaveTokensOfTheirOwn(t *testing.T) {
	t.Parallel()
	n := newTenant(t)
	key := n.bot(access.DeveloperID, n.workspace)
	s := n.sceneAs(n.url, key)
	var block struct {
		ID string `json:"id"`
	}
	var kind, schema struct {
		ID string `json:"id"`
	}
	n.as(n.key, "GET", n.url+"/block_types/slug/secret", nil, &kind)
	var schemas []struct {
		ID string `json:"id"`
	}
	n.as(n.key, "POST", n.url+"/block_schemas/filter", map[string]any{"block_schemas": map[string]any{"block_type_id": map[string]any{"any_": []string{kind.ID}}}}, &schemas)
	schema.ID = schemas[0].ID
	n.as(n.key, "POST", n.url+"/block_documents/", map[string]any{"name": "word", "block_type_id": kind.ID, "block_schema_id": schema.ID, "data": map[string]any{"value": "sesame"}}, &block)
	n.as(n.key, "POST", n.url+"/variables/", map[string]any{"name": "greeting", "value": "hi"}, nil)
	n.as(n.key, "POST", n.url+"/v2/concurrency_limits/", map[string]any{"name": "slots", "limit": 1}, nil)
	n.as(n.key, "POST", n.url+"/v2/concurrency_limits/", map[string]any{"name": "rate", "limit": 100, "slot_decay_per_second": 1.0}, nil)
	n.as(n.key, "POST", n.url+"/concurrency_limits/", map[string]any{"tag": "limited", "concurrency_limit": 1}, nil)
	s.pythonFlow("from prefect import flow\n\n@flow\ndef f():\n    return 1\n")
	other := "flow-" + s.pool + "/python"
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "f.py"), []byte(everything), 0o600); err != nil {
		t.Fatal(err)
	}
	step := map[string]any{"prefect.deployments.steps.set_working_directory": map[string]any{"directory": dir}}
	tokenFile := filepath.Join(t.TempDir(), "token")
	main := s.deploy(&api.DeploymentCreate{
		Name: "everything", FlowID: s.flow, WorkPoolName: api.Some(s.pool), Entrypoint: api.Some("f.py:f"), PullSteps: api.Some([]jsontext.Value{value(t, step)}),
		JobVariables: api.Some(value(t, map[string]any{"env": map[string]string{"OTHER": other, "TOKEN_FILE": tokenFile}})),
	})
	w := s.worker("w")
	run := s.run(main, nil)
	s.ends(run, api.StateTypeCompleted)
	s.logged(run, "all went well")
	testkit.Eventually(t, patience, func() error {
		tasks, err := s.client.ReadTaskRuns(t.Context(), &api.ReadTaskRunsRequest{FlowRuns: &api.FlowRunFilter{ID: &api.Match[uuid.UUID]{Any: []uuid.UUID{run}}}})
		done := 0
		for _, task := range tasks {
			if task.StateType != nil && *task.StateType == api.StateTypeCompleted {
				done++
			}
		}
		if err == nil && done < 6 { // double twice, tagged, shaky, inner, run_deployment
			err = fmt.Errorf("%d of %d task runs are completed", done, len(tasks))
		}
		return err
	})
	secret, err := os.ReadFile(tokenFile)
	if err != nil {
		t.Fatal(err)
	}
	token := string(secret)
	for what, text := range map[string]string{"the worker's log": w.Log(), "the server's log": n.server.Log(), "the run's log": s.logs(run)} {
		if strings.Contains(text, token) {
			t.Errorf("the token is in %s", what)
		}
	}
	// It has ended with the run: within a minute, whatever a server remembers.
	testkit.Eventually(t, patience, func() error {
		if status := n.as(token, "GET", n.url+"/flow_runs/"+run.String(), nil, nil); status != http.StatusUnauthorized {
			return fmt.Errorf("the token of a run that has ended is answered %d", status)
		}
		return nil
	})
}

// tellToken is a flow that uses its token, writes it down and says how it was started.
const tellToken = `
import os
from prefect import flow
from prefect.variables import Variable

@flow(log_prints=True)
def f(how: str = "", mark: str = ""):
    cmdline = open("/proc/self/cmdline").read()
    with open(mark, "w") as out:
        out.write(os.environ["PREFECT_API_KEY"] + " " + str("warm.py" in cmdline) + " " + Variable.get("greeting"))
`

// TestWarmInterpretersGetTokensOfTheirRuns runs a flow twice on a server with accounts, the
// second time with an interpreter that was made ready before that run had a token.
func TestWarmInterpretersGetTokensOfTheirRuns(t *testing.T) {
	t.Parallel()
	n := newTenant(t)
	s := n.sceneAs(n.url, n.bot(access.DeveloperID, n.workspace))
	n.as(n.key, "POST", n.url+"/variables/", map[string]any{"name": "greeting", "value": "hi"}, nil)
	w := &warmth{scene: s, keeps: 1}
	w.worker = s.worker("w", "--warm-interpreters", "1")
	w.deployment = s.pythonFlow(tellToken)
	tokens := map[string]bool{}
	for _, warm := range []string{"False", "True"} {
		run, mark := w.look("")
		s.ends(run, api.StateTypeCompleted)
		said, err := os.ReadFile(mark)
		if err != nil {
			t.Fatal(err)
		}
		words := strings.Fields(string(said))
		if len(words) != 3 || !strings.HasPrefix(words[0], "prn_") || words[1] != warm || words[2] != "hi" {
			t.Fatalf("the flow said %q, want a token of its own, %s and hi", said, warm)
		}
		tokens[words[0]] = true
		w.awaitWarm()
		if seen := argumentsWith(t, words[0]); len(seen) > 0 {
			t.Errorf("the token is in the arguments of processes: %v", seen)
		}
		for _, dir := range w.warm() {
			filepath.WalkDir(dir, func(path string, entry os.DirEntry, err error) error { //nolint:errcheck // what is gone holds nothing
				if data, err := os.ReadFile(path); err == nil && strings.Contains(string(data), words[0]) {
					t.Errorf("the token is kept in %s", path)
				}
				return err
			})
		}
		testkit.Eventually(t, patience, func() error {
			if status := n.as(words[0], "GET", n.url+"/flow_runs/"+run.String(), nil, nil); status != http.StatusUnauthorized {
				return fmt.Errorf("the token of a run that has ended is answered %d", status)
			}
			return nil
		})
	}
	if len(tokens) != 2 {
		t.Error("two runs had one token")
	}
}

// TestProgramsRunOnAccounts runs a program with tasks and cancels another.
func TestProgramsRunOnAccounts(t *testing.T) {
	t.Parallel()
	n := newTenant(t)
	s := n.sceneAs(n.url, n.bot(access.DeveloperID, n.workspace))
	s.worker("w")
	done := s.run(s.program(`echo "::begin:: load"; echo "::end:: load"; echo "key ${PREFECT_API_KEY:-none}"`), nil)
	s.ends(done, api.StateTypeCompleted)
	s.did(done, "load Completed")
	s.logged(done, "key none")
	mark := filepath.Join(t.TempDir(), "pid")
	long := s.run(s.named("long", `echo "::begin:: wait"; echo $$ > `+mark+`; sleep 600`), nil)
	pidIn(t, mark)
	s.logged(long, "Task wait begins")
	s.cancel(long)
	s.ends(long, api.StateTypeCancelled)
	s.did(long, "wait Cancelled The program ended within the task.")
}

// TestSchedulesRunOnAccounts has our worker, let in as a worker and nothing more, run the runs
// of a schedule, and end a Python flow that is cancelled.
func TestSchedulesRunOnAccounts(t *testing.T) {
	t.Parallel()
	n := newTenant(t)
	s := n.sceneAs(n.url, n.bot(access.WorkerID, n.workspace))
	scheduled := s.deploy(&api.DeploymentCreate{
		Name: "scheduled", FlowID: s.flow, WorkPoolName: api.Some(s.pool), Entrypoint: api.Some("./program"), PullSteps: api.Some([]jsontext.Value{}),
		JobVariables: api.Some(value(t, map[string]any{"command": "usher exec -- true"})),
		Schedules:    api.Some([]api.DeploymentScheduleCreate{{Schedule: value(t, map[string]any{"interval": 5})}}),
	})
	long := s.pythonFlow("import time\nfrom prefect import flow\n\n@flow(log_prints=True)\ndef f():\n    print(\"begun\")\n    time.sleep(600)\n")
	s.worker("w")
	run := s.run(long, nil)

	done := &api.ReadFlowRunsRequest{
		Deployments: &api.DeploymentFilter{ID: &api.Match[uuid.UUID]{Any: []uuid.UUID{scheduled}}},
		FlowRuns:    &api.FlowRunFilter{State: &api.FlowRunFilterState{Type: &api.Match[api.StateType]{Any: []api.StateType{api.StateTypeCompleted}}}},
	}
	testkit.Eventually(t, patience, func() error {
		runs, err := s.client.ReadFlowRuns(t.Context(), done)
		if err == nil && len(runs) < 2 {
			err = fmt.Errorf("%d runs of the schedule are completed", len(runs))
		}
		for _, run := range runs {
			if !run.AutoScheduled {
				t.Errorf("run %s is not of the schedule", run.ID)
			}
		}
		return err
	})

	s.logged(run, "begun")
	s.cancel(run)
	s.ends(run, api.StateTypeCancelled)
	if names := s.states(run); !strings.HasSuffix(names, "Cancelling Cancelled") {
		t.Errorf("the states of the cancelled run are %s", names)
	}
}
